//! Steps by frame pointer: r7 in Thumb code, r11 where the AAPCS frame chain is kept.
//!
//! A frame record is two words: the caller's frame pointer and the return address, as Clang and rustc lay it out
//! (AAPCS32, section 6.2.1.4). GCC's Thumb code points r7 at its locals instead: then the second word is no return
//! address and the record is refused.

use super::code::Code;
use crate::model::registers::{Reg, RegValue, RegisterSet};

/// Frame pointers that are tried, the usual one first.
const FRAME_POINTERS: [Reg; 2] = [Reg(7), Reg(11)];

/// A record further than this from SP is no frame of this function.
const MAX_FRAME_BYTES: u64 = 16 * 1024;

/// The caller's registers by a frame record; `None` when no register points to one.
pub(super) fn step(regs: &RegisterSet, code: &Code<'_, '_>) -> Option<RegisterSet> {
    FRAME_POINTERS
        .into_iter()
        .find_map(|pointer| by_record(pointer, regs, code))
}

fn by_record(pointer: Reg, regs: &RegisterSet, code: &Code<'_, '_>) -> Option<RegisterSet> {
    let sp = regs.sp()?;
    let record = regs.known(pointer)?;
    if record % 4 != 0 || !(sp..sp.saturating_add(MAX_FRAME_BYTES)).contains(&record) {
        return None;
    }
    let previous = code.memory.read_u32(record).ok()?;
    let return_word = code.memory.read_u32(record.checked_add(4)?).ok()?;
    if !code.is_return_address(return_word) && !code.is_planted(u64::from(return_word & !1)) {
        return None;
    }
    let mut caller = unknown_caller();
    caller.set_known(pointer, previous);
    caller.set_known(Reg::PC, return_word & !1);
    caller.set_known(Reg::SP, record.checked_add(8)?);
    Some(caller)
}

/// The registers of a caller of which nothing is known: its scratch registers are gone, its saved ones are somewhere on
/// the stack, nobody knows where.
pub(super) fn unknown_caller() -> RegisterSet {
    let mut regs = RegisterSet::default();
    for reg in [Reg(0), Reg(1), Reg(2), Reg(3), Reg(12), Reg::LR] {
        regs.set(reg, RegValue::Clobbered);
    }
    regs
}

//! Steps by frame pointer: a register that points to where the caller's one and the return address lie.
//!
//! Which register and where is the family's ([`Abi::frame_records`](super::abi::Abi::frame_records)). Code that uses
//! the register for something else has no return address there, and the record is refused.

use super::abi::{self, FrameRecord};
use super::code::Code;
use crate::model::registers::RegisterSet;

/// A record further than this from SP is no frame of this function.
const MAX_FRAME_BYTES: u64 = 16 * 1024;

/// The caller's registers by a frame record; `None` when no register points to one.
pub(super) fn step(regs: &RegisterSet, code: &Code<'_, '_>) -> Option<RegisterSet> {
    code.abi
        .frame_records()
        .iter()
        .find_map(|record| by_record(*record, regs, code))
}

fn by_record(record: FrameRecord, regs: &RegisterSet, code: &Code<'_, '_>) -> Option<RegisterSet> {
    let sp = regs.sp()?;
    let pointer = regs.known(record.pointer)?;
    if pointer % 4 != 0 || !(sp..sp.saturating_add(MAX_FRAME_BYTES)).contains(&pointer) {
        return None;
    }
    let word = |offset: i64| {
        let addr = pointer.checked_add_signed(offset)?;
        code.memory.read_u32(addr).ok()
    };
    let previous = word(record.previous)?;
    let return_word = word(record.return_address)?;
    let return_addr = code.abi.code_address(u64::from(return_word));
    if code.return_address(return_word).is_none() && !code.is_planted(return_addr) {
        return None;
    }
    let mut caller = abi::unknown_caller(regs.file());
    caller.set_known(record.pointer, previous);
    caller.set_pc(return_addr);
    caller.set_sp(pointer.checked_add_signed(record.caller_sp)?);
    Some(caller)
}

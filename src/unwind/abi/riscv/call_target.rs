//! Where the call before a return address leads.
//!
//! The RISC-V Instruction Set Manual, volume I, 2.5 and 27.4: JAL and `c.jal`, and AUIPC with
//! JALR for what is further away than 1 MiB.

use super::instruction::{Op, decode};
use crate::unwind::code::Code;

/// The target of the call before `return_addr`; `None` when a register decides.
pub(super) fn of(return_addr: u64, code: &Code<'_, '_>) -> Option<u64> {
    let word = |back: u64| {
        let at = return_addr.checked_sub(back)?;
        let low = code.half_word(at)?;
        let high = code.half_word(at.checked_add(2)?)?;
        Some((at, u32::from(low) | u32::from(high) << 16))
    };
    let jump = |back: u64, first: u16, second: Option<u16>| {
        let (op, len) = decode(return_addr.checked_sub(back)?, first, second)?;
        match op {
            Op::Jump { rd: 1, target } if len == back => Some(target),
            _ => None,
        }
    };
    let half = |back: u64| code.half_word(return_addr.checked_sub(back)?);
    let last = half(2)?;
    if let Some(target) = half(4).and_then(|first| jump(4, first, Some(last))) {
        return Some(target);
    }
    if let Some(target) = jump(2, last, None) {
        return Some(target);
    }
    let (_, call) = word(4)?;
    // rd = ra, opcode JALR, behind an AUIPC of the same register
    let (base, upper) = word(8)?;
    let is_pair = call & 0x7FFF == 0x00E7 && upper & 0x7F == 0x17;
    if is_pair && (upper >> 7) & 0x1F == (call >> 15) & 0x1F {
        let target = relative(base, upper & 0xFFFF_F000);
        return Some(relative(target, sign_extended(call >> 20, 11)));
    }
    None
}

fn sign_extended(value: u32, sign_bit: u32) -> u32 {
    let sign = 1 << sign_bit;
    (value ^ sign).wrapping_sub(sign)
}

/// `addr` + `offset` in 32 bits.
fn relative(addr: u64, offset: u32) -> u64 {
    addr.wrapping_add(u64::from(offset)) & 0xFFFF_FFFF
}

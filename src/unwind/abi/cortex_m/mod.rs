//! Cortex-M: Thumb addresses, hardware exception frames, `EXC_RETURN`.

mod exception_entry;

use super::{Abi, FrameRecord};
use crate::arch::cortex_m::ExcReturn;
use crate::model::registers::{Reg, RegisterSet};
use crate::unwind::code::Code;
use crate::unwind::vectors;
use crate::unwind::walk::{Found, PhysicalFrame, StopReason, Walker};
use std::ops::Range;

/// Cortex-M.
#[derive(Debug)]
pub(super) struct CortexM;

/// Return addresses that mean "nobody": zero, erased and the fill patterns of RTOS stacks, with the Thumb bit set.
const NOBODY: [u32; 7] = [
    0x0000_0001,
    0xA5A5_A5A5,
    0xAAAA_AAAB,
    0xCCCC_CCCD,
    0xCDCD_CDCD,
    0xEFEF_EFEF,
    0xFFFF_FFFF,
];

/// Registers that a call does not change and that no unwind rule speaks of.
const SPECIAL: [Reg; 9] = [
    Reg::XPSR,
    Reg::MSP,
    Reg::PSP,
    Reg::EXC_RETURN,
    Reg::CONTROL,
    Reg::PRIMASK,
    Reg::BASEPRI,
    Reg::FAULTMASK,
    Reg::FPSCR,
];

/// r7 in Thumb code, r11 where the AAPCS frame chain is kept.
///
/// Two words at the frame pointer: the caller's and the return address, as Clang and rustc lay them out (AAPCS32,
/// section 6.2.1.4). GCC's Thumb code points r7 at its locals instead: then the second word is no return address and
/// the record is refused.
const FRAME_RECORDS: [FrameRecord; 2] = [record(7), record(11)];

const fn record(pointer: u16) -> FrameRecord {
    FrameRecord {
        pointer: Reg(pointer),
        previous: 0,
        return_address: 4,
        caller_sp: 8,
    }
}

/// Without symbols, what is below this can be code: flash and ROM (`ARMv7-M` ARM B3.1, the code region).
const END_OF_CODE_REGION: u64 = 0x2000_0000;

/// Where a BL before `return_addr` leads (encoding T1, `ARMv8-M` ARM C2.4.17): bits S:I1:I2:imm10:imm11:0, relative to the
/// instruction's own address plus 4.
fn bl_target(return_addr: u64, first: u16, last: u16) -> u64 {
    let (first, last) = (u32::from(first), u32::from(last));
    let sign = (first >> 10) & 1;
    let bit = |at: u32| (last >> at) & 1 ^ sign ^ 1;
    let offset = (sign << 24)
        | (bit(13) << 23)
        | (bit(11) << 22)
        | ((first & 0x3FF) << 12)
        | ((last & 0x7FF) << 1);
    let offset = (offset << 7).cast_signed() >> 7;
    return_addr.wrapping_add_signed(i64::from(offset)) & 0xFFFF_FFFF
}

impl Abi for CortexM {
    fn code_address(&self, value: u64) -> u64 {
        value & !1
    }

    fn can_be_return_address(&self, word: u32) -> bool {
        word & 1 == 1
    }

    fn can_be_code(&self, addr: u64) -> bool {
        addr < END_OF_CODE_REGION
    }

    /// BL, BLX or BLXNS (`ARMv8-M` ARM C2.4.17, C2.4.18, C2.4.20).
    fn follows_call(&self, return_addr: u64, code: &Code<'_, '_>) -> bool {
        let half = |back: u64| {
            return_addr
                .checked_sub(back)
                .and_then(|a| code.half_word(a))
        };
        let Some(last) = half(2) else {
            return false;
        };
        // 010001111 Rm x00: BLX Rm, BLXNS Rm
        if last & 0xFF83 == 0x4780 {
            return true;
        }
        // 11110 S imm10, 11 J1 1 J2 imm11: BL
        last & 0xD000 == 0xD000 && half(4).is_some_and(|first| first & 0xF800 == 0xF000)
    }

    fn call_target(&self, return_addr: u64, code: &Code<'_, '_>) -> Option<u64> {
        let half = |back: u64| code.half_word(return_addr.checked_sub(back)?);
        let (first, last) = (half(4)?, half(2)?);
        (first & 0xF800 == 0xF000 && last & 0xD000 == 0xD000)
            .then(|| bl_target(return_addr, first, last))
    }

    /// `ARMv8-M` ARM C2.1.1.
    fn instruction_bytes(&self, first: u16) -> Option<u64> {
        Some(if first >> 11 >= 0b11101 { 4 } else { 2 })
    }

    fn is_nobody(&self, return_addr: u64) -> bool {
        u32::try_from(return_addr | 1).is_ok_and(|word| NOBODY.contains(&word))
    }

    fn entry_functions(&self) -> &'static [&'static str] {
        &["z_arm_reset", "z_arm_thread_entry"]
    }

    fn special_registers(&self) -> &'static [Reg] {
        &SPECIAL
    }

    fn frame_records(&self) -> &'static [FrameRecord] {
        &FRAME_RECORDS
    }

    fn initial_stack(&self, code: &Code<'_, '_>) -> Option<u64> {
        vectors::initial_main_stack(code)
    }

    fn exception_return(
        &self,
        walker: &mut Walker<'_, '_, '_>,
        frame: &PhysicalFrame,
        after: &RegisterSet,
        return_value: u64,
    ) -> Option<Result<Found, StopReason>> {
        let exc = ExcReturn::from_address(return_value)?;
        Some(walker.exception(frame, after, exc))
    }

    fn exception_on_stack(
        &self,
        walker: &mut Walker<'_, '_, '_>,
        frame: &PhysicalFrame,
        area: Range<u64>,
    ) -> Option<Result<Found, StopReason>> {
        walker.pushed_exception(frame, area)
    }
}

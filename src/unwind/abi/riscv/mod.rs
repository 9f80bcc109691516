//! RISC-V, 32 bit: the return address is in ra, a trap leaves the interrupted program counter in `mepc` and nothing on the
//! stack. What a trap entry saved is known from its code.
//!
//! Sources: RISC-V psABI (register conventions, frame record below s0), The RISC-V Instruction Set Manual, volume I.

mod call_target;
mod instruction;
mod saved;
mod trap;

use super::{Abi, FrameRecord};
use crate::model::registers::{Reg, RegValue, RegisterSet};
use crate::unwind::code::Code;
use crate::unwind::walk::{Found, PhysicalFrame, StopReason, Walker};

/// RISC-V.
#[derive(Debug)]
pub(super) struct Riscv;

/// ra.
const RA: Reg = Reg(1);
/// gp.
const GP: Reg = Reg(3);

/// Return addresses that mean "nobody": zero, erased and the fill patterns of RTOS stacks, with bit 0 set.
const NOBODY: [u32; 7] = [
    0x0000_0001,
    0xA5A5_A5A5,
    0xAAAA_AAAB,
    0xCCCC_CCCD,
    0xCDCD_CDCD,
    0xEFEF_EFEF,
    0xFFFF_FFFF,
];

/// gp, tp and the control and status registers.
const SPECIAL: [Reg; 10] = [
    Reg(3),
    Reg(4),
    Reg::MSTATUS,
    Reg::MTVEC,
    Reg::MSCRATCH,
    Reg::MEPC,
    Reg::MCAUSE,
    Reg::MTVAL,
    Reg::MIP,
    Reg::MHARTID,
];

/// s0 is the stack pointer of the caller; the return address and the caller's s0 lie below it.
const FRAME_RECORDS: [FrameRecord; 1] = [FrameRecord {
    pointer: Reg(8),
    previous: -8,
    return_address: -4,
    caller_sp: 0,
}];

/// Mask ROM of Espressif's chips (technical reference manuals, "Address Mapping"), the second one of the ESP32-P4.
const ROMS: [std::ops::Range<u64>; 2] = [0x4000_0000..0x4007_0000, 0x4FC0_0000..0x4FC2_0000];

/// Functions from which threads start. Sorted.
const ENTRY_FUNCTIONS: [&str; 6] = [
    "call_start_cpu0",
    "call_start_cpu1",
    "nx_start",
    "nxtask_start",
    "pthread_task_func",
    "vPortTaskWrapper",
];

impl Abi for Riscv {
    fn code_address(&self, value: u64) -> u64 {
        value & !1
    }

    fn can_be_return_address(&self, word: u32) -> bool {
        word & 1 == 0 && word != 0
    }

    fn can_be_code(&self, addr: u64) -> bool {
        addr != 0
    }

    /// JAL or JALR with ra as destination, `c.jal`, `c.jalr` (volume I, 2.5 and 27.4).
    fn follows_call(&self, return_addr: u64, code: &Code<'_, '_>) -> bool {
        let half = |back: u64| {
            return_addr
                .checked_sub(back)
                .and_then(|a| code.half_word(a))
        };
        let Some(last) = half(2) else {
            return false;
        };
        let is_full_call = half(4).is_some_and(|first| {
            // rd = ra, opcode JAL; rd = ra, funct3 = 0, opcode JALR
            first & 0x0FFF == 0x00EF || first & 0x7FFF == 0x00E7
        });
        let is_jalr = last & 0xF07F == 0x9002 && last & 0x0F80 != 0;
        is_full_call || is_jalr || last & 0xE003 == 0x2001
    }

    fn is_code_without_symbols(&self, addr: u64) -> bool {
        ROMS.iter().any(|rom| rom.contains(&addr))
    }

    fn call_target(&self, return_addr: u64, code: &Code<'_, '_>) -> Option<u64> {
        call_target::of(return_addr, code)
    }

    fn is_nobody(&self, return_addr: u64) -> bool {
        u32::try_from(return_addr | 1).is_ok_and(|word| NOBODY.contains(&word))
    }

    fn ends_where_return_address_is_lost(&self) -> bool {
        true
    }

    fn entry_functions(&self) -> &'static [&'static str] {
        &ENTRY_FUNCTIONS
    }

    fn special_registers(&self) -> &'static [Reg] {
        &SPECIAL
    }

    fn frame_records(&self) -> &'static [FrameRecord] {
        &FRAME_RECORDS
    }

    fn own_step(
        &self,
        walker: &mut Walker<'_, '_, '_>,
        frame: &mut PhysicalFrame,
    ) -> Option<Result<Found, StopReason>> {
        trap::step(walker, frame)
    }

    fn exception_name(&self, frame: &PhysicalFrame, code: &Code<'_, '_>) -> String {
        trap::name(None, frame, frame.lookup, code)
    }

    /// The caller by what the function's own code has stored.
    fn caller_by_code(&self, frame: &PhysicalFrame, code: &Code<'_, '_>) -> Option<RegisterSet> {
        let function = code.function(frame.lookup)?;
        let is_innermost = frame.lookup == frame.pc;
        let mut saved = {
            let gp = frame.registers.known(GP);
            saved::follow(function.start, frame.pc, gp, code)?
        };
        saved.resolve(&frame.registers, is_innermost, code);
        let found = saved.registers(RegValue::NotStored);
        found.sp()?;
        let ra = found
            .known(RA)
            .filter(|_| is_innermost || saved.has_return_address())?;
        let word = u32::try_from(ra).ok()?;
        if code.return_address(word).is_none() && !code.is_planted(ra) && !self.is_nobody(ra) {
            return None;
        }
        let mut caller = super::unknown_caller(found.file());
        for (reg, value) in found.iter() {
            if !found.file().is_call_clobbered(reg) {
                caller.set(reg, value);
            }
        }
        caller.set_pc(self.code_address(ra));
        Some(caller)
    }
}

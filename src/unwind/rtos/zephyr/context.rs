//! Registers of a thread that is not running, from what the context switch left in its control block.
//!
//! Cortex-M (`arch/arm/core/cortex_m/swap_helper.S`): r4-r11 and PSP in `callee_saved`, the hardware exception frame at
//! PSP, s16-s31 in `arch.preempt_float`, the low byte of `EXC_RETURN` in `arch.mode_exc_return` where there is an FPU.
//! RISC-V (`arch/riscv/core/switch.S`): sp, ra and s0-s11; the thread goes on at ra, where it had called the switch.

use super::layout::ThreadLayout;
use crate::arch::cortex_m::{ExcReturn, XPSR_EXCEPTION, XPSR_RESERVED, XPSR_THUMB};
use crate::model::{
    arch::Arch,
    memory::Memory,
    register_file::RegisterFile,
    registers::{Reg, RegValue, RegisterSet},
};
use crate::symbols::symbol_set::SymbolSet;
use crate::unwind::exception_frame;
use crate::unwind::rtos::field::Field;

/// `EXC_RETURN` of a thread without floating-point state; its upper bytes are always the same.
const BASIC_EXC_RETURN: u32 = 0xFFFF_FFFD;

/// The registers that the thread will continue with, or `None` when they do not make sense.
pub(super) fn saved_registers(
    thread: u64,
    layout: &ThreadLayout,
    arch: Arch,
    symbols: &SymbolSet<'_>,
    memory: &dyn Memory,
) -> Option<RegisterSet> {
    let registers = match arch {
        Arch::Riscv32 => riscv(thread, layout, memory)?,
        Arch::Arm | Arch::ArmV6M | Arch::ArmV7M | Arch::ArmV8M => cortex_m(thread, layout, memory)?,
        Arch::Xtensa | Arch::Aarch64 | Arch::X86_64 | Arch::Other => return None,
    };
    let pc = registers.pc()?;
    let is_in_code = symbols.infos.iter().any(|i| i.file().contains_code(pc));
    is_in_code.then_some(registers)
}

fn cortex_m(thread: u64, layout: &ThreadLayout, memory: &dyn Memory) -> Option<RegisterSet> {
    let mut registers = RegisterSet::default();
    for (n, field) in (4_u16..).zip(&layout.callee_saved) {
        let value = u32::try_from(field.read(thread, memory)?).ok()?;
        registers.set_known(Reg::r(n), value);
    }
    let exc_return = layout
        .exc_return
        .and_then(|field| field.read(thread, memory))
        .and_then(|byte| u32::try_from(byte).ok())
        .map_or(BASIC_EXC_RETURN, |byte| (u32::MAX << 8) | byte);
    // A thread that never ran has a zero there.
    let exc_return = if ExcReturn(exc_return).is_valid() {
        exc_return
    } else {
        BASIC_EXC_RETURN
    };
    if let Some(s16) = layout.s16
        && ExcReturn(exc_return).has_fp_frame()
    {
        for n in 0..16_u16 {
            let field = Field {
                offset: s16.offset.checked_add(4 * u64::from(n))?,
                size: 4,
            };
            if let Some(value) = field.read(thread, memory) {
                registers.set_known(Reg::s(16 + n), value);
            }
        }
    }
    let psp = layout.stack_pointer?.read(thread, memory)?;
    let mut registers = exception_frame::pop(psp, Some(exc_return), &registers, memory)?;
    let xpsr = u32::try_from(registers.known(Reg::XPSR)?).ok()?;
    if xpsr & (XPSR_RESERVED | XPSR_EXCEPTION) != 0 || xpsr & XPSR_THUMB == 0 {
        return None;
    }
    registers.set(Reg::MSP, RegValue::NotStored);
    if let Some(sp) = registers.sp() {
        registers.set_known(Reg::PSP, sp);
    }
    Some(registers)
}

fn riscv(thread: u64, layout: &ThreadLayout, memory: &dyn Memory) -> Option<RegisterSet> {
    let mut registers = RegisterSet::new(RegisterFile::Riscv);
    let numbers = [8, 9].into_iter().chain(18..=27).map(Reg);
    for (reg, field) in numbers.zip(&layout.callee_saved) {
        registers.set_known(reg, field.read(thread, memory)?);
    }
    let return_address = layout.return_address?.read(thread, memory)?;
    registers.set_known(Reg(1), return_address);
    registers.set_pc(return_address);
    registers.set_sp(layout.stack_pointer?.read(thread, memory)?);
    Some(registers)
}

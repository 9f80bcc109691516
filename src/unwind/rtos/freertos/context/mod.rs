//! Registers of a task that is not running, from what the port's context switch left behind. One file a family of ports.

mod cortex_m;
mod cortex_m_mpu;
mod riscv;

use super::layout::TcbLayout;
use crate::model::{arch::Arch, memory::Memory, registers::RegisterSet};
use crate::symbols::symbol_set::SymbolSet;

/// The registers that the task at `tcb` will continue with; `top` is its `pxTopOfStack`. `None` when no port's context is there.
pub(super) fn saved_registers(
    tcb: u64,
    top: u64,
    layout: &TcbLayout,
    symbols: &SymbolSet<'_>,
    memory: &dyn Memory,
) -> Option<RegisterSet> {
    let arch = symbols.infos.first().map(|info| info.file().arch());
    if arch == Some(Arch::Riscv32) {
        return riscv::saved_registers(top, symbols, memory);
    }
    match layout.mpu_context {
        Some(context) => cortex_m_mpu::saved_registers(tcb, top, context, symbols, memory)
            .or_else(|| cortex_m::saved_registers(top, symbols, memory)),
        None => cortex_m::saved_registers(top, symbols, memory),
    }
}

//! Fault status registers that were captured as memory (the System Control Space of a Cortex-M).

use crate::model::{
    coredump::FaultRegisters,
    memory::{Memory as _, MemoryMap},
};

/// Adds the fault registers whose addresses lie in captured memory. Values that are there stay.
pub(super) fn add_from_memory(fault: &mut FaultRegisters, memory: &MemoryMap) {
    for (name, addr) in FaultRegisters::NAMES {
        if let Ok(value) = memory.read_u32(addr) {
            fault.values.entry(name).or_insert(value);
        }
    }
}

//! Threads and objects of an RTOS, read from the target's memory: one file or folder an RTOS, one line in [`RTOSES`].
//!
//! Must never do: walk a stack.

mod field;
pub mod freertos;
pub mod zephyr;

use crate::model::{
    memory::Memory, registers::RegisterSet, report::ThreadState, rtos_objects::RtosObject,
    warning::Warning,
};
use crate::symbols::symbol_set::SymbolSet;
use std::ops::Range;

/// An RTOS whose threads can be read.
pub trait Rtos: Sync {
    /// Stable id, lower case.
    fn id(&self) -> &'static str;
    /// Name on screen.
    fn label(&self) -> &'static str;
    /// The threads; `None` when this RTOS is not in the symbol files.
    fn threads(&self, symbols: &SymbolSet<'_>, memory: &dyn Memory) -> Option<RtosThreads>;
    /// Queues, mutexes, timers and the like; nothing where an RTOS has not learnt to show them.
    fn objects(
        &self,
        _symbols: &SymbolSet<'_>,
        _memory: &dyn Memory,
        _threads: &RtosThreads,
    ) -> RtosObjects {
        RtosObjects::default()
    }
    /// Threads and objects; for an RTOS that can read both in one go.
    fn state(&self, symbols: &SymbolSet<'_>, memory: &dyn Memory) -> Option<RtosState> {
        let threads = self.threads(symbols, memory)?;
        let objects = self.objects(symbols, memory, &threads);
        Some(RtosState { threads, objects })
    }
}

/// Every RTOS, by id.
pub static RTOSES: &[&dyn Rtos] = &[&freertos::FreeRtos, &zephyr::Zephyr];

/// What could be read of everything that is no thread.
#[derive(Clone, Debug, Default)]
pub struct RtosObjects {
    /// By kind and name.
    pub objects: Vec<RtosObject>,
    /// What was missing or broken.
    pub warnings: Vec<Warning>,
}

/// Threads and objects of one RTOS.
#[derive(Clone, Debug, Default)]
pub struct RtosState {
    /// The threads.
    pub threads: RtosThreads,
    /// Everything else.
    pub objects: RtosObjects,
}

/// What could be read of the threads.
#[derive(Clone, Debug, Default)]
pub struct RtosThreads {
    /// In the order in which they were found: by priority, then by list.
    pub threads: Vec<RtosThread>,
    /// Id of the thread that was running; `None` when that is not known, or the scheduler had not started.
    pub current: Option<u64>,
    /// What was missing or broken.
    pub warnings: Vec<Warning>,
}

/// One thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtosThread {
    /// Address of its control block.
    pub id: u64,
    /// Its name.
    pub name: Option<String>,
    /// What it is doing.
    pub state: ThreadState,
    /// Priority in the RTOS's own numbers.
    pub priority: Option<u32>,
    /// What it waits on, in words.
    pub waits_on: Option<String>,
    /// Lowest address of its stack, and where its stack begins to grow from.
    pub stack: Option<Range<u64>>,
    /// The stack pointer that was saved when it was switched out; stale for the running one.
    pub stack_pointer: Option<u64>,
    /// Bytes of its stack that were never written.
    pub stack_unused_min: Option<u64>,
    /// Registers at the switch; `None` for a running thread and where no saved context could be made out.
    pub saved: Option<RegisterSet>,
}

impl RtosThread {
    /// Bytes of the stack in use with the stack pointer at `sp`; more than the stack when it has overflowed.
    pub fn stack_used(&self, sp: u64) -> Option<u64> {
        self.stack.as_ref()?.end.checked_sub(sp)
    }
}

/// The threads of the first RTOS that is in the symbol files.
pub fn threads(symbols: &SymbolSet<'_>, memory: &dyn Memory) -> Option<RtosThreads> {
    RTOSES.iter().find_map(|rtos| rtos.threads(symbols, memory))
}

/// Threads and objects of the first RTOS that is in the symbol files.
pub fn read(symbols: &SymbolSet<'_>, memory: &dyn Memory) -> Option<RtosState> {
    RTOSES.iter().find_map(|rtos| rtos.state(symbols, memory))
}

#[cfg(test)]
mod tests {
    use super::RTOSES;

    #[test]
    fn the_registry_is_sorted_by_unique_ids() {
        assert!(
            RTOSES
                .windows(2)
                .all(|pair| matches!(pair, [a, b] if a.id() < b.id()))
        );
    }
}

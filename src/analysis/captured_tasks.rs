//! Tasks that a dump lists by itself, together with what the RTOS's memory says of them.
//!
//! An ESP-IDF dump holds each task's registers, stack and control block, but of the kernel's own variables nothing (unless
//! it was configured to): the RTOS reader finds the control blocks, and neither who was running nor what was saved.

use crate::model::coredump::{CapturedThread, Coredump};
use crate::model::memory::MemoryMap;
use crate::model::report::ThreadState;
use crate::model::warning::Warning;
use crate::symbols::symbol_set::SymbolSet;
use crate::unwind::rtos::{RtosThread, RtosThreads};

/// Warnings of the RTOS reader that only say that the kernel's variables are not in the dump.
const LIST_WARNINGS: [&str; 4] = ["FS-RTOS-002", "FS-RTOS-003", "FS-RTOS-004", "FS-RTOS-005"];

/// The tasks of the dump and of the RTOS as one list. A dump that names no task by its control block leaves the
/// RTOS's list as it is.
pub(super) fn merge(dump: &Coredump, rtos: Option<RtosThreads>) -> Option<RtosThreads> {
    if !dump.threads.iter().any(|thread| thread.stack.is_some()) {
        return rtos.map(|rtos| with_other_cpus(dump, rtos));
    }
    let mut merged = rtos.unwrap_or_default();
    for captured in &dump.threads {
        let Some(id) = captured.id else { continue };
        match merged.threads.iter_mut().find(|task| task.id == id) {
            Some(task) => complete(task, captured),
            None => merged.threads.push(task_of(id, captured)),
        }
    }
    // The dump says itself which task crashed, whatever another core was doing.
    let crashed = dump.threads.first();
    merged.current = crashed.and_then(|thread| thread.id);
    let is_listed_by_dump =
        |task: &RtosThread| dump.threads.iter().any(|thread| thread.id == Some(task.id));
    let has_no_lists = merged
        .warnings
        .iter()
        .any(|w| w.code == "FS-RTOS-002" && w.message.contains("was not captured"));
    if has_no_lists && merged.threads.iter().all(is_listed_by_dump) {
        merged
            .warnings
            .retain(|warning| !LIST_WARNINGS.contains(&warning.code.as_str()));
        merged.warnings.push(Warning::new(
            "FS-RTOS-020",
            "The dump holds the tasks but not the kernel's lists: states are as each task's own control block has them, \
             and which task another core was running is not known.",
        ));
    }
    Some(merged)
}

/// The copy of the kernel object that the dump carries, at the place that the ELF has for it.
pub(super) fn kernel_memory(dump: &Coredump, symbols: &SymbolSet<'_>) -> MemoryMap {
    let mut memory = MemoryMap::default();
    let symbol = dump.kernel.as_ref().and(symbols.symbol("_kernel"));
    if let (Some(kernel), Some(symbol)) = (&dump.kernel, symbol)
        && (symbol.size == 0 || symbol.size == kernel.len() as u64)
    {
        memory.insert(symbol.address, kernel);
    }
    memory
}

/// The registers of the threads that other CPUs were running, where the dump holds them. The crashed thread is the
/// running one that is not among these.
fn with_other_cpus(dump: &Coredump, mut rtos: RtosThreads) -> RtosThreads {
    let others = dump.threads.get(1..).unwrap_or(&[]);
    let is_other = |id: u64| others.iter().any(|thread| thread.id == Some(id));
    for task in &mut rtos.threads {
        let captured = others.iter().find(|thread| thread.id == Some(task.id));
        if let Some(captured) = captured.filter(|t| t.registers.pc().is_some()) {
            task.saved = Some(captured.registers.clone());
            task.stack_pointer = captured.registers.sp().or(task.stack_pointer);
        }
    }
    if rtos.current.is_some_and(is_other) {
        let running = |task: &&RtosThread| task.state == ThreadState::Running;
        let crashed = rtos.threads.iter().filter(running);
        rtos.current = crashed.map(|task| task.id).find(|id| !is_other(*id));
    }
    rtos
}

fn complete(task: &mut RtosThread, captured: &CapturedThread) {
    if captured.registers.pc().is_some() {
        task.saved = Some(captured.registers.clone());
    }
    task.name = task.name.take().or_else(|| captured.name.clone());
    task.stack = task.stack.take().or_else(|| captured.stack.clone());
    task.stack_pointer = task.stack_pointer.or_else(|| captured.registers.sp());
    // Only the used part of a stack is in such a dump: how much of it was never written is not known.
    task.stack_unused_min = None;
}

fn task_of(id: u64, captured: &CapturedThread) -> RtosThread {
    RtosThread {
        id,
        name: captured.name.clone(),
        state: ThreadState::Unknown,
        priority: None,
        waits_on: None,
        stack: captured.stack.clone(),
        stack_pointer: captured.registers.sp(),
        stack_unused_min: None,
        saved: captured
            .registers
            .pc()
            .is_some()
            .then(|| captured.registers.clone()),
    }
}

//! What happened: where the target was captured, or below the fault handler in which it was halted.

use super::crash_facts::CrashFacts;
use super::fault_rules;
use super::halted_handler::HaltedHandler;
use crate::model::registers::RegisterSet;
use crate::model::report::{Fault, FaultKind, Thread};
use crate::symbols::rust_panic::RustPanic;

/// What the walk of the crashed thread told besides its frames.
#[derive(Default)]
pub(super) struct Crashed {
    /// What a Rust program said when it panicked; if the target was halted in a fault handler, what the handler said.
    pub(super) panic: Option<RustPanic>,
    /// The handler in which it was halted.
    pub(super) halted: Option<Halted>,
}

/// The target was halted in the handler of its fault.
pub(super) struct Halted {
    /// The handler.
    pub(super) handler: HaltedHandler,
    /// At the instruction that faulted, as far as they are known.
    pub(super) registers: RegisterSet,
    /// What a Rust program said before the fault.
    pub(super) panic: Option<RustPanic>,
}

/// What happened, and the registers at the fault. `target` is as it was captured, without its threads; `threads` begin with
/// the crashed one, of which the frames of a handler are marked.
pub(super) fn explain(
    target: &CrashFacts<'_>,
    crashed: &Crashed,
    threads: &mut [Thread],
) -> (Option<Fault>, RegisterSet) {
    let halted = crashed.halted.as_ref().filter(|halted| {
        let as_captured = CrashFacts {
            threads,
            ..target.clone()
        };
        halted.handler.is_certain || !is_crash(&as_captured)
    });
    let Some(halted) = halted else {
        let facts = CrashFacts {
            threads,
            ..target.clone()
        };
        return (fault_rules::explain(&facts), target.registers.clone());
    };
    if let Some(thread) = threads.first_mut() {
        halted.handler.mark(&mut thread.frames);
    }
    let mut fault = fault_rules::explain(&CrashFacts {
        registers: &halted.registers,
        threads,
        halted_in: Some(&halted.handler.exception),
        rust_panic: halted.panic.as_ref(),
        ..target.clone()
    });
    let said = crashed.panic.as_ref().and_then(|p| p.message.as_ref());
    if let (Some(fault), Some(said)) = (&mut fault, said) {
        let said = format!("the fault handler panicked: {said}");
        fault.evidence.push(said);
    }
    (fault, halted.registers.clone())
}

/// True when the place where the target was captured is a crash of its own.
fn is_crash(facts: &CrashFacts<'_>) -> bool {
    fault_rules::explain(facts).is_some_and(|fault| fault.kind != FaultKind::Unknown)
}

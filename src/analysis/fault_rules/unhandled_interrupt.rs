//! An interrupt whose vector nobody set.

use super::{FaultRule, Finding};
use crate::analysis::crash_facts::{Case, source_line};
use crate::model::report::FaultKind;

/// "IRQ 7 fired and has no handler: it ended in `Default_Handler`, while `poke` was running, main.c:16".
pub(super) const RULE: FaultRule = FaultRule {
    id: "unhandled_interrupt",
    explain,
};

/// What start-up files put into unused vectors. Sorted.
const DEFAULT_HANDLERS: [&str; 14] = [
    "DefaultHandler",
    "DefaultHandler_",
    "DefaultISR",
    "Default_Handler",
    "Default_IRQHandler",
    "Dummy_Handler",
    "Infinite_Loop",
    "IntDefaultHandler",
    "UnhandledInterrupt",
    "default_handler",
    "default_isr",
    "unhandled_exception",
    "unhandled_interrupt",
    "z_irq_spurious",
];

/// The words of faults: their default handler hides a fault, not an interrupt.
const FAULTS: [&str; 5] = [
    "BusFault",
    "HardFault",
    "MemManage",
    "SecureFault",
    "UsageFault",
];

/// Frames from the innermost one that may be the handler's and what it called.
const MAX_DEPTH: usize = 6;

fn explain(case: &Case<'_>) -> Option<Finding> {
    let frames = &case.thread()?.frames;
    let index = frames.iter().take(MAX_DEPTH).position(|frame| {
        frame
            .function
            .as_deref()
            .is_some_and(|name| DEFAULT_HANDLERS.contains(&name))
    })?;
    let handler = frames.get(index)?.function.as_deref()?;
    let at = frames
        .iter()
        .skip(index)
        .position(|frame| frame.interrupted.is_some())?
        .checked_add(index)?;
    let name = frames.get(at)?.interrupted.as_deref()?;
    if FAULTS.contains(&name) {
        return None;
    }
    let below = frames
        .iter()
        .skip(at)
        .find(|frame| frame.function.is_some());
    let running = below
        .and_then(|frame| frame.function.as_ref())
        .map_or(String::new(), |name| {
            format!(", while `{name}` was running")
        });
    let thread = case
        .thread_phrase()
        .map_or(String::new(), |thread| format!(" in {thread}"));
    let line = below
        .and_then(source_line)
        .map_or(String::new(), |line| format!(", {line}"));
    Some(Finding {
        kind: FaultKind::Abort,
        address: None,
        summary: format!(
            "{name} fired and has no handler: it ended in `{handler}`{running}{thread}{line}"
        ),
        advice: Some(
            "Define the handler under the exact name that the vector table has (C linkage in C++), or do not enable this interrupt.",
        ),
        evidence: vec![format!(
            "`{handler}`, which stands in unused vectors, was handling {name}"
        )],
    })
}

#[cfg(test)]
mod tests {
    use super::DEFAULT_HANDLERS;
    use crate::analysis::fault_rules::testing::{Scene, frame};
    use crate::model::report::FrameTrust;

    fn in_default_handler(exception: &str) -> Scene {
        let mut below = frame("poke", "src/main.c:16", FrameTrust::ExceptionFrame);
        below.interrupted = Some(exception.to_owned());
        Scene::new(&[0xFE, 0xE7]).frames(vec![
            frame("Default_Handler", "start.c:9", FrameTrust::Context),
            below,
        ])
    }

    #[test]
    fn the_interrupt_is_named() {
        assert!(DEFAULT_HANDLERS.is_sorted());
        assert_eq!(
            in_default_handler("IRQ 7").headline(),
            ("abort".to_owned(), "IRQ 7 fired and has no handler: it ended in `Default_Handler`, while `poke` was running, main.c:16".to_owned())
        );
    }

    #[test]
    fn a_fault_in_the_default_handler_is_a_fault() {
        assert_eq!(
            in_default_handler("HardFault")
                .fault("hfsr", 0x4000_0000)
                .headline()
                .0,
            "unknown cause"
        );
    }
}

//! A watchdog fired.

use super::{FaultRule, Finding};
use crate::analysis::crash_facts::Case;
use crate::analysis::known_functions::{Role, role};
use crate::model::report::FaultKind;

/// "A watchdog fired: `spin` was running, in task cmd, main.c:30".
pub(super) const RULE: FaultRule = FaultRule {
    id: "watchdog",
    explain,
};

fn explain(case: &Case<'_>) -> Option<Finding> {
    let said = case.facts.dump.reason.as_ref().filter(|reason| {
        let lower = reason.to_ascii_lowercase();
        lower.contains("watchdog") || lower.contains("wdt")
    });
    let frames = case.frames();
    let handler = frames
        .iter()
        .position(|frame| frame.function.as_deref().and_then(role) == Some(Role::Watchdog));
    if said.is_none() && handler.is_none() {
        return None;
    }
    // What ran is the interrupted function, if the handler is on the stack.
    let running = handler
        .and_then(|index| {
            frames
                .iter()
                .skip(index + 1)
                .find(|frame| frame.function.is_some())
        })
        .or(case.site().filter(|_| handler.is_none()));
    let name = running.and_then(|frame| frame.function.as_ref());
    let line = running
        .and_then(crate::analysis::crash_facts::source_line)
        .map_or(String::new(), |line| format!(", {line}"));
    let thread = case
        .thread_phrase()
        .map_or(String::new(), |thread| format!(", in {thread}"));
    Some(Finding {
        kind: FaultKind::Watchdog,
        address: None,
        summary: match name {
            Some(name) => format!("A watchdog fired: `{name}` was running{thread}{line}"),
            None => format!("A watchdog fired{thread}"),
        },
        advice: Some(
            "Look for a loop that never ends, a lock that is never given back, or interrupts that never stop.",
        ),
        evidence: said
            .map(|reason| format!("the device says: {reason}"))
            .into_iter()
            .chain(handler.map(|_| "a watchdog handler is on the stack".to_owned()))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use crate::analysis::fault_rules::testing::{Scene, frame};
    use crate::model::report::FrameTrust;

    #[test]
    fn the_function_that_was_running_is_named() {
        let mut spin = frame("spin", "main.c:30", FrameTrust::ExceptionFrame);
        spin.interrupted = Some("WWDG".to_owned());
        let scene = Scene::new(&[0x00, 0xBF])
            .task("cmd", 0x2000_7000, 0x2000)
            .frames(vec![
                frame("WWDG_IRQHandler", "it.c:3", FrameTrust::Context),
                spin,
            ]);
        assert_eq!(
            scene.headline(),
            (
                "watchdog".to_owned(),
                "A watchdog fired: `spin` was running, in task cmd, main.c:30".to_owned()
            )
        );
    }
}

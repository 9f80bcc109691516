//! A watchdog fired.

use super::{FaultRule, Finding};
use crate::analysis::crash_facts::Case;
use crate::analysis::known_functions::{Role, role};
use crate::model::registers::Reg;
use crate::model::report::{FaultKind, Frame};

/// "A watchdog fired: `spin` was running, in task cmd, main.c:30".
pub(super) const RULE: FaultRule = FaultRule {
    id: "watchdog",
    explain,
};

/// What runs before a watchdog resets, in the words of vendors.
const WORDS: [&str; 4] = ["watchdog", "wdt", "wwdg", "iwdg"];

fn explain(case: &Case<'_>) -> Option<Finding> {
    let dump = case.facts.dump;
    let said = dump.reason.as_ref().filter(|text| says_so(text));
    let frames: &[Frame] = case.thread().map_or(&[], |thread| &thread.frames);
    let is_handler =
        |frame: &Frame| frame.function.as_deref().and_then(role) == Some(Role::Watchdog);
    let handler = frames.iter().position(is_handler);
    let line = case.handled_by(Role::Watchdog);
    if said.is_none() && handler.is_none() && line.is_none() {
        return None;
    }
    // What ran is what the handler interrupted, if the handler is on the stack.
    let running = match handler {
        Some(index) => frames.iter().skip(index + 1).find(|f| f.function.is_some()),
        None => case.site(),
    };
    let name = running.and_then(|frame| frame.function.as_ref());
    let place = running
        .and_then(crate::analysis::crash_facts::source_line)
        .map_or(String::new(), |line| format!(", {line}"));
    let thread = case
        .thread_phrase()
        .map_or(String::new(), |thread| format!(", in {thread}"));
    let is_masked = (case.facts.registers.known(Reg::PRIMASK)).is_some_and(|value| value & 1 != 0);
    let masked = if is_masked {
        " with interrupts off (PRIMASK)"
    } else {
        ""
    };
    let mut evidence: Vec<String> = said
        .map(|reason| format!("the device says: {reason}"))
        .into_iter()
        .chain(handler.map(|_| "a watchdog handler is on the stack".to_owned()))
        .collect();
    if let (Some(line), None) = (line, handler) {
        let handler = line.handler.as_deref().unwrap_or_default();
        evidence.push(format!("{} was being handled by `{handler}`", line.name));
    }
    Some(Finding {
        kind: FaultKind::Watchdog,
        address: None,
        summary: match name {
            Some(name) => format!("A watchdog fired: `{name}` was running{masked}{thread}{place}"),
            None => format!("A watchdog fired{thread}"),
        },
        advice: Some(
            "Look for a loop that never ends, a lock that is never given back, or interrupts that never stop.",
        ),
        evidence,
    })
}

fn says_so(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    WORDS.iter().any(|word| lower.contains(word))
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

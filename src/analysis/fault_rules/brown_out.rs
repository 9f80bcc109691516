//! The supply voltage fell.

use super::{FaultRule, Finding};
use crate::analysis::crash_facts::{Case, source_line};
use crate::analysis::known_functions::{Role, role};
use crate::model::report::FaultKind;

/// "The supply voltage fell (brown-out): `poke` was running, main.c:16".
pub(super) const RULE: FaultRule = FaultRule {
    id: "brown_out",
    explain,
};

/// How vendors call it: ESP-IDF, Zephyr (`RESET_BROWNOUT`), STM32, nRF, SAM, NXP.
const WORDS: [&str; 9] = [
    "brown out",
    "brown-out",
    "brown_out",
    "brownout",
    "bod reset",
    "bor reset",
    "low voltage detect",
    "power fail",
    "undervoltage",
];

fn explain(case: &Case<'_>) -> Option<Finding> {
    let dump = case.facts.dump;
    let mut evidence = Vec::new();
    if let Some(line) = case.handled_by(Role::PowerFail) {
        let handler = line.handler.as_deref().unwrap_or_default();
        evidence.push(format!(
            "{} was being handled by `{handler}`, the supply monitor's handler",
            line.name
        ));
    }
    let on_stack = case.thread().and_then(|thread| {
        let names = thread.frames.iter().filter_map(|f| f.function.as_deref());
        names
            .take(MAX_HANDLER_DEPTH)
            .find(|name| role(name) == Some(Role::PowerFail))
    });
    if let Some(handler) = on_stack {
        evidence.push(format!("`{handler}` is on the stack"));
    }
    if let Some(text) = dump.reason.as_ref().filter(|text| says_so(text)) {
        evidence.push(format!("the device says: {text}"));
    }
    if evidence.is_empty() {
        return None;
    }
    let running = case.frames().iter().find(|frame| {
        let known = frame.function.as_deref().map(role);
        known.is_some_and(|role| role != Some(Role::PowerFail))
    });
    let was_running = running
        .and_then(|frame| frame.function.as_ref())
        .map_or(String::new(), |name| format!(": `{name}` was running"));
    let thread = case
        .thread_phrase()
        .map_or(String::new(), |thread| format!(", in {thread}"));
    let line = running
        .and_then(source_line)
        .map_or(String::new(), |line| format!(", {line}"));
    Some(Finding {
        kind: FaultKind::BrownOut,
        address: None,
        summary: format!("The supply voltage fell (brown-out){was_running}{thread}{line}"),
        advice: Some(
            "Look at the power supply, the battery and what was switched on at that moment (radio, motor); the code is seldom to blame.",
        ),
        evidence,
    })
}

/// Frames from the innermost one that may be the handler's.
const MAX_HANDLER_DEPTH: usize = 4;

fn says_so(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    WORDS.iter().any(|words| lower.contains(words))
}

#[cfg(test)]
mod tests {
    use crate::analysis::fault_rules::testing::{Scene, frame};
    use crate::model::report::FrameTrust;

    #[test]
    fn the_device_or_the_handler_says_so() {
        let in_handler = Scene::new(&[0x00, 0xBF]).frames(vec![
            frame("PVD_IRQHandler", "power.c:20", FrameTrust::Context),
            frame("poke", "src/main.c:16", FrameTrust::ExceptionFrame),
        ]);
        for scene in [
            Scene::new(&[0x00, 0xBF]).reason("Brownout detector was triggered"),
            in_handler,
        ] {
            assert_eq!(
                scene.headline().1,
                "The supply voltage fell (brown-out): `poke` was running, main.c:16"
            );
        }
    }

    #[test]
    fn a_recorded_fault_is_not_blamed_on_the_supply() {
        let scene = Scene::bad_store()
            .fault("cfsr", 0x8200)
            .fault("bfar", 0xF000_0000)
            .restart("brown-out");
        assert_eq!(scene.headline().0, "bus fault");
    }
}

//! `abort()` on ESP-IDF, which ends in a store to address 0 on purpose: neither a panic nor a null pointer.

use super::{FaultRule, Finding};
use crate::analysis::crash_facts::{Case, source_line};
use crate::analysis::known_functions::{Role, role};
use crate::model::report::{FaultKind, Frame};

/// "`check` called `abort()`, in task main, main.c:12".
pub(super) const RULE: FaultRule = FaultRule {
    id: "esp_abort",
    explain,
};

/// What the device says (ESP-IDF, `newlib/abort.c`).
const SAID: &str = "abort() was called at PC";

/// How deep the helpers are that lead from the program to the panic handler.
const MAX_HELPER_DEPTH: usize = 8;

fn explain(case: &Case<'_>) -> Option<Finding> {
    let dump = case.facts.dump;
    let reason = dump.reason.as_deref().filter(|text| text.contains(SAID))?;
    if dump.assert.is_some() {
        return None;
    }
    let frames = case.frames();
    let is_helper = |frame: &Frame| {
        matches!(
            frame.function.as_deref().and_then(role),
            Some(Role::Abort | Role::Panic | Role::Assert)
        )
    };
    // An assertion helper among them: the rule of assertions says more.
    let is_assert = |frame: &Frame| frame.function.as_deref().and_then(role) == Some(Role::Assert);
    if frames.iter().take(MAX_HELPER_DEPTH).any(is_assert) {
        return None;
    }
    let last_helper = frames.iter().take(MAX_HELPER_DEPTH).rposition(is_helper);
    let caller = frames
        .iter()
        .skip(last_helper.map_or(0, |index| index + 1))
        .find(|frame| frame.function.is_some());
    let who = caller
        .and_then(|frame| frame.function.as_ref())
        .map_or_else(|| "The program".to_owned(), |name| format!("`{name}`"));
    let line = caller
        .and_then(source_line)
        .map_or(String::new(), |line| format!(", {line}"));
    Some(Finding {
        kind: FaultKind::Abort,
        address: None,
        summary: format!("{who} called abort(){}{line}", case.context_phrase()),
        advice: Some("The last log lines before the crash usually say why."),
        evidence: vec![format!("the device says: {reason}")],
    })
}

#[cfg(test)]
mod tests {
    use crate::analysis::fault_rules::testing::{Scene, frame};
    use crate::model::report::FrameTrust;

    #[test]
    fn the_function_above_the_helpers_is_named() {
        let scene = Scene::new(&[0xFE, 0xE7])
            .reason("abort() was called at PC 0x400d66b9 on core 0")
            .frames(vec![
                frame("panic_abort", "panic.c:472", FrameTrust::Context),
                frame("esp_system_abort", "", FrameTrust::FramePointer),
                frame("abort", "abort.c:38", FrameTrust::FramePointer),
                frame("check", "main.c:12", FrameTrust::FramePointer),
            ]);
        assert_eq!(
            scene.headline(),
            (
                "abort".to_owned(),
                "`check` called abort(), main.c:12".to_owned()
            )
        );
    }
}

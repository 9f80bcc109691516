//! A panic of the language runtime or of the RTOS.

use super::{FaultRule, Finding};
use crate::analysis::crash_facts::{Case, source_line};
use crate::analysis::known_functions::{Role, role};
use crate::model::report::{FaultKind, Frame};

/// "`parse` panicked, in task cmd, parser.rs:40".
pub(super) const RULE: FaultRule = FaultRule {
    id: "panic",
    explain,
};

const MAX_HELPER_DEPTH: usize = 10;

fn explain(case: &Case<'_>) -> Option<Finding> {
    of_role(case, Role::Panic, FaultKind::Panic, "panicked")
}

/// A crash below a helper of `role`: named after the first function under the helpers.
pub(super) fn of_role(
    case: &Case<'_>,
    wanted: Role,
    kind: FaultKind,
    did: &str,
) -> Option<Finding> {
    let frames = case.frames();
    let is_helper = |frame: &Frame| frame.function.as_deref().and_then(role) == Some(wanted);
    let index = frames.iter().take(MAX_HELPER_DEPTH).rposition(is_helper)?;
    let helper = frames.get(index)?.function.clone()?;
    let caller = frames
        .iter()
        .skip(index + 1)
        .find(|frame| frame.function.is_some());
    let who = caller
        .and_then(|frame| frame.function.as_ref())
        .map_or_else(|| format!("`{helper}`"), |name| format!("`{name}`"));
    let line = caller
        .and_then(source_line)
        .map_or(String::new(), |line| format!(", {line}"));
    let reason = case
        .facts
        .dump
        .reason
        .as_ref()
        .map_or(String::new(), |text| format!(" ({text})"));
    Some(Finding {
        kind,
        address: None,
        summary: format!("{who} {did}{reason}{}{line}", case.context_phrase()),
        advice: Some("The last log lines before the crash usually hold the message."),
        evidence: vec![format!("`{helper}` is on the stack")],
    })
}

#[cfg(test)]
mod tests {
    use crate::analysis::fault_rules::testing::{Scene, frame};
    use crate::model::report::FrameTrust;

    #[test]
    fn the_function_that_panicked_is_named_not_the_runtime() {
        let scene = Scene::new(&[0xFE, 0xDE])
            .task("cmd", 0x2000_7000, 0x2000)
            .frames(vec![
                frame("rust_begin_unwind", "panic.rs:1", FrameTrust::Context),
                frame(
                    "core::panicking::panic_fmt",
                    "panicking.rs:72",
                    FrameTrust::Cfi,
                ),
                frame("parse", "src/parser.rs:40", FrameTrust::Cfi),
            ]);
        let (kind, summary) = scene.headline();
        assert_eq!(
            (kind.as_str(), summary.as_str()),
            ("panic", "`parse` panicked, in task cmd, parser.rs:40")
        );
    }
}

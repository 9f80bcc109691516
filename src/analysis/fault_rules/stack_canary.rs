//! The guard word that the compiler puts above local arrays was overwritten.

use super::{FaultRule, Finding};
use crate::analysis::crash_facts::{Case, source_line};
use crate::model::report::FaultKind;

/// "A local array of `parse` overflowed: its stack guard was overwritten, in task cmd, parser.c:40".
pub(super) const RULE: FaultRule = FaultRule {
    id: "stack_canary",
    explain,
};

/// What the compiler calls when the guard is damaged (gcc and clang, `-fstack-protector`).
const CHECKS: [&str; 3] = [
    "__stack_chk_fail",
    "__stack_chk_fail_local",
    "__stack_smash_handler",
];

/// Frames from the innermost one that may be the check's and its helpers'.
const MAX_DEPTH: usize = 10;

fn explain(case: &Case<'_>) -> Option<Finding> {
    let frames = case.frames();
    let names = frames.iter().take(MAX_DEPTH);
    let index = names.clone().rposition(|frame| {
        frame
            .function
            .as_deref()
            .is_some_and(|name| CHECKS.contains(&name))
    })?;
    let check = frames.get(index)?.function.as_deref()?;
    let owner = frames
        .iter()
        .skip(index + 1)
        .find(|frame| frame.function.is_some());
    let who = owner
        .and_then(|frame| frame.function.as_ref())
        .map_or_else(|| "a function".to_owned(), |name| format!("`{name}`"));
    let line = owner
        .and_then(source_line)
        .map_or(String::new(), |line| format!(", {line}"));
    Some(Finding {
        kind: FaultKind::Panic,
        address: None,
        summary: format!(
            "A local array of {who} overflowed: its stack guard was overwritten{}{line}",
            case.context_phrase()
        ),
        advice: Some(
            "Look for a copy into a local array without a check of its size; a larger stack does not help.",
        ),
        evidence: vec![format!("`{check}` was called: the guard word had changed")],
    })
}

#[cfg(test)]
mod tests {
    use crate::analysis::fault_rules::testing::{Scene, frame};
    use crate::model::report::FrameTrust;

    #[test]
    fn the_function_with_the_array_is_named() {
        let scene = Scene::new(&[0xFF, 0xDE])
            .task("cmd", 0x2000_7000, 0x2000)
            .frames(vec![
                frame("fault_panic", "fault.c:39", FrameTrust::Context),
                frame("__stack_chk_fail", "fault.c:50", FrameTrust::Cfi),
                frame("parse", "src/parser.c:40", FrameTrust::Cfi),
            ]);
        assert_eq!(
            scene.headline(),
            ("panic".to_owned(), "A local array of `parse` overflowed: its stack guard was overwritten, in task cmd, parser.c:40".to_owned())
        );
    }
}

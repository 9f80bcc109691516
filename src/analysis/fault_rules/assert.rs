//! An assertion failed.

use super::{FaultRule, Finding};
use crate::analysis::crash_facts::{Case, source_line};
use crate::analysis::known_functions::{Role, role};
use crate::analysis::wording;
use crate::model::report::{Fault, FaultKind, Frame};

/// "Assertion failed at main.c:19, in task cmd".
pub(super) const RULE: FaultRule = FaultRule {
    id: "assert",
    explain,
};

/// How deep below the faulting frame an assertion helper may be: helpers call helpers.
const MAX_HELPER_DEPTH: usize = 8;

/// The evidence that carries the place begins with this, for [`assert_location`].
const LOCATION: &str = "failed assertion at ";

/// `main.c:19` of a failed assertion, as this rule found it.
pub fn assert_location(fault: &Fault) -> Option<&str> {
    (fault.kind == FaultKind::Assert)
        .then(|| {
            fault
                .evidence
                .iter()
                .find_map(|line| line.strip_prefix(LOCATION))
        })
        .flatten()
}

fn explain(case: &Case<'_>) -> Option<Finding> {
    let helper = helper(case.frames());
    let printed = case.facts.dump.assert.as_ref();
    if helper.is_none() && printed.is_none() {
        return None;
    }
    let printed_place = printed.and_then(|text| {
        let file = wording::file_name(text.file.as_deref()?);
        Some(
            text.line
                .map_or_else(|| file.to_owned(), |line| format!("{file}:{line}")),
        )
    });
    let place = printed_place
        .or_else(|| helper.and_then(argument_place))
        .or_else(|| helper.and_then(caller_place));
    let message = printed
        .and_then(|text| text.message.as_deref())
        .map(str::trim)
        .filter(|text| !text.is_empty() && Some(*text) != place.as_deref());
    let what = message.map_or(String::new(), |text| format!(": {text}"));
    let at = place
        .as_ref()
        .map_or(String::new(), |place| format!(" at {place}"));
    let joint = if message.is_some() && place.is_some() {
        ","
    } else {
        ""
    };
    let mut evidence: Vec<String> = place
        .iter()
        .map(|place| format!("{LOCATION}{place}"))
        .collect();
    if printed.is_some() {
        evidence.push("the device printed the assertion".to_owned());
    }
    if let Some(name) = helper
        .and_then(|frames| frames.first())
        .and_then(|f| f.function.as_ref())
    {
        evidence.push(format!("`{name}` is on the stack"));
    }
    Some(Finding {
        kind: FaultKind::Assert,
        address: None,
        summary: format!("Assertion failed{what}{joint}{at}{}", case.context_phrase()),
        advice: Some(
            "The frame above the assertion helper is where the program found itself wrong.",
        ),
        evidence,
    })
}

/// The frames from the outermost assertion helper on.
fn helper(frames: &[Frame]) -> Option<&[Frame]> {
    let index = frames.iter().take(MAX_HELPER_DEPTH).rposition(|frame| {
        frame
            .function
            .as_deref()
            .is_some_and(|name| role(name) == Some(Role::Assert))
    })?;
    frames.get(index..)
}

/// File and line from the helper's own arguments, when locals were asked for.
fn argument_place(frames: &[Frame]) -> Option<String> {
    let arguments: Vec<_> = frames
        .first()?
        .locals
        .iter()
        .filter(|local| local.argument)
        .collect();
    let file = arguments.iter().find_map(|local| {
        let text = local.value.as_deref()?.split('"').nth(1)?;
        [".c", ".cc", ".cpp", ".cxx", ".h", ".hpp", ".rs"]
            .iter()
            .any(|ending| text.ends_with(ending))
            .then(|| wording::file_name(text))
    })?;
    let line = arguments.iter().find_map(|local| {
        let name = local.name.to_ascii_lowercase();
        (name == "l" || name.contains("line"))
            .then(|| local.value.as_deref()?.parse::<u32>().ok())
            .flatten()
    })?;
    Some(format!("{file}:{line}"))
}

fn caller_place(frames: &[Frame]) -> Option<String> {
    frames
        .iter()
        .skip(1)
        .find(|frame| frame.function.is_some())
        .and_then(source_line)
}

#[cfg(test)]
mod tests {
    use super::assert_location;
    use crate::analysis::fault_rules::testing::{Scene, frame};
    use crate::model::report::FrameTrust;

    fn in_helper() -> Scene {
        Scene::new(&[0x03, 0xDE])
            .task("cmd", 0x2000_7000, 0x2000)
            .frames(vec![
                frame("assert_fail", "src/main.c:22", FrameTrust::Context),
                frame("cmdtask", "src/main.c:19", FrameTrust::Cfi),
            ])
    }

    #[test]
    fn the_place_is_the_same_from_the_frames_and_from_the_printed_text() {
        let printed = in_helper()
            .assert(None, "main.c", 19)
            .fault("cfsr", 0x1_0000);
        for scene in [in_helper(), printed] {
            let (kind, summary) = scene.headline();
            assert_eq!(kind, "failed assert");
            assert_eq!(summary, "Assertion failed at main.c:19, in task cmd");
            assert_eq!(
                assert_location(&scene.explain().unwrap()),
                Some("main.c:19")
            );
        }
    }

    #[test]
    fn a_printed_message_is_quoted_without_a_helper_on_the_stack() {
        let scene = Scene::new(&[0x00, 0xBF]).assert(Some("len < sizeof(buf)"), "lib/net.c", 7);
        assert_eq!(
            scene.headline().1,
            "Assertion failed: len < sizeof(buf), at net.c:7"
        );
    }
}

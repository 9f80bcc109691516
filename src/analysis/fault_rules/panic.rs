//! A panic of the language runtime or of the RTOS.

use super::{FaultRule, Finding, unknown};
use crate::analysis::crash_facts::{Case, source_line};
use crate::analysis::known_functions::{Role, role};
use crate::model::report::{FaultKind, Frame};

/// "`parse` panicked, in task cmd, parser.rs:40".
pub(super) const RULE: FaultRule = FaultRule {
    id: "panic",
    explain,
};

const MAX_HELPER_DEPTH: usize = 10;

/// The library calls and inlines many functions on the way to the handler.
const MAX_RUST_DEPTH: usize = 16;

fn explain(case: &Case<'_>) -> Option<Finding> {
    of_rust(case).or_else(|| of_role(case, Role::Panic, FaultKind::Panic, "panicked"))
}

/// "panicked at src/main.rs:12: index out of bounds: the len is 3 but the index is 7".
fn of_rust(case: &Case<'_>) -> Option<Finding> {
    let frames = case.frames();
    let handled = case.facts.rust_panic;
    let top = frames.get(..frames.len().min(MAX_RUST_DEPTH))?;
    let helper = top.iter().rposition(is_rust_helper);
    if handled.is_none() && helper.is_none() {
        return None;
    }
    let caller = frames
        .iter()
        .skip(helper.map_or(0, |index| index + 1))
        .find(|frame| frame.function.is_some() && !is_of_library(frame));
    let place = handled
        .and_then(|panic| Some(format!("{}:{}", panic.file.as_deref()?, panic.line?)))
        .or_else(|| caller.and_then(source_line));
    let known = top.iter().rev().find_map(message_of_helper);
    let message = handled
        .and_then(|panic| panic.message.clone())
        .or_else(|| known.map(str::to_owned))
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty());
    // With neither, the general sentence says more.
    if message.is_none() && handled.is_none() {
        return None;
    }
    let place = place.map_or(String::new(), |place| format!(" at {place}"));
    let text = message.map_or(String::new(), |text| format!(": {text}"));
    let mut evidence = Vec::new();
    if handled.is_some() {
        evidence.push("read from the argument of the panic handler".to_owned());
    }
    if let Some(name) = helper
        .and_then(|index| frames.get(index))
        .and_then(|frame| frame.qualified.as_ref().or(frame.function.as_ref()))
    {
        evidence.push(format!("`{name}` is on the stack"));
    }
    if let Some(name) = caller.and_then(|frame| frame.function.as_ref()) {
        evidence.push(format!("`{name}` panicked"));
    }
    Some(Finding {
        kind: FaultKind::Panic,
        address: None,
        summary: format!("panicked{place}{text}{}", case.context_phrase()),
        advice: None,
        evidence,
    })
}

/// A function of Rust's library that panics, or that is called then.
fn is_rust_helper(frame: &Frame) -> bool {
    let qualified = frame.qualified.as_deref().unwrap_or_default();
    frame.function.as_deref() == Some("rust_begin_unwind")
        || [
            "core::panicking::",
            "core::panic::",
            "core::cell::panic_already",
        ]
        .iter()
        .any(|path| qualified.starts_with(path))
        || message_of_helper(frame).is_some()
}

/// A function that was inlined from the library: the program called it.
fn is_of_library(frame: &Frame) -> bool {
    frame.file.as_deref().is_some_and(|file| {
        ["library/core/", "library/alloc/", "library/std/"]
            .iter()
            .any(|folder| file.contains(folder))
    })
}

/// What a function of the library that only panics says, without the values.
fn message_of_helper(frame: &Frame) -> Option<&'static str> {
    let qualified = frame.qualified.as_deref()?;
    let (_path, text) = HELPERS.iter().find(|(path, _text)| {
        qualified
            .strip_prefix(path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    })?;
    Some(text)
}

/// Public names of the library, and what they say. Sorted.
const HELPERS: &[(&str, &str)] = &[
    (
        "core::cell::panic_already_borrowed",
        "RefCell already borrowed",
    ),
    (
        "core::cell::panic_already_mutably_borrowed",
        "RefCell already mutably borrowed",
    ),
    (
        "core::option::unwrap_failed",
        "called `Option::unwrap()` on a `None` value",
    ),
    (
        "core::panicking::assert_failed",
        "assertion failed: the two values are not as compared",
    ),
    ("core::panicking::panic_bounds_check", "index out of bounds"),
    (
        "core::panicking::panic_const::panic_const_add_overflow",
        "attempt to add with overflow",
    ),
    (
        "core::panicking::panic_const::panic_const_div_by_zero",
        "attempt to divide by zero",
    ),
    (
        "core::panicking::panic_const::panic_const_div_overflow",
        "attempt to divide with overflow",
    ),
    (
        "core::panicking::panic_const::panic_const_mul_overflow",
        "attempt to multiply with overflow",
    ),
    (
        "core::panicking::panic_const::panic_const_neg_overflow",
        "attempt to negate with overflow",
    ),
    (
        "core::panicking::panic_const::panic_const_rem_by_zero",
        "attempt to calculate the remainder with a divisor of zero",
    ),
    (
        "core::panicking::panic_const::panic_const_rem_overflow",
        "attempt to calculate the remainder with overflow",
    ),
    (
        "core::panicking::panic_const::panic_const_shl_overflow",
        "attempt to shift left with overflow",
    ),
    (
        "core::panicking::panic_const::panic_const_shr_overflow",
        "attempt to shift right with overflow",
    ),
    (
        "core::panicking::panic_const::panic_const_sub_overflow",
        "attempt to subtract with overflow",
    ),
    (
        "core::panicking::panic_misaligned_pointer_dereference",
        "misaligned pointer dereference",
    ),
    (
        "core::panicking::panic_null_pointer_dereference",
        "null pointer dereference",
    ),
    (
        "core::result::unwrap_failed",
        "called `Result::unwrap()` on an `Err` value",
    ),
    (
        "core::slice::index::slice_end_index_len_fail",
        "range end index out of range for slice",
    ),
    (
        "core::slice::index::slice_index_order_fail",
        "slice index starts after its end",
    ),
    (
        "core::slice::index::slice_start_index_len_fail",
        "range start index out of range for slice",
    ),
    (
        "core::str::slice_error_fail",
        "range of a str lies outside of it or inside of a character",
    ),
];

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
        .filter(|text| !unknown::EMPTY_WORDS.iter().any(|w| text.starts_with(w)))
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
    fn a_helper_of_the_library_tells_the_message_when_nothing_else_does() {
        let mut helper = frame(
            "panic_bounds_check",
            "rust/library/core/src/panicking.rs:72",
            FrameTrust::Cfi,
        );
        helper.qualified = Some("core::panicking::panic_bounds_check".to_owned());
        let mut inlined = frame(
            "index<u8>",
            "rust/library/core/src/slice/index.rs:40",
            FrameTrust::Cfi,
        );
        inlined.qualified = Some("core::slice::index::index".to_owned());
        let scene = Scene::new(&[0xFE, 0xDE]).frames(vec![
            frame("rust_begin_unwind", "panic.rs:1", FrameTrust::Context),
            helper,
            inlined,
            frame("parse", "src/parser.rs:40", FrameTrust::Cfi),
        ]);
        assert_eq!(
            scene.headline(),
            (
                "panic".to_owned(),
                "panicked at parser.rs:40: index out of bounds".to_owned()
            )
        );
    }

    #[test]
    fn the_helpers_are_sorted_and_unique() {
        assert!(super::HELPERS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

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

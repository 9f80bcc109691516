//! The device says that it stopped on purpose or by a fault, and nothing says which.

use super::sentence::plain_sentence;
use super::{FaultRule, Finding};
use crate::analysis::crash_facts::Case;
use crate::model::report::FaultKind;

/// "`poke` stopped: kernel oops, main.c:16", and "`poke` crashed, but this capture does not say why (CPU exception), main.c:16".
pub(super) const RULE: FaultRule = FaultRule {
    id: "unknown",
    explain,
};

/// Reasons that every crash has.
pub(super) const EMPTY_WORDS: [&str; 3] = ["CPU exception", "fatal error, reason", "signal "];

fn explain(case: &Case<'_>) -> Option<Finding> {
    let reason = case
        .facts
        .dump
        .reason
        .as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty());
    let says_nothing = reason.is_some_and(|text| EMPTY_WORDS.iter().any(|w| text.starts_with(w)));
    let did = match (reason, case.has_cause()) {
        (Some(reason), _) if says_nothing => {
            let reason = reason.replace(" (", ", ").replace(')', "");
            format!("crashed, but this capture does not say why ({reason})")
        }
        (Some(reason), _) => format!("stopped: {reason}"),
        (None, true) => "stopped with a fault that no rule knows".to_owned(),
        (None, false) => return None,
    };
    Some(Finding {
        kind: FaultKind::Unknown,
        address: case
            .fault_address()
            .filter(|_| case.recorded_address().is_some()),
        summary: plain_sentence(case, &did),
        advice: says_nothing.then_some(if case.facts.arch.is_cortex_m() {
            "Store the fault status registers (CFSR, HFSR, MMFAR, BFAR) in the dump, or add the log of the same crash."
        } else {
            "Store the registers that say the cause of an exception in the dump, or add the log of the same crash."
        }),
        evidence: reason
            .map(|text| format!("the device says: {text}"))
            .into_iter()
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use crate::analysis::fault_rules::testing::Scene;

    #[test]
    fn the_words_of_the_device_are_repeated() {
        for (reason, summary) in [
            ("kernel oops", "`poke` stopped: kernel oops, main.c:16"),
            (
                "CPU exception",
                "`poke` crashed, but this capture does not say why (CPU exception), main.c:16",
            ),
            (
                "signal 11 (SIGSEGV)",
                "`poke` crashed, but this capture does not say why (signal 11, SIGSEGV), main.c:16",
            ),
        ] {
            let scene = Scene::new(&[0x00, 0xBF]).reason(reason);
            assert_eq!(
                scene.headline(),
                ("unknown cause".to_owned(), summary.to_owned())
            );
        }
    }
}

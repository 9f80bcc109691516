//! The device says that it stopped on purpose or by a fault, and nothing says which.

use super::sentence::plain_sentence;
use super::{FaultRule, Finding};
use crate::analysis::crash_facts::Case;
use crate::model::report::FaultKind;

/// "`poke` stopped: CPU exception, main.c:16".
pub(super) const RULE: FaultRule = FaultRule {
    id: "unknown",
    explain,
};

fn explain(case: &Case<'_>) -> Option<Finding> {
    let reason = case
        .facts
        .dump
        .reason
        .as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty());
    let did = match (reason, case.has_cause()) {
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
        advice: None,
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
        let scene = Scene::new(&[0x00, 0xBF]).reason("CPU exception");
        assert_eq!(
            scene.headline(),
            (
                "unknown cause".to_owned(),
                "`poke` stopped: CPU exception, main.c:16".to_owned()
            )
        );
    }
}

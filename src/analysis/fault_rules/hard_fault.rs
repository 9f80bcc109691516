//! A hard fault without a recorded cause.

use super::sentence::plain_sentence;
use super::{FaultRule, Finding};
use crate::analysis::crash_facts::Case;
use crate::analysis::wording::address;
use crate::model::report::FaultKind;

/// "`poke` took a hard fault without a recorded cause, main.c:16".
pub(super) const RULE: FaultRule = FaultRule {
    id: "hard_fault",
    explain,
};

fn explain(case: &Case<'_>) -> Option<Finding> {
    let hfsr = case
        .facts
        .dump
        .fault
        .get("hfsr")
        .filter(|value| *value != 0)?;
    Some(Finding {
        kind: FaultKind::Unknown,
        address: case.fault_address(),
        summary: plain_sentence(case, "took a hard fault without a recorded cause"),
        advice: Some(
            "Save CFSR in the fault handler before anything else runs: it says what happened.",
        ),
        evidence: vec![format!(
            "HFSR is {} and CFSR says nothing",
            address(u64::from(hfsr))
        )],
    })
}

#[cfg(test)]
mod tests {
    use crate::analysis::fault_rules::testing::Scene;

    #[test]
    fn a_forced_fault_with_a_cleared_cause_is_unknown_and_says_so() {
        let scene = Scene::new(&[0x00, 0xBF])
            .fault("hfsr", 0x4000_0000)
            .fault("cfsr", 0);
        assert_eq!(
            scene.headline(),
            (
                "unknown cause".to_owned(),
                "`poke` took a hard fault without a recorded cause, main.c:16".to_owned()
            )
        );
    }
}

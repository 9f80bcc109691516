//! The vector table could not be read.

use super::{FaultRule, Finding};
use crate::analysis::crash_facts::Case;
use crate::model::report::FaultKind;

/// "The processor could not read its vector table, main.c:16".
pub(super) const RULE: FaultRule = FaultRule {
    id: "vector_table",
    explain,
};

fn explain(case: &Case<'_>) -> Option<Finding> {
    case.has("hfsr", "VECTTBL").then(|| Finding {
        kind: FaultKind::BusFault,
        address: None,
        summary: format!(
            "The processor could not read its vector table{}",
            case.place_phrase()
        ),
        advice: Some("Check VTOR (0xE000ED08): it must point to a table that stays readable."),
        evidence: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use crate::analysis::fault_rules::testing::Scene;

    #[test]
    fn the_bit_alone_says_so() {
        let scene = Scene::new(&[0x00, 0xBF]).fault("hfsr", 2).fault("cfsr", 0);
        assert_eq!(
            scene.headline(),
            (
                "bus fault".to_owned(),
                "The processor could not read its vector table, main.c:16".to_owned()
            )
        );
    }
}

//! A jump to an even address: the Thumb bit was clear.

use super::sentence::plain_sentence;
use super::{FaultRule, Finding};
use crate::analysis::crash_facts::Case;
use crate::analysis::wording::address;
use crate::model::report::FaultKind;

/// "`poke` jumped to the even address 0x00000500: its Thumb bit is not set, main.c:16".
pub(super) const RULE: FaultRule = FaultRule {
    id: "invalid_state",
    explain,
};

fn explain(case: &Case<'_>) -> Option<Finding> {
    if !case.cfsr("INVSTATE") {
        return None;
    }
    let did = match case.pc() {
        Some(pc) => format!(
            "jumped to the even address {}: its Thumb bit is not set",
            address(pc)
        ),
        None => "jumped to an even address: the Thumb bit was not set".to_owned(),
    };
    Some(Finding {
        kind: FaultKind::UsageFault,
        address: case.pc(),
        summary: plain_sentence(case, &did),
        advice: Some(
            "Function pointers of Cortex-M are odd: look for a pointer made from a number, a damaged one, or a vector without bit 0.",
        ),
        evidence: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use crate::analysis::fault_rules::testing::Scene;

    #[test]
    fn the_target_is_shown() {
        let scene = Scene::new(&[]).reg(15, 0x500).fault("cfsr", 0x2_0000);
        assert_eq!(
            scene.headline(),
            (
                "usage fault".to_owned(),
                "`poke` jumped to the even address 0x00000500: its Thumb bit is not set, main.c:16"
                    .to_owned()
            )
        );
    }
}

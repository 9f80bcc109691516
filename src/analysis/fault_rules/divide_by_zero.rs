//! An integer division by zero with the trap enabled.

use super::sentence::plain_sentence;
use super::{FaultRule, Finding};
use crate::analysis::crash_facts::Case;
use crate::analysis::instruction::AccessKind;
use crate::model::report::FaultKind;

/// "`handle_cmd` divided by zero, main.c:46".
pub(super) const RULE: FaultRule = FaultRule {
    id: "divide_by_zero",
    explain,
};

fn explain(case: &Case<'_>) -> Option<Finding> {
    let divisor = case
        .instruction
        .as_ref()
        .filter(|decoded| decoded.access.kind == AccessKind::Divide)
        .and_then(|decoded| decoded.access.values.get(1).copied().flatten());
    let inferred = !case.has_cause() && divisor == Some(0);
    if !case.cfsr("DIVBYZERO") && !inferred {
        return None;
    }
    Some(Finding {
        kind: FaultKind::DivideByZero,
        address: None,
        summary: plain_sentence(
            case,
            if inferred {
                "probably divided by zero"
            } else {
                "divided by zero"
            },
        ),
        advice: Some(
            "Check the divisor before dividing; its register is shown with the instruction.",
        ),
        evidence: divisor
            .filter(|value| *value == 0)
            .map(|_| "the divisor's register holds 0".to_owned())
            .into_iter()
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use crate::analysis::fault_rules::testing::{Scene, frame};
    use crate::model::report::FrameTrust;

    #[test]
    fn the_bit_or_a_divisor_of_zero() {
        let scene = || {
            Scene::new(&[0x91, 0xFB, 0xF3, 0xF1])
                .reg(1, 100)
                .reg(3, 0)
                .frames(vec![frame("handle_cmd", "main.c:46", FrameTrust::Context)])
        };
        assert_eq!(
            scene().fault("cfsr", 0x0200_0000).headline(),
            (
                "divide by zero".to_owned(),
                "`handle_cmd` divided by zero, main.c:46".to_owned()
            )
        );
        assert_eq!(
            scene().headline().1,
            "`handle_cmd` probably divided by zero, main.c:46"
        );
        assert!(scene().reg(3, 7).explain().is_none());
    }
}

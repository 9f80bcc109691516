//! A floating-point instruction while the unit is off or missing.

use super::sentence::plain_sentence;
use super::{FaultRule, Finding};
use crate::analysis::crash_facts::Case;
use crate::model::report::FaultKind;

/// "`poke` used the floating-point unit, which is off or missing (vmul.f32 s0, s0, s1), main.c:16".
pub(super) const RULE: FaultRule = FaultRule {
    id: "no_coprocessor",
    explain,
};

fn explain(case: &Case<'_>) -> Option<Finding> {
    if !case.cfsr("NOCP") {
        return None;
    }
    let shown = case.instruction.as_ref().map_or(String::new(), |decoded| {
        format!(" ({})", decoded.instruction.text)
    });
    Some(Finding {
        kind: FaultKind::UsageFault,
        address: case.pc(),
        summary: plain_sentence(
            case,
            &format!("used the floating-point unit, which is off or missing{shown}"),
        ),
        advice: Some(
            "Enable the unit (CPACR, 0xE000ED88) before the first use, or build for a core without it.",
        ),
        evidence: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use crate::analysis::fault_rules::testing::Scene;

    #[test]
    fn the_instruction_is_shown() {
        let scene = Scene::new(&[0x20, 0xEE, 0x20, 0x0A]).fault("cfsr", 0x8_0000);
        assert_eq!(
            scene.headline(),
            ("usage fault".to_owned(), "`poke` used the floating-point unit, which is off or missing (vmul.f32 s0, s0, s1), main.c:16".to_owned())
        );
    }
}

//! An exception return with a value that means nothing.

use super::{FaultRule, Finding};
use crate::analysis::crash_facts::Case;
use crate::model::report::FaultKind;

/// "An exception handler returned to `poke` with an invalid `EXC_RETURN` or program status, main.c:16".
pub(super) const RULE: FaultRule = FaultRule {
    id: "invalid_return",
    explain,
};

fn explain(case: &Case<'_>) -> Option<Finding> {
    case.cfsr("INVPC").then(|| Finding {
        kind: FaultKind::UsageFault,
        address: case.pc(),
        summary: format!(
            "An exception handler returned to {} with an invalid EXC_RETURN or program status{}",
            case.who_inside(),
            case.place_phrase()
        ),
        advice: Some(
            "A handler's stack was damaged, or a context switch restored a wrong stack pointer.",
        ),
        evidence: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use crate::analysis::fault_rules::testing::Scene;

    #[test]
    fn the_bit_alone_says_so() {
        let scene = Scene::new(&[0x70, 0x47]).fault("cfsr", 0x4_0000);
        assert_eq!(
            scene.headline(),
            ("usage fault".to_owned(), "An exception handler returned to `poke` with an invalid EXC_RETURN or program status, main.c:16".to_owned())
        );
    }
}

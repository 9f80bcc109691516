//! The memory protection unit refused an access.

use super::sentence::access_phrase;
use super::{FaultRule, Finding};
use crate::analysis::crash_facts::Case;
use crate::model::report::FaultKind;

/// "`poke` wrote 13 to 0x20000010, which memory protection forbids, in task cmd, main.c:16".
pub(super) const RULE: FaultRule = FaultRule {
    id: "memory_fault",
    explain,
};

fn explain(case: &Case<'_>) -> Option<Finding> {
    let summary = if case.cfsr("DACCVIOL") {
        let described = case
            .fault_address()
            .and_then(|addr| (case.facts.describe)(addr))
            .map_or(String::new(), |name| format!(" ({name})"));
        format!(
            "{} {}{described}, which memory protection forbids{}",
            case.who(),
            access_phrase(case, ""),
            case.place_phrase()
        )
    } else if case.cfsr("MLSPERR") {
        format!(
            "Memory protection forbade saving the floating-point registers of {}{}",
            case.who(),
            case.place_phrase()
        )
    } else if case.cfsr("MUNSTKERR") {
        format!(
            "Memory protection forbade restoring the registers on return to {}{}",
            case.who(),
            case.place_phrase()
        )
    } else {
        return None;
    };
    Some(Finding {
        kind: FaultKind::MemoryFault,
        address: case.fault_address(),
        summary,
        advice: Some(
            "Compare the address with the regions of the memory protection unit: a guard, read-only memory, or another thread's data.",
        ),
        evidence: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use crate::analysis::fault_rules::testing::Scene;

    #[test]
    fn a_store_that_the_unit_refused() {
        let scene = Scene::bad_store()
            .reg(0, 0x2000_0010)
            .fault("cfsr", 0x82)
            .fault("mmfar", 0x2000_0010);
        assert_eq!(
            scene.headline(),
            ("memory fault".to_owned(), "`poke` wrote 13 to 0x20000010, which memory protection forbids, in task cmd, main.c:16".to_owned())
        );
    }
}

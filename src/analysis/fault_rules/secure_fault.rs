//! `TrustZone` refused an access or a change of state (`ARMv8-M`).

use super::sentence::access_phrase;
use super::{FaultRule, Finding};
use crate::analysis::crash_facts::Case;
use crate::analysis::wording::address;
use crate::model::report::FaultKind;

/// "`poke` wrote 13 to 0x30000000, which belongs to the secure world (secure fault), in task cmd, main.c:16".
pub(super) const RULE: FaultRule = FaultRule {
    id: "secure_fault",
    explain,
};

fn explain(case: &Case<'_>) -> Option<Finding> {
    let cause = case
        .bits
        .iter()
        .find(|bit| bit.register == "sfsr" && bit.name != "SFARVALID")?;
    let did = if cause.name == "AUVIOL" {
        format!(
            "{}, which belongs to the secure world (secure fault)",
            access_phrase(case, "")
        )
    } else if let ("INVTRAN" | "INVEP", Some(pc)) = (cause.name.as_str(), case.pc()) {
        format!(
            "jumped to {} in the other security state (secure fault, {}: {})",
            address(pc),
            cause.name,
            cause.meaning
        )
    } else {
        format!("caused a secure fault ({}: {})", cause.name, cause.meaning)
    };
    Some(Finding {
        kind: FaultKind::MemoryFault,
        address: case.fault_address(),
        summary: format!("{} {did}{}", case.who(), case.place_phrase()),
        advice: Some(
            "Compare the address with the attribution regions (SAU and IDAU) of the secure firmware.",
        ),
        evidence: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use crate::analysis::fault_rules::testing::Scene;

    #[test]
    fn a_jump_into_the_other_world() {
        let scene = Scene::new(&[]).reg(15, 0x0020_0100).fault("sfsr", 0x10);
        assert!(scene.headline().1.starts_with(
            "`poke` jumped to 0x00200100 in the other security state (secure fault, INVTRAN: "
        ));
    }

    #[test]
    fn an_access_to_secure_memory() {
        let scene = Scene::bad_store()
            .reg(0, 0x3000_0000)
            .fault("sfsr", 0x48)
            .fault("sfar", 0x3000_0000);
        assert_eq!(
            scene.headline(),
            ("memory fault".to_owned(), "`poke` wrote 13 to 0x30000000, which belongs to the secure world (secure fault), in task cmd, main.c:16".to_owned())
        );
    }
}

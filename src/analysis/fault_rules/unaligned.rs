//! An access to an address that is not aligned.

use super::sentence::access_phrase;
use super::{FaultRule, Finding};
use crate::analysis::crash_facts::Case;
use crate::analysis::instruction::Access;
use crate::model::arch::Arch;
use crate::model::report::FaultKind;

/// "`poke` wrote 13 to 0x20000002, which is not aligned to 4 bytes, in task cmd, main.c:16".
pub(super) const RULE: FaultRule = FaultRule {
    id: "unaligned",
    explain,
};

fn explain(case: &Case<'_>) -> Option<Finding> {
    let access = case.access().filter(|access| access.is_memory());
    let misaligned = access
        .and_then(|access| access.address.map(|addr| (access, addr)))
        .filter(|(access, addr)| !addr.is_multiple_of(access.element.clamp(1, 4)));
    let inferred = !case.has_cause()
        && misaligned.is_some_and(|(access, addr)| {
            never_unaligned(case, access) && case.is_known_memory(addr)
        });
    if !case.cfsr("UNALIGNED") && !inferred {
        return None;
    }
    let probably = if inferred { "probably " } else { "" };
    let why = misaligned.map_or_else(
        || ", which is not aligned".to_owned(),
        |(access, _)| {
            format!(
                ", which is not aligned to {} bytes",
                access.element.clamp(1, 4)
            )
        },
    );
    Some(Finding {
        kind: FaultKind::Unaligned,
        address: case.fault_address(),
        summary: format!(
            "{} {}{why}{}",
            case.who(),
            access_phrase(case, probably),
            case.place_phrase()
        ),
        advice: Some(
            "Copy the bytes with memcpy, or declare the structure packed, instead of casting the pointer.",
        ),
        evidence: Vec::new(),
    })
}

/// Accesses that fault whatever the configuration: lists, pairs and floating point, and everything on ARMv6-M (A3.2.1).
fn never_unaligned(case: &Case<'_>, access: &Access) -> bool {
    access.size > access.element || access.element == 8 || case.facts.arch == Arch::ArmV6M
}

#[cfg(test)]
mod tests {
    use crate::analysis::fault_rules::testing::Scene;

    #[test]
    fn a_word_at_an_odd_place() {
        let scene = Scene::bad_store()
            .reg(0, 0x2000_0002)
            .fault("cfsr", 0x0100_0000);
        assert_eq!(
            scene.headline(),
            ("unaligned access".to_owned(), "`poke` wrote 13 to 0x20000002, which is not aligned to 4 bytes, in task cmd, main.c:16".to_owned())
        );
        // A single word may be unaligned on ARMv7-M unless the trap is on.
        assert!(Scene::bad_store().reg(0, 0x2000_0002).explain().is_none());
        // A pair of words never may: strd r1, r3, [r4, #8].
        let pair = Scene::new(&[0xC4, 0xE9, 0x02, 0x13])
            .reg(4, 0x2000_0002)
            .reg(1, 1)
            .reg(3, 3);
        assert_eq!(pair.headline().0, "unaligned access");
    }
}

//! A jump to memory that may not be executed.

use super::sentence::plain_sentence;
use super::{FaultRule, Finding};
use crate::analysis::address_space::Area;
use crate::analysis::crash_facts::Case;
use crate::analysis::wording::address;
use crate::model::report::FaultKind;

/// "`handle_cmd` jumped to 0xE0000000, which must not be executed, main.c:47".
pub(super) const RULE: FaultRule = FaultRule {
    id: "no_execute",
    explain,
};

fn explain(case: &Case<'_>) -> Option<Finding> {
    let pc = case.pc()?;
    let outside = case.is_outside_code(pc);
    let fetch_failed = case.cfsr("IACCVIOL") || (case.cfsr("IBUSERR") && outside);
    // Code that no ELF knows may be a ROM; data memory and forbidden areas are not.
    let inferred = !case.has_cause()
        && outside
        && (Area::of(pc).is_never_executable()
            || (case.facts.has_symbols
                && !case.captured().is_empty()
                && Area::of(pc) == Area::Sram));
    if !fetch_failed && !inferred {
        return None;
    }
    let probably = if fetch_failed { "" } else { "probably " };
    let why = if case.cfsr("IBUSERR") && !Area::of(pc).is_never_executable() {
        "where no code is"
    } else {
        "which must not be executed"
    };
    Some(Finding {
        kind: FaultKind::NoExecute,
        address: Some(pc),
        summary: plain_sentence(case, &format!("{probably}jumped to {}, {why}", address(pc))),
        advice: Some(
            "Look at the function pointer or return address that held this value: it was overwritten or never set.",
        ),
        evidence: if outside {
            vec![format!(
                "the program counter {} is outside of the code",
                address(pc)
            )]
        } else {
            Vec::new()
        },
    })
}

#[cfg(test)]
mod tests {
    use crate::analysis::fault_rules::testing::{Scene, frame};
    use crate::model::report::FrameTrust;

    #[test]
    fn a_jump_into_the_system_region_names_the_caller() {
        let scene = || {
            Scene::new(&[]).reg(15, 0xE000_0000).frames(vec![
                frame("", "", FrameTrust::Context),
                frame("handle_cmd", "main.c:47", FrameTrust::Cfi),
            ])
        };
        assert_eq!(
            scene().fault("cfsr", 1).headline(),
            (
                "no-execute region".to_owned(),
                "`handle_cmd` jumped to 0xE0000000, which must not be executed, main.c:47"
                    .to_owned()
            )
        );
        assert_eq!(
            scene().headline().1,
            "`handle_cmd` probably jumped to 0xE0000000, which must not be executed, main.c:47"
        );
        assert_eq!(
            scene()
                .reg(15, 0x1800_0000)
                .fault("cfsr", 0x100)
                .headline()
                .1,
            "`handle_cmd` jumped to 0x18000000, where no code is, main.c:47"
        );
    }
}

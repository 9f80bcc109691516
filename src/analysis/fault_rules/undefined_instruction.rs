//! An instruction that does not exist, or `udf`.

use super::sentence::plain_sentence;
use super::{FaultRule, Finding};
use crate::analysis::crash_facts::Case;
use crate::analysis::instruction::AccessKind;
use crate::model::report::FaultKind;

/// "`undefd` ran an undefined instruction (udf #1), main.c:41".
pub(super) const RULE: FaultRule = FaultRule {
    id: "undefined_instruction",
    explain,
};

fn explain(case: &Case<'_>) -> Option<Finding> {
    let here = case.instruction.as_ref();
    let undefined = here.filter(|decoded| decoded.access.kind == AccessKind::Undefined);
    // Without fault registers only `udf` counts: unknown bytes may be an instruction the disassembler does not know.
    let inferred =
        !case.has_cause() && undefined.is_some_and(|decoded| decoded.access.number.is_some());
    if !case.cfsr("UNDEFINSTR") && !inferred {
        return None;
    }
    let shown = here.map_or(String::new(), |decoded| {
        format!(" ({})", decoded.instruction.text)
    });
    let probably = if inferred { "probably " } else { "" };
    let is_trap = undefined.is_some_and(|decoded| decoded.access.number.is_some());
    Some(Finding {
        kind: FaultKind::UndefinedInstruction,
        address: case.pc(),
        summary: plain_sentence(
            case,
            &format!("{probably}ran an undefined instruction{shown}"),
        ),
        advice: Some(if is_trap {
            "`udf` is put there on purpose: a trap of the compiler or of the program for a place that must not be reached."
        } else {
            "Check that the code was not overwritten and that it was built for this core."
        }),
        evidence: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use crate::analysis::fault_rules::testing::{Scene, frame};
    use crate::model::report::FrameTrust;

    #[test]
    fn the_instruction_is_shown() {
        let scene = || {
            Scene::new(&[0x01, 0xDE]).frames(vec![frame(
                "undefd",
                "main.c:41",
                FrameTrust::Context,
            )])
        };
        assert_eq!(
            scene().fault("cfsr", 0x1_0000).headline(),
            (
                "undefined instruction".to_owned(),
                "`undefd` ran an undefined instruction (udf #1), main.c:41".to_owned()
            )
        );
        assert_eq!(
            scene().headline().1,
            "`undefd` probably ran an undefined instruction (udf #1), main.c:41"
        );
    }
}

//! A breakpoint without a debugger.

use super::sentence::plain_sentence;
use super::{FaultRule, Finding};
use crate::analysis::crash_facts::Case;
use crate::analysis::instruction::AccessKind;
use crate::model::report::FaultKind;

/// "`poke` hit a breakpoint (bkpt #0) with no debugger attached, main.c:16". A program that does this stops itself on
/// purpose, so that its class is "abort".
pub(super) const RULE: FaultRule = FaultRule {
    id: "debug_event",
    explain,
};

fn explain(case: &Case<'_>) -> Option<Finding> {
    if !case.has("hfsr", "DEBUGEVT") {
        return None;
    }
    let shown = case
        .instruction
        .as_ref()
        .filter(|decoded| decoded.access.kind == AccessKind::Breakpoint)
        .map_or(String::new(), |decoded| {
            format!(" ({})", decoded.instruction.text)
        });
    Some(Finding {
        kind: FaultKind::Abort,
        address: case.pc(),
        summary: plain_sentence(
            case,
            &format!("hit a breakpoint{shown} with no debugger attached"),
        ),
        advice: Some("The program stopped itself here: read the condition before the breakpoint."),
        evidence: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use crate::analysis::fault_rules::testing::Scene;

    #[test]
    fn the_breakpoint_is_shown() {
        let scene = Scene::new(&[0x00, 0xBE]).fault("hfsr", 0x8000_0000);
        assert_eq!(
            scene.headline(),
            (
                "abort".to_owned(),
                "`poke` hit a breakpoint (bkpt #0) with no debugger attached, main.c:16".to_owned()
            )
        );
    }
}

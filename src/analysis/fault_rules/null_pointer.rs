//! An access or a call through a null pointer.

use super::sentence::{access_phrase, plain_sentence};
use super::{FaultRule, Finding};
use crate::analysis::address_space::NULL_PAGE_BYTES;
use crate::analysis::crash_facts::Case;
use crate::analysis::instruction::AccessKind;
use crate::model::registers::{Reg, RegValue};
use crate::model::report::FaultKind;

/// "`poke` wrote 13 to 0x00000008 through a null pointer (precise bus fault), in task cmd, main.c:16" and
/// "`handle_cmd` called a null function pointer, main.c:47".
pub(super) const RULE: FaultRule = FaultRule {
    id: "null_pointer",
    explain,
};

/// A program counter below this came from a null function pointer: the vector table stands there.
const NULL_CODE_BYTES: u64 = 16;

fn explain(case: &Case<'_>) -> Option<Finding> {
    null_call(case).or_else(|| null_access(case))
}

fn null_call(case: &Case<'_>) -> Option<Finding> {
    let pc = case.pc().filter(|pc| *pc < NULL_CODE_BYTES)?;
    let cause_fits = ["INVSTATE", "IACCVIOL", "IBUSERR", "UNDEFINSTR"]
        .iter()
        .any(|name| case.cfsr(name));
    if case.has_cause() && !cause_fits {
        return None;
    }
    // Registers that are all zero are a context that was never captured.
    let has_context = case.facts.registers.iter().any(|(reg, value)| {
        reg != Reg::SP && matches!(value, RegValue::Known(known) if known != 0)
    });
    // A call leaves where it came from in LR; without it the context is one that could not be stored.
    let was_called = case.facts.registers.known(Reg::LR).is_none_or(|lr| lr > 1);
    if !(has_context && was_called) && !case.has_cause() {
        return None;
    }
    let probably = if case.has_cause() { "" } else { "probably " };
    Some(Finding {
        kind: FaultKind::NullPointer,
        address: Some(pc),
        summary: plain_sentence(case, &format!("{probably}called a null function pointer")),
        advice: Some(
            "Find which function pointer the caller used, and why nothing was stored in it.",
        ),
        evidence: vec!["the program counter is in the first bytes of the address space".to_owned()],
    })
}

fn null_access(case: &Case<'_>) -> Option<Finding> {
    let addr = case
        .fault_address()
        .filter(|addr| *addr < NULL_PAGE_BYTES)?;
    let data_fault = ["PRECISERR", "IMPRECISERR", "DACCVIOL"]
        .iter()
        .any(|name| case.cfsr(name));
    let access = case.access();
    let is_memory = access.is_some_and(crate::analysis::instruction::Access::is_memory);
    let believed = if case.has_cause() {
        // An imprecise fault is not of this instruction: only a recorded address counts.
        data_fault
            && (case.recorded_address().is_some() || (is_memory && !case.cfsr("IMPRECISERR")))
    } else {
        // Flash at 0 can be read without a fault, so that only a store, or a read of nothing, is suspicious.
        is_memory
            && (access.is_some_and(|a| a.kind == AccessKind::Write) || !case.is_known_memory(addr))
    };
    if !believed {
        return None;
    }
    let probably = if case.has_cause() { "" } else { "probably " };
    Some(Finding {
        kind: FaultKind::NullPointer,
        address: Some(addr),
        summary: format!(
            "{} {} through a null pointer{}{}",
            case.who(),
            access_phrase(case, probably),
            case.class_phrase(),
            case.place_phrase()
        ),
        advice: Some(
            "The address is the offset of a member: see which pointer in this frame is null.",
        ),
        evidence: vec![format!("the address is below {NULL_PAGE_BYTES}")],
    })
}

#[cfg(test)]
mod tests {
    use crate::analysis::fault_rules::testing::{Scene, frame};
    use crate::model::report::FrameTrust;

    #[test]
    fn a_store_to_a_member_of_a_null_structure() {
        let scene = Scene::bad_store()
            .reg(0, 8)
            .fault("cfsr", 0x8200)
            .fault("bfar", 8);
        assert_eq!(
            scene.headline(),
            ("null pointer".to_owned(), "`poke` wrote 13 to 0x00000008 through a null pointer (precise bus fault), in task cmd, main.c:16".to_owned())
        );
    }

    #[test]
    fn a_call_of_a_null_function_pointer_names_the_caller() {
        let frames = || {
            vec![
                frame("", "", FrameTrust::Context),
                frame("handle_cmd", "main.c:47", FrameTrust::Cfi),
            ]
        };
        let scene = Scene::new(&[]).reg(15, 0).reg(14, 0x565).frames(frames());
        assert_eq!(
            scene.headline().1,
            "`handle_cmd` probably called a null function pointer, main.c:47"
        );
        let scene = Scene::new(&[])
            .reg(15, 0)
            .frames(frames())
            .fault("cfsr", 0x2_0000);
        assert_eq!(
            scene.headline().1,
            "`handle_cmd` called a null function pointer, main.c:47"
        );
    }

    #[test]
    fn reading_flash_at_zero_is_no_fault_by_itself() {
        let scene = Scene::new(&[0x00, 0x68]).reg(0, 0x20);
        assert!(scene.explain().is_none());
        assert_eq!(
            scene.fault("cfsr", 0x82).fault("mmfar", 0x20).headline().0,
            "null pointer"
        );
    }
}

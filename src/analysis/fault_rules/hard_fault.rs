//! A fault of which nothing but its class is known.

use super::sentence::plain_sentence;
use super::{FaultRule, Finding};
use crate::analysis::crash_facts::Case;
use crate::analysis::wording::address;
use crate::model::arch::Arch;
use crate::model::report::FaultKind;

/// "`poke` took a hard fault without a recorded cause, main.c:16", and "`poke` took a bus fault, main.c:16; halted in
/// `BusFault_Handler`" when a debugger captured no fault registers.
pub(super) const RULE: FaultRule = FaultRule {
    id: "hard_fault",
    explain,
};

fn explain(case: &Case<'_>) -> Option<Finding> {
    let fault = &case.facts.dump.fault;
    let hfsr = fault.get("hfsr").filter(|value| *value != 0);
    let halted = case.halted_in().map(|halted| halted.exception);
    let (kind, did) = match halted.or(hfsr.map(|_| "HardFault"))? {
        "BusFault" => (FaultKind::BusFault, "took a bus fault"),
        "MemManage" => (FaultKind::MemoryFault, "took a memory protection fault"),
        "UsageFault" => (FaultKind::UsageFault, "took a usage fault"),
        "SecureFault" => (FaultKind::Unknown, "took a secure fault"),
        "HardFault" => (FaultKind::Unknown, "took a hard fault"),
        _ => return None,
    };
    let is_recorded = hfsr.is_some() || fault.get("cfsr").is_some();
    if hfsr.is_none() && case.has_cause() {
        return None;
    }
    let (without, advice) = if is_recorded {
        (
            " without a recorded cause",
            "Save CFSR in the fault handler before anything else runs: it says what happened.",
        )
    } else if case.facts.arch == Arch::ArmV6M {
        (
            "",
            "Look at the instruction and the registers it used: this core keeps no record of the cause.",
        )
    } else {
        (
            "",
            "Capture the fault registers (0xE000ED28 to 0xE000ED3B) with the memory: they say what happened.",
        )
    };
    Some(Finding {
        kind,
        address: case.fault_address().filter(|_| hfsr.is_some()),
        summary: plain_sentence(case, &format!("{did}{without}")),
        advice: Some(advice),
        evidence: hfsr
            .map(|hfsr| format!("HFSR is {} and CFSR says nothing", address(u64::from(hfsr))))
            .into_iter()
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use crate::analysis::fault_rules::testing::{Scene, frame};
    use crate::model::arch::Arch;
    use crate::model::report::FrameTrust;

    /// Halted in `EXCEPTION_Handler`, which interrupted `poke`.
    fn halted_in(exception: &'static str) -> Scene {
        let name = format!("{exception}_Handler");
        let mut handler = frame(&name, "start.c:9", FrameTrust::Context);
        handler.fault_handler = true;
        let mut below = frame("poke", "main.c:16", FrameTrust::ExceptionFrame);
        below.interrupted = Some(exception.to_owned());
        Scene::new(&[0x00, 0xBF])
            .frames(vec![handler, below])
            .halted_in(exception)
    }

    #[test]
    fn without_fault_registers_the_handler_says_which_fault_it_was() {
        for (exception, kind, did) in [
            ("BusFault", "bus fault", "a bus fault"),
            ("MemManage", "memory fault", "a memory protection fault"),
            ("UsageFault", "usage fault", "a usage fault"),
            ("HardFault", "unknown cause", "a hard fault"),
        ] {
            let expected = format!("`poke` took {did}, main.c:16; halted in `{exception}_Handler`");
            assert_eq!(halted_in(exception).headline(), (kind.to_owned(), expected));
        }
    }

    #[test]
    fn fault_registers_that_say_nothing_are_not_asked_for() {
        let advice = |scene: Scene| scene.explain().unwrap().advice.unwrap();
        let hard = || halted_in("HardFault");
        assert!(advice(hard()).starts_with("Capture the fault registers"));
        assert!(advice(hard().fault("cfsr", 0)).starts_with("Save CFSR"));
        assert!(advice(hard().arch(Arch::ArmV6M)).starts_with("Look at the instruction"));
    }

    #[test]
    fn a_handler_without_the_frame_under_it_names_no_function() {
        let mut handler = frame("", "", FrameTrust::Context);
        handler.fault_handler = true;
        let fault = Scene::new(&[])
            .frames(vec![handler])
            .halted_in("HardFault")
            .without_registers()
            .explain()
            .unwrap();
        assert_eq!(
            fault.summary,
            "The program took a hard fault; halted in the handler of HardFault"
        );
        assert!(fault.evidence[0].ends_with("what faulted is not known"));
        assert!(fault.advice.unwrap().starts_with("See the warnings"));
    }

    #[test]
    fn a_forced_fault_with_a_cleared_cause_is_unknown_and_says_so() {
        let scene = Scene::new(&[0x00, 0xBF])
            .fault("hfsr", 0x4000_0000)
            .fault("cfsr", 0);
        assert_eq!(
            scene.headline(),
            (
                "unknown cause".to_owned(),
                "`poke` took a hard fault without a recorded cause, main.c:16".to_owned()
            )
        );
    }
}

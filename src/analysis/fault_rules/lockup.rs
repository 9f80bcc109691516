//! The processor locked up: a fault that nothing could handle.

use super::sentence::plain_sentence;
use super::{FaultRule, Finding};
use crate::analysis::crash_facts::Case;
use crate::model::coredump::Coredump;
use crate::model::memory::Memory as _;
use crate::model::report::FaultKind;

/// "`poke` was running when the processor locked up, main.c:16".
pub(super) const RULE: FaultRule = FaultRule {
    id: "lockup",
    explain,
};

/// Debug Halting Control and Status Register (`ARMv7-M` ARM C1.6.2).
const DHCSR: u64 = 0xE000_EDF0;
/// Its bit 19.
const S_LOCKUP: u32 = 1 << 19;

/// True when the core's debug registers were captured and say so.
pub(in crate::analysis) fn is_locked_up(dump: &Coredump) -> bool {
    (dump.memory.read_u32(DHCSR)).is_ok_and(|word| word & S_LOCKUP != 0)
}

fn explain(case: &Case<'_>) -> Option<Finding> {
    let dump = case.facts.dump;
    let mut evidence = Vec::new();
    if is_locked_up(dump) {
        evidence.push("DHCSR says that the processor is in lockup (S_LOCKUP)".to_owned());
    }
    if let Some(text) = dump.reason.as_ref().filter(|text| is_lockup(text)) {
        evidence.push(format!("the device says: {text}"));
    }
    (!evidence.is_empty()).then(|| Finding {
        kind: FaultKind::Lockup,
        address: case.fault_address(),
        summary: plain_sentence(case, "was running when the processor locked up"),
        advice: Some(
            "A lockup is a fault inside the handler of HardFault or NMI: look at those handlers, their stack and the vector table.",
        ),
        evidence,
    })
}

fn is_lockup(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["lockup", "lock-up", "locked up"]
        .iter()
        .any(|words| lower.contains(words))
}

#[cfg(test)]
mod tests {
    use crate::analysis::fault_rules::testing::Scene;

    #[test]
    fn the_register_or_the_device_says_so() {
        let scene = || Scene::new(&[0x00, 0xBF]);
        for scene in [
            scene().memory(0xE000_EDF0, &[0x0B, 0x00, 0x08, 0x00]),
            scene().reason("CPU lockup"),
        ] {
            assert_eq!(
                scene.headline(),
                (
                    "lockup".to_owned(),
                    "`poke` was running when the processor locked up, main.c:16".to_owned()
                )
            );
        }
        // What follows a crash is not its cause.
        assert!(scene().restart("LOCKUP reset").explain().is_none());
    }
}

//! The memory protection unit refused an access.

use super::sentence::access_phrase;
use super::{FaultRule, Finding};
use crate::analysis::crash_facts::Case;
use crate::analysis::mpu::region_of;
use crate::analysis::wording::address;
use crate::model::memory::Memory as _;
use crate::model::report::FaultKind;

/// "`poke` wrote 13 to 0x20000010, which memory protection forbids (region 3, 0x20000000 to 0x200000FF: read only), in
/// task cmd, main.c:16".
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
            "{} {}{described}, which memory protection forbids{}{}",
            case.who(),
            access_phrase(case, ""),
            region_phrase(case, case.fault_address()),
            case.place_phrase()
        )
    } else if case.cfsr("MLSPERR") {
        format!(
            "Memory protection refused to save the floating-point registers of the interrupted code{}{}{}",
            float_frame(case).map_or(String::new(), |at| format!(" at {}", address(at))),
            region_phrase(case, float_frame(case)),
            case.place_phrase()
        )
    } else if case.cfsr("MUNSTKERR") {
        format!(
            "Memory protection refused to restore the registers on return to {}{}",
            case.who(),
            case.place_phrase()
        )
    } else {
        return None;
    };
    Some(Finding {
        kind: FaultKind::MemoryFault,
        address: if case.cfsr("MLSPERR") {
            float_frame(case)
        } else {
            case.fault_address()
        },
        summary,
        advice: Some(
            "Compare the address with the regions of the memory protection unit: a guard, read-only memory, or another thread's data.",
        ),
        evidence: Vec::new(),
    })
}

/// Where the delayed registers were to be saved: FPCAR (`ARMv7-M` ARM B3.2.22), if it was captured.
fn float_frame(case: &Case<'_>) -> Option<u64> {
    const FPCAR: u64 = 0xE000_EF38;
    let word = case.facts.dump.memory.read_u32(FPCAR).ok()?;
    (word != 0).then(|| u64::from(word))
}

/// ` (region 3, 0x20000000 to 0x200000FF: read only)`, or that no region allows it.
fn region_phrase(case: &Case<'_>, addr: Option<u64>) -> String {
    let Some(addr) = addr.filter(|_| !case.facts.mpu.is_empty()) else {
        return String::new();
    };
    match region_of(case.facts.mpu, addr) {
        Some(region) => format!(
            " (region {}, {} to {}: {})",
            region.number,
            address(region.start.0),
            address(region.last.0),
            region.rights
        ),
        None => " (no region of the memory protection unit covers it)".to_owned(),
    }
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
    #[test]
    fn the_region_is_named_where_the_capture_holds_it() {
        let scene = Scene::bad_store()
            .reg(0, 0x2000_0010)
            .fault("cfsr", 0x82)
            .fault("mmfar", 0x2000_0010)
            .region(0, 0x2000_0000, 0x2000_FFFF)
            .region(3, 0x2000_0000, 0x2000_00FF);
        assert_eq!(
            scene.headline().1,
            "`poke` wrote 13 to 0x20000010, which memory protection forbids (region 3, 0x20000000 to 0x200000FF: read only), in task cmd, main.c:16"
        );
    }
}

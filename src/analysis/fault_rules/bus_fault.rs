//! A load, a store or a fetch failed on the bus.

use super::sentence::{access_sentence, plain_sentence};
use super::{FaultRule, Finding};
use crate::analysis::address_space::Area;
use crate::analysis::crash_facts::Case;
use crate::analysis::wording::address;
use crate::model::report::FaultKind;

/// "`poke` wrote 13 to 0xF0000000, where nothing is (precise bus fault), in task cmd, main.c:16".
pub(super) const RULE: FaultRule = FaultRule {
    id: "bus_fault",
    explain,
};

/// RAM that was not captured may well exist this close to RAM that was.
const RAM_NEIGHBOURHOOD_BYTES: u64 = 1 << 20;

fn explain(case: &Case<'_>) -> Option<Finding> {
    let (summary, advice) = if case.cfsr("PRECISERR") {
        (
            access_sentence(case),
            "Find where the pointer in this frame came from: the address is no memory of this device.",
        )
    } else if case.cfsr("IMPRECISERR") {
        (
            imprecise(case),
            "The store that failed is a little before this place; set DISDEFWBUF (ACTLR bit 1) to make the fault precise.",
        )
    } else if case.cfsr("LSPERR") {
        (
            format!(
                "Saving the floating-point registers of {} failed on the bus{}",
                case.who(),
                case.place_phrase()
            ),
            "The stack of the interrupted context is damaged or too small.",
        )
    } else if case.cfsr("UNSTKERR") {
        (
            format!(
                "Restoring the registers on return to {} failed on the bus{}",
                case.who(),
                case.place_phrase()
            ),
            "The stack pointer was changed inside the handler, or the stack is damaged.",
        )
    } else if case.cfsr("IBUSERR") {
        let at = case
            .pc()
            .map_or(String::new(), |pc| format!(" at {}", address(pc)));
        (
            plain_sentence(
                case,
                &format!("could not fetch its next instruction{at} (bus fault)"),
            ),
            "Check the flash: its controller, wait states, or an external memory that was switched off.",
        )
    } else if inferred(case) {
        (
            access_sentence(case),
            "Find where the pointer in this frame came from: the address is no memory of this device.",
        )
    } else {
        return None;
    };
    Some(Finding {
        kind: FaultKind::BusFault,
        address: if case.cfsr("IMPRECISERR") {
            case.recorded_address().map(|(addr, _)| addr)
        } else {
            case.fault_address()
        },
        summary,
        advice: Some(advice),
        evidence: if inferred(case) {
            vec![
                "the instruction accesses an address that no memory of this capture or ELF covers"
                    .to_owned(),
            ]
        } else {
            Vec::new()
        },
    })
}

fn imprecise(case: &Case<'_>) -> String {
    if case.recorded_address().is_some() {
        return access_sentence(case);
    }
    let place = case.place_phrase();
    format!(
        "A write shortly before this place in {} failed late (imprecise bus fault){place}",
        case.who()
    )
}

/// Without fault registers: the instruction at the program counter would fail, and nothing else explains the stop.
fn inferred(case: &Case<'_>) -> bool {
    if case.has_cause()
        || !case
            .access()
            .is_some_and(crate::analysis::instruction::Access::is_memory)
    {
        return false;
    }
    // Without captured memory or an ELF "no memory covers it" says nothing.
    let can_tell = case.facts.has_symbols || !case.captured().is_empty();
    let Some(addr) = case
        .fault_address()
        .filter(|addr| can_tell && !case.is_known_memory(*addr))
    else {
        return false;
    };
    match Area::of(addr) {
        Area::Vendor | Area::Code => true,
        Area::Sram | Area::ExternalRam => !case.captured().iter().any(|range| {
            addr.saturating_add(RAM_NEIGHBOURHOOD_BYTES) >= range.start
                && addr <= range.end.saturating_add(RAM_NEIGHBOURHOOD_BYTES)
        }),
        // A register of a device is a normal thing to access.
        Area::Peripheral | Area::ExternalDevice | Area::System => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::analysis::fault_rules::testing::{Scene, frame};
    use crate::model::report::FrameTrust;

    fn summary(scene: &Scene) -> String {
        let (kind, summary) = scene.headline();
        assert_eq!(kind, "bus fault");
        summary
    }

    #[test]
    fn a_store_to_nothing_with_and_without_fault_registers() {
        let with = Scene::bad_store()
            .fault("cfsr", 0x8200)
            .fault("bfar", 0xF000_0000);
        assert_eq!(
            summary(&with),
            "`poke` wrote 13 to 0xF0000000, where nothing is (precise bus fault), in task cmd, main.c:16"
        );
        assert_eq!(
            summary(&Scene::bad_store()),
            "`poke` probably wrote 13 to 0xF0000000, where nothing is, in task cmd, main.c:16"
        );
    }

    #[test]
    fn the_recorded_address_may_belong_to_the_next_instruction() {
        let scene = Scene::bad_store()
            .reg(0, 0xF000_0000)
            .reg(1, 13)
            .fault("cfsr", 0x8200)
            .fault("bfar", 0xF000_0010);
        // Neither: the address alone is told.
        assert_eq!(
            summary(&scene),
            "`poke` wrote to 0xF0000010, where nothing is (precise bus fault), in task cmd, main.c:16"
        );
        // nop; ldr r0, [r0]
        let scene = Scene::new(&[0x00, 0xBF, 0x00, 0x68])
            .reg(0, 0xF000_0000)
            .fault("cfsr", 0x8200)
            .fault("bfar", 0xF000_0000);
        assert_eq!(
            summary(&scene),
            "`poke` read from 0xF0000000, where nothing is (precise bus fault), main.c:16"
        );
        assert!(
            scene
                .explain()
                .unwrap()
                .evidence
                .contains(&"BFAR equals the address of the next instruction's access".to_owned())
        );
    }

    #[test]
    fn an_interrupt_is_named_with_the_function_it_interrupted() {
        let mut below = frame("loop", "main.c:77", FrameTrust::ExceptionFrame);
        below.interrupted = Some("SysTick".to_owned());
        let scene = Scene::new(&[0x01, 0x60])
            .reg(0, 0xF000_0200)
            .reg(1, 630)
            .frames(vec![
                frame("store", "main.c:39", FrameTrust::Context),
                frame("SysTick_Handler", "main.c:74", FrameTrust::Cfi),
                below,
            ])
            .fault("cfsr", 0x8200)
            .fault("bfar", 0xF000_0200);
        assert_eq!(
            summary(&scene),
            "`store` wrote 630 to 0xF0000200, where nothing is (precise bus fault), while SysTick interrupted `loop`, main.c:39"
        );
    }

    #[test]
    fn peripherals_are_named_and_never_inferred() {
        let scene = Scene::bad_store().reg(0, 0x4000_1000);
        assert!(scene.explain().is_none());
        let scene = scene.fault("cfsr", 0x8200).fault("bfar", 0x4000_1000);
        assert_eq!(
            summary(&scene),
            "`poke` wrote 13 to 0x40001000, a peripheral that is off or missing (precise bus fault), in task cmd, main.c:16"
        );
        let late = Scene::bad_store().fault("cfsr", 0x400);
        assert_eq!(
            summary(&late),
            "A write shortly before this place in `poke` failed late (imprecise bus fault), in task cmd, main.c:16"
        );
    }
}

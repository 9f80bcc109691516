//! Which core a chip has, as far as it says itself.

use crate::live::LinkError;
use probe_rs::CoreType;
use probe_rs::config::Registry;

/// CPUID (ARMv7-M ARM, B3.2.3): implementer, variant, part, revision.
pub(super) const CPUID: u64 = 0xE000_ED00;
/// The implementer Arm, in the highest byte.
const ARM: u32 = 0x41;
/// Part numbers of cores, with the architecture of each.
const PARTS: [(u32, &str, CoreType); 10] = [
    (0xC20, "Cortex-M0", CoreType::Armv6m),
    (0xC21, "Cortex-M1", CoreType::Armv6m),
    (0xC60, "Cortex-M0+", CoreType::Armv6m),
    (0xC23, "Cortex-M3", CoreType::Armv7m),
    (0xC24, "Cortex-M4", CoreType::Armv7em),
    (0xC27, "Cortex-M7", CoreType::Armv7em),
    (0xD20, "Cortex-M23", CoreType::Armv8m),
    (0xD21, "Cortex-M33", CoreType::Armv8m),
    (0xD22, "Cortex-M55", CoreType::Armv8m),
    (0xD23, "Cortex-M85", CoreType::Armv8m),
];

/// A chip that somebody named.
pub(super) struct Wanted {
    name: String,
    core: CoreType,
}

/// The chip of that name; `None` for any.
pub(super) fn wanted(name: &str) -> Result<Option<Wanted>, LinkError> {
    if name == "auto" {
        return Ok(None);
    }
    let chip = Registry::from_builtin_families().get_target_by_name(name);
    let chip = chip.map_err(|error| LinkError::Setting {
        field: super::CHIP.id,
        why: format!("{error}. Write its name as its maker does, or auto"),
    })?;
    let core = chip.cores.first().map(|core| core.core_type);
    Ok(core.map(|core| Wanted {
        name: chip.name.clone(),
        core,
    }))
}

/// True when a word can be the CPUID of a core of Arm.
pub(super) fn is_core(cpuid: u32) -> bool {
    cpuid >> 24 == ARM
}

/// `Cortex-M4 r0p1`.
pub(super) fn name(cpuid: u32) -> String {
    let (variant, revision) = (cpuid >> 20 & 0xF, cpuid & 0xF);
    match part(cpuid) {
        Some((_, name, _)) => format!("{name} r{variant}p{revision}"),
        None => format!("Arm core {:#05x} r{variant}p{revision}", cpuid >> 4 & 0xFFF),
    }
}

/// What is wrong with the chip, if another one was asked for.
pub(super) fn mismatch(cpuid: u32, wanted: &Wanted) -> Option<String> {
    let (_, _, core) = part(cpuid)?;
    // One name of probe-rs is of cores with and without floating point.
    let is_same = *core == wanted.core
        || matches!(
            (core, wanted.core),
            (CoreType::Armv7m, CoreType::Armv7em) | (CoreType::Armv7em, CoreType::Armv7m)
        );
    (!is_same).then(|| {
        format!(
            "the chip has a {}, and {} has another core: it is not that chip. Check the name, or write auto",
            name(cpuid),
            wanted.name
        )
    })
}

fn part(cpuid: u32) -> Option<&'static (u32, &'static str, CoreType)> {
    PARTS.iter().find(|(part, ..)| *part == cpuid >> 4 & 0xFFF)
}

#[cfg(test)]
mod tests {
    use super::{is_core, mismatch, name, wanted};

    #[test]
    fn cores_are_told_by_their_cpuid() {
        assert_eq!(name(0x410F_C241), "Cortex-M4 r0p1");
        assert_eq!(name(0x411F_C231), "Cortex-M3 r1p1");
        assert!(is_core(0x410F_C241) && !is_core(0) && !is_core(u32::MAX));
    }

    #[test]
    fn a_chip_with_another_core_is_not_the_one_that_was_named() {
        let nrf51 = wanted("nRF51822_xxAA").unwrap().unwrap();
        let why = mismatch(0x410F_C241, &nrf51).unwrap();
        assert!(
            why.contains("Cortex-M4 r0p1") && why.contains("nRF51822_xxAA"),
            "{why}"
        );
        assert_eq!(mismatch(0x410C_C200, &nrf51), None);
        assert!(wanted("auto").unwrap().is_none());
        let error = wanted("nRF99").err().unwrap().to_string();
        assert!(error.contains("nRF99"), "{error}");
    }
}

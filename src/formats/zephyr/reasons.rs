//! Why a Zephyr device says it stopped.

use super::registers::CORTEX_M;

/// Codes from here on are the architecture's own (`K_ERR_ARCH_START`).
const FIRST_OF_ARCHITECTURE: u32 = 16;

/// The reason code of the header (`enum k_fatal_error_reason`, and the architecture's own from 16 on).
pub(super) fn words(target: u16, code: u32) -> String {
    match code {
        FIRST_OF_ARCHITECTURE.. if target != CORTEX_M => format!("fatal error, reason {code}"),
        0 => "CPU exception".to_owned(),
        1 => "unhandled interrupt".to_owned(),
        2 => "stack check failed (stack overflow)".to_owned(),
        3 => "kernel oops".to_owned(),
        4 => "kernel panic".to_owned(),
        16 => "memory management fault".to_owned(),
        17 => "memory fault while stacking".to_owned(),
        18 => "memory fault while unstacking".to_owned(),
        19 => "memory fault: data access".to_owned(),
        20 => "memory fault: instruction access".to_owned(),
        21 => "memory fault while saving floating-point state".to_owned(),
        22 => "bus fault".to_owned(),
        23 => "bus fault while stacking".to_owned(),
        24 => "bus fault while unstacking".to_owned(),
        25 => "precise bus fault".to_owned(),
        26 => "imprecise bus fault".to_owned(),
        27 => "bus fault: instruction fetch".to_owned(),
        28 => "bus fault while saving floating-point state".to_owned(),
        29 => "usage fault".to_owned(),
        30 => "usage fault: divide by zero".to_owned(),
        31 => "usage fault: unaligned access".to_owned(),
        32 => "usage fault: stack limit violated (stack overflow)".to_owned(),
        33 => "usage fault: no coprocessor".to_owned(),
        34 => "usage fault: illegal EXC_RETURN".to_owned(),
        35 => "usage fault: illegal EPSR".to_owned(),
        36 => "usage fault: undefined instruction".to_owned(),
        37 => "secure fault".to_owned(),
        n => format!("fatal error, reason {n}"),
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn codes_are_words_and_those_of_an_architecture_are_its_own() {
        assert_eq!(words(3, 2), "stack check failed (stack overflow)");
        assert_eq!(words(3, 25), "precise bus fault");
        assert_eq!(words(4, 25), "fatal error, reason 25");
        assert_eq!(words(3, 99), "fatal error, reason 99");
    }
}

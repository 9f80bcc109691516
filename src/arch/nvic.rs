//! The interrupt controller of Cortex-M: where its registers are and what their bits say.
//!
//! Sources: `ARMv7-M` ARM B3.2.4 (ICSR), B3.2.13 (SHCSR), B3.4 (NVIC); `ARMv6-M` ARM B3.2, B3.4 (fewer registers, none
//! that says which interrupts are active); `ARMv8-M` ARM D1.2.179 (NVIC_IABR), D1.2.232 (SHCSR).

use super::cortex_m::FIRST_IRQ;

/// Interrupts that a controller may have at most.
pub const MAX_IRQS: u32 = 496;
/// Enable bits, one word for 32 interrupts (`NVIC_ISER`).
pub const ENABLED: u64 = 0xE000_E100;
/// Pending bits (`NVIC_ISPR`).
pub const PENDING: u64 = 0xE000_E200;
/// Active bits (`NVIC_IABR`), not on `ARMv6-M`.
pub const ACTIVE: u64 = 0xE000_E300;
/// One byte of priority for each interrupt (`NVIC_IPR`).
pub const PRIORITIES: u64 = 0xE000_E400;
/// Address of the vector table (`VTOR`).
pub const VTOR: u64 = 0xE000_ED08;
/// One byte of priority for each of the exceptions 4 to 15 (`SHPR1` to `SHPR3`).
pub const SYSTEM_PRIORITIES: u64 = 0xE000_ED18;

/// Exceptions of SHCSR that are being handled: bit, exception.
const SHCSR_ACTIVE: [(u32, u32); 10] = [
    (0, 4),
    (1, 5),
    (2, 3),
    (3, 6),
    (4, 7),
    (5, 2),
    (7, 11),
    (8, 12),
    (10, 14),
    (11, 15),
];

/// Exceptions of SHCSR that wait: bit, exception.
const SHCSR_PENDING: [(u32, u32); 6] = [(12, 6), (13, 4), (14, 5), (15, 11), (20, 7), (21, 3)];

/// Exceptions of ICSR that wait: bit, exception.
const ICSR_PENDING: [(u32, u32); 3] = [(26, 15), (28, 14), (31, 2)];

/// The exceptions that SHCSR calls active.
pub fn active_in_shcsr(shcsr: u32) -> Vec<u32> {
    numbers(shcsr, &SHCSR_ACTIVE)
}

/// The exceptions that SHCSR and ICSR call pending.
pub fn pending_in(shcsr: u32, icsr: u32) -> Vec<u32> {
    let mut found = numbers(shcsr, &SHCSR_PENDING);
    found.extend(numbers(icsr, &ICSR_PENDING));
    found
}

/// The exception that ICSR says is running (VECTACTIVE), 0 in thread mode.
pub fn running_in_icsr(icsr: u32) -> u32 {
    icsr & 0x1FF
}

/// The exception numbers of the bits that are set in word `word_index` of an NVIC register.
pub fn interrupts_in_word(word_index: u32, word: u32) -> impl Iterator<Item = u32> {
    (0..32_u32)
        .filter(move |bit| word & (1 << bit) != 0)
        .map(move |bit| FIRST_IRQ.saturating_add(word_index.saturating_mul(32).saturating_add(bit)))
}

/// Where the priority of an exception stands; Reset, NMI and `HardFault` have a fixed one.
pub fn priority_address(exception: u32) -> Option<u64> {
    match exception {
        0..4 => None,
        4..FIRST_IRQ => Some(SYSTEM_PRIORITIES + u64::from(exception - 4)),
        _ => Some(PRIORITIES + u64::from(exception - FIRST_IRQ)),
    }
}

/// How urgent an exception is among others, smaller first: the fixed ones stand above all bytes (`ARMv7-M` ARM B1.5.4).
pub fn urgency(exception: u32, priority: Option<u32>) -> i64 {
    match exception {
        1 => -3,
        2 => -2,
        3 => -1,
        _ => i64::from(priority.unwrap_or(256)),
    }
}

fn numbers(register: u32, bits: &[(u32, u32)]) -> Vec<u32> {
    bits.iter()
        .filter(|(bit, _)| register & (1 << bit) != 0)
        .map(|(_, number)| *number)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{
        active_in_shcsr, interrupts_in_word, pending_in, priority_address, running_in_icsr, urgency,
    };

    #[test]
    fn bits_are_the_exceptions_of_the_manual() {
        assert_eq!(active_in_shcsr(1 << 1 | 1 << 11), [5, 15]);
        assert_eq!(pending_in(1 << 13, 1 << 28 | 1 << 31), [4, 14, 2]);
        assert_eq!(running_in_icsr(0x0441_6819), 0x19);
        assert_eq!(
            interrupts_in_word(1, 0x8000_0001).collect::<Vec<_>>(),
            [48, 79]
        );
    }

    #[test]
    fn priorities_stand_in_bytes_and_three_exceptions_have_none() {
        assert_eq!(priority_address(3), None);
        assert_eq!(priority_address(15), Some(0xE000_ED23));
        assert_eq!(priority_address(25), Some(0xE000_E409));
        assert!(urgency(2, None) < urgency(3, None) && urgency(3, None) < urgency(20, Some(0)));
    }
}

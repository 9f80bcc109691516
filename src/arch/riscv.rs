//! RISC-V traps: what the number in `mcause` stands for.
//!
//! Source: The RISC-V Instruction Set Manual, volume II (privileged architecture), section 3.1.15 and table 14.

/// `mcause` bit 31: an interrupt, not an exception.
pub const INTERRUPT: u32 = 1 << 31;
/// The part of `mcause` that holds the number. With a CLIC the bits above it hold the interrupted context's state.
const CODE: u32 = 0xFFF;

/// Numbers of exceptions that rules ask for.
pub mod cause {
    /// A jump to an odd address.
    pub const FETCH_MISALIGNED: u32 = 0;
    /// Code was fetched from where none may be.
    pub const FETCH_ACCESS: u32 = 1;
    /// No instruction of this core.
    pub const ILLEGAL: u32 = 2;
    /// `ebreak`, or a trigger.
    pub const BREAKPOINT: u32 = 3;
    /// A load from an address that is not aligned.
    pub const LOAD_MISALIGNED: u32 = 4;
    /// A load that memory refused.
    pub const LOAD_ACCESS: u32 = 5;
    /// A store to an address that is not aligned.
    pub const STORE_MISALIGNED: u32 = 6;
    /// A store that memory refused.
    pub const STORE_ACCESS: u32 = 7;
    /// `ecall` from machine mode.
    pub const ECALL_M: u32 = 11;
    /// Code in a page that may not be executed.
    pub const FETCH_PAGE: u32 = 12;
    /// A load from a page that may not be read.
    pub const LOAD_PAGE: u32 = 13;
    /// A store to a page that may not be written.
    pub const STORE_PAGE: u32 = 15;
}

/// Exceptions: number, the manual's name, what it means.
const EXCEPTIONS: [(u32, &str, &str); 16] = [
    (
        0,
        "instruction address misaligned",
        "a jump to an address where no instruction can begin",
    ),
    (
        1,
        "instruction access fault",
        "code was fetched from memory that is not there or may not be executed",
    ),
    (
        2,
        "illegal instruction",
        "the instruction does not exist on this core, or not in this mode",
    ),
    (3, "breakpoint", "an ebreak instruction or a trigger"),
    (
        4,
        "load address misaligned",
        "a load from an address that is not aligned",
    ),
    (
        5,
        "load access fault",
        "a load from memory that is not there or may not be read",
    ),
    (
        6,
        "store address misaligned",
        "a store or an atomic operation at an address that is not aligned",
    ),
    (
        7,
        "store access fault",
        "a store to memory that is not there or may not be written",
    ),
    (8, "environment call from user mode", "an ecall instruction"),
    (
        9,
        "environment call from supervisor mode",
        "an ecall instruction",
    ),
    (
        11,
        "environment call from machine mode",
        "an ecall instruction",
    ),
    (
        12,
        "instruction page fault",
        "code was fetched from a page that may not be executed",
    ),
    (
        13,
        "load page fault",
        "a load from a page that may not be read",
    ),
    (
        15,
        "store page fault",
        "a store to a page that may not be written",
    ),
    (
        18,
        "software check",
        "a check of the control flow (landing pad or shadow stack) failed",
    ),
    (19, "hardware error", "memory reported damaged data"),
];

/// Interrupts that the manual names.
const INTERRUPTS: [(u32, &str); 7] = [
    (1, "supervisor software interrupt"),
    (3, "machine software interrupt"),
    (5, "supervisor timer interrupt"),
    (7, "machine timer interrupt"),
    (9, "supervisor external interrupt"),
    (11, "machine external interrupt"),
    (13, "counter overflow interrupt"),
];

/// The number of the exception; `None` for an interrupt.
pub fn exception_code(mcause: u32) -> Option<u32> {
    (mcause & INTERRUPT == 0).then_some(mcause & CODE)
}

/// What `mcause` stands for: `load access fault`, `machine timer interrupt`, `interrupt 21`.
pub fn cause_name(mcause: u32) -> String {
    let code = mcause & CODE;
    if mcause & INTERRUPT != 0 {
        return INTERRUPTS.iter().find(|(n, _)| *n == code).map_or_else(
            || format!("interrupt {code}"),
            |(_, name)| (*name).to_owned(),
        );
    }
    EXCEPTIONS.iter().find(|(n, _, _)| *n == code).map_or_else(
        || format!("exception {code}"),
        |(_, name, _)| (*name).to_owned(),
    )
}

/// The manual's name of an exception.
pub fn exception_name(code: u32) -> Option<&'static str> {
    EXCEPTIONS
        .iter()
        .find(|(n, _, _)| *n == code)
        .map(|(_, name, _)| *name)
}

/// The exception with this name, as [`cause_name`] writes it.
pub fn exception_by_name(name: &str) -> Option<u32> {
    EXCEPTIONS
        .iter()
        .find(|(_, known, _)| *known == name)
        .map(|(n, _, _)| *n)
        .or_else(|| name.strip_prefix("exception ")?.parse().ok())
}

/// What the exception means, for those of the manual.
pub fn cause_meaning(mcause: u32) -> Option<&'static str> {
    let code = exception_code(mcause)?;
    EXCEPTIONS
        .iter()
        .find(|(n, _, _)| *n == code)
        .map(|(_, _, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::{EXCEPTIONS, INTERRUPTS, cause_meaning, cause_name};

    #[test]
    fn causes_have_the_manuals_names() {
        for (mcause, name) in [
            (5, "load access fault"),
            (7, "store access fault"),
            (2, "illegal instruction"),
            (0x8000_0007, "machine timer interrupt"),
            (0x8000_0015, "interrupt 21"),
            (24, "exception 24"),
            (0x3800_0005, "load access fault"), // with a CLIC
        ] {
            assert_eq!(cause_name(mcause), name, "{mcause:x}");
        }
        assert!(cause_meaning(5).is_some() && cause_meaning(0x8000_0005).is_none());
        assert!(EXCEPTIONS.is_sorted() && INTERRUPTS.is_sorted());
    }
}

//! Fault status bits of Cortex-M in the manual's names and in words.
//!
//! Sources: `ARMv7-M` ARM B3.2.15 (CFSR), B3.2.16 (HFSR), C1.6.1 (DFSR); `ARMv8-M` ARM D1.2.10 (CFSR with STKOF) and
//! D1.2.229 (SFSR).

use crate::model::{coredump::FaultRegisters, report::FaultBit};

/// A bit: number, the manual's name, what it means.
type Bit = (u8, &'static str, &'static str);

/// A register: its key in [`FaultRegisters`] and its bits, lowest first.
type Register = (&'static str, &'static [Bit]);

/// Registers in the order in which a reader wants them.
const REGISTERS: [Register; 4] = [
    ("cfsr", &CFSR),
    ("hfsr", &HFSR),
    ("dfsr", &DFSR),
    ("sfsr", &SFSR),
];

const CFSR: [Bit; 20] = [
    (
        0,
        "IACCVIOL",
        "an instruction was fetched from memory that may not be executed",
    ),
    (
        1,
        "DACCVIOL",
        "a load or store hit memory that the memory protection unit forbids",
    ),
    (
        3,
        "MUNSTKERR",
        "memory protection refused the unstacking on return from an exception",
    ),
    (
        4,
        "MSTKERR",
        "memory protection refused the stacking on exception entry: the frame may be missing",
    ),
    (
        5,
        "MLSPERR",
        "memory protection refused the delayed stacking of floating-point registers",
    ),
    (
        7,
        "MMARVALID",
        "MMFAR holds the address of the forbidden access",
    ),
    (
        8,
        "IBUSERR",
        "an instruction could not be fetched from the bus",
    ),
    (
        9,
        "PRECISERR",
        "a load or store failed on the bus, and the program counter points at it",
    ),
    (
        10,
        "IMPRECISERR",
        "an earlier store failed on the bus: the program counter is past it",
    ),
    (
        11,
        "UNSTKERR",
        "the bus failed while unstacking on return from an exception",
    ),
    (
        12,
        "STKERR",
        "the bus failed while stacking on exception entry: the frame may be missing",
    ),
    (
        13,
        "LSPERR",
        "the bus failed during the delayed stacking of floating-point registers",
    ),
    (
        15,
        "BFARVALID",
        "BFAR holds the address of the failed access",
    ),
    (
        16,
        "UNDEFINSTR",
        "the instruction does not exist on this core",
    ),
    (
        17,
        "INVSTATE",
        "a jump cleared the Thumb bit: the target address was even, or the pointer was no function",
    ),
    (
        18,
        "INVPC",
        "an exception return with a wrong EXC_RETURN value, often a damaged stack",
    ),
    (
        19,
        "NOCP",
        "an instruction for a coprocessor (the FPU) that is off or missing",
    ),
    (
        20,
        "STKOF",
        "the stack pointer went below its limit register: stack overflow",
    ),
    (
        24,
        "UNALIGNED",
        "an access to an address that is not aligned",
    ),
    (25, "DIVBYZERO", "an integer division by zero"),
];

const HFSR: [Bit; 3] = [
    (1, "VECTTBL", "the vector table could not be read"),
    (
        30,
        "FORCED",
        "a configurable fault was escalated: its own handler was off or could not run",
    ),
    (
        31,
        "DEBUGEVT",
        "a debug event while no debugger was attached",
    ),
];

const DFSR: [Bit; 6] = [
    (0, "HALTED", "halted by a request of the debugger"),
    (
        1,
        "BKPT",
        "a breakpoint instruction or a hardware breakpoint",
    ),
    (2, "DWTTRAP", "a data watchpoint matched"),
    (3, "VCATCH", "vector catch: halted on entry to an exception"),
    (4, "EXTERNAL", "an external debug request"),
    (5, "PMU", "a performance counter overflowed"),
];

const SFSR: [Bit; 8] = [
    (
        0,
        "INVEP",
        "non-secure code entered secure memory at a place that is no entry point",
    ),
    (
        1,
        "INVIS",
        "the integrity signature of a secure exception frame is wrong",
    ),
    (
        2,
        "INVER",
        "an exception return with a security state that does not match",
    ),
    (3, "AUVIOL", "non-secure code touched secure memory"),
    (
        4,
        "INVTRAN",
        "a branch changed the security state without the instruction for it",
    ),
    (
        5,
        "LSPERR",
        "security refused the delayed stacking of floating-point registers",
    ),
    (6, "SFARVALID", "SFAR holds the address of the violation"),
    (
        7,
        "LSERR",
        "an error during the delayed handling of floating-point state",
    ),
];

/// Every set bit of the captured fault registers, register by register, lowest bit first.
///
/// Bits without a meaning in the manual are left out: they are reserved.
pub fn fault_bits(fault: &FaultRegisters) -> Vec<FaultBit> {
    REGISTERS
        .iter()
        .filter_map(|(register, bits)| Some((register, bits, fault.get(register)?)))
        .flat_map(|(register, bits, value)| {
            bits.iter()
                .filter(move |(bit, _, _)| value >> bit & 1 == 1)
                .map(move |(bit, name, meaning)| FaultBit {
                    register: (*register).to_owned(),
                    name: (*name).to_owned(),
                    bit: *bit,
                    meaning: (*meaning).to_owned(),
                })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{REGISTERS, fault_bits};
    use crate::model::coredump::FaultRegisters;

    #[test]
    fn set_bits_are_named_register_by_register() {
        let fault = FaultRegisters {
            values: [("cfsr", 0x9200), ("hfsr", 0x4000_0000), ("sfsr", 0x48)].into(),
        };
        let names: Vec<String> = fault_bits(&fault)
            .iter()
            .map(|b| format!("{}.{} {}", b.register, b.name, b.bit))
            .collect();
        assert_eq!(
            names,
            [
                "cfsr.PRECISERR 9",
                "cfsr.STKERR 12",
                "cfsr.BFARVALID 15",
                "hfsr.FORCED 30",
                "sfsr.AUVIOL 3",
                "sfsr.SFARVALID 6"
            ]
        );
        assert!(fault_bits(&FaultRegisters::default()).is_empty());
    }

    #[test]
    fn bits_stand_in_ascending_order_and_fit_a_word() {
        for (register, bits) in REGISTERS {
            assert!(FaultRegisters::NAMES.iter().any(|(n, _)| *n == register));
            let all: Vec<u8> = bits.iter().map(|(bit, _, _)| *bit).collect();
            assert!(all.is_sorted() && all.iter().all(|b| *b < 32), "{register}");
        }
    }
}

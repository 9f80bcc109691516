//! The registers of a processor family: what each DWARF number is called and what it is for.
//!
//! ARM: AADWARF32, section 4.1. RISC-V: psABI, "DWARF register numbers" (x0-x31 are 0-31, f0-f31 are 32-63, a control
//! and status register is 4096 + its number). Xtensa: as GCC and Espressif's gdb number them (a0-a15 of the current
//! window are 0-15). What DWARF gives no number has one of ours, from 1000 on (see [`Reg`]).

use super::registers::Reg;

/// Which processor family a set of registers belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegisterFile {
    /// ARM, 32 bit.
    #[default]
    Arm,
    /// RISC-V, 32 bit.
    Riscv,
    /// Xtensa.
    Xtensa,
}

/// The ABI names of x0 to x31 (RISC-V psABI, "Integer register convention").
const RISCV_NAMES: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "fp", "s1", "a0", "a1", "a2", "a3", "a4",
    "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4",
    "t5", "t6",
];

/// Control and status registers that dumps hold, by DWARF number (RISC-V privileged architecture, table 2.5).
const RISCV_CSRS: [(Reg, &str); 8] = [
    (Reg::MSTATUS, "mstatus"),
    (Reg::MTVEC, "mtvec"),
    (Reg::MSCRATCH, "mscratch"),
    (Reg::MEPC, "mepc"),
    (Reg::MCAUSE, "mcause"),
    (Reg::MTVAL, "mtval"),
    (Reg::MIP, "mip"),
    (Reg::MHARTID, "mhartid"),
];

/// Special registers of Xtensa, under our numbers.
const XTENSA_SPECIAL: [(Reg, &str); 9] = [
    (Reg::XTENSA_PC, "pc"),
    (Reg::PS, "ps"),
    (Reg::SAR, "sar"),
    (Reg::EXCCAUSE, "exccause"),
    (Reg::EXCVADDR, "excvaddr"),
    (Reg::LBEG, "lbeg"),
    (Reg::LEND, "lend"),
    (Reg::LCOUNT, "lcount"),
    (Reg::WINDOWBASE, "windowbase"),
];

impl RegisterFile {
    /// The program counter.
    pub fn pc(self) -> Reg {
        match self {
            Self::Arm => Reg::PC,
            Self::Riscv => Reg::RISCV_PC,
            Self::Xtensa => Reg::XTENSA_PC,
        }
    }

    /// The stack pointer.
    pub fn sp(self) -> Reg {
        match self {
            Self::Arm => Reg::SP,
            Self::Riscv => Reg(2),
            Self::Xtensa => Reg(1),
        }
    }

    /// The register that a call leaves the return address in.
    pub fn return_address(self) -> Reg {
        match self {
            Self::Arm => Reg::LR,
            Self::Riscv => Reg(1),
            Self::Xtensa => Reg(0),
        }
    }

    /// The field's name: `r4`, `sp`, `s16`; `a0`, `mcause`; `excvaddr`.
    pub fn name(self, reg: Reg) -> String {
        let special = |table: &[(Reg, &str)]| {
            let known = table.iter().find(|(known, _)| *known == reg);
            known.map_or_else(|| format!("reg{}", reg.0), |(_, name)| (*name).to_owned())
        };
        match self {
            Self::Arm => reg.arm_name(),
            Self::Riscv => match reg {
                Reg::RISCV_PC => "pc".to_owned(),
                Reg(n @ 32..=63) => format!("f{}", n - 32),
                Reg(n @ 0..=31) => RISCV_NAMES
                    .get(usize::from(n))
                    .map_or_else(String::new, |name| (*name).to_owned()),
                _ => special(&RISCV_CSRS),
            },
            Self::Xtensa => match reg {
                Reg(n @ 0..=15) => format!("a{n}"),
                _ => special(&XTENSA_SPECIAL),
            },
        }
    }

    /// The register with this name, in any case, by its ABI name or its number (`a0` and `x10`, `fp` and `s0`).
    pub fn by_name(self, name: &str) -> Option<Reg> {
        let name = name.to_ascii_lowercase();
        let numbered = |prefix: &str, first: u16, n_registers: u16| {
            let n: u16 = name.strip_prefix(prefix)?.parse().ok()?;
            (n < n_registers).then_some(Reg(first + n))
        };
        let of_table = |table: &[(Reg, &str)]| {
            let known = table.iter().find(|(_, known)| *known == name);
            known.map(|(reg, _)| *reg)
        };
        match self {
            Self::Arm => numbered("r", 0, 16)
                .or_else(|| numbered("s", 64, 32))
                .or_else(|| Reg::ARM_SPECIAL.into_iter().find(|r| r.arm_name() == name)),
            Self::Riscv => {
                let known = RISCV_NAMES.iter().position(|known| *known == name);
                known
                    .and_then(|n| u16::try_from(n).ok().map(Reg))
                    .or_else(|| (name == "s0").then_some(Reg(8)))
                    .or_else(|| (name == "pc").then_some(Reg::RISCV_PC))
                    .or_else(|| numbered("x", 0, 32))
                    .or_else(|| numbered("f", 32, 32))
                    .or_else(|| of_table(&RISCV_CSRS))
            }
            Self::Xtensa => numbered("a", 0, 16).or_else(|| of_table(&XTENSA_SPECIAL)),
        }
    }

    /// True for a register that a function may overwrite and need not restore: AAPCS32 section 6.1; RISC-V psABI,
    /// "Integer register convention". On Xtensa the window keeps what a caller needs, and no rule speaks of the rest.
    pub fn is_call_clobbered(self, reg: Reg) -> bool {
        match self {
            Self::Arm => matches!(reg.0, 0..=3 | 12 | 14 | 64..=79 | 256..=263),
            Self::Riscv => {
                matches!(reg.0, 1 | 5..=7 | 10..=17 | 28..=31 | 32..=39 | 42..=49 | 60..=63)
            }
            Self::Xtensa => matches!(reg.0, 0 | 8..=15),
        }
    }

    /// The low bit of a code pointer selects the instruction set (Thumb) and is no part of the address.
    pub fn has_thumb_bit(self) -> bool {
        self == Self::Arm
    }
}

#[cfg(test)]
mod tests {
    use super::RegisterFile;
    use crate::model::registers::{Reg, RegisterSet};

    #[test]
    fn names_lead_back_to_their_registers() {
        for (file, numbers) in [
            (RegisterFile::Arm, 0..=15_u16),
            (RegisterFile::Riscv, 0..=63),
            (RegisterFile::Xtensa, 0..=15),
        ] {
            for n in numbers {
                let name = file.name(Reg(n));
                assert_eq!(file.by_name(&name), Some(Reg(n)), "{name}");
            }
            for reg in [file.pc(), file.sp(), file.return_address()] {
                assert_eq!(file.by_name(&file.name(reg)), Some(reg));
            }
        }
        assert_eq!(RegisterFile::Riscv.by_name("X10"), Some(Reg(10)));
        assert_eq!(RegisterFile::Riscv.by_name("s0"), Some(Reg(8)));
        assert_eq!(RegisterFile::Riscv.by_name("MEPC"), Some(Reg::MEPC));
        assert_eq!(
            RegisterFile::Xtensa.by_name("EXCVADDR"),
            Some(Reg::EXCVADDR)
        );
        assert_eq!(RegisterFile::Arm.by_name("a0"), None);
    }

    #[test]
    fn a_set_knows_where_its_family_keeps_pc_and_sp() {
        let mut registers = RegisterSet::new(RegisterFile::Riscv);
        registers.set_known(Reg(2), 0x8000_4000_u32);
        registers.set_known(Reg::RISCV_PC, 0x8000_0100_u32);
        assert_eq!(registers.sp(), Some(0x8000_4000));
        assert_eq!(registers.pc(), Some(0x8000_0100));
        registers.set_known(Reg(15), 7_u32);
        assert_eq!(registers.pc(), Some(0x8000_0100), "x15 is an argument here");
    }
}

//! Register values of one context, each with what is known of it.

use super::register_file::RegisterFile;
use std::collections::BTreeMap;

/// A register by its DWARF number for the architecture.
///
/// ARM (AADWARF32, section 4.1): 0-15 are r0-r15 (13 SP, 14 LR, 15 PC), 64-95 are s0-s31 (the form that
/// GCC emits), 256-287 are d0-d31 (each overlays two s registers). Numbers from [`Reg::XPSR`] on are ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reg(pub u16);

impl Reg {
    /// ARM stack pointer.
    pub const SP: Self = Self(13);
    /// ARM link register.
    pub const LR: Self = Self(14);
    /// ARM program counter.
    pub const PC: Self = Self(15);
    /// Program status register (ours; DWARF gives it no number).
    pub const XPSR: Self = Self(1000);
    /// Main stack pointer (ours).
    pub const MSP: Self = Self(1001);
    /// Process stack pointer (ours).
    pub const PSP: Self = Self(1002);
    /// `EXC_RETURN` value of the exception that took the dump (ours).
    pub const EXC_RETURN: Self = Self(1003);
    /// CONTROL (ours).
    pub const CONTROL: Self = Self(1004);
    /// PRIMASK (ours).
    pub const PRIMASK: Self = Self(1005);
    /// BASEPRI (ours).
    pub const BASEPRI: Self = Self(1006);
    /// FAULTMASK (ours).
    pub const FAULTMASK: Self = Self(1007);
    /// FPSCR (ours).
    pub const FPSCR: Self = Self(1008);

    /// RISC-V program counter (ours).
    pub const RISCV_PC: Self = Self(1100);
    /// RISC-V `mstatus`.
    pub const MSTATUS: Self = Self(4096 + 0x300);
    /// RISC-V `mtvec`.
    pub const MTVEC: Self = Self(4096 + 0x305);
    /// RISC-V `mscratch`.
    pub const MSCRATCH: Self = Self(4096 + 0x340);
    /// RISC-V `mepc`.
    pub const MEPC: Self = Self(4096 + 0x341);
    /// RISC-V `mcause`.
    pub const MCAUSE: Self = Self(4096 + 0x342);
    /// RISC-V `mtval`.
    pub const MTVAL: Self = Self(4096 + 0x343);
    /// RISC-V `mip`.
    pub const MIP: Self = Self(4096 + 0x344);
    /// RISC-V `mhartid`.
    pub const MHARTID: Self = Self(4096 + 0xF14);

    /// Xtensa program counter (ours, as all special registers of Xtensa).
    pub const XTENSA_PC: Self = Self(1200);
    /// Xtensa `PS`.
    pub const PS: Self = Self(1201);
    /// Xtensa `SAR`.
    pub const SAR: Self = Self(1202);
    /// Xtensa `EXCCAUSE`.
    pub const EXCCAUSE: Self = Self(1203);
    /// Xtensa `EXCVADDR`.
    pub const EXCVADDR: Self = Self(1204);
    /// Xtensa `LBEG`.
    pub const LBEG: Self = Self(1205);
    /// Xtensa `LEND`.
    pub const LEND: Self = Self(1206);
    /// Xtensa `LCOUNT`.
    pub const LCOUNT: Self = Self(1207);
    /// Xtensa `WINDOWBASE`.
    pub const WINDOWBASE: Self = Self(1208);

    /// Registers of ARM that have a name instead of a number.
    pub const ARM_SPECIAL: [Self; 12] = [
        Self::SP,
        Self::LR,
        Self::PC,
        Self::XPSR,
        Self::MSP,
        Self::PSP,
        Self::EXC_RETURN,
        Self::CONTROL,
        Self::PRIMASK,
        Self::BASEPRI,
        Self::FAULTMASK,
        Self::FPSCR,
    ];

    /// General register `rN`, N up to 15.
    pub fn r(n: u16) -> Self {
        Self(n)
    }

    /// Single-precision register `sN`, N up to 31.
    pub fn s(n: u16) -> Self {
        Self(64 + n)
    }

    /// The field's name for an ARM register: `r4`, `sp`, `s16`, `xpsr`.
    pub fn arm_name(self) -> String {
        match self {
            Self::SP => "sp".to_owned(),
            Self::LR => "lr".to_owned(),
            Self::PC => "pc".to_owned(),
            Self::XPSR => "xpsr".to_owned(),
            Self::MSP => "msp".to_owned(),
            Self::PSP => "psp".to_owned(),
            Self::EXC_RETURN => "exc_return".to_owned(),
            Self::CONTROL => "control".to_owned(),
            Self::PRIMASK => "primask".to_owned(),
            Self::BASEPRI => "basepri".to_owned(),
            Self::FAULTMASK => "faultmask".to_owned(),
            Self::FPSCR => "fpscr".to_owned(),
            Self(n @ 0..=12) => format!("r{n}"),
            Self(n @ 64..=95) => format!("s{}", n - 64),
            Self(n @ 256..=287) => format!("d{}", n - 256),
            Self(n) => format!("reg{n}"),
        }
    }
}

/// What is known of one register. An absent register is [`RegValue::NotStored`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegValue {
    /// The value.
    Known(u64),
    /// The dump never held it: "register was not stored".
    NotStored,
    /// A callee was free to overwrite it and did not save it: "optimised out" for whatever lived there.
    Clobbered,
}

/// The registers of one context (a thread, or one frame of it).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegisterSet {
    file: RegisterFile,
    values: BTreeMap<Reg, RegValue>,
}

impl RegisterSet {
    /// A set of this family without a value. The default one is ARM's.
    pub fn new(file: RegisterFile) -> Self {
        Self {
            file,
            values: BTreeMap::new(),
        }
    }

    /// Which family the numbers belong to.
    pub fn file(&self) -> RegisterFile {
        self.file
    }

    /// What is known of `reg`. A `d` register is put together from its two `s` registers when only these are known.
    pub fn get(&self, reg: Reg) -> RegValue {
        if let Some(value) = self.values.get(&reg) {
            return *value;
        }
        if let Reg(n @ 256..=271) = reg
            && self.file == RegisterFile::Arm
        {
            let first = 64 + (n - 256) * 2;
            return match (self.get(Reg(first)), self.get(Reg(first + 1))) {
                (RegValue::Known(low), RegValue::Known(high)) => {
                    RegValue::Known((high << 32) | (low & 0xFFFF_FFFF))
                }
                (RegValue::Clobbered, _) | (_, RegValue::Clobbered) => RegValue::Clobbered,
                _ => RegValue::NotStored,
            };
        }
        RegValue::NotStored
    }

    /// The value if it is known.
    pub fn known(&self, reg: Reg) -> Option<u64> {
        match self.get(reg) {
            RegValue::Known(value) => Some(value),
            RegValue::NotStored | RegValue::Clobbered => None,
        }
    }

    /// Records a value. Writing a `d` register writes the two `s` registers it overlays.
    pub fn set(&mut self, reg: Reg, value: RegValue) {
        if let Reg(n @ 256..=271) = reg
            && self.file == RegisterFile::Arm
        {
            let first = 64 + (n - 256) * 2;
            let (low, high) = match value {
                RegValue::Known(v) => (RegValue::Known(v & 0xFFFF_FFFF), RegValue::Known(v >> 32)),
                other => (other, other),
            };
            self.values.insert(Reg(first), low);
            self.values.insert(Reg(first + 1), high);
        } else {
            self.values.insert(reg, value);
        }
    }

    /// Gives up every value: somebody else used the registers since.
    pub fn forget(&mut self) {
        for value in self.values.values_mut() {
            *value = RegValue::Clobbered;
        }
    }

    /// Records a known value.
    pub fn set_known(&mut self, reg: Reg, value: impl Into<u64>) {
        self.set(reg, RegValue::Known(value.into()));
    }

    /// Every register with an entry, in the order of DWARF numbers.
    pub fn iter(&self) -> impl Iterator<Item = (Reg, RegValue)> + '_ {
        self.values.iter().map(|(reg, value)| (*reg, *value))
    }

    /// Records the program counter.
    pub fn set_pc(&mut self, pc: u64) {
        self.set_known(self.file.pc(), pc);
    }

    /// Records the stack pointer.
    pub fn set_sp(&mut self, sp: u64) {
        self.set_known(self.file.sp(), sp);
    }

    /// The program counter, if known.
    pub fn pc(&self) -> Option<u64> {
        self.known(self.file.pc())
    }

    /// The stack pointer, if known.
    pub fn sp(&self) -> Option<u64> {
        self.known(self.file.sp())
    }
}

#[cfg(test)]
mod tests {
    use super::{Reg, RegValue, RegisterSet};

    #[test]
    fn double_registers_overlay_pairs_of_single_ones() {
        let mut regs = RegisterSet::default();
        regs.set(Reg(264), RegValue::Known(0x4000_0000_3F80_0000));
        assert_eq!(regs.known(Reg::s(16)), Some(0x3F80_0000));
        assert_eq!(regs.known(Reg::s(17)), Some(0x4000_0000));
        assert_eq!(regs.known(Reg(264)), Some(0x4000_0000_3F80_0000));
        assert_eq!(regs.get(Reg(265)), RegValue::NotStored);
    }
}

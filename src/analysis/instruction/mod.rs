//! One instruction with what it was about to do to memory: the value behind "wrote 13 to 0xF0000000".
//!
//! The disassembler (capstone) names the instruction; the access is computed here from the registers at the fault. One file
//! a processor family.

mod arm;
mod riscv;

use crate::model::addr::TargetAddr;
use crate::model::memory::Memory;
use crate::model::register_file::RegisterFile;
use crate::model::registers::RegisterSet;
use crate::model::report::Instruction;
use std::fmt::Write as _;

/// An instruction, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodedInstruction {
    /// What is shown.
    pub instruction: Instruction,
    /// Its length in bytes, 2 or 4.
    pub length: u64,
    /// What it does outside of the registers.
    pub access: Access,
}

/// What an instruction does outside of the registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Read, write, jump, or one of the instructions that fault by themselves.
    pub kind: AccessKind,
    /// First byte that is read or written, or the target of a jump as it stands in the register (Thumb bit kept).
    /// `None` when a register it needs is not known.
    pub address: Option<u64>,
    /// Bytes that are read or written in all.
    pub size: u64,
    /// Bytes of one element; a register list or a pair has several.
    pub element: u64,
    /// Write: the values in the order of their addresses. Divide: dividend and divisor.
    pub values: Vec<Option<u64>>,
    /// The address came from the stack pointer.
    pub is_on_stack: bool,
    /// The number inside `udf`, `bkpt` or `svc`.
    pub number: Option<u32>,
}

/// The kind of an [`Access`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessKind {
    /// Loads from memory.
    Read,
    /// Stores to memory.
    Write,
    /// Branches to an address held in a register.
    Jump,
    /// Divides.
    Divide,
    /// Is undefined: `udf`, or bytes that no instruction has.
    Undefined,
    /// Stops for a debugger.
    Breakpoint,
    /// Uses the floating-point unit without touching memory.
    FloatingPoint,
    /// Only registers.
    None,
}

impl Access {
    fn of(kind: AccessKind) -> Self {
        Self {
            kind,
            address: None,
            size: 0,
            element: 0,
            values: Vec::new(),
            is_on_stack: false,
            number: None,
        }
    }

    /// True when `addr` is one of the bytes that are read or written.
    pub fn covers(&self, addr: u64) -> bool {
        self.is_memory()
            && self
                .address
                .is_some_and(|first| addr >= first && addr - first < self.size.max(1))
    }

    /// True for a load or a store.
    pub fn is_memory(&self) -> bool {
        matches!(self.kind, AccessKind::Read | AccessKind::Write)
    }

    /// The value that a store puts at the element that holds `addr`.
    pub fn value_at(&self, addr: u64) -> Option<u64> {
        if self.kind != AccessKind::Write {
            return None;
        }
        let offset = addr.checked_sub(self.address?)?;
        let index = usize::try_from(offset.checked_div(self.element)?).ok()?;
        self.values.get(index).copied().flatten()
    }
}

/// Decodes the instruction at `addr`; `None` when its bytes are not in memory, or for a processor without a decoder here.
///
/// Bytes that no instruction has give [`AccessKind::Undefined`] with the bytes as text.
pub fn decode_instruction(
    addr: u64,
    memory: &dyn Memory,
    registers: &RegisterSet,
) -> Option<DecodedInstruction> {
    match registers.file() {
        RegisterFile::Arm => arm::decode(addr, memory, registers),
        RegisterFile::Riscv => riscv::decode(addr, memory, registers),
        RegisterFile::Xtensa => None,
    }
}

/// The parts put together; `bytes` are those of the instruction.
fn written(
    addr: u64,
    bytes: &[u8],
    text: String,
    operands: Vec<(String, Option<TargetAddr>)>,
    access: Access,
) -> Option<DecodedInstruction> {
    let mut hex = String::new();
    for byte in bytes {
        let _infallible = write!(hex, "{byte:02x}");
    }
    Some(DecodedInstruction {
        instruction: Instruction {
            address: TargetAddr(addr),
            bytes: hex,
            text,
            operands,
        },
        length: u64::try_from(bytes.len()).ok()?,
        access,
    })
}

/// A number as a disassembler writes it: `12`, `0x1c`, `-0x8`.
fn number_of(digits: &str) -> Option<i64> {
    let (negative, digits) = match digits.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, digits),
    };
    let value = match digits.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some(if negative {
        value.wrapping_neg()
    } else {
        value
    })
}

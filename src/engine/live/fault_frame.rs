//! The registers of a fault on a processor that may not be halted: the frame that it pushed when it took the exception, found in its
//! memory.
//!
//! Frames of exceptions that are long over lie in memory too. One is believed only if its instruction is one that can have caused the
//! fault which the fault status registers tell of (ARMv7-M ARM, B3.2.15 to B3.2.18), with the registers of the frame; of several such
//! none is. What the frame does not hold (r4 to r11) stays unknown.

use crate::analysis::instruction::{Access, AccessKind, decode_instruction};
use crate::arch::cortex_m::{
    BASIC_FRAME_BYTES, ExcReturn, XPSR_EXCEPTION, XPSR_RESERVED, XPSR_THUMB,
};
use crate::model::coredump::FaultRegisters;
use crate::model::memory::{Memory as _, MemoryMap};
use crate::model::registers::{Reg, RegValue, RegisterSet};
use crate::symbols::symbol_file::SymbolFile;
use crate::unwind::exception_frame::pop;
use std::ops::Range;
use std::sync::Arc;

/// Bits of CFSR.
const MEMORY_ACCESS: u32 = 1 << 1;
const MEMORY_ADDRESS_VALID: u32 = 1 << 7;
const BUS_PRECISE: u32 = 1 << 9;
const BUS_ADDRESS_VALID: u32 = 1 << 15;
const UNDEFINED: u32 = 1 << 16;
const NO_COPROCESSOR: u32 = 1 << 19;
const UNALIGNED: u32 = 1 << 24;
const DIVIDED_BY_ZERO: u32 = 1 << 25;
/// Bit of HFSR: a breakpoint, and no debugger to take it.
const DEBUG_EVENT: u32 = 1 << 31;
/// Where the processor keeps room for the floating-point registers of the frame: behind its basic part (B3.2.23, FPCAR).
pub(super) const FPCAR: u64 = 0xE000_EF38;
/// Where pc and xPSR stand in a frame.
const PC_AT: u64 = 0x18;
const XPSR_AT: u64 = 0x1C;
/// A frame is aligned like this unless the program forbids it (B1.5.7).
const ALIGNMENT: u64 = 8;
/// A variable that is smaller is no stack: what looks like a frame in it is a copy that a fault handler made.
const STACK_BYTES_MIN: u64 = 128;
/// Returns to thread mode on the process stack, and to a handler, without floating-point registers.
const TO_THREAD: u32 = 0xFFFF_FFFD;
const TO_HANDLER: u32 = 0xFFFF_FFF1;
const TO_THREAD_ON_MAIN: u32 = 0xFFFF_FFF9;
/// This bit is clear where the frame has them.
const WITHOUT_FLOATS: u32 = 1 << 4;

/// A frame that caused the fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FaultFrame {
    /// Where it lies.
    pub(super) addr: u64,
    /// The registers of the code that faulted, as far as it holds them.
    pub(super) registers: RegisterSet,
}

/// Why no frame is believed, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoFrame {
    /// The status registers name no instruction.
    #[error("the fault status registers do not tell which instruction faulted")]
    Unprovable,
    /// Nothing fits.
    #[error("no exception frame in its memory has an instruction that can have caused it")]
    None,
    /// Several do.
    #[error("several exception frames in its memory can be that of the fault")]
    Several,
}

/// Finds the frame of a fault in captured memory; `main_stack` is the range of the main stack.
pub(super) fn fault_frame(
    memory: &MemoryMap,
    elfs: &[Arc<SymbolFile>],
    fault: &FaultRegisters,
    main_stack: &Range<u64>,
) -> Result<FaultFrame, NoFrame> {
    let cause = Cause::of(fault).ok_or(NoFrame::Unprovable)?;
    let mut found: Vec<FaultFrame> = Vec::new();
    for region in memory.regions() {
        let end = region.start.saturating_add(region.bytes.len() as u64);
        let mut addr = region.start.next_multiple_of(ALIGNMENT);
        while addr.saturating_add(BASIC_FRAME_BYTES) <= end {
            found.extend(proven(addr, memory, elfs, &cause, main_stack));
            addr = addr.saturating_add(ALIGNMENT);
        }
    }
    match found.len() {
        0 => Err(NoFrame::None),
        1 => found.pop().ok_or(NoFrame::None),
        _ => Err(NoFrame::Several),
    }
}

/// What an instruction has to have done.
enum Cause {
    /// Touched this address.
    Touched(u64),
    /// Was of a kind that faults by itself.
    Is(AccessKind),
    /// Divided by zero.
    DividedByZero,
    /// Touched an address that is no multiple of its size.
    Unaligned,
}

impl Cause {
    fn of(fault: &FaultRegisters) -> Option<Self> {
        let cfsr = fault.get("cfsr")?;
        let has = |bits: u32| cfsr & bits == bits;
        if has(BUS_PRECISE | BUS_ADDRESS_VALID) {
            return fault.get("bfar").map(|addr| Self::Touched(addr.into()));
        }
        if has(MEMORY_ACCESS | MEMORY_ADDRESS_VALID) {
            return fault.get("mmfar").map(|addr| Self::Touched(addr.into()));
        }
        if has(DIVIDED_BY_ZERO) {
            return Some(Self::DividedByZero);
        }
        if has(UNDEFINED) {
            return Some(Self::Is(AccessKind::Undefined));
        }
        if has(NO_COPROCESSOR) {
            return Some(Self::Is(AccessKind::FloatingPoint));
        }
        if has(UNALIGNED) {
            return Some(Self::Unaligned);
        }
        let hfsr = fault.get("hfsr").unwrap_or(0);
        (cfsr == 0 && hfsr & DEBUG_EVENT != 0).then_some(Self::Is(AccessKind::Breakpoint))
    }

    fn is_of(&self, access: &Access) -> bool {
        match self {
            Self::Touched(addr) => access.covers(*addr),
            Self::Is(kind) => access.kind == *kind,
            Self::DividedByZero => {
                access.kind == AccessKind::Divide && access.values.get(1) == Some(&Some(0))
            }
            Self::Unaligned => {
                let address = access.address.filter(|_| access.is_memory());
                address.is_some_and(|addr| !addr.is_multiple_of(access.element.max(1)))
            }
        }
    }
}

/// The frame at an address, if it is one and its instruction did it.
fn proven(
    addr: u64,
    memory: &MemoryMap,
    elfs: &[Arc<SymbolFile>],
    cause: &Cause,
    main_stack: &Range<u64>,
) -> Option<FaultFrame> {
    let xpsr = memory.read_u32(addr.checked_add(XPSR_AT)?).ok()?;
    if xpsr & XPSR_THUMB == 0 || xpsr & XPSR_RESERVED != 0 {
        return None;
    }
    let pc = u64::from(memory.read_u32(addr.checked_add(PC_AT)?).ok()?);
    let mut files = elfs.iter();
    let file = files.find(|file| file.code_ranges().any(|range| range.contains(&pc)))?;
    let holder = file.symbol_at(addr).map(|(symbol, _)| symbol.size);
    if pc & 1 != 0 || holder.is_some_and(|size| (1..STACK_BYTES_MIN).contains(&size)) {
        return None;
    }
    let mut exc_return = match xpsr & XPSR_EXCEPTION {
        0 if main_stack.contains(&addr) => TO_THREAD_ON_MAIN,
        0 => TO_THREAD,
        _ => TO_HANDLER,
    };
    let floats_at = memory.read_u32(FPCAR).ok().map(u64::from);
    if floats_at == addr.checked_add(BASIC_FRAME_BYTES) {
        exc_return &= !WITHOUT_FLOATS;
    }
    debug_assert!(ExcReturn(exc_return).is_valid());
    let registers = pop(addr, Some(exc_return), &RegisterSet::default(), memory)?;
    let decoded = decode_instruction(pc, file.constants(), &registers)?;
    cause.is_of(&decoded.access).then_some(FaultFrame {
        addr,
        registers: as_of_the_frame(registers),
    })
}

/// Without what the frame does not say: which floating-point registers were not written yet is not known.
fn as_of_the_frame(mut registers: RegisterSet) -> RegisterSet {
    for n in 0..16 {
        registers.set(Reg::s(n), RegValue::NotStored);
    }
    registers
}

//! The walk from the innermost frame of a thread to its entry.
//!
//! In order of trust: call-frame information, frame pointer, scan. What differs between processor families (how an
//! exception entry is crossed, what a call looks like) is asked of the `Abi`.
//! Between a call and the function that runs, others may have left by tail calls: `tail_frames`.
//! The walk is bounded whatever the stack holds: frames, scanned bytes, and SP has to grow.

mod tail_frames;
mod walker;

pub(in crate::unwind) use walker::{Depth, Found, Walker};

use crate::model::{
    arch::Arch, memory::Memory, registers::RegisterSet, report::FrameTrust, warning::Warning,
};
use crate::symbols::symbol_set::SymbolSet;
use std::fmt;
use std::ops::Range;
use walker::MAX_STEPS;

/// Where a walk begins and what it may use.
pub struct WalkInput<'a, 's> {
    /// Registers of the innermost frame.
    pub registers: &'a RegisterSet,
    /// The processor.
    pub arch: Arch,
    /// The symbol files of the target.
    pub symbols: &'a SymbolSet<'s>,
    /// Captured memory, with the constants of the ELFs behind it.
    pub memory: &'a dyn Memory,
    /// The thread's stack, if the RTOS says where it is. For a fault handler: that of the thread that was interrupted.
    pub stack: Option<Range<u64>>,
    /// How far to go.
    pub limits: WalkLimits,
    /// Where the registers come from.
    pub start: Start,
}

/// Bounds of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalkLimits {
    /// Frames that are listed; of more, the first and the last ones are kept.
    pub max_frames: usize,
    /// Bytes of stack that scans may look at, all together.
    pub max_scan_bytes: u64,
}

impl Default for WalkLimits {
    fn default() -> Self {
        Self {
            max_frames: 256,
            max_scan_bytes: 64 * 1024,
        }
    }
}

/// Where the registers of the innermost frame come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The capture.
    Context,
    /// The frame that the RTOS left on the stack of a thread that is not running.
    SavedByRtos,
}

/// The frames of a thread and why there are no more.
#[derive(Clone, Debug)]
pub struct Walk {
    /// Innermost first.
    pub frames: Vec<PhysicalFrame>,
    /// Why the walk ended.
    pub stop: StopReason,
    /// What was missing or assumed.
    pub warnings: Vec<Warning>,
}

/// One frame on the stack, or one that left by a tail call; inlined functions are not frames of their own here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhysicalFrame {
    /// Program counter; of a caller, the return address.
    pub pc: u64,
    /// The address to look up: `pc`, or of a caller the one before it.
    pub lookup: u64,
    /// Stack pointer in this frame.
    pub sp: Option<u64>,
    /// Canonical frame address, if call-frame information gives it.
    pub cfa: Option<u64>,
    /// Registers as they were in this frame.
    pub registers: RegisterSet,
    /// How it was found. Below a scanned frame nothing is more certain than the scan.
    pub trust: FrameTrust,
    /// The exception that interrupted this frame.
    pub interrupted: Option<String>,
    /// True for a function that left by a tail call: it is no longer on the stack.
    pub is_tail_call: bool,
}

/// Why a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The function that the thread starts with.
    ThreadEntry,
    /// The call-frame information or the return address says that there is no caller.
    EndOfStack,
    /// The stack at this address was not captured.
    NoMemory(u64),
    /// Nothing says who the caller is.
    NoMoreFrames,
    /// More frames than are walked.
    Limit,
    /// The same frame again, or a stack pointer that does not grow.
    Loop,
    /// This return address (or program counter) is not code of a symbol file.
    NoCode(u64),
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ThreadEntry => f.write_str("thread entry"),
            Self::EndOfStack => f.write_str("end of stack"),
            Self::NoMemory(addr) => write!(f, "memory at 0x{addr:08x} was not captured"),
            Self::NoMoreFrames => f.write_str("no further return address was found"),
            Self::Limit => write!(f, "more than {MAX_STEPS} frames"),
            Self::Loop => f.write_str("the stack repeats itself"),
            Self::NoCode(addr) => write!(f, "0x{addr:08x} is not code of a loaded symbol file"),
        }
    }
}

/// Walks the stack.
pub fn walk(input: &WalkInput<'_, '_>) -> Walk {
    Walker::new(input, Depth::Outer).run()
}

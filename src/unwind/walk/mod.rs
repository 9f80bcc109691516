//! The walk from the innermost frame of a thread to its entry.
//!
//! In order of trust: call-frame information, frame pointer, scan. A return address that is an `EXC_RETURN` is an exception
//! entry: the hardware frame is popped, and the exception is noted on the frame that it interrupted.
//! The walk is bounded whatever the stack holds: frames, scanned bytes, and SP has to grow.

mod exception_entry;

use super::code::Code;
use super::frame_pointer::{self, unknown_caller};
use super::scan;
use crate::arch::cortex_m::ExcReturn;
use crate::model::{
    arch::Arch,
    memory::Memory,
    registers::{Reg, RegValue, RegisterSet},
    report::FrameTrust,
    warning::Warning,
};
use crate::symbols::{cfi::CfiError, symbol_set::SymbolSet};
use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::ops::Range;

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

/// One frame on the stack; inlined functions are not frames of their own here.
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

/// Frames that are walked at most, listed or not.
const MAX_STEPS: usize = 4096;
/// Of the frames beyond the limit, the outermost ones that are listed after all: who started the recursion.
const KEPT_TAIL: usize = 32;
/// Scanned frames with the same return address in a row that are listed.
const MAX_SAME_SCANNED: usize = 64;

/// Return addresses that mean "nobody": zero, erased and the fill patterns of RTOS stacks, with the Thumb bit set.
const NOBODY: [u32; 7] = [
    0x0000_0001,
    0xA5A5_A5A5,
    0xAAAA_AAAB,
    0xCCCC_CCCD,
    0xCDCD_CDCD,
    0xEFEF_EFEF,
    0xFFFF_FFFF,
];

/// Registers that a call does not change and that no unwind rule speaks of.
const SPECIAL: [Reg; 9] = [
    Reg::XPSR,
    Reg::MSP,
    Reg::PSP,
    Reg::EXC_RETURN,
    Reg::CONTROL,
    Reg::PRIMASK,
    Reg::BASEPRI,
    Reg::FAULTMASK,
    Reg::FPSCR,
];

/// Walks the stack.
pub fn walk(input: &WalkInput<'_, '_>) -> Walk {
    Walker::new(input, Depth::Outer).run()
}

/// Whether a walk may try out walks of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    Outer,
    Trial,
}

/// A frame found by a step.
struct Found {
    frame: PhysicalFrame,
    /// On another stack: SP need not grow.
    other_stack: bool,
}

struct Walker<'i, 'a, 's> {
    input: &'i WalkInput<'a, 's>,
    code: Code<'a, 's>,
    depth: Depth,
    frames: Vec<PhysicalFrame>,
    tail: VecDeque<PhysicalFrame>,
    n_dropped: usize,
    n_same: usize,
    n_collapsed: usize,
    last_pc: Option<u64>,
    seen: BTreeSet<(u64, Option<u64>)>,
    scan_budget: u64,
    scanned: bool,
    warnings: Vec<Warning>,
}

impl<'i, 'a, 's> Walker<'i, 'a, 's> {
    fn new(input: &'i WalkInput<'a, 's>, depth: Depth) -> Self {
        Self {
            input,
            code: Code {
                symbols: input.symbols,
                memory: input.memory,
            },
            depth,
            frames: Vec::new(),
            tail: VecDeque::new(),
            n_dropped: 0,
            n_same: 0,
            n_collapsed: 0,
            last_pc: None,
            seen: BTreeSet::new(),
            scan_budget: input.limits.max_scan_bytes,
            scanned: false,
            warnings: Vec::new(),
        }
    }

    fn run(mut self) -> Walk {
        let stop = match self.first() {
            Some(first) => self.follow(first),
            None => StopReason::NoMoreFrames,
        };
        if self.n_dropped > 0 {
            self.warn(
                "FS-UNW-006",
                format!(
                    "{} frames in the middle are not listed: only the first and the last {KEPT_TAIL} are.",
                    self.n_dropped
                ),
            );
        }
        if self.n_collapsed > 0 {
            self.warn(
                "FS-UNW-005",
                format!(
                    "{} more frames of the same recursion are not listed.",
                    self.n_collapsed
                ),
            );
        }
        self.frames.extend(self.tail);
        Walk {
            frames: self.frames,
            stop,
            warnings: self.warnings,
        }
    }

    fn first(&mut self) -> Option<PhysicalFrame> {
        let registers = self.input.registers.clone();
        if let Some(pc) = registers.pc() {
            let pc = if self.input.arch.is_cortex_m() {
                pc & !1
            } else {
                pc
            };
            return Some(PhysicalFrame {
                pc,
                lookup: pc,
                sp: registers.sp(),
                cfa: None,
                registers,
                trust: match self.input.start {
                    Start::Context => FrameTrust::Context,
                    Start::SavedByRtos => FrameTrust::ExceptionFrame,
                },
                interrupted: None,
            });
        }
        self.warn(
            "FS-UNW-001",
            "The program counter was not stored: frames come from a scan of the stack.",
        );
        self.scan(registers.sp(), &registers)
    }

    /// Steps from `current` outwards until something says stop.
    fn follow(&mut self, mut current: PhysicalFrame) -> StopReason {
        for _ in 0..MAX_STEPS {
            self.seen.insert((current.pc, current.sp));
            let leaf = current.lookup == current.pc;
            let (pc, sp) = (current.pc, current.sp);
            let found = self.step(&mut current);
            self.keep(current);
            let Found {
                mut frame,
                other_stack,
            } = match found {
                Ok(found) => found,
                Err(stop) => return stop,
            };
            if frame.sp.is_none() {
                return StopReason::NoMoreFrames;
            }
            let grows = frame.sp > sp || (leaf && frame.sp == sp && frame.pc != pc);
            if !(grows || other_stack) || self.seen.contains(&(frame.pc, frame.sp)) {
                return StopReason::Loop;
            }
            self.scanned |= frame.trust == FrameTrust::Scan;
            if self.scanned {
                frame.trust = FrameTrust::Scan;
            }
            current = frame;
        }
        StopReason::Limit
    }

    /// Lists a frame, as far as the limits allow.
    fn keep(&mut self, frame: PhysicalFrame) {
        self.n_same = if self.last_pc == Some(frame.pc) {
            self.n_same + 1
        } else {
            0
        };
        self.last_pc = Some(frame.pc);
        if frame.trust == FrameTrust::Scan && self.n_same >= MAX_SAME_SCANNED {
            self.n_collapsed += 1;
            return;
        }
        if self.frames.len() < self.input.limits.max_frames.saturating_sub(KEPT_TAIL) {
            self.frames.push(frame);
            return;
        }
        self.tail.push_back(frame);
        if self.tail.len() > KEPT_TAIL {
            self.tail.pop_front();
            self.n_dropped += 1;
        }
    }

    /// The caller of `frame`, by the best means there is. Fills in the frame's CFA.
    fn step(&mut self, frame: &mut PhysicalFrame) -> Result<Found, StopReason> {
        let cfi = self
            .code
            .info(frame.lookup)
            .map(|info| info.unwind_step(frame.lookup, &frame.registers, self.input.memory));
        if let Some(Ok(step)) = &cfi {
            frame.cfa = Some(step.cfa);
        }
        if self.code.is_entry(frame.lookup) {
            return Err(StopReason::ThreadEntry);
        }
        match cfi {
            Some(Ok(step)) if step.end_of_stack => Err(StopReason::EndOfStack),
            Some(Ok(step)) => self.accept(frame, step.caller, FrameTrust::Cfi),
            Some(Err(CfiError::MemoryNotCaptured(addr))) => {
                let sp_captured = frame
                    .sp
                    .is_some_and(|sp| self.input.memory.read_u32(sp).is_ok());
                if sp_captured {
                    return Err(StopReason::NoMemory(addr));
                }
                self.lost(frame, frame.sp, StopReason::NoMemory(addr))
            }
            Some(Err(CfiError::Malformed(what))) => {
                self.warn(
                    "FS-UNW-002",
                    format!(
                        "The call-frame information for 0x{:08x} cannot be read ({what}): the caller was \
                         found without it.",
                        frame.pc
                    ),
                );
                self.without_cfi(frame)
            }
            Some(Err(CfiError::NoEntry | CfiError::RegisterNotKnown(..))) | None => {
                self.without_cfi(frame)
            }
        }
    }

    /// Takes the registers of a caller: an ordinary frame, an exception entry, or the end.
    fn accept(
        &mut self,
        frame: &PhysicalFrame,
        mut caller: RegisterSet,
        trust: FrameTrust,
    ) -> Result<Found, StopReason> {
        carry_special(&frame.registers, &mut caller);
        let pc = caller.pc().ok_or(StopReason::NoMoreFrames)?;
        if self.input.arch.is_cortex_m() {
            if let Some(exc) = ExcReturn::from_address(pc) {
                return self.exception(frame, &caller, exc);
            }
            if is_nobody(pc) {
                // In a stack that was damaged enough to need a scan, such a word is more likely damage than an end.
                if self.scanned {
                    return self.lost(frame, caller.sp(), StopReason::EndOfStack);
                }
                return Err(StopReason::EndOfStack);
            }
        }
        if self.code.is_planted(pc) {
            return Err(StopReason::ThreadEntry);
        }
        let lookup = pc.checked_sub(1).ok_or(StopReason::EndOfStack)?;
        if !self.code.contains(lookup) {
            return self.lost(frame, caller.sp(), StopReason::NoCode(pc));
        }
        Ok(Found {
            frame: PhysicalFrame {
                pc,
                lookup,
                sp: caller.sp(),
                cfa: None,
                registers: caller,
                trust,
                interrupted: None,
            },
            other_stack: false,
        })
    }

    /// The caller of a frame for which there is no usable call-frame information.
    fn without_cfi(&mut self, frame: &PhysicalFrame) -> Result<Found, StopReason> {
        if !self.input.arch.is_cortex_m() {
            return Err(StopReason::NoMoreFrames);
        }
        // LR is the return address only before the function's own first call: in the innermost frame.
        let lr = frame
            .registers
            .known(Reg::LR)
            .filter(|_| frame.lookup == frame.pc);
        if let Some(exc) = lr.and_then(ExcReturn::from_address) {
            return self.exception(frame, &frame.registers, exc);
        }
        if lr.is_some_and(|lr| self.code.is_planted(lr & !1)) {
            return Err(StopReason::ThreadEntry);
        }
        let lr = lr.filter(|lr| self.calls_this(*lr, frame));
        if let Some(caller) = frame_pointer::step(&frame.registers, &self.code)
            && lr.is_none_or(|lr| caller.pc() == Some(lr & !1))
        {
            return self.accept(frame, caller, FrameTrust::FramePointer);
        }
        if let Some(lr) = lr {
            let mut caller = frame.registers.clone();
            caller.set_known(Reg::PC, lr & !1);
            caller.set(Reg::LR, RegValue::Clobbered);
            return self.accept(frame, caller, frame.trust);
        }
        let reason = if self.code.contains(frame.lookup) {
            StopReason::NoMoreFrames
        } else {
            StopReason::NoCode(frame.pc)
        };
        self.lost(frame, frame.sp, reason)
    }

    /// True when `lr` leads into a caller: without symbols anything odd in the lower half of the address space does.
    fn calls_this(&self, lr: u64, frame: &PhysicalFrame) -> bool {
        let Ok(word) = u32::try_from(lr) else {
            return false;
        };
        if self.input.symbols.is_empty() {
            return word & 1 == 1 && word < 0x2000_0000;
        }
        let caller = self.code.function(lr.wrapping_sub(2));
        self.code.is_return_address(word)
            && (caller.is_none() || caller != self.code.function(frame.lookup))
    }

    /// Goes on by scanning from `sp`; `reason` when nothing is found.
    fn lost(
        &mut self,
        frame: &PhysicalFrame,
        sp: Option<u64>,
        reason: StopReason,
    ) -> Result<Found, StopReason> {
        let sp = sp.or(frame.sp);
        match self.scan(sp, &frame.registers) {
            Some(found) => Ok(Found {
                frame: found,
                // a stack pointer that points nowhere is no measure of progress
                other_stack: frame
                    .sp
                    .is_none_or(|sp| self.input.memory.read_u32(sp).is_err()),
            }),
            None => Err(reason),
        }
    }

    fn scan(&mut self, sp: Option<u64>, registers: &RegisterSet) -> Option<PhysicalFrame> {
        if !self.input.arch.is_cortex_m() {
            return None;
        }
        let area = scan::stack_area(
            sp,
            self.input.stack.as_ref(),
            &self.code,
            self.input.limits.max_scan_bytes,
        )?;
        let hit = scan::return_address(area, &self.code, &mut self.scan_budget)?;
        let mut caller = unknown_caller();
        carry_special(registers, &mut caller);
        caller.set_known(Reg::PC, hit.return_addr);
        let sp = hit.slot.checked_add(4)?;
        caller.set_known(Reg::SP, sp);
        Some(PhysicalFrame {
            pc: hit.return_addr,
            lookup: hit.return_addr.checked_sub(1)?,
            sp: Some(sp),
            cfa: None,
            registers: caller,
            trust: FrameTrust::Scan,
            interrupted: None,
        })
    }

    fn warn(&mut self, code: &str, message: impl Into<String>) {
        let warning = Warning::new(code, message);
        if !self.warnings.contains(&warning) && self.warnings.len() < 64 {
            self.warnings.push(warning);
        }
    }
}

fn is_nobody(pc: u64) -> bool {
    u32::try_from(pc | 1).is_ok_and(|word| NOBODY.contains(&word))
}

fn carry_special(from: &RegisterSet, to: &mut RegisterSet) {
    for reg in SPECIAL {
        let value = from.get(reg);
        if to.get(reg) == RegValue::NotStored && value != RegValue::NotStored {
            to.set(reg, value);
        }
    }
}

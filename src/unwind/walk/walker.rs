//! The walker: steps outwards from frame to frame, keeps what the limits allow, and says why it stopped.

use super::{PhysicalFrame, Start, StopReason, Walk, WalkInput, tail_frames};
use crate::model::{
    registers::{RegValue, RegisterSet},
    report::FrameTrust,
    warning::Warning,
};
use crate::symbols::cfi::CfiError;
use crate::symbols::tail_call::TailChain;
use crate::unwind::abi::{self, Abi};
use crate::unwind::code::Code;
use crate::unwind::{frame_pointer, scan};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;

/// Frames that are walked at most, listed or not.
pub(super) const MAX_STEPS: usize = 4096;
/// Of the frames beyond the limit, the outermost ones that are listed after all: who started the recursion.
const KEPT_TAIL: usize = 32;
/// Scanned frames with the same return address in a row that are listed.
const MAX_SAME_SCANNED: usize = 64;

/// Whether a walk may try out walks of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::unwind) enum Depth {
    /// Yes: it is the walk that was asked for.
    Outer,
    /// No: it is such a trial.
    Trial,
}

/// What a caller that is searched for has called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Callee {
    /// Code of a symbol file.
    Known,
    /// Code in ROM that no symbol file describes.
    Rom,
}

/// A frame found by a step.
pub(in crate::unwind) struct Found {
    /// The frame.
    pub(in crate::unwind) frame: PhysicalFrame,
    /// On another stack: SP need not grow.
    pub(in crate::unwind) other_stack: bool,
}

/// A walk that is under way. The parts that an [`Abi`] may use are open to it.
pub(in crate::unwind) struct Walker<'i, 'a, 's> {
    /// Where it began and what it may use.
    pub(in crate::unwind) input: &'i WalkInput<'a, 's>,
    /// What the symbol files say of addresses.
    pub(in crate::unwind) code: Code<'a, 's>,
    /// Whether trial walks are allowed.
    pub(in crate::unwind) depth: Depth,
    abi: &'static dyn Abi,
    frames: Vec<PhysicalFrame>,
    tail: VecDeque<PhysicalFrame>,
    n_dropped: usize,
    n_same: usize,
    n_collapsed: usize,
    last_pc: Option<u64>,
    seen: BTreeSet<(u64, Option<u64>)>,
    /// Bytes of stack that may still be looked at.
    pub(in crate::unwind) scan_budget: u64,
    /// A frame came from a scan: nothing after it is certain.
    pub(in crate::unwind) scanned: bool,
    /// What left by tail calls between a return address and the code that runs, by the two of them.
    pub(super) tail_chains: BTreeMap<(u64, u64), TailChain>,
    /// Frames that left by tail calls, so far.
    pub(super) n_tail_frames: usize,
    warnings: Vec<Warning>,
}

impl<'i, 'a, 's> Walker<'i, 'a, 's> {
    /// A walk that has not begun.
    pub(in crate::unwind) fn new(input: &'i WalkInput<'a, 's>, depth: Depth) -> Self {
        let abi = abi::of(input.arch);
        Self {
            input,
            code: Code {
                symbols: input.symbols,
                memory: input.memory,
                abi,
            },
            depth,
            abi,
            frames: Vec::new(),
            tail: VecDeque::new(),
            n_dropped: 0,
            n_same: 0,
            n_collapsed: 0,
            last_pc: None,
            seen: BTreeSet::new(),
            scan_budget: input.limits.max_scan_bytes,
            scanned: false,
            tail_chains: BTreeMap::new(),
            n_tail_frames: 0,
            warnings: Vec::new(),
        }
    }

    /// Walks until something says stop.
    pub(in crate::unwind) fn run(mut self) -> Walk {
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
            let pc = self.abi.code_address(pc);
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
                is_tail_call: false,
            });
        }
        self.warn(
            "FS-UNW-001",
            "The program counter was not stored: frames come from a scan of the stack.",
        );
        self.scan(registers.sp(), &registers, Callee::Known)
    }

    /// Steps from `current` outwards until something says stop.
    fn follow(&mut self, mut current: PhysicalFrame) -> StopReason {
        for _ in 0..MAX_STEPS {
            self.seen.insert((current.pc, current.sp));
            let leaf = current.lookup == current.pc;
            let (pc, sp, lookup) = (current.pc, current.sp, current.lookup);
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
            for left in tail_frames::between(self, lookup, &frame) {
                self.keep(left);
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
        let abi = self.abi;
        if let Some(found) = abi.own_step(self, frame) {
            return found;
        }
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
            Some(Ok(mut step)) if step.is_signal_frame => {
                carry_special(abi, &frame.registers, &mut step.caller);
                let name = abi.exception_name(frame, &self.code);
                Self::interrupted(step.caller, name, FrameTrust::Cfi, true)
            }
            Some(Ok(step))
                if !step.is_return_address_kept
                    && frame.lookup != frame.pc
                    && abi.loses_return_address_in_calls() =>
            {
                self.lost(frame, Some(step.cfa), StopReason::EndOfStack)
            }
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
    pub(in crate::unwind) fn accept(
        &mut self,
        frame: &PhysicalFrame,
        mut caller: RegisterSet,
        trust: FrameTrust,
    ) -> Result<Found, StopReason> {
        let abi = self.abi;
        carry_special(abi, &frame.registers, &mut caller);
        let pc = caller.pc().ok_or(StopReason::NoMoreFrames)?;
        if let Some(found) = abi.exception_return(self, frame, &caller, pc) {
            return found;
        }
        if abi.is_nobody(pc) {
            // In a stack that was damaged enough to need a scan, such a word is more likely damage than an end.
            if self.scanned {
                return self.lost(frame, caller.sp(), StopReason::EndOfStack);
            }
            return Err(StopReason::EndOfStack);
        }
        if self.code.is_planted(pc) {
            return Err(StopReason::ThreadEntry);
        }
        let lookup = pc.checked_sub(1).ok_or(StopReason::EndOfStack)?;
        if !self.code.contains(lookup) && !self.code.is_rom(lookup) {
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
                is_tail_call: false,
            },
            other_stack: false,
        })
    }

    /// The frame that an exception interrupted: its program counter is that of an instruction, not a return address.
    pub(in crate::unwind) fn interrupted(
        registers: RegisterSet,
        name: String,
        trust: FrameTrust,
        other_stack: bool,
    ) -> Result<Found, StopReason> {
        let pc = registers.pc().ok_or(StopReason::NoMoreFrames)?;
        Ok(Found {
            frame: PhysicalFrame {
                pc,
                lookup: pc,
                sp: registers.sp(),
                cfa: None,
                registers,
                trust,
                interrupted: Some(name),
                is_tail_call: false,
            },
            other_stack,
        })
    }

    /// The caller of a frame for which there is no usable call-frame information.
    pub(in crate::unwind) fn without_cfi(
        &mut self,
        frame: &PhysicalFrame,
    ) -> Result<Found, StopReason> {
        let abi = self.abi;
        let link = frame.registers.file().return_address();
        // The link register is the return address only before the function's own first call: in the innermost frame.
        let lr = frame
            .registers
            .known(link)
            .filter(|_| frame.lookup == frame.pc);
        if let Some(lr) = lr {
            if let Some(found) = abi.exception_return(self, frame, &frame.registers, lr) {
                return found;
            }
            if self.code.is_planted(abi.code_address(lr)) {
                return Err(StopReason::ThreadEntry);
            }
        }
        if let Some(caller) = abi.caller_by_code(frame, &self.code) {
            return self.accept(frame, caller, FrameTrust::FramePointer);
        }
        let lr = lr.filter(|lr| self.calls_this(*lr, frame));
        if let Some(caller) = frame_pointer::step(&frame.registers, &self.code)
            && lr.is_none_or(|lr| caller.pc() == Some(abi.code_address(lr)))
        {
            return self.accept(frame, caller, FrameTrust::FramePointer);
        }
        if let Some(lr) = lr {
            let mut caller = frame.registers.clone();
            caller.set_pc(abi.code_address(lr));
            caller.set(link, RegValue::Clobbered);
            return self.accept(frame, caller, frame.trust);
        }
        let reason = if self.code.contains(frame.lookup) {
            StopReason::NoMoreFrames
        } else {
            StopReason::NoCode(frame.pc)
        };
        self.lost(frame, frame.sp, reason)
    }

    /// True when `lr` leads into a caller: without symbols anything that a call can leave there does.
    fn calls_this(&self, lr: u64, frame: &PhysicalFrame) -> bool {
        let Ok(word) = u32::try_from(lr) else {
            return false;
        };
        if self.input.symbols.is_empty() {
            return self.abi.can_be_return_address(word) && self.abi.can_be_code(lr);
        }
        let caller = self.code.function(lr.wrapping_sub(2));
        self.code.return_address(word).is_some()
            && (caller.is_none() || caller != self.code.function(frame.lookup))
    }

    /// Goes on by scanning from `sp`; `reason` when nothing is found.
    pub(in crate::unwind) fn lost(
        &mut self,
        frame: &PhysicalFrame,
        sp: Option<u64>,
        reason: StopReason,
    ) -> Result<Found, StopReason> {
        let sp = sp.or(frame.sp);
        let callee = if self.code.is_rom(frame.lookup) {
            Callee::Rom
        } else {
            Callee::Known
        };
        let scanned = self.scan(sp, &frame.registers, callee);
        if let Some(start) = sp {
            let end = scanned.as_ref().and_then(|found| found.sp);
            let area = start..end.unwrap_or(u64::MAX);
            let abi = self.abi;
            if let Some(found) = abi.exception_on_stack(self, frame, area) {
                return found;
            }
        }
        match scanned {
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

    fn scan(
        &mut self,
        sp: Option<u64>,
        registers: &RegisterSet,
        callee: Callee,
    ) -> Option<PhysicalFrame> {
        let area = scan::stack_area(
            sp,
            self.input.stack.as_ref(),
            &self.code,
            self.input.limits.max_scan_bytes,
        )?;
        let hit = match callee {
            Callee::Rom => self.caller_of_rom(&area)?,
            Callee::Known => scan::return_address(area, &self.code, &mut self.scan_budget)?,
        };
        let mut caller = abi::unknown_caller(registers.file());
        carry_special(self.abi, registers, &mut caller);
        caller.set_pc(hit.return_addr);
        let sp = hit.slot.checked_add(4)?;
        caller.set_sp(sp);
        Some(PhysicalFrame {
            pc: hit.return_addr,
            lookup: hit.return_addr.checked_sub(1)?,
            sp: Some(sp),
            cfa: None,
            registers: caller,
            trust: FrameTrust::Scan,
            interrupted: None,
            is_tail_call: false,
        })
    }

    /// True when a frame before the current one had this stack pointer: nothing further out can.
    pub(in crate::unwind) fn has_passed(&self, sp: Option<u32>) -> bool {
        let sp = sp.map(u64::from);
        sp.is_some() && self.seen.iter().any(|(_, seen)| *seen == sp)
    }

    /// What ROM code left of its own is as good as any other word: the first call that leads into ROM counts, else the
    /// first one of which its instruction does not say where it leads.
    fn caller_of_rom(&mut self, area: &Range<u64>) -> Option<scan::Hit> {
        let mut possible = None;
        let mut start = area.start;
        while let Some(hit) =
            scan::return_address(start..area.end, &self.code, &mut self.scan_budget)
        {
            match self.abi.call_target(hit.return_addr, &self.code) {
                Some(target) if self.code.is_rom(target) => return Some(hit),
                Some(_) => {}
                None => possible = possible.or(Some(hit)),
            }
            start = hit.slot.checked_add(4)?;
        }
        possible
    }

    /// Where the call before `return_addr` leads, if its instruction says.
    pub(super) fn call_target(&self, return_addr: u64) -> Option<u64> {
        self.abi.call_target(return_addr, &self.code)
    }

    /// The address after the instruction at `addr`.
    pub(super) fn next_instruction(&self, addr: u64) -> Option<u64> {
        let first = self.code.half_word(addr)?;
        addr.checked_add(self.abi.instruction_bytes(first)?)
    }

    /// Says what was missing or assumed, once.
    pub(in crate::unwind) fn warn(&mut self, code: &str, message: impl Into<String>) {
        let warning = Warning::new(code, message);
        if !self.warnings.contains(&warning) && self.warnings.len() < 64 {
            self.warnings.push(warning);
        }
    }
}

fn carry_special(abi: &dyn Abi, from: &RegisterSet, to: &mut RegisterSet) {
    for reg in abi.special_registers().iter().copied() {
        let value = from.get(reg);
        if to.get(reg) == RegValue::NotStored && value != RegValue::NotStored {
            to.set(reg, value);
        }
    }
}

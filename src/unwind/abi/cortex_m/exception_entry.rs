//! Steps over an exception entry: from a handler to the code that it interrupted.

use crate::arch::cortex_m::{ExcReturn, XPSR_EXCEPTION, exception_name};
use crate::model::{
    registers::{Reg, RegValue, RegisterSet},
    report::FrameTrust,
};
use crate::unwind::exception_frame::{self, Proof, looks_like_frame};
use crate::unwind::walk::{
    Depth, Found, PhysicalFrame, Start, StopReason, WalkInput, WalkLimits, Walker,
};
use crate::unwind::{scan, vectors};
use std::ops::Range;

/// How far above SP an exception frame is looked for when it is not at SP.
const NEAR_FRAME_BYTES: u64 = 1024;
/// What a handler in assembly may have pushed before its `EXC_RETURN`: r0 to r12 and padding.
const MAX_PUSHED_BYTES: u64 = 64;

impl Walker<'_, '_, '_> {
    /// Pops the frame of the exception whose handler is `frame`. `after` are the registers once the handler returned.
    pub(super) fn exception(
        &mut self,
        frame: &PhysicalFrame,
        after: &RegisterSet,
        exc: ExcReturn,
    ) -> Result<Found, StopReason> {
        let name = self.exception_name(frame);
        let addr = if exc.uses_psp() {
            after.known(Reg::PSP)
        } else {
            after.sp()
        };
        let expected = addr.filter(|addr| {
            looks_like_frame(
                *addr,
                Some(exc),
                Proof::Expected,
                self.input.memory,
                &self.code,
            )
        });
        let (addr, trust) = match expected {
            Some(addr) => (addr, FrameTrust::ExceptionFrame),
            None => (
                self.search_frame(addr, after, exc, &name)?,
                FrameTrust::Scan,
            ),
        };
        let registers = exception_frame::pop(addr, Some(exc.0), after, self.input.memory)
            .ok_or(StopReason::NoMemory(addr))?;
        Walker::interrupted(registers, name, trust, exc.uses_psp())
    }

    /// Looks for the `EXC_RETURN` that a handler without call-frame information has pushed, and for the exception frame
    /// above it. Where it kept the other registers nobody knows.
    pub(super) fn pushed_exception(
        &mut self,
        frame: &PhysicalFrame,
        area: Range<u64>,
    ) -> Option<Result<Found, StopReason>> {
        let xpsr = frame.registers.known(Reg::XPSR)?;
        if xpsr & u64::from(XPSR_EXCEPTION) == 0 || !self.code.contains(frame.lookup) {
            return None;
        }
        let end = area.end.min(area.start.saturating_add(NEAR_FRAME_BYTES));
        let mut slots = (area.start.checked_next_multiple_of(4)?..end).step_by(4);
        let (exc, addr) = slots.find_map(|slot| {
            let word = self.input.memory.read_u32(slot).ok()?;
            let exc = ExcReturn::from_address(word.into())?;
            Some((exc, self.frame_above(exc, slot.checked_add(4)?, frame)?))
        })?;
        let name = self.exception_name(frame);
        self.warn(
            "FS-UNW-004",
            format!(
                "The handler of the {name} exception has no call-frame information: the frame of the exception at \
                 0x{addr:08x} was found by looking for it."
            ),
        );
        let mut after = frame.registers.clone();
        after.set_sp(addr);
        for reg in (4..12).map(Reg::r).chain((16..32).map(Reg::s)) {
            after.set(reg, RegValue::NotStored);
        }
        let registers = exception_frame::pop(addr, Some(exc.0), &after, self.input.memory)?;
        let other_stack = exc.uses_psp();
        Some(Walker::interrupted(
            registers,
            name,
            FrameTrust::Scan,
            other_stack,
        ))
    }

    /// The exception frame that `exc` speaks of: at PSP, or on this stack a little above what the handler pushed.
    fn frame_above(&self, exc: ExcReturn, above: u64, frame: &PhysicalFrame) -> Option<u64> {
        let memory = self.input.memory;
        let is_frame =
            |addr: u64| looks_like_frame(addr, Some(exc), Proof::Searched, memory, &self.code);
        if exc.uses_psp() {
            return frame
                .registers
                .known(Reg::PSP)
                .filter(|addr| is_frame(*addr));
        }
        let mut near = (above..=above.saturating_add(MAX_PUSHED_BYTES)).step_by(4);
        near.find(|addr| is_frame(*addr))
    }

    /// Looks for an exception frame that is not where it should be: on the thread's stack when PSP was not stored, a
    /// little higher when a handler without call-frame information has pushed something.
    fn search_frame(
        &mut self,
        addr: Option<u64>,
        after: &RegisterSet,
        exc: ExcReturn,
        name: &str,
    ) -> Result<u64, StopReason> {
        let missing = addr.map_or(StopReason::NoMoreFrames, StopReason::NoMemory);
        let area = match addr {
            Some(addr) => Some(addr..addr.saturating_add(NEAR_FRAME_BYTES)),
            None => self.input.stack.clone(),
        };
        let found = area.map_or_else(Vec::new, |area| {
            scan::exception_frames(area, exc, &self.code, &mut self.scan_budget)
        });
        // Below the live frame lie stale ones; the first from which the walk reaches the thread's entry is the best guess.
        let best = found
            .iter()
            .copied()
            .find(|addr| self.leads_to_entry(*addr, after, exc))
            .or(found.first().copied());
        match (best, addr) {
            (Some(best), Some(_)) => self.warn(
                "FS-UNW-004",
                format!(
                    "The frame of the {name} exception was not at the stack pointer; the one at \
                     0x{best:08x} was found by looking for it."
                ),
            ),
            (Some(best), None) => self.warn(
                "FS-UNW-003",
                format!(
                    "The {name} exception interrupted a thread, and its stack pointer (PSP) was not stored: \
                     the frame at 0x{best:08x} was found by looking for it on the thread's stack."
                ),
            ),
            (None, Some(addr)) => self.warn(
                "FS-UNW-004",
                format!(
                    "No exception frame lies at 0x{addr:08x}: what the {name} exception interrupted is not known."
                ),
            ),
            (None, None) => self.warn(
                "FS-UNW-003",
                format!(
                    "The {name} exception interrupted a thread, but its stack pointer (PSP) was not stored: \
                     capture PSP to see the thread's frames."
                ),
            ),
        }
        best.ok_or(missing)
    }

    fn leads_to_entry(&self, addr: u64, after: &RegisterSet, exc: ExcReturn) -> bool {
        if self.depth == Depth::Trial {
            return false;
        }
        let Some(registers) = exception_frame::pop(addr, Some(exc.0), after, self.input.memory)
        else {
            return false;
        };
        let trial = Walker::new(
            &WalkInput {
                registers: &registers,
                arch: self.input.arch,
                symbols: self.input.symbols,
                memory: self.input.memory,
                stack: self.input.stack.clone(),
                limits: WalkLimits {
                    max_scan_bytes: 0,
                    ..self.input.limits
                },
                start: Start::SavedByRtos,
            },
            Depth::Trial,
        )
        .run();
        matches!(trial.stop, StopReason::ThreadEntry | StopReason::EndOfStack)
    }

    /// The exception that `handler` was serving: by its xPSR, else by its place in the vector table, else by its name.
    fn exception_name(&self, handler: &PhysicalFrame) -> String {
        let number = handler
            .registers
            .known(Reg::XPSR)
            .and_then(|xpsr| u32::try_from(xpsr).ok())
            .map_or(0, |xpsr| xpsr & XPSR_EXCEPTION);
        if number != 0 {
            return exception_name(number);
        }
        let Some(function) = self.code.function(handler.lookup) else {
            return "exception".to_owned();
        };
        vectors::exception_of(function.start, &self.code).unwrap_or_else(|| {
            let name = function.name;
            name.strip_suffix("_Handler")
                .map_or(name.clone(), str::to_owned)
        })
    }
}

//! Steps over a trap: from a handler to the code that it interrupted.
//!
//! The hardware saves nothing but the program counter (in `mepc`), so there is no frame of a known form. Three kinds of
//! handler are told apart:
//!
//! * with signal-frame CFI: the walker steps over it like over any frame;
//! * a function that ends in `mret` and whose CFI gives back scratch registers (`__attribute__((interrupt))`): CFI for the
//!   registers, `mepc` for the program counter;
//! * an entry in assembler: what it saved and where is read from its code (see `saved`), so that the layouts
//!   of FreeRTOS, Zephyr, ESP-IDF and of every firmware's own are all the same to it.

use super::saved::{self, Saved};
use super::{GP, RA};
use crate::arch::riscv::cause_name;
use crate::model::registers::{Reg, RegValue};
use crate::model::report::FrameTrust;
use crate::unwind::code::{Code, Function};
use crate::unwind::walk::{Found, PhysicalFrame, StopReason, Walker};

/// Symbols before the address in which the beginning of a trap entry is looked for: its labels are symbols of their own.
const MAX_LABELS: usize = 8;
/// Longer functions are no interrupt handlers.
const MAX_HANDLER_BYTES: u64 = 16 * 1024;
/// `mret` in its two halves.
const MRET: [u16; 2] = [0x0073, 0x3020];
/// a0 to a7, t0 to t2 and t3 to t6: what only an interrupt handler gives back.
const SCRATCH: [u16; 15] = [5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17, 28, 29, 30, 31];

/// The step from `frame` if it is the outermost frame of a trap handler.
pub(super) fn step(
    walker: &mut Walker<'_, '_, '_>,
    frame: &mut PhysicalFrame,
) -> Option<Result<Found, StopReason>> {
    let function = walker.code.function(frame.lookup)?;
    let info = walker.code.info(frame.lookup)?;
    if info.has_unwind_entry(frame.lookup) {
        interrupt_function(walker, frame, &function)
    } else {
        entry_code(walker, frame, &function)
    }
}

/// A function with `__attribute__((interrupt))`.
fn interrupt_function(
    walker: &mut Walker<'_, '_, '_>,
    frame: &mut PhysicalFrame,
    function: &Function,
) -> Option<Result<Found, StopReason>> {
    if !returns_from_trap(function, &walker.code) {
        return None;
    }
    let info = walker.code.info(frame.lookup)?;
    let step = info
        .unwind_step(frame.lookup, &frame.registers, walker.input.memory)
        .ok()?;
    if step.is_signal_frame {
        return None;
    }
    let gives_back_scratch = SCRATCH
        .iter()
        .any(|n| step.caller.get(Reg(*n)) != RegValue::Clobbered);
    if !gives_back_scratch {
        return None;
    }
    frame.cfa = Some(step.cfa);
    let mut caller = step.caller;
    // What such a handler does not save it does not change.
    for reg in (1..32).map(Reg) {
        if caller.get(reg) == RegValue::Clobbered {
            caller.set(reg, frame.registers.get(reg));
        }
    }
    let name = name(None, frame, frame.lookup, &walker.code);
    Some(leave(walker, frame, caller, None, name, FrameTrust::Cfi))
}

fn returns_from_trap(function: &Function, code: &Code<'_, '_>) -> bool {
    let end = function
        .start
        .saturating_add(function.size.min(MAX_HANDLER_BYTES));
    let mut at = function.start;
    while at < end {
        let Some(low) = code.half_word(at) else {
            return false;
        };
        let is_full = low & 3 == 3;
        let high = at.checked_add(2).and_then(|a| code.half_word(a));
        if low == MRET[0] && high == Some(MRET[1]) {
            return true;
        }
        at = at.saturating_add(if is_full { 4 } else { 2 });
    }
    false
}

/// A trap entry in assembler.
fn entry_code(
    walker: &mut Walker<'_, '_, '_>,
    frame: &PhysicalFrame,
    function: &Function,
) -> Option<Result<Found, StopReason>> {
    let code = &walker.code;
    let vector = frame.registers.known(Reg::MTVEC).map(|mtvec| mtvec & !3);
    let mut starts: Vec<u64> = vector.into_iter().collect();
    let mut start = function.start;
    for _ in 0..MAX_LABELS {
        starts.push(start);
        let Some(before) = start.checked_sub(1).and_then(|addr| code.function(addr)) else {
            break;
        };
        start = before.start;
    }
    let is_innermost = frame.lookup == frame.pc;
    let gp = frame.registers.known(GP);
    let (start, mut saved) = starts.into_iter().find_map(|start| {
        let saved = saved::follow(start, frame.pc, gp, code)?;
        (saved.is_trap_entry() || Some(start) == vector).then_some((start, saved))
    })?;
    saved.resolve(&frame.registers, is_innermost, code);
    if walker.has_passed(saved.sp()) {
        // The entry notes the stack pointer in one place, and a trap inside of the handler has written it again.
        saved = in_stack_of_thread(walker, &saved)?;
    }
    let code = &walker.code;
    let mut caller = saved.registers(RegValue::NotStored);
    caller.sp()?;
    for reg in [Reg(3), Reg(4)] {
        if caller.get(reg) == RegValue::NotStored {
            caller.set(reg, frame.registers.get(reg));
        }
    }
    let name = name(saved.csr(Reg::MCAUSE), frame, start, code);
    let mepc = saved.mepc().map(u64::from);
    Some(leave(
        walker,
        frame,
        caller,
        mepc,
        name,
        FrameTrust::ExceptionFrame,
    ))
}

/// What the entry has saved on the thread's stack, found by looking for it.
fn in_stack_of_thread(walker: &mut Walker<'_, '_, '_>, saved: &Saved) -> Option<Saved> {
    let area = walker.input.stack.clone()?;
    let mut found = saved.search(&area, &walker.code);
    if found.is_empty() {
        return None;
    }
    walker.warn(
        "FS-UNW-008",
        format!(
            "A trap inside of an interrupt has overwritten where the registers of the interrupted thread lie: those at \
             0x{:08x} were found by looking for them on its stack.",
            found.first().and_then(Saved::sp).unwrap_or(0)
        ),
    );
    Some(found.swap_remove(0))
}

/// The frame that was interrupted, with `caller` as its registers. `mepc` is what the handler saved.
fn leave(
    walker: &mut Walker<'_, '_, '_>,
    frame: &PhysicalFrame,
    mut caller: crate::model::registers::RegisterSet,
    mepc: Option<u64>,
    name: String,
    trust: FrameTrust,
) -> Result<Found, StopReason> {
    let pc = mepc.or_else(|| frame.registers.known(Reg::MEPC));
    // The hardware holds them for the latest trap only.
    for reg in [Reg::MEPC, Reg::MCAUSE, Reg::MTVAL] {
        caller.set(reg, RegValue::Clobbered);
    }
    if let Some(pc) = pc {
        caller.set_pc(pc & !1);
        return Walker::interrupted(caller, name, trust, true);
    }
    walker.warn(
        "FS-UNW-007",
        format!(
            "What the {name} interrupted is not known: `mepc` was not stored, or a later trap has overwritten it. The \
             frame after it is where the interrupted function returns to, or where it was called from before."
        ),
    );
    let ra = caller
        .known(RA)
        .filter(|ra| *ra != 0)
        .ok_or(StopReason::NoMoreFrames)?;
    let mut found = walker.accept(frame, with_pc(caller, ra & !1), FrameTrust::Scan)?;
    found.frame.interrupted = Some(name);
    found.other_stack = true;
    Ok(found)
}

fn with_pc(
    mut registers: crate::model::registers::RegisterSet,
    pc: u64,
) -> crate::model::registers::RegisterSet {
    registers.set_pc(pc);
    registers.set(RA, RegValue::Clobbered);
    registers
}

/// What the trap was: by `mcause`, saved or in the registers, else by the name of the function at `handler`.
pub(super) fn name(
    saved_mcause: Option<u32>,
    frame: &PhysicalFrame,
    handler: u64,
    code: &Code<'_, '_>,
) -> String {
    let mcause = saved_mcause.or_else(|| {
        let known = frame.registers.known(Reg::MCAUSE)?;
        u32::try_from(known).ok()
    });
    match (mcause, code.function(handler)) {
        (Some(mcause), _) => cause_name(mcause),
        (None, Some(function)) => function.name,
        (None, None) => "trap".to_owned(),
    }
}

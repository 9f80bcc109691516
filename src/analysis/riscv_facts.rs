//! What a RISC-V core says of a trap: `mcause` and `mtval`, captured, saved by the handler, or told by the frames.

use super::crash_facts::{Case, CrashFacts};
use super::wording;
use crate::arch::riscv::{cause, cause_meaning, cause_name, exception_by_name, exception_code};
use crate::model::arch::Arch;
use crate::model::registers::Reg;
use crate::model::report::Frame;

/// Further above the stack pointer lie the frames of callers.
const MAX_FRAME_BYTES: u64 = 4096;

/// The exception that this crash is: its number in `mcause`. `None` on other processors and for an interrupt.
pub(super) fn exception(facts: &CrashFacts<'_>) -> Option<u32> {
    if facts.arch != Arch::Riscv32 {
        return None;
    }
    let captured = facts.dump.fault.get("mcause").or_else(|| {
        let known = facts.registers.known(Reg::MCAUSE)?;
        u32::try_from(known).ok()
    });
    match captured {
        Some(mcause) => exception_code(mcause),
        None => facts
            .threads
            .iter()
            .filter(|thread| thread.crashed)
            .flat_map(|thread| &thread.frames)
            .find_map(trap_of),
    }
}

/// The exception that interrupted a frame.
fn trap_of(frame: &Frame) -> Option<u32> {
    exception_by_name(frame.interrupted.as_deref()?)
}

/// The index of the frame that an exception interrupted: what comes before it is the handler.
pub(super) fn first_frame(frames: &[Frame]) -> Option<usize> {
    frames.iter().position(|frame| trap_of(frame).is_some())
}

/// The class of the fault in the manual's words.
pub(super) fn class(facts: &CrashFacts<'_>) -> Option<&'static str> {
    crate::arch::riscv::exception_name(exception(facts)?)
}

/// True for an exception of a load or a store.
pub(super) fn is_access(code: u32) -> bool {
    matches!(
        code,
        cause::LOAD_MISALIGNED
            | cause::LOAD_ACCESS
            | cause::STORE_MISALIGNED
            | cause::STORE_ACCESS
            | cause::LOAD_PAGE
            | cause::STORE_PAGE
    )
}

/// The address in `mtval`. Cores may leave it 0 (section 3.1.16): then it counts only if the instruction agrees.
pub(super) fn recorded_address(
    facts: &CrashFacts<'_>,
    computed: Option<u64>,
) -> Option<(u64, &'static str)> {
    let code = exception(facts).filter(|code| is_access(*code))?;
    let mtval = facts
        .dump
        .fault
        .get("mtval")
        .map(u64::from)
        .or_else(|| facts.registers.known(Reg::MTVAL))?;
    let is_real = mtval != 0
        || match computed {
            Some(address) => address == 0,
            None => code != cause::LOAD_MISALIGNED && code != cause::STORE_MISALIGNED,
        };
    is_real.then_some((mtval, "mtval"))
}

/// The address of a load or store that memory refused, when it lies in the frame at the stack pointer: the stack has run out
/// of its memory, or into a guard.
pub(super) fn refused_stack(case: &Case<'_>) -> Option<u64> {
    let code = exception(case.facts)?;
    if !matches!(
        code,
        cause::LOAD_ACCESS | cause::STORE_ACCESS | cause::LOAD_PAGE | cause::STORE_PAGE
    ) {
        return None;
    }
    let (addr, sp) = (case.fault_address()?, case.sp()?);
    addr.checked_sub(sp)
        .is_some_and(|above| above < MAX_FRAME_BYTES)
        .then_some(addr)
}

/// `MCAUSE 0x00000007: store access fault — a store to memory that is not there or may not be written`.
pub(super) fn status_evidence(case: &Case<'_>) -> Option<String> {
    let mcause = case.facts.dump.fault.get("mcause")?;
    let meaning = cause_meaning(mcause).map_or_else(String::new, |words| format!(" — {words}"));
    (case.facts.arch == Arch::Riscv32).then(|| {
        format!(
            "MCAUSE {}: {}{meaning}",
            wording::address(u64::from(mcause)),
            cause_name(mcause)
        )
    })
}

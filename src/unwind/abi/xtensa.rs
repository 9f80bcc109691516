//! Xtensa with register windows: the chain of frames that every spilled window leaves on the stack.
//!
//! Xtensa ISA, "Windowed Register Option" and the window overflow handlers (ESP-IDF, `xtensa_vectors.S`). A call by CALL4, CALL8 or
//! CALL12 leaves the return address in the callee's a0, its two uppermost bits replaced by the size of the call (1, 2, 3
//! groups of four registers). Spilled windows lie
//!
//! | registers of a frame | at |
//! |---|---|
//! | a0 to a3 | 16 bytes below the stack pointer of the frame that it called |
//! | a4 to a7 (called by CALL8), a4 to a11 (CALL12) | 32 or 48 bytes below the stack pointer of its own caller |
//!
//! Call-frame information does not describe this, so that every step here is along that chain (trust: frame pointer). The
//! chain leads through ROM code that no symbol file describes. A window that was never spilled, or that a stray write hit,
//! breaks it; then the next sound link further up is taken (trust: scan).

use super::Abi;
use crate::model::{
    register_file::RegisterFile,
    registers::{Reg, RegValue, RegisterSet},
    report::FrameTrust,
};
use crate::unwind::code::Code;
use crate::unwind::walk::{Found, PhysicalFrame, StopReason, Walker};
use std::ops::Range;

/// Xtensa, windowed.
#[derive(Debug)]
pub(super) struct Xtensa;

/// Code lies in this quarter of the address space on every chip of the family.
const CODE_QUARTER: u64 = 0x4000_0000;
const ADDRESS_BITS: u64 = 0x3FFF_FFFF;
/// Where the chips have their mask ROM.
const ROM: Range<u64> = 0x4000_0000..0x4007_0000;
/// Where code lies when there is no symbol file to ask: ROM, RAM, RTC memory, cached flash.
const CODE: Range<u64> = 0x4000_0000..0x4400_0000;
/// Fast RTC memory of the ESP32-S3 is read and executed at the same address.
const RTC_CODE: Range<u64> = 0x600F_E000..0x6010_0000;
/// Stacks are aligned to this (Xtensa ISA, "Stack Frames").
const ALIGNMENT: u64 = 16;
/// No frame is larger.
const LARGEST_FRAME: u64 = 1 << 20;
const CALL_BYTES: u64 = 3;

impl Abi for Xtensa {
    fn code_address(&self, value: u64) -> u64 {
        code_address(value)
    }

    fn can_be_return_address(&self, word: u32) -> bool {
        word >> 30 != 0
    }

    fn can_be_code(&self, addr: u64) -> bool {
        CODE.contains(&addr) || RTC_CODE.contains(&addr)
    }

    /// `CALLn` or `CALLXn`, three bytes each (Xtensa ISA, "Instruction Descriptions").
    fn follows_call(&self, return_addr: u64, code: &Code<'_, '_>) -> bool {
        let at = |back: u64| code.half_word(return_addr.checked_sub(back)?);
        let (Some(low), Some(high)) = (at(CALL_BYTES), at(CALL_BYTES - 1)) else {
            return false;
        };
        // offset18 nn 0101: CALLn; 0000 0000 0000 s 11 nn 0000: CALLXn
        low & 0x0F == 0x05 || (low & 0xCF == 0xC0 && high & 0xFFF0 == 0)
    }

    fn is_code_without_symbols(&self, addr: u64) -> bool {
        ROM.contains(&addr)
    }

    fn entry_functions(&self) -> &'static [&'static str] {
        &["call_start_cpu0", "call_start_cpu1", "vPortTaskWrapper"]
    }

    fn own_step(
        &self,
        walker: &mut Walker<'_, '_, '_>,
        frame: &mut PhysicalFrame,
    ) -> Option<Result<Found, StopReason>> {
        Some(step(walker, frame))
    }
}

/// What a base save area holds of a frame.
#[derive(Clone, Copy, Debug)]
struct Saved {
    registers: [u32; 4],
}

impl Saved {
    fn return_value(&self) -> u64 {
        let [a0, ..] = self.registers;
        a0.into()
    }

    fn sp(&self) -> u64 {
        let [_, a1, ..] = self.registers;
        a1.into()
    }
}

fn step(walker: &mut Walker<'_, '_, '_>, frame: &mut PhysicalFrame) -> Result<Found, StopReason> {
    if walker.code.is_entry(frame.lookup) {
        frame.cfa = frame
            .sp
            .and_then(|sp| saved_below(walker, sp))
            .map(|s| s.sp());
        return Err(StopReason::ThreadEntry);
    }
    if let Some(found) = before_entry(walker, frame) {
        return Ok(found);
    }
    let sp = frame.sp.ok_or(StopReason::NoMoreFrames)?;
    let Some(saved) = saved_below(walker, sp) else {
        return match frame.registers.known(Reg(0)) {
            Some(0) => Err(StopReason::ThreadEntry),
            _ => Err(StopReason::NoMemory(sp.saturating_sub(16))),
        };
    };
    let Some(return_value) = frame.registers.known(Reg(0)) else {
        // The task gave way by a call: its a0 was spilled where the dump does not reach.
        return over_a_gap(walker, frame, &saved, sp);
    };
    if return_value == 0 {
        return Err(StopReason::ThreadEntry);
    }
    let pc = code_address(return_value);
    if is_caller(walker, pc, sp, saved.sp()) {
        frame.cfa = Some(saved.sp());
        let trust = FrameTrust::FramePointer;
        return Ok(caller(walker, pc, return_value, &saved, trust));
    }
    broken(walker, frame, sp, pc)
}

/// The caller of an innermost frame whose ENTRY instruction has not run: the window is still the caller's, and PS says
/// how large the call was. So it is at the first instruction of a function, and after a call to where no code is.
fn before_entry(walker: &Walker<'_, '_, '_>, frame: &PhysicalFrame) -> Option<Found> {
    if frame.lookup != frame.pc || frame.trust != FrameTrust::Context {
        return None;
    }
    let is_first = walker
        .code
        .function(frame.pc)
        .is_some_and(|function| function.start == frame.pc);
    if !is_first && is_code(walker, frame.pc) {
        return None;
    }
    let ps = frame.registers.known(Reg::PS)?;
    let size = (ps >> 16) & 3;
    let link = Reg(u16::try_from(size * 4).ok()?);
    let return_value = frame.registers.known(link)?;
    let pc = code_address(return_value);
    let fits = size != 0 && return_value >> 30 == size && is_code(walker, pc.checked_sub(1)?);
    if !fits {
        return None;
    }
    let mut registers = frame.registers.clone();
    registers.set_pc(pc);
    registers.set(link, RegValue::Clobbered);
    Some(Found {
        frame: PhysicalFrame {
            pc,
            lookup: pc.checked_sub(1)?,
            sp: frame.sp,
            cfa: None,
            registers,
            trust: FrameTrust::FramePointer,
            interrupted: None,
            is_tail_call: false,
        },
        other_stack: false,
    })
}

/// The caller that `saved` belongs to, called with `return_value` in the callee's a0.
fn caller(
    walker: &Walker<'_, '_, '_>,
    pc: u64,
    return_value: u64,
    saved: &Saved,
    trust: FrameTrust,
) -> Found {
    let mut registers = RegisterSet::new(RegisterFile::Xtensa);
    registers.set_pc(pc);
    for (n, value) in (0..4).zip(saved.registers) {
        registers.set_known(Reg(n), value);
    }
    let size = (return_value >> 30) & 3;
    let n_kept = u16::try_from(size).unwrap_or(0).saturating_mul(4);
    // The callee's window began here: it was free to overwrite the rest.
    for n in n_kept.max(4)..16 {
        registers.set(Reg(n), RegValue::Clobbered);
    }
    if let Some(outer) = saved_below(walker, saved.sp())
        && let Some(area) = outer.sp().checked_sub(u64::from(n_kept) * 4)
    {
        for n in 4..n_kept.max(4) {
            let at = area.saturating_add(u64::from(n - 4) * 4);
            if let Ok(value) = walker.input.memory.read_u32(at) {
                registers.set_known(Reg(n), value);
            }
        }
    }
    Found {
        frame: PhysicalFrame {
            pc,
            lookup: pc.saturating_sub(1),
            sp: Some(saved.sp()),
            cfa: None,
            registers,
            trust,
            interrupted: None,
            is_tail_call: false,
        },
        other_stack: false,
    }
}

/// The frame after the next one: the next one's own program counter was not stored.
fn over_a_gap(
    walker: &mut Walker<'_, '_, '_>,
    frame: &PhysicalFrame,
    saved: &Saved,
    sp: u64,
) -> Result<Found, StopReason> {
    if saved.return_value() == 0 {
        return Err(StopReason::ThreadEntry);
    }
    let pc = code_address(saved.return_value());
    let outer = saved_below(walker, saved.sp());
    match outer.filter(|outer| is_caller(walker, pc, saved.sp(), outer.sp())) {
        Some(outer) => {
            walker.warn(
                "FS-UNW-011",
                format!(
                    "Of the task that waits at 0x{:08x} one frame is missing here: its return address was not stored.",
                    frame.pc
                ),
            );
            let trust = FrameTrust::FramePointer;
            Ok(caller(walker, pc, saved.return_value(), &outer, trust))
        }
        None => broken(walker, frame, sp, pc),
    }
}

/// Goes on at the next sound link of the chain above `sp`.
fn broken(
    walker: &mut Walker<'_, '_, '_>,
    frame: &PhysicalFrame,
    sp: u64,
    pc: u64,
) -> Result<Found, StopReason> {
    walker.warn(
        "FS-UNW-010",
        format!(
            "The chain of register windows is broken above 0x{:08x} (stack 0x{sp:08x}): callers beyond it are found by a \
             scan of the stack or not at all.",
            frame.pc
        ),
    );
    let mut at = sp & !(ALIGNMENT - 1);
    while walker.scan_budget >= ALIGNMENT {
        walker.scan_budget -= ALIGNMENT;
        at = at.saturating_add(ALIGNMENT);
        let Some(saved) = saved_below(walker, at) else {
            return Err(StopReason::NoCode(pc));
        };
        let found = code_address(saved.return_value());
        let is_call = saved.return_value() >> 30 >= 2 && walker.code.follows_call(found);
        let outer = saved_below(walker, saved.sp());
        if let Some(outer) = outer.filter(|outer| {
            is_call && saved.sp() >= at && is_caller(walker, found, saved.sp(), outer.sp())
        }) {
            return Ok(caller(
                walker,
                found,
                saved.return_value(),
                &outer,
                FrameTrust::Scan,
            ));
        }
    }
    Err(StopReason::NoCode(pc))
}

/// The words below a stack pointer, where the registers of the caller were spilled.
fn saved_below(walker: &Walker<'_, '_, '_>, sp: u64) -> Option<Saved> {
    let area = sp.checked_sub(16)?;
    let mut registers = [0; 4];
    for (n, value) in (0_u64..).zip(registers.iter_mut()) {
        let word = walker.input.memory.read_u32(area.checked_add(n * 4)?);
        *value = word.ok()?;
    }
    Some(Saved { registers })
}

/// True when code at `pc` can have called a function whose stack pointer is `sp`, with its own at `caller_sp`.
fn is_caller(walker: &Walker<'_, '_, '_>, pc: u64, sp: u64, caller_sp: u64) -> bool {
    let is_stack =
        caller_sp > sp && caller_sp - sp <= LARGEST_FRAME && caller_sp.is_multiple_of(ALIGNMENT);
    // An interrupt runs on a stack of its own and leads back to the task's.
    let is_other_stack = || walker.input.memory.read_u32(caller_sp).is_ok();
    (is_stack || (caller_sp.is_multiple_of(ALIGNMENT) && is_other_stack()))
        && pc
            .checked_sub(1)
            .is_some_and(|lookup| is_code(walker, lookup))
}

fn is_code(walker: &Walker<'_, '_, '_>, addr: u64) -> bool {
    walker.code.contains(addr)
        || ROM.contains(&addr)
        || (walker.input.symbols.is_empty() && Xtensa.can_be_code(addr))
}

fn code_address(value: u64) -> u64 {
    if value == 0 || value & !ADDRESS_BITS == CODE_QUARTER {
        value
    } else {
        (value & ADDRESS_BITS) | CODE_QUARTER
    }
}

//! Notices that a processor faulted, and makes an ELF core of it.

use super::fault_frame::{FLOATING_POINT, fault_frame};
use crate::formats::elf_core_writer::elf_core;
use crate::live::{ASKED, LinkError, Read, RunState, Target};
use crate::model::build_id::BuildId;
use crate::model::coredump::FaultRegisters;
use crate::model::memory::{Memory as _, MemoryMap};
use crate::model::register_file::RegisterFile;
use crate::model::registers::{Reg, RegisterSet};
use crate::symbols::symbol_file::SymbolFile;
use std::ops::Range;
use std::sync::Arc;

/// ICSR, whose lowest 9 bits are the exception that is being handled (ARMv7-M ARM, B3.2.4).
const ICSR: u64 = 0xE000_ED04;
/// Where the vector table is, whose first word is the end of the main stack (B3.2.5, B1.5.3).
const VTOR: u64 = 0xE000_ED08;
/// What stands there for each kind of fault (ARMv7-M ARM, table B1-4).
const FAULTS: [(u32, &str); 5] = [
    (3, "HardFault"),
    (4, "MemManage fault"),
    (5, "BusFault"),
    (6, "UsageFault"),
    (7, "SecureFault"),
];
/// Functions in which a program stays when an assertion failed.
const ENDS: [&str; 5] = [
    "vAssertCalled",
    "__assert_func",
    "abort",
    "panic",
    "rust_begin_unwind",
];
/// Saved around a stack pointer, below and above it.
const STACK_BELOW: u64 = 64;
const STACK_ABOVE: u64 = 16 << 10;
/// Memory is asked for in pieces of this size: what cannot be read costs one piece.
const PIECE: u64 = 1 << 10;
/// No more than this is saved.
const CORE_BYTES_MAX: u64 = 1 << 20;
/// The interrupt controller, the system control block and the memory protection unit (ARMv7-M ARM, B3.2.2, B3.4.3, B3.5.5).
const SYSTEM: [Range<u64>; 2] = [0xE000_E100..0xE000_E500, 0xE000_ED00..0xE000_EDF0];
/// Signals that a core says it stopped with (Linux's numbers, which gdb shows in words).
const SIGSEGV: u16 = 11;
const SIGABRT: u16 = 6;
const SIGTRAP: u16 = 5;

/// A fault that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// `HardFault`, `stopped by a breakpoint`.
    pub(super) what: String,
    /// For the core.
    pub(super) signal: u16,
}

/// What is looked at to see a fault.
pub(super) fn reads() -> Vec<Read> {
    vec![Read::new(ICSR, 4)]
}

/// Tells a fault from a processor that runs, once for each.
pub(super) struct FaultWatch {
    elfs: Vec<Arc<SymbolFile>>,
    /// The exception that was told.
    told: Option<u32>,
    /// The function of [`ENDS`] in which it was at the last look, and whether that was told.
    end: Option<(String, bool)>,
    was_halted: bool,
}

impl FaultWatch {
    pub(super) fn new(elfs: Vec<Arc<SymbolFile>>) -> Self {
        Self {
            elfs,
            told: None,
            end: None,
            was_halted: false,
        }
    }

    /// A fault that was not told yet.
    pub(super) fn look(
        &mut self,
        status: &[Read],
        registers: Option<&RegisterSet>,
        state: &RunState,
    ) -> Option<Fault> {
        let was_halted = std::mem::replace(&mut self.was_halted, *state != RunState::Running);
        if let Some(active) = active_exception(status, registers) {
            let known = FAULTS.iter().find(|(number, _)| *number == active);
            let told = std::mem::replace(&mut self.told, known.map(|(number, _)| *number));
            if let Some((number, name)) = known {
                return (told != Some(*number)).then(|| Fault {
                    what: (*name).to_owned(),
                    signal: SIGSEGV,
                });
            }
        }
        if let RunState::Halted { why } = state
            && !was_halted
            && why != ASKED
        {
            return Some(Fault {
                what: format!("stopped by {why}"),
                signal: SIGTRAP,
            });
        }
        self.look_for_end(registers)
    }

    /// A program that is in a function that it does not leave, at two looks one after the other.
    fn look_for_end(&mut self, registers: Option<&RegisterSet>) -> Option<Fault> {
        let pc = registers?.pc()?;
        let is_end = |name: &str| ENDS.contains(&name) || name.contains("assert");
        let mut names = self.elfs.iter().filter_map(|file| file.symbol_at(pc));
        let name = names.find(|(symbol, _)| is_end(&symbol.name));
        let name = name.map(|(symbol, _)| symbol.name);
        match (name, self.end.take()) {
            (Some(name), Some((before, was_told))) if name == before => {
                let fault = (!was_told).then(|| Fault {
                    what: format!("it stays in {name}"),
                    signal: SIGABRT,
                });
                self.end = Some((name, true));
                fault
            }
            (name, _) => {
                self.end = name.map(|name| (name, false));
                None
            }
        }
    }

    /// An ELF core of the processor, which stands; `None` where its registers cannot be read.
    pub(super) fn core(
        &self,
        target: &mut dyn Target,
        build: Option<&BuildId>,
        signal: u16,
    ) -> Result<Option<Vec<u8>>, LinkError> {
        let registers = target.snapshot(Vec::new(), true)?.registers;
        let Some(registers) = registers else {
            return Ok(None);
        };
        // Once more at one moment, now that it is known where the stacks are.
        let is_arm = registers.file() == RegisterFile::Arm;
        let ranges = ranges(&self.elfs, stacks(&registers), is_arm);
        let reads = ranges.iter().flat_map(pieces).collect();
        let snapshot = target.snapshot(reads, true)?;
        let registers = snapshot.registers.unwrap_or(registers);
        let mut memory = MemoryMap::default();
        for read in snapshot.reads {
            if let Some(bytes) = read.bytes {
                memory.insert(read.addr, &bytes);
            }
        }
        Ok(elf_core(&registers, &memory, build, signal, None))
    }

    /// An ELF core of the processor while it runs: its registers are those of the exception frame that caused the fault. In words, why
    /// there is none.
    pub(super) fn core_without_halt(
        &self,
        target: &mut dyn Target,
        build: Option<&BuildId>,
        signal: u16,
    ) -> Result<Result<Vec<u8>, String>, LinkError> {
        let table = vec![Read::new(VTOR, 4)];
        let table = word(&target.snapshot(table, false)?.reads, VTOR).unwrap_or(0);
        let top = vec![Read::new(table.into(), 4)];
        let top = word(&target.snapshot(top, false)?.reads, table.into());
        let top = top.map_or(0, u64::from);
        let main_stack = top.saturating_sub(STACK_ABOVE)..top;
        let ranges = ranges(&self.elfs, std::iter::once(main_stack.clone()), true);
        let mut reads: Vec<Read> = ranges.iter().flat_map(pieces).collect();
        reads.extend(pieces(&FLOATING_POINT));
        let mut memory = MemoryMap::default();
        for read in target.snapshot(reads, false)?.reads {
            if let Some(bytes) = read.bytes {
                memory.insert(read.addr, &bytes);
            }
        }
        let mut fault = FaultRegisters::default();
        for (name, addr) in FaultRegisters::NAMES {
            if let Ok(value) = memory.read_u32(addr) {
                fault.values.insert(name, value);
            }
        }
        let frame = match fault_frame(&memory, &self.elfs, &fault, &main_stack) {
            Ok(frame) => frame,
            Err(why) => return Ok(Err(why.to_string())),
        };
        let core = elf_core(&frame.registers, &memory, build, signal, Some(frame.addr));
        Ok(core.ok_or_else(|| "its frame has no stack pointer".to_owned()))
    }
}

/// The exception that is being handled, from memory or from xPSR.
fn active_exception(status: &[Read], registers: Option<&RegisterSet>) -> Option<u32> {
    let icsr = status.iter().find(|read| read.addr == ICSR);
    let icsr = icsr.and_then(|read| read.bytes.as_deref()?.try_into().ok());
    let icsr = icsr.map(u32::from_le_bytes);
    let xpsr = registers.and_then(|registers| registers.known(Reg::XPSR));
    let xpsr = xpsr.and_then(|xpsr| u32::try_from(xpsr).ok());
    Some(icsr.or(xpsr)? & 0x1FF)
}

fn word(reads: &[Read], addr: u64) -> Option<u32> {
    let read = reads.iter().find(|read| read.addr == addr)?;
    Some(u32::from_le_bytes(read.bytes.as_deref()?.try_into().ok()?))
}

/// What the stack pointers point at.
fn stacks(registers: &RegisterSet) -> impl Iterator<Item = Range<u64>> {
    let pointers = [registers.file().sp(), Reg::MSP, Reg::PSP];
    let known = pointers.into_iter().filter_map(|reg| registers.known(reg));
    let known = known.filter(|sp| *sp != 0);
    known.map(|sp| sp.saturating_sub(STACK_BELOW) & !3..sp.saturating_add(STACK_ABOVE))
}

/// What is worth saving: stacks, the variables of the program, and the registers of the system.
fn ranges(
    elfs: &[Arc<SymbolFile>],
    stacks: impl Iterator<Item = Range<u64>>,
    is_arm: bool,
) -> Vec<Range<u64>> {
    let mut ranges: Vec<Range<u64>> = stacks.collect();
    // After the stacks, which tell most.
    let variables = elfs.iter().flat_map(|file| file.variable_ranges());
    ranges.extend(variables);
    if is_arm {
        ranges.extend(SYSTEM);
    }
    let mut left = CORE_BYTES_MAX;
    for range in &mut ranges {
        let n_bytes = range.end.saturating_sub(range.start).min(left);
        range.end = range.start.saturating_add(n_bytes);
        left -= n_bytes;
    }
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

fn pieces(range: &Range<u64>) -> impl Iterator<Item = Read> + use<> {
    let Range { start, end } = *range;
    let n_pieces = end.saturating_sub(start).div_ceil(PIECE);
    (0..n_pieces).map(move |n| {
        let at = start + n * PIECE;
        Read::new(at, usize::try_from(PIECE.min(end - at)).unwrap_or(0))
    })
}

#[cfg(test)]
mod tests {
    use super::{FaultWatch, ICSR, ranges, stacks};
    use crate::live::{Read, RunState};
    use crate::model::coredump::FaultRegisters;
    use crate::model::registers::{Reg, RegisterSet};

    fn status(active: u32) -> Vec<Read> {
        let mut read = Read::new(ICSR, 4);
        read.bytes = Some((0x0040_0000 | active).to_le_bytes().to_vec());
        vec![read]
    }

    #[test]
    fn each_fault_is_told_once() {
        let mut faults = FaultWatch::new(Vec::new());
        let mut look = |active, state: &RunState| {
            let fault = faults.look(&status(active), None, state);
            fault.map(|fault| fault.what)
        };
        let running = RunState::Running;
        assert_eq!(look(0, &running), None);
        assert_eq!(look(15, &running), None, "SysTick is none");
        assert_eq!(look(3, &running).as_deref(), Some("HardFault"));
        assert_eq!(look(3, &running), None);
        assert_eq!(look(0, &running), None, "it was reset");
        assert_eq!(look(5, &running).as_deref(), Some("BusFault"));
        assert_eq!(look(0, &running), None);
        let halted = RunState::Halted {
            why: "a breakpoint".to_owned(),
        };
        assert_eq!(look(0, &halted).as_deref(), Some("stopped by a breakpoint"));
        assert_eq!(look(0, &halted), None);
    }

    #[test]
    fn the_fault_status_registers_are_saved() {
        for (name, address) in FaultRegisters::NAMES {
            let is_saved = super::SYSTEM
                .iter()
                .any(|range| range.contains(&(address + 3)));
            assert!(is_saved, "{name}");
        }
    }

    #[test]
    fn what_is_saved_is_bounded_and_disjoint() {
        let mut registers = RegisterSet::default();
        registers.set_sp(0x2000_1000);
        registers.set_known(Reg::MSP, 0x2000_1010_u64);
        registers.set_known(Reg::PSP, u64::from(u32::MAX));
        let ranges = ranges(&[], stacks(&registers), true);
        assert_eq!(ranges[0], 0x2000_0FC0..0x2000_5010);
        assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
        let n_bytes: u64 = ranges.iter().map(|range| range.end - range.start).sum();
        assert!(n_bytes <= super::CORE_BYTES_MAX);
    }
}

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
/// How floating-point registers are pushed, and where there is room for those of the last frame: behind its basic part (B3.2.21 and
/// B3.2.22). Both are 0 where there are none.
const FPCCR: u64 = 0xE000_EF34;
const FPCAR: u64 = 0xE000_EF38;
/// They are pushed at all, and [`FPCAR`] is written when they are.
const PUSHED: u32 = 1 << 31;
const PUSHED_LAZILY: u32 = 1 << 30;
/// What has to be captured beside stacks, variables and the system control block.
pub(super) const FLOATING_POINT: Range<u64> = FPCCR..FPCAR + 4;
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
    /// Where the frame ends is not known.
    #[error("whether floating-point registers are in its exception frame is not known")]
    UnknownSize,
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
    let floats_at = floats_at(memory).ok_or(NoFrame::UnknownSize)?;
    let mut found: Vec<FaultFrame> = Vec::new();
    for region in memory.regions() {
        let end = region.start.saturating_add(region.bytes.len() as u64);
        let mut addr = region.start.next_multiple_of(ALIGNMENT);
        while addr.saturating_add(BASIC_FRAME_BYTES) <= end {
            let frame = proven(addr, memory, elfs, &cause, main_stack, floats_at);
            found.extend(frame);
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

/// Where the floating-point registers of the last frame are, 0 of one without; `None` where that is not known.
fn floats_at(memory: &MemoryMap) -> Option<u64> {
    let how = memory.read_u32(FPCCR).ok()?;
    match (how & PUSHED != 0, how & PUSHED_LAZILY != 0) {
        (false, _) => Some(0),
        (true, true) => memory.read_u32(FPCAR).ok().map(u64::from),
        (true, false) => None,
    }
}

/// The frame at an address, if it is one and its instruction did it.
fn proven(
    addr: u64,
    memory: &MemoryMap,
    elfs: &[Arc<SymbolFile>],
    cause: &Cause,
    main_stack: &Range<u64>,
    floats_at: u64,
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
    if addr.checked_add(BASIC_FRAME_BYTES) == Some(floats_at) {
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

#[cfg(test)]
mod tests {
    use super::{NoFrame, fault_frame};
    use crate::formats::scan::scan;
    use crate::model::coredump::Coredump;
    use crate::model::memory::{Memory as _, MemoryMap};
    use crate::model::progress::Unattended;
    use crate::model::registers::Reg;
    use crate::symbols::symbol_file::SymbolFile;
    use serde_json::Value;
    use std::ops::Range;
    use std::path::Path;
    use std::sync::Arc;

    const NOWHERE: Range<u64> = 0..0;
    /// Code that had used the floating-point unit when it was interrupted.
    const WITH_FLOATS: [&str; 3] = ["v7m-float", "v7m-in-interrupt", "v8m-float"];

    fn fixture(name: &str) -> Vec<u8> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/halted-handler");
        std::fs::read(folder.join(name)).unwrap()
    }

    /// A board that was halted in its fault handler, and its ELF.
    fn halted(name: &str) -> (Coredump, Vec<Arc<SymbolFile>>) {
        let mut found = scan(name, &fixture(&format!("{name}.core")), &Unattended).unwrap();
        let elf = SymbolFile::parse(name, fixture(&format!("{name}.elf"))).unwrap();
        let mut dump = found.coredumps.remove(0);
        // gdb did not store them.
        let floats_at = match registers_before(name)
            .iter()
            .find(|(reg, _)| *reg == Reg::SP)
        {
            Some((_, sp)) if WITH_FLOATS.contains(&name) => (sp - 0x48) & !7,
            _ => 0,
        };
        let words = [0xC000_0000, u32::try_from(floats_at).unwrap()];
        let words = words.map(u32::to_le_bytes);
        dump.memory.insert(super::FPCCR, words.as_flattened());
        (dump, vec![Arc::new(elf)])
    }

    /// What gdb saw before the instruction that faulted, which it reached by single steps.
    fn registers_before(name: &str) -> Vec<(Reg, u64)> {
        let gdb: Value = serde_json::from_slice(&fixture(&format!("{name}.gdb.json"))).unwrap();
        let names = [
            ("r0", Reg(0)),
            ("r1", Reg(1)),
            ("r2", Reg(2)),
            ("r3", Reg(3)),
            ("r12", Reg(12)),
            ("sp", Reg::SP),
            ("lr", Reg::LR),
            ("pc", Reg::PC),
        ];
        let registers = names.map(|(name, reg)| {
            let hex = gdb["before_fault"][0]["registers"][name].as_str().unwrap();
            let value = u64::from_str_radix(hex.trim_start_matches("0x"), 16).unwrap();
            (reg, value)
        });
        registers.to_vec()
    }

    #[test]
    fn the_frame_that_is_found_holds_what_gdb_saw_before_the_fault() {
        for name in [
            "v7m-assembly",
            "v7m-bus-fault",
            "v7m-default-handler",
            "v7m-float",
            "v7m-in-interrupt",
            "v7m-padded",
            "v7m-preempted",
            "v7m-thread",
            "v7m-usage-fault",
            "v8m-float",
        ] {
            let (dump, elfs) = halted(name);
            let found = fault_frame(&dump.memory, &elfs, &dump.fault, &NOWHERE);
            let found = found.unwrap_or_else(|why| panic!("{name}: {why}, {:x?}", dump.fault));
            for (reg, value) in registers_before(name) {
                let found = found.registers.known(reg);
                assert_eq!(found, Some(value), "{name} {}", reg.arm_name());
            }
            assert_eq!(found.registers.known(Reg(4)), None, "{name}");
        }
    }

    #[test]
    fn what_is_not_proven_is_refused() {
        let (mut dump, elfs) = halted("v7m-bus-fault");
        let frame = fault_frame(&dump.memory, &elfs, &dump.fault, &NOWHERE).unwrap();
        let words: Vec<u8> = (0..8)
            .flat_map(|n| {
                let word = dump.memory.read_u32(frame.addr + 4 * n).unwrap();
                word.to_le_bytes()
            })
            .collect();
        let mut other = dump.memory.clone();
        other.insert(0x3100_0000, &words);
        let several = fault_frame(&other, &elfs, &dump.fault, &NOWHERE);
        assert_eq!(several, Err(NoFrame::Several));
        let bfar = dump.fault.get("bfar").unwrap();
        dump.fault.values.insert("bfar", bfar.wrapping_add(0x1000));
        let none = fault_frame(&dump.memory, &elfs, &dump.fault, &NOWHERE);
        assert_eq!(none, Err(NoFrame::None));
        let mut unread = dump.clone();
        unread.memory = MemoryMap::default();
        let unknown = fault_frame(&unread.memory, &elfs, &unread.fault, &NOWHERE);
        assert_eq!(unknown, Err(NoFrame::UnknownSize));
        // An imprecise bus fault: the instruction is long over.
        dump.fault.values.insert("cfsr", 1 << 10);
        let unprovable = fault_frame(&dump.memory, &elfs, &dump.fault, &NOWHERE);
        assert_eq!(unprovable, Err(NoFrame::Unprovable));
    }
}

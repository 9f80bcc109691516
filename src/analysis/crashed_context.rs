//! The registers at the moment of the fault, from what a dump stored of them.
//!
//! Formats disagree on what the stored stack pointer means, and some store the eight words of the hardware
//! frame only. The frame itself often lies in the captured memory, and then it decides.

use crate::arch::cortex_m::INTEGRITY_SIGNATURES;
use crate::model::coredump::{CapturedThread, Coredump, SpMeaning};
use crate::model::memory::Memory;
use crate::model::register_file::RegisterFile;
use crate::model::registers::{Reg, RegValue, RegisterSet};
use crate::model::report::FrameTrust;
use crate::symbols::symbol_set::SymbolSet;
use crate::unwind::exception_frame;
use crate::unwind::walk::{Start, WalkInput, WalkLimits, walk};

/// Size of a hardware frame (ARMv7-M ARM, B1.5.7).
const BASIC_BYTES: u64 = 0x20;
/// Size of a hardware frame with floating-point state.
const EXTENDED_BYTES: u64 = 0x68;
/// xPSR bit 9: four bytes of padding lie above the frame.
const XPSR_PAD: u64 = 1 << 9;
/// What a handler may have popped from its stack pointer: nothing, or either frame with or without padding.
const POPPED_SIZES: [u64; 5] = [0, 0x20, 0x24, 0x68, 0x6C];
/// `EXC_RETURN` bit 4: set for a frame without floating-point state.
const EXC_RETURN_BASIC: u64 = 1 << 4;

/// The registers as they were when the fault happened: the stack pointer popped, and whatever the hardware
/// frame holds filled in.
pub fn crashed_context(
    thread: &CapturedThread,
    dump: &Coredump,
    symbols: &SymbolSet<'_>,
    memory: &dyn Memory,
) -> RegisterSet {
    let registers = &thread.registers;
    if registers.file() == RegisterFile::Riscv {
        return riscv_context(registers, dump);
    }
    if took_secure_context(thread) {
        return beyond_secure_context(registers, dump, symbols, memory);
    }
    let Some(sp) = registers.sp() else {
        return registers.clone();
    };
    match thread.sp_meaning {
        SpMeaning::ExceptionFrame => at_frame(registers, sp, memory),
        SpMeaning::Unknown if is_frame_of(registers, sp, memory) => {
            best_frame(registers, sp, dump, symbols, memory)
        }
        SpMeaning::Popped | SpMeaning::Unknown => popped(registers, sp, memory),
    }
}

/// RISC-V: nothing is on the stack. A capture that was taken in the handler needs what the hardware noted of the trap.
fn riscv_context(registers: &RegisterSet, dump: &Coredump) -> RegisterSet {
    let mut context = registers.clone();
    let mepc = dump.fault.get("mepc").map(u64::from);
    if mepc.is_none() || registers.pc().map(|pc| pc & !1) == mepc.map(|mepc| mepc & !1) {
        return context;
    }
    for (name, reg) in [
        ("mepc", Reg::MEPC),
        ("mcause", Reg::MCAUSE),
        ("mtval", Reg::MTVAL),
    ] {
        if let Some(value) = dump.fault.get(name)
            && context.get(reg) == RegValue::NotStored
        {
            context.set_known(reg, value);
        }
    }
    context
}

/// True when the device took the additional state context that `ARMv8-M` pushes below the frame of secure code for
/// the frame itself, as Zephyr does: r0 is the context's signature, and PC is whatever lay in r8.
pub fn took_secure_context(thread: &CapturedThread) -> bool {
    let first = thread.registers.known(Reg::r(0));
    let signature = first.and_then(|word| u32::try_from(word).ok());
    thread.registers.file() == RegisterFile::Arm
        && signature.is_some_and(|word| INTEGRITY_SIGNATURES.contains(&word))
}

/// The registers of the true frame behind the secure context. Without memory only the six registers of the context
/// that the device printed under other names are known.
fn beyond_secure_context(
    registers: &RegisterSet,
    dump: &Coredump,
    symbols: &SymbolSet<'_>,
    memory: &dyn Memory,
) -> RegisterSet {
    // The device may have added the size of a frame and its padding to the stack pointer.
    let taken_for_frame = POPPED_SIZES
        .into_iter()
        .filter_map(|popped| registers.sp()?.checked_sub(popped))
        .find(|frame| is_frame_of(registers, *frame, memory));
    if let Some(frame) = taken_for_frame {
        let mut bare = RegisterSet::default();
        for reg in [Reg::MSP, Reg::PSP, Reg::EXC_RETURN] {
            bare.set(reg, registers.get(reg));
        }
        bare.set_sp(frame);
        return best_frame(&bare, frame, dump, symbols, memory);
    }
    // Signature, reserved, r4 to r9 under the names of r0-r3, r12, LR, PC and xPSR.
    let mut known = RegisterSet::default();
    let printed = [
        Reg::r(2),
        Reg::r(3),
        Reg::r(12),
        Reg::LR,
        Reg::PC,
        Reg::XPSR,
    ];
    for (n, reg) in (4..).zip(printed) {
        known.set(Reg::r(n), registers.get(reg));
    }
    known
}

/// SP is already popped: the floating-point registers may still lie in the frame below it.
fn popped(registers: &RegisterSet, sp: u64, memory: &dyn Memory) -> RegisterSet {
    let pad = if registers
        .known(Reg::XPSR)
        .is_some_and(|x| x & XPSR_PAD != 0)
    {
        4
    } else {
        0
    };
    let Some(frame) = sp.checked_sub(EXTENDED_BYTES + pad) else {
        return registers.clone();
    };
    let has_fp = registers
        .known(Reg::EXC_RETURN)
        .is_none_or(|exc| exc & EXC_RETURN_BASIC == 0);
    let knows_fp = registers.known(Reg::s(0)).is_some();
    if !has_fp || knows_fp || !is_frame_of(registers, frame, memory) {
        return registers.clone();
    }
    let mut filled = registers.clone();
    for n in 0..16 {
        let at = frame + 0x20 + u64::from(n) * 4;
        if let Ok(word) = memory.read_u32(at) {
            filled.set_known(Reg::s(n), word);
        }
    }
    filled
}

/// SP is the address of the hardware frame.
fn at_frame(registers: &RegisterSet, frame: u64, memory: &dyn Memory) -> RegisterSet {
    let exc_return = registers
        .known(Reg::EXC_RETURN)
        .and_then(|v| u32::try_from(v).ok());
    let is_readable = registers.pc().is_none() || is_frame_of(registers, frame, memory);
    if is_readable
        && let Some(mut context) = exception_frame::pop(frame, exc_return, registers, memory)
    {
        for (reg, value) in registers.iter() {
            if context.get(reg) == RegValue::NotStored {
                context.set(reg, value);
            }
        }
        return context;
    }
    // No memory (a fault print), or no frame there (the stack ran out): only the arithmetic is left.
    let mut context = registers.clone();
    if registers.pc().is_some() {
        let has_fp = exc_return.is_some_and(|exc| u64::from(exc) & EXC_RETURN_BASIC == 0);
        let pad = if registers
            .known(Reg::XPSR)
            .is_some_and(|x| x & XPSR_PAD != 0)
        {
            4
        } else {
            0
        };
        let size = if has_fp { EXTENDED_BYTES } else { BASIC_BYTES };
        context.set_known(Reg::SP, frame.saturating_add(size + pad));
    }
    context
}

/// The format does not say whether the frame is basic or extended: the longer honest walk decides.
fn best_frame(
    registers: &RegisterSet,
    frame: u64,
    dump: &Coredump,
    symbols: &SymbolSet<'_>,
    memory: &dyn Memory,
) -> RegisterSet {
    if registers.known(Reg::EXC_RETURN).is_some() {
        return at_frame(registers, frame, memory);
    }
    let candidates = [0xFFFF_FFFDu32, 0xFFFF_FFED].map(|exc_return| {
        let mut candidate = registers.clone();
        candidate.set_known(Reg::EXC_RETURN, exc_return);
        let mut context = at_frame(&candidate, frame, memory);
        context.set(Reg::EXC_RETURN, RegValue::NotStored);
        context
    });
    let n_sure = |context: &RegisterSet| {
        let walked = walk(&WalkInput {
            registers: context,
            arch: dump.arch,
            symbols,
            memory,
            stack: None,
            limits: WalkLimits::default(),
            start: Start::Context,
        });
        walked
            .frames
            .iter()
            .filter(|f| !f.is_tail_call)
            .take_while(|f| f.trust < FrameTrust::Scan)
            .count()
    };
    let [basic, extended] = candidates;
    if n_sure(&extended) > n_sure(&basic) {
        extended
    } else {
        basic
    }
}

/// True when the eight words at `frame` are those of the stored registers.
fn is_frame_of(registers: &RegisterSet, frame: u64, memory: &dyn Memory) -> bool {
    let order = [
        Reg::r(0),
        Reg::r(1),
        Reg::r(2),
        Reg::r(3),
        Reg::r(12),
        Reg::LR,
        Reg::PC,
        Reg::XPSR,
    ];
    let mut n_equal = 0;
    for (slot, reg) in (0u64..).zip(order) {
        let Some(known) = registers.known(reg) else {
            continue;
        };
        let Ok(word) = memory.read_u32(frame.saturating_add(slot * 4)) else {
            return false;
        };
        let mask = if reg == Reg::PC { !1 } else { !0 };
        if u64::from(word) & mask != known & mask {
            return false;
        }
        n_equal += 1;
    }
    n_equal >= 4
}

#[cfg(test)]
mod tests {
    use super::crashed_context;
    use crate::model::arch::Arch;
    use crate::model::coredump::{CapturedThread, Coredump, SpMeaning};
    use crate::model::memory::MemoryMap;
    use crate::model::registers::{Reg, RegisterSet};
    use crate::symbols::symbol_set::SymbolSet;

    /// What Zephyr's report holds when secure code crashed on a Cortex-M33: the context instead of the frame.
    fn report(sp: Option<u32>) -> CapturedThread {
        let mut registers = RegisterSet::default();
        let order = [0, 1, 2, 3, 12, 14, 15].map(Reg::r);
        for (reg, value) in order.into_iter().chain([Reg::XPSR]).zip(CONTEXT) {
            registers.set_known(reg, value);
        }
        if let Some(sp) = sp {
            registers.set_known(Reg::SP, sp);
        }
        CapturedThread {
            registers,
            sp_meaning: SpMeaning::Unknown,
            ..CapturedThread::default()
        }
    }

    /// Signature, reserved, r4 to r9.
    const CONTEXT: [u32; 8] = [0xFEFA_125B, 0, 4, 5, 6, 7, 8, 9];

    #[test]
    fn the_frame_behind_a_secure_context_is_the_true_one() {
        let words = CONTEXT.into_iter().chain([10, 11]);
        let frame = [1, 2, 3, 0x33, 12, 0x1000_0101, 0x1000_5C34, 0x0100_0000];
        let bytes: Vec<u8> = words.chain(frame).flat_map(u32::to_le_bytes).collect();
        let symbols = SymbolSet { infos: Vec::new() };
        for sp in [0x3800_1000, 0x3800_1020] {
            let mut dump = Coredump::new("zephyr", Arch::Arm);
            dump.memory.insert(0x3800_1000, &bytes);
            let regs = crashed_context(&report(Some(sp)), &dump, &symbols, &dump.memory);
            assert_eq!(regs.pc(), Some(0x1000_5C34), "{sp:x}");
            assert_eq!(regs.sp(), Some(0x3800_1048), "{sp:x}");
            assert_eq!(regs.known(Reg::r(0)), Some(1));
            assert_eq!(regs.known(Reg::r(11)), Some(11));
        }
    }

    #[test]
    fn without_memory_the_printed_names_are_known_to_be_wrong() {
        let dump = Coredump::new("fault-print", Arch::Arm);
        let symbols = SymbolSet { infos: Vec::new() };
        let regs = crashed_context(&report(None), &dump, &symbols, &MemoryMap::default());
        assert_eq!((regs.pc(), regs.known(Reg::r(0))), (None, None));
        assert_eq!(regs.known(Reg::r(4)), Some(4));
        assert_eq!(regs.known(Reg::r(9)), Some(9));
    }
}

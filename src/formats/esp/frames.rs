//! Registers of a task, as the notes and the stacks of a dump hold them.
//!
//! Xtensa, note (`elf_gregset_t` of `xtensa/elf.h`): pc, ps, lbeg, lend, lcount, sar, windowstart, windowbase, 56 words
//! reserved, ar0 to ar63. RISC-V, note: pc, x1 to x31.
//!
//! Xtensa, stack (`xtensa_context.h` of FreeRTOS's port). An interrupt leaves the whole context: exit (not 0), pc, ps, a0
//! to a15, sar, exccause, excvaddr, lbeg, lend, lcount. A task that gave way by a call leaves exit = 0, pc, ps, and 16
//! bytes above the frame's base: what it called with.
//!
//! RISC-V, stack (`rvruntime-frames.h`): mepc, x1 to x31, mstatus, mtvec, mcause, mtval, mhartid.

use super::image::Image;
use crate::model::{
    memory::{Memory as _, MemoryMap},
    register_file::RegisterFile,
    registers::{Reg, RegisterSet},
};

/// Where the registers begin in `elf_prstatus`.
const PRSTATUS_REGISTERS: usize = 72;
/// Of the note's words, the first address register.
const FIRST_AR: usize = 64;
const N_AR: usize = 64;
/// Bytes of a frame that a task leaves by a call.
const SOLICITED_BYTES: u64 = 32;
/// A note that says nothing of the cause.
const NO_CAUSE: u32 = 0xFFFF;
/// Code lies in this quarter of the address space; return addresses keep the size of the call in these two bits.
const CODE_REGION: u32 = 0x4000_0000;
const ADDRESS_BITS: u32 = 0x3FFF_FFFF;

/// Id and registers of a `NT_PRSTATUS` note that stands at `at`, `len` bytes long.
pub(super) fn from_note(
    image: &Image<'_>,
    at: usize,
    len: usize,
    file: RegisterFile,
) -> Option<(u32, RegisterSet)> {
    let id = image.u32(at.checked_add(24)?)?;
    let end = at.checked_add(len)?;
    let first = at.checked_add(PRSTATUS_REGISTERS)?;
    let word = |n: usize| {
        let at = first.checked_add(n.checked_mul(4)?)?;
        if at.checked_add(4)? > end {
            return None;
        }
        image.u32(at)
    };
    let mut registers = RegisterSet::new(file);
    let mut set = |reg: Reg, value: Option<u32>| {
        if let Some(value) = value {
            registers.set_known(reg, value);
        }
    };
    match file {
        RegisterFile::Riscv => {
            set(Reg::RISCV_PC, Some(word(0)?));
            for n in 1..32 {
                set(Reg(n), word(usize::from(n)));
            }
        }
        RegisterFile::Xtensa => {
            let [pc, ps] = [word(0)?, word(1)?];
            set(Reg::XTENSA_PC, Some(code_address(pc)));
            set(Reg::PS, Some(ps));
            for (n, reg) in [
                (2, Reg::LBEG),
                (3, Reg::LEND),
                (4, Reg::LCOUNT),
                (5, Reg::SAR),
            ] {
                set(reg, word(n));
            }
            let base = usize::try_from(word(7)?).ok()?.checked_mul(4)?;
            for n in 0..16_u16 {
                let ar = base.checked_add(usize::from(n))? % N_AR;
                set(Reg(n), word(FIRST_AR.checked_add(ar)?));
            }
        }
        RegisterFile::Arm => return None,
    }
    Some((id, registers))
}

/// The registers in a frame on the stack at `sp`, as the RTOS left it.
pub(super) fn from_stack(memory: &MemoryMap, sp: u64, file: RegisterFile) -> Option<RegisterSet> {
    let word = |n: u64| memory.read_u32(sp.checked_add(n.checked_mul(4)?)?).ok();
    let mut registers = RegisterSet::new(file);
    match file {
        RegisterFile::Riscv => {
            registers.set_known(Reg::RISCV_PC, word(0)?);
            for n in 1..32 {
                registers.set_known(Reg(n), word(u64::from(n))?);
            }
            add_riscv_cause(&mut registers, memory, sp);
        }
        RegisterFile::Xtensa if word(0)? == 0 => return solicited(memory, sp),
        RegisterFile::Xtensa => {
            registers.set_known(Reg::XTENSA_PC, word(1)?);
            registers.set_known(Reg::PS, word(2)?);
            for n in 0..16 {
                registers.set_known(Reg(n), word(u64::from(n) + 3)?);
            }
            for (n, reg) in [
                (19, Reg::SAR),
                (22, Reg::LBEG),
                (23, Reg::LEND),
                (24, Reg::LCOUNT),
            ] {
                registers.set_known(reg, word(n)?);
            }
            set_cause(&mut registers, word(20)?, word(21)?);
        }
        RegisterFile::Arm => return None,
    }
    Some(registers)
}

/// A task that gave way by a call. Its own a0 to a3 were spilled below the frame, where no dump of stacks reaches; the
/// chain of callers goes on above it.
fn solicited(memory: &MemoryMap, sp: u64) -> Option<RegisterSet> {
    let word = |at: u64| memory.read_u32(at).ok();
    let mut registers = RegisterSet::new(RegisterFile::Xtensa);
    registers.set_known(Reg::XTENSA_PC, code_address(word(sp.checked_add(4)?)?));
    registers.set_known(Reg::PS, word(sp.checked_add(8)?)?);
    for n in 0..4_u16 {
        let spilled = sp.checked_sub(16)?.checked_add(u64::from(n) * 4)?;
        if let Some(value) = word(spilled) {
            registers.set_known(Reg(n), value);
        }
    }
    registers.set_known(Reg(1), sp.checked_add(SOLICITED_BYTES)?);
    Some(registers)
}

/// True when the frame at `sp` is one that a task left by a call, with this program counter: then the note of the task
/// holds registers of another task where its own were not stored.
pub(super) fn is_solicited(memory: &MemoryMap, sp: u64, registers: &RegisterSet) -> bool {
    let word = |at: Option<u64>| at.and_then(|at| memory.read_u32(at).ok());
    registers.file() == RegisterFile::Xtensa
        && word(Some(sp)) == Some(0)
        && word(sp.checked_add(4)).map(code_address).map(u64::from) == registers.pc()
}

/// Adds the cause of a RISC-V exception from the frame at `sp`, when that frame holds these very registers.
pub(super) fn add_riscv_cause(registers: &mut RegisterSet, memory: &MemoryMap, sp: u64) {
    let word = |n: u64| memory.read_u32(sp.checked_add(n.checked_mul(4)?)?).ok();
    let is_its_frame = word(0).map(u64::from) == registers.pc()
        && (1..32_u16).all(|n| word(u64::from(n)).map(u64::from) == registers.known(Reg(n)));
    if !is_its_frame {
        return;
    }
    for (n, reg) in [
        (32, Reg::MSTATUS),
        (33, Reg::MTVEC),
        (34, Reg::MCAUSE),
        (35, Reg::MTVAL),
        (36, Reg::MHARTID),
    ] {
        if let Some(value) = word(n) {
            registers.set_known(reg, value);
        }
    }
}

/// Records cause and address of an Xtensa exception, unless the device says that there was none.
pub(super) fn set_cause(registers: &mut RegisterSet, cause: u32, address: u32) {
    if cause != NO_CAUSE {
        registers.set_known(Reg::EXCCAUSE, cause);
        registers.set_known(Reg::EXCVADDR, address);
    }
}

/// A program counter whose two uppermost bits are the size of a call, or were cleared.
fn code_address(pc: u32) -> u32 {
    if pc & !ADDRESS_BITS == CODE_REGION || pc == 0 {
        pc
    } else {
        pc & ADDRESS_BITS | CODE_REGION
    }
}

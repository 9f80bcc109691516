//! RISC-V, 32 bit: the return address is in ra, a trap leaves the interrupted program counter in `mepc` and nothing on the
//! stack. What a trap entry saved is known from its code.
//!
//! Sources: RISC-V psABI (register conventions, frame record below s0), The RISC-V Instruction Set Manual, volume I.

mod call_target;
mod instruction;
mod saved;
mod trap;

use super::{Abi, FrameRecord};
use crate::model::registers::{Reg, RegValue, RegisterSet};
use crate::unwind::code::Code;
use crate::unwind::walk::{Found, PhysicalFrame, StopReason, Walker};

/// RISC-V.
#[derive(Debug)]
pub(super) struct Riscv;

/// ra.
const RA: Reg = Reg(1);
/// gp.
const GP: Reg = Reg(3);

/// Return addresses that mean "nobody": zero, erased and the fill patterns of RTOS stacks, with bit 0 set.
const NOBODY: [u32; 7] = [
    0x0000_0001,
    0xA5A5_A5A5,
    0xAAAA_AAAB,
    0xCCCC_CCCD,
    0xCDCD_CDCD,
    0xEFEF_EFEF,
    0xFFFF_FFFF,
];

/// gp, tp and the control and status registers.
const SPECIAL: [Reg; 10] = [
    Reg(3),
    Reg(4),
    Reg::MSTATUS,
    Reg::MTVEC,
    Reg::MSCRATCH,
    Reg::MEPC,
    Reg::MCAUSE,
    Reg::MTVAL,
    Reg::MIP,
    Reg::MHARTID,
];

/// s0 is the stack pointer of the caller; the return address and the caller's s0 lie below it.
const FRAME_RECORDS: [FrameRecord; 1] = [FrameRecord {
    pointer: Reg(8),
    previous: -8,
    return_address: -4,
    caller_sp: 0,
}];

/// Mask ROM of Espressif's chips (technical reference manuals, "Address Mapping"), the second one of the ESP32-P4.
const ROMS: [std::ops::Range<u64>; 2] = [0x4000_0000..0x4007_0000, 0x4FC0_0000..0x4FC2_0000];

/// Functions from which threads start. Sorted.
const ENTRY_FUNCTIONS: [&str; 7] = [
    "call_start_cpu0",
    "call_start_cpu1",
    "nx_start",
    "nxtask_start",
    "prvTimerTask",
    "pthread_task_func",
    "vPortTaskWrapper",
];

impl Abi for Riscv {
    fn code_address(&self, value: u64) -> u64 {
        value & !1
    }

    fn can_be_return_address(&self, word: u32) -> bool {
        word & 1 == 0 && word != 0
    }

    fn can_be_code(&self, addr: u64) -> bool {
        addr != 0
    }

    /// JAL or JALR with ra as destination, `c.jal`, `c.jalr` (volume I, 2.5 and 27.4).
    fn follows_call(&self, return_addr: u64, code: &Code<'_, '_>) -> bool {
        let half = |back: u64| {
            return_addr
                .checked_sub(back)
                .and_then(|a| code.half_word(a))
        };
        let Some(last) = half(2) else {
            return false;
        };
        let is_full_call = half(4).is_some_and(|first| {
            // rd = ra, opcode JAL; rd = ra, funct3 = 0, opcode JALR
            first & 0x0FFF == 0x00EF || first & 0x7FFF == 0x00E7
        });
        let is_jalr = last & 0xF07F == 0x9002 && last & 0x0F80 != 0;
        is_full_call || is_jalr || last & 0xE003 == 0x2001
    }

    fn is_code_without_symbols(&self, addr: u64) -> bool {
        ROMS.iter().any(|rom| rom.contains(&addr))
    }

    fn call_target(&self, return_addr: u64, code: &Code<'_, '_>) -> Option<u64> {
        call_target::of(return_addr, code)
    }

    /// Volume I, 1.5.
    fn instruction_bytes(&self, first: u16) -> Option<u64> {
        match (first & 3 == 3, first & 0x1F == 0x1F) {
            (false, _) => Some(2),
            (true, false) => Some(4),
            (true, true) => None,
        }
    }

    fn is_nobody(&self, return_addr: u64) -> bool {
        u32::try_from(return_addr | 1).is_ok_and(|word| NOBODY.contains(&word))
    }

    fn loses_return_address_in_calls(&self) -> bool {
        true
    }

    fn entry_functions(&self) -> &'static [&'static str] {
        &ENTRY_FUNCTIONS
    }

    fn special_registers(&self) -> &'static [Reg] {
        &SPECIAL
    }

    fn frame_records(&self) -> &'static [FrameRecord] {
        &FRAME_RECORDS
    }

    fn own_step(
        &self,
        walker: &mut Walker<'_, '_, '_>,
        frame: &mut PhysicalFrame,
    ) -> Option<Result<Found, StopReason>> {
        trap::step(walker, frame)
    }

    fn exception_name(&self, frame: &PhysicalFrame, code: &Code<'_, '_>) -> String {
        trap::name(None, frame, frame.lookup, code)
    }

    /// The caller by what the function's own code has stored.
    fn caller_by_code(&self, frame: &PhysicalFrame, code: &Code<'_, '_>) -> Option<RegisterSet> {
        let function = code.function(frame.lookup)?;
        let is_innermost = frame.lookup == frame.pc;
        let mut saved = {
            let gp = frame.registers.known(GP);
            saved::follow(function.start, frame.pc, gp, code)?
        };
        saved.resolve(&frame.registers, is_innermost, code);
        let found = saved.registers(RegValue::NotStored);
        found.sp()?;
        let ra = found
            .known(RA)
            .filter(|_| is_innermost || saved.has_return_address())?;
        let word = u32::try_from(ra).ok()?;
        if code.return_address(word).is_none() && !code.is_planted(ra) && !self.is_nobody(ra) {
            return None;
        }
        let mut caller = super::unknown_caller(found.file());
        for (reg, value) in found.iter() {
            if !found.file().is_call_clobbered(reg) {
                caller.set(reg, value);
            }
        }
        caller.set_pc(self.code_address(ra));
        Some(caller)
    }
}

#[cfg(test)]
mod tests {
    use super::ENTRY_FUNCTIONS;
    use crate::model::arch::Arch;
    use crate::model::memory::{MemoryMap, Overlay};
    use crate::model::registers::{Reg, RegisterSet};
    use crate::model::report::FrameTrust;
    use crate::symbols::{symbol_file::SymbolFile, symbol_set::SymbolSet};
    use crate::unwind::abi;
    use crate::unwind::code::Code;
    use crate::unwind::fixture::{Core, info, riscv_core, symbol_file, symbol_file_without_cfi};
    use crate::unwind::walk::{Start, StopReason, Walk, WalkInput, WalkLimits, walk};

    const CRASHES: [&str; 9] = [
        "rill-virt-null-write",
        "rill-virt-illegal",
        "rill-virt-bad-load",
        "rill-virt-stack-overflow",
        "rill-virt-in-interrupt",
        "rill-virt-in-interrupt-handler",
        "rill-virt-null-write-handler",
        "rill-virt-assert",
        "rill-virt-ecall",
    ];

    fn walk_core(core: &Core, registers: &RegisterSet, file: &SymbolFile) -> Walk {
        let symbols = SymbolSet {
            infos: vec![info(file)],
        };
        let constants = symbols.constants();
        let memory = Overlay {
            first: &core.memory,
            second: &constants,
        };
        walk(&WalkInput {
            registers,
            arch: Arch::Riscv32,
            symbols: &symbols,
            memory: &memory,
            stack: None,
            limits: WalkLimits::default(),
            start: Start::Context,
        })
    }

    /// (pc, sp, what interrupted it) of each frame.
    fn places(walk: &Walk) -> Vec<(u64, Option<u64>, Option<&str>)> {
        let frames = walk.frames.iter();
        frames
            .map(|f| (f.pc, f.sp, f.interrupted.as_deref()))
            .collect()
    }

    #[test]
    fn without_call_frame_information_the_code_leads_to_the_same_frames() {
        assert!(ENTRY_FUNCTIONS.is_sorted());
        let with = symbol_file("qemu-riscv/rill-virt.elf");
        let without = symbol_file_without_cfi("qemu-riscv/rill-virt.elf");
        for crash in CRASHES {
            let core = riscv_core(&format!("qemu-riscv/{crash}.core"));
            let registers = &core.threads[0];
            let by_cfi = walk_core(&core, registers, &with);
            let by_code = walk_core(&core, registers, &without);
            assert_eq!(places(&by_code), places(&by_cfi), "{crash}");
            assert_eq!(by_code.stop, StopReason::ThreadEntry, "{crash}");
            let by_scan = by_code.frames.iter().find(|f| f.trust == FrameTrust::Scan);
            assert_eq!(by_scan.map(|f| f.pc), None, "{crash}");
        }
    }

    #[test]
    fn with_ra_lost_the_frame_pointer_still_leads_on() {
        // built with -fno-omit-frame-pointer
        let file = symbol_file_without_cfi("qemu-riscv/rill-virt-os.elf");
        let core = riscv_core("qemu-riscv/rill-virt-os-null-write.core");
        let walked = walk_core(&core, &core.threads[0], &file);
        let names: Vec<u64> = walked.frames.iter().map(|f| f.pc).collect();
        let by_cfi = walk_core(
            &core,
            &core.threads[0],
            &symbol_file("qemu-riscv/rill-virt-os.elf"),
        );
        let expected: Vec<u64> = by_cfi.frames.iter().map(|f| f.pc).collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn calls_are_told_from_what_is_none() {
        let file = symbol_file("qemu-riscv/rill-virt.elf");
        let symbols = SymbolSet {
            infos: vec![info(&file)],
        };
        let memory = MemoryMap::default();
        let code = Code {
            symbols: &symbols,
            memory: &memory,
            abi: abi::of(Arch::Riscv32),
        };
        // the frames of gdb are return addresses
        for crash in ["rill-virt-null-write", "rill-virt-bad-load"] {
            let core = riscv_core(&format!("qemu-riscv/{crash}.core"));
            let walked = walk_core(&core, &core.threads[0], &file);
            for frame in walked.frames.iter().skip(1) {
                let word = u32::try_from(frame.pc).unwrap();
                assert_eq!(code.return_address(word), Some(frame.pc));
                assert_eq!(code.return_address(word | 1), None, "odd");
            }
        }
        assert_eq!(code.return_address(0), None);
        assert!(!code.follows_call(0x8000_0002) && !code.follows_call(1));
    }

    /// A small generator (Knuth's MMIX constants), so that a failure can be repeated.
    fn random(state: &mut u64) -> u64 {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        *state >> 32
    }

    #[test]
    fn whatever_registers_and_stack_hold_a_walk_ends() {
        let file = symbol_file("qemu-riscv/weir-virt.elf");
        let plain = symbol_file_without_cfi("qemu-riscv/weir-virt.elf");
        let mut state = 3;
        for round in 0..300_u32 {
            let mut core = riscv_core("qemu-riscv/weir-virt-null-write-handler.core");
            let mut bytes = Vec::new();
            for _ in 0..512 {
                let word = match random(&mut state) % 4 {
                    0 => 0x8000_0000 + random(&mut state) % 0x3000,
                    1 => 0x8010_0000 + random(&mut state) % 0x4000,
                    2 => 0,
                    _ => random(&mut state),
                };
                bytes.extend(u32::try_from(word & 0xFFFF_FFFF).unwrap().to_le_bytes());
            }
            core.memory
                .insert(0x8010_0100 + u64::from(round % 64) * 4, &bytes);
            let mut registers = core.threads[0].clone();
            for n in [1, 2, 3, 8, 1100] {
                if random(&mut state).is_multiple_of(2) {
                    let value = 0x8000_0000 + random(&mut state) % 0x10_4000;
                    registers.set_known(Reg(n), value);
                }
            }
            registers.set_known(Reg::MTVEC, 0x8000_2F00_u32);
            for file in [&file, &plain] {
                let walked = walk_core(&core, &registers, file);
                assert!(walked.frames.len() <= WalkLimits::default().max_frames);
            }
        }
    }
}

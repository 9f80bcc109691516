//! A small crash to try rules on: a few instruction bytes, registers, frames.

use super::explain;
use crate::analysis::crash_facts::CrashFacts;
use crate::model::addr::TargetAddr;
use crate::model::arch::Arch;
use crate::model::coredump::{AssertText, Coredump};
use crate::model::memory::{MemoryMap, Overlay};
use crate::model::register_file::RegisterFile;
use crate::model::registers::{Reg, RegisterSet};
use crate::model::report::{Fault, Frame, FrameTrust, Thread, ThreadState};
use crate::model::target_state::{HeapView, InterruptView, MpuRegion};

/// RAM from 0x20000000 (64 KiB captured), code from 0x100 to 0x1000, the program counter at 0x354.
pub(in crate::analysis) struct Scene {
    dump: Coredump,
    registers: RegisterSet,
    code: MemoryMap,
    thread: Thread,
    has_symbols: bool,
    heaps: Vec<HeapView>,
    mpu: Vec<MpuRegion>,
    main_stack: Option<std::ops::Range<u64>>,
    interrupts: Option<InterruptView>,
    halted_in: Option<&'static str>,
}

pub(in crate::analysis) fn frame(function: &str, place: &str, trust: FrameTrust) -> Frame {
    let (file, line) = place
        .split_once(':')
        .map_or((None, None), |(f, l)| (Some(f), l.parse().ok()));
    Frame {
        pc: TargetAddr(0x354),
        sp: None,
        function: (!function.is_empty()).then(|| function.to_owned()),
        qualified: None,
        file: file.map(str::to_owned),
        line,
        column: None,
        inlined: false,
        tail_call: false,
        fault_handler: false,
        trust,
        interrupted: None,
        locals: Vec::new(),
    }
}

impl Scene {
    pub(in crate::analysis) fn new(instruction: &[u8]) -> Self {
        let mut code = MemoryMap::default();
        code.insert(0x354, instruction);
        let mut registers = RegisterSet::default();
        registers.set_known(Reg::PC, 0x354_u32);
        registers.set_known(Reg::SP, 0x2000_8000_u32);
        let mut dump = Coredump::new("elf-core", Arch::ArmV7M);
        dump.memory.insert(0x2000_0000, &vec![0; 0x1_0000]);
        Self {
            dump,
            registers,
            code,
            has_symbols: true,
            heaps: Vec::new(),
            mpu: Vec::new(),
            main_stack: None,
            interrupts: None,
            halted_in: None,
            thread: Thread {
                name: None,
                id: None,
                state: ThreadState::Running,
                priority: None,
                waits_on: None,
                crashed: true,
                stack_base: None,
                stack_size: None,
                stack_used: None,
                stack_unused_min: None,
                frames: vec![
                    frame("poke", "src/main.c:16", FrameTrust::Context),
                    frame("cmdtask", "src/main.c:19", FrameTrust::Cfi),
                ],
                stopped: None,
            },
        }
    }

    /// The same place on a RISC-V core.
    pub(in crate::analysis) fn riscv(instruction: &[u8]) -> Self {
        let mut scene = Self::new(instruction);
        scene.dump.arch = Arch::Riscv32;
        scene.registers = RegisterSet::new(RegisterFile::Riscv);
        scene.registers.set_pc(0x354);
        scene.registers.set_sp(0x2000_8000);
        scene
    }

    /// `str r1, [r0]` with 13 and 0xF0000000, in task cmd.
    pub(in crate::analysis) fn bad_store() -> Self {
        Self::new(&[0x01, 0x60, 0x00, 0x68])
            .reg(0, 0xF000_0000)
            .reg(1, 13)
            .task("cmd", 0x2000_7000, 0x2000)
    }

    pub(in crate::analysis) fn without_memory(mut self) -> Self {
        self.dump.memory = MemoryMap::default();
        self
    }

    pub(in crate::analysis) fn reg(mut self, n: u16, value: u32) -> Self {
        self.registers.set_known(Reg(n), value);
        self
    }

    pub(in crate::analysis) fn without_registers(mut self) -> Self {
        self.registers = RegisterSet::default();
        self
    }

    pub(in crate::analysis) fn fault(mut self, name: &'static str, value: u32) -> Self {
        self.dump.fault.values.insert(name, value);
        self
    }

    pub(in crate::analysis) fn task(mut self, name: &str, base: u64, size: u64) -> Self {
        self.thread.name = Some(name.to_owned());
        self.thread.stack_base = Some(TargetAddr(base));
        self.thread.stack_size = Some(size);
        self
    }

    pub(in crate::analysis) fn frames(mut self, frames: Vec<Frame>) -> Self {
        self.thread.frames = frames;
        self
    }

    pub(in crate::analysis) fn reason(mut self, text: &str) -> Self {
        self.dump.reason = Some(text.to_owned());
        self
    }

    pub(in crate::analysis) fn restart(mut self, text: &str) -> Self {
        self.dump.restart = Some(text.to_owned());
        self
    }

    /// More captured memory.
    pub(in crate::analysis) fn memory(mut self, addr: u64, bytes: &[u8]) -> Self {
        let mut memory = MemoryMap::default();
        memory.insert(addr, bytes);
        for region in self.dump.memory.regions() {
            memory.insert(region.start, &region.bytes);
        }
        self.dump.memory = memory;
        self
    }

    /// More bytes of code.
    pub(in crate::analysis) fn code(mut self, addr: u64, bytes: &[u8]) -> Self {
        self.code.insert(addr, bytes);
        self
    }

    /// xPSR with this exception number.
    pub(in crate::analysis) fn xpsr(mut self, exception: u32) -> Self {
        self.registers.set_known(Reg::XPSR, 0x0100_0000 | exception);
        self
    }

    pub(in crate::analysis) fn heap(mut self, heap: HeapView) -> Self {
        self.heaps.push(heap);
        self
    }

    pub(in crate::analysis) fn region(mut self, number: u32, start: u64, last: u64) -> Self {
        self.mpu.push(MpuRegion {
            number,
            start: TargetAddr(start),
            last: TargetAddr(last),
            rights: "read only".to_owned(),
            hit: false,
        });
        self
    }

    pub(in crate::analysis) fn main_stack(mut self, stack: std::ops::Range<u64>) -> Self {
        self.main_stack = Some(stack);
        self
    }

    pub(in crate::analysis) fn interrupts(mut self, view: InterruptView) -> Self {
        self.interrupts = Some(view);
        self
    }

    /// Halted in a handler of this fault.
    pub(in crate::analysis) fn halted_in(mut self, exception: &'static str) -> Self {
        self.halted_in = Some(exception);
        self
    }

    pub(in crate::analysis) fn arch(mut self, arch: Arch) -> Self {
        self.dump.arch = arch;
        self
    }

    pub(in crate::analysis) fn assert(
        mut self,
        message: Option<&str>,
        file: &str,
        line: u32,
    ) -> Self {
        self.dump.assert = Some(AssertText {
            message: message.map(str::to_owned),
            file: Some(file.to_owned()),
            line: Some(line),
        });
        self
    }

    pub(in crate::analysis) fn explain(&self) -> Option<Fault> {
        let memory = Overlay {
            first: &self.dump.memory,
            second: &self.code,
        };
        explain(&CrashFacts {
            arch: self.dump.arch,
            dump: &self.dump,
            registers: &self.registers,
            threads: std::slice::from_ref(&self.thread),
            halted_in: self.halted_in,
            memory: &memory,
            heaps: &self.heaps,
            interrupts: self.interrupts.as_ref(),
            mpu: &self.mpu,
            rust_panic: None,
            main_stack: self.main_stack.clone(),
            has_symbols: self.has_symbols,
            in_code: &|addr| (0..0x1000).contains(&addr),
            covered: &|addr| (0..0x1000).contains(&addr),
            describe: &|addr| {
                (0x900..0xA00)
                    .contains(&addr)
                    .then(|| "rename_device+16".to_owned())
            },
        })
    }

    /// Kind label and headline.
    pub(in crate::analysis) fn headline(&self) -> (String, String) {
        let fault = self.explain().unwrap();
        (fault.kind.label().to_owned(), fault.summary)
    }
}

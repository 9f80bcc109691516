//! One crash, put together: registers, threads, frames, variables, explanation and fingerprint.
//!
//! Pure: everything it needs is passed in, the same input gives the same report.

use super::captured_tasks;
use super::cores;
use super::crash_facts::CrashFacts;
use super::crashed_context::{crashed_context, took_secure_context};
use super::deadlock;
use super::explanation::{Crashed, Halted, explain};
use super::fingerprint::fingerprint;
use super::halted_handler::halted_handler;
use super::heap;
use super::interrupts::{InterruptSource, interrupt_view};
use super::main_stack::main_stack;
use super::mpu::{self, mpu_regions};
use super::printed_stack;
use crate::model::addr::TargetAddr;
use crate::model::arch::Arch;
use crate::model::build_id::BuildId;
use crate::model::coredump::Coredump;
use crate::model::memory::{Memory, Overlay};
use crate::model::registers::{Reg, RegValue, RegisterSet};
use crate::model::report::{CrashReport, Fault, FaultKind, Frame, FrameTrust, Thread, ThreadState};
use crate::model::rtos_objects::{Deadlock, RtosObject};
use crate::model::target_state::{HeapView, InterruptView, SymbolQuality};
use crate::model::warning::Warning;
use crate::symbols::rust_panic::{RustPanic, rust_panic, rust_panic_in_frame};
use crate::symbols::symbol_set::SymbolSet;
use crate::symbols::variables::{FrameContext, ValueLimits, locals};
use crate::unwind::rtos::{self, RtosObjects, RtosState, RtosThread, RtosThreads};
use crate::unwind::vectors;
use crate::unwind::walk::{PhysicalFrame, Start, StopReason, Walk, WalkInput, WalkLimits, walk};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;

/// Frames up the stack that a variable may be computed from: in a recursion each argument is known from its caller only.
const ENTRY_VALUE_DEPTH: usize = 64;

/// The handler is called by few functions of the library, and calls few itself.
const PANIC_DEPTH: usize = 8;

/// xPSR bits 0 to 8: the exception that is being handled, 0 in thread mode.
const IPSR: u64 = 0x1FF;

/// What the builder knows besides the dump.
#[derive(Clone, Debug, Default)]
pub struct ReportOptions {
    /// Read arguments and locals.
    pub with_locals: bool,
    /// Which crash of the input this is.
    pub crash_index: usize,
    /// How many crashes the input holds.
    pub n_crashes: usize,
    /// Format ids of the joined sources.
    pub sources: Vec<String>,
    /// The build id of the crash, wherever it was found.
    pub build_id: Option<BuildId>,
    /// The build id of the main ELF.
    pub elf_build_id: Option<BuildId>,
    /// Both ids are known and match.
    pub verified: bool,
    /// Warnings from before: joining, matching.
    pub warnings: Vec<Warning>,
}

/// The report of one crash.
pub fn build_report(
    dump: &Coredump,
    symbols: &SymbolSet<'_>,
    options: &ReportOptions,
) -> CrashReport {
    let constants = symbols.constants();
    let kernel = captured_tasks::kernel_memory(dump, symbols);
    let captured = Overlay {
        first: &dump.memory,
        second: &kernel,
    };
    let memory = Overlay {
        first: &captured,
        second: &constants,
    };
    let arch = symbols
        .infos
        .first()
        .map_or(dump.arch, |info| info.file().arch());
    let mut warnings = known_beforehand(dump, symbols, options);

    let captured_thread = dump.threads.first();
    let context = captured_thread.map(|thread| crashed_context(thread, dump, symbols, &memory));
    if captured_thread.is_some_and(took_secure_context) {
        warnings.push(Warning::new(
            "FS-CRASH-003",
            "The device took what ARMv8-M pushes for secure code below the exception frame for the frame itself: the registers it stored stand under wrong names. The true frame was read from memory where it was captured.",
        ));
    }
    let empty = RegisterSet::default();
    let registers = context.as_ref().unwrap_or(&empty);

    let system = System::read(dump, registers, symbols, &memory, &mut warnings);
    let builder = ThreadBuilder {
        dump,
        symbols,
        memory: &memory,
        with_locals: options.with_locals,
        arch,
        crashed: RefCell::default(),
    };
    let mut threads = builder.threads(registers, system.rtos.as_ref(), &mut warnings);
    let crashed = builder.crashed.take();
    if registers.iter().next().is_none() && threads.iter().all(|t| t.frames.is_empty()) {
        warnings.push(Warning::new(
            "FS-CRASH-001",
            "The capture holds no registers of the fault, so there is no backtrace of it.",
        ));
    }
    threads.sort_by_key(|thread| !thread.crashed);
    warnings.extend(standstill(&system.objects, &system.deadlocks, &threads));

    let in_code = |addr: u64| {
        symbols
            .infos
            .iter()
            .any(|info| info.file().contains_code(addr))
    };
    let covered = |addr: u64| symbols.infos.iter().any(|info| info.file().covers(addr));
    let vector_table = vectors::table_address(symbols);
    let interrupts = interrupts(dump, arch, registers, symbols, &memory);
    let snapshot = symbols.symbol(mpu::SNAPSHOT_SYMBOL);
    let mut mpu = mpu_regions(&memory, arch, snapshot.map(|symbol| symbol.address));
    let of_target = CrashFacts {
        arch,
        heaps: &system.heaps,
        interrupts: interrupts.as_ref(),
        mpu: &mpu,
        main_stack: main_stack(symbols, vector_table, &memory),
        dump,
        registers,
        threads: &[],
        halted_in: None,
        memory: &memory,
        has_symbols: !symbols.is_empty(),
        in_code: &in_code,
        covered: &covered,
        describe: &|addr| symbols.describe(addr),
        rust_panic: crashed.panic.as_ref(),
    };
    let (mut fault, at_fault) = explain(&of_target, &crashed, &mut threads);
    if let Some(fault) = &mut fault {
        add_deadlocks(fault, &system.deadlocks);
    }
    if let Some(addr) = fault.as_ref().and_then(mpu::refused_address) {
        mpu::mark_hit(&mut mpu, addr);
    }

    let mut report = CrashReport {
        crash_index: options.crash_index,
        n_crashes: options.n_crashes,
        build_id: options.build_id.clone(),
        elf_build_id: options.elf_build_id.clone(),
        verified: options.verified,
        fault,
        threads,
        warnings,
        registers: named_registers(&at_fault),
        sources: options.sources.clone(),
        objects: system.objects,
        deadlocks: system.deadlocks,
        heaps: system.heaps,
        interrupts,
        mpu,
        symbols: symbol_quality(symbols),
        ..CrashReport::blank(arch)
    };
    report.fingerprint = fingerprint(&report);
    report
}

/// What the memory of the target tells of its RTOS and its heaps.
struct System {
    rtos: Option<RtosThreads>,
    objects: Vec<RtosObject>,
    deadlocks: Vec<Deadlock>,
    heaps: Vec<HeapView>,
}

impl System {
    fn read(
        dump: &Coredump,
        registers: &RegisterSet,
        symbols: &SymbolSet<'_>,
        memory: &dyn Memory,
        warnings: &mut Vec<Warning>,
    ) -> Self {
        let has_memory = !dump.memory.is_empty();
        let state = has_memory.then(|| rtos::read(symbols, memory)).flatten();
        let (rtos, objects) = match state {
            Some(RtosState { threads, objects }) => (Some(threads), objects),
            None => (None, RtosObjects::default()),
        };
        let mut rtos = captured_tasks::merge(dump, rtos);
        if let Some(rtos) = &mut rtos {
            cores::assign(dump, registers, rtos);
            warnings.extend(rtos.warnings.iter().cloned());
        }
        warnings.extend(objects.warnings);
        let objects = objects.objects;
        let tasks = rtos.as_ref().map_or(&[][..], |rtos| &rtos.threads);
        let heaps = if has_memory {
            heap::read(symbols, memory, tasks, &objects)
        } else {
            Vec::new()
        };
        let freed = heap::freed_in_use(&heaps, tasks, &objects);
        warnings.extend(heap::warnings(&heaps, &freed));
        Self {
            deadlocks: deadlock::find(&objects),
            rtos,
            objects,
            heaps,
        }
    }
}

/// The interrupt controller of a Cortex-M, as far as it was captured.
fn interrupts(
    dump: &Coredump,
    arch: Arch,
    registers: &RegisterSet,
    symbols: &SymbolSet<'_>,
    memory: &dyn Memory,
) -> Option<InterruptView> {
    if !arch.is_cortex_m() {
        return None;
    }
    interrupt_view(&InterruptSource {
        memory,
        fault: &dump.fault,
        registers,
        vector_table: vectors::table_address(symbols),
        describe: &|addr| symbols.describe(addr),
        address_of: &|name| symbols.symbol(name).map(|symbol| symbol.address),
    })
}

/// What a watchdog, or an assertion that plays one, saw of a deadlock.
fn add_deadlocks(fault: &mut Fault, deadlocks: &[Deadlock]) {
    if matches!(fault.kind, FaultKind::Assert | FaultKind::Watchdog) {
        let rings = deadlocks.iter().map(deadlock::sentence);
        let rings = rings.map(|ring| format!("Deadlock: {ring}"));
        fault.evidence.extend(rings);
    }
}

/// Rings of threads and waits for threads that are gone, in words.
fn standstill(objects: &[RtosObject], deadlocks: &[Deadlock], threads: &[Thread]) -> Vec<Warning> {
    let rings = deadlocks.iter().map(|ring| {
        Warning::new(
            "FS-RTOS-030",
            format!("Deadlock: {}", deadlock::sentence(ring)),
        )
    });
    let gone = deadlock::hopeless_waits(objects, threads)
        .into_iter()
        .map(|sentence| Warning::new("FS-RTOS-031", sentence));
    rings.chain(gone).collect()
}

/// What was wrong with the dump, the choice of symbols, and the symbol files.
fn known_beforehand(
    dump: &Coredump,
    symbols: &SymbolSet<'_>,
    options: &ReportOptions,
) -> Vec<Warning> {
    let of_files = symbols.infos.iter().flat_map(|info| info.file().warnings());
    let of_dump = dump.warnings.iter().chain(&options.warnings);
    of_dump.chain(of_files).cloned().collect()
}

/// What each symbol file can tell.
fn symbol_quality(symbols: &SymbolSet<'_>) -> Vec<SymbolQuality> {
    let files = symbols.infos.iter().map(|info| info.file());
    files.map(|file| file.badge()).collect()
}

/// Registers with known values, in the order a debugger lists them.
fn named_registers(registers: &RegisterSet) -> Vec<(String, TargetAddr)> {
    registers
        .iter()
        .filter_map(|(reg, value)| match value {
            RegValue::Known(value) => Some((registers.file().name(reg), TargetAddr(value))),
            RegValue::NotStored | RegValue::Clobbered => None,
        })
        .collect()
}

struct ThreadBuilder<'a, 's> {
    dump: &'a Coredump,
    symbols: &'a SymbolSet<'s>,
    memory: &'a dyn Memory,
    with_locals: bool,
    arch: Arch,
    crashed: RefCell<Crashed>,
}

impl<'s> ThreadBuilder<'_, 's> {
    fn threads(
        &self,
        registers: &RegisterSet,
        rtos: Option<&RtosThreads>,
        warnings: &mut Vec<Warning>,
    ) -> Vec<Thread> {
        let current = rtos.and_then(|r| r.threads.iter().find(|t| Some(t.id) == r.current));
        let stack = current.and_then(|t| t.stack.clone());
        let mut crashed_walk = self.walk(registers, stack.clone(), Start::Context);
        printed_stack::extend(&mut crashed_walk, self.dump);
        warnings.extend(crashed_walk.warnings.iter().cloned());
        let mut crashed = self.thread(&crashed_walk);
        self.crashed.replace(self.crashed(&crashed_walk));
        warnings.extend(self.without_frame_info(&crashed_walk, &crashed));
        crashed.crashed = true;
        crashed.state = ThreadState::Running;
        crashed.name = self.dump.thread_name.clone().or_else(|| {
            self.dump
                .threads
                .first()
                .and_then(|thread| thread.name.clone())
        });
        // The number that a debugger gives to a single context says nothing.
        if self.dump.threads.len() > 1 {
            crashed.id = self.dump.threads.first().and_then(|t| t.id).map(TargetAddr);
        }
        if let Some(current) = current {
            fill(&mut crashed, current);
            let sp = crashed_walk
                .frames
                .iter()
                .filter_map(|frame| frame.sp)
                .find(|sp| stack.as_ref().is_some_and(|s| s.contains(sp)));
            // In an exception the stack pointer is the main stack's and says nothing of the thread's.
            let is_in_thread = registers
                .known(Reg::XPSR)
                .is_none_or(|xpsr| xpsr & IPSR == 0);
            let sp = sp.or_else(|| registers.sp().filter(|_| is_in_thread));
            crashed.stack_used = None;
            if let (Some(stack), Some(sp)) = (&stack, sp) {
                crashed.stack_used = stack.end.checked_sub(sp);
            }
            crashed.state = ThreadState::Running;
        }
        let mut threads = vec![crashed];
        match rtos {
            Some(rtos) => {
                for task in rtos.threads.iter().filter(|t| Some(t.id) != rtos.current) {
                    let mut thread = match &task.saved {
                        Some(saved) => {
                            let walked = self.walk(saved, task.stack.clone(), Start::SavedByRtos);
                            self.thread(&walked)
                        }
                        None => blank_thread(cores::why_no_registers(task)),
                    };
                    fill(&mut thread, task);
                    threads.push(thread);
                }
            }
            None => {
                for captured in self.dump.threads.iter().skip(1) {
                    let walked = self.walk(&captured.registers, None, Start::Context);
                    let mut thread = self.thread(&walked);
                    thread.name.clone_from(&captured.name);
                    thread.id = captured.id.map(TargetAddr);
                    threads.push(thread);
                }
            }
        }
        threads
    }

    fn crashed(&self, walk: &Walk) -> Crashed {
        let n_frames = walk.frames.len();
        let Some(handler) = halted_handler(walk, self.dump, self.arch) else {
            return Crashed {
                panic: self.panic_of(walk, 0..n_frames),
                halted: None,
            };
        };
        Crashed {
            panic: self.panic_of(walk, 0..handler.n_frames),
            halted: Some(Halted {
                registers: handler.registers(walk),
                panic: self.panic_of(walk, handler.n_frames..n_frames),
                handler,
            }),
        }
    }

    /// What the panic handler of a Rust program was told, if one is among the innermost of these frames.
    fn panic_of(&self, walk: &Walk, within: Range<usize>) -> Option<RustPanic> {
        let frames = walk.frames.iter().enumerate();
        let frames = frames.take(within.end).skip(within.start).take(PANIC_DEPTH);
        frames.into_iter().find_map(|(idx, physical)| {
            let info = self.symbols.for_address(physical.lookup)?;
            let sources = info.source_frames(physical.lookup);
            let scopes: Vec<_> = sources.iter().filter_map(|source| source.scope).collect();
            let told = self.with_context(walk, idx, ENTRY_VALUE_DEPTH, &mut |context| {
                scopes
                    .iter()
                    .find_map(|scope| rust_panic(info, *scope, context))
            });
            let called_it =
                |path: &Option<String>| path.as_deref() == Some("core::panicking::panic_fmt");
            let frame = match (physical.sp, physical.cfa) {
                (Some(sp), Some(cfa)) if sources.iter().any(|s| called_it(&s.qualified)) => sp..cfa,
                _ => return told,
            };
            told.or_else(|| rust_panic_in_frame(self.symbols, self.memory, frame))
        })
    }

    /// Code that was crossed by scanning because its ELF says nothing of its frames.
    fn without_frame_info(&self, walk: &Walk, thread: &Thread) -> Option<Warning> {
        let mut names = BTreeSet::new();
        for pair in walk.frames.windows(2) {
            if let [callee, caller] = pair
                && caller.trust == FrameTrust::Scan
                && let Some(info) = self.symbols.for_address(callee.lookup)
                && info.file().contains_code(callee.lookup)
                && !info.has_unwind_entry(callee.lookup)
            {
                let frame = thread.frames.iter().find(|frame| frame.pc.0 == callee.pc);
                let name = frame.and_then(|frame| frame.function.as_ref());
                names.insert(
                    name.map_or_else(|| format!("0x{:x}", callee.pc), |name| format!("`{name}`")),
                );
            }
        }
        (!names.is_empty()).then(|| {
            let names: Vec<String> = names.into_iter().take(8).collect();
            Warning::new(
                "FS-CRASH-002",
                format!("There is no frame information for {}: the frames above were found by scanning the stack. Build these parts with -g (and keep .debug_frame); what is in flash need not change.", names.join(", ")),
            )
        })
    }

    fn walk(
        &self,
        registers: &RegisterSet,
        stack: Option<std::ops::Range<u64>>,
        start: Start,
    ) -> Walk {
        walk(&WalkInput {
            registers,
            arch: self.dump.arch,
            symbols: self.symbols,
            memory: self.memory,
            stack,
            limits: WalkLimits::default(),
            start,
        })
    }

    fn thread(&self, walk: &Walk) -> Thread {
        let mut thread = blank_thread("");
        thread.stopped = match &walk.stop {
            StopReason::ThreadEntry => None,
            stop => Some(stop.to_string()),
        };
        for (idx, physical) in walk.frames.iter().enumerate() {
            self.push_frames(&mut thread.frames, physical, walk, idx);
        }
        thread
    }

    fn push_frames(
        &self,
        frames: &mut Vec<Frame>,
        physical: &PhysicalFrame,
        walk: &Walk,
        idx: usize,
    ) {
        let info = self.symbols.for_address(physical.lookup);
        let sources = info
            .map(|info| info.source_frames(physical.lookup))
            .unwrap_or_default();
        let mut frame = Frame {
            pc: TargetAddr(physical.pc),
            sp: physical.sp.map(TargetAddr),
            function: None,
            qualified: None,
            file: None,
            line: None,
            column: None,
            inlined: false,
            trust: physical.trust,
            tail_call: physical.is_tail_call,
            fault_handler: false,
            interrupted: physical.interrupted.clone(),
            locals: Vec::new(),
        };
        if sources.is_empty() {
            frame.function = self.symbols.rom_name(physical.lookup);
            frames.push(frame);
            return;
        }
        for source in sources {
            frame.function = source.function;
            frame.qualified = source.qualified;
            frame.file = source.file;
            frame.line = source.line;
            frame.column = source.column;
            frame.inlined = source.inlined;
            frame.locals = Vec::new();
            if let (true, Some(info), Some(scope)) = (self.with_locals, info, source.scope)
                && frame.trust != FrameTrust::Scan
            {
                frame.locals = self.with_context(walk, idx, ENTRY_VALUE_DEPTH, &mut |context| {
                    locals(info, scope, context, &ValueLimits::default())
                });
            }
            frames.push(frame.clone());
            frame.interrupted = None;
        }
    }

    /// Calls `use_it` with the context of frame `idx`, its callers linked behind it.
    fn with_context<T>(
        &self,
        walk: &Walk,
        idx: usize,
        depth: usize,
        use_it: &mut dyn FnMut(&FrameContext<'_, 's>) -> T,
    ) -> T
    where
        T: Default,
    {
        let mut chain = walk.frames.iter().skip(idx).take(depth.saturating_add(1));
        self.link(chain.next(), &mut chain.collect::<Vec<_>>(), None, use_it)
    }

    /// Builds contexts from the outermost caller inwards, each on the stack of this recursion.
    fn link<T: Default>(
        &self,
        frame: Option<&PhysicalFrame>,
        callers: &mut Vec<&PhysicalFrame>,
        caller: Option<&FrameContext<'_, 's>>,
        use_it: &mut dyn FnMut(&FrameContext<'_, 's>) -> T,
    ) -> T {
        let Some(frame) = frame else {
            return T::default();
        };
        let Some(outermost) = callers.pop() else {
            return use_it(&self.context(frame, caller));
        };
        let context = self.context(outermost, caller);
        self.link(Some(frame), callers, Some(&context), use_it)
    }

    fn context<'c>(
        &'c self,
        frame: &'c PhysicalFrame,
        caller: Option<&'c FrameContext<'c, 's>>,
    ) -> FrameContext<'c, 's> {
        FrameContext {
            lookup: frame.lookup,
            registers: &frame.registers,
            cfa: frame.cfa,
            memory: self.memory,
            caller,
            symbols: self.symbols,
        }
    }
}

fn blank_thread(stopped: &str) -> Thread {
    Thread {
        name: None,
        id: None,
        state: ThreadState::Unknown,
        priority: None,
        waits_on: None,
        crashed: false,
        stack_base: None,
        stack_size: None,
        stack_used: None,
        stack_unused_min: None,
        frames: Vec::new(),
        stopped: (!stopped.is_empty()).then(|| stopped.to_owned()),
    }
}

/// What the RTOS knows of a thread.
fn fill(thread: &mut Thread, task: &RtosThread) {
    thread.name.clone_from(&task.name);
    thread.id = Some(TargetAddr(task.id));
    thread.state = task.state;
    thread.priority = task.priority;
    thread.waits_on.clone_from(&task.waits_on);
    if let Some(stack) = &task.stack {
        thread.stack_base = Some(TargetAddr(stack.start));
        thread.stack_size = Some(stack.end.saturating_sub(stack.start));
        let sp = task.stack_pointer.filter(|sp| stack.contains(sp));
        thread.stack_used = sp.and_then(|sp| stack.end.checked_sub(sp));
    }
    thread.stack_unused_min = task.stack_unused_min;
}

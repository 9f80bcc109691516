//! Everything the fault rules may look at, and what can be worked out once for all of them.

use super::address_space::Area;
use super::instruction::{Access, AccessKind, DecodedInstruction, decode_instruction};
use super::known_functions::{Role, role};
use super::riscv_facts;
use super::wording;
use crate::arch::cortex_m::{ExcReturn, XPSR_EXCEPTION};
use crate::arch::fault_bits::fault_bits;
use crate::model::arch::Arch;
use crate::model::coredump::Coredump;
use crate::model::memory::Memory;
use crate::model::registers::{Reg, RegisterSet};
use crate::model::report::{FaultBit, Frame, Thread, n_handler_frames};
use crate::model::target_state::{HeapView, InterruptLine, InterruptView, MpuRegion};
use crate::symbols::rust_panic::RustPanic;
use std::ops::Range;

/// What is known of one crash. Symbols come in as closures, so that the rules know no debug information.
#[derive(Clone)]
pub struct CrashFacts<'a> {
    /// The processor.
    pub arch: Arch,
    /// The joined capture: its memory, fault registers, reason and assertion text.
    pub dump: &'a Coredump,
    /// The registers at the instruction that faulted (of the interrupted context, not of the fault handler).
    pub registers: &'a RegisterSet,
    /// All threads with their frames, the crashed one marked.
    pub threads: &'a [Thread],
    /// The fault in whose handler the target was halted, when a debugger took the capture: `HardFault`.
    pub halted_in: Option<&'a str>,
    /// Captured memory over the constants of the ELF: where instructions are read.
    pub memory: &'a dyn Memory,
    /// The heaps, as their allocators keep them.
    pub heaps: &'a [HeapView],
    /// The interrupt controller, if it was captured.
    pub interrupts: Option<&'a InterruptView>,
    /// Enabled regions of the memory protection unit, if they were captured.
    pub mpu: &'a [MpuRegion],
    /// The main stack, by the linker's symbols.
    pub main_stack: Option<Range<u64>>,
    /// True when an ELF serves this crash; without one `in_code` and `covered` know nothing.
    pub has_symbols: bool,
    /// True for an address in an executable section of an ELF.
    pub in_code: &'a dyn Fn(u64) -> bool,
    /// True for an address in any allocated section of an ELF.
    pub covered: &'a dyn Fn(u64) -> bool,
    /// What a Rust program said when it panicked, if its panic handler is on the stack.
    pub rust_panic: Option<&'a RustPanic>,
    /// `ring+16` for an address inside of a symbol.
    pub describe: &'a dyn Fn(u64) -> Option<String>,
}

/// The facts plus what follows from them: what every rule starts from.
pub struct Case<'a> {
    /// The facts.
    pub facts: &'a CrashFacts<'a>,
    /// Set bits of the fault registers.
    pub bits: Vec<FaultBit>,
    /// The instruction at the program counter.
    pub instruction: Option<DecodedInstruction>,
    /// The access that failed, as far as it can be told.
    pub culprit: Option<Culprit>,
}

/// `MemManage`, `BusFault`, `UsageFault` and `SecureFault`: a fault in their handlers becomes a `HardFault`.
const FAULT_EXCEPTIONS: std::ops::RangeInclusive<u32> = 4..=7;

/// The access that failed.
pub struct Culprit {
    /// The instruction that made it.
    pub instruction: DecodedInstruction,
    /// The address that failed.
    pub address: Option<u64>,
    /// How we know that it is this instruction.
    pub evidence: Option<String>,
}

/// The fault handler in which the target was halted.
pub struct HaltedIn<'a> {
    /// The fault.
    pub exception: &'a str,
    /// The handler's function, if it is known.
    pub function: Option<&'a str>,
}

impl<'a> Case<'a> {
    /// Works out what follows from the facts.
    pub fn new(facts: &'a CrashFacts<'a>) -> Self {
        Self::with_bits(facts, fault_bits(&facts.dump.fault))
    }

    /// As [`Case::new`], of the set bits only these.
    fn with_bits(facts: &'a CrashFacts<'a>, bits: Vec<FaultBit>) -> Self {
        let decode = |addr| {
            (facts.arch.register_file() == facts.registers.file())
                .then(|| decode_instruction(addr, facts.memory, facts.registers))
                .flatten()
        };
        let mut case = Case {
            facts,
            bits,
            instruction: None,
            culprit: None,
        };
        // Where code is not executable the bytes at the program counter are data.
        if let Some(pc) = case.pc().filter(|pc| !case.is_outside_code(*pc)) {
            case.instruction = decode(pc);
            case.culprit = case.find_culprit(&decode);
        }
        case
    }

    /// The fault exception whose handler faulted itself: the second fault could only become a `HardFault` (`ARMv7-M` ARM
    /// B1.5.15), and the program was in the handler of the first.
    pub fn first_of_two_faults(&self) -> Option<u32> {
        self.exception()
            .filter(|number| FAULT_EXCEPTIONS.contains(number) && self.has("hfsr", "FORCED"))
    }

    /// The case of the second of two faults: the status bits of the first are sticky and left out.
    pub fn second_fault(&self) -> Option<Self> {
        let first = self.first_of_two_faults()?;
        let bits = fault_bits(&self.facts.dump.fault);
        let is_first = |bit: &FaultBit| match first {
            4 => bit.register == "cfsr" && bit.bit < 8,
            5 => bit.register == "cfsr" && (8..16).contains(&bit.bit),
            6 => bit.register == "cfsr" && bit.bit >= 16,
            _ => bit.register == "sfsr",
        };
        let second: Vec<FaultBit> = bits.iter().filter(|b| !is_first(b)).cloned().collect();
        let tells = second.iter().any(|bit| bit.register != "hfsr");
        Some(Self::with_bits(
            self.facts,
            if tells { second } else { bits },
        ))
    }

    /// The exception that the faulting code was handling; `None` in thread mode or when the status was not stored.
    pub fn exception(&self) -> Option<u32> {
        let xpsr = u32::try_from(self.facts.registers.known(Reg::XPSR)?).ok()?;
        Some(xpsr & XPSR_EXCEPTION).filter(|number| *number != 0)
    }

    /// An exception that was being handled by a function of `wanted`: by the captured interrupt controller.
    pub fn handled_by(&self, wanted: Role) -> Option<&'a InterruptLine> {
        let view = self.facts.interrupts?;
        view.active
            .iter()
            .find(|line| line.handler.as_deref().and_then(role) == Some(wanted))
    }

    /// True when bit `name` of fault register `register` is set.
    pub fn has(&self, register: &str, name: &str) -> bool {
        self.bits
            .iter()
            .any(|bit| bit.register == register && bit.name == name)
    }

    /// True when bit `name` of CFSR is set.
    pub fn cfsr(&self, name: &str) -> bool {
        self.has("cfsr", name)
    }

    /// True when the capture says what class of fault it was; else the cause has to be inferred.
    pub fn has_cause(&self) -> bool {
        self.facts
            .dump
            .fault
            .get("cfsr")
            .is_some_and(|cfsr| cfsr != 0)
            || self
                .facts
                .dump
                .fault
                .get("sfsr")
                .is_some_and(|sfsr| sfsr != 0)
            || riscv_facts::exception(self.facts).is_some()
    }

    /// The program counter at the fault.
    pub fn pc(&self) -> Option<u64> {
        self.facts.registers.pc().map(|pc| pc & !1)
    }

    /// The stack pointer at the fault.
    pub fn sp(&self) -> Option<u64> {
        self.facts.registers.sp()
    }

    /// True when `addr` certainly holds no code of this program.
    pub fn is_outside_code(&self, addr: u64) -> bool {
        let addr = addr & !1;
        // The vector table may stand in an executable section at 0: its first words are no code.
        addr < 16
            || if self.facts.has_symbols {
                !(self.facts.in_code)(addr)
            } else {
                self.facts.arch.is_cortex_m() && Area::of(addr).is_never_executable()
            }
    }

    /// The address that the hardware recorded, with the register's name.
    pub fn recorded_address(&self) -> Option<(u64, &'static str)> {
        if self.facts.arch == Arch::Riscv32 {
            let here = self.instruction.as_ref();
            return riscv_facts::recorded_address(self.facts, here.and_then(|i| i.access.address));
        }
        [
            ("cfsr", "BFARVALID", "bfar"),
            ("cfsr", "MMARVALID", "mmfar"),
            ("sfsr", "SFARVALID", "sfar"),
        ]
        .into_iter()
        .find(|(status, valid, _)| self.has(status, valid))
        .and_then(|(_, _, name)| Some((u64::from(self.facts.dump.fault.get(name)?), name)))
    }

    /// The address that failed: recorded, else computed from the instruction.
    pub fn fault_address(&self) -> Option<u64> {
        self.recorded_address()
            .map(|(addr, _)| addr)
            .or(self.culprit.as_ref().and_then(|culprit| culprit.address))
    }

    /// The access that failed.
    pub fn access(&self) -> Option<&Access> {
        self.culprit
            .as_ref()
            .map(|culprit| &culprit.instruction.access)
    }

    /// True when the bytes at `addr` were captured or belong to the ELF.
    pub fn is_known_memory(&self, addr: u64) -> bool {
        self.facts.memory.read_u8(addr).is_ok() || (self.facts.covered)(addr)
    }

    /// Captured memory, sorted.
    pub fn captured(&self) -> Vec<Range<u64>> {
        let regions = self.facts.dump.memory.regions();
        regions.iter().map(|r| r.start..r.end()).collect()
    }

    /// The crashed thread.
    pub fn thread(&self) -> Option<&'a Thread> {
        let threads = self.facts.threads;
        threads.iter().find(|t| t.crashed).or(threads.first())
    }

    /// Frames of the crashed thread from the faulting one on: those of a fault handler are left out. None when the target was
    /// halted in it and its exception frame was not found: the frames below it that a scan found need not be of the crash.
    pub fn frames(&self) -> &'a [Frame] {
        if self.facts.halted_in.is_some() && self.pc().is_none() {
            return &[];
        }
        self.thread().map_or(&[], |thread| {
            // A handler that faulted itself is what the crash is about.
            let first = match self.first_of_two_faults() {
                Some(_) => thread.n_handler_frames(),
                None => first_frame(&thread.frames),
            };
            thread.frames.get(first..).unwrap_or_default()
        })
    }

    /// The fault handler in which the target was halted.
    pub fn halted_in(&self) -> Option<HaltedIn<'a>> {
        let exception = self.facts.halted_in?;
        let thread = self.thread()?;
        let outermost = thread.frames.get(..thread.n_handler_frames())?.last()?;
        Some(HaltedIn {
            exception,
            function: outermost.function.as_deref(),
        })
    }

    /// True when the target was halted in a fault handler and its exception frame was not found: nothing of the crash is known.
    pub fn is_lost(&self) -> bool {
        self.facts.halted_in.is_some() && self.pc().is_none() && self.sp().is_none()
    }

    /// The frame that a sentence names: the innermost one with a function.
    pub fn site(&self) -> Option<&'a Frame> {
        self.frames().iter().find(|frame| frame.function.is_some())
    }

    /// The function that a sentence names, in backticks, or what stands for it.
    pub fn who(&self) -> String {
        match (
            self.site().and_then(|frame| frame.function.as_ref()),
            self.pc(),
        ) {
            (Some(name), _) => format!("`{name}`"),
            (None, Some(pc)) => format!("Code at {}", wording::address(pc)),
            (None, None) => "The program".to_owned(),
        }
    }

    /// As [`Case::who`], inside of a sentence.
    pub fn who_inside(&self) -> String {
        let who = self.who();
        match who.strip_prefix("Code ").or(who.strip_prefix("The ")) {
            Some(rest) if who.starts_with("Code ") => format!("code {rest}"),
            Some(rest) => format!("the {rest}"),
            None => who,
        }
    }

    /// The name of the crashed thread, without the bare-metal case that has none.
    pub fn thread_name(&self) -> Option<&'a str> {
        self.thread()
            .and_then(|thread| thread.name.as_deref())
            .or(self.facts.dump.thread_name.as_deref())
            .filter(|name| !name.is_empty())
    }

    /// `task cmd` or `thread main`, in the word of its RTOS.
    pub fn thread_phrase(&self) -> Option<String> {
        // Only a walked FreeRTOS list knows priorities; Zephyr's own words name the others.
        let is_walked = self
            .thread()
            .is_some_and(|thread| thread.priority.is_some());
        let word = if self.facts.dump.format.contains("zephyr") && !is_walked {
            "thread"
        } else {
            "task"
        };
        self.thread_name().map(|name| format!("{word} {name}"))
    }

    /// The thread, and the exception with the function it interrupted, each after a comma.
    pub fn context_phrase(&self) -> String {
        let frames = self.frames();
        let interrupted = frames.iter().skip(1).find_map(|frame| {
            let name = frame.interrupted.as_ref()?;
            let function = frames
                .iter()
                .skip_while(|other| !std::ptr::eq(*other, frame))
                .find_map(|frame| frame.function.as_ref());
            Some((wording::exception(name), function))
        });
        let thread = self.thread_phrase();
        match (interrupted, thread) {
            (Some((exception, Some(function))), Some(thread)) => {
                format!(", while {exception} interrupted `{function}` in {thread}")
            }
            (Some((exception, Some(function))), None) => {
                format!(", while {exception} interrupted `{function}`")
            }
            (Some((exception, None)), _) => format!(", in {exception}"),
            (None, Some(thread)) => format!(", in {thread}"),
            (None, None) => self.handler_phrase(),
        }
    }

    /// `, in task cmd, main.c:16`.
    pub fn place_phrase(&self) -> String {
        let line = self
            .site()
            .and_then(source_line)
            .map_or_else(String::new, |line| format!(", {line}"));
        format!("{}{line}", self.context_phrase())
    }

    /// The class of the fault in a bracket: ` (precise bus fault)`; empty when no status register says it.
    pub fn class_phrase(&self) -> String {
        self.class()
            .map_or(String::new(), |class| format!(" ({class})"))
    }

    fn class(&self) -> Option<&'static str> {
        let is = |names: &[&str]| names.iter().any(|name| self.cfsr(name));
        if let Some(class) = riscv_facts::class(self.facts) {
            return Some(class);
        }
        Some(if is(&["IMPRECISERR"]) {
            "imprecise bus fault"
        } else if is(&["PRECISERR"]) {
            "precise bus fault"
        } else if is(&["IBUSERR", "STKERR", "UNSTKERR", "LSPERR"]) {
            "bus fault"
        } else if is(&["IACCVIOL", "DACCVIOL", "MSTKERR", "MUNSTKERR", "MLSPERR"]) {
            "memory protection fault"
        } else if self.has_cause() {
            "usage fault"
        } else if self
            .facts
            .dump
            .fault
            .get("hfsr")
            .is_some_and(|hfsr| hfsr != 0)
        {
            "hard fault"
        } else {
            return None;
        })
    }

    /// What lies at `addr`, as the end of "to 0xF0000000": `, where nothing is`.
    pub fn what_is_at(&self, addr: u64) -> String {
        if let Some(name) = (self.facts.describe)(addr) {
            return format!(" ({name})");
        }
        if let Some(thread) = self.facts.threads.iter().find(|t| is_in_stack(t, addr)) {
            let name = thread.name.as_deref().unwrap_or("this thread");
            return format!(" (in the stack of {name})");
        }
        if self.is_known_memory(addr) {
            return String::new();
        }
        let is_mapped_as_usual = self.facts.arch.is_cortex_m();
        match Area::of(addr).occupant().filter(|_| is_mapped_as_usual) {
            Some(occupant) => format!(", {occupant}"),
            None => ", where nothing is".to_owned(),
        }
    }

    /// The stack of the crashed thread, if the fault happened on it.
    pub fn thread_stack(&self) -> Option<Range<u64>> {
        if self.is_on_main_stack() {
            return None;
        }
        let thread = self.thread()?;
        let base = thread.stack_base?.0;
        Some(base..base.checked_add(thread.stack_size?)?)
    }

    fn is_on_main_stack(&self) -> bool {
        let regs = self.facts.registers;
        let by_exc_return = regs
            .known(Reg::EXC_RETURN)
            .and_then(ExcReturn::from_address)
            .is_some_and(|value| !value.uses_psp());
        let by_exception_number = regs.known(Reg::XPSR).is_some_and(|xpsr| xpsr & 0x1FF != 0);
        by_exc_return || by_exception_number
    }

    fn handler_phrase(&self) -> String {
        match self
            .facts
            .registers
            .known(Reg::XPSR)
            .map(|xpsr| xpsr & 0x1FF)
        {
            Some(number) if number > 0 => u32::try_from(number).map_or_else(
                |_too_big| String::new(),
                |number| format!(", in {}", crate::arch::cortex_m::exception_name(number)),
            ),
            _ => String::new(),
        }
    }

    /// Picks the instruction whose access failed. The recorded address decides; a write buffer may have let the
    /// processor run on by an instruction, and some cores report the instruction before.
    fn find_culprit(&self, decode: &dyn Fn(u64) -> Option<DecodedInstruction>) -> Option<Culprit> {
        let here = self.instruction.clone()?;
        let at = here.instruction.address.0;
        let Some((recorded, register)) = self.recorded_address() else {
            let address = here
                .access
                .is_memory()
                .then_some(here.access.address)
                .flatten();
            return Some(Culprit {
                instruction: here,
                address,
                evidence: None,
            });
        };
        let register = register.to_ascii_uppercase();
        let neighbours = [
            (Some(at), "this instruction's address"),
            (
                at.checked_add(here.length),
                "the address of the next instruction's access",
            ),
            (at.checked_sub(2), "the address of the access just before"),
            (at.checked_sub(4), "the address of the access just before"),
        ];
        // A trap of RISC-V is precise.
        let n_candidates = if self.facts.arch.is_cortex_m() { 4 } else { 1 };
        for (addr, words) in neighbours.into_iter().take(n_candidates) {
            let Some(found) = addr
                .and_then(decode)
                .filter(|one| one.access.covers(recorded))
            else {
                continue;
            };
            let words = match (addr == Some(at), found.access.kind) {
                (true, AccessKind::Write) => "the store's address",
                (true, _) => "the load's address",
                (false, _) => words,
            };
            return Some(Culprit {
                instruction: found,
                address: Some(recorded),
                evidence: Some(format!("{register} equals {words}")),
            });
        }
        Some(Culprit {
            instruction: here,
            address: Some(recorded),
            evidence: None,
        })
    }
}

/// The index of the first frame that does not belong to a fault handler.
pub fn first_frame(frames: &[Frame]) -> usize {
    let n_handler = n_handler_frames(frames);
    if n_handler > 0 {
        return n_handler;
    }
    let is_handler = |frame: &Frame| {
        frame
            .function
            .as_deref()
            .is_some_and(|name| role(name) == Some(Role::FaultHandler))
    };
    if let Some(index) = riscv_facts::first_frame(frames) {
        return index;
    }
    if !frames.first().is_some_and(is_handler) {
        return 0;
    }
    let entry = frames.iter().position(|frame| frame.interrupted.is_some());
    entry.unwrap_or_else(|| frames.iter().take_while(|frame| is_handler(frame)).count())
}

/// `main.c:16` of a frame.
pub fn source_line(frame: &Frame) -> Option<String> {
    let file = wording::file_name(frame.file.as_deref()?);
    Some(match frame.line {
        Some(line) => format!("{file}:{line}"),
        None => file.to_owned(),
    })
}

fn is_in_stack(thread: &Thread, addr: u64) -> bool {
    match (thread.stack_base, thread.stack_size) {
        (Some(base), Some(size)) => addr >= base.0 && addr - base.0 < size,
        _ => false,
    }
}

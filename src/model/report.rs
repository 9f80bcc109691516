//! A crash, explained: what `fieldscope backtrace --json` prints and what the crash screen shows.
//!
//! The field names are a contract with scripts: they grow by adding, nothing is renamed.

use super::{
    addr::TargetAddr,
    arch::Arch,
    build_id::BuildId,
    rtos_objects::{Deadlock, RtosObject},
    target_state::{HeapView, InterruptView, MpuRegion, SymbolQuality},
    warning::Warning,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The `schema` of a report.
pub const BACKTRACE_SCHEMA: &str = "fieldscope.backtrace/1";

/// One crash with everything that could be said about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrashReport {
    /// Always [`BACKTRACE_SCHEMA`].
    pub schema: String,
    /// Which crash of the input this is, from 0.
    pub crash_index: usize,
    /// How many crashes the input holds.
    pub n_crashes: usize,
    /// The processor.
    pub arch: Arch,
    /// The build id that the crash carries.
    pub build_id: Option<BuildId>,
    /// The build id of the ELF that was used.
    pub elf_build_id: Option<BuildId>,
    /// True when both ids are known and equal (or one is a prefix of the other).
    pub verified: bool,
    /// What went wrong; `None` when the capture is of a target that simply stopped.
    pub fault: Option<Fault>,
    /// The grouping key.
    pub fingerprint: Option<Fingerprint>,
    /// The crashed thread first, the others in the order of their ids.
    pub threads: Vec<Thread>,
    /// What was missing, broken or assumed.
    pub warnings: Vec<Warning>,
    /// Registers at the fault, by lower-case name, in display order. Missing ones are absent.
    pub registers: Vec<(String, TargetAddr)>,
    /// Where the data came from: format ids of the sources that were joined.
    pub sources: Vec<String>,
    /// Queues, mutexes, timers and the like of the RTOS.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<RtosObject>,
    /// Rings of threads that wait for each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deadlocks: Vec<Deadlock>,
    /// Heaps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heaps: Vec<HeapView>,
    /// The interrupt controller, where the capture holds its registers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interrupts: Option<InterruptView>,
    /// Memory protection, where the capture holds its registers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mpu: Vec<MpuRegion>,
    /// Each symbol file that was used and what it can tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub symbols: Vec<SymbolQuality>,
}

impl CrashReport {
    /// A report that says nothing yet.
    pub fn blank(arch: Arch) -> Self {
        Self {
            schema: BACKTRACE_SCHEMA.to_owned(),
            crash_index: 0,
            n_crashes: 1,
            arch,
            build_id: None,
            elf_build_id: None,
            verified: false,
            fault: None,
            fingerprint: None,
            threads: Vec::new(),
            warnings: Vec::new(),
            registers: Vec::new(),
            sources: Vec::new(),
            objects: Vec::new(),
            deadlocks: Vec::new(),
            heaps: Vec::new(),
            interrupts: None,
            mpu: Vec::new(),
            symbols: Vec::new(),
        }
    }
}

/// What went wrong, in words and in values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// The class of the fault.
    pub kind: FaultKind,
    /// The address that was accessed, or `None` when the hardware did not record one.
    pub address: Option<TargetAddr>,
    /// The headline: one plain sentence.
    pub summary: String,
    /// What to look at or do next, in one sentence.
    pub advice: Option<String>,
    /// Fault status registers by lower-case name.
    pub registers: BTreeMap<String, TargetAddr>,
    /// Bits that are set, in words, register by register.
    pub bits: Vec<FaultBit>,
    /// The instruction that faulted, disassembled, with its operand values.
    pub instruction: Option<Instruction>,
    /// Why we believe the summary, strongest first.
    pub evidence: Vec<String>,
}

/// The class of a fault (contracts.md, section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// A bus error on an access.
    BusFault,
    /// The memory protection unit refused an access.
    MemoryFault,
    /// Another usage fault (no coprocessor, invalid state, invalid `EXC_RETURN`).
    UsageFault,
    /// An instruction that does not exist, or `udf`.
    UndefinedInstruction,
    /// Division by zero with the trap enabled.
    DivideByZero,
    /// An unaligned access that the core or its configuration refuses.
    Unaligned,
    /// The stack ran out of its area.
    StackOverflow,
    /// An access at or near address 0.
    NullPointer,
    /// A jump to memory that may not be executed.
    NoExecute,
    /// A failed assertion.
    Assert,
    /// A panic of the language runtime or the RTOS.
    Panic,
    /// A watchdog fired.
    Watchdog,
    /// The supply voltage fell.
    BrownOut,
    /// The processor locked up: a fault that could not be handled.
    Lockup,
    /// `abort` was called.
    Abort,
    /// An illegal instruction (RISC-V, Xtensa).
    IllegalInstruction,
    /// Stopped, and the capture does not say why.
    Unknown,
}

impl FaultKind {
    /// The name on screen: `bus fault`.
    pub fn label(self) -> &'static str {
        match self {
            Self::BusFault => "bus fault",
            Self::MemoryFault => "memory fault",
            Self::UsageFault => "usage fault",
            Self::UndefinedInstruction => "undefined instruction",
            Self::DivideByZero => "divide by zero",
            Self::Unaligned => "unaligned access",
            Self::StackOverflow => "stack overflow",
            Self::NullPointer => "null pointer",
            Self::NoExecute => "no-execute region",
            Self::Assert => "failed assert",
            Self::Panic => "panic",
            Self::Watchdog => "watchdog",
            Self::BrownOut => "brown-out",
            Self::Lockup => "lockup",
            Self::Abort => "abort",
            Self::IllegalInstruction => "illegal instruction",
            Self::Unknown => "unknown cause",
        }
    }
}

/// One set bit (or field) of a fault status register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultBit {
    /// Register, lower case: `cfsr`.
    pub register: String,
    /// The manual's name: `PRECISERR`.
    pub name: String,
    /// Bit number.
    pub bit: u8,
    /// What it means.
    pub meaning: String,
}

/// A disassembled instruction with the values it worked on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instruction {
    /// Where it is.
    pub address: TargetAddr,
    /// Its bytes in memory order, as hex.
    pub bytes: String,
    /// Assembler text: `str r1, [r0]`.
    pub text: String,
    /// Operand registers and their values at the fault; `None` when not known.
    pub operands: Vec<(String, Option<TargetAddr>)>,
}

/// A thread (or the only context of a bare-metal target).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thread {
    /// Name; `None` when the target has no names.
    pub name: Option<String>,
    /// Id: the address of its control block, or the capture's number.
    pub id: Option<TargetAddr>,
    /// What it is doing.
    pub state: ThreadState,
    /// Priority in the RTOS's own numbers.
    pub priority: Option<u32>,
    /// What it waits on, in words: `queue readings`, `delay until tick 64300`.
    pub waits_on: Option<String>,
    /// True for the thread that crashed.
    pub crashed: bool,
    /// Lowest address of its stack.
    pub stack_base: Option<TargetAddr>,
    /// Size of its stack in bytes.
    pub stack_size: Option<u64>,
    /// Bytes in use at this moment.
    pub stack_used: Option<u64>,
    /// Bytes that were never used (high-water mark).
    pub stack_unused_min: Option<u64>,
    /// Innermost first.
    pub frames: Vec<Frame>,
    /// Why the walk ended: `thread entry`, `memory at 0x… was not captured`.
    pub stopped: Option<String>,
}

impl Thread {
    /// The frames from the crash on: without those of the fault handler in which the target was halted.
    pub fn frames_of_crash(&self) -> &[Frame] {
        self.frames
            .get(self.n_handler_frames()..)
            .unwrap_or_default()
    }

    /// How many frames of the fault handler in which the target was halted come before the crash.
    pub fn n_handler_frames(&self) -> usize {
        n_handler_frames(&self.frames)
    }
}

/// How many of `frames`, innermost first, are of the fault handler in which the target was halted: all of them when what
/// it interrupted is not known.
pub fn n_handler_frames(frames: &[Frame]) -> usize {
    frames.iter().take_while(|f| f.fault_handler).count()
}

/// What a thread is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThreadState {
    /// On the CPU.
    Running,
    /// Could run.
    Ready,
    /// Waits for something.
    Blocked,
    /// Suspended by a call.
    Suspended,
    /// Deleted, not yet cleaned up.
    Deleted,
    /// Not known.
    Unknown,
}

impl ThreadState {
    /// The name in JSON and on screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Ready => "ready",
            Self::Blocked => "blocked",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
            Self::Unknown => "unknown",
        }
    }
}

/// How a frame was found, best first. A reader knows from it how far to trust the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FrameTrust {
    /// From the registers of the capture.
    Context,
    /// By call-frame information.
    Cfi,
    /// From an exception frame in memory.
    ExceptionFrame,
    /// By the frame pointer.
    FramePointer,
    /// A word on the stack that looks like a return address.
    Scan,
}

impl FrameTrust {
    /// The name in JSON and on screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Context => "context",
            Self::Cfi => "cfi",
            Self::ExceptionFrame => "exception_frame",
            Self::FramePointer => "frame_pointer",
            Self::Scan => "scan",
        }
    }
}

/// One frame of a thread. An inlined function is a frame of its own, before the one it was inlined into.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// Program counter; of a caller, the return address.
    pub pc: TargetAddr,
    /// Stack pointer in this frame.
    pub sp: Option<TargetAddr>,
    /// Function by its DWARF (or symbol table) name.
    pub function: Option<String>,
    /// Demangled path.
    pub qualified: Option<String>,
    /// Source file as the ELF names it.
    pub file: Option<String>,
    /// Source line, from 1.
    pub line: Option<u32>,
    /// Source column, from 1.
    pub column: Option<u32>,
    /// True for an inlined function.
    pub inlined: bool,
    /// True for a function that is not on the stack any more: it ended with a call of the function above it, and the call
    /// sites of the debug information leave no other way.
    #[serde(default)]
    pub tail_call: bool,
    /// True for a frame of the fault handler in which the target was halted: the crash is the first frame after these.
    #[serde(default)]
    pub fault_handler: bool,
    /// How it was found.
    pub trust: FrameTrust,
    /// The exception that interrupted this frame: `SysTick`.
    pub interrupted: Option<String>,
    /// Arguments and locals; empty unless asked for.
    pub locals: Vec<Local>,
}

/// A variable with its value, as a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Local {
    /// Name; of an array element `[3]`.
    pub name: String,
    /// C type: `const uint8_t *`.
    #[serde(rename = "type")]
    pub type_name: Option<String>,
    /// The whole value as one line, in the notation of gdb's `print`; `None` when unavailable.
    pub value: Option<String>,
    /// True for an argument.
    pub argument: bool,
    /// Why there is no value.
    pub unavailable: Option<Unavailable>,
    /// Members or elements.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Self>,
    /// For a pointer that may be followed: the address it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetAddr>,
}

/// Three different answers, none of them 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unavailable {
    /// The compiler kept it nowhere at this point.
    OptimizedOut,
    /// It lives in a register that the capture never stored.
    RegisterNotStored,
    /// It lives in memory that the capture does not hold.
    MemoryNotCaptured,
}

impl Unavailable {
    /// The words on screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::OptimizedOut => "optimised out",
            Self::RegisterNotStored => "register was not stored",
            Self::MemoryNotCaptured => "memory was not captured",
        }
    }
}

/// The key that groups crashes into an issue, with its reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Version of the rule; keys of different versions are never compared.
    pub version: u32,
    /// The key.
    pub key: String,
    /// Which rule made it, in words: `fault kind + 5 frames`.
    pub rule: String,
    /// Frames that went into the key, as they went in.
    pub frames_used: Vec<String>,
    /// Frames that were left out, each with the reason.
    pub frames_ignored: Vec<String>,
}

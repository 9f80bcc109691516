//! A stopped target as it was captured: registers, memory, fault status. Nothing here needs symbols.

use super::{
    arch::Arch, build_id::BuildId, device_message::Sender, memory::MemoryMap,
    registers::RegisterSet, warning::Warning,
};
use std::collections::BTreeMap;
use std::ops::Range;

/// One capture of a stopped target: an ELF core, a dump in any format, or a fault print without memory.
#[derive(Clone, Debug)]
pub struct Coredump {
    /// Id of the format it was read from (`elf-core`, `zephyr-text`, `crashcatcher`, `fault-print`, ...).
    pub format: &'static str,
    /// The architecture as far as the capture knows it.
    pub arch: Arch,
    /// The build id that the capture itself carries (header or note), whole or shortened.
    pub build_id: Option<BuildId>,
    /// SHA-256 of the ELF file that the device runs, or the beginning of it, as lower-case hex (ESP-IDF's
    /// `app_elf_sha256`). Matched like a build id where there is none.
    pub elf_sha256: Option<String>,
    /// Register sets in the capture, the crashed thread first. At least one, or nothing is known of the CPU.
    pub threads: Vec<CapturedThread>,
    /// A copy of the RTOS's kernel object (Zephyr's `_kernel`, `T` block); its address is known to the ELF only.
    pub kernel: Option<Vec<u8>>,
    /// Captured memory. Empty for a fault print.
    pub memory: MemoryMap,
    /// Fault status registers.
    pub fault: FaultRegisters,
    /// Why the device says it stopped, in its own words ("CPU exception", an assert's text).
    pub reason: Option<String>,
    /// Why the device restarted after it, in the words of its next boot: `watchdog`, `brown-out`.
    pub restart: Option<String>,
    /// What the device said of the failed assertion, if a line of its log did.
    pub assert: Option<AssertText>,
    /// Name of the thread that the capture says was running.
    pub thread_name: Option<String>,
    /// Code addresses that the device itself printed as the call stack, innermost first.
    pub printed_stack: Vec<u64>,
    /// Which device it is of, which boot and when, if the device said so with the capture.
    pub sender: Option<Box<Sender>>,
    /// Bytes of the input that it was read from.
    pub source: Range<u64>,
    /// What was wrong with it.
    pub warnings: Vec<Warning>,
}

impl Coredump {
    /// A dump with nothing in it yet.
    pub fn new(format: &'static str, arch: Arch) -> Self {
        Self {
            format,
            arch,
            build_id: None,
            elf_sha256: None,
            threads: Vec::new(),
            kernel: None,
            memory: MemoryMap::default(),
            fault: FaultRegisters::default(),
            reason: None,
            restart: None,
            assert: None,
            thread_name: None,
            printed_stack: Vec::new(),
            sender: None,
            source: 0..0,
            warnings: Vec::new(),
        }
    }
}

/// The registers of one thread as the capture holds them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CapturedThread {
    /// The capture's own id (LWP, TCB address), if any.
    pub id: Option<u64>,
    /// Its name, if the capture has one.
    pub name: Option<String>,
    /// The registers at the moment of the fault (or of the switch away).
    pub registers: RegisterSet,
    /// What the stack pointer in `registers` points to.
    pub sp_meaning: SpMeaning,
    /// Its stack, lowest address first, if the capture says where it is.
    pub stack: Option<Range<u64>>,
}

/// What a stored stack pointer means; formats differ and some get it wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpMeaning {
    /// The value before the exception was taken: the frame has been popped.
    #[default]
    Popped,
    /// The address of the hardware exception frame.
    ExceptionFrame,
    /// One or the other: compare the words at SP with the registers.
    Unknown,
}

/// A failed assertion as the device printed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssertText {
    /// The condition or message, if printed.
    pub message: Option<String>,
    /// Source file as printed.
    pub file: Option<String>,
    /// Source line as printed.
    pub line: Option<u32>,
}

/// Fault status, each register as far as it was captured. Cortex-M: ARMv7-M ARM, B3.2.15 to B3.2.19; RISC-V: the control and
/// status registers of the trap (privileged architecture, 3.1.14 to 3.1.16).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultRegisters {
    /// Name in lower case (`cfsr`, `hfsr`, `dfsr`, `mmfar`, `bfar`, `afsr`, `shcsr`, `icsr`, `sfsr`, `sfar`; on RISC-V
    /// [`Self::RISCV_NAMES`]) to value.
    pub values: BTreeMap<&'static str, u32>,
}

impl FaultRegisters {
    /// Keys for a RISC-V core. They are registers of the core and have no address. Sorted.
    pub const RISCV_NAMES: [&'static str; 4] = ["mcause", "mepc", "mstatus", "mtval"];

    /// Keys for a Cortex-M, with the address of each register.
    pub const NAMES: [(&'static str, u64); 10] = [
        ("icsr", 0xE000_ED04),
        ("shcsr", 0xE000_ED24),
        ("cfsr", 0xE000_ED28),
        ("hfsr", 0xE000_ED2C),
        ("dfsr", 0xE000_ED30),
        ("mmfar", 0xE000_ED34),
        ("bfar", 0xE000_ED38),
        ("afsr", 0xE000_ED3C),
        ("sfsr", 0xE000_EDE4),
        ("sfar", 0xE000_EDE8),
    ];

    /// The value of a register, if captured.
    pub fn get(&self, name: &str) -> Option<u32> {
        self.values.get(name).copied()
    }

    /// True when none was captured.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

//! A processor behind a link: its memory and registers, as it runs.

use super::{Field, FieldKind, LinkError, Settings};
use crate::model::registers::RegisterSet;
use std::time::Duration;

/// Whether RTT is read.
pub(super) const RTT: Field = Field {
    id: "rtt",
    title: "RTT",
    kind: FieldKind::Choice(&["off", "on"]),
    default: "off",
    help: "What the firmware writes into RTT buffers; how far it was read is written to the board",
};
/// What is done when the board faults.
pub(super) const ON_FAULT: Field = Field {
    id: "on_fault",
    title: "When it faults",
    kind: FieldKind::Choice(&["observe", "halt"]),
    default: "observe",
    help: "halt: for a moment, to read its registers, which cannot be read of a core that runs",
};

/// What somebody allowed to be done to a board while it is observed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// RTT is read, which writes how far it was read into the board's memory.
    pub rtt: bool,
    /// A processor that faulted may be halted for a moment, where its registers cannot be read otherwise.
    pub halt_on_fault: bool,
}

impl Allowed {
    /// What the settings of a link allow.
    pub fn by(settings: &Settings) -> Self {
        Self {
            rtt: settings.text(&RTT) == "on",
            halt_on_fault: settings.text(&ON_FAULT) == "halt",
        }
    }
}

/// One piece of memory that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// Its first address.
    pub addr: u64,
    /// How many bytes.
    pub n_bytes: usize,
    /// The bytes; `None` before they were read, and where the target does not let them be read.
    pub bytes: Option<Vec<u8>>,
}

impl Read {
    /// So many bytes from an address.
    pub fn new(addr: u64, n_bytes: usize) -> Self {
        Self {
            addr,
            n_bytes,
            bytes: None,
        }
    }
}

/// Whether a processor runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunState {
    /// It runs.
    Running,
    /// It stands, and why, in words.
    Halted {
        /// `breakpoint`, `asked to`.
        why: String,
    },
}

/// Why a processor stands that was asked to.
pub const ASKED: &str = "a halt that was asked for";

/// What is done to a processor: never unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Let it stand.
    Halt,
    /// Let it run.
    Run,
    /// Let it execute one instruction.
    Step,
    /// Reset the chip; it runs from its beginning.
    Reset,
    /// Write memory.
    Write {
        /// The first address.
        addr: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
}

/// What observing costs the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Requests for memory.
    pub n_reads: u64,
    /// Bytes of memory.
    pub n_bytes: u64,
    /// Time that the link took for them.
    pub busy: Duration,
    /// How often the processor was halted for them.
    pub n_halts: u64,
    /// Time that it stood for them.
    pub halted: Duration,
}

/// What of registers and memory was read at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The registers, where they were asked for and the link has them without a halt that nobody wants.
    pub registers: Option<RegisterSet>,
    /// The memory that was asked for, in its order.
    pub reads: Vec<Read>,
}

/// A processor behind a link. What cannot be read is missing; an error is that of the link.
pub trait Target: Send {
    /// What the link knows of the chip, in words: `arm, no psp`.
    fn describe(&self) -> String;

    /// True when the processor has to stand while its memory is read. Whoever reads halts it then for as long as that takes.
    fn halts_to_read(&self) -> bool;

    /// Whether it runs. Nothing is asked of the processor that it would notice.
    fn state(&mut self) -> Result<RunState, LinkError>;

    /// Reads memory, and the registers too if `with_registers`, all at one moment where the link can do that.
    fn snapshot(&mut self, reads: Vec<Read>, with_registers: bool) -> Result<Snapshot, LinkError>;

    /// Does something to it.
    fn act(&mut self, act: &Act) -> Result<(), LinkError>;

    /// What it cost so far.
    fn cost(&self) -> Cost;
}

//! What a device says of itself with the device-side SDK (`docs/wire-format.md`): heartbeats, events, logs, coredumps. Plain
//! data as it was sent; what its numbers are called is in the ELF of the build.

use super::build_id::BuildId;
use super::log::LogLevel;
use std::collections::BTreeMap;
use std::ops::Range;

/// One message of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceMessage {
    /// Bytes of the input from its first chunk to the end of its last; other text may stand in between.
    pub place: Range<u64>,
    /// The device's number of the message: one more for each, begins anew with a boot.
    pub sequence: u16,
    /// Who sent it and when.
    pub sender: Sender,
    /// What it says.
    pub body: MessageBody,
}

/// Who sent a message and when. What the device left out is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sender {
    /// Serial number.
    pub serial: Option<String>,
    /// Kind or revision of the board.
    pub hardware: Option<String>,
    /// Which firmware: the same for all its versions.
    pub software_type: Option<String>,
    /// Version of the firmware.
    pub software_version: Option<String>,
    /// GNU build id, whole or its beginning.
    pub build_id: Option<BuildId>,
    /// Which boot since power was last lost, from 1.
    pub boot: Option<u64>,
    /// Milliseconds since boot.
    pub uptime_ms: Option<u64>,
    /// Unix time, seconds.
    pub time_s: Option<u64>,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq)]
pub enum MessageBody {
    /// Values of metrics over an interval.
    Heartbeat(Heartbeat),
    /// Something that happened.
    Event(DeviceEvent),
    /// Log entries.
    Logs(SentLogs),
    /// Registers and memory after a crash.
    Coredump(Box<SentCoredump>),
    /// What the device sends.
    Device(DeviceState),
}

impl MessageBody {
    /// The word for the kind of message.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Heartbeat(_) => "heartbeat",
            Self::Event(_) => "event",
            Self::Logs(_) => "logs",
            Self::Coredump(_) => "coredump",
            Self::Device(_) => "device",
        }
    }
}

/// Values of metrics over an interval that ended when the message was made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heartbeat {
    /// Length of the interval, milliseconds.
    pub interval_ms: Option<u64>,
    /// Values by the metric's id, which is an address in a section of the ELF.
    pub values: BTreeMap<u64, SentValue>,
}

/// A value as it was sent.
#[derive(Clone, Debug, PartialEq)]
pub enum SentValue {
    /// The metric was not set in this interval: missing, never 0.
    Unset,
    /// An integer of 64 bits with or without a sign.
    Integer(i128),
    /// A number with a fraction.
    Float(f64),
    /// A text.
    Text(String),
}

/// Something that happened on the device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceEvent {
    /// What.
    pub kind: EventKind,
    /// Why, of boot, crash and assert.
    pub reason: Option<Reason>,
    /// Reset status register of a boot; else a code of the product's own.
    pub code: Option<i128>,
    /// Where, of crash; else the return address of the call that told of it. Bit 0 may be the Thumb bit.
    pub pc: Option<u64>,
    /// LR at the fault.
    pub lr: Option<u64>,
    /// Id of a text in the ELF, of a trace.
    pub text: Option<u64>,
    /// How long the boot before lasted, milliseconds; of a boot.
    pub previous_uptime_ms: Option<u64>,
}

/// Kinds of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EventKind {
    /// The device started.
    Boot,
    /// A fault.
    Crash,
    /// The product marked a place in its code.
    Trace,
    /// A connection was lost.
    Disconnect,
    /// An assertion failed.
    Assert,
    /// A number that this version does not know.
    Other(u64),
    /// The message does not say.
    #[default]
    Unsaid,
}

impl EventKind {
    /// The kind of the number that is sent.
    pub fn from_number(number: u64) -> Self {
        match number {
            1 => Self::Boot,
            2 => Self::Crash,
            3 => Self::Trace,
            4 => Self::Disconnect,
            5 => Self::Assert,
            other => Self::Other(other),
        }
    }

    /// The word for it: `boot`, `crash`, `event 77`.
    pub fn name(self) -> String {
        match self {
            Self::Boot => "boot".to_owned(),
            Self::Crash => "crash".to_owned(),
            Self::Trace => "trace".to_owned(),
            Self::Disconnect => "disconnect".to_owned(),
            Self::Assert => "assert".to_owned(),
            Self::Other(number) => format!("event {number}"),
            Self::Unsaid => "event".to_owned(),
        }
    }
}

/// Why a device restarted or stopped, by its number in the wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason(pub u64);

impl Reason {
    /// Id and words of reasons 0 to 15.
    const NAMES: [(&'static str, &'static str); 16] = [
        ("unknown", "unknown"),
        ("power_on", "power on"),
        ("pin", "reset pin"),
        ("brown_out", "brown-out"),
        ("software", "software"),
        ("watchdog", "watchdog"),
        ("lockup", "lockup"),
        ("fault", "fault"),
        ("assert", "assert"),
        ("stack_overflow", "stack overflow"),
        ("out_of_memory", "out of memory"),
        ("firmware_update", "firmware update"),
        ("wake_up", "wake-up"),
        ("debugger", "debugger"),
        ("clock", "clock failure"),
        ("user", "user"),
    ];

    /// The device does not know.
    pub const UNKNOWN: Self = Self(0);

    fn names(self) -> Option<(&'static str, &'static str)> {
        let index = usize::try_from(self.0).ok()?;
        Self::NAMES.get(index).copied()
    }

    /// The id in JSON and in stored data: `brown_out`, `reason_99`.
    pub fn id(self) -> String {
        self.names()
            .map_or_else(|| format!("reason_{}", self.0), |(id, _)| id.to_owned())
    }

    /// In words: `brown-out`, `reason 99 of the product's own`.
    pub fn words(self) -> String {
        match self.names() {
            Some((_, words)) => words.to_owned(),
            None if self.0 >= 64 => format!("reason {} of the product's own", self.0),
            None => format!("reason {}", self.0),
        }
    }
}

/// Log entries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SentLogs {
    /// Entries that were lost before these.
    pub n_lost: u64,
    /// In the order in which they were written.
    pub entries: Vec<LogEntry>,
}

/// One log entry.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEntry {
    /// Milliseconds since boot.
    pub uptime_ms: u64,
    /// `None` for a number that this version does not know.
    pub level: Option<LogLevel>,
    /// What it says.
    pub text: LogText,
}

/// The text of a log entry.
#[derive(Clone, Debug, PartialEq)]
pub enum LogText {
    /// As it was sent.
    Text(String),
    /// The id of a format in the ELF, and its arguments.
    Format(u64, Vec<SentValue>),
}

/// Registers and memory after a crash.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SentCoredump {
    /// Why.
    pub reason: Option<Reason>,
    /// 1 Arm Cortex-M, 2 RISC-V with 32 bits.
    pub architecture: Option<u64>,
    /// In the order of the wire format; `None` where the device lost it.
    pub registers: Vec<Option<u64>>,
    /// Log entries that were not sent before.
    pub entries: Vec<LogEntry>,
    /// Pieces of memory by address, in the order of their worth. They may overlap.
    pub memory: Vec<(u64, Vec<u8>)>,
    /// Bytes that did not fit into the dump.
    pub n_left_out: Option<u64>,
    /// False when the end did not arrive.
    pub is_whole: bool,
}

/// What the device sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceState {
    /// Bit 0 heartbeats, 1 events, 2 logs, 3 coredumps.
    pub sampled: Option<u64>,
    /// Messages lost since boot because the queue was full.
    pub n_lost: Option<u64>,
}

impl DeviceState {
    /// Names of the bits of [`Self::sampled`].
    pub const SAMPLED: [&'static str; 4] = ["heartbeats", "events", "logs", "coredumps"];

    /// What it sends, in words.
    pub fn sampled_names(&self) -> Option<Vec<&'static str>> {
        let bits = self.sampled?;
        let names = (0_u32..).zip(Self::SAMPLED);
        let is_on = |bit: u32| bits.checked_shr(bit).is_some_and(|rest| rest & 1 == 1);
        Some(
            names
                .filter(|(bit, _)| is_on(*bit))
                .map(|(_, name)| name)
                .collect(),
        )
    }
}

//! What records look like and what they say.

use serde::{Deserialize, Serialize};

/// A recording begins with this: a name, and bytes that a transfer as text would change.
pub const MAGIC: &[u8; 8] = b"FSCAP\r\n\x1a";
/// The version that is written and read.
pub(super) const VERSION: u16 = 1;
/// Bytes before the first record: magic, version, six bytes of zero.
pub(super) const HEADER_BYTES: usize = 16;
/// Each record begins with this.
pub(super) const MARK: [u8; 2] = [0xfc, 0x5c];
/// Bytes of a record before what it says: mark, kind, stream, length, time.
pub(super) const RECORD_HEAD_BYTES: usize = 16;
/// Where in a record its length stands.
pub(super) const LENGTH_AT: usize = 4;
/// A record says no more than this.
pub(super) const PAYLOAD_BYTES_MAX: usize = 1 << 20;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// When the session began ([`Session`], JSON).
    Session,
    /// A stream, before its first bytes ([`Stream`], JSON).
    Stream,
    /// Bytes that came.
    Received,
    /// Bytes that were sent.
    Sent,
    /// What became of the link of a stream ([`LinkState`], JSON).
    State,
    /// Of a later version.
    Other(u8),
}

impl Kind {
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Session => 0,
            Self::Stream => 1,
            Self::Received => 2,
            Self::Sent => 3,
            Self::State => 4,
            Self::Other(number) => number,
        }
    }

    pub(super) fn of(number: u8) -> Self {
        match number {
            0 => Self::Session,
            1 => Self::Stream,
            2 => Self::Received,
            3 => Self::Sent,
            4 => Self::State,
            other => Self::Other(other),
        }
    }
}

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'r> {
    /// What it is.
    pub kind: Kind,
    /// Of which stream; 0 where it is of none.
    pub stream: u8,
    /// Nanoseconds since the session began.
    pub time_ns: i64,
    /// What it says.
    pub payload: &'r [u8],
}

/// The first record of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// When it began, RFC 3339, UTC.
    pub started_at: String,
    /// Who recorded it: name and version of the program.
    #[serde(default)]
    pub recorded_by: String,
}

/// Where the bytes of a stream come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// The kind of link: `uart`.
    pub link: String,
    /// Its name in words: `/dev/ttyUSB0, 115200 baud, 8N1`.
    pub title: String,
    /// Of a stream of looks ([`WATCH`]): what is looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<WatchedNumber>,
}

/// [`Stream::link`] of looks at numbers of a running program: each line is a [`Look`].
pub const WATCH: &str = "watch";
/// [`Stream::link`] of what the SDK keeps in a board's memory and has not sent, as the lines in which it would send it.
pub const UNSENT: &str = "unsent";
/// [`Stream::link`] of an ELF core that was made of a board when it stopped.
pub const CORE: &str = "core";

impl Stream {
    /// Looks at these numbers.
    pub fn of_numbers(numbers: Vec<WatchedNumber>) -> Self {
        Self {
            link: WATCH.to_owned(),
            title: String::new(),
            numbers,
        }
    }

    /// True when what comes is a log, or anything else that a board says.
    pub fn is_said(&self) -> bool {
        self.link != WATCH && self.link != CORE
    }
}

/// What the SDK of a board keeps and has not sent yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsent {
    /// Heartbeats in the queue.
    pub heartbeats: u32,
    /// Events in the queue.
    pub events: u32,
    /// Other messages in the queue.
    pub others: u32,
    /// Bytes of the queue that are in use.
    pub queued_bytes: u32,
    /// Entries of the log ring.
    pub log_entries: u32,
    /// Bytes of a coredump that is kept; 0 without one.
    pub coredump_bytes: u32,
    /// Boots since power-on, by the record that outlives a reset.
    pub boots: u32,
}

/// A number of a program that is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchedNumber {
    /// As it was asked for: `state.rssi`.
    pub name: String,
    /// Its unit, where the firmware says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Values that have a name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<(i64, String)>,
}

/// What was seen of numbers at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Nanoseconds since the session began.
    pub ns: i64,
    /// Of each number that was looked at, its place in [`Stream::numbers`] and its value; `None`: it could not be read, or has none.
    pub values: Vec<(u16, Option<WatchValue>)>,
}

/// The value of a number at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum WatchValue {
    /// A whole number.
    Integer(i64),
    /// A float; NaN and infinities are none in JSON, and are recorded as missing.
    Float(f64),
}

impl WatchValue {
    /// As a float, for a chart.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Integer(value) => value as f64,
            Self::Float(value) => value,
        }
    }
}

impl LinkState {
    /// True when the board runs another build than the ELF file that was given.
    pub fn is_wrong_elf(&self) -> bool {
        match self {
            Self::Identified {
                board,
                elf,
                differs_at,
                ..
            } => differs_at.is_some() || board.is_some() && elf.is_some() && board != elf,
            _ => false,
        }
    }
}

/// What became of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum LinkState {
    /// It is there, or there again.
    Connected,
    /// It is gone; it is tried again until the session ends.
    Lost {
        /// What happened and what to do.
        why: String,
    },
    /// What runs on the board, as far as it could be read.
    Identified {
        /// What the link says of the chip.
        chip: String,
        /// Build id that the board's memory has where the ELF file has its own.
        board: Option<String>,
        /// Build id of the ELF file that was given.
        elf: Option<String>,
        /// What the ELF file says must stand at this address, and does not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        differs_at: Option<u64>,
    },
    /// The processor stands, though nobody asked it to.
    Halted {
        /// What the link says of the reason.
        why: String,
    },
    /// The processor faulted. What was read of it is a stream of its own ([`CORE`]).
    Faulted {
        /// What was seen, in words.
        what: String,
    },
    /// What the SDK of the board has not sent yet is something else than before.
    Unsent(Unsent),
    /// Something was done to the board.
    Acted {
        /// What, in words.
        what: String,
    },
    /// Something that was asked for was not done to the board.
    Refused {
        /// Why not.
        why: String,
    },
    /// The session ended.
    Ended,
}

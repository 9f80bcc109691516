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
    /// The session ended.
    Ended,
}

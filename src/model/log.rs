//! Log records: what one row of a log says, whatever format it was written in.

use serde::{Deserialize, Serialize};

/// How serious a record is. Ordered: a filter "warn" lets `Warn`, `Error` and `Fatal` through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Also verbose.
    Trace,
    /// For developers.
    Debug,
    /// Also notice.
    Info,
    /// Also warning.
    Warn,
    /// Also err.
    Error,
    /// Also critical, alert, emergency, panic, assert.
    Fatal,
}

impl LogLevel {
    /// All of them, lowest first.
    pub const ALL: [Self; 6] = [
        Self::Trace,
        Self::Debug,
        Self::Info,
        Self::Warn,
        Self::Error,
        Self::Fatal,
    ];

    /// As it stands in JSON and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }

    /// Its place in [`Self::ALL`].
    pub fn index(self) -> usize {
        match self {
            Self::Trace => 0,
            Self::Debug => 1,
            Self::Info => 2,
            Self::Warn => 3,
            Self::Error => 4,
            Self::Fatal => 5,
        }
    }
}

/// What a row of a log is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    /// A record with a head of its own.
    #[default]
    Record,
    /// A line without a head: it belongs to the record before it, whose level and time it has.
    Continuation,
    /// A line of a dump, a backtrace block or another block of data that folds.
    Data,
    /// The device or the link says that records are missing here.
    Dropped,
    /// Bytes that could not be decoded; the record's `reason` says why.
    Undecoded,
}

/// One row of a log, decoded. Strings are reused from row to row: an empty one means that there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogRecord {
    /// What the row is.
    pub kind: RowKind,
    /// How serious; `None` when nothing says so.
    pub level: Option<LogLevel>,
    /// Nanoseconds since the device started.
    pub uptime_ns: Option<u64>,
    /// Wall-clock time, nanoseconds since 1970-01-01 UTC, as the record itself says it.
    pub time_ns: Option<i64>,
    /// The date of `time_ns` is not known, or only in part: it is a time of some day, or of some year.
    pub is_date_incomplete: bool,
    /// The time stamp as it was written, when it is no time that is understood.
    pub stamp: String,
    /// Module, tag, target or thread that wrote it.
    pub module: String,
    /// The text, without head and terminal escapes.
    pub message: String,
    /// Source file that wrote it.
    pub source_file: String,
    /// Line in that file, from 1.
    pub source_line: Option<u32>,
    /// Id of the message's format string, where the format has one: equal ids are the same message.
    pub template: Option<u64>,
    /// Records that are missing here, of a [`RowKind::Dropped`] that says how many.
    pub n_dropped: Option<u64>,
    /// Why it could not be decoded and what would help, of a [`RowKind::Undecoded`].
    pub reason: String,
}

impl LogRecord {
    /// Forgets everything and keeps the memory of the strings.
    pub fn clear(&mut self) {
        self.kind = RowKind::Record;
        self.level = None;
        self.uptime_ns = None;
        self.time_ns = None;
        self.is_date_incomplete = false;
        self.stamp.clear();
        self.module.clear();
        self.message.clear();
        self.source_file.clear();
        self.source_line = None;
        self.template = None;
        self.n_dropped = None;
        self.reason.clear();
    }
}

//! What a log has to show: plain data for the window and the command line.

use crate::model::log::{LogLevel, LogRecord};
use crate::model::warning::Warning;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Names one log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LogKey {
    /// A file of a capture in the workspace.
    InCapture {
        /// The capture.
        capture: i64,
        /// Path inside it.
        path: String,
    },
    /// A file on disk that was not imported.
    OnDisk {
        /// Its path.
        path: std::path::PathBuf,
    },
    /// Several logs, merged by time. None of them is itself merged.
    Merged {
        /// The logs; of rows of the same time those of the first come first.
        logs: Vec<MergedLog>,
    },
}

impl LogKey {
    /// Its path, inside its capture or on disk.
    pub fn name(&self) -> String {
        match self {
            Self::InCapture { path, .. } => path.clone(),
            Self::OnDisk { path } => path.display().to_string(),
            Self::Merged { logs } => {
                let names: Vec<String> = logs.iter().map(|log| log.key.name()).collect();
                names.join(" + ")
            }
        }
    }

    /// The key of one of its logs, by the index in [`LogRow::log`].
    pub fn of_log(&self, log: usize) -> Option<&Self> {
        match self {
            Self::Merged { logs } => logs.get(log).map(|log| &log.key),
            one => (log == 0).then_some(one),
        }
    }

    /// The logs that it names, with their offsets.
    pub fn logs(&self) -> Vec<MergedLog> {
        match self {
            Self::Merged { logs } => logs.clone(),
            one => vec![MergedLog {
                key: one.clone(),
                offset_ns: 0,
            }],
        }
    }

    /// True when both name the same logs, with whatever offsets.
    pub fn has_same_logs(&self, other: &Self) -> bool {
        let keys =
            |key: &Self| -> Vec<Self> { key.logs().into_iter().map(|log| log.key).collect() };
        keys(self) == keys(other)
    }
}

/// A log among those that are merged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MergedLog {
    /// Which.
    pub key: LogKey,
    /// Added to its times before merging, in nanoseconds: the offset handle.
    pub offset_ns: i64,
}

/// A log at a glance. Grows while the log is being indexed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogSummary {
    /// Name on screen.
    pub name: String,
    /// Id of the format.
    pub format: String,
    /// Name of the format on screen.
    pub format_label: String,
    /// Rows so far.
    pub n_rows: u64,
    /// Bytes indexed so far, and in all.
    pub n_bytes: (u64, u64),
    /// All of it is indexed. A file that grows becomes incomplete again.
    pub is_complete: bool,
    /// Rows by level, in the order of [`LogLevel::ALL`].
    pub n_by_level: [u64; 6],
    /// Boots, in the order of the log.
    pub boots: Vec<LogBoot>,
    /// Crashes and fault prints, in the order of the log.
    pub crashes: Vec<LogCrash>,
    /// Rows that say that records are missing, and the records they speak of.
    pub n_dropped: (u64, u64),
    /// Rows that could not be decoded.
    pub n_undecoded: u64,
    /// Modules with their rows, most frequent first; at most 1,000.
    pub modules: Vec<(String, u64)>,
    /// First and last time on the axis, nanoseconds.
    pub span_ns: Option<(i64, i64)>,
    /// True when the axis is wall-clock time (since 1970), or of an unknown day; false when it is time since the start.
    pub is_wall_clock: bool,
    /// The logs that are merged in it; empty for one log.
    pub parts: Vec<LogPart>,
    /// What the times of merged logs count, in words.
    pub axis: String,
    /// Databases or ELF files that would decode what is not: sentences.
    pub needs: Vec<String>,
    /// Where the file became shorter or was replaced while it was followed, in the order of the log.
    pub restarts: Vec<LogRestart>,
    /// What to know: out-of-order times, the file shrank, bytes that are no text.
    pub warnings: Vec<Warning>,
}

/// A log among those that are merged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPart {
    /// Its name.
    pub name: String,
    /// Rows.
    pub n_rows: u64,
    /// Added to its times, in nanoseconds.
    pub offset_ns: i64,
    /// Index of its first boot in [`LogSummary::boots`].
    pub first_boot: u32,
    /// Where its times on the axis come from and how exact they are: a sentence.
    pub clock: String,
}

/// A place where a followed file was read from its beginning again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogRestart {
    /// Byte of the log where it goes on with the new beginning.
    pub offset: u64,
    /// The row that begins there.
    pub row: u64,
    /// The file was replaced by another one; otherwise it became shorter.
    pub is_replaced: bool,
}

/// One run between resets, in a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogBoot {
    /// Index of its log in the view.
    pub log: usize,
    /// Row of the first line that tells of it.
    pub row: u64,
    /// Reset reason in the device's own words.
    pub reset_reason: Option<String>,
    /// Version that started.
    pub version: Option<String>,
    /// Build id that started.
    pub build_id: Option<String>,
    /// Wall-clock time of uptime 0, nanoseconds since 1970, and how far off it may be.
    pub started_ns: Option<(i64, u64)>,
}

/// A crash in a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogCrash {
    /// Index of its log in the view.
    pub log: usize,
    /// Row where it begins.
    pub row: u64,
    /// Rows it covers; of merged logs also those of others between its first and its last.
    pub n_rows: u64,
    /// The crash in the workspace; `None` when the log was not imported.
    pub crash: Option<i64>,
    /// Its headline.
    pub headline: String,
}

/// Rows as they are to be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogRows {
    /// Rows in the view (after filters and folding), so far.
    pub n_visible: u64,
    /// All rows have been looked at.
    pub is_complete: bool,
    /// Index of the first of `rows` in the view.
    pub first: u64,
    /// The rows.
    pub rows: Vec<LogRow>,
}

/// One row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogRow {
    /// Index of its log in the view.
    pub log: usize,
    /// Its row in the log, from 0: what is shown as line number plus 1.
    pub row: u64,
    /// Its place in the view when everything is shown: the same as `row` in a view of one log.
    pub position: u64,
    /// Where its bytes are in the log.
    pub offset: u64,
    /// How many bytes it has.
    pub len: u64,
    /// What it says. The message of a long row is cut; `is_cut` says so.
    pub record: LogRecord,
    /// There is more of the message than fits a row.
    pub is_cut: bool,
    /// Nanoseconds on the log's axis.
    pub axis_ns: Option<i64>,
    /// Its time is before that of the row above it in the log.
    pub is_out_of_order: bool,
    /// Boot it belongs to: index in [`LogSummary::boots`].
    pub boot: Option<u32>,
    /// Parts of the message with a look or a meaning of their own, by where they begin. A match and an address may lie
    /// over a colour.
    pub spans: Vec<LogSpan>,
    /// Further rows of the same message, or of the same block of data, that are folded into this one.
    pub n_folded: u64,
    /// Rows of the run or block that begins here and was unfolded; 0 when none does.
    pub n_unfolded: u64,
    /// The crash that begins here: index in [`LogSummary::crashes`].
    pub crash: Option<usize>,
    /// A boot begins here: index in [`LogSummary::boots`].
    pub starts_boot: Option<usize>,
    /// It has a bookmark.
    pub bookmark: bool,
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSpan {
    /// Bytes of the message.
    pub range: Range<usize>,
    /// What it is.
    pub kind: SpanKind,
}

/// What a part of a message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// Written in this colour by the device (ANSI colour 0-15), bold or not.
    Ansi {
        /// 0-15; `None` is the default colour.
        colour: Option<u8>,
        /// Bold.
        bold: bool,
    },
    /// Matches what is searched for or a filter.
    Match,
    /// An address, with what it is: `flash_write (flash.c:212)`.
    Address {
        /// The address.
        address: u64,
        /// Function, file and line, with what it was inlined into.
        symbol: String,
        /// Source file and line, from 1, of the innermost function.
        place: Option<(String, u32)>,
        /// Build id, as hex, of the ELF that says so.
        build: String,
    },
    /// A byte that is no text, shown as `\xff`.
    Byte,
}

/// How many rows each chip lets through by itself, and all together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChipCounts {
    /// By chip, in the order of the stack, so far.
    pub by_chip: Vec<u64>,
    /// Rows that are listed, so far.
    pub n_visible: u64,
    /// When that is none: rows that all chips but this one let through, by chip.
    pub without: Vec<u64>,
    /// Rows that all chips let through, so far: those that are folded among them.
    pub n_let_through: u64,
    /// All rows have been looked at.
    pub is_complete: bool,
    /// What is wrong with a chip (a broken regular expression), by chip.
    pub errors: Vec<Option<String>>,
}

/// Rows along a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogDensity {
    /// What the axis counts.
    pub axis: DensityAxis,
    /// Where the axis begins and ends, both with it: nanoseconds, or rows from 0.
    pub span: (i64, i64),
    /// Rows by level and without one (index 6), a bucket each, in equal steps.
    pub buckets: Vec<[u32; 7]>,
    /// Places of crashes on the axis, in the order of [`LogSummary::crashes`].
    pub crashes: Vec<i64>,
    /// Places of boots on the axis, in the order of [`LogSummary::boots`].
    pub boots: Vec<i64>,
    /// Rows that have no place on the axis: they say no time.
    pub n_without: u64,
    /// Times begin anew with each boot: they are said from there.
    pub is_by_boot: bool,
}

/// What an axis counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DensityAxis {
    /// Rows: the log has no times.
    #[default]
    Rows,
    /// Nanoseconds since 1970 (UTC).
    Wall,
    /// Nanoseconds since the first boot, boots one behind the other.
    Uptime,
    /// Nanoseconds of a day, or of a year, that is not known.
    Clock,
}

/// A message template and its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogTemplate {
    /// Its id.
    pub id: u64,
    /// The text with `*` for what varies.
    pub text: String,
    /// Its most frequent level.
    pub level: Option<LogLevel>,
    /// Rows.
    pub n_rows: u64,
    /// First row.
    pub first_row: u64,
    /// Last row.
    pub last_row: u64,
}

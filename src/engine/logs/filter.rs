//! Filter chips: each lets some rows through; a stack lets through what all of its chips do.

use super::view::LogKey;
use crate::model::log::LogLevel;
use serde::{Deserialize, Serialize};

/// What one chip looks at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum LogFilter {
    /// Records at this level or above; a continuation has the level of its record.
    Level {
        /// The lowest level shown.
        at_least: LogLevel,
    },
    /// Records of these modules.
    Module {
        /// Names, compared exactly.
        names: Vec<String>,
    },
    /// Records of these devices.
    Device {
        /// Serial numbers.
        serials: Vec<String>,
    },
    /// Records of these boots.
    Boot {
        /// First boot, from 0.
        first: u32,
        /// Last boot.
        last: u32,
    },
    /// Rows whose text holds this.
    Text {
        /// The text.
        text: String,
        /// Capitals count.
        match_case: bool,
    },
    /// Rows whose text matches.
    Regex {
        /// The expression, in the syntax of the `regex` crate.
        pattern: String,
        /// Capitals count.
        match_case: bool,
    },
    /// Rows of a span on the log's time axis; rows without a time are in none.
    Time {
        /// From, nanoseconds on the axis; the least number is its beginning.
        from_ns: i64,
        /// Up to and with; the greatest number is its end.
        to_ns: i64,
    },
    /// Rows by their number in the log.
    Rows {
        /// First row, from 0.
        first: u64,
        /// Last row.
        last: u64,
    },
    /// Rows near a crash or fault print.
    NearCrash {
        /// Rows before it.
        n_before: u64,
        /// Rows after it.
        n_after: u64,
    },
    /// Rows of one message template. A saved filter means the same template in every log that has it: the id is made of its
    /// text alone. In a log where other messages made it a more general or a narrower one there is no such id; then it
    /// means the messages that fit the text, where each `*` stands for any word.
    Template {
        /// Its id.
        id: u64,
        /// Its text, with `*` for what varies.
        #[serde(default)]
        text: String,
    },
    /// Rows whose message another log (a good run) does not have.
    OnlyHere {
        /// The other log.
        good: LogKey,
    },
}

impl From<LogFilter> for Chip {
    fn from(filter: LogFilter) -> Self {
        Self {
            filter,
            negated: false,
            is_off: false,
        }
    }
}

/// A filter in the stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chip {
    /// What it looks at.
    pub filter: LogFilter,
    /// Lets through what the filter does not.
    #[serde(default)]
    pub negated: bool,
    /// Switched off for the moment: it stays in the stack and keeps its count.
    #[serde(default)]
    pub is_off: bool,
}

/// The chips, in the order they were added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterStack {
    /// The chips.
    pub chips: Vec<Chip>,
    /// Shows every line of a dump; without it a block of data is one row.
    #[serde(default)]
    pub shows_data: bool,
    /// Rows of one message that follow each other are one row.
    #[serde(default)]
    pub folds: bool,
    /// Rows whose run or block of data is shown row by row all the same. Rows of one log: not saved.
    #[serde(skip)]
    pub unfolded: Vec<u64>,
}

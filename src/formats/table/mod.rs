//! Tables of heartbeats and of events: Parquet, CSV and JSON Lines become columns, which [`mapping`] gives their roles.
//!
//! A reader yields the rows as they are, as [`TableChunk`]s; what a column means is decided once, for all formats.

mod bad_rows;
mod cell;
pub mod csv;
pub mod events;
mod growing;
pub mod heartbeats;
pub mod json_lines;
pub mod long;
pub mod mapping;
mod mapping_check;
mod moment;
mod names;
pub mod parquet;
pub mod reader;
mod text_rows;
mod units;

pub use bad_rows::{BadRow, BadRows};
pub use mapping_check::{SampleColumn, sample_columns};
pub use units::unit_of;

use crate::model::progress::Cancelled;
use crate::model::series::Column;
use crate::model::warning::Warning;
use serde::{Deserialize, Serialize};

/// A table with more columns is refused.
const MOST_COLUMNS: usize = 20_000;

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    Integer,
    Float,
    /// Stored as 0 and 1.
    Boolean,
    Text,
    /// Integers that count these since 1970-01-01 UTC: the file says so.
    Time(TimeUnit),
}

/// What an integer that tells a moment counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeUnit {
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

impl TimeUnit {
    /// Nanoseconds in one.
    pub fn ns(self) -> i64 {
        match self {
            Self::Seconds => 1_000_000_000,
            Self::Milliseconds => 1_000_000,
            Self::Microseconds => 1_000,
            Self::Nanoseconds => 1,
        }
    }
}

/// One column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableColumn {
    /// As the table calls it; names are distinct.
    pub name: String,
    pub kind: ColumnKind,
}

impl TableColumn {
    /// Whether it may be a metric with numbers.
    pub fn is_number(&self) -> bool {
        !matches!(self.kind, ColumnKind::Text | ColumnKind::Time(_))
    }
}

/// Some rows of a table, one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableChunk {
    /// Number of the first row in the table, from 0.
    pub first_row: u64,
    pub n_rows: usize,
    /// In the order of the table's columns. `None`: not asked for, or not readable here.
    pub columns: Vec<Option<Column>>,
    /// Of a text: where each row begins in the file.
    pub places: Vec<RowPlace>,
}

/// Where a row of a text begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowPlace {
    /// From 1.
    pub line: u64,
    /// In bytes.
    pub offset: u64,
}

impl TableChunk {
    /// What is wrong with a row of it, with its place.
    fn bad_row(&self, row: usize, what: &str) -> BadRow {
        let place = self.places.get(row);
        BadRow {
            row: self.first_row + row as u64,
            line: place.map(|place| place.line),
            offset: place.map(|place| place.offset),
            what: what.to_owned(),
        }
    }
}

/// Why a table cannot be read, or not further.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// What is wrong, and where.
    #[error("{}: {}", .0.code, .0.message)]
    Unreadable(Warning),
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

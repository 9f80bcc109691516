//! What the window asks of an open log, be it one or several merged.

use super::filter::{Chip, FilterStack};
use super::matcher::Matcher;
use super::moment::Moments;
use super::open_log::{LogError, LogStyle};
use super::row_set::RowSet;
use super::session::{ListedRows, LogSession};
use super::view::{LogDensity, LogRow, LogSummary};
use crate::engine::queries::log_rows::log_row;
use crate::model::progress::{Cancelled, Progress};
use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

/// Rows, or what is wrong with a filter.
pub type Found<T> = Result<Result<T, String>, Cancelled>;

/// An open log. A row's position is its place when everything is shown.
pub trait ShownLog: Send + Sync {
    /// The log at a glance.
    fn summary(&self) -> &LogSummary;

    /// Rows by level along the log.
    fn density(&self, n_buckets: u32, progress: &dyn Progress) -> Result<LogDensity, Cancelled>;

    /// Positions of a stack as they are listed; a filter that cannot be read hides nothing.
    fn listed(&self, stack: &FilterStack, progress: &dyn Progress) -> Found<ListedRows>;

    /// Positions that one chip lets through.
    fn rows_of(&self, chip: &Chip, progress: &dyn Progress) -> Found<Arc<RowSet>>;

    /// The row at a position, with what matches marked.
    fn row(&self, position: u64, matcher: Option<&Matcher>) -> Option<LogRow>;

    /// The row at a position as the command line prints it, without the end of the line.
    fn line(&self, position: u64) -> Option<Vec<u8>>;

    /// Prints positions, all of them without a set, as the command line does; how many there were.
    fn print_rows(
        &self,
        positions: Option<&RowSet>,
        style: LogStyle,
        out: &mut dyn Write,
        progress: &dyn Progress,
    ) -> Result<u64, LogError>;

    /// Rows of the same block of data that are folded into the row at a position.
    fn n_folded_into(&self, position: u64) -> u64;

    /// The position that a line of a block of data is folded into; any other position itself.
    fn head_of_data(&self, position: u64) -> u64;

    /// The position of a row of one of its logs, or of the last one before that there is.
    fn position(&self, log: usize, row: u64) -> u64;

    /// The position that holds a byte; `None` of logs that are merged, which have no bytes in common.
    fn position_at(&self, offset: u64) -> Option<u64>;

    /// The axis, as far as it takes to read and write times of it.
    fn moments(&self) -> Moments;

    /// Where a position lies on the axis: its time, or that of the last one before it which has one, else of the first one.
    fn place_on_axis(&self, position: u64) -> Option<i64>;

    /// The first of some positions whose time is this or later, and its time.
    fn first_row_since(&self, ns: i64, positions: Range<u64>) -> Option<(u64, i64)>;
}

impl ShownLog for LogSession {
    fn summary(&self) -> &LogSummary {
        self.summary()
    }

    fn density(&self, n_buckets: u32, progress: &dyn Progress) -> Result<LogDensity, Cancelled> {
        self.density(n_buckets, progress)
    }

    fn listed(&self, stack: &FilterStack, progress: &dyn Progress) -> Found<ListedRows> {
        self.listed(stack, progress)
    }

    fn rows_of(&self, chip: &Chip, progress: &dyn Progress) -> Found<Arc<RowSet>> {
        self.rows_of(chip, progress)
    }

    fn row(&self, position: u64, matcher: Option<&Matcher>) -> Option<LogRow> {
        log_row(self, position, matcher)
    }

    fn line(&self, position: u64) -> Option<Vec<u8>> {
        self.line(position)
    }

    fn print_rows(
        &self,
        positions: Option<&RowSet>,
        style: LogStyle,
        out: &mut dyn Write,
        progress: &dyn Progress,
    ) -> Result<u64, LogError> {
        self.print(positions, style, out, progress)
    }

    fn n_folded_into(&self, position: u64) -> u64 {
        self.n_folded_into(position)
    }

    fn head_of_data(&self, position: u64) -> u64 {
        self.head_of_data(position)
    }

    fn position(&self, _log: usize, row: u64) -> u64 {
        row
    }

    fn position_at(&self, offset: u64) -> Option<u64> {
        Some(self.row_at(offset))
    }

    fn moments(&self) -> Moments {
        self.moments()
    }

    fn place_on_axis(&self, position: u64) -> Option<i64> {
        self.place_on_axis(position)
    }

    fn first_row_since(&self, ns: i64, positions: Range<u64>) -> Option<(u64, i64)> {
        self.first_row_since(ns, positions)
    }
}

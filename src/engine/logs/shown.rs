//! What the window asks of an open log, be it one or several merged.

use super::filter::{Chip, FilterStack};
use super::matcher::Matcher;
use super::row_set::RowSet;
use super::session::LogSession;
use super::view::{LogRow, LogSummary};
use crate::engine::queries::log_rows::log_row;
use crate::model::progress::{Cancelled, Progress};
use std::sync::Arc;

/// Rows, or what is wrong with a filter.
pub type Found<T> = Result<Result<T, String>, Cancelled>;

/// An open log. A row's position is its place when everything is shown.
pub trait ShownLog: Send + Sync {
    /// The log at a glance.
    fn summary(&self) -> &LogSummary;

    /// Level of each row: index in [`crate::model::log::LogLevel::ALL`], 6 for none.
    fn levels(&self) -> Box<dyn Iterator<Item = u8> + '_>;

    /// Positions that a stack lets through; `None` when that is all of them.
    fn visible(&self, stack: &FilterStack, progress: &dyn Progress) -> Found<Option<Arc<RowSet>>>;

    /// Positions that one chip lets through.
    fn rows_of(&self, chip: &Chip, progress: &dyn Progress) -> Found<Arc<RowSet>>;

    /// The row at a position, with what matches marked.
    fn row(&self, position: u64, matcher: Option<&Matcher>) -> Option<LogRow>;

    /// Rows of the same block of data that are folded into the row at a position.
    fn n_folded_into(&self, position: u64) -> u64;

    /// The position of a row of one of its logs, or of the last one before that there is.
    fn position(&self, log: usize, row: u64) -> u64;
}

impl ShownLog for LogSession {
    fn summary(&self) -> &LogSummary {
        self.summary()
    }

    fn levels(&self) -> Box<dyn Iterator<Item = u8> + '_> {
        Box::new(self.levels())
    }

    fn visible(&self, stack: &FilterStack, progress: &dyn Progress) -> Found<Option<Arc<RowSet>>> {
        self.visible(stack, progress)
    }

    fn rows_of(&self, chip: &Chip, progress: &dyn Progress) -> Found<Arc<RowSet>> {
        self.rows_of(chip, progress)
    }

    fn row(&self, position: u64, matcher: Option<&Matcher>) -> Option<LogRow> {
        log_row(self, position, matcher)
    }

    fn n_folded_into(&self, position: u64) -> u64 {
        self.n_folded_into(position)
    }

    fn position(&self, _log: usize, row: u64) -> u64 {
        row
    }
}

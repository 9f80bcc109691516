//! The next place in a log: a match, an error, a crash, a boot, a row.

use super::log_marks;
use crate::engine::context::QueryContext;
use crate::engine::logs::filter::{Chip, FilterStack, LogFilter};
use crate::engine::logs::row_set::RowSet;
use crate::engine::logs::session::ListedRows;
use crate::engine::logs::shown::ShownLog;
use crate::engine::logs::view::LogKey;
use crate::engine::query::{Query, QueryError};
use crate::model::log::LogLevel;
use crate::model::progress::Unattended;

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The row with this number, or the next one that is shown.
    Row(u64),
    /// This row of one of the logs, by its number in it.
    LineOf {
        /// Index of the log in the view.
        log: usize,
        /// The row.
        row: u64,
    },
    /// The beginning of a crash, by its id in the workspace.
    Crash(i64),
    /// The next row that a filter lets through.
    Match(Chip),
    /// The next error, or what is worse.
    Error,
    /// The next row with a bookmark.
    Bookmark,
    /// The first row of this time on the log's axis, in nanoseconds, or of a later one.
    Time(i64),
}

/// Asks where to go.
#[derive(Clone, Debug)]
pub struct LogFindQuery {
    /// The log.
    pub key: LogKey,
    /// What is shown of it.
    pub stack: FilterStack,
    /// What is looked for.
    pub wanted: Wanted,
    /// The search begins behind (or before) this row, counted among those shown.
    pub from: u64,
    /// Towards the end.
    pub forward: bool,
}

/// Where it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FoundRow {
    /// Its place among the rows shown; `None` when there is none.
    pub at: Option<u64>,
    /// Which of the matches it is, from 1, and how many there are.
    pub of: Option<(u64, u64)>,
}

impl Query for LogFindQuery {
    type Output = FoundRow;

    fn run(&self, context: &QueryContext) -> Result<FoundRow, QueryError> {
        let log = context.log_for(&self.key, &self.stack)?;
        match self.wanted {
            Wanted::Bookmark => {
                let bookmarks = log_marks::rows_of(context, &self.key, &*log)?;
                Ok(next(
                    &listed(&*log, self)?,
                    &bookmarks,
                    self.from,
                    self.forward,
                ))
            }
            _ => found(&*log, self),
        }
    }

    fn own_revision(&self, context: &QueryContext) -> u64 {
        context.opened_logs().revision(&self.key)
    }
}

/// A place in an open log. Bookmarks are not known to the log.
pub fn found(log: &dyn ShownLog, query: &LogFindQuery) -> Result<FoundRow, QueryError> {
    let shown = listed(log, query)?;
    let place_of = |row: u64| shown.place_of(row);
    let chip = match &query.wanted {
        Wanted::Row(row) => {
            return Ok(FoundRow {
                at: Some(place_of(*row)),
                of: None,
            });
        }
        Wanted::LineOf { log: index, row } => {
            return Ok(FoundRow {
                at: Some(place_of(log.position(*index, *row))),
                of: None,
            });
        }
        Wanted::Crash(id) => {
            let crashes = &log.summary().crashes;
            let crash = crashes.iter().find(|crash| crash.crash == Some(*id));
            return Ok(FoundRow {
                at: crash.map(|crash| place_of(crash.row)),
                of: None,
            });
        }
        Wanted::Time(ns) => {
            let found = log.first_row_since(*ns, 0..log.summary().n_rows);
            return Ok(FoundRow {
                at: found.map(|(row, _)| place_of(row)),
                of: None,
            });
        }
        Wanted::Match(chip) => chip.clone(),
        Wanted::Error => Chip::from(LogFilter::Level {
            at_least: LogLevel::Error,
        }),
        Wanted::Bookmark => return Ok(FoundRow::default()),
    };
    next_match(log, &shown, &chip, query.from, query.forward)
}

/// The next of the rows shown that a filter lets through, behind the `from`th of them or before it. The search goes round.
pub(super) fn next_match(
    log: &dyn ShownLog,
    shown: &ListedRows,
    chip: &Chip,
    from: u64,
    forward: bool,
) -> Result<FoundRow, QueryError> {
    let matching = log
        .rows_of(chip, &Unattended)?
        .map_err(|error| QueryError::Unanswerable(format!("FS-LOG-001: {error}.")))?;
    Ok(next(shown, &matching, from, forward))
}

fn listed(log: &dyn ShownLog, query: &LogFindQuery) -> Result<ListedRows, QueryError> {
    log.listed(&query.stack, &Unattended)?
        .map_err(|error| QueryError::Unanswerable(format!("FS-LOG-001: {error}.")))
}

/// The next of some rows, among those that are listed.
fn next(shown: &ListedRows, among: &RowSet, from: u64, forward: bool) -> FoundRow {
    let mut matches = RowSet::clone(among);
    if let Some(let_through) = &shown.let_through {
        matches.intersect(let_through);
    }
    let n_before = matches.rank(shown.nth(from).unwrap_or(u64::MAX));
    // What is folded into the row is behind us too, or the search would not leave it.
    let n_behind = matches.rank(shown.behind(from));
    let index = match (forward, matches.len()) {
        (_, 0) => return FoundRow::default(),
        (true, n) => n_behind % n,
        (false, n) => n_before
            .checked_sub(1)
            .unwrap_or_else(|| n.saturating_sub(1)),
    };
    FoundRow {
        at: matches.nth(index).map(|row| shown.place_of(row)),
        of: Some((index.saturating_add(1), matches.len())),
    }
}

//! The next place in a log: a match, an error, a crash, a boot, a row.

use crate::engine::context::QueryContext;
use crate::engine::logs::filter::{Chip, FilterStack, LogFilter};
use crate::engine::logs::row_set::RowSet;
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
    /// The next row that holds a text.
    Text(String),
    /// The next error, or what is worse.
    Error,
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
        found(&*context.shown_log(&self.key)?, self)
    }

    fn own_revision(&self, context: &QueryContext) -> u64 {
        context.live_logs().revision(&self.key)
    }
}

/// A place in an open log.
pub fn found(log: &dyn ShownLog, query: &LogFindQuery) -> Result<FoundRow, QueryError> {
    let shown = log
        .visible(&query.stack, &Unattended)?
        .map_err(|error| QueryError::Unanswerable(format!("FS-LOG-001: {error}.")))?;
    let place_of = |row: u64| shown.as_ref().map_or(row, |rows| rows.rank(row));
    let filter = match &query.wanted {
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
        Wanted::Text(text) => LogFilter::Text {
            text: text.clone(),
            match_case: false,
        },
        Wanted::Error => LogFilter::Level {
            at_least: LogLevel::Error,
        },
    };
    let chip = Chip {
        filter,
        negated: false,
        is_off: false,
    };
    let matching = log
        .rows_of(&chip, &Unattended)?
        .map_err(|error| QueryError::Unanswerable(format!("FS-LOG-001: {error}.")))?;
    let mut matches = RowSet::clone(&matching);
    if let Some(shown) = &shown {
        matches.intersect(shown);
    }
    let from = shown
        .as_ref()
        .map_or(Some(query.from), |rows| rows.nth(query.from));
    let n_before = matches.rank(from.unwrap_or(u64::MAX));
    let is_on_one = from.is_some_and(|row| matches.contains(row));
    // The search goes round.
    let index = match (query.forward, matches.len()) {
        (_, 0) => return Ok(FoundRow::default()),
        (true, n) => n_before.saturating_add(u64::from(is_on_one)) % n,
        (false, n) => n_before
            .checked_sub(1)
            .unwrap_or_else(|| n.saturating_sub(1)),
    };
    Ok(FoundRow {
        at: matches.nth(index).map(place_of),
        of: Some((index.saturating_add(1), matches.len())),
    })
}

//! Where along the rows shown the matches of a search, the errors and the crashes are.

use crate::engine::context::QueryContext;
use crate::engine::logs::filter::{Chip, FilterStack, LogFilter};
use crate::engine::logs::row_set::RowSet;
use crate::engine::logs::session::ListedRows;
use crate::engine::logs::shown::ShownLog;
use crate::engine::logs::view::LogKey;
use crate::engine::query::{Query, QueryError};
use crate::model::log::LogLevel;
use crate::model::progress::Unattended;

/// Parts that the rows are divided into at most.
const MOST_BUCKETS: u32 = 4096;

/// Asks for the marks beside the scroll bar.
#[derive(Clone, Debug)]
pub struct LogGutterQuery {
    /// The log.
    pub key: LogKey,
    /// What is shown of it.
    pub stack: FilterStack,
    /// What is searched for.
    pub find: Option<Chip>,
    /// Parts that the rows shown are divided into.
    pub n_buckets: u32,
}

/// Rows of one part of those shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GutterMark {
    /// The part, from 0.
    pub bucket: u32,
    /// The first of the rows, counted among those shown.
    pub at: u64,
    /// How many there are in this part.
    pub n: u64,
}

/// The marks, each kind in the order of the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gutter {
    /// Parts that there are: never more than rows.
    pub n_buckets: u32,
    /// Rows that match what is searched for.
    pub matches: Vec<GutterMark>,
    /// Errors and what is worse.
    pub errors: Vec<GutterMark>,
    /// Rows where a crash begins.
    pub crashes: Vec<GutterMark>,
}

impl Query for LogGutterQuery {
    type Output = Gutter;

    fn run(&self, context: &QueryContext) -> Result<Gutter, QueryError> {
        gutter(&*context.log_so_far_for(&self.key, &self.stack)?, self)
    }

    fn own_revision(&self, context: &QueryContext) -> u64 {
        context.opened_logs().revision(&self.key)
    }
}

/// The marks of an open log.
pub fn gutter(log: &dyn ShownLog, query: &LogGutterQuery) -> Result<Gutter, QueryError> {
    let shown = log
        .listed(&query.stack, &Unattended)?
        .map_err(|error| QueryError::Unanswerable(format!("FS-LOG-001: {error}.")))?;
    let n_shown = shown.n_listed();
    let n_buckets = u64::from(query.n_buckets.clamp(1, MOST_BUCKETS)).min(n_shown);
    let in_buckets = |chip: &Chip| -> Result<Vec<GutterMark>, QueryError> {
        // What cannot be looked for has no matches; the field says why.
        let Ok(rows) = log.rows_of(chip, &Unattended)? else {
            return Ok(Vec::new());
        };
        Ok(counted(&rows, &shown, (n_shown, n_buckets)))
    };
    let errors = LogFilter::Level {
        at_least: LogLevel::Error,
    };
    let crashes = log.summary().crashes.iter().map(|crash| crash.row);
    let crashes = RowSet::of(log.summary().n_rows, crashes);
    Ok(Gutter {
        n_buckets: u32::try_from(n_buckets).unwrap_or(MOST_BUCKETS),
        matches: match &query.find {
            Some(chip) => in_buckets(chip)?,
            None => Vec::new(),
        },
        errors: in_buckets(&errors.into())?,
        crashes: counted(&crashes, &shown, (n_shown, n_buckets)),
    })
}

fn counted(rows: &RowSet, shown: &ListedRows, (n_shown, n_buckets): (u64, u64)) -> Vec<GutterMark> {
    let mut rows = RowSet::clone(rows);
    if let Some(let_through) = &shown.let_through {
        rows.intersect(let_through);
    }
    let row_of = |at: u64| shown.nth(at).unwrap_or(u64::MAX);
    let mut marks = Vec::new();
    let mut n_before = 0;
    for bucket in 0..n_buckets {
        let end = u128::from(bucket).saturating_add(1) * u128::from(n_shown);
        let end = u64::try_from(end / u128::from(n_buckets.max(1))).unwrap_or(u64::MAX);
        let n_until = rows.rank(row_of(end));
        if n_until > n_before
            && let Some(first) = rows.nth(n_before)
        {
            marks.push(GutterMark {
                bucket: u32::try_from(bucket).unwrap_or(u32::MAX),
                at: shown.place_of(first),
                n: n_until.saturating_sub(n_before),
            });
        }
        n_before = n_until;
    }
    marks
}

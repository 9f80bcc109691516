//! Rows of a log as they are shown, and what each filter lets through.

use super::log_marks;
use crate::engine::context::QueryContext;
use crate::engine::logs::addresses::name_addresses;
use crate::engine::logs::filter::{FilterStack, LogFilter};
use crate::engine::logs::matcher::Matcher;
use crate::engine::logs::session::LogSession;
use crate::engine::logs::shown::ShownLog;
use crate::engine::logs::spans;
use crate::engine::logs::view::{ChipCounts, LogKey, LogRow, LogRows};
use crate::engine::query::{Query, QueryError};
use crate::model::progress::Unattended;

/// Rows that are decoded at once, at most.
const MOST_ROWS: u32 = 1000;

/// Filters that are left out in turn to see which one hides everything.
const MOST_ADVISED: usize = 24;

/// So much of a row is looked at for its colours: as much as is decoded of it.
const COLOURED_BYTES: usize = 16 << 10;

/// Asks for some of the rows that a stack of filters lets through.
#[derive(Clone, Debug)]
pub struct LogRowsQuery {
    /// The log.
    pub key: LogKey,
    /// The filters.
    pub stack: FilterStack,
    /// The first row wanted, counted among those shown.
    pub first: u64,
    /// How many.
    pub count: u32,
    /// What is searched for: marked in the rows.
    pub find: Option<LogFilter>,
}

/// The rows, and what each filter lets through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPage {
    /// The rows.
    pub rows: LogRows,
    /// By filter.
    pub counts: ChipCounts,
}

impl Query for LogRowsQuery {
    type Output = LogPage;

    fn run(&self, context: &QueryContext) -> Result<LogPage, QueryError> {
        let log = context.log_so_far_for(&self.key, &self.stack)?;
        let mut page = page(&*log, self)?;
        name_addresses(context, &log.summary().boots, &mut page.rows.rows);
        log_marks::mark(context, &self.key, &mut page)?;
        Ok(page)
    }

    fn own_revision(&self, context: &QueryContext) -> u64 {
        context.opened_logs().revision(&self.key)
    }
}

/// Rows of an open log.
pub fn page(log: &dyn ShownLog, query: &LogRowsQuery) -> Result<LogPage, QueryError> {
    let mut counts = ChipCounts {
        is_complete: true,
        ..ChipCounts::default()
    };
    for chip in &query.stack.chips {
        match log.rows_of(chip, &Unattended)? {
            Ok(rows) => {
                counts.by_chip.push(rows.len());
                counts.errors.push(None);
            }
            Err(error) => {
                counts.by_chip.push(0);
                counts.errors.push(Some(error));
            }
        }
    }
    let listed = |stack: &FilterStack| {
        let listed = log.listed(stack, &Unattended)?;
        listed.map_err(|error| QueryError::Unanswerable(format!("FS-LOG-001: {error}.")))
    };
    let listed_now = listed(&query.stack)?;
    let n_visible = listed_now.n_listed();
    counts.n_visible = n_visible;
    counts.n_let_through = listed_now.n_let_through();
    if n_visible == 0 {
        for index in 0..query.stack.chips.len().min(MOST_ADVISED) {
            let mut others = query.stack.clone();
            others.chips.remove(index);
            counts.without.push(listed(&others)?.n_let_through());
        }
    }
    let matcher = match &query.find {
        Some(filter) => Matcher::of_filter(filter).and_then(Result::ok),
        None => None,
    };
    let mut rows = Vec::new();
    for n in (query.first..n_visible).take(query.count.min(MOST_ROWS) as usize) {
        rows.extend(listed_now.nth(n).and_then(|row| {
            let mut shown = log.row(row, matcher.as_ref())?;
            shown.n_folded = listed_now.n_folded(row);
            shown.n_unfolded = listed_now.n_unfolded(row);
            match log.n_folded_into(row) {
                0 => {}
                _ if query.stack.shows_data => {}
                n if query.stack.unfolded.contains(&row) => shown.n_unfolded = n.saturating_add(1),
                n => shown.n_folded = n,
            }
            Some(shown)
        }));
    }
    Ok(LogPage {
        rows: LogRows {
            n_visible,
            is_complete: true,
            first: query.first,
            rows,
        },
        counts,
    })
}

/// A row of one log as it is shown.
pub(in crate::engine) fn log_row(
    log: &LogSession,
    row: u64,
    matcher: Option<&Matcher>,
) -> Option<LogRow> {
    let (place, record, is_cut) = log.record(row)?;
    let offset = place.start as u64;
    let raw = log.raw(place.start..place.end.min(place.start.saturating_add(COLOURED_BYTES)));
    let mut spans = spans::colours(raw, &record.message);
    spans.extend(matcher.map_or_else(Vec::new, |matcher| spans::matches(matcher, &record.message)));
    spans.sort_by_key(|span| span.range.start);
    Some(LogRow {
        row,
        position: row,
        is_out_of_order: log.is_out_of_order(row),
        offset,
        len: place.len() as u64,
        axis_ns: log.axis_ns(row, &record, offset),
        boot: log.boot_of(offset),
        spans,
        crash: log.crash_starting_at(row),
        starts_boot: log.boot_starting_at(row),
        record,
        is_cut,
        ..LogRow::default()
    })
}

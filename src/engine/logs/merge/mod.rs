//! Several logs merged by time into one view.
//!
//! What is kept of the order is, for each log, the set of its positions in the view: which row stands at a position, and at
//! which position a row stands, are counts in it. Two logs of 12.8 million rows take 6.4 MB.

mod axis;
mod clock;
mod order;
pub mod print;
mod shown;
mod summary;

use super::filter::{Chip, LogFilter};
use super::row_set::RowSet;
use super::session::{LogSession, RowTimes};
use super::view::{DensityAxis, LogSummary};
use crate::model::progress::{Cancelled, Progress};
use clock::{LogClock, axis_of_all};
use order::order;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use summary::summarize;

/// Logs that can be merged.
pub const MOST_LOGS: usize = 12;
/// Filters whose rows are remembered.
const KEPT_FILTERS: usize = 24;

/// A log to be merged with others.
#[derive(Clone)]
pub struct Opened {
    /// Name on screen.
    pub name: String,
    /// The log.
    pub log: Arc<LogSession>,
    /// Added to its times, in nanoseconds.
    pub offset_ns: i64,
}

/// A log in the view.
struct Part {
    opened: Opened,
    clock: Arc<LogClock>,
    /// Positions of its rows.
    rows: RowSet,
    first_boot: u32,
    first_crash: usize,
}

impl Part {
    /// Where a row is on the axis, by what its line says.
    fn axis_ns(&self, row: u64, times: RowTimes) -> Option<i64> {
        let ns = self.clock.time_of(row, times)?;
        Some(ns.saturating_add(self.opened.offset_ns))
    }
}

/// Logs merged by time.
pub struct MergedSession {
    axis: DensityAxis,
    parts: Vec<Part>,
    summary: LogSummary,
    filters: Mutex<Vec<(Chip, Arc<RowSet>)>>,
}

impl MergedSession {
    /// Merges logs; of more than [`MOST_LOGS`] the first ones.
    pub fn new(mut logs: Vec<Opened>, progress: &dyn Progress) -> Result<Self, Cancelled> {
        logs.truncate(MOST_LOGS);
        let axis = axis_of_all(logs.iter().map(|opened| &*opened.log));
        let mut clocks: Vec<Option<Arc<LogClock>>> = vec![None; logs.len()];
        let mut reference = None;
        // Those that say their date first: the others are set beside them.
        for dated in [true, false] {
            for (opened, clock) in logs.iter().zip(&mut clocks) {
                let (has_wall, has_day, _) = opened.log.kinds_of_time();
                if clock.is_none() && (has_wall || !has_day) == dated {
                    progress.tick(0, 1)?;
                    let made = LogClock::new(&opened.log, axis, reference);
                    if has_wall || opened.log.started().is_some() {
                        reference = reference.or(made.first_ns());
                    }
                    *clock = Some(Arc::new(made));
                }
            }
        }
        let clocks = clocks.into_iter().flatten();
        Self::ordered(axis, logs.into_iter().zip(clocks).collect(), progress)
    }

    /// The same logs with other offsets, in their order.
    pub fn with_offsets(
        &self,
        offsets: &[i64],
        progress: &dyn Progress,
    ) -> Result<Self, Cancelled> {
        let parts = self.parts.iter().zip(offsets).map(|(part, offset_ns)| {
            let opened = Opened {
                offset_ns: *offset_ns,
                ..part.opened.clone()
            };
            (opened, Arc::clone(&part.clock))
        });
        Self::ordered(self.axis, parts.collect(), progress)
    }

    /// The logs with their offsets.
    pub fn logs(&self) -> impl Iterator<Item = &Opened> {
        self.parts.iter().map(|part| &part.opened)
    }

    /// Which log each position is of.
    pub fn order(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.summary.n_rows).map(|position| {
            let mut parts = self.parts.iter();
            parts
                .position(|part| part.rows.contains(position))
                .unwrap_or(usize::MAX)
        })
    }

    /// The log and its row at a position.
    pub fn place_of(&self, position: u64) -> Option<(usize, u64)> {
        let mut parts = self.parts.iter().enumerate();
        let (log, part) = parts.find(|(_, part)| part.rows.contains(position))?;
        Some((log, part.rows.rank(position)))
    }

    fn ordered(
        axis: DensityAxis,
        logs: Vec<(Opened, Arc<LogClock>)>,
        progress: &dyn Progress,
    ) -> Result<Self, Cancelled> {
        let order = order(&logs, progress)?;
        let n_rows = order.winners.len() as u64;
        let (mut first_boot, mut first_crash) = (0_u32, 0_usize);
        let mut parts = Vec::with_capacity(logs.len());
        for (log, (opened, clock)) in (0_u8..).zip(logs) {
            let positions = (0_u64..).zip(&order.winners);
            let own = positions.filter(|(_, winner)| **winner == log);
            let own_summary = opened.log.summary();
            let n_boots = u32::try_from(own_summary.boots.len()).unwrap_or(u32::MAX);
            let n_crashes = own_summary.crashes.len();
            parts.push(Part {
                rows: RowSet::of(n_rows, own.map(|(position, _)| position)),
                opened,
                clock,
                first_boot,
                first_crash,
            });
            first_boot = first_boot.saturating_add(n_boots);
            first_crash = first_crash.saturating_add(n_crashes);
        }
        let summary = summarize(axis, &parts, n_rows, order.span_ns);
        Ok(Self {
            axis,
            parts,
            summary,
            filters: Mutex::default(),
        })
    }

    /// Positions of rows of each log.
    fn positions<'a>(&self, of_logs: impl IntoIterator<Item = &'a RowSet>) -> RowSet {
        let logs = self.parts.iter().zip(of_logs);
        let positions = logs.flat_map(|(part, wanted)| {
            let rows = (0_u64..).zip(part.rows.iter());
            let wanted = rows.filter(|(row, _)| wanted.contains(*row));
            wanted.map(|(_, position)| position)
        });
        RowSet::of(self.summary.n_rows, positions)
    }

    /// Positions that a filter lets through which is about the view, not about one log.
    fn of_view(
        &self,
        filter: &LogFilter,
        progress: &dyn Progress,
    ) -> Result<Option<RowSet>, Cancelled> {
        let n_rows = self.summary.n_rows;
        Ok(match filter {
            LogFilter::NearCrash { n_before, n_after } => {
                let near = self.summary.crashes.iter().flat_map(|crash| {
                    let end = crash.row.saturating_add(crash.n_rows);
                    crash.row.saturating_sub(*n_before)..end.saturating_add(*n_after)
                });
                Some(RowSet::of(n_rows, near))
            }
            LogFilter::Time { from_ns, to_ns } => {
                let mut found = Vec::with_capacity(self.parts.len());
                for part in &self.parts {
                    progress.tick(0, 1)?;
                    let log = &part.opened.log;
                    let offset = part.opened.offset_ns;
                    let times = part.clock.times(log);
                    let inside = times.filter(|(_, time)| {
                        time.is_some_and(|ns| {
                            (*from_ns..=*to_ns).contains(&ns.saturating_add(offset))
                        })
                    });
                    let rows = inside.map(|(row, _)| row);
                    found.push(RowSet::of(log.summary().n_rows, rows));
                }
                Some(self.positions(&found))
            }
            LogFilter::Rows { first, last } => {
                let end = last.saturating_add(1).min(n_rows);
                Some(RowSet::of(n_rows, *first..end))
            }
            LogFilter::Boot { first, last } => {
                let mut found = Vec::with_capacity(self.parts.len());
                for part in &self.parts {
                    let summary = part.opened.log.summary();
                    let boots = (part.first_boot..).zip(&summary.boots);
                    let ends = summary.boots.iter().skip(1).map(|boot| boot.row);
                    let rows = boots.zip(ends.chain([summary.n_rows]));
                    let wanted = rows.filter(|((boot, _), _)| (*first..=*last).contains(boot));
                    let rows = wanted.flat_map(|((_, boot), end)| boot.row..end);
                    found.push(RowSet::of(summary.n_rows, rows));
                }
                Some(self.positions(&found))
            }
            _ => None,
        })
    }

    fn kept_filters(&self) -> MutexGuard<'_, Vec<(Chip, Arc<RowSet>)>> {
        self.filters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

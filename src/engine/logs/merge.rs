//! Several logs merged by time into one view.
//!
//! What is kept of the order is, for each log, the set of its positions in the view: which row stands at a position, and at
//! which position a row stands, are counts in it. Two logs of 12.8 million rows take 6.4 MB.

use super::clock::{Axis, LogClock};
use super::filter::{Chip, FilterStack, LogFilter};
use super::matcher::Matcher;
use super::row_set::RowSet;
use super::session::{LogSession, RowTimes};
use super::shown::{Found, ShownLog};
use super::view::{LogBoot, LogCrash, LogPart, LogRestart, LogRow, LogSummary};
use crate::engine::queries::log_rows::log_row;
use crate::model::progress::{Cancelled, Progress};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Logs that can be merged.
pub const MOST_LOGS: usize = 12;
/// Filters whose rows are remembered.
const KEPT_FILTERS: usize = 24;
/// Modules that are listed.
const MOST_MODULES: usize = 1000;
/// Rows between two looks at whether it is cancelled.
const TICK: u64 = 1 << 16;

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
    axis: Axis,
    parts: Vec<Part>,
    summary: LogSummary,
    filters: Mutex<Vec<(Chip, Arc<RowSet>)>>,
}

impl MergedSession {
    /// Merges logs; of more than [`MOST_LOGS`] the first ones.
    pub fn new(mut logs: Vec<Opened>, progress: &dyn Progress) -> Result<Self, Cancelled> {
        logs.truncate(MOST_LOGS);
        let axis = Axis::of_all(logs.iter().map(|opened| &*opened.log));
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
        axis: Axis,
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

impl ShownLog for MergedSession {
    fn summary(&self) -> &LogSummary {
        &self.summary
    }

    fn levels(&self) -> Box<dyn Iterator<Item = u8> + '_> {
        let mut logs: Vec<_> = self
            .parts
            .iter()
            .map(|part| (&part.rows, part.opened.log.levels()))
            .collect();
        Box::new((0..self.summary.n_rows).filter_map(move |position| {
            let mut logs = logs.iter_mut();
            let (_, levels) = logs.find(|(rows, _)| rows.contains(position))?;
            levels.next()
        }))
    }

    fn visible(&self, stack: &FilterStack, progress: &dyn Progress) -> Found<Option<Arc<RowSet>>> {
        let unfolded = FilterStack {
            chips: Vec::new(),
            ..stack.clone()
        };
        let mut own = Vec::with_capacity(self.parts.len());
        let mut is_any = false;
        for part in &self.parts {
            let log = &part.opened.log;
            let rows = match log.visible(&unfolded, progress)? {
                Ok(rows) => rows,
                Err(error) => return Ok(Err(error)),
            };
            is_any |= rows.is_some();
            own.push(match rows {
                Some(rows) => RowSet::clone(&rows),
                None => RowSet::all(log.summary().n_rows),
            });
        }
        let mut all = is_any.then(|| self.positions(&own));
        for chip in stack.chips.iter().filter(|chip| !chip.is_off) {
            match self.rows_of(chip, progress)? {
                Ok(rows) => match &mut all {
                    None => all = Some(RowSet::clone(&rows)),
                    Some(all) => all.intersect(&rows),
                },
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(all.map(Arc::new)))
    }

    fn rows_of(&self, chip: &Chip, progress: &dyn Progress) -> Found<Arc<RowSet>> {
        let is_it = |kept: &Chip| kept.filter == chip.filter && kept.negated == chip.negated;
        let known = self
            .kept_filters()
            .iter()
            .find(|(kept, _)| is_it(kept))
            .cloned();
        if let Some((_, rows)) = known {
            return Ok(Ok(rows));
        }
        let rows = if let Some(mut rows) = self.of_view(&chip.filter, progress)? {
            if chip.negated {
                rows.invert();
            }
            rows
        } else {
            let mut own = Vec::with_capacity(self.parts.len());
            for part in &self.parts {
                match part.opened.log.rows_of(chip, progress)? {
                    Ok(rows) => own.push(rows),
                    Err(error) => return Ok(Err(error)),
                }
            }
            self.positions(own.iter().map(|rows| &**rows))
        };
        let rows = Arc::new(rows);
        let mut kept = self.kept_filters();
        kept.insert(0, (chip.clone(), Arc::clone(&rows)));
        kept.truncate(KEPT_FILTERS);
        Ok(Ok(rows))
    }

    fn row(&self, position: u64, matcher: Option<&Matcher>) -> Option<LogRow> {
        let (log, row) = self.place_of(position)?;
        let part = self.parts.get(log)?;
        let shown = log_row(&part.opened.log, row, matcher)?;
        let boot = |boot: u32| boot.saturating_add(part.first_boot);
        let first_boot = usize::try_from(part.first_boot).unwrap_or(usize::MAX);
        Some(LogRow {
            log,
            position,
            axis_ns: part.axis_ns(row, RowTimes::of(&shown.record)),
            boot: shown.boot.map(boot),
            starts_boot: shown
                .starts_boot
                .map(|index| index.saturating_add(first_boot)),
            crash: shown
                .crash
                .map(|index| index.saturating_add(part.first_crash)),
            ..shown
        })
    }

    fn n_folded_into(&self, position: u64) -> u64 {
        let place = self.place_of(position);
        let part = place.and_then(|(log, row)| Some((self.parts.get(log)?, row)));
        part.map_or(0, |(part, row)| part.opened.log.n_folded_into(row))
    }

    fn position(&self, log: usize, row: u64) -> u64 {
        let part = self.parts.get(log);
        part.and_then(|part| {
            let last = part.rows.len().saturating_sub(1);
            part.rows.nth(row.min(last))
        })
        .unwrap_or(0)
    }
}

/// Which log each position is of, and the first and last time.
struct Order {
    winners: Vec<u8>,
    span_ns: Option<(i64, i64)>,
}

/// Merges the rows: always the log whose next row is the earliest; of equal times the first log's.
fn order(logs: &[(Opened, Arc<LogClock>)], progress: &dyn Progress) -> Result<Order, Cancelled> {
    let n_rows = logs.iter().map(|(opened, _)| opened.log.summary().n_rows);
    let n_rows = n_rows.fold(0, u64::saturating_add);
    let mut times: Vec<_> = logs
        .iter()
        .map(|(opened, clock)| {
            let offset = opened.offset_ns;
            let times = clock.merge_times(&opened.log);
            times.map(move |ns| ns.saturating_add(offset)).peekable()
        })
        .collect();
    let mut winners = Vec::with_capacity(usize::try_from(n_rows).unwrap_or(0));
    let mut span_ns: Option<(i64, i64)> = None;
    loop {
        if (winners.len() as u64).is_multiple_of(TICK) {
            progress.tick(winners.len() as u64, n_rows)?;
        }
        let mut first: Option<(u8, i64)> = None;
        for (log, times) in (0_u8..).zip(&mut times) {
            if let Some(ns) = times.peek()
                && first.is_none_or(|(_, least)| *ns < least)
            {
                first = Some((log, *ns));
            }
        }
        let Some((log, ns)) = first else {
            return Ok(Order { winners, span_ns });
        };
        _ = times.get_mut(usize::from(log)).and_then(Iterator::next);
        winners.push(log);
        let has_times = logs
            .get(usize::from(log))
            .is_some_and(|(_, clock)| clock.first_ns().is_some());
        if has_times {
            let known = span_ns.get_or_insert((ns, ns));
            known.1 = ns;
        }
    }
}

/// Says what all of them hold together.
fn summarize(axis: Axis, parts: &[Part], n_rows: u64, span_ns: Option<(i64, i64)>) -> LogSummary {
    let names: Vec<&str> = parts.iter().map(|part| part.opened.name.as_str()).collect();
    let mut summary = LogSummary {
        name: names.join(" + "),
        n_rows,
        is_complete: true,
        span_ns,
        is_wall_clock: axis != Axis::SinceStart,
        axis: axis.words().to_owned(),
        ..LogSummary::default()
    };
    let mut modules: BTreeMap<String, u64> = BTreeMap::new();
    let mut labels: Vec<String> = Vec::new();
    for (log, part) in parts.iter().enumerate() {
        let own = part.opened.log.summary();
        let position = |row: u64| part.rows.nth(row).unwrap_or(0);
        for (all, n) in summary.n_by_level.iter_mut().zip(own.n_by_level) {
            *all = all.saturating_add(n);
        }
        let add = |all: &mut u64, n: u64| *all = all.saturating_add(n);
        add(&mut summary.n_bytes.0, own.n_bytes.0);
        add(&mut summary.n_bytes.1, own.n_bytes.1);
        add(&mut summary.n_dropped.0, own.n_dropped.0);
        add(&mut summary.n_dropped.1, own.n_dropped.1);
        add(&mut summary.n_undecoded, own.n_undecoded);
        summary.boots.extend(own.boots.iter().map(|boot| LogBoot {
            log,
            row: position(boot.row),
            ..boot.clone()
        }));
        summary.crashes.extend(own.crashes.iter().map(|crash| {
            let row = position(crash.row);
            let last = crash.row.saturating_add(crash.n_rows.saturating_sub(1));
            LogCrash {
                log,
                row,
                n_rows: position(last).saturating_sub(row).saturating_add(1),
                ..crash.clone()
            }
        }));
        summary
            .restarts
            .extend(own.restarts.iter().map(|restart| LogRestart {
                row: position(restart.row),
                ..restart.clone()
            }));
        for (module, n) in &own.modules {
            let all = modules.entry(module.clone()).or_default();
            *all = all.saturating_add(*n);
        }
        if !labels.contains(&own.format_label) {
            labels.push(own.format_label.clone());
        }
        summary.needs.extend(own.needs.iter().cloned());
        summary.warnings.extend(own.warnings.iter().cloned());
        summary.parts.push(LogPart {
            name: part.opened.name.clone(),
            n_rows: own.n_rows,
            offset_ns: part.opened.offset_ns,
            first_boot: part.first_boot,
            clock: part.clock.words().to_owned(),
        });
    }
    summary.needs.dedup();
    summary.format_label = labels.join(", ");
    let mut modules: Vec<(String, u64)> = modules.into_iter().collect();
    modules.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    modules.truncate(MOST_MODULES);
    summary.modules = modules;
    summary
}

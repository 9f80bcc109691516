//! What the window asks of merged logs.

use super::print::{Wanted, print};
use super::{KEPT_FILTERS, MergedSession};
use crate::engine::logs::filter::{Chip, FilterStack};
use crate::engine::logs::matcher::Matcher;
use crate::engine::logs::moment::Moments;
use crate::engine::logs::open_log::{LogError, LogStyle, Part};
use crate::engine::logs::row_set::RowSet;
use crate::engine::logs::selection::Selection;
use crate::engine::logs::session::{ListedRows, RowTimes};
use crate::engine::logs::shown::{Found, ShownLog};
use crate::engine::logs::view::{LogDensity, LogRow, LogSummary};
use crate::engine::queries::log_rows::log_row;
use crate::model::progress::{Cancelled, Progress};
use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

impl ShownLog for MergedSession {
    fn summary(&self) -> &LogSummary {
        &self.summary
    }

    fn density(&self, n_buckets: u32, progress: &dyn Progress) -> Result<LogDensity, Cancelled> {
        self.density_of(n_buckets, progress)
    }

    /// Blocks of data are folded as in each log. Runs of one message are not: others stand between them.
    fn listed(&self, stack: &FilterStack, progress: &dyn Progress) -> Found<ListedRows> {
        let own_stack = FilterStack {
            chips: Vec::new(),
            folds: false,
            ..stack.clone()
        };
        let mut own = Vec::with_capacity(self.parts.len());
        let mut is_any = false;
        for (log, part) in self.parts.iter().enumerate() {
            let unfolded = stack.unfolded.iter().filter_map(|position| {
                let (of, row) = self.place_of(*position)?;
                (of == log).then_some(row)
            });
            let own_stack = FilterStack {
                unfolded: unfolded.collect(),
                ..own_stack.clone()
            };
            let session = &part.opened.log;
            let rows = match session.let_through(&own_stack, progress)? {
                Ok(rows) => rows,
                Err(error) => return Ok(Err(error)),
            };
            is_any |= rows.is_some();
            own.push(match rows {
                Some(rows) => RowSet::clone(&rows),
                None => RowSet::all(session.summary().n_rows),
            });
        }
        let mut all = is_any.then(|| self.positions(&own));
        for chip in stack.chips.iter().filter(|chip| !chip.is_off) {
            // A filter that cannot be read hides nothing.
            if matches!(Matcher::of_filter(&chip.filter), Some(Err(_))) {
                continue;
            }
            match self.rows_of(chip, progress)? {
                Ok(rows) => match &mut all {
                    None => all = Some(RowSet::clone(&rows)),
                    Some(all) => all.intersect(&rows),
                },
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(ListedRows::unfolded(
            self.summary.n_rows,
            all.map(Arc::new),
        )))
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
        let first_boot = usize::try_from(part.first_boot).unwrap_or(usize::MAX);
        Some(LogRow {
            log,
            position,
            axis_ns: part.axis_ns(row, RowTimes::of(&shown.record)),
            boot: shown.boot.map(|boot| boot.saturating_add(part.first_boot)),
            starts_boot: shown
                .starts_boot
                .map(|index| index.saturating_add(first_boot)),
            crash: shown
                .crash
                .map(|index| index.saturating_add(part.first_crash)),
            ..shown
        })
    }

    fn line(&self, position: u64) -> Option<Vec<u8>> {
        let (log, row) = self.place_of(position)?;
        let part = self.parts.get(log)?;
        let mut line = format!("{}: ", part.opened.name).into_bytes();
        line.extend_from_slice(&part.opened.log.line(row)?);
        Some(line)
    }

    fn print_rows(
        &self,
        positions: Option<&RowSet>,
        style: LogStyle,
        out: &mut dyn Write,
        progress: &dyn Progress,
    ) -> Result<u64, LogError> {
        let wanted = Wanted {
            selection: &Selection::default(),
            positions,
        };
        Ok(print(self, wanted, style, Part::All, out, progress)?.n_rows)
    }

    fn n_folded_into(&self, position: u64) -> u64 {
        let place = self.place_of(position);
        let part = place.and_then(|(log, row)| Some((self.parts.get(log)?, row)));
        part.map_or(0, |(part, row)| part.opened.log.n_folded_into(row))
    }

    fn head_of_data(&self, position: u64) -> u64 {
        let head = self.place_of(position).and_then(|(log, row)| {
            let part = self.parts.get(log)?;
            part.rows.nth(part.opened.log.head_of_data(row))
        });
        head.unwrap_or(position)
    }

    fn position(&self, log: usize, row: u64) -> u64 {
        let part = self.parts.get(log);
        part.and_then(|part| {
            let last = part.rows.len().saturating_sub(1);
            part.rows.nth(row.min(last))
        })
        .unwrap_or(0)
    }

    fn position_at(&self, _offset: u64) -> Option<u64> {
        None
    }

    fn moments(&self) -> Moments {
        Moments {
            axis: self.axis,
            span: self.summary.span_ns.unwrap_or((0, 0)),
            boots: Vec::new(),
        }
    }

    fn place_on_axis(&self, position: u64) -> Option<i64> {
        self.nearest_time(position)
    }

    fn first_row_since(&self, ns: i64, positions: Range<u64>) -> Option<(u64, i64)> {
        self.first_since(ns, positions)
    }
}

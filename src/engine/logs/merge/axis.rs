//! Merged logs along their axis.

use super::{MergedSession, Part};
use crate::engine::logs::session::RowTimes;
use crate::engine::logs::view::{DensityAxis, LogDensity};
use crate::model::progress::{Cancelled, Progress};
use std::ops::Range;

/// Parts that the axis is divided into at most.
const MOST_BUCKETS: u32 = 4096;
/// Rows that are looked at to find one that says its time.
const MOST_BACK: u64 = 1000;
/// Rows between two looks at whether it is cancelled.
const TICK: u64 = 1 << 16;

impl MergedSession {
    /// Rows along the axis by level.
    pub(super) fn density_of(
        &self,
        n_buckets: u32,
        progress: &dyn Progress,
    ) -> Result<LogDensity, Cancelled> {
        let n_rows = self.summary.n_rows;
        let (axis, span) = match self.summary.span_ns {
            Some(span) => (self.axis, span),
            None => (DensityAxis::Rows, (0, signed(n_rows.saturating_sub(1)))),
        };
        let n_buckets = usize::try_from(n_buckets.clamp(1, MOST_BUCKETS)).unwrap_or(1);
        let mut density = LogDensity {
            axis,
            span,
            buckets: vec![[0; 7]; n_buckets],
            ..LogDensity::default()
        };
        for part in &self.parts {
            let log = &part.opened.log;
            let mut levels = log.levels();
            for ((row, time), position) in part.clock.times(log).zip(part.rows.iter()) {
                if row.is_multiple_of(TICK) {
                    progress.tick(position, n_rows)?;
                }
                let level = levels.next().unwrap_or(6);
                let place = match axis {
                    DensityAxis::Rows => Some(signed(position)),
                    _ => time.map(|ns| ns.saturating_add(part.opened.offset_ns)),
                };
                match place {
                    Some(place) => add(&mut density, place, level),
                    None => density.n_without = density.n_without.saturating_add(1),
                }
            }
        }
        let place = |position: u64| match axis {
            DensityAxis::Rows => signed(position),
            _ => self.nearest_time(position).unwrap_or(span.0),
        };
        let crashes = self.summary.crashes.iter();
        density.crashes = crashes.map(|crash| place(crash.row)).collect();
        density.boots = self
            .summary
            .boots
            .iter()
            .map(|boot| place(boot.row))
            .collect();
        Ok(density)
    }

    /// Where a position lies on the axis: its time, or that of one near before it; of the first ones where there is none.
    pub(super) fn nearest_time(&self, position: u64) -> Option<i64> {
        let (first, _) = self.summary.span_ns?;
        let mut found = None;
        for back in 0..MOST_BACK {
            let Some(position) = position.checked_sub(back) else {
                break;
            };
            found = self.time_at(position);
            if found.is_some() {
                break;
            }
        }
        Some(found.unwrap_or(first))
    }

    fn time_at(&self, position: u64) -> Option<i64> {
        let (log, row) = self.place_of(position)?;
        let part = self.parts.get(log)?;
        let (_, record, _) = part.opened.log.record(row)?;
        part.axis_ns(row, RowTimes::of(&record))
    }

    /// The first of some positions whose time is this or later.
    pub(super) fn first_since(&self, ns: i64, positions: Range<u64>) -> Option<(u64, i64)> {
        let firsts = self.parts.iter().filter_map(|part| {
            let (row, time) = first_of_part(part, ns, &positions)?;
            Some((part.rows.nth(row)?, time))
        });
        firsts
            .filter(|(position, _)| positions.contains(position))
            .min()
    }
}

fn first_of_part(part: &Part, ns: i64, positions: &Range<u64>) -> Option<(u64, i64)> {
    let first_row = part.rows.rank(positions.start);
    let mut times = part.clock.times(&part.opened.log);
    times.find_map(|(row, time)| {
        let time = time?.saturating_add(part.opened.offset_ns);
        (row >= first_row && time >= ns).then_some((row, time))
    })
}

/// Counts a row in its part of the axis.
fn add(density: &mut LogDensity, place: i64, level: u8) {
    let width = i128::from(density.span.1)
        .saturating_sub(density.span.0.into())
        .saturating_add(1);
    let at = i128::from(place).saturating_sub(density.span.0.into());
    let n_buckets = density.buckets.len() as i128;
    let bucket = at.saturating_mul(n_buckets).checked_div(width.max(1));
    let bucket = usize::try_from(bucket.unwrap_or(0)).unwrap_or(0);
    let counts = density.buckets.get_mut(bucket);
    if let Some(n) = counts.and_then(|counts| counts.get_mut(usize::from(level))) {
        *n = n.saturating_add(1);
    }
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

//! The time axis of a log: which one it has, where boots lie on it, and the rows of a span of it.
//!
//! A log has one axis: that of which most of its rows say the time. An uptime begins at 0 with each boot, so boots are laid
//! one behind the other, each where the one before it ended: how long the device was off is not known.

use super::LogSession;
use super::blocks::{INDEXED_EVERY, IndexedBlock};
use super::time_index::{FURTHEST_RECORD, GroupTimes, Heads, TIME_AXES, own_time};
use crate::engine::logs::moment::Moments;
use crate::engine::logs::selection::{boot_at, decode_rows};
use crate::engine::logs::view::DensityAxis;
use crate::engine::parallel;
use crate::model::log::{LogRecord, RowKind};
use crate::model::progress::{Cancelled, Progress};
use std::ops::Range;

/// Groups of rows that are looked at to find the record of one row.
const MOST_BACK: usize = 4;

/// The axis of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Axis {
    /// What it counts; [`DensityAxis::Rows`] when no row says a time.
    pub(super) kind: DensityAxis,
    /// Where each boot begins on an axis of uptimes; the first is what comes before the first boot.
    starts: Vec<i64>,
    /// First and last time.
    pub(super) span: Option<(i64, i64)>,
}

/// Some rows of a block that are looked at together.
struct Group<'a> {
    block: &'a IndexedBlock,
    index: usize,
    first_row: u64,
    n_rows: u64,
    /// On the axis of the log; `None` when a boot begins among them, so that each row has to be looked at.
    times: Option<GroupTimes>,
    n_timed: u64,
}

impl LogSession {
    /// Finds the axis; blocks and boots are known.
    pub(super) fn find_axis(&self) -> Axis {
        let all = |kind: DensityAxis| {
            let mut all = GroupTimes::NONE;
            for block in &self.blocks {
                let times = block.facts.times.all(kind);
                all.low = all.low.min(times.low);
                all.high = all.high.max(times.high);
                all.n = all.n.saturating_add(times.n);
            }
            all
        };
        let mut best: Option<(DensityAxis, GroupTimes)> = None;
        for kind in TIME_AXES {
            let times = all(kind);
            if times.n > best.as_ref().map_or(0, |(_, best)| best.n) {
                best = Some((kind, times));
            }
        }
        let Some((kind, times)) = best else {
            return Axis::default();
        };
        if kind != DensityAxis::Uptime {
            return Axis {
                kind,
                starts: Vec::new(),
                span: Some((times.low, times.high)),
            };
        }
        let mut longest: Vec<Option<i64>> = vec![None; self.boots.len().saturating_add(1)];
        let parts = || {
            self.blocks
                .iter()
                .flat_map(|block| &block.facts.times.parts)
        };
        for (part, times) in parts() {
            if let Some(longest) = longest.get_mut(*part) {
                *longest = (*longest).max(Some(times.high));
            }
        }
        let mut start = 0_i64;
        let mut starts = Vec::with_capacity(longest.len());
        for longest in longest {
            starts.push(start);
            // One later than its last row: no time is of two boots.
            let len = longest.map_or(0, |longest| longest.saturating_add(1));
            start = start.saturating_add(len);
        }
        let mut span: Option<(i64, i64)> = None;
        for (part, times) in parts() {
            let start = starts.get(*part).copied().unwrap_or(0);
            let (low, high) = (
                times.low.saturating_add(start),
                times.high.saturating_add(start),
            );
            let known = span.get_or_insert((low, high));
            *known = (known.0.min(low), known.1.max(high));
        }
        Axis { kind, starts, span }
    }

    /// Where each boot begins on the axis, as far as that follows from the uptimes alone.
    pub(super) fn boot_starts(&self) -> &[i64] {
        self.axis.starts.get(1..).unwrap_or(&[])
    }

    /// The axis, as far as it takes to read and write times of it.
    pub fn moments(&self) -> Moments {
        let boots = if self.axis.kind == DensityAxis::Uptime {
            self.boot_starts().to_vec()
        } else {
            Vec::new()
        };
        Moments {
            axis: self.axis.kind,
            span: self.axis.span.unwrap_or((0, 0)),
            boots,
        }
    }

    /// The time of a row on the axis of the log, in nanoseconds; `offset` is where it begins.
    pub fn axis_ns(&self, row: u64, record: &LogRecord, offset: u64) -> Option<i64> {
        if self.axis.kind == DensityAxis::Rows {
            return None;
        }
        let is_behind_boot = || {
            let begun = |before: u64| self.boots.partition_point(|boot| boot.offset <= before);
            begun(offset) > begun(offset.saturating_sub(FURTHEST_RECORD))
        };
        let has_time = own_time(record, self.axis.kind).is_some();
        if record.kind != RowKind::Continuation || has_time && !is_behind_boot() {
            return self.time_at(record, offset);
        }
        // Whether its record is of the same boot can only be seen from there; further off it is not looked for row by row.
        let index = self.blocks.partition_point(|block| block.first_row <= row);
        let block = self.blocks.get(index.checked_sub(1)?)?;
        let inside = row.checked_sub(block.first_row)?;
        let group = usize::try_from(inside / INDEXED_EVERY).ok()?;
        let first = group.saturating_sub(MOST_BACK);
        let within = block.facts.begins_inside.get(first..=group)?;
        let group = self.groups(block).nth(group)?;
        if group.n_timed == 0 || within.iter().all(|is_inside| *is_inside) {
            return None;
        }
        let mut found = None;
        self.decode_group(&group, |other, ns| {
            if other == row {
                found = ns;
            }
        });
        found
    }

    /// The time that a record says, on the axis.
    fn time_at(&self, record: &LogRecord, offset: u64) -> Option<i64> {
        let own = own_time(record, self.axis.kind)?;
        Some(own.saturating_add(self.start_at(offset)))
    }

    /// What is added to the uptimes of the boot that a byte belongs to.
    fn start_at(&self, offset: u64) -> i64 {
        let boot = boot_at(&self.boots, offset).and_then(|boot| usize::try_from(boot).ok());
        let part = boot.map_or(0, |boot| boot.saturating_add(1));
        self.axis.starts.get(part).copied().unwrap_or(0)
    }

    fn groups<'a>(&'a self, block: &'a IndexedBlock) -> impl Iterator<Item = Group<'a>> {
        let offsets = &block.facts.offsets;
        let is_uptime = self.axis.kind == DensityAxis::Uptime;
        (0..offsets.len()).map(move |index| {
            let start = offsets.get(index).copied().unwrap_or(0);
            let end = offsets
                .get(index.saturating_add(1))
                .copied()
                .unwrap_or(block.range.end as u64);
            let before = (index as u64).saturating_mul(INDEXED_EVERY);
            let times = block.facts.times.group(self.axis.kind, index);
            let has_boot = || {
                let next = self.boots.partition_point(|boot| boot.offset <= start);
                self.boots.get(next).is_some_and(|boot| boot.offset < end)
            };
            let shift = if is_uptime { self.start_at(start) } else { 0 };
            Group {
                block,
                index,
                first_row: block.first_row.saturating_add(before),
                n_rows: block.facts.n_rows.saturating_sub(before).min(INDEXED_EVERY),
                times: (!is_uptime || !has_boot()).then_some(GroupTimes {
                    low: times.low.saturating_add(shift),
                    high: times.high.saturating_add(shift),
                    n: times.n,
                }),
                n_timed: times.n,
            }
        })
    }

    /// Calls `each` with number and time of the rows of a group.
    fn decode_group(&self, group: &Group<'_>, mut each: impl FnMut(u64, Option<i64>)) {
        let facts = &group.block.facts;
        // A line without a head has the time of its record, which may stand in a group before.
        let mut first = group.index;
        while first > 0 && facts.begins_inside.get(first) == Some(&true) {
            first = first.saturating_sub(1);
        }
        let offset = |index: usize| {
            let offset = facts.offsets.get(index).copied();
            offset.and_then(|offset| usize::try_from(offset).ok())
        };
        let start = offset(first).unwrap_or(group.block.range.start);
        let end = offset(group.index.saturating_add(1)).unwrap_or(group.block.range.end);
        let skipped = (first as u64).saturating_mul(INDEXED_EVERY);
        let mut row = group.block.first_row.saturating_add(skipped);
        let is_uptime = self.axis.kind == DensityAxis::Uptime;
        let mut heads = Heads::at(&self.boots, start as u64);
        let mut n_boots = self
            .boots
            .partition_point(|boot| boot.offset < start as u64);
        decode_rows(
            &self.piece(start..end),
            self.format,
            &self.dictionaries,
            |place, record| {
                let at = start.saturating_add(place.start) as u64;
                while self
                    .boots
                    .get(n_boots)
                    .is_some_and(|boot| boot.offset <= at)
                {
                    n_boots = n_boots.saturating_add(1);
                }
                let has_own = heads.boot_of(n_boots, record).is_some() || !is_uptime;
                if row >= group.first_row {
                    each(row, self.time_at(record, at).filter(|_| has_own));
                }
                row = row.saturating_add(1);
            },
        );
    }

    /// The rows of some blocks that are in a span of the axis, both ends with it. Only what lies across one of its ends, or
    /// has rows without a time, is decoded.
    pub(super) fn rows_between(
        &self,
        (from, to): (i64, i64),
        blocks: &[IndexedBlock],
        progress: &dyn Progress,
    ) -> Result<Vec<u64>, Cancelled> {
        let found = parallel::in_order(blocks, progress, |block, progress| {
            progress.tick(0, 1)?;
            let mut found = Vec::new();
            for group in self.groups(block) {
                let rows = group.first_row..group.first_row.saturating_add(group.n_rows);
                match group.times {
                    _ if group.n_timed == 0 => {}
                    Some(times) if times.high < from || times.low > to => {}
                    Some(times)
                        if times.low >= from && times.high <= to && times.n == group.n_rows =>
                    {
                        found.extend(rows);
                    }
                    _ => self.decode_group(&group, |row, ns| {
                        found.extend(ns.filter(|ns| (from..=to).contains(ns)).map(|_| row));
                    }),
                }
            }
            Ok(found)
        })?;
        Ok(found.into_iter().flatten().collect())
    }

    /// The first of some rows whose time is this or later, and its time.
    pub fn first_row_since(&self, ns: i64, rows: Range<u64>) -> Option<(u64, i64)> {
        let first = self
            .blocks
            .partition_point(|block| block.end_row() <= rows.start);
        for block in self.blocks.get(first..)? {
            for group in self.groups(block) {
                if group.first_row >= rows.end {
                    return None;
                }
                let is_before = group.times.is_some_and(|times| times.high < ns);
                let ends_before = group.first_row.saturating_add(group.n_rows) <= rows.start;
                if group.n_timed == 0 || is_before || ends_before {
                    continue;
                }
                let mut found = None;
                self.decode_group(&group, |row, time| {
                    if let Some(time) = time.filter(|time| *time >= ns && rows.contains(&row)) {
                        found.get_or_insert((row, time));
                    }
                });
                if found.is_some() {
                    return found;
                }
            }
        }
        None
    }

    /// Where a row lies on the axis: its time, or that of the last row before it which has one, else of the first one.
    pub fn place_on_axis(&self, row: u64) -> Option<i64> {
        let n_blocks = self.blocks.partition_point(|block| block.first_row <= row);
        for block in self.blocks.get(..n_blocks)?.iter().rev() {
            let groups: Vec<Group<'_>> = self.groups(block).collect();
            for group in groups.into_iter().rev() {
                if group.n_timed == 0 || group.first_row > row {
                    continue;
                }
                let mut found = None;
                self.decode_group(&group, |other, ns| {
                    if other <= row {
                        found = ns.or(found);
                    }
                });
                if found.is_some() {
                    return found;
                }
            }
        }
        self.axis.span.map(|(first, _)| first)
    }

    /// Rows by level in equal parts of the axis of time, and how many rows have no time.
    pub(super) fn by_time(
        &self,
        span: (i64, i64),
        n_buckets: usize,
        progress: &dyn Progress,
    ) -> Result<(Vec<[u32; 7]>, u64), Cancelled> {
        let bucket_of = |ns: i64| {
            let width = i128::from(span.1)
                .saturating_sub(span.0.into())
                .saturating_add(1);
            let at = i128::from(ns).saturating_sub(span.0.into());
            let bucket = at
                .saturating_mul(n_buckets as i128)
                .checked_div(width.max(1));
            usize::try_from(bucket.unwrap_or(0)).unwrap_or(0)
        };
        let add = |buckets: &mut [[u32; 7]], bucket: usize, level: u8| {
            let counts = buckets.get_mut(bucket);
            if let Some(n) = counts.and_then(|counts| counts.get_mut(usize::from(level))) {
                *n = n.saturating_add(1);
            }
        };
        let blocks = parallel::in_order(&self.blocks, progress, |block, progress| {
            progress.tick(0, 1)?;
            let mut buckets = vec![[0_u32; 7]; n_buckets];
            let mut n_timed: u64 = 0;
            let level_of = |row: u64| {
                let inside = usize::try_from(row.saturating_sub(block.first_row)).ok()?;
                block.facts.levels.get(inside).copied()
            };
            for group in self.groups(block) {
                n_timed = n_timed.saturating_add(group.n_timed);
                let whole = group.times.filter(|times| times.n == group.n_rows);
                match whole {
                    _ if group.n_timed == 0 => {}
                    Some(times) if bucket_of(times.low) == bucket_of(times.high) => {
                        let end = group.first_row.saturating_add(group.n_rows);
                        for level in (group.first_row..end).filter_map(level_of) {
                            add(&mut buckets, bucket_of(times.low), level);
                        }
                    }
                    _ => self.decode_group(&group, |row, ns| {
                        if let Some((ns, level)) = ns.zip(level_of(row)) {
                            add(&mut buckets, bucket_of(ns), level);
                        }
                    }),
                }
            }
            Ok((buckets, n_timed))
        })?;
        let mut all = vec![[0_u32; 7]; n_buckets];
        let mut n_timed: u64 = 0;
        for (buckets, n) in blocks {
            n_timed = n_timed.saturating_add(n);
            for (all, own) in all.iter_mut().flatten().zip(buckets.iter().flatten()) {
                *all = all.saturating_add(*own);
            }
        }
        Ok((all, self.summary.n_rows.saturating_sub(n_timed)))
    }
}

//! A cell with its blocks still packed, and what can be asked of it.

use super::bytes::Malformed;
use super::cell::{add_to_summary, present_ranges};
use super::codec::Decoder;
use super::filter::IdFilter;
use super::key::{CellKey, GROUP_DEVICES};
use super::loaded::damaged;
use super::summary::{RowSummary, Stats, Summary};
use crate::model::series::{Column, Values};
use crate::store::error::StoreError;
use std::ops::Range;

/// Values that are compared at once.
const EQUAL_AT_ONCE: usize = 32;

/// One block of a column.
pub(super) struct StoredBlock {
    pub(super) id: i64,
    pub(super) summary: Vec<u8>,
    pub(super) data: Vec<u8>,
}

/// A cell with the blocks that a question needs.
pub(super) struct PackedCell {
    pub(super) key: CellKey,
    pub(super) rows: RowSummary,
    pub(super) lengths: Vec<u32>,
    pub(super) times: Option<StoredBlock>,
    pub(super) versions: Option<StoredBlock>,
    pub(super) hardware: Option<StoredBlock>,
    pub(super) columns: Vec<StoredBlock>,
}

/// What a cell has of one version.
pub(super) struct VersionShare {
    pub(super) version: u32,
    pub(super) n_rows: u64,
    /// The devices: a bit for each place in the group.
    pub(super) slots: u128,
}

impl PackedCell {
    /// Bytes of its blocks.
    pub(super) fn n_bytes(&self) -> usize {
        let others = [&self.times, &self.versions, &self.hardware];
        let blocks = others.into_iter().flatten().chain(&self.columns);
        blocks.map(|block| block.data.len()).sum()
    }

    /// Place in the group and rows of each device that has any.
    pub(super) fn runs(&self) -> impl Iterator<Item = (u8, Range<usize>)> {
        let mut start = 0;
        self.rows.runs.iter().map(move |(slot, n)| {
            let run = start..start + *n as usize;
            start = run.end;
            (*slot, run)
        })
    }

    /// The number and the rows of each device that has any.
    pub(super) fn device_runs(&self) -> impl Iterator<Item = (u32, Range<usize>)> {
        let first = self.key.group * GROUP_DEVICES;
        self.runs()
            .map(move |(slot, run)| (first + u32::from(slot), run))
    }

    /// The time of each row.
    pub(super) fn times(&self, decoder: &mut Decoder) -> Result<Vec<i64>, StoreError> {
        match self
            .unpack(self.times.as_ref(), decoder)?
            .map(|column| column.values)
        {
            Some(Values::I64(times)) => Ok(times),
            _ => Err(self.damaged("its times are no times")),
        }
    }

    /// The version of all rows, where they have the same.
    fn only_version(&self) -> Option<u32> {
        let mut versions = self.rows.versions.keys();
        let first = versions.next()?;
        versions.next().is_none().then_some(*first)
    }

    /// The version of each row; 0 is not known.
    pub(super) fn versions(&self, decoder: &mut Decoder) -> Result<Vec<u32>, StoreError> {
        let Some(known) = self.rows.versions_of_rows() else {
            return self.ids(self.versions.as_ref(), decoder);
        };
        let rows = known.into_iter();
        Ok(rows
            .flat_map(|(version, n)| std::iter::repeat_n(version, n))
            .collect())
    }

    /// The rows of ranges whose version is wanted.
    fn of_versions(
        &self,
        ranges: &[Range<usize>],
        filter: &IdFilter,
        decoder: &mut Decoder,
    ) -> Result<Vec<Range<usize>>, StoreError> {
        let Some(known) = self.rows.versions_of_rows() else {
            let versions = self.ids(self.versions.as_ref(), decoder)?;
            return Ok(self.narrowed(ranges, &versions, |of| filter.takes_version(of)));
        };
        let mut kept = Vec::new();
        let (mut start, mut cuts) = (0, Cuts::of(ranges));
        for (version, n) in known {
            let rows = start..start + n;
            start = rows.end;
            if filter.takes_version(version) {
                cuts.each(&rows, |part| keep(&mut kept, part));
            }
        }
        Ok(kept)
    }

    /// A column of ids, 0 where there is none.
    fn ids(
        &self,
        block: Option<&StoredBlock>,
        decoder: &mut Decoder,
    ) -> Result<Vec<u32>, StoreError> {
        let column = self.unpack(block, decoder)?;
        Ok(match column.map(|column| (column.values, column.present)) {
            Some((Values::I32(ids), None)) => ids
                .into_iter()
                .map(|id| id.max(0).cast_unsigned())
                .collect(),
            Some((values, present)) => super::cell::whole_or_zero(&Column { values, present }),
            None => vec![0; self.rows.n_rows()],
        })
    }

    /// The values of the metric, by type.
    pub(super) fn values(&self, decoder: &mut Decoder) -> Result<Vec<Column>, StoreError> {
        let columns = self
            .columns
            .iter()
            .map(|block| self.unpack(Some(block), decoder));
        Ok(columns
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect())
    }

    fn unpack(
        &self,
        block: Option<&StoredBlock>,
        decoder: &mut Decoder,
    ) -> Result<Option<Column>, StoreError> {
        let Some(block) = block else {
            return Ok(None);
        };
        let column = decoder.decode(&block.data, &self.lengths);
        Ok(Some(
            column.map_err(|malformed| damaged(block.id, malformed))?,
        ))
    }

    /// Says that the rows of the cell are not as they were written.
    pub(super) fn damaged(&self, what: &'static str) -> StoreError {
        damaged(
            self.times.as_ref().map_or(0, |block| block.id),
            Malformed(what),
        )
    }

    /// The rows that a filter lets through, as ranges in order.
    pub(super) fn selected(
        &self,
        filter: &IdFilter,
        decoder: &mut Decoder,
    ) -> Result<Vec<Range<usize>>, StoreError> {
        let mut ranges = Vec::new();
        if self.rows.n_rows() > 0 {
            ranges.push(0..self.rows.n_rows());
        }
        if filter.cuts(&self.rows) {
            let times = self.times(decoder)?;
            ranges = self.narrowed(&ranges, &times, |time| filter.takes_time(time));
        }
        let versions = &self.rows.versions;
        if !versions.keys().all(|of| filter.takes_version(*of)) {
            if !versions.keys().any(|of| filter.takes_version(*of)) {
                return Ok(Vec::new());
            }
            ranges = self.of_versions(&ranges, filter, decoder)?;
        }
        if let Some(wanted) = &filter.hardware {
            let hardware = self.ids(self.hardware.as_ref(), decoder)?;
            ranges = self.narrowed(&ranges, &hardware, |id| wanted.contains(&id));
        }
        Ok(ranges)
    }

    /// The rows of ranges whose value is wanted. Device by device, which mostly have one version and one hardware in a day.
    fn narrowed<T: Copy + PartialEq>(
        &self,
        ranges: &[Range<usize>],
        values: &[T],
        is_wanted: impl Fn(T) -> bool,
    ) -> Vec<Range<usize>> {
        let mut kept: Vec<Range<usize>> = Vec::new();
        let mut cuts = Cuts::of(ranges);
        for (_, run) in self.runs() {
            cuts.each(&run, |part| {
                for_each_equal(values, &part, |value, rows| {
                    if is_wanted(value) {
                        keep(&mut kept, rows);
                    }
                });
            });
        }
        kept
    }

    /// Statistics of the rows that a filter lets through.
    pub(super) fn summary(
        &self,
        filter: &IdFilter,
        decoder: &mut Decoder,
    ) -> Result<Summary, StoreError> {
        let mut summary = Summary::default();
        let selected = self.selected(filter, decoder)?;
        if selected.is_empty() {
            return Ok(summary);
        }
        let versions = self.versions(decoder)?;
        for column in self.values(decoder)? {
            for range in &selected {
                for_each_equal(&versions, range, |version, rows| {
                    add_to_summary(&mut summary, version, &column, rows);
                });
            }
        }
        Ok(summary)
    }

    /// The stored statistics of all versions.
    pub(super) fn stored_stats(&self) -> Result<Vec<Stats>, StoreError> {
        let mut all = Vec::new();
        for block in &self.columns {
            let stored =
                Summary::read(&block.summary).map_err(|malformed| damaged(block.id, malformed))?;
            all.extend(stored.by_version.into_iter().map(|(_, stats)| stats));
        }
        Ok(all)
    }

    /// The devices that have rows: a bit for each place in the group.
    pub(super) fn slots(&self) -> u128 {
        let used = self.rows.runs.iter().filter(|(_, n)| *n > 0);
        used.fold(0, |slots, (slot, _)| slots | slot_bit(*slot))
    }

    /// Rows and devices of each version, of what a filter lets through.
    pub(super) fn version_shares(
        &self,
        filter: &IdFilter,
        decoder: &mut Decoder,
    ) -> Result<Vec<VersionShare>, StoreError> {
        if let Some(version) = self.only_version()
            && !filter.needs_rows(&self.rows)
        {
            let share = VersionShare {
                version,
                n_rows: self.rows.n_rows() as u64,
                slots: self.slots(),
            };
            let is_wanted = filter.takes_version(version);
            return Ok(is_wanted.then_some(share).into_iter().collect());
        }
        let versions = self.versions(decoder)?;
        let selected = self.selected(filter, decoder)?;
        let mut cuts = Cuts::of(&selected);
        let mut shares: Vec<VersionShare> = Vec::new();
        let mut add = |version: u32, slot: u8, n_rows: usize| match shares
            .iter_mut()
            .find(|share| share.version == version)
        {
            Some(share) => {
                share.n_rows += n_rows as u64;
                share.slots |= slot_bit(slot);
            }
            None => shares.push(VersionShare {
                version,
                n_rows: n_rows as u64,
                slots: slot_bit(slot),
            }),
        };
        for (slot, run) in self.runs() {
            cuts.each(&run, |part| {
                for_each_equal(&versions, &part, |version, rows| {
                    add(version, slot, rows.len());
                });
            });
        }
        Ok(shares)
    }
}

/// Puts rows to those before them.
fn keep(ranges: &mut Vec<Range<usize>>, rows: Range<usize>) {
    match ranges.last_mut() {
        Some(last) if last.end == rows.start => last.end = rows.end,
        _ => ranges.push(rows),
    }
}

fn slot_bit(slot: u8) -> u128 {
    1_u128 << (u32::from(slot) % GROUP_DEVICES)
}

/// Ranges that are cut at the ends of runs; both are in order.
pub(super) struct Cuts<'r> {
    rest: &'r [Range<usize>],
}

impl<'r> Cuts<'r> {
    pub(super) fn of(ranges: &'r [Range<usize>]) -> Self {
        Self { rest: ranges }
    }

    /// Shows what lies in a run. Runs are asked for in their order.
    pub(super) fn each(&mut self, run: &Range<usize>, mut visit: impl FnMut(Range<usize>)) {
        while let Some((range, after)) = self.rest.split_first() {
            let part = range.start.max(run.start)..range.end.min(run.end);
            if !part.is_empty() {
                visit(part);
            }
            if range.end > run.end {
                break;
            }
            self.rest = after;
        }
    }
}

/// Rows of `column` that are in `ranges` and have a value.
pub(super) fn with_values(column: &Column, ranges: &[Range<usize>]) -> Vec<Range<usize>> {
    if column.present.is_none() {
        return ranges.to_vec();
    }
    ranges
        .iter()
        .flat_map(|range| present_ranges(column, range.clone()))
        .collect()
}

/// Shows the parts of a range whose rows have the same value.
pub(super) fn for_each_equal<T: Copy + PartialEq>(
    values: &[T],
    range: &Range<usize>,
    mut visit: impl FnMut(T, Range<usize>),
) {
    let mut start = range.start;
    let mut rest = values.get(range.clone()).unwrap_or_default();
    while let Some(value) = rest.first().copied() {
        let (same, after) = rest.split_at(n_equal(rest, value));
        visit(value, start..start + same.len());
        start += same.len();
        rest = after;
    }
}

/// How many of the first values are this one.
fn n_equal<T: Copy + PartialEq>(values: &[T], value: T) -> usize {
    let mut n = 0;
    for part in values.chunks(EQUAL_AT_ONCE) {
        // All are the same when each is the one before it: one comparison of memory.
        let is_same = part.first() == Some(&value)
            && part.get(1..) == part.get(..part.len().saturating_sub(1));
        if !is_same {
            return n + part.iter().take_while(|other| **other == value).count();
        }
        n += part.len();
    }
    n
}

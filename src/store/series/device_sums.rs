//! What each device adds to a number of all of them: its values of a metric, and the hours of the intervals that they are of. A day
//! at a time, because values and intervals lie in blocks of their own.

use super::device_sum::{DeviceSum, Sum};
use super::filter::{IdFilter, RowFilter};
use super::key::{CellKey, DAY_NS, GROUP_DEVICES, INTERVAL};
use super::packed_cell::{Cuts, PackedCell, for_each_equal, with_values};
use super::scan::{Needs, for_each_summary, scan};
use crate::model::series::{Column, Values};
use crate::store::error::StoreError;
use crate::store::reader::Reader;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// The sums of a group of devices, by their places in it.
type GroupSums = Vec<(u8, Sum)>;

/// Sums by version and group, and the last value of each device with its time.
#[derive(Default)]
struct Part {
    sums: BTreeMap<(u32, u32), GroupSums>,
    last: BTreeMap<u32, (i64, f64)>,
}

impl Part {
    /// Adds later sums.
    fn add(&mut self, later: BTreeMap<(u32, u32), GroupSums>) {
        for (key, sums) in later {
            let known = self.sums.entry(key).or_default();
            if known.is_empty() {
                *known = sums;
                continue;
            }
            // The earlier of a place stands before the later.
            known.extend(sums);
            known.sort_by_key(|(slot, _)| *slot);
            known.dedup_by(|(next, sum), (slot, all)| {
                let is_same = next == slot;
                if is_same {
                    all.merge(sum);
                }
                is_same
            });
        }
    }
}

/// The interval of each row of a day, nanoseconds, by cell.
type Intervals = BTreeMap<CellKey, Vec<Option<i64>>>;

impl Reader {
    /// The number that answers know a device by.
    pub fn device_number(&self, serial: &str) -> Result<Option<u32>, StoreError> {
        self.series_number(serial)
    }

    /// What each device adds, by version and device.
    pub fn device_sums(
        &self,
        metric: &str,
        filter: &RowFilter,
    ) -> Result<Vec<DeviceSum>, StoreError> {
        let Some(metric) = self.metric(metric)? else {
            return Ok(Vec::new());
        };
        let names = self.series_versions()?.into_iter();
        let names: BTreeMap<u32, Arc<str>> =
            names.map(|(id, name)| (id, Arc::from(name))).collect();
        let ids = IdFilter::new(self, filter)?;
        let days = self.ask(|connection| ids.days(connection))?;
        // Where no interval is known at all, nothing falls from one value to the next.
        let is_timed = self.has_intervals(&days)?;
        let mut all = Part::default();
        for day in days {
            let first = day.saturating_mul(DAY_NS);
            let end = first.saturating_add(DAY_NS);
            let own = RowFilter {
                from_ns: Some(filter.from_ns.map_or(first, |from| from.max(first))),
                to_ns: Some(filter.to_ns.map_or(end, |to| to.min(end))),
                ..filter.clone()
            };
            if own.from_ns >= own.to_ns {
                continue;
            }
            let ids = IdFilter::new(self, &own)?;
            let mut of = OfDay {
                before: std::mem::take(&mut all.last),
                ..OfDay::default()
            };
            if is_timed {
                of.intervals = self.intervals_of_day(&ids)?;
            }
            let part = self.sums_of_day(metric.id, &ids, &of, is_timed)?;
            all.add(part.sums);
            // A device without a heartbeat on this day is still where it was.
            all.last = of.before;
            all.last.extend(part.last);
        }
        let mut found = Vec::with_capacity(all.sums.values().map(Vec::len).sum());
        for ((version, group), sums) in all.sums {
            let version = names.get(&version);
            found.extend(sums.iter().map(|(slot, sum)| {
                let device = group * GROUP_DEVICES + u32::from(*slot);
                sum.of_device(device, version.cloned())
            }));
        }
        Ok(found)
    }

    /// True when there is an interval in one of some days.
    fn has_intervals(&self, days: &[i64]) -> Result<bool, StoreError> {
        self.ask(|connection| {
            let mut is_there = false;
            for day in days {
                for_each_summary(connection, *day, INTERVAL, |_, _| {
                    is_there = true;
                    Ok(())
                })?;
                if is_there {
                    break;
                }
            }
            Ok(is_there)
        })
    }

    fn intervals_of_day(&self, ids: &IdFilter) -> Result<Intervals, StoreError> {
        let needs = Needs {
            values: true,
            ..Needs::default()
        };
        let intervals = scan(
            self,
            (INTERVAL, ids, needs),
            BTreeMap::new,
            |intervals: &mut Intervals, cell, decoder| {
                let mut lengths = vec![None; cell.rows.n_rows()];
                for column in cell.values(decoder)? {
                    for (at, length) in lengths.iter_mut().enumerate() {
                        *length = length.or(whole(&column, at));
                    }
                }
                intervals.insert(cell.key, lengths);
                Ok(())
            },
            |sum, part| sum.extend(part),
        )?;
        Ok(intervals)
    }

    fn sums_of_day(
        &self,
        metric: u32,
        ids: &IdFilter,
        of: &OfDay,
        is_timed: bool,
    ) -> Result<Part, StoreError> {
        let needs = Needs {
            times: is_timed,
            versions: true,
            values: true,
            ..Needs::default()
        };
        scan(
            self,
            (metric, ids, needs),
            Part::default,
            |part: &mut Part, cell, decoder| {
                let selected = cell.selected(ids, decoder)?;
                if selected.is_empty() {
                    return Ok(());
                }
                let columns = cell.values(decoder)?;
                let lengths = of.intervals.get(&cell.key).map(Vec::as_slice);
                let rows = CellRows {
                    times: if is_timed {
                        cell.times(decoder)?
                    } else {
                        Vec::new()
                    },
                    versions: cell.versions(decoder)?,
                    lengths: lengths.unwrap_or_default(),
                };
                let pieces = pieces(cell, &columns, &selected);
                let mut sums = CellSums::default();
                for pieces in pieces.chunk_by(|a, b| a.slot == b.slot) {
                    let Some(slot) = pieces.first().map(|piece| piece.slot) else {
                        continue;
                    };
                    let device = cell.key.group * GROUP_DEVICES + u32::from(slot);
                    let mut last = of.before.get(&device).copied();
                    rows.add_device(&mut sums, pieces, &mut last);
                    part.last.extend(last.map(|last| (device, last)));
                }
                let sums = sums.by_version.into_iter();
                let sums = sums.map(|(version, sums)| ((version, cell.key.group), sums));
                part.add(sums.collect());
                Ok(())
            },
            |sum, part| {
                sum.add(part.sums);
                sum.last.extend(part.last);
            },
        )
    }
}

/// What is known of a day before its values are looked at.
#[derive(Default)]
struct OfDay {
    intervals: Intervals,
    /// The last value of each device before the day, with its time.
    before: BTreeMap<u32, (i64, f64)>,
}

/// Rows of one device that have a value in one column.
struct Piece<'c> {
    /// Place of the device in its group.
    slot: u8,
    rows: Range<usize>,
    column: &'c Column,
}

/// The selected rows that have a number, by device and in the order of time: a row has a value in one of the columns.
fn pieces<'c>(
    cell: &PackedCell,
    columns: &'c [Column],
    selected: &[Range<usize>],
) -> Vec<Piece<'c>> {
    let mut pieces = Vec::new();
    let numbers = columns
        .iter()
        .filter(|column| !matches!(column.values, Values::Text { .. }));
    for column in numbers {
        let ranges = with_values(column, selected);
        let mut cuts = Cuts::of(&ranges);
        for (slot, run) in cell.runs() {
            cuts.each(&run, |rows| {
                pieces.push(Piece { slot, rows, column });
            });
        }
    }
    // Devices follow one another in a cell.
    pieces.sort_by_key(|piece| piece.rows.start);
    pieces
}

/// What stands beside the values of a cell.
struct CellRows<'a> {
    /// The time of each row; empty where nobody asks.
    times: Vec<i64>,
    /// The version of each row; 0 is not known.
    versions: Vec<u32>,
    /// The interval of each row, nanoseconds; empty where none has one.
    lengths: &'a [Option<i64>],
}

/// The sums of a cell, by version.
#[derive(Default)]
struct CellSums {
    by_version: Vec<(u32, GroupSums)>,
}

impl CellSums {
    /// The sum of a device, which come one after the other.
    fn sum(&mut self, version: u32, slot: u8) -> Option<&mut Sum> {
        let known = self.by_version.iter().position(|(of, _)| *of == version);
        let known = known.unwrap_or_else(|| {
            self.by_version.push((version, GroupSums::new()));
            self.by_version.len() - 1
        });
        let (_, sums) = self.by_version.get_mut(known)?;
        if sums.last().is_none_or(|(last, _)| *last != slot) {
            sums.push((slot, Sum::default()));
        }
        sums.last_mut().map(|(_, sum)| sum)
    }
}

impl CellRows<'_> {
    /// Adds the rows of a device; `last` is its value before them, and then the last of them.
    fn add_device(&self, sums: &mut CellSums, pieces: &[Piece<'_>], last: &mut Option<(i64, f64)>) {
        for piece in pieces {
            for_each_equal(&self.versions, &piece.rows, |version, rows| {
                let Some(sum) = sums.sum(version, piece.slot) else {
                    return;
                };
                for rows in numbers(piece.column, rows) {
                    self.add_falls(sum, last, piece.column, rows.clone());
                    sum.add(&piece.column.values, rows, self.lengths);
                }
            });
        }
    }

    /// From one value to the next, where none is missing between them: the interval says so.
    fn add_falls(
        &self,
        sum: &mut Sum,
        before: &mut Option<(i64, f64)>,
        column: &Column,
        rows: Range<usize>,
    ) {
        for row in rows {
            let (Some(time), Some(value)) = (self.times.get(row), real(column, row)) else {
                continue;
            };
            let length = self.lengths.get(row).copied().flatten();
            if let (Some((time_before, value_before)), Some(length)) = (*before, length) {
                let apart = time.saturating_sub(time_before);
                let is_next = apart > 0 && apart <= length.saturating_add(length / 2);
                if is_next {
                    let moves = sum.moves.get_or_insert_default();
                    if value > value_before {
                        moves.n_rises += 1;
                    } else {
                        moves.fallen += value_before - value;
                        moves.n_falls += 1;
                        moves.falling_ns += i128::from(apart);
                    }
                }
            }
            *before = Some((*time, value));
        }
    }
}

/// The parts of some rows whose values are numbers: NaN says nothing.
fn numbers(column: &Column, rows: Range<usize>) -> Vec<Range<usize>> {
    let is_number = |row: usize| real(column, row).is_some_and(|value| !value.is_nan());
    if matches!(column.values, Values::I32(_) | Values::I64(_)) || rows.clone().all(is_number) {
        return vec![rows];
    }
    let mut parts: Vec<Range<usize>> = Vec::new();
    for row in rows.filter(|row| is_number(*row)) {
        match parts.last_mut() {
            Some(last) if last.end == row => last.end += 1,
            _ => parts.push(row..row + 1),
        }
    }
    parts
}

fn real(column: &Column, row: usize) -> Option<f64> {
    match &column.values {
        Values::I32(values) => values.get(row).map(|value| f64::from(*value)),
        Values::I64(values) => values.get(row).map(|value| *value as f64),
        Values::F32(values) => values.get(row).map(|value| f64::from(*value)),
        Values::F64(values) => values.get(row).copied(),
        Values::Text { .. } => None,
    }
}

fn whole(column: &Column, row: usize) -> Option<i64> {
    match &column.values {
        Values::I32(values) if column.is_present(row) => {
            values.get(row).map(|value| i64::from(*value))
        }
        Values::I64(values) if column.is_present(row) => values.get(row).copied(),
        _ => None,
    }
}

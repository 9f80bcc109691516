//! What each device adds to a number of all of them: its values of a metric, and the hours of the intervals that they are of. A day
//! at a time, because values and intervals lie in blocks of their own.

use super::cell::add_to_stats;
use super::filter::{IdFilter, RowFilter};
use super::key::{CellKey, DAY_NS, INTERVAL};
use super::packed_cell::with_values;
use super::scan::{Needs, scan};
use super::summary::Stats;
use crate::model::series::{Column, Values};
use crate::store::error::StoreError;
use crate::store::reader::Reader;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;

/// A metric of one device in one version.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeviceSum {
    /// Number of the device, the same in all answers.
    pub device: u32,
    /// Name of the version; `None` where its heartbeats do not say theirs.
    pub version: Option<String>,
    /// Values.
    pub n_values: u64,
    /// Their exact sum, rounded once.
    pub sum: f64,
    /// Values whose interval is known.
    pub n_timed: u64,
    /// The exact sum of those.
    pub timed_sum: f64,
    /// How long their intervals are together, nanoseconds.
    pub timed_ns: i128,
    /// Of a level: how far it fell from one value to the next.
    pub fallen: f64,
    /// Falls, counting those by nothing.
    pub n_falls: u64,
    /// From the value before to each of them, nanoseconds.
    pub falling_ns: i128,
    /// How often it rose: something was filled, and how much fell meanwhile nobody knows.
    pub n_rises: u64,
}

#[derive(Clone, Debug, Default)]
struct Sum {
    all: Stats,
    /// Those whose interval is known; `None` while that is all of them, as it mostly is: an exact sum of floats is large.
    timed: Option<Stats>,
    timed_ns: i128,
    fallen: f64,
    n_falls: u64,
    falling_ns: i128,
    n_rises: u64,
}

impl Sum {
    fn timed(&self) -> &Stats {
        self.timed.as_ref().unwrap_or(&self.all)
    }

    fn merge(&mut self, other: &Self) {
        if self.timed.is_some() || other.timed.is_some() {
            let mut timed = self.timed().clone();
            timed.merge(other.timed());
            self.timed = Some(timed);
        }
        self.all.merge(&other.all);
        self.timed_ns += other.timed_ns;
        self.fallen += other.fallen;
        self.n_falls += other.n_falls;
        self.falling_ns += other.falling_ns;
        self.n_rises += other.n_rises;
    }
}

/// Sums by version and device, and the last value of each device with its time.
#[derive(Default)]
struct Part {
    sums: BTreeMap<(u32, u32), Sum>,
    last: BTreeMap<u32, (i64, f64)>,
}

impl Part {
    fn take(&mut self, sums: BTreeMap<(u32, u32), Sum>) {
        for (key, sum) in sums {
            match self.sums.entry(key) {
                Entry::Vacant(place) => {
                    place.insert(sum);
                }
                Entry::Occupied(mut known) => known.get_mut().merge(&sum),
            }
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
        let names = self.series_versions()?;
        let mut all = Part::default();
        for day in self.series_days()? {
            let first = day.day.saturating_mul(DAY_NS);
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
            let intervals = self.intervals_of_day(&ids)?;
            let before = std::mem::take(&mut all.last);
            let part = self.sums_of_day(metric.id, &ids, &intervals, &before)?;
            all.take(part.sums);
            // A device without a heartbeat on this day is still where it was.
            all.last = before;
            all.last.extend(part.last);
        }
        let sums = all
            .sums
            .into_iter()
            .map(|((version, device), sum)| DeviceSum {
                device,
                version: names.get(&version).cloned(),
                n_values: sum.all.count,
                sum: sum.all.sum(),
                n_timed: sum.timed().count,
                timed_sum: sum.timed().sum(),
                timed_ns: sum.timed_ns,
                fallen: sum.fallen,
                n_falls: sum.n_falls,
                falling_ns: sum.falling_ns,
                n_rises: sum.n_rises,
            });
        Ok(sums.collect())
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
        intervals: &Intervals,
        before: &BTreeMap<u32, (i64, f64)>,
    ) -> Result<Part, StoreError> {
        let needs = Needs {
            times: true,
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
                let times = cell.times(decoder)?;
                let versions = cell.versions(decoder)?;
                let lengths = intervals.get(&cell.key).map(Vec::as_slice);
                for (device, run) in cell.device_runs() {
                    let inside = selected
                        .iter()
                        .map(|range| range.start.max(run.start)..range.end.min(run.end));
                    let inside: Vec<Range<usize>> =
                        inside.filter(|part| !part.is_empty()).collect();
                    let of = DeviceDay {
                        device,
                        times: &times,
                        versions: &versions,
                        lengths: lengths.unwrap_or_default(),
                        before: before.get(&device).copied(),
                    };
                    of.add(part, &columns, &inside);
                }
                Ok(())
            },
            |sum, part| {
                sum.take(part.sums);
                sum.last.extend(part.last);
            },
        )
    }
}

/// The rows of one device on one day.
struct DeviceDay<'a> {
    device: u32,
    times: &'a [i64],
    /// The version of each row; 0 is not known.
    versions: &'a [u32],
    /// The interval of each row, nanoseconds.
    lengths: &'a [Option<i64>],
    /// Its last value before.
    before: Option<(i64, f64)>,
}

impl DeviceDay<'_> {
    fn version(&self, row: usize) -> u32 {
        self.versions.get(row).copied().unwrap_or_default()
    }

    fn add(&self, part: &mut Part, columns: &[Column], inside: &[Range<usize>]) {
        // A row has a value in one of the columns: together they are in the order of time again.
        let mut values: Vec<(usize, &Column)> = Vec::new();
        for column in columns {
            if matches!(column.values, Values::Text { .. }) {
                continue;
            }
            for range in with_values(column, inside) {
                values.extend(range.map(|row| (row, column)));
            }
        }
        values.sort_by_key(|(row, _)| *row);
        let mut before = self.before;
        for same in values.chunk_by(|a, b| self.version(a.0) == self.version(b.0)) {
            let Some((first, _)) = same.first() else {
                continue;
            };
            let key = (self.version(*first), self.device);
            let sum = part.sums.entry(key).or_default();
            for (row, column) in same {
                self.add_value(sum, &mut before, *row, column);
            }
        }
        if let Some(last) = before {
            part.last.insert(self.device, last);
        }
    }

    fn add_value(
        &self,
        sum: &mut Sum,
        before: &mut Option<(i64, f64)>,
        row: usize,
        column: &Column,
    ) {
        let Some(value) = real(column, row).filter(|value| !value.is_nan()) else {
            return;
        };
        let length = self.lengths.get(row).copied().flatten();
        let own = row..row.saturating_add(1);
        match length.filter(|length| *length > 0) {
            Some(length) => {
                if let Some(timed) = &mut sum.timed {
                    add_to_stats(timed, column, own.clone());
                }
                sum.timed_ns += i128::from(length);
            }
            None if sum.timed.is_none() => sum.timed = Some(sum.all.clone()),
            None => {}
        }
        add_to_stats(&mut sum.all, column, own);
        let Some(time) = self.times.get(row) else {
            return;
        };
        // From one value to the next, where none is missing between them: the interval says so.
        if let (Some((time_before, value_before)), Some(length)) = (*before, length) {
            let apart = time.saturating_sub(time_before);
            let is_next = apart > 0 && apart <= length.saturating_add(length / 2);
            if is_next && value > value_before {
                sum.n_rises += 1;
            } else if is_next {
                sum.fallen += value_before - value;
                sum.n_falls += 1;
                sum.falling_ns += i128::from(apart);
            }
        }
        *before = Some((*time, value));
    }
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

//! Sums over devices: by version, by device, and how values are spread.

use super::cell::{add_to_stats, present_ranges};
use super::key::{INTERVAL, TIME};
use super::scan::{Cell, IdFilter, Needs, RowFilter, scan, with_values};
use super::summary::{Extremes, Stats, Summary};
use crate::model::series::{Column, Values};
use crate::store::error::StoreError;
use crate::store::reader::Reader;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Nanoseconds of an hour.
const HOUR_NS: f64 = 3.6e12;

/// A metric in one version.
#[derive(Clone, Debug, PartialEq)]
pub struct VersionMean {
    /// Its name; `None` where heartbeats do not say theirs.
    pub version: Option<String>,
    /// Exact sum, rounded once, divided by the number of values.
    pub mean: f64,
    /// Values.
    pub n_values: u64,
}

/// How much is known of one version.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VersionHours {
    /// Its name; `None` where heartbeats do not say theirs.
    pub version: Option<String>,
    /// Devices that ran it.
    pub n_devices: u64,
    /// Heartbeats.
    pub n_rows: u64,
    /// Hours that they tell of. Where a heartbeat does not say how long its interval was it counts as the most frequent
    /// distance between two of them.
    pub hours: f64,
    /// Heartbeats whose interval is such a guess.
    pub n_guessed: u64,
}

/// How often something happened.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventRate {
    /// The version; `None` where events do not say theirs.
    pub version: Option<String>,
    /// Events.
    pub n_events: u64,
}

/// A device in a ranking.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceTotal {
    /// Serial number.
    pub serial: String,
    /// Exact sum, rounded once.
    pub sum: f64,
    /// Values.
    pub n_values: u64,
}

/// By what devices are ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopOrder {
    /// The greatest sum first.
    MostSum,
    /// The least sum first.
    LeastSum,
    /// The greatest mean first.
    MostMean,
    /// The least mean first.
    LeastMean,
}

/// Values in one part of a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistogramBin {
    /// Its number: it begins at this times the width. May be negative.
    pub bin: i64,
    /// Values.
    pub count: u64,
}

/// How values are spread.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// Parts with values, in order.
    pub bins: Vec<HistogramBin>,
    /// Values that have no place in it: NaN and infinities.
    pub n_outside: u64,
}

/// What all values of a metric have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MetricRange {
    /// Values.
    pub n_values: u64,
    /// Least and greatest, NaN left out.
    pub range: Option<(f64, f64)>,
    /// All of them are whole numbers.
    pub is_whole: bool,
}

impl Reader {
    fn summary_of(&self, metric: u32, filter: &IdFilter) -> Result<Summary, StoreError> {
        scan(
            self,
            (metric, filter, Needs::default()),
            Summary::default,
            |sum, cell, decoder| {
                let own = cell.summary(filter, decoder)?;
                for (version, stats) in &own.by_version {
                    sum.change(*version, |all| all.merge(stats));
                }
                Ok(())
            },
            |sum, part| {
                for (version, stats) in &part.by_version {
                    sum.change(*version, |all| all.merge(stats));
                }
            },
        )
    }

    /// The mean of a metric in each version, by their names.
    pub fn mean_by_version(
        &self,
        metric: &str,
        filter: &RowFilter,
    ) -> Result<Vec<VersionMean>, StoreError> {
        let Some(metric) = self.metric(metric)? else {
            return Ok(Vec::new());
        };
        let filter = IdFilter::new(self, filter)?;
        let summary = self.summary_of(metric.id, &filter)?;
        let names = self.series_versions()?;
        let means = summary
            .by_version
            .into_iter()
            .filter_map(|(version, stats)| {
                Some(VersionMean {
                    version: names.get(&version).cloned(),
                    mean: stats.mean()?,
                    n_values: stats.count,
                })
            });
        let mut means: Vec<VersionMean> = means.collect();
        means.sort_by(|a, b| a.version.cmp(&b.version));
        Ok(means)
    }

    /// What all values of a metric have in common.
    pub fn metric_range(
        &self,
        metric: &str,
        filter: &RowFilter,
    ) -> Result<MetricRange, StoreError> {
        let Some(metric) = self.metric(metric)? else {
            return Ok(MetricRange::default());
        };
        let filter = IdFilter::new(self, filter)?;
        let mut all = Stats::default();
        for (_, stats) in &self.summary_of(metric.id, &filter)?.by_version {
            all.merge(stats);
        }
        Ok(MetricRange {
            n_values: all.count,
            range: all.extremes.as_real(),
            is_whole: matches!(all.extremes, Extremes::Whole(..)),
        })
    }

    /// Devices, heartbeats and hours of each version, by their names; and the most frequent distance between two heartbeats of a
    /// device, nanoseconds.
    pub fn version_hours(
        &self,
        filter: &RowFilter,
    ) -> Result<(Vec<VersionHours>, Option<i64>), StoreError> {
        #[derive(Default)]
        struct Known {
            rows: BTreeMap<u32, u64>,
            devices: BTreeMap<u32, BTreeSet<u32>>,
            spacings: BTreeMap<u64, u64>,
        }
        let filter = IdFilter::new(self, filter)?;
        let needs = Needs {
            versions: true,
            ..Needs::default()
        };
        let known = scan(
            self,
            (TIME, &filter, needs),
            Known::default,
            |known, cell, decoder| {
                for (version, n) in cell.version_rows(&filter, decoder)? {
                    *known.rows.entry(version).or_default() += n;
                }
                for (version, device) in cell.version_devices(&filter, decoder)? {
                    known.devices.entry(version).or_default().insert(device);
                }
                for (spacing, n) in &cell.rows.spacings {
                    *known.spacings.entry(*spacing).or_default() += n;
                }
                Ok(())
            },
            |sum, part| {
                for (version, n) in part.rows {
                    *sum.rows.entry(version).or_default() += n;
                }
                for (version, devices) in part.devices {
                    sum.devices.entry(version).or_default().extend(devices);
                }
                for (spacing, n) in part.spacings {
                    *sum.spacings.entry(spacing).or_default() += n;
                }
            },
        )?;
        let most_frequent = known.spacings.iter().max_by_key(|(_, n)| **n);
        let spacing = most_frequent.and_then(|(spacing, _)| i64::try_from(*spacing).ok());
        let intervals = self.summary_of(INTERVAL, &filter)?;
        let names = self.series_versions()?;
        let hours = known.rows.into_iter().map(|(version, n_rows)| {
            let said = intervals.by_version.iter().find(|(of, _)| *of == version);
            let (sum, n_said) = said.map_or((0.0, 0), |(_, stats)| (stats.sum(), stats.count));
            let n_guessed = n_rows.saturating_sub(n_said);
            let guess = spacing.unwrap_or(0) as f64;
            VersionHours {
                version: names.get(&version).cloned(),
                n_devices: known.devices.get(&version).map_or(0, |of| of.len() as u64),
                n_rows,
                hours: (sum + guess * n_guessed as f64) / HOUR_NS,
                n_guessed,
            }
        });
        let mut hours: Vec<VersionHours> = hours.collect();
        hours.sort_by(|a, b| a.version.cmp(&b.version));
        Ok((hours, spacing))
    }

    /// Devices with a heartbeat that a filter lets through.
    pub fn n_devices_of(&self, filter: &RowFilter) -> Result<u64, StoreError> {
        let filter = IdFilter::new(self, filter)?;
        let needs = Needs {
            versions: true,
            ..Needs::default()
        };
        let devices: BTreeSet<u32> = scan(
            self,
            (TIME, &filter, needs),
            BTreeSet::new,
            |devices: &mut BTreeSet<u32>, cell, decoder| {
                let found = cell.version_devices(&filter, decoder)?;
                devices.extend(found.into_iter().map(|(_, device)| device));
                Ok(())
            },
            |sum, part| sum.extend(part),
        )?;
        Ok(devices.len() as u64)
    }

    /// The devices at one end of a metric.
    pub fn top_devices(
        &self,
        metric: &str,
        order: TopOrder,
        most: usize,
        filter: &RowFilter,
    ) -> Result<Vec<DeviceTotal>, StoreError> {
        let Some(metric) = self.metric(metric)? else {
            return Ok(Vec::new());
        };
        let filter = IdFilter::new(self, filter)?;
        let needs = Needs {
            values: true,
            ..Needs::default()
        };
        let totals: BTreeMap<u32, Stats> = scan(
            self,
            (metric.id, &filter, needs),
            BTreeMap::new,
            |totals: &mut BTreeMap<u32, Stats>, cell, decoder| {
                let selected = cell.selected(&filter, decoder)?;
                if selected.is_empty() {
                    return Ok(());
                }
                for column in cell.values(decoder)? {
                    if matches!(column.values, Values::Text { .. }) {
                        continue;
                    }
                    add_devices(totals, cell, &column, &selected);
                }
                Ok(())
            },
            |sum, part| {
                for (device, stats) in part {
                    sum.entry(device).or_default().merge(&stats);
                }
            },
        )?;
        let ranked = totals.into_iter().filter(|(_, stats)| stats.count > 0);
        let mut ranked: Vec<(f64, u32, Stats)> = ranked
            .map(|(device, stats)| {
                let by = match order {
                    TopOrder::MostSum | TopOrder::LeastSum => stats.sum(),
                    TopOrder::MostMean | TopOrder::LeastMean => stats.mean().unwrap_or(f64::NAN),
                };
                (by, device, stats)
            })
            .collect();
        ranked.sort_by(|a, b| {
            let by_value = a.0.total_cmp(&b.0);
            match order {
                TopOrder::MostSum | TopOrder::MostMean => by_value.reverse(),
                TopOrder::LeastSum | TopOrder::LeastMean => by_value,
            }
            .then(a.1.cmp(&b.1))
        });
        ranked.truncate(most);
        let totals = ranked.into_iter().map(|(_, device, stats)| {
            Ok(DeviceTotal {
                serial: self.series_serial(device)?,
                sum: stats.sum(),
                n_values: stats.count,
            })
        });
        totals.collect()
    }

    /// How the values of a metric are spread over parts of this width, which begin at its multiples.
    pub fn histogram(
        &self,
        metric: &str,
        width: f64,
        filter: &RowFilter,
    ) -> Result<Histogram, StoreError> {
        let Some(metric) = self.metric(metric)? else {
            return Ok(Histogram::default());
        };
        let filter = IdFilter::new(self, filter)?;
        let needs = Needs {
            values: true,
            ..Needs::default()
        };
        let counted: Counted = scan(
            self,
            (metric.id, &filter, needs),
            Counted::default,
            |counted: &mut Counted, cell, decoder| {
                let selected = cell.selected(&filter, decoder)?;
                if selected.is_empty() {
                    return Ok(());
                }
                for column in cell.values(decoder)? {
                    for rows in with_values(&column, &selected) {
                        counted.add_rows(&column.values, rows, width);
                    }
                }
                Ok(())
            },
            Counted::merge,
        )?;
        let bins = counted.bins.into_iter();
        Ok(Histogram {
            bins: bins
                .map(|(bin, count)| HistogramBin { bin, count })
                .collect(),
            n_outside: counted.n_outside,
        })
    }

    /// How often a kind of event happened, by version.
    pub fn events_by_version(
        &self,
        kind: &str,
        span_ns: Option<(i64, i64)>,
    ) -> Result<Vec<EventRate>, StoreError> {
        let (from, to) = span_ns.unwrap_or((i64::MIN, i64::MAX));
        let names = self.series_versions()?;
        let rows: Vec<(u32, u64)> = self.list(
            "SELECT version, count(*) FROM series_events WHERE kind = ?1 AND time_ns >= ?2 AND time_ns <= ?3 GROUP BY version",
            rusqlite::params![kind, from, to],
            |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())),
        )?;
        let rates = rows.into_iter().map(|(version, n_events)| EventRate {
            version: names.get(&version).cloned(),
            n_events,
        });
        Ok(rates.collect())
    }
}

/// Adds the values of the selected rows of a cell to their devices. Rows of a device stand together, in the order of `runs`.
fn add_devices(
    totals: &mut BTreeMap<u32, Stats>,
    cell: &Cell,
    column: &Column,
    selected: &[Range<usize>],
) {
    let mut ranges = selected.iter().peekable();
    for (device, run) in cell.runs() {
        let stats = totals.entry(device).or_default();
        while let Some(range) = ranges.peek() {
            let part = range.start.max(run.start)..range.end.min(run.end);
            if part.start < part.end {
                for rows in present_ranges(column, part) {
                    add_to_stats(stats, column, rows);
                }
            }
            if range.end > run.end {
                break;
            }
            ranges.next();
        }
    }
}

/// A width that is a whole number.
#[derive(Clone, Copy)]
struct Whole(i64);

impl Whole {
    fn of(width: f64) -> Option<Self> {
        let is_whole = width.fract() == 0.0 && (1.0..=1e15).contains(&width);
        #[expect(clippy::cast_possible_truncation, reason = "a whole number in range")]
        is_whole.then_some(Self(width as i64))
    }

    fn bin(self, value: i64) -> i64 {
        value.div_euclid(self.0)
    }
}

/// Counts by bin; most values are near the ones before.
#[derive(Default)]
struct Counted {
    bins: BTreeMap<i64, u64>,
    n_outside: u64,
    /// The bin that was counted last, not yet among the others.
    last: Option<(i64, u64)>,
}

impl Counted {
    fn add(&mut self, bin: i64) {
        match &mut self.last {
            Some((last, n)) if *last == bin => *n += 1,
            last => {
                if let Some((bin, n)) = last.replace((bin, 1)) {
                    *self.bins.entry(bin).or_default() += n;
                }
            }
        }
    }

    fn add_rows(&mut self, values: &Values, rows: Range<usize>, width: f64) {
        match (values, Whole::of(width)) {
            (Values::I32(values), Some(whole)) => {
                for value in values.get(rows).unwrap_or_default() {
                    self.add(whole.bin(i64::from(*value)));
                }
            }
            (Values::I64(values), Some(whole)) => {
                for value in values.get(rows).unwrap_or_default() {
                    self.add(whole.bin(*value));
                }
            }
            (Values::I32(values), None) => {
                let values = values.get(rows).unwrap_or_default().iter();
                self.add_real(values.map(|value| f64::from(*value)), width);
            }
            (Values::I64(values), None) => {
                let values = values.get(rows).unwrap_or_default().iter();
                self.add_real(values.map(|value| *value as f64), width);
            }
            (Values::F32(values), _) => {
                let values = values.get(rows).unwrap_or_default().iter();
                self.add_real(values.map(|value| f64::from(*value)), width);
            }
            (Values::F64(values), _) => {
                let values = values.get(rows).unwrap_or_default().iter();
                self.add_real(values.copied(), width);
            }
            (Values::Text { .. }, _) => {}
        }
    }

    fn add_real(&mut self, values: impl Iterator<Item = f64>, width: f64) {
        for value in values {
            let bin = (value / width).floor();
            if bin.abs() < 9e15 {
                #[expect(clippy::cast_possible_truncation, reason = "a whole number in range")]
                self.add(bin as i64);
            } else {
                self.n_outside += 1;
            }
        }
        self.settle();
    }

    fn settle(&mut self) {
        if let Some((bin, n)) = self.last.take() {
            *self.bins.entry(bin).or_default() += n;
        }
    }

    fn merge(&mut self, mut other: Self) {
        other.settle();
        self.settle();
        for (bin, n) in other.bins {
            *self.bins.entry(bin).or_default() += n;
        }
        self.n_outside += other.n_outside;
    }
}

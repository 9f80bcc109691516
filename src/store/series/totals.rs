//! Sums over devices: by version and by device.

use super::cell::add_to_stats;
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
    /// Devices that they happened to.
    pub n_devices: u64,
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
        self.ranked(&totals, order, most)
    }

    /// The first of a ranking. Among devices of one value their serial numbers decide, so that the order in which they were
    /// imported does not.
    fn ranked(
        &self,
        totals: &BTreeMap<u32, Stats>,
        order: TopOrder,
        most: usize,
    ) -> Result<Vec<DeviceTotal>, StoreError> {
        let mut keyed: Vec<(f64, u32)> = Vec::with_capacity(totals.len());
        for (device, stats) in totals {
            let Some(mean) = stats.mean() else {
                continue;
            };
            let key = match order {
                TopOrder::MostSum => -stats.sum(),
                TopOrder::LeastSum => stats.sum(),
                TopOrder::MostMean => -mean,
                TopOrder::LeastMean => mean,
            };
            // NaN is neither much nor little: such devices come last. -0 is 0.
            let key = if key.is_nan() {
                f64::INFINITY
            } else {
                key + 0.0
            };
            keyed.push((key, *device));
        }
        let Some(last) = most.min(keyed.len()).checked_sub(1) else {
            return Ok(Vec::new());
        };
        let (_, (limit, _), _) = keyed.select_nth_unstable_by(last, |a, b| a.0.total_cmp(&b.0));
        let limit = *limit;
        keyed.retain(|(key, _)| key.total_cmp(&limit).is_le());
        let mut ranked = Vec::with_capacity(keyed.len());
        for (key, device) in keyed {
            if let Some(stats) = totals.get(&device) {
                let total = DeviceTotal {
                    serial: self.series_serial(device)?,
                    sum: stats.sum(),
                    n_values: stats.count,
                };
                ranked.push((key, total));
            }
        }
        ranked.sort_by(|a, b| {
            a.0.total_cmp(&b.0)
                .then_with(|| a.1.serial.cmp(&b.1.serial))
        });
        let ranked = ranked.into_iter().map(|(_, total)| total);
        Ok(ranked.take(most).collect())
    }

    /// How often a kind of event happened, by version.
    pub fn events_by_version(
        &self,
        kind: &str,
        span_ns: Option<(i64, i64)>,
    ) -> Result<Vec<EventRate>, StoreError> {
        let (from, to) = span_ns.unwrap_or((i64::MIN, i64::MAX));
        let names = self.series_versions()?;
        let rows: Vec<(u32, u64, u64)> = self.list(
            "SELECT version, count(*), count(DISTINCT device) FROM series_events WHERE kind = ?1 AND time_ns >= ?2 AND time_ns <= ?3 GROUP BY version",
            rusqlite::params![kind, from, to],
            |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs(), row.get::<_, i64>(2)?.unsigned_abs())),
        )?;
        let rates = rows
            .into_iter()
            .map(|(version, n_events, n_devices)| EventRate {
                version: names.get(&version).cloned(),
                n_events,
                n_devices,
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
            for rows in with_values(column, &[part]) {
                add_to_stats(stats, column, rows);
            }
            if range.end > run.end {
                break;
            }
            ranges.next();
        }
    }
}

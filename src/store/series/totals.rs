//! Sums over devices, by version.

use super::expected::ExpectedDays;
use super::filter::{IdFilter, RowFilter};
use super::key::{INTERVAL, TIME};
use super::loaded::damaged;
use super::scan::{Needs, for_each_summary, scan, scan_some_days};
use super::summary::{Extremes, RowSummary, Stats, Summary};
use crate::store::error::StoreError;
use crate::store::reader::Reader;
use std::collections::{BTreeMap, BTreeSet};

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
    /// Devices that ran it; `None` where they were not asked for.
    pub n_devices: Option<u64>,
    /// Heartbeats.
    pub n_rows: u64,
    /// Hours that they tell of. Where a heartbeat does not say how long its interval was it counts as the most frequent
    /// distance between two of them.
    pub hours: f64,
    /// Heartbeats whose interval is such a guess.
    pub n_guessed: u64,
}

/// How much is known of all versions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FleetHours {
    /// By their names.
    pub versions: Vec<VersionHours>,
    /// The most frequent distance between two heartbeats of a device, nanoseconds.
    pub interval_ns: Option<i64>,
    /// Devices with a heartbeat.
    pub n_devices: u64,
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
    /// Statistics of a metric by version: from the summaries of blocks, and from rows where a filter cuts a day.
    fn summary_of(&self, metric: u32, filter: &IdFilter) -> Result<Summary, StoreError> {
        fn add(sum: &mut Summary, part: &Summary) {
            for (version, stats) in &part.by_version {
                sum.change(*version, |all| all.merge(stats));
            }
        }
        let needs = Needs {
            versions: true,
            values: true,
            ..Needs::default()
        };
        let mut sum = scan_some_days(
            self,
            (metric, filter, needs),
            |day| filter.needs_rows_of_day(day),
            Summary::default,
            |sum, cell, decoder| {
                add(sum, &cell.summary(filter, decoder)?);
                Ok(())
            },
            |sum, part| add(sum, &part),
        )?;
        self.ask_one_state(|connection| {
            let by_rows = |day| filter.needs_rows_of_day(day);
            let mut days = ExpectedDays::new(self, connection, filter, |day| !by_rows(day))?;
            while let Some(day) = days.next_with(&[metric]) {
                for_each_summary(connection, day, metric, |id, summary| {
                    let stored =
                        Summary::read(summary).map_err(|malformed| damaged(id, malformed))?;
                    let of_versions = stored.by_version.iter();
                    let wanted = of_versions.filter(|(version, _)| filter.takes_version(*version));
                    wanted.for_each(|(version, stats)| {
                        sum.change(*version, |all| all.merge(stats));
                    });
                    Ok(())
                })?;
            }
            Ok(sum)
        })
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

    /// Devices, heartbeats and hours of each version.
    pub fn fleet_hours(&self, filter: &RowFilter) -> Result<FleetHours, StoreError> {
        self.hours_of(filter, true)
    }

    /// The same without the devices of each version: they take the version of each row, the rest stands beside the blocks.
    pub fn fleet_hours_alone(&self, filter: &RowFilter) -> Result<FleetHours, StoreError> {
        self.hours_of(filter, false)
    }

    fn hours_of(&self, filter: &RowFilter, with_devices: bool) -> Result<FleetHours, StoreError> {
        #[derive(Default)]
        struct Known {
            rows: BTreeMap<u32, u64>,
            /// By version and group, a bit for each place in the group. Without devices by version all are of one.
            devices: BTreeMap<(u32, u32), u128>,
            spacings: BTreeMap<u64, u64>,
        }
        let filter = IdFilter::new(self, filter)?;
        let with_versions = with_devices || filter.versions.is_some();
        let needs = Needs {
            versions: with_versions,
            ..Needs::default()
        };
        let known = scan(
            self,
            (TIME, &filter, needs),
            Known::default,
            |known, cell, decoder| {
                if with_versions || filter.needs_rows(&cell.rows) {
                    for share in cell.version_shares(&filter, decoder)? {
                        *known.rows.entry(share.version).or_default() += share.n_rows;
                        let key = (share.version, cell.key.group);
                        *known.devices.entry(key).or_default() |= share.slots;
                    }
                } else {
                    for (version, n_rows) in &cell.rows.versions {
                        *known.rows.entry(*version).or_default() += n_rows;
                    }
                    *known.devices.entry((0, cell.key.group)).or_default() |= cell.slots();
                }
                count_spacings(&mut known.spacings, &cell.rows.spacings);
                Ok(())
            },
            |sum, part| {
                for (version, n) in part.rows {
                    *sum.rows.entry(version).or_default() += n;
                }
                for (key, slots) in part.devices {
                    *sum.devices.entry(key).or_default() |= slots;
                }
                count_spacings(&mut sum.spacings, &part.spacings);
            },
        )?;
        let mut devices: BTreeMap<u32, u64> = BTreeMap::new();
        let mut of_any: BTreeMap<u32, u128> = BTreeMap::new();
        for ((version, group), slots) in known.devices {
            *devices.entry(version).or_default() += u64::from(slots.count_ones());
            *of_any.entry(group).or_default() |= slots;
        }
        let interval_ns = most_frequent(&known.spacings);
        let intervals = self.summary_of(INTERVAL, &filter)?;
        let names = self.series_versions()?;
        let versions = known.rows.into_iter().map(|(version, n_rows)| {
            let said = intervals.by_version.iter().find(|(of, _)| *of == version);
            let (sum, n_said) = said.map_or((0.0, 0), |(_, stats)| (stats.sum(), stats.count));
            let n_guessed = n_rows.saturating_sub(n_said);
            let guess = interval_ns.unwrap_or(0) as f64;
            VersionHours {
                version: names.get(&version).cloned(),
                n_devices: with_devices.then(|| devices.get(&version).copied().unwrap_or_default()),
                n_rows,
                hours: (sum + guess * n_guessed as f64) / HOUR_NS,
                n_guessed,
            }
        });
        let mut versions: Vec<VersionHours> = versions.collect();
        versions.sort_by(|a, b| a.version.cmp(&b.version));
        Ok(FleetHours {
            versions,
            interval_ns,
            n_devices: of_any
                .values()
                .map(|slots| u64::from(slots.count_ones()))
                .sum(),
        })
    }

    /// The most frequent distance between two heartbeats of a device, nanoseconds.
    pub fn usual_interval(&self) -> Result<Option<i64>, StoreError> {
        let filter = IdFilter::new(self, &RowFilter::default())?;
        self.ask_one_state(|connection| {
            let mut spacings = BTreeMap::new();
            let mut days = ExpectedDays::new(self, connection, &filter, |_| true)?;
            while let Some(day) = days.next_with(&[TIME]) {
                for_each_summary(connection, day, TIME, |id, summary| {
                    let rows =
                        RowSummary::read(summary).map_err(|malformed| damaged(id, malformed))?;
                    count_spacings(&mut spacings, &rows.spacings);
                    Ok(())
                })?;
            }
            Ok(most_frequent(&spacings))
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
        let mut found: BTreeMap<u32, (u64, BTreeSet<u32>)> = BTreeMap::new();
        self.ask(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT version, device FROM series_events WHERE kind = ?1 AND time_ns >= ?2 AND time_ns <= ?3",
            )?;
            let mut rows = statement.query(rusqlite::params![kind, from, to])?;
            while let Some(row) = rows.next()? {
                let (n_events, devices) = found.entry(row.get(0)?).or_default();
                *n_events += 1;
                devices.insert(row.get(1)?);
            }
            Ok(())
        })?;
        let rates = found
            .into_iter()
            .map(|(version, (n_events, devices))| EventRate {
                version: names.get(&version).cloned(),
                n_events,
                n_devices: devices.len() as u64,
            });
        Ok(rates.collect())
    }
}

fn count_spacings(sum: &mut BTreeMap<u64, u64>, part: &BTreeMap<u64, u64>) {
    for (spacing, n) in part {
        *sum.entry(*spacing).or_default() += n;
    }
}

/// Of several that are as frequent, the longest.
fn most_frequent(spacings: &BTreeMap<u64, u64>) -> Option<i64> {
    let (spacing, _) = spacings.iter().max_by_key(|(_, n)| **n)?;
    i64::try_from(*spacing).ok()
}

//! A small demo fleet as the screens see it, worked out in the plainest way.

use crate::engine::demo_fleet::DemoFleet;
use crate::engine::fleet::census::Census;
use crate::engine::fleet::compared::ComparedVersion;
use crate::engine::fleet::pyramid::Pyramid;
use crate::engine::fleet::totals::{BucketTotal, Totals};
use crate::engine::fleet::view::{
    Band, BandPoint, Bucket, DeviceTimeline, Estimate, EventMark, FleetSummary, Frame, Histogram,
    Lane, Looping, QUANTILES, RankedDevice, VersionRow,
};
use crate::engine::fleet::vitals::{Vital, VitalKind};
use crate::engine::logs::view::{DensityAxis, LogDensity, LogSummary};
use crate::engine::logs::wall_clock::WallClock;
use crate::engine::queries::device_logs::{DeviceLog, DeviceLogs, LogPart};
use crate::engine::queries::fleet_state::VitalRows;
use crate::model::metric::MetricKind;
use crate::model::series::{Column, FleetEvent, HeartbeatBatch, Values};
use std::collections::BTreeMap;

const FLEET: DemoFleet = DemoFleet {
    n_devices: 60,
    n_days: 5,
    seed: 1,
};
const HOUR: i64 = 3_600_000_000_000;

fn all() -> (HeartbeatBatch, Vec<FleetEvent>) {
    FLEET.devices(0..FLEET.n_devices)
}

fn value(column: &Column, row: usize) -> Option<f64> {
    column.is_present(row).then(|| match &column.values {
        Values::I32(values) => f64::from(values[row]),
        Values::F32(values) => f64::from(values[row]),
        _ => f64::NAN,
    })
}

/// The rows that have a value of a metric, with it.
fn values(batch: &HeartbeatBatch, metric: &str) -> Vec<(usize, f64)> {
    let column = batch.metrics.iter().find(|(name, _)| name == metric);
    let Some((_, column)) = column else {
        return Vec::new();
    };
    (0..batch.len())
        .filter_map(|row| Some((row, value(column, row)?)))
        .collect()
}

fn version(batch: &HeartbeatBatch, row: usize) -> &str {
    &batch.versions[batch.version[row] as usize]
}

/// True for a row inside a span, whose end is not in it.
fn is_inside(span: Option<(i64, i64)>, ns: i64) -> bool {
    span.is_none_or(|(from, to)| from <= ns && ns < to)
}

pub(super) fn versions(span: (i64, i64)) -> (Vec<VersionRow>, Looping) {
    (version_rows(Some(span)), Looping::default())
}

fn version_rows(span: Option<(i64, i64)>) -> Vec<VersionRow> {
    let (batch, events) = all();
    let versions = batch.versions.iter().map(|name| {
        let rows: Vec<usize> = (0..batch.len())
            .filter(|row| version(&batch, *row) == name && is_inside(span, batch.time_ns[*row]))
            .collect();
        let mut devices: Vec<u32> = rows.iter().map(|row| batch.device[*row]).collect();
        devices.dedup();
        let is_crash = |event: &&FleetEvent| {
            let is_own = event.kind == "crash" && event.version.as_ref() == Some(name);
            is_own && is_inside(span, event.time_ns)
        };
        let n_crashes = events.iter().filter(is_crash).count() as u64;
        let hours = rows.len() as f64;
        VersionRow {
            version: name.clone(),
            n_devices: devices.len() as u64,
            device_hours: hours,
            n_crashes,
            crash_rate: Some(Estimate {
                value: n_crashes as f64 / hours * 1000.0,
                interval: Some((
                    n_crashes as f64 / hours * 700.0,
                    n_crashes as f64 / hours * 1350.0,
                )),
            }),
        }
    });
    versions.collect()
}

pub(super) fn summary() -> FleetSummary {
    let (batch, _) = all();
    FleetSummary {
        frame: Some(Frame {
            population: Some(FLEET.population()),
            how: Some("each device with the same chance".to_owned()),
            source: "demo".to_owned(),
        }),
        n_devices: u64::from(FLEET.n_devices),
        n_heartbeats: batch.len() as u64,
        device_hours: batch.len() as f64,
        span_ns: batch
            .time_ns
            .iter()
            .min()
            .copied()
            .zip(batch.time_ns.iter().max().copied()),
        interval_ns: Some(HOUR),
        metrics: FLEET.definitions(),
        versions: version_rows(None),
        looping: Looping {
            n_devices: 1,
            n_crashes: 312,
            hours: 52.0,
        },
    }
}

pub(super) fn band(metric: &str, by_day: bool, only: Option<&str>) -> Band {
    let (batch, _) = all();
    let width = if by_day { 24 * HOUR } else { HOUR };
    let mut buckets: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for (row, value) in values(&batch, metric) {
        if only.is_none_or(|only| version(&batch, row) == only) {
            let bucket = batch.time_ns[row].div_euclid(width);
            buckets.entry(bucket).or_default().push(value);
        }
    }
    let points = buckets.into_iter().map(|(bucket, mut values)| {
        values.sort_by(f64::total_cmp);
        let quantile = |p: f64| {
            let at = p * (values.len() - 1) as f64;
            let (low, high) = (values[at.floor() as usize], values[at.ceil() as usize]);
            low + (high - low) * at.fract()
        };
        BandPoint {
            from_ns: bucket * width,
            to_ns: (bucket + 1) * width,
            n: values.len() as u64,
            quantiles: Some(QUANTILES.map(quantile)),
        }
    });
    Band {
        points: points.collect(),
    }
}

pub(super) fn totals(metric: &str, by_day: bool, only: Option<&str>) -> Totals {
    let (batch, _) = all();
    let width = if by_day { 24 * HOUR } else { HOUR };
    let mut buckets: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for (row, value) in values(&batch, metric) {
        if only.is_none_or(|only| version(&batch, row) == only) {
            let bucket = batch.time_ns[row].div_euclid(width);
            buckets.entry(bucket).or_default().push(value);
        }
    }
    let buckets = buckets.into_iter().map(|(bucket, values)| BucketTotal {
        start_ns: bucket * width,
        end_ns: (bucket + 1) * width,
        count: values.len() as u64,
        sum: values.iter().sum(),
        range: Some((
            values.iter().copied().fold(f64::MAX, f64::min),
            values.iter().copied().fold(f64::MIN, f64::max),
        )),
    });
    Totals::of_buckets(buckets.collect())
}

pub(super) fn compared(metric: &str, span: Option<(i64, i64)>) -> Vec<ComparedVersion> {
    let (batch, _) = all();
    let mut values = values(&batch, metric);
    values.retain(|(row, _)| is_inside(span, batch.time_ns[*row]));
    let mut before: Option<f64> = None;
    let rows = batch.versions.iter().map(|name| {
        let own = values
            .iter()
            .filter(|(row, _)| version(&batch, *row) == name);
        let own: Vec<f64> = own.map(|(_, value)| *value).collect();
        let mean = own.iter().sum::<f64>() / own.len() as f64;
        let around = |value: f64| Estimate {
            value,
            interval: Some((value - mean * 0.1, value + mean * 0.1)),
        };
        let difference = before.map(|before| around(mean - before));
        before = Some(mean);
        ComparedVersion {
            version: name.clone(),
            n_devices: 60,
            n: own.len() as u64,
            hours: own.len() as f64,
            mean: around(mean),
            difference,
        }
    });
    rows.collect()
}

pub(super) fn histogram(metric: &str, only: Option<&str>, span: Option<(i64, i64)>) -> Histogram {
    let (batch, _) = all();
    let mut values = values(&batch, metric);
    values.retain(|(row, _)| is_inside(span, batch.time_ns[*row]));
    values.retain(|(row, _)| only.is_none_or(|only| version(&batch, *row) == only));
    let least = values
        .iter()
        .map(|(_, value)| *value)
        .fold(f64::MAX, f64::min);
    let most = values
        .iter()
        .map(|(_, value)| *value)
        .fold(f64::MIN, f64::max);
    let bin = ((most - least) / 30.0).max(1.0);
    let mut counts = vec![0; ((most - least) / bin) as usize + 1];
    for (_, value) in values {
        counts[((value - least) / bin) as usize] += 1;
    }
    Histogram {
        bin,
        first: least,
        counts,
    }
}

pub(super) fn ranking(metric: &str, from_top: bool, span: Option<(i64, i64)>) -> Vec<RankedDevice> {
    let (batch, _) = all();
    let mut devices: BTreeMap<u32, (u64, f64, usize)> = BTreeMap::new();
    let mut values = values(&batch, metric);
    values.retain(|(row, _)| is_inside(span, batch.time_ns[*row]));
    for (row, value) in values {
        let entry = devices.entry(batch.device[row]).or_default();
        entry.0 += 1;
        entry.1 += value;
        entry.2 = row;
    }
    let kind = FLEET
        .definitions()
        .into_iter()
        .find(|known| known.name == metric);
    let is_sum = kind.is_none_or(|metric| metric.kind == MetricKind::Counter);
    let mut ranked: Vec<RankedDevice> = devices
        .into_iter()
        .map(|(device, (n, sum, row))| RankedDevice {
            serial: batch.devices[device as usize].clone(),
            hardware: Some(batch.hardware_names[batch.hardware[row] as usize].clone()),
            version: Some(version(&batch, row).to_owned()),
            n,
            value: if is_sum { sum } else { sum / n as f64 },
        })
        .collect();
    if ranked.is_empty() {
        ranked.push(RankedDevice {
            serial: batch.devices[0].clone(),
            ..RankedDevice::default()
        });
    }
    ranked.sort_by(|a, b| a.value.total_cmp(&b.value));
    if from_top {
        ranked.reverse();
    }
    ranked.truncate(20);
    ranked
}

pub(super) fn timeline(serial: &str, metrics: &[String]) -> DeviceTimeline {
    let (batch, events) = all();
    let device = batch.devices.iter().position(|name| name == serial);
    let rows: Vec<usize> = (0..batch.len())
        .filter(|row| Some(batch.device[*row] as usize) == device)
        .collect();
    let mut versions: Vec<(i64, i64, String)> = Vec::new();
    for row in &rows {
        let (from, to) = (batch.time_ns[*row] - HOUR, batch.time_ns[*row]);
        match versions.last_mut() {
            Some(last) if last.2 == version(&batch, *row) => last.1 = to,
            _ => versions.push((from, to, version(&batch, *row).to_owned())),
        }
    }
    let definitions = FLEET.definitions();
    let lanes = metrics.iter().filter_map(|name| {
        let metric = definitions.iter().find(|metric| metric.name == *name)?;
        let values = values(&batch, name);
        let own = values.iter().filter(|(row, _)| rows.contains(row));
        let values = own.map(|(row, value)| {
            let end = batch.time_ns[*row];
            Bucket::one((end - HOUR, end), *value)
        });
        Some(Lane {
            metric: metric.clone(),
            line: Pyramid::of(values.collect()),
        })
    });
    let marks = events.iter().filter(|event| event.serial == serial);
    let marks = marks.map(|event| EventMark {
        time_ns: event.time_ns,
        kind: event.kind.clone(),
        issue: event.issue.clone(),
        version: event.version.clone(),
        crash: None,
    });
    DeviceTimeline {
        serial: serial.to_owned(),
        hardware: rows
            .first()
            .map(|row| batch.hardware_names[batch.hardware[*row] as usize].clone()),
        span_ns: rows
            .first()
            .zip(rows.last())
            .map(|(first, last)| (batch.time_ns[*first] - HOUR, batch.time_ns[*last])),
        n_heartbeats: rows.len() as u64,
        hours: rows.len() as f64,
        versions,
        events: marks.collect(),
        lanes: lanes.collect(),
    }
}

/// The log of a device on its second day, with errors at its end.
pub(super) fn logs() -> DeviceLogs {
    let (first, _) = summary().span_ns.unwrap();
    let span = (first + 20 * HOUR, first + 40 * HOUR);
    let density = LogDensity {
        axis: DensityAxis::Wall,
        span,
        ..LogDensity::default()
    };
    let parts = (0..80).map(|n| LogPart {
        from_ns: span.0 + n * HOUR / 4,
        to_ns: span.0 + (n + 1) * HOUR / 4,
        n_lines: 20 + (n * 37 % 60) as u64,
        n_errors: if n > 70 { 12 } else { 0 },
    });
    DeviceLogs {
        logs: vec![DeviceLog {
            key: super::logs::key(),
            name: "uart0.log".to_owned(),
            clock: WallClock::of(&LogSummary::default(), &density),
            parts: parts.collect(),
        }],
        n_others: 0,
    }
}

pub(super) fn census() -> Census {
    Census {
        at_ns: summary().span_ns.map(|(_, last)| last),
        silent_after_ns: 24 * HOUR,
        n_reporting: 57,
        n_silent: 3,
        n_never: Some(0),
        n_not_sampled: Some(FLEET.population() - 60),
    }
}

pub(super) fn vitals() -> Vec<VitalRows> {
    let vital = |kind: VitalKind, metric: &str, value: f64| Vital {
        kind,
        metric: metric.to_owned(),
        estimate: Some(Estimate {
            value,
            interval: Some((value * 0.93, (value * 1.08).min(100.0))),
        }),
        n_devices: 60,
        hours: 6872.0,
        n_used: 6872,
        n_without_value: 0,
        n_without_length: 0,
        n_charged: 0,
    };
    let all = [
        vital(VitalKind::ChargeUsed, "battery_used_pct", 0.94),
        vital(VitalKind::Connected, "wifi_connected_ms", 99.2),
        vital(VitalKind::Disconnects, "wifi_disconnects", 5.13),
    ];
    let rows = all.into_iter().map(|all| VitalRows {
        all,
        by_version: Vec::new(),
    });
    rows.collect()
}

//! What the screens of heartbeats show: plain data, each number with what it is made of.

use super::pyramid::Pyramid;
use crate::model::metric::{MetricDefinition, MetricKind};

/// Fewer devices than this say nothing of the others: then there is no interval.
pub const LEAST_DEVICES: u64 = 20;

/// How a sample was drawn, as far as it says so.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    /// Devices of the whole fleet.
    pub population: Option<u64>,
    /// How the devices of the sample were chosen.
    pub how: Option<String>,
    /// Where it was taken from.
    pub source: String,
}

/// All heartbeats of a workspace at a glance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FleetSummary {
    /// How the sample was drawn; `None` without a sample.
    pub frame: Option<Frame>,
    /// Devices that reported.
    pub n_devices: u64,
    /// Their heartbeats.
    pub n_heartbeats: u64,
    /// Hours that they tell of.
    pub device_hours: f64,
    /// First and last heartbeat, nanoseconds since 1970.
    pub span_ns: Option<(i64, i64)>,
    /// From one heartbeat to the next, most often.
    pub interval_ns: Option<i64>,
    /// What is measured, by name.
    pub metrics: Vec<MetricDefinition>,
    /// By software version, in their order.
    pub versions: Vec<VersionRow>,
    /// Devices that crash again and again before an interval is over, and crashes of theirs: hours that no heartbeat tells of.
    pub looping: Looping,
}

/// Devices that crash again and again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Looping {
    /// How many.
    pub n_devices: u64,
    /// Their crashes in intervals of which no heartbeat tells.
    pub n_crashes: u64,
    /// Hours between them that were never reported.
    pub hours: f64,
}

/// What is known of one version.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VersionRow {
    /// Its name; empty where heartbeats do not say theirs.
    pub version: String,
    /// Devices that ran it.
    pub n_devices: u64,
    /// Hours that their heartbeats tell of.
    pub device_hours: f64,
    /// Crashes.
    pub n_crashes: u64,
    /// Crashes in 1,000 device-hours.
    pub crash_rate: Option<Estimate>,
}

/// A number that was worked out from a sample.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Where it lies with 95 % confidence; `None` of too few devices.
    pub interval: Option<(f64, f64)>,
}

/// Quantiles over all devices, one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Band {
    /// In the order of time, without gaps in it.
    pub points: Vec<BandPoint>,
}

/// One hour or day of a band.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BandPoint {
    /// Where it begins, nanoseconds since 1970.
    pub from_ns: i64,
    /// Where it ends.
    pub to_ns: i64,
    /// Values in it.
    pub n: u64,
    /// The quantiles 5, 50 and 95 %, and the quartiles between them; `None` without a value.
    pub quantiles: Option<[f64; 5]>,
}

/// The quantiles of [`BandPoint::quantiles`].
pub const QUANTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

/// Values of a device in one interval, or in several that lie together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bucket {
    /// Where the first interval in it begins, nanoseconds since 1970.
    pub from_ns: i64,
    /// Where the last one ends.
    pub to_ns: i64,
    /// Values in it.
    pub n: u64,
    /// The least of them.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// Their sum.
    pub sum: f64,
    /// How long their intervals are together, nanoseconds; gaps between them are not in it.
    pub len_ns: i64,
}

impl Bucket {
    /// One value with its interval.
    pub fn one((from_ns, to_ns): (i64, i64), value: f64) -> Self {
        Self {
            from_ns,
            to_ns,
            n: 1,
            min: value,
            max: value,
            sum: value,
            len_ns: to_ns.saturating_sub(from_ns),
        }
    }

    /// Takes in one that lies behind it.
    pub fn add(&mut self, next: &Self) {
        if self.n == 0 {
            *self = *next;
            return;
        }
        self.to_ns = next.to_ns;
        self.n = self.n.saturating_add(next.n);
        self.min = self.min.min(next.min);
        self.max = self.max.max(next.max);
        self.sum += next.sum;
        self.len_ns = self.len_ns.saturating_add(next.len_ns);
    }

    /// The mean of its values.
    pub fn mean(&self) -> f64 {
        self.sum / self.n as f64
    }

    /// What milliseconds that were added up in its intervals are of them, from 0 to 1; `None` where their length is not known.
    pub fn share_of_ms(&self, ms: f64) -> Option<f64> {
        let len_ms = self.len_ns as f64 / NANOS_A_MILLI;
        (len_ms > 0.0).then(|| ms / len_ms)
    }

    /// The hours that its intervals tell of.
    pub fn hours(&self) -> f64 {
        self.len_ns as f64 / NANOS_AN_HOUR
    }
}

const NANOS_A_MILLI: f64 = 1e6;
const NANOS_AN_HOUR: f64 = 3.6e12;

/// A metric of one device.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    /// Which.
    pub metric: MetricDefinition,
    /// Its values, ready for any zoom; where there is no value there is nothing in it.
    pub line: Pyramid,
}

impl Lane {
    /// True of a timer in milliseconds whose intervals are all known: it can be shown as its share of them.
    pub fn has_shares(&self) -> bool {
        self.metric.kind == MetricKind::Timer
            && self.metric.unit.as_deref().is_none_or(|unit| unit == "ms")
            && self.line.values().iter().all(|value| value.len_ns > 0)
    }
}

/// One device along its time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeviceTimeline {
    /// Serial number.
    pub serial: String,
    /// Hardware revision.
    pub hardware: Option<String>,
    /// First and last time.
    pub span_ns: Option<(i64, i64)>,
    /// Heartbeats.
    pub n_heartbeats: u64,
    /// Hours that they tell of.
    pub hours: f64,
    /// Which version it ran from when to when.
    pub versions: Vec<(i64, i64, String)>,
    /// What happened to it.
    pub events: Vec<EventMark>,
    /// What was asked of what it measured.
    pub lanes: Vec<Lane>,
}

/// Something that happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventMark {
    /// When, nanoseconds since 1970.
    pub time_ns: i64,
    /// What: `crash`, `boot`, `update`.
    pub kind: String,
    /// Its cause, where it says one.
    pub issue: Option<String>,
    /// The version then.
    pub version: Option<String>,
    /// The crash of this workspace that it is.
    pub crash: Option<i64>,
}

/// A device among the others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RankedDevice {
    /// Serial number.
    pub serial: String,
    /// Hardware revision.
    pub hardware: Option<String>,
    /// The version that it reported last.
    pub version: Option<String>,
    /// Values.
    pub n: u64,
    /// Their sum, for what is counted, else their mean.
    pub value: f64,
}

/// How values are spread.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// Width of a bin.
    pub bin: f64,
    /// Lower end of the first one.
    pub first: f64,
    /// Values by bin.
    pub counts: Vec<u64>,
}

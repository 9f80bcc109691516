//! Vitals of a fleet: how fast batteries drain and how long devices are connected. Which metric they are made of is found by its
//! name, kind and unit; what was used of it and what was left out is counted.

use super::view::{Estimate, LEAST_DEVICES};
use crate::analysis::ratio::{Share, ratio};
use crate::model::metric::{MetricDefinition, MetricKind};
use crate::store::series::DeviceSum;
use std::collections::BTreeMap;

const NANOS_AN_HOUR: f64 = 3.6e12;

/// What a vital tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VitalKind {
    /// Charge that devices say they used.
    ChargeUsed,
    /// How far the level of charge fell.
    ChargeFallen,
    /// Time with a connection.
    Connected,
    /// Connections lost.
    Disconnects,
}

/// A vital of all devices or of a version.
#[derive(Clone, Debug, PartialEq)]
pub struct Vital {
    /// What it tells.
    pub kind: VitalKind,
    /// The metric that it is made of.
    pub metric: String,
    /// The number, in [`VitalKind::unit`]; `None` without an interval that could be used.
    pub estimate: Option<Estimate>,
    /// Devices with such an interval.
    pub n_devices: u64,
    /// Hours of those intervals.
    pub hours: f64,
    /// Intervals that were used.
    pub n_used: u64,
    /// Left out: the heartbeat has no value, or one that is not a number.
    pub n_without_value: u64,
    /// Left out: nobody knows how long the interval was, or of a level what it was one interval before.
    pub n_without_length: u64,
    /// Left out: the battery was charged in it.
    pub n_charged: u64,
}

impl VitalKind {
    /// In the order in which they are shown.
    pub const ALL: [Self; 4] = [
        Self::ChargeUsed,
        Self::ChargeFallen,
        Self::Connected,
        Self::Disconnects,
    ];

    /// In tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::ChargeUsed | Self::ChargeFallen => "battery",
            Self::Connected => "connected",
            Self::Disconnects => "disconnects",
        }
    }

    /// On screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::ChargeUsed | Self::ChargeFallen => "Battery drain",
            Self::Connected => "Time connected",
            Self::Disconnects => "Connections lost",
        }
    }

    /// What its number counts.
    pub fn unit(self) -> &'static str {
        match self {
            Self::ChargeUsed | Self::ChargeFallen => "% per hour",
            Self::Connected => "% of the time",
            Self::Disconnects => "per day",
        }
    }

    /// How it is worked out: a sentence.
    pub fn definition(self) -> &'static str {
        match self {
            Self::ChargeUsed => {
                "the charge that heartbeats say was used, over the hours of the same intervals"
            }
            Self::ChargeFallen => {
                "how far the level of charge fell from one heartbeat to the next, over the hours between them; where it rose the battery was charged, and the interval is left out"
            }
            Self::Connected => "the time with a connection, over the length of the same intervals",
            Self::Disconnects => {
                "the connections that were lost, over the days of the same intervals"
            }
        }
    }

    /// True of a metric that it can be made of.
    fn fits(self, metric: &MetricDefinition) -> bool {
        let name = metric.name.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        let is_charge = metric.unit.as_deref() == Some("%") && has(&["batt", "charge", "soc"]);
        let is_used = has(&["used", "drain", "discharg", "consum"]);
        match self {
            Self::ChargeUsed => is_charge && is_used,
            Self::ChargeFallen => is_charge && !is_used && metric.kind == MetricKind::Gauge,
            Self::Connected => {
                metric.kind == MetricKind::Timer
                    && hours_a_unit(metric).is_some()
                    && has(&["connected"])
                    && !has(&["disconnected"])
            }
            Self::Disconnects => metric.kind == MetricKind::Counter && has(&["disconnect"]),
        }
    }
}

/// The metrics that vitals are made of: the first by name that fits. How far a level fell is asked only where nothing says what
/// was used.
pub(in crate::engine) fn chosen(
    metrics: &[MetricDefinition],
) -> Vec<(VitalKind, MetricDefinition)> {
    let mut found: Vec<(VitalKind, MetricDefinition)> = Vec::new();
    for kind in VitalKind::ALL {
        let is_told = found.iter().any(|(other, _)| other.name() == kind.name());
        let metric = metrics.iter().find(|metric| kind.fits(metric));
        if let Some(metric) = metric.filter(|_| !is_told) {
            found.push((kind, metric.clone()));
        }
    }
    found
}

/// Works a vital out of what each device adds to it. `n_heartbeats` is how many there are, with and without a value.
pub(in crate::engine) fn vital_of(
    kind: VitalKind,
    metric: &MetricDefinition,
    sums: &[&DeviceSum],
    n_heartbeats: u64,
) -> Vital {
    let mut vital = Vital {
        kind,
        metric: metric.name.clone(),
        estimate: None,
        n_devices: 0,
        hours: 0.0,
        n_used: 0,
        n_without_value: 0,
        n_without_length: 0,
        n_charged: 0,
    };
    let mut n_values: u64 = 0;
    // A device that ran several versions is one device.
    let mut devices: BTreeMap<u32, Share> = BTreeMap::new();
    for sum in sums {
        n_values = n_values.saturating_add(sum.n_values);
        let (share, n_used) = match kind {
            VitalKind::ChargeFallen => {
                vital.n_charged = vital.n_charged.saturating_add(sum.n_rises);
                let over = sum.falling_ns as f64 / NANOS_AN_HOUR;
                let of = sum.fallen;
                (Share { of, over }, sum.n_falls)
            }
            VitalKind::ChargeUsed | VitalKind::Connected | VitalKind::Disconnects => {
                let over = sum.timed_ns as f64 / NANOS_AN_HOUR;
                let of = sum.timed_sum * per_hour(kind, metric);
                (Share { of, over }, sum.n_timed)
            }
        };
        vital.n_used = vital.n_used.saturating_add(n_used);
        vital.hours += share.over;
        if share.over <= 0.0 {
            continue;
        }
        let known = devices.entry(sum.device).or_default();
        known.of += share.of;
        known.over += share.over;
    }
    vital.n_devices = devices.len() as u64;
    vital.n_without_value = n_heartbeats.saturating_sub(n_values);
    let n_told = vital.n_used.saturating_add(vital.n_charged);
    vital.n_without_length = n_values.saturating_sub(n_told);
    let shares: Vec<Share> = devices.into_values().collect();
    vital.estimate = ratio(&shares).map(|found| Estimate {
        value: found.value,
        interval: (vital.n_devices >= LEAST_DEVICES)
            .then_some(possible(kind, found.low, found.high)),
    });
    vital
}

/// The part of an interval that can be: nothing is connected for more than all of the time.
fn possible(kind: VitalKind, low: f64, high: f64) -> (f64, f64) {
    let most = match kind {
        VitalKind::Connected => 100.0,
        VitalKind::ChargeUsed | VitalKind::ChargeFallen | VitalKind::Disconnects => f64::INFINITY,
    };
    (low.max(0.0), high.min(most))
}

/// What one of a metric is in the unit of the vital, for an hour that it is divided by.
fn per_hour(kind: VitalKind, metric: &MetricDefinition) -> f64 {
    match kind {
        VitalKind::ChargeUsed | VitalKind::ChargeFallen => 1.0,
        VitalKind::Connected => hours_a_unit(metric).unwrap_or(f64::NAN) * 100.0,
        VitalKind::Disconnects => 24.0,
    }
}

/// Hours in one of the unit of a timer; `None` of a unit that is no time.
pub(in crate::engine) fn hours_a_unit(metric: &MetricDefinition) -> Option<f64> {
    match metric.unit.as_deref() {
        None | Some("ms") => Some(1.0 / 3.6e6),
        Some("s") => Some(1.0 / 3600.0),
        Some("min") => Some(1.0 / 60.0),
        Some("h") => Some(1.0),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{VitalKind, chosen, possible};
    use crate::model::metric::{MetricDefinition, MetricKind};

    fn metric(name: &str, kind: MetricKind, unit: Option<&str>) -> MetricDefinition {
        MetricDefinition {
            name: name.to_owned(),
            kind,
            unit: unit.map(str::to_owned),
            min: None,
            max: None,
            values: Vec::new(),
            description: None,
        }
    }

    #[test]
    fn what_a_vital_is_made_of_is_found_by_name_kind_and_unit() {
        let names = |metrics: &[MetricDefinition]| -> Vec<(VitalKind, String)> {
            let found = chosen(metrics).into_iter();
            found.map(|(kind, metric)| (kind, metric.name)).collect()
        };
        let level = metric("battery_pct", MetricKind::Gauge, Some("%"));
        let used = metric("battery_used_pct", MetricKind::Gauge, Some("%"));
        let volts = metric("battery_v", MetricKind::Gauge, Some("V"));
        let apart = metric("wifi_disconnected_ms", MetricKind::Timer, Some("ms"));
        let connected = metric("WifiConnectedMs", MetricKind::Timer, Some("ms"));
        let blinks = metric("led_connected", MetricKind::Timer, Some("blinks"));
        let lost = metric("wifi_disconnects", MetricKind::Counter, None);
        assert_eq!(
            names(&[level.clone(), volts.clone()]),
            [(VitalKind::ChargeFallen, "battery_pct".to_owned())]
        );
        assert_eq!(
            names(&[level, used, volts, apart, blinks, connected, lost]),
            [
                (VitalKind::ChargeUsed, "battery_used_pct".to_owned()),
                (VitalKind::Connected, "WifiConnectedMs".to_owned()),
                (VitalKind::Disconnects, "wifi_disconnects".to_owned()),
            ]
        );
    }

    #[test]
    fn an_interval_ends_where_no_value_can_be() {
        assert_eq!(possible(VitalKind::Connected, 92.0, 107.0), (92.0, 100.0));
        assert_eq!(possible(VitalKind::Disconnects, -1.0, 107.0), (0.0, 107.0));
    }
}

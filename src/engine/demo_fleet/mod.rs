//! A fleet that never was: devices of four versions with a planted regression, the same for the same seed. It shows what
//! the fleet screens can tell, and tests hold their answers against what was planted.
//!
//! Each device is made from the seed and its own number alone, so that any part of the fleet can be made by itself.

mod device;
mod metrics;
mod stored;
mod truth;

pub use stored::{DemoError, store};
pub use truth::{Planted, Truth};

use crate::model::metric::MetricDefinition;
use crate::model::series::{FleetEvent, HeartbeatBatch};
use device::Device;

/// When the sample begins: 2026-06-01T00:00:00Z, in seconds since 1970.
pub const BEGIN_S: i64 = 1_780_272_000;
/// Seconds from one heartbeat to the next.
pub const INTERVAL_S: i64 = 3600;
/// Software versions, oldest first.
pub const VERSIONS: [&str; 4] = ["1.4.0", "1.4.1", "1.4.2", "1.4.3"];
/// The version with the regression: index into [`VERSIONS`].
pub const BAD: usize = 2;
/// Hardware revisions.
pub const HARDWARE: [&str; 3] = ["rev A", "rev B", "rev C"];
/// The revision with the weaker antenna: index into [`HARDWARE`].
pub const DEAF: usize = 2;
/// How many times as many devices the sample says that it was taken from.
const POPULATION: u64 = 20;

/// Which fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemoFleet {
    /// How many devices report.
    pub n_devices: u32,
    /// For how long.
    pub n_days: u32,
    /// What makes it this one.
    pub seed: u64,
}

/// The small one that the window opens.
pub const SMALL: DemoFleet = DemoFleet {
    n_devices: 400,
    n_days: 7,
    seed: 1,
};

impl DemoFleet {
    /// What is measured.
    pub fn definitions(self) -> Vec<MetricDefinition> {
        metrics::definitions()
    }

    /// What was planted, and how many devices the sample stands for.
    pub fn truth(self) -> Truth {
        truth::of(self)
    }

    /// The heartbeats and events of some devices, by device and then time.
    pub fn devices(self, devices: std::ops::Range<u32>) -> (HeartbeatBatch, Vec<FleetEvent>) {
        let mut made = metrics::Batch::new();
        let mut events = Vec::new();
        for number in devices.start..devices.end.min(self.n_devices) {
            Device::new(self, number).report(&mut made, &mut events);
        }
        (made.finish(), events)
    }

    /// The size of what it was taken from.
    pub fn population(self) -> u64 {
        u64::from(self.n_devices).saturating_mul(POPULATION)
    }
}

#[cfg(test)]
mod tests {
    use super::{BAD, DEAF, DemoFleet, INTERVAL_S, VERSIONS};
    use crate::model::series::{Column, HeartbeatBatch, Values};

    const FLEET: DemoFleet = DemoFleet {
        n_devices: 600,
        n_days: 7,
        seed: 3,
    };

    fn column<'a>(batch: &'a HeartbeatBatch, name: &str) -> &'a Column {
        &batch.metrics.iter().find(|(n, _)| n == name).unwrap().1
    }

    fn value(column: &Column, row: usize) -> Option<f64> {
        column.is_present(row).then(|| match &column.values {
            Values::I32(values) => f64::from(values[row]),
            Values::F32(values) => f64::from(values[row]),
            other => panic!("{other:?}"),
        })
    }

    /// Mean of a metric over the rows of one version.
    fn mean(batch: &HeartbeatBatch, name: &str, wanted: impl Fn(usize) -> bool) -> f64 {
        let column = column(batch, name);
        let rows = (0..batch.len()).filter(|row| wanted(*row));
        let values: Vec<f64> = rows.filter_map(|row| value(column, row)).collect();
        values.iter().sum::<f64>() / values.len() as f64
    }

    #[test]
    fn the_same_seed_makes_the_same_fleet_in_whatever_parts() {
        let (whole, events) = FLEET.devices(0..60);
        assert_eq!(FLEET.devices(0..60).0, whole);
        let (first, mut first_events) = FLEET.devices(0..25);
        let (second, second_events) = FLEET.devices(25..60);
        let n_first = first.len();
        assert_eq!(n_first + second.len(), whole.len());
        assert_eq!(whole.time_ns[n_first..], second.time_ns);
        first_events.extend(second_events);
        assert_eq!(first_events, events);
        let other = DemoFleet { seed: 4, ..FLEET };
        assert_ne!(other.devices(0..60).0, whole);
    }

    #[test]
    fn what_was_planted_is_there_and_nothing_else_is() {
        let (batch, events) = FLEET.devices(0..FLEET.n_devices);
        let is_bad = |row: usize| batch.version[row] == BAD as u32;
        let truth = FLEET.truth();
        for planted in &truth.planted {
            let ratio = match (planted.version, planted.hardware) {
                (Some(_), None) if planted.metric == "crashes" => {
                    let hours = |bad: bool| (0..batch.len()).filter(|r| is_bad(*r) == bad).count();
                    let crashes = |bad: bool| {
                        let of = events.iter().filter(|event| {
                            event.kind == "crash"
                                && event.issue.as_deref() != Some(truth.looping_issue)
                        });
                        let is = |v: &Option<String>| (v.as_deref() == Some(VERSIONS[BAD])) == bad;
                        of.filter(|event| is(&event.version)).count()
                    };
                    let rate = |bad| crashes(bad) as f64 / hours(bad) as f64;
                    rate(true) / rate(false)
                }
                (Some(_), None) => {
                    mean(&batch, planted.metric, is_bad)
                        / mean(&batch, planted.metric, |row| !is_bad(row))
                }
                (None, Some(_)) => {
                    let is_deaf = |row: usize| batch.hardware[row] == DEAF as u32;
                    let by = mean(&batch, planted.metric, is_deaf)
                        - mean(&batch, planted.metric, |row| !is_deaf(row));
                    assert!((by - planted.by.unwrap()).abs() < 1.5, "{planted:?}: {by}");
                    continue;
                }
                other => panic!("{other:?}"),
            };
            let factor = planted.factor.unwrap();
            assert!((ratio / factor - 1.0).abs() < 0.25, "{planted:?}: {ratio}");
        }
        // A metric that nothing was planted in is the same everywhere.
        let ratio = mean(&batch, "temp_c", is_bad) / mean(&batch, "temp_c", |row| !is_bad(row));
        assert!((ratio - 1.0).abs() < 0.03, "{ratio}");
    }

    #[test]
    fn a_heartbeat_is_of_its_hour_and_what_was_not_measured_is_missing() {
        let (batch, _) = FLEET.devices(0..100);
        let n_hours = 100 * 7 * 24;
        assert!(batch.len() > n_hours * 85 / 100 && batch.len() < n_hours);
        let column = column(&batch, "ble_rssi_dbm");
        let n_missing = (0..batch.len())
            .filter(|row| !column.is_present(*row))
            .count();
        assert!(n_missing > 0 && n_missing < batch.len());
        // No timer is longer than its interval.
        for (name, column) in &batch.metrics {
            if name.ends_with("_ms") {
                let most = (0..batch.len()).filter_map(|row| value(column, row));
                let most = most.fold(0.0, f64::max);
                assert!(most <= INTERVAL_S as f64 * 1000.0, "{name}: {most}");
            }
        }
    }
}

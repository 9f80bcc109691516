//! What was planted in the fleet, as its manifest says it.

use super::{BAD, DEAF, DemoFleet, HARDWARE, VERSIONS};
use serde::Serialize;

/// How much more battery the bad version uses, how many more connections it loses, how much more often it crashes.
pub(super) const DRAIN: f64 = 1.8;
pub(super) const DISCONNECTS: f64 = 6.0;
pub(super) const CRASHES: f64 = 3.0;
/// The issue of the devices that crash again and again.
pub(super) const LOOPING: &str = "DEMO-40";
/// How much less the weaker antenna hears, in dB.
pub(super) const DEAFNESS: f64 = -8.0;

/// A difference that was planted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Planted {
    /// The metric, or `crashes`.
    pub metric: &'static str,
    /// The version that has it.
    pub version: Option<&'static str>,
    /// The hardware revision that has it.
    pub hardware: Option<&'static str>,
    /// How many times as much as elsewhere.
    pub factor: Option<f64>,
    /// How much more than elsewhere.
    pub by: Option<f64>,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Truth {
    /// Devices of the whole fleet, of which the sample is a part.
    pub population: u64,
    /// Devices in the sample.
    pub n_devices: u32,
    /// Days of it.
    pub n_days: u32,
    /// What it was made from.
    pub seed: u64,
    /// The differences. Crashes are counted without those of devices that crash again and again.
    pub planted: Vec<Planted>,
    /// The issue of devices that crash again and again before an hour is over: no heartbeat tells of that time.
    pub looping_issue: &'static str,
}

pub(super) fn of(fleet: DemoFleet) -> Truth {
    let bad = |metric, factor| Planted {
        metric,
        version: VERSIONS.get(BAD).copied(),
        hardware: None,
        factor: Some(factor),
        by: None,
    };
    Truth {
        population: fleet.population(),
        n_devices: fleet.n_devices,
        n_days: fleet.n_days,
        seed: fleet.seed,
        looping_issue: LOOPING,
        planted: vec![
            bad("battery_used_pct", DRAIN),
            bad("wifi_disconnects", DISCONNECTS),
            bad("crashes", CRASHES),
            Planted {
                metric: "wifi_rssi_dbm",
                version: None,
                hardware: HARDWARE.get(DEAF).copied(),
                factor: None,
                by: Some(DEAFNESS),
            },
        ],
    }
}

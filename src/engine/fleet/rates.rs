//! Events of a version against the hours that its heartbeats tell of.

use crate::analysis::rate::{Interval, poisson_rate};
use crate::engine::fleet::version_order::VersionKey;
use crate::engine::fleet::view::LEAST_DEVICES;
use crate::store::series::{EventRate, VersionHours};

/// A version with what happened in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct VersionRate {
    /// Its hours: none of a version that no heartbeat tells of.
    pub(crate) hours: VersionHours,
    /// Events.
    pub(crate) n_events: u64,
}

impl VersionRate {
    /// Events in 1,000 hours; `None` without hours.
    pub(crate) fn per_1000_hours(&self) -> Option<Interval> {
        poisson_rate(self.n_events, self.hours.hours / 1000.0)
    }

    /// Whether the interval of the rate says something of other devices.
    pub(crate) fn are_enough(&self) -> bool {
        self.hours.n_devices.is_some_and(|n| n >= LEAST_DEVICES)
    }
}

/// Puts events to the hours of their versions. A version that crashes before its first heartbeat is due has no hours, and is the
/// one that must not be lost: it stands there by the devices that its events happened to.
pub(crate) fn version_rates(hours: &[VersionHours], events: &[EventRate]) -> Vec<VersionRate> {
    let mut rates: Vec<VersionRate> = hours
        .iter()
        .map(|hours| {
            let own = events.iter().find(|rate| rate.version == hours.version);
            VersionRate {
                hours: hours.clone(),
                n_events: own.map_or(0, |rate| rate.n_events),
            }
        })
        .collect();
    for rate in events {
        if hours.iter().all(|hours| hours.version != rate.version) {
            rates.push(VersionRate {
                hours: VersionHours {
                    version: rate.version.clone(),
                    n_devices: Some(rate.n_devices),
                    ..VersionHours::default()
                },
                n_events: rate.n_events,
            });
        }
    }
    // One without a name comes last.
    rates.sort_by_cached_key(|rate| {
        let version = rate.hours.version.as_deref();
        (version.is_none(), version.map(VersionKey::of))
    });
    rates
}

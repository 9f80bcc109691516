//! Who is there: which devices report, which fell silent, and how many of the fleet nobody asked.

use super::view::{Estimate, LEAST_DEVICES};
use crate::analysis::rate::binomial_share;
use crate::store::series::DeviceEnd;
use std::collections::BTreeMap;

/// A device is silent when the data goes on for longer than this after its last heartbeat.
const LEAST_SILENCE_NS: i64 = 86_400_000_000_000;
/// Or for so many intervals, where they are long.
const SILENT_INTERVALS: i64 = 3;

/// How many devices there are, of each state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Census {
    /// The last heartbeat of all: the time that states are of, nanoseconds since 1970. `None` without heartbeats.
    pub at_ns: Option<i64>,
    /// So long without a heartbeat a device is silent.
    pub silent_after_ns: i64,
    /// Devices that reported and are not silent.
    pub n_reporting: u64,
    /// Devices that reported and are silent.
    pub n_silent: u64,
    /// Devices of the sample that never reported; `None` where nothing says how many it has.
    pub n_never: Option<u64>,
    /// Devices of the fleet that are not in the sample; `None` where the population is not known.
    pub n_not_sampled: Option<u64>,
}

/// What a device says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Attribute {
    /// The version that it said last.
    #[default]
    Version,
    /// The hardware that it said last.
    Hardware,
}

/// Devices that have one value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct AttributeRow {
    /// The value; `None` of devices that say none.
    pub name: Option<String>,
    /// Devices.
    pub n_devices: u64,
    /// Those that are not silent.
    pub n_reporting: u64,
    /// Their share of all devices that reported, from 0 to 1.
    pub share: Estimate,
}

/// So long without a heartbeat a device is silent, where one is due every `interval_ns`.
pub(in crate::engine) fn silent_after(interval_ns: Option<i64>) -> i64 {
    let intervals = interval_ns.unwrap_or(0).saturating_mul(SILENT_INTERVALS);
    intervals.max(LEAST_SILENCE_NS)
}

/// Counts devices. `sampled` and `population` are what the sample says of itself.
pub(in crate::engine) fn census_of(
    ends: &[DeviceEnd],
    interval_ns: Option<i64>,
    (sampled, population): (Option<u64>, Option<u64>),
) -> Census {
    let silent_after_ns = silent_after(interval_ns);
    let at_ns = ends.iter().map(|end| end.time_ns).max();
    let n_reporting = ends
        .iter()
        .filter(|end| is_reporting(end, at_ns, silent_after_ns));
    let n_reporting = n_reporting.count() as u64;
    let n_known = ends.len() as u64;
    let n_sampled = sampled.map(|n| n.max(n_known));
    Census {
        at_ns,
        silent_after_ns,
        n_reporting,
        n_silent: n_known.saturating_sub(n_reporting),
        n_never: n_sampled.map(|n| n.saturating_sub(n_known)),
        n_not_sampled: population.map(|n| n.saturating_sub(n_sampled.unwrap_or(n_known))),
    }
}

/// Devices by an attribute, the most frequent value first.
pub(in crate::engine) fn by_attribute(
    ends: &[DeviceEnd],
    interval_ns: Option<i64>,
    attribute: Attribute,
) -> Vec<AttributeRow> {
    let silent_after_ns = silent_after(interval_ns);
    let at_ns = ends.iter().map(|end| end.time_ns).max();
    let mut counts: BTreeMap<Option<&String>, (u64, u64)> = BTreeMap::new();
    for end in ends {
        let name = match attribute {
            Attribute::Version => end.version.as_ref(),
            Attribute::Hardware => end.hardware.as_ref(),
        };
        let count = counts.entry(name).or_default();
        count.0 = count.0.saturating_add(1);
        if is_reporting(end, at_ns, silent_after_ns) {
            count.1 = count.1.saturating_add(1);
        }
    }
    let n_all = ends.len() as u64;
    let rows = counts.into_iter().map(|(name, (n_devices, n_reporting))| {
        let share = binomial_share(n_devices, n_all);
        let enough = n_all >= LEAST_DEVICES;
        AttributeRow {
            name: name.cloned(),
            n_devices,
            n_reporting,
            share: Estimate {
                value: share.map_or(f64::NAN, |share| share.value),
                interval: share
                    .filter(|_| enough)
                    .map(|share| (share.low, share.high)),
            },
        }
    });
    let mut rows: Vec<AttributeRow> = rows.collect();
    // Of as many devices the order of their names stays.
    rows.sort_by_key(|row| std::cmp::Reverse(row.n_devices));
    rows
}

fn is_reporting(end: &DeviceEnd, at_ns: Option<i64>, silent_after_ns: i64) -> bool {
    at_ns.is_none_or(|at| at.saturating_sub(end.time_ns) <= silent_after_ns)
}

#[cfg(test)]
mod tests {
    use super::{Attribute, DeviceEnd, by_attribute, census_of};

    const HOUR: i64 = 3_600_000_000_000;

    fn end(hours_ago: i64, version: Option<&str>) -> DeviceEnd {
        DeviceEnd {
            time_ns: (1000 - hours_ago) * HOUR,
            version: version.map(str::to_owned),
            hardware: None,
        }
    }

    #[test]
    fn a_device_is_silent_after_a_day_or_three_intervals() {
        let ends = [
            end(0, Some("2")),
            end(24, Some("1")),
            end(25, Some("1")),
            end(100, None),
        ];
        let census = census_of(&ends, Some(HOUR), (Some(6), Some(1000)));
        assert_eq!((census.n_reporting, census.n_silent), (2, 2));
        assert_eq!((census.n_never, census.n_not_sampled), (Some(2), Some(994)));
        let census = census_of(&ends, Some(30 * HOUR), (None, None));
        assert_eq!((census.n_reporting, census.n_silent), (3, 1));
        assert_eq!((census.n_never, census.n_not_sampled), (None, None));
        let census = census_of(&[], None, (Some(6), Some(10)));
        assert_eq!((census.n_never, census.n_not_sampled), (Some(6), Some(4)));
        assert_eq!(census.at_ns, None);
        let rows = by_attribute(&ends, Some(HOUR), Attribute::Version);
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                (
                    row.name.as_deref(),
                    row.n_devices,
                    row.n_reporting,
                    row.share.value,
                )
            })
            .collect();
        assert_eq!(
            rows,
            [
                (Some("1"), 2, 1, 0.5),
                (None, 1, 0, 0.25),
                (Some("2"), 1, 1, 0.25)
            ]
        );
    }
}

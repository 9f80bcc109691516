//! Versions side by side: the mean of a metric in each, how far it is from the version before, and where one device stands among all.

use super::version_order::VersionKey;
use super::view::{Estimate, LEAST_DEVICES};
use super::vitals::hours_a_unit;
use crate::analysis::rate::Interval;
use crate::analysis::ratio::{Share, difference, ratio};
use crate::model::metric::{MetricDefinition, MetricKind};
use crate::store::series::DeviceSum;
use std::collections::BTreeMap;

/// A metric in one version.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparedVersion {
    /// Its name; empty where heartbeats do not say theirs.
    pub version: String,
    /// Devices that have a value in it.
    pub n_devices: u64,
    /// Values.
    pub n: u64,
    /// Hours of their intervals, where those are known.
    pub hours: f64,
    /// The mean of its values; of a timer its share of the intervals, per cent: see [`is_share`].
    pub mean: Estimate,
    /// How much more that is than in the version before; `None` of the first.
    pub difference: Option<Estimate>,
}

/// Where a device stands among all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Standing {
    /// Devices that have a value.
    pub n_devices: u64,
    /// The mean of this one.
    pub mean: f64,
    /// Of how many in 100 it is above; one that is alike counts half.
    pub above: f64,
}

/// True of a metric that is compared as its share of the interval.
pub fn is_share(metric: &MetricDefinition) -> bool {
    metric.kind == MetricKind::Timer && hours_a_unit(metric).is_some()
}

/// What a device adds to a mean.
fn share_of(metric: &MetricDefinition, sum: &DeviceSum) -> Share {
    if is_share(metric) {
        let hours = hours_a_unit(metric).unwrap_or(f64::NAN);
        return Share {
            of: sum.timed_sum * hours * 100.0,
            over: sum.timed_ns as f64 / 3.6e12,
        };
    }
    Share {
        of: sum.sum,
        over: sum.n_values as f64,
    }
}

/// Each version beside the one before, in the order of their names. One without a mean that is a number is left out.
pub(in crate::engine) fn compared(
    metric: &MetricDefinition,
    sums: &[DeviceSum],
) -> Vec<ComparedVersion> {
    let mut versions: BTreeMap<(bool, VersionKey), (&str, Vec<&DeviceSum>)> = BTreeMap::new();
    // Mostly those of a version follow one another.
    for same in sums.chunk_by(|a, b| a.version == b.version) {
        let name = same.first().and_then(|sum| sum.version.as_deref());
        let name = name.unwrap_or_default();
        let key = (name.is_empty(), VersionKey::of(name));
        let (_, own) = versions.entry(key).or_insert((name, Vec::new()));
        own.extend(same.iter().filter(|sum| sum.n_values > 0));
    }
    let mut rows: Vec<ComparedVersion> = Vec::new();
    let mut before: Option<DeviceShares> = None;
    for (name, own) in versions.into_values() {
        let mut shares: DeviceShares = own
            .iter()
            .map(|sum| (sum.device, share_of(metric, sum)))
            .collect();
        shares.sort_by_key(|(device, _)| *device);
        let devices: Vec<Share> = shares.iter().map(|(_, share)| *share).collect();
        let n_devices = devices.len() as u64;
        let Some(mean) = ratio(&devices) else {
            continue;
        };
        rows.push(ComparedVersion {
            version: name.to_owned(),
            n_devices,
            n: own.iter().map(|sum| sum.n_values).sum(),
            hours: own.iter().map(|sum| sum.timed_ns as f64 / 3.6e12).sum(),
            mean: estimate(mean, n_devices),
            difference: before.as_ref().and_then(|before| apart(&shares, before)),
        });
        before = Some(shares);
    }
    rows
}

/// What each device adds, in the order of devices.
type DeviceShares = Vec<(u32, Share)>;

fn apart(one: &DeviceShares, other: &DeviceShares) -> Option<Estimate> {
    let mut pairs: Vec<(Share, Share)> = Vec::with_capacity(one.len() + other.len());
    let (mut ones, mut others) = (one.iter().peekable(), other.iter().peekable());
    loop {
        let next = [ones.peek(), others.peek()].map(|side| side.map(|(device, _)| *device));
        let Some(device) = next.into_iter().flatten().min() else {
            break;
        };
        let own = |side: Option<&(u32, Share)>| side.map(|(_, share)| *share).unwrap_or_default();
        let one = own(ones.next_if(|(found, _)| *found == device));
        pairs.push((one, own(others.next_if(|(found, _)| *found == device))));
    }
    // Each side has to say something of other devices.
    let fewer = one.len().min(other.len()) as u64;
    Some(estimate(difference(&pairs)?, fewer))
}

fn estimate(found: Interval, n_devices: u64) -> Estimate {
    Estimate {
        value: found.value,
        interval: (n_devices >= LEAST_DEVICES).then_some((found.low, found.high)),
    }
}

/// Where a device stands; `None` where it has no value.
pub(in crate::engine) fn standing(
    metric: &MetricDefinition,
    sums: &[DeviceSum],
    device: u32,
) -> Option<Standing> {
    let mut devices: BTreeMap<u32, Share> = BTreeMap::new();
    for sum in sums.iter().filter(|sum| sum.n_values > 0) {
        let share = share_of(metric, sum);
        let known = devices.entry(sum.device).or_default();
        known.of += share.of;
        known.over += share.over;
    }
    let mean_of = |share: &Share| share.of / share.over;
    let own = devices
        .get(&device)
        .map(mean_of)
        .filter(|own| !own.is_nan())?;
    let means = || devices.values().map(mean_of).filter(|mean| !mean.is_nan());
    let below = means().filter(|mean| *mean < own).count() as f64;
    let alike = means()
        .filter(|mean| *mean == own)
        .count()
        .saturating_sub(1) as f64;
    let n_devices = means().count();
    let others = n_devices.saturating_sub(1).max(1) as f64;
    Some(Standing {
        n_devices: n_devices as u64,
        mean: own,
        above: (below + alike / 2.0) / others * 100.0,
    })
}

#[cfg(test)]
mod tests {
    use super::{compared, standing};
    use crate::model::metric::{MetricDefinition, MetricKind};
    use crate::store::series::DeviceSum;
    use std::sync::Arc;

    fn metric(kind: MetricKind, unit: Option<&str>) -> MetricDefinition {
        MetricDefinition {
            name: "x".to_owned(),
            kind,
            unit: unit.map(str::to_owned),
            min: None,
            max: None,
            values: Vec::new(),
            description: None,
        }
    }

    fn sum(device: u32, version: Option<&str>, n_values: u64, sum: f64) -> DeviceSum {
        DeviceSum {
            device,
            version: version.map(Arc::from),
            n_values,
            sum,
            n_timed: n_values,
            timed_sum: sum,
            timed_ns: i128::from(n_values) * 3_600_000_000_000,
            ..DeviceSum::default()
        }
    }

    #[test]
    fn a_version_is_held_against_the_one_before_and_one_without_a_name_comes_last() {
        let mut sums = Vec::new();
        for device in 0..30 {
            let own = f64::from(device);
            sums.push(sum(device, None, 1, 5.0));
            sums.push(sum(device, Some("1"), 10, 10.0 * own));
            // Each device has exactly 2 more.
            sums.push(sum(device, Some("2"), 10, 10.0 * own + 20.0));
        }
        sums.push(sum(99, Some("3"), 4, 400.0));
        let rows = compared(&metric(MetricKind::Gauge, None), &sums);
        let names: Vec<&str> = rows.iter().map(|row| row.version.as_str()).collect();
        assert_eq!(names, ["1", "2", "3", ""]);
        assert_eq!(
            (rows[0].n_devices, rows[0].n, rows[0].hours),
            (30, 300, 300.0)
        );
        assert_eq!(rows[0].mean.value, 14.5);
        assert_eq!(rows[0].difference, None);
        // The same devices on both sides: the difference is certain, however far apart they are.
        let step = rows[1].difference.unwrap();
        let (low, high) = step.interval.unwrap();
        assert!(
            (step.value - 2.0).abs() < 1e-12 && (high - low).abs() < 1e-9,
            "{step:?}"
        );
        assert!(rows[1].mean.interval.unwrap().1 - rows[1].mean.interval.unwrap().0 > 4.0);
        // One device says nothing of others.
        assert_eq!(rows[2].mean.interval, None);
        assert_eq!(rows[2].difference.unwrap().interval, None);
    }

    #[test]
    fn a_timer_is_compared_as_its_share_and_a_device_by_how_many_it_is_above() {
        let timer = metric(MetricKind::Timer, Some("ms"));
        let sums: Vec<DeviceSum> = [0.1, 0.2, 0.2, 0.4, 0.5]
            .into_iter()
            .zip(0..)
            .map(|(share, device)| sum(device, None, 2, share * 2.0 * 3.6e6))
            .collect();
        let rows = compared(&timer, &sums);
        assert!((rows[0].mean.value - 28.0).abs() < 1e-9);
        assert_eq!(standing(&timer, &sums, 4).unwrap().above, 100.0);
        assert_eq!(standing(&timer, &sums, 1).unwrap().above, 37.5);
        assert_eq!(standing(&timer, &sums, 0).unwrap().above, 0.0);
        assert_eq!(standing(&timer, &sums, 7), None);
        // What is no number has no place among the others, and takes none.
        let gauge = metric(MetricKind::Gauge, None);
        let with_nan = [
            sum(0, None, 1, 1.0),
            sum(1, None, 1, f64::NAN),
            sum(2, None, 1, 3.0),
        ];
        assert_eq!(standing(&gauge, &with_nan, 1), None);
        let last = standing(&gauge, &with_nan, 2).unwrap();
        assert_eq!((last.n_devices, last.above), (2, 100.0));
    }
}

//! One device along its time: its rows as intervals, and each metric as a line of them.

use super::pyramid::Pyramid;
use super::view::{Bucket, Lane};
use crate::model::metric::MetricDefinition;
use crate::store::series::DeviceRows;

/// Begin and end of the interval of each row, nanoseconds since 1970, in the order of the rows. `guess` is the length of one that
/// does not say its own.
pub(in crate::engine) fn intervals_of(rows: &DeviceRows, guess: Option<i64>) -> Vec<(i64, i64)> {
    let mut before: Option<(i64, i64)> = None;
    let ends = rows.time_ns.iter().zip(&rows.interval_ns);
    let intervals = ends.map(|(end, own)| {
        let begin = end.saturating_sub(own.or(guess).unwrap_or(0));
        let begin = match (own, before) {
            // Where the length is a guess it does not reach into the interval before.
            (None, Some((_, end))) => begin.max(end),
            // They are in the order of their ends, and a line is in that of both.
            (Some(_), Some((begin_before, _))) => begin.max(begin_before),
            (_, None) => begin,
        };
        let interval = (begin.min(*end), *end);
        before = Some(interval);
        interval
    });
    intervals.collect()
}

/// Hours that intervals tell of.
pub(in crate::engine) fn hours_of(intervals: &[(i64, i64)]) -> f64 {
    let lens = intervals
        .iter()
        .map(|(begin, end)| end.saturating_sub(*begin));
    lens.map(|len| len as f64 / 3.6e12).sum()
}

/// The lane of a metric. A value that is not a number has no place on it.
pub(in crate::engine) fn lane_of(
    metric: MetricDefinition,
    values: &[Option<f64>],
    intervals: &[(i64, i64)],
) -> Lane {
    let values = values.iter().zip(intervals);
    let values = values.filter_map(|(value, interval)| {
        let value = value.filter(|value| !value.is_nan())?;
        Some(Bucket::one(*interval, value))
    });
    Lane {
        metric,
        line: Pyramid::of(values.collect()),
    }
}

/// Which version ran from when to when.
pub(in crate::engine) fn versions_of(
    rows: &DeviceRows,
    intervals: &[(i64, i64)],
) -> Vec<(i64, i64, String)> {
    let mut versions: Vec<(i64, i64, String)> = Vec::new();
    for (version, (begin, end)) in rows.version.iter().zip(intervals) {
        let Some(version) = version else { continue };
        match versions.last_mut() {
            Some(last) if last.2 == *version => last.1 = *end,
            _ => versions.push((*begin, *end, version.clone())),
        }
    }
    versions
}

#[cfg(test)]
mod tests {
    use super::{hours_of, intervals_of, lane_of};
    use crate::model::metric::{MetricDefinition, MetricKind};
    use crate::store::series::DeviceRows;

    const HOUR: i64 = 3_600_000_000_000;

    fn metric(kind: MetricKind) -> MetricDefinition {
        MetricDefinition {
            name: "x".to_owned(),
            kind,
            unit: None,
            min: None,
            max: None,
            values: Vec::new(),
            description: None,
        }
    }

    fn rows(n: i64) -> DeviceRows {
        DeviceRows {
            time_ns: (1..=n).map(|hour| hour * HOUR).collect(),
            interval_ns: vec![Some(HOUR); usize::try_from(n).unwrap()],
            ..DeviceRows::default()
        }
    }

    #[test]
    fn a_timer_is_its_share_of_the_interval() {
        let intervals = intervals_of(&rows(2), None);
        let lane = lane_of(
            metric(MetricKind::Timer),
            &[Some(1_243_983.0), Some(3_012_321.0)],
            &intervals,
        );
        assert!(lane.has_shares());
        let shares: Vec<f64> = lane
            .line
            .values()
            .iter()
            .map(|value| value.share_of_ms(value.sum).unwrap())
            .collect();
        assert!((shares[0] - 0.346).abs() < 0.0005 && (shares[1] - 0.837).abs() < 0.0005);
        assert_eq!(hours_of(&intervals), 2.0);
        assert_eq!(intervals, [(0, HOUR), (HOUR, 2 * HOUR)]);
    }

    #[test]
    fn what_is_missing_or_no_number_is_not_on_the_line() {
        let values = [Some(1.0), None, Some(f64::NAN), Some(3.0)];
        let lane = lane_of(
            metric(MetricKind::Gauge),
            &values,
            &intervals_of(&rows(4), None),
        );
        let line = lane.line.values();
        assert_eq!(line.len(), 2);
        assert_eq!((line[1].from_ns, line[1].mean()), (3 * HOUR, 3.0));
    }

    #[test]
    fn an_interval_that_is_a_guess_does_not_reach_into_the_one_before() {
        let rows = DeviceRows {
            time_ns: vec![HOUR, HOUR + HOUR / 2, 10 * HOUR],
            interval_ns: vec![None; 3],
            ..DeviceRows::default()
        };
        let intervals = intervals_of(&rows, Some(HOUR));
        assert_eq!(hours_of(&intervals), 1.0 + 0.5 + 1.0);
    }
}

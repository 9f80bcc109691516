//! One device along its time: its rows as intervals, and as many of them in one as a pixel can show.

use super::view::{Bucket, Lane};
use crate::model::metric::{MetricDefinition, MetricKind};
use crate::store::series::DeviceRows;
use std::ops::Range;

/// Buckets of a lane at most: about a pixel each.
const MOST_BUCKETS: usize = 1200;
const NANOS_A_MILLI: f64 = 1e6;

/// The intervals that are looked at, and how many of them become one bucket.
pub(in crate::engine) struct Sight {
    /// Begin and end of each interval, nanoseconds since 1970, in the order of the rows.
    intervals: Vec<(i64, i64)>,
    /// The rows that are in sight.
    rows: Range<usize>,
    /// Rows of a bucket.
    n_together: usize,
}

impl Sight {
    /// Of all rows, or of those in a span. `guess` is the length of an interval that does not say its own.
    pub(in crate::engine) fn of(
        rows: &DeviceRows,
        guess: Option<i64>,
        span_ns: Option<(i64, i64)>,
    ) -> Self {
        let mut before: Option<i64> = None;
        let ends = rows.time_ns.iter().zip(&rows.interval_ns);
        let intervals: Vec<(i64, i64)> = ends
            .map(|(end, own)| {
                let len = own.or(guess).unwrap_or(0);
                // Where the length is a guess it does not reach into the interval before.
                let begin = end.saturating_sub(len);
                let begin = match (own, before) {
                    (None, Some(before)) => begin.max(before),
                    _ => begin,
                };
                before = Some(*end);
                (begin.min(*end), *end)
            })
            .collect();
        let rows = match span_ns {
            None => 0..intervals.len(),
            Some((from, to)) => {
                let first = intervals.partition_point(|(_, end)| *end < from);
                let last = intervals.partition_point(|(begin, _)| *begin <= to);
                // One more on either side: lines go on to the edge.
                first.saturating_sub(1)..last.saturating_add(1).min(intervals.len())
            }
        };
        let n_together = rows.len().div_ceil(MOST_BUCKETS).max(1);
        Self {
            intervals,
            rows,
            n_together,
        }
    }

    /// From the beginning of the first interval to the end of the last one.
    pub(in crate::engine) fn span(&self) -> Option<(i64, i64)> {
        let (first, _) = self.intervals.first()?;
        let (_, last) = self.intervals.last()?;
        Some((*first, *last))
    }

    /// Hours that the intervals tell of.
    pub(in crate::engine) fn hours(&self) -> f64 {
        let lens = self
            .intervals
            .iter()
            .map(|(begin, end)| end.saturating_sub(*begin));
        lens.map(|len| len as f64 / 3.6e12).sum()
    }
}

/// The lane of a metric: a bucket an interval, or for several that have values.
pub(in crate::engine) fn lane_of(
    metric: MetricDefinition,
    values: &[Option<f64>],
    sight: &Sight,
) -> Lane {
    let is_timer = metric.kind == MetricKind::Timer;
    let in_sight = |row: &usize| values.get(*row).copied().flatten().is_some();
    let rows: Vec<usize> = sight.rows.clone().filter(in_sight).collect();
    let buckets = rows.chunks(sight.n_together).filter_map(|rows| {
        let (mut bucket, mut sum, mut len) = (Bucket::default(), 0.0, 0.0);
        for row in rows {
            let value = values.get(*row).copied().flatten()?;
            let (begin, end) = *sight.intervals.get(*row)?;
            if bucket.n == 0 {
                (bucket.from_ns, bucket.min, bucket.max) = (begin, value, value);
            }
            bucket.n = bucket.n.saturating_add(1);
            bucket.to_ns = end;
            bucket.min = bucket.min.min(value);
            bucket.max = bucket.max.max(value);
            sum += value;
            len += end.saturating_sub(begin) as f64 / NANOS_A_MILLI;
        }
        bucket.mean = sum / bucket.n as f64;
        bucket.share = (is_timer && len > 0.0).then(|| sum / len);
        Some(bucket)
    });
    Lane {
        buckets: buckets.collect(),
        metric,
    }
}

/// Which version ran from when to when.
pub(in crate::engine) fn versions_of(rows: &DeviceRows, sight: &Sight) -> Vec<(i64, i64, String)> {
    let mut versions: Vec<(i64, i64, String)> = Vec::new();
    for (version, (begin, end)) in rows.version.iter().zip(&sight.intervals) {
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
    use super::{Sight, lane_of};
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
        let sight = Sight::of(&rows(2), None, None);
        let lane = lane_of(
            metric(MetricKind::Timer),
            &[Some(1_243_983.0), Some(3_012_321.0)],
            &sight,
        );
        let shares: Vec<f64> = lane
            .buckets
            .iter()
            .map(|bucket| bucket.share.unwrap())
            .collect();
        assert!((shares[0] - 0.346).abs() < 0.0005 && (shares[1] - 0.837).abs() < 0.0005);
        assert_eq!(sight.hours(), 2.0);
        assert_eq!(sight.span(), Some((0, 2 * HOUR)));
    }

    #[test]
    fn what_is_missing_is_no_bucket_and_many_rows_are_few_buckets_with_their_ends() {
        let sight = Sight::of(&rows(3), None, None);
        let lane = lane_of(
            metric(MetricKind::Gauge),
            &[Some(1.0), None, Some(3.0)],
            &sight,
        );
        assert_eq!(lane.buckets.len(), 2);
        assert_eq!(lane.buckets[1].from_ns, 2 * HOUR);
        let many = 5000;
        let values: Vec<Option<f64>> = (0..many).map(|n| Some(f64::from(n % 7))).collect();
        let sight = Sight::of(&rows(i64::from(many)), None, None);
        let lane = lane_of(metric(MetricKind::Gauge), &values, &sight);
        assert!(lane.buckets.len() <= 1200);
        assert_eq!(
            lane.buckets.iter().map(|bucket| bucket.n).sum::<u64>(),
            5000
        );
        let max = lane
            .buckets
            .iter()
            .map(|bucket| bucket.max)
            .fold(0.0, f64::max);
        assert_eq!(max, 6.0);
        let some = Sight::of(&rows(i64::from(many)), None, Some((100 * HOUR, 110 * HOUR)));
        let lane = lane_of(metric(MetricKind::Gauge), &values, &some);
        assert!((11..=14).contains(&lane.buckets.len()) && lane.buckets.iter().all(|b| b.n == 1));
    }

    #[test]
    fn an_interval_that_is_a_guess_does_not_reach_into_the_one_before() {
        let rows = DeviceRows {
            time_ns: vec![HOUR, HOUR + HOUR / 2, 10 * HOUR],
            interval_ns: vec![None; 3],
            ..DeviceRows::default()
        };
        let sight = Sight::of(&rows, Some(HOUR), None);
        assert_eq!(sight.hours(), 1.0 + 0.5 + 1.0);
    }
}

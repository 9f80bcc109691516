//! What charts of a fleet say of the time in sight: added up from hours or days, so that zooming asks nobody.

pub use crate::store::series::BucketTotal;

/// Values of all devices in a stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Total {
    /// Hours or days with values.
    pub n_buckets: u64,
    /// Values.
    pub n: u64,
    /// Their sum.
    pub sum: f64,
    /// Least and greatest; `None` where no value is a number.
    pub range: Option<(f64, f64)>,
}

/// A metric over all devices by hour or day.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    buckets: Vec<BucketTotal>,
}

impl Totals {
    /// Of hours or days in their order.
    pub fn of_buckets(buckets: Vec<BucketTotal>) -> Self {
        Self { buckets }
    }

    /// All hours or days that begin in a span; its end is not in it. A chart shows thousands at most: they are added up as they are.
    pub fn of(&self, (from, to): (i64, i64)) -> Total {
        let first = self
            .buckets
            .partition_point(|bucket| bucket.start_ns < from);
        let end = self.buckets.partition_point(|bucket| bucket.start_ns < to);
        let mut total = Total::default();
        for bucket in self.buckets.get(first..end).unwrap_or_default() {
            total.n_buckets = total.n_buckets.saturating_add(1);
            total.n = total.n.saturating_add(bucket.count);
            total.sum += bucket.sum;
            total.range = match (total.range, bucket.range) {
                (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
                (one, other) => one.or(other),
            };
        }
        total
    }
}

impl Total {
    /// Their mean; `None` without a value.
    pub fn mean(&self) -> Option<f64> {
        (self.n > 0).then(|| self.sum / self.n as f64)
    }
}

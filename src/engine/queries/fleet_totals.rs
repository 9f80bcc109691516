//! How many values all devices have by hour or day, their sums and extremes.

use super::heartbeats::{of_version, width_of};
use crate::engine::context::QueryContext;
use crate::engine::fleet::totals::Totals;
use crate::engine::query::{Query, QueryError};

/// Asks for them.
#[derive(Clone, Debug)]
pub struct TotalsQuery {
    /// The metric.
    pub metric: String,
    /// By day rather than by hour.
    pub by_day: bool,
    /// Only devices of this version.
    pub version: Option<String>,
}

impl Query for TotalsQuery {
    type Output = Totals;

    fn run(&self, context: &QueryContext) -> Result<Totals, QueryError> {
        let (bucket, _) = width_of(self.by_day);
        let filter = of_version(self.version.as_ref(), None);
        let reader = context.reader()?;
        Ok(Totals::of_buckets(reader.bucket_totals(
            &self.metric,
            bucket,
            &filter,
        )?))
    }
}

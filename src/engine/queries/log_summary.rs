//! A log at a glance, and how its rows lie along it.

use crate::engine::context::QueryContext;
use crate::engine::logs::shown::ShownLog;
use crate::engine::logs::view::{DensityAxis, LogDensity, LogKey, LogSummary};
use crate::engine::query::{Query, QueryError};

/// Asks what a log holds.
#[derive(Clone, Debug)]
pub struct LogSummaryQuery {
    /// The log.
    pub key: LogKey,
    /// Parts that its length is divided into, for [`LogOverview::density`].
    pub n_buckets: u32,
}

/// A log at a glance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogOverview {
    /// What it holds.
    pub summary: LogSummary,
    /// Rows by level along the log.
    pub density: LogDensity,
}

impl Query for LogSummaryQuery {
    type Output = LogOverview;

    fn run(&self, context: &QueryContext) -> Result<LogOverview, QueryError> {
        Ok(overview(&*context.shown_log(&self.key)?, self.n_buckets))
    }

    fn own_revision(&self, context: &QueryContext) -> u64 {
        context.live_logs().revision(&self.key)
    }
}

/// An open log at a glance.
pub fn overview(log: &dyn ShownLog, n_buckets: u32) -> LogOverview {
    let summary = log.summary().clone();
    let n_buckets = u64::from(n_buckets.max(1));
    let mut density = LogDensity {
        axis: DensityAxis::Rows,
        span: (0, signed(summary.n_rows)),
        buckets: vec![[0; 7]; usize::try_from(n_buckets).unwrap_or(1)],
        crashes: summary
            .crashes
            .iter()
            .map(|crash| signed(crash.row))
            .collect(),
        boots: summary.boots.iter().map(|boot| signed(boot.row)).collect(),
    };
    for (row, level) in (0_u64..).zip(log.levels()) {
        let bucket = row.saturating_mul(n_buckets) / summary.n_rows.max(1);
        let bucket = usize::try_from(bucket).unwrap_or(usize::MAX);
        if let Some(count) = density
            .buckets
            .get_mut(bucket)
            .and_then(|bucket| bucket.get_mut(usize::from(level)))
        {
            *count = count.saturating_add(1);
        }
    }
    LogOverview { summary, density }
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

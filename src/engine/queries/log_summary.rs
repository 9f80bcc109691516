//! A log at a glance, and how its rows lie along it.

use crate::engine::context::QueryContext;
use crate::engine::logs::filter::FilterStack;
use crate::engine::logs::shown::ShownLog;
use crate::engine::logs::view::{LogDensity, LogKey, LogSummary};
use crate::engine::query::{Query, QueryError};
use crate::model::progress::{Cancelled, Unattended};

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
        Ok(overview(
            &*context.log_so_far_for(&self.key, &FilterStack::default())?,
            self.n_buckets,
        )?)
    }

    fn own_revision(&self, context: &QueryContext) -> u64 {
        context.opened_logs().revision(&self.key)
    }
}

/// An open log at a glance.
pub fn overview(log: &dyn ShownLog, n_buckets: u32) -> Result<LogOverview, Cancelled> {
    let density = log.density(n_buckets, &Unattended)?;
    let summary = log.summary().clone();
    Ok(LogOverview { summary, density })
}

//! Questions about heartbeats: of one device, of all of them.

use crate::engine::context::QueryContext;
use crate::engine::fleet::view::{
    Band, ByVersion, DeviceTimeline, FleetSummary, Histogram, RankedDevice,
};
use crate::engine::query::{Query, QueryError};

/// Asks for all heartbeats at a glance.
#[derive(Clone, Debug)]
pub struct FleetSummaryQuery;

/// Asks for the quantiles of a metric over devices.
#[derive(Clone, Debug)]
pub struct BandQuery {
    /// The metric.
    pub metric: String,
    /// By day rather than by hour.
    pub by_day: bool,
    /// Only devices of this version.
    pub version: Option<String>,
}

/// Asks for the mean of a metric by version.
#[derive(Clone, Debug)]
pub struct ByVersionQuery {
    /// The metric.
    pub metric: String,
}

/// Asks how the values of a metric are spread.
#[derive(Clone, Debug)]
pub struct HistogramQuery {
    /// The metric.
    pub metric: String,
    /// Only devices of this version.
    pub version: Option<String>,
}

/// Asks for the devices at one end of a metric.
#[derive(Clone, Debug)]
pub struct RankingQuery {
    /// The metric; any device where it is empty.
    pub metric: String,
    /// The most first.
    pub from_top: bool,
}

/// Asks for one device along its time.
#[derive(Clone, Debug)]
pub struct DeviceTimelineQuery {
    /// Its serial number.
    pub serial: String,
    /// The metrics that are wanted.
    pub metrics: Vec<String>,
    /// Only this span, nanoseconds since 1970.
    pub span_ns: Option<(i64, i64)>,
}

macro_rules! todo_query {
    ($($query:ty => $answer:ty),*) => {
        $(impl Query for $query {
            type Output = $answer;

            fn run(&self, _context: &QueryContext) -> Result<$answer, QueryError> {
                Ok(Default::default())
            }
        })*
    };
}
todo_query!(FleetSummaryQuery => FleetSummary, BandQuery => Band, ByVersionQuery => Vec<ByVersion>,
    HistogramQuery => Histogram, RankingQuery => Vec<RankedDevice>, DeviceTimelineQuery => DeviceTimeline);

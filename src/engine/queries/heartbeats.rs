//! Questions about the heartbeats of all devices.

use crate::engine::context::QueryContext;
use crate::engine::fleet::rates::{VersionRate, version_rates};
use crate::engine::fleet::view::{
    Band, BandPoint, Estimate, FleetSummary, Frame, Histogram, Looping, QUANTILES, RankedDevice,
    VersionRow,
};
use crate::engine::query::{Query, QueryError};
use crate::model::metric::MetricKind;
use crate::store::error::StoreError;
use crate::store::reader::Reader;
use crate::store::series::{Bucket, DeviceEvent, RowFilter, TopOrder, VersionHours};

/// Devices that a ranking lists.
const MOST_RANKED: usize = 50;
/// Parts of a histogram, about.
const BINS: f64 = 40.0;
/// A device with so many crashes is looked at for intervals that it never reported.
pub(super) const LOOPING_CRASHES: u64 = 12;
/// Devices that are looked at for that.
const MOST_LOOPING: usize = 500;
const HOUR_NS: f64 = 3.6e12;
const ALL_TIME: (i64, i64) = (i64::MIN, i64::MAX);

/// Asks for all heartbeats at a glance.
#[derive(Clone, Debug)]
pub struct FleetSummaryQuery;

/// Asks for what is known of each version in a span of time.
#[derive(Clone, Debug)]
pub struct VersionsQuery {
    /// The time, without its end.
    pub span_ns: (i64, i64),
}

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

/// Asks how the values of a metric are spread.
#[derive(Clone, Debug)]
pub struct HistogramQuery {
    /// The metric.
    pub metric: String,
    /// Only devices of this version.
    pub version: Option<String>,
    /// Only of this time, without its end.
    pub span_ns: Option<(i64, i64)>,
}

/// Asks for the devices at one end of a metric.
#[derive(Clone, Debug)]
pub struct RankingQuery {
    /// The metric; where it is empty, devices in any order.
    pub metric: String,
    /// The most first.
    pub from_top: bool,
    /// Only of this time, without its end.
    pub span_ns: Option<(i64, i64)>,
}

impl Query for FleetSummaryQuery {
    type Output = FleetSummary;

    fn run(&self, context: &QueryContext) -> Result<FleetSummary, QueryError> {
        let reader = context.reader()?;
        let hours = reader.fleet_hours(&RowFilter::default())?;
        let (versions, interval_ns) = (hours.versions, hours.interval_ns);
        let (rows, looping) = version_rows(&reader, &versions, interval_ns, None)?;
        let metrics = reader.metrics()?.into_iter();
        let frame = reader.sample_frames()?.pop().map(|frame| Frame {
            population: frame.population,
            how: frame.chosen_by,
            source: frame.source,
        });
        Ok(FleetSummary {
            frame,
            n_devices: reader.n_series_devices()?,
            n_heartbeats: versions.iter().map(|version| version.n_rows).sum(),
            device_hours: versions.iter().map(|version| version.hours).sum(),
            span_ns: reader.series_span()?,
            interval_ns,
            metrics: metrics.map(|row| row.definition).collect(),
            versions: rows,
            looping,
        })
    }
}

impl Query for VersionsQuery {
    type Output = (Vec<VersionRow>, Looping);

    fn run(&self, context: &QueryContext) -> Result<(Vec<VersionRow>, Looping), QueryError> {
        let reader = context.reader()?;
        let hours = reader.fleet_hours(&of_version(None, Some(self.span_ns)))?;
        // The distance that most heartbeats have is one of all time.
        let interval_ns = reader.usual_interval()?;
        Ok(version_rows(
            &reader,
            &hours.versions,
            interval_ns,
            Some(self.span_ns),
        )?)
    }
}

/// What is known of each version in a span of time, without its end.
fn version_rows(
    reader: &Reader,
    versions: &[VersionHours],
    interval_ns: Option<i64>,
    span_ns: Option<(i64, i64)>,
) -> Result<(Vec<VersionRow>, Looping), StoreError> {
    // Events are asked for with the last nanosecond.
    let span_ns = span_ns.map(|(from, to)| (from, to.saturating_sub(1)));
    let looping = looping(reader, interval_ns, span_ns.unwrap_or(ALL_TIME))?;
    let crashes = reader.events_by_version("crash", span_ns)?;
    let rows = version_rates(versions, &crashes).into_iter();
    let rows = rows.map(|mut rate| {
        // Of a version without hours there is no rate that they would be left out of.
        if rate.hours.n_rows > 0 {
            let version = &rate.hours.version;
            let in_loops = looping.1.iter().filter(|of| *of == version).count();
            rate.n_events = rate.n_events.saturating_sub(in_loops as u64);
        }
        row_of(rate)
    });
    Ok((rows.collect(), looping.0))
}

fn row_of(rate: VersionRate) -> VersionRow {
    VersionRow {
        crash_rate: rate.per_1000_hours().map(|crashes| Estimate {
            value: crashes.value,
            interval: rate.are_enough().then_some((crashes.low, crashes.high)),
        }),
        version: rate.hours.version.unwrap_or_default(),
        n_devices: rate.hours.n_devices.unwrap_or_default(),
        device_hours: rate.hours.hours,
        n_crashes: rate.n_events,
    }
}

/// Devices that crash again and again before an interval is over: their crashes lie where no heartbeat is. Those crashes by the
/// version that they say.
fn looping(
    reader: &Reader,
    interval_ns: Option<i64>,
    span_ns: (i64, i64),
) -> Result<(Looping, Vec<Option<String>>), StoreError> {
    let mut looping = Looping::default();
    let mut versions = Vec::new();
    let Some(interval) = interval_ns else {
        return Ok((looping, versions));
    };
    let devices = reader.devices_with_events("crash", LOOPING_CRASHES)?;
    for (serial, crashes) in devices.into_iter().take(MOST_LOOPING) {
        let rows = reader.device_rows(&serial, &[], ALL_TIME)?;
        let begins: Vec<i64> = rows
            .time_ns
            .iter()
            .zip(&rows.interval_ns)
            .map(|(time, own)| time.saturating_sub(own.unwrap_or(interval)))
            .collect();
        // Intervals are in the order of their ends: a crash is in the first one that ends behind it, or in none.
        let silent: Vec<_> = crashes
            .into_iter()
            .filter(|crash| {
                let next = rows.time_ns.partition_point(|end| *end < crash.time_ns);
                begins.get(next).is_none_or(|begin| *begin >= crash.time_ns)
            })
            .collect();
        // One crash in an interval that is missing may be an accident.
        let runs = silent.chunk_by(|a, b| b.time_ns.saturating_sub(a.time_ns) <= interval);
        // Of a run that goes on beyond the span, what lies inside counts.
        let inside = |run: &[DeviceEvent]| -> Vec<DeviceEvent> {
            let is_inside =
                |crash: &&DeviceEvent| span_ns.0 <= crash.time_ns && crash.time_ns <= span_ns.1;
            run.iter().filter(is_inside).cloned().collect()
        };
        let runs = runs.filter(|run| run.len() > 2).map(inside);
        let runs: Vec<_> = runs.filter(|run| !run.is_empty()).collect();
        if runs.is_empty() {
            continue;
        }
        looping.n_devices += 1;
        for run in runs {
            looping.n_crashes += run.len() as u64;
            if let (Some(first), Some(last)) = (run.first(), run.last()) {
                looping.hours += last.time_ns.saturating_sub(first.time_ns) as f64 / HOUR_NS;
            }
            versions.extend(run.iter().map(|crash| crash.version.clone()));
        }
    }
    Ok((looping, versions))
}

/// Rows of a version and of a span of time, whose end is not in it; of all where nothing is named.
pub(super) fn of_version(version: Option<&String>, span_ns: Option<(i64, i64)>) -> RowFilter {
    RowFilter {
        versions: version.map(|version| [version.clone()].into()),
        from_ns: span_ns.map(|(from, _)| from),
        to_ns: span_ns.map(|(_, to)| to),
        ..RowFilter::default()
    }
}

/// The buckets of a band, and their width in nanoseconds.
pub(super) fn width_of(by_day: bool) -> (Bucket, i64) {
    if by_day {
        (Bucket::Day, 86_400_000_000_000)
    } else {
        (Bucket::Hour, 3_600_000_000_000)
    }
}

impl Query for BandQuery {
    type Output = Band;

    fn run(&self, context: &QueryContext) -> Result<Band, QueryError> {
        let (bucket, width) = width_of(self.by_day);
        let filter = of_version(self.version.as_ref(), None);
        let band = context
            .reader()?
            .fleet_band(&self.metric, bucket, &QUANTILES, &filter)?;
        let points = band.buckets.into_iter().map(|bucket| BandPoint {
            from_ns: bucket.start_ns,
            to_ns: bucket.start_ns.saturating_add(width),
            n: bucket.count,
            quantiles: bucket.quantiles.try_into().ok(),
        });
        Ok(Band {
            points: points.collect(),
        })
    }
}

impl Query for HistogramQuery {
    type Output = Histogram;

    fn run(&self, context: &QueryContext) -> Result<Histogram, QueryError> {
        let reader = context.reader()?;
        let filter = of_version(self.version.as_ref(), self.span_ns);
        // One width for all versions: they can be compared.
        let range = reader.metric_range(&self.metric, &RowFilter::default())?;
        let Some((least, most)) = range.range else {
            return Ok(Histogram::default());
        };
        let width = round_width((most - least) / BINS);
        let width = if range.is_whole {
            width.max(1.0)
        } else {
            width
        };
        let found = reader.histogram(&self.metric, width, &filter)?;
        let (Some(first), Some(last)) = (found.bins.first(), found.bins.last()) else {
            return Ok(Histogram::default());
        };
        let n = last.bin.abs_diff(first.bin).min(10_000);
        let mut counts = vec![0; usize::try_from(n).unwrap_or(0).saturating_add(1)];
        for bin in &found.bins {
            let at = usize::try_from(bin.bin.abs_diff(first.bin)).unwrap_or(usize::MAX);
            if let Some(count) = counts.get_mut(at) {
                *count = bin.count;
            }
        }
        Ok(Histogram {
            bin: width,
            first: first.bin as f64 * width,
            counts,
        })
    }
}

/// The next of 1, 2 and 5 with its power of ten.
fn round_width(width: f64) -> f64 {
    if !width.is_finite() || width <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(width.log10().floor());
    let factors = [1.0, 2.0, 5.0];
    let fits = |factor: &f64| factor * power >= width;
    power * factors.into_iter().find(fits).unwrap_or(10.0)
}

impl Query for RankingQuery {
    type Output = Vec<RankedDevice>;

    fn run(&self, context: &QueryContext) -> Result<Vec<RankedDevice>, QueryError> {
        let reader = context.reader()?;
        let metrics = reader.metrics()?;
        let named = metrics
            .iter()
            .find(|row| row.definition.name == self.metric);
        let metric = match named {
            Some(row) => &row.definition,
            None if self.metric.is_empty() => match metrics.first() {
                Some(row) => &row.definition,
                None => return Ok(Vec::new()),
            },
            None => return Ok(Vec::new()),
        };
        let is_sum = metric.kind == MetricKind::Counter;
        let order = match (is_sum, self.from_top) {
            (true, true) => TopOrder::MostSum,
            (true, false) => TopOrder::LeastSum,
            (false, true) => TopOrder::MostMean,
            (false, false) => TopOrder::LeastMean,
        };
        let filter = of_version(None, self.span_ns);
        let totals = reader.top_devices(&metric.name, order, MOST_RANKED, &filter)?;
        let serials: Vec<String> = totals.iter().map(|total| total.serial.clone()).collect();
        let said = reader.last_said(&serials)?;
        let ranked = totals.into_iter().zip(said).map(|(total, said)| {
            let n_values = total.n_values.max(1) as f64;
            RankedDevice {
                hardware: said.hardware,
                version: said.version,
                n: total.n_values,
                value: if is_sum {
                    total.sum
                } else {
                    total.sum / n_values
                },
                serial: total.serial,
            }
        });
        Ok(ranked.collect())
    }
}

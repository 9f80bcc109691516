//! The questions of a dashboard about heartbeats, as tables: what `fieldscope query fleet-band` and its like print.

use super::heartbeats::LOOPING_CRASHES;
use super::tables::{TableAnswer, TableArgs, answer};
use crate::engine::context::QueryContext;
use crate::engine::fleet::census::Attribute;
use crate::engine::fleet::rates::version_rates;
use crate::engine::logs::print::rfc3339;
use crate::engine::query::QueryError;
use crate::store::reader::Reader;
use crate::store::series::{Bucket, LineSpan, RowFilter, TopOrder};
use serde_json::{Value, json};

/// Quantiles of a band.
const QUANTILES: [f64; 3] = [0.05, 0.5, 0.95];
/// Devices of a ranking, where nobody says how many.
const LIMIT: usize = 20;
/// Pixels of a line, where nobody says how many.
const PIXELS: u32 = 1000;

/// What a question about heartbeats takes. Times are nanoseconds since 1970.
#[derive(Clone, Debug, Default)]
pub struct FleetArgs {
    /// The metric.
    pub metric: Option<String>,
    /// The device, by its serial number.
    pub device: Option<String>,
    /// Only devices of this version.
    pub version: Option<String>,
    /// Only devices of this hardware.
    pub hardware: Option<String>,
    /// By day rather than by hour.
    pub by_day: bool,
    /// From this time on.
    pub from_ns: Option<i64>,
    /// Before this time.
    pub to_ns: Option<i64>,
    /// Pixels of a line.
    pub pixels: Option<u32>,
    /// Width of a part of a histogram.
    pub bin: Option<f64>,
    /// Devices of a ranking.
    pub limit: Option<usize>,
    /// The least first.
    pub from_bottom: bool,
    /// By the mean rather than by the sum.
    pub by_mean: bool,
    /// The kind of event.
    pub event: Option<String>,
    /// What devices say of themselves.
    pub attribute: Attribute,
}

impl FleetArgs {
    /// The time that is asked about, without its end; `None` where nothing bounds it.
    pub(super) fn span(&self) -> Option<(i64, i64)> {
        let is_bounded = self.from_ns.is_some() || self.to_ns.is_some();
        let from = self.from_ns.unwrap_or(i64::MIN);
        is_bounded.then(|| (from, self.to_ns.unwrap_or(i64::MAX)))
    }

    fn filter(&self) -> RowFilter {
        let one = |name: &Option<String>| name.as_ref().map(|name| [name.clone()].into());
        RowFilter {
            from_ns: self.from_ns,
            to_ns: self.to_ns,
            versions: one(&self.version),
            hardware: one(&self.hardware),
        }
    }

    pub(super) fn metric(&self, reader: &Reader) -> Result<&str, QueryError> {
        let known = || -> Result<String, QueryError> {
            let names: Vec<String> = reader
                .metrics()?
                .into_iter()
                .map(|row| row.definition.name)
                .collect();
            Ok(names.join(", "))
        };
        let Some(metric) = &self.metric else {
            return Err(QueryError::Unanswerable(format!(
                "which metric? Give --metric NAME: {}",
                known()?
            )));
        };
        if reader.metric(metric)?.is_none() {
            return Err(QueryError::NotFound(format!(
                "there is no metric {metric}; there are: {}",
                known()?
            )));
        }
        Ok(metric)
    }
}

/// How many devices and hours the rows are of.
fn with_hours(
    mut table: TableAnswer,
    reader: &Reader,
    filter: &RowFilter,
) -> Result<TableAnswer, QueryError> {
    let hours = reader.fleet_hours_alone(filter)?;
    table.device_hours = Some(hours.versions.iter().map(|row| row.hours).sum());
    let n_guessed: u64 = hours.versions.iter().map(|row| row.n_guessed).sum();
    if n_guessed > 0 {
        table.notes.push(format!(
            "{n_guessed} heartbeats do not say how long their interval was: each counts as the most frequent distance between two."
        ));
    }
    table.n_devices = Some(hours.n_devices);
    Ok(table)
}

pub(super) fn real(value: f64) -> Value {
    // JSON has no infinities.
    if value.is_finite() {
        json!(value)
    } else {
        Value::Null
    }
}

pub(super) fn device_series(
    context: &QueryContext,
    args: &TableArgs,
) -> Result<TableAnswer, QueryError> {
    let reader = context.reader()?;
    let args = &args.fleet;
    let metric = args.metric(&reader)?;
    let Some(device) = &args.device else {
        return Err(QueryError::Unanswerable(
            "which device? Give --device SERIAL".to_owned(),
        ));
    };
    let (first, last) = reader.series_span()?.unwrap_or((0, 0));
    let span = LineSpan {
        from_ns: args.from_ns.unwrap_or(first),
        to_ns: args.to_ns.unwrap_or(last.saturating_add(1)),
        n_pixels: args.pixels.unwrap_or(PIXELS).max(1),
    };
    let line = reader.device_line(device, metric, span)?;
    let width = i128::from(span.to_ns) - i128::from(span.from_ns);
    let rows = line.pixels.into_iter().map(|pixel| {
        let at = i128::from(pixel.pixel) * width / i128::from(span.n_pixels);
        let begins = i64::try_from(i128::from(span.from_ns) + at).unwrap_or(i64::MAX);
        vec![
            json!(pixel.pixel),
            json!(rfc3339(begins)),
            json!(pixel.min),
            json!(pixel.max),
            real(pixel.mean),
            json!(pixel.count),
        ]
    });
    let columns = vec!["pixel", "time", "min", "max", "mean", "count"];
    Ok(answer("device-series", Some(1), columns, rows.collect()))
}

pub(super) fn fleet_band(
    context: &QueryContext,
    args: &TableArgs,
) -> Result<TableAnswer, QueryError> {
    let reader = context.reader()?;
    let args = &args.fleet;
    let filter = args.filter();
    let bucket = if args.by_day {
        Bucket::Day
    } else {
        Bucket::Hour
    };
    let band = reader.fleet_band(args.metric(&reader)?, bucket, &QUANTILES, &filter)?;
    let rows = band.buckets.into_iter().map(|bucket| {
        let mut row = vec![json!(rfc3339(bucket.start_ns))];
        row.extend(bucket.quantiles.into_iter().map(real));
        row.push(json!(bucket.count));
        row
    });
    let columns = vec!["time", "p5", "p50", "p95", "count"];
    let mut table = answer("fleet-band", None, columns, rows.collect());
    if band.n_nan > 0 {
        let note = format!("{} values are NaN and have no place in it.", band.n_nan);
        table.notes.push(note);
    }
    with_hours(table, &reader, &filter)
}

pub(super) fn mean_by_version(
    context: &QueryContext,
    args: &TableArgs,
) -> Result<TableAnswer, QueryError> {
    let reader = context.reader()?;
    let filter = args.fleet.filter();
    let means = reader.mean_by_version(args.fleet.metric(&reader)?, &filter)?;
    let rows = means
        .into_iter()
        .map(|mean| vec![json!(mean.version), real(mean.mean), json!(mean.n_values)]);
    let columns = vec!["version", "mean", "count"];
    let table = answer("mean-by-version", None, columns, rows.collect());
    with_hours(table, &reader, &filter)
}

pub(super) fn event_rate_by_version(
    context: &QueryContext,
    args: &TableArgs,
) -> Result<TableAnswer, QueryError> {
    let reader = context.reader()?;
    let args = &args.fleet;
    // Events of a hardware are not told apart yet: hours that are would be held against all of them.
    let filter = RowFilter {
        hardware: None,
        ..args.filter()
    };
    let kind = args.event.as_deref().unwrap_or("crash");
    let span = match (args.from_ns, args.to_ns) {
        (None, None) => None,
        (from, to) => Some((
            from.unwrap_or(i64::MIN),
            to.map_or(i64::MAX, |to| to.saturating_sub(1)),
        )),
    };
    let mut events = reader.events_by_version(kind, span)?;
    if let Some(versions) = &filter.versions {
        events.retain(|rate| {
            rate.version
                .as_ref()
                .is_some_and(|of| versions.contains(of))
        });
    }
    let hours = reader.fleet_hours(&filter)?;
    let rows = version_rates(&hours.versions, &events)
        .into_iter()
        .map(|of| {
            let rate = of.per_1000_hours();
            let interval = rate.filter(|_| of.are_enough());
            let row = of.hours;
            vec![
                json!(row.version),
                json!(of.n_events),
                real(row.hours),
                json!(row.n_rows),
                json!(row.n_devices),
                rate.map_or(Value::Null, |rate| real(rate.value)),
                interval.map_or(Value::Null, |rate| real(rate.low)),
                interval.map_or(Value::Null, |rate| real(rate.high)),
            ]
        });
    let columns = vec![
        "version",
        "events",
        "device_hours",
        "heartbeats",
        "devices",
        "per_1000_hours",
        "low",
        "high",
    ];
    let mut table = answer("event-rate-by-version", None, columns, rows.collect());
    if args.hardware.is_some() {
        let note = "Events are counted of every hardware: --hardware does not apply here.";
        table.notes.push(note.to_owned());
    }
    let n_looping = match kind {
        "crash" => reader.n_devices_with_events(kind, LOOPING_CRASHES)?,
        _ => 0,
    };
    if n_looping > 0 {
        table.notes.push(format!(
            "{n_looping} devices of the workspace crashed {LOOPING_CRASHES} times or more. Every crash counts here; the Fleet screen leaves out those of a crash loop, of whose hours no heartbeat tells."
        ));
    }
    with_hours(table, &reader, &filter)
}

pub(super) fn top_devices(
    context: &QueryContext,
    args: &TableArgs,
) -> Result<TableAnswer, QueryError> {
    let reader = context.reader()?;
    let args = &args.fleet;
    let filter = args.filter();
    let order = match (args.by_mean, args.from_bottom) {
        (false, false) => TopOrder::MostSum,
        (false, true) => TopOrder::LeastSum,
        (true, false) => TopOrder::MostMean,
        (true, true) => TopOrder::LeastMean,
    };
    let limit = args.limit.unwrap_or(LIMIT);
    let devices = reader.top_devices(args.metric(&reader)?, order, limit, &filter)?;
    let rows = devices.into_iter().map(|device| {
        let mean = device.sum / device.n_values.max(1) as f64;
        vec![
            json!(device.serial),
            real(device.sum),
            real(mean),
            json!(device.n_values),
        ]
    });
    let columns = vec!["device", "sum", "mean", "count"];
    let table = answer("top-devices", None, columns, rows.collect());
    with_hours(table, &reader, &filter)
}

pub(super) fn histogram(
    context: &QueryContext,
    args: &TableArgs,
) -> Result<TableAnswer, QueryError> {
    let reader = context.reader()?;
    let args = &args.fleet;
    let filter = args.filter();
    let width = args.bin.unwrap_or(1.0);
    if !(width.is_finite() && width > 0.0) {
        return Err(QueryError::Unanswerable(
            "--bin is no width: give a number above 0".to_owned(),
        ));
    }
    let found = reader.histogram(args.metric(&reader)?, width, &filter)?;
    let rows = found.bins.into_iter().map(|bin| {
        vec![
            json!(bin.bin),
            real(bin.bin as f64 * width),
            json!(bin.count),
        ]
    });
    let columns = vec!["bin", "from", "count"];
    let mut table = answer("histogram", None, columns, rows.collect());
    if found.n_outside > 0 {
        let note = format!("{} values are no numbers or endless.", found.n_outside);
        table.notes.push(note);
    }
    with_hours(table, &reader, &filter)
}

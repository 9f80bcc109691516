//! Versions side by side, and one device among all.

use super::fleet_tables::real;
use super::heartbeats::{HistogramQuery, of_version};
use super::tables::{TableAnswer, TableArgs, answer};
use crate::engine::context::QueryContext;
use crate::engine::fleet::compared::{ComparedVersion, Standing, compared, is_share, standing};
use crate::engine::fleet::version_order::VersionKey;
use crate::engine::fleet::view::Histogram;
use crate::engine::query::{Query, QueryError};
use crate::store::series::DeviceSum;
use serde_json::{Value, json};

/// Versions whose spreads are shown side by side: those with the most values.
const MOST_SPREADS: usize = 5;

/// Asks for a metric in each version, held against the one before.
#[derive(Clone, Debug)]
pub struct ComparedQuery {
    /// The metric.
    pub metric: String,
    /// Only this time, without its end.
    pub span_ns: Option<(i64, i64)>,
}

/// Asks where a device stands among all.
#[derive(Clone, Debug)]
pub struct StandingQuery {
    /// The metric.
    pub metric: String,
    /// Serial number of the device.
    pub serial: String,
    /// Only this time, without its end.
    pub span_ns: Option<(i64, i64)>,
}

/// Asks how the values of a metric are spread in each version.
#[derive(Clone, Debug)]
pub struct SpreadsQuery {
    /// The metric.
    pub metric: String,
    /// Only this time, without its end.
    pub span_ns: Option<(i64, i64)>,
}

impl Query for ComparedQuery {
    type Output = Vec<ComparedVersion>;

    fn run(&self, context: &QueryContext) -> Result<Vec<ComparedVersion>, QueryError> {
        let reader = context.reader()?;
        let Some(metric) = reader.metric(&self.metric)? else {
            return Ok(Vec::new());
        };
        let sums = reader.device_sums(&self.metric, &of_version(None, self.span_ns))?;
        Ok(compared(&metric.definition, &sums))
    }
}

impl Query for StandingQuery {
    type Output = Option<Standing>;

    fn run(&self, context: &QueryContext) -> Result<Option<Standing>, QueryError> {
        let reader = context.reader()?;
        let (Some(metric), Some(device)) = (
            reader.metric(&self.metric)?,
            reader.device_number(&self.serial)?,
        ) else {
            return Ok(None);
        };
        let sums: Vec<DeviceSum> =
            reader.device_sums(&self.metric, &of_version(None, self.span_ns))?;
        Ok(standing(&metric.definition, &sums, device))
    }
}

impl Query for SpreadsQuery {
    /// Names of versions, each with its spread; all have bins of one width.
    type Output = Vec<(String, Histogram)>;

    fn run(&self, context: &QueryContext) -> Result<Vec<(String, Histogram)>, QueryError> {
        let reader = context.reader()?;
        let filter = of_version(None, self.span_ns);
        let mut versions = reader.mean_by_version(&self.metric, &filter)?;
        versions.sort_by_key(|version| std::cmp::Reverse(version.n_values));
        versions.truncate(MOST_SPREADS);
        versions.sort_by_cached_key(|version| version.version.as_deref().map(VersionKey::of));
        let mut spreads = Vec::new();
        for name in versions.into_iter().filter_map(|version| version.version) {
            context.progress().tick(0, 0)?;
            let asked = HistogramQuery {
                metric: self.metric.clone(),
                version: Some(name.clone()),
                span_ns: self.span_ns,
            };
            spreads.push((name, asked.run(context)?));
        }
        Ok(spreads)
    }
}

pub(super) fn compare_versions(
    context: &QueryContext,
    args: &TableArgs,
) -> Result<TableAnswer, QueryError> {
    let reader = context.reader()?;
    let name = args.fleet.metric(&reader)?.to_owned();
    let asked = ComparedQuery {
        metric: name.clone(),
        span_ns: args.fleet.span(),
    };
    let rows = asked.run(context)?;
    let n_devices = rows.iter().map(|row| row.n_devices).max();
    let ends = |interval: Option<(f64, f64)>| {
        [
            interval.map_or(Value::Null, |(low, _)| real(low)),
            interval.map_or(Value::Null, |(_, high)| real(high)),
        ]
    };
    let rows = rows.into_iter().map(|row| {
        let mut cells = vec![json!(row.version), real(row.mean.value)];
        cells.extend(ends(row.mean.interval));
        let step = row.difference;
        cells.push(step.map_or(Value::Null, |step| real(step.value)));
        cells.extend(ends(step.and_then(|step| step.interval)));
        cells.extend([json!(row.n), json!(row.n_devices), real(row.hours)]);
        cells
    });
    let columns = vec![
        "version",
        "mean",
        "low",
        "high",
        "difference",
        "difference_low",
        "difference_high",
        "count",
        "devices",
        "device_hours",
    ];
    let mut table = answer("compare-versions", n_devices, columns, rows.collect());
    table.notes.push(
        "Difference: to the version in the row above. Intervals hold the truth 95 times in 100 and are of devices, not of values: values of one device are alike. There is none of fewer than 20 devices."
            .to_owned(),
    );
    let metric = reader.metric(&name)?;
    if metric.is_some_and(|metric| is_share(&metric.definition)) {
        let note = "The metric is a timer: numbers are per cent of the interval.";
        table.notes.push(note.to_owned());
    }
    Ok(table)
}

pub(super) fn device_standing(
    context: &QueryContext,
    args: &TableArgs,
) -> Result<TableAnswer, QueryError> {
    let reader = context.reader()?;
    let metric = args.fleet.metric(&reader)?.to_owned();
    let Some(serial) = args.fleet.device.clone() else {
        let text = "which device? Give --device SERIAL";
        return Err(QueryError::Unanswerable(text.to_owned()));
    };
    let asked = StandingQuery {
        metric,
        serial: serial.clone(),
        span_ns: args.fleet.span(),
    };
    let standing = asked.run(context)?;
    let rows = standing.map(|found| {
        vec![
            json!(serial),
            real(found.mean),
            real(found.above),
            json!(found.n_devices),
        ]
    });
    let columns = vec!["device", "mean", "above_percent", "devices"];
    let n_devices = standing.map(|found| found.n_devices);
    let rows = rows.into_iter().collect();
    let mut table = answer("device-standing", n_devices, columns, rows);
    let note = match standing {
        Some(_) => {
            "above_percent: of how many in 100 of the others its mean is above; one that is alike counts half."
        }
        None => "The device has no value of it in this time.",
    };
    table.notes.push(note.to_owned());
    Ok(table)
}

pub(super) fn spread_by_version(
    context: &QueryContext,
    args: &TableArgs,
) -> Result<TableAnswer, QueryError> {
    let reader = context.reader()?;
    let asked = SpreadsQuery {
        metric: args.fleet.metric(&reader)?.to_owned(),
        span_ns: args.fleet.span(),
    };
    let mut rows = Vec::new();
    for (version, spread) in asked.run(context)? {
        let n: u64 = spread.counts.iter().sum();
        for (at, count) in (0_u32..).zip(&spread.counts) {
            let from = spread.first + f64::from(at) * spread.bin;
            rows.push(vec![
                json!(version),
                real(from),
                real(from + spread.bin),
                json!(count),
                real(*count as f64 / n.max(1) as f64),
            ]);
        }
    }
    let columns = vec!["version", "from", "to", "count", "share"];
    let mut table = answer("spread-by-version", None, columns, rows);
    table.notes.push(format!(
        "The {MOST_SPREADS} versions with the most values, in parts of one width. share: of the values of its version."
    ));
    Ok(table)
}

//! The heartbeats of the workspace in words: what `fieldscope metrics --workspace` prints.

use crate::engine::context::QueryContext;
use crate::engine::logs::print::rfc3339;
use crate::engine::metric_row::{MetricRow, MetricValue};
use crate::engine::query::{Query, QueryError};
use crate::model::metric::MetricDefinition;
use crate::store::series::StoredValue;
use std::collections::BTreeSet;

const ALL_TIME: (i64, i64) = (i64::MIN, i64::MAX);
const NS_PER_MS: i64 = 1_000_000;

/// Asks which devices have heartbeats or events, by their serial numbers.
#[derive(Clone, Debug)]
pub struct SeriesDevicesQuery;

/// Asks for the heartbeats of one device.
#[derive(Clone, Debug)]
pub struct DeviceMetricsQuery {
    /// Its serial number, or what it is called without one.
    pub serial: String,
    /// Only metrics of these names, however they are written; all where there is none.
    pub metrics: Vec<String>,
}

/// Asks which builds' ELF files are missing, without which values have no names; `None` stands for those that name no build.
#[derive(Clone, Debug)]
pub struct WaitingBuildsQuery;

impl Query for WaitingBuildsQuery {
    type Output = BTreeSet<Option<String>>;

    fn run(&self, context: &QueryContext) -> Result<Self::Output, QueryError> {
        let waiting = context.reader()?.waiting_heartbeats()?.into_iter();
        Ok(waiting
            .map(|waiting| waiting.build.build_id.map(|id| id.to_string()))
            .collect())
    }
}

impl Query for SeriesDevicesQuery {
    type Output = Vec<String>;

    fn run(&self, context: &QueryContext) -> Result<Vec<String>, QueryError> {
        Ok(context.reader()?.series_devices()?)
    }
}

impl Query for DeviceMetricsQuery {
    /// A heartbeat is its metrics by name; those that the device never had are left out, as a workspace may know many.
    type Output = Vec<Vec<MetricRow>>;

    fn run(&self, context: &QueryContext) -> Result<Self::Output, QueryError> {
        let reader = context.reader()?;
        let is_wanted = |metric: &MetricDefinition| {
            self.metrics.is_empty()
                || self
                    .metrics
                    .iter()
                    .any(|name| name.eq_ignore_ascii_case(&metric.name))
        };
        let known = reader.metrics()?.into_iter().map(|row| row.definition);
        let metrics: Vec<MetricDefinition> = known.filter(is_wanted).collect();
        let names: Vec<String> = metrics.iter().map(|metric| metric.name.clone()).collect();
        let found = reader.device_values(&self.serial, &names, ALL_TIME)?;
        let columns: Vec<(&MetricDefinition, &Vec<Option<StoredValue>>)> = metrics
            .iter()
            .zip(&found.values)
            .filter(|(_, values)| values.iter().any(Option::is_some))
            .collect();
        let heartbeats = found.time_ns.iter().enumerate().map(|(at, time_ns)| {
            let interval_ns = found.interval_ns.get(at).copied().flatten();
            let heartbeat = MetricRow {
                device: Some(self.serial.clone()),
                hardware: found.hardware.clone(),
                software_version: found.version.get(at).cloned().flatten(),
                time: rfc3339(*time_ns),
                interval_ms: interval_ns.and_then(|ns| u64::try_from(ns / NS_PER_MS).ok()),
                ..MetricRow::default()
            };
            let rows = columns.iter().map(|(metric, values)| {
                let value = values.get(at).cloned().flatten().map(|value| match value {
                    StoredValue::Integer(number) => MetricValue::Integer(number.into()),
                    StoredValue::Float(number) => MetricValue::Float(number),
                    StoredValue::Text(text) => MetricValue::Text(text),
                });
                MetricRow::of_metric(metric, value, &heartbeat)
            });
            rows.collect()
        });
        Ok(heartbeats.collect())
    }
}

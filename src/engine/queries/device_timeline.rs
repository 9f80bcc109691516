//! One device along its time.

use crate::engine::context::QueryContext;
use crate::engine::fleet::crash_marks::with_crashes;
use crate::engine::fleet::timeline::{hours_of, intervals_of, lane_of, versions_of};
use crate::engine::fleet::view::{DeviceTimeline, EventMark};
use crate::engine::query::{Query, QueryError};
use crate::model::metric::MetricDefinition;
use crate::store::crash::{CrashFilter, CrashRow};
use crate::store::reader::Reader;

const ALL_TIME: (i64, i64) = (i64::MIN, i64::MAX);

/// Asks for one device along its time: all of it, ready for any zoom.
#[derive(Clone, Debug)]
pub struct DeviceTimelineQuery {
    /// Its serial number.
    pub serial: String,
    /// The metrics that are wanted.
    pub metrics: Vec<String>,
}

impl Query for DeviceTimelineQuery {
    type Output = DeviceTimeline;

    fn run(&self, context: &QueryContext) -> Result<DeviceTimeline, QueryError> {
        let reader = context.reader()?;
        let known = reader.metrics()?;
        let metrics: Vec<MetricDefinition> = self
            .metrics
            .iter()
            .filter_map(|name| known.iter().find(|row| row.definition.name == *name))
            .map(|row| row.definition.clone())
            .collect();
        let names: Vec<String> = metrics.iter().map(|metric| metric.name.clone()).collect();
        let rows = reader.device_rows(&self.serial, &names, ALL_TIME)?;
        // The distance that most heartbeats have is asked of all devices: only where this one does not say its own.
        let guess = if rows.interval_ns.iter().all(Option::is_some) {
            None
        } else {
            reader.usual_interval()?
        };
        let intervals = intervals_of(&rows, guess);
        let lanes = metrics.into_iter().zip(&rows.values);
        let lanes = lanes.map(|(metric, values)| lane_of(metric, values, &intervals));
        let events = reader.device_events(&self.serial, ALL_TIME)?.into_iter();
        let events = events.map(|event| EventMark {
            time_ns: event.time_ns,
            kind: event.kind,
            issue: event.issue,
            version: event.version,
            crash: None,
        });
        let crashes = crashes_of(&reader, &self.serial)?;
        let first = intervals.first().map(|(begin, _)| *begin);
        let last = intervals.last().map(|(_, end)| *end);
        Ok(DeviceTimeline {
            serial: self.serial.clone(),
            span_ns: first.zip(last),
            n_heartbeats: rows.time_ns.len() as u64,
            hours: hours_of(&intervals),
            versions: versions_of(&rows, &intervals),
            events: with_crashes(events.collect(), &crashes),
            lanes: lanes.collect(),
            hardware: rows.hardware,
        })
    }
}

/// The crashes of a device that were imported.
fn crashes_of(reader: &Reader, serial: &str) -> Result<Vec<CrashRow>, QueryError> {
    let devices = reader.devices()?;
    let device = devices
        .iter()
        .find(|device| device.serial.as_deref() == Some(serial));
    let Some(device) = device else {
        return Ok(Vec::new());
    };
    Ok(reader.crashes(&CrashFilter {
        device: Some(device.id),
        ..CrashFilter::default()
    })?)
}

//! How a fleet is: who reports, what devices say of themselves, how fast batteries drain and how long devices are connected.

use super::heartbeats::of_version;
use crate::engine::context::QueryContext;
use crate::engine::fleet::census::{Attribute, AttributeRow, Census, by_attribute, census_of};
use crate::engine::fleet::vitals::{Vital, chosen, vital_of};
use crate::engine::query::{Query, QueryError};
use crate::model::metric::MetricDefinition;
use crate::store::series::{DeviceSum, RowFilter};

/// Asks who reports.
#[derive(Clone, Debug)]
pub struct CensusQuery {
    /// Only this time, without its end: who was there at the end of it.
    pub span_ns: Option<(i64, i64)>,
}

/// Asks how many devices say what of themselves.
#[derive(Clone, Debug)]
pub struct AttributeQuery {
    /// Of what.
    pub attribute: Attribute,
    /// Only this time, without its end.
    pub span_ns: Option<(i64, i64)>,
}

/// Asks for the vitals of all devices, and of each version.
#[derive(Clone, Debug)]
pub struct VitalsQuery {
    /// Only this time, without its end.
    pub span_ns: Option<(i64, i64)>,
    /// Only devices of this hardware.
    pub hardware: Option<String>,
}

/// A vital of all devices and of each version.
#[derive(Clone, Debug, PartialEq)]
pub struct VitalRows {
    /// Of all devices.
    pub all: Vital,
    /// By version, in the order of their names.
    pub by_version: Vec<(Option<String>, Vital)>,
}

impl Query for CensusQuery {
    type Output = Census;

    fn run(&self, context: &QueryContext) -> Result<Census, QueryError> {
        let reader = context.reader()?;
        let ends = reader.device_ends(&of_version(None, self.span_ns))?;
        let interval_ns = reader.usual_interval()?;
        let frame = reader.sample_frames()?.pop();
        let sample = frame.map_or((None, None), |frame| (frame.n_devices, frame.population));
        Ok(census_of(&ends, interval_ns, sample))
    }
}

impl Query for AttributeQuery {
    type Output = Vec<AttributeRow>;

    fn run(&self, context: &QueryContext) -> Result<Vec<AttributeRow>, QueryError> {
        let reader = context.reader()?;
        let ends = reader.device_ends(&of_version(None, self.span_ns))?;
        let interval_ns = reader.usual_interval()?;
        Ok(by_attribute(&ends, interval_ns, self.attribute))
    }
}

impl Query for VitalsQuery {
    type Output = Vec<VitalRows>;

    fn run(&self, context: &QueryContext) -> Result<Vec<VitalRows>, QueryError> {
        let reader = context.reader()?;
        let filter = RowFilter {
            hardware: self.hardware.as_ref().map(|name| [name.clone()].into()),
            ..of_version(None, self.span_ns)
        };
        let metrics: Vec<MetricDefinition> = reader
            .metrics()?
            .into_iter()
            .map(|row| row.definition)
            .collect();
        let chosen = chosen(&metrics);
        if chosen.is_empty() {
            return Ok(Vec::new());
        }
        let versions = reader.fleet_hours_alone(&filter)?.versions;
        let n_all = versions.iter().map(|version| version.n_rows).sum();
        let mut found = Vec::new();
        for (kind, metric) in chosen {
            context.progress().tick(0, 0)?;
            let sums = reader.device_sums(&metric.name, &filter)?;
            let all: Vec<&DeviceSum> = sums.iter().collect();
            let by_version = versions.iter().map(|version| {
                let own = sums
                    .iter()
                    .filter(|sum| sum.version.as_deref() == version.version.as_deref());
                let own: Vec<&DeviceSum> = own.collect();
                let vital = vital_of(kind, &metric, &own, version.n_rows);
                (version.version.clone(), vital)
            });
            found.push(VitalRows {
                by_version: by_version.collect(),
                all: vital_of(kind, &metric, &all, n_all),
            });
        }
        Ok(found)
    }
}

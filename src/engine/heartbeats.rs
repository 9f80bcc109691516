//! Heartbeats of captures in the words of their ELF files: what `fieldscope metrics` prints.

use super::examine::examine;
use super::input::{InputError, Inputs};
use super::metric_row::{MetricRow, MetricValue};
use super::one_shot::OneShotError;
use crate::formats::sdk::definitions::{self, DefinedMetric, METRICS_SECTION};
use crate::model::build_id::BuildId;
use crate::model::device_message::{DeviceMessage, Heartbeat, MessageBody};
use crate::model::progress::Progress;
use crate::model::warning::Warning;
use crate::symbols::symbol_file::SymbolFile;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

const NS_PER_MS: u64 = 1_000_000;

/// The heartbeats of some input, and the definitions of their builds.
pub struct Heartbeats {
    /// File and message, in the order of the input.
    found: Vec<(String, DeviceMessage)>,
    builds: Vec<(BuildId, Vec<DefinedMetric>)>,
    /// Warnings about messages of devices, with the files that they are of.
    pub warnings: Vec<(String, Warning)>,
}

/// A metric that an ELF defines.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricInfo {
    pub name: String,
    /// As the firmware writes it: `gauge_i32`, `timer`.
    #[serde(rename = "type")]
    pub sent_type: String,
    pub unit: Option<String>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    /// Names of the values of a state, from 0.
    pub values: Vec<String>,
    pub description: Option<String>,
    /// What devices call it.
    pub id: String,
}

/// The metrics that an ELF defines, in the order of its section; `None` when it has none.
pub fn defined_metrics(file: &SymbolFile) -> Option<Vec<MetricInfo>> {
    let (address, section) = file.section(METRICS_SECTION)?;
    let metrics = definitions::metrics(address, section)
        .into_iter()
        .map(|metric| MetricInfo {
            name: metric.definition.name,
            sent_type: metric.sent_type,
            unit: metric.definition.unit,
            min: metric.definition.min,
            max: metric.definition.max,
            values: metric.definition.values,
            description: metric.definition.description,
            id: format!("{:#x}", metric.id),
        });
    Some(metrics.collect())
}

impl Heartbeats {
    /// Reads inputs; definitions come from the named ELF files and from those that came with the input.
    pub fn open(
        paths: &[PathBuf],
        named: &[Arc<SymbolFile>],
        progress: &dyn Progress,
    ) -> Result<Self, OneShotError> {
        let inputs = Inputs::read(paths, progress).map_err(|error| match error {
            InputError::Cancelled(cancelled) => OneShotError::Cancelled(cancelled),
            InputError::Unreadable { .. } => OneShotError::Input(error.to_string()),
        })?;
        let examined = examine(inputs, progress)?;
        let files = named.iter().chain(&examined.symbol_files);
        let builds = files.filter_map(|file| {
            let (address, section) = file.section(METRICS_SECTION)?;
            Some((
                file.build_id().clone(),
                definitions::metrics(address, section),
            ))
        });
        let mut heartbeats = Self {
            found: Vec::new(),
            builds: builds.collect(),
            warnings: Vec::new(),
        };
        for file in examined.files {
            let path = file.input.path;
            let about_devices = file
                .scan
                .warnings
                .into_iter()
                .filter(|warning| warning.code.starts_with("FS-SDK-"));
            heartbeats
                .warnings
                .extend(about_devices.map(|warning| (path.clone(), warning)));
            let messages = file.scan.messages.into_iter();
            let messages =
                messages.filter(|message| matches!(message.body, MessageBody::Heartbeat(_)));
            heartbeats
                .found
                .extend(messages.map(|message| (path.clone(), message)));
        }
        heartbeats.refuse_other_builds(named)?;
        Ok(heartbeats)
    }

    /// A named ELF that no heartbeat is of is a mistake, and its names would be wrong.
    fn refuse_other_builds(&self, named: &[Arc<SymbolFile>]) -> Result<(), OneShotError> {
        let builds: BTreeSet<&BuildId> = self
            .found
            .iter()
            .filter_map(|(_, message)| message.sender.build_id.as_ref())
            .collect();
        for file in named {
            if !builds.is_empty() && !builds.iter().any(|build| file.build_id().matches(build)) {
                let theirs: Vec<String> = builds.iter().map(ToString::to_string).collect();
                return Err(OneShotError::Input(format!(
                    "FS-SYM-015: {} is build {}, but the heartbeats are of build {}; give the ELF of that build",
                    file.name(),
                    file.build_id(),
                    theirs.join(", ")
                )));
            }
        }
        Ok(())
    }

    /// How many heartbeats there are.
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Builds whose metrics have no names, because their ELF is missing.
    pub fn missing_builds(&self) -> Vec<String> {
        let builds: BTreeSet<String> = self
            .found
            .iter()
            .filter(|(_, message)| self.definitions(message).is_none())
            .map(|(_, message)| {
                message
                    .sender
                    .build_id
                    .as_ref()
                    .map_or_else(|| "(not named)".to_owned(), ToString::to_string)
            })
            .collect();
        builds.into_iter().collect()
    }

    /// The values of the heartbeat at an index: in the order of the ELF, and then what it does not have.
    pub fn rows(&self, index: usize) -> Vec<MetricRow> {
        let Some((file, message)) = self.found.get(index) else {
            return Vec::new();
        };
        let MessageBody::Heartbeat(heartbeat) = &message.body else {
            return Vec::new();
        };
        let empty = empty_row(file, message, heartbeat);
        let metrics = self.definitions(message).unwrap_or_default();
        let named = metrics.iter().map(|metric| MetricRow {
            id: Some(format!("{:#x}", metric.id)),
            ..MetricRow::of_metric(
                &metric.definition,
                MetricValue::in_heartbeat(metric, heartbeat),
                &empty,
            )
        });
        let mut rows: Vec<MetricRow> = named.collect();
        let is_defined = |id: &u64| metrics.iter().any(|metric| metric.id == *id);
        let others = heartbeat.values.iter().filter(|(id, _)| !is_defined(id));
        rows.extend(others.map(|(id, sent)| MetricRow {
            id: Some(format!("{id:#x}")),
            value: MetricValue::sent(sent),
            ..empty.clone()
        }));
        rows
    }

    fn definitions(&self, message: &DeviceMessage) -> Option<&[DefinedMetric]> {
        let build = message.sender.build_id.as_ref()?;
        let (_, metrics) = self.builds.iter().find(|(id, _)| id.matches(build))?;
        Some(metrics)
    }
}

fn empty_row(file: &str, message: &DeviceMessage, heartbeat: &Heartbeat) -> MetricRow {
    let sender = &message.sender;
    let time = sender
        .time_s
        .and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
    // humantime writes years of four digits only.
    let time = time.filter(|_| sender.time_s.is_some_and(|seconds| seconds < YEAR_10000));
    MetricRow {
        device: sender.serial.clone(),
        hardware: sender.hardware.clone(),
        software_type: sender.software_type.clone(),
        software_version: sender.software_version.clone(),
        build_id: sender.build_id.as_ref().map(ToString::to_string),
        boot: sender.boot,
        time: time.map(|time| humantime::format_rfc3339_nanos(time).to_string()),
        uptime_ns: sender.uptime_ms.and_then(|ms| ms.checked_mul(NS_PER_MS)),
        interval_ms: heartbeat.interval_ms,
        file: Some(file.to_owned()),
        offset: Some(message.place.start),
        ..MetricRow::default()
    }
}

/// 10000-01-01T00:00:00Z, Unix time in seconds.
const YEAR_10000: u64 = 253_402_300_800;

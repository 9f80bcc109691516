//! Heartbeats of captures in the words of their ELF files: what `fieldscope metrics` prints.

use super::examine::examine;
use super::input::{InputError, Inputs};
use super::one_shot::OneShotError;
use crate::formats::sdk::definitions::{self, DefinedMetric, METRICS_SECTION};
use crate::model::build_id::BuildId;
use crate::model::device_message::{DeviceMessage, Heartbeat, MessageBody, SentValue};
use crate::model::metric::MetricKind;
use crate::model::progress::Progress;
use crate::model::warning::Warning;
use crate::symbols::symbol_file::SymbolFile;
use serde::{Serialize, Serializer};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

/// Where a counter or timer stops: it means at least that (`docs/wire-format.md`).
const MOST_OF_A_SUM: i128 = 4_294_967_295;
const NS_PER_MS: u64 = 1_000_000;

/// The heartbeats of some input, and the definitions of their builds.
pub struct Heartbeats {
    /// File and message, in the order of the input.
    found: Vec<(String, DeviceMessage)>,
    builds: Vec<(BuildId, Vec<DefinedMetric>)>,
    /// Warnings about messages of devices, with the files that they are of.
    pub warnings: Vec<(String, Warning)>,
}

/// One value of one metric in one heartbeat.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricRow {
    /// Serial number of the device.
    pub device: Option<String>,
    pub hardware: Option<String>,
    pub software_type: Option<String>,
    pub software_version: Option<String>,
    pub build_id: Option<String>,
    /// Which boot since power was last lost, from 1.
    pub boot: Option<u64>,
    /// When the interval ended, if the device has a clock.
    pub time: Option<String>,
    /// The same since boot.
    pub uptime_ns: Option<u64>,
    /// Length of the interval, milliseconds.
    pub interval_ms: Option<u64>,
    /// Name; `None` as long as the ELF of the build is missing, or does not have it.
    pub metric: Option<String>,
    /// What the device calls it.
    pub id: String,
    /// `gauge`, `counter`, `timer`, `state` or `text`.
    pub kind: Option<&'static str>,
    /// `None`: not set in this interval.
    pub value: Option<MetricValue>,
    /// The name of a state.
    pub value_name: Option<String>,
    pub unit: Option<String>,
    /// Share of the interval, of a timer.
    pub percent_of_interval: Option<f64>,
    /// A counter or timer that stopped at its greatest value: it was at least that.
    pub is_at_least: bool,
    /// File, and offset in it.
    pub file: String,
    pub offset: u64,
}

/// A value of a metric.
#[derive(Clone, Debug, PartialEq)]
pub enum MetricValue {
    Integer(i128),
    Float(f64),
    Text(String),
}

impl Serialize for MetricValue {
    /// What JSON has no number for is a text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Integer(number) => match (i64::try_from(*number), u64::try_from(*number)) {
                (Ok(number), _) => serializer.serialize_i64(number),
                (_, Ok(number)) => serializer.serialize_u64(number),
                _ => serializer.collect_str(number),
            },
            Self::Float(number) if number.is_finite() => serializer.serialize_f64(*number),
            Self::Float(number) => serializer.collect_str(number),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl std::fmt::Display for MetricValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Integer(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{text:?}"),
        }
    }
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
        let mut rows: Vec<MetricRow> = metrics
            .iter()
            .map(|metric| defined_row(metric, heartbeat, &empty))
            .collect();
        let is_defined = |id: &u64| metrics.iter().any(|metric| metric.id == *id);
        let others = heartbeat.values.iter().filter(|(id, _)| !is_defined(id));
        rows.extend(others.map(|(id, sent)| MetricRow {
            id: format!("{id:#x}"),
            value: value(sent),
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
        metric: None,
        id: String::new(),
        kind: None,
        value: None,
        value_name: None,
        unit: None,
        percent_of_interval: None,
        is_at_least: false,
        file: file.to_owned(),
        offset: message.place.start,
    }
}

/// 10000-01-01T00:00:00Z, Unix time in seconds.
const YEAR_10000: u64 = 253_402_300_800;

fn defined_row(metric: &DefinedMetric, heartbeat: &Heartbeat, empty: &MetricRow) -> MetricRow {
    let definition = &metric.definition;
    let is_sum = matches!(definition.kind, MetricKind::Counter | MetricKind::Timer);
    let value = match heartbeat.values.get(&metric.id) {
        // Of a sum that no code touched since boot nothing is sent: it is 0.
        None if is_sum => Some(MetricValue::Integer(0)),
        sent => sent.and_then(value),
    };
    let number = match value {
        Some(MetricValue::Integer(number)) => Some(number),
        _ => None,
    };
    let interval = heartbeat.interval_ms.filter(|ms| *ms > 0);
    let is_timer = definition.kind == MetricKind::Timer;
    MetricRow {
        metric: Some(definition.name.clone()),
        id: format!("{:#x}", metric.id),
        kind: Some(definition.kind.name()),
        value_name: number
            .filter(|_| definition.kind == MetricKind::State)
            .and_then(|number| {
                definition
                    .values
                    .get(usize::try_from(number).ok()?)
                    .cloned()
            }),
        unit: definition.unit.clone(),
        percent_of_interval: number
            .zip(interval)
            .filter(|_| is_timer)
            .map(|(ms, interval)| 100.0 * ms as f64 / interval as f64),
        is_at_least: is_sum && number == Some(MOST_OF_A_SUM),
        value,
        ..empty.clone()
    }
}

fn value(sent: &SentValue) -> Option<MetricValue> {
    match sent {
        SentValue::Unset => None,
        SentValue::Integer(number) => Some(MetricValue::Integer(*number)),
        SentValue::Float(number) => Some(MetricValue::Float(*number)),
        SentValue::Text(text) => Some(MetricValue::Text(text.clone())),
    }
}

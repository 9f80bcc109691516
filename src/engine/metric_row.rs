//! A value of a metric in words: one row of `fieldscope metrics`, of a capture or of a workspace.

use crate::formats::sdk::definitions::DefinedMetric;
use crate::model::device_message::{Heartbeat, SentValue};
use crate::model::metric::{MetricDefinition, MetricKind};
use serde::{Serialize, Serializer};

/// Where a counter or timer stops: it means at least that (`docs/wire-format.md`).
const MOST_OF_A_SUM: i128 = 4_294_967_295;

/// One value of one metric in one heartbeat.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
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
    /// What the device calls it; `None` of a stored value.
    pub id: Option<String>,
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
    /// File, and offset in it; `None` of a stored value.
    pub file: Option<String>,
    pub offset: Option<u64>,
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

impl MetricRow {
    /// What the metric is called, as far as it is known.
    pub fn name(&self) -> &str {
        let name = self.metric.as_deref().or(self.id.as_deref());
        name.unwrap_or_default()
    }

    /// The row of a metric whose definition is known, in a heartbeat that `heartbeat` describes.
    pub(super) fn of_metric(
        definition: &MetricDefinition,
        value: Option<MetricValue>,
        heartbeat: &Self,
    ) -> Self {
        let is_sum = is_sum(definition.kind);
        let number = match value {
            Some(MetricValue::Integer(number)) => Some(number),
            _ => None,
        };
        let interval = heartbeat.interval_ms.filter(|ms| *ms > 0);
        let is_timer = definition.kind == MetricKind::Timer;
        let is_state = definition.kind == MetricKind::State;
        Self {
            metric: Some(definition.name.clone()),
            kind: Some(definition.kind.name()),
            value_name: number.filter(|_| is_state).and_then(|number| {
                let names = &definition.values;
                names.get(usize::try_from(number).ok()?).cloned()
            }),
            unit: definition.unit.clone(),
            percent_of_interval: number
                .zip(interval)
                .filter(|_| is_timer)
                .map(|(ms, interval)| 100.0 * ms as f64 / interval as f64),
            is_at_least: is_sum && number == Some(MOST_OF_A_SUM),
            value,
            ..heartbeat.clone()
        }
    }
}

impl MetricValue {
    /// A value as it was sent; `None` where it was not set.
    pub(super) fn sent(value: &SentValue) -> Option<Self> {
        match value {
            SentValue::Unset => None,
            SentValue::Integer(number) => Some(Self::Integer(*number)),
            SentValue::Float(number) => Some(Self::Float(*number)),
            SentValue::Text(text) => Some(Self::Text(text.clone())),
        }
    }

    /// What a heartbeat says of a metric. Of a sum that no code touched since boot nothing is sent: it is 0.
    pub(super) fn in_heartbeat(metric: &DefinedMetric, heartbeat: &Heartbeat) -> Option<Self> {
        match heartbeat.values.get(&metric.id) {
            None if is_sum(metric.definition.kind) => Some(Self::Integer(0)),
            sent => sent.and_then(Self::sent),
        }
    }
}

fn is_sum(kind: MetricKind) -> bool {
    matches!(kind, MetricKind::Counter | MetricKind::Timer)
}

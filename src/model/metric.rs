//! What a metric is: its name, what kind of number it carries, its unit and its range. A definition comes from the ELF of
//! the firmware (`docs/wire-format.md`, Definitions) or is worked out from the columns of an imported table.

use serde::{Deserialize, Serialize};

/// What the values of a metric mean, which decides how they are drawn and added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// A value of one moment: a temperature, a free heap size.
    Gauge,
    /// How often something happened in the interval of the heartbeat.
    Counter,
    /// How long something lasted in the interval, milliseconds; drawn as its share of the interval too.
    Timer,
    /// One of several named states, as the index of its name in [`MetricDefinition::values`].
    State,
    /// A short text.
    Text,
}

impl MetricKind {
    /// All of them.
    const ALL: [Self; 5] = [
        Self::Gauge,
        Self::Counter,
        Self::Timer,
        Self::State,
        Self::Text,
    ];

    /// As it is written in a workspace, in JSON and on a screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Timer => "timer",
            Self::State => "state",
            Self::Text => "text",
        }
    }

    /// The kind of a [`name`](Self::name).
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One metric as its firmware, or the table that it came from, describes it. What is not known is `None` or empty.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricDefinition {
    /// As the firmware or the column calls it. Metrics of one name are one metric, whatever version they come from.
    pub name: String,
    pub kind: MetricKind,
    /// Free text as it is shown after a value: `dBm`, `ms`, `%`.
    pub unit: Option<String>,
    /// Least and greatest value that is plausible.
    pub min: Option<f64>,
    pub max: Option<f64>,
    /// Names of the values of a [`MetricKind::State`], from 0.
    pub values: Vec<String>,
    pub description: Option<String>,
}

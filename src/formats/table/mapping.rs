//! What the columns of a table mean. A mapping is a plain value: guessed from names and the first rows, kept for the source,
//! edited by a person, applied again.

use super::moment::unit_by_size;
use super::units::{last_word, unit_of};
use super::{ColumnKind, TableChunk, TableColumn, TimeUnit};
use crate::model::metric::{MetricDefinition, MetricKind};
use crate::model::series::Values;
use serde::{Deserialize, Serialize};

/// What a column tells of its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Serial number.
    Device,
    /// When the heartbeat was made or the event happened. Without a unit it is a date in words.
    Time(Option<TimeUnit>),
    Version,
    Hardware,
    /// Length of the interval that ends at the time.
    Interval(TimeUnit),
    /// A value of the metric that has the column's name.
    Metric(MetricKind),
    /// Name of the metric, in a table with one row a value.
    MetricName,
    /// Its value.
    MetricValue,
    /// What groups events of one cause.
    Issue,
    /// What kind of event it is.
    EventKind,
    Ignored,
}

/// One column of a mapping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnMapping {
    /// As the table calls it.
    pub column: String,
    pub role: Role,
    /// What the metric is called, where that is not the name of the column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Of a metric, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// What a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableUse {
    /// One row a heartbeat, one column a metric.
    Wide,
    /// One row a value.
    Long,
    Events,
}

/// What all columns of a table mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    #[serde(rename = "use")]
    pub table_use: TableUse,
    pub columns: Vec<ColumnMapping>,
    /// What was assumed or left out, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Names of a column, without case and separators, by how sure they are.
const DEVICE: &[&str] = &[
    "deviceserial",
    "serialnumber",
    "serialno",
    "serial",
    "deviceid",
    "device",
    "deviceuid",
    "devid",
    "dev",
    "thingname",
    "nodeid",
    "node",
    "imei",
    "macaddress",
    "mac",
    "uid",
    "sn",
];
const TIME: &[&str] = &[
    "timestamp",
    "ts",
    "time",
    "datetime",
    "eventtime",
    "capturedat",
    "capturedtime",
    "recordedat",
    "measuredat",
    "epoch",
    "unixtime",
    "date",
];
const VERSION: &[&str] = &[
    "softwareversion",
    "firmwareversion",
    "swversion",
    "fwversion",
    "appversion",
    "version",
    "firmware",
    "ver",
    "fw",
    "release",
];
const HARDWARE: &[&str] = &[
    "hardwareversion",
    "hardwarerevision",
    "hwversion",
    "hwrevision",
    "hwrev",
    "hardware",
    "hw",
    "board",
    "model",
    "sku",
];
const INTERVAL: &[&str] = &[
    "intervalduration",
    "heartbeatduration",
    "heartbeatinterval",
    "interval",
    "elapsed",
];
const METRIC_NAME: &[&str] = &[
    "metricname",
    "metrickey",
    "metric",
    "signal",
    "field",
    "key",
    "name",
];
const METRIC_VALUE: &[&str] = &["metricvalue", "value", "val"];
const ISSUE: &[&str] = &["issuekey", "issueid", "issue", "fingerprint", "signature"];
const EVENT_KIND: &[&str] = &["eventkind", "eventtype", "event", "kind", "type"];

/// Names of the text of a log line: a log in JSON tells device and time too.
const MESSAGE: &[&str] = &["message", "msg", "log", "logmessage", "line", "text"];
const LEVEL: &[&str] = &["level", "loglevel", "severity", "lvl"];

/// Ends of names of what is known to last for a part of the interval.
const TIMERS: &[&str] = &[
    "active_ms",
    "awake_ms",
    "busy_ms",
    "connected_ms",
    "idle_ms",
    "sleep_ms",
    "task_ms",
];

impl ColumnMapping {
    /// What the metric in it is called.
    pub fn metric_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.column)
    }
}

impl Mapping {
    /// Guesses from the names, the kinds and some rows. `Err` says in words what is missing.
    pub fn guess(columns: &[TableColumn], sample: &TableChunk) -> Result<Self, String> {
        let mut guess = Guess {
            columns,
            roles: vec![None; columns.len()],
        };
        guess.find(DEVICE, |_, _| Some(Role::Device));
        guess.find(TIME, |column, name| {
            time_role(column, name, value_of(sample, columns, column))
        });
        guess.find(VERSION, |_, _| Some(Role::Version));
        guess.find(HARDWARE, |_, _| Some(Role::Hardware));
        guess.find(INTERVAL, |column, name| {
            (column.kind != ColumnKind::Text)
                .then(|| Role::Interval(unit_in_name(name).unwrap_or(TimeUnit::Seconds)))
        });
        for (role, what, names) in [
            (Role::Device, "device", DEVICE),
            (Role::Time(None), "time", TIME),
        ] {
            if !guess.has(|found| std::mem::discriminant(&found) == std::mem::discriminant(&role)) {
                let known: Vec<&str> = names.iter().take(5).copied().collect();
                let there: Vec<&str> = columns
                    .iter()
                    .take(12)
                    .map(|column| column.name.as_str())
                    .collect();
                return Err(format!(
                    "no column tells the {what}; one of {} was looked for among {}{}. Say which it is in the mapping",
                    known.join(", "),
                    there.join(", "),
                    if columns.len() > 12 {
                        " and others"
                    } else {
                        ""
                    },
                ));
            }
        }
        let table_use = guess.table_use();
        let mut notes = Vec::new();
        let columns = (columns.iter().zip(&guess.roles))
            .map(|(column, role)| {
                let role = role.unwrap_or_else(|| other_role(column, table_use, &mut notes));
                mapped(column, role)
            })
            .collect();
        Ok(Self {
            table_use,
            columns,
            notes,
        })
    }

    /// A mapping that a person wrote, with the columns of a table that it does not name. `Err` says in words what is missing.
    pub fn completed(mut self, columns: &[TableColumn]) -> Result<Self, String> {
        for (what, is_it) in [
            ("device", (|role| role == Role::Device) as fn(Role) -> bool),
            ("time", |role| matches!(role, Role::Time(_))),
        ] {
            let of_it = self.columns.iter().filter(|mapped| is_it(mapped.role));
            let names: Vec<&str> = of_it.map(|mapped| mapped.column.as_str()).collect();
            let is_there = |name: &&str| columns.iter().any(|column| column.name == **name);
            match names.iter().find(|name| !is_there(name)) {
                Some(name) => {
                    return Err(format!(
                        "the mapping says that {name} tells the {what}, and there is no such column"
                    ));
                }
                None if names.is_empty() => {
                    return Err(format!("the mapping names no column that tells the {what}"));
                }
                None => {}
            }
        }
        for column in columns {
            if self.role_of(&column.name).is_none() {
                let role = other_role(column, self.table_use, &mut self.notes);
                self.columns.push(mapped(column, role));
            }
        }
        Ok(self)
    }

    /// Whether it is of a table with these columns, in any order.
    pub fn is_of(&self, columns: &[TableColumn]) -> bool {
        self.columns.len() == columns.len()
            && columns
                .iter()
                .all(|column| self.role_of(&column.name).is_some())
    }

    /// The definitions of the metrics that columns are.
    pub fn definitions(&self) -> Vec<MetricDefinition> {
        let metrics = self.columns.iter().filter_map(|column| match column.role {
            Role::Metric(kind) => Some(definition(column.metric_name(), kind, column.unit.clone())),
            _ => None,
        });
        metrics.collect()
    }

    /// The columns that have a role, for whoever unpacks only those.
    pub fn wanted(&self, columns: &[TableColumn]) -> Vec<bool> {
        let is_wanted = |column: &TableColumn| {
            self.role_of(&column.name)
                .is_some_and(|role| role != Role::Ignored)
        };
        columns.iter().map(is_wanted).collect()
    }

    /// What the metric in a column is called.
    pub(super) fn metric_of<'a>(&'a self, column: &'a str) -> &'a str {
        let mapped = self.columns.iter().find(|mapped| mapped.column == column);
        mapped
            .and_then(|mapped| mapped.name.as_deref())
            .unwrap_or(column)
    }

    /// The role of a column. Columns that the mapping does not name are new metrics.
    pub(super) fn role_of(&self, name: &str) -> Option<Role> {
        self.columns
            .iter()
            .find(|mapped| mapped.column == name)
            .map(|mapped| mapped.role)
    }
}

/// Whether these are the columns of a log rather than of a table: a message, and a level or no number but the time.
pub(super) fn is_log(columns: &[TableColumn], mapping: &Mapping) -> bool {
    let has = |names: &[&str]| {
        columns
            .iter()
            .any(|column| names.contains(&base_name(&column.name).as_str()))
    };
    let has_number = mapping
        .columns
        .iter()
        .any(|mapped| matches!(mapped.role, Role::Metric(kind) if kind != MetricKind::Text));
    mapping.table_use == TableUse::Wide && has(MESSAGE) && (has(LEVEL) || !has_number)
}

/// Whether a column of this name holds names, which are no numbers even where they look like some.
pub(super) fn is_name(column: &str) -> bool {
    let base = base_name(column);
    [DEVICE, VERSION, HARDWARE, ISSUE]
        .iter()
        .any(|names| names.contains(&base.as_str()))
}

/// The definition of a metric of which only its name is known.
pub fn definition_of_name(name: &str, is_text: bool) -> MetricDefinition {
    let kind = if is_text {
        MetricKind::Text
    } else {
        kind_of(name)
    };
    let unit = (!is_text).then(|| unit_of(name)).flatten();
    definition(name, kind, unit.map(str::to_owned))
}

fn definition(name: &str, kind: MetricKind, unit: Option<String>) -> MetricDefinition {
    MetricDefinition {
        name: name.to_owned(),
        kind,
        unit,
        min: None,
        max: None,
        values: Vec::new(),
        description: None,
    }
}

struct Guess<'c> {
    columns: &'c [TableColumn],
    roles: Vec<Option<Role>>,
}

impl Guess<'_> {
    /// Gives a role to the column with the best of some names that `role` takes.
    fn find(&mut self, names: &[&str], role: impl Fn(&TableColumn, &str) -> Option<Role>) {
        for wanted in names {
            for (column, slot) in self.columns.iter().zip(&mut self.roles) {
                if slot.is_none() && base_name(&column.name) == *wanted {
                    *slot = role(column, &column.name);
                    if slot.is_some() {
                        return;
                    }
                }
            }
        }
    }

    fn has(&self, is_it: impl Fn(Role) -> bool) -> bool {
        self.roles.iter().flatten().any(|role| is_it(*role))
    }

    /// Wide unless the columns say otherwise.
    fn table_use(&mut self) -> TableUse {
        let free: Vec<&TableColumn> = self
            .columns
            .iter()
            .zip(&self.roles)
            .filter(|(_, role)| role.is_none())
            .map(|(column, _)| column)
            .collect();
        let is_one_of = |column: &TableColumn, names: &[&str]| {
            names.contains(&base_name(&column.name).as_str())
        };
        let has_name = free
            .iter()
            .any(|column| column.kind == ColumnKind::Text && is_one_of(column, METRIC_NAME));
        let has_value = free.iter().any(|column| is_one_of(column, METRIC_VALUE));
        if has_name && has_value && free.len() <= 4 {
            self.find(METRIC_NAME, |column, _| {
                (column.kind == ColumnKind::Text).then_some(Role::MetricName)
            });
            self.find(METRIC_VALUE, |_, _| Some(Role::MetricValue));
            return TableUse::Long;
        }
        let is_of_event =
            |column: &TableColumn| is_one_of(column, ISSUE) || is_one_of(column, EVENT_KIND);
        let n_of_event = free.iter().filter(|column| is_of_event(column)).count();
        let n_numbers = free
            .iter()
            .filter(|column| column.is_number() && !is_of_event(column))
            .count();
        if n_of_event > 0 && n_numbers == 0 {
            self.find(ISSUE, |_, _| Some(Role::Issue));
            self.find(EVENT_KIND, |_, _| Some(Role::EventKind));
            return TableUse::Events;
        }
        TableUse::Wide
    }
}

/// A column in its role, with the unit that its name tells.
pub(super) fn mapped(column: &TableColumn, role: Role) -> ColumnMapping {
    let is_metric = matches!(role, Role::Metric(kind) if kind != MetricKind::Text);
    let unit = is_metric.then(|| unit_of(&column.name)).flatten();
    ColumnMapping {
        column: column.name.clone(),
        role,
        name: None,
        unit: unit.map(str::to_owned),
    }
}

pub(super) fn other_role(
    column: &TableColumn,
    table_use: TableUse,
    notes: &mut Vec<String>,
) -> Role {
    match (table_use, column.kind) {
        (TableUse::Wide, ColumnKind::Text) => Role::Metric(MetricKind::Text),
        (TableUse::Wide, ColumnKind::Time(_)) => {
            notes.push(format!(
                "column {} is left out: it is a second time",
                column.name
            ));
            Role::Ignored
        }
        (TableUse::Wide, _) => Role::Metric(kind_of(&column.name)),
        _ => {
            notes.push(format!(
                "column {} is left out: nothing is known of what it means",
                column.name
            ));
            Role::Ignored
        }
    }
}

/// A gauge, unless the name is known for what lasts: a number that grows may be a counter since boot, since the factory or in
/// the interval, and its name does not tell.
fn kind_of(name: &str) -> MetricKind {
    let lower = name.to_ascii_lowercase();
    if TIMERS.iter().any(|end| lower.ends_with(end)) {
        MetricKind::Timer
    } else {
        MetricKind::Gauge
    }
}

fn time_role(column: &TableColumn, name: &str, value: Option<i64>) -> Option<Role> {
    match column.kind {
        ColumnKind::Time(unit) => Some(Role::Time(Some(unit))),
        ColumnKind::Text => Some(Role::Time(None)),
        ColumnKind::Integer | ColumnKind::Float => {
            let unit = unit_in_name(name).or_else(|| value.map(unit_by_size));
            Some(Role::Time(Some(unit.unwrap_or(TimeUnit::Seconds))))
        }
        ColumnKind::Boolean => None,
    }
}

/// The first value of a column that is not 0, for its size.
fn value_of(sample: &TableChunk, columns: &[TableColumn], column: &TableColumn) -> Option<i64> {
    let index = columns.iter().position(|other| other.name == column.name)?;
    let values = sample.columns.get(index)?.as_ref()?;
    let rows = || (0..values.values.len()).filter(|row| values.is_present(*row));
    match &values.values {
        Values::I32(all) => rows()
            .filter_map(|row| all.get(row).copied())
            .map(i64::from)
            .find(|value| *value != 0),
        Values::I64(all) => rows()
            .filter_map(|row| all.get(row).copied())
            .find(|value| *value != 0),
        Values::F64(all) => rows()
            .filter_map(|row| all.get(row).copied())
            .find(|value| *value != 0.0 && value.is_finite())
            .map(|value| super::heartbeats::rounded(value).unwrap_or(0)),
        Values::F32(_) | Values::Text { .. } => None,
    }
}

/// A name without case, separators and unit: `Timestamp_ms` is `timestamp`.
fn base_name(name: &str) -> String {
    let stem = match unit_in_name(name) {
        Some(_) => name.strip_suffix(last_word(name)).unwrap_or(name),
        None => name,
    };
    stem.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// The unit of time at the end of a name.
fn unit_in_name(name: &str) -> Option<TimeUnit> {
    match unit_of(name)? {
        "s" => Some(TimeUnit::Seconds),
        "ms" => Some(TimeUnit::Milliseconds),
        "µs" => Some(TimeUnit::Microseconds),
        "ns" => Some(TimeUnit::Nanoseconds),
        _ => None,
    }
}

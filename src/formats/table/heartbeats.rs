//! Rows of a table become heartbeats, as their mapping says.

use super::bad_rows::BadRows;
use super::mapping::{Mapping, Role};
use super::moment::parse_date;
use super::names::{names_of, none};
use super::{TableChunk, TableColumn, TimeUnit};
use crate::model::metric::MetricKind;
use crate::model::series::{Column, HeartbeatBatch, Values};

/// A text that is a metric; longer ones are logs.
const LONGEST_TEXT_BYTES: usize = 256;
/// No interval is longer (100 years).
const LONGEST_INTERVAL_NS: i64 = 100 * 366 * 86_400 * 1_000_000_000;

/// Who and when, for the rows of a chunk that tell both.
pub(super) struct Rows {
    pub(super) device: Vec<u32>,
    pub(super) devices: Vec<String>,
    pub(super) version: Vec<u32>,
    pub(super) versions: Vec<String>,
    pub(super) hardware: Vec<u32>,
    pub(super) hardware_names: Vec<String>,
    pub(super) time_ns: Vec<i64>,
    /// The rows that these are, where some were left out.
    pub(super) kept: Option<Vec<usize>>,
}

/// Turns rows of a table with one row a heartbeat into heartbeats. Rows that do not tell device and time are left out.
pub fn wide(
    chunk: TableChunk,
    columns: &[TableColumn],
    mapping: &Mapping,
    bad: &mut BadRows,
) -> HeartbeatBatch {
    let rows = Rows::of(&chunk, columns, mapping, bad);
    let mut batch = HeartbeatBatch {
        devices: rows.devices,
        versions: rows.versions,
        hardware_names: rows.hardware_names,
        device: rows.device,
        version: rows.version,
        hardware: rows.hardware,
        time_ns: rows.time_ns,
        interval_ns: None,
        metrics: Vec::new(),
    };
    let kept = rows.kept.as_deref();
    for (table, column) in columns.iter().zip(chunk.columns) {
        let Some(column) = column else { continue };
        let role = mapping
            .role_of(&table.name)
            .unwrap_or_else(|| new_metric(&column));
        match role {
            Role::Metric(_) => {
                let column = only_short(keep(column, kept));
                if let Some(column) = column {
                    let name = mapping.metric_of(&table.name);
                    batch.metrics.push((name.to_owned(), column));
                }
            }
            Role::Interval(unit) => batch.interval_ns = interval(&keep(column, kept), unit),
            _ => {}
        }
    }
    batch
}

impl Rows {
    pub(super) fn of(
        chunk: &TableChunk,
        columns: &[TableColumn],
        mapping: &Mapping,
        bad: &mut BadRows,
    ) -> Self {
        let column_of = |is_it: fn(Role) -> bool| {
            columns
                .iter()
                .zip(&chunk.columns)
                .find_map(|(table, column)| {
                    let role = mapping.role_of(&table.name)?;
                    Some((role, column.as_ref()?)).filter(|(role, _)| is_it(*role))
                })
        };
        let named = |is_it: fn(Role) -> bool| {
            column_of(is_it).map_or_else(|| none(chunk.n_rows), |(_, column)| names_of(column))
        };
        let (device, devices) = named(|role| role == Role::Device);
        let (version, versions) = named(|role| role == Role::Version);
        let (hardware, hardware_names) = named(|role| role == Role::Hardware);
        let times = match column_of(|role| matches!(role, Role::Time(_))) {
            Some((Role::Time(unit), column)) => times(column, unit),
            _ => vec![None; chunk.n_rows],
        };
        let mut rows = Self {
            device,
            devices,
            version,
            versions,
            hardware,
            hardware_names,
            time_ns: times.iter().map(|time| time.unwrap_or(0)).collect(),
            kept: None,
        };
        rows.leave_out(&times, chunk, bad);
        rows
    }

    /// Leaves out the rows without device or time, and says so.
    fn leave_out(&mut self, times: &[Option<i64>], chunk: &TableChunk, bad: &mut BadRows) {
        let is_device = |device: &u32| self.devices.get(*device as usize).is_some();
        // A clock that was never set says 1970.
        let is_time = |time: &Option<i64>| time.is_some_and(|time| time > 0);
        if self.device.iter().all(is_device) && times.iter().all(is_time) {
            return;
        }
        let mut kept = Vec::new();
        for (row, (device, time)) in self.device.iter().zip(times).enumerate() {
            let what = match (is_device(device), time) {
                (false, _) => "it does not say which device it is of",
                (true, None) => "its time is missing or cannot be read",
                (true, Some(..=0)) => {
                    "its time is before 1970: the clock of the device was not set"
                }
                (true, Some(_)) => {
                    kept.push(row);
                    continue;
                }
            };
            bad.add(chunk.bad_row(row, what));
        }
        for ids in [&mut self.device, &mut self.version, &mut self.hardware] {
            *ids = picked(ids, &kept);
        }
        self.time_ns = picked(&self.time_ns, &kept);
        self.kept = Some(kept);
    }
}

/// A column of which nothing is known.
fn new_metric(column: &Column) -> Role {
    let is_text = matches!(column.values, Values::Text { .. });
    Role::Metric(if is_text {
        MetricKind::Text
    } else {
        MetricKind::Gauge
    })
}

fn times(column: &Column, unit: Option<TimeUnit>) -> Vec<Option<i64>> {
    let row = |row: usize, ns: Option<i64>| ns.filter(|_| column.is_present(row));
    let unit_ns = unit.unwrap_or(TimeUnit::Seconds).ns();
    match &column.values {
        Values::I32(values) => values
            .iter()
            .enumerate()
            .map(|(at, value)| row(at, i64::from(*value).checked_mul(unit_ns)))
            .collect(),
        Values::I64(values) => values
            .iter()
            .enumerate()
            .map(|(at, value)| row(at, value.checked_mul(unit_ns)))
            .collect(),
        Values::F32(values) => values
            .iter()
            .enumerate()
            .map(|(at, value)| row(at, float_ns(f64::from(*value), unit_ns)))
            .collect(),
        Values::F64(values) => values
            .iter()
            .enumerate()
            .map(|(at, value)| row(at, float_ns(*value, unit_ns)))
            .collect(),
        Values::Text { index, names } => {
            let parsed: Vec<Option<i64>> = names.iter().map(|name| parse_date(name)).collect();
            let time = |id: &u32| parsed.get(*id as usize).copied().flatten();
            index
                .iter()
                .enumerate()
                .map(|(at, id)| row(at, time(id)))
                .collect()
        }
    }
}

/// Whole units exactly, and the fraction rounded: a float has no nanoseconds of today.
fn float_ns(value: f64, unit_ns: i64) -> Option<i64> {
    let whole = rounded(value.trunc())?;
    whole
        .checked_mul(unit_ns)?
        .checked_add(rounded(value.fract() * unit_ns as f64)?)
}

/// The nearest integer, where there is one.
pub(super) fn rounded(value: f64) -> Option<i64> {
    // 2^63 is the first that does not fit.
    const END: f64 = 9_223_372_036_854_775_808.0;
    let value = value.round();
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
    (-END..END).contains(&value).then_some(value as i64)
}

fn interval(column: &Column, unit: TimeUnit) -> Option<Column> {
    let ns: Vec<Option<i64>> = times(column, Some(unit));
    let is_interval = |ns: &i64| (1..=LONGEST_INTERVAL_NS).contains(ns);
    let ns: Vec<Option<i64>> = ns.into_iter().map(|ns| ns.filter(is_interval)).collect();
    if matches!(column.values, Values::Text { .. }) || ns.iter().all(Option::is_none) {
        return None;
    }
    let present = ns
        .iter()
        .any(Option::is_none)
        .then(|| bits(ns.iter().map(Option::is_some)));
    Some(Column {
        values: Values::I64(ns.into_iter().map(|ns| ns.unwrap_or(0)).collect()),
        present,
    })
}

/// A column without any value says nothing; a text that is too long is no metric.
fn only_short(mut column: Column) -> Option<Column> {
    if let Values::Text { index, names } = &column.values
        && names.iter().any(|name| name.len() > LONGEST_TEXT_BYTES)
    {
        let is_short = |id: &u32| {
            names
                .get(*id as usize)
                .is_some_and(|name| name.len() <= LONGEST_TEXT_BYTES)
        };
        let present = index
            .iter()
            .enumerate()
            .map(|(row, id)| column.is_present(row) && is_short(id));
        column.present = Some(bits(present));
    }
    let is_empty = column
        .present
        .as_ref()
        .is_some_and(|words| words.iter().all(|word| *word == 0));
    (!is_empty).then_some(column)
}

/// The bits of truth values, the lowest of the first word first.
pub(super) fn bits(truths: impl Iterator<Item = bool>) -> Vec<u64> {
    let mut words = Vec::new();
    for (at, truth) in truths.enumerate() {
        if at % 64 == 0 {
            words.push(0_u64);
        }
        if let Some(word) = words.last_mut() {
            *word |= u64::from(truth) << (at % 64);
        }
    }
    words
}

/// The rows of a column that are kept; all of them where that is not said.
pub(super) fn keep(column: Column, kept: Option<&[usize]>) -> Column {
    let Some(kept) = kept else { return column };
    let present = column
        .present
        .as_ref()
        .map(|_| bits(kept.iter().map(|row| column.is_present(*row))));
    let values = match column.values {
        Values::I32(values) => Values::I32(picked(&values, kept)),
        Values::I64(values) => Values::I64(picked(&values, kept)),
        Values::F32(values) => Values::F32(picked(&values, kept)),
        Values::F64(values) => Values::F64(picked(&values, kept)),
        Values::Text { index, names } => Values::Text {
            index: picked(&index, kept),
            names,
        },
    };
    Column { values, present }
}

fn picked<T: Copy>(values: &[T], rows: &[usize]) -> Vec<T> {
    rows.iter()
        .filter_map(|row| values.get(*row).copied())
        .collect()
}

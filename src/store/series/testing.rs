//! The same heartbeats as a plain map in memory, and every question answered by walking over it.

use crate::model::series::{Column, FleetEvent, HeartbeatBatch, NO_NAME, Values};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const HOUR_NS: i64 = 3_600_000_000_000;

/// A value with its bits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Value {
    I32(i32),
    I64(i64),
    F32(u32),
    F64(u64),
    Text(String),
}

impl Value {
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::I32(v) => Some(f64::from(*v)),
            Self::I64(v) => Some(*v as f64),
            Self::F32(bits) => Some(f64::from(f32::from_bits(*bits))),
            Self::F64(bits) => Some(f64::from_bits(*bits)),
            Self::Text(_) => None,
        }
    }

    fn integer(&self) -> Option<i128> {
        match self {
            Self::I32(v) => Some(i128::from(*v)),
            Self::I64(v) => Some(i128::from(*v)),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) version: Option<String>,
    pub(super) hardware: Option<String>,
    pub(super) interval: Option<i64>,
    pub(super) values: BTreeMap<String, Value>,
}

/// One row as it is given to the store.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) serial: String,
    pub(super) time_ns: i64,
    pub(super) row: Row,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Model {
    pub(super) rows: BTreeMap<(String, i64), Row>,
    pub(super) events: BTreeMap<(i64, String, String, String), (Option<String>, Option<String>)>,
}

impl Model {
    pub(super) fn add(&mut self, given: &Given) {
        let row = self
            .rows
            .entry((given.serial.clone(), given.time_ns))
            .or_default();
        let new = given.row.clone();
        row.version = new.version.or(row.version.take());
        row.hardware = new.hardware.or(row.hardware.take());
        row.interval = new.interval.or(row.interval);
        row.values.extend(new.values);
    }

    pub(super) fn add_event(&mut self, event: &FleetEvent) {
        let key = (
            event.time_ns,
            event.serial.clone(),
            event.kind.clone(),
            event.issue.clone().unwrap_or_default(),
        );
        let known = self.events.entry(key).or_default();
        known.0 = event.version.clone().or(known.0.take());
        known.1 = event.hardware.clone().or(known.1.take());
    }

    pub(super) fn drop_day(&mut self, day: i64) {
        self.rows
            .retain(|(_, time), _| time.div_euclid(24 * HOUR_NS) != day);
        self.events
            .retain(|(time, ..), _| time.div_euclid(24 * HOUR_NS) != day);
    }

    /// The rows as one batch for the store.
    pub(super) fn given(&self) -> Vec<Given> {
        let rows = self.rows.iter();
        rows.map(|((serial, time_ns), row)| Given {
            serial: serial.clone(),
            time_ns: *time_ns,
            row: row.clone(),
        })
        .collect()
    }

    /// The given events.
    pub(super) fn given_events(&self) -> Vec<FleetEvent> {
        let events = self.events.iter();
        events
            .map(
                |((time_ns, serial, kind, issue), (version, hardware))| FleetEvent {
                    serial: serial.clone(),
                    time_ns: *time_ns,
                    kind: kind.clone(),
                    version: version.clone(),
                    hardware: hardware.clone(),
                    issue: (!issue.is_empty()).then(|| issue.clone()),
                },
            )
            .collect()
    }
}

/// Rows as batches: those that follow each other and whose values have the same types share one.
pub(super) fn batches(given: &[Given]) -> Vec<HeartbeatBatch> {
    let mut batches = Vec::new();
    let mut rest = given;
    while !rest.is_empty() {
        let mut types: BTreeMap<String, u8> = BTreeMap::new();
        let fits = |given: &&Given| {
            given.row.values.iter().all(|(name, value)| {
                let kind = kind(value);
                *types.entry(name.clone()).or_insert(kind) == kind
            })
        };
        let mut fits = fits;
        let n = rest.iter().take_while(|given| fits(given)).count();
        let (part, after) = rest.split_at(n);
        batches.push(batch(part));
        rest = after;
    }
    batches
}

fn kind(value: &Value) -> u8 {
    match value {
        Value::I32(_) => 0,
        Value::I64(_) => 1,
        Value::F32(_) => 2,
        Value::F64(_) => 3,
        Value::Text(_) => 4,
    }
}

fn index(names: &mut Vec<String>, name: Option<&str>) -> u32 {
    let Some(name) = name else {
        return NO_NAME;
    };
    let at = names
        .iter()
        .position(|known| known == name)
        .unwrap_or_else(|| {
            names.push(name.to_owned());
            names.len() - 1
        });
    u32::try_from(at).unwrap()
}

fn bits(present: impl Iterator<Item = bool>) -> Vec<u64> {
    let mut words = Vec::new();
    for (row, is_set) in present.enumerate() {
        if row % 64 == 0 {
            words.push(0);
        }
        *words.last_mut().unwrap() |= u64::from(is_set) << (row % 64);
    }
    words
}

fn batch(given: &[Given]) -> HeartbeatBatch {
    let mut batch = HeartbeatBatch::default();
    for given in given {
        batch
            .device
            .push(index(&mut batch.devices, Some(&given.serial)));
        batch
            .version
            .push(index(&mut batch.versions, given.row.version.as_deref()));
        batch.hardware.push(index(
            &mut batch.hardware_names,
            given.row.hardware.as_deref(),
        ));
        batch.time_ns.push(given.time_ns);
    }
    if given.iter().any(|given| given.row.interval.is_some()) {
        let values = given.iter().map(|given| given.row.interval.unwrap_or(-5));
        batch.interval_ns = Some(Column {
            values: Values::I64(values.collect()),
            present: Some(bits(given.iter().map(|given| given.row.interval.is_some()))),
        });
    }
    let names: BTreeSet<&String> = given
        .iter()
        .flat_map(|given| given.row.values.keys())
        .collect();
    for name in names {
        let cells: Vec<Option<&Value>> = given
            .iter()
            .map(|given| given.row.values.get(name))
            .collect();
        let first = cells.iter().flatten().next().unwrap();
        let values = match first {
            Value::I32(_) => Values::I32(
                cells
                    .iter()
                    .map(|v| if let Some(Value::I32(v)) = v { *v } else { 99 })
                    .collect(),
            ),
            Value::I64(_) => Values::I64(
                cells
                    .iter()
                    .map(|v| if let Some(Value::I64(v)) = v { *v } else { 99 })
                    .collect(),
            ),
            Value::F32(_) => Values::F32(
                cells
                    .iter()
                    .map(|v| {
                        if let Some(Value::F32(v)) = v {
                            f32::from_bits(*v)
                        } else {
                            9.5
                        }
                    })
                    .collect(),
            ),
            Value::F64(_) => Values::F64(
                cells
                    .iter()
                    .map(|v| {
                        if let Some(Value::F64(v)) = v {
                            f64::from_bits(*v)
                        } else {
                            9.5
                        }
                    })
                    .collect(),
            ),
            Value::Text(_) => {
                let mut names = vec!["unused".to_owned()];
                let index = cells
                    .iter()
                    .map(|v| {
                        if let Some(Value::Text(v)) = v {
                            index(&mut names, Some(v))
                        } else {
                            0
                        }
                    })
                    .collect();
                Values::Text { index, names }
            }
        };
        let is_full = cells.iter().all(Option::is_some);
        let present = (!is_full).then(|| bits(cells.iter().map(Option::is_some)));
        batch
            .metrics
            .push((name.clone(), Column { values, present }));
    }
    batch
}

/// The exact sum of some values, rounded once: integers in 128 bits, floats by Shewchuk's partial sums, as Python's
/// `math.fsum` does it.
pub(super) fn sum(values: &[&Value]) -> f64 {
    let integers: i128 = values.iter().filter_map(|v| v.integer()).sum();
    let mut floats: Vec<f64> = values
        .iter()
        .filter(|v| v.integer().is_none())
        .filter_map(|v| v.number())
        .collect();
    if floats.is_empty() {
        return integers as f64;
    }
    // Two halves of an integer that are each exact.
    floats.extend([
        (integers >> 40) as f64 * (1_u64 << 40) as f64,
        (integers & ((1 << 40) - 1)) as f64,
    ]);
    fsum(&floats)
}

fn fsum(numbers: &[f64]) -> f64 {
    if numbers.iter().any(|x| !x.is_finite()) {
        return numbers.iter().filter(|x| !x.is_finite()).sum();
    }
    let mut partials: Vec<f64> = Vec::new();
    for number in numbers {
        let mut x = *number;
        let mut kept = 0;
        for at in 0..partials.len() {
            let mut y = partials[at];
            if x.abs() < y.abs() {
                std::mem::swap(&mut x, &mut y);
            }
            let high = x + y;
            let low = y - (high - x);
            if low != 0.0 {
                partials[kept] = low;
                kept += 1;
            }
            x = high;
        }
        partials.truncate(kept);
        partials.push(x);
    }
    let Some(mut high) = partials.pop() else {
        return 0.0;
    };
    let mut low = 0.0;
    while let Some(y) = partials.pop() {
        let x = high;
        high = x + y;
        low = y - (high - x);
        if low != 0.0 {
            break;
        }
    }
    if let Some(next) = partials.last()
        && (low < 0.0 && *next < 0.0 || low > 0.0 && *next > 0.0)
    {
        let y = low * 2.0;
        let x = high + y;
        if y == x - high {
            high = x;
        }
    }
    high
}

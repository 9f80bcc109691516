//! Heartbeats as columns: what an ELF calls their values, and of which type they are.

use crate::engine::metric_row::MetricValue;
use crate::formats::sdk::definitions::DefinedMetric;
use crate::model::device_message::Heartbeat;
use crate::model::metric::MetricKind;
use crate::model::series::{Column, HeartbeatBatch, NO_NAME, Values};
use std::collections::BTreeMap;
use std::sync::Arc;

use super::boots::Identity;

/// Integers up to this are exact as floats of 64 bits.
const EXACT_IN_F64: i128 = 1 << 53;
/// The same of 32 bits.
const EXACT_IN_F32: i128 = 1 << 24;
const NS_PER_MS: u64 = 1_000_000;

/// A heartbeat with its time.
pub(super) struct Placed<'m> {
    pub(super) identity: Arc<Identity>,
    pub(super) time_ns: i64,
    pub(super) heartbeat: &'m Heartbeat,
}

/// Values that no column can hold as they are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LeftOut {
    pub(super) n: u64,
}

/// Heartbeats of one build. Without its definitions (`metrics` is empty) rows say that a device was there, and for how long.
pub(super) fn batch(
    rows: &[Placed<'_>],
    metrics: &[DefinedMetric],
    left_out: &mut LeftOut,
) -> HeartbeatBatch {
    let mut batch = HeartbeatBatch::default();
    let (mut devices, mut versions, mut hardware) =
        (Names::default(), Names::default(), Names::default());
    let mut intervals = Vec::with_capacity(rows.len());
    for row in rows {
        batch.device.push(devices.index(&row.identity.serial));
        let index = |names: &mut Names, name: &Option<String>| match name {
            Some(name) => names.index(name),
            None => NO_NAME,
        };
        batch
            .version
            .push(index(&mut versions, &row.identity.version));
        batch
            .hardware
            .push(index(&mut hardware, &row.identity.hardware));
        batch.time_ns.push(row.time_ns);
        let interval = row.heartbeat.interval_ms;
        let interval = interval.and_then(|ms| i64::try_from(ms.checked_mul(NS_PER_MS)?).ok());
        intervals.push(interval);
    }
    (batch.devices, batch.versions, batch.hardware_names) =
        (devices.names, versions.names, hardware.names);
    if intervals.iter().any(Option::is_some) {
        let present = bits(intervals.iter().map(Option::is_some));
        let values = intervals.into_iter().map(Option::unwrap_or_default);
        batch.interval_ns = Some(Column {
            values: Values::I64(values.collect()),
            present,
        });
    }
    // A name may stand twice in an ELF: code that is inlined has a record at each place, and a value at one of them.
    let mut by_name: BTreeMap<&str, Vec<&DefinedMetric>> = BTreeMap::new();
    for metric in metrics {
        by_name
            .entry(&metric.definition.name)
            .or_default()
            .push(metric);
    }
    for (name, records) in by_name {
        let column = column(rows, &records, left_out);
        batch
            .metrics
            .extend(column.map(|column| (name.to_owned(), column)));
    }
    batch
}

/// The values of one metric; `None` where it has none.
fn column(
    rows: &[Placed<'_>],
    records: &[&DefinedMetric],
    left_out: &mut LeftOut,
) -> Option<Column> {
    let is_text = records
        .iter()
        .any(|record| record.definition.kind == MetricKind::Text);
    let fits = |value: &MetricValue| match value {
        MetricValue::Integer(number) => !is_text && i64::try_from(*number).is_ok(),
        MetricValue::Float(_) => !is_text,
        MetricValue::Text(_) => is_text,
    };
    let values: Vec<Option<MetricValue>> = rows
        .iter()
        .map(|row| {
            let sent = |record: &&&DefinedMetric| row.heartbeat.values.contains_key(&record.id);
            let record = records.iter().find(sent).or(records.first())?;
            let value = MetricValue::in_heartbeat(record, row.heartbeat)?;
            let is_kept = fits(&value);
            left_out.n = left_out.n.saturating_add(u64::from(!is_kept));
            is_kept.then_some(value)
        })
        .collect();
    let present = bits(values.iter().map(Option::is_some));
    if values.iter().all(Option::is_none) {
        return None;
    }
    let values = if is_text {
        texts(&values)
    } else {
        let is_small = records.iter().all(|record| {
            record.sent_type == "gauge_i32" || record.definition.kind == MetricKind::State
        });
        numbers(&values, is_small, left_out)
    };
    Some(Column { values, present })
}

/// Numbers in the narrowest type that holds all of them as they are.
fn numbers(values: &[Option<MetricValue>], is_small: bool, left_out: &mut LeftOut) -> Values {
    let all = || values.iter().flatten();
    if all().any(|value| matches!(value, MetricValue::Float(_))) {
        let is_f32 = all().all(|value| match value {
            MetricValue::Float(number) => as_f32(*number).is_some(),
            MetricValue::Integer(number) => number.abs() <= EXACT_IN_F32,
            MetricValue::Text(_) => true,
        });
        let number = |value: &Option<MetricValue>| match value {
            Some(MetricValue::Float(number)) => *number,
            Some(MetricValue::Integer(number)) => *number as f64,
            _ => 0.0,
        };
        if is_f32 {
            let narrow = values.iter().map(|value| as_f32(number(value)));
            return Values::F32(narrow.map(Option::unwrap_or_default).collect());
        }
        // Of a device that sends integers and floats for one metric, integers beyond 2^53 are rounded.
        let rounded = all().filter(
            |value| matches!(value, MetricValue::Integer(number) if number.abs() > EXACT_IN_F64),
        );
        left_out.n = left_out.n.saturating_add(rounded.count() as u64);
        return Values::F64(values.iter().map(number).collect());
    }
    let whole = |value: &Option<MetricValue>| match value {
        Some(MetricValue::Integer(number)) => i64::try_from(*number).unwrap_or_default(),
        _ => 0,
    };
    let narrow: Option<Vec<i32>> = values
        .iter()
        .map(|value| i32::try_from(whole(value)).ok())
        .collect();
    match narrow.filter(|_| is_small) {
        Some(narrow) => Values::I32(narrow),
        None => Values::I64(values.iter().map(whole).collect()),
    }
}

/// A number as 32 bits, if it is the same number then; NaN keeps no payload on the wire that would be lost.
fn as_f32(number: f64) -> Option<f32> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what is not the same number is refused in the next line"
    )]
    let narrow = number as f32;
    (f64::from(narrow).to_bits() == number.to_bits()).then_some(narrow)
}

fn texts(values: &[Option<MetricValue>]) -> Values {
    let mut names = Names::default();
    let index = values.iter().map(|value| match value {
        Some(MetricValue::Text(text)) => names.index(text),
        _ => 0,
    });
    Values::Text {
        index: index.collect(),
        names: names.names,
    }
}

/// One bit a row; `None` where all are set.
pub(super) fn bits(are_set: impl ExactSizeIterator<Item = bool>) -> Option<Vec<u64>> {
    let mut words = vec![0_u64; are_set.len().div_ceil(64)];
    let mut is_full = true;
    for (row, is_set) in are_set.enumerate() {
        is_full &= is_set;
        if let (true, Some(word)) = (is_set, words.get_mut(row / 64)) {
            *word |= 1 << (row % 64);
        }
    }
    (!is_full).then_some(words)
}

/// Distinct names and their indexes.
#[derive(Default)]
struct Names {
    names: Vec<String>,
    known: BTreeMap<String, u32>,
}

impl Names {
    fn index(&mut self, name: &str) -> u32 {
        if let Some(index) = self.known.get(name) {
            return *index;
        }
        let index = u32::try_from(self.names.len()).unwrap_or(NO_NAME);
        self.names.push(name.to_owned());
        self.known.insert(name.to_owned(), index);
        index
    }
}

#[cfg(test)]
mod tests {
    use super::{LeftOut, Placed, batch};
    use crate::engine::sent_series::boots::Identity;
    use crate::formats::sdk::definitions;
    use crate::model::device_message::{Heartbeat, SentValue};
    use crate::model::series::Values;
    use std::sync::Arc;

    const SECTION: &[u8] =
        b"a\0type=gauge_i32\0\0b\0type=counter\0\0c\0type=gauge_f32\0\0d\0type=string\0\0";

    fn ids() -> Vec<u64> {
        definitions::metrics(0, SECTION)
            .iter()
            .map(|metric| metric.id)
            .collect()
    }

    #[test]
    fn values_have_the_type_of_their_metric_and_what_is_missing_stays_so() {
        let ids = ids();
        let beat = |values: &[(usize, SentValue)]| Heartbeat {
            interval_ms: Some(60_000),
            values: values
                .iter()
                .map(|(n, value)| (ids[*n], value.clone()))
                .collect(),
        };
        let beats = [
            beat(&[
                (0, SentValue::Integer(-57)),
                (2, SentValue::Float(21.5)),
                (3, SentValue::Text("slot-a".to_owned())),
            ]),
            beat(&[
                (0, SentValue::Unset),
                (1, SentValue::Integer(4_294_967_295)),
                (2, SentValue::Float(0.1)),
                (3, SentValue::Integer(7)),
            ]),
        ];
        let rows: Vec<Placed<'_>> = beats
            .iter()
            .zip(1..)
            .map(|(heartbeat, time_ns)| Placed {
                identity: Arc::new(Identity::default()),
                time_ns,
                heartbeat,
            })
            .collect();
        let mut left_out = LeftOut::default();
        let found = batch(&rows, &definitions::metrics(0, SECTION), &mut left_out);
        let columns: Vec<_> = found.metrics.iter().map(|(_, column)| column).collect();
        assert_eq!(columns[0].values, Values::I32(vec![-57, 0]));
        assert!(columns[0].is_present(0) && !columns[0].is_present(1));
        assert_eq!(columns[1].values, Values::I64(vec![0, 4_294_967_295]));
        assert_eq!(columns[1].present, None, "a counter that is not sent is 0");
        assert_eq!(columns[2].values, Values::F64(vec![21.5, 0.1]));
        assert!(!columns[3].is_present(1), "a number is no text");
        assert_eq!(left_out.n, 1);
        assert_eq!(
            found.interval_ns.unwrap().values,
            Values::I64(vec![60_000_000_000; 2])
        );
    }

    #[test]
    fn without_definitions_rows_say_that_the_device_was_there() {
        let heartbeat = Heartbeat::default();
        let rows = [Placed {
            identity: Arc::new(Identity::default()),
            time_ns: 5,
            heartbeat: &heartbeat,
        }];
        let found = batch(&rows, &[], &mut LeftOut::default());
        assert_eq!((found.len(), found.metrics.len()), (1, 0));
        assert_eq!(found.interval_ns, None);
    }
}

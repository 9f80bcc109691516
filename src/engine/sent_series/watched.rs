//! Numbers that were watched in a live session, as metrics of its board.

use super::full_time;
use crate::formats::recording::WatchValue;
use crate::formats::watch::Watched;
use crate::model::metric::{MetricDefinition, MetricKind};
use crate::model::series::{Column, HeartbeatBatch, NO_NAME, Values};

/// Looks of a batch.
const ROWS_A_BATCH: usize = 4096;

/// Looks as rows of a device, and what the numbers are. `None` where nobody knows when the session was.
pub(super) fn batches(
    watched: &Watched,
    serial: &str,
) -> Option<(Vec<MetricDefinition>, Vec<HeartbeatBatch>)> {
    let began = full_time(&watched.started_at)?;
    let metrics = watched.numbers.iter().map(|number| {
        let mut values: Vec<(i64, &str)> = number
            .values
            .iter()
            .map(|(value, name)| (*value, name.as_str()))
            .collect();
        values.sort_unstable();
        // A state has the names of its values from 0 on.
        let is_state =
            !values.is_empty() && (0..).zip(&values).all(|(at, (value, _))| *value == at);
        MetricDefinition {
            name: number.name.clone(),
            kind: if is_state {
                MetricKind::State
            } else {
                MetricKind::Gauge
            },
            unit: number.unit.clone(),
            min: None,
            max: None,
            values: values
                .into_iter()
                .filter(|_| is_state)
                .map(|(_, name)| name.to_owned())
                .collect(),
            description: None,
        }
    });
    let batches = watched.looks.chunks(ROWS_A_BATCH).map(|looks| {
        let mut batch = HeartbeatBatch {
            devices: vec![serial.to_owned()],
            device: vec![0; looks.len()],
            version: vec![NO_NAME; looks.len()],
            hardware: vec![NO_NAME; looks.len()],
            time_ns: looks
                .iter()
                .map(|look| began.saturating_add(look.ns))
                .collect(),
            ..HeartbeatBatch::default()
        };
        for (at, number) in (0..).zip(&watched.numbers) {
            let of_look = |values: &[(u16, Option<WatchValue>)]| {
                let mut of_number = values.iter().filter(|(number, _)| *number == at);
                of_number.find_map(|(_, value)| *value)
            };
            let values: Vec<Option<WatchValue>> =
                looks.iter().map(|look| of_look(&look.values)).collect();
            if let Some(column) = column(&values) {
                batch.metrics.push((number.name.clone(), column));
            }
        }
        batch
    });
    Some((metrics.collect(), batches.collect()))
}

/// `None` where there is no value at all.
fn column(values: &[Option<WatchValue>]) -> Option<Column> {
    if values.iter().all(Option::is_none) {
        return None;
    }
    let is_float = values
        .iter()
        .any(|value| matches!(value, Some(WatchValue::Float(_))));
    let present = super::columns::bits(values.iter().map(Option::is_some));
    let values = if is_float {
        Values::F64(
            values
                .iter()
                .map(|value| value.map_or(0.0, WatchValue::as_f64))
                .collect(),
        )
    } else {
        let integer = |value: &Option<WatchValue>| match value {
            Some(WatchValue::Integer(value)) => *value,
            _ => 0,
        };
        Values::I64(values.iter().map(integer).collect())
    };
    Some(Column { values, present })
}

#[cfg(test)]
mod tests {
    use super::batches;
    use crate::formats::recording::{Look, WatchValue, WatchedNumber};
    use crate::formats::watch::Watched;
    use crate::model::metric::MetricKind;
    use crate::model::series::Values;

    #[test]
    fn looks_are_rows_and_what_was_not_read_is_missing() {
        let named = |name: &str, values: Vec<(i64, String)>| WatchedNumber {
            name: name.to_owned(),
            unit: None,
            values,
        };
        let states = vec![(1, "UP".to_owned()), (0, "DOWN".to_owned())];
        let watched = Watched {
            started_at: "2026-11-29T20:00:00Z".to_owned(),
            numbers: vec![named("rssi", Vec::new()), named("state", states)],
            looks: vec![
                Look {
                    ns: 1,
                    values: vec![(0, Some(WatchValue::Integer(-57)))],
                },
                Look {
                    ns: 2,
                    values: vec![(0, None), (1, Some(WatchValue::Integer(1)))],
                },
            ],
        };
        let (metrics, rows) = batches(&watched, "S1").unwrap();
        assert_eq!(metrics[0].kind, MetricKind::Gauge);
        assert_eq!(metrics[1].kind, MetricKind::State);
        assert_eq!(metrics[1].values, ["DOWN", "UP"]);
        let [batch] = rows.as_slice() else {
            panic!("{rows:?}");
        };
        // date -u -d 2026-11-29T20:00:00Z +%s
        assert_eq!(
            batch.time_ns,
            [1_795_982_400_000_000_001, 1_795_982_400_000_000_002]
        );
        let rssi = &batch.metrics[0].1;
        assert_eq!(rssi.values, Values::I64(vec![-57, 0]));
        assert!(rssi.is_present(0) && !rssi.is_present(1));
        let when = Watched {
            started_at: "yesterday".to_owned(),
            ..watched
        };
        assert!(batches(&when, "S1").is_none());
    }
}

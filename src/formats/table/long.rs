//! Tables with one row a value: the rows of one device and one time become one heartbeat.

use super::bad_rows::BadRows;
use super::heartbeats::{Rows, keep};
use super::mapping::{Mapping, Role};
use super::names::names_of;
use super::{TableChunk, TableColumn};
use crate::model::series::{Column, HeartbeatBatch, NO_NAME, Values};
use std::collections::{BTreeMap, BTreeSet};

/// Cells of the batch for each row of the table. Rows of which each has another metric or another moment are taken a few at
/// once, so that a batch is never much larger than its rows.
const CELLS_A_ROW: usize = 64;

/// Turns rows into heartbeats. The rows of one heartbeat need not be neighbours; where they are in two chunks, the heartbeat
/// comes twice, with other metrics, which whoever keeps them makes one.
pub fn long(
    chunk: &TableChunk,
    columns: &[TableColumn],
    mapping: &Mapping,
    bad: &mut BadRows,
) -> Vec<HeartbeatBatch> {
    let mut rows = Rows::of(chunk, columns, mapping, bad);
    let kept = rows.kept.take();
    let column_of = |wanted: Role| {
        let of_role = columns
            .iter()
            .zip(&chunk.columns)
            .find(|(table, _)| mapping.role_of(&table.name) == Some(wanted));
        of_role.and_then(|(_, column)| Some(keep(column.clone()?, kept.as_deref())))
    };
    let (Some(name), Some(values)) = (column_of(Role::MetricName), column_of(Role::MetricValue))
    else {
        return Vec::new();
    };
    let (metric, metrics) = names_of(&name);
    let table = Long {
        rows,
        metric,
        metrics,
        values,
    };
    let mut batches = Vec::new();
    let mut at = 0;
    while at < table.metric.len() {
        let end = table.end_of_piece(at);
        batches.extend(table.piece(at..end));
        at = end;
    }
    batches
}

struct Long {
    rows: Rows,
    /// Metric of each row, or [`NO_NAME`].
    metric: Vec<u32>,
    metrics: Vec<String>,
    values: Column,
}

impl Long {
    /// Device and time of a row with a metric and a value.
    fn key(&self, row: usize) -> Option<(u32, i64)> {
        let is_there = self.values.is_present(row)
            && self
                .metric
                .get(row)
                .is_some_and(|metric| *metric != NO_NAME);
        is_there.then_some((*self.rows.device.get(row)?, *self.rows.time_ns.get(row)?))
    }

    /// As many rows from `at` on as fit into a batch that is not too large.
    fn end_of_piece(&self, at: usize) -> usize {
        let mut heartbeats = BTreeSet::new();
        let mut metrics = BTreeSet::new();
        let mut last = None;
        for row in at..self.metric.len() {
            let Some(key) = self.key(row) else { continue };
            if last != Some(key) {
                heartbeats.insert(key);
                last = Some(key);
            }
            metrics.insert(self.metric.get(row));
            if heartbeats.len() * metrics.len() > CELLS_A_ROW * (row + 1 - at).max(CELLS_A_ROW) {
                return row.max(at + 1);
            }
        }
        self.metric.len()
    }

    fn piece(&self, rows: std::ops::Range<usize>) -> Option<HeartbeatBatch> {
        let mut batch = HeartbeatBatch {
            devices: self.rows.devices.clone(),
            versions: self.rows.versions.clone(),
            hardware_names: self.rows.hardware_names.clone(),
            ..HeartbeatBatch::default()
        };
        let mut heartbeat_of: BTreeMap<(u32, i64), usize> = BTreeMap::new();
        // Rows of each metric: the heartbeat, and the row.
        let mut cells: BTreeMap<u32, Vec<(usize, usize)>> = BTreeMap::new();
        for row in rows {
            let (Some(key), Some(metric)) = (self.key(row), self.metric.get(row)) else {
                continue;
            };
            let known = |ids: &[u32]| ids.get(row).copied().unwrap_or(NO_NAME);
            let (version, hardware) = (known(&self.rows.version), known(&self.rows.hardware));
            let next = batch.device.len();
            let heartbeat = *heartbeat_of.entry(key).or_insert(next);
            if heartbeat == next {
                batch.device.push(key.0);
                batch.time_ns.push(key.1);
                batch.version.push(version);
                batch.hardware.push(hardware);
            }
            // What the first row does not say, another may.
            for (ids, id) in [
                (&mut batch.version, version),
                (&mut batch.hardware, hardware),
            ] {
                if let Some(slot) = ids.get_mut(heartbeat).filter(|slot| **slot == NO_NAME) {
                    *slot = id;
                }
            }
            cells.entry(*metric).or_default().push((heartbeat, row));
        }
        for (metric, cells) in cells {
            let name = self.metrics.get(metric as usize)?.clone();
            batch
                .metrics
                .push((name, scattered(&self.values, &cells, batch.device.len())));
        }
        (!batch.is_empty()).then_some(batch)
    }
}

/// A column of `n` rows with the values of some rows of another at their places. Of two at one place the later counts.
fn scattered(from: &Column, cells: &[(usize, usize)], n: usize) -> Column {
    let mut present = vec![0_u64; n.div_ceil(64)];
    for (heartbeat, _) in cells {
        if let Some(word) = present.get_mut(heartbeat / 64) {
            *word |= 1 << (heartbeat % 64);
        }
    }
    let values = match &from.values {
        Values::I32(values) => Values::I32(placed(values, cells, n)),
        Values::I64(values) => Values::I64(placed(values, cells, n)),
        Values::F32(values) => Values::F32(placed(values, cells, n)),
        Values::F64(values) => Values::F64(placed(values, cells, n)),
        Values::Text { index, names } => Values::Text {
            index: placed(index, cells, n),
            names: names.clone(),
        },
    };
    Column {
        values,
        present: Some(present),
    }
}

fn placed<T: Copy + Default>(values: &[T], cells: &[(usize, usize)], n: usize) -> Vec<T> {
    let mut out = vec![T::default(); n];
    for (heartbeat, row) in cells {
        if let (Some(slot), Some(value)) = (out.get_mut(*heartbeat), values.get(*row)) {
            *slot = *value;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::long;
    use crate::formats::table::mapping::Mapping;
    use crate::formats::table::{BadRows, ColumnKind, TableChunk, TableColumn};
    use crate::model::series::{Column, Values};

    fn texts(texts: impl Iterator<Item = String>) -> Values {
        let mut names: Vec<String> = Vec::new();
        let index = texts.map(|text| {
            let known = names.iter().position(|name| *name == text);
            let id = known.unwrap_or_else(|| {
                names.push(text);
                names.len() - 1
            });
            u32::try_from(id).unwrap()
        });
        let index = index.collect();
        Values::Text { index, names }
    }

    /// A table in which row `row` is of this device, time and metric, with its number as the value.
    fn batches(n: i64, of: impl Fn(i64) -> (i64, i64, String)) -> usize {
        let kinds = [
            ("device", ColumnKind::Integer),
            ("ts", ColumnKind::Integer),
            ("metric", ColumnKind::Text),
            ("value", ColumnKind::Integer),
        ];
        let columns: Vec<_> = kinds
            .map(|(name, kind)| TableColumn {
                name: name.to_owned(),
                kind,
            })
            .into();
        let full = |values| {
            Some(Column {
                values,
                present: None,
            })
        };
        let chunk = TableChunk {
            first_row: 0,
            n_rows: usize::try_from(n).unwrap(),
            columns: vec![
                full(Values::I64((0..n).map(|row| of(row).0).collect())),
                full(Values::I64(
                    (0..n).map(|row| 1_760_000_000 + of(row).1).collect(),
                )),
                full(texts((0..n).map(|row| of(row).2))),
                full(Values::I64((0..n).collect())),
            ],
            places: Vec::new(),
        };
        let mapping = Mapping::guess(&columns, &chunk).unwrap();
        let mut bad = BadRows::default();
        let batches = long(&chunk, &columns, &mapping, &mut bad);
        assert_eq!(bad.n, 0);
        let n_values: usize = (batches.iter().flat_map(|batch| &batch.metrics))
            .map(|(_, column)| {
                (0..column.values.len())
                    .filter(|row| column.is_present(*row))
                    .count()
            })
            .sum();
        assert_eq!(n_values, usize::try_from(n).unwrap());
        let largest = batches
            .iter()
            .map(|batch| batch.len() * batch.metrics.len())
            .max();
        assert!(largest.unwrap() <= 64 * usize::try_from(n).unwrap().max(64) + 4096);
        batches.len()
    }

    #[test]
    fn rows_of_a_moment_become_one_heartbeat() {
        assert_eq!(
            batches(1000, |row| (row / 100, row / 10, format!("m{}", row % 10))),
            1
        );
    }

    #[test]
    fn rows_that_share_nothing_are_taken_in_pieces() {
        assert!(batches(5000, |row| (row, row, format!("m{row}"))) > 10);
    }
}

//! Tables of heartbeats and events, held against what DuckDB reads of the same files (`scripts/table_fixtures.py`).
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use fieldscope::formats::table::events::events;
use fieldscope::formats::table::heartbeats::wide;
use fieldscope::formats::table::long::long;
use fieldscope::formats::table::mapping::{Mapping, TableUse};
use fieldscope::formats::table::parquet::ParquetTable;
use fieldscope::formats::table::{BadRows, TableChunk, TableColumn};
use fieldscope::model::progress::Unattended;
use fieldscope::model::series::{Column, FleetEvent, HeartbeatBatch, NO_NAME, Values};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/tables")
        .join(name)
}

/// Floats are texts that keep all their digits.
fn float(value: f64) -> Value {
    json!(value.to_string())
}

fn cell(column: &Column, row: usize) -> Option<Value> {
    column.is_present(row).then(|| match &column.values {
        Values::I32(values) => json!(values[row]),
        Values::I64(values) => json!(values[row]),
        Values::F32(values) => float(f64::from(values[row])),
        Values::F64(values) => float(values[row]),
        Values::Text { index, names } => json!(names[index[row] as usize]),
    })
}

/// The heartbeats as the oracle writes them.
fn rows_of(batch: &HeartbeatBatch) -> Vec<Value> {
    let name = |ids: &[u32], names: &[String], row: usize| match ids[row] {
        NO_NAME => Value::Null,
        id => json!(names[id as usize]),
    };
    let rows = (0..batch.len()).map(|row| {
        let metrics: Map<String, Value> = (batch.metrics.iter())
            .filter_map(|(name, column)| Some((name.clone(), cell(column, row)?)))
            .collect();
        json!([
            batch.devices[batch.device[row] as usize],
            batch.time_ns[row],
            name(&batch.version, &batch.versions, row),
            name(&batch.hardware, &batch.hardware_names, row),
            batch
                .interval_ns
                .as_ref()
                .and_then(|column| cell(column, row)),
            metrics,
        ])
    });
    rows.collect()
}

fn row_of_event(event: FleetEvent) -> Value {
    let issue = event.issue.map(|issue| ("issue".to_owned(), json!(issue)));
    let metrics: Map<String, Value> = issue
        .into_iter()
        .chain([("kind".to_owned(), json!(event.kind))])
        .collect();
    json!([
        event.serial,
        event.time_ns,
        event.version,
        event.hardware,
        null,
        metrics
    ])
}

/// All rows of a table, through the mapping that is guessed for it.
fn rows(
    columns: &[TableColumn],
    sample: &TableChunk,
    chunks: Vec<TableChunk>,
) -> (Vec<Value>, BadRows) {
    let mapping = Mapping::guess(columns, sample).unwrap();
    let mut bad = BadRows::default();
    let mut rows = Vec::new();
    for chunk in chunks {
        match mapping.table_use {
            TableUse::Wide => rows.extend(rows_of(&wide(chunk, columns, &mapping, &mut bad))),
            TableUse::Long => {
                rows.extend(
                    long(&chunk, columns, &mapping, &mut bad)
                        .iter()
                        .flat_map(rows_of),
                );
            }
            TableUse::Events => {
                rows.extend(
                    events(&chunk, columns, &mapping, &mut bad)
                        .into_iter()
                        .map(row_of_event),
                );
            }
        }
    }
    (rows, bad)
}

fn parquet_chunks(table: &Arc<ParquetTable>) -> Vec<TableChunk> {
    let mut chunks = Vec::new();
    for group in 0..table.n_row_groups() {
        let mut group = table.row_group(group, &[]);
        while let Some(chunk) = group.next_chunk(&Unattended).unwrap() {
            chunks.push(chunk);
        }
        assert_eq!(group.take_warnings(), []);
    }
    chunks
}

/// What stands in the answer of the oracle beside a fixture; numbers that are equal are equal, whatever their type.
fn assert_as_oracle(name: &str, mut rows: Vec<Value>) {
    let answer = std::fs::read_to_string(fixture(&format!("{name}.rows.json"))).unwrap();
    let mut answer: Vec<Value> = serde_json::from_str(&answer).unwrap();
    assert!(answer.len() >= 20, "{name}: {}", answer.len());
    for row in rows.iter_mut().chain(&mut answer) {
        for value in row[5].as_object_mut().unwrap().values_mut() {
            let float = match &*value {
                Value::String(text) => text.parse().ok(),
                Value::Number(number) => number
                    .as_i64()
                    .filter(|value| value.unsigned_abs() < 1 << 53)
                    .map(|value| value as f64),
                _ => None,
            };
            if let Some(float) = float {
                *value = json!(format!("{float:?}"));
            }
        }
    }
    let key = |row: &Value| (row[0].to_string(), row[1].as_i64(), row[5].to_string());
    rows.sort_by_key(key);
    answer.sort_by_key(key);
    assert_eq!(rows.len(), answer.len(), "{name}");
    for (row, answer) in rows.iter().zip(&answer) {
        assert_eq!(row, answer, "{name}");
    }
}

#[test]
fn parquet_is_read_as_duckdb_reads_it() {
    for name in [
        "wide_zstd",
        "wide_snappy_v2",
        "wide_gzip_plain",
        "wide_none_delta",
        "long",
        "nested",
        "events",
        "int96",
    ] {
        let name = format!("{name}.parquet");
        let table = Arc::new(ParquetTable::open(std::fs::read(fixture(&name)).unwrap()).unwrap());
        let chunks = parquet_chunks(&table);
        let (rows, bad) = rows(table.columns(), &chunks[0], chunks.clone());
        assert_eq!(bad, BadRows::default(), "{name}");
        assert_as_oracle(&name, rows);
    }
}

#[test]
fn rows_without_device_or_time_are_told() {
    let table =
        Arc::new(ParquetTable::open(std::fs::read(fixture("wide_zstd.parquet")).unwrap()).unwrap());
    let mut chunks = parquet_chunks(&table);
    let sample = chunks[0].clone();
    let serial = table
        .columns()
        .iter()
        .position(|column| column.name == "device")
        .unwrap();
    let time = table
        .columns()
        .iter()
        .position(|column| column.name == "timestamp")
        .unwrap();
    chunks[0].columns[serial].as_mut().unwrap().present = Some(vec![!1, u64::MAX]);
    let Some(Column {
        values: Values::I64(times),
        ..
    }) = &mut chunks[0].columns[time]
    else {
        panic!("times are integers");
    };
    times[2] = 0;
    let (rows, bad) = rows(table.columns(), &sample, chunks);
    assert_eq!(rows.len(), 198);
    assert_eq!(bad.n, 2);
    assert_eq!((bad.first[0].row, bad.first[1].row), (0, 2));
    assert!(bad.first[1].what.contains("clock"));
    let answer = std::fs::read_to_string(fixture("wide_zstd.parquet.rows.json")).unwrap();
    let answer: Vec<Value> = serde_json::from_str(&answer).unwrap();
    for field in 0..5 {
        assert_eq!(
            (&rows[0][field], &rows[1][field]),
            (&answer[1][field], &answer[3][field])
        );
    }
}

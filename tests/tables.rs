//! Tables of heartbeats and events, held against what `DuckDB` reads of the same files (`scripts/table_fixtures.py`).
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use fieldscope::formats::table::events::events;
use fieldscope::formats::table::heartbeats::wide;
use fieldscope::formats::table::long::long;
use fieldscope::formats::table::mapping::{Mapping, TableUse};
use fieldscope::formats::table::reader::{Table, TableFormat};
use fieldscope::formats::table::{BadRows, TableChunk, TableColumn};
use fieldscope::model::progress::Unattended;
use fieldscope::model::series::{Column, FleetEvent, HeartbeatBatch, NO_NAME, Values};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

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
    mapping: &Mapping,
    chunk: TableChunk,
    bad: &mut BadRows,
) -> Vec<Value> {
    match mapping.table_use {
        TableUse::Wide => rows_of(&wide(chunk, columns, mapping, bad)),
        TableUse::Long => long(&chunk, columns, mapping, bad)
            .iter()
            .flat_map(rows_of)
            .collect(),
        TableUse::Events => events(&chunk, columns, mapping, bad)
            .into_iter()
            .map(row_of_event)
            .collect(),
    }
}

/// Reads a table to its end; its format is told by its content.
fn read(bytes: &Vec<u8>) -> (Vec<Value>, BadRows, Mapping) {
    let mut table = Table::open(bytes, TableFormat::of(bytes).unwrap()).unwrap();
    let mapping = Mapping::guess(table.columns(), table.sample()).unwrap();
    table.want(&mapping);
    let mut bad = BadRows::default();
    let mut all = Vec::new();
    while let Some(chunk) = table.next_chunk(&mut bad, &Unattended).unwrap() {
        all.extend(rows(table.columns(), &mapping, chunk, &mut bad));
    }
    assert_eq!(table.take_warnings(), []);
    (all, bad, mapping)
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
fn tables_are_read_as_duckdb_reads_them() {
    for name in [
        "wide_zstd.parquet",
        "wide_snappy_v2.parquet",
        "wide_gzip_plain.parquet",
        "wide_none_delta.parquet",
        "long.parquet",
        "nested.parquet",
        "events.parquet",
        "int96.parquet",
        "wide.csv",
        "long.csv",
        "events.csv",
        "flat.jsonl",
        "nested.jsonl",
        "events.jsonl",
    ] {
        let (rows, bad, mapping) = read(&std::fs::read(fixture(name)).unwrap());
        assert_eq!(bad, BadRows::default(), "{name}");
        let what = name.split(['.', '_']).next().unwrap();
        let expected = match what {
            "long" => TableUse::Long,
            "events" => TableUse::Events,
            _ => TableUse::Wide,
        };
        assert_eq!(mapping.table_use, expected, "{name}");
        assert_as_oracle(name, rows);
    }
}

#[test]
fn a_mapping_is_a_plain_value() {
    let bytes = std::fs::read(fixture("wide.csv")).unwrap();
    let (.., mapping) = read(&bytes);
    let text = serde_json::to_string(&mapping).unwrap();
    assert_eq!(serde_json::from_str::<Mapping>(&text).unwrap(), mapping);
    let units: Vec<_> = (mapping.definitions().into_iter())
        .filter_map(|metric| Some((metric.name, metric.unit?)))
        .collect();
    let expected = [
        ("temp_c", "°C"),
        ("free_heap_bytes", "B"),
        ("uptime_ns", "ns"),
        ("batt_v", "V"),
    ];
    assert_eq!(
        units,
        expected.map(|(name, unit)| (name.to_owned(), unit.to_owned()))
    );
}

#[test]
fn what_cannot_be_mapped_is_said() {
    let bytes = b"name,when,x\na,2026-01-01,1\n".to_vec();
    let table = Table::open(&bytes, TableFormat::Csv).unwrap();
    let why = Mapping::guess(table.columns(), table.sample()).unwrap_err();
    assert!(
        why.starts_with("no column tells the device") && why.contains("name, when, x"),
        "{why}"
    );
    assert_eq!(TableFormat::of(&bytes), None);
    assert_eq!(
        TableFormat::of(b"I (312) boot: hello, world, this is a log\n"),
        None
    );
}

#[test]
fn rows_without_device_or_time_are_told() {
    let bytes = std::fs::read(fixture("wide_zstd.parquet")).unwrap();
    let mut table = Table::open(&bytes, TableFormat::Parquet).unwrap();
    let columns = table.columns().to_vec();
    let mapping = Mapping::guess(&columns, table.sample()).unwrap();
    let place = |name: &str| {
        columns
            .iter()
            .position(|column| column.name == name)
            .unwrap()
    };
    let mut bad = BadRows::default();
    let mut chunk = table.next_chunk(&mut bad, &Unattended).unwrap().unwrap();
    chunk.columns[place("device")].as_mut().unwrap().present = Some(vec![!1, u64::MAX]);
    let time = chunk.columns[place("timestamp")].as_mut().unwrap();
    let Values::I64(times) = &mut time.values else {
        panic!("times are integers");
    };
    times[2] = 0;
    let rows = rows(&columns, &mapping, chunk, &mut bad);
    assert_eq!((rows.len(), bad.n), (68, 2));
    assert_eq!((bad.first[0].row, bad.first[1].row), (0, 2));
    assert!(bad.first[1].what.contains("clock"));
    let answer = std::fs::read_to_string(fixture("wide_zstd.parquet.rows.json")).unwrap();
    let answer: Vec<Value> = serde_json::from_str(&answer).unwrap();
    for field in 0..5 {
        assert_eq!(rows[0][field], answer[1][field]);
        assert_eq!(rows[1][field], answer[3][field]);
    }
}

/// Reads whatever is there of a table; answers the rows, good and bad, or why there are none.
fn read_what_is_there(bytes: &Vec<u8>) -> Result<u64, String> {
    let format = TableFormat::of(bytes).ok_or("no table")?;
    let mut table = Table::open(bytes, format).map_err(|error| error.to_string())?;
    let mapping = Mapping::guess(table.columns(), table.sample())?;
    table.want(&mapping);
    let mut bad = BadRows::default();
    let mut n_rows = 0;
    loop {
        let chunk = table.next_chunk(&mut bad, &Unattended);
        let Some(chunk) = chunk.map_err(|error| error.to_string())? else {
            return Ok(n_rows + bad.n);
        };
        n_rows += chunk.n_rows as u64;
        drop(rows(table.columns(), &mapping, chunk, &mut bad));
    }
}

/// The same numbers in every run.
fn below(state: &mut u64, end: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state % end as u64).unwrap()
}

#[test]
fn a_broken_table_is_read_in_part_or_refused_in_words() {
    let mut state = 0x2545_f491_4f6c_dd1d;
    let (mut n_read, mut n_refused) = (0, 0);
    for entry in std::fs::read_dir(fixture("")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "json") {
            continue;
        }
        let whole = std::fs::read(&path).unwrap();
        let n_whole = read_what_is_there(&whole).unwrap();
        let mut variants: Vec<Vec<u8>> = (0..24)
            .map(|_| whole[..below(&mut state, whole.len())].to_vec())
            .collect();
        for _ in 0..120 {
            let mut flipped = whole.clone();
            for _ in 0..=below(&mut state, 3) {
                let at = below(&mut state, flipped.len());
                flipped[at] ^= 1 << below(&mut state, 8);
            }
            variants.push(flipped);
        }
        // The end of a Parquet file is where its lengths stand.
        for at in whole.len().saturating_sub(60)..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] = flipped[at].wrapping_add(0x55);
            variants.push(flipped);
        }
        for variant in variants {
            match read_what_is_there(&variant) {
                Ok(n_rows) => {
                    n_read += 1;
                    // A quote that is opened or a line that is broken makes one row two.
                    assert!(n_rows <= n_whole * 2 + 2, "{}: {n_rows}", path.display());
                }
                Err(words) => {
                    n_refused += 1;
                    assert!(words.len() > 5, "{words}");
                }
            }
        }
    }
    assert!(n_read > 200 && n_refused > 200, "{n_read} {n_refused}");
}

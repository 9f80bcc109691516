//! Tables as files: what other tools read in them is what is in them.
//!
//! `tests/fixtures/export` has the files, and what DuckDB and Python's own csv module read in them: `scripts/export_fixtures.py`.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use fieldscope::engine::demo_fleet::{DemoFleet, store};
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::workspace::Workspace;
use fieldscope::formats::written_table::{Cells, WrittenTable};
use fieldscope::model::progress::Unattended;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/export")
        .join(name)
}

/// Every kind of cell, with holes, extremes, and texts that have to be quoted.
fn table() -> WrittenTable {
    let text = |text: &str| Some(text.to_owned());
    WrittenTable {
        columns: vec![
            (
                "n".to_owned(),
                Cells::Integer(vec![
                    Some(0),
                    None,
                    Some(i64::MIN),
                    Some(i64::MAX),
                    Some(-57),
                ]),
            ),
            (
                "mean, dBm".to_owned(),
                Cells::Real(vec![
                    Some(0.1),
                    Some(-0.0),
                    None,
                    Some(1.7e308),
                    Some(5e-324),
                ]),
            ),
            (
                "is_late".to_owned(),
                Cells::Boolean(vec![Some(true), Some(false), None, None, Some(true)]),
            ),
            (
                "version".to_owned(),
                Cells::Text(vec![
                    text("1.4.2"),
                    text(""),
                    None,
                    text("a \"b\", c\n"),
                    text("ü€ 漢"),
                ]),
            ),
            (
                "time".to_owned(),
                Cells::Time(vec![
                    Some(1_780_358_400_123_456_789),
                    None,
                    Some(0),
                    Some(1),
                    Some(1_000_000_000),
                ]),
            ),
            ("nothing".to_owned(), Cells::Text(vec![None; 5])),
        ],
        facts: vec![("fieldscope.query".to_owned(), "made-up".to_owned())],
    }
}

/// The cells row by row, as the answers have them: floats as texts that keep all digits, times in nanoseconds.
fn rows() -> Vec<Value> {
    let table = table();
    let cell = |cells: &Cells, row: usize| match cells {
        Cells::Integer(cells) | Cells::Time(cells) => json!(cells[row]),
        Cells::Real(cells) => json!(cells[row].map(|value| format!("{value:e}"))),
        Cells::Boolean(cells) => json!(cells[row]),
        Cells::Text(cells) => json!(cells[row]),
    };
    let row = |row: usize| {
        table
            .columns
            .iter()
            .map(|(_, cells)| cell(cells, row))
            .collect()
    };
    (0..table.n_rows()).map(row).collect()
}

#[test]
fn other_readers_find_in_the_files_what_was_written() {
    let (mut csv, mut parquet) = (Vec::new(), Vec::new());
    table().write_csv(&mut csv).unwrap();
    table().write_parquet(&mut parquet).unwrap();
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        std::fs::create_dir_all(fixture("")).unwrap();
        std::fs::write(fixture("table.csv"), &csv).unwrap();
        std::fs::write(fixture("table.parquet"), &parquet).unwrap();
    }
    // The files are those that were read by others.
    assert_eq!(std::fs::read(fixture("table.csv")).unwrap(), csv);
    assert_eq!(std::fs::read(fixture("table.parquet")).unwrap(), parquet);
    let read = |name: &str| -> Value {
        serde_json::from_slice(&std::fs::read(fixture(name)).unwrap()).unwrap()
    };
    let answers = read("table.parquet.rows.json");
    assert_eq!(answers["rows"], Value::from(rows()));
    assert_eq!(
        answers["types"],
        json!([
            "BIGINT",
            "DOUBLE",
            "BOOLEAN",
            "VARCHAR",
            "TIMESTAMPTZ_NS",
            "VARCHAR"
        ])
    );
    let answers = read("table.csv.rows.json");
    let names: Vec<String> = table().columns.into_iter().map(|(name, _)| name).collect();
    assert_eq!(answers["rows"][0], json!(names));
    for (row, expected) in answers["rows"].as_array().unwrap()[1..].iter().zip(rows()) {
        assert_eq!(row[0].as_str().unwrap(), text_of(&expected[0]));
        assert_eq!(row[3].as_str().unwrap(), text_of(&expected[3]));
        assert_eq!(row[5], "");
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn run(workspace: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fieldscope"))
        .args(["--no-cache", "--workspace"])
        .arg(workspace)
        .args(args)
        .output()
        .unwrap()
}

#[test]
fn the_table_of_a_query_is_what_the_query_prints_and_no_file_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.fieldscope");
    let workspace = Workspace::open(Some(&path), IndexCache::disabled()).unwrap();
    let small = DemoFleet {
        n_devices: 30,
        n_days: 2,
        seed: 3,
    };
    store(&workspace.context(), small, &Unattended).unwrap();
    drop(workspace);
    let asked = ["fleet-band", "--metric", "battery_used_pct"];
    let printed = run(&path, &[&["query", "--json"], asked.as_slice()].concat());
    let printed: Value = serde_json::from_slice(&printed.stdout).unwrap();
    let csv = run(&path, &[&["export", "csv"], asked.as_slice()].concat());
    assert_eq!(csv.status.code(), Some(0), "{csv:?}");
    let csv = String::from_utf8(csv.stdout).unwrap();
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("time,p5,p50,p95,count"));
    let rows = printed["rows"].as_array().unwrap();
    assert_eq!(lines.clone().count(), rows.len());
    for (line, row) in lines.zip(rows) {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells[0], row[0].as_str().unwrap());
        for (cell, printed) in cells.iter().zip(row.as_array().unwrap()).skip(1).take(3) {
            // JSON is read here to all but the last digit.
            let (cell, printed) = (cell.parse::<f64>().unwrap(), printed.as_f64().unwrap());
            assert!((cell - printed).abs() <= 1e-15 * printed.abs(), "{line}");
        }
        assert_eq!(cells[4], row[4].to_string());
    }
    let out = folder.path().join("band.parquet");
    let to_file = [
        &["export", "parquet"],
        asked.as_slice(),
        &["--out", out.to_str().unwrap()],
    ];
    let written = run(&path, &to_file.concat());
    assert_eq!((written.status.code(), written.stdout.len()), (Some(0), 0));
    let bytes = std::fs::read(&out).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    let again = run(&path, &to_file.concat());
    assert_eq!(again.status.code(), Some(2));
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(
        said.contains("FS-EXP-001") && said.contains("is there already"),
        "{said}"
    );
    assert_eq!(std::fs::read(&out).unwrap(), bytes);
    let forced = run(&path, &[to_file.concat().as_slice(), &["--force"]].concat());
    assert_eq!(forced.status.code(), Some(0));
    let wrong = run(&path, &["export", "csv", "no-such-query"]);
    assert_eq!((wrong.status.code(), wrong.stdout.len()), (Some(2), 0));
}

//! Log entries of the device-side SDK as rows of a log, against the independent reader of docs/wire-format.md
//! (`scripts/sdk_oracle.py`), whose answers stand beside the captures in `tests/fixtures/sdk`.

#[expect(dead_code, reason = "other tests use the rest of it")]
mod common;

use common::{Place, fixture};
use fieldscope::engine::file_bytes::Access;
use fieldscope::engine::import::import_paths;
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::logs::dictionaries::from_elfs;
use fieldscope::engine::logs::session::LogSession;
use fieldscope::engine::queries::device_logs::DeviceLogsQuery;
use fieldscope::engine::workspace::Workspace;
use fieldscope::model::log::RowKind;
use fieldscope::model::progress::Unattended;
use fieldscope::symbols::symbol_file::SymbolFile;
use serde_json::{Value, json};
use std::sync::Arc;

const NAMES: [&str; 2] = ["meadow-an386", "meadow-an386-dew-point"];

fn sdk(name: &str) -> String {
    fixture(&format!("sdk/{name}"))
}

/// Uptime, level, message, source place of every entry that was sent outside of coredumps.
fn oracle(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(sdk(&format!("{name}.json"))).expect("an answer");
    let answer: Value = serde_json::from_str(&text).expect("JSON");
    let messages = answer["messages"].as_array().expect("messages");
    let logs = messages.iter().filter(|m| m["kind"] == "logs");
    let entries = logs.flat_map(|logs| logs["entries"].as_array().expect("entries"));
    let told = |entry: &Value| {
        let level = match entry["level"].as_str() {
            Some("warning") => "warn",
            Some(level) => level,
            None => "none",
        };
        json!([
            entry["uptime_ms"],
            level,
            entry["message"],
            entry["file"],
            entry["line"]
        ])
    };
    entries.map(told).collect()
}

#[test]
fn every_entry_is_a_row_with_its_level_time_text_and_source_place() {
    let mut n_entries = 0;
    for name in NAMES {
        let place = Place::new();
        let (uart, elf) = (sdk(&format!("{name}.uart")), sdk(&format!("{name}.elf")));
        let rows = place
            .run(&["logs", &uart, "--elf", &elf, "--json"])
            .json_lines();
        assert!(rows.iter().all(|row| row["format"] == "sdk-log"), "{name}");
        // Lines of the console name a module, lines of data have no level.
        let entries = rows
            .iter()
            .filter(|row| row["module"].is_null() && !row["level"].is_null());
        let ours: Vec<Value> = entries
            .map(|row| {
                json!([
                    row["uptime_ns"].as_u64().map(|ns| ns / 1_000_000),
                    row["level"],
                    row["message"],
                    row["source_file"],
                    row["source_line"]
                ])
            })
            .collect();
        assert_eq!(ours, oracle(name), "{name}");
        n_entries += ours.len();
        let raw = place.run(&["logs", &uart, "--elf", &elf, "--raw"]).out;
        let bytes = std::fs::read(&uart).expect("the capture");
        assert_eq!(raw.as_bytes(), bytes, "{name}: the rows are the log");
    }
    assert!(n_entries > 100, "{n_entries}");
}

#[test]
fn entries_are_searched_and_filtered_like_any_row() {
    let place = Place::new();
    let (uart, elf) = (sdk("meadow-an386.uart"), sdk("meadow-an386.elf"));
    let words = [
        "logs",
        &uart,
        "--elf",
        &elf,
        "--grep",
        "soil .* probe",
        "--level",
        "info",
        "--count",
    ];
    let n = place.run(&words).out;
    let told = oracle("meadow-an386");
    let theirs = told.iter().filter(|entry| {
        entry[2]
            .as_str()
            .is_some_and(|text| text.starts_with("soil "))
    });
    assert_eq!(n.trim(), theirs.count().to_string());
}

#[test]
fn without_the_elf_rows_say_which_build_they_are_of() {
    let place = Place::new();
    let output = place.run(&["logs", &sdk("meadow-an386.uart"), "--json"]);
    assert_eq!(output.code, Some(3), "{}", output.err);
    let rows = output.json_lines();
    let waits = "its text is in the ELF of build c812c59a626c7a27";
    let waiting = rows.iter().filter(|row| row.to_string().contains(waits));
    assert_eq!(waiting.count(), oracle("meadow-an386").len());
    // In the workspace they get their text when the ELF comes.
    let workspace = place.path("logs.fieldscope").display().to_string();
    let run = |words: &[&str]| {
        let mut all = words.to_vec();
        all.extend(["--workspace", &workspace]);
        place.run(&all)
    };
    run(&["import", &sdk("meadow-an386.uart")]);
    let soil = [
        "logs",
        "meadow-an386.uart",
        "--capture",
        "meadow-an386.uart",
        "--grep",
        "soil .* probe",
        "--count",
    ];
    assert_eq!(run(&soil).out.trim(), "0");
    run(&["symbols", "add", &sdk("meadow-an386.elf")]);
    assert_ne!(run(&soil).out.trim(), "0");
}

#[test]
fn the_log_stands_along_the_time_of_its_device_by_what_its_messages_tell() {
    let place = tempfile::tempdir().unwrap();
    let workspace = place.path().join("w.fieldscope");
    let workspace = Workspace::open(Some(&workspace), IndexCache::disabled()).unwrap();
    let files = ["meadow-an386.uart", "meadow-an386.elf"].map(|name| sdk(name).into());
    import_paths(&workspace, &files, Access::Map, &Unattended).unwrap();
    let asked = DeviceLogsQuery {
        serial: "MS-00271".to_owned(),
    };
    let logs = workspace.context().run(&asked).unwrap();
    assert_eq!((logs.logs.len(), logs.n_others), (1, 0));
    let clock = &logs.logs[0].clock;
    // Of its first boot the axis is the uptime; the messages say both clocks.
    let oracle = std::fs::read_to_string(sdk("meadow-an386.json")).unwrap();
    let oracle: Value = serde_json::from_str(&oracle).unwrap();
    let mut n = 0;
    let messages = oracle["messages"].as_array().unwrap().iter();
    // What a crash left is sent by the next boot.
    for message in messages.filter(|message| message["kind"] == "heartbeat") {
        let (Some(1), Some(time), Some(uptime)) = (
            message["boot"].as_i64(),
            message["time"].as_i64(),
            message["uptime_ms"].as_i64(),
        ) else {
            continue;
        };
        let wall = clock.wall_ns(uptime * 1_000_000).unwrap();
        assert!(
            (wall - time * 1_000_000_000).abs() <= 2_000_000_000,
            "{message}"
        );
        n += 1;
    }
    assert!(n > 10);
    // The last boot ends with the last message.
    let times = oracle["messages"].as_array().unwrap().iter();
    let last = times.filter_map(|message| message["time"].as_i64()).max();
    let (_, end) = clock.span().unwrap();
    let apart = end - last.unwrap() * 1_000_000_000;
    assert!(apart.abs() <= 3_600_000_000_000, "{apart}");
}

#[test]
fn the_window_finds_every_row_again() {
    for name in NAMES {
        let elf = std::fs::read(sdk(&format!("{name}.elf"))).expect("the ELF");
        let elf = Arc::new(SymbolFile::parse("device.elf", elf).expect("an ELF"));
        let bytes = std::fs::read(sdk(&format!("{name}.uart"))).expect("the capture");
        let dictionaries = from_elfs(&[elf]);
        let session = LogSession::open(
            "uart.log",
            bytes.clone().into(),
            dictionaries,
            Vec::new(),
            &Unattended,
        );
        let session = session.expect("nobody cancels");
        let mut end = 0;
        let mut messages = Vec::new();
        for row in 0..session.summary().n_rows {
            let (place, record, _) = session.record(row).expect("there is such a row");
            assert_eq!(place.start, end, "{name}: rows follow each other");
            assert_eq!(session.row_at(place.start as u64), row, "{name}");
            end = place.end;
            if record.kind == RowKind::Record && record.template.is_some() {
                messages.push(json!(record.message));
            }
        }
        assert_eq!(end, bytes.len(), "{name}");
        let theirs: Vec<Value> = oracle(name).iter().map(|entry| entry[2].clone()).collect();
        assert_eq!(messages, theirs, "{name}");
    }
}

//! Crashes and metrics of devices with the device-side SDK: reports against gdb (`scripts/make-sdk-fixtures`), values against the
//! independent reader, through the command line.
#![expect(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[path = "common/gdb.rs"]
mod gdb;

use fieldscope::engine::examine::{Examined, examine};
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::input::Inputs;
use fieldscope::engine::matching::match_named;
use fieldscope::engine::reports::{Depth, report};
use fieldscope::model::coredump::Coredump;
use fieldscope::model::progress::Unattended;
use fieldscope::model::report::CrashReport;
use fieldscope::symbols::symbol_file::SymbolFile;
use gdb::compare_frames;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;

const WITH_CRASHES: [&str; 5] = [
    "meadow-an386",
    "sprout-an385",
    "sprout-an385-cobs",
    "sprout-an505",
    "sprout-nrf51",
];

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/sdk")
        .join(name)
}

fn answer(name: &str) -> Value {
    let text = std::fs::read_to_string(path(name)).unwrap();
    // gdb shows two bytes of a char array that happen to be UTF-8 as one character.
    serde_json::from_str(
        &text
            .replace("\\u0302", r"\\314\\202")
            .replace('\u{302}', r"\\314\\202"),
    )
    .unwrap()
}

fn examined(name: &str) -> Examined {
    let inputs = Inputs::read(&[path(&format!("{name}.uart"))], &Unattended).unwrap();
    examine(inputs, &Unattended).unwrap()
}

fn report_of(examined: &Examined, index: usize, name: &str) -> CrashReport {
    let elf = std::fs::read(path(&format!("{name}.elf"))).unwrap();
    let named = [Arc::new(SymbolFile::parse("device.elf", elf).unwrap())];
    let crash = &examined.crashes[index];
    let id = crash.build_id.as_ref().map(|(id, _)| id);
    let matched = match_named(id, &crash.joined.dump.memory, &named).unwrap();
    report(
        examined,
        index,
        &matched,
        &IndexCache::disabled(),
        Depth::Locals,
    )
    .unwrap()
}

/// What the debugger read at the moment of the fault. Missing is missing.
fn registers_are(name: &str, dump: &Coredump, theirs: &Value) {
    let registers = &dump.threads[0].registers;
    let mut n_compared = 0;
    for (register, theirs) in theirs.as_object().unwrap() {
        let core = registers
            .iter()
            .find(|(reg, _)| reg.arm_name() == *register);
        let core = core.and_then(|(reg, _)| registers.known(reg));
        let ours = core.or_else(|| dump.fault.get(register).map(u64::from));
        assert_eq!(
            json!(ours.map(|value| format!("{value:#010x}"))),
            *theirs,
            "{name}: {register}"
        );
        n_compared += 1;
    }
    assert_eq!(n_compared, 26, "{name}");
}

#[test]
fn a_coredump_and_the_event_that_tells_of_it_are_one_crash_and_its_frames_are_those_of_gdb() {
    let mut wrong = Vec::new();
    for name in WITH_CRASHES {
        let examined = examined(name);
        let theirs = answer(&format!("{name}.gdb.json"));
        let crashes = theirs["crashes"].as_array().unwrap();
        let sources: Vec<_> = examined
            .crashes
            .iter()
            .map(|crash| crash.source_formats())
            .collect();
        assert_eq!(examined.crashes.len(), crashes.len(), "{name}: {sources:?}");
        for (index, crash) in crashes.iter().enumerate() {
            let report = report_of(&examined, index, name);
            // gdb walks on from the entry of a FreeRTOS task into what happens to stand before it.
            let frames = crash["frames"].as_array().unwrap().iter();
            let frames: Vec<&Value> = frames
                .take_while(|frame| frame["function"] != "vPortEnableVFP")
                .collect();
            compare_frames(
                &format!("{name} {index}"),
                &report.threads[0],
                &frames,
                &[],
                &mut wrong,
            );
            assert!(report.verified, "{name}");
            let joined = &examined.crashes[index].joined;
            registers_are(name, &joined.dump, &crash["registers"]);
            assert!(
                joined
                    .sources
                    .iter()
                    .any(|source| source.format == "sdk-event"),
                "{name}: {sources:?}"
            );
            assert!(
                joined
                    .sources
                    .iter()
                    .any(|source| source.format != "sdk-event"),
                "{name}: {sources:?}"
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn boots_are_those_that_the_device_counts_and_crashes_belong_to_theirs() {
    for name in WITH_CRASHES {
        let examined = examined(name);
        let oracle = answer(&format!("{name}.json"));
        let messages = oracle["messages"].as_array().unwrap();
        let theirs: Vec<_> = messages
            .iter()
            .filter(|m| m["event"] == "boot")
            .map(|m| {
                (
                    m["boot"].as_u64(),
                    m["reason"].as_str().unwrap().replace('_', " "),
                )
            })
            .collect();
        let boots = &examined.files[0].scan.boots;
        let ours: Vec<_> = boots
            .iter()
            .map(|boot| (boot.number, boot.reset_reason.clone().unwrap_or_default()))
            .collect();
        assert_eq!(ours, theirs, "{name}");
        for crash in &examined.crashes {
            let sender = crash.joined.dump.sender.as_ref().unwrap();
            let (_, index) = crash.boot.unwrap();
            assert_eq!(boots[index].number, sender.boot, "{name}");
            assert_eq!(
                crash.joined.dump.restart,
                boots[index + 1].reset_reason,
                "{name}"
            );
        }
    }
}

fn fieldscope(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fieldscope"))
        .args(args)
        .arg("--no-cache")
        .output()
        .unwrap()
}

fn file(name: &str) -> String {
    path(name).display().to_string()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn heartbeats_are_printed_with_names_units_and_shares_as_the_independent_reader_has_them() {
    let mut n_values = 0;
    for name in [
        "meadow-an386",
        "meadow-an386-dew-point",
        "sprout-an385",
        "sprout-an385-cobs",
        "sprout-an505",
        "sprout-nrf51",
    ] {
        let output = fieldscope(&[
            "metrics",
            &file(&format!("{name}.uart")),
            "--elf",
            &file(&format!("{name}.elf")),
            "--json",
        ]);
        assert_eq!(output.status.code(), Some(0), "{name}: {output:?}");
        let oracle = answer(&format!("{name}.json"));
        let definitions = oracle["definitions"].as_array().unwrap();
        let heartbeats = oracle["messages"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|m| m["kind"] == "heartbeat");
        let mut theirs = Vec::new();
        for heartbeat in heartbeats {
            for (metric, definition) in heartbeat["metrics"]
                .as_array()
                .unwrap()
                .iter()
                .zip(definitions)
            {
                let unit = definition["unit"].as_str().filter(|unit| !unit.is_empty());
                theirs.push(json!([
                    heartbeat["serial"],
                    heartbeat["uptime_ms"],
                    heartbeat["interval_ms"],
                    metric["name"],
                    metric["value"],
                    metric["percent"],
                    metric["value_name"],
                    unit
                ]));
            }
        }
        let ours: Vec<Value> = lines(&output)
            .iter()
            .map(|row| {
                let percent = row["percent_of_interval"]
                    .as_f64()
                    .map(|percent| (percent * 10.0).round() / 10.0);
                let uptime = row["uptime_ns"].as_u64().map(|ns| ns / 1_000_000);
                json!([
                    row["device"],
                    uptime,
                    row["interval_ms"],
                    row["metric"],
                    row["value"],
                    percent,
                    row["value_name"],
                    row["unit"]
                ])
            })
            .collect();
        assert_eq!(ours, theirs, "{name}");
        n_values += ours.len();
    }
    assert!(n_values > 100, "{n_values}");
}

#[test]
fn the_example_of_the_product_reads_as_it_should() {
    let (uart, elf) = (file("sprout-an385.uart"), file("sprout-an385.elf"));
    let output = fieldscope(&["metrics", &uart, "--elf", &elf]);
    let text = String::from_utf8(output.stdout).unwrap();
    for line in [
        "DA143532, sprout 1.0.1, boot 1, 2020-11-20T22:13:39Z, uptime 3600 s, over 3600 s",
        "  MainTaskMs               1243983 ms  34.6 %",
        "  RSSI                     -57 dBm",
        "  WifiConnectedMs          3012321 ms  83.7 %",
        "  SensorC                  not set",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    let one = fieldscope(&[
        "metrics", &uart, "--elf", &elf, "--metric", "rssi", "--device", "DA143532", "--json",
    ]);
    let values: Vec<_> = lines(&one).iter().map(|row| row["value"].clone()).collect();
    assert_eq!(values, [json!(-57), Value::Null]);
}

#[test]
fn a_metric_that_was_added_to_the_firmware_is_there_with_name_and_unit() {
    let names = |name: &str| -> Vec<(String, Value)> {
        let listed = fieldscope(&[
            "symbols",
            "metrics",
            &file(&format!("{name}.elf")),
            "--json",
        ]);
        assert_eq!(listed.status.code(), Some(0), "{listed:?}");
        lines(&listed)
            .iter()
            .map(|metric| {
                (
                    metric["name"].as_str().unwrap().to_owned(),
                    metric["unit"].clone(),
                )
            })
            .collect()
    };
    let (before, after) = (names("meadow-an386"), names("meadow-an386-dew-point"));
    let added: Vec<_> = after
        .iter()
        .filter(|metric| !before.contains(metric))
        .collect();
    assert_eq!(added.len(), 1, "{added:?}");
    let (name, unit) = added[0];
    assert!(unit.is_string(), "{unit}");
    let output = fieldscope(&[
        "metrics",
        &file("meadow-an386-dew-point.uart"),
        "--elf",
        &file("meadow-an386-dew-point.elf"),
        "--metric",
        name,
        "--json",
    ]);
    let rows = lines(&output);
    assert!(
        !rows.is_empty()
            && rows
                .iter()
                .all(|row| row["value"].is_number() && row["unit"] == *unit),
        "{rows:?}"
    );
}

#[test]
fn without_the_right_elf_nothing_is_named() {
    let uart = file("sprout-an385.uart");
    let nameless = fieldscope(&["metrics", &uart, "--json"]);
    assert_eq!(nameless.status.code(), Some(3));
    let rows = lines(&nameless);
    assert!(!rows.is_empty() && rows.iter().all(|row| row["metric"].is_null() && row["id"].as_str().unwrap().starts_with("0x")), "{rows:?}");
    for args in [
        vec!["metrics", &uart, "--elf", &file("sprout-an505.elf")],
        vec!["metrics", &uart, "--metric", "RSSI"],
        vec!["metrics", &file("SOURCES.sha256")],
        vec!["symbols", "metrics", &file("../qemu-bare/an386.elf")],
    ] {
        let output = fieldscope(&args);
        assert_eq!(
            (output.status.code(), output.stdout.len()),
            (Some(2), 0),
            "{args:?}: {output:?}"
        );
        assert_eq!(
            String::from_utf8(output.stderr)
                .unwrap()
                .trim_end()
                .lines()
                .count(),
            1,
            "{args:?}"
        );
    }
}

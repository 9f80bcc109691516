//! Heartbeats and events of captures in the workspace, against the independent reader of docs/wire-format.md
//! (`scripts/sdk_oracle.py`), whose answers stand beside the captures in `tests/fixtures/sdk`.

mod common;

use common::{Answer, Place, fixture};
use serde_json::{Value, json};

const NAMES: [&str; 6] = [
    "meadow-an386",
    "meadow-an386-dew-point",
    "sprout-an385",
    "sprout-an385-cobs",
    "sprout-an505",
    "sprout-nrf51",
];
const SPROUT: &str = "278ba9de7faabf641bd23f30f1155cb3b69a10cc";

fn sdk(name: &str) -> String {
    fixture(&format!("sdk/{name}"))
}

/// Runs with a workspace of the place's own.
fn run(place: &Place, words: &[&str]) -> Answer {
    let workspace = place.path("captures.fieldscope").display().to_string();
    let mut all = words.to_vec();
    all.extend(["--workspace", &workspace]);
    place.run(&all)
}

fn metrics(place: &Place) -> Vec<Value> {
    run(place, &["metrics", "--json"]).json_lines()
}

/// Device, time in seconds, interval, metric, value, name of the value, unit, per cent.
fn told(row: &Value) -> Value {
    let percent = row["percent_of_interval"].as_f64();
    json!([
        row["device"],
        row["software_version"],
        row["time"],
        row["interval_ms"],
        row["metric"],
        row["value"],
        row["value_name"],
        row["unit"],
        percent.map(|percent| (percent * 10.0).round() / 10.0)
    ])
}

fn sorted(mut rows: Vec<Value>) -> Vec<String> {
    let mut rows: Vec<String> = rows.drain(..).map(|row| row.to_string()).collect();
    rows.sort();
    rows
}

/// The values that the independent reader found, each heartbeat once.
fn oracle(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(sdk(&format!("{name}.json"))).expect("an answer");
    let answer: Value = serde_json::from_str(&text).expect("JSON");
    let definitions = answer["definitions"].as_array().expect("definitions");
    let messages = answer["messages"].as_array().expect("messages");
    let mut rows = Vec::new();
    for beat in messages.iter().filter(|m| m["kind"] == "heartbeat") {
        let metrics = beat["metrics"].as_array().expect("metrics");
        for (metric, definition) in metrics.iter().zip(definitions) {
            let unit = definition["unit"].as_str().filter(|unit| !unit.is_empty());
            let seconds = beat["time"].as_u64().expect("the device has a clock");
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            rows.push(json!([
                beat["serial"],
                beat["software_version"],
                humantime::format_rfc3339_nanos(time).to_string(),
                beat["interval_ms"],
                metric["name"],
                metric["value"],
                metric["value_name"],
                unit,
                metric["percent"]
            ]));
        }
    }
    rows
}

fn is_set(row: &Value) -> bool {
    !row[5].is_null()
}

#[test]
fn an_import_stores_what_the_independent_reader_finds_with_names_and_units() {
    let mut n_values = 0;
    for name in NAMES {
        let place = Place::new();
        let (uart, elf) = (sdk(&format!("{name}.uart")), sdk(&format!("{name}.elf")));
        let summary = run(&place, &["import", "--json", &uart, &elf]).json();
        assert_eq!(summary["waiting_builds"], json!([]), "{name}");
        let theirs: Vec<Value> = oracle(name).into_iter().filter(is_set).collect();
        let ours: Vec<Value> = metrics(&place).iter().map(told).filter(is_set).collect();
        n_values += ours.len();
        assert_eq!(sorted(ours), sorted(theirs), "{name}");
    }
    assert!(n_values > 500, "{n_values}");
}

#[test]
fn the_example_of_the_product_reads_as_it_should_from_the_workspace() {
    let place = Place::new();
    let uart = sdk("sprout-an385.uart");
    run(&place, &["import", &uart, &sdk("sprout-an385.elf")]);
    let text = run(&place, &["metrics"]).out;
    for line in [
        "DA143532, 1.0.1, 2020-11-20T22:13:39Z, over 3600 s",
        "  MainTaskMs               1243983 ms  34.6 %",
        "  RSSI                     -57 dBm",
        "  WifiConnectedMs          3012321 ms  83.7 %",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    let one = run(
        &place,
        &[
            "metrics", "--metric", "rssi", "--device", "DA143532", "--json",
        ],
    );
    let values: Vec<Value> = one
        .json_lines()
        .iter()
        .map(|row| row["value"].clone())
        .collect();
    assert_eq!(
        values,
        [json!(-57), Value::Null],
        "unset is missing, never 0"
    );
    for words in [
        vec!["metrics", "--device", "nobody"],
        vec!["metrics", "--metric", "nothing"],
    ] {
        let none = run(&place, &words);
        assert_eq!((none.code, none.out.as_str()), (Some(2), ""), "{words:?}");
        assert_eq!(none.err.trim_end().lines().count(), 1, "{}", none.err);
    }
}

#[test]
fn values_wait_for_their_elf_and_are_then_what_they_would_have_been() {
    let (uart, elf) = (sdk("sprout-an385.uart"), sdk("sprout-an385.elf"));
    let together = Place::new();
    run(&together, &["import", &uart, &elf]);
    let place = Place::new();
    let summary = run(&place, &["import", "--json", &uart]);
    assert_eq!(summary.code, Some(3));
    assert_eq!(
        summary.json()["waiting_builds"],
        json!([{"build_id": SPROUT, "n_heartbeats": 2}])
    );
    let nameless = run(
        &place,
        &["query", "mean-by-version", "--metric", "RSSI", "--json"],
    );
    assert!(!nameless.out.contains("-57"), "{nameless:?}");
    // Another build changes nothing.
    let other = run(
        &place,
        &["symbols", "add", &sdk("sprout-an505.elf"), "--json"],
    )
    .json();
    assert_eq!(other["n_named_heartbeats"], json!(0));
    let added = run(&place, &["symbols", "add", &elf, "--json"]).json();
    assert_eq!(added["n_named_heartbeats"], json!(2));
    assert_eq!(metrics(&place), metrics(&together));
    let again = run(&place, &["symbols", "add", &elf, "--json"]).json();
    assert_eq!(again["n_named_heartbeats"], json!(0));
}

#[test]
fn the_same_capture_again_changes_nothing() {
    let place = Place::new();
    let (uart, elf) = (sdk("meadow-an386.uart"), sdk("meadow-an386.elf"));
    run(&place, &["import", &uart, &elf]);
    let rates = [
        "query",
        "event-rate-by-version",
        "--event",
        "disconnect",
        "--json",
    ];
    let before = (metrics(&place), run(&place, &rates).json());
    let again = run(&place, &["import", "--json", &uart, &elf]).json();
    assert_eq!(again["n_already_here"], json!(1));
    // The same messages in a file of another name, with a line before them.
    let copy = place.path("copy.log");
    let mut bytes = b"a line before\r\n".to_vec();
    bytes.extend(std::fs::read(&uart).expect("the capture"));
    std::fs::write(&copy, bytes).expect("a copy");
    run(&place, &["import", &copy.display().to_string(), &elf]);
    assert_eq!((metrics(&place), run(&place, &rates).json()), before);
}

#[test]
fn events_are_those_that_the_device_told_of() {
    for name in ["meadow-an386", "sprout-nrf51"] {
        let text = std::fs::read_to_string(sdk(&format!("{name}.json"))).expect("an answer");
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        let messages = answer["messages"].as_array().expect("messages");
        let place = Place::new();
        run(
            &place,
            &[
                "import",
                &sdk(&format!("{name}.uart")),
                &sdk(&format!("{name}.elf")),
            ],
        );
        for kind in ["boot", "crash", "assert", "disconnect", "trace"] {
            let theirs = messages.iter().filter(|m| m["event"] == kind).count();
            let table = run(
                &place,
                &["query", "event-rate-by-version", "--event", kind, "--json"],
            );
            let table = table.json();
            let columns = table["columns"].as_array().expect("columns");
            let at = columns
                .iter()
                .position(|column| column == "events")
                .expect("events");
            let rows = table["rows"].as_array().expect("rows").iter();
            let ours: u64 = rows.filter_map(|row| row[at].as_u64()).sum();
            assert_eq!(ours, theirs as u64, "{name}: {kind}");
        }
    }
}

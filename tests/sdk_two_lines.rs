//! Two lines of firmware are a metric on the chart: the sample firmware is built with and without them, runs on an emulated board, and
//! what it sent is imported and asked for as the window asks.

use fieldscope::engine::fleet::view::DeviceTimeline;
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::queries::device_timeline::DeviceTimelineQuery;
use fieldscope::engine::queries::heartbeats::FleetSummaryQuery;
use fieldscope::engine::workspace::Workspace;
use fieldscope::model::metric::{MetricDefinition, MetricKind};
use std::path::Path;
use std::process::Command;

/// Imports a firmware's log with its ELF into a workspace and asks for all of its metrics, as the device screen does.
fn chart(place: &Path, made: &Path, name: &str) -> (Vec<MetricDefinition>, DeviceTimeline) {
    let file = place.join(format!("{name}.fieldscope"));
    let file = file.display().to_string();
    let part = |ending: &str| made.join(format!("{name}.{ending}")).display().to_string();
    let imported = Command::new(env!("CARGO_BIN_EXE_fieldscope"))
        .args([
            "import",
            "--no-cache",
            "--workspace",
            &file,
            &part("uart"),
            &part("elf"),
        ])
        .output()
        .expect("the program starts");
    assert_eq!(imported.status.code(), Some(0), "{imported:?}");
    let workspace = Workspace::open_to_read(Path::new(&file), IndexCache::disabled());
    let workspace = workspace.expect("the workspace");
    let metrics = workspace
        .run(&FleetSummaryQuery)
        .expect("a summary")
        .metrics;
    let query = DeviceTimelineQuery {
        serial: "DA143532".to_owned(),
        metrics: metrics.iter().map(|metric| metric.name.clone()).collect(),
    };
    (metrics, workspace.run(&query).expect("a timeline"))
}

#[test]
#[ignore = "needs gcc-arm-none-eabi and qemu-system-arm; scripts/check.sh sdk runs it"]
fn a_metric_is_two_lines_of_firmware_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = folder.path();
    let made = place.join("made");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/sdk-two-lines");
    let status = Command::new(script).arg(&made).status();
    assert!(status.expect("the script starts").success());
    let patch = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk/two-lines.patch");
    let patch = std::fs::read_to_string(patch).expect("the patch");
    let is_change = |line: &&str| {
        line.starts_with(['+', '-']) && !line.starts_with("+++") && !line.starts_with("---")
    };
    let changes: Vec<&str> = patch.lines().filter(is_change).collect();
    assert_eq!(changes.len(), 2, "{changes:?}");
    assert!(changes.iter().all(|line| line.starts_with('+')));

    let (metrics, before) = chart(place, &made, "before");
    assert!(metrics.iter().all(|metric| metric.name != "BatteryMv"));
    let (metrics, after) = chart(place, &made, "after");
    let added: Vec<&MetricDefinition> = metrics
        .iter()
        .filter(|metric| {
            before
                .lanes
                .iter()
                .all(|lane| lane.metric.name != metric.name)
        })
        .collect();
    let [added] = added.as_slice() else {
        panic!("one metric is new: {added:?}");
    };
    assert_eq!(
        (added.name.as_str(), added.kind),
        ("BatteryMv", MetricKind::Gauge)
    );
    assert_eq!(added.unit.as_deref(), Some("mV"));
    assert_eq!((added.min, added.max), (Some(2500.0), Some(4300.0)));
    assert_eq!(added.description.as_deref(), Some("Voltage of the battery"));

    let lane = |name: &str| {
        let mut lanes = after.lanes.iter();
        let lane = lanes.find(|lane| lane.metric.name == name).expect("a lane");
        (lane.line.values().to_vec(), lane.metric.unit.clone())
    };
    let (battery, _) = lane("BatteryMv");
    assert_eq!(
        battery.len(),
        1,
        "not set in the second hour: a gap, never 0"
    );
    assert_eq!(battery[0].sum, 3712.0);
    assert_eq!(battery[0].to_ns - battery[0].from_ns, 3_600_000_000_000);
    let percent = |name: &str| {
        let share = lane(name).0[0];
        let share = share.share_of_ms(share.sum).expect("a timer has a share");
        format!("{:.1} %", 100.0 * share)
    };
    assert_eq!(percent("MainTaskMs"), "34.6 %");
    assert_eq!(percent("WifiConnectedMs"), "83.7 %");
    let (rssi, unit) = lane("RSSI");
    assert_eq!((rssi[0].sum, unit.as_deref()), (-57.0, Some("dBm")));
    // Nothing else moved.
    let others = after
        .lanes
        .iter()
        .filter(|lane| lane.metric.name != "BatteryMv");
    assert_eq!(others.cloned().collect::<Vec<_>>(), before.lanes);
    assert_eq!(after.events, before.events);
}

//! How a fleet is: census, attributes and vitals are what plain loops over the same heartbeats count, and what was planted is in
//! them.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use fieldscope::engine::demo_fleet::{DemoFleet, store};
use fieldscope::engine::fleet::census::Attribute;
use fieldscope::engine::fleet::vitals::VitalKind;
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::queries::fleet_state::{AttributeQuery, CensusQuery, VitalsQuery};
use fieldscope::engine::workspace::Workspace;
use fieldscope::model::metric::MetricDefinition;
use fieldscope::model::progress::Unattended;
use fieldscope::model::series::{Column, HeartbeatBatch, Values};
use fieldscope::store::open::{OpenOptions, Store};
use fieldscope::store::series::UnitSource;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

const FLEET: DemoFleet = DemoFleet {
    n_devices: 300,
    n_days: 6,
    seed: 8,
};
const HOUR: i64 = 3_600_000_000_000;
const DAY: i64 = 24 * HOUR;

fn opened() -> (tempfile::TempDir, Workspace) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.fieldscope");
    let workspace = Workspace::open(Some(&path), IndexCache::disabled()).unwrap();
    (folder, workspace)
}

fn value(column: &Column, row: usize) -> Option<f64> {
    column.is_present(row).then(|| match &column.values {
        Values::I32(values) => f64::from(values[row]),
        Values::F32(values) => f64::from(values[row]),
        other => panic!("{other:?}"),
    })
}

fn column<'b>(batch: &'b HeartbeatBatch, metric: &str) -> &'b Column {
    let mut metrics = batch.metrics.iter();
    &metrics.find(|(name, _)| name == metric).unwrap().1
}

/// The last row of each device, in a part of the time.
fn last_rows(batch: &HeartbeatBatch, span: (i64, i64)) -> BTreeMap<u32, usize> {
    let mut last: BTreeMap<u32, usize> = BTreeMap::new();
    for row in 0..batch.len() {
        if (span.0..span.1).contains(&batch.time_ns[row]) {
            let known = last.entry(batch.device[row]).or_insert(row);
            if batch.time_ns[row] > batch.time_ns[*known] {
                *known = row;
            }
        }
    }
    last
}

#[test]
fn devices_are_counted_by_when_they_were_heard_of_and_by_what_they_said_last() {
    let (_folder, workspace) = opened();
    let context = workspace.context();
    store(&context, FLEET, &Unattended).unwrap();
    let (batch, _) = FLEET.devices(0..FLEET.n_devices);
    let end = batch.time_ns.iter().max().unwrap() + 1;
    let mut n_silent = 0;
    for span in [(i64::MIN, i64::MAX), (end - 4 * DAY, end - DAY)] {
        let last = last_rows(&batch, span);
        let newest = last.values().map(|row| batch.time_ns[*row]).max().unwrap();
        let is_silent = |row: usize| newest - batch.time_ns[row] > DAY;
        let silent = last.values().filter(|row| is_silent(**row)).count() as u64;
        n_silent += silent;
        let span_ns = (span.0 > i64::MIN).then_some(span);
        let census = context.run(&CensusQuery { span_ns }).unwrap();
        assert_eq!(census.at_ns, Some(newest));
        assert_eq!(
            (census.n_silent, census.n_reporting),
            (silent, last.len() as u64 - silent)
        );
        assert_eq!(
            census.n_never,
            Some(u64::from(FLEET.n_devices) - last.len() as u64)
        );
        let not_sampled = FLEET.population() - u64::from(FLEET.n_devices);
        assert_eq!(census.n_not_sampled, Some(not_sampled));
        for (attribute, names, index) in [
            (Attribute::Version, &batch.versions, &batch.version),
            (Attribute::Hardware, &batch.hardware_names, &batch.hardware),
        ] {
            let asked = AttributeQuery { attribute, span_ns };
            let rows = context.run(&asked).unwrap();
            assert_eq!(
                rows.iter().map(|row| row.n_devices).sum::<u64>(),
                last.len() as u64
            );
            for row in rows {
                let is_own = |at: &&usize| Some(&names[index[**at] as usize]) == row.name.as_ref();
                let own: Vec<usize> = last.values().filter(is_own).copied().collect();
                assert_eq!(row.n_devices, own.len() as u64, "{:?}", row.name);
                let reporting = own.iter().filter(|at| !is_silent(**at)).count();
                assert_eq!(row.n_reporting, reporting as u64);
            }
        }
    }
    assert!(
        n_silent > 0,
        "some device has to fall silent for this to test anything"
    );
}

#[test]
fn vitals_are_sums_over_devices_and_the_planted_drain_is_in_them() {
    let (_folder, workspace) = opened();
    let context = workspace.context();
    store(&context, FLEET, &Unattended).unwrap();
    let (batch, _) = FLEET.devices(0..FLEET.n_devices);
    let asked = VitalsQuery {
        span_ns: None,
        hardware: None,
    };
    let vitals = context.run(&asked).unwrap();
    let kinds: Vec<VitalKind> = vitals.iter().map(|vital| vital.all.kind).collect();
    assert_eq!(
        kinds,
        [
            VitalKind::ChargeUsed,
            VitalKind::Connected,
            VitalKind::Disconnects
        ]
    );
    for vital in &vitals {
        let column = column(&batch, &vital.all.metric);
        // Every interval of the demo is an hour.
        let per = match vital.all.kind {
            VitalKind::ChargeUsed => 1.0,
            VitalKind::Connected => 100.0 / 3.6e6,
            _ => 24.0,
        };
        let all = [(None, &vital.all)].into_iter();
        let by_version = vital.by_version.iter();
        let by_version = by_version.map(|(version, own)| (version.as_deref(), own));
        for (version, own) in all.chain(by_version) {
            let is_own = |row: &usize| {
                version.is_none_or(|name| batch.versions[batch.version[*row] as usize] == name)
            };
            let rows: Vec<usize> = (0..batch.len()).filter(is_own).collect();
            let values: Vec<f64> = rows.iter().filter_map(|row| value(column, *row)).collect();
            assert_eq!(own.n_used, values.len() as u64);
            assert_eq!(own.n_without_value, (rows.len() - values.len()) as u64);
            assert_eq!((own.n_without_length, own.n_charged), (0, 0));
            assert!((own.hours - values.len() as f64).abs() < 1e-6);
            let devices: BTreeSet<u32> = rows.iter().map(|row| batch.device[*row]).collect();
            assert_eq!(own.n_devices, devices.len() as u64);
            let mean = values.iter().sum::<f64>() / values.len() as f64 * per;
            let estimate = own.estimate.unwrap();
            assert!(
                (estimate.value - mean).abs() < 1e-9 * mean.abs(),
                "{own:?} {mean}"
            );
            let (low, high) = estimate.interval.unwrap();
            assert!(low < estimate.value && estimate.value < high);
        }
    }
    // 1.4.2 drains 1.8 times as fast as the others, which the intervals tell apart.
    let drain = |version: &str| {
        let rows = vitals[0].by_version.iter();
        let mut own = rows.filter(|(name, _)| name.as_deref() == Some(version));
        own.next().unwrap().1.estimate.unwrap()
    };
    let (good, bad) = (drain("1.4.1"), drain("1.4.2"));
    assert!(
        (1.6..2.0).contains(&(bad.value / good.value)),
        "{bad:?} {good:?}"
    );
    assert!(bad.interval.unwrap().0 > good.interval.unwrap().1);
}

/// Of a level it is the falls that count: from one heartbeat to the next, where none is missing and nobody charged.
#[test]
fn a_level_of_charge_falls_between_heartbeats_and_is_left_out_where_it_rises_or_one_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.fieldscope");
    let into = Store::open(&path, &OpenOptions::new("2026-06-03T00:00:00Z")).unwrap();
    let first = 1_780_358_400_000_000_000_i64;
    // Hour, level. Over midnight, with a hole, a charge, and a value that is missing.
    let rows: [(i64, Option<i32>); 8] = [
        (22, Some(90)),
        (23, Some(88)),
        (24, Some(85)),
        (27, Some(70)),
        (28, Some(69)),
        (29, Some(100)),
        (30, None),
        (31, Some(97)),
    ];
    let n_devices = 25_u32;
    let mut batch = HeartbeatBatch {
        versions: vec!["1".to_owned()],
        ..HeartbeatBatch::default()
    };
    let (mut levels, mut present, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
    for device in 0..n_devices {
        batch.devices.push(format!("D{device}"));
        for (hour, level) in rows {
            batch.device.push(device);
            batch.version.push(0);
            batch.hardware.push(fieldscope::model::series::NO_NAME);
            batch.time_ns.push(first + hour * HOUR);
            levels.push(level.unwrap_or_default());
            present.push(level.is_some());
            lengths.push(HOUR);
        }
    }
    let mut bits = vec![0_u64; present.len().div_ceil(64)];
    for (row, is_there) in present.iter().enumerate() {
        bits[row / 64] |= u64::from(*is_there) << (row % 64);
    }
    batch.interval_ns = Some(Column {
        values: Values::I64(lengths),
        present: None,
    });
    batch.metrics = vec![(
        "battery_pct".to_owned(),
        Column {
            values: Values::I32(levels),
            present: Some(bits),
        },
    )];
    let mut writer = into.begin_series().unwrap();
    let level = MetricDefinition {
        unit: Some("%".to_owned()),
        ..FLEET
            .definitions()
            .into_iter()
            .find(|metric| metric.name == "battery_pct")
            .unwrap()
    };
    writer.define(&[level], UnitSource::Defined).unwrap();
    writer.add(batch.clone()).unwrap();
    writer.commit().unwrap();
    drop(writer);
    drop(into);
    let workspace = Workspace::open(Some(&path), IndexCache::disabled()).unwrap();
    let asked = VitalsQuery {
        span_ns: None,
        hardware: None,
    };
    let vitals = workspace.context().run(&asked).unwrap();
    let [vital] = vitals.as_slice() else {
        panic!("{vitals:?}");
    };
    let n = u64::from(n_devices);
    assert_eq!(vital.all.kind, VitalKind::ChargeFallen);
    // 90 to 88, 88 to 85, 70 to 69.
    assert_eq!((vital.all.n_used, vital.all.n_charged), (3 * n, n));
    assert_eq!(vital.all.n_without_value, n);
    // The first of all, the one behind the hole, the one behind the missing value.
    assert_eq!(vital.all.n_without_length, 3 * n);
    let drain = vital.all.estimate.unwrap();
    assert!((drain.value - 2.0).abs() < 1e-12);
    assert_eq!(drain.interval, Some((2.0, 2.0)), "all devices are alike");
}

#[test]
fn the_command_prints_what_the_screen_says_with_the_definitions() {
    let (folder, workspace) = opened();
    let context = workspace.context();
    store(&context, FLEET, &Unattended).unwrap();
    let census = context.run(&CensusQuery { span_ns: None }).unwrap();
    drop(workspace);
    let query = |args: &[&str]| -> serde_json::Value {
        let output = Command::new(env!("CARGO_BIN_EXE_fieldscope"))
            .args(["query", "--json", "--no-cache", "--workspace"])
            .arg(folder.path().join("w.fieldscope"))
            .args(args)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let printed = query(&["census"]);
    assert_eq!(printed["rows"][0][1], census.n_reporting);
    assert_eq!(printed["rows"][1][1], census.n_silent);
    assert!(
        printed["notes"][0]
            .as_str()
            .unwrap()
            .contains("is silent when")
    );
    let printed = query(&["vitals"]);
    assert_eq!(printed["rows"][0][0], "battery");
    assert_eq!(printed["rows"][0][3], serde_json::Value::Null);
    assert!(
        printed["notes"][0]
            .as_str()
            .unwrap()
            .contains("battery_used_pct")
    );
    let printed = query(&["devices-by-attribute", "--by", "hardware"]);
    let n: u64 = printed["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row[1].as_u64().unwrap())
        .sum();
    assert_eq!(n, census.n_reporting + census.n_silent);
}

//! A fleet in a workspace, asked as the screens ask: the answers are those of plain loops over the same heartbeats, and what was
//! planted is found.

use fieldscope::engine::demo_fleet::{DemoFleet, store};
use fieldscope::engine::fleet::view::{QUANTILES, RankedDevice};
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::queries::device_timeline::DeviceTimelineQuery;
use fieldscope::engine::queries::fleet_compared::ComparedQuery;
use fieldscope::engine::queries::fleet_totals::TotalsQuery;
use fieldscope::engine::queries::heartbeats::{
    BandQuery, FleetSummaryQuery, HistogramQuery, RankingQuery, VersionsQuery,
};
use fieldscope::engine::workspace::Workspace;
use fieldscope::model::progress::{Cancelled, Progress, Unattended};
use fieldscope::model::series::{Column, FleetEvent, HeartbeatBatch, Values};
use fieldscope::store::open::{OpenOptions, Store};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

const FLEET: DemoFleet = DemoFleet {
    n_devices: 220,
    n_days: 6,
    seed: 5,
};
const HOUR: i64 = 3_600_000_000_000;

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

/// Rows that have a value of a metric, with it.
fn values(batch: &HeartbeatBatch, metric: &str) -> Vec<(usize, f64)> {
    let column = &batch
        .metrics
        .iter()
        .find(|(name, _)| name == metric)
        .unwrap()
        .1;
    let rows = (0..batch.len()).filter_map(|row| Some((row, value(column, row)?)));
    rows.collect()
}

fn version(batch: &HeartbeatBatch, row: usize) -> &str {
    &batch.versions[batch.version[row] as usize]
}

#[test]
fn the_answers_are_those_of_plain_loops() {
    let (_folder, workspace) = opened();
    let context = workspace.context();
    let stored = store(&context, FLEET, &Unattended).unwrap();
    let (batch, events) = FLEET.devices(0..FLEET.n_devices);
    assert_eq!(stored.n_rows, batch.len() as u64);
    assert_eq!(stored.n_events, events.len() as u64);
    let summary = context.run(&FleetSummaryQuery).unwrap();
    assert_eq!(summary.n_heartbeats, batch.len() as u64);
    assert!((summary.device_hours - batch.len() as f64).abs() < 1e-6);
    assert_eq!(summary.interval_ns, Some(HOUR));
    assert_eq!(summary.metrics.len(), FLEET.definitions().len());
    assert_eq!(
        summary.frame.as_ref().unwrap().population,
        Some(FLEET.population())
    );
    // Each version, and what a loop counts of it.
    for row in &summary.versions {
        let rows: Vec<usize> = (0..batch.len())
            .filter(|n| version(&batch, *n) == row.version)
            .collect();
        let mut devices: Vec<u32> = rows.iter().map(|n| batch.device[*n]).collect();
        devices.sort_unstable();
        devices.dedup();
        assert_eq!(row.n_devices, devices.len() as u64, "{}", row.version);
        assert!((row.device_hours - rows.len() as f64).abs() < 1e-6);
        let own = events.iter().filter(|event| {
            event.kind == "crash"
                && event.version.as_deref() == Some(&*row.version)
                && event.issue.as_deref() != Some("DEMO-40")
        });
        assert_eq!(row.n_crashes, own.count() as u64, "{}", row.version);
    }
    let in_loops = events
        .iter()
        .filter(|event| event.issue.as_deref() == Some("DEMO-40"))
        .count();
    assert_eq!(summary.looping.n_crashes, in_loops as u64);
    assert!(summary.looping.n_devices > 0 && summary.looping.hours > 10.0);
    for metric in [
        "wifi_disconnects",
        "battery_used_pct",
        "ble_rssi_dbm",
        "main_task_ms",
    ] {
        let all = values(&batch, metric);
        let compared = ComparedQuery {
            metric: metric.to_owned(),
            span_ns: None,
        };
        let mut before: Option<f64> = None;
        for row in context.run(&compared).unwrap() {
            let own: Vec<(usize, f64)> = all
                .iter()
                .filter(|(n, _)| version(&batch, *n) == row.version)
                .copied()
                .collect();
            assert_eq!((row.n, row.hours), (own.len() as u64, own.len() as f64));
            let devices: BTreeSet<u32> = own.iter().map(|(n, _)| batch.device[*n]).collect();
            assert_eq!(row.n_devices, devices.len() as u64);
            // A timer is its share of the hour.
            let per = if metric == "main_task_ms" {
                100.0 / 3.6e6
            } else {
                1.0
            };
            let mean = own.iter().map(|(_, value)| value).sum::<f64>() / own.len() as f64 * per;
            assert!(
                (row.mean.value - mean).abs() < 1e-9 * mean.abs(),
                "{metric}"
            );
            let (low, high) = row.mean.interval.unwrap();
            assert!(low <= mean && mean <= high);
            let step = row.difference.map(|step| step.value);
            match (step, before) {
                (Some(step), Some(before)) => assert!((step - (mean - before)).abs() < 1e-6),
                (step, before) => assert_eq!(step.is_some(), before.is_some()),
            }
            before = Some(mean);
        }
        let band = BandQuery {
            metric: metric.to_owned(),
            by_day: false,
            version: Some("1.4.1".to_owned()),
        };
        let mut hours: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
        for (row, value) in all
            .iter()
            .filter(|(row, _)| version(&batch, *row) == "1.4.1")
        {
            hours
                .entry(batch.time_ns[*row].div_euclid(HOUR))
                .or_default()
                .push(*value);
        }
        let band = context.run(&band).unwrap();
        assert_eq!(band.points.len(), hours.len());
        for (point, (hour, mut values)) in band.points.iter().zip(hours) {
            values.sort_by(f64::total_cmp);
            assert_eq!(
                (point.from_ns, point.to_ns, point.n),
                (hour * HOUR, (hour + 1) * HOUR, values.len() as u64)
            );
            for (quantile, p) in point.quantiles.unwrap().iter().zip(QUANTILES) {
                let at = p * (values.len() - 1) as f64;
                let (low, high) = (values[at.floor() as usize], values[at.ceil() as usize]);
                assert!(
                    (quantile - (low + (high - low) * at.fract())).abs() < 1e-9,
                    "{metric} {p}"
                );
            }
        }
        let histogram = context
            .run(&HistogramQuery {
                metric: metric.to_owned(),
                version: None,
                span_ns: None,
            })
            .unwrap();
        for (n, count) in histogram.counts.iter().enumerate() {
            let from = histogram.first + n as f64 * histogram.bin;
            let inside = all
                .iter()
                .filter(|(_, v)| (v / histogram.bin).floor() == (from / histogram.bin).round());
            assert_eq!(*count, inside.count() as u64, "{metric} {from}");
        }
        assert_eq!(histogram.counts.iter().sum::<u64>(), all.len() as u64);
    }
    // The devices at one end.
    let mut sums = vec![0.0; FLEET.n_devices as usize];
    for (row, value) in values(&batch, "wifi_disconnects") {
        sums[batch.device[row] as usize] += value;
    }
    let top = context
        .run(&RankingQuery {
            metric: "wifi_disconnects".to_owned(),
            from_top: true,
            span_ns: None,
        })
        .unwrap();
    let sum_of = |device: &RankedDevice| {
        sums[batch
            .devices
            .iter()
            .position(|name| *name == device.serial)
            .unwrap()]
    };
    assert!(top.iter().all(|device| device.value == sum_of(device)));
    assert!(top.is_sorted_by(|a, b| a.value >= b.value));
    assert_eq!(top[0].value, sums.iter().copied().fold(0.0, f64::max));
    // What is missing is no value: a signal that is measured now and then has the mean of what was measured.
    let all = values(&batch, "ble_rssi_dbm");
    let ranking = RankingQuery {
        metric: "ble_rssi_dbm".to_owned(),
        from_top: true,
        span_ns: None,
    };
    for device in context.run(&ranking).unwrap() {
        let number = batch
            .devices
            .iter()
            .position(|name| *name == device.serial)
            .unwrap();
        let own: Vec<f64> = all
            .iter()
            .filter(|(row, _)| batch.device[*row] as usize == number)
            .map(|(_, value)| *value)
            .collect();
        assert_eq!(device.n, own.len() as u64);
        assert!((device.value - own.iter().sum::<f64>() / own.len() as f64).abs() < 1e-9);
    }
    // One of them along its time: an interval a heartbeat, a gap where one is missing.
    let timeline = DeviceTimelineQuery {
        serial: top[0].serial.clone(),
        metrics: vec!["wifi_connected_ms".to_owned(), "ble_rssi_dbm".to_owned()],
    };
    let timeline = context.run(&timeline).unwrap();
    let device = batch
        .devices
        .iter()
        .position(|name| *name == top[0].serial)
        .unwrap();
    let rows: Vec<usize> = (0..batch.len())
        .filter(|row| batch.device[*row] as usize == device)
        .collect();
    assert_eq!(timeline.n_heartbeats, rows.len() as u64);
    for lane in &timeline.lanes {
        let own: Vec<_> = values(&batch, &lane.metric.name)
            .into_iter()
            .filter(|(row, _)| rows.contains(row))
            .collect();
        assert_eq!(lane.line.values().len(), own.len());
        for (bucket, (row, value)) in lane.line.values().iter().zip(own) {
            assert_eq!(
                (bucket.to_ns, bucket.from_ns),
                (batch.time_ns[row], batch.time_ns[row] - HOUR)
            );
            assert_eq!((bucket.mean(), bucket.n), (value, 1));
            let share = bucket.share_of_ms(value).unwrap();
            assert!((share - value / 3.6e6).abs() < 1e-12);
        }
    }
}

/// What the screen says of the hours in sight, and what it says of a time that was chosen, are both what a loop counts.
#[test]
fn numbers_of_a_part_of_the_time_are_those_of_plain_loops() {
    let (_folder, workspace) = opened();
    let context = workspace.context();
    store(&context, FLEET, &Unattended).unwrap();
    let (batch, events) = FLEET.devices(0..FLEET.n_devices);
    let first = batch.time_ns.iter().min().unwrap().div_euclid(HOUR) * HOUR;
    for metric in ["wifi_disconnects", "temp_c", "ble_rssi_dbm"] {
        let all = values(&batch, metric);
        let totals = TotalsQuery {
            metric: metric.to_owned(),
            by_day: false,
            version: None,
        };
        let totals = context.run(&totals).unwrap();
        for span in [
            (i64::MIN, i64::MAX),
            (first, first + HOUR),
            (first + 30 * HOUR, first + 77 * HOUR),
            (first - 50 * HOUR, first),
        ] {
            let is_inside =
                |row: usize| span.0 <= batch.time_ns[row] && batch.time_ns[row] < span.1;
            let own: Vec<(usize, f64)> = all
                .iter()
                .copied()
                .filter(|(row, _)| is_inside(*row))
                .collect();
            let total = totals.of(span);
            assert_eq!(total.n, own.len() as u64, "{metric} {span:?}");
            let sum: f64 = own.iter().map(|(_, value)| *value).sum();
            assert!(
                (total.sum - sum).abs() < 1e-6 * sum.abs().max(1.0),
                "{metric}"
            );
            let range = total.range.unwrap_or((f64::MAX, f64::MIN));
            assert_eq!(
                range.0,
                own.iter().map(|(_, value)| *value).fold(f64::MAX, f64::min)
            );
            assert_eq!(
                range.1,
                own.iter().map(|(_, value)| *value).fold(f64::MIN, f64::max)
            );
            if span.0 == i64::MIN || own.is_empty() {
                continue;
            }
            let span_ns = Some(span);
            let histogram = HistogramQuery {
                metric: metric.to_owned(),
                version: None,
                span_ns,
            };
            let histogram = context.run(&histogram).unwrap();
            assert_eq!(histogram.counts.iter().sum::<u64>(), own.len() as u64);
            let compared = ComparedQuery {
                metric: metric.to_owned(),
                span_ns,
            };
            for row in context.run(&compared).unwrap() {
                let of = |at: usize| version(&batch, at) == row.version;
                let own: Vec<f64> = own
                    .iter()
                    .filter(|(at, _)| of(*at))
                    .map(|(_, value)| *value)
                    .collect();
                assert_eq!(row.n, own.len() as u64);
                let mean = own.iter().sum::<f64>() / own.len() as f64;
                assert!((row.mean.value - mean).abs() < 1e-6);
            }
            let (versions, looping) = context.run(&VersionsQuery { span_ns: span }).unwrap();
            let rows = (0..batch.len()).filter(|row| is_inside(*row)).count();
            let hours: f64 = versions.iter().map(|row| row.device_hours).sum();
            assert!((hours - rows as f64).abs() < 1e-6);
            let crashes = events.iter().filter(|event| {
                event.kind == "crash" && span.0 <= event.time_ns && event.time_ns < span.1
            });
            let n_crashes: u64 = versions.iter().map(|row| row.n_crashes).sum();
            assert_eq!(n_crashes + looping.n_crashes, crashes.count() as u64);
        }
    }
}

#[test]
fn a_demo_that_is_cancelled_or_cannot_be_made_leaves_nothing() {
    struct Later(std::cell::Cell<u32>);
    impl Progress for Later {
        fn tick(&self, done: u64, _: u64) -> Result<(), Cancelled> {
            self.0.set(self.0.get() + 1);
            if done > 0 { Err(Cancelled) } else { Ok(()) }
        }
    }
    let large = DemoFleet {
        n_devices: 600,
        n_days: 1,
        seed: 1,
    };
    let (_folder, workspace) = opened();
    let context = workspace.context();
    // Progress is asked by one thread here.
    let progress = SendLater(std::sync::Mutex::new(Later(std::cell::Cell::new(0))));
    assert!(store(&context, large, &progress).is_err());
    let summary = context.run(&FleetSummaryQuery).unwrap();
    assert_eq!(
        (summary.n_heartbeats, summary.n_devices, summary.frame),
        (0, 0, None)
    );
    assert!(summary.metrics.is_empty());

    struct SendLater(std::sync::Mutex<Later>);
    impl Progress for SendLater {
        fn tick(&self, done: u64, total: u64) -> Result<(), Cancelled> {
            self.0.lock().unwrap().tick(done, total)
        }
    }
}

#[test]
fn the_command_makes_the_same_fleet_again_and_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str| {
        let file = folder.path().join(name);
        Command::new(env!("CARGO_BIN_EXE_fieldscope"))
            .args([
                "demo",
                "--devices",
                "30",
                "--days",
                "2",
                "--seed",
                "9",
                "--out",
            ])
            .arg(&file)
            .output()
            .unwrap()
    };
    let first = run("a.fieldscope");
    assert_eq!(first.status.code(), Some(0), "{first:?}");
    let truth: serde_json::Value = serde_json::from_slice(&first.stdout).unwrap();
    assert_eq!(
        (&truth["n_devices"], &truth["seed"]),
        (&30.into(), &9.into())
    );
    assert_eq!(run("b.fieldscope").stdout, first.stdout);
    let again = run("a.fieldscope");
    assert_eq!(again.status.code(), Some(2));
    assert!(again.stdout.is_empty());
    let summary = |name: &str| {
        let workspace =
            Workspace::open_to_read(&folder.path().join(name), IndexCache::disabled()).unwrap();
        workspace.context().run(&FleetSummaryQuery).unwrap()
    };
    assert_eq!(summary("a.fieldscope"), summary("b.fieldscope"));
    assert_eq!(summary("a.fieldscope").n_devices, 30);
}

#[test]
fn the_queries_of_a_dashboard_print_what_plain_loops_count() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fleet.fieldscope");
    let fleet = DemoFleet {
        n_devices: 40,
        n_days: 3,
        seed: 2,
    };
    let workspace = Workspace::open(Some(&file), IndexCache::disabled()).unwrap();
    store(&workspace.context(), fleet, &Unattended).unwrap();
    drop(workspace);
    let (batch, events) = fleet.devices(0..fleet.n_devices);
    let query = |arguments: &[&str]| -> serde_json::Value {
        let output = Command::new(env!("CARGO_BIN_EXE_fieldscope"))
            .args(["query", "--json", "--no-cache", "--workspace"])
            .arg(&file)
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let rows = |answer: &serde_json::Value| answer["rows"].as_array().unwrap().clone();
    let metric = "wifi_disconnects";
    let all = values(&batch, metric);
    let means = query(&["mean-by-version", "--metric", metric]);
    assert_eq!(means["schema"], "fieldscope.query/1");
    assert_eq!(means["n_devices"], 40);
    assert_eq!(means["device_hours"], batch.len() as f64);
    for row in rows(&means) {
        let own = all.iter().filter(|(n, _)| version(&batch, *n) == row[0]);
        let own: Vec<f64> = own.map(|(_, value)| *value).collect();
        assert_eq!(row[2], own.len());
        assert!(
            (row[1].as_f64().unwrap() - own.iter().sum::<f64>() / own.len() as f64).abs() < 1e-12
        );
    }
    // Of one version, and of some hours.
    let (from, to) = ("2026-06-02T00:00:00Z", "2026-06-02T06:00:00Z");
    let some = [
        "histogram",
        "--metric",
        metric,
        "--bin",
        "2",
        "--version",
        "1.4.1",
        "--from",
        from,
        "--to",
        to,
    ];
    let begin = 1_780_358_400_000_000_000_i64;
    let mut bins: BTreeMap<i64, u64> = BTreeMap::new();
    for (row, value) in &all {
        let is_inside = (begin..begin + 6 * HOUR).contains(&batch.time_ns[*row]);
        if is_inside && version(&batch, *row) == "1.4.1" {
            *bins.entry((*value / 2.0).floor() as i64).or_default() += 1;
        }
    }
    let found = rows(&query(&some));
    let found = found
        .iter()
        .map(|row| (row[0].as_i64().unwrap(), row[2].as_u64().unwrap()));
    assert_eq!(found.collect::<BTreeMap<_, _>>(), bins);
    for row in rows(&query(&["event-rate-by-version"])) {
        let own = events
            .iter()
            .filter(|event| event.kind == "crash" && event.version.as_deref() == row[0].as_str());
        let (n, hours) = (own.count() as f64, row[2].as_f64().unwrap());
        assert_eq!(row[1].as_f64(), Some(n));
        assert!((row[5].as_f64().unwrap() - n / hours * 1000.0).abs() < 1e-9);
        assert!(row[6].as_f64() <= row[5].as_f64() && row[5].as_f64() <= row[7].as_f64());
    }
    let top = rows(&query(&["top-devices", "--metric", metric, "--limit", "3"]));
    let mut sums = vec![0.0; 40];
    for (row, value) in &all {
        sums[batch.device[*row] as usize] += value;
    }
    let mut order: Vec<usize> = (0..40).collect();
    order.sort_by(|a, b| sums[*b].total_cmp(&sums[*a]).then(a.cmp(b)));
    let expected: Vec<_> = order
        .iter()
        .take(3)
        .map(|n| (batch.devices[*n].clone(), sums[*n]))
        .collect();
    let found = top.iter().map(|row| {
        (
            row[0].as_str().unwrap().to_owned(),
            row[1].as_f64().unwrap(),
        )
    });
    assert_eq!(found.collect::<Vec<_>>(), expected);
    let series = query(&[
        "device-series",
        "--metric",
        metric,
        "--device",
        "DM000003",
        "--pixels",
        "50",
    ]);
    let own: Vec<f64> = all
        .iter()
        .filter(|(row, _)| batch.device[*row] == 2)
        .map(|(_, value)| *value)
        .collect();
    let counts = rows(&series)
        .iter()
        .map(|row| row[5].as_u64().unwrap())
        .sum::<u64>();
    assert_eq!(counts, own.len() as u64);
    let most = rows(&series)
        .iter()
        .map(|row| row[3].as_f64().unwrap())
        .fold(0.0, f64::max);
    assert_eq!(most, own.iter().copied().fold(0.0, f64::max));
    let band = rows(&query(&[
        "fleet-band",
        "--metric",
        metric,
        "--bucket",
        "day",
    ]));
    assert_eq!(
        band.iter().map(|row| row[4].as_u64().unwrap()).sum::<u64>(),
        all.len() as u64
    );
    // What is missing is asked for, what is not there is said with what there is.
    for (arguments, expected) in [
        (&["fleet-band"][..], "which metric?"),
        (&["fleet-band", "--metric", "nothing"], "wifi_disconnects"),
        (&["device-series", "--metric", metric], "which device?"),
        (&["histogram", "--metric", metric, "--bin", "0"], "no width"),
        (
            &["fleet-band", "--metric", metric, "--from", "noon"],
            "no time",
        ),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_fieldscope"))
            .args(["query", "--json", "--no-cache", "--workspace"])
            .arg(&file)
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains(expected) && output.stdout.is_empty(),
            "{said}"
        );
    }
}

#[test]
fn a_version_that_never_reports_keeps_its_crashes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.fieldscope");
    let events: Vec<FleetEvent> = (0..5)
        .map(|n| FleetEvent {
            serial: format!("NEW{}", n % 2),
            time_ns: 1_780_358_400_000_000_000 + n * HOUR,
            kind: "crash".to_owned(),
            version: Some("2.0.0".to_owned()),
            hardware: None,
            issue: None,
        })
        .collect();
    let workspace = Workspace::open(Some(&path), IndexCache::disabled()).unwrap();
    let small = DemoFleet {
        n_devices: 30,
        n_days: 2,
        seed: 3,
    };
    store(&workspace.context(), small, &Unattended).unwrap();
    drop(workspace);
    let into = Store::open(&path, &OpenOptions::new("2026-06-03T00:00:00Z")).unwrap();
    let mut writer = into.begin_series().unwrap();
    writer.add_events(&events).unwrap();
    writer.commit().unwrap();
    drop(writer);
    drop(into);
    let workspace = Workspace::open(Some(&path), IndexCache::disabled()).unwrap();
    let summary = workspace.context().run(&FleetSummaryQuery).unwrap();
    let row = summary.versions.iter().find(|row| row.version == "2.0.0");
    let row = row.expect("a version without heartbeats is listed");
    assert_eq!((row.n_crashes, row.n_devices), (5, 2));
    assert_eq!(row.crash_rate, None);
    assert_eq!(
        summary.versions.last(),
        Some(row),
        "in the order of versions"
    );
    drop(workspace);
    for (version, expected) in [(None, 1), (Some("2.0.0"), 1), (Some("1.4.1"), 0)] {
        let output = Command::new(env!("CARGO_BIN_EXE_fieldscope"))
            .args(["query", "--json", "--no-cache", "--workspace"])
            .arg(&path)
            .arg("event-rate-by-version")
            .args(version.iter().flat_map(|version| ["--version", version]))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let rows = answer["rows"].as_array().unwrap().iter();
        let own: Vec<_> = rows.filter(|row| row[0] == "2.0.0").collect();
        assert_eq!(own.len(), expected, "{version:?}: {answer}");
        for row in own {
            assert_eq!((&row[1], &row[4]), (&5.into(), &2.into()));
            assert!(row[5].is_null() && row[6].is_null(), "a rate without hours");
        }
    }
}

#[test]
fn versions_side_by_side_and_one_device_among_all_print_what_plain_loops_count() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fleet.fieldscope");
    let fleet = DemoFleet {
        n_devices: 60,
        n_days: 3,
        seed: 5,
    };
    let workspace = Workspace::open(Some(&file), IndexCache::disabled()).unwrap();
    store(&workspace.context(), fleet, &Unattended).unwrap();
    drop(workspace);
    let (batch, _) = fleet.devices(0..fleet.n_devices);
    let query = |arguments: &[&str]| -> Vec<Vec<serde_json::Value>> {
        let output = Command::new(env!("CARGO_BIN_EXE_fieldscope"))
            .args(["query", "--json", "--no-cache", "--workspace"])
            .arg(&file)
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        serde_json::from_value(answer["rows"].clone()).unwrap()
    };
    let metric = "battery_pct";
    let all = values(&batch, metric);
    let mean = |rows: &[&(usize, f64)]| {
        rows.iter().map(|(_, value)| value).sum::<f64>() / rows.len() as f64
    };
    let of_version = |name: &serde_json::Value| -> Vec<&(usize, f64)> {
        let own = all.iter().filter(|(n, _)| version(&batch, *n) == *name);
        own.collect()
    };
    let rows = query(&["compare-versions", "--metric", metric]);
    assert!(rows.len() >= 3);
    for (at, row) in rows.iter().enumerate() {
        let own = of_version(&row[0]);
        let near = |cell: &serde_json::Value, expected: f64| {
            let cell = cell.as_f64().unwrap();
            assert!((cell - expected).abs() < 1e-9, "{cell} {expected}");
        };
        near(&row[1], mean(&own));
        assert_eq!(row[7], own.len());
        match at.checked_sub(1) {
            Some(before) => near(&row[4], mean(&own) - mean(&of_version(&rows[before][0]))),
            None => assert!(row[4].is_null()),
        }
    }
    // Each value lies in one part, and the parts of all versions begin at the same places.
    let spread = query(&["spread-by-version", "--metric", metric]);
    for row in &spread {
        let (from, to) = (row[1].as_f64().unwrap(), row[2].as_f64().unwrap());
        let own = of_version(&row[0]);
        let inside = own
            .iter()
            .filter(|(_, value)| (from..to).contains(value))
            .count();
        assert_eq!(row[3], inside, "{row:?}");
        let share = inside as f64 / own.len() as f64;
        assert!((row[4].as_f64().unwrap() - share).abs() < 1e-12);
        assert_eq!((from / (to - from)).fract(), 0.0);
    }
    let counted: u64 = spread.iter().filter_map(|row| row[3].as_u64()).sum();
    let shown: BTreeSet<&str> = spread.iter().filter_map(|row| row[0].as_str()).collect();
    let of_shown = all
        .iter()
        .filter(|(n, _)| shown.contains(version(&batch, *n)));
    assert_eq!(counted as usize, of_shown.count());
    // One device among all.
    let device_means: Vec<f64> = (0..60_u32)
        .filter_map(|device| {
            let own: Vec<_> = all
                .iter()
                .filter(|(n, _)| batch.device[*n] == device)
                .collect();
            (!own.is_empty()).then(|| mean(&own))
        })
        .collect();
    let own = device_means[7];
    let below = device_means.iter().filter(|mean| **mean < own).count() as f64;
    let alike = device_means.iter().filter(|mean| **mean == own).count() as f64 - 1.0;
    let serial = batch.devices[7].as_str();
    let found = query(&["device-standing", "--metric", metric, "--device", serial]);
    assert_eq!(found[0][3], device_means.len());
    let expected = (below + alike / 2.0) / (device_means.len() - 1) as f64 * 100.0;
    assert!((found[0][2].as_f64().unwrap() - expected).abs() < 1e-9);
    assert!((found[0][1].as_f64().unwrap() - own).abs() < 1e-9);
    assert!(query(&["device-standing", "--metric", metric, "--device", "none"]).is_empty());
    let named = query(&["metrics", "--metric", metric]);
    assert_eq!(
        (&named[0][0], &named[0][2]),
        (&metric.into(), &"%".into()),
        "{named:?}"
    );
}

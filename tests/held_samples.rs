//! A fleet sample that is dropped on the window waits until somebody has said what its columns are.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "other tests use the rest of it")]
mod common;

use common::Place;
use fieldscope::engine::Engine;
use fieldscope::engine::command::Command;
use fieldscope::engine::fleet_import::{HeldSample, MappedBy, Mapping, Role};
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::job::JobOutcome;
use fieldscope::engine::queries::heartbeats::FleetSummaryQuery;
use fieldscope::engine::queries::sample_reports::SampleReportsQuery;
use fieldscope::engine::workspace::Workspace;
use fieldscope::model::metric::MetricKind;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn engine(place: &Place) -> Engine {
    let path = place.path("w.fieldscope");
    let workspace = Workspace::open(Some(&path), IndexCache::disabled()).unwrap();
    Engine::new(workspace, Arc::new(|| {}))
}

fn done(engine: &Engine, command: Command) -> String {
    match engine.wait(engine.submit(command)) {
        Some(JobOutcome::Done(sentence)) => sentence,
        other => panic!("{other:?}"),
    }
}

fn drop_on(engine: &Engine, path: PathBuf) -> String {
    let paths = vec![path];
    done(engine, Command::Import { paths, asks: true })
}

fn n_heartbeats(engine: &Engine) -> u64 {
    let context = engine.workspace().context();
    context.run(&FleetSummaryQuery).unwrap().n_heartbeats
}

/// The mapping of the only table, changed.
fn changed(held: &HeldSample, change: impl FnOnce(&mut Mapping)) -> BTreeMap<String, Mapping> {
    let table = &held.preflight.tables[0];
    let mut mapping = table.mapping.clone();
    change(&mut mapping);
    BTreeMap::from([(table.path.clone(), mapping)])
}

/// The temperature under another name and unit, the charge left out.
fn other_roles(mapping: &mut Mapping) {
    for column in &mut mapping.columns {
        match column.column.as_str() {
            "temp_c" => {
                column.name = Some("case_temp".to_owned());
                column.unit = Some("°F".to_owned());
            }
            "is_charging" => column.role = Role::Metric(MetricKind::Counter),
            "batt_v" => column.role = Role::Ignored,
            _ => {}
        }
    }
}

#[test]
fn a_dropped_sample_waits_and_is_imported_as_a_person_says() {
    let place = Place::new();
    let engine = engine(&place);
    let file = fixture("tables/wide.csv");
    let said = drop_on(&engine, file.clone());
    assert!(
        said.contains("wide.csv waits for a look at its columns"),
        "{said}"
    );
    assert_eq!(n_heartbeats(&engine), 0, "nothing is stored yet");
    let held = engine.held_sample().unwrap();
    let table = &held.preflight.tables[0];
    assert_eq!(held.preflight.n_heartbeats, 60);
    assert_eq!(table.mapped_by, MappedBy::Names);
    assert_eq!(held.columns["wide.csv"][5].example.as_deref(), Some("20"));

    // Counted again, it holds less.
    let chosen = changed(&held, other_roles);
    let (sample, again) = (held.id, chosen.clone());
    done(
        &engine,
        Command::LookAtSample {
            sample,
            chosen: again,
        },
    );
    let looked = engine.held_sample().unwrap();
    assert_eq!(looked.id, held.id);
    assert!(looked.preflight.n_points < held.preflight.n_points);
    assert_eq!(looked.preflight.tables[0].mapped_by, MappedBy::Person);

    done(&engine, Command::ImportSample { sample, chosen });
    assert!(engine.held_sample().is_none());
    assert_eq!(n_heartbeats(&engine), 60);
    let context = engine.workspace().context();
    let reader = context.reader().unwrap();
    let metric = |name: &str| reader.metric(name).unwrap().map(|row| row.definition);
    assert_eq!(metric("case_temp").unwrap().unit.as_deref(), Some("°F"));
    assert_eq!(metric("is_charging").unwrap().kind, MetricKind::Counter);
    assert!(metric("temp_c").is_none() && metric("batt_v").is_none());
    // The values are those that DuckDB reads in the column, under the new name.
    let oracle = fs::read_to_string(fixture("tables/wide.csv.rows.json")).unwrap();
    let oracle: Vec<Value> = serde_json::from_str(&oracle).unwrap();
    let mut expected: BTreeMap<(String, i64), Option<f64>> = BTreeMap::new();
    for row in &oracle {
        let key = (
            row[0].as_str().unwrap().to_owned(),
            row[1].as_i64().unwrap(),
        );
        expected.insert(key, row[5]["temp_c"].as_f64());
    }
    assert!(expected.values().flatten().count() > 30);
    let metrics = ["case_temp".to_owned()];
    let all_time = (i64::MIN, i64::MAX);
    let mut n_found = 0;
    for serial in expected
        .keys()
        .map(|(serial, _)| serial)
        .collect::<std::collections::BTreeSet<_>>()
    {
        let rows = reader.device_rows(serial, &metrics, all_time).unwrap();
        for (time, value) in rows.time_ns.iter().zip(&rows.values[0]) {
            assert_eq!(expected[&(serial.clone(), *time)], *value);
            n_found += 1;
        }
    }
    assert_eq!(n_found, expected.len());
}

#[test]
fn the_same_columns_are_read_as_before_and_the_same_sample_says_so() {
    let place = Place::new();
    let engine = engine(&place);
    let file = place.path("monday.csv");
    fs::copy(fixture("tables/wide.csv"), &file).unwrap();
    drop_on(&engine, file.clone());
    let held = engine.held_sample().unwrap();
    let (sample, chosen) = (held.id, changed(&held, other_roles));
    done(
        &engine,
        Command::ImportSample {
            sample,
            chosen: chosen.clone(),
        },
    );

    drop_on(&engine, file.clone());
    let again = engine.held_sample().unwrap();
    let context = engine.workspace().context();
    let reports = context.run(&SampleReportsQuery).unwrap();
    assert_eq!(again.imported_at.as_ref(), Some(&reports[0].imported_at));
    let table = &again.preflight.tables[0];
    assert_eq!(table.mapping, chosen["monday.csv"]);
    assert_eq!(
        table.mapped_by,
        MappedBy::Before(reports[0].imported_at.clone())
    );
    let said = done(&engine, Command::LeaveSample { sample: again.id });
    assert_eq!(said, "monday.csv was not imported");
    assert!(engine.held_sample().is_none());

    // Read in another way, the same bytes are imported once more, and nothing is there twice.
    drop_on(&engine, file);
    let third = engine.held_sample().unwrap();
    let guessed = held.preflight.tables[0].mapping.clone();
    let chosen = BTreeMap::from([("monday.csv".to_owned(), guessed)]);
    done(
        &engine,
        Command::ImportSample {
            sample: third.id,
            chosen,
        },
    );
    assert_eq!(n_heartbeats(&engine), 60);
    let reader = context.reader().unwrap();
    assert!(reader.metric("temp_c").unwrap().is_some());
    assert_eq!(context.run(&SampleReportsQuery).unwrap().len(), 2);
    drop(reader);
    drop(context);
    drop(engine);

    let query = |name: &str| -> Vec<Vec<Value>> {
        let answer = place.run(&["query", name, "--json", "--workspace", "w.fieldscope"]);
        let answer: Value = serde_json::from_str(&answer.out).unwrap();
        serde_json::from_value(answer["rows"].clone()).unwrap()
    };
    let samples = query("samples");
    assert_eq!(samples.len(), 2);
    assert_eq!((&samples[0][0], &samples[0][5]), (&2.into(), &60.into()));
    assert_eq!(samples[1][8], "read as was said at its import");
    let columns = query("sample-columns");
    let renamed: Vec<_> = columns.iter().filter(|row| row[4] == "case_temp").collect();
    assert_eq!(renamed.len(), 1);
    assert_eq!(
        (&renamed[0][2], &renamed[0][5]),
        (&"temp_c".into(), &"°F".into())
    );
}

#[test]
fn the_command_line_reads_a_sample_as_the_window_did() {
    let place = Place::new();
    let engine = engine(&place);
    let file = place.path("hb.csv");
    fs::write(
        &file,
        "serial,timestamp,version,temp_c\nA,2026-01-01T00:00:00Z,1.0,20\n,2026-01-01T01:00:00Z,1.0,21\n",
    )
    .unwrap();
    drop_on(&engine, file.clone());
    let held = engine.held_sample().unwrap();
    let (sample, chosen) = (held.id, changed(&held, other_roles));
    fs::write(place.path("fleet.json"), HeldSample::manifest_of(&chosen)).unwrap();
    done(&engine, Command::ImportSample { sample, chosen });
    drop(engine);

    let files = [
        "import",
        "hb.csv",
        "fleet.json",
        "--workspace",
        "other.fieldscope",
    ];
    let answer = place.run(&files);
    assert!(
        answer.out.starts_with("1 device, 1 heartbeat, 1 point"),
        "{}",
        answer.out
    );
    let query = |name: &str, workspace: &str| -> Value {
        let answer = place.run(&["query", name, "--json", "--workspace", workspace]);
        let answer: Value = serde_json::from_str(&answer.out).unwrap();
        answer["rows"].clone()
    };
    for name in ["metrics", "sample-columns", "bad-rows"] {
        let window = query(name, "w.fieldscope");
        assert_eq!(window, query(name, "other.fieldscope"), "{name}");
        assert!(!window.as_array().unwrap().is_empty(), "{name}");
    }
    let bad = query("bad-rows", "w.fieldscope");
    assert_eq!((&bad[0][3], &bad[0][4]), (&3.into(), &62.into()));
}

#[test]
fn a_capture_is_imported_without_a_question_and_a_mapping_that_cannot_be_used_is_refused() {
    let place = Place::new();
    let engine = engine(&place);
    drop_on(&engine, fixture("qemu-bare/an386-1.core"));
    assert!(engine.held_sample().is_none());
    let context = engine.workspace().context();
    assert_eq!(context.capture_rows().unwrap().len(), 1);

    drop_on(&engine, fixture("tables/wide.csv"));
    let held = engine.held_sample().unwrap();
    let chosen = changed(&held, |mapping| {
        mapping.columns.retain(|column| column.role != Role::Device);
    });
    let sample = held.id;
    let outcome = engine.wait(engine.submit(Command::ImportSample { sample, chosen }));
    assert!(
        matches!(&outcome, Some(JobOutcome::Failed(why)) if why.contains("No column tells the device")),
        "{outcome:?}"
    );
    assert_eq!(n_heartbeats(&engine), 0);
    // It does not wait any more.
    let outcome = engine.wait(engine.submit(Command::LeaveSample { sample }));
    assert!(matches!(outcome, Some(JobOutcome::Failed(_))));
}

//! Issues on the command line and in the engine: real captures, grouped, compared, changed by hand.

mod common;

use common::{Place, fixture};
use fieldscope::engine::Engine;
use fieldscope::engine::command::Command;
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::job::JobOutcome;
use fieldscope::engine::queries::issue_list::{Issue, IssueListQuery};
use fieldscope::engine::workspace::Workspace;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// A table as one object a row.
fn table(place: &Place, args: &[&str]) -> Vec<Value> {
    let mut words = vec!["query"];
    words.extend(args);
    words.push("--json");
    let table = place.run(&words).json();
    let columns = table["columns"].as_array().expect("columns").clone();
    let rows = table["rows"].as_array().expect("rows");
    rows.iter()
        .map(|row| {
            let cells = row.as_array().expect("a row").iter().cloned();
            let names = columns
                .iter()
                .map(|name| name.as_str().expect("a name").to_owned());
            names
                .zip(cells)
                .collect::<serde_json::Map<String, Value>>()
                .into()
        })
        .collect()
}

fn demo() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/demo-bundle.zip");
    path.display().to_string()
}

#[test]
fn crashes_of_a_bundle_with_two_devices_have_their_own_device_version_and_time() {
    let place = Place::new();
    place.run(&["import".to_owned(), demo()]);
    let crashes = table(&place, &["crashes"]);
    let of = |serial: &str| {
        let rows: Vec<&Value> = crashes
            .iter()
            .filter(|row| row["device"] == serial)
            .collect();
        let version = rows
            .first()
            .map(|row| row["version"].clone())
            .expect("a crash");
        assert!(rows.iter().all(|row| row["version"] == version));
        (rows.len(), version)
    };
    let (brook, hearth) = (of("BP-0093"), of("HT-00417"));
    assert_eq!(
        brook.0 + hearth.0,
        crashes.len(),
        "no crash of an unknown device"
    );
    assert_eq!((brook.1, hearth.1), ("1.4.0".into(), "2.3.1".into()));
    let issues = table(&place, &["issues"]);
    assert!(issues.iter().all(|issue| issue["devices"] == 1));
    assert!(
        issues
            .iter()
            .all(|issue| issue["first_seen"] == "2026-11-20T08:30:00Z")
    );
    assert!(
        issues
            .iter()
            .all(|issue| issue["first_seen_is"] == "capture time")
    );
    let n: u64 = issues
        .iter()
        .filter_map(|issue| issue["crashes"].as_u64())
        .sum();
    assert_eq!(n, crashes.len() as u64);
}

#[test]
fn similar_issues_are_found_and_their_difference_is_said() {
    let place = Place::new();
    place.run(&["import".to_owned(), fixture("qemu-bare")]);
    let issues = table(&place, &["issues"]);
    assert!(
        issues
            .iter()
            .all(|issue| issue["first_seen_is"] == "import time")
    );
    let stores: Vec<&Value> = issues
        .iter()
        .filter(|issue| {
            issue["title"]
                .as_str()
                .is_some_and(|title| title.contains(", called by"))
        })
        .collect();
    assert_eq!(stores.len(), 2, "two ways to the same store: {issues:?}");
    let key = stores[0]["issue"].as_str().expect("a key");
    let similar = table(&place, &["similar-issues", "--issue", key]);
    assert_eq!(similar[0]["issue"], stores[1]["issue"]);
    let difference = similar[0]["difference"].as_str().expect("words");
    assert!(
        difference.contains("only here") && difference.contains("only there"),
        "{difference}"
    );
    let rows = table(&place, &["issue", "--issue", key]);
    assert_eq!(
        rows.len() as u64,
        stores[0]["crashes"].as_u64().expect("a count")
    );
    assert!(rows.iter().all(|row| row["issue"] == key));
    for (args, words) in [
        (&["query", "issue"][..], "--issue KEY"),
        (
            &["query", "issue", "--issue", "v1:none"][..],
            "no longer there",
        ),
    ] {
        let answer = place.run(args);
        assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""));
        assert!(answer.err.contains(words), "{}", answer.err);
    }
}

fn order(engine: &Engine, command: Command) -> JobOutcome {
    let job = engine.submit(command);
    engine.wait(job).expect("the job ends")
}

fn issues(engine: &Engine) -> Vec<Issue> {
    engine
        .workspace()
        .run(&IssueListQuery::default())
        .expect("the issues")
}

#[test]
fn a_merge_before_the_elf_came_holds_when_it_comes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.fieldscope");
    let workspace = Workspace::open(Some(&path), IndexCache::disabled()).expect("a workspace");
    let engine = Engine::new(workspace, Arc::new(|| {}));
    for n in [1, 2] {
        let paths =
            ["core", "uart"].map(|kind| fixture(&format!("qemu-bare/an386-{n}.{kind}")).into());
        let outcome = order(
            &engine,
            Command::Import {
                paths: paths.to_vec(),
                asks: true,
            },
        );
        assert!(matches!(outcome, JobOutcome::Done(_)), "{outcome:?}");
    }
    let before = issues(&engine);
    assert_eq!(before.len(), 2);
    assert!(
        before
            .iter()
            .all(|issue| issue.n_named == 0 && !issue.is_by_hand)
    );
    let merge = Command::MergeIssues {
        from: vec![before[0].key.clone()],
        into: before[1].key.clone(),
    };
    let outcome = order(&engine, merge);
    assert!(matches!(outcome, JobOutcome::Done(_)), "{outcome:?}");
    let elf = fixture("qemu-bare/an386.elf").into();
    order(&engine, Command::AddSymbols { paths: vec![elf] });
    let after = issues(&engine);
    assert_eq!(after.len(), 1, "still one issue");
    assert_eq!((after[0].n_named, after[0].is_by_hand), (2, true));
    assert_eq!(after[0].key, before[1].key, "its name is for good");
    order(&engine, Command::UndoIssues);
    let apart = issues(&engine);
    assert_eq!(apart.len(), 2, "and apart again, by their new fingerprints");
    assert!(apart.iter().all(|issue| issue.key.starts_with("v1:1:")));
    order(&engine, Command::RedoIssues);
    assert_eq!(issues(&engine).len(), 1);
    let refused = order(
        &engine,
        Command::MergeIssues {
            from: vec!["v1:none".into()],
            into: after[0].key.clone(),
        },
    );
    assert!(matches!(refused, JobOutcome::Failed(why) if why.contains("no longer")));
}

//! Issues by fingerprint and by hand, over late symbols, other captures and undo.

use crate::{
    model::progress::Unattended,
    store::{
        crash::{CrashFilter, CrashUpdate},
        ids::CrashId,
        open::Store,
        testing,
    },
};

/// A capture with crashes given as `(fingerprint version, key, dump key)`.
fn add(store: &Store, name: &str, crashes: &[(u32, &str, Option<&str>)]) {
    let mut new = testing::capture(name, &[(name, b"1")]);
    new.crashes = crashes
        .iter()
        .map(|(version, key, dump)| {
            let mut crash = testing::crash(None, *dump);
            crash.report.fingerprint = testing::fingerprint(*version, key);
            crash
        })
        .collect();
    store.add_capture(&new, &Unattended).unwrap();
}

/// Each issue's key with the ids of its crashes, by key.
fn issues(store: &Store) -> Vec<(String, Vec<i64>)> {
    let mut issues: Vec<(String, Vec<i64>)> = store
        .reader()
        .unwrap()
        .issues()
        .unwrap()
        .into_iter()
        .map(|group| {
            let mut ids: Vec<i64> = group.crashes.iter().map(|row| row.id.0).collect();
            ids.sort_unstable();
            (group.key, ids)
        })
        .collect();
    issues.sort();
    issues
}

fn merge(store: &Store, from: &str, into: &str) {
    store
        .merge_issues(&[from.to_owned()], into, "merge", testing::NOW)
        .unwrap();
}

/// The symbols of a crash arrive and give it another fingerprint.
fn rekey(store: &Store, id: i64, key: &str) {
    let mut report = store.reader().unwrap().crash_report(CrashId(id)).unwrap();
    report.fingerprint = testing::fingerprint(1, key);
    store
        .update_crash(&CrashUpdate {
            crash: CrashId(id),
            report,
            symbolized: true,
        })
        .unwrap();
}

fn keys(store: &Store) -> Vec<(String, Vec<i64>)> {
    issues(store)
}

fn expect(store: &Store, what: &str, want: &[(&str, &[i64])]) {
    let want: Vec<(String, Vec<i64>)> = want
        .iter()
        .map(|(key, ids)| ((*key).to_owned(), ids.to_vec()))
        .collect();
    assert_eq!(keys(store), want, "{what}");
}

#[test]
fn crashes_are_grouped_by_version_and_key_and_one_without_is_alone() {
    let (_folder, store) = testing::store();
    add(
        &store,
        "1",
        &[(1, "a", Some("x")), (2, "a", None), (0, "", Some("y"))],
    );
    add(&store, "2", &[(1, "a", None), (0, "", None)]);
    let found = issues(&store);
    let alone = found
        .iter()
        .filter(|(key, _)| key.starts_with("alone:"))
        .count();
    assert_eq!((found.len(), alone), (4, 2));
    assert_eq!(found[2], ("v1:a".to_owned(), vec![1, 4]));
    assert_eq!(found[3], ("v2:a".to_owned(), vec![2]));
}

#[test]
fn a_merge_takes_later_crashes_along_and_is_undone_and_done_again() {
    let (_folder, store) = testing::store();
    add(
        &store,
        "1",
        &[(1, "a", None), (1, "b", None), (1, "c", None)],
    );
    merge(&store, "v1:b", "v1:a");
    merge(&store, "v1:c", "v1:a");
    add(&store, "2", &[(1, "b", None)]);
    expect(&store, "merged", &[("v1:a", &[1, 2, 3, 4])]);
    let history = store.reader().unwrap().issue_history().unwrap();
    assert_eq!(
        (history.undo.as_deref(), history.redo),
        (Some("merge"), None)
    );
    assert_eq!(store.undo_issue_step().unwrap().as_deref(), Some("merge"));
    expect(
        &store,
        "one step back",
        &[("v1:a", &[1, 2, 4]), ("v1:c", &[3])],
    );
    store.undo_issue_step().unwrap();
    let apart: &[(&str, &[i64])] = &[("v1:a", &[1]), ("v1:b", &[2, 4]), ("v1:c", &[3])];
    expect(&store, "as it was", apart);
    assert_eq!(store.undo_issue_step().unwrap(), None);
    store.redo_issue_step().unwrap();
    store.redo_issue_step().unwrap();
    expect(&store, "again", &[("v1:a", &[1, 2, 3, 4])]);
    assert_eq!(store.redo_issue_step().unwrap(), None);
    // A new step forgets what was undone.
    store.undo_issue_step().unwrap();
    store
        .close_issue("v1:c", true, "close", testing::NOW)
        .unwrap();
    assert_eq!(store.redo_issue_step().unwrap(), None);
}

#[test]
fn a_merged_issue_can_be_merged_on_and_a_fingerprint_split_off_again() {
    let (_folder, store) = testing::store();
    add(
        &store,
        "1",
        &[
            (1, "a", None),
            (1, "b", None),
            (1, "c", None),
            (1, "b", None),
        ],
    );
    merge(&store, "v1:b", "v1:a");
    store
        .rename_issue("v1:a", Some("Valve"), "rename", testing::NOW)
        .unwrap();
    merge(&store, "v1:a", "v1:c");
    expect(&store, "all in c", &[("v1:c", &[1, 2, 3, 4])]);
    let key = store
        .split_crashes(&[CrashId(2), CrashId(4)], "split", testing::NOW)
        .unwrap();
    assert_eq!(key, "v1:b", "all of b went, and so did the fingerprint");
    add(&store, "2", &[(1, "b", None)]);
    expect(
        &store,
        "b on its own",
        &[("v1:b", &[2, 4, 5]), ("v1:c", &[1, 3])],
    );
    let one = store
        .split_crashes(&[CrashId(2)], "split", testing::NOW)
        .unwrap();
    assert!(one.starts_with("split:"));
    let error = store
        .split_crashes(&[CrashId(2)], "split", testing::NOW)
        .unwrap_err();
    assert!(
        error.to_string().contains("nothing would be left"),
        "{error}"
    );
    for _ in 0..4 {
        store.undo_issue_step().unwrap();
    }
    expect(
        &store,
        "back at the first merge",
        &[("v1:a", &[1, 2, 4, 5]), ("v1:c", &[3])],
    );
}

#[test]
fn late_symbols_keep_a_crash_where_it_was_put_and_a_new_key_goes_along_when_it_is_nobodys() {
    let (_folder, store) = testing::store();
    // 1: named. 2 and 3: without names, of one address. 4: another named issue.
    add(
        &store,
        "1",
        &[
            (1, "a", None),
            (1, "raw", None),
            (1, "raw", None),
            (1, "d", None),
        ],
    );
    merge(&store, "v1:raw", "v1:a");
    rekey(&store, 2, "new");
    rekey(&store, 3, "new");
    add(&store, "2", &[(1, "new", None)]);
    expect(
        &store,
        "the new key goes along",
        &[("v1:a", &[1, 2, 3, 5]), ("v1:d", &[4])],
    );
    store.undo_issue_step().unwrap();
    expect(
        &store,
        "and returns with the merge",
        &[("v1:a", &[1]), ("v1:d", &[4]), ("v1:new", &[2, 3, 5])],
    );
    store.redo_issue_step().unwrap();
    expect(&store, "again", &[("v1:a", &[1, 2, 3, 5]), ("v1:d", &[4])]);
    // Its symbols say that 2 is what others call d: it stays, and d stays where it is.
    rekey(&store, 2, "d");
    add(&store, "3", &[(1, "d", None)]);
    expect(
        &store,
        "d is not dragged",
        &[("v1:a", &[1, 2, 3, 5]), ("v1:d", &[4, 6])],
    );
}

#[test]
fn late_symbols_regroup_a_crash_that_nobody_touched() {
    let (_folder, store) = testing::store();
    add(&store, "1", &[(1, "raw", None), (1, "a", None)]);
    rekey(&store, 1, "a");
    expect(&store, "regrouped", &[("v1:a", &[1, 2])]);
}

#[test]
fn a_split_holds_when_the_same_bytes_are_imported_again() {
    let (_folder, store) = testing::store();
    add(&store, "1", &[(1, "a", Some("x")), (1, "a", Some("y"))]);
    let key = store
        .split_crashes(&[CrashId(1)], "split", testing::NOW)
        .unwrap();
    add(&store, "2", &[(1, "a", Some("x"))]);
    expect(&store, "seen twice", &[(&key, &[1, 3]), ("v1:a", &[2])]);
    let rows = store
        .reader()
        .unwrap()
        .crashes(&CrashFilter::default())
        .unwrap();
    for capture in rows
        .iter()
        .map(|row| row.capture)
        .collect::<std::collections::BTreeSet<_>>()
    {
        store.remove_capture(capture, testing::NOW).unwrap();
    }
    store.purge().unwrap();
    add(&store, "again", &[(1, "a", Some("y")), (1, "a", Some("x"))]);
    let split: Vec<_> = issues(&store)
        .into_iter()
        .filter(|(k, _)| *k == key)
        .collect();
    assert_eq!(split.len(), 1);
    assert_eq!(split[0].1.len(), 1);
}

#[test]
fn title_state_and_note_are_kept_and_undone() {
    let (_folder, store) = testing::store();
    add(&store, "1", &[(0, "", None)]);
    let key = issues(&store)[0].0.clone();
    store
        .rename_issue(&key, Some("Pump"), "rename", testing::NOW)
        .unwrap();
    store
        .close_issue(&key, true, "close", testing::NOW)
        .unwrap();
    store
        .note_issue(&key, Some("fixed in 1.4.4"), "note", testing::NOW)
        .unwrap();
    let issue = || store.reader().unwrap().issues().unwrap().remove(0);
    let now = issue();
    assert_eq!(
        (
            now.title.as_deref(),
            now.closed,
            now.note.as_deref(),
            now.key
        ),
        (Some("Pump"), true, Some("fixed in 1.4.4"), key.clone())
    );
    store.undo_issue_step().unwrap();
    store.undo_issue_step().unwrap();
    assert_eq!((issue().closed, issue().note), (false, None));
    let error = store
        .close_issue("nothing", true, "close", testing::NOW)
        .unwrap_err();
    assert!(error.to_string().contains("no issue nothing"), "{error}");
}

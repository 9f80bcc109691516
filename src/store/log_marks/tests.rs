//! Bookmarks and filter sets over purges, other imports, copies and undo.

use super::{BookmarkRow, LONGEST_NAME, LogName, MOST_BOOKMARKS, NewBookmark};
use crate::{
    model::progress::Unattended,
    store::{
        error::StoreError,
        ids::CaptureId,
        open::{OpenOptions, Store},
        rows::stored_len,
        sha256::Sha256,
        testing::{self, NOW},
    },
};

const LOG: &[u8] = b"I one\nE two\nI three\n";

fn stored_log() -> LogName {
    LogName::Stored(Sha256::of(LOG))
}

fn at(log: &LogName, offset: u64) -> NewBookmark<'_> {
    NewBookmark {
        log,
        offset,
        head: None,
        message: "two",
    }
}

fn import(store: &Store, name: &str) -> CaptureId {
    let new = testing::capture(name, &[("uart.log", LOG), (name, name.as_bytes())]);
    store.add_capture(&new, &Unattended).unwrap().capture()
}

fn bookmarks(store: &Store, log: &LogName) -> Vec<(u64, Option<String>)> {
    let rows = store.reader().unwrap().bookmarks(log).unwrap();
    rows.into_iter().map(|row| (row.offset, row.note)).collect()
}

fn names(store: &Store) -> Vec<String> {
    let rows = store.reader().unwrap().filter_sets().unwrap();
    rows.into_iter().map(|row| row.name).collect()
}

fn save(store: &Store, name: &str) -> Result<(), StoreError> {
    let set = (
        name.to_owned(),
        format!("{{\"chips\": [], \"of\": {name:?}}}"),
    );
    store.save_filter_sets(&[set], "save", NOW)
}

#[test]
fn bookmarks_outlive_a_purge_and_come_back_with_the_same_file() {
    let (_folder, store) = testing::store();
    let log = stored_log();
    let first = import(&store, "first");
    let second = import(&store, "second");
    let reader = store.reader().unwrap();
    for capture in [first, second] {
        let sha256 = reader.file_sha256(capture, "uart.log").unwrap();
        assert_eq!(sha256, Some(Sha256::of(LOG)), "both are the same log");
    }
    store
        .note_bookmark(&at(&log, 6), Some("here"), "note", NOW)
        .unwrap();
    store.add_bookmark(&at(&log, 12), "add", NOW).unwrap();
    let places = |store: &Store| {
        let reader = store.reader().unwrap();
        reader.files_with(Sha256::of(LOG)).unwrap()
    };
    assert_eq!(
        places(&store),
        [
            (second, "uart.log".to_owned()),
            (first, "uart.log".to_owned())
        ]
    );
    for capture in [first, second] {
        store.remove_capture(capture, NOW).unwrap();
    }
    assert_eq!(places(&store), []);
    store.purge().unwrap();
    let kept = [(6, Some("here".to_owned())), (12, None)];
    assert_eq!(bookmarks(&store, &log), kept);
    assert_eq!(
        reader.bookmarked_logs().unwrap(),
        std::slice::from_ref(&log)
    );
    let again = import(&store, "again");
    assert_eq!(places(&store), [(again, "uart.log".to_owned())]);
    assert_eq!(bookmarks(&store, &log), kept);
}

#[test]
fn each_step_is_taken_back_and_done_again() {
    let (_folder, store) = testing::store();
    let log = stored_log();
    store.add_bookmark(&at(&log, 6), "add", NOW).unwrap();
    // What is there already is no step, and keeps its note.
    store
        .note_bookmark(&at(&log, 6), Some("why"), "note", NOW)
        .unwrap();
    store.add_bookmark(&at(&log, 6), "add again", NOW).unwrap();
    store.remove_bookmark(&log, 6, "remove", NOW).unwrap();
    store.remove_bookmark(&log, 6, "remove again", NOW).unwrap();
    save(&store, "wifi").unwrap();
    store
        .rename_filter_set("wifi", "radio", "rename", NOW)
        .unwrap();
    store.delete_filter_set("radio", "delete", NOW).unwrap();
    assert_eq!((bookmarks(&store, &log), names(&store)), (vec![], vec![]));
    let undo = |what: &str| {
        let history = store.reader().unwrap().log_mark_history().unwrap();
        assert_eq!(history.undo.as_deref(), Some(what));
        assert_eq!(store.undo_log_mark().unwrap().as_deref(), Some(what));
    };
    undo("delete");
    assert_eq!(names(&store), ["radio"]);
    let row = store.reader().unwrap().filter_sets().unwrap().remove(0);
    assert!(row.stack.contains("wifi"), "its filters came back: {row:?}");
    undo("rename");
    assert_eq!(names(&store), ["wifi"]);
    undo("save");
    assert!(names(&store).is_empty());
    undo("remove");
    let reader = store.reader().unwrap();
    assert_eq!(
        reader.bookmarks(&log).unwrap(),
        [BookmarkRow {
            log: log.to_string(),
            offset: 6,
            head: None,
            message: "two".to_owned(),
            note: Some("why".to_owned()),
            set_at: NOW.to_owned(),
        }],
        "the note came back with it"
    );
    undo("note");
    assert_eq!(bookmarks(&store, &log), [(6, None)]);
    undo("add");
    assert_eq!(store.undo_log_mark().unwrap(), None);
    for _ in 0..6 {
        store.redo_log_mark().unwrap().unwrap();
    }
    assert_eq!(store.redo_log_mark().unwrap(), None);
    assert_eq!((bookmarks(&store, &log), names(&store)), (vec![], vec![]));
    // Issues have a history of their own.
    assert_eq!(store.undo_issue_step().unwrap(), None);
}

#[test]
fn bookmarks_of_a_file_on_disk_are_given_to_the_bytes_that_were_imported_of_it() {
    let (_folder, store) = testing::store();
    let followed = LogName::OnDisk("/var/log/uart.log".to_owned());
    let new = |offset| NewBookmark {
        head: Some("4520".to_owned()),
        ..at(&followed, offset)
    };
    store
        .note_bookmark(&new(6), Some("live"), "note", NOW)
        .unwrap();
    store.add_bookmark(&new(12), "add", NOW).unwrap();
    store.add_bookmark(&new(99), "add", NOW).unwrap();
    store
        .note_bookmark(&at(&stored_log(), 12), Some("its own"), "note", NOW)
        .unwrap();
    let taken = |offsets: &[u64]| {
        let to = Sha256::of(LOG);
        store.take_over_bookmarks(&followed, to, offsets).unwrap()
    };
    assert_eq!(taken(&[6, 12, 500]), 1);
    let expected = [
        (6, Some("live".to_owned())),
        (12, Some("its own".to_owned())),
    ];
    assert_eq!(bookmarks(&store, &stored_log()), expected);
    assert_eq!(bookmarks(&store, &followed).len(), 3, "they stay there too");
    assert_eq!(taken(&[6, 12]), 0);
}

#[test]
fn a_name_is_used_once_and_refused_in_words() {
    let (_folder, store) = testing::store();
    save(&store, "  wifi ").unwrap();
    save(&store, "Boot").unwrap();
    assert_eq!(names(&store), ["Boot", "wifi"], "trimmed, by name");
    for (name, word) in [
        ("", "needs a name"),
        ("  \t", "needs a name"),
        ("wifi ", "already"),
        ("two\nlines", "one line"),
        ("x".repeat(LONGEST_NAME + 1).as_str(), "at most 80"),
    ] {
        for error in [
            save(&store, name).unwrap_err(),
            store
                .rename_filter_set("Boot", name, "rename", NOW)
                .unwrap_err(),
        ] {
            assert!(error.to_string().contains(word), "{name:?}: {error}");
        }
    }
    // All of several or none.
    let several = [
        ("new".to_owned(), String::new()),
        ("wifi".to_owned(), String::new()),
    ];
    store.save_filter_sets(&several, "import", NOW).unwrap_err();
    assert_eq!(names(&store), ["Boot", "wifi"]);
    store
        .rename_filter_set("wifi", "wifi", "rename", NOW)
        .unwrap();
    for error in [
        store.delete_filter_set("gone", "delete", NOW).unwrap_err(),
        store
            .rename_filter_set("gone", "x", "rename", NOW)
            .unwrap_err(),
        store
            .replace_filter_set("gone", "{}", "update", NOW)
            .unwrap_err(),
    ] {
        assert!(
            error.to_string().contains("no filter set called"),
            "{error}"
        );
    }
    let reader = store.reader().unwrap();
    assert_eq!(
        reader.log_mark_history().unwrap().undo.as_deref(),
        Some("save")
    );
    store
        .replace_filter_set("wifi", "{}", "update", NOW)
        .unwrap();
    assert_eq!(reader.filter_sets().unwrap()[1].stack, "{}");
}

#[test]
fn a_log_has_so_many_bookmarks_and_no_more() {
    let (_folder, store) = testing::store();
    let log = stored_log();
    // Written past the door, so that the test is short.
    store
        .write(|transaction| {
            transaction.execute(
                "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2) \
                 INSERT INTO log_bookmarks SELECT ?1, i, NULL, '', NULL, '' FROM n",
                rusqlite::params![log.to_string(), stored_len(MOST_BOOKMARKS)],
            )?;
            Ok(())
        })
        .unwrap();
    let beyond = u64::try_from(MOST_BOOKMARKS).unwrap();
    let error = store
        .add_bookmark(&at(&log, beyond), "add", NOW)
        .unwrap_err();
    assert!(error.to_string().contains("at most 10000"), "{error}");
    // One of them can still be noted at, and another log marked.
    store
        .note_bookmark(&at(&log, 5), Some("n"), "note", NOW)
        .unwrap();
    let other = LogName::OnDisk("x".to_owned());
    store.add_bookmark(&at(&other, beyond), "add", NOW).unwrap();
    assert_eq!(bookmarks(&store, &log).len(), MOST_BOOKMARKS);
}

#[test]
fn a_copy_of_the_workspace_has_them_and_their_history() {
    let (folder, store) = testing::store();
    let log = stored_log();
    store
        .note_bookmark(&at(&log, 6), Some("here"), "note", NOW)
        .unwrap();
    save(&store, "wifi").unwrap();
    let path = folder.path().join("copy.fieldscope");
    store.save_copy(&path, &Unattended).unwrap();
    store.remove_bookmark(&log, 6, "remove", NOW).unwrap();
    let copy = Store::open(&path, &OpenOptions::new(NOW)).unwrap();
    assert_eq!(bookmarks(&copy, &log), [(6, Some("here".to_owned()))]);
    assert_eq!(names(&copy), ["wifi"]);
    assert_eq!(copy.undo_log_mark().unwrap().as_deref(), Some("save"));
}

//! Bookmarks, notes and named filters in the engine and on the command line, on real files.

mod common;

use common::{Place, fixture};
use fieldscope::engine::Engine;
use fieldscope::engine::command::Command;
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::job::JobOutcome;
use fieldscope::engine::logs::filter::{Chip, FilterStack, LogFilter};
use fieldscope::engine::logs::view::LogKey;
use fieldscope::engine::queries::filter_sets::FilterSetsQuery;
use fieldscope::engine::queries::log_find::{LogFindQuery, Wanted};
use fieldscope::engine::queries::log_marks::{LogMarks, LogMarksQuery};
use fieldscope::engine::queries::log_rows::{LogPage, LogRowsQuery};
use fieldscope::engine::workspace::Workspace;
use fieldscope::model::log::LogLevel;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn engine(path: &Path) -> Engine {
    let workspace = Workspace::open(Some(path), IndexCache::disabled()).expect("a workspace");
    Engine::new(workspace, Arc::new(|| {}))
}

/// The workspace of an engine that was dropped: what followed a file for it lets go a moment later.
fn again(path: &Path) -> Engine {
    let started = Instant::now();
    loop {
        let engine = engine(path);
        if engine.workspace().context().read_only().is_none() {
            return engine;
        }
        assert!(started.elapsed() < Duration::from_mins(1), "it stays open");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn order(engine: &Engine, command: Command) -> JobOutcome {
    let job = engine.submit(command);
    engine.wait(job).expect("the job ends")
}

/// Carries out a command that works; what it says.
fn done(engine: &Engine, command: Command) -> String {
    match order(engine, command) {
        JobOutcome::Done(said) => said,
        other => panic!("it was not done: {other:?}"),
    }
}

fn refused(engine: &Engine, command: Command) -> String {
    match order(engine, command) {
        JobOutcome::Failed(why) => why,
        other => panic!("it was not refused: {other:?}"),
    }
}

/// Lines of two modules and all levels; where each begins, too.
fn log() -> (String, Vec<u64>) {
    let mut text = String::new();
    let mut offsets = Vec::new();
    for n in 0..300_u32 {
        offsets.push(text.len() as u64);
        let level = ["I", "D", "W", "I", "E", "I", "I"][n as usize % 7];
        let module = ["wifi", "sensor", "wifi"][n as usize % 3];
        text += &format!("{level} ({}) {module}: step {n}\n", n * 11);
    }
    (text, offsets)
}

fn import(engine: &Engine, paths: &[&Path]) -> LogKey {
    let paths: Vec<PathBuf> = paths.iter().map(|path| path.to_path_buf()).collect();
    let path = paths[0]
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    done(engine, Command::Import { paths, asks: true });
    let context = engine.workspace().context();
    let newest = context.capture_rows().expect("captures")[0].id;
    LogKey::InCapture {
        capture: newest,
        path,
    }
}

fn marks(engine: &Engine, key: &LogKey) -> LogMarks {
    let query = LogMarksQuery { key: key.clone() };
    engine.workspace().run(&query).expect("marks")
}

/// Row and note of each bookmark.
fn rows(engine: &Engine, key: &LogKey) -> Vec<(u64, Option<String>)> {
    let bookmarks = marks(engine, key).bookmarks.into_iter();
    bookmarks.map(|it| (it.row, it.note)).collect()
}

fn page(engine: &Engine, key: &LogKey, stack: &FilterStack) -> LogPage {
    let query = LogRowsQuery {
        key: key.clone(),
        stack: stack.clone(),
        first: 0,
        count: 1000,
        find: None,
    };
    engine.workspace().run(&query).expect("rows")
}

fn chip(filter: LogFilter, negated: bool) -> Chip {
    Chip {
        filter,
        negated,
        is_off: false,
    }
}

fn wifi_trouble() -> FilterStack {
    let names = vec!["sensor".to_owned()];
    let at_least = LogLevel::Warn;
    FilterStack {
        chips: vec![
            chip(LogFilter::Level { at_least }, false),
            chip(LogFilter::Module { names }, true),
        ],
        shows_data: false,
        ..FilterStack::default()
    }
}

fn add(key: &LogKey, offset: u64) -> Command {
    Command::AddBookmark {
        log: key.clone(),
        offset,
    }
}

#[test]
fn bookmarks_belong_to_the_bytes_and_are_found_under_filters() {
    let folder = tempfile::tempdir().expect("a folder");
    let (text, offsets) = log();
    let file = folder.path().join("uart.log");
    std::fs::write(&file, &text).expect("a log");
    let engine = engine(&folder.path().join("a.fieldscope"));
    let key = import(&engine, &[&file]);
    // In the middle of a line is the line.
    assert_eq!(
        done(&engine, add(&key, offsets[4] + 3)),
        "Line 5 has a bookmark."
    );
    for row in [10, 100, 200] {
        done(&engine, add(&key, offsets[row]));
    }
    let noted = |offset| Command::NoteBookmark {
        log: key.clone(),
        offset,
        note: Some(" the first error ".to_owned()),
    };
    done(&engine, noted(offsets[4]));
    done(&engine, noted(offsets[50]));
    let note = Some("the first error".to_owned());
    let all = [
        (4, note.clone()),
        (10, None),
        (50, note.clone()),
        (100, None),
        (200, None),
    ];
    assert_eq!(rows(&engine, &key), all);
    let first = &marks(&engine, &key).bookmarks[0];
    assert_eq!(first.record.message, "step 4");
    assert_eq!(first.record.uptime_ns, Some(44_000_000));
    // What is shown under filters says so and is gone to: rows 4, 100 and 200 are errors or warnings.
    let at_least = LogLevel::Warn;
    let stack = FilterStack {
        chips: vec![chip(LogFilter::Level { at_least }, false)],
        shows_data: false,
        ..FilterStack::default()
    };
    let page = page(&engine, &key, &stack);
    let marked: Vec<u64> = page
        .rows
        .rows
        .iter()
        .filter(|row| row.bookmark)
        .map(|row| row.row)
        .collect();
    let serious = |n: &u64| matches!(n % 7, 2 | 4);
    let expected: Vec<u64> = [4, 10, 50, 100, 200].into_iter().filter(serious).collect();
    assert_eq!(expected, [4, 100, 200], "the others are hidden");
    assert_eq!(marked, expected);
    let place = |from, forward| {
        let query = LogFindQuery {
            key: key.clone(),
            stack: stack.clone(),
            wanted: Wanted::Bookmark,
            from,
            forward,
        };
        let found = engine.workspace().run(&query).expect("a place");
        let at = usize::try_from(found.at.expect("one is shown")).expect("small");
        page.rows.rows[at].row
    };
    let index_of = |row: u64| {
        let mut rows = page.rows.rows.iter();
        rows.position(|it| it.row == row).expect("shown") as u64
    };
    let mut seen = vec![place(u64::MAX, true)];
    for n in 0..3 {
        seen.push(place(index_of(seen[n]), true));
    }
    assert_eq!(seen, [4, 100, 200, 4], "it goes round");
    assert_eq!(place(index_of(4), false), 200);
    assert_eq!(place(index_of(100), false), 4);
    // The same bytes in another capture are the same log.
    let other = folder.path().join("other.txt");
    std::fs::write(&other, "something else\n").expect("a file");
    let again = import(&engine, &[&file, &other]);
    assert_ne!(again, key);
    assert_eq!(rows(&engine, &again), all);
    // A removed note comes back with its bookmark.
    let said = done(
        &engine,
        Command::RemoveBookmark {
            log: again.clone(),
            offset: offsets[4],
        },
    );
    assert_eq!(said, "Bookmark of line 5 removed. Undo brings it back.");
    assert_eq!(rows(&engine, &key), all[1..]);
    let history = marks(&engine, &key).history;
    assert_eq!(
        history.undo.as_deref(),
        Some("remove the bookmark of line 5")
    );
    done(&engine, Command::UndoMarks);
    assert_eq!(rows(&engine, &key), all);
    done(&engine, Command::RedoMarks);
    assert_eq!(rows(&engine, &key), all[1..]);
    let beyond = refused(&engine, add(&key, text.len() as u64));
    assert!(beyond.contains("no longer in the log"), "{beyond}");
    let long = Command::NoteBookmark {
        log: key.clone(),
        offset: 0,
        note: Some("x".repeat(10_001)),
    };
    assert!(refused(&engine, long).contains("at most 10000"));
}

#[test]
fn bookmarks_of_a_followed_file_stand_with_their_lines_and_go_along_when_it_is_imported() {
    let folder = tempfile::tempdir().expect("a folder");
    let (text, offsets) = log();
    let file = folder.path().join("uart.log");
    std::fs::write(&file, &text).expect("a log");
    let workspace = folder.path().join("a.fieldscope");
    let live = LogKey::OnDisk { path: file.clone() };
    {
        let engine = engine(&workspace);
        let not_open = refused(&engine, add(&live, 0));
        assert!(not_open.contains("FS-LOG-002"), "{not_open}");
        done(&engine, Command::FollowLog { path: file.clone() });
        done(&engine, add(&live, offsets[7]));
        done(&engine, add(&live, offsets[9]));
        assert_eq!(rows(&engine, &live), [(7, None), (9, None)]);
    }
    // While nobody looked, line 10 became another one.
    let changed = text.replace("wifi: step 9\n", "WIFI: step 9\n");
    assert_eq!(changed.len(), text.len());
    assert_ne!(changed, text);
    std::fs::write(&file, &changed).expect("a log");
    let engine = again(&workspace);
    done(&engine, Command::FollowLog { path: file.clone() });
    assert_eq!(
        rows(&engine, &live),
        [(7, None)],
        "only what still stands there"
    );
    let key = import(&engine, &[&file]);
    assert_eq!(rows(&engine, &key), [(7, None)]);
    drop(engine);
    // Written back, it stands again: nothing was forgotten.
    std::fs::write(&file, &text).expect("a log");
    let engine = again(&workspace);
    done(&engine, Command::FollowLog { path: file });
    assert_eq!(rows(&engine, &live), [(7, None), (9, None)]);
    assert_eq!(rows(&engine, &key), [(7, None)]);
}

#[test]
fn filter_sets_are_kept_exported_imported_and_used_by_the_command_line() {
    let place = Place::new();
    let (text, offsets) = log();
    let file = place.path("uart.log");
    std::fs::write(&file, &text).expect("a log");
    let workspace = place.path("w.fieldscope");
    let exported = place.path("filters.json");
    let stack = wifi_trouble();
    let save = |name: &str, stack: &FilterStack| Command::SaveFilters {
        name: name.to_owned(),
        stack: stack.clone(),
    };
    let expected = {
        let engine = engine(&workspace);
        let key = import(&engine, &[&file]);
        let export = Command::ExportFilters {
            path: exported.clone(),
        };
        assert!(refused(&engine, export.clone()).contains("no filter set to export"));
        done(&engine, save("Wi-Fi trouble", &stack));
        done(&engine, save("everything", &FilterStack::default()));
        let why = refused(&engine, save(" Wi-Fi trouble ", &FilterStack::default()));
        assert!(why.contains("already"), "{why}");
        assert!(refused(&engine, save("  ", &stack)).contains("needs a name"));
        assert_eq!(
            done(&engine, export),
            format!("2 filter sets exported to {}.", exported.display())
        );
        done(
            &engine,
            Command::NoteBookmark {
                log: key.clone(),
                offset: offsets[4],
                note: Some("here".to_owned()),
            },
        );
        page(&engine, &key, &stack).counts.n_visible
    };
    assert!(expected > 0);
    // An independent count of the same: warnings and errors that are not of the sensor.
    let by_hand = text
        .lines()
        .filter(|line| (line.starts_with('W') || line.starts_with('E')) && !line.contains("sensor"))
        .count();
    assert_eq!(expected, by_hand as u64);
    let compares = r#"{"schema": "fieldscope.filters/1", "sets": [{"name": "new", "stack": {"chips": [
        {"filter": {"by": "only_here", "good": {"InCapture": {"capture": 1, "path": "uart.log"}}}}]}}]}"#;
    std::fs::write(place.path("compares.json"), compares).unwrap();
    let logs = |more: &[&str]| place.run(&[&["logs", "uart.log", "--no-cache"], more].concat());
    let counted = |more: &[&str]| -> u64 {
        let answer = logs(&[more, &["--count"]].concat());
        assert_eq!(answer.code, Some(0), "{answer:?}");
        answer.out.trim().parse().expect("a number")
    };
    let from_file = ["--filters", "filters.json", "--filter-set", "Wi-Fi trouble"];
    let from_workspace = [
        "--filter-set",
        "Wi-Fi trouble",
        "--workspace",
        "w.fieldscope",
    ];
    let of_capture = [&from_workspace[..], &["--capture", "1"]].concat();
    for asked in [&from_file[..], &from_workspace, &of_capture] {
        assert_eq!(counted(asked), expected, "{asked:?}");
        let printed = logs(asked);
        let lines: Vec<&str> = printed.out.lines().collect();
        assert_eq!(lines.len() as u64, expected);
        assert!(
            lines.iter().all(|line| !line.contains("sensor")),
            "{asked:?}"
        );
        let step = logs(&[asked, &["--fixed", "step 4", "--json"]].concat());
        let row: Value =
            serde_json::from_str(step.out.lines().next().expect("a line")).expect("JSON");
        assert_eq!(
            (row["row"].as_u64(), row["level"].as_str()),
            (Some(44), Some("warn"))
        );
    }
    assert_eq!(
        counted(&["--filters", "filters.json", "--filter-set", "everything"]),
        300
    );
    for (asked, word) in [
        (
            &["--filters", "filters.json"][..],
            "everything, Wi-Fi trouble",
        ),
        (
            &["--filters", "filters.json", "--filter-set", "x"],
            "it has: ",
        ),
        (&["--filters", "uart.log"], "not JSON"),
        (&["--filters", "gone.json"], "gone.json"),
        (&["--filters", "compares.json"], "--templates --good"),
        (
            &["--filter-set", "x", "--workspace", "w.fieldscope"],
            "FS-MARK-003",
        ),
        (
            &["--filters", "filters.json", "--follow"],
            "cannot be used with",
        ),
    ] {
        let answer = logs(asked);
        assert_eq!(
            (answer.code, answer.out.as_str()),
            (Some(2), ""),
            "{asked:?}"
        );
        assert!(
            answer.err.contains(word) && answer.err.lines().count() == 1,
            "{answer:?}"
        );
    }
    let table = |name: &str| {
        let words = ["query", name, "--json", "--workspace", "w.fieldscope"];
        place.run(&words).json()
    };
    let sets = table("filter-sets");
    assert_eq!(sets["rows"][1][0], "Wi-Fi trouble");
    assert_eq!(sets["rows"][1][1], 2);
    assert_eq!(sets["rows"][1][2]["chips"][0]["filter"]["by"], "level");
    let bookmarks = table("bookmarks");
    let columns = bookmarks["columns"].as_array().expect("columns");
    let cell = |name: &str| {
        let index = columns.iter().position(|column| column == name);
        bookmarks["rows"][0][index.expect("the column")].clone()
    };
    assert_eq!(cell("path"), "uart.log");
    assert_eq!((cell("row"), cell("offset")), (4.into(), offsets[4].into()));
    assert_eq!(
        (cell("message"), cell("note")),
        ("step 4".into(), "here".into())
    );
    // Taken in elsewhere; a name that is used there gets a number, what is there already is left alone.
    let other = engine(&place.path("other.fieldscope"));
    done(&other, save("everything", &stack));
    let import_sets = Command::ImportFilters { path: exported };
    assert_eq!(done(&other, import_sets.clone()), "2 filter sets imported.");
    let names = || {
        let sets = other.workspace().run(&FilterSetsQuery).expect("sets");
        sets.into_iter().map(|set| set.name).collect::<Vec<_>>()
    };
    assert_eq!(names(), ["everything", "everything (2)", "Wi-Fi trouble"]);
    done(&other, Command::UndoMarks);
    assert_eq!(names(), ["everything"]);
    done(&other, Command::RedoMarks);
    let said = done(&other, import_sets);
    assert_eq!(said, "1 filter set imported. 1 was already here.");
}

#[test]
fn a_bookmark_of_a_removed_log_is_listed_as_it_read() {
    let place = Place::new();
    let (text, offsets) = log();
    let file = place.path("uart.log");
    std::fs::write(&file, &text).expect("a log");
    let engine = engine(&place.path("w.fieldscope"));
    let key = import(&engine, &[&file]);
    done(&engine, add(&key, offsets[4]));
    let LogKey::InCapture { capture, .. } = key else {
        panic!("it was imported");
    };
    done(&engine, Command::RemoveCapture { capture });
    drop(engine);
    let words = [
        "query",
        "bookmarks",
        "--json",
        "--workspace",
        "w.fieldscope",
    ];
    let answer = place.run(&words).json();
    let row = answer["rows"][0].as_array().expect("a row");
    assert!(row[0].as_str().expect("a name").starts_with("sha256:"));
    assert_eq!(
        (&row[1], &row[2], &row[3]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert_eq!(row[9], "step 4");
    assert!(
        answer["notes"][0]
            .as_str()
            .expect("a note")
            .contains("not in the workspace")
    );
}

#[test]
fn what_is_near_a_crash_is_known_of_imported_logs_only() {
    let place = Place::new();
    let file = fixture("qemu-bare/an386-1.uart");
    let stack = FilterStack {
        chips: vec![chip(
            LogFilter::NearCrash {
                n_before: 2,
                n_after: 0,
            },
            false,
        )],
        shows_data: true,
        ..FilterStack::default()
    };
    let expected = {
        let engine = engine(&place.path("w.fieldscope"));
        let key = import(&engine, &[Path::new(&file)]);
        let name = "near".to_owned();
        let save = Command::SaveFilters {
            name,
            stack: stack.clone(),
        };
        done(&engine, save);
        page(&engine, &key, &stack).counts.n_visible
    };
    assert!(expected > 2, "the crash and two lines before it");
    let set = [
        "--filter-set",
        "near",
        "--workspace",
        "w.fieldscope",
        "--count",
    ];
    let stored = [&["logs", "an386-1.uart", "--capture", "1"], &set[..]].concat();
    assert_eq!(place.run(&stored).out.trim(), expected.to_string());
    let alone = place.run(&[&["logs", &file], &set[..]].concat());
    assert_eq!((alone.code, alone.out.as_str()), (Some(2), ""));
    assert!(alone.err.contains("--capture"), "{alone:?}");
}

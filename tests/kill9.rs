//! `kill -9` in the middle of an import: the workspace opens and holds each capture, or the fleet sample, wholly or not at all.
//!
//! `FIELDSCOPE_KILL9` says how often (8); `scripts/check.sh kill9` does it 50 times.

mod common;

use common::{Place, fixture};
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::workspace::Workspace;
use fieldscope::store::ids::CaptureId;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Text logs beside the fixtures, so that an import takes long enough to be met in every part of it.
const N_LOGS: usize = 6;
const LOG_LINES: usize = 12_000;
/// Devices of the fleet sample.
const N_DEVICES: u32 = 400;
/// More than opening a workspace writes.
const WRITING_BYTES: u64 = 128 << 10;
/// Nothing of an import may take longer.
const LONGEST: Duration = Duration::from_mins(2);

/// The same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end.max(1)
    }
}

#[test]
fn a_killed_import_leaves_each_capture_whole_or_absent() {
    let rounds = rounds();
    let place = Place::new();
    write_bundle(&place.path("bundle"));

    // A capture that was there before must stay as it is.
    let before = fixture("qemu-freertos/an386-1.uart");
    assert_eq!(
        place
            .run(&["import", &before, "--workspace", "start.fieldscope"])
            .code,
        Some(3)
    );
    fs::copy(
        place.path("start.fieldscope"),
        place.path("whole.fieldscope"),
    )
    .unwrap();
    let started = Instant::now();
    assert_eq!(
        place
            .run(&["import", "bundle", "--workspace", "whole.fieldscope"])
            .code,
        Some(0)
    );
    let whole_time = started.elapsed();
    let old = said(&place, "start.fieldscope");
    let new = said(&place, "whole.fieldscope");
    assert_eq!((old.captures.len(), new.captures.len()), (1, 2));

    let mut random = Random(0x0F1E_2D3C_4B5A_6978);
    let (mut n_killed, mut n_absent, mut n_whole) = (0, 0, 0);
    for round in 0..rounds {
        let name = format!("round-{round}.fieldscope");
        fs::copy(place.path("start.fieldscope"), place.path(&name)).unwrap();
        let killed = kill_import(&place, ("bundle", &name), round, whole_time, &mut random);
        n_killed += usize::from(killed);

        let now = said(&place, &name);
        let is_whole = now.captures.len() == 2;
        assert_eq!(
            now,
            if is_whole { new.clone() } else { old.clone() },
            "round {round}"
        );
        check_bytes(&place, &name, is_whole);
        *(if is_whole {
            &mut n_whole
        } else {
            &mut n_absent
        }) += 1;

        // Nothing stands in the way of doing it again.
        let again = place
            .run(&["import", "bundle", "--json", "--workspace", &name])
            .json();
        assert_eq!(
            again["n_already_here"],
            u64::from(is_whole),
            "round {round}: {again}"
        );
        assert_eq!(said(&place, &name), new, "round {round}");
        check_bytes(&place, &name, true);
        for left in [name.clone(), format!("{name}-wal"), format!("{name}-shm")] {
            let _gone_before = fs::remove_file(place.path(left)).is_err();
        }
    }
    println!(
        "{rounds} imports of {whole_time:?}: {n_killed} killed on the way; {n_absent} left nothing, {n_whole} were whole"
    );
    assert!(n_killed > 0, "no import was met on its way");
}

#[test]
fn a_killed_import_of_a_fleet_sample_leaves_all_of_it_or_nothing() {
    let place = Place::new();
    fs::create_dir(place.path("before")).unwrap();
    fs::write(place.path("before/hb.csv"), heartbeats(3)).unwrap();
    import_sample(&place, "before", "start.fieldscope");
    kill_sample_imports(&place);
}

/// The first import goes into the file without a log before it.
#[test]
fn a_killed_import_into_an_empty_workspace_leaves_all_of_it_or_nothing() {
    let place = Place::new();
    let start = place.path("start.fieldscope");
    drop(Workspace::open(Some(&start), IndexCache::disabled()).expect("it is made"));
    kill_sample_imports(&place);
}

fn import_sample(place: &Place, sample: &str, name: &str) {
    let answer = place.run(&["import", sample, "--workspace", name]);
    assert_eq!(answer.code, Some(0), "{}", answer.err);
}

/// Imports a sample again and again into what `start.fieldscope` holds, and kills it.
fn kill_sample_imports(place: &Place) {
    fs::create_dir(place.path("sample")).unwrap();
    fs::write(place.path("sample/hb.csv"), heartbeats(N_DEVICES)).unwrap();
    let import = |sample: &str, name: &str| import_sample(place, sample, name);
    fs::copy(
        place.path("start.fieldscope"),
        place.path("whole.fieldscope"),
    )
    .unwrap();
    let started = Instant::now();
    import("sample", "whole.fieldscope");
    let whole_time = started.elapsed();
    let old = heartbeats_said(place, "start.fieldscope");
    let new = heartbeats_said(place, "whole.fieldscope");
    assert_ne!(old, new);

    let mut random = Random(0x0123_4567_89AB_CDEF);
    let (mut n_killed, mut n_absent) = (0, 0);
    let rounds = rounds();
    for round in 0..rounds {
        let name = format!("round-{round}.fieldscope");
        fs::copy(place.path("start.fieldscope"), place.path(&name)).unwrap();
        let killed = kill_import(place, ("sample", &name), round, whole_time, &mut random);
        n_killed += usize::from(killed);
        let now = heartbeats_said(place, &name);
        assert!(now == old || now == new, "round {round}: {now:?}");
        n_absent += usize::from(now == old);
        // Nothing stands in the way of doing it again.
        import("sample", &name);
        assert_eq!(heartbeats_said(place, &name), new, "round {round}");
        for ending in ["", "-wal", "-shm", "-journal"] {
            let left = place.path(format!("{name}{ending}"));
            let _gone_before = fs::remove_file(left).is_err();
        }
    }
    println!(
        "{rounds} imports of {whole_time:?}: {n_killed} killed on the way; {n_absent} left nothing"
    );
    assert!(n_killed > 0 && n_absent > 0, "no import was met on its way");
}

#[cfg(unix)]
#[test]
fn an_interrupted_import_says_so_and_leaves_nothing() {
    let place = Place::new();
    write_bundle(&place.path("bundle"));
    let child = place
        .command()
        .args(["import", "bundle", "--workspace", "w.fieldscope"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // The handler is there once the workspace is open.
    while !place.path("w.fieldscope").exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(Duration::from_millis(20));
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.expect("kill").success());
    let output = child.wait_with_output().expect("its end");
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr).lines().count(),
        1,
        "{output:?}"
    );
    assert_eq!(said(&place, "w.fieldscope").captures, Vec::<Value>::new());
}

/// How often each import is killed.
fn rounds() -> usize {
    std::env::var("FIELDSCOPE_KILL9").map_or(8, |n| n.parse().expect("a number"))
}

/// Four days of heartbeats of so many devices, with values that repeat nowhere.
fn heartbeats(n_devices: u32) -> String {
    let mut text = String::from("device,ts,version,a,b,c\n");
    let mut random = Random(88_172_645_463_325_252);
    for row in 0..n_devices * 96 {
        let (device, hour) = (row / 96, row % 96);
        let mut value = || random.below(1 << 40);
        let _infallible = writeln!(
            text,
            "D{device:04},{},1.{},{},{},{}",
            1_760_000_400 + hour * 3600,
            hour / 48,
            value(),
            value(),
            value()
        );
    }
    text
}

/// What a workspace answers of its fleet.
fn heartbeats_said(place: &Place, name: &str) -> Vec<String> {
    [
        "census",
        "fleet-band",
        "top-devices",
        "mean-by-version",
        "histogram",
    ]
    .into_iter()
    .map(|query| {
        let args = [
            "query",
            query,
            "--metric",
            "a",
            "--json",
            "--workspace",
            name,
        ];
        let answer = place.run(&args);
        let is_empty = answer.err.contains("there is no metric");
        let code = if is_empty { 2 } else { 0 };
        assert_eq!(answer.code, Some(code), "{query}: {}", answer.err);
        answer.out + &answer.err
    })
    .collect()
}

/// Starts an import and kills it: every other time at any moment, else in the middle of its writing.
fn kill_import(
    place: &Place,
    (input, name): (&str, &str),
    round: usize,
    whole_time: Duration,
    random: &mut Random,
) -> bool {
    let mut child = place
        .command()
        .args(["import", input, "--workspace", name])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let whole = u64::try_from(whole_time.as_micros()).expect("less than an age");
    let started = Instant::now();
    if round.is_multiple_of(2) {
        std::thread::sleep(Duration::from_micros(random.below(whole)));
    } else {
        let size = |name: String| fs::metadata(place.path(name)).map_or(0, |meta| meta.len());
        let sizes = || size(name.to_owned()) + size(format!("{name}-wal"));
        let before = sizes();
        let is_written = || sizes() > before + WRITING_BYTES;
        while !is_written() && child.try_wait().expect("its state").is_none() {
            assert!(started.elapsed() < LONGEST, "the import never wrote");
            std::thread::sleep(Duration::from_micros(200));
        }
        std::thread::sleep(Duration::from_micros(random.below(whole / 8)));
    }
    let was_running = child.try_wait().expect("its state").is_none();
    // SIGKILL; a process that has ended by itself is no error.
    let _ended = child.kill().is_err();
    child.wait().expect("its end");
    was_running
}

/// What queries answer of a workspace, without what differs from run to run.
#[derive(Clone, Debug, PartialEq)]
struct Said {
    captures: Vec<Value>,
    crashes: Vec<Value>,
    symbols: Vec<Value>,
}

fn said(place: &Place, name: &str) -> Said {
    let table = |query| {
        let table = place
            .run(&["query", query, "--json", "--workspace", name])
            .json();
        let columns: Vec<String> =
            serde_json::from_value(table["columns"].clone()).expect("columns");
        let rows: Vec<Vec<Value>> = serde_json::from_value(table["rows"].clone()).expect("rows");
        let without_times = |row: Vec<Value>| {
            let cells = columns.iter().cloned().zip(row);
            cells
                .filter(|(column, _)| !["id", "imported_at"].contains(&column.as_str()))
                .collect()
        };
        rows.into_iter()
            .map(without_times)
            .map(Value::Object)
            .collect()
    };
    Said {
        captures: table("captures"),
        crashes: table("crashes"),
        symbols: place
            .run(&["symbols", "list", "--json", "--workspace", name])
            .json_lines(),
    }
}

/// Every byte of every capture, read back and decoded again.
fn check_bytes(place: &Place, name: &str, has_bundle: bool) {
    let workspace =
        Workspace::open_to_read(&place.path(name), IndexCache::disabled()).expect("it opens");
    let context = workspace.context();
    let reader = context.reader().expect("it can be read");
    assert_eq!(reader.quick_check().expect("a check"), Vec::<String>::new());
    let captures = reader.captures().expect("captures");
    assert_eq!(captures.len(), 1 + usize::from(has_bundle));
    for capture in captures {
        let id: CaptureId = capture.id;
        let examined = context.examined(id).expect("it decodes");
        let n_rows = context
            .crash_rows()
            .expect("crashes")
            .iter()
            .filter(|row| row.capture == id.0)
            .count();
        assert_eq!(examined.crashes.len(), n_rows, "{}", capture.name);
        for file in &examined.files {
            let source = if capture.name == "bundle" {
                place.path("bundle").join(&file.input.path)
            } else {
                Path::new(&fixture("qemu-freertos")).join(&file.input.path)
            };
            assert!(
                fs::read(&source).unwrap() == *file.input.bytes,
                "{} differs",
                source.display()
            );
        }
    }
}

/// All bare-metal fixtures and some long logs.
fn write_bundle(folder: &Path) {
    fs::create_dir(folder).unwrap();
    for entry in fs::read_dir(fixture("qemu-bare")).unwrap() {
        let from = entry.unwrap().path();
        fs::copy(&from, folder.join(from.file_name().unwrap())).unwrap();
    }
    for log in 0..N_LOGS {
        let mut text = String::new();
        for line in 0..LOG_LINES {
            let value = (line * 7919 + log * 104_729) % 99_991;
            let _infallible = writeln!(
                text,
                "[{line:>8}] INF sensor{log}: reading {value} of channel {}",
                value % 13
            );
        }
        fs::write(folder.join(format!("log-{log}.txt")), text).unwrap();
    }
}

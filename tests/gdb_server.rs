//! `fieldscope monitor --gdb` on boards that QEMU emulates, running real firmware: what is seen while they run, a fault, and servers
//! that fail.
#![cfg(target_os = "linux")]

#[expect(dead_code, reason = "other tests use the rest of it")]
mod common;
#[path = "common/qemu.rs"]
mod qemu;
#[path = "common/session.rs"]
mod session;

use common::Place;
use fieldscope::symbols::symbol_file::SymbolFile;
use qemu::{GdbBoard, NUMBERS, SilentServer, free_address};
use serde_json::Value;
use session::Monitor;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn rtos_board(address: &str) -> (GdbBoard, String) {
    let elf = fixture("qemu-freertos/an386.elf");
    (
        GdbBoard::start("mps2-an386", &elf, address),
        elf.display().to_string(),
    )
}

fn functions(place: &Place, input: &str, elf: &str) -> Vec<String> {
    let answer = place.run(&["backtrace", input, "--elf", elf, "--no-cache", "--json"]);
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    let report: Value = serde_json::from_str(&answer.out).expect("JSON");
    let frames = report["threads"][0]["frames"]
        .as_array()
        .expect("frames")
        .iter();
    let frames = frames.map(|frame| frame["function"].as_str().unwrap_or("??").to_owned());
    frames.collect()
}

fn looks(out: &str) -> Vec<Value> {
    let lines = out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let is_look = |line: &Value| line["schema"] == "fieldscope.watch/1";
    lines.filter(is_look).collect()
}

#[test]
#[ignore = "needs qemu-system-arm; scripts/check.sh sdk runs it"]
fn a_running_board_is_watched_and_its_fault_is_explained() {
    let place = Place::new();
    let (mut board, elf) = rtos_board(&free_address());
    board.printed("freertos spike");
    let numbers = NUMBERS.map(|name| format!("{name}@50"));
    let watches = numbers.iter().flat_map(|number| ["--watch", number]);
    let args = [
        "--gdb",
        &board.address,
        "--elf",
        &elf,
        "--record",
        "s.fscap",
        "--json",
    ];
    let args: Vec<&str> = args.into_iter().chain(watches).collect();
    let mut session = Monitor::start(&place, &args).reading();
    let identified = session.wait_for("the board runs build");
    assert!(
        identified.contains("ada2c6bfe805e3ca69baf364a409633b9b989bc8, as the ELF file says"),
        "{identified}"
    );
    std::thread::sleep(Duration::from_secs(1));
    let asked = Instant::now();
    board.say("1");
    session.wait_for("the board faulted: HardFault");
    let noticed = asked.elapsed();
    assert!(noticed < Duration::from_secs(2), "{noticed:?}");
    // The dump that the firmware makes of itself.
    board.printed("#FD:END#");
    session.signal("-INT");
    let (status, out, said) = session.end();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(
        said.contains("the processor was halted"),
        "a server that halts says what it cost: {said}"
    );

    let looks = looks(&out);
    assert!(looks.len() > 30, "{} looks", looks.len());
    let ticks = |look: &Value| look["values"]["xTickCount"].as_u64().expect("a number");
    let all: Vec<u64> = looks.iter().map(ticks).collect();
    assert!(
        all.is_sorted() && all[0] < all[20],
        "it runs between the looks: {all:?}"
    );
    for look in &looks {
        assert_eq!(
            look["values"].as_object().expect("values").len(),
            NUMBERS.len()
        );
        assert_eq!(look["values"]["xSchedulerRunning"], 1);
    }

    // The frames of the fault are those that gdb found in the firmware's own dump of the same fault.
    let live = functions(&place, "s.1.core", &elf);
    let dump = fixture("qemu-freertos/an386-1.core").display().to_string();
    let own = functions(&place, &dump, &elf);
    assert_eq!(own[0], "poke");
    let fault = live
        .iter()
        .position(|name| name == "poke")
        .expect("where it faulted");
    assert_eq!(live[fault..], own[..], "below the handler: {live:?}");

    // What was seen live is what the workspace has, and what another import of the recording gives.
    let crashes = |workspace: &str| {
        let answer = place.run(&[
            "query",
            "crashes",
            "--workspace",
            workspace,
            "--no-cache",
            "--json",
        ]);
        let answer: Value = serde_json::from_str(&answer.out).expect("JSON");
        let rows = answer["rows"].as_array().expect("rows").iter();
        rows.map(|row| (row[1].clone(), row[2].clone(), row[5].clone()))
            .collect::<Vec<_>>()
    };
    let imported = place.run(&[
        "import",
        "s.fscap",
        "--symbols",
        &elf,
        "--workspace",
        "again.fieldscope",
        "--no-cache",
    ]);
    assert_eq!(imported.code, Some(0), "{}", imported.err);
    assert_eq!(crashes("w.fieldscope").len(), 1);
    assert_eq!(crashes("w.fieldscope"), crashes("again.fieldscope"));
    let series = |workspace: &str| {
        let answer = place.run(&["metrics", "--workspace", workspace, "--json"]);
        assert_eq!(answer.code, Some(0), "{}", answer.err);
        answer.out
    };
    let stored = series("w.fieldscope");
    assert_eq!(stored.matches("\"xTickCount\"").count(), looks.len());
    assert_eq!(stored, series("again.fieldscope"));
}

#[test]
#[ignore = "needs qemu-system-arm; scripts/check.sh sdk runs it"]
fn a_board_that_is_left_runs_on_and_one_that_comes_back_is_found() {
    let place = Place::new();
    let address = free_address();
    let (board, elf) = rtos_board(&address);
    let args = [
        "--gdb",
        &address,
        "--elf",
        &elf,
        "--watch",
        "xTickCount@20",
        "--json",
    ];
    let ticks = |duration: &str| -> Vec<u64> {
        let answer = place
            .command()
            .args([
                "monitor",
                "--no-cache",
                "--workspace",
                "w.fieldscope",
                "--duration",
                duration,
            ])
            .args(args)
            .output()
            .expect("the program starts");
        assert_eq!(answer.status.code(), Some(0));
        let out = String::from_utf8(answer.stdout).expect("text");
        looks(&out)
            .iter()
            .map(|look| look["values"]["xTickCount"].as_u64().expect("a number"))
            .collect()
    };
    let first = ticks("1");
    std::thread::sleep(Duration::from_secs(1));
    let second = ticks("1");
    // It went on by itself: a good part of what it counts in a second under observation.
    let observed = first[first.len() - 1] - first[0];
    assert!(
        second[0] - first[first.len() - 1] > observed / 2,
        "{first:?} {second:?}"
    );

    let mut session = Monitor::start(&place, &args).reading();
    session.wait_for("the board runs build");
    std::thread::sleep(Duration::from_millis(500));
    let pulled = Instant::now();
    drop(board);
    let lost = session.wait_for("is gone");
    assert!(pulled.elapsed() < Duration::from_secs(2), "{lost}");
    let (_board, _) = rtos_board(&address);
    session.wait_for("listening");
    session.wait_for("the board runs build");
    std::thread::sleep(Duration::from_millis(500));
    session.signal("-INT");
    let (status, out, said) = session.end();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(said.contains("the link was lost once"), "{said}");
    let looks = looks(&out);
    let back = looks.windows(2).any(|pair| {
        let ticks = |look: &Value| look["values"]["xTickCount"].as_u64();
        ticks(&pair[0]) > ticks(&pair[1])
    });
    assert!(back, "it counts from 0 again");
}

#[test]
#[ignore = "needs qemu-system-arm; scripts/check.sh sdk runs it"]
fn a_server_that_stops_answering_is_told_and_found_again() {
    let place = Place::new();
    let (board, elf) = rtos_board(&free_address());
    let args = [
        "--gdb",
        &board.address,
        "--elf",
        &elf,
        "--watch",
        "xTickCount@20",
        "--json",
    ];
    let mut session = Monitor::start(&place, &args).reading();
    session.wait_for("the board runs build");
    std::thread::sleep(Duration::from_millis(300));
    let stopped = Instant::now();
    board.signal("STOP");
    let said = session.wait_for("does not answer");
    assert!(stopped.elapsed() < Duration::from_secs(2), "{said}");
    board.signal("CONT");
    session.wait_for("the board runs build");
    std::thread::sleep(Duration::from_millis(300));
    session.signal("-INT");
    let (status, out, said) = session.end();
    assert_eq!(status.code(), Some(0), "{said}");
    let looks = looks(&out);
    let pause = looks.windows(2).map(|pair| {
        let at = |look: &Value| look["elapsed_ns"].as_i64().expect("a time");
        at(&pair[1]) - at(&pair[0])
    });
    // What was not read is a gap: no look stands in for it.
    assert!(pause.max() > Some(500_000_000), "{looks:?}");
}

#[test]
#[ignore = "needs qemu-system-arm; scripts/check.sh sdk runs it"]
fn an_elf_of_another_build_is_refused_with_both_ids() {
    let place = Place::new();
    let (board, _) = rtos_board(&free_address());
    let other = fixture("qemu-bare/an386.elf").display().to_string();
    let args = [
        "--gdb",
        &board.address,
        "--elf",
        &other,
        "--watch",
        "g_ticks@20",
        "--json",
    ];
    let mut session = Monitor::start(&place, &args).reading();
    let said = session.wait_for("its names are not used");
    // readelf -n
    assert!(
        said.contains("8631d12a50f997b81a875cd8f0b1c6ef9bb95b50"),
        "{said}"
    );
    std::thread::sleep(Duration::from_millis(500));
    session.signal("-INT");
    let (_, out, _) = session.end();
    assert!(looks(&out).is_empty(), "{out}");
}

#[test]
fn servers_that_fail_are_told_in_words_and_in_time() {
    let place = Place::new();
    let silent = SilentServer::start();
    let nobody = free_address();
    for (address, why) in [
        (nobody.as_str(), "nothing listens at"),
        (silent.address.as_str(), "does not answer"),
        ("localhost", "is no address; give HOST:PORT"),
    ] {
        let begun = Instant::now();
        let answer = place.run(&[
            "monitor",
            "--gdb",
            address,
            "--workspace",
            "w.fieldscope",
            "--no-cache",
        ]);
        assert_eq!(answer.code, Some(2), "{}", answer.err);
        assert!(
            answer.err.contains(why) && answer.err.lines().count() == 1,
            "{}",
            answer.err
        );
        assert!(answer.out.is_empty());
        assert!(
            begun.elapsed() < Duration::from_secs(4),
            "{:?}",
            begun.elapsed()
        );
    }
    assert_eq!(silent.n_connections(), 1);
    for (watch, why) in [
        ("g_ticks@x", "x is no number of times a second"),
        ("g_ticks@5000", "0.1 to 1000 times a second"),
        (
            "g_tick",
            "there is no global variable g_tick; alike are g_ticks",
        ),
        ("vectors", "which is no number"),
    ] {
        let elf = fixture("qemu-bare/an386.elf").display().to_string();
        let answer = place.run(&["monitor", "--gdb", &nobody, "--elf", &elf, "--watch", watch]);
        assert_eq!(answer.code, Some(2), "{}", answer.err);
        assert!(answer.err.contains(why), "{}", answer.err);
    }
}

#[test]
#[ignore = "needs qemu-system-arm; scripts/check.sh sdk runs it"]
fn a_board_is_controlled_by_lines_where_that_was_asked_for() {
    let place = Place::new();
    let (mut board, elf) = rtos_board(&free_address());
    board.printed("freertos spike");
    let symbols = SymbolFile::parse("an386.elf", std::fs::read(&elf).expect("the fixture"));
    let tick = symbols
        .expect("an ELF")
        .symbol("xTickCount")
        .map(|symbol| symbol.address);
    let at = format!("{:#010x}", tick.expect("a variable"));
    let args = [
        "--gdb",
        &board.address,
        "--elf",
        &elf,
        "--control",
        "--watch",
        &at,
    ];
    let args = [&args[..], &["--record", "s.fscap", "--json"]].concat();
    let mut session = Monitor::start(&place, &args).reading();
    session.wait_for("the board runs build");
    let mut keys = session.child.stdin.take().expect("its input");
    let mut order = |line: &str| writeln!(keys, "{line}").expect("it is heard");
    order("!halt");
    session.wait_for("the processor was halted");
    order("!xTickCount = 7");
    let said = session.wait_for("xTickCount");
    assert!(said.contains('7'), "{said}");
    // Some looks see it.
    std::thread::sleep(Duration::from_secs(1));
    order(&format!("!{at} = 8"));
    let said = session.wait_for(&at);
    assert!(said.contains('7') && said.contains('8'), "{said}");
    order("!undo");
    session.wait_for(&at);
    order("!fly");
    let said = session.wait_for("not done");
    assert!(said.contains("fly is none of halt, run, step"), "{said}");
    order("hello");
    session.wait_for("there is no UART");
    order("!run");
    session.wait_for("the processor was let run");
    std::thread::sleep(Duration::from_millis(700));
    session.signal("-INT");
    let (status, out, said) = session.end();
    assert_eq!(status.code(), Some(0), "{said}");
    let ticks: Vec<u64> = looks(&out)
        .iter()
        .filter_map(|look| look["values"][&at].as_u64())
        .collect();
    assert!(
        ticks.contains(&7),
        "what was written stood there: {ticks:?}"
    );
    assert!(ticks.last() > Some(&7), "it runs again: {ticks:?}");
}

//! `fieldscope monitor` on pseudo terminals, which are UARTs to it: what comes is printed as `logs` prints it, everything is recorded,
//! and the recording says the same as the log.
#![cfg(unix)]

#[expect(dead_code, reason = "other tests use the rest of it")]
mod common;
#[path = "common/session.rs"]
mod session;
#[path = "common/uart.rs"]
mod uart;

use common::Place;
use serde_json::Value;
use session::{Monitor, monitor};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use uart::Uart;

/// Bytes that a board with a crash sent.
fn console() -> (PathBuf, Vec<u8>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/qemu-bare/an386-1.uart");
    let bytes = std::fs::read(&path).expect("the fixture");
    (path, bytes)
}

/// Waits until the recording in a folder has so many bytes.
fn wait_for_bytes(path: &Path, n_bytes: usize) {
    let end = Instant::now() + Duration::from_secs(20);
    while std::fs::metadata(path).map_or(0, |file| file.len()) < n_bytes as u64 {
        assert!(Instant::now() < end, "{} does not grow", path.display());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_session_prints_what_logs_prints_and_its_recording_has_the_crash() {
    let place = Place::new();
    let (path, bytes) = console();
    let mut uart = Uart::new();
    let port = uart.path.display().to_string();
    let session = Monitor::start(&place, &["--uart", &port, "--record", "s.fscap", "--json"]);
    uart.say(&bytes);
    wait_for_bytes(&place.path("s.fscap"), bytes.len());
    session.signal("-INT");
    let (status, out, said) = session.end();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(
        said.contains(&format!("{} bytes recorded in s.fscap", bytes.len())),
        "{said}"
    );
    let path = path.display().to_string();
    let logs = place.run(&["logs", "--json", &path]);
    let rows = |text: &str| -> Vec<Value> {
        let rows = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        rows.map(|row| row["raw"].clone()).collect()
    };
    assert_eq!(rows(&out), rows(&logs.out));
    // The recording is an input as any other: the same crash, the same log, to the byte.
    let crash = |input: &str| {
        let answer = place.run(&["backtrace", "--no-cache", "--json", input]);
        let mut crash: Value = serde_json::from_str(&answer.out).expect("a crash");
        // Where it stands in its file.
        crash["warnings"] = Value::Null;
        crash
    };
    assert_eq!(crash("s.fscap"), crash(&path));
    let again = place.run(&["logs", "--json", "s.fscap"]);
    assert_eq!(rows(&again.out), rows(&logs.out));
    // And it is in the workspace.
    let captures = place.run(&[
        "logs",
        "--workspace",
        "w.fieldscope",
        "--capture",
        "s.fscap",
        "uart.log",
    ]);
    assert_eq!(captures.code, Some(0), "{}", captures.err);
    assert_eq!(captures.out.lines().count(), logs.out.lines().count());
}

#[test]
fn a_cable_that_was_pulled_is_told_and_the_session_goes_on() {
    let place = Place::new();
    let link = place.path("board");
    let mut uart = Uart::new();
    symlink(&uart.path, &link).expect("a name");
    let port = link.display().to_string();
    let mut session = Monitor::start(&place, &["--uart", &port, "--record", "s.fscap", "--raw"]);
    uart.say(b"before the cable was pulled\nand half a ro");
    wait_for_bytes(&place.path("s.fscap"), 300);
    std::fs::remove_file(&link).expect("the name goes");
    drop(uart);
    let said = session.wait_for("is gone");
    assert!(
        said.contains("the cable was pulled, or the board was switched off"),
        "{said}"
    );
    let mut uart = Uart::new();
    symlink(&uart.path, &link).expect("a name");
    session.wait_for("listening");
    uart.say(b"after it is there again\n");
    std::thread::sleep(Duration::from_millis(300));
    session.signal("-TERM");
    let (status, out, said) = session.end();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(said.contains("; the link was lost once"), "{said}");
    assert_eq!(
        out,
        "before the cable was pulled\nand half a roafter it is there again\n"
    );
}

#[test]
fn what_cannot_be_opened_says_why_and_what_to_do() {
    let place = Place::new();
    let run = |args: &[&str]| {
        let output = monitor(&place).args(args).output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(output.stdout.is_empty());
        assert_eq!(said.lines().count(), 1, "{said}");
        said
    };
    let said = run(&["--uart", "/dev/ttyNobody7"]);
    assert!(said.contains("/dev/ttyNobody7 is not there"), "{said}");
    let uart = Uart::new();
    let port = uart.path.display().to_string();
    let said = run(&["--uart", &port, "--baud", "fast"]);
    assert!(
        said.contains("baud: fast is no whole number from 50 to 16000000"),
        "{said}"
    );
    let said = run(&["--uart", &port, "--framing", "9N1"]);
    assert!(said.contains("framing: 9N1 is none of 8N1"), "{said}");
    let said = run(&["--uart", &port, "--baud", "9600", "--baud", "115200"]);
    assert!(said.contains("2 baud rates for 1 UARTs"), "{said}");
    let said = run(&["--uart", &port, "--duration=-1"]);
    assert!(said.contains("-1 is no number of seconds"), "{said}");
    // Nothing was begun.
    assert!(!place.path("recordings").exists());

    let session = Monitor::start(&place, &["--uart", &port, "--record", "one.fscap"]);
    let id = session.child.id();
    let said = run(&["--uart", &port, "--record", "two.fscap"]);
    assert!(
        said.contains(&format!(
            "is in use by fieldscope (process {id}). Close it there"
        )),
        "{said}"
    );
    session.signal("-INT");
    session.end();
    let said = run(&["--uart", &port, "--record", "one.fscap"]);
    assert!(said.contains("it is there already"), "{said}");
}

#[test]
fn what_is_present_is_listed_and_nothing_else_is_asked_for() {
    let place = Place::new();
    let listed = place.run(&["monitor", "--list"]);
    assert_eq!(listed.code, Some(0), "{}", listed.err);
    let is_none = listed
        .err
        .contains("no debug probe and no serial port is there. Plug in a board");
    assert_eq!(
        listed.out.is_empty(),
        is_none,
        "{} {}",
        listed.out,
        listed.err
    );
    assert!(
        listed.out.lines().all(|line| line.starts_with("UART: ")),
        "{}",
        listed.out
    );
    let nothing = place.run(&["monitor"]);
    assert_eq!(nothing.code, Some(2));
    assert!(nothing.err.contains("--uart <PORT>"), "{}", nothing.err);
}

#[test]
fn two_uarts_are_one_session_and_input_goes_to_the_first() {
    let place = Place::new();
    let (mut one, mut two) = (Uart::new(), Uart::new());
    let (first, second) = (
        one.path.display().to_string(),
        two.path.display().to_string(),
    );
    let args = [
        "--uart", &first, "--uart", &second, "--baud", "9600", "--baud", "921600",
    ];
    let mut session = Monitor::start(&place, &args);
    // Each says so, in any order.
    session.wait_for("baud, 8N1: listening");
    one.say(b"from the first\n");
    two.say(b"from the second\n");
    let mut input = session.child.stdin.take().expect("its input");
    input.write_all(b"reset\n").expect("it reads");
    let mut heard = [0; 6];
    one.board.read_exact(&mut heard).expect("the board hears");
    assert_eq!(&heard, b"reset\n");
    std::thread::sleep(Duration::from_millis(300));
    session.signal("-INT");
    let (status, out, said) = session.end();
    assert_eq!(status.code(), Some(0), "{said}");
    let mut rows: Vec<&str> = out.lines().collect();
    rows.sort_unstable();
    let mut expected = [
        format!("{first}, 9600 baud, 8N1: from the first"),
        format!("{second}, 921600 baud, 8N1: from the second"),
    ];
    expected.sort_unstable();
    assert_eq!(rows, expected);
    // Recorded beside the workspace, as two logs of one capture.
    let recordings: Vec<_> = std::fs::read_dir(place.path("recordings"))
        .expect("a folder")
        .collect();
    assert_eq!(recordings.len(), 1);
    for (log, text) in [
        ("uart.log", "from the first\n"),
        ("uart-2.log", "from the second\n"),
    ] {
        let name = recordings[0].as_ref().expect("a file").file_name();
        let name = name.to_string_lossy().into_owned();
        let shown = place.run(&[
            "logs",
            "--workspace",
            "w.fieldscope",
            "--capture",
            &name,
            log,
        ]);
        assert_eq!(shown.out, text, "{}", shown.err);
    }
}

#[test]
fn the_recording_does_not_wait_for_whoever_reads_the_output() {
    let place = Place::new();
    let mut uart = Uart::new();
    let port = uart.path.display().to_string();
    let session = Monitor::start(&place, &["--uart", &port, "--record", "s.fscap"]);
    // Nobody reads: a pipe takes 64 KiB.
    let mut sent = Vec::new();
    while sent.len() < 400_000 {
        let text = format!("row {} of a board that goes on talking\n", sent.len());
        uart.say(text.as_bytes());
        sent.extend_from_slice(text.as_bytes());
    }
    wait_for_bytes(&place.path("s.fscap"), sent.len());
    session.signal("-INT");
    let (status, out, said) = session.end();
    assert_eq!(status.code(), Some(0), "{said}");
    assert_eq!(out.as_bytes(), sent);
    let recorded = place.run(&["logs", "s.fscap"]);
    assert_eq!(recorded.out.as_bytes(), sent);
}

#[test]
fn a_session_whose_output_nobody_reads_any_more_ends_and_is_kept() {
    let place = Place::new();
    let mut uart = Uart::new();
    let port = uart.path.display().to_string();
    let mut session = Monitor::start(&place, &["--uart", &port, "--record", "s.fscap"]);
    drop(session.child.stdout.take());
    uart.say(b"a row that nobody reads\n");
    let mut said = String::new();
    session.said.read_to_string(&mut said).expect("text");
    assert_eq!(
        session.child.wait().expect("it ends").code(),
        Some(0),
        "{said}"
    );
    assert!(said.contains("24 bytes recorded in s.fscap"), "{said}");
    let shown = place.run(&[
        "logs",
        "--workspace",
        "w.fieldscope",
        "--capture",
        "s.fscap",
        "uart.log",
    ]);
    assert_eq!(shown.out, "a row that nobody reads\n", "{}", shown.err);
}

#[test]
fn a_session_that_was_killed_has_recorded_everything() {
    let place = Place::new();
    let mut uart = Uart::new();
    let port = uart.path.display().to_string();
    let mut session = Monitor::start(&place, &["--uart", &port, "--record", "s.fscap"]);
    let mut sent = Vec::new();
    for row in 0..200 {
        let text = format!("row {row} of a board that is talking\n");
        uart.say(text.as_bytes());
        sent.extend_from_slice(text.as_bytes());
    }
    wait_for_bytes(&place.path("s.fscap"), sent.len());
    session.child.kill().expect("it is killed");
    session.child.wait().expect("it ends");
    let shown = place.run(&["logs", "s.fscap"]);
    assert_eq!(shown.out.as_bytes(), sent);
}

/// The firmware of the demo on an emulated board. It starts when it is told to.
struct Board {
    process: Child,
    path: String,
}

impl Board {
    fn new(elf: &Path) -> Self {
        let mut process = Command::new("qemu-system-arm")
            .args([
                "-M",
                "mps2-an385",
                "-display",
                "none",
                "-nic",
                "none",
                "-serial",
                "pty",
                "-monitor",
                "stdio",
                "-S",
            ])
            .args(["-icount", "shift=6,align=off,sleep=off", "-kernel"])
            .arg(elf)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("QEMU starts");
        let told = BufReader::new(process.stdout.take().expect("its words"));
        let mut lines = told.lines().map(|line| line.expect("text"));
        let told = lines
            .find(|line| line.contains("/dev/pts/"))
            .expect("a pseudo terminal");
        let path = told
            .split_whitespace()
            .find(|word| word.starts_with("/dev/pts/"));
        let path = path.expect("its path").to_owned();
        // What it tells later is not read, and must not stop it.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, path }
    }

    fn start(&mut self) {
        let mut monitor = self.process.stdin.take().expect("its monitor");
        // It looks once in a second whether somebody has opened the terminal.
        std::thread::sleep(Duration::from_millis(2500));
        monitor.write_all(b"cont\n").expect("it reads");
        self.process.stdin = Some(monitor);
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        // It waits for interrupts for ever.
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

#[test]
#[ignore = "needs gcc-arm-none-eabi and qemu-system-arm; scripts/check.sh sdk runs it"]
fn a_board_is_listened_to_and_its_recording_has_what_it_measured() {
    let place = Place::new();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/sdk-two-lines");
    let built = Command::new(script).arg(place.path("made")).status();
    assert!(built.expect("the script starts").success());
    let (elf, alone) = (
        place.path("made/before.elf"),
        place.path("made/before.uart"),
    );
    let mut board = Board::new(&elf);
    let elf = elf.display().to_string();
    let session = Monitor::start(
        &place,
        &["--uart", &board.path, "--elf", &elf, "--record", "s.fscap"],
    );
    board.start();
    // The same firmware wrote this into a file: everything of it has to come.
    let sent = std::fs::read(&alone).expect("the file");
    wait_for_bytes(&place.path("s.fscap"), sent.len());
    std::thread::sleep(Duration::from_millis(500));
    session.signal("-INT");
    let (status, out, said) = session.end();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(out.contains("the last scene ends"), "{out}");
    let alone = alone.display().to_string();
    for command in ["metrics", "logs"] {
        let of = |input: &str| {
            let answer = place.run(&[command, input, "--elf", &elf, "--json"]);
            assert_eq!(answer.code, Some(0), "{}", answer.err);
            let rows = answer.out.lines().map(|line| {
                let mut row: Value = serde_json::from_str(line).expect("JSON");
                row["file"] = Value::Null;
                row
            });
            rows.collect::<Vec<Value>>()
        };
        assert_eq!(of("s.fscap"), of(&alone), "{command}");
    }
    let stored = place.run(&[
        "metrics",
        "--workspace",
        "w.fieldscope",
        "--device",
        "DA143532",
        "--json",
    ]);
    assert_eq!(stored.code, Some(0), "{}", stored.err);
    assert!(stored.out.contains("MainTaskMs"), "{}", stored.out);
}

#[test]
fn the_recording_gives_the_answers_of_the_session_byte_for_byte() {
    let place = Place::new();
    let elf = common::fixture("sdk/meadow-an386.elf");
    let mut uart = Uart::new();
    let port = uart.path.display().to_string();
    let session = Monitor::start(
        &place,
        &["--uart", &port, "--elf", &elf, "--record", "s.fscap"],
    );
    // What a device measured, logged and left of its crashes, and a fault print of another one.
    let mut sent = std::fs::read(common::fixture("sdk/meadow-an386.uart")).expect("the fixture");
    sent.extend(console().1);
    let session = session.reading();
    for part in sent.chunks(2000) {
        uart.say(part);
        std::thread::sleep(Duration::from_millis(5));
    }
    wait_for_bytes(&place.path("s.fscap"), sent.len());
    session.signal("-INT");
    let (status, _, said) = session.end();
    assert_eq!(status.code(), Some(0), "{said}");
    for again in ["second.fieldscope", "third.fieldscope"] {
        let imported = place.run(&["import", "s.fscap", "--symbols", &elf, "--workspace", again]);
        // The ELF of the fault print is nowhere.
        assert_eq!(imported.code, Some(3), "{}", imported.err);
    }
    let mut asked: Vec<Vec<&str>> = [
        "captures",
        "census",
        "crashes",
        "devices-by-attribute",
        "event-rate-by-version",
        "issues",
        "metrics",
        "vitals",
    ]
    .into_iter()
    .map(|name| vec!["query", name])
    .collect();
    for name in [
        "fleet-band",
        "histogram",
        "mean-by-version",
        "spread-by-version",
        "top-devices",
    ] {
        asked.push(vec!["query", name, "--metric", "RssiDbm"]);
    }
    asked.push(vec!["metrics", "--device", "MS-00271"]);
    asked.push(vec!["logs", "--capture", "s.fscap", "uart.log"]);
    let answers = |workspace: &str| -> Vec<String> {
        let of = |asked: &[&str]| {
            let answer = place.run(&[asked, &["--json", "--workspace", workspace]].concat());
            assert_eq!(answer.code, Some(0), "{asked:?}: {}", answer.err);
            answer.out
        };
        let captures: Value = serde_json::from_str(&of(&["query", "captures"])).expect("JSON");
        let columns = captures["columns"].as_array().expect("columns");
        let imported = columns.iter().position(|column| column == "imported_at");
        let imported = &captures["rows"][0][imported.expect("when it was imported")];
        // That it was imported at another time is no other answer.
        let imported = imported.as_str().expect("a time");
        let answers = asked
            .iter()
            .map(|asked| of(asked).replace(imported, "then"));
        answers.collect()
    };
    let live = answers("w.fieldscope");
    assert!(live.iter().all(|answer| answer.len() > 100), "{asked:?}");
    for again in ["second.fieldscope", "third.fieldscope"] {
        for (asked, (live, again)) in asked.iter().zip(live.iter().zip(answers(again))) {
            assert!(*live == again, "{asked:?}");
        }
    }
}

/// A recording of some seconds that were pauses.
fn paused_recording(place: &Place) -> PathBuf {
    let mut uart = Uart::new();
    let port = uart.path.display().to_string();
    let session = Monitor::start(place, &["--uart", &port, "--record", "s.fscap", "--json"]);
    for row in ["first\n", "second\n", "third\n"] {
        uart.say(row.as_bytes());
        std::thread::sleep(Duration::from_millis(700));
    }
    session.signal("-INT");
    let (status, out, said) = session.end();
    assert_eq!(status.code(), Some(0), "{said}");
    std::fs::write(place.path("live.json"), out).expect("it is kept");
    place.path("s.fscap")
}

#[test]
fn a_replay_prints_what_the_session_printed_at_the_pace_that_is_asked_for() {
    let place = Place::new();
    paused_recording(&place);
    let live = std::fs::read_to_string(place.path("live.json")).expect("what was printed");
    assert_eq!(live.lines().count(), 3);
    let replay = |speed: &str| {
        let begun = Instant::now();
        let answer = place.run(&["replay", "s.fscap", "--speed", speed, "--json"]);
        assert_eq!(answer.code, Some(0), "{}", answer.err);
        assert_eq!(answer.out, live);
        begun.elapsed()
    };
    assert!(replay("1") >= Duration::from_millis(1400));
    replay("100");
    replay("max");
    // At a terminal it is stepped through and let go.
    let terminal = Uart::new();
    let mut keys = &terminal.board;
    let stdin = std::fs::File::open(&terminal.path).expect("the terminal");
    let mut slow = place.command();
    slow.args(["replay", "s.fscap", "--speed", "0.1", "--json"]);
    let slow = slow
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let slow = slow.spawn().expect("it starts");
    keys.write_all(b"faster\nmax\n").expect("it is typed");
    let answer = slow.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&answer.stderr);
    assert_eq!(answer.status.code(), Some(0), "{said}");
    // Said at the beginning, and for what is none of it.
    assert_eq!(
        said.matches("Enter pauses and goes on").count(),
        2,
        "{said}"
    );
    assert_eq!(String::from_utf8_lossy(&answer.stdout), live);
    let wrong = place.run(&["replay", "s.fscap", "--speed", "backwards"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.err.contains("backwards is no speed"), "{}", wrong.err);
    std::fs::write(place.path("no.fscap"), "nothing").expect("a file");
    let wrong = place.run(&["replay", "no.fscap"]);
    assert!(
        wrong.err.contains("is no recording of a live session"),
        "{}",
        wrong.err
    );
    // One that was cut off has everything up to there, and says where.
    let whole = std::fs::read(place.path("s.fscap")).expect("the recording");
    std::fs::write(place.path("cut.fscap"), &whole[..whole.len() - 100]).expect("a file");
    let cut = place.run(&["replay", "cut.fscap", "--speed", "max", "--json"]);
    assert_eq!(cut.code, Some(0));
    assert!(
        cut.err.contains("FS-REC-003: cut.fscap, byte "),
        "{}",
        cut.err
    );
    assert!(live.starts_with(&cut.out));
}

/// What the program opens of the system: nothing of a device before somebody asked for it, and then that device alone.
#[test]
#[ignore = "needs strace; scripts/check.sh sdk runs it"]
fn no_device_and_no_socket_is_opened_unasked() {
    let place = Place::new();
    let uart = Uart::new();
    let port = uart.path.display().to_string();
    let opened = |args: &[&str]| {
        let trace = place.path("trace");
        let program = env!("CARGO_BIN_EXE_fieldscope");
        let ran = Command::new("strace")
            .args(["-f", "-e", "trace=open,openat,socket,connect", "-o"])
            .arg(&trace)
            .arg(program)
            .args(args)
            .current_dir(place.path(""))
            .env("HOME", place.path("home"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        // 3: no ELF is at hand.
        let code = ran.expect("strace starts").code();
        assert!(matches!(code, Some(0 | 3)), "{args:?}: {code:?}");
        let trace = std::fs::read_to_string(trace).expect("the trace");
        assert!(trace.lines().count() > 10);
        let is_device = |line: &&str| {
            let ordinary = ["\"/dev/null\"", "\"/dev/urandom\"", "\"/dev/shm"];
            line.contains("\"/dev/") && !ordinary.iter().any(|name| line.contains(name))
        };
        let is_socket = |line: &&str| line.contains("socket(AF_") || line.contains("connect(");
        let lines = trace
            .lines()
            .filter(|line| is_device(line) || is_socket(line));
        lines.map(str::to_owned).collect::<Vec<String>>()
    };
    let (log, _) = console();
    let log = log.display().to_string();
    for args in [
        &["import", "--no-cache", "--workspace", "w.fieldscope", &log][..],
        &["logs", &log],
        &["query", "census", "--workspace", "w.fieldscope"],
        &["monitor", "--list"],
    ] {
        assert_eq!(opened(args), Vec::<String>::new(), "{args:?}");
    }
    let monitor = [
        "monitor",
        "--no-cache",
        "--workspace",
        "w.fieldscope",
        "--uart",
        &port,
        "--duration",
        "0.3",
    ];
    let opened = opened(&monitor);
    assert!(!opened.is_empty());
    assert!(opened.iter().all(|line| line.contains(&port)), "{opened:?}");
}

#[test]
fn a_baud_rate_is_guessed_while_the_board_talks() {
    let place = Place::new();
    let uart = Uart::new();
    let port = uart.path.display().to_string();
    let silent = monitor(&place)
        .args(["--uart", &port, "--baud", "auto"])
        .output();
    let silent = silent.expect("the program starts");
    assert_eq!(silent.status.code(), Some(2));
    let why = String::from_utf8(silent.stderr).expect("text");
    assert!(why.contains("baud: nothing came"), "{why}");
    // A pseudo terminal has no rate: what comes is text at the first one. Nor has it the lines DTR and RTS.
    let mut uart = Uart::new();
    let port = uart.path.display().to_string();
    let talks = std::thread::spawn(move || {
        for row in 0..100 {
            uart.say(format!("row {row} of a board that is talking\n").as_bytes());
            std::thread::sleep(Duration::from_millis(20));
        }
        uart
    });
    let session = Monitor::start(
        &place,
        &[
            "--uart", &port, "--baud", "auto", "--dtr", "off", "--rts", "on", "--record", "s.fscap",
        ],
    );
    let _uart = talks.join().expect("it talks");
    session.signal("-INT");
    let (status, out, said) = session.end();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(out.contains("row 99 of a board"), "{out}");
}

//! Boards behind a debug probe. The probe is software, everything else is real: probe-rs in front of it, and behind it firmware on a
//! board that QEMU emulates.
#![cfg(all(feature = "probe", target_os = "linux"))]

#[expect(dead_code, reason = "other tests use the rest of it")]
mod common;
#[expect(dead_code, reason = "other tests use the rest of it")]
#[path = "common/qemu.rs"]
mod qemu;
#[path = "common/sim_probe.rs"]
mod sim_probe;
#[path = "common/uart.rs"]
mod uart;

use common::Place;
use fieldscope::engine::live::{
    Heard, LinkState, LiveSession, LiveSummary, Look, Observing, Recorder, Settings, Watch,
    WatchList, link_kind,
};
use fieldscope::formats::sdk;
use fieldscope::model::device_message::{EventKind, MessageBody};
use fieldscope::model::progress::Unattended;
use fieldscope::symbols::symbol_file::SymbolFile;
use qemu::{GdbBoard, NUMBERS, free_address};
use serde_json::Value;
use sim_probe::{Answers, plug_in};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use uart::Uart;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// What a session told.
#[derive(Clone, Debug)]
enum Told {
    State(LinkState),
    Look(Look),
    Rtt(u8, Vec<u8>),
}

/// A session in a thread of its own.
struct Session {
    told: Receiver<Told>,
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<LiveSummary>,
}

impl Session {
    fn start(serial: &str, recording: &Path, observing: Observing, allowed: &'static str) -> Self {
        let kind = link_kind("probe").expect("the kind of link");
        let settings = Settings::default()
            .with("probe", format!("ffff:0001:{serial}"))
            .with("chip", "auto")
            .with(allowed, if allowed == "rtt" { "on" } else { "halt" });
        let session = LiveSession::open(vec![(kind, settings)]).expect("the probe opens");
        let session = session.observing(observing);
        let recorder = Recorder::create(recording, "2026-11-29T20:00:00Z".to_owned());
        let recorder = recorder.expect("a recording");
        let (sender, told) = channel();
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || {
            let heard = |heard: Heard<'_>| {
                let told = match heard {
                    Heard::State(_, state) => Told::State(state.clone()),
                    Heard::Looked(_, look) => Told::Look(look.clone()),
                    Heard::Received(number, bytes) => Told::Rtt(number, bytes.to_vec()),
                    _ => return,
                };
                // The test may have seen enough.
                _ = sender.send(told);
            };
            session
                .run(recorder, move || ends.load(Ordering::Relaxed), heard)
                .expect("it runs")
        });
        Self {
            told,
            is_over,
            thread,
        }
    }

    /// Waits for a state that holds a text.
    fn wait_for(&self, text: &str) -> String {
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{text} was never told");
            if let Ok(Told::State(state)) = self.told.recv_timeout(left) {
                let state = format!("{state:?}");
                if state.contains(text) {
                    return state;
                }
            }
        }
    }

    /// Waits for a look that is so.
    fn wait_for_look(&self, is_it: impl Fn(&Look) -> bool) {
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "there was no such look");
            match self.told.recv_timeout(left) {
                Ok(Told::Look(look)) if is_it(&look) => {
                    assert_ne!(value(&look, 0), Some(0.0), "what was not read is missing");
                    return;
                }
                _ => {}
            }
        }
    }

    /// Looks during a time.
    fn looks(&self, time: Duration) -> Vec<Look> {
        let end = Instant::now() + time;
        let mut looks = Vec::new();
        while let Ok(told) = self
            .told
            .recv_timeout(end.saturating_duration_since(Instant::now()))
        {
            if let Told::Look(look) = told {
                looks.push(look);
            }
            if Instant::now() >= end {
                break;
            }
        }
        looks
    }

    fn end(self) -> LiveSummary {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().expect("no panic")
    }
}

fn observing(names: &[&str]) -> Observing {
    let elf = std::fs::read(fixture("qemu-freertos/an386.elf")).expect("the fixture");
    let elfs = vec![Arc::new(
        SymbolFile::parse("an386.elf", elf).expect("an ELF"),
    )];
    let watches = names
        .iter()
        .map(|name| Watch::find(&elfs, &format!("{name}@100")).expect("a number"));
    Observing {
        watches: WatchList::new(watches.collect()),
        elfs,
    }
}

fn board() -> GdbBoard {
    let elf = fixture("qemu-freertos/an386.elf");
    GdbBoard::start("mps2-an386", &elf, &free_address())
}

fn value(look: &Look, at: u16) -> Option<f64> {
    let value = look.values.iter().find(|(number, _)| *number == at)?;
    value.1.map(|value| value.as_f64())
}

/// What is said of a crash of that board.
fn report(place: &Place, input: &Path) -> Value {
    let elf = fixture("qemu-freertos/an386.elf").display().to_string();
    let input = input.display().to_string();
    let answer = place.run(&["backtrace", &input, "--elf", &elf, "--no-cache", "--json"]);
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    serde_json::from_str(&answer.out).expect("JSON")
}

/// The functions of its crashed thread.
fn functions(report: &Value) -> Vec<Value> {
    let frames = report["threads"][0]["frames"].as_array();
    let frames = frames.expect("frames").iter();
    frames.map(|frame| frame["function"].clone()).collect()
}

#[test]
#[ignore = "needs qemu-system-arm; scripts/check.sh sdk runs it"]
fn a_board_is_observed_and_nothing_is_written_to_it() {
    let place = Place::new();
    let mut board = board();
    let shared = plug_in("observe", &board.address);
    let session = Session::start("observe", &place.path("s.fscap"), observing(&NUMBERS), "");
    let identified = session.wait_for("Identified");
    assert!(identified.contains("Cortex-M4"), "{identified}");
    assert!(
        identified.contains("board: Some(\"ada2c6bfe805e3ca69baf364a409633b9b989bc8\")"),
        "{identified}"
    );
    let looks = session.looks(Duration::from_secs(2));
    assert!(looks.len() > 20, "{} looks", looks.len());
    let ticks: Vec<f64> = looks
        .iter()
        .map(|look| value(look, 0).expect("a value"))
        .collect();
    assert!(
        ticks.is_sorted() && ticks[0] < ticks[ticks.len() - 1],
        "{ticks:?}"
    );
    for look in &looks {
        assert_eq!(look.values.len(), NUMBERS.len());
        assert_eq!(value(look, 4), Some(1.0), "the scheduler runs");
    }
    board.say("1");
    session.wait_for("HardFault");
    board.printed("#FD:END#");
    let summary = session.end();
    let [core] = summary.cores.as_slice() else {
        panic!("{summary:?}");
    };
    // The registers are those of the frame that the processor pushed: the same frames as in the board's own dump.
    let own = report(&place, &fixture("qemu-freertos/an386-1.core"));
    let found = report(&place, core);
    assert_eq!(functions(&found), functions(&own));
    assert_eq!(found["headline"], own["headline"]);
    assert_eq!(found["fingerprint"], own["fingerprint"]);
    let warnings = found["warnings"].to_string();
    assert!(warnings.contains("r4 to r11 are not in it"), "{warnings}");
    let cost = summary.cost.expect("what it cost");
    assert_eq!((cost.n_halts, cost.halted), (0, Duration::ZERO));
    let shared = shared.lock().unwrap();
    assert!(shared.n_read > 1000);
    assert_eq!(shared.written, [], "observing writes nothing at all");
}

#[test]
#[ignore = "needs qemu-system-arm; scripts/check.sh sdk runs it"]
fn a_fault_is_a_crash_with_all_frames_where_the_board_may_be_halted() {
    let place = Place::new();
    let mut board = board();
    let shared = plug_in("fault", &board.address);
    let session = Session::start("fault", &place.path("s.fscap"), observing(&[]), "on_fault");
    session.wait_for("Identified");
    assert_eq!(shared.lock().unwrap().written, []);
    board.say("1");
    session.wait_for("HardFault");
    session.wait_for("left running");
    std::thread::sleep(Duration::from_millis(300));
    let summary = session.end();
    let [core] = summary.cores.as_slice() else {
        panic!("{summary:?}");
    };
    let live = functions(&report(&place, core));
    let own = functions(&report(&place, &fixture("qemu-freertos/an386-1.core")));
    let fault = live
        .iter()
        .position(|name| name == "poke")
        .expect("where it faulted");
    assert_eq!(live[fault..], own[..], "below the handler: {live:?}");
    // Halted, registers selected, run: nothing else.
    let shared = shared.lock().unwrap();
    let dhcsr: Vec<u32> = shared
        .written
        .iter()
        .filter(|(addr, _)| *addr == 0xE000_EDF0)
        .map(|(_, value)| *value)
        .collect();
    assert_eq!(dhcsr, [0xA05F_0003, 0xA05F_0001]);
    assert!(
        shared
            .written
            .iter()
            .all(|(addr, _)| matches!(addr, 0xE000_EDF0 | 0xE000_EDF4))
    );
}

#[test]
#[ignore = "needs qemu-system-arm; scripts/check.sh sdk runs it"]
fn what_goes_wrong_is_told_in_words_and_the_session_goes_on() {
    let place = Place::new();
    let board = board();
    let shared = plug_in("faulty", &board.address);
    let session = Session::start(
        "faulty",
        &place.path("s.fscap"),
        observing(&["xTickCount"]),
        "",
    );
    session.wait_for("Identified");
    let answer = |answers| shared.lock().unwrap().answers = answers;
    // A port that is busy, or refuses: the numbers are missing for that time, never 0.
    for refusal in [Answers::Wait, Answers::Fault] {
        answer(refusal);
        session.wait_for_look(|look| value(look, 0).is_none());
        answer(Answers::Right);
        session.wait_for_look(|look| value(look, 0).is_some());
    }
    for (answers, words) in [
        (Answers::Nothing, "no chip answers"),
        (Answers::Unplugged, "is gone"),
    ] {
        let begun = Instant::now();
        answer(answers);
        session.wait_for(words);
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "{words}: {:?}",
            begun.elapsed()
        );
        answer(Answers::Right);
        session.wait_for("Connected");
        session.wait_for("Identified");
        session.wait_for_look(|look| value(look, 0).is_some());
    }
    let summary = session.end();
    // One may be lost again while it is being opened.
    assert!((2..=3).contains(&summary.n_lost), "{}", summary.n_lost);
    assert_eq!(shared.lock().unwrap().written, []);
}

#[test]
#[ignore = "needs qemu-system-arm; scripts/check.sh sdk runs it"]
fn probe_and_uart_of_one_board_are_one_session() {
    let place = Place::new();
    let elf = fixture("qemu-freertos/an386.elf");
    let mut board = GdbBoard::start("mps2-an386", &elf, &free_address());
    plug_in("both", &board.address);
    let mut uart = Uart::new();
    let kind = |id: &str| link_kind(id).expect("a kind of link");
    let settings = Settings::default()
        .with("probe", "ffff:0001:both")
        .with("on_fault", "halt");
    let port = uart.path.display().to_string();
    let session = LiveSession::open(vec![
        (kind("uart"), Settings::default().with("port", port)),
        (kind("probe"), settings),
    ]);
    let session = session
        .expect("both open")
        .observing(observing(&["xTickCount"]));
    let recording = place.path("s.fscap");
    let recorder =
        Recorder::create(&recording, "2026-11-29T20:00:00Z".to_owned()).expect("a recording");
    let is_over = Arc::new(AtomicBool::new(false));
    let ends = Arc::clone(&is_over);
    let (sender, told) = channel();
    let thread = std::thread::spawn(move || {
        let heard = |heard: Heard<'_>| {
            if let Heard::State(number, LinkState::Faulted { .. }) = heard {
                _ = sender.send(number);
            }
        };
        session
            .run(recorder, move || ends.load(Ordering::Relaxed), heard)
            .expect("it runs")
    });
    // The board's own UART is QEMU's; what it prints goes through ours.
    std::thread::sleep(Duration::from_millis(500));
    board.say("1");
    let printed = board.printed("#FD:END#");
    uart.say(printed.as_bytes());
    assert_eq!(
        told.recv_timeout(Duration::from_secs(5)),
        Ok(1),
        "the link of the probe tells"
    );
    std::thread::sleep(Duration::from_millis(500));
    is_over.store(true, Ordering::Relaxed);
    let summary = thread.join().expect("no panic");
    assert!(
        summary.n_bytes > 1000 && summary.n_looks > 5 && summary.cores.len() == 1,
        "{summary:?}"
    );
    let elf = elf.display().to_string();
    let imported = place.run(&[
        "import",
        "s.fscap",
        "--symbols",
        &elf,
        "--workspace",
        "w.fieldscope",
        "--no-cache",
    ]);
    // The print on the UART names no build, so that an ELF counts as missing for it.
    assert!(matches!(imported.code, Some(0 | 3)), "{}", imported.err);
    assert!(imported.out.contains("poke"), "{}", imported.out);
    let logs = place.run(&["logs", "s.fscap", "--raw"]);
    for part in ["INF logger", "#FD:"] {
        let n = |text: &str| text.matches(part).count();
        assert_eq!(n(&logs.out), n(&printed), "{part}");
    }
}

#[test]
#[ignore = "needs gcc-arm-none-eabi and qemu-system-arm; scripts/check.sh sdk runs it"]
fn rtt_is_read_without_a_loss_and_only_its_read_offsets_are_written() {
    let place = Place::new();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/rtt-board");
    let built = std::process::Command::new(script)
        .arg(place.path("made"))
        .status();
    assert!(built.expect("the script starts").success());
    let elf = place.path("made/rtt.elf");
    let file =
        SymbolFile::parse("rtt.elf", std::fs::read(&elf).expect("it was built")).expect("an ELF");
    let block = file.symbol("_SEGGER_RTT").expect("its block").address;
    // Without the symbol the block is looked for.
    for names in [true, false] {
        let board = GdbBoard::start("mps2-an385", &elf, &free_address());
        let serial = if names { "rtt" } else { "rtt-searched" };
        let shared = plug_in(serial, &board.address);
        let read = if names {
            &elf
        } else {
            &place.path("made/stripped.elf")
        };
        if !names {
            let stripped = std::process::Command::new("arm-none-eabi-objcopy")
                .args(["--strip-symbol=_SEGGER_RTT"])
                .args([&elf, read])
                .status();
            assert!(stripped.expect("objcopy starts").success());
        }
        let elfs = vec![Arc::new(
            SymbolFile::parse("rtt.elf", std::fs::read(read).expect("a file")).expect("an ELF"),
        )];
        let watches = ["RSSI", "SensorC", "rows"].map(|name| Watch::find(&elfs, name).expect(name));
        let observing = Observing {
            elfs,
            watches: WatchList::new(watches.to_vec()),
        };
        let session = Session::start(
            serial,
            &place.path(format!("{serial}.fscap")),
            observing,
            "rtt",
        );
        let (mut rows, mut others, mut pulled) = (Vec::new(), Vec::new(), Vec::new());
        let (mut looks, mut states) = (Vec::new(), Vec::new());
        let end = Instant::now() + Duration::from_secs(3);
        while Instant::now() < end {
            match session.told.recv_timeout(Duration::from_millis(100)) {
                Ok(Told::Rtt(16, bytes)) => rows.extend(bytes),
                Ok(Told::Rtt(17, bytes)) => others.extend(bytes),
                Ok(Told::Rtt(_, bytes)) => pulled.extend(bytes),
                Ok(Told::Look(look)) => looks.push(look),
                Ok(Told::State(state)) => states.push(format!("{state:?}")),
                _ => {}
            }
        }
        session.end();
        let text = String::from_utf8(rows).expect("text");
        let n_rows = text.lines().count();
        assert!(n_rows > 1000, "{n_rows} rows");
        for (number, row) in text.lines().take(n_rows - 1).enumerate() {
            assert_eq!(row, format!("row {number:08} of RTT"));
        }
        assert!(
            String::from_utf8(others)
                .expect("text")
                .starts_with("64 more\n64 more\n")
        );
        // The event of its boot and who it is, which nobody sends.
        let unsent: Vec<&String> = states
            .iter()
            .filter(|state| state.starts_with("Unsent"))
            .collect();
        assert_eq!(unsent.len(), 1, "{states:?}");
        assert!(
            unsent[0].contains("heartbeats: 0, events: 1, others: 1"),
            "{unsent:?}"
        );
        // And what is in them, told once, as the board would send it.
        let read = sdk::read(&pulled, sdk::SdkCarrier::Lines, &Unattended).expect("nobody cancels");
        assert!(read.warnings.is_empty(), "{:?}", read.warnings);
        let [who, boot] = read.messages.as_slice() else {
            panic!("{:?}", read.messages);
        };
        assert!(matches!(who.body, MessageBody::Device(_)), "{who:?}");
        let MessageBody::Event(event) = &boot.body else {
            panic!("{boot:?}");
        };
        assert_eq!((event.kind, boot.sender.boot), (EventKind::Boot, Some(1)));
        // The metric that is set, the one that never was, and a variable.
        let last = looks.last().expect("looks");
        assert_eq!(value(last, 0), Some(-57.0));
        assert_eq!(value(last, 1), None);
        assert!(value(last, 2) > Some(1000.0));
        let written = &shared.lock().unwrap().written;
        let offsets = [block + 24 + 16, block + 24 + 24 + 16];
        assert!(!written.is_empty());
        assert!(
            written
                .iter()
                .all(|(addr, _)| offsets.contains(&u64::from(*addr))),
            "{written:x?}"
        );
    }
}

#[test]
#[ignore = "needs qemu-system-arm; scripts/check.sh sdk runs it"]
fn what_cannot_be_opened_says_why() {
    let board = board();
    let shared = plug_in("closed", &board.address);
    let kind = link_kind("probe").expect("the kind of link");
    let open = |id: &str, chip: &str| {
        let settings = Settings::default().with("probe", id).with("chip", chip);
        kind.open(&settings)
            .map(drop)
            .map_err(|error| error.to_string())
    };
    let closed = "ffff:0001:closed";
    assert_eq!(open(closed, "auto"), Ok(()));
    assert_eq!(open(closed, "STM32F405RG"), Ok(()));
    let wrong = open(closed, "nRF51822_xxAA").unwrap_err();
    assert!(
        wrong.contains("Cortex-M4") && wrong.contains("nRF51822_xxAA"),
        "{wrong}"
    );
    let unknown = open(closed, "abc123").unwrap_err();
    assert!(
        unknown.contains("abc123") && unknown.contains("or auto"),
        "{unknown}"
    );
    let missing = open("ffff:0001:nowhere", "auto").unwrap_err();
    assert!(missing.contains("is not there"), "{missing}");
    let nonsense = open("the blue one", "auto").unwrap_err();
    assert!(nonsense.contains("VID:PID"), "{nonsense}");
    shared.lock().unwrap().answers = Answers::Locked;
    let locked = open(closed, "auto").unwrap_err();
    assert!(locked.contains("locked against debugging"), "{locked}");
    shared.lock().unwrap().answers = Answers::Nothing;
    let silent = open(closed, "auto").unwrap_err();
    assert!(silent.contains("no chip answers"), "{silent}");
    let present = kind.present();
    let ours = present
        .iter()
        .find(|present| present.title.contains("closed"))
        .expect("it is listed");
    assert_eq!(ours.problem, None);
    assert_eq!(shared.lock().unwrap().written, []);
}

//! A board that is listened to in the window: what the engine tells of it while it is live, and what the workspace has of it
//! afterwards.
#![cfg(unix)]

#[path = "common/uart.rs"]
mod uart;

use fieldscope::engine::Engine;
use fieldscope::engine::command::Command;
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::job::JobOutcome;
use fieldscope::engine::live::board::{Board, BoardBuild, Ended, Phase};
use fieldscope::engine::live::choice::LinkChoice;
use fieldscope::engine::live::{LinkError, LinkState, Settings, link_kind};
use fieldscope::engine::queries::captures::CapturesQuery;
use fieldscope::engine::queries::issue_list::IssueListQuery;
use fieldscope::engine::queries::log_list::LogListQuery;
use fieldscope::engine::queries::log_tail::LogTailQuery;
use fieldscope::engine::queries::present_links::PresentLinksQuery;
use fieldscope::engine::workspace::Workspace;
use std::io::Read as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use uart::Uart;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

struct Desk {
    folder: tempfile::TempDir,
    engine: Engine,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("w.fieldscope");
        let cache = IndexCache::in_folder(folder.path().join("cache"));
        let workspace = Workspace::open(Some(&path), cache).expect("a workspace");
        let engine = Engine::new(workspace, Arc::new(|| {}));
        Self { folder, engine }
    }

    /// A name for a port that can be taken away and come back.
    fn port(&self, uart: &Uart) -> PathBuf {
        let port = self.folder.path().join("board");
        symlink(&uart.path, &port).expect("a name");
        port
    }

    fn order(&self, command: Command) -> JobOutcome {
        let job = self.engine.submit(command);
        self.engine.wait(job).expect("the job")
    }

    #[track_caller]
    fn done(&self, command: Command) -> String {
        match self.order(command) {
            JobOutcome::Done(said) => said,
            other => panic!("{other:?}"),
        }
    }

    fn connect(&self, port: &Path) -> JobOutcome {
        let links = vec![link(port)];
        self.order(Command::Connect { links })
    }

    /// Waits until the board is as it should be.
    #[track_caller]
    fn wait_for(&self, what: &str, is_it: impl Fn(&Board) -> bool) -> Arc<Board> {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let view = self.engine.live();
            if let Some(board) = view.board.as_ref().filter(|board| is_it(board)) {
                return Arc::clone(board);
            }
            assert!(Instant::now() < end, "never {what}: {view:#?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The last rows of the log of the first link.
    fn tail(&self, board: &Board) -> Vec<String> {
        let key = board.links[0].log.clone().expect("a log");
        let query = LogTailQuery { key, count: 3 };
        let page = self.engine.workspace().context().run(&query);
        let rows = page.expect("rows").rows.rows.into_iter();
        rows.map(|row| row.record.message).collect()
    }
}

fn link(port: &Path) -> LinkChoice {
    let kind = link_kind("uart").expect("there are UARTs");
    let settings = Settings::default().with("port", port.display().to_string());
    LinkChoice::new(kind, settings)
}

#[test]
fn a_board_is_connected_lost_connected_again_and_kept() {
    let desk = Desk::new();
    let mut uart = Uart::new();
    let port = desk.port(&uart);
    desk.done(Command::AddSymbols {
        paths: vec![fixture("sdk/meadow-an386.elf")],
    });
    let said = match desk.connect(&port) {
        JobOutcome::Done(said) => said,
        other => panic!("{other:?}"),
    };
    assert!(said.starts_with("Connected to "), "{said}");
    let board = desk.wait_for("live", |board| board.phase == Phase::Live);
    assert_eq!(board.links[0].state, LinkState::Connected);
    assert_eq!(board.links[0].log, None, "nothing came");
    let BoardBuild::Assumed { elf } = &board.build else {
        panic!("{:?}", board.build);
    };
    assert_eq!(elf, "meadow-an386.elf");

    // What it says is a log and metrics, with the words of its ELF.
    let bytes = std::fs::read(fixture("sdk/meadow-an386.uart")).expect("the fixture");
    let text = String::from_utf8(bytes).expect("text");
    let (first_hours, _later) = text.split_once("FS:EwAK").expect("its sixth log");
    let first_hours = first_hours.as_bytes();
    let (before, rest) = first_hours.split_at(700);
    uart.say(before);
    desk.wait_for("a part of a message", |board| board.n_bytes() == 700);
    uart.say(rest);
    let board = desk.wait_for("metrics", |board| {
        let rssi = board.metrics.get("RssiDbm");
        rssi.is_some_and(|rssi| rssi.samples.len() == 2)
    });
    let rssi = board.metrics.get("RssiDbm").expect("a metric");
    let values: Vec<_> = rssi.samples.iter().map(|(_, value)| *value).collect();
    assert_eq!(values, [Some(-79.0), Some(-75.0)]);
    assert_eq!(rssi.unit.as_deref(), Some("dBm"));
    assert_eq!(rssi.range, Some((-120.0, 0.0)));
    let words = |name: &str| {
        board
            .metrics
            .get(name)
            .and_then(|metric| metric.words.clone())
    };
    assert_eq!(words("Valve").as_deref(), Some("closed"));
    assert_eq!(words("FirmwareSlot").as_deref(), Some("slot-a"));
    let build = "c812c59a".to_owned();
    let elf = "meadow-an386.elf".to_owned();
    assert_eq!(board.build, BoardBuild::Matching { build, elf });
    let rows = desk.tail(&board).join("\n");
    assert!(
        rows.contains("soil 24.07 %, air 9.1 C, probe 0x41"),
        "{rows}"
    );
    let logs = desk.engine.workspace().context().run(&LogListQuery);
    let listed = logs.expect("logs").remove(0);
    assert_eq!(
        (listed.capture.as_str(), &listed.name),
        ("live", &board.links[0].title)
    );

    // What is sent reaches it.
    desk.done(Command::SendToBoard {
        link: 0,
        bytes: b"reset\r\n".to_vec(),
    });
    let mut heard = [0; 7];
    uart.board.read_exact(&mut heard).expect("the board hears");
    assert_eq!(&heard, b"reset\r\n");

    // The cable is pulled and put in again.
    std::fs::remove_file(&port).expect("the name goes");
    drop(uart);
    let board = desk.wait_for("lost", |board| {
        matches!(board.links[0].state, LinkState::Lost { .. })
    });
    let LinkState::Lost { why } = &board.links[0].state else {
        panic!("{board:?}");
    };
    assert!(why.contains("the cable was pulled"), "{why}");
    let mut uart = Uart::new();
    symlink(&uart.path, &port).expect("a name");
    let board = desk.wait_for("there again", |board| {
        board.links[0].state == LinkState::Connected
    });
    assert_eq!(board.links[0].n_lost, 1);
    uart.say(b"after it is there again\n");
    let n_bytes = first_hours.len() as u64 + 24;
    let board = desk.wait_for("all of it", |board| board.n_bytes() == n_bytes);
    assert_eq!(
        desk.tail(&board).last().map(String::as_str),
        Some("after it is there again")
    );

    // Its recording is a capture with the same log, and the link is remembered.
    desk.done(Command::Disconnect);
    let board = desk.wait_for("ended", |board| matches!(board.phase, Phase::Ended(_)));
    let Phase::Ended(Ended {
        capture, trouble, ..
    }) = &board.phase
    else {
        panic!("{board:?}");
    };
    assert_eq!(*trouble, None);
    let context = desk.engine.workspace().context();
    let captures = context.run(&CapturesQuery).expect("captures");
    assert_eq!(captures.len(), 1);
    assert_eq!(Some(captures[0].id), *capture);
    let name = board
        .recording
        .file_name()
        .expect("a name")
        .to_string_lossy();
    assert_eq!(captures[0].name, name);
    assert_eq!(
        board.recording.parent(),
        Some(&*desk.folder.path().join("recordings"))
    );
    let kept = context
        .file_of_capture(captures[0].id, "uart.log")
        .expect("its log");
    assert_eq!(kept.len() as u64, n_bytes);
    let last = context.run(&PresentLinksQuery).expect("links").last;
    assert_eq!(last.len(), 1);
    assert_eq!(last[0].title(), board.links[0].title);
    assert_eq!(desk.done(Command::Disconnect), "No board is connected");
}

#[test]
fn a_crash_is_noticed_looked_at_and_counted_once() {
    let desk = Desk::new();
    let mut uart = Uart::new();
    let port = desk.port(&uart);
    desk.connect(&port);
    uart.say(b"an ordinary line\n");
    let board = desk.wait_for("a line", |board| board.n_bytes() > 0);
    assert_eq!(board.crashes, []);
    uart.say(&std::fs::read(fixture("qemu-bare/an386-1.uart")).expect("the fixture"));
    let board = desk.wait_for("a crash", |board| !board.crashes.is_empty());
    assert_eq!(board.crashes.len(), 1);
    assert_eq!(board.crashes[0].what, "fault print");
    let BoardBuild::Missing { build } = &board.build else {
        panic!("{:?}", board.build);
    };
    assert_eq!(build.len(), 8);
    let crashes = || {
        let find = String::new();
        let issues = desk
            .engine
            .workspace()
            .context()
            .run(&IssueListQuery { find });
        let issues = issues.expect("issues").into_iter();
        let rows = issues
            .flat_map(|issue| issue.crashes)
            .map(|row| row.capture);
        rows.collect::<Vec<i64>>()
    };
    assert!(crashes().is_empty());
    desk.done(Command::TakeSoFar);
    let board = desk.wait_for("taken in", |board| board.so_far.is_some());
    assert_eq!(board.phase, Phase::Live);
    let so_far = board.so_far.expect("what was taken in");
    assert_eq!(so_far.n_crashes, 1);
    assert_eq!(crashes(), [so_far.capture]);
    uart.say(b"it goes on\n");
    let n_bytes = board.n_bytes() + 11;
    desk.wait_for("the rest", |board| board.n_bytes() == n_bytes);
    desk.done(Command::Disconnect);
    let board = desk.wait_for("ended", |board| matches!(board.phase, Phase::Ended(_)));
    let Phase::Ended(Ended {
        capture: Some(capture),
        ..
    }) = board.phase
    else {
        panic!("{board:?}");
    };
    assert_ne!(capture, so_far.capture);
    assert_eq!(crashes(), [capture]);
}

#[test]
fn links_that_cannot_be_opened_say_why() {
    let desk = Desk::new();
    let why = |links: Vec<LinkChoice>| {
        let outcome = desk.order(Command::Connect { links });
        assert!(matches!(outcome, JobOutcome::Failed(_)), "{outcome:?}");
        let view = desk.engine.live();
        assert!(view.board.is_none() && view.opening.is_empty(), "{view:?}");
        view.refused.as_ref().expect("why").error.clone()
    };
    let nobody = link(Path::new("/dev/ttyNobody7"));
    let what = "/dev/ttyNobody7".to_owned();
    assert_eq!(why(vec![nobody.clone()]), LinkError::NotThere { what });
    let mut fast = nobody.clone();
    fast.settings = fast.settings.with("baud", "fast");
    let error = why(vec![fast]);
    assert!(
        matches!(error, LinkError::Setting { field: "baud", .. }),
        "{error:?}"
    );
    assert!(
        !desk.folder.path().join("recordings").exists(),
        "nothing was begun"
    );

    let uart = Uart::new();
    let port = desk.port(&uart);
    assert!(matches!(desk.connect(&port), JobOutcome::Done(_)));
    assert!(desk.engine.live().refused.is_none());
    let JobOutcome::Failed(said) = desk.connect(&port) else {
        panic!("a second session");
    };
    assert!(said.contains("Disconnect it first"), "{said}");
    assert_eq!(
        desk.done(Command::Disconnect),
        "Disconnected; nothing had come"
    );
}

#[test]
fn a_recording_is_told_again_step_by_step_as_it_was() {
    let desk = Desk::new();
    let mut uart = Uart::new();
    let port = desk.port(&uart);
    desk.connect(&port);
    uart.say(b"an ordinary line\n");
    desk.wait_for("a line", |board| board.n_bytes() > 0);
    uart.say(&std::fs::read(fixture("qemu-bare/an386-1.uart")).expect("the fixture"));
    let crashed = desk.wait_for("a crash", |board| !board.crashes.is_empty());
    uart.say(b"it goes on\n");
    let n_bytes = crashed.n_bytes() + 11;
    let live = desk.wait_for("the last line", |board| board.n_bytes() == n_bytes);
    desk.done(Command::Disconnect);
    let path = live.recording.clone();

    desk.done(Command::Replay {
        path: path.clone(),
        from_ns: 0,
    });
    let board = desk.wait_for("a replay", |board| board.replay.is_some());
    let replay = board.replay.clone().expect("a replay");
    let crash = replay.script.events.iter().find(|event| event.is_crash);
    let crash = crash.expect("its crash is known before it is told").clone();
    assert_eq!(crash.what, "fault print");
    replay.pace.set_speed(Some(0.1));
    // The link was there; then the crash.
    while replay.next_event().is_some_and(|event| !event.is_crash) {
        replay.step();
        desk.wait_for("a step", |_| replay.pace.position().is_paused);
    }
    replay.step();
    let board = desk.wait_for("the crash", |board| {
        replay.pace.position().is_paused && !board.crashes.is_empty()
    });
    assert_eq!(replay.at_ns(), crash.ns);
    assert!(
        board.n_bytes() <= crashed.n_bytes(),
        "no more than up to it"
    );
    replay.pace.set_paused(false);
    replay.pace.set_speed(None);
    let board = desk.wait_for("its end", |board| {
        replay.is_at_end() && board.n_bytes() == live.n_bytes()
    });
    assert_eq!(desk.tail(&board), desk.tail(&live));
    let whats = |board: &Board| -> Vec<String> {
        let crashes = board.crashes.iter();
        crashes.map(|crash| crash.what.clone()).collect()
    };
    assert_eq!(whats(&board), whats(&live));
    // Again, up to its crash at once.
    desk.done(Command::Replay {
        path,
        from_ns: crash.ns,
    });
    desk.wait_for("the crash again", |board| {
        let replay = board.replay.as_ref();
        replay.is_some_and(|replay| replay.pace.position().is_paused) && board.crashes.len() == 1
    });
    assert_eq!(desk.done(Command::Disconnect), "The replay was ended");
    // It was imported when it was made, and only then.
    let captures = desk.engine.workspace().context().run(&CapturesQuery);
    assert_eq!(captures.expect("captures").len(), 1);
    let nothing = desk.order(Command::Replay {
        path: fixture("qemu-bare/an386-1.uart"),
        from_ns: 0,
    });
    let JobOutcome::Failed(said) = nothing else {
        panic!("{nothing:?}");
    };
    assert!(said.contains("no recording of a live session"), "{said}");
}

#[test]
fn a_reset_in_a_message_garbage_and_a_flood_lose_nothing() {
    let desk = Desk::new();
    let mut uart = Uart::new();
    let port = desk.port(&uart);
    desk.done(Command::AddSymbols {
        paths: vec![fixture("sdk/meadow-an386.elf")],
    });
    desk.connect(&port);
    let text = std::fs::read(fixture("sdk/meadow-an386.uart")).expect("the fixture");
    let mut sent: Vec<u8> = Vec::new();
    let mut say = |bytes: &[u8]| {
        uart.say(bytes);
        sent.extend_from_slice(bytes);
    };
    // The board is reset in the middle of its first message, sends what no port understands, and begins anew.
    let first = text.windows(3).position(|part| part == b"FS:");
    say(&text[..first.expect("a message") + 40]);
    let garbage: Vec<u8> = (0..4096_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    say(&garbage);
    say(b"\r\n");
    say(&text);
    let board = desk.wait_for("metrics", |board| {
        let rssi = board.metrics.get("RssiDbm");
        rssi.is_some_and(|rssi| !rssi.samples.is_empty())
    });
    let BoardBuild::Matching { elf, .. } = &board.build else {
        panic!("{:?}", board.build);
    };
    assert_eq!(elf, "meadow-an386.elf");
    // As much as comes in ten seconds at 3 Mbaud, as fast as the port takes it.
    let row = b"[00000000] <inf> sensor: sample 1842 of channel 3, battery 3871 mV\n";
    for _ in 0..3_000_000 / (row.len() * 100) {
        say(&row.repeat(100));
    }
    let n_bytes = sent.len() as u64;
    let begun = Instant::now();
    let board = desk.wait_for("all of it", |board| {
        board.n_bytes() + board.n_left_out == n_bytes
    });
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(10), "it is behind by {took:?}");
    assert_eq!(board.links[0].state, LinkState::Connected);
    desk.done(Command::Disconnect);
    let context = desk.engine.workspace().context();
    let captures = context.run(&CapturesQuery).expect("captures");
    let kept = context.file_of_capture(captures[0].id, "uart.log");
    assert!(
        kept.expect("its log")[..] == sent[..],
        "all of it, in its order"
    );
}

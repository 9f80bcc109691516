//! A board behind a GDB server in the window: numbers that are watched, found in the build that runs, and a fault.
#![cfg(target_os = "linux")]

#[expect(dead_code, reason = "other tests use the rest of it")]
#[path = "common/qemu.rs"]
mod qemu;

use fieldscope::engine::Engine;
use fieldscope::engine::command::{Command, Control};
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::job::JobOutcome;
use fieldscope::engine::live::board::{Board, BoardBuild, Phase};
use fieldscope::engine::live::choice::LinkChoice;
use fieldscope::engine::live::{Settings, link_kind};
use fieldscope::engine::queries::issue_list::IssueListQuery;
use fieldscope::engine::workspace::Workspace;
use qemu::{GdbBoard, free_address};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

struct Desk {
    engine: Engine,
    _folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("w.fieldscope");
        let cache = IndexCache::in_folder(folder.path().join("cache"));
        let workspace = Workspace::open(Some(&path), cache).expect("a workspace");
        Self {
            engine: Engine::new(workspace, Arc::new(|| {})),
            _folder: folder,
        }
    }

    fn order(&self, command: Command) -> Result<String, String> {
        let job = self.engine.submit(command);
        match self.engine.wait(job).expect("the job") {
            JobOutcome::Done(said) => Ok(said),
            JobOutcome::Failed(why) => Err(why),
            JobOutcome::Cancelled => Err("cancelled".to_owned()),
        }
    }

    fn watch(&self, asked: &str) -> Result<String, String> {
        self.order(Command::Watch {
            asked: asked.to_owned(),
        })
    }

    fn connect(&self, address: &str) {
        let kind = link_kind("gdb").expect("the kind of link");
        let settings = Settings::default().with("address", address);
        let links = vec![LinkChoice::new(kind, settings)];
        self.order(Command::Connect { links }).expect("it connects");
    }

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

    /// Asks for something to be done to the board; what was done, or why not.
    fn control(&self, what: Control) -> String {
        let n_before = self
            .engine
            .live()
            .board
            .as_ref()
            .map_or(0, |board| board.acts.len());
        self.order(Command::Control { link: 0, what })
            .expect("it is asked");
        let board = self.wait_for("an act", |board| board.acts.len() > n_before);
        board.acts[0].what.clone()
    }
}

fn last(board: &Board, name: &str) -> Option<f64> {
    board.metrics.get(name)?.last().map(|(_, value)| value)
}

#[test]
#[ignore = "needs qemu-system-arm; scripts/check.sh sdk runs it"]
fn numbers_are_watched_in_the_build_that_runs_and_a_fault_becomes_a_crash() {
    let desk = Desk::new();
    let elf = fixture("qemu-freertos/an386.elf");
    // Another build with a variable of the same name comes last, and is looked through first.
    let other = fixture("qemu-bare/an386.elf");
    for path in [&elf, &other] {
        let paths = vec![path.clone()];
        desk.order(Command::AddSymbols { paths }).expect("an ELF");
    }
    assert!(desk.watch("xTickCoun").unwrap_err().contains("Not watched"));
    desk.watch("ring").expect_err("no number");
    desk.watch("xTickCount@20").expect("a number");
    let mut board = GdbBoard::start("mps2-an386", &elf, &free_address());
    desk.connect(&board.address);
    let shown = desk.wait_for("it counts", |board| last(board, "xTickCount") > Some(10.0));
    assert!(shown.has_target);
    assert_eq!(shown.watched, ["xTickCount"]);
    assert!(
        matches!(&shown.build, BoardBuild::Matching { build, .. } if build == "ada2c6bf"),
        "{:?}",
        shown.build
    );
    // While it runs: the kernel has six tasks.
    desk.watch("uxCurrentNumberOfTasks@10").expect("a number");
    desk.wait_for("six tasks", |board| {
        last(board, "uxCurrentNumberOfTasks") == Some(6.0)
    });
    let cost = desk.wait_for("what it costs", |board| board.links[0].cost.is_some());
    assert!(cost.links[0].cost.expect("a cost").0.n_halts > 0);
    let name = "uxCurrentNumberOfTasks".to_owned();
    desk.order(Command::Unwatch { name }).expect("it is let go");
    let before = desk.wait_for("one number", |board| board.watched == ["xTickCount"]);
    let n = |board: &Board, name: &str| {
        board
            .metrics
            .get(name)
            .map_or(0, |metric| metric.samples.len())
    };
    let n_before = n(&before, "xTickCount");
    let after = desk.wait_for("more looks", |board| n(board, "xTickCount") > n_before + 10);
    let late = |board: &Board| {
        board
            .metrics
            .get("uxCurrentNumberOfTasks")
            .and_then(|metric| metric.read_at())
    };
    assert!(
        late(&after) <= late(&before).map(|at| at + 200_000_000),
        "it is not looked at any more"
    );

    board.say("1");
    desk.wait_for("a crash", |board| !board.crashes.is_empty());
    desk.order(Command::Disconnect).expect("it ends");
    desk.wait_for("the end", |board| matches!(board.phase, Phase::Ended(_)));
    let context = desk.engine.workspace().context();
    let issues = context.run(&IssueListQuery::default()).expect("issues");
    let titles: Vec<String> = issues.iter().map(|issue| format!("{issue:?}")).collect();
    assert_eq!(titles.len(), 1, "{titles:?}");
    assert!(titles[0].contains("poke"), "{titles:?}");
}

#[test]
#[ignore = "needs qemu-system-arm; scripts/check.sh sdk runs it"]
fn a_board_is_controlled_only_where_somebody_asks_and_is_left_running() {
    let desk = Desk::new();
    let elf = fixture("qemu-freertos/an386.elf");
    let paths = vec![elf.clone()];
    desk.order(Command::AddSymbols { paths }).expect("an ELF");
    desk.watch("xTickCount@50").expect("a number");
    desk.watch("xNumOfOverflows@50").expect("a number");
    let mut board = GdbBoard::start("mps2-an386", &elf, &free_address());
    desk.connect(&board.address);
    desk.wait_for("it counts", |board| last(board, "xTickCount") > Some(10.0));
    assert_eq!(
        desk.engine
            .live()
            .board
            .as_ref()
            .map(|board| board.acts.len()),
        Some(0)
    );

    assert_eq!(desk.control(Control::Halt), "halted");
    std::thread::sleep(Duration::from_millis(300));
    let ticks = || {
        last(
            desk.engine.live().board.as_ref().expect("a board"),
            "xTickCount",
        )
    };
    let stopped = ticks();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(ticks(), stopped, "it stands");
    let step = desk.control(Control::Step);
    assert!(step.starts_with("stepped to 0x0000"), "{step}");
    let next = desk.control(Control::Step);
    assert_ne!(next, step);
    assert_eq!(desk.control(Control::Run), "let run");
    desk.wait_for("it runs", |board| last(board, "xTickCount") > stopped);

    let write = |text: &str| desk.control(Control::Write(text.to_owned()));
    assert_eq!(
        write("xNumOfOverflows = 7"),
        "written: xNumOfOverflows = 7 (was 0)"
    );
    desk.wait_for("seven", |board| last(board, "xNumOfOverflows") == Some(7.0));
    assert_eq!(write("xNumOfOverflows = -0x9"), "-0x9 is no whole number");
    assert_eq!(
        desk.control(Control::Undo),
        "written back: xNumOfOverflows = 0"
    );
    desk.wait_for("none", |board| last(board, "xNumOfOverflows") == Some(0.0));
    let nothing = desk.control(Control::Undo);
    assert_eq!(nothing, "nothing was written that could be taken back");
    let asked = Command::Control {
        link: 0,
        what: Control::Write("xTickCount".to_owned()),
    };
    assert!(desk.order(asked).unwrap_err().contains("NAME = VALUE"));
    let shown = desk.wait_for("no crash", |_| true);
    assert!(
        shown.crashes.is_empty(),
        "a halt that was asked for is no fault"
    );

    assert_eq!(desk.control(Control::Reset), "reset");
    desk.wait_for("it begins again", |board| {
        let metric = board.metrics.get("xTickCount");
        let values = metric.map(|metric| metric.samples.iter().filter_map(|(_, value)| *value));
        let values: Vec<f64> = values.into_iter().flatten().collect();
        !values.is_sorted()
    });
    assert_eq!(desk.control(Control::Halt), "halted");
    desk.order(Command::Disconnect).expect("it ends");
    // Left running: it answers on its UART.
    board.say("1");
    board.printed("#FD:END#");
}

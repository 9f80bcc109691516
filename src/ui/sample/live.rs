//! A board that only tests see.

use super::Mode;
use super::logs::{key, log_page};
use crate::engine::live::board::{
    Board, BoardBuild, BoardLink, LiveCrash, LiveView, Phase, Replay,
};
use crate::engine::live::choice::LinkChoice;
use crate::engine::live::metrics::LiveMetrics;
use crate::engine::live::{LinkState, Pace, ReplayEvent, Script, Settings, link_kind};
use crate::engine::logs::filter::FilterStack;
use crate::engine::logs::view::LogKey;
use crate::engine::queries::log_rows::{LogPage, LogRowsQuery};
use crate::engine::queries::present_links::{LastRecording, PresentLink, PresentLinks};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const SECOND: i64 = 1_000_000_000;

/// So long before the tests' now.
fn ago(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_mins(29_923_924) - Duration::from_secs(seconds)
}

fn choice(port: &str) -> LinkChoice {
    let kind = link_kind("uart").unwrap();
    let settings = Settings::default().with("port", port);
    LinkChoice::new(kind, settings)
}

fn link(port: &str, n_bytes: u64) -> BoardLink {
    BoardLink {
        title: choice(port).title(),
        state: LinkState::Connected,
        since: ago(124),
        n_lost: 0,
        note: None,
        cost: None,
        n_bytes,
        bytes_per_second: n_bytes / 124,
        log: (n_bytes > 0).then(key),
    }
}

fn board() -> Board {
    let mut metrics = LiveMetrics::default();
    for n in 0..120_i32 {
        let at = i64::from(n) * SECOND;
        let wave = (f64::from(n) / 9.0).sin();
        let rssi = (n % 40 != 7).then_some((-61.0 + 9.0 * wave).round());
        metrics.push("rssi_dbm", Some("dBm"), Some((-120.0, 0.0)), at, rssi);
        metrics.push(
            "battery_mv",
            Some("mV"),
            Some((3000.0, 4300.0)),
            at,
            Some(4150.0 - f64::from(n)),
        );
        let gust = (n < 100).then(|| f64::from(n % 23));
        metrics.push("wind_gust_kmh", Some("km/h"), Some((0.0, 200.0)), at, gust);
        metrics.push(
            "soil_moisture_pct",
            Some("%"),
            Some((0.0, 60.0)),
            at,
            Some(66.75 + wave),
        );
        metrics.push(
            "flash_writes",
            Some("pages"),
            None,
            at,
            Some(f64::from(n / 30)),
        );
    }
    metrics.push("valve", None, None, 118 * SECOND, Some(2.0));
    metrics.say("valve", "open");
    metrics.push_text("firmware_slot", 4 * SECOND, "slot-a");
    Board {
        links: vec![link("/dev/ttyUSB0", 48_213), link("/dev/ttyACM1", 0)],
        phase: Phase::Live,
        began: ago(124),
        recording: PathBuf::from("/cases/recordings/2026-11-23T11-57-56Z.fscap"),
        recording_bytes: 51_877,
        n_left_out: 0,
        metrics,
        has_target: false,
        unsent: None,
        acts: Vec::new(),
        watched: Vec::new(),
        wrong_elf: None,
        build: BoardBuild::Matching {
            build: "c812c59a".to_owned(),
            elf: "meadow-an386.elf".to_owned(),
        },
        n_waiting_heartbeats: 0,
        crashes: Vec::new(),
        so_far: None,
        replay: None,
    }
}

fn of(board: Board) -> Arc<LiveView> {
    Arc::new(LiveView {
        board: Some(Arc::new(board)),
        ..LiveView::default()
    })
}

/// A board that is there, where there is anything.
pub(super) fn view(mode: Mode) -> LiveView {
    match mode {
        Mode::Ready => (*of(board())).clone(),
        Mode::Empty | Mode::Loading | Mode::Error => LiveView::default(),
    }
}

/// A board whose only cable was pulled, and whose ELF is missing.
pub(in crate::ui) fn lost() -> Arc<LiveView> {
    let mut board = board();
    board.links.truncate(1);
    board.links[0].since = ago(12);
    board.links[0].n_lost = 1;
    board.links[0].bytes_per_second = 0;
    let why = "/dev/ttyUSB0 is gone: the cable was pulled, or the board was switched off";
    board.links[0].state = LinkState::Lost {
        why: why.to_owned(),
    };
    board.metrics = LiveMetrics::default();
    board.n_waiting_heartbeats = 3;
    board.build = BoardBuild::Missing {
        build: "a1e688c2".to_owned(),
    };
    of(board)
}

/// A board that crashed.
pub(in crate::ui) fn crashed() -> Arc<LiveView> {
    let mut board = board();
    board.links.truncate(1);
    board.crashes.push(LiveCrash {
        link: 0,
        at: ago(7),
        what: "fault print".to_owned(),
    });
    of(board)
}

/// A recording that stands at 48 s of 124, after its link was lost and before its crash.
pub(in crate::ui) fn replayed() -> Arc<LiveView> {
    let mut board = board();
    board.links.truncate(1);
    let event = |seconds: i64, what: &str, is_crash| ReplayEvent {
        ns: seconds * SECOND,
        what: what.to_owned(),
        is_crash,
    };
    let replay = Replay {
        script: Script {
            lasted_ns: 124 * SECOND,
            events: vec![
                event(0, "the link was there", false),
                event(31, "/dev/ttyUSB0 is gone", false),
                event(48, "the link was there", false),
                event(97, "fault print", true),
            ],
            ..Script::default()
        },
        pace: Pace::new(Some(10.0)),
    };
    replay.pace.go_to(48 * SECOND);
    // Whoever tells has come to what lies behind it, and stands.
    while !replay.pace.position().is_paused {
        _ = replay.pace.due_in(49 * SECOND);
    }
    board.replay = Some(Arc::new(replay));
    of(board)
}

pub(super) fn present() -> PresentLinks {
    let present = |title: &str, port: &str| PresentLink {
        title: title.to_owned(),
        choice: choice(port),
        problem: None,
    };
    PresentLinks {
        present: vec![
            present("/dev/ttyACM1, J-Link, 000683712", "/dev/ttyACM1"),
            present("/dev/ttyUSB0, FT232R USB UART, A50285BI", "/dev/ttyUSB0"),
        ],
        last: vec![choice("/dev/ttyUSB0")],
        recordings: vec![LastRecording {
            path: PathBuf::from("/cases/recordings/2026-11-22T16-03-10Z.fscap"),
            n_bytes: 1_204_000,
            ended: ago(72_000),
        }],
    }
}

pub(super) fn tail(log: &LogKey, count: u32) -> LogPage {
    let query = |first| LogRowsQuery {
        key: log.clone(),
        stack: FilterStack::default(),
        first,
        count,
        find: None,
    };
    let all = log_page(&query(0)).rows.n_visible;
    log_page(&query(all.saturating_sub(u64::from(count))))
}

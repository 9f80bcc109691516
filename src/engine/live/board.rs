//! What is known of the board that is listened to: plain data, replaced as a whole at most ten times a second.

use super::choice::LinkChoice;
use super::metrics::LiveMetrics;
use super::{Cost, LinkError, LinkState, Pace, ReplayEvent, Script, Unsent};
use crate::engine::logs::view::LogKey;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// What there is to say of live sessions.
#[derive(Clone, Debug, Default)]
pub struct LiveView {
    /// Links that are being opened, by what they are called.
    pub opening: Vec<String>,
    /// The last links that could not be opened, until others were.
    pub refused: Option<Arc<Refused>>,
    /// The session: the one that is live, else the last one.
    pub board: Option<Arc<Board>>,
}

/// Links that could not be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which.
    pub links: Vec<LinkChoice>,
    /// Why; of a setting, its field.
    pub error: LinkError,
}

/// A session.
#[derive(Clone, Debug)]
pub struct Board {
    /// Its links.
    pub links: Vec<BoardLink>,
    /// Whether it is live.
    pub phase: Phase,
    /// When it began.
    pub began: SystemTime,
    /// The recording.
    pub recording: PathBuf,
    /// Bytes of the recording.
    pub recording_bytes: u64,
    /// Bytes that were recorded and are not shown, because too much came at once.
    pub n_left_out: u64,
    /// What the board measures.
    pub metrics: LiveMetrics,
    /// A link gives access to the processor: numbers can be watched.
    pub has_target: bool,
    /// What its SDK keeps and has not sent yet, where that can be read.
    pub unsent: Option<Unsent>,
    /// What was done to the board, and what was refused, the last first.
    pub acts: Vec<BoardAct>,
    /// Names of the numbers that are watched.
    pub watched: Vec<String>,
    /// The board runs another build than the ELF files that are here: both ids, in words.
    pub wrong_elf: Option<String>,
    /// The build that the board runs, and its ELF.
    pub build: BoardBuild,
    /// Heartbeats whose metrics have no names, because the ELF of their build is missing.
    pub n_waiting_heartbeats: u64,
    /// Crashes that came, in their order.
    pub crashes: Vec<LiveCrash>,
    /// What of the session was taken into the workspace while it is live.
    pub so_far: Option<SoFar>,
    /// It is a recording that is told again, and how.
    pub replay: Option<Arc<Replay>>,
}

/// A recording that is told again.
#[derive(Debug)]
pub struct Replay {
    /// What there is in it.
    pub script: Script,
    /// How fast it goes; whoever looks may set it.
    pub pace: Pace,
}

impl Replay {
    /// How much of the session was told, nanoseconds.
    pub fn at_ns(&self) -> i64 {
        self.pace.position().at_ns.min(self.script.lasted_ns)
    }

    /// True once all of it was told.
    pub fn is_at_end(&self) -> bool {
        self.at_ns() >= self.script.lasted_ns
    }

    /// Goes on to the next thing that happened, as fast as can be, and stands there; to the end where there is none.
    pub fn step(&self) {
        let next = self.next_event().map(|event| event.ns);
        self.pace.go_to(next.unwrap_or(self.script.lasted_ns));
    }

    /// What a step goes to.
    pub fn next_event(&self) -> Option<&ReplayEvent> {
        self.script.next_event(self.at_ns())
    }
}

/// How far a session is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It is listened to.
    Live,
    /// It was ended; its recording is being taken into the workspace.
    Ending,
    /// It is over.
    Ended(Ended),
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// When.
    pub at: SystemTime,
    /// The capture that its recording is in the workspace.
    pub capture: Option<i64>,
    /// What went wrong, and what to do.
    pub trouble: Option<String>,
}

/// Something that was done to a board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardAct {
    /// When.
    pub at: SystemTime,
    /// What, in words.
    pub what: String,
    /// False when it was refused.
    pub is_done: bool,
}

/// A link of a session.
#[derive(Clone, Debug)]
pub struct BoardLink {
    /// What it is called.
    pub title: String,
    /// Whether it is there: connected, lost or ended.
    pub state: LinkState,
    /// Since when.
    pub since: SystemTime,
    /// How often it was lost.
    pub n_lost: u64,
    /// What else was told of it last, in words: the chip, that the processor stopped.
    pub note: Option<String>,
    /// What observing the processor behind it costs, and in which time; `None` where there is none.
    pub cost: Option<(Cost, Duration)>,
    /// Bytes that came.
    pub n_bytes: u64,
    /// Bytes a second, over the last two.
    pub bytes_per_second: u64,
    /// What came, as a log; nothing came before there is one.
    pub log: Option<LogKey>,
}

/// The firmware of a board, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum BoardBuild {
    /// The board has not said it, and there is no one ELF to go by.
    #[default]
    Unknown,
    /// The board has not said it; this is the only ELF in the library.
    Assumed {
        /// Name of the ELF.
        elf: String,
    },
    /// The board said it, and its ELF is here.
    Matching {
        /// The build, shortened.
        build: String,
        /// Name of the ELF.
        elf: String,
    },
    /// The board said it, and its ELF is not here.
    Missing {
        /// The build, shortened.
        build: String,
    },
}

/// A crash that came over a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveCrash {
    /// Index of the link.
    pub link: usize,
    /// When all of it was there.
    pub at: SystemTime,
    /// What it came as, in words: `fault print`, `coredump`.
    pub what: String,
}

/// What was taken into the workspace while the session goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoFar {
    /// The capture.
    pub capture: i64,
    /// How many crashes had come.
    pub n_crashes: usize,
}

impl LiveView {
    /// The session, while it is listened to or ending.
    pub fn running(&self) -> Option<&Board> {
        let board = self.board.as_deref()?;
        (!matches!(board.phase, Phase::Ended(_))).then_some(board)
    }

    /// The link whose log this is.
    pub fn link_of(&self, log: &LogKey) -> Option<&BoardLink> {
        let mut links = self.board.as_deref()?.links.iter();
        links.find(|link| link.log.as_ref() == Some(log))
    }
}

impl Board {
    /// The moment that is shown: that of the session in a replay, else `now`.
    pub fn moment(&self, now: SystemTime) -> SystemTime {
        let Some(replay) = &self.replay else {
            return now;
        };
        let since = Duration::from_nanos(replay.at_ns().unsigned_abs());
        self.began.checked_add(since).unwrap_or(now)
    }

    /// Bytes that came over all links.
    pub fn n_bytes(&self) -> u64 {
        self.links.iter().map(|link| link.n_bytes).sum()
    }
}

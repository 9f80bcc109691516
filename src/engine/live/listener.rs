//! Who listens to a session for the window: logs, metrics, crashes and states of links, shown at most ten times a second.

use super::board::{Board, BoardAct, BoardBuild, BoardLink, LiveCrash, Phase, Replay};
use super::crash_watch::CrashWatch;
use super::heartbeat_reader::{Builds, HeartbeatReader};
use super::link_log::LinkLog;
use super::metrics::LiveMetrics;
use super::recorder::FIRST_WATCH;
use super::{Heard, LinkState, Look, Stream, Unsent, WatchList, WatchValue, WatchedNumber};
use crate::engine::context::QueryContext;
use crate::engine::file_bytes::FileBytes;
use crate::model::build_id::BuildId;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// What came is shown so often.
const SHOW_EVERY: Duration = Duration::from_millis(100);
/// Of the time, one part in so many and one is for showing, at most.
const SHARE: u32 = 2;
/// Rates, sizes and what was missing are looked at so often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What was done to the board last is shown; the recording has all of it.
const ACTS_SHOWN: usize = 100;

/// Where a state of the board is shown.
pub(in crate::engine) type Show = Box<dyn Fn(Board) + Send>;

/// Listens.
pub(in crate::engine) struct Listener {
    context: QueryContext,
    links: Vec<Link>,
    builds: Builds,
    build: BoardBuild,
    metrics: LiveMetrics,
    watches: WatchList,
    /// What is watched, by the number of its stream.
    numbers: BTreeMap<u8, Vec<WatchedNumber>>,
    has_target: bool,
    wrong_elf: Option<String>,
    unsent: Option<Unsent>,
    acts: VecDeque<BoardAct>,
    crashes: Vec<LiveCrash>,
    began: (Instant, SystemTime),
    /// It is a recording that is told again: its time is that of the session.
    replay: Option<Arc<Replay>>,
    recording: PathBuf,
    n_left_out: u64,
    /// When it was shown last, and how long that took.
    shown: Option<(Instant, Duration)>,
    looked: Option<Instant>,
    is_new: bool,
    show: Show,
    /// The first thing that went wrong with the logs; the recording goes on.
    trouble: Option<String>,
}

struct Link {
    /// Of its stream.
    number: u8,
    /// [`Stream::link`] of its stream.
    kind: String,
    shown: BoardLink,
    log: LinkLog,
    heartbeats: HeartbeatReader,
    crash: CrashWatch,
    /// All that came, as of the last look.
    bytes: FileBytes,
}

impl Listener {
    /// Listens to links with a recording; `show` is given each state of the board. Of a recording that is told again, `replay`.
    pub(in crate::engine) fn new(
        context: QueryContext,
        links: &BTreeMap<u8, Stream>,
        recording: &Path,
        watches: WatchList,
        replay: Option<Arc<Replay>>,
        show: Show,
    ) -> io::Result<Self> {
        let now = SystemTime::now();
        let began = replay.as_ref().and_then(|replay| {
            let began = humantime::parse_rfc3339(&replay.script.started_at);
            began.ok()
        });
        let mut listener = Self {
            context,
            links: Vec::with_capacity(links.len()),
            builds: Builds::default(),
            build: BoardBuild::default(),
            metrics: LiveMetrics::default(),
            watches,
            numbers: BTreeMap::new(),
            has_target: false,
            wrong_elf: None,
            unsent: None,
            acts: VecDeque::new(),
            crashes: Vec::new(),
            began: (Instant::now(), began.unwrap_or(now)),
            replay,
            recording: recording.to_owned(),
            n_left_out: 0,
            shown: None,
            looked: None,
            is_new: true,
            show,
            trouble: None,
        };
        for (number, stream) in links {
            let link = listener.link_of(*number, stream)?;
            listener.links.push(link);
        }
        Ok(listener)
    }

    /// What listens to a stream.
    fn link_of(&self, number: u8, stream: &Stream) -> io::Result<Link> {
        let is_alike = |link: &&Link| link.kind == stream.link;
        let n_before = self.links.iter().filter(is_alike).count();
        // As the file of the stream is called in the recording.
        let name = match n_before {
            0 => format!("{}.log", stream.link),
            n => format!("{}-{}.log", stream.link, n + 1),
        };
        Ok(Link {
            number,
            kind: stream.link.clone(),
            log: LinkLog::new(&self.context, self.recording.join(name), &stream.title)?,
            shown: BoardLink {
                title: stream.title.clone(),
                state: LinkState::Connected,
                since: self.now(),
                n_lost: 0,
                note: None,
                cost: None,
                n_bytes: 0,
                bytes_per_second: 0,
                log: None,
            },
            heartbeats: HeartbeatReader::of(&stream.link),
            crash: CrashWatch::default(),
            bytes: Vec::new().into(),
        })
    }

    /// Nanoseconds since the session began.
    fn elapsed_ns(&self) -> i64 {
        let past = self.began.0.elapsed().as_nanos();
        let live = || i64::try_from(past).unwrap_or(i64::MAX);
        self.replay
            .as_ref()
            .map_or_else(live, |replay| replay.at_ns())
    }

    fn now(&self) -> SystemTime {
        let since = Duration::from_nanos(self.elapsed_ns().unsigned_abs());
        let now = self.began.1.checked_add(since);
        now.unwrap_or(self.began.1)
    }

    /// Shows the beginning, before anything was told.
    pub(in crate::engine) fn begin(&mut self) {
        self.show_now(true);
    }

    /// Takes what the session tells.
    pub(in crate::engine) fn hear(&mut self, heard: Heard<'_>) {
        match heard {
            Heard::Received(number, bytes) => {
                if let Some(link) = self.link(number) {
                    let pushed = link.log.push(bytes);
                    self.note(pushed);
                }
                self.is_new = true;
            }
            Heard::State(number, state) => self.state(number, state),
            Heard::LeftOut(n_bytes) => {
                self.n_left_out = self.n_left_out.saturating_add(n_bytes);
                self.is_new = true;
            }
            Heard::Opened(number, stream) => self.opened(number, stream),
            Heard::Looked(number, look) => self.looked(number, look),
            Heard::Cost(number, cost) => {
                let since = self.began.0.elapsed();
                if let Some(link) = self.link(number) {
                    link.shown.cost = Some((cost, since));
                }
                self.is_new = true;
            }
            Heard::Silence | Heard::Waiting => {}
        }
        // Where showing takes long, most of the time is left to what comes: else it would fall behind more and more.
        let every = self
            .shown
            .map_or(SHOW_EVERY, |(_, took)| SHOW_EVERY.max(took * SHARE));
        let is_due = self.shown.is_none_or(|(at, _)| at.elapsed() >= every);
        let looks = is_due && self.looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY);
        if looks || self.is_new && is_due {
            self.show_now(looks);
        }
    }

    /// Shows the end of the session; what went wrong with its logs, if anything did.
    pub(in crate::engine) fn finish(mut self) -> Option<String> {
        self.show_now(true);
        self.trouble
    }

    fn note<T>(&mut self, result: io::Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.trouble.get_or_insert_with(|| {
                    format!(
                        "What came could not be shown to its end: {error}. The recording has it."
                    )
                });
                None
            }
        }
    }

    fn link(&mut self, number: u8) -> Option<&mut Link> {
        self.links.iter_mut().find(|link| link.number == number)
    }

    /// Another stream: a channel of RTT is shown like a link, numbers are metrics.
    fn opened(&mut self, number: u8, stream: &Stream) {
        self.is_new = true;
        if !stream.is_said() {
            self.numbers.insert(number, stream.numbers.clone());
            return;
        }
        let link = self.link_of(number, stream);
        let link = self.note(link);
        self.links.extend(link);
    }

    /// Something was done to the board, or not.
    fn acted(&mut self, what: &str, is_done: bool) {
        let at = self.now();
        self.acts.push_front(BoardAct {
            at,
            what: what.to_owned(),
            is_done,
        });
        self.acts.truncate(ACTS_SHOWN);
    }

    fn looked(&mut self, link: u8, look: &Look) {
        self.is_new = true;
        let Some(numbers) = self.numbers.get(&FIRST_WATCH.saturating_add(link)) else {
            return;
        };
        for (at, value) in &look.values {
            let Some(number) = numbers.get(usize::from(*at)) else {
                continue;
            };
            let (name, unit) = (&number.name, number.unit.as_deref());
            let as_float = value.map(WatchValue::as_f64);
            self.metrics.push(name, unit, None, look.ns, as_float);
            let named = number
                .values
                .iter()
                .find(|(known, _)| *value == Some(WatchValue::Integer(*known)));
            if let Some((_, words)) = named {
                self.metrics.say(name, words);
            }
        }
    }

    fn state(&mut self, number: u8, state: &LinkState) {
        let at = usize::from(number);
        if let LinkState::Identified { board, elf, .. } = state {
            self.has_target = true;
            self.wrong_elf = state
                .is_wrong_elf()
                .then(|| wrong_elf(board.as_deref(), elf.as_deref()));
        }
        let now = self.now();
        let Some(link) = self.links.get_mut(at) else {
            return;
        };
        let link = &mut link.shown;
        self.is_new = true;
        match state {
            LinkState::Connected | LinkState::Lost { .. } | LinkState::Ended => {
                change(link, state, now);
            }
            LinkState::Identified { chip, board, .. } => {
                link.note = Some(chip.clone());
                if let Some(build) = board.as_deref().and_then(BuildId::from_hex) {
                    self.builds.note(&self.context, &build);
                }
            }
            LinkState::Halted { why } => link.note = Some(format!("the processor stopped: {why}")),
            LinkState::Faulted { what } => self.crashes.push(LiveCrash {
                link: at,
                at: now,
                what: format!("fault ({what})"),
            }),
            LinkState::Acted { what } => self.acted(what, true),
            LinkState::Unsent(unsent) => self.unsent = Some(unsent.clone()),
            LinkState::Refused { why } => self.acted(why, false),
        }
    }

    fn show_now(&mut self, looks: bool) {
        let now = Instant::now();
        let now_ns = self.elapsed_ns();
        if looks {
            self.looked = Some(now);
            if self.builds.look_again(&self.context) {
                self.elf_came();
            }
        }
        for at in 0..self.links.len() {
            self.show_link(at, now_ns);
        }
        if self.builds.take_news() || looks {
            self.build = self.builds.shown(&self.context);
        }
        self.is_new = false;
        (self.show)(self.board());
        self.shown = Some((Instant::now(), now.elapsed()));
    }

    /// An ELF came that was missing: what waited for it is read, and logs are decoded anew.
    fn elf_came(&mut self) {
        for link in &mut self.links {
            link.heartbeats
                .read_waiting(&self.builds, &mut self.metrics);
            link.log.reopen();
        }
    }

    fn show_link(&mut self, at: usize, now_ns: i64) {
        let Some(link) = self.links.get_mut(at) else {
            return;
        };
        let shown = link.log.show(&self.context);
        let bytes = self.note(shown).flatten();
        let Some(link) = self.links.get_mut(at) else {
            return;
        };
        if let Some(bytes) = bytes {
            link.heartbeats.read(
                &self.context,
                &bytes,
                now_ns,
                &mut self.builds,
                &mut self.metrics,
            );
            link.bytes = bytes;
            let boots = link.log.log().map(|log| &log.summary().boots);
            let said = boots
                .and_then(|boots| boots.iter().rev().find_map(|boot| boot.build_id.as_deref()));
            if let Some(build) = said.and_then(BuildId::from_hex) {
                self.builds.note(&self.context, &build);
            }
        }
        // Of a replay all crashes are known.
        if self.replay.is_none()
            && let Some(what) = link.crash.look(&link.bytes)
        {
            self.crashes.push(LiveCrash {
                link: at,
                at: SystemTime::now(),
                what: what.to_owned(),
            });
        }
        link.shown.n_bytes = link.log.n_bytes();
        link.shown.bytes_per_second = link.log.bytes_per_second();
        link.shown.log = link.log.key();
    }

    fn board(&self) -> Board {
        let heartbeats = self.links.iter().map(|link| link.heartbeats.n_waiting());
        Board {
            links: self.links.iter().map(|link| link.shown.clone()).collect(),
            phase: Phase::Live,
            began: self.began.1,
            recording: self.recording.clone(),
            recording_bytes: std::fs::metadata(&self.recording).map_or(0, |file| file.len()),
            n_left_out: self.n_left_out,
            metrics: self.metrics.clone(),
            // Nothing can be done to a board that was.
            has_target: self.has_target && self.replay.is_none(),
            unsent: self.unsent.clone(),
            acts: self.acts.iter().cloned().collect(),
            watched: self.watches.names(),
            wrong_elf: self.wrong_elf.clone(),
            build: self.build.clone(),
            n_waiting_heartbeats: heartbeats.sum(),
            crashes: self.crashes_so_far(),
            so_far: None,
            replay: self.replay.clone(),
        }
    }

    fn crashes_so_far(&self) -> Vec<LiveCrash> {
        let Some(replay) = &self.replay else {
            return self.crashes.clone();
        };
        let at_ns = replay.at_ns();
        let events = replay.script.events.iter();
        let crashes = events.filter(|event| event.is_crash && event.ns <= at_ns);
        let crashes = crashes.map(|event| LiveCrash {
            link: 0,
            at: self.began.1 + Duration::from_nanos(event.ns.unsigned_abs()),
            what: event.what.clone(),
        });
        crashes.collect()
    }
}

/// That the board runs something else, with both ids.
fn wrong_elf(board: Option<&str>, elf: Option<&str>) -> String {
    let short = |id: &str| id.chars().take(8).collect::<String>();
    let elf = elf.map_or_else(|| "no build".to_owned(), short);
    match board {
        Some(board) => format!(
            "The board runs build {}, and the ELF here is of build {elf}: nothing is watched. Add the ELF of that build and connect again.",
            short(board)
        ),
        None => format!(
            "The board's code is not that of the ELF here (build {elf}): nothing is watched. Add the ELF of what runs and connect again."
        ),
    }
}

/// A link is there, gone or closed.
fn change(link: &mut BoardLink, state: &LinkState, now: SystemTime) {
    let is_lost = matches!(state, LinkState::Lost { .. });
    let was_lost = matches!(link.state, LinkState::Lost { .. });
    // Another reason why it is not there is not another loss.
    if !(is_lost && was_lost) {
        link.since = now;
        link.n_lost = link.n_lost.saturating_add(u64::from(is_lost));
        link.note = None;
    }
    link.state = state.clone();
}

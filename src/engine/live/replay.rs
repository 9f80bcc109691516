//! A recording, told again as the session told it.

use super::crash_watch::{SAME_CRASH, what};
use super::pace::Pace;
use super::recorder::{FIRST_WATCH, LINKS_MAX};
use super::teller::Heard;
use crate::formats::recording::{CORE, Kind, LinkState, Recording, Session, Stream};
use crate::formats::scan::scan;
use crate::model::progress::{Cancelled, Progress};
use crate::model::warning::Warning;
use std::collections::BTreeMap;

/// A pause of the session so long is told as one.
const SILENCE_NS: i64 = 50_000_000;

/// What there is to know of a recording before it is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// When the session began, RFC 3339.
    pub started_at: String,
    /// Its streams, by their numbers.
    pub streams: BTreeMap<u8, Stream>,
    /// The time of its last record, nanoseconds since it began.
    pub lasted_ns: i64,
    /// What happened in it, in its order: what a step goes to.
    pub events: Vec<ReplayEvent>,
}

/// Something that happened in a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayEvent {
    /// Nanoseconds since the session began.
    pub ns: i64,
    /// What, in words: a sentence without its end, or what a crash came as (`fault print`).
    pub what: String,
    /// The board crashed.
    pub is_crash: bool,
}

/// The streams of a recording, by their numbers.
pub fn streams_of(recording: &[u8]) -> BTreeMap<u8, Stream> {
    let announced = Recording::new(recording).filter(|record| record.kind == Kind::Stream);
    let streams = announced.map(|record| {
        let stream = serde_json::from_slice(record.payload).unwrap_or_default();
        (record.stream, stream)
    });
    streams.collect()
}

/// True for the stream of a link, which is there from the beginning of the session.
pub fn is_link(stream: u8) -> bool {
    stream < LINKS_MAX
}

impl ReplayEvent {
    /// What happened, in words.
    pub fn in_words(&self) -> String {
        if self.is_crash {
            return format!("the board crashed: a {} came", self.what);
        }
        self.what.clone()
    }
}

impl Script {
    /// Reads a recording. Crashes in what came are found as an import finds them.
    pub fn of(recording: &[u8], progress: &dyn Progress) -> Result<Self, Cancelled> {
        let mut script = Self::default();
        let mut said: BTreeMap<u8, Said> = BTreeMap::new();
        for record in Recording::new(recording) {
            progress.tick(0, 0)?;
            script.lasted_ns = script.lasted_ns.max(record.time_ns);
            match record.kind {
                Kind::Session => {
                    let session: Session =
                        serde_json::from_slice(record.payload).unwrap_or_default();
                    script.started_at = session.started_at;
                }
                Kind::Stream => {
                    let stream = serde_json::from_slice(record.payload).unwrap_or_default();
                    script.streams.insert(record.stream, stream);
                }
                Kind::Received if record.stream < FIRST_WATCH => {
                    let said = said.entry(record.stream).or_default();
                    said.bytes.extend_from_slice(record.payload);
                    said.ends.push((said.bytes.len() as u64, record.time_ns));
                }
                Kind::State => {
                    let state = serde_json::from_slice(record.payload).ok();
                    let event = state.as_ref().and_then(what_happened);
                    script
                        .events
                        .extend(event.map(|(what, is_crash)| ReplayEvent {
                            ns: record.time_ns,
                            what,
                            is_crash,
                        }));
                }
                Kind::Sent => script.events.push(ReplayEvent {
                    ns: record.time_ns,
                    what: "something was sent to the board".to_owned(),
                    is_crash: false,
                }),
                Kind::Received | Kind::Other(_) => {}
            }
        }
        for said in said.values() {
            script.events.extend(said.crashes(progress)?);
        }
        script.events.sort_by_key(|event| event.ns);
        one_for_each_crash(&mut script.events);
        Ok(script)
    }

    /// The first thing that happened after a time.
    pub fn next_event(&self, after_ns: i64) -> Option<&ReplayEvent> {
        self.events.iter().find(|event| event.ns > after_ns)
    }
}

/// What comes so soon after a crash tells of the same one.
fn one_for_each_crash(events: &mut Vec<ReplayEvent>) {
    let same_ns = i64::try_from(SAME_CRASH.as_nanos()).unwrap_or(i64::MAX);
    let mut last: Option<i64> = None;
    events.retain(|event| {
        let is_same = last.is_some_and(|last| event.ns.saturating_sub(last) < same_ns);
        if event.is_crash {
            last = Some(event.ns);
        }
        !(event.is_crash && is_same)
    });
}

/// What came over a stream.
#[derive(Default)]
struct Said {
    bytes: Vec<u8>,
    /// How much had come at which time.
    ends: Vec<(u64, i64)>,
}

impl Said {
    fn crashes(&self, progress: &dyn Progress) -> Result<Vec<ReplayEvent>, Cancelled> {
        let found = scan("replayed.log", &self.bytes, progress)?;
        let crashes = found.coredumps.iter().filter_map(|dump| {
            // It is there once all of it had come.
            let last = self
                .ends
                .partition_point(|(n_bytes, _)| *n_bytes < dump.source.end);
            let (_, ns) = self.ends.get(last)?;
            Some(ReplayEvent {
                ns: *ns,
                what: what(dump).to_owned(),
                is_crash: true,
            })
        });
        Ok(crashes.collect())
    }
}

/// What a state tells that a person would stop for, and whether it is a crash.
fn what_happened(state: &LinkState) -> Option<(String, bool)> {
    Some(match state {
        LinkState::Connected => ("the link was there".to_owned(), false),
        LinkState::Lost { why } => (why.clone(), false),
        LinkState::Identified { .. } | LinkState::Unsent(_) | LinkState::Ended => return None,
        LinkState::Halted { why } => (format!("the processor stopped: {why}"), false),
        LinkState::Faulted { what } => (format!("fault ({what})"), true),
        LinkState::Acted { what } => (format!("the processor was {what}"), false),
        LinkState::Refused { why } => (format!("not done: {why}"), false),
    })
}

/// Tells what a session heard, at a pace. Answers what was wrong with the recording.
pub fn replay(
    recording: &[u8],
    pace: &Pace,
    is_over: impl Fn() -> bool,
    mut heard: impl FnMut(Heard<'_>),
) -> Vec<Warning> {
    let mut records = Recording::new(recording);
    let mut last_ns = 0;
    for record in records.by_ref() {
        if record.time_ns.saturating_sub(last_ns) >= SILENCE_NS {
            heard(Heard::Silence);
        }
        last_ns = record.time_ns.max(last_ns);
        while let Some(wait) = pace.due_in(last_ns).filter(|_| !is_over()) {
            std::thread::sleep(wait);
            heard(Heard::Waiting);
        }
        if is_over() {
            break;
        }
        match record.kind {
            Kind::Received if record.stream < FIRST_WATCH => {
                heard(Heard::Received(record.stream, record.payload));
            }
            Kind::Received => {
                if let (Ok(look), Some(link)) = (
                    serde_json::from_slice(record.payload),
                    record.stream.checked_sub(FIRST_WATCH),
                ) {
                    heard(Heard::Looked(link, &look));
                }
            }
            Kind::State => {
                if let Ok(state) = serde_json::from_slice::<LinkState>(record.payload) {
                    heard(Heard::State(record.stream, &state));
                }
            }
            Kind::Stream if record.stream >= LINKS_MAX => {
                let stream: Stream = serde_json::from_slice(record.payload).unwrap_or_default();
                if stream.link != CORE {
                    heard(Heard::Opened(record.stream, &stream));
                }
            }
            Kind::Session | Kind::Stream | Kind::Sent | Kind::Other(_) => {}
        }
    }
    records.warnings()
}

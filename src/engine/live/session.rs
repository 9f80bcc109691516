//! One session: a thread for each link, and one that records and listens.

use super::control::Orders;
use super::link_thread::{LinkThread, Opened};
use super::observer::Observing;
use super::recorder::{FIRST_WATCH, LINKS_MAX, Recorder};
use super::teller::{Heard, Message, Teller};
use crate::formats::recording::Stream;
use crate::live::{Cost, LinkError, LinkKind, Settings};
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel, sync_channel};
use std::time::Duration;

/// Messages of links that wait to be recorded.
const WAITING: usize = 1024;
/// The recording is looked after at least this often.
const TICK: Duration = Duration::from_millis(50);

/// Why a session ended before it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// A link could not be opened when the session was to begin.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The recording cannot be written. What was written stays.
    #[error(
        "the recording cannot be written: {0}. What was recorded up to here is kept; make room, or record elsewhere with --record"
    )]
    Recording(#[from] io::Error),
}

/// What a session leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveSummary {
    /// The recording.
    pub recording: PathBuf,
    /// Bytes that boards said and were sent.
    pub n_bytes: u64,
    /// How often numbers were looked at.
    pub n_looks: u64,
    /// How often a link was lost.
    pub n_lost: u64,
    /// ELF cores of faults, beside the recording.
    pub cores: Vec<PathBuf>,
    /// What looking at processors cost them, where there were any.
    pub cost: Option<Cost>,
}

impl LiveSummary {
    /// `1,204 bytes, 60 looks at numbers, 1 fault`.
    pub fn in_words(&self) -> String {
        let n_faults = self.cores.len() as u64;
        let parts = [
            (self.n_bytes, "byte", "bytes"),
            (self.n_looks, "look at numbers", "looks at numbers"),
            (n_faults, "fault", "faults"),
        ];
        let parts = parts.into_iter().filter(|(n, ..)| *n > 0);
        let parts = parts.map(|(n, one, many)| format!("{n} {}", if n == 1 { one } else { many }));
        parts.collect::<Vec<_>>().join(", ")
    }

    /// True when the recording has nothing but what became of the links.
    pub fn is_empty(&self) -> bool {
        self.n_bytes == 0 && self.n_looks == 0 && self.cores.is_empty()
    }
}

/// Links that are open and not listened to yet.
pub struct LiveSession<'k> {
    links: Vec<Opened<'k>>,
    senders: Vec<Orders>,
    observing: Observing,
}

impl<'k> LiveSession<'k> {
    /// Opens links, one after the other; the first that cannot be opened is the error, and the others are closed again.
    pub fn open(links: Vec<(&'k dyn LinkKind, Settings)>) -> Result<Self, LinkError> {
        let mut session = Self {
            links: Vec::with_capacity(links.len()),
            senders: Vec::with_capacity(links.len()),
            observing: Observing::default(),
        };
        for (kind, settings) in links.into_iter().take(LINKS_MAX.into()) {
            let link = kind.open(&settings)?;
            let (sender, orders) = channel();
            session.senders.push(Orders(sender));
            session.links.push(Opened {
                kind,
                settings,
                link,
                orders,
            });
        }
        Ok(session)
    }

    /// Looks at the processors behind the links too, while they run.
    #[must_use]
    pub fn observing(mut self, observing: Observing) -> Self {
        self.observing = observing;
        self
    }

    /// True when a link has a processor behind it that can be looked at.
    pub fn has_target(&mut self) -> bool {
        let links = self.links.iter_mut();
        let mut targets = links.map(|opened| opened.link.target().is_some());
        targets.any(|has| has)
    }

    /// What passes orders to a link, by its place.
    pub fn orders(&self, link: usize) -> Option<Orders> {
        self.senders.get(link).cloned()
    }

    /// The streams of its links, by their numbers.
    pub fn streams(&self) -> impl Iterator<Item = (u8, Stream)> {
        (0..).zip(&self.links).map(|(number, opened)| {
            let stream = Stream {
                link: opened.kind.id().to_owned(),
                title: opened.kind.describe(&opened.settings),
                ..Stream::default()
            };
            (number, stream)
        })
    }

    /// Records what comes until `is_over`, which is asked at least twenty times a second, and tells it to the thread that called.
    /// The recording never waits for who listens: what is behind by too much is recorded and not told. A link that is lost is
    /// opened again as soon as it is there.
    pub fn run(
        self,
        recorder: Recorder,
        is_over: impl Fn() -> bool + Send,
        mut heard: impl FnMut(Heard<'_>),
    ) -> Result<LiveSummary, LiveError> {
        let (teller, told) = Teller::new();
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("record".to_owned());
            let recording =
                thread.spawn_scoped(scope, || self.record(recorder, is_over, teller))?;
            told.hear_all(&mut heard);
            match recording.join() {
                Ok(summary) => summary,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    fn record(
        self,
        mut recorder: Recorder,
        is_over: impl Fn() -> bool,
        mut teller: Teller,
    ) -> Result<LiveSummary, LiveError> {
        for (number, stream) in self.streams() {
            recorder.stream(number, &stream)?;
        }
        let titles: Vec<String> = self.streams().map(|(_, stream)| stream.title).collect();
        let mut cost = None;
        let observing = &self.observing;
        let is_done = AtomicBool::new(false);
        let (sender, messages) = sync_channel(WAITING);
        let (mut n_lost, mut n_looks) = (0, 0);
        let mut cores = Vec::new();
        let mut connected = BTreeSet::new();
        std::thread::scope(|scope| {
            let links: io::Result<Vec<_>> = (0..)
                .zip(self.links)
                .map(|(number, opened)| {
                    let thread = LinkThread::new(number, opened, observing, sender.clone());
                    thread.start(scope, &is_done)
                })
                .collect();
            drop(sender);
            let recorded: io::Result<()> = loop {
                if is_over() || links.is_err() {
                    is_done.store(true, Ordering::Relaxed);
                }
                match messages.recv_timeout(TICK) {
                    Ok(message) => {
                        n_lost += u64::from(message.is_loss(&mut connected));
                        let recorded = match message {
                            Message::Looked(number, at, values) => {
                                n_looks += 1;
                                let stream = FIRST_WATCH.saturating_add(number);
                                let look = recorder.looked(stream, at, values);
                                look.map(|look| teller.looked(number, look))
                            }
                            Message::Core(number, at, core) => {
                                let of = titles.get(usize::from(number));
                                let of = of.map_or("", String::as_str);
                                let kept = recorder.core(at, of, &core);
                                kept.map(|path| cores.push(path))
                            }
                            Message::CostNow(number, of_link) => {
                                teller.cost(number, of_link);
                                Ok(())
                            }
                            Message::Cost(of_link) => {
                                cost = Some(sum(cost, of_link));
                                Ok(())
                            }
                            Message::Opened(number, stream) => recorder
                                .stream(number, &stream)
                                .map(|()| teller.opened(number, stream)),
                            message => {
                                record(&mut recorder, &message).map(|()| teller.tell(message))
                            }
                        };
                        if let Err(error) = recorded.and_then(|()| recorder.keep()) {
                            break Err(error);
                        }
                    }
                    Err(RecvTimeoutError::Timeout) => teller.silence(),
                    // All links have ended, and everything that they said was recorded.
                    Err(RecvTimeoutError::Disconnected) => break Ok(()),
                }
            };
            is_done.store(true, Ordering::Relaxed);
            // A link that waits for room sees that nobody listens.
            drop(messages);
            for link in links? {
                if let Err(panic) = link.join() {
                    std::panic::resume_unwind(panic);
                }
            }
            recorded
        })?;
        let n_bytes = recorder.n_bytes();
        Ok(LiveSummary {
            recording: recorder.finish()?,
            n_bytes,
            n_looks,
            n_lost,
            cores,
            cost,
        })
    }
}

fn record(recorder: &mut Recorder, message: &Message) -> io::Result<()> {
    match message {
        Message::Received(number, at, bytes) => recorder.received(*number, *at, bytes)?,
        Message::Sent(number, at, bytes) => recorder.sent(*number, *at, bytes)?,
        Message::State(number, at, state) => recorder.state(*number, *at, state)?,
        // They are recorded where they are told.
        Message::Looked(..)
        | Message::Core(..)
        | Message::Cost(_)
        | Message::CostNow(..)
        | Message::Opened(..) => {}
    }
    Ok(())
}

fn sum(before: Option<Cost>, more: Cost) -> Cost {
    let before = before.unwrap_or_default();
    Cost {
        n_reads: before.n_reads + more.n_reads,
        n_bytes: before.n_bytes + more.n_bytes,
        busy: before.busy + more.busy,
        n_halts: before.n_halts + more.n_halts,
        halted: before.halted + more.halted,
    }
}

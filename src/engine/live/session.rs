//! One session: a thread for each link, and one that records and listens.

use super::recorder::Recorder;
use super::teller::{Heard, Message, Teller};
use crate::formats::recording::{LinkState, Stream};
use crate::live::{Link, LinkError, LinkKind, Settings};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

/// Messages of links that wait to be recorded.
const WAITING: usize = 1024;
/// A link is waited for at most so long: then it is looked whether something is to be sent, or the session is over.
const WAIT: Duration = Duration::from_millis(10);
/// A link that is gone is tried again this often.
const RETRY: Duration = Duration::from_millis(250);
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
    /// Bytes of all streams.
    pub n_bytes: u64,
    /// How often a link was lost.
    pub n_lost: u64,
}

/// A link that is open.
struct Opened<'k> {
    kind: &'k dyn LinkKind,
    settings: Settings,
    link: Box<dyn Link>,
    to_send: Receiver<Vec<u8>>,
}

/// Links that are open and not listened to yet.
pub struct LiveSession<'k> {
    links: Vec<Opened<'k>>,
    senders: Vec<Sender<Vec<u8>>>,
}

impl<'k> LiveSession<'k> {
    /// Opens links, one after the other; the first that cannot be opened is the error, and the others are closed again.
    pub fn open(links: Vec<(&'k dyn LinkKind, Settings)>) -> Result<Self, LinkError> {
        let mut session = Self {
            links: Vec::with_capacity(links.len()),
            senders: Vec::with_capacity(links.len()),
        };
        for (kind, settings) in links {
            let link = kind.open(&settings)?;
            let (sender, to_send) = channel();
            session.senders.push(sender);
            session.links.push(Opened {
                kind,
                settings,
                link,
                to_send,
            });
        }
        Ok(session)
    }

    /// What sends bytes over a link, by its place: from any thread, for as long as the session lasts.
    pub fn sender(&self, link: usize) -> Option<Sender<Vec<u8>>> {
        self.senders.get(link).cloned()
    }

    /// The streams, by their numbers.
    pub fn streams(&self) -> impl Iterator<Item = (u8, Stream)> {
        (0..).zip(&self.links).map(|(number, opened)| {
            let stream = Stream {
                link: opened.kind.id().to_owned(),
                title: opened.kind.describe(&opened.settings),
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
        let is_done = AtomicBool::new(false);
        let (sender, messages) = sync_channel(WAITING);
        let mut n_lost = 0;
        std::thread::scope(|scope| {
            let links: io::Result<Vec<_>> = (0..)
                .zip(self.links)
                .map(|(number, opened)| begin(scope, number, opened, sender.clone(), &is_done))
                .collect();
            drop(sender);
            let recorded: io::Result<()> = loop {
                if is_over() || links.is_err() {
                    is_done.store(true, Ordering::Relaxed);
                }
                match messages.recv_timeout(TICK) {
                    Ok(message) => {
                        n_lost += u64::from(message.is_loss());
                        if let Err(error) = record(&mut recorder, &message) {
                            break Err(error);
                        }
                        teller.tell(message);
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
            n_lost,
        })
    }
}

fn record(recorder: &mut Recorder, message: &Message) -> io::Result<()> {
    match message {
        Message::Received(number, at, bytes) => recorder.received(*number, *at, bytes)?,
        Message::Sent(number, at, bytes) => recorder.sent(*number, *at, bytes)?,
        Message::State(number, at, state) => recorder.state(*number, *at, state)?,
    }
    recorder.keep()
}

fn begin<'scope>(
    scope: &'scope Scope<'scope, '_>,
    number: u8,
    opened: Opened<'scope>,
    messages: SyncSender<Message>,
    is_done: &'scope AtomicBool,
) -> io::Result<ScopedJoinHandle<'scope, ()>> {
    let thread = std::thread::Builder::new().name(format!("link {number}"));
    thread.spawn_scoped(scope, move || {
        // Nobody listens any more: the session is over.
        let _is_over = listen(number, opened, &messages, is_done).is_err();
    })
}

/// Nobody listens any more.
struct Over;

fn listen(
    number: u8,
    opened: Opened<'_>,
    messages: &SyncSender<Message>,
    is_done: &AtomicBool,
) -> Result<(), Over> {
    let Opened {
        kind,
        settings,
        link,
        to_send,
    } = opened;
    let tell = |message| messages.send(message).map_err(|_nobody| Over);
    let state = |state| tell(Message::State(number, Instant::now(), state));
    let mut link = Some(link);
    state(LinkState::Connected)?;
    let mut told = None;
    while !is_done.load(Ordering::Relaxed) {
        let Some(open) = &mut link else {
            match kind.open(&settings) {
                Ok(opened) => {
                    link = Some(opened);
                    told = None;
                    state(LinkState::Connected)?;
                }
                Err(error) => {
                    // Told again only when there is something new to tell.
                    if told.as_ref() != Some(&error) {
                        let why = error.to_string();
                        state(LinkState::Lost { why })?;
                    }
                    told = Some(error);
                    std::thread::sleep(RETRY);
                }
            }
            continue;
        };
        let mut bytes = Vec::new();
        let ended = exchange(open.as_mut(), &to_send, &mut bytes, |sent| {
            tell(Message::Sent(number, Instant::now(), sent))
        })?;
        if !bytes.is_empty() {
            tell(Message::Received(number, Instant::now(), bytes))?;
        }
        if let Err(error) = ended {
            link = None;
            let why = error.to_string();
            state(LinkState::Lost { why })?;
            // A port that is gone is first "gone" and then "not there": one is enough.
            told = match error {
                LinkError::Gone { what } => Some(LinkError::NotThere { what }),
                other => Some(other),
            };
            std::thread::sleep(RETRY);
        }
    }
    state(LinkState::Ended)
}

/// Sends what is to be sent and receives for a moment.
fn exchange(
    link: &mut dyn Link,
    to_send: &Receiver<Vec<u8>>,
    received: &mut Vec<u8>,
    mut sent: impl FnMut(Vec<u8>) -> Result<(), Over>,
) -> Result<Result<(), LinkError>, Over> {
    while let Ok(bytes) = to_send.try_recv() {
        if let Err(error) = link.send(&bytes) {
            return Ok(Err(error));
        }
        sent(bytes)?;
    }
    Ok(link.receive(WAIT, received))
}

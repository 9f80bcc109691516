//! The thread of one link: it receives, sends, looks at the processor, and opens the link again when it was lost.

use super::control::{Control, Order};
use super::observer::{Observer, Observing, Seen};
use super::recorder::{FIRST_WATCH, rtt_stream, unsent_stream};
use super::teller::Message;
use crate::formats::recording::{LinkState, Stream, UNSENT};
use crate::live::{Allowed, Link, LinkError, LinkKind, Settings};
use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

/// A link is waited for at most so long: then it is looked whether something is to be sent, or the session is over.
const WAIT: Duration = Duration::from_millis(10);
/// A link that is gone is tried again this often.
const RETRY: Duration = Duration::from_millis(250);
/// What observing costs is told so often.
const COST_EVERY: Duration = Duration::from_secs(1);

/// A link that is open.
pub(super) struct Opened<'k> {
    pub(super) kind: &'k dyn LinkKind,
    pub(super) settings: Settings,
    pub(super) link: Box<dyn Link>,
    pub(super) orders: Receiver<Order>,
}

/// Nobody listens any more.
struct Over;

/// What the thread of a link works with.
pub(super) struct LinkThread<'s> {
    number: u8,
    kind: &'s dyn LinkKind,
    settings: Settings,
    orders: Receiver<Order>,
    control: Control,
    /// `None` while it is lost.
    link: Option<Box<dyn Link>>,
    /// Why it is lost, as it was told last.
    told: Option<LinkError>,
    observer: Observer<'s>,
    cost_told: Instant,
    /// Streams of the processor's memory that were announced.
    streams: BTreeSet<u8>,
    messages: SyncSender<Message>,
}

impl<'s> LinkThread<'s> {
    pub(super) fn new(
        number: u8,
        opened: Opened<'s>,
        observing: &'s Observing,
        messages: SyncSender<Message>,
    ) -> Self {
        let allowed = Allowed::by(&opened.settings);
        Self {
            number,
            kind: opened.kind,
            settings: opened.settings,
            orders: opened.orders,
            control: Control::default(),
            link: Some(opened.link),
            told: None,
            observer: Observer::new(observing, allowed),
            cost_told: Instant::now(),
            streams: BTreeSet::new(),
            messages,
        }
    }

    /// Runs until `is_done`, or until nobody listens.
    pub(super) fn start<'scope>(
        mut self,
        scope: &'scope Scope<'scope, '_>,
        is_done: &'scope AtomicBool,
    ) -> io::Result<ScopedJoinHandle<'scope, ()>>
    where
        's: 'scope,
    {
        let thread = std::thread::Builder::new().name(format!("link {}", self.number));
        thread.spawn_scoped(scope, move || {
            // Nobody listens any more: the session is over.
            let _is_over = self.listen(is_done).is_err();
        })
    }

    fn listen(&mut self, is_done: &AtomicBool) -> Result<(), Over> {
        self.begin()?;
        while !is_done.load(Ordering::Relaxed) {
            let Some(mut link) = self.link.take() else {
                self.open_again()?;
                continue;
            };
            let mut bytes = Vec::new();
            let mut ended = self.exchange(link.as_mut(), &mut bytes)?;
            if !bytes.is_empty() {
                self.tell(Message::Received(self.number, Instant::now(), bytes))?;
            }
            if ended.is_ok() {
                ended = self.look(link.as_mut())?;
            }
            match ended {
                Ok(()) => self.link = Some(link),
                Err(error) => self.lose(link, error)?,
            }
        }
        if let Some(link) = self.link.take() {
            self.close(link)?;
        }
        self.state(LinkState::Ended)
    }

    fn tell(&self, message: Message) -> Result<(), Over> {
        self.messages.send(message).map_err(|_nobody| Over)
    }

    fn state(&self, state: LinkState) -> Result<(), Over> {
        self.tell(Message::State(self.number, Instant::now(), state))
    }

    /// Tells that the link is there, and which build its processor runs.
    fn begin(&mut self) -> Result<(), Over> {
        self.told = None;
        self.state(LinkState::Connected)?;
        let Some(mut link) = self.link.take() else {
            return Ok(());
        };
        let identified = link.target().map(|target| self.observer.begin(target));
        match identified {
            Some(Ok(state)) => self.state(state)?,
            Some(Err(error)) => return self.lose(link, error),
            None => {}
        }
        self.link = Some(link);
        Ok(())
    }

    fn open_again(&mut self) -> Result<(), Over> {
        match self.kind.open(&self.settings) {
            Ok(opened) => {
                self.link = Some(opened);
                self.begin()
            }
            Err(error) => {
                // Told again only when there is something new to tell.
                if self.told.as_ref() != Some(&error) {
                    let why = error.to_string();
                    self.state(LinkState::Lost { why })?;
                }
                self.told = Some(error);
                std::thread::sleep(RETRY);
                Ok(())
            }
        }
    }

    fn lose(&mut self, link: Box<dyn Link>, error: LinkError) -> Result<(), Over> {
        let why = error.to_string();
        self.state(LinkState::Lost { why })?;
        self.close(link)?;
        // A port that is gone is first "gone" and then "not there": one is enough.
        self.told = match error {
            LinkError::Gone { what } => Some(LinkError::NotThere { what }),
            other => Some(other),
        };
        std::thread::sleep(RETRY);
        Ok(())
    }

    fn close(&mut self, mut link: Box<dyn Link>) -> Result<(), Over> {
        let mut cost = None;
        if let Some(target) = link.target() {
            // A link that is broken cannot be left in another way.
            let _is_left = self.control.leave(target).is_ok();
            cost = Some(target.cost());
        }
        drop(link);
        cost.map_or(Ok(()), |cost| self.tell(Message::Cost(cost)))
    }

    /// Sends what is to be sent and receives for a moment.
    fn exchange(
        &mut self,
        link: &mut dyn Link,
        received: &mut Vec<u8>,
    ) -> Result<Result<(), LinkError>, Over> {
        while let Ok(order) = self.orders.try_recv() {
            let done = match order {
                Order::Send(bytes) => match link.send(&bytes) {
                    Ok(()) => {
                        self.tell(Message::Sent(self.number, Instant::now(), bytes))?;
                        continue;
                    }
                    Err(LinkError::NotOffered { service, .. }) => {
                        Ok(LinkState::Refused { why: service })
                    }
                    Err(error) => Err(error),
                },
                order => match link.target() {
                    Some(target) => self.control.carry_out(&order, target),
                    None => Ok(LinkState::Refused {
                        why: "this link gives no access to the processor".to_owned(),
                    }),
                },
            };
            match done {
                Ok(state) => self.state(state)?,
                Err(error) => return Ok(Err(error)),
            }
        }
        let mut wait = WAIT;
        if link.target().is_some() {
            let next = self.observer.next();
            wait = wait.min(next.saturating_duration_since(Instant::now()));
        }
        Ok(link.receive(wait, received))
    }

    /// Looks at the processor, where there is one.
    fn look(&mut self, link: &mut dyn Link) -> Result<Result<(), LinkError>, Over> {
        let Some(target) = link.target() else {
            return Ok(Ok(()));
        };
        if self.cost_told.elapsed() >= COST_EVERY {
            self.cost_told = Instant::now();
            let cost = target.cost();
            self.tell(Message::CostNow(self.number, cost))?;
        }
        let mut seen = Vec::new();
        let looked = self.observer.look(target, |what| seen.push(what));
        let at = Instant::now();
        for what in seen {
            let title = self.kind.describe(&self.settings);
            match &what {
                Seen::Rtt(channel, _) => {
                    let number = rtt_stream(self.number, *channel);
                    self.announce(number, "rtt", format!("RTT {channel} of {title}"))?;
                }
                Seen::Pulled(_) => {
                    let number = unsent_stream(self.number);
                    self.announce(number, UNSENT, format!("not sent yet, of {title}"))?;
                }
                _ => {}
            }
            self.tell(match what {
                Seen::Numbers(numbers) => {
                    let stream = Stream {
                        title,
                        ..Stream::of_numbers(numbers)
                    };
                    Message::Opened(FIRST_WATCH.saturating_add(self.number), stream)
                }
                Seen::State(state) => Message::State(self.number, at, state),
                Seen::Values(values) => Message::Looked(self.number, at, values),
                Seen::Rtt(channel, bytes) => {
                    Message::Received(rtt_stream(self.number, channel), at, bytes)
                }
                Seen::Pulled(lines) => Message::Received(unsent_stream(self.number), at, lines),
                Seen::Core(core) => Message::Core(self.number, at, core),
            })?;
        }
        Ok(looked)
    }

    /// Tells of a stream before its first bytes.
    fn announce(&mut self, number: u8, link: &str, title: String) -> Result<(), Over> {
        if !self.streams.insert(number) {
            return Ok(());
        }
        let stream = Stream {
            link: link.to_owned(),
            title,
            ..Stream::default()
        };
        self.tell(Message::Opened(number, stream))
    }
}

//! From the thread that records to the one that listens: the recording never waits.

use crate::formats::recording::{LinkState, Look, Stream, WatchValue};
use crate::live::Cost;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

/// So many bytes wait for whoever listens; what comes while there are more is recorded only.
const UNHEARD_BYTES_MAX: usize = 64 << 20;

/// What a session tells.
#[derive(Clone, Copy, Debug)]
pub enum Heard<'h> {
    /// Bytes of a stream.
    Received(u8, &'h [u8]),
    /// What became of the link of a stream.
    State(u8, &'h LinkState),
    /// A stream that was not there from the beginning, before its first bytes.
    Opened(u8, &'h Stream),
    /// Numbers of a stream that were looked at.
    Looked(u8, &'h Look),
    /// What observing over a link that is open cost so far.
    Cost(u8, Cost),
    /// So many bytes were recorded and are not told: whoever listens was too far behind.
    LeftOut(u64),
    /// Nothing came for a moment.
    Silence,
    /// Nothing is due in a replay.
    Waiting,
}

/// What a link says to the thread that records.
pub(super) enum Message {
    Received(u8, Instant, Vec<u8>),
    Sent(u8, Instant, Vec<u8>),
    State(u8, Instant, LinkState),
    Looked(u8, Instant, Vec<(u16, Option<WatchValue>)>),
    Core(u8, Instant, Vec<u8>),
    /// A stream begins.
    Opened(u8, Stream),
    /// What a link that is open cost so far.
    CostNow(u8, Cost),
    /// What a link cost until it was closed.
    Cost(Cost),
}

impl Message {
    /// True when it says that a link is gone which was there: another reason why it does not come back is no other loss.
    pub(super) fn is_loss(&self, connected: &mut BTreeSet<u8>) -> bool {
        match self {
            Self::State(number, _, LinkState::Connected) => {
                connected.insert(*number);
                false
            }
            Self::State(number, _, LinkState::Lost { .. }) => connected.remove(number),
            _ => false,
        }
    }
}

/// What is told to the thread that listens.
enum Told {
    Received(u8, Vec<u8>),
    LeftOut(u64),
    State(u8, LinkState),
    Looked(u8, Look),
    Opened(u8, Stream),
    Cost(u8, Cost),
    Silence,
}

/// Tells what was recorded, as long as it is listened to.
pub(super) struct Teller {
    told: Sender<Told>,
    /// Bytes that were told and not heard yet.
    n_waiting: Arc<AtomicUsize>,
    n_left_out: u64,
}

/// Hears what a [`Teller`] tells.
pub(super) struct Hearer {
    told: Receiver<Told>,
    n_waiting: Arc<AtomicUsize>,
}

impl Hearer {
    /// Passes everything on, until the teller is gone.
    pub(super) fn hear_all(self, heard: &mut impl FnMut(Heard<'_>)) {
        for told in self.told {
            match &told {
                Told::Received(number, bytes) => {
                    heard(Heard::Received(*number, bytes));
                    self.n_waiting.fetch_sub(bytes.len(), Ordering::Relaxed);
                }
                Told::LeftOut(n) => heard(Heard::LeftOut(*n)),
                Told::State(number, state) => heard(Heard::State(*number, state)),
                Told::Cost(number, cost) => heard(Heard::Cost(*number, *cost)),
                Told::Opened(number, stream) => heard(Heard::Opened(*number, stream)),
                Told::Looked(number, look) => heard(Heard::Looked(*number, look)),
                Told::Silence => heard(Heard::Silence),
            }
        }
    }
}

impl Teller {
    /// One, and who hears it.
    pub(super) fn new() -> (Self, Hearer) {
        let (sender, told) = channel();
        let n_waiting = Arc::default();
        let teller = Self {
            told: sender,
            n_waiting: Arc::clone(&n_waiting),
            n_left_out: 0,
        };
        (teller, Hearer { told, n_waiting })
    }

    /// Tells what a link said, unless too much waits.
    pub(super) fn tell(&mut self, message: Message) {
        match message {
            Message::Received(_, _, bytes)
                if self.n_waiting.load(Ordering::Relaxed) > UNHEARD_BYTES_MAX =>
            {
                self.n_left_out += bytes.len() as u64;
            }
            Message::Received(number, _, bytes) => {
                self.say_what_is_left_out();
                self.n_waiting.fetch_add(bytes.len(), Ordering::Relaxed);
                self.say(Told::Received(number, bytes));
            }
            Message::State(number, _, state) => self.say(Told::State(number, state)),
            Message::Sent(..)
            | Message::Looked(..)
            | Message::Core(..)
            | Message::Cost(_)
            | Message::CostNow(..)
            | Message::Opened(..) => {}
        }
    }

    /// Tells what a link costs.
    pub(super) fn cost(&mut self, number: u8, cost: Cost) {
        self.say(Told::Cost(number, cost));
    }

    /// Tells of a stream that begins.
    pub(super) fn opened(&mut self, number: u8, stream: Stream) {
        self.say(Told::Opened(number, stream));
    }

    /// Tells of numbers that were looked at.
    pub(super) fn looked(&mut self, number: u8, look: Look) {
        self.say(Told::Looked(number, look));
    }

    /// Tells that nothing came, once everything was heard.
    pub(super) fn silence(&mut self) {
        if self.n_waiting.load(Ordering::Relaxed) == 0 {
            self.say_what_is_left_out();
            self.say(Told::Silence);
        }
    }

    fn say_what_is_left_out(&mut self) {
        if self.n_left_out > 0 {
            let n_bytes = std::mem::take(&mut self.n_left_out);
            self.say(Told::LeftOut(n_bytes));
        }
    }

    fn say(&self, told: Told) {
        // Whoever listened may be gone; the recording goes on.
        let _is_heard = self.told.send(told).is_ok();
    }
}

//! Questions to the workspace: one struct a question, asked by the window (never waiting) and the command line alike.

use super::context::QueryContext;
use super::event::EventSender;
use super::job::bug_text;
use super::loadable::Loadable;
use crate::model::progress::{Cancelled, Progress};
use crate::store::error::StoreError;
use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An answer that no panel asked for in so many frames is given up.
const FRAMES_WITHOUT_ASKING: u64 = 3;
/// Answers that are kept; the least recently asked for go first.
const KEPT_ANSWERS: usize = 96;
/// Threads that answer queries: a long one leaves room for those of what is in sight.
const WORKERS: usize = 3;

/// A question with its parameters. Equal questions (by `Debug`) of the same revision share one answer.
pub trait Query: Clone + Debug + Send + Sync + 'static {
    /// The answer.
    type Output: Send + Sync + 'static;

    /// Computes the answer. Called on a worker by the window, directly by the command line and by tests.
    fn run(&self, context: &QueryContext) -> Result<Self::Output, QueryError>;

    /// Grows with changes that concern this question alone: a log that is followed. Looked up for every frame.
    fn own_revision(&self, _context: &QueryContext) -> u64 {
        0
    }
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The workspace could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was asked for does not exist (any more).
    #[error("{0}")]
    NotFound(String),
    /// It exists and cannot be answered, in words.
    #[error("{0}")]
    Unanswerable(String),
    /// Cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Set once nobody wants an answer any more.
#[derive(Clone, Debug, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl Progress for CancelFlag {
    fn tick(&self, _done: u64, _total: u64) -> Result<(), Cancelled> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Cancelled);
        }
        Ok(())
    }
}

type Answer = Arc<dyn Any + Send + Sync>;
type Work = Box<dyn FnOnce() + Send>;

/// What is known of one question.
struct Slot {
    /// The newest that was asked for.
    revision: u64,
    /// One answer is being made, perhaps of an older revision: never two at a time.
    is_running: bool,
    answer: Option<Result<Answer, String>>,
    previous: Option<Answer>,
    last_asked: u64,
    /// The frame in which it was asked for last.
    frame: u64,
    cancel: CancelFlag,
}

/// Answers by question, filled by worker threads.
#[derive(Clone)]
pub struct QueryCache {
    inner: Arc<Mutex<CacheInner>>,
    queue: Sender<Work>,
}

#[derive(Default)]
struct CacheInner {
    slots: BTreeMap<String, Slot>,
    clock: u64,
    n_frames: u64,
}

impl QueryCache {
    /// A cache with its workers; they end when the cache is dropped.
    pub fn new() -> Self {
        let (queue, receiver) = channel::<Work>();
        let receiver = Arc::new(Mutex::new(receiver));
        for worker in 0..WORKERS {
            let receiver: Arc<Mutex<Receiver<Work>>> = Arc::clone(&receiver);
            let run = move || {
                loop {
                    let work = receiver
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .recv();
                    match work {
                        Ok(work) => work(),
                        Err(_closed) => return,
                    }
                }
            };
            // Without a worker the answers stay pending; the other one may still serve.
            let _handle = std::thread::Builder::new()
                .name(format!("query {worker}"))
                .spawn(run);
        }
        Self {
            inner: Arc::default(),
            queue,
        }
    }

    /// The present answer, and a computation on its way if it is out of date. Never waits.
    pub fn ask<Q: Query>(
        &self,
        query: Q,
        revision: u64,
        context: &QueryContext,
        events: &EventSender,
    ) -> Loadable<Arc<Q::Output>> {
        let key = format!("{} {query:?}", std::any::type_name::<Q>());
        let mut inner = lock(&self.inner);
        inner.clock += 1;
        let now = inner.clock;
        let frame = inner.n_frames;
        let slot = inner.slots.entry(key.clone()).or_insert_with(|| Slot {
            revision,
            is_running: false,
            answer: None,
            previous: None,
            last_asked: now,
            frame,
            cancel: CancelFlag::default(),
        });
        slot.last_asked = now;
        slot.frame = frame;
        if slot.revision != revision {
            if let Some(Ok(answer)) = slot.answer.take() {
                slot.previous = Some(answer);
            }
            slot.answer = None;
            slot.revision = revision;
        }
        let previous = || {
            slot.previous
                .clone()
                .and_then(|a| a.downcast::<Q::Output>().ok())
        };
        match &slot.answer {
            Some(Ok(answer)) => {
                if let Ok(answer) = Arc::clone(answer).downcast::<Q::Output>() {
                    return Loadable::Ready(answer);
                }
                return Loadable::Pending { previous: None };
            }
            Some(Err(error)) => {
                return Loadable::Failed {
                    error: error.clone(),
                    previous: previous(),
                };
            }
            None => {}
        }
        let pending = Loadable::Pending {
            previous: previous(),
        };
        if !slot.is_running {
            slot.is_running = true;
            let cache = Arc::clone(&self.inner);
            slot.cancel = CancelFlag::default();
            let context = context.for_window(slot.cancel.clone(), events.clone());
            let events = events.clone();
            let work: Work = Box::new(move || {
                let run = || {
                    context.progress().tick(0, 0)?;
                    query.run(&context)
                };
                let answer = match catch_unwind(AssertUnwindSafe(run)) {
                    Ok(Ok(output)) => Some(Ok(Arc::new(output) as Answer)),
                    // Whoever asks for it again asks from the beginning.
                    Ok(Err(QueryError::Cancelled(_))) => None,
                    Ok(Err(error)) => Some(Err(error.to_string())),
                    Err(panic) => Some(Err(bug_text(panic.as_ref()))),
                };
                if let Some(slot) = lock(&cache).slots.get_mut(&key) {
                    slot.is_running = false;
                    let Some(answer) = answer else {
                        events.wake();
                        return;
                    };
                    if slot.revision == revision {
                        slot.answer = Some(answer);
                    } else if let Ok(answer) = answer {
                        // Of something that changes faster than questions about it are answered, this is the newest there is.
                        slot.previous = Some(answer);
                    }
                }
                events.wake();
            });
            // The workers live as long as the queue: a closed queue means that we are being dropped.
            let _closed = self.queue.send(work).is_err();
        }
        inner.evict();
        pending
    }

    /// Says that a frame was drawn: what no panel asked for in the last few is given up, so that it does not hold up what is
    /// in sight. Without frames nothing is.
    pub fn frame_drawn(&self) {
        let mut inner = lock(&self.inner);
        inner.n_frames += 1;
        let now = inner.n_frames;
        let running = inner.slots.values().filter(|slot| slot.is_running);
        for slot in running {
            if slot.frame.saturating_add(FRAMES_WITHOUT_ASKING) < now {
                slot.cancel.0.store(true, Ordering::Relaxed);
            }
        }
    }

    /// True when nothing is being computed.
    pub fn is_idle(&self) -> bool {
        lock(&self.inner)
            .slots
            .values()
            .all(|slot| !slot.is_running)
    }
}

impl Default for QueryCache {
    fn default() -> Self {
        Self::new()
    }
}

impl CacheInner {
    fn evict(&mut self) {
        while self.slots.len() > KEPT_ANSWERS {
            let oldest = self
                .slots
                .iter()
                .filter(|(_, slot)| !slot.is_running)
                .min_by_key(|(_, slot)| slot.last_asked)
                .map(|(key, _)| key.clone());
            match oldest {
                Some(key) => self.slots.remove(&key),
                None => return,
            };
        }
    }
}

fn lock(inner: &Mutex<CacheInner>) -> MutexGuard<'_, CacheInner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Questions to the workspace: one struct a question, asked by the window (never waiting) and the command line alike.

use super::context::QueryContext;
use super::event::EventSender;
use super::job::bug_text;
use super::loadable::Loadable;
use crate::model::progress::{Cancelled, Progress};
use crate::store::error::StoreError;
use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::{Debug, Write as _};
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

impl Slot {
    fn new(revision: u64) -> Self {
        Self {
            revision,
            is_running: false,
            answer: None,
            previous: None,
            last_asked: 0,
            frame: 0,
            cancel: CancelFlag::default(),
        }
    }
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
    /// The question that is being asked.
    question: String,
    clock: u64,
    n_frames: u64,
    /// Answers that nobody needs any more. Giving back what a large one holds takes longer than a frame may: a worker does it.
    gone: Vec<Answer>,
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
        let mut inner = lock(&self.inner);
        let inner = &mut *inner;
        // Asked many times a frame: the question is written where the one before stood.
        let key = &mut inner.question;
        key.clear();
        let _infallible = write!(key, "{query:?} {}", std::any::type_name::<Q>());
        inner.clock += 1;
        let now = inner.clock;
        let frame = inner.n_frames;
        if !inner.slots.contains_key(key.as_str()) {
            inner.slots.insert(key.clone(), Slot::new(revision));
        }
        let Some(slot) = inner.slots.get_mut(key.as_str()) else {
            return Loadable::Pending { previous: None };
        };
        slot.last_asked = now;
        slot.frame = frame;
        if slot.revision != revision {
            if let Some(Ok(answer)) = slot.answer.take() {
                inner.gone.extend(slot.previous.replace(answer));
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
            let (cache, key) = (Arc::clone(&self.inner), key.clone());
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
                let gone = lock(&cache).answered(&key, revision, answer);
                events.wake();
                drop(gone);
            });
            // The workers live as long as the queue: a closed queue means that we are being dropped.
            let _closed = self.queue.send(work).is_err();
        }
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
    /// Takes an answer, or that there is none; what is not needed any more, to be dropped where nobody waits.
    fn answered(
        &mut self,
        key: &str,
        revision: u64,
        answer: Option<Result<Answer, String>>,
    ) -> Vec<Answer> {
        if let Some(slot) = self.slots.get_mut(key) {
            slot.is_running = false;
            match answer {
                Some(answer) if slot.revision == revision => slot.answer = Some(answer),
                // Of something that changes faster than questions about it are answered, this is the newest there is.
                Some(Ok(answer)) => self.gone.extend(slot.previous.replace(answer)),
                Some(Err(_)) | None => {}
            }
        }
        self.evict();
        std::mem::take(&mut self.gone)
    }

    fn evict(&mut self) {
        while self.slots.len() > KEPT_ANSWERS {
            let oldest = self
                .slots
                .iter()
                .filter(|(_, slot)| !slot.is_running)
                .min_by_key(|(_, slot)| slot.last_asked)
                .map(|(key, _)| key.clone());
            let Some(slot) = oldest.and_then(|key| self.slots.remove(&key)) else {
                return;
            };
            self.gone
                .extend(slot.answer.into_iter().flatten().chain(slot.previous));
        }
    }
}

fn lock(inner: &Mutex<CacheInner>) -> MutexGuard<'_, CacheInner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{KEPT_ANSWERS, Query, QueryCache, QueryError};
    use crate::engine::context::QueryContext;
    use crate::engine::event;
    use crate::engine::index_cache::IndexCache;
    use crate::engine::loadable::Loadable;
    use crate::store::open::{OpenOptions, Store};
    use std::sync::{Arc, Mutex};
    use std::thread::{self, ThreadId};
    use std::time::{Duration, Instant};

    /// Which thread gave answers back.
    static GIVEN_BACK_BY: Mutex<Vec<ThreadId>> = Mutex::new(Vec::new());

    struct Large {
        number: usize,
    }

    impl Drop for Large {
        fn drop(&mut self) {
            GIVEN_BACK_BY.lock().unwrap().push(thread::current().id());
        }
    }

    #[derive(Clone, Debug)]
    struct Asked(usize);

    impl Query for Asked {
        type Output = Large;

        fn run(&self, _context: &QueryContext) -> Result<Large, QueryError> {
            Ok(Large { number: self.0 })
        }
    }

    #[test]
    fn who_asks_does_not_give_back_what_is_not_needed_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let options = OpenOptions::new("2026-01-01T00:00:00Z");
        let store = Store::open(&folder.path().join("a.fieldscope"), &options).unwrap();
        let context = QueryContext::new(store, IndexCache::disabled(), None);
        let (events, _receiver) = event::channel(Arc::new(|| {}));
        let cache = QueryCache::new();
        let started = Instant::now();
        let answered = |asked: &Asked, revision| {
            loop {
                let answer = cache.ask(asked.clone(), revision, &context, &events);
                if let Loadable::Ready(answer) = answer {
                    assert_eq!(answer.number, asked.0);
                    return;
                }
                assert!(started.elapsed() < Duration::from_mins(1), "no answer");
                thread::yield_now();
            }
        };
        for number in 0..KEPT_ANSWERS + 20 {
            answered(&Asked(number), 1);
        }
        // Each revision has an answer of its own.
        for revision in 2..12 {
            answered(&Asked(KEPT_ANSWERS), revision);
        }
        let gone = || GIVEN_BACK_BY.lock().unwrap().clone();
        while gone().len() < 20 {
            assert!(started.elapsed() < Duration::from_mins(1), "nothing goes");
            thread::yield_now();
        }
        assert!(!gone().contains(&thread::current().id()));
    }
}

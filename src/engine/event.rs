//! What the engine tells the window. The sender is the only thing that wakes it.

use super::job::{JobId, JobOutcome};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

/// Events that fit the channel. Progress is dropped when it is full; every other event waits for room.
const CAPACITY: usize = 1024;

/// Something happened in the engine.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A job began.
    JobStarted(JobId),
    /// A job went on; at most ten times a second and job.
    JobProgress(JobId),
    /// A job ended.
    JobFinished {
        /// Which.
        job: JobId,
        /// How.
        outcome: JobOutcome,
    },
    /// The workspace changed: queries of an older revision are out of date.
    DataChanged {
        /// The new revision.
        revision: u64,
    },
    /// Something to tell the user that no job stands for.
    Notice(String),
}

/// Wakes whoever draws; called from the engine's threads.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// The sending end: a bounded channel and the wake call.
#[derive(Clone)]
pub struct EventSender {
    sender: SyncSender<Event>,
    wake: Wake,
}

/// The receiving end, drained by the window once a frame.
pub struct EventReceiver {
    receiver: Mutex<Receiver<Event>>,
}

/// A channel of events.
pub fn channel(wake: Wake) -> (EventSender, EventReceiver) {
    let (sender, receiver) = sync_channel(CAPACITY);
    (EventSender { sender, wake }, EventReceiver { receiver: Mutex::new(receiver) })
}

impl EventSender {
    /// Sends an event and wakes the window.
    pub fn send(&self, event: Event) {
        let is_droppable = matches!(event, Event::JobProgress(_));
        match self.sender.try_send(event) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(event)) => {
                (self.wake)();
                if !is_droppable {
                    // A window that went away is no reason to stop working.
                    let _gone = self.sender.send(event).is_err();
                }
            }
        }
        (self.wake)();
    }

    /// Asks for a frame without an event: an answer arrived in the query cache.
    pub fn wake(&self) {
        (self.wake)();
    }
}

impl EventReceiver {
    /// Everything that arrived since the last call. Never waits.
    pub fn drain(&self) -> Vec<Event> {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner).try_iter().take(CAPACITY).collect()
    }
}

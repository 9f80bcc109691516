//! What an RTOS holds besides its threads, as a report shows it.

use super::addr::TargetAddr;
use serde::{Deserialize, Serialize};

/// A queue, semaphore, mutex, timer or the like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RtosObject {
    /// What it is.
    pub kind: ObjectKind,
    /// Its name: from the RTOS's own registry, else the global variable that holds or names it.
    pub name: Option<String>,
    /// Address of its control block.
    pub address: TargetAddr,
    /// Its state in words: `3 of 8 messages`, `expires at tick 64300, every 1000`.
    pub detail: String,
    /// The thread that holds it (mutexes).
    pub holder: Option<ThreadRef>,
    /// The threads that wait, with what for.
    pub waiters: Vec<Waiter>,
}

/// The kind of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    /// A message queue.
    Queue,
    /// A counting or binary semaphore.
    Semaphore,
    /// A mutex that may be taken once.
    Mutex,
    /// A mutex that its holder may take again.
    RecursiveMutex,
    /// A software timer.
    Timer,
    /// A group of event flags.
    EventGroup,
    /// A stream or message buffer.
    StreamBuffer,
    /// Anything else that threads wait on.
    Other,
}

impl ObjectKind {
    /// The name on screen: `recursive mutex`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Semaphore => "semaphore",
            Self::Mutex => "mutex",
            Self::RecursiveMutex => "recursive mutex",
            Self::Timer => "timer",
            Self::EventGroup => "event group",
            Self::StreamBuffer => "stream buffer",
            Self::Other => "object",
        }
    }
}

/// A thread by id, with its name where it has one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ThreadRef {
    /// Address of the control block.
    pub id: TargetAddr,
    /// Name.
    pub name: Option<String>,
}

impl std::fmt::Display for ThreadRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.name {
            Some(name) => f.write_str(name),
            None => write!(f, "the thread at {}", self.id),
        }
    }
}

/// A thread that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiter {
    /// Who.
    pub thread: ThreadRef,
    /// What for: `to receive`, `to send`, `to take`.
    pub wants: String,
}

/// Threads that wait for each other in a ring: nobody can ever go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadlock {
    /// Each thread and the object it waits for, which the next one (of the last: the first) holds.
    pub ring: Vec<DeadlockStep>,
}

/// One thread of a ring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadlockStep {
    /// Who waits.
    pub thread: ThreadRef,
    /// For what, as the object is called on screen: `mutex bus`.
    pub waits_for: String,
    /// Address of that object.
    pub object: TargetAddr,
}

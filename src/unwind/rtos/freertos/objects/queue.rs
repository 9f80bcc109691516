//! Queues, and what is built from them: semaphores, mutexes, queue sets (`queue.c`).

use super::super::catalog::{Catalog, HandleKind};
use super::super::layout::Layout;
use super::super::waits::is_queue;
use crate::model::{memory::Memory, rtos_objects::ObjectKind};

/// What a queue is used as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Use {
    Messages,
    Set,
    Semaphore,
    Mutex,
    RecursiveMutex,
}

impl Use {
    pub(in super::super) fn label(self) -> &'static str {
        match self {
            Self::Set => "queue set",
            other => other.kind().label(),
        }
    }

    pub(super) fn kind(self) -> ObjectKind {
        match self {
            Self::Messages | Self::Set => ObjectKind::Queue,
            Self::Semaphore => ObjectKind::Semaphore,
            Self::Mutex => ObjectKind::Mutex,
            Self::RecursiveMutex => ObjectKind::RecursiveMutex,
        }
    }

    /// `ucQueueType`: `queueQUEUE_TYPE_BASE` to `queueQUEUE_TYPE_SET`. Until V10.5 a set was made as a queue (0).
    fn from_kernel(number: u64) -> Option<Self> {
        match number {
            0 => Some(Self::Messages),
            1 => Some(Self::Mutex),
            2 | 3 => Some(Self::Semaphore),
            4 => Some(Self::RecursiveMutex),
            5 => Some(Self::Set),
            _ => None,
        }
    }
}

/// A queue's fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct QueueState {
    pub(in super::super) use_: Use,
    pub(super) messages: u64,
    pub(super) length: u64,
    pub(super) item_size: u64,
    /// The task that has the mutex.
    pub(in super::super) holder: Option<u64>,
    /// How often the holder took a recursive mutex.
    pub(super) recursion: u64,
    /// The set that it is a member of.
    pub(super) set: Option<u64>,
}

impl QueueState {
    /// `None` when there is no queue at `addr`.
    pub(in super::super) fn read(
        addr: u64,
        layout: &Layout,
        catalog: &Catalog,
        memory: &dyn Memory,
    ) -> Option<Self> {
        let queue = layout.queue.as_ref()?;
        if !is_queue(addr, layout, memory) {
            return None;
        }
        let item_size = queue.item_size.read(addr, memory)?;
        let head = queue.head.read(addr, memory)?;
        // uxQueueType shares its place with pcHead: NULL is a mutex
        let is_mutex = item_size == 0 && head == 0;
        let recursion = queue
            .recursion
            .filter(|_| is_mutex)
            .and_then(|field| field.read(addr, memory))
            .unwrap_or(0);
        let by_handle = catalog.entries.get(&addr).and_then(|entry| entry.kind);
        let by_kernel = queue
            .kind
            .and_then(|field| field.read(addr, memory))
            .and_then(Use::from_kernel);
        let use_ = match (by_kernel, by_handle) {
            (Some(Use::Messages) | None, Some(HandleKind::QueueSet)) => Use::Set,
            (Some(Use::RecursiveMutex), _) if is_mutex => Use::RecursiveMutex,
            _ if is_mutex && recursion > 0 => Use::RecursiveMutex,
            _ if is_mutex => Use::Mutex,
            (Some(Use::Set), _) => Use::Set,
            _ if item_size == 0 => Use::Semaphore,
            _ => Use::Messages,
        };
        let pointer = |field: Option<super::super::layout::Field>| {
            field
                .and_then(|field| field.read(addr, memory))
                .filter(|value| *value != 0)
        };
        Some(Self {
            use_,
            messages: queue.messages.read(addr, memory)?,
            length: queue.length.read(addr, memory)?,
            item_size,
            holder: pointer(queue.mutex_holder.filter(|_| is_mutex)),
            recursion,
            set: pointer(queue.set),
        })
    }

    /// `3 of 8 messages of 16 bytes`, `taken twice`.
    pub(super) fn detail(&self) -> String {
        let Self {
            messages, length, ..
        } = self;
        match self.use_ {
            Use::Messages => format!(
                "{messages} of {length} messages of {} bytes",
                self.item_size
            ),
            Use::Set => format!("queue set, {messages} of {length} events"),
            Use::Semaphore if *length == 1 && *messages == 0 => "taken".to_owned(),
            Use::Semaphore if *length == 1 => "free".to_owned(),
            Use::Semaphore => format!("count {messages} of at most {length}"),
            Use::Mutex | Use::RecursiveMutex if *messages > 0 => "free".to_owned(),
            Use::RecursiveMutex if self.recursion > 1 => format!("taken {} times", self.recursion),
            Use::Mutex | Use::RecursiveMutex => "taken".to_owned(),
        }
    }
}

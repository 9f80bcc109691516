//! Kernel objects besides the tasks: queues and what is built from them, timers, event groups, stream buffers.
//!
//! There is no list of all of them in the kernel. They are found by the handles and control blocks among the globals, by the
//! queue registry, by the lists of running timers, and by what blocked tasks wait in.

mod buffer;
mod events;
pub(super) mod queue;
mod timer;

use super::Kernel;
use super::catalog::HandleKind;
use super::lists;
use super::waits::{Waited, Waits, task_name};
use crate::model::addr::TargetAddr;
use crate::model::report::ThreadState;
use crate::model::rtos_objects::{RtosObject, ThreadRef, Waiter};
use crate::model::warning::Warning;
use crate::unwind::rtos::{RtosObjects, RtosThreads};
use queue::QueueState;
use std::collections::BTreeMap;

/// More objects than that are not shown.
const MAX_OBJECTS: usize = 4096;

/// What an address was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Queue,
    Timer,
    EventGroup,
    StreamBuffer,
}

/// Every object that can be found, by kind and name.
pub(super) fn read(kernel: &Kernel<'_, '_>, threads: &RtosThreads) -> RtosObjects {
    let mut answer = RtosObjects::default();
    let running_timers = timer::running(kernel, &mut answer.warnings);
    let mut found: BTreeMap<u64, Found> = BTreeMap::new();
    for (addr, entry) in &kernel.catalog.entries {
        let what = match entry.kind {
            Some(HandleKind::Timer) => Found::Timer,
            Some(HandleKind::EventGroup) => Found::EventGroup,
            Some(HandleKind::StreamBuffer) => Found::StreamBuffer,
            Some(HandleKind::Queue | HandleKind::QueueSet | HandleKind::Semaphore) | None => {
                Found::Queue
            }
        };
        found.insert(*addr, what);
    }
    for addr in running_timers.keys() {
        found.insert(*addr, Found::Timer);
    }
    let waits = kernel.waits();
    for thread in &threads.threads {
        match waits.waited(thread.id) {
            Some(Waited::Receive(addr) | Waited::Send(addr)) => {
                found.insert(addr, Found::Queue);
            }
            Some(Waited::Bits(addr)) => {
                found.insert(addr, Found::EventGroup);
            }
            Some(Waited::Other(_)) | None => {}
        }
    }
    let reader = Reader {
        kernel,
        waits,
        threads,
    };
    for (addr, what) in found.into_iter().take(MAX_OBJECTS) {
        let object = match what {
            Found::Queue => reader.queue(addr),
            Found::Timer => timer::object(&reader, addr, running_timers.get(&addr).copied()),
            Found::EventGroup => events::object(&reader, addr),
            Found::StreamBuffer => buffer::object(&reader, addr),
        };
        match object {
            Some(object) => answer.objects.push(object),
            None => answer.warnings.extend(reader.not_there(addr, what)),
        }
    }
    answer
        .objects
        .sort_by(|a, b| (a.kind, &a.name, a.address).cmp(&(b.kind, &b.name, b.address)));
    answer
}

/// Reads objects of any kind.
struct Reader<'k, 'a, 'd> {
    kernel: &'k Kernel<'a, 'd>,
    waits: Waits<'k, 'd>,
    threads: &'k RtosThreads,
}

impl Reader<'_, '_, '_> {
    fn queue(&self, addr: u64) -> Option<RtosObject> {
        let kernel = self.kernel;
        let state = QueueState::read(addr, &kernel.layout, &kernel.catalog, kernel.memory)?;
        let layout = kernel.layout.queue.as_ref()?;
        let to_receive = match state.use_ {
            queue::Use::Messages => "to receive",
            queue::Use::Set => "for a member",
            queue::Use::Semaphore | queue::Use::Mutex | queue::Use::RecursiveMutex => "to take",
        };
        let mut waiters = self.waiters(layout.to_receive.at(addr), |_| to_receive.to_owned());
        waiters.extend(self.waiters(layout.to_send.at(addr), |_| "to send".to_owned()));
        let mut detail = state.detail();
        if state.use_ == queue::Use::Set {
            let members = self.members_of(addr);
            if !members.is_empty() {
                detail = format!("{detail}, of {}", members.join(", "));
            }
        }
        let holder = state.holder.map(|tcb| self.thread(tcb));
        if let Some(holder) = &holder
            && self.is_gone(holder.id.0)
        {
            detail = format!("{detail} by {holder}, a task that was deleted");
        }
        Some(RtosObject {
            kind: state.use_.kind(),
            name: self.waits.name_of(addr),
            address: TargetAddr(addr),
            detail,
            holder,
            waiters,
        })
    }

    /// Names of the queues and semaphores that are in the set at `set`.
    fn members_of(&self, set: u64) -> Vec<String> {
        let kernel = self.kernel;
        let is_member = |addr: u64| {
            QueueState::read(addr, &kernel.layout, &kernel.catalog, kernel.memory)
                .is_some_and(|state| state.set == Some(set))
        };
        kernel
            .catalog
            .entries
            .iter()
            .filter(|(addr, _)| is_member(**addr))
            .map(|(_, entry)| entry.name.clone())
            .collect()
    }

    /// The tasks in a wait list; `wants` is told the value of the task's event item.
    fn waiters(&self, list: Option<u64>, wants: impl Fn(u64) -> String) -> Vec<Waiter> {
        let kernel = self.kernel;
        let Some(list) = list else {
            return Vec::new();
        };
        lists::walk(list, &kernel.layout, kernel.memory)
            .tasks
            .into_iter()
            .map(|tcb| {
                let item = kernel.layout.tcb.event_item.at(tcb);
                let value = item.and_then(|i| kernel.layout.item.value.read(i, kernel.memory));
                let mut wants = wants(value.unwrap_or(0));
                if let Some(tick) = kernel.wakes_at(tcb) {
                    wants = format!("{wants} until tick {tick}");
                }
                Waiter {
                    thread: self.thread(tcb),
                    wants,
                }
            })
            .collect()
    }

    fn thread(&self, tcb: u64) -> ThreadRef {
        let known = self.threads.threads.iter().find(|t| t.id == tcb);
        let name = match known {
            Some(thread) => thread.name.clone(),
            None => task_name(tcb, &self.kernel.layout, self.kernel.memory),
        };
        ThreadRef {
            id: TargetAddr(tcb),
            name,
        }
    }

    /// True when the kernel does not know the task (any more). Without a complete list nothing is claimed.
    fn is_gone(&self, tcb: u64) -> bool {
        let state = self.threads.threads.iter().find(|t| t.id == tcb);
        match state {
            Some(thread) => thread.state == ThreadState::Deleted,
            None => self.threads.warnings.is_empty() && !self.threads.threads.is_empty(),
        }
    }

    /// A handle that leads to nothing: worth a word only if its memory was captured.
    fn not_there(&self, addr: u64, what: Found) -> Option<Warning> {
        let entry = self.kernel.catalog.entries.get(&addr)?;
        self.kernel.memory.read_u32(addr).ok()?;
        let what = match what {
            Found::Queue => "queue, semaphore or mutex",
            Found::Timer => "timer",
            Found::EventGroup => "event group",
            Found::StreamBuffer => "stream buffer",
        };
        Some(Warning::new(
            "FS-RTOS-032",
            format!(
                "{} leads to 0x{addr:08x}, but there is no {what}: it was overwritten, deleted, or never created.",
                entry.name
            ),
        ))
    }
}

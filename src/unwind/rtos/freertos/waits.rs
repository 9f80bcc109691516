//! What a blocked task waits on, in words.

use super::catalog::{Catalog, HandleKind};
use super::layout::Layout;
use super::objects::queue::QueueState;
use crate::model::memory::Memory;
use crate::symbols::{debug_info::DebugInfo, elf_symbols::SymbolKind};

/// `sbFLAGS_IS_MESSAGE_BUFFER`.
pub(super) const MESSAGE_BUFFER: u64 = 1;
/// `taskWAITING_NOTIFICATION`.
const WAITING_NOTIFICATION: u8 = 1;
/// Longest name that is read.
const MAX_NAME_BYTES: u64 = 64;

/// What is needed to tell what a task waits on.
pub(super) struct Waits<'a, 'd> {
    pub(super) layout: &'a Layout,
    pub(super) catalog: &'a Catalog,
    pub(super) info: &'a DebugInfo<'d>,
    pub(super) memory: &'a dyn Memory,
}

/// What the list is, in which a task waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waited {
    /// For a message, or for a semaphore or mutex.
    Receive(u64),
    /// For room in a queue.
    Send(u64),
    /// For bits of an event group.
    Bits(u64),
    /// The list is of nothing that is known.
    Other(u64),
}

impl Waits<'_, '_> {
    /// The object in whose wait list the task is: `queue readings`, `mutex logmtx, held by cmd`, `notification`.
    pub(super) fn object(&self, tcb: u64) -> Option<String> {
        match self.waited(tcb) {
            Some(Waited::Receive(addr)) => Some(self.describe(addr)),
            Some(Waited::Send(addr)) => Some(format!("room in {}", self.describe(addr))),
            Some(Waited::Bits(addr)) => Some(format!("event group {}", self.name_or_place(addr))),
            Some(Waited::Other(list)) => Some(match self.info.file().symbol_at(list) {
                Some((symbol, _)) => symbol.name,
                None => format!("list at 0x{list:08x}"),
            }),
            None if self.waits_for_notification(tcb) => Some(
                self.stream_of(tcb)
                    .unwrap_or_else(|| "notification".to_owned()),
            ),
            None => None,
        }
    }

    /// By the list that the task's event item is in.
    pub(super) fn waited(&self, tcb: u64) -> Option<Waited> {
        let event_item = self.layout.tcb.event_item.at(tcb)?;
        let list = self
            .layout
            .item
            .container
            .read(event_item, self.memory)
            .filter(|container| *container != 0)?;
        Some(self.of_list(list))
    }

    fn of_list(&self, list: u64) -> Waited {
        if let Some(queue) = &self.layout.queue {
            let is_queue = |addr: &u64| is_queue(*addr, self.layout, self.memory);
            let receives = list.checked_sub(queue.to_receive.offset).filter(is_queue);
            let sends = list.checked_sub(queue.to_send.offset).filter(is_queue);
            // The two lists are neighbours: the address alone leaves it open which queue it is.
            let known = |addr: &u64| self.catalog.name(*addr).is_some();
            match (receives, sends) {
                (Some(addr), other) if other.is_none_or(|o| known(&addr) || !known(&o)) => {
                    return Waited::Receive(addr);
                }
                (_, Some(addr)) => return Waited::Send(addr),
                _ => {}
            }
        }
        let group = self
            .layout
            .event_group
            .as_ref()
            .and_then(|group| list.checked_sub(group.waiting.offset))
            .filter(|addr| self.name_of(*addr).is_some());
        match group {
            Some(addr) => Waited::Bits(addr),
            None => Waited::Other(list),
        }
    }

    /// `mutex logmtx, held by cmd`.
    fn describe(&self, addr: u64) -> String {
        let name = self.name_or_place(addr);
        let Some(state) = QueueState::read(addr, self.layout, self.catalog, self.memory) else {
            return format!("queue {name}");
        };
        let holder = state
            .holder
            .and_then(|tcb| task_name(tcb, self.layout, self.memory));
        match holder {
            Some(holder) => format!("{} {name}, held by {holder}", state.use_.label()),
            None => format!("{} {name}", state.use_.label()),
        }
    }

    /// Tasks wait on a stream buffer by a notification; the buffer knows who.
    fn stream_of(&self, tcb: u64) -> Option<String> {
        let stream = self.layout.stream.as_ref()?;
        let streams = self
            .catalog
            .entries
            .iter()
            .filter(|(_, entry)| entry.kind == Some(HandleKind::StreamBuffer));
        for (addr, entry) in streams {
            let what = match stream.flags.read(*addr, self.memory)? & MESSAGE_BUFFER {
                0 => "stream buffer",
                _ => "message buffer",
            };
            if stream.receiver.read(*addr, self.memory) == Some(tcb) {
                return Some(format!("{what} {}", entry.name));
            }
            if stream.sender.read(*addr, self.memory) == Some(tcb) {
                return Some(format!("room in {what} {}", entry.name));
            }
        }
        None
    }

    fn name_or_place(&self, addr: u64) -> String {
        self.name_of(addr)
            .unwrap_or_else(|| format!("at 0x{addr:08x}"))
    }

    /// The name in the queue registry, of a static object, or of a variable that points to it.
    pub(super) fn name_of(&self, addr: u64) -> Option<String> {
        if let Some(name) = self.catalog.name(addr) {
            return Some(name.to_owned());
        }
        if let Some((symbol, 0)) = self.info.file().symbol_at(addr) {
            return Some(symbol.name);
        }
        self.info
            .file()
            .symbols()
            .iter()
            .filter(|symbol| symbol.kind == SymbolKind::Object && symbol.size == 4)
            .find(|symbol| {
                self.memory
                    .read_u32(symbol.address)
                    .is_ok_and(|word| u64::from(word) == addr)
            })
            .map(|symbol| symbol.name.clone())
    }

    fn waits_for_notification(&self, tcb: u64) -> bool {
        let Some(field) = self.layout.tcb.notify_state else {
            return false;
        };
        (0..field.size.min(64)).any(|index| {
            field
                .at(tcb)
                .and_then(|addr| addr.checked_add(index))
                .and_then(|addr| self.memory.read_u8(addr).ok())
                == Some(WAITING_NOTIFICATION)
        })
    }
}

/// A queue's counters agree with each other, and its lists end as lists do.
pub(super) fn is_queue(addr: u64, layout: &Layout, memory: &dyn Memory) -> bool {
    let Some(queue) = &layout.queue else {
        return false;
    };
    let messages = queue.messages.read(addr, memory);
    let length = queue.length.read(addr, memory);
    let item_size = queue.item_size.read(addr, memory);
    matches!((messages, length, item_size), (Some(m), Some(l), Some(i)) if l > 0 && m <= l && i <= 0x1_0000)
        && [queue.to_send, queue.to_receive].iter().all(|list| {
            list.at(addr)
                .is_some_and(|list| is_list(list, layout, memory))
        })
}

/// The end marker of a list sorts after every task: `portMAX_DELAY`.
pub(super) fn is_list(list: u64, layout: &Layout, memory: &dyn Memory) -> bool {
    let bits = u32::try_from(layout.item.value.size.saturating_mul(8)).unwrap_or(0);
    let largest = u64::MAX
        .checked_shr(64_u32.saturating_sub(bits))
        .unwrap_or(0);
    let end = layout.list.end.at(list);
    end.and_then(|end| layout.item.value.read(end, memory)) == Some(largest)
}

/// `pcTaskName`.
pub(super) fn task_name(tcb: u64, layout: &Layout, memory: &dyn Memory) -> Option<String> {
    let field = layout.tcb.name;
    read_name(field.at(tcb)?, field.size.min(MAX_NAME_BYTES), memory)
}

/// A text of at most `max_bytes`; `None` when it is empty, unreadable or not printable.
pub(super) fn read_name(addr: u64, max_bytes: u64, memory: &dyn Memory) -> Option<String> {
    let mut bytes = Vec::new();
    for offset in 0..max_bytes {
        match memory.read_u8(addr.checked_add(offset)?).ok()? {
            0 => break,
            byte => bytes.push(byte),
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    (!text.is_empty() && !text.chars().any(char::is_control)).then_some(text)
}

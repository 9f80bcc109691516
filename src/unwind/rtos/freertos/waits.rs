//! What a blocked task waits on, in words.

use super::layout::{Layout, QueueLayout};
use crate::model::memory::Memory;
use crate::symbols::{debug_info::DebugInfo, elf_symbols::SymbolKind};

/// `taskWAITING_NOTIFICATION`.
const WAITING_NOTIFICATION: u8 = 1;
/// Longest name that is read.
const MAX_NAME_BYTES: u64 = 64;

/// What is needed to tell what a task waits on.
pub(super) struct Waits<'a, 'd> {
    pub(super) layout: &'a Layout,
    pub(super) info: &'a DebugInfo<'d>,
    pub(super) memory: &'a dyn Memory,
}

impl Waits<'_, '_> {
    /// The object in whose wait list the task is: `queue readings`, `mutex logmtx, held by cmd`, `notification`.
    pub(super) fn object(&self, tcb: u64) -> Option<String> {
        let event_item = self.layout.tcb.event_item.at(tcb)?;
        let container = self
            .layout
            .item
            .container
            .read(event_item, self.memory)
            .filter(|container| *container != 0);
        match container {
            Some(list) => Some(self.of_list(list)),
            None => self
                .waits_for_notification(tcb)
                .then(|| "notification".to_owned()),
        }
    }

    fn of_list(&self, list: u64) -> String {
        if let Some(queue) = &self.layout.queue {
            let receives = list
                .checked_sub(queue.to_receive.offset)
                .filter(|addr| self.is_queue(*addr, queue));
            let sends = list
                .checked_sub(queue.to_send.offset)
                .filter(|addr| self.is_queue(*addr, queue));
            // The two lists are neighbours: the address alone leaves it open which queue it is.
            let known = |addr: &u64| self.registered_name(*addr).is_some();
            return match (receives, sends) {
                (Some(addr), other) if other.is_none_or(|o| known(&addr) || !known(&o)) => {
                    self.describe(addr, queue)
                }
                (_, Some(addr)) => format!("room in {}", self.describe(addr, queue)),
                _ => self.of_other_list(list),
            };
        }
        self.of_other_list(list)
    }

    fn of_other_list(&self, list: u64) -> String {
        let group = self
            .layout
            .event_group
            .and_then(|bits| list.checked_sub(bits.offset));
        match group.and_then(|addr| self.name_of(addr)) {
            Some(name) => format!("event group {name}"),
            None => match self.info.file().symbol_at(list) {
                Some((symbol, _)) => symbol.name,
                None => format!("list at 0x{list:08x}"),
            },
        }
    }

    /// A queue's counters agree with each other.
    fn is_queue(&self, addr: u64, queue: &QueueLayout) -> bool {
        let messages = queue.messages.read(addr, self.memory);
        let length = queue.length.read(addr, self.memory);
        let item_size = queue.item_size.read(addr, self.memory);
        let idle_end = |list: u64| {
            // portMAX_DELAY: the end marker sorts after every task
            let end = self.layout.list.end.at(list)?;
            let value = self.layout.item.value.read(end, self.memory)?;
            let bits = 8 * u32::try_from(self.layout.item.value.size).ok()?;
            Some(value == u64::MAX >> 64_u32.saturating_sub(bits))
        };
        matches!((messages, length, item_size), (Some(m), Some(l), Some(i)) if l > 0 && m <= l && i <= 0x1_0000)
            && [queue.to_send, queue.to_receive]
                .iter()
                .all(|list| list.at(addr).and_then(idle_end) == Some(true))
    }

    fn describe(&self, addr: u64, queue: &QueueLayout) -> String {
        let name = self
            .name_of(addr)
            .unwrap_or_else(|| format!("at 0x{addr:08x}"));
        let item_size = queue.item_size.read(addr, self.memory);
        let head = queue.head.read(addr, self.memory);
        match (item_size, head) {
            // uxQueueType shares its place with pcHead: NULL is a mutex
            (Some(0), Some(0)) => {
                let holder = queue
                    .mutex_holder
                    .and_then(|field| field.read(addr, self.memory))
                    .filter(|tcb| *tcb != 0)
                    .and_then(|tcb| task_name(tcb, self.layout, self.memory));
                match holder {
                    Some(holder) => format!("mutex {name}, held by {holder}"),
                    None => format!("mutex {name}"),
                }
            }
            (Some(0), _) => format!("semaphore {name}"),
            _ => format!("queue {name}"),
        }
    }

    /// The name in the queue registry, of a static object, or of a variable that points to it.
    fn name_of(&self, addr: u64) -> Option<String> {
        if let Some(name) = self.registered_name(addr) {
            return Some(name);
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

    fn registered_name(&self, addr: u64) -> Option<String> {
        /// Larger registries are read as far as this.
        const MAX_REGISTERED: u64 = 256;
        let layout = self.layout.registry.as_ref()?;
        let table = self.info.file().symbol("xQueueRegistry")?;
        let count = table.size.checked_div(layout.size)?.min(MAX_REGISTERED);
        (0..count)
            .filter_map(|n| table.address.checked_add(n.checked_mul(layout.size)?))
            .find(|item| layout.handle.read(*item, self.memory) == Some(addr))
            .and_then(|item| layout.name.read(item, self.memory))
            .and_then(|name| read_name(name, MAX_NAME_BYTES, self.memory))
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

/// `pcTaskName`.
pub(super) fn task_name(tcb: u64, layout: &Layout, memory: &dyn Memory) -> Option<String> {
    let field = layout.tcb.name;
    read_name(field.at(tcb)?, field.size.min(MAX_NAME_BYTES), memory)
}

/// A text of at most `max_bytes`; `None` when it is empty, unreadable or not printable.
fn read_name(addr: u64, max_bytes: u64, memory: &dyn Memory) -> Option<String> {
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

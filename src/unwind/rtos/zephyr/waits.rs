//! What a thread waits on, in words: the kernel object that holds the wait queue it is in.

use super::layout::{Layout, field};
use crate::model::memory::Memory;
use crate::symbols::{
    debug_info::DebugInfo,
    types::{TypeKind, TypeRef, Types},
};
use crate::unwind::rtos::field::{Field, read_name};
use std::fmt::Write as _;

/// Kernel objects by the tag of their structure, with the words that stand before their name.
const OBJECTS: &[(&str, &str)] = &[
    ("k_condvar", "condition variable"),
    ("k_event", "event"),
    ("k_fifo", "FIFO"),
    ("k_futex", "futex"),
    ("k_heap", "room in heap"),
    ("k_lifo", "LIFO"),
    ("k_mbox", "mailbox"),
    ("k_mem_slab", "room in memory slab"),
    ("k_msgq", "message queue"),
    ("k_mutex", "mutex"),
    ("k_pipe", "pipe"),
    ("k_poll_signal", "poll signal"),
    ("k_queue", "queue"),
    ("k_sem", "semaphore"),
    ("k_stack", "stack"),
    ("k_thread", "end of thread"),
    ("k_timer", "timer"),
    ("k_work_q", "work queue"),
    ("sys_mutex", "mutex"),
    ("sys_sem", "semaphore"),
];
/// Structures inside structures are followed so far.
const DEEPEST: usize = 8;
/// Longer timeout queues are damaged.
const MOST_TIMEOUTS: usize = 1024;

/// What is needed to tell what a thread waits on.
pub(super) struct Waits<'a, 'd> {
    pub(super) info: &'a DebugInfo<'d>,
    pub(super) types: &'a Types<'a, 'd>,
    pub(super) layout: &'a Layout,
    pub(super) memory: &'a dyn Memory,
}

impl Waits<'_, '_> {
    /// `semaphore app_sem`, `mutex bus_lock, held by logger`, `end of thread worker`, `wait queue at 0x20000400`.
    pub(super) fn object(&self, thread: u64) -> Option<String> {
        let queue = self
            .layout
            .thread
            .pended_on?
            .read(thread, self.memory)
            .filter(|queue| *queue != 0)?;
        let unknown = || format!("wait queue at 0x{queue:08x}");
        let Some((symbol, offset)) = self.info.file().symbol_at(queue) else {
            return Some(unknown());
        };
        let base = queue.checked_sub(offset)?;
        let ty = self.types.type_of_global(&symbol.name);
        Some(match ty.and_then(|ty| self.kernel_object(ty, offset)) {
            Some(found) => {
                let object = base.checked_add(found.offset)?;
                self.describe(&format!("{}{}", symbol.name, found.path), found.tag, object)
            }
            None if offset == 0 => symbol.name,
            None => format!("{}+0x{offset:x}", symbol.name),
        })
    }

    /// `about 120 ticks left`, from the timeout queue, which holds differences.
    pub(super) fn timeout(&self, thread: u64) -> Option<String> {
        let timeout = self.layout.thread.timeout?.at(thread)?;
        let ticks = self.layout.thread.ticks?;
        let timeout_offset = self.layout.thread.timeout?.offset;
        let ticks = Field {
            offset: ticks.offset.checked_sub(timeout_offset)?,
            ..ticks
        };
        let list = self.info.file().symbol("timeout_list")?.address;
        let next = Field { offset: 0, size: 4 };
        let mut node = next.read(list, self.memory)?;
        let mut total: u64 = 0;
        for _ in 0..MOST_TIMEOUTS {
            if node == list || node == 0 {
                return None;
            }
            total = total.checked_add(ticks.read(node, self.memory)?)?;
            if node == timeout {
                return Some(format!("about {total} ticks left"));
            }
            node = next.read(node, self.memory)?;
        }
        None
    }

    /// True when the thread is in the timeout queue.
    pub(super) fn has_timeout(&self, thread: u64) -> bool {
        let timeout = self.layout.thread.timeout;
        let node = timeout.and_then(|field| Field { size: 4, ..field }.read(thread, self.memory));
        node.is_some_and(|next| next != 0)
    }

    /// The innermost kernel object of a variable that `offset` lies in.
    fn kernel_object(&self, ty: TypeRef, offset: u64) -> Option<Found> {
        let mut at = Some(ty);
        let mut left = offset;
        let mut path = String::new();
        let mut found = None;
        for _ in 0..DEEPEST {
            let Some((here, real)) = self.types.real(at) else {
                break;
            };
            match &real.kind {
                TypeKind::Array { element, .. } => {
                    let size = element
                        .and_then(|e| self.types.size(e))
                        .filter(|s| *s > 0)?;
                    _ = write!(path, "[{}]", left.checked_div(size)?);
                    left = left.checked_rem(size)?;
                    at = *element;
                }
                TypeKind::Record { members, .. } => {
                    let tag = real.name.as_deref().unwrap_or_default();
                    if let Some((tag, words)) = OBJECTS.iter().find(|(known, _)| *known == tag) {
                        found = Some(Found {
                            tag: (tag, words),
                            path: path.clone(),
                            offset: offset.checked_sub(left)?,
                        });
                        // What a FIFO is made of says less than that it is one.
                        break;
                    }
                    _ = here;
                    let inside = members.iter().rev().find(|member| {
                        let start = member.offset.unwrap_or(u64::MAX);
                        let size = member.ty.and_then(|ty| self.types.size(ty)).unwrap_or(0);
                        start <= left && left - start < size
                    })?;
                    left = left.checked_sub(inside.offset?)?;
                    if let Some(name) = &inside.name {
                        path.push('.');
                        path.push_str(name);
                    }
                    at = inside.ty;
                }
                _ => break,
            }
        }
        found
    }

    fn describe(&self, name: &str, (tag, words): (&str, &str), object: u64) -> String {
        match tag {
            "k_mutex" => match self.holder(object) {
                Some(holder) => format!("{words} {name}, held by {holder}"),
                None => format!("{words} {name}"),
            },
            "k_thread" => {
                let thread = self.name(object).unwrap_or_else(|| name.to_owned());
                format!("{words} {thread}")
            }
            _ => format!("{words} {name}"),
        }
    }

    fn holder(&self, mutex: u64) -> Option<String> {
        let owner = field(self.types, "k_mutex", &["owner"])?
            .read(mutex, self.memory)
            .filter(|owner| *owner != 0)?;
        let name = self.name(owner);
        Some(name.unwrap_or_else(|| format!("the thread at 0x{owner:08x}")))
    }

    /// The thread's own name, else that of the variable it lies in.
    pub(super) fn name(&self, thread: u64) -> Option<String> {
        let name = self
            .layout
            .thread
            .name
            .and_then(|field| read_name(field.at(thread)?, field.size.min(128), self.memory));
        name.or_else(|| match self.info.file().symbol_at(thread) {
            Some((symbol, 0)) => Some(
                symbol
                    .name
                    .strip_prefix("_k_thread_obj_")
                    .map(str::to_owned)
                    .unwrap_or(symbol.name),
            ),
            _ => None,
        })
    }
}

struct Found {
    tag: (&'static str, &'static str),
    /// From the variable to the object: `.lock`, `[2]`.
    path: String,
    offset: u64,
}

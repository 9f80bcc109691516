//! Walks over the kernel's lists of tasks, as far as the lists can be trusted.

use super::layout::{Field, Layout};
use crate::model::memory::Memory;

/// More tasks than that in one list are a broken list.
const MAX_TASKS: u64 = 1024;

/// The tasks of one list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listed {
    /// Control blocks in the order of the list.
    pub(super) tasks: Vec<u64>,
    /// Where and how the list breaks off, in words.
    pub(super) broken: Option<String>,
}

/// Follows the list at `list`. Every item has to name the list as its container and a task that holds the item.
pub(super) fn walk(list: u64, layout: &Layout, memory: &dyn Memory) -> Listed {
    walk_items(
        list,
        &[layout.tcb.state_item, layout.tcb.event_item],
        layout,
        memory,
    )
}

/// Follows the list at `list`, whose owners have one of `item_fields` in it: tasks, or timers.
pub(super) fn walk_items(
    list: u64,
    item_fields: &[Field],
    layout: &Layout,
    memory: &dyn Memory,
) -> Listed {
    let mut listed = Listed::default();
    if let Err(reason) = follow(list, item_fields, layout, memory, &mut listed.tasks) {
        listed.broken = Some(reason);
    }
    listed
}

fn follow(
    list: u64,
    item_fields: &[Field],
    layout: &Layout,
    memory: &dyn Memory,
    tasks: &mut Vec<u64>,
) -> Result<(), String> {
    let unreadable = |addr: u64| format!("its memory at 0x{addr:08x} was not captured");
    let count = layout
        .list
        .count
        .read(list, memory)
        .ok_or_else(|| unreadable(list))?;
    if count > MAX_TASKS {
        return Err(format!("it claims to hold {count} tasks"));
    }
    let end = layout.list.end.at(list);
    let mut item = layout
        .list
        .end_next
        .read(list, memory)
        .ok_or_else(|| unreadable(list))?;
    for n in 0..count {
        if Some(item) == end {
            return Err(format!("it ends after {n} of {count} tasks"));
        }
        let owner = layout.item.owner.read(item, memory);
        let container = layout.item.container.read(item, memory);
        let next = layout.item.next.read(item, memory);
        let (Some(owner), Some(container), Some(next)) = (owner, container, next) else {
            return Err(unreadable(item));
        };
        let in_owner = item_fields
            .iter()
            .any(|field| field.at(owner) == Some(item));
        if container != list || !in_owner {
            return Err(format!("entry {n} at 0x{item:08x} is no task of this list"));
        }
        if tasks.contains(&owner) {
            return Err(format!("it runs in a circle after {n} of {count} tasks"));
        }
        tasks.push(owner);
        item = next;
    }
    if Some(item) == end {
        Ok(())
    } else {
        Err(format!("it goes on after its {count} tasks"))
    }
}

/// Control blocks anywhere in captured memory, whether a list leads to them or not.
///
/// The kernel writes the address of the control block into both of its list items: that a word holds exactly the address
/// it lies at, twice at the right distances, does not happen by chance.
pub(super) fn search(layout: &Layout, memory: &dyn Memory) -> Vec<u64> {
    /// Larger memories are searched as far as this.
    const MAX_BYTES: u64 = 16 * 1024 * 1024;
    const CHUNK: usize = 4096;
    let mut found = Vec::new();
    let mut budget = MAX_BYTES;
    for range in memory.ranges() {
        let mut addr = range.start.saturating_add(3) & !3;
        let mut chunk = [0; CHUNK];
        while addr < range.end && budget > 0 {
            let len = usize::try_from(range.end - addr).map_or(CHUNK, |left| left.min(CHUNK));
            let Some(buf) = chunk.get_mut(..len) else {
                break;
            };
            if memory.read(addr, buf).is_err() {
                break;
            }
            let mut slot = addr;
            for word in buf.chunks_exact(4) {
                let value = word
                    .first_chunk::<4>()
                    .map_or(0, |bytes| u64::from(u32::from_le_bytes(*bytes)));
                if is_task_of(value, slot, layout, memory) && !found.contains(&value) {
                    found.push(value);
                }
                slot = slot.saturating_add(4);
            }
            addr = addr.saturating_add(CHUNK as u64);
            budget = budget.saturating_sub(CHUNK as u64);
            if found.len() as u64 >= MAX_TASKS {
                return found;
            }
        }
    }
    found
}

/// True when `owner_slot` is the `pvOwner` of the state item of the task at `tcb`, and the rest of the task agrees.
fn is_task_of(tcb: u64, owner_slot: u64, layout: &Layout, memory: &dyn Memory) -> bool {
    let owner_of = |item: u64| layout.item.owner.at(item);
    let state_item = layout.tcb.state_item.at(tcb);
    if state_item.and_then(owner_of) != Some(owner_slot) {
        return false;
    }
    let event_owner = layout
        .tcb
        .event_item
        .at(tcb)
        .and_then(|item| layout.item.owner.read(item, memory));
    // a task that was deleted and freed is in no list any more
    let in_list = state_item
        .and_then(|item| layout.item.container.read(item, memory))
        .is_some_and(|container| container != 0);
    event_owner == Some(tcb) && in_list
}

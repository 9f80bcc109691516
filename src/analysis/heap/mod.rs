//! Heaps as their allocators keep them: blocks, free space, where the chain of blocks is broken and whose block is before that
//! place. One file an allocator, one line in `ALLOCATORS`.
//!
//! Block headers are written by the program's own bugs: nothing in them is believed before it fits its neighbours.

mod chain;
mod freertos;
mod newlib;
mod owners;

use crate::model::memory::Memory;
use crate::model::rtos_objects::RtosObject;
use crate::model::target_state::{HeapBlock, HeapView};
use crate::model::warning::Warning;
use crate::symbols::symbol_set::SymbolSet;
use crate::unwind::rtos::RtosThread;
use owners::Owners;

/// What an allocator's reader may use.
struct HeapInput<'a, 's> {
    symbols: &'a SymbolSet<'s>,
    memory: &'a dyn Memory,
    owners: &'a Owners,
}

type ReadHeap = fn(&HeapInput<'_, '_>) -> Vec<HeapView>;

/// Every allocator that can be read, by name.
static ALLOCATORS: &[ReadHeap] = &[freertos::read, newlib::read];

/// Every heap that the capture holds.
pub fn read(
    symbols: &SymbolSet<'_>,
    memory: &dyn Memory,
    threads: &[RtosThread],
    objects: &[RtosObject],
) -> Vec<HeapView> {
    if symbols.is_empty() {
        return Vec::new();
    }
    let owners = Owners::collect(symbols, memory, threads, objects);
    let input = HeapInput {
        symbols,
        memory,
        owners: &owners,
    };
    ALLOCATORS.iter().flat_map(|read| read(&input)).collect()
}

/// The block that holds `addr`, with its heap.
pub fn block_of(heaps: &[HeapView], addr: u64) -> Option<(&HeapView, &HeapBlock)> {
    heaps.iter().find_map(|heap| {
        let after = heap.blocks.partition_point(|block| block.address.0 <= addr);
        let block = heap.blocks.get(after.checked_sub(1)?)?;
        let offset = addr.checked_sub(block.address.0)?;
        (offset < block.size).then_some((heap, block))
    })
}

/// Something that is in use although its memory was given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreedInUse {
    /// What: `queue scratch`, `task net`.
    pub what: String,
    /// Where its control block is.
    pub address: u64,
    /// How it is still in use: `net waits on it`, or that something still points to it.
    pub how: String,
    /// True when somebody waits on it or runs as it: not only a handle that was left over.
    pub is_live: bool,
}

/// Objects and tasks whose control block lies in a free block.
pub fn freed_in_use(
    heaps: &[HeapView],
    threads: &[RtosThread],
    objects: &[RtosObject],
) -> Vec<FreedInUse> {
    let is_free = |addr: u64| block_of(heaps, addr).is_some_and(|(_, block)| !block.allocated);
    let mut found = Vec::new();
    for object in objects.iter().filter(|object| is_free(object.address.0)) {
        let waiters: Vec<String> = object
            .waiters
            .iter()
            .map(|waiter| waiter.thread.to_string())
            .collect();
        let how = match waiters.as_slice() {
            [] => "a handle to it is left over".to_owned(),
            [one] => format!("{one} waits on it"),
            many => format!("{} wait on it", many.join(" and ")),
        };
        found.push(FreedInUse {
            what: super::deadlock::title(object),
            address: object.address.0,
            how,
            is_live: !waiters.is_empty(),
        });
    }
    for thread in threads.iter().filter(|thread| is_free(thread.id)) {
        let name = thread.name.as_deref().unwrap_or("without a name");
        found.push(FreedInUse {
            what: format!("task {name}"),
            address: thread.id,
            how: "the kernel's lists still lead to it".to_owned(),
            is_live: true,
        });
    }
    found
}

/// What a reader has to know of the heaps, in words.
pub fn warnings(heaps: &[HeapView], freed: &[FreedInUse]) -> Vec<Warning> {
    let damage = heaps.iter().filter_map(|heap| {
        let damage = heap.damage.as_ref()?;
        Some(Warning::new(
            "FS-HEAP-001",
            format!("The heap ({}) is damaged: {damage}", heap.allocator),
        ))
    });
    let freed = freed.iter().filter(|freed| freed.is_live).map(|freed| {
        Warning::new(
            "FS-HEAP-002",
            format!(
                "Use after free: {} at 0x{:08x} lies in a free block of the heap (it was deleted), but {}.",
                freed.what, freed.address, freed.how
            ),
        )
    });
    damage.chain(freed).collect()
}

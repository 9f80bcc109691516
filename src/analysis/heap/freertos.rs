//! The heaps of FreeRTOS (`portable/MemMang/heap_1.c` to `heap_5.c`).
//!
//! Blocks of `heap_2`, `heap_4` and `heap_5` start with `{ pxNextFreeBlock, xBlockSize }`; the top bit of the size says that the
//! block is handed out (in `heap_2` from V10.5 on; before, whatever is in no free list is). `heap_4` and `heap_5` keep the free
//! blocks in the order of their addresses and may xor the pointers with `xHeapCanary`. `heap_1` only counts up; `heap_3` is the C library's.

use super::HeapInput;
use super::chain::{Chain, Header, MAX_BLOCKS, Walked};
use crate::analysis::wording::sentences;
use crate::model::addr::TargetAddr;
use crate::model::target_state::{HeapBlock, HeapView};
use crate::symbols::debug_info::DebugInfo;
use crate::symbols::elf_symbols::ElfSymbol;
use crate::symbols::globals;

/// `heapBLOCK_ALLOCATED_BITMASK` on a 32-bit target.
const ALLOCATED: u32 = 1 << 31;
/// `pxNextFreeBlock` and `xBlockSize`. Where `portBYTE_ALIGNMENT` is 16 (RISC-V) the data starts 8 bytes later.
const LINK_BYTES: u64 = 8;
/// `portBYTE_ALIGNMENT` of the Cortex-M ports; a larger one of others is a multiple.
const ALIGN: u64 = 8;
/// Larger heaps are not believed.
const MAX_HEAP_BYTES: u64 = 256 * 1024 * 1024;
/// Regions of a `heap_5`.
const MAX_REGIONS: u64 = 32;

/// The heap that the kernel was linked with.
pub(super) fn read(input: &HeapInput<'_, '_>) -> Vec<HeapView> {
    input
        .symbols
        .infos
        .iter()
        .filter(|info| info.file().address_bytes() == 4)
        .flat_map(|info| Heap { info, input }.read())
        .collect()
}

struct Heap<'a, 's> {
    info: &'a DebugInfo<'s>,
    input: &'a HeapInput<'a, 's>,
}

/// The free list, as far as it could be followed.
struct FreeList {
    /// Addresses in the order of the list.
    blocks: Vec<u64>,
    damage: Option<String>,
}

impl Heap<'_, '_> {
    fn read(&self) -> Vec<HeapView> {
        let area = self.symbol("ucHeap");
        let (Some(start), end) = (self.symbol("xStart"), self.symbol("pxEnd")) else {
            return match (area, self.symbol("xNextFreeByte")) {
                (Some(area), Some(_)) => self.heap_1(&area).into_iter().collect(),
                _ => Vec::new(),
            };
        };
        match (area, end, self.symbol("xEnd")) {
            (Some(area), Some(_), _) => {
                let last = self.word("pxEnd").unwrap_or(0);
                self.chained(
                    "FreeRTOS heap_4",
                    &start,
                    &[(area.address, area.size, last)],
                )
            }
            (Some(area), None, Some(end)) => self.heap_2(&start, &end, &area),
            (None, Some(_), _) => self.chained("FreeRTOS heap_5", &start, &self.regions()),
            _ => Vec::new(),
        }
    }

    /// Regions in the order of their addresses, each `(start, size, address of its end marker)`.
    fn chained(
        &self,
        allocator: &str,
        list: &ElfSymbol,
        regions: &[(u64, u64, u64)],
    ) -> Vec<HeapView> {
        // Before the first allocation there is no list.
        if self.word("pxEnd").is_none_or(|end| end == 0) {
            return Vec::new();
        }
        let canary = self.word("xHeapCanary").unwrap_or(0);
        let free = self.free_list(list.address, canary, Order::ByAddress, regions);
        let mut known = free.blocks.clone();
        known.sort_unstable();
        let header = |addr: u64| self.header(addr, canary, None);
        let mut views = Vec::new();
        for (start, size, last) in regions {
            if *size > MAX_HEAP_BYTES {
                continue;
            }
            let region_end = start.saturating_add(*size);
            let end = if (*start..=region_end).contains(last) {
                *last
            } else {
                region_end.saturating_sub(LINK_BYTES) & !(ALIGN - 1)
            };
            let first = first_block(*start, &header);
            let walked = self.chain(first, end, &header, &known).walk();
            views.push(view(allocator, *start, *size, walked));
        }
        self.add_totals(&mut views, &free);
        views
    }

    fn heap_2(&self, list: &ElfSymbol, end: &ElfSymbol, area: &ElfSymbol) -> Vec<HeapView> {
        let regions = [(area.address, area.size, 0)];
        if self.read_word(list.address).is_none_or(|first| first == 0) || area.size > MAX_HEAP_BYTES
        {
            return Vec::new();
        }
        let free = self.free_list(list.address, 0, Order::BySize(end.address), &regions);
        let mut known = free.blocks.clone();
        known.sort_unstable();
        // Without the bit a block is handed out when no list leads to it.
        let has_bit = |addr: u64| {
            self.read_word(addr.saturating_add(4))
                .is_some_and(|size| size & u64::from(ALLOCATED) != 0)
        };
        let start = area.address.saturating_add(ALIGN - 1) & !(ALIGN - 1);
        let marks_allocated = has_bit(start)
            || self
                .input
                .owners
                .known_data(start, start.saturating_add(area.size))
                .iter()
                .any(|data| has_bit(data.saturating_sub(LINK_BYTES)));
        let free_set: Option<&[u64]> = (!marks_allocated).then_some(&known);
        let header = |addr: u64| self.header(addr, 0, free_set);
        let adjusted = self
            .read_word(end.address.saturating_add(4))
            .filter(|size| *size <= area.size)
            .unwrap_or_else(|| area.size.saturating_sub(ALIGN));
        let walked = self
            .chain(start, start.saturating_add(adjusted), &header, &known)
            .walk();
        let mut views = vec![view("FreeRTOS heap_2", area.address, area.size, walked)];
        self.add_totals(&mut views, &free);
        views
    }

    fn heap_1(&self, area: &ElfSymbol) -> Option<HeapView> {
        let used = self.word("xNextFreeByte")?;
        let start = self
            .word("pucAlignedHeap")
            .filter(|addr| *addr != 0)
            .unwrap_or_else(|| area.address.saturating_add(ALIGN - 1) & !(ALIGN - 1));
        // configADJUSTED_HEAP_SIZE: what aligning may cost is never handed out.
        let end = start.saturating_add(area.size.saturating_sub(ALIGN));
        let next = start.checked_add(used)?;
        if next > end || area.size > MAX_HEAP_BYTES {
            return Some(HeapView {
                damage: Some(format!(
                    "xNextFreeByte says that {used} of {} bytes are used: it was written over.",
                    area.size
                )),
                ..view(
                    "FreeRTOS heap_1",
                    area.address,
                    area.size,
                    Walked::default(),
                )
            });
        }
        let mut walked = Walked::default();
        for (from, to, allocated) in [(start, next, true), (next, end, false)] {
            if from < to {
                walked.blocks.push(HeapBlock {
                    address: TargetAddr(from),
                    size: to - from,
                    allocated,
                    owner: None,
                });
            }
        }
        let mut view = view("FreeRTOS heap_1", area.address, area.size, walked);
        view.free_counted = view.free;
        // Nothing is ever given back.
        view.free_min = view.free;
        Some(view)
    }

    fn chain<'c>(
        &'c self,
        start: u64,
        end: u64,
        header: &'c dyn Fn(u64) -> Header,
        known: &'c [u64],
    ) -> Chain<'c> {
        Chain {
            start,
            end,
            header_bytes: LINK_BYTES,
            data: &|addr| addr.saturating_add(LINK_BYTES),
            align: ALIGN,
            header,
            known,
            owners: self.input.owners,
        }
    }

    /// `free`: for heaps without the bit, the addresses of free blocks.
    fn header(&self, addr: u64, canary: u64, free: Option<&[u64]>) -> Header {
        let (Some(next), Some(size)) =
            (self.read_word(addr), self.read_word(addr.saturating_add(4)))
        else {
            return Header::NotCaptured;
        };
        if size == 0 {
            return Header::Broken(format!("next 0x{next:08x}, size 0"));
        }
        let bytes = size & !u64::from(ALLOCATED);
        let allocated = match free {
            Some(free) => free.binary_search(&addr).is_err(),
            None => size & u64::from(ALLOCATED) != 0,
        };
        let words = format!("next 0x{next:08x}, size 0x{size:08x}");
        if bytes < LINK_BYTES || !bytes.is_multiple_of(ALIGN) || bytes > MAX_HEAP_BYTES {
            return Header::Broken(words);
        }
        // A block that is handed out is in no list.
        let is_odd = allocated && free.is_none() && next ^ canary != 0;
        Header::Block {
            size: bytes,
            allocated,
            suspicious: is_odd.then_some(words),
        }
    }

    fn free_list(
        &self,
        list: u64,
        canary: u64,
        order: Order,
        regions: &[(u64, u64, u64)],
    ) -> FreeList {
        let mut found = FreeList {
            blocks: Vec::new(),
            damage: None,
        };
        let stop = match order {
            Order::ByAddress => self.word("pxEnd").unwrap_or(0),
            Order::BySize(end) => end,
        };
        let Some(mut at) = self.read_word(list).map(|word| word ^ canary) else {
            return found;
        };
        let mut last = 0;
        while at != stop {
            let in_heap = regions
                .iter()
                .any(|(start, size, _)| (*start..start.saturating_add(*size)).contains(&at));
            let size = self.read_word(at.saturating_add(4));
            // The end marker of an inner region of heap_5 is in the list as a block of size 0.
            let is_marker = size == Some(0);
            let is_ordered = order != Order::ByAddress || at > last;
            let is_free = size.is_some_and(|size| size & u64::from(ALLOCATED) == 0);
            let is_in_regions = in_heap || regions.is_empty();
            if !is_in_regions || !is_ordered || !is_free || found.blocks.len() >= MAX_BLOCKS {
                let after = match found.blocks.last() {
                    Some(block) => format!("the free block at 0x{block:08x}"),
                    None => "its start".to_owned(),
                };
                found.damage = Some(format!(
                    "the list of free blocks breaks off after {after}, which leads to 0x{at:08x}, no free block."
                ));
                break;
            }
            if !is_marker {
                found.blocks.push(at);
            }
            last = at;
            match self.read_word(at) {
                Some(next) => at = next ^ canary,
                None => break,
            }
        }
        found
    }

    /// What the allocator counts is for all regions together: of several, none is given it.
    fn add_totals(&self, views: &mut [HeapView], free: &FreeList) {
        let walked: Option<u64> = views.iter().map(|view| view.free).sum();
        let counted = self.word("xFreeBytesRemaining");
        let n_regions = views.len();
        if n_regions > 1 {
            for (view, n) in views.iter_mut().zip(1..) {
                view.allocator = format!("{}, region {n} of {n_regions}", view.allocator);
            }
        }
        let Some(first) = views.first_mut() else {
            return;
        };
        if n_regions == 1 {
            first.free_counted = counted;
            first.free_min = self.word("xMinimumEverFreeBytesRemaining");
        }
        let mut damage: Vec<String> = first.damage.take().into_iter().collect();
        damage.extend(free.damage.clone());
        if let (Some(walked), Some(counted), true) = (walked, counted, damage.is_empty())
            && walked != counted
        {
            damage.push(format!(
                "the free blocks add up to {walked} bytes, but the allocator counts {counted}."
            ));
        }
        first.damage = sentences(&damage);
    }

    /// The regions that `vPortDefineHeapRegions` was given, from an array of `HeapRegion_t` among the globals.
    fn regions(&self) -> Vec<(u64, u64, u64)> {
        let arrays = globals::globals(self.info).into_iter().filter(|global| {
            let name = global.type_name.trim_start_matches("const ");
            name.starts_with("HeapRegion_t") || name.starts_with("struct HeapRegion")
        });
        let mut regions = Vec::new();
        for array in arrays {
            for n in 0..(array.size / LINK_BYTES).min(MAX_REGIONS) {
                let entry = array.address.saturating_add(n * LINK_BYTES);
                match (
                    self.read_word(entry),
                    self.read_word(entry.saturating_add(4)),
                ) {
                    (Some(start), Some(size)) if size > 0 && start > 0 => {
                        regions.push((start, size, 0));
                    }
                    _ => break,
                }
            }
        }
        regions.sort_unstable();
        regions.dedup();
        regions
    }

    fn symbol(&self, name: &str) -> Option<ElfSymbol> {
        self.info.file().symbol(name)
    }

    /// The value of a kernel variable of one word.
    fn word(&self, name: &str) -> Option<u64> {
        self.read_word(self.symbol(name)?.address)
    }

    fn read_word(&self, addr: u64) -> Option<u64> {
        self.input.memory.read_u32(addr).ok().map(u64::from)
    }
}

/// The start, aligned to 8 bytes, or to 16 where only that makes sense.
fn first_block(start: u64, header: &dyn Fn(u64) -> Header) -> u64 {
    let align = |to: u64| start.saturating_add(to - 1) & !(to - 1);
    let (eight, sixteen) = (align(ALIGN), align(2 * ALIGN));
    let is_block = |addr: u64| matches!(header(addr), Header::Block { .. });
    if !is_block(eight) && is_block(sixteen) {
        sixteen
    } else {
        eight
    }
}

fn view(allocator: &str, start: u64, size: u64, walked: Walked) -> HeapView {
    let free = || walked.blocks.iter().filter(|block| !block.allocated);
    let is_complete = !walked.is_partial && !walked.blocks.is_empty();
    HeapView {
        allocator: allocator.to_owned(),
        start: TargetAddr(start),
        size,
        free: is_complete.then(|| free().map(|block| block.size).sum()),
        free_counted: None,
        free_min: None,
        largest_free: is_complete.then(|| free().map(|block| block.size).max().unwrap_or(0)),
        damage: sentences(&walked.damage),
        blocks: walked.blocks,
    }
}

/// How a free list is sorted, and where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    ByAddress,
    /// `heap_2`: up to the variable `xEnd` at this address.
    BySize(u64),
}

//! The heap of newlib: the small allocator (`nano-mallocr.c`) and the usual one (`mallocr.c`, after Doug Lea's 2.6.5).
//!
//! Small: blocks `{ long size; next (only while free) }` from `__malloc_sbrk_start` on, free ones in the list `__malloc_free_list`
//! by address; the data starts 4 or 8 bytes behind the size. Usual: blocks `{ prev_size, size | flags, fd, bk }` from
//! `__malloc_sbrk_base` up to the top block, which `__malloc_av_[2]` points to; bit 0 of a size says that the block *before* it is in use.

use super::HeapInput;
use super::chain::{Chain, Header, MAX_BLOCKS, Walked};
use crate::analysis::wording::sentences;
use crate::model::addr::TargetAddr;
use crate::model::target_state::{HeapBlock, HeapView};
use crate::symbols::debug_info::DebugInfo;
use crate::symbols::elf_symbols::SymbolKind;

/// Larger blocks are not believed.
const MAX_BLOCK_BYTES: u64 = 256 * 1024 * 1024;
/// `PREV_INUSE`.
const PREVIOUS_IN_USE: u64 = 1;
/// Flags in the low bits of a size.
const FLAGS: u64 = 3;
/// Variables of usual `_sbrk` implementations that hold the end of the heap.
const HEAP_ENDS: [&str; 6] = [
    "__sbrk_heap_end",
    "current_heap_end",
    "heap",
    "heap_end",
    "heap_ptr",
    "s_heap_end",
];

/// The C library's heap, if the ELF has one that was used.
pub(super) fn read(input: &HeapInput<'_, '_>) -> Vec<HeapView> {
    input
        .symbols
        .infos
        .iter()
        .filter(|info| info.file().address_bytes() == 4)
        .filter_map(|info| {
            let heap = Heap { info, input };
            heap.small().or_else(|| heap.usual())
        })
        .collect()
}

struct Heap<'a, 's> {
    info: &'a DebugInfo<'s>,
    input: &'a HeapInput<'a, 's>,
}

impl Heap<'_, '_> {
    fn small(&self) -> Option<HeapView> {
        let start = self
            .word("__malloc_sbrk_start")
            .or_else(|| self.word("_malloc_sbrk_start"))
            .filter(|start| *start != 0)?;
        let list = self
            .symbol("__malloc_free_list")
            .or_else(|| self.symbol("_malloc_free_list"))?;
        let (free, list_damage) = self.free_list(list, start);
        let start = start.saturating_add(3) & !3;
        let last_free_end = free
            .last()
            .and_then(|at| at.checked_add(self.read_word(*at)?))
            .unwrap_or(start);
        let sbrk_end = self.sbrk_end(start);
        let end = sbrk_end.unwrap_or(u64::MAX).max(last_free_end);
        let header = |addr: u64| match self.read_word(addr) {
            None => Header::NotCaptured,
            // Without a known end, what cannot be a size behind the last free block is behind the heap.
            Some(size) if !is_size(size) => {
                if sbrk_end.is_none() && addr >= last_free_end {
                    Header::End
                } else {
                    Header::Broken(format!("size 0x{size:08x}"))
                }
            }
            Some(size) => Header::Block {
                size,
                allocated: free.binary_search(&addr).is_err(),
                suspicious: None,
            },
        };
        let chain = Chain {
            start,
            end,
            header_bytes: 4,
            // Aligned to 8 bytes: 4 or 8 bytes behind the size.
            data: &|addr| addr.saturating_add(4 + 7) & !7,
            align: 4,
            header: &header,
            known: &free,
            owners: self.input.owners,
        };
        let mut walked = chain.walk();
        walked.damage.extend(list_damage);
        let walked_end = walked
            .blocks
            .last()
            .map_or(start, |b| b.address.0.saturating_add(b.size));
        let end = sbrk_end.unwrap_or(walked_end);
        Some(view("newlib (small)", start, end, walked, 0))
    }

    fn free_list(&self, list: u64, start: u64) -> (Vec<u64>, Option<String>) {
        let mut found: Vec<u64> = Vec::new();
        let Some(mut at) = self.read_word(list) else {
            return (found, None);
        };
        while at != 0 {
            let is_ordered = found.last().is_none_or(|last| at > *last) && at >= start;
            let size = self.read_word(at);
            if !is_ordered || !size.is_some_and(is_size) || found.len() >= MAX_BLOCKS {
                let damage =
                    format!("the list of free blocks leads to 0x{at:08x}, where no free block is.");
                return (found, Some(damage));
            }
            found.push(at);
            match self.read_word(at.saturating_add(4)) {
                Some(next) => at = next,
                None => break,
            }
        }
        (found, None)
    }

    fn usual(&self) -> Option<HeapView> {
        let bins = self.symbol("__malloc_av_")?;
        let base = self
            .word("__malloc_sbrk_base")
            .filter(|base| !matches!(base, 0 | 0xFFFF_FFFF))?;
        let top = self.read_word(bins.checked_add(8)?)?;
        let start = base.saturating_add(7) & !7;
        if top < start || top - start > MAX_BLOCK_BYTES {
            return None;
        }
        let size_at = |addr: u64| self.read_word(addr.saturating_add(4));
        let header = |addr: u64| {
            let Some(word) = size_at(addr) else {
                return Header::NotCaptured;
            };
            let size = word & !FLAGS;
            if size < 16 || !size.is_multiple_of(8) || size > MAX_BLOCK_BYTES {
                return Header::Broken(format!("size 0x{word:08x}"));
            }
            let next = addr.saturating_add(size);
            Header::Block {
                size,
                allocated: size_at(next).is_some_and(|next| next & PREVIOUS_IN_USE != 0),
                suspicious: None,
            }
        };
        let chain = Chain {
            start,
            end: top,
            header_bytes: 8,
            data: &|addr| addr.saturating_add(8),
            align: 8,
            header: &header,
            known: &[],
            owners: self.input.owners,
        };
        let mut walked = chain.walk();
        let top_bytes = size_at(top).map_or(0, |size| size & !FLAGS);
        let end = top.saturating_add(top_bytes);
        if top_bytes > 0 && top_bytes <= MAX_BLOCK_BYTES {
            walked.blocks.push(HeapBlock {
                address: TargetAddr(top),
                size: top_bytes,
                allocated: false,
                owner: None,
            });
        }
        Some(view("newlib", base, end, walked, 0))
    }

    /// Where the heap ends that `_sbrk` handed out, by the variable that usual implementations keep it in.
    fn sbrk_end(&self, start: u64) -> Option<u64> {
        self.info
            .file()
            .symbols()
            .iter()
            .filter(|symbol| symbol.kind == SymbolKind::Object && symbol.size == 4)
            .filter(|symbol| {
                let name = symbol.name.split('.').next().unwrap_or_default();
                HEAP_ENDS.contains(&name)
            })
            .filter_map(|symbol| self.read_word(symbol.address))
            .find(|end| *end > start && *end - start <= MAX_BLOCK_BYTES)
    }

    fn symbol(&self, name: &str) -> Option<u64> {
        self.info.file().symbol(name).map(|symbol| symbol.address)
    }

    fn word(&self, name: &str) -> Option<u64> {
        self.read_word(self.symbol(name)?)
    }

    fn read_word(&self, addr: u64) -> Option<u64> {
        self.input.memory.read_u32(addr).ok().map(u64::from)
    }
}

fn is_size(size: u64) -> bool {
    (8..=MAX_BLOCK_BYTES).contains(&size) && size.is_multiple_of(4)
}

fn view(allocator: &str, start: u64, end: u64, walked: Walked, min: u64) -> HeapView {
    let free = || walked.blocks.iter().filter(|block| !block.allocated);
    let is_complete = !walked.is_partial;
    HeapView {
        allocator: allocator.to_owned(),
        start: TargetAddr(start),
        size: end.saturating_sub(start),
        free: is_complete.then(|| free().map(|block| block.size).sum()),
        free_counted: None,
        free_min: None,
        largest_free: is_complete.then(|| free().map(|block| block.size).max().unwrap_or(min)),
        damage: sentences(&walked.damage),
        blocks: walked.blocks,
    }
}

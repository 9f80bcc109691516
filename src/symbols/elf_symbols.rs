//! The symbol table, ready to be asked by address and by name.

use super::elf_image::{self, ElfImage, RawSymbol};
use object::elf;
use std::ops::Range;
use std::sync::OnceLock;

/// What a symbol names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SymbolKind {
    /// Code.
    Function,
    /// A variable.
    Object,
    /// A label of the linker script or of assembler code.
    Other,
}

/// One symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElfSymbol {
    /// Name as the linker knows it.
    pub name: String,
    /// Address, the Thumb bit cleared.
    pub address: u64,
    /// Size in bytes; 0 when the table does not say.
    pub size: u64,
    /// What it names.
    pub kind: SymbolKind,
}

/// All symbols that have an address, sorted by it.
#[derive(Debug, Default)]
pub struct SymbolTable {
    /// Sorted by address, then best first.
    by_address: Vec<Entry>,
    /// Indexes into `by_address`, sorted by name.
    by_name: OnceLock<Vec<usize>>,
    /// Greatest end of `by_address[..=i]`: a search backwards stops there.
    furthest_end: Vec<u64>,
}

#[derive(Debug)]
struct Entry {
    symbol: ElfSymbol,
    /// One past its last address, also for symbols without a size.
    end: u64,
    is_global: bool,
}

impl SymbolTable {
    /// Sorts the symbols of an ELF.
    pub fn new(image: &ElfImage, bytes: &[u8]) -> Self {
        let is_arm = image.machine == elf::EM_ARM;
        let mut by_address: Vec<Entry> = elf_image::symbols(bytes)
            .into_iter()
            .filter_map(|raw| entry(image, raw, is_arm))
            .collect();
        by_address.sort_by(|a, b| {
            (a.symbol.address, rank(a), &a.symbol.name).cmp(&(
                b.symbol.address,
                rank(b),
                &b.symbol.name,
            ))
        });
        close_open_ends(&mut by_address);
        let mut furthest = 0;
        let furthest_end = by_address
            .iter()
            .map(|entry| {
                furthest = entry.end.max(furthest);
                furthest
            })
            .collect();
        Self {
            by_address,
            by_name: OnceLock::new(),
            furthest_end,
        }
    }

    /// True when there is no symbol at all.
    pub fn is_empty(&self) -> bool {
        self.by_address.is_empty()
    }

    /// True when at least one function has a name.
    pub fn has_functions(&self) -> bool {
        self.by_address
            .iter()
            .any(|e| e.symbol.kind == SymbolKind::Function)
    }

    /// The symbol of that name; a global one when there are several.
    pub fn by_name(&self, name: &str) -> Option<&ElfSymbol> {
        let entry_of = |i: &usize| self.by_address.get(*i);
        let by_name = self.by_name.get_or_init(|| {
            let mut order: Vec<usize> = (0..self.by_address.len()).collect();
            let name_of = |i: &usize| self.by_address.get(*i).map(|e| e.symbol.name.as_str());
            order.sort_by(|a, b| name_of(a).cmp(&name_of(b)).then(a.cmp(b)));
            order
        });
        let first =
            by_name.partition_point(|i| entry_of(i).is_some_and(|e| e.symbol.name.as_str() < name));
        let same = by_name
            .get(first..)?
            .iter()
            .filter_map(entry_of)
            .take_while(|e| e.symbol.name == name);
        same.min_by_key(|e| (!e.is_global, rank(e)))
            .map(|e| &e.symbol)
    }

    /// The innermost symbol that `addr` lies in, with the distance from its start.
    pub fn at(&self, addr: u64) -> Option<(&ElfSymbol, u64)> {
        self.find(addr, |_any| true)
            .map(|e| (&e.symbol, addr - e.symbol.address))
    }

    /// The function that `addr` lies in, or the label before it: what to call code.
    pub fn code_at(&self, addr: u64) -> Option<&ElfSymbol> {
        self.find(addr, |kind| kind == SymbolKind::Function)
            .or_else(|| self.find(addr, |kind| kind == SymbolKind::Other))
            .map(|e| &e.symbol)
    }

    /// Addresses of the function that `addr` lies in, if the table gives its size.
    pub fn function_range_at(&self, addr: u64) -> Option<Range<u64>> {
        let entry = self.find(addr, |kind| kind == SymbolKind::Function)?;
        (entry.symbol.size > 0).then_some(entry.symbol.address..entry.end)
    }

    fn find(&self, addr: u64, wanted: impl Fn(SymbolKind) -> bool) -> Option<&Entry> {
        let after = self
            .by_address
            .partition_point(|e| e.symbol.address <= addr);
        let mut best: Option<&Entry> = None;
        for index in (0..after).rev() {
            let entry = self.by_address.get(index)?;
            if self.furthest_end.get(index).is_none_or(|end| *end <= addr) {
                break;
            }
            // Everything further down starts lower: a better one can only be at the same address.
            if best.is_some_and(|b| entry.symbol.address < b.symbol.address) {
                break;
            }
            if addr < entry.end && wanted(entry.symbol.kind) {
                best = Some(entry);
            }
        }
        best
    }

    /// Addresses where a symbol begins or ends, sorted.
    pub fn boundaries(&self) -> Vec<u64> {
        let mut found: Vec<u64> = self
            .by_address
            .iter()
            .flat_map(|e| [e.symbol.address, e.end])
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Functions that start at `addr`, best first.
    pub fn functions_at(&self, addr: u64) -> impl Iterator<Item = &ElfSymbol> + '_ {
        let first = self.by_address.partition_point(|e| e.symbol.address < addr);
        self.by_address
            .get(first..)
            .unwrap_or_default()
            .iter()
            .map(|e| &e.symbol)
            .take_while(move |s| s.address == addr)
            .filter(|s| s.kind == SymbolKind::Function)
    }

    /// Every symbol, in the order of addresses.
    pub fn iter(&self) -> impl Iterator<Item = &ElfSymbol> + '_ {
        self.by_address.iter().map(|e| &e.symbol)
    }
}

/// Lower is better among symbols at one address.
fn rank(entry: &Entry) -> (u8, bool, bool) {
    let kind = match entry.symbol.kind {
        SymbolKind::Function => 0,
        SymbolKind::Object => 1,
        SymbolKind::Other => 2,
    };
    (kind, entry.symbol.size == 0, !entry.is_global)
}

fn entry(image: &ElfImage, raw: RawSymbol, is_arm: bool) -> Option<Entry> {
    // Absolute symbols are numbers of the linker script (sizes, stack tops), not places.
    let section = match raw.section {
        elf::SHN_UNDEF | elf::SHN_ABS | elf::SHN_COMMON => return None,
        index => image.sections.get(usize::from(index)),
    };
    let kind = match raw.kind {
        elf::STT_FUNC | elf::STT_GNU_IFUNC => SymbolKind::Function,
        elf::STT_OBJECT => SymbolKind::Object,
        elf::STT_NOTYPE => SymbolKind::Other,
        _ => return None,
    };
    if is_mapping_symbol(image.machine, &raw.name) || section.is_some_and(|s| !s.is_alloc()) {
        return None;
    }
    let address = if is_arm && kind == SymbolKind::Function {
        raw.value & !1
    } else {
        raw.value
    };
    // Until the next symbol is known, a symbol without a size reaches to the end of its section.
    let section_end = section.map_or(address, |s| s.range().end);
    let end = if raw.size == 0 {
        section_end.max(address)
    } else {
        address.saturating_add(raw.size)
    };
    Some(Entry {
        symbol: ElfSymbol {
            name: raw.name,
            address,
            size: raw.size,
            kind,
        },
        end,
        is_global: raw.binding != elf::STB_LOCAL,
    })
}

/// `$t`, `$d`, `$a`, `$x` (ELF for the Arm Architecture, 5.5.5; RISC-V psABI likewise) mark what bytes are; they name nothing.
fn is_mapping_symbol(machine: u16, name: &str) -> bool {
    let mut chars = name.chars();
    match machine {
        elf::EM_ARM | elf::EM_AARCH64 | elf::EM_RISCV => {
            (chars.next() == Some('$')
                && matches!(chars.next(), Some('a' | 't' | 'd' | 'x'))
                && (machine == elf::EM_RISCV || matches!(chars.next(), None | Some('.'))))
                || (machine == elf::EM_RISCV && name.starts_with(".L"))
        }
        _ => false,
    }
}

/// A symbol without a size ends where the next one begins.
fn close_open_ends(entries: &mut [Entry]) {
    let mut next_start = u64::MAX;
    let mut current = u64::MAX;
    for entry in entries.iter_mut().rev() {
        let start = entry.symbol.address;
        if start < current {
            next_start = current;
            current = start;
        }
        if entry.symbol.size == 0 {
            entry.end = entry.end.min(next_start);
        }
    }
}

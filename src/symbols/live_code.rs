//! Tells code that is on the device from code that the linker dropped.
//!
//! A dropped function keeps its debug information, with its start address replaced: by 0 (GNU ld, gold),
//! by 1 in old range lists, by -1 or -2 (lld). With flash at address 0 the first of these looks like code.

use super::elf_symbols::SymbolKind;
use super::symbol_file::SymbolFile;
use std::cell::OnceCell;
use std::ops::Range;

/// The code of one ELF.
pub(super) struct LiveCode<'a> {
    file: &'a SymbolFile,
    /// Sorted.
    ranges: Vec<Range<u64>>,
    has_function_symbols: OnceCell<bool>,
}

/// How well the symbol table backs a function; better is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Backing {
    /// No function symbol starts there.
    None,
    /// A function symbol of another name starts there.
    Start,
    /// A function symbol of the same name starts there.
    Name,
}

impl<'a> LiveCode<'a> {
    pub(super) fn new(file: &'a SymbolFile) -> Self {
        let mut ranges: Vec<Range<u64>> = file.code_ranges().collect();
        ranges.sort_by_key(|r| (r.start, r.end));
        Self {
            file,
            ranges,
            has_function_symbols: OnceCell::new(),
        }
    }

    /// True when `addr` lies in code.
    pub(super) fn contains(&self, addr: u64) -> bool {
        self.ranges.iter().any(|r| r.contains(&addr))
    }

    /// True when any of the range is code.
    pub(super) fn touches(&self, range: &Range<u64>) -> bool {
        self.ranges
            .iter()
            .any(|r| r.start < range.end && range.start < r.end)
    }

    /// True when the range lies whole in one executable section.
    pub(super) fn holds(&self, range: &Range<u64>) -> bool {
        range.start < range.end
            && self
                .ranges
                .iter()
                .any(|r| r.start <= range.start && range.end <= r.end)
    }

    fn has_function_symbols(&self) -> bool {
        *self
            .has_function_symbols
            .get_or_init(|| self.file.symbols().has_functions())
    }

    /// How well the symbol table backs a function that starts at `start`.
    pub(super) fn backing(&self, start: u64, names: &[&str]) -> Backing {
        let mut symbols = self.file.symbols().functions_at(start).peekable();
        if symbols.peek().is_none() {
            Backing::None
        } else if symbols.any(|s| names.contains(&s.name.as_str())) {
            Backing::Name
        } else {
            Backing::Start
        }
    }

    /// Whether a function of that range and name is on the device: a start of 0 needs a symbol of its name.
    pub(super) fn is_live_function(&self, range: &Range<u64>, backing: Backing) -> bool {
        self.holds(range)
            && (range.start != 0 || !self.has_function_symbols() || backing == Backing::Name)
    }

    /// Whether code that starts at 0 and is `len` bytes long can be what is really there.
    pub(super) fn is_live_block_at_zero(&self, len: u64) -> bool {
        !self.has_function_symbols()
            || self
                .file
                .symbols()
                .functions_at(0)
                .any(|s| s.kind == SymbolKind::Function && (s.size == 0 || s.size == len))
    }
}

//! Where the main stack is, by the names that linker scripts give its ends.

use crate::model::memory::Memory;
use crate::symbols::symbol_set::SymbolSet;
use std::ops::Range;

/// Names of the lowest address: CMSIS, vendors' scripts, our own. Sorted.
const BOTTOM_NAMES: [&str; 8] = [
    "__STACK_LIMIT",
    "__StackLimit",
    "__stack_limit",
    "__stack_start__",
    "_sstack",
    "_stack_bottom",
    "_stack_end",
    "_stack_limit",
];

/// Names of the end, where no vector table tells it. Sorted.
const TOP_NAMES: [&str; 5] = [
    "__StackTop",
    "__stack_top",
    "_estack",
    "_stack_start",
    "_stack_top",
];

/// Names of the end of the variables: a stack that begins nowhere in particular must not reach below it. Sorted.
const DATA_END_NAMES: [&str; 6] = ["__bss_end", "__bss_end__", "__ebss", "_ebss", "_end", "end"];

/// The main stack, lowest address first; its top is the first word of the vector table (`ARMv7-M` ARM B1.5.3), else a
/// symbol.
pub fn main_stack(
    symbols: &SymbolSet<'_>,
    vector_table: Option<u64>,
    memory: &dyn Memory,
) -> Option<Range<u64>> {
    let first_word = vector_table.and_then(|table| memory.read_u32(table).ok());
    let named_top = || TOP_NAMES.iter().find_map(|name| symbols.symbol(name));
    let top = first_word
        .map(u64::from)
        .or_else(|| named_top().map(|symbol| symbol.address))?;
    let below = |names: &[&str]| {
        names
            .iter()
            .filter_map(|name| symbols.symbol(name))
            .map(|symbol| symbol.address)
            .find(|bottom| *bottom < top && *bottom != 0)
    };
    let bottom = below(&BOTTOM_NAMES).or_else(|| below(&DATA_END_NAMES))?;
    Some(bottom..top)
}

#[cfg(test)]
mod tests {
    use super::{BOTTOM_NAMES, DATA_END_NAMES, TOP_NAMES};

    #[test]
    fn names_are_sorted() {
        assert!(BOTTOM_NAMES.is_sorted() && TOP_NAMES.is_sorted() && DATA_END_NAMES.is_sorted());
    }
}

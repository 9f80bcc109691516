//! The vector table in an ELF: which exception a handler serves, where the main stack begins.

use super::code::Code;
use crate::arch::cortex_m::exception_name;
use crate::model::memory::Memory as _;
use crate::symbols::{debug_info::DebugInfo, symbol_set::SymbolSet};

/// What start-up files call the table. Sorted.
const TABLE_NAMES: [&str; 12] = [
    "_VECTOR_TABLE",
    "__VECTOR_TABLE",
    "__Vectors",
    "__isr_vector",
    "__vector_table",
    "_vector_table",
    "_vectors",
    "g_pfnVectors",
    "interrupt_vector_table",
    "vector_table",
    "vectors",
    "vtor_table",
];

/// Entries that are looked at: the exceptions and every interrupt that a Cortex-M can have.
const MAX_VECTORS: u32 = 16 + 480;

/// The exception whose handler starts at `handler`, by the vector table; the lowest one if several share it.
pub(super) fn exception_of(handler: u64, code: &Code<'_, '_>) -> Option<String> {
    let (info, table) = find(code)?;
    (1..MAX_VECTORS)
        .map_while(|number| {
            let addr = table.checked_add(4 * u64::from(number))?;
            let entry = info.file().constants().read_u32(addr).ok()?;
            Some((number, u64::from(entry & !1)))
        })
        .find(|(_, entry)| *entry == handler)
        .map(|(number, _)| exception_name(number))
}

/// The initial main stack pointer: one past the highest address of the main stack.
pub(super) fn initial_main_stack(code: &Code<'_, '_>) -> Option<u64> {
    let (info, table) = find(code)?;
    let top = info.file().constants().read_u32(table).ok()?;
    (top != 0 && top % 4 == 0).then(|| u64::from(top))
}

/// Address of the vector table, if a symbol names it.
pub fn table_address(symbols: &SymbolSet<'_>) -> Option<u64> {
    TABLE_NAMES
        .iter()
        .find_map(|name| symbols.symbol(name))
        .map(|symbol| symbol.address)
}

fn find<'a, 's>(code: &Code<'a, 's>) -> Option<(&'a DebugInfo<'s>, u64)> {
    code.symbols.infos.iter().find_map(|info| {
        TABLE_NAMES
            .iter()
            .find_map(|name| info.file().symbol(name))
            .map(|symbol| (info, symbol.address))
    })
}

#[cfg(test)]
mod tests {
    use super::{TABLE_NAMES, exception_of, initial_main_stack};
    use crate::model::{arch::Arch, memory::MemoryMap};
    use crate::symbols::symbol_set::SymbolSet;
    use crate::unwind::abi;
    use crate::unwind::code::Code;
    use crate::unwind::fixture::{info, symbol_file};

    #[test]
    fn handlers_are_named_by_their_place_in_the_table() {
        assert!(TABLE_NAMES.is_sorted());
        let file = symbol_file("qemu-freertos/an386.elf");
        let symbols = SymbolSet {
            infos: vec![info(&file)],
        };
        let memory = MemoryMap::default();
        let code = Code {
            symbols: &symbols,
            memory: &memory,
            abi: abi::of(Arch::ArmV7M),
        };
        assert_eq!(exception_of(0x2464, &code).as_deref(), Some("SysTick"));
        assert_eq!(exception_of(0x2314, &code).as_deref(), Some("PendSV"));
        assert_eq!(exception_of(0x1234, &code), None);
        assert_eq!(initial_main_stack(&code), Some(0x2000_2000));
    }
}

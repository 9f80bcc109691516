//! Whose memory a block is: control blocks and stacks of tasks, kernel objects, and what global pointers lead to.

use crate::model::memory::Memory;
use crate::model::rtos_objects::RtosObject;
use crate::symbols::elf_symbols::SymbolKind;
use crate::symbols::symbol_set::SymbolSet;
use crate::unwind::rtos::RtosThread;
use std::collections::BTreeMap;

/// Global pointers that are read.
const MAX_POINTERS: usize = 100_000;

/// Labels by the address that they are for.
#[derive(Debug, Default)]
pub(super) struct Owners {
    /// Control blocks and stacks: their start is where the allocator's user data starts.
    sure: BTreeMap<u64, String>,
    /// Where global pointers lead to.
    pointed: BTreeMap<u64, String>,
}

impl Owners {
    pub(super) fn collect(
        symbols: &SymbolSet<'_>,
        memory: &dyn Memory,
        threads: &[RtosThread],
        objects: &[RtosObject],
    ) -> Self {
        let mut owners = Self::default();
        for thread in threads {
            let name = thread
                .name
                .clone()
                .unwrap_or_else(|| format!("0x{:08x}", thread.id));
            owners.sure.insert(thread.id, format!("task {name}"));
            if let Some(stack) = &thread.stack {
                owners
                    .sure
                    .insert(stack.start, format!("stack of task {name}"));
            }
        }
        for object in objects {
            owners
                .sure
                .insert(object.address.0, crate::analysis::deadlock::title(object));
        }
        let pointers = symbols.infos.iter().flat_map(|info| {
            let word = u64::from(info.file().address_bytes());
            info.file()
                .symbols()
                .iter()
                .filter(move |symbol| symbol.kind == SymbolKind::Object && symbol.size == word)
        });
        for symbol in pointers.take(MAX_POINTERS) {
            let held = memory.read_u32(symbol.address).map_or(0, u64::from);
            if held != 0 {
                owners
                    .pointed
                    .entry(held)
                    .or_insert_with(|| format!("held by {}", symbol.name));
            }
        }
        owners
    }

    /// The owner of a block: `data` is where its user data starts.
    pub(super) fn of(&self, data: u64, end: u64) -> Option<String> {
        if data >= end {
            return None;
        }
        self.sure
            .range(data..end)
            .next()
            .or_else(|| self.pointed.get_key_value(&data))
            .map(|(_, label)| label.clone())
    }

    /// Addresses in `from..to` where user data is known to start.
    pub(super) fn known_data(&self, from: u64, to: u64) -> Vec<u64> {
        if from >= to {
            return Vec::new();
        }
        self.sure.range(from..to).map(|(addr, _)| *addr).collect()
    }
}

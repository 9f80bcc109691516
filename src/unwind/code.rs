//! What the symbol files say about an address: is it code, whose, and does a call lead to it.

use super::abi::Abi;
use crate::model::memory::Memory;
use crate::symbols::{debug_info::DebugInfo, symbol_set::SymbolSet};

/// Functions from which a thread starts, of every family: nothing that a reader wants lies beyond them.
///
/// Sorted. `main` stands here because what calls it is start-up code.
const ENTRY_FUNCTIONS: [&str; 12] = [
    "Reset",
    "ResetISR",
    "Reset_Handler",
    "__main",
    "__rt_entry",
    "_mainCRTStartup",
    "_start",
    "main",
    "osRtxThreadExit",
    "osThreadExit",
    "prvTaskExitError",
    "z_thread_entry",
];

/// Functions whose address an RTOS leaves as the return address of a thread. Sorted.
const EXIT_FUNCTIONS: [&str; 6] = [
    "osRtxThreadExit",
    "osThreadExit",
    "prvTaskExitError",
    "tx_thread_shell_entry",
    "vPortTaskExit",
    "vTaskExitError",
];

/// A function that covers an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Function {
    /// Linker name.
    pub(super) name: String,
    /// First address.
    pub(super) start: u64,
    /// Bytes, 0 when the symbol does not say.
    pub(super) size: u64,
}

/// Code addresses of a target.
pub(super) struct Code<'a, 's> {
    pub(super) symbols: &'a SymbolSet<'s>,
    pub(super) memory: &'a dyn Memory,
    /// The conventions of the processor.
    pub(super) abi: &'static dyn Abi,
}

impl<'a, 's> Code<'a, 's> {
    /// True when `addr` lies in an executable section of a symbol file.
    pub(super) fn contains(&self, addr: u64) -> bool {
        self.info(addr).is_some()
    }

    /// True when `addr` lies in the mask ROM of a chip whose applications call it, and no symbol file describes it.
    pub(super) fn is_rom(&self, addr: u64) -> bool {
        self.abi.is_code_without_symbols(addr)
            && !self.contains(addr)
            && self
                .symbols
                .infos
                .iter()
                .any(|info| info.file().is_esp_idf())
    }

    /// The debug information that serves the code at `addr`.
    pub(super) fn info(&self, addr: u64) -> Option<&'a DebugInfo<'s>> {
        self.symbols
            .infos
            .iter()
            .find(|info| info.file().contains_code(addr))
    }

    /// The function that covers `addr`, by the symbol table.
    pub(super) fn function(&self, addr: u64) -> Option<Function> {
        let (symbol, offset) = self.info(addr)?.file().symbol_at(addr)?;
        Some(Function {
            name: symbol.name,
            start: addr.wrapping_sub(offset),
            size: symbol.size,
        })
    }

    /// True when `addr` is in a function from which threads start.
    pub(super) fn is_entry(&self, addr: u64) -> bool {
        self.function(addr).is_some_and(|f| {
            [&ENTRY_FUNCTIONS, self.abi.entry_functions()]
                .iter()
                .any(|names| names.binary_search(&f.name.as_str()).is_ok())
        })
    }

    /// True when `return_addr` was never pushed by a call: it is the first address of a function and the instruction
    /// before it calls nothing, or the function is one that an RTOS plants there.
    pub(super) fn is_planted(&self, return_addr: u64) -> bool {
        self.function(return_addr).is_some_and(|f| {
            f.start == return_addr
                && (EXIT_FUNCTIONS.binary_search(&f.name.as_str()).is_ok()
                    || !self.follows_call(return_addr))
        })
    }

    /// True when the instruction before `return_addr` is a call.
    pub(super) fn follows_call(&self, return_addr: u64) -> bool {
        self.abi.follows_call(return_addr, self)
    }

    /// The address that `word`, found on a stack, returns to: in code, and led to by a call.
    pub(super) fn return_address(&self, word: u32) -> Option<u64> {
        let addr = self.abi.code_address(u64::from(word));
        let lookup = addr.checked_sub(1)?;
        (self.abi.can_be_return_address(word) && self.contains(lookup) && self.follows_call(addr))
            .then_some(addr)
    }

    /// A half word of code: from the ELF, else from captured memory.
    pub(super) fn half_word(&self, addr: u64) -> Option<u16> {
        let mut bytes = [0; 2];
        let from_elf = self
            .info(addr)
            .is_some_and(|info| info.file().constants().read(addr, &mut bytes).is_ok());
        (from_elf || self.memory.read(addr, &mut bytes).is_ok()).then(|| u16::from_le_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::{Code, ENTRY_FUNCTIONS, EXIT_FUNCTIONS};
    use crate::model::{arch::Arch, memory::MemoryMap};
    use crate::symbols::symbol_set::SymbolSet;
    use crate::unwind::abi;
    use crate::unwind::fixture::{info, symbol_file};

    #[test]
    fn names_are_sorted() {
        assert!(ENTRY_FUNCTIONS.is_sorted() && EXIT_FUNCTIONS.is_sorted());
    }

    #[test]
    fn calls_and_planted_addresses_are_told_apart_in_the_freertos_firmware() {
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
        for (addr, call) in [(0x25CA, true), (0x25CE, false), (0x2388, false), (0, false)] {
            assert_eq!(code.follows_call(addr), call, "{addr:x}");
        }
        assert!(code.is_planted(0x2388), "prvTaskExitError");
        assert!(!code.is_planted(0x25CA));
        assert!(code.is_entry(0x7F0), "main");
        assert!(!code.contains(0x2000_2000) && !code.contains(0));
    }
}

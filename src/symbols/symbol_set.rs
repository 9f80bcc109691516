//! Several ELFs of one device: bootloader and application, ROM, secure and non-secure image.

use super::debug_info::DebugInfo;
use super::elf_symbols::ElfSymbol;
use crate::model::memory::{Memory, NotCaptured};
use std::ops::Range;

/// The ELFs of one capture. Each address is looked up where it belongs.
#[derive(Default)]
pub struct SymbolSet<'a> {
    /// In the order in which they are asked.
    pub infos: Vec<DebugInfo<'a>>,
}

impl<'a> SymbolSet<'a> {
    /// The ELF that places something at `addr`; one with code there is preferred.
    pub fn for_address(&self, addr: u64) -> Option<&DebugInfo<'a>> {
        self.infos
            .iter()
            .find(|info| info.file().contains_code(addr))
            .or_else(|| self.infos.iter().find(|info| info.file().covers(addr)))
    }

    /// The symbol of that name in the first ELF that has it.
    pub fn symbol(&self, name: &str) -> Option<ElfSymbol> {
        self.infos.iter().find_map(|info| info.file().symbol(name))
    }

    /// The routine of the chip's ROM at `addr`, by the names that an ELF has for what it calls there.
    pub fn rom_name(&self, addr: u64) -> Option<String> {
        self.infos
            .iter()
            .find_map(|info| info.file().rom_name(addr))
    }

    /// `ring+16`, or `ring` for its first byte.
    pub fn describe(&self, addr: u64) -> Option<String> {
        let (symbol, offset) = self.for_address(addr)?.file().symbol_at(addr)?;
        Some(if offset == 0 {
            symbol.name
        } else {
            format!("{}+{offset}", symbol.name)
        })
    }

    /// The constants of all ELFs (code, vector table, read-only data) as one memory.
    pub fn constants(&self) -> Constants<'_, 'a> {
        Constants { set: self }
    }

    /// True when there is no ELF at all.
    pub fn is_empty(&self) -> bool {
        self.infos.is_empty()
    }
}

/// Memory that never changes, as the ELFs of a set hold it. The first ELF that has an address answers.
pub struct Constants<'s, 'a> {
    set: &'s SymbolSet<'a>,
}

impl Memory for Constants<'_, '_> {
    fn read(&self, addr: u64, buf: &mut [u8]) -> Result<(), NotCaptured> {
        let mut missing = NotCaptured { addr };
        for info in &self.set.infos {
            match info.file().constants().read(addr, buf) {
                Ok(()) => return Ok(()),
                Err(error) => missing = error,
            }
        }
        Err(missing)
    }

    fn ranges(&self) -> Vec<Range<u64>> {
        self.set
            .infos
            .iter()
            .flat_map(|info| info.file().constants().ranges())
            .collect()
    }
}

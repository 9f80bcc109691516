//! What an ELF file says of the logs its program writes: plain data between whoever reads ELF files and whoever reads logs.

/// The parts of an ELF file that describe its logs, as bytes.
#[derive(Clone, Debug, Default)]
pub struct ElfLogParts {
    /// Name of the ELF file, for the screen.
    pub name: String,
    /// Symbols in sections that are not loaded, and absolute ones (section empty): name, value, name of the section. defmt
    /// keeps its format strings there.
    pub symbols: Vec<(String, u64, String)>,
    /// Sections that describe logs (`.defmt`, `.pw_tokenizer.entries`, `log_strings`), and constant data and code, by name,
    /// with their addresses.
    pub sections: Vec<(String, u64, Vec<u8>)>,
    /// Bytes of an address (4 or 8).
    pub address_size: u8,
    /// Numbers are stored least significant byte first.
    pub is_little_endian: bool,
    /// Source places of log statements.
    pub places: Vec<LogPlace>,
}

/// Where a log statement stands, by the variable that marks it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPlace {
    /// Linkage name of the variable.
    pub linkage_name: String,
    /// Source file.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Path of the namespaces around it: `app::radio`.
    pub module: String,
}

impl ElfLogParts {
    /// The bytes at an address of a loaded section, up to the section's end.
    pub fn bytes_from(&self, address: u64) -> Option<&[u8]> {
        self.sections.iter().find_map(|(_, start, bytes)| {
            let at = usize::try_from(address.checked_sub(*start)?).ok()?;
            bytes.get(at..).filter(|rest| !rest.is_empty())
        })
    }
}

//! What only the build knows of its log: format strings, token databases. Plain data, made from an ELF's sections, a
//! database file, or both; a log that came without them is decoded again when they arrive.

use super::defmt::DefmtTable;
use std::sync::Arc;

/// What the builds and database files at hand say of a log.
#[derive(Clone, Debug, Default)]
pub struct LogDictionaries {
    /// Format strings of defmt.
    pub defmt: Option<Arc<DefmtTable>>,
    /// Where they came from, for the screen: `app.elf (56e2a1…)`, `tokens.csv`.
    pub sources: Vec<String>,
}

/// The parts of an ELF file that describe its logs, as bytes: made by whoever can read ELF files.
#[derive(Clone, Debug, Default)]
pub struct ElfLogParts {
    /// Name of the ELF file, for the screen.
    pub name: String,
    /// Symbols in sections that are not loaded, and absolute ones (section empty): name, value, name of the section. defmt
    /// keeps its format strings there.
    pub symbols: Vec<(String, u64, String)>,
    /// Sections by name, with their addresses: `.pw_tokenizer.entries`, `.log_strings`, read-only data.
    pub sections: Vec<(String, u64, Vec<u8>)>,
    /// Bytes of an address (4 or 8), and whether numbers are little-endian.
    pub address_size: u8,
    /// Numbers are little-endian.
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

//! The parts of an ELF file that describe its logs: symbols whose names are format strings, token sections, constant data,
//! and the source places of log statements.

use super::debug_info::{DebugInfo, Reader};
use super::die;
use super::symbol_file::SymbolFile;
use crate::model::log_parts::{ElfLogParts, LogPlace};

/// Constant data and code of a firmware; a program for a desktop is not looked through.
const MOST_BYTES: usize = 64 << 20;
/// The name of the variable that marks a log statement of defmt.
const DEFMT_STATEMENT: &str = "DEFMT_LOG_STATEMENT";
/// Entries of debug information that are looked at for places.
const MOST_ENTRIES: usize = 20_000_000;

/// Sections that exist for logs, loaded or not.
fn describes_logs(name: &str) -> bool {
    [
        ".defmt",
        ".pw_tokenizer",
        "log_strings",
        ".log_strings",
        "log_const",
        ".noload",
        // Constants of an ESP32 lie beside what is written when it starts.
        ".flash.rodata",
        "noload_keep_in_elf",
        ".noload_keep_in_elf",
    ]
    .iter()
    .any(|known| name.starts_with(known))
}

/// Everything that an ELF file says of its logs.
pub fn log_parts(file: &SymbolFile) -> ElfLogParts {
    let mut parts = ElfLogParts {
        name: file.name().to_owned(),
        symbols: file.unloaded_symbols(),
        address_size: file.address_bytes(),
        is_little_endian: !file.is_big_endian(),
        ..ElfLogParts::default()
    };
    let mut n_bytes: usize = 0;
    let mut names: Vec<&str> = Vec::new();
    for section in file.section_tables() {
        let is_constant = section.is_alloc() && !section.is_writable();
        if section.file.is_empty()
            || names.contains(&section.name.as_str())
            || !(is_constant || describes_logs(&section.name))
        {
            continue;
        }
        let Some((address, bytes)) = file.section(&section.name) else {
            continue;
        };
        n_bytes = n_bytes.saturating_add(bytes.len());
        if n_bytes > MOST_BYTES {
            break;
        }
        names.push(&section.name);
        parts
            .sections
            .push((section.name.clone(), address, bytes.to_vec()));
    }
    if parts
        .symbols
        .iter()
        .any(|(_, _, section)| section.starts_with(".defmt"))
    {
        parts.places = defmt_places(&DebugInfo::new(file));
    }
    parts
}

/// Where the log statements of defmt stand: each has a variable whose linkage name is the symbol of its format string.
fn defmt_places(info: &DebugInfo<'_>) -> Vec<LogPlace> {
    let mut places = Vec::new();
    let mut budget = MOST_ENTRIES;
    for (unit_idx, unit) in info.units().indexed() {
        let mut cursor = unit.entries();
        let mut namespaces: Vec<(isize, String)> = Vec::new();
        while let Ok(Some(entry)) = cursor.next_dfs() {
            let Some(left) = budget.checked_sub(1) else {
                return places;
            };
            budget = left;
            let depth = entry.depth();
            while namespaces.last().is_some_and(|(outer, _)| *outer >= depth) {
                namespaces.pop();
            }
            match entry.tag() {
                gimli::DW_TAG_namespace => {
                    let name = die::text(info, unit_idx, entry, gimli::DW_AT_name);
                    namespaces.push((depth, name.unwrap_or_default()));
                }
                gimli::DW_TAG_variable => {
                    if let Some(mut place) = place(info, unit_idx, entry) {
                        let path: Vec<&str> =
                            namespaces.iter().map(|(_, name)| name.as_str()).collect();
                        place.module = path.join("::");
                        places.push(place);
                    }
                }
                _ => {}
            }
        }
    }
    places
}

fn place(
    info: &DebugInfo<'_>,
    unit: usize,
    entry: &gimli::DebuggingInformationEntry<Reader<'_>>,
) -> Option<LogPlace> {
    // The name is compared before anything is made of it: there are many variables.
    let name = die::text(info, unit, entry, gimli::DW_AT_name)?;
    if name != DEFMT_STATEMENT {
        return None;
    }
    let file = match entry.attr_value(gimli::DW_AT_decl_file)? {
        gimli::AttributeValue::FileIndex(index) => index,
        other => other.udata_value()?,
    };
    Some(LogPlace {
        linkage_name: die::text(info, unit, entry, gimli::DW_AT_linkage_name)?,
        file: info.file_name(unit, file)?,
        line: u32::try_from(entry.attr_value(gimli::DW_AT_decl_line)?.udata_value()?).ok()?,
        module: String::new(),
    })
}

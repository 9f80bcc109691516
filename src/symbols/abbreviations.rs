//! What abbreviation tables say of a file without a look at its entries, and of single entries without a look at all of a
//! table.

use super::debug_info::{Reader, Unit};
use gimli::{DebugAbbrev, EndianSlice, Reader as _, RunTimeEndian, UnitHeader};
use std::sync::Arc;

/// Bytes of abbreviation tables that are looked through for the first entries of the units of one file. Compilers need a
/// thousandth of it; in a damaged file every unit may have the same long table.
pub(super) const FIRST_ENTRIES_BUDGET: usize = 256 << 20;

/// A unit of which only the first entry can be read: its table is cut down to what that one needs. `budget` becomes less.
pub(super) fn first_entry<'a>(
    dwarf: &gimli::Dwarf<Reader<'a>>,
    header: &UnitHeader<Reader<'a>>,
    budget: &mut usize,
) -> Option<Unit<'a>> {
    let table = first_declaration(&dwarf.debug_abbrev, header, budget)?;
    let table = DebugAbbrev::new(&table, RunTimeEndian::Little);
    let table = table.abbreviations(gimli::DebugAbbrevOffset(0)).ok()?;
    Unit::new_with_abbreviations(dwarf, *header, Arc::new(table)).ok()
}

/// True when the first entry of a unit has the attribute.
pub(super) fn first_entry_has(
    abbreviations: &DebugAbbrev<Reader<'_>>,
    header: &UnitHeader<Reader<'_>>,
    name: gimli::DwAt,
    budget: &mut usize,
) -> bool {
    let mut has_it = || {
        let table = first_declaration(abbreviations, header, budget)?;
        let table = DebugAbbrev::new(&table, RunTimeEndian::Little);
        let table = table.abbreviations(gimli::DebugAbbrevOffset(0)).ok()?;
        let mut entries = header.entries_raw(&table, None).ok()?;
        let first = entries.read_abbreviation().ok()??;
        Some(
            first
                .attributes()
                .iter()
                .any(|attribute| attribute.name() == name),
        )
    };
    has_it() == Some(true)
}

/// The declaration of the first entry of a unit, as a table of its own.
fn first_declaration(
    abbreviations: &DebugAbbrev<Reader<'_>>,
    header: &UnitHeader<Reader<'_>>,
    budget: &mut usize,
) -> Option<Vec<u8>> {
    use gimli::Section as _;
    let wanted = header
        .range_from(header.root_offset()..)
        .ok()?
        .read_uleb128()
        .ok()?;
    let all = abbreviations.reader().slice();
    let mut rest = all.get(header.debug_abbrev_offset().0..)?;
    while *budget > 0 {
        let (code, len) = declaration(rest)?;
        *budget = budget.saturating_sub(len);
        if code == wanted {
            let mut table = rest.get(..len)?.to_vec();
            table.push(0);
            return Some(table);
        }
        rest = rest.get(len..)?;
    }
    None
}

/// The code of the declaration at the beginning of `bytes`, and its length; `None` at the end of a table.
fn declaration(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut reader = EndianSlice::new(bytes, RunTimeEndian::Little);
    let code = reader.read_uleb128().ok().filter(|code| *code != 0)?;
    reader.read_uleb128().ok()?;
    reader.read_u8().ok()?;
    loop {
        let name = reader.read_uleb128().ok()?;
        let form = reader.read_uleb128().ok()?;
        if form == u64::from(gimli::DW_FORM_implicit_const.0) {
            reader.read_sleb128().ok()?;
        }
        if name == 0 && form == 0 {
            return Some((code, bytes.len().checked_sub(reader.len())?));
        }
    }
}

/// True when any abbreviation describes a base type: cheaper than looking for one in the entries.
pub(super) fn have_types(abbreviations: &[u8]) -> bool {
    let section = gimli::DebugAbbrev::new(abbreviations, gimli::RunTimeEndian::Little);
    let mut offset = 0;
    // Tables follow each other without gaps in what compilers emit; the first few say enough.
    for _table in 0..64 {
        let Ok(table) = section.abbreviations(gimli::DebugAbbrevOffset(offset)) else {
            return abbreviations.len() > 512;
        };
        let mut code = 1;
        while let Some(entry) = table.get(code) {
            if entry.tag() == gimli::DW_TAG_base_type {
                return true;
            }
            code += 1;
        }
        let Some(next) = next_table(abbreviations, offset) else {
            return false;
        };
        offset = next;
    }
    true
}

/// The offset behind the abbreviation table at `offset`.
fn next_table(bytes: &[u8], offset: usize) -> Option<usize> {
    let mut next = offset;
    loop {
        let rest = bytes.get(next..)?;
        match declaration(rest) {
            Some((_code, len)) => next = next.checked_add(len)?,
            // A zero ends the table; anything else is damage.
            None if rest.first() == Some(&0) => break,
            None => return None,
        }
    }
    let next = next.checked_add(1)?;
    (next < bytes.len()).then_some(next)
}

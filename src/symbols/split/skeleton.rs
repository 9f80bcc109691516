//! Skeleton units: which `.dwo` file each of them wants.

use crate::symbols::abbreviations::{FIRST_ENTRIES_BUDGET, first_entry, first_entry_has};
use crate::symbols::debug_info::{DebugInfo, Reader};
use gimli::UnitType;

/// The most units that are looked at.
const MOST_UNITS: usize = 200_000;

/// A unit of which the ELF has a skeleton.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::symbols) struct Skeleton {
    /// Number of the unit, in the order of `.debug_info`.
    pub(in crate::symbols) unit: usize,
    /// File with the rest, as the compiler was told to write it.
    pub(in crate::symbols) dwo_name: String,
    /// The folder that the name is relative to.
    pub(in crate::symbols) comp_dir: Option<String>,
    /// What the file must say, too.
    pub(in crate::symbols) dwo_id: u64,
    /// Version of DWARF; before 5 it is the GNU extension.
    pub(in crate::symbols) version: u16,
}

/// The skeleton units of an ELF, in the order of `.debug_info`.
pub(in crate::symbols) fn skeletons(info: &DebugInfo<'_>) -> Vec<Skeleton> {
    let mut found = Vec::new();
    // A skeleton refers to its addresses through this section.
    if info.file().debug_section(".debug_addr").is_empty() {
        return found;
    }
    let dwarf = info.dwarf();
    let mut headers = dwarf.units();
    let mut budget = FIRST_ENTRIES_BUDGET;
    for unit in 0..MOST_UNITS {
        let Ok(Some(header)) = headers.next() else {
            break;
        };
        if !is_skeleton(&dwarf.debug_abbrev, &header, &mut budget) {
            continue;
        }
        let Some(parsed) = first_entry(dwarf, &header, &mut budget) else {
            continue;
        };
        let name = parsed.dwo_name().ok().flatten();
        let name = name.and_then(|name| dwarf.attr_string(&parsed, name).ok());
        let (Some(name), Some(id)) = (name, parsed.dwo_id) else {
            continue;
        };
        found.push(Skeleton {
            unit,
            dwo_name: name.to_string_lossy().into_owned(),
            comp_dir: parsed
                .comp_dir
                .map(|dir| dir.to_string_lossy().into_owned()),
            dwo_id: id.0,
            version: parsed.header.version(),
        });
    }
    found
}

/// True when any unit is a skeleton: whoever knows the ELF by its tables does not know all of it then.
pub(in crate::symbols) fn any_skeleton(
    info: Reader<'_>,
    abbreviations: &gimli::DebugAbbrev<Reader<'_>>,
) -> bool {
    let mut headers = gimli::DebugInfo::from(info).units();
    let mut n_left = MOST_UNITS;
    let mut budget = FIRST_ENTRIES_BUDGET;
    while n_left > 0
        && let Ok(Some(header)) = headers.next()
    {
        n_left -= 1;
        if is_skeleton(abbreviations, &header, &mut budget) {
            return true;
        }
    }
    false
}

/// DWARF 5 says it in the header of the unit; the GNU extension in the attributes of its first entry.
fn is_skeleton(
    abbreviations: &gimli::DebugAbbrev<Reader<'_>>,
    header: &gimli::UnitHeader<Reader<'_>>,
    budget: &mut usize,
) -> bool {
    if header.version() >= 5 {
        return matches!(header.type_(), UnitType::Skeleton(_));
    }
    first_entry_has(abbreviations, header, gimli::DW_AT_GNU_dwo_name, budget)
}

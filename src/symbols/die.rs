//! Entries of the debug information: reading one, its attributes, its children, the way down to it.
//!
//! DWARF 5, sections 2.2 (attributes), 2.13.2 (specification) and 3.3.8 (abstract origin).

use super::debug_info::{DebugInfo, Reader};
use gimli::{AttributeValue, UnitOffset};

/// An entry as gimli reads it.
pub(super) type Die<'a> = gimli::DebuggingInformationEntry<Reader<'a>>;

/// The most children of one entry that are looked at.
const MOST_CHILDREN: usize = 1 << 20;

/// The longest chain of origins and specifications that is followed.
const LONGEST_CHAIN: usize = 8;

/// The deepest nesting of entries that is searched.
const DEEPEST_NESTING: usize = 64;

/// Where an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DieRef {
    /// Index in [`DebugInfo::units`].
    pub unit: usize,
    /// Offset in the unit.
    pub entry: UnitOffset,
}

/// Reads the entry at `at`.
pub(super) fn entry<'a>(info: &DebugInfo<'a>, at: DieRef) -> Option<Die<'a>> {
    let unit = info.units().get(at.unit)?;
    unit.entry(at.entry).ok().filter(|die| !die.is_null())
}

/// The text of an attribute.
pub(super) fn text(
    info: &DebugInfo<'_>,
    unit: usize,
    die: &Die<'_>,
    name: gimli::DwAt,
) -> Option<String> {
    let value = die.attr_value(name)?;
    string(info, unit, value)
}

/// The text that an attribute's value stands for.
pub(super) fn string(
    info: &DebugInfo<'_>,
    unit: usize,
    value: AttributeValue<Reader<'_>>,
) -> Option<String> {
    // The value's reader borrows from the same file, but its lifetime is not spelt the same.
    let bytes = match value {
        AttributeValue::String(reader) => reader.slice().to_vec(),
        other => {
            let parsed = info.units().get(unit)?;
            attr_bytes(info.dwarf_of(unit), parsed, other)?
        }
    };
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The entry that a reference attribute names.
pub(super) fn reference(
    info: &DebugInfo<'_>,
    unit: usize,
    die: &Die<'_>,
    name: gimli::DwAt,
) -> Option<DieRef> {
    follow(info, unit, &die.attr_value(name)?)
}

/// The entry that a reference value names.
pub(super) fn follow(
    info: &DebugInfo<'_>,
    unit: usize,
    value: &AttributeValue<Reader<'_>>,
) -> Option<DieRef> {
    match value {
        AttributeValue::UnitRef(entry) => Some(DieRef {
            unit,
            entry: *entry,
        }),
        AttributeValue::DebugInfoRef(offset) => {
            let (unit, entry) = info.unit_of(unit, *offset)?;
            Some(DieRef { unit, entry })
        }
        AttributeValue::DebugTypesRef(signature) => {
            let (unit, entry) = info.by_signature(signature.0)?;
            Some(DieRef { unit, entry })
        }
        _ => None,
    }
}

/// A number that is not negative.
pub(super) fn unsigned(die: &Die<'_>, name: gimli::DwAt) -> Option<u64> {
    die.attr_value(name)?.udata_value()
}

/// A number of either sign; forms without a sign are taken as not negative.
pub(super) fn signed(die: &Die<'_>, name: gimli::DwAt) -> Option<i128> {
    let value = die.attr_value(name)?;
    value
        .udata_value()
        .map(i128::from)
        .or_else(|| value.sdata_value().map(i128::from))
}

/// True when a flag is there and set.
pub(super) fn flag(die: &Die<'_>, name: gimli::DwAt) -> bool {
    matches!(die.attr_value(name), Some(AttributeValue::Flag(true)))
}

/// The children of an entry, in their order.
pub(super) fn children<'a>(info: &DebugInfo<'a>, at: DieRef) -> Vec<(DieRef, Die<'a>)> {
    let mut found = Vec::new();
    let Some(unit) = info.units().get(at.unit) else {
        return found;
    };
    let Ok(mut cursor) = unit.entries_at_offset(at.entry) else {
        return found;
    };
    let parent_depth = match cursor.next_entry() {
        Ok(true) => cursor.depth(),
        _ => return found,
    };
    if !cursor.current().is_some_and(|die| die.has_children()) {
        return found;
    }
    let mut next = match cursor.next_dfs() {
        Ok(Some(die)) if die.depth() == parent_depth.saturating_add(1) => Some(die.clone()),
        _ => None,
    };
    while let Some(die) = next {
        found.push((
            DieRef {
                unit: at.unit,
                entry: die.offset(),
            },
            die,
        ));
        if found.len() >= MOST_CHILDREN {
            break;
        }
        next = match cursor.next_sibling() {
            Ok(Some(die)) => Some(die.clone()),
            _ => None,
        };
    }
    found
}

/// The entries from the unit's first one down to the one at `at`, both included.
pub(super) fn path<'a>(info: &DebugInfo<'a>, at: DieRef) -> Vec<(DieRef, Die<'a>)> {
    let mut path = Vec::new();
    let Some(unit) = info.units().get(at.unit) else {
        return path;
    };
    let mut here = DieRef {
        unit: at.unit,
        entry: unit.header.root_offset(),
    };
    let Some(root) = entry(info, here) else {
        return path;
    };
    path.push((here, root));
    while here != at && path.len() < DEEPEST_NESTING {
        let Some((child, die)) = child_holding(info, here, at) else {
            break;
        };
        here = child;
        path.push((child, die));
    }
    path
}

/// The child of `parent` that holds `at`: children stand in the order of their offsets, so it is the last one
/// that does not start after it.
fn child_holding<'a>(
    info: &DebugInfo<'a>,
    parent: DieRef,
    at: DieRef,
) -> Option<(DieRef, Die<'a>)> {
    let unit = info.units().get(parent.unit)?;
    let mut cursor = unit.entries_at_offset(parent.entry).ok()?;
    if !cursor.next_entry().ok()? {
        return None;
    }
    let depth = cursor.depth();
    let mut best: Option<UnitOffset> = None;
    let mut next = cursor
        .next_dfs()
        .ok()?
        .map(|die| (die.offset(), die.depth()));
    for _child in 0..MOST_CHILDREN {
        let Some((offset, child_depth)) = next else {
            break;
        };
        if child_depth != depth.saturating_add(1) || offset > at.entry {
            break;
        }
        best = Some(offset);
        next = cursor
            .next_sibling()
            .ok()
            .flatten()
            .map(|die| (die.offset(), die.depth()));
    }
    let child = DieRef {
        unit: parent.unit,
        entry: best?,
    };
    Some((child, entry(info, child)?))
}

/// The entry itself and what it points to as its origin or specification, nearest first.
pub(super) fn origins<'a>(info: &DebugInfo<'a>, at: DieRef) -> Vec<(DieRef, Die<'a>)> {
    let mut chain: Vec<(DieRef, Die<'a>)> = Vec::new();
    let mut next = Some(at);
    while let Some(here) = next {
        if chain.len() >= LONGEST_CHAIN || chain.iter().any(|(seen, _die)| *seen == here) {
            break;
        }
        let Some(die) = entry(info, here) else {
            break;
        };
        next = reference(info, here.unit, &die, gimli::DW_AT_abstract_origin)
            .or_else(|| reference(info, here.unit, &die, gimli::DW_AT_specification));
        chain.push((here, die));
    }
    chain
}

/// The first entry of a chain of [`origins`] that has the attribute, with its value.
pub(super) fn inherited<'a>(
    chain: &[(DieRef, Die<'a>)],
    name: gimli::DwAt,
) -> Option<(DieRef, AttributeValue<Reader<'a>>)> {
    chain
        .iter()
        .find_map(|(at, die)| die.attr_value(name).map(|value| (*at, value)))
}

/// Does the code of this entry contain `pc`? `None` when the entry has no code addresses at all.
pub(super) fn contains_pc(
    info: &DebugInfo<'_>,
    unit: usize,
    die: &Die<'_>,
    pc: u64,
) -> Option<bool> {
    if !die.has_attr(gimli::DW_AT_low_pc) && !die.has_attr(gimli::DW_AT_ranges) {
        return None;
    }
    Some(
        ranges(info, unit, die)
            .iter()
            .any(|range| range.contains(&pc)),
    )
}

/// The code addresses of an entry.
pub(super) fn ranges(
    info: &DebugInfo<'_>,
    unit: usize,
    die: &Die<'_>,
) -> Vec<std::ops::Range<u64>> {
    const MOST_RANGES: usize = 4096;
    let mut found = Vec::new();
    let dwarf = info.dwarf_of(unit);
    let Some(unit) = info.units().get(unit) else {
        return found;
    };
    // The same entry, read again so that its lifetime is that of the sections.
    let Ok(die) = unit.entry(die.offset()) else {
        return found;
    };
    let Ok(mut ranges) = dwarf.die_ranges(unit, &die) else {
        return found;
    };
    while let Ok(Some(range)) = ranges.next() {
        if range.begin < range.end {
            found.push(range.begin..range.end);
        }
        if found.len() >= MOST_RANGES {
            break;
        }
    }
    found
}

/// Where the code of an entry begins.
pub(super) fn entry_pc(info: &DebugInfo<'_>, at: DieRef) -> Option<u64> {
    let die = entry(info, at)?;
    address(info, at.unit, &die, gimli::DW_AT_low_pc)
        .or_else(|| ranges(info, at.unit, &die).first().map(|range| range.start))
}

/// An address attribute, also one that is an index into `.debug_addr`.
pub(super) fn address(
    info: &DebugInfo<'_>,
    unit: usize,
    die: &Die<'_>,
    name: gimli::DwAt,
) -> Option<u64> {
    let dwarf = info.dwarf_of(unit);
    let unit = info.units().get(unit)?;
    match die.attr_value(name)? {
        AttributeValue::Addr(addr) => Some(addr),
        AttributeValue::DebugAddrIndex(index) => dwarf.address(unit, index).ok(),
        _ => None,
    }
}

/// `DW_AT_language` of a unit; a partial unit has none.
pub(super) fn language(info: &DebugInfo<'_>, unit: usize) -> Option<gimli::DwLang> {
    let unit = info.units().get(unit)?;
    let root = unit.entry(unit.header.root_offset()).ok()?;
    match root.attr_value(gimli::DW_AT_language)? {
        AttributeValue::Language(language) => Some(language),
        _ => None,
    }
}

/// True for the languages in which a tag is a type name by itself and types stand inside types.
pub(super) fn tags_are_names(info: &DebugInfo<'_>, unit: usize) -> bool {
    let language = language(info, unit);
    matches!(
        language,
        Some(
            gimli::DW_LANG_C_plus_plus
                | gimli::DW_LANG_C_plus_plus_03
                | gimli::DW_LANG_C_plus_plus_11
                | gimli::DW_LANG_C_plus_plus_14
                | gimli::DW_LANG_C_plus_plus_17
                | gimli::DW_LANG_C_plus_plus_20
                | gimli::DW_LANG_Rust
                | gimli::DW_LANG_D
        )
    )
}

fn attr_bytes(
    dwarf: &gimli::Dwarf<Reader<'_>>,
    unit: &super::debug_info::Unit<'_>,
    value: AttributeValue<Reader<'_>>,
) -> Option<Vec<u8>> {
    let reader = match value {
        AttributeValue::DebugStrRef(offset) => dwarf.string(offset).ok()?,
        AttributeValue::DebugLineStrRef(offset) => dwarf.line_string(offset).ok()?,
        AttributeValue::DebugStrOffsetsIndex(index) => {
            let offset = dwarf
                .debug_str_offsets
                .get_str_offset(unit.header.format(), unit.str_offsets_base, index)
                .ok()?;
            dwarf.string(offset).ok()?
        }
        _ => return None,
    };
    Some(reader.slice().to_vec())
}

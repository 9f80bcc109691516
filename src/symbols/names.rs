//! The name of a function entry: its own, or that of the entry it is an instance of.

use super::debug_info::{DebugInfo, Reader, Scope, Unit};
use super::demangle;
use gimli::AttributeValue;

/// The longest chain of `DW_AT_abstract_origin` and `DW_AT_specification` that is followed; real ones have three links.
const LONGEST_CHAIN: usize = 16;

/// What a function is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FunctionName {
    /// `DW_AT_name`.
    pub(super) name: Option<String>,
    /// `DW_AT_linkage_name`.
    pub(super) linkage: Option<String>,
}

impl FunctionName {
    /// The short name: as the source has it.
    pub(super) fn function(&self) -> Option<String> {
        self.name.clone().or_else(|| self.qualified())
    }

    /// The path.
    pub(super) fn qualified(&self) -> Option<String> {
        let demangled = self.linkage.as_deref().and_then(demangle::qualified);
        demangled
            .or_else(|| self.name.clone())
            .or_else(|| self.linkage.clone())
    }
}

/// Attributes of a function entry that matter for its name.
#[derive(Default)]
pub(super) struct NameAttributes<'a> {
    name: Option<AttributeValue<Reader<'a>>>,
    linkage: Option<AttributeValue<Reader<'a>>>,
    origin: Option<AttributeValue<Reader<'a>>>,
}

impl<'a> NameAttributes<'a> {
    pub(super) fn see(&mut self, attribute: &gimli::Attribute<Reader<'a>>) {
        match attribute.name() {
            gimli::DW_AT_name => self.name = Some(attribute.value()),
            gimli::DW_AT_linkage_name | gimli::DW_AT_MIPS_linkage_name => {
                self.linkage = Some(attribute.value());
            }
            gimli::DW_AT_abstract_origin | gimli::DW_AT_specification => {
                self.origin = Some(attribute.value());
            }
            _ => {}
        }
    }
}

/// Finds the name of the entry at `scope`.
pub(super) fn resolve(info: &DebugInfo<'_>, scope: Scope) -> FunctionName {
    match read(info, scope) {
        Some(attributes) => resolve_from(info, scope.unit, &attributes),
        None => FunctionName::default(),
    }
}

/// The entry that gives the one at `scope` its name: itself, or what it is an instance of when it has no name of its own.
pub(super) fn naming_scope(info: &DebugInfo<'_>, scope: Scope) -> Scope {
    let mut at = scope;
    for _link in 0..LONGEST_CHAIN {
        let Some(attributes) = read(info, at) else {
            break;
        };
        if attributes.name.is_some() || attributes.linkage.is_some() {
            break;
        }
        let Some(origin) = origin(info, at.unit, &attributes) else {
            break;
        };
        at = origin;
    }
    at
}

/// Finds the name, the entry's own attributes being known.
pub(super) fn resolve_from<'a>(
    info: &DebugInfo<'a>,
    unit_idx: usize,
    attributes: &NameAttributes<'a>,
) -> FunctionName {
    let mut found = FunctionName::default();
    let mut next = merge(info, unit_idx, attributes, &mut found);
    for _link in 0..LONGEST_CHAIN {
        if found.name.is_some() && found.linkage.is_some() {
            break;
        }
        let Some(scope) = next else { break };
        let Some(attributes) = read(info, scope) else {
            break;
        };
        next = merge(info, scope.unit, &attributes, &mut found);
    }
    found
}

/// Fills in what is not known yet; returns where the chain goes on.
fn merge<'a>(
    info: &DebugInfo<'a>,
    unit_idx: usize,
    attributes: &NameAttributes<'a>,
    found: &mut FunctionName,
) -> Option<Scope> {
    let unit = info.units().get(unit_idx)?;
    let text = |value| attribute_text(info.dwarf_of(unit_idx), unit, value);
    if found.name.is_none() {
        found.name = attributes.name.and_then(text);
    }
    if found.linkage.is_none() {
        found.linkage = attributes.linkage.and_then(text);
    }
    origin(info, unit_idx, attributes)
}

/// The entry that an entry is an instance of.
fn origin(info: &DebugInfo<'_>, unit_idx: usize, attributes: &NameAttributes<'_>) -> Option<Scope> {
    match attributes.origin? {
        AttributeValue::UnitRef(entry) => Some(Scope {
            unit: unit_idx,
            entry,
        }),
        AttributeValue::DebugInfoRef(offset) => {
            let (unit, entry) = info.unit_of(unit_idx, offset)?;
            Some(Scope { unit, entry })
        }
        _ => None,
    }
}

fn read<'a>(info: &DebugInfo<'a>, scope: Scope) -> Option<NameAttributes<'a>> {
    let unit = info.units().get(scope.unit)?;
    let mut entries = unit.entries_raw(Some(scope.entry)).ok()?;
    let abbreviation = entries.read_abbreviation().ok()??;
    let mut attributes = NameAttributes::default();
    for spec in abbreviation.attributes() {
        attributes.see(&entries.read_attribute(*spec).ok()?);
    }
    Some(attributes)
}

/// A string attribute in any form; what is not UTF-8 is replaced. `dwarf` are the sections that it is in.
pub(super) fn attribute_text<'a>(
    dwarf: &gimli::Dwarf<Reader<'a>>,
    unit: &Unit<'a>,
    value: AttributeValue<Reader<'a>>,
) -> Option<String> {
    let text = dwarf.attr_string(unit, value).ok()?;
    let text = text.to_string_lossy();
    (!text.is_empty()).then(|| text.into_owned())
}

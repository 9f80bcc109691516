//! Values that only C++ has: static members and pointers to members.
//!
//! Pointers to members as the Itanium C++ ABI lays them out (section 2.3); on Arm the bit that says "virtual" stands in
//! the adjustment, because the lowest bit of an address says "Thumb" (C++ ABI for the Arm Architecture, section 3.1).

use super::die::{self, DieRef};
use super::elf_symbols::SymbolKind;
use super::location::{BUDGET, Evaluator};
use super::printer::Printer;
use super::types::{TypeKind, TypeRef};
use super::value::Value;
use super::variables;
use crate::model::report::Unavailable;
use std::cell::Cell;

impl Printer<'_, '_, '_, '_> {
    /// The value of a static member, from its definition or from the constant that it is.
    pub(super) fn static_member(&self, declared: DieRef, size: usize) -> Option<Value> {
        let info = self.types.info;
        let constant = |at: DieRef| {
            let value = die::entry(info, at)?.attr_value(gimli::DW_AT_const_value)?;
            variables::constant(info, at.unit, value, size)
        };
        let defined = self.types.names().definition_of_static(info, declared);
        if let Some(value) = constant(declared).or_else(|| constant(defined?)) {
            return Some(value);
        }
        let defined = defined?;
        let location = die::entry(info, defined)?.attr_value(gimli::DW_AT_location)?;
        let budget = Cell::new(BUDGET);
        let evaluator = Evaluator {
            info,
            unit: defined.unit,
            function: None,
            frame: None,
            memory: self.memory,
            budget: &budget,
            depth: 0,
        };
        let expression = evaluator.expression_at(location, None)?;
        let value = evaluator.object(expression, size);
        // One that nothing uses was dropped by the linker, and its address with it.
        let is_there = |addr| {
            let found = info.file().symbol_at(addr);
            info.file().covers(addr)
                && found.is_some_and(|(symbol, _)| symbol.kind == SymbolKind::Object)
        };
        value.address.is_none_or(is_there).then_some(value)
    }

    /// `&Point::y`, `&virtual Device::name() const`, `(int (Device::*)(..)) 0x8000 <..>`.
    pub(super) fn member_pointer(
        &self,
        target: Option<TypeRef>,
        class: Option<TypeRef>,
        value: &Value,
    ) -> Result<String, Unavailable> {
        let big = self.big_endian();
        let is_method = self
            .types
            .real(target)
            .is_some_and(|(_at, found)| matches!(found.kind, TypeKind::Function { .. }));
        if !is_method {
            let offset = value.signed(big)?;
            if offset == -1 {
                return Ok("NULL".to_owned());
            }
            let name = u64::try_from(offset).ok().and_then(|offset| {
                let (_at, record) = self.types.real(class)?;
                let TypeKind::Record { members, .. } = &record.kind else {
                    return None;
                };
                let found = members.iter().find(|m| !m.base && m.offset == Some(offset));
                found?.name.clone()
            });
            return Ok(match name {
                Some(name) => format!("&{}::{name}", self.types.name(class)),
                None => offset.to_string(),
            });
        }
        let word = value.len() / 2;
        let pointer = value.part(0, word).unsigned(big)?;
        let adjustment = value.part(word, word).unsigned(big)?;
        let is_arm = self.types.info.file().is_arm();
        let virtual_bit = if is_arm { adjustment } else { pointer };
        if virtual_bit & 1 == 1 {
            let slot = pointer / (word.max(1) as u128);
            let name = class.and_then(|class| self.virtual_method(class, slot));
            let name = name.unwrap_or_else(|| format!("{}::<slot {slot}>", self.types.name(class)));
            return Ok(format!("&virtual {name}"));
        }
        let address = u64::try_from(pointer).unwrap_or(u64::MAX);
        if address == 0 {
            return Ok("NULL".to_owned());
        }
        Ok(self.symbolic(address))
    }

    /// The method in a slot of a class's virtual table, as the linker name spells it.
    fn virtual_method(&self, class: TypeRef, slot: u128) -> Option<String> {
        let info = self.types.info;
        let (at, _record) = self.types.real(Some(class))?;
        die::children(info, at).iter().find_map(|(at, die)| {
            if die.tag() != gimli::DW_TAG_subprogram {
                return None;
            }
            let place = die.attr_value(gimli::DW_AT_vtable_elem_location)?;
            let encoding = info.units().get(at.unit)?.encoding();
            let mut code = place.exprloc_value()?.0;
            let found = match gimli::Operation::parse(&mut code, encoding).ok()? {
                gimli::Operation::UnsignedConstant { value } => value,
                gimli::Operation::SignedConstant { value } => u64::try_from(value).ok()?,
                _ => return None,
            };
            if u128::from(found) != slot {
                return None;
            }
            let linkage = die::text(info, at.unit, die, gimli::DW_AT_linkage_name)?;
            Some(super::demangle::symbol(&linkage))
        })
    }
}

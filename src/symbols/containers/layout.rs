//! Ways into a class: its members by name, the arguments of its template, what its pointers lead to.

use crate::symbols::die;
use crate::symbols::printer::Printer;
use crate::symbols::types::{TypeKind, TypeRef};
use crate::symbols::value::Value;
use std::borrow::Cow;

/// How deep an alignment is looked for.
const DEEPEST: usize = 8;

/// A value of a class.
pub(super) struct Place {
    pub(super) at: TypeRef,
    pub(super) value: Value,
    /// Name of its template: `std::vector`.
    pub(super) template: String,
}

/// `std::vector` of `std::vector<int, std::allocator<int> >`; namespaces that only tell versions of the library apart are left out.
pub(super) fn template_of(name: &str) -> String {
    let end = name.find('<').unwrap_or(name.len());
    let name = name.get(..end).unwrap_or(name);
    let plain = name.replace("::__cxx11::", "::").replace("::__8::", "::");
    plain.trim_end().to_owned()
}

impl Printer<'_, '_, '_, '_> {
    /// A member of a member of .., looked for in base classes and anonymous unions too.
    pub(super) fn reach(
        &self,
        at: TypeRef,
        value: &Value,
        path: &[&str],
    ) -> Option<(TypeRef, Value)> {
        let mut here = (at, Cow::Borrowed(value));
        for name in path {
            let member = self.types.member(here.0, name, 0)?;
            let offset = usize::try_from(member.offset).ok()?;
            let size = usize::try_from(member.size).ok()?;
            if offset.checked_add(size)? > here.1.len() {
                return None;
            }
            here = (member.ty, Cow::Owned(here.1.part(offset, size)));
        }
        Some((here.0, here.1.into_owned()))
    }

    /// A member as a number, and its type.
    pub(super) fn reach_number(&self, place: &Place, path: &[&str]) -> Option<(TypeRef, u64)> {
        let (ty, value) = self.reach(place.at, &place.value, path)?;
        Some((ty, self.number(&value)?))
    }

    /// A value as an address or a count.
    pub(super) fn number(&self, value: &Value) -> Option<u64> {
        u64::try_from(value.unsigned(self.big_endian()).ok()?).ok()
    }

    /// What a pointer type points to, and the size of that in bytes.
    pub(super) fn pointed_to(&self, pointer: TypeRef) -> Option<(TypeRef, u64)> {
        let (_at, found) = self.types.real(Some(pointer))?;
        let TypeKind::Pointer(target) = found.kind else {
            return None;
        };
        let target = target?;
        let size = self.types.size(target).filter(|size| *size > 0)?;
        Some((target, size))
    }

    /// A word of memory.
    pub(super) fn word_at(&self, addr: u64) -> Option<u64> {
        let bytes = u64::from(self.types.info.file().address_bytes());
        self.number(&Value::in_memory(&self.memory, addr, bytes))
    }

    /// Bytes of a word.
    pub(super) fn word(&self) -> u64 {
        u64::from(self.types.info.file().address_bytes())
    }

    /// An element in memory; `None` when nothing of it was captured.
    pub(super) fn element_at(&self, ty: TypeRef, addr: u64) -> Option<Value> {
        let size = self.types.size(ty)?;
        let value = Value::in_memory(&self.memory, addr, size);
        (size == 0 || value.all_missing().is_none()).then_some(value)
    }

    /// Types and values among the arguments of a class's template, packs taken apart.
    pub(super) fn template_arguments(&self, at: TypeRef) -> Vec<Argument> {
        let info = self.types.info;
        let mut found = Vec::new();
        for (child, entry) in die::children(info, at) {
            match entry.tag() {
                gimli::DW_TAG_GNU_template_parameter_pack => {
                    let pack = die::children(info, child);
                    found.extend(pack.iter().filter_map(|(at, die)| argument(info, *at, die)));
                }
                _ => found.extend(argument(info, child, &entry)),
            }
        }
        found
    }

    /// The nth argument that is a type.
    pub(super) fn template_type(&self, at: TypeRef, n: usize) -> Option<TypeRef> {
        let arguments = self.template_arguments(at).into_iter();
        let mut types = arguments.filter_map(|argument| match argument {
            Argument::Type(ty) => Some(ty),
            Argument::Number(_) => None,
        });
        types.nth(n)?
    }

    /// The alignment of a type in bytes, as the processor's ABI has it for members.
    pub(super) fn align_of(&self, ty: TypeRef, depth: usize) -> u64 {
        let word = self.word();
        let Some((_at, found)) = self.types.real(Some(ty)).filter(|_| depth < DEEPEST) else {
            return word;
        };
        match &found.kind {
            TypeKind::Record { members, .. } => {
                let placed = members
                    .iter()
                    .filter(|m| m.fixed.is_none() && m.offset.is_some());
                let aligns = placed.filter_map(|m| Some(self.align_of(m.ty?, depth + 1)));
                aligns.max().unwrap_or(1)
            }
            TypeKind::Array { element, .. } => element.map_or(1, |at| self.align_of(at, depth + 1)),
            _ => {
                let size = self.types.size(ty).unwrap_or(word);
                size.next_power_of_two().min(if size > 8 { 16 } else { 8 })
            }
        }
    }

    /// Where a value stands in a node, behind `n_words` words of links.
    pub(super) fn behind_links(&self, n_words: u64, ty: TypeRef) -> u64 {
        let align = self.align_of(ty, 0).max(1);
        n_words.saturating_mul(self.word()).next_multiple_of(align)
    }

    /// The name of a type as it is said: `std::string`.
    pub(super) fn said(&self, ty: Option<TypeRef>) -> String {
        let name = self.types.name(ty);
        let text = [
            "std::__cxx11::basic_string<char,",
            "std::basic_string<char,",
        ];
        if text.iter().any(|start| name.starts_with(start)) {
            return "std::string".to_owned();
        }
        name
    }
}

/// An argument of a template.
pub(super) enum Argument {
    /// A type; `None` is `void`.
    Type(Option<TypeRef>),
    /// A number.
    Number(u64),
}

fn argument(
    info: &crate::symbols::debug_info::DebugInfo<'_>,
    at: TypeRef,
    entry: &die::Die<'_>,
) -> Option<Argument> {
    match entry.tag() {
        gimli::DW_TAG_template_type_parameter => Some(Argument::Type(die::reference(
            info,
            at.unit,
            entry,
            gimli::DW_AT_type,
        ))),
        gimli::DW_TAG_template_value_parameter => {
            die::unsigned(entry, gimli::DW_AT_const_value).map(Argument::Number)
        }
        _ => None,
    }
}

//! What differs between two values of one global variable: the members that do, by name. Padding is no member and never counts.

use super::debug_info::DebugInfo;
use super::globals::GlobalVariable;
use super::location::WithConstants;
use super::printer::Printer;
use super::symbol_set::SymbolSet;
use super::types::{Bound, TypeKind, TypeRef, Types};
use super::value::Value;
use super::variables::ValueLimits;
use crate::model::memory::Memory;
use crate::model::report::Unavailable;

/// Nesting of structures and arrays.
const DEEPEST: usize = 16;
/// Members of one variable that are named.
const MOST_OF_ONE: usize = 64;
/// Longer arrays of bytes are shown as a place in them, not element by element.
const LONGEST_BYTES: usize = 32;
/// Bytes that are shown of such an array.
const SHOWN_BYTES: usize = 16;
/// Values that are compared of one variable.
const MOST_VALUES: usize = 100_000;

/// One member (or the whole variable) with its two values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// `link.stats.retries`, `ring[3].head`.
    pub name: String,
    /// Its type in C notation.
    pub type_name: Option<String>,
    /// Where it is.
    pub address: u64,
    /// The first value.
    pub before: Result<String, Unavailable>,
    /// The second value.
    pub after: Result<String, Unavailable>,
}

/// How two values of a variable compare.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// What differs, in the order of addresses.
    pub differences: Vec<Difference>,
    /// Not all that differs is listed.
    pub is_cut: bool,
    /// Bytes of it are missing on one of the sides.
    pub is_partial: bool,
    /// Nothing of it is there on one of the sides.
    pub is_unavailable: bool,
}

/// Compares variables of one ELF in two memories.
pub struct Comparison<'c, 'i, 'a, 's> {
    types: &'c Types<'i, 'a>,
    before: Printer<'c, 'i, 'a, 's>,
    after: Printer<'c, 'i, 'a, 's>,
}

impl<'c, 'i, 'a, 's> Comparison<'c, 'i, 'a, 's> {
    /// Of `types.info`, between two memories.
    pub fn new(
        types: &'c Types<'i, 'a>,
        symbols: &'c SymbolSet<'s>,
        before: &'c dyn Memory,
        after: &'c dyn Memory,
        limits: &'c ValueLimits,
    ) -> Self {
        let printer = |memory| Printer::new(types, WithConstants { memory, symbols }, limits);
        Self {
            types,
            before: printer(before),
            after: printer(after),
        }
    }

    /// What differs in one variable.
    pub fn variable(&self, global: &GlobalVariable) -> Compared {
        let mut compared = Compared::default();
        let read = |printer: &Printer<'_, '_, '_, '_>| {
            Value::in_memory(&printer.memory, global.address, global.size)
        };
        let (before, after) = (read(&self.before), read(&self.after));
        if before.is_empty() || before.all_missing().is_some() || after.all_missing().is_some() {
            compared.is_unavailable = true;
            return compared;
        }
        compared.is_partial = before.bytes().is_err() || after.bytes().is_err();
        let mut walk = Walk {
            comparison: self,
            found: &mut compared,
            left: MOST_VALUES,
        };
        walk.value(&global.qualified, global.ty, &before, &after, 0);
        compared
    }
}

/// An array, or a row of one.
struct Array<'b> {
    element: Option<TypeRef>,
    bounds: &'b [Bound],
    /// The type of the whole, for its name.
    whole: Option<TypeRef>,
}

struct Walk<'w, 'c, 'i, 'a, 's> {
    comparison: &'w Comparison<'c, 'i, 'a, 's>,
    found: &'w mut Compared,
    left: usize,
}

impl Walk<'_, '_, '_, '_, '_> {
    fn value(
        &mut self,
        name: &str,
        ty: Option<TypeRef>,
        before: &Value,
        after: &Value,
        depth: usize,
    ) {
        if let (Ok(one), Ok(two)) = (before.bytes(), after.bytes())
            && one == two
        {
            return;
        }
        self.left = self.left.saturating_sub(1);
        if self.left == 0 || self.found.differences.len() >= MOST_OF_ONE {
            self.found.is_cut = true;
            return;
        }
        let types = self.comparison.types;
        let Some((_at, real)) = types.real(ty) else {
            return;
        };
        match &real.kind {
            TypeKind::Record { members, keyword } if *keyword != "union" && depth < DEEPEST => {
                for member in members {
                    let inner = match (&member.name, member.base) {
                        (Some(member), false) => format!("{name}.{member}"),
                        _ => name.to_owned(),
                    };
                    let one = self.comparison.before.member_value(member, before);
                    let two = self.comparison.after.member_value(member, after);
                    self.value(&inner, member.ty, &one, &two, depth + 1);
                }
            }
            TypeKind::Array { element, bounds } if depth < DEEPEST => {
                let array = Array {
                    element: *element,
                    bounds,
                    whole: ty,
                };
                self.array(name, &array, before, after, depth);
            }
            _ => self.leaf(name, ty, before, after),
        }
    }

    fn array(
        &mut self,
        name: &str,
        array: &Array<'_>,
        before: &Value,
        after: &Value,
        depth: usize,
    ) {
        let printer = &self.comparison.before;
        let Array {
            element,
            bounds,
            whole,
        } = *array;
        let inner = bounds.get(1..).unwrap_or_default();
        if inner.is_empty() && printer.is_plain_char(element) {
            return self.leaf(name, whole, before, after);
        }
        let Some(stride) = printer.array_bytes(element, inner).filter(|n| *n > 0) else {
            return;
        };
        if stride == 1 && before.len() > LONGEST_BYTES {
            return self.bytes(name, whole, before, after);
        }
        for i in 0..before.len() / stride {
            let offset = i.saturating_mul(stride);
            let (one, two) = (before.part(offset, stride), after.part(offset, stride));
            let name = format!("{name}[{i}]");
            if inner.is_empty() {
                self.value(&name, element, &one, &two, depth + 1);
            } else if depth < DEEPEST {
                let row = Array {
                    element,
                    bounds: inner,
                    whole: None,
                };
                self.array(&name, &row, &one, &two, depth + 1);
            }
            if self.found.is_cut {
                return;
            }
        }
    }

    /// A long array of bytes: where it starts to differ.
    fn bytes(&mut self, name: &str, ty: Option<TypeRef>, before: &Value, after: &Value) {
        let (Ok(one), Ok(two)) = (before.bytes(), after.bytes()) else {
            return;
        };
        let Some(first) = one.iter().zip(two).position(|(a, b)| a != b) else {
            return;
        };
        let count = one.iter().zip(two).filter(|(a, b)| a != b).count();
        let hex = |bytes: &[u8]| {
            let shown: Vec<String> = bytes
                .iter()
                .skip(first)
                .take(SHOWN_BYTES)
                .map(|byte| format!("{byte:02x}"))
                .collect();
            shown.join(" ")
        };
        self.found.differences.push(Difference {
            name: format!("{name}[{first}]"),
            type_name: Some(format!(
                "{count} bytes of {}",
                self.comparison.types.name(ty)
            )),
            address: before
                .address
                .unwrap_or(0)
                .saturating_add(u64::try_from(first).unwrap_or(0)),
            before: Ok(hex(one)),
            after: Ok(hex(two)),
        });
    }

    fn leaf(&mut self, name: &str, ty: Option<TypeRef>, before: &Value, after: &Value) {
        // What one side does not hold is no difference.
        if before.bytes().is_err() || after.bytes().is_err() {
            return;
        }
        self.found.differences.push(Difference {
            name: name.to_owned(),
            type_name: Some(self.comparison.types.name(ty)),
            address: after.address.or(before.address).unwrap_or(0),
            before: text(&self.comparison.before, ty, before),
            after: text(&self.comparison.after, ty, after),
        });
    }
}

fn text(
    printer: &Printer<'_, '_, '_, '_>,
    ty: Option<TypeRef>,
    value: &Value,
) -> Result<String, Unavailable> {
    match value.all_missing() {
        Some(why) => Err(why),
        None => Ok(printer.one_line(ty, value)),
    }
}

/// The globals of `info` that the program can change.
pub fn changeable(info: &DebugInfo<'_>, global: &GlobalVariable) -> bool {
    info.file().constants().bytes_from(global.address).is_none()
}

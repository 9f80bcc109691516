//! Values of Rust types in the notation of gdb with `set language rust`: `Point {x: 1, y: -2}`, `Some(3)`, `[1, 2]`.
//!
//! What the compiler emits is public in the gdb manual ("Rust") and in DWARF 5, section 5.7.10: a struct with a variant
//! part is an enum, fields named `__0`, `__1` make a tuple, `data_ptr` and `length` a slice or a `str`.

use super::printer::{self, Printer, REPEATS};
use super::types::{Arm, Bound, MemberDecl, Type, TypeKind, TypeRef};
use super::value::Value;
use crate::model::memory::Memory as _;
use crate::model::report::Unavailable;
use std::fmt::Write as _;

/// The longest text or slice that is read.
const LONGEST_SLICE: u64 = 1 << 16;

/// A slice or a `str`, its elements read.
pub(super) struct Slice {
    pub(super) is_text: bool,
    pub(super) element: Option<TypeRef>,
    pub(super) length: u64,
    pub(super) value: Value,
}

impl Printer<'_, '_, '_, '_> {
    /// A value of Rust as one line.
    pub(super) fn rust_text(
        &self,
        at: TypeRef,
        found: &Type,
        value: &Value,
        depth: usize,
    ) -> String {
        match &found.kind {
            TypeKind::Record { members, .. } => self.rust_record(at, members, value, depth),
            TypeKind::Tagged { discriminant, arms } => {
                self.rust_enum(at, discriminant.as_ref(), arms, value, depth)
            }
            TypeKind::Array { element, bounds } => self.rust_array(*element, bounds, value, depth),
            TypeKind::Base(encoding) => self.rust_base(found, *encoding, value),
            TypeKind::Pointer(_) => match printer::address(value, self.big_endian()) {
                Ok(addr) => self.symbolic(addr),
                Err(why) => printer::missing(why),
            },
            _ => self
                .scalar(Some(at), found, value, depth)
                .unwrap_or_else(printer::missing),
        }
    }

    /// The variant that the discriminant names, with its data.
    pub(super) fn active_arm<'t>(
        &self,
        discriminant: Option<&MemberDecl>,
        arms: &'t [Arm],
        value: &Value,
    ) -> Option<(&'t Arm, Value)> {
        let arm = match discriminant {
            None => arms.first(),
            Some(discriminant) => {
                let part = self.member_value(discriminant, value);
                let bits = u32::try_from(part.len().min(16) * 8).unwrap_or(128);
                let number = part.unsigned(self.big_endian()).ok()?;
                let mask = u128::MAX.checked_shr(128 - bits).unwrap_or(0);
                arms.iter()
                    .find(|arm| {
                        arm.value
                            .is_some_and(|n| n.cast_unsigned() & mask == number)
                    })
                    .or_else(|| arms.iter().find(|arm| arm.value.is_none()))
            }
        }?;
        Some((arm, self.member_value(&arm.member, value)))
    }

    /// A record that is a slice or a `str`, if it is one whose memory was captured.
    pub(super) fn slice(
        &self,
        at: TypeRef,
        members: &[MemberDecl],
        value: &Value,
    ) -> Option<Slice> {
        if members.len() != 2 || !self.types.is_rust(at) {
            return None;
        }
        let named = |name: &str| members.iter().find(|m| m.name.as_deref() == Some(name));
        let (data, length) = (named("data_ptr")?, named("length")?);
        let big = self.big_endian();
        let length = self.member_value(length, value).unsigned(big).ok()?;
        let length = u64::try_from(length).ok().filter(|n| *n <= LONGEST_SLICE)?;
        let addr = printer::address(&self.member_value(data, value), big).ok()?;
        let (_at, pointer) = self.types.real(data.ty)?;
        let TypeKind::Pointer(element) = pointer.kind else {
            return None;
        };
        let name = self.types.get(at)?.name.clone().unwrap_or_default();
        let is_text = matches!(
            name.as_str(),
            "&str" | "&mut str" | "*const str" | "*mut str"
        ) || name.ends_with("Box<str, alloc::alloc::Global>");
        let stride = self.types.size(element?)?;
        let bytes = length.checked_mul(stride)?;
        let value = Value::in_memory(&self.memory, addr, bytes);
        if is_text && length > 0 && self.memory.read_u8(addr).is_err() {
            return None;
        }
        Some(Slice {
            is_text,
            element,
            length,
            value,
        })
    }

    fn rust_record(
        &self,
        at: TypeRef,
        members: &[MemberDecl],
        value: &Value,
        depth: usize,
    ) -> String {
        let name = self.types.name(Some(at));
        if let Some(slice) = self.slice(at, members, value) {
            if slice.is_text {
                return match slice.value.bytes() {
                    Ok(bytes) => quoted(bytes, self.limits.max_elements),
                    Err(why) => printer::missing(why),
                };
            }
            let bounds = [Bound::Count(slice.length)];
            let elements = self.rust_array(slice.element, &bounds, &slice.value, depth);
            return format!("{name} {elements}");
        }
        // The name of a tuple is its list of types, which says nothing that the values do not.
        if name.starts_with('(') {
            return self.rust_fields(String::new(), members, value, depth);
        }
        if members.is_empty() {
            return name;
        }
        self.rust_fields(format!("{name} "), members, value, depth)
    }

    /// `(1, 2)` or `{x: 1, y: 2}` behind a name.
    fn rust_fields(
        &self,
        name: String,
        members: &[MemberDecl],
        value: &Value,
        depth: usize,
    ) -> String {
        let tuple = name.is_empty() || is_tuple(members);
        let mut text = name;
        text.push(if tuple { '(' } else { '{' });
        for (i, member) in members.iter().enumerate() {
            if i > 0 {
                text.push_str(", ");
            }
            if self.nodes.get() == 0 {
                text.push_str("...");
                break;
            }
            if !tuple {
                _ = write!(text, "{}: ", member.name.as_deref().unwrap_or_default());
            }
            let part = self.member_value(member, value);
            text.push_str(&self.text(member.ty, &part, depth + 1));
        }
        text.push(if tuple { ')' } else { '}' });
        text
    }

    fn rust_enum(
        &self,
        at: TypeRef,
        discriminant: Option<&MemberDecl>,
        arms: &[Arm],
        value: &Value,
        depth: usize,
    ) -> String {
        if arms.is_empty() {
            return format!("{} {{<No data fields>}}", self.types.name(Some(at)));
        }
        let Some((arm, data)) = self.active_arm(discriminant, arms, value) else {
            let part = discriminant.map(|d| self.member_value(d, value));
            let why = part.and_then(|part| part.bytes().err());
            return why.map_or_else(|| "<no such variant>".to_owned(), printer::missing);
        };
        let name = self.types.name(arm.member.ty);
        match self.types.real(arm.member.ty) {
            Some((_at, inner)) => match &inner.kind {
                TypeKind::Record { members, .. } if members.is_empty() => name,
                TypeKind::Record { members, .. } => self.rust_fields(name, members, &data, depth),
                _ => format!("{name}({})", self.text(arm.member.ty, &data, depth + 1)),
            },
            None => name,
        }
    }

    fn rust_array(
        &self,
        element: Option<TypeRef>,
        bounds: &[Bound],
        value: &Value,
        depth: usize,
    ) -> String {
        let inner = bounds.get(1..).unwrap_or_default();
        let Some(stride) = self.array_bytes(element, inner).filter(|n| *n > 0) else {
            return "[]".to_owned();
        };
        let n = value.len() / stride;
        let mut text = "[".to_owned();
        let (mut i, mut printed) = (0, 0);
        while i < n && printed < self.limits.max_elements && self.nodes.get() > 0 {
            if i > 0 {
                text.push_str(", ");
            }
            let part = value.part(i * stride, stride);
            let same = printer::same_from(value, i, n, stride);
            if inner.is_empty() {
                text.push_str(&self.text(element, &part, depth + 1));
            } else {
                text.push_str(&self.rust_array(element, inner, &part, depth + 1));
            }
            if same > REPEATS {
                _ = write!(text, " <repeats {same} times>");
                i += same;
                printed += REPEATS;
            } else {
                i += 1;
                printed += 1;
            }
        }
        if i < n {
            text.push_str("...");
        }
        text.push(']');
        text
    }

    fn rust_base(&self, found: &Type, encoding: gimli::DwAte, value: &Value) -> String {
        if found.size == Some(0) {
            return found.name.clone().unwrap_or_default();
        }
        let big = self.big_endian();
        let number = || -> Result<String, Unavailable> {
            Ok(match encoding {
                gimli::DW_ATE_signed | gimli::DW_ATE_signed_char => value.signed(big)?.to_string(),
                gimli::DW_ATE_UTF => {
                    let code = value.unsigned(big)?;
                    let mut text = String::new();
                    let shown = u32::try_from(code).unwrap_or(u32::MAX);
                    escape(shown, '\'', &mut text);
                    format!("{code} '{text}'")
                }
                gimli::DW_ATE_unsigned | gimli::DW_ATE_unsigned_char => {
                    value.unsigned(big)?.to_string()
                }
                _ => self.base(None, encoding, value)?,
            })
        };
        number().unwrap_or_else(printer::missing)
    }
}

fn is_tuple(members: &[MemberDecl]) -> bool {
    let mut numbered = members.iter().enumerate();
    !members.is_empty()
        && numbered.all(|(i, m)| m.name.as_deref() == Some(format!("__{i}").as_str()))
}

/// A `str` with its quotes.
fn quoted(bytes: &[u8], most: usize) -> String {
    let mut text = "\"".to_owned();
    let mut cut = false;
    for (i, c) in String::from_utf8_lossy(bytes).chars().enumerate() {
        if i >= most {
            cut = true;
            break;
        }
        escape(u32::from(c), '"', &mut text);
    }
    text.push('"');
    if cut {
        text.push_str("...");
    }
    text
}

/// A character as Rust would write it in a literal of ASCII.
fn escape(code: u32, quote: char, text: &mut String) {
    match char::from_u32(code) {
        Some('\n') => text.push_str("\\n"),
        Some('\r') => text.push_str("\\r"),
        Some('\t') => text.push_str("\\t"),
        Some('\0') => text.push_str("\\0"),
        Some(c) if c == quote || c == '\\' => {
            text.push('\\');
            text.push(c);
        }
        Some(c @ ' '..='~') => text.push(c),
        _ if code <= 0xFF => _ = write!(text, "\\x{code:02x}"),
        _ => _ = write!(text, "\\u{{{code:06x}}}"),
    }
}

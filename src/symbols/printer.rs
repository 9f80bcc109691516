//! A value as text, in the notation of gdb's `print`, and as a tree of [`Local`]s.
//!
//! The notation is that of the gdb manual, "Print Settings", with the defaults: 200 elements, repeats
//! from 11 on, symbols behind pointers. What is missing inside a value says so in angle brackets.

use super::demangle;
use super::elf_symbols::SymbolKind;
use super::float_text;
use super::location::WithConstants;
use super::text_escape::{self, StringStyle};
use super::types::{Bound, MemberDecl, Type, TypeKind, TypeRef, Types};
use super::value::{Value, sign_extend};
use super::variables::ValueLimits;
use crate::model::addr::TargetAddr;
use crate::model::memory::Memory as _;
use crate::model::report::{Local, Unavailable};
use std::cell::Cell;
use std::fmt::Write as _;

/// gdb's `print repeats`.
pub(super) const REPEATS: usize = 10;

/// Prints values of one ELF.
pub(super) struct Printer<'p, 'i, 'a, 's> {
    pub(super) types: &'p Types<'i, 'a>,
    pub(super) memory: WithConstants<'p, 's>,
    pub(super) limits: &'p ValueLimits,
    /// Values that may still be printed.
    pub(super) nodes: Cell<u32>,
}

impl<'p, 'i, 'a, 's> Printer<'p, 'i, 'a, 's> {
    pub(super) fn new(
        types: &'p Types<'i, 'a>,
        memory: WithConstants<'p, 's>,
        limits: &'p ValueLimits,
    ) -> Self {
        Self {
            types,
            memory,
            limits,
            nodes: Cell::new(limits.max_nodes),
        }
    }

    /// A variable with its text and its children.
    pub(super) fn local(&self, name: &str, ty: Option<TypeRef>, value: &Value) -> Local {
        self.nodes.set(self.limits.max_nodes);
        let mut local = self.node(name, ty, value);
        self.nodes.set(self.limits.max_nodes);
        local.children = self.children(ty, value, 0);
        local
    }

    /// One value as one line, with the whole budget.
    pub(super) fn one_line(&self, ty: Option<TypeRef>, value: &Value) -> String {
        self.nodes.set(self.limits.max_nodes);
        self.text(ty, value, 0)
    }

    fn node(&self, name: &str, ty: Option<TypeRef>, value: &Value) -> Local {
        let unavailable = if value.synthetic {
            None
        } else {
            value.all_missing()
        };
        Local {
            name: name.to_owned(),
            type_name: Some(self.types.name(ty)),
            value: match unavailable {
                Some(_why) => None,
                None => Some(self.text(ty, value, 0)),
            },
            argument: false,
            unavailable,
            children: Vec::new(),
            target: self.target(ty, value),
        }
    }

    /// The address that a pointer holds, if there is something to look at.
    fn target(&self, ty: Option<TypeRef>, value: &Value) -> Option<TargetAddr> {
        let (_at, found) = self.types.real(ty)?;
        let (TypeKind::Pointer(target) | TypeKind::Reference { target, .. }) = &found.kind else {
            return None;
        };
        let (_at, behind) = self.types.real(*target)?;
        if matches!(behind.kind, TypeKind::Function { .. }) {
            return None;
        }
        let addr = u64::try_from(value.unsigned(self.big_endian()).ok()?).ok()?;
        self.memory.read_u8(addr).ok()?;
        Some(TargetAddr(addr))
    }

    fn children(&self, ty: Option<TypeRef>, value: &Value, depth: usize) -> Vec<Local> {
        let Some((at, found)) = self.types.real(ty) else {
            return Vec::new();
        };
        if depth >= self.limits.max_tree_depth || value.all_missing().is_some() {
            return Vec::new();
        }
        let parts: Vec<(String, Option<TypeRef>, Value)> = match &found.kind {
            TypeKind::Record { members, .. } => match self.slice(at, members, value) {
                Some(slice) if slice.is_text => Vec::new(),
                Some(slice) => {
                    let bounds = [Bound::Count(slice.length)];
                    return self.elements(slice.element, &bounds, &slice.value, depth);
                }
                None => match self.container(at, value) {
                    Some(contents) => contents.parts(self.limits.max_children),
                    None => self.parts(members, value),
                },
            },
            TypeKind::Tagged { discriminant, arms } => {
                let arm = self.active_arm(discriminant.as_ref(), arms, value);
                let inner = arm
                    .as_ref()
                    .and_then(|(arm, _)| self.types.real(arm.member.ty));
                match (arm, inner.as_ref().map(|(_at, inner)| &inner.kind)) {
                    (Some((_arm, data)), Some(TypeKind::Record { members, .. })) => {
                        self.parts(members, &data)
                    }
                    _ => Vec::new(),
                }
            }
            TypeKind::Array { element, bounds } => {
                return self.elements(*element, bounds, value, depth);
            }
            _ => return Vec::new(),
        };
        parts
            .into_iter()
            .map_while(|(name, ty, part)| {
                self.spend()?;
                let mut local = self.node(&name, ty, &part);
                local.children = self.children(ty, &part, depth + 1);
                Some(local)
            })
            .collect()
    }

    /// Name, type and value of each member.
    fn parts(
        &self,
        members: &[MemberDecl],
        value: &Value,
    ) -> Vec<(String, Option<TypeRef>, Value)> {
        members
            .iter()
            .take(self.limits.max_children)
            .map(|member| {
                let name = match (&member.name, member.base) {
                    (_, true) => format!("<{}>", self.base_name(member)),
                    (Some(name), false) => match name.strip_prefix("__") {
                        // The fields of a tuple have numbers in Rust.
                        Some(n) if !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()) => {
                            n.to_owned()
                        }
                        _ => name.clone(),
                    },
                    (None, false) => "<anonymous>".to_owned(),
                };
                (name, member.ty, self.member_value(member, value))
            })
            .collect()
    }

    fn elements(
        &self,
        element: Option<TypeRef>,
        bounds: &[Bound],
        value: &Value,
        depth: usize,
    ) -> Vec<Local> {
        let inner = bounds.get(1..).unwrap_or_default();
        // The characters of a string are no use one by one.
        if inner.is_empty() && self.is_plain_char(element) {
            return Vec::new();
        }
        let Some(stride) = self.array_bytes(element, inner).filter(|n| *n > 0) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for i in 0..(value.len() / stride).min(self.limits.max_children) {
            let part = value.part(i * stride, stride);
            if self.spend().is_none() {
                break;
            }
            let mut local = if inner.is_empty() {
                let mut local = self.node("", element, &part);
                local.children = self.children(element, &part, depth + 1);
                local
            } else {
                let missing = part.all_missing();
                Local {
                    name: String::new(),
                    type_name: None,
                    value: match missing {
                        Some(_why) => None,
                        None => Some(self.array(element, inner, &part, 1)),
                    },
                    argument: false,
                    unavailable: missing,
                    children: if depth < self.limits.max_tree_depth {
                        self.elements(element, inner, &part, depth + 1)
                    } else {
                        Vec::new()
                    },
                    target: None,
                }
            };
            local.name = format!("[{i}]");
            found.push(local);
        }
        found
    }

    /// The whole value as one line.
    pub(super) fn text(&self, ty: Option<TypeRef>, value: &Value, depth: usize) -> String {
        if self.spend().is_none() {
            return "...".to_owned();
        }
        if value.synthetic {
            return if depth == 0 {
                "(synthetic pointer)".to_owned()
            } else {
                "<synthetic pointer>".to_owned()
            };
        }
        let Some((at, found)) = self.types.real(ty) else {
            return "void".to_owned();
        };
        let compound = matches!(
            found.kind,
            TypeKind::Record { .. } | TypeKind::Array { .. } | TypeKind::Tagged { .. }
        );
        if compound && depth > self.limits.max_depth {
            return "{...}".to_owned();
        }
        if let Some(why) = value.all_missing() {
            return missing(why);
        }
        if self.types.is_rust(at) {
            return self.rust_text(at, &found, value, depth);
        }
        match &found.kind {
            TypeKind::Record { members, .. } => match self.container(at, value) {
                Some(contents) => self.container_text(&contents, depth),
                None => self.record(members, value, depth),
            },
            TypeKind::Array { element, bounds } => self.array(*element, bounds, value, depth),
            _ => self
                .scalar(ty, &found, value, depth)
                .unwrap_or_else(missing),
        }
    }

    pub(super) fn scalar(
        &self,
        ty: Option<TypeRef>,
        found: &Type,
        value: &Value,
        depth: usize,
    ) -> Result<String, Unavailable> {
        let big = self.big_endian();
        Ok(match &found.kind {
            TypeKind::Base(encoding) => self.base(ty, *encoding, value)?,
            TypeKind::Pointer(target) => self.pointer(*target, address(value, big)?),
            TypeKind::Reference { target, .. } => {
                let addr = address(value, big)?;
                // Inside a struct gdb does not look behind a reference.
                if depth > 0 {
                    return Ok(format!("@0x{addr:x}"));
                }
                let size = target.and_then(|at| self.types.size(at)).unwrap_or(0);
                let behind = Value::in_memory(&self.memory, addr, size);
                format!("@0x{addr:x}: {}", self.text(*target, &behind, depth + 1))
            }
            TypeKind::Enum { enumerators, .. } => {
                let number = if enumerators.iter().any(|(_name, n)| *n < 0) {
                    value.signed(big)?
                } else {
                    i128::try_from(value.unsigned(big)?).unwrap_or(i128::MAX)
                };
                enumerator(enumerators, number)
            }
            TypeKind::Function { .. } => {
                let addr = value.address.unwrap_or(0);
                format!("{{{}}} {}", self.types.name(ty), self.symbolic(addr))
            }
            TypeKind::MemberPointer { target, class } => {
                self.member_pointer(*target, *class, value)?
            }
            TypeKind::Unspecified => "nullptr".to_owned(),
            TypeKind::Declared(_) => "<incomplete type>".to_owned(),
            _ if value.is_empty() => "<type not understood>".to_owned(),
            _ => {
                let mut digits = "0x".to_owned();
                for byte in value.bytes()? {
                    _ = write!(digits, "{byte:02x}");
                }
                digits
            }
        })
    }

    pub(super) fn base(
        &self,
        ty: Option<TypeRef>,
        encoding: gimli::DwAte,
        value: &Value,
    ) -> Result<String, Unavailable> {
        let big = self.big_endian();
        Ok(match encoding {
            gimli::DW_ATE_float => real(value, big)?,
            gimli::DW_ATE_complex_float => {
                let half = value.len() / 2;
                let re = real(&value.part(0, half), big)?;
                let im = real(&value.part(half, half), big)?;
                format!("{re} + {im}i")
            }
            gimli::DW_ATE_boolean => match value.unsigned(big)? {
                0 => "false".to_owned(),
                1 => "true".to_owned(),
                other => other.to_string(),
            },
            gimli::DW_ATE_signed | gimli::DW_ATE_signed_char => {
                let number = value.signed(big)?;
                self.with_character(ty, value, number.to_string())?
            }
            _ => {
                let number = value.unsigned(big)?;
                self.with_character(ty, value, number.to_string())?
            }
        })
    }

    /// One-byte numbers and character types also show their character.
    fn with_character(
        &self,
        ty: Option<TypeRef>,
        value: &Value,
        number: String,
    ) -> Result<String, Unavailable> {
        let Some(style) = self.character_style(ty) else {
            return Ok(number);
        };
        let code = value.unsigned(self.big_endian())?;
        let code = u32::try_from(code).unwrap_or(u32::MAX);
        Ok(format!("{number} {}", text_escape::character(code, style)))
    }

    /// How characters of this type are written; `None` when it is no character.
    pub(super) fn character_style(&self, ty: Option<TypeRef>) -> Option<StringStyle> {
        let (_at, real) = self.types.real(ty)?;
        let TypeKind::Base(encoding) = real.kind else {
            return None;
        };
        let width = usize::try_from(real.size?).ok()?;
        let style = |prefix| StringStyle {
            max_elements: self.limits.max_elements,
            repeat_threshold: REPEATS,
            prefix,
            width,
        };
        // The typedef's name decides: wchar_t is an int otherwise.
        let mut at = ty;
        for _step in 0..16 {
            let Some(found) = at.and_then(|at| self.types.get(at)) else {
                break;
            };
            match (found.name.as_deref(), width) {
                (Some("wchar_t"), 1 | 2 | 4) => return Some(style("L")),
                (Some("char16_t"), 2) => return Some(style("u")),
                (Some("char32_t"), 4) => return Some(style("U")),
                _ => {}
            }
            match &found.kind {
                TypeKind::Typedef(next) | TypeKind::Qualified(_, next) => at = *next,
                _ => break,
            }
        }
        let textual = width == 1
            && matches!(
                encoding,
                gimli::DW_ATE_signed
                    | gimli::DW_ATE_unsigned
                    | gimli::DW_ATE_signed_char
                    | gimli::DW_ATE_unsigned_char
                    | gimli::DW_ATE_UTF
                    | gimli::DW_ATE_ASCII
            );
        textual.then(|| style(""))
    }

    /// `char` itself, not a small number such as `uint8_t`.
    pub(super) fn is_plain_char(&self, ty: Option<TypeRef>) -> bool {
        let Some(found) = ty.and_then(|at| self.types.get(at)) else {
            return false;
        };
        match &found.kind {
            TypeKind::Qualified(_, next) => next
                .and_then(|at| self.types.get(at))
                .is_some_and(|inner| inner.name.as_deref() == Some("char")),
            _ => found.name.as_deref() == Some("char"),
        }
    }

    fn pointer(&self, target: Option<TypeRef>, addr: u64) -> String {
        let mut text = self.symbolic(addr);
        if addr != 0
            && let Some(style) = self.character_style(target)
        {
            text.push(' ');
            text.push_str(&self.string_at(addr, style));
        }
        text
    }

    /// The string behind a pointer: up to its terminator, or as far as gdb would fetch it.
    fn string_at(&self, addr: u64, style: StringStyle) -> String {
        let mut codes = Vec::new();
        let mut at = addr;
        let mut failed = false;
        while codes.len() < style.max_elements {
            let unit = Value::in_memory(&self.memory, at, style.width as u64);
            let Ok(code) = unit.unsigned(self.big_endian()) else {
                failed = true;
                break;
            };
            codes.push(u32::try_from(code).unwrap_or(u32::MAX));
            at = at.wrapping_add(style.width as u64);
            if code == 0 {
                break;
            }
        }
        let ended = codes.last() == Some(&0);
        let more = !ended && self.memory.read_u8(at).is_ok_and(|next| next != 0);
        let mut text = String::new();
        if !failed || !codes.is_empty() {
            text = text_escape::string(&codes, style, more);
        }
        if failed {
            _ = write!(text, "<error: Cannot access memory at address 0x{at:x}>");
        }
        text
    }

    /// An address with the symbol that it lies in: `0x2000201c <ring+16>`.
    pub(super) fn symbolic(&self, addr: u64) -> String {
        let mut text = format!("0x{addr:x}");
        let found = self
            .memory
            .symbols
            .infos
            .iter()
            .find_map(|info| Some((info.file(), info.file().symbol_at(addr)?)));
        let Some((file, (symbol, offset))) = found else {
            return text;
        };
        let function = symbol.kind == SymbolKind::Function;
        // A label without a size covers nothing by itself.
        if symbol.size == 0 && !function {
            return text;
        }
        // The Thumb bit is no part of the address.
        let offset = if function && file.arch().is_cortex_m() {
            offset & !1
        } else {
            offset
        };
        text.push_str(" <");
        text.push_str(&demangle::symbol(&symbol.name));
        if offset != 0 {
            _ = write!(text, "+{offset}");
        }
        text.push('>');
        text
    }

    fn record(&self, members: &[MemberDecl], value: &Value, depth: usize) -> String {
        if members.is_empty() {
            return "{<No data fields>}".to_owned();
        }
        let mut text = "{".to_owned();
        for (i, member) in members.iter().enumerate() {
            if i > 0 {
                text.push_str(", ");
            }
            if self.nodes.get() == 0 {
                text.push_str("...");
                break;
            }
            if member.base {
                _ = write!(text, "<{}> = ", self.base_name(member));
            } else if let Some(name) = &member.name {
                if member.fixed.is_some() {
                    text.push_str("static ");
                }
                text.push_str(name);
                text.push_str(" = ");
            }
            let part = self.member_value(member, value);
            text.push_str(&self.text(member.ty, &part, depth + 1));
        }
        if members.iter().all(|member| member.base) {
            text.push_str(", <No data fields>");
        }
        text.push('}');
        text
    }

    /// The name of a base class, not of a typedef of it.
    fn base_name(&self, member: &MemberDecl) -> String {
        let real = self.types.real(member.ty).map(|(at, _found)| at);
        self.types.name(real.or(member.ty))
    }

    pub(super) fn member_value(&self, member: &MemberDecl, value: &Value) -> Value {
        let size = member.ty.and_then(|ty| self.types.size(ty)).unwrap_or(0);
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let gone = || Value::unavailable(size.clamp(1, 16), Unavailable::OptimizedOut);
        if let Some(declared) = member.fixed {
            return self.static_member(declared, size).unwrap_or_else(gone);
        }
        if let Some((first, n_bits)) = member.bits {
            return match value.bits(first, n_bits, self.big_endian()) {
                Ok(bits) => self.widened(member.ty, bits, n_bits, size),
                Err(why) => Value::unavailable(size.max(1), why),
            };
        }
        match member.offset.map(usize::try_from) {
            Some(Ok(offset)) if offset <= value.len() => value.part(offset, size),
            _ => gone(),
        }
    }

    /// A bit-field as a whole value of its type.
    fn widened(&self, ty: Option<TypeRef>, bits: u128, n_bits: u64, size: usize) -> Value {
        let signed = self
            .types
            .real(ty)
            .is_some_and(|(_at, found)| match &found.kind {
                TypeKind::Base(encoding) => {
                    matches!(*encoding, gimli::DW_ATE_signed | gimli::DW_ATE_signed_char)
                }
                TypeKind::Enum { enumerators, .. } => enumerators.iter().any(|(_name, n)| *n < 0),
                _ => false,
            });
        let wide = if signed {
            sign_extend(bits, u32::try_from(n_bits).unwrap_or(128)).cast_unsigned()
        } else {
            bits
        };
        let little = wide.to_le_bytes();
        let mut bytes = little.get(..size.min(16)).unwrap_or_default().to_vec();
        if self.big_endian() {
            bytes.reverse();
        }
        Value::known(bytes)
    }

    pub(super) fn array_bytes(&self, element: Option<TypeRef>, bounds: &[Bound]) -> Option<usize> {
        let mut size = self.types.size(element?)?;
        for bound in bounds {
            match bound {
                Bound::Count(n) => size = size.checked_mul(*n)?,
                Bound::Unknown | Bound::Dynamic(_) => return None,
            }
        }
        usize::try_from(size).ok()
    }

    fn array(
        &self,
        element: Option<TypeRef>,
        bounds: &[Bound],
        value: &Value,
        depth: usize,
    ) -> String {
        let inner = bounds.get(1..).unwrap_or_default();
        let stride = self.array_bytes(element, inner).filter(|n| *n > 0);
        let (Some(stride), false) = (stride, value.is_empty()) else {
            // Without a length it is what C makes of it: a pointer to its first element.
            return match value.address {
                Some(addr) => self.pointer(element, addr),
                None => "{}".to_owned(),
            };
        };
        if inner.is_empty()
            && let Some(style) = self.character_style(element)
            && value.bytes().is_ok()
        {
            let codes: Vec<u32> = value
                .bytes()
                .unwrap_or_default()
                .chunks_exact(stride)
                .map_while(|chunk| match chunk {
                    [byte] => Some(u32::from(*byte)),
                    wide => {
                        let code = Value::known(wide.to_vec()).unsigned(self.big_endian());
                        u32::try_from(code.ok()?).ok()
                    }
                })
                .collect();
            return text_escape::string(&codes, style, false);
        }
        let n = value.len() / stride;
        let mut text = "{".to_owned();
        let mut printed = 0;
        let mut i = 0;
        while i < n && printed < self.limits.max_elements && self.nodes.get() > 0 {
            if i > 0 {
                text.push_str(", ");
            }
            let part = value.part(i * stride, stride);
            let same = same_from(value, i, n, stride);
            if inner.is_empty() {
                text.push_str(&self.text(element, &part, depth + 1));
            } else {
                // Rows of a matrix are arrays of their own.
                text.push_str(&match (self.spend(), part.all_missing()) {
                    (None, _) => "...".to_owned(),
                    (_, Some(why)) => missing(why),
                    _ => self.array(element, inner, &part, depth + 1),
                });
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
        text.push('}');
        text
    }

    pub(super) fn big_endian(&self) -> bool {
        self.types.info.file().is_big_endian()
    }

    fn spend(&self) -> Option<()> {
        self.nodes.set(self.nodes.get().checked_sub(1)?);
        Some(())
    }
}

/// How many elements from `i` on are equal to it.
pub(super) fn same_from(value: &Value, i: usize, n: usize, stride: usize) -> usize {
    let first = value.part(i * stride, stride);
    let mut same = 1;
    while i + same < n {
        let next = value.part((i + same) * stride, stride);
        let equal = match (first.bytes(), next.bytes()) {
            (Ok(a), Ok(b)) => a == b,
            _ => first.all_missing().is_some() && first.all_missing() == next.all_missing(),
        };
        if !equal {
            break;
        }
        same += 1;
    }
    same
}

pub(super) fn address(value: &Value, big_endian: bool) -> Result<u64, Unavailable> {
    Ok(u64::try_from(value.unsigned(big_endian)?).unwrap_or(u64::MAX))
}

fn real(value: &Value, big_endian: bool) -> Result<String, Unavailable> {
    let bits = value.unsigned(big_endian)?;
    let number = u64::try_from(bits).unwrap_or(u64::MAX);
    Ok(match value.len() {
        2 => float_text::half(u16::try_from(number).unwrap_or(0)),
        4 => float_text::single(u32::try_from(number).unwrap_or(0)),
        8 => float_text::double(number),
        _ => format!("0x{bits:x}"),
    })
}

/// The name of an enumerator, a combination of flags, or the number.
fn enumerator(enumerators: &[(String, i128)], number: i128) -> String {
    if let Some((name, _n)) = enumerators.iter().find(|(_name, n)| *n == number) {
        return name.clone();
    }
    // gdb takes an enum for flags when every enumerator is one bit (or none).
    let flags = !enumerators.is_empty()
        && enumerators
            .iter()
            .all(|(_name, n)| *n >= 0 && n.count_ones() <= 1);
    if !flags {
        return number.to_string();
    }
    let mut left = number;
    let mut names: Vec<String> = Vec::new();
    for (name, n) in enumerators {
        if left & n != 0 {
            names.push(name.clone());
            left &= !n;
        }
    }
    if left != 0 {
        names.push(format!("unknown: 0x{left:x}"));
    }
    if names.is_empty() {
        return "0".to_owned();
    }
    format!("({})", names.join(" | "))
}

pub(super) fn missing(why: Unavailable) -> String {
    match why {
        Unavailable::OptimizedOut => "<optimized out>".to_owned(),
        Unavailable::RegisterNotStored | Unavailable::MemoryNotCaptured => {
            format!("<{}>", why.label())
        }
    }
}

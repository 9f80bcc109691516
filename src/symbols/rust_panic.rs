//! What a Rust program said when it panicked: message and place, out of the argument of its panic handler.
//!
//! `core::panic::PanicInfo` and what it leads to are read by their debug information. The message is formatted as far as
//! `core::fmt::Arguments` tells: pieces of text, and arguments whose formatter is one of the standard library's for
//! numbers, characters, truth values and text. Layout: library/core/src/fmt/mod.rs and rt.rs of Rust 1.93 and later
//! (a template of bytes), and of the versions before (a slice of pieces).

use super::debug_info::{DebugInfo, Scope};
use super::demangle;
use super::die::{self, DieRef};
use super::symbol_set::SymbolSet;
use super::types::{Member, TypeKind, TypeRef, Types};
use super::value::Value;
use super::variables::{FrameContext, ValueLimits, argument_value};
use crate::model::memory::Memory;
use std::fmt::Write as _;
use std::ops::Range;

/// The longest message.
const LONGEST: usize = 2048;

/// The most pieces and arguments of one message.
const MOST_PIECES: usize = 64;

/// The most words of a stack frame that are tried.
const MOST_WORDS: u64 = 256;

/// A panic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RustPanic {
    /// `index out of bounds: the len is 3 but the index is 7`.
    pub message: Option<String>,
    /// Source file as the compiler was given it.
    pub file: Option<String>,
    /// Line, from 1.
    pub line: Option<u32>,
}

/// The panic that the function `scope` was called to handle, if it takes a `PanicInfo`.
pub fn rust_panic(
    info: &DebugInfo<'_>,
    scope: Scope,
    ctx: &FrameContext<'_, '_>,
) -> Option<RustPanic> {
    let at = DieRef {
        unit: scope.unit,
        entry: scope.entry,
    };
    if die::language(info, at.unit) != Some(gimli::DW_LANG_Rust) {
        return None;
    }
    let limits = ValueLimits::default();
    let types = Types::new(info);
    let (ty, value) = argument_value(info, scope, ctx, &limits, &|ty| {
        pointee(&types, ty).is_some_and(|ty| types.name(Some(ty)).ends_with("::PanicInfo"))
    })?;
    let reader = PanicReader {
        types: &types,
        memory: ctx.memory,
        symbols: ctx.symbols,
    };
    let addr = reader.number(&value)?;
    reader.panic(pointee(&types, ty)?, addr)
}

/// The same when the handler no longer holds its argument: the `PanicInfo` lies in the stack frame of the function that
/// called the handler. What is taken for one must lead to a place in a Rust source file.
pub fn rust_panic_in_frame(
    symbols: &SymbolSet<'_>,
    memory: &dyn Memory,
    frame: Range<u64>,
) -> Option<RustPanic> {
    symbols.infos.iter().find_map(|info| {
        let types = Types::new(info);
        let ty = types.named("core::panic::panic_info::PanicInfo")?;
        let reader = PanicReader {
            types: &types,
            memory,
            symbols,
        };
        let word = u64::from(info.file().address_bytes());
        let words = (frame.end.saturating_sub(frame.start) / word).min(MOST_WORDS);
        (0..words).find_map(|i| {
            let addr = frame.start.checked_add(i.checked_mul(word)?)?;
            let found = reader.panic(ty, addr)?;
            let file = found.file.as_deref()?;
            let is_source = file.ends_with(".rs") && !file.contains(char::is_control);
            (is_source && found.line? > 0).then_some(found)
        })
    })
}

fn pointee(types: &Types<'_, '_>, ty: Option<TypeRef>) -> Option<TypeRef> {
    match &types.real(ty)?.1.kind {
        TypeKind::Pointer(target) => *target,
        _ => None,
    }
}

struct PanicReader<'r, 'i, 'a, 's> {
    types: &'r Types<'i, 'a>,
    memory: &'r dyn Memory,
    symbols: &'r SymbolSet<'s>,
}

impl PanicReader<'_, '_, '_, '_> {
    fn number(&self, value: &Value) -> Option<u64> {
        let big = self.types.info.file().is_big_endian();
        u64::try_from(value.unsigned(big).ok()?).ok()
    }

    fn word(&self, addr: u64) -> Option<u64> {
        let bytes = u64::from(self.types.info.file().address_bytes());
        self.uint(addr, bytes)
    }

    fn uint(&self, addr: u64, bytes: u64) -> Option<u64> {
        let value = Value::in_memory(self.memory, addr, bytes.min(8));
        self.number(&value)
    }

    fn panic(&self, ty: TypeRef, addr: u64) -> Option<RustPanic> {
        let mut found = RustPanic::default();
        if let Some(location) = self.types.member(ty, "location", 0)
            && let Some(place) = self.word(addr.wrapping_add(location.offset))
            && let Some(ty) = pointee(self.types, Some(location.ty))
        {
            let field = |name| self.types.member(ty, name, 0);
            let file = field("filename").or_else(|| field("file_bytes_with_nul"));
            let file = file.or_else(|| field("file"));
            found.file = file.and_then(|file| self.text_at(place.wrapping_add(file.offset)));
            found.line = field("line")
                .and_then(|line| self.uint(place.wrapping_add(line.offset), 4))
                .and_then(|line| u32::try_from(line).ok());
        }
        if let Some(message) = self.types.member(ty, "message", 0) {
            found.message = self.message(&message, addr.wrapping_add(message.offset));
        }
        (found != RustPanic::default()).then_some(found)
    }

    /// A pointer and a length, and the text that they mean.
    fn text_at(&self, addr: u64) -> Option<String> {
        let word = u64::from(self.types.info.file().address_bytes());
        self.text(self.word(addr)?, self.word(addr.wrapping_add(word))?)
    }

    fn text(&self, addr: u64, length: u64) -> Option<String> {
        let length = usize::try_from(length).ok().filter(|n| *n <= LONGEST)?;
        let mut bytes = vec![0; length];
        self.memory.read(addr, &mut bytes).ok()?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Some(text.trim_end_matches('\0').to_owned())
    }

    /// The text of a `fmt::Arguments`, held or pointed to by a member at `addr`.
    fn message(&self, member: &Member, addr: u64) -> Option<String> {
        let (ty, addr) = match pointee(self.types, Some(member.ty)) {
            Some(ty) => (ty, self.word(addr)?),
            None => (member.ty, addr),
        };
        let field = |name| self.types.member(ty, name, 0);
        if let (Some(template), Some(args)) = (field("template"), field("args")) {
            let template = self.word(addr.wrapping_add(template.offset))?;
            let args = self.word(addr.wrapping_add(args.offset))?;
            // The lowest bit says that the message is one text; the other bits are its length.
            if args & 1 == 1 {
                return self.text(template, args >> 1);
            }
            return self.template(template, args);
        }
        let pieces = addr.wrapping_add(field("pieces")?.offset);
        let args = addr.wrapping_add(field("args")?.offset);
        self.pieces(pieces, args)
    }

    /// Bytes of text, each run behind its length, and placeholders; a zero byte ends it.
    fn template(&self, template: u64, args: u64) -> Option<String> {
        let mut text = String::new();
        let mut at = template;
        let mut next_arg = 0;
        for _piece in 0..MOST_PIECES {
            let mark = self.memory.read_u8(at).ok()?;
            at = at.wrapping_add(1);
            match mark {
                0 => return Some(text),
                1..=0x7F => {
                    text.push_str(&self.text(at, u64::from(mark))?);
                    at = at.wrapping_add(u64::from(mark));
                }
                0x80 => {
                    let length = self.uint(at, 2)?;
                    text.push_str(&self.text(at.wrapping_add(2), length)?);
                    at = at.wrapping_add(2).wrapping_add(length);
                }
                _ => {
                    let mut flags = 0;
                    if mark & 1 != 0 {
                        flags = self.uint(at, 4)?;
                        at = at.wrapping_add(4);
                    }
                    for bit in [2, 4] {
                        if mark & bit != 0 {
                            at = at.wrapping_add(2);
                        }
                    }
                    if mark & 8 != 0 {
                        next_arg = self.uint(at, 2)?;
                        at = at.wrapping_add(2);
                    }
                    text.push_str(&self.argument(args, next_arg, flags));
                    next_arg = next_arg.wrapping_add(1);
                }
            }
            if text.len() > LONGEST {
                break;
            }
        }
        Some(text)
    }

    /// Rust before 1.93: a slice of texts with an argument between each two.
    fn pieces(&self, pieces: u64, args: u64) -> Option<String> {
        let word = u64::from(self.types.info.file().address_bytes());
        let (first, n) = (self.word(pieces)?, self.word(pieces.wrapping_add(word))?);
        let (args, n_args) = (self.word(args)?, self.word(args.wrapping_add(word))?);
        let mut text = String::new();
        for i in 0..n.max(n_args).min(MOST_PIECES as u64) {
            if i < n {
                let piece = first.wrapping_add(i.wrapping_mul(word.wrapping_mul(2)));
                text.push_str(&self.text_at(piece)?);
            }
            if i < n_args {
                text.push_str(&self.argument(args, i, 0));
            }
        }
        text.truncate(text.floor_char_boundary(LONGEST));
        Some(text)
    }

    /// One argument: the address of a value and the function that would have written it.
    fn argument(&self, args: u64, index: u64, flags: u64) -> String {
        let word = u64::from(self.types.info.file().address_bytes());
        let at = args.wrapping_add(index.wrapping_mul(word.wrapping_mul(2)));
        self.formatted(at, word, flags)
            .unwrap_or_else(|| "{…}".to_owned())
    }

    fn formatted(&self, at: u64, word: u64, flags: u64) -> Option<String> {
        const ALTERNATE: u64 = 1 << 23;
        const DEBUG_LOWER_HEX: u64 = 1 << 25;
        let value = self.word(at)?;
        let function = self.word(at.wrapping_add(word))?;
        let mut infos = self.symbols.infos.iter();
        let (symbol, _offset) = infos.find_map(|info| info.file().symbol_at(function & !1))?;
        let path = demangle::qualified(&symbol.name)?;
        let (ty, how) = formatter(&path)?;
        let hex = how == "LowerHex" || flags & DEBUG_LOWER_HEX != 0;
        let (bits, signed) = match ty {
            "&str" => {
                let text = self.text_at(value)?;
                return Some(if how == "Debug" {
                    format!("{text:?}")
                } else {
                    text
                });
            }
            "bool" => return Some((self.memory.read_u8(value).ok()? != 0).to_string()),
            "char" => {
                let c = char::from_u32(u32::try_from(self.uint(value, 4)?).ok()?)?;
                return Some(if how == "Debug" {
                    format!("{c:?}")
                } else {
                    c.to_string()
                });
            }
            "usize" => (word.checked_mul(8)?, false),
            "isize" => (word.checked_mul(8)?, true),
            _ => {
                let (sign, bits) = ty.split_at_checked(1)?;
                let bits = bits.parse().ok().filter(|n| [8, 16, 32, 64].contains(n))?;
                match sign {
                    "u" => (bits, false),
                    "i" => (bits, true),
                    _ => return None,
                }
            }
        };
        let number = self.uint(value, bits / 8)?;
        let mut text = String::new();
        if hex {
            let mark = if flags & ALTERNATE != 0 { "0x" } else { "" };
            write!(text, "{mark}{number:x}").ok()?;
        } else if signed {
            let bits = u32::try_from(bits).ok()?;
            let number = super::value::sign_extend(u128::from(number), bits);
            write!(text, "{number}").ok()?;
        } else {
            write!(text, "{number}").ok()?;
        }
        Some(text)
    }
}

/// Type and trait of `<u32 as core::fmt::Display>::fmt` or `core::fmt::num::imp::<impl core::fmt::Display for u32>::fmt`.
fn formatter(path: &str) -> Option<(&str, &str)> {
    let inner = path.strip_suffix(">::fmt")?;
    if let Some((_module, implemented)) = inner.split_once("<impl ") {
        let (how, ty) = implemented.split_once(" for ")?;
        return Some((ty, how.rsplit("::").next()?));
    }
    let (ty, how) = inner.strip_prefix('<')?.split_once(" as ")?;
    Some((ty, how.rsplit("::").next()?))
}

#[cfg(test)]
mod tests {
    use super::formatter;

    #[test]
    fn type_and_trait_of_a_formatter_come_out_of_both_manglings() {
        for (path, expected) in [
            (
                "<usize as core::fmt::Display>::fmt",
                Some(("usize", "Display")),
            ),
            ("<&str as core::fmt::Debug>::fmt", Some(("&str", "Debug"))),
            (
                "core::fmt::num::imp::<impl core::fmt::Display for u32>::fmt",
                Some(("u32", "Display")),
            ),
            ("core::panicking::panic_fmt", None),
            ("<u8>::fmt", None),
        ] {
            assert_eq!(formatter(path), expected, "{path}");
        }
    }
}

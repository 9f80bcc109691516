//! A frame's arguments, read from the wire and written as text in one pass.
//!
//! The wire (defmt book, "Serialization"): numbers little-endian, `bool` one byte, `char` four, strings and slices with a
//! length of four bytes, nested values as the 16-bit id of their format string followed by its arguments, enums as the
//! index of the variant in the smallest number that holds them all.

use super::format_string::{ArgType, FormatString, Piece};
use super::hint::Hint;
use super::table::{Body, DefmtTable};
use super::write::{write_bits, write_bytes, write_signed, write_str, write_unsigned};

/// Values in values are followed this deep.
const DEEPEST: u8 = 48;
/// Values of one frame; an array of nothing has as many as it likes.
const MOST_VALUES: u32 = 100_000;
/// No message is longer.
const LONGEST_TEXT: usize = 256 << 10;

/// Why a frame cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It ends too early.
    Short,
    /// It names a string that the table does not have.
    UnknownId(u16),
    /// A byte that must be something else.
    Malformed(&'static str),
    /// It is nested too deeply, or its text is too long.
    TooLarge,
}

/// How a value is to be written, and how deep it is.
#[derive(Clone, Copy)]
struct Look<'h> {
    /// Its own hint.
    hint: Option<&'h Hint>,
    /// That of the value it is part of, which holds where it has none.
    parent: Option<&'h Hint>,
    depth: u8,
}

impl Look<'_> {
    /// Of a value that is skipped.
    fn none(depth: u8) -> Self {
        Self {
            hint: None,
            parent: None,
            depth,
        }
    }
}

/// Reads one frame.
pub(super) struct Frame<'t, 'b> {
    /// The strings.
    pub(super) table: &'t DefmtTable,
    /// What has not been read yet.
    pub(super) rest: &'b [u8],
    n_values: u32,
}

/// The text, when one is wanted; without it bytes are only skipped.
type Out<'a> = Option<&'a mut String>;

impl<'t, 'b> Frame<'t, 'b> {
    /// Over the bytes of a frame.
    pub(super) fn new(table: &'t DefmtTable, bytes: &'b [u8]) -> Self {
        Self {
            table,
            rest: bytes,
            n_values: 0,
        }
    }

    fn take(&mut self, n: usize) -> Result<&'b [u8], Fault> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or(Fault::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    /// A number of up to 16 bytes.
    pub(super) fn number(&mut self, n_bytes: u8) -> Result<u128, Fault> {
        let taken = self.take(usize::from(n_bytes))?;
        let value = taken
            .iter()
            .rev()
            .fold(0, |value: u128, byte| (value << 8) | u128::from(*byte));
        Ok(value)
    }

    /// The id of a string.
    pub(super) fn id(&mut self) -> Result<u16, Fault> {
        let taken = self.take(2)?;
        <[u8; 2]>::try_from(taken).map_or(Err(Fault::Short), |taken| Ok(u16::from_le_bytes(taken)))
    }

    fn length(&mut self) -> Result<usize, Fault> {
        usize::try_from(self.number(4)?).map_err(|_large| Fault::TooLarge)
    }

    /// Writes a whole format string.
    pub(super) fn format(
        &mut self,
        format: &FormatString,
        parent: Option<&Hint>,
        depth: u8,
        mut out: Out<'_>,
    ) -> Result<(), Fault> {
        let look = |hint| Look {
            hint,
            parent,
            depth,
        };
        if depth > DEEPEST || out.as_ref().is_some_and(|out| out.len() > LONGEST_TEXT) {
            return Err(Fault::TooLarge);
        }
        if out.is_none() || format.is_in_order {
            return self.in_order(format, parent, depth, out);
        }
        // Where each argument begins; then each part goes there.
        let mut starts = Vec::with_capacity(format.args.len());
        for arg in &format.args {
            starts.push((self.rest, arg));
            self.value(arg, arg, Look::none(depth), None)?;
        }
        let end = self.rest;
        for piece in &format.pieces {
            match piece {
                Piece::Literal(text) => push(&mut out, text),
                Piece::Arg { index, shown, hint } => {
                    let Some((start, wire)) = starts.get(*index) else {
                        continue;
                    };
                    self.rest = start;
                    self.value(wire, shown, look(hint.as_ref()), out.as_deref_mut())?;
                }
            }
        }
        self.rest = end;
        Ok(())
    }

    fn in_order(
        &mut self,
        format: &FormatString,
        parent: Option<&Hint>,
        depth: u8,
        mut out: Out<'_>,
    ) -> Result<(), Fault> {
        let look = |hint| Look {
            hint,
            parent,
            depth,
        };
        if out.is_none() {
            return format
                .args
                .iter()
                .try_for_each(|arg| self.value(arg, arg, Look::none(depth), None));
        }
        for piece in &format.pieces {
            match piece {
                Piece::Literal(text) => push(&mut out, text),
                Piece::Arg { shown, hint, .. } => {
                    self.value(shown, shown, look(hint.as_ref()), out.as_deref_mut())?;
                }
            }
        }
        Ok(())
    }

    /// Reads a value of the type `wire` and writes what is `shown` of it.
    fn value(
        &mut self,
        wire: &ArgType,
        shown: &ArgType,
        look: Look<'_>,
        mut out: Out<'_>,
    ) -> Result<(), Fault> {
        self.n_values = self.n_values.saturating_add(1);
        if self.n_values > MOST_VALUES {
            return Err(Fault::TooLarge);
        }
        let hint = look.hint.or(look.parent);
        match wire {
            ArgType::Format => {
                let is_ascii = look.parent == Some(&Hint::Ascii);
                let id = self.id()?;
                self.nested(
                    id,
                    if is_ascii { look.parent } else { hint },
                    look.depth,
                    out,
                )
            }
            ArgType::FormatSequence => loop {
                match self.id()? {
                    0 => return Ok(()),
                    id => self.nested(id, hint, look.depth, out.as_deref_mut())?,
                }
            },
            ArgType::FormatSlice => {
                let n = self.length()?;
                self.slice(n, hint, look.depth, out)
            }
            ArgType::FormatArray(n) => self.slice(*n, hint, look.depth, out),
            ArgType::Str | ArgType::Text | ArgType::InternedStr => {
                let text = self.text(wire)?;
                if let Some(out) = out {
                    write_str(text, hint, out);
                }
                Ok(())
            }
            ArgType::Bytes | ArgType::ByteArray(_) => {
                let n = match wire {
                    ArgType::ByteArray(n) => *n,
                    _ => self.length()?,
                };
                let bytes = self.take(n)?;
                if let Some(out) = out {
                    write_bytes(self.table, bytes, hint, out);
                }
                Ok(())
            }
            _ => self.scalar(wire, shown, look, out),
        }
    }

    /// A number, a bool or a char.
    fn scalar(
        &mut self,
        wire: &ArgType,
        shown: &ArgType,
        look: Look<'_>,
        out: Out<'_>,
    ) -> Result<(), Fault> {
        let n_bytes = match wire {
            ArgType::Unsigned(n) | ArgType::Signed(n) => *n,
            ArgType::F64 => 8,
            ArgType::Bool => 1,
            ArgType::Bits { start, end } => bytes_of_bits(*start, *end),
            _ => 4,
        };
        let value = self.number(n_bytes)?;
        let hint = look.hint.or(look.parent);
        if *wire == ArgType::Bool && value > 1 {
            return Err(Fault::Malformed("a bool that is neither 0 nor 1"));
        }
        let low = || u32::try_from(value).unwrap_or(u32::MAX);
        let char = char::from_u32(low());
        if *wire == ArgType::Char && char.is_none() {
            return Err(Fault::Malformed("a char that is none"));
        }
        let Some(out) = out else { return Ok(()) };
        match (wire, shown) {
            (ArgType::Unsigned(_), _) => {
                let hint = if hint == Some(&Hint::Debug) {
                    look.parent
                } else {
                    hint
                };
                write_unsigned(self.table, value, hint, out);
            }
            (ArgType::Signed(_), _) => write_signed(value, n_bytes, hint, out),
            (ArgType::F32, _) => out.push_str(ryu::Buffer::new().format(f32::from_bits(low()))),
            (ArgType::F64, _) => {
                let bits = u64::try_from(value).unwrap_or(0);
                out.push_str(ryu::Buffer::new().format(f64::from_bits(bits)));
            }
            (ArgType::Bool, _) => out.push_str(if value == 0 { "false" } else { "true" }),
            (ArgType::Bits { start: first, .. }, ArgType::Bits { start, end }) => {
                // Only the bytes that hold the bits are sent.
                let value = value << (first / 8).saturating_mul(8).min(120);
                write_bits(self.table, value, *start..*end, hint, out);
            }
            _ => out.extend(char),
        }
        Ok(())
    }

    fn text<'o>(&mut self, wire: &ArgType) -> Result<&'o str, Fault>
    where
        't: 'o,
        'b: 'o,
    {
        let bytes = match wire {
            ArgType::InternedStr => {
                let id = self.id()?;
                let entry = self.table.entry(id).ok_or(Fault::UnknownId(id))?;
                return Ok(&entry.text);
            }
            ArgType::Text => {
                let end = memchr::memchr(0xff, self.rest).ok_or(Fault::Short)?;
                let bytes = self.take(end)?;
                self.take(1)?;
                bytes
            }
            _ => {
                let n = self.length()?;
                self.take(n)?
            }
        };
        std::str::from_utf8(bytes).map_err(|_bytes| Fault::Malformed("a string that is no UTF-8"))
    }

    /// A value with a format string of its own.
    fn nested(
        &mut self,
        id: u16,
        hint: Option<&Hint>,
        depth: u8,
        out: Out<'_>,
    ) -> Result<(), Fault> {
        let entry = self.table.entry(id).ok_or(Fault::UnknownId(id))?;
        if entry.is_message {
            return Err(Fault::Malformed("a value that is a whole message"));
        }
        let format = self.chosen(&entry.body)?;
        self.format(format, hint, depth.saturating_add(1), out)
    }

    /// The format string; of an enum, that of the variant on the wire.
    fn chosen(&mut self, body: &'t Body) -> Result<&'t FormatString, Fault> {
        match body {
            Body::One(format) => Ok(format),
            Body::Broken => Err(Fault::Malformed("a format string that cannot be read")),
            Body::Variants(variants) => {
                // The number of bars decides, as in the macro that wrote it.
                let n_bytes = match variants.len().saturating_sub(1) {
                    0..=0xff => 1,
                    0x100..=0xffff => 2,
                    _ => 4,
                };
                let index = usize::try_from(self.number(n_bytes)?).unwrap_or(usize::MAX);
                let variant = variants.get(index);
                variant.ok_or(Fault::Malformed("a variant that the enum does not have"))
            }
        }
    }

    fn slice(
        &mut self,
        n: usize,
        hint: Option<&Hint>,
        depth: u8,
        mut out: Out<'_>,
    ) -> Result<(), Fault> {
        let id = self.id()?;
        let entry = self.table.entry(id).ok_or(Fault::UnknownId(id))?;
        if entry.is_message {
            return Err(Fault::Malformed("a value that is a whole message"));
        }
        if hint == Some(&Hint::Ascii) && &*entry.text == "{=u8}" {
            let bytes = self.take(n)?;
            if let Some(out) = out {
                write_bytes(self.table, bytes, hint, out);
            }
            return Ok(());
        }
        push(&mut out, "[");
        for index in 0..n {
            if index > 0 {
                push(&mut out, ", ");
            }
            self.n_values = self.n_values.saturating_add(1);
            if self.n_values > MOST_VALUES {
                return Err(Fault::TooLarge);
            }
            let format = self.chosen(&entry.body)?;
            self.format(format, hint, depth.saturating_add(1), out.as_deref_mut())?;
        }
        push(&mut out, "]");
        Ok(())
    }
}

fn push(out: &mut Out<'_>, text: &str) {
    if let Some(out) = out {
        out.push_str(text);
    }
}

/// Bytes that hold the bits `start..end` of a number on the wire.
fn bytes_of_bits(start: u8, end: u8) -> u8 {
    match (end.saturating_sub(1) / 8).saturating_sub(start / 8) {
        0 => 1,
        1 => 2,
        2 | 3 => 4,
        4..=7 => 8,
        _ => 16,
    }
}

//! A frame's arguments, read from the wire and written as text in one pass.
//!
//! The wire (defmt book, "Serialization"): numbers little-endian, `bool` one byte, `char` four, strings and slices with a
//! length of four bytes, nested values as the 16-bit id of their format string followed by its arguments, enums as the
//! index of the variant in the smallest number that holds them all.

use super::format_string::{ArgType, FormatString, Piece};
use super::hint::{Base, Hint, Unit};
use super::table::{Body, DefmtTable};
use std::fmt::Write as _;

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
            self.value(arg, arg, None, None, depth, None)?;
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
                    self.value(
                        wire,
                        shown,
                        hint.as_ref(),
                        parent,
                        depth,
                        out.as_deref_mut(),
                    )?;
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
        if out.is_none() {
            return format
                .args
                .iter()
                .try_for_each(|arg| self.value(arg, arg, None, None, depth, None));
        }
        for piece in &format.pieces {
            match piece {
                Piece::Literal(text) => push(&mut out, text),
                Piece::Arg { shown, hint, .. } => {
                    self.value(
                        shown,
                        shown,
                        hint.as_ref(),
                        parent,
                        depth,
                        out.as_deref_mut(),
                    )?;
                }
            }
        }
        Ok(())
    }

    /// Reads a value of the type `wire` and writes what is `shown` of it. `hint` is its own, `parent` that of the value it
    /// is part of, which holds where it has none.
    fn value(
        &mut self,
        wire: &ArgType,
        shown: &ArgType,
        hint: Option<&Hint>,
        parent: Option<&Hint>,
        depth: u8,
        mut out: Out<'_>,
    ) -> Result<(), Fault> {
        self.n_values = self.n_values.saturating_add(1);
        if self.n_values > MOST_VALUES {
            return Err(Fault::TooLarge);
        }
        let hint = hint.or(parent);
        match wire {
            ArgType::Unsigned(n) => {
                let value = self.number(*n)?;
                if let Some(out) = out {
                    let hint = if hint == Some(&Hint::Debug) {
                        parent
                    } else {
                        hint
                    };
                    self.write_unsigned(value, hint, out);
                }
            }
            ArgType::Signed(n) => {
                let value = self.number(*n)?;
                if let Some(out) = out {
                    write_signed(value, *n, hint, out);
                }
            }
            ArgType::F32 => {
                let bits = u32::try_from(self.number(4)?).unwrap_or(0);
                if let Some(out) = out {
                    out.push_str(ryu::Buffer::new().format(f32::from_bits(bits)));
                }
            }
            ArgType::F64 => {
                let bits = u64::try_from(self.number(8)?).unwrap_or(0);
                if let Some(out) = out {
                    out.push_str(ryu::Buffer::new().format(f64::from_bits(bits)));
                }
            }
            ArgType::Bool => {
                let text = match self.number(1)? {
                    0 => "false",
                    1 => "true",
                    _ => return Err(Fault::Malformed("a bool that is neither 0 nor 1")),
                };
                push(&mut out, text);
            }
            ArgType::Char => {
                let code = u32::try_from(self.number(4)?).unwrap_or(u32::MAX);
                let char = char::from_u32(code).ok_or(Fault::Malformed("a char that is none"))?;
                if let Some(out) = out {
                    out.push(char);
                }
            }
            ArgType::Str => {
                let n = self.length()?;
                write_str(text_of(self.take(n)?)?, hint, &mut out);
            }
            ArgType::Text => {
                let end = memchr::memchr(0xff, self.rest).ok_or(Fault::Short)?;
                let text = text_of(self.take(end)?)?;
                self.take(1)?;
                write_str(text, hint, &mut out);
            }
            ArgType::InternedStr => {
                let id = self.id()?;
                let entry = self.table.entry(id).ok_or(Fault::UnknownId(id))?;
                write_str(&entry.text, hint, &mut out);
            }
            ArgType::Bytes | ArgType::ByteArray(_) => {
                let n = match wire {
                    ArgType::ByteArray(n) => *n,
                    _ => self.length()?,
                };
                let bytes = self.take(n)?;
                if let Some(out) = out {
                    self.write_bytes(bytes, hint, out);
                }
            }
            ArgType::Bits { start, end } => {
                let first_byte = start / 8;
                let n = match (end.saturating_sub(1) / 8).saturating_sub(first_byte) {
                    0 => 1,
                    1 => 2,
                    2 | 3 => 4,
                    4..=7 => 8,
                    _ => 16,
                };
                let value = self.number(n)? << first_byte.saturating_mul(8).min(120);
                if let (Some(out), ArgType::Bits { start, end }) = (out, shown) {
                    self.write_bits(value, *start, *end, hint, out);
                }
            }
            ArgType::Format => {
                let inner = if parent == Some(&Hint::Ascii) {
                    parent
                } else {
                    hint
                };
                let id = self.id()?;
                self.nested(id, inner, depth, out)?;
            }
            ArgType::FormatSequence => loop {
                match self.id()? {
                    0 => break,
                    id => self.nested(id, hint, depth, out.as_deref_mut())?,
                }
            },
            ArgType::FormatSlice => {
                let n = self.length()?;
                self.slice(n, hint, depth, out)?;
            }
            ArgType::FormatArray(n) => self.slice(*n, hint, depth, out)?,
        }
        Ok(())
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
        if entry.message.is_some() {
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
        if entry.message.is_some() {
            return Err(Fault::Malformed("a value that is a whole message"));
        }
        if hint == Some(&Hint::Ascii) && &*entry.text == "{=u8}" {
            let bytes = self.take(n)?;
            if let Some(out) = out {
                self.write_bytes(bytes, hint, out);
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

    fn write_bits(&self, value: u128, start: u8, end: u8, hint: Option<&Hint>, out: &mut String) {
        let above = 128_u8.saturating_sub(end);
        let shift = u32::from(above.saturating_add(start));
        let bits = value
            .checked_shl(u32::from(above))
            .and_then(|v| v.checked_shr(shift))
            .unwrap_or(0);
        if hint == Some(&Hint::Ascii) {
            let bytes = bits.to_be_bytes();
            let unused = usize::try_from(shift / 8).unwrap_or(0);
            self.write_bytes(bytes.get(unused..).unwrap_or(&[]), hint, out);
        } else {
            self.write_unsigned(bits, hint, out);
        }
    }

    fn write_unsigned(&self, x: u128, hint: Option<&Hint>, out: &mut String) {
        match hint {
            Some(Hint::Decimal { width }) => put(out, format_args!("{x:0width$}")),
            Some(Hint::Base {
                base,
                alternate,
                width,
            }) => write_base(x, *base, *alternate, *width, out),
            Some(Hint::Seconds(Unit::Micros)) => {
                put(out, format_args!("{}.{:06}", x / 1_000_000, x % 1_000_000));
            }
            Some(Hint::Seconds(Unit::Millis)) => {
                put(out, format_args!("{}.{:03}", x / 1000, x % 1000))
            }
            Some(Hint::Time(unit)) => write_time(x, *unit, out),
            Some(Hint::Iso8601(unit)) => write_date(x, *unit, out),
            Some(Hint::Flags(key)) => match self.table.flags(key) {
                Some(flags) => {
                    let mut is_first = true;
                    for (name, value) in flags {
                        if (*value == 0 && x != 0) || x & value != *value {
                            continue;
                        }
                        if !is_first {
                            out.push_str(" | ");
                        }
                        is_first = false;
                        out.push_str(name);
                    }
                    if is_first {
                        out.push_str("(empty)");
                    }
                }
                None => put(out, format_args!("{x}")),
            },
            _ => match u64::try_from(x) {
                Ok(x) => put(out, format_args!("{x}")),
                Err(_large) => put(out, format_args!("{x}")),
            },
        }
    }

    fn write_bytes(&self, bytes: &[u8], hint: Option<&Hint>, out: &mut String) {
        match hint {
            Some(Hint::Ascii) => {
                out.push_str("b\"");
                for &byte in bytes {
                    match byte {
                        b'\t' => out.push_str("\\t"),
                        b'\n' => out.push_str("\\n"),
                        b'\r' => out.push_str("\\r"),
                        b'"' => out.push_str("\\\""),
                        b'\\' => out.push_str("\\\\"),
                        b' '..=b'~' => out.push(char::from(byte)),
                        _ => put(out, format_args!("\\x{byte:02x}")),
                    }
                }
                out.push('"');
            }
            Some(Hint::Base { .. }) => {
                out.push('[');
                for (index, byte) in bytes.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    self.write_unsigned(u128::from(*byte), hint, out);
                }
                out.push(']');
            }
            _ => put(out, format_args!("{bytes:?}")),
        }
    }
}

fn push(out: &mut Out<'_>, text: &str) {
    if let Some(out) = out {
        out.push_str(text);
    }
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    _ = out.write_fmt(text);
}

fn text_of(bytes: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(bytes).map_err(|_bytes| Fault::Malformed("a string that is no UTF-8"))
}

fn write_str(text: &str, hint: Option<&Hint>, out: &mut Out<'_>) {
    let Some(out) = out else { return };
    if hint == Some(&Hint::Debug) {
        put(out, format_args!("{text:?}"));
    } else {
        out.push_str(text);
    }
}

fn write_base(x: u128, base: Base, alternate: bool, width: usize, out: &mut String) {
    match (base, alternate) {
        (Base::Binary, false) => put(out, format_args!("{x:0width$b}")),
        (Base::Binary, true) => put(out, format_args!("{x:#0width$b}")),
        (Base::Octal, false) => put(out, format_args!("{x:0width$o}")),
        (Base::Octal, true) => put(out, format_args!("{x:#0width$o}")),
        (Base::LowerHex, false) => put(out, format_args!("{x:0width$x}")),
        (Base::LowerHex, true) => put(out, format_args!("{x:#0width$x}")),
        (Base::UpperHex, false) => put(out, format_args!("{x:0width$X}")),
        (Base::UpperHex, true) => put(out, format_args!("{x:#0width$X}")),
    }
}

/// `raw` holds `n_bytes` bytes in two's complement.
fn write_signed(raw: u128, n_bytes: u8, hint: Option<&Hint>, out: &mut String) {
    let unused = 128_u32.saturating_sub(u32::from(n_bytes).saturating_mul(8));
    let x = raw.wrapping_shl(unused).cast_signed().wrapping_shr(unused);
    match hint {
        Some(Hint::Decimal { width }) => put(out, format_args!("{x:0width$}")),
        // Hexadecimal shows the bytes of the type, the other bases those of the widest one: as defmt-print does.
        Some(Hint::Base {
            base: base @ (Base::LowerHex | Base::UpperHex),
            alternate,
            width,
        }) => write_base(raw, *base, *alternate, *width, out),
        Some(Hint::Base {
            base,
            alternate,
            width,
        }) => write_base(x.cast_unsigned(), *base, *alternate, *width, out),
        _ => put(out, format_args!("{x}")),
    }
}

fn write_time(x: u128, unit: Unit, out: &mut String) {
    let (seconds, part) = match unit {
        Unit::Micros => (x / 1_000_000, x % 1_000_000),
        Unit::Millis => (x / 1000, x % 1000),
        Unit::Seconds => (x, 0),
    };
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    if days > 0 {
        put(out, format_args!("{days}:"));
    }
    put(
        out,
        format_args!("{hours:02}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    );
    write_part(part, unit, out);
}

fn write_date(x: u128, unit: Unit, out: &mut String) {
    let per_second = u128::from(1_000_000_000 / unit.nanos());
    let seconds = u64::try_from(x / per_second).unwrap_or(u64::MAX);
    let Some(time) = std::time::UNIX_EPOCH.checked_add(std::time::Duration::from_secs(seconds))
    else {
        return put(out, format_args!("{x}"));
    };
    // Years up to 9999 have a name.
    if seconds > 253_402_300_799 {
        return put(out, format_args!("{x}"));
    }
    let text = humantime::format_rfc3339_seconds(time).to_string();
    out.push_str(text.trim_end_matches('Z'));
    write_part(x % per_second, unit, out);
    out.push('Z');
}

fn write_part(part: u128, unit: Unit, out: &mut String) {
    match unit {
        Unit::Micros => put(out, format_args!(".{part:06}")),
        Unit::Millis => put(out, format_args!(".{part:03}")),
        Unit::Seconds => {}
    }
}

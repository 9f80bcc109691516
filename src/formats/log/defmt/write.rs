//! Values as text, exactly as defmt-print writes them.

use super::hint::{Base, Hint, Unit};
use super::table::DefmtTable;
use std::fmt::Write as _;
use std::ops::Range;

/// Text, quoted where the hint says so.
pub(super) fn write_str(text: &str, hint: Option<&Hint>, out: &mut String) {
    if hint == Some(&Hint::Debug) {
        put(out, format_args!("{text:?}"));
    } else {
        out.push_str(text);
    }
}

/// Bits `bits` of a number.
pub(super) fn write_bits(
    table: &DefmtTable,
    value: u128,
    bits: Range<u8>,
    hint: Option<&Hint>,
    out: &mut String,
) {
    let (start, end) = (bits.start, bits.end);
    let above = 128_u8.saturating_sub(end);
    let shift = u32::from(above.saturating_add(start));
    let bits = value
        .checked_shl(u32::from(above))
        .and_then(|v| v.checked_shr(shift))
        .unwrap_or(0);
    if hint == Some(&Hint::Ascii) {
        let bytes = bits.to_be_bytes();
        let unused = usize::try_from(shift / 8).unwrap_or(0);
        write_bytes(table, bytes.get(unused..).unwrap_or(&[]), hint, out);
    } else {
        write_unsigned(table, bits, hint, out);
    }
}

/// A number without a sign.
pub(super) fn write_unsigned(table: &DefmtTable, x: u128, hint: Option<&Hint>, out: &mut String) {
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
        Some(Hint::Seconds(Unit::Millis)) => put(out, format_args!("{}.{:03}", x / 1000, x % 1000)),
        Some(Hint::Time(unit)) => write_time(x, *unit, out),
        Some(Hint::Iso8601(unit)) => write_date(x, *unit, out),
        Some(Hint::Flags(key)) => match table.flags(key) {
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

/// Bytes, as a list or as text.
pub(super) fn write_bytes(table: &DefmtTable, bytes: &[u8], hint: Option<&Hint>, out: &mut String) {
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
                write_unsigned(table, u128::from(*byte), hint, out);
            }
            out.push(']');
        }
        _ => put(out, format_args!("{bytes:?}")),
    }
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    _ = out.write_fmt(text);
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

/// A number with a sign: `raw` holds `n_bytes` bytes in two's complement.
pub(super) fn write_signed(raw: u128, n_bytes: u8, hint: Option<&Hint>, out: &mut String) {
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

//! A format string filled with the arguments of a tokenized message.

use crate::formats::log::printf::{Amounts, Kind, Length, Piece, Spec, Value, parse, write};

/// A format string with its arguments put in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filled {
    pub(super) text: String,
    /// Arguments that it has.
    pub(super) n_arguments: usize,
    /// Arguments that could not be read: the text shows their specification.
    pub(super) n_failed: usize,
    /// Bytes that no argument took.
    pub(super) n_left: usize,
}

/// Reads arguments from `bytes`. What comes after one that cannot be read is not certain any more, and not shown.
pub(super) fn fill(format: &str, bytes: &[u8]) -> Filled {
    let mut filled = Filled::default();
    let mut rest = bytes;
    for piece in parse(format) {
        match piece {
            Piece::Literal(text) => filled.text.push_str(&text),
            Piece::Spec(spec) => {
                filled.n_arguments = filled.n_arguments.saturating_add(1);
                let value = argument(&spec, &mut rest);
                match value.filter(|_| filled.n_failed == 0) {
                    Some((amounts, Value::Unsigned(address))) if spec.kind() == Kind::Pointer => {
                        pointer(&spec, amounts, address, &mut filled.text);
                    }
                    Some((amounts, value)) => write(&spec, amounts, &value, &mut filled.text),
                    None => {
                        filled.n_failed = filled.n_failed.saturating_add(1);
                        filled.text.push_str(&spec.text);
                    }
                }
            }
        }
    }
    filled.n_left = rest.len();
    filled
}

/// Eight hexadecimal digits at least, in capitals.
fn pointer(spec: &Spec, amounts: Amounts, address: u64, out: &mut String) {
    let text = Value::Str(format!("0x{address:08X}"));
    let plain = Amounts {
        precision: None,
        ..amounts
    };
    write(spec, plain, &text, out);
}

fn argument(spec: &Spec, rest: &mut &[u8]) -> Option<(Amounts, Value)> {
    let amounts = Amounts::of(spec, || varint(rest).ok_or(())).ok()?;
    let value = match spec.kind() {
        Kind::Signed | Kind::Char => Value::Signed(varint(rest)?),
        Kind::Unsigned | Kind::Pointer => {
            let value = varint(rest)?.cast_unsigned();
            let is_long = spec.length == Length::LongLong;
            Value::Unsigned(if is_long { value } else { value & 0xFFFF_FFFF })
        }
        Kind::Float => {
            let (bytes, behind) = rest.split_first_chunk::<4>()?;
            *rest = behind;
            Value::Float(f64::from(f32::from_le_bytes(*bytes)))
        }
        Kind::Str => Value::Str(string(rest)?),
        Kind::Count => return None,
    };
    Some((amounts, value))
}

/// Seven bits a byte, least significant first, with the sign in bit 0.
fn varint(rest: &mut &[u8]) -> Option<i64> {
    let mut value: u64 = 0;
    let mut shift: u32 = 0;
    let mut bytes = *rest;
    loop {
        let (&byte, behind) = bytes.split_first()?;
        bytes = behind;
        value |= u64::from(byte & 0x7F).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            *rest = bytes;
            let magnitude = (value >> 1).cast_signed();
            return Some(if value & 1 == 0 {
                magnitude
            } else {
                !magnitude
            });
        }
        shift = shift.saturating_add(7);
    }
}

/// A length byte, then text; bit 7 says that the device cut it off.
fn string(rest: &mut &[u8]) -> Option<String> {
    let (&status, behind) = rest.split_first()?;
    let (text, behind) = behind.split_at_checked(usize::from(status & 0x7F))?;
    let mut text = std::str::from_utf8(text).ok()?.to_owned();
    if status & 0x80 != 0 {
        text.push_str("[...]");
    }
    *rest = behind;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn arguments_that_are_not_there_show_their_specification() {
        let filled = fill("a %s b %d %x", &[2, b'h', b'i', 5]);
        assert_eq!(filled.text, "a hi b -3 %x");
        assert_eq!(
            (filled.n_arguments, filled.n_failed, filled.n_left),
            (3, 1, 0)
        );
        assert_eq!(fill("%s", &[0x83, b'a', b'b', b'c']).text, "abc[...]");
        assert_eq!(fill("%d", &[0xff; 20]).text, "%d");
        assert_eq!(fill("plain", &[1, 2]).n_left, 2);
    }
}

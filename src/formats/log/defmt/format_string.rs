//! Format strings, taken apart once per build: `{0=4..8} {=u32:#x} {}` (defmt book, "Macros", "Format arguments").

use super::hint::Hint;

/// What an argument is on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ArgType {
    /// An unsigned number of so many bytes.
    Unsigned(u8),
    /// A signed number of so many bytes.
    Signed(u8),
    /// Four bytes.
    F32,
    /// Eight bytes.
    F64,
    /// One byte, 0 or 1.
    Bool,
    /// Four bytes.
    Char,
    /// Length in four bytes, then UTF-8.
    Str,
    /// Id of a string in the table.
    InternedStr,
    /// Length in four bytes, then bytes.
    Bytes,
    /// So many bytes.
    ByteArray(usize),
    /// Id of a format string, then its arguments.
    Format,
    /// Count in four bytes, id of a format string, then arguments for each.
    FormatSlice,
    /// Id of a format string, then arguments for so many.
    FormatArray(usize),
    /// Ids of format strings, each with its arguments, up to id 0.
    FormatSequence,
    /// Text made on the target, up to 0xff.
    Text,
    /// Bits `start..end` of a number; on the wire stand only the bytes that hold them.
    Bits {
        /// First bit.
        start: u8,
        /// One past the last, at most 128.
        end: u8,
    },
}

/// A part of a format string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text.
    Literal(Box<str>),
    /// An argument.
    Arg {
        /// Which one.
        index: usize,
        /// What is shown of it: differs from the argument's own type for bit fields.
        shown: ArgType,
        /// How it is written.
        hint: Option<Hint>,
    },
}

/// A format string, ready to be filled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FormatString {
    /// Its parts, in the order of the text.
    pub(super) pieces: Vec<Piece>,
    /// The types of its arguments, in the order of the wire.
    pub(super) args: Vec<ArgType>,
    /// The parts use each argument once and in the order of the wire: they can be read as they are written.
    pub(super) is_in_order: bool,
}

/// No format string has more arguments; an index comes from a file.
const MOST_ARGS: usize = 256;
/// The largest array.
const LARGEST_ARRAY: usize = 1 << 20;

impl FormatString {
    /// Takes a format string apart; the error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut next_index: usize = 0;
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, brace) = rest.split_at_checked(at).unwrap_or((rest, ""));
            literal.push_str(before);
            let (brace, after) = brace.split_at_checked(1).unwrap_or((brace, ""));
            if let Some(after) = after.strip_prefix(brace) {
                literal.push_str(brace);
                rest = after;
                continue;
            }
            if brace == "}" {
                // A lone closing brace stands for itself.
                literal.push('}');
                rest = after;
                continue;
            }
            let (inside, after) = after.split_once('}').ok_or("a { without its }")?;
            rest = after;
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal).into()));
            }
            let (index, shown, hint) = parameter(inside)?;
            let index = index.unwrap_or_else(|| {
                let index = next_index;
                next_index = next_index.saturating_add(1);
                index
            });
            if index >= MOST_ARGS {
                return Err(format!("argument {index} is out of range"));
            }
            pieces.push(Piece::Arg { index, shown, hint });
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal.into()));
        }
        let args = arguments(&pieces)?;
        let order: Vec<usize> = pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Arg { index, .. } => Some(*index),
                Piece::Literal(_) => None,
            })
            .collect();
        let is_in_order = order.iter().copied().eq(0..args.len());
        Ok(Self {
            pieces,
            args,
            is_in_order,
        })
    }
}

/// `0=Type:hint`: index, type, hint.
fn parameter(inside: &str) -> Result<(Option<usize>, ArgType, Option<Hint>), String> {
    let n_digits = inside.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = inside.split_at_checked(n_digits).unwrap_or((inside, ""));
    let index = (!digits.is_empty())
        .then(|| digits.parse::<usize>())
        .transpose()
        .map_err(|_overflow| format!("argument {digits} is out of range"))?;
    let (kind, hint) = match rest.split_once(':') {
        Some((_, "")) => return Err(format!("nothing behind the colon of {{{inside}}}")),
        Some((kind, hint)) => (kind, Some(Hint::parse(hint))),
        None => (rest, None),
    };
    let shown = match kind.strip_prefix('=') {
        Some(name) => arg_type(name).ok_or_else(|| format!("unknown type {name}"))?,
        None if kind.is_empty() => ArgType::Format,
        None => return Err(format!("{{{inside}}} is no argument")),
    };
    Ok((index, shown, hint))
}

fn arg_type(name: &str) -> Option<ArgType> {
    Some(match name {
        "u8" => ArgType::Unsigned(1),
        "u16" => ArgType::Unsigned(2),
        // Sizes are sent as four bytes by every target.
        "u32" | "usize" => ArgType::Unsigned(4),
        "u64" => ArgType::Unsigned(8),
        "u128" => ArgType::Unsigned(16),
        "i8" => ArgType::Signed(1),
        "i16" => ArgType::Signed(2),
        "i32" | "isize" => ArgType::Signed(4),
        "i64" => ArgType::Signed(8),
        "i128" => ArgType::Signed(16),
        "f32" => ArgType::F32,
        "f64" => ArgType::F64,
        "bool" => ArgType::Bool,
        "char" => ArgType::Char,
        "str" => ArgType::Str,
        "istr" => ArgType::InternedStr,
        "[u8]" => ArgType::Bytes,
        "?" => ArgType::Format,
        "[?]" => ArgType::FormatSlice,
        "__internal_Debug" | "__internal_Display" => ArgType::Text,
        "__internal_FormatSequence" => ArgType::FormatSequence,
        _ => return array(name).or_else(|| bits(name)),
    })
}

/// `[u8; 4]`, `[?;4]`.
fn array(name: &str) -> Option<ArgType> {
    let (element, n) = name.strip_prefix('[')?.strip_suffix(']')?.split_once(';')?;
    let n: usize = n.trim_start_matches(' ').parse().ok()?;
    match element {
        _ if n > LARGEST_ARRAY => None,
        "u8" => Some(ArgType::ByteArray(n)),
        "?" => Some(ArgType::FormatArray(n)),
        _ => None,
    }
}

/// `4..8`.
fn bits(name: &str) -> Option<ArgType> {
    let (start, end) = name.split_once("..")?;
    let (start, end): (u8, u8) = (start.parse().ok()?, end.parse().ok()?);
    (start < end && end <= 128).then_some(ArgType::Bits { start, end })
}

/// The arguments on the wire: each index once, the bit fields of one number united.
fn arguments(pieces: &[Piece]) -> Result<Vec<ArgType>, String> {
    let mut args: Vec<Option<ArgType>> = Vec::new();
    for piece in pieces {
        let Piece::Arg { index, shown, .. } = piece else {
            continue;
        };
        if args.len() <= *index {
            args.resize(index.saturating_add(1), None);
        }
        let Some(arg) = args.get_mut(*index) else {
            continue;
        };
        *arg = Some(match (arg.take(), shown) {
            (None, shown) => shown.clone(),
            (Some(ArgType::Bits { start, end }), ArgType::Bits { start: s, end: e }) => {
                ArgType::Bits {
                    start: start.min(*s),
                    end: end.max(*e),
                }
            }
            (Some(known), shown) if known == *shown => known,
            (Some(_), _) => return Err(format!("argument {index} has two types")),
        });
    }
    args.into_iter()
        .enumerate()
        .map(|(index, arg)| arg.ok_or_else(|| format!("argument {index} is not used")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{ArgType, FormatString, Piece};

    fn parsed(text: &str) -> FormatString {
        FormatString::parse(text).unwrap()
    }

    #[test]
    fn text_and_arguments_are_told_apart() {
        let format = parsed("a {{b}} {=u8} {:?}");
        assert_eq!(format.pieces.len(), 4);
        assert_eq!(format.pieces[0], Piece::Literal("a {b} ".into()));
        assert_eq!(format.args, [ArgType::Unsigned(1), ArgType::Format]);
        assert!(format.is_in_order);
        assert_eq!(parsed("only text").args, []);
        assert_eq!(parsed("{=[u8; 4]}{=[?;2]}").args.len(), 2);
    }

    #[test]
    fn bit_fields_of_one_number_are_one_argument() {
        let format = parsed("{0=4..8} {1=u8} {0=0..4}");
        assert_eq!(
            format.args,
            [ArgType::Bits { start: 0, end: 8 }, ArgType::Unsigned(1)]
        );
        assert!(!format.is_in_order);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for bad in [
            "{",
            "{=u7}",
            "{1}",
            "{=u8:}",
            "{0=u8}{0=u16}",
            "{=9..3}",
            "{x}",
            "{99999999999999999999}",
        ] {
            assert!(FormatString::parse(bad).is_err(), "{bad}");
        }
    }
}

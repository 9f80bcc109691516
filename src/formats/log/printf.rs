//! C format strings, filled from arguments that a log holds in some encoding: `%-8s %5.2f %#lx %%` (C99, 7.19.6.1).

use std::fmt::Write as _;

/// No field is wider: a width comes from a file.
const WIDEST: usize = 4096;

/// A part of a format string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text.
    Literal(Box<str>),
    /// An argument.
    Spec(Spec),
}

/// A conversion specification.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "C has five flags, in any combination"
)]
pub(super) struct Spec {
    /// `-`
    pub(super) is_left: bool,
    /// `+`
    pub(super) has_plus: bool,
    /// Space.
    pub(super) has_space: bool,
    /// `#`
    pub(super) is_alternate: bool,
    /// `0`
    pub(super) has_zeros: bool,
    /// Least number of characters.
    pub(super) width: Amount,
    /// What stands behind the point.
    pub(super) precision: Amount,
    /// `hh`, `h`, `l`, `ll`, `j`, `z`, `t`, `L`.
    pub(super) length: Length,
    /// `d`, `s` and so on.
    pub(super) conversion: u8,
    /// As it is written.
    pub(super) text: Box<str>,
}

/// A width or precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Amount {
    /// Not given.
    None,
    /// A number.
    Fixed(usize),
    /// `*`: an argument of its own, before the one that is written.
    Argument,
}

/// A length modifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// None.
    Int,
    /// `hh`
    Char,
    /// `h`
    Short,
    /// `l`
    Long,
    /// `ll`, `j`
    LongLong,
    /// `z`, `t`
    Size,
    /// `L`
    LongDouble,
}

/// The kind of argument that a conversion takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `d`, `i`
    Signed,
    /// `u`, `o`, `x`, `X`
    Unsigned,
    /// `f`, `e`, `g`, `a`
    Float,
    /// `c`
    Char,
    /// `s`
    Str,
    /// `p`
    Pointer,
    /// `n`: nothing is written.
    Count,
}

/// An argument.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Of `d` and `i`.
    Signed(i64),
    /// Of `u`, `o`, `x`, `p`.
    Unsigned(u64),
    /// Of `f`, `e`, `g`, `a`.
    Float(f64),
    /// Of `s`.
    Str(String),
}

impl Spec {
    /// What it takes.
    pub(super) fn kind(&self) -> Kind {
        match self.conversion {
            b'd' | b'i' => Kind::Signed,
            b'c' => Kind::Char,
            b's' => Kind::Str,
            b'p' => Kind::Pointer,
            b'n' => Kind::Count,
            b'u' | b'o' | b'x' | b'X' => Kind::Unsigned,
            _ => Kind::Float,
        }
    }
}

/// Takes a format string apart. A `%` that begins no conversion stands for itself.
pub(super) fn parse(format: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        let (before, percent) = rest.split_at_checked(at).unwrap_or((rest, ""));
        literal.push_str(before);
        let behind = percent.get(1..).unwrap_or("");
        if let Some(behind) = behind.strip_prefix('%') {
            literal.push('%');
            rest = behind;
        } else if let Some((spec, behind)) = spec(percent) {
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal).into()));
            }
            pieces.push(Piece::Spec(spec));
            rest = behind;
        } else {
            literal.push('%');
            rest = behind;
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal.into()));
    }
    pieces
}

/// The specification at the beginning of `text`, and what follows it.
fn spec(text: &str) -> Option<(Spec, &str)> {
    let bytes = text.as_bytes();
    let mut at: usize = 1;
    let mut spec = Spec {
        is_left: false,
        has_plus: false,
        has_space: false,
        is_alternate: false,
        has_zeros: false,
        width: Amount::None,
        precision: Amount::None,
        length: Length::Int,
        conversion: 0,
        text: "".into(),
    };
    loop {
        match bytes.get(at)? {
            b'-' => spec.is_left = true,
            b'+' => spec.has_plus = true,
            b' ' => spec.has_space = true,
            b'#' => spec.is_alternate = true,
            b'0' => spec.has_zeros = true,
            _ => break,
        }
        at = at.saturating_add(1);
    }
    spec.width = amount(text, &mut at)?;
    if bytes.get(at) == Some(&b'.') {
        at = at.saturating_add(1);
        spec.precision = match amount(text, &mut at)? {
            // A point alone is a zero.
            Amount::None => Amount::Fixed(0),
            other => other,
        };
    }
    let (length, n_bytes) = match (bytes.get(at)?, bytes.get(at.saturating_add(1))) {
        (b'h', Some(b'h')) => (Length::Char, 2),
        (b'h', _) => (Length::Short, 1),
        (b'l', Some(b'l')) => (Length::LongLong, 2),
        (b'l', _) => (Length::Long, 1),
        (b'j', _) => (Length::LongLong, 1),
        (b'z' | b't', _) => (Length::Size, 1),
        (b'L', _) => (Length::LongDouble, 1),
        _ => (Length::Int, 0),
    };
    spec.length = length;
    at = at.saturating_add(n_bytes);
    spec.conversion = *bytes.get(at)?;
    if !b"csdioxXufFeEaAgGnp".contains(&spec.conversion) {
        return None;
    }
    let (own, rest) = text.split_at_checked(at.saturating_add(1))?;
    spec.text = own.into();
    Some((spec, rest))
}

fn amount(text: &str, at: &mut usize) -> Option<Amount> {
    let rest = text.get(*at..)?;
    if rest.starts_with('*') {
        *at = at.saturating_add(1);
        return Some(Amount::Argument);
    }
    let n_digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    *at = at.saturating_add(n_digits);
    if n_digits == 0 {
        return Some(Amount::None);
    }
    let number = rest.get(..n_digits)?.parse::<usize>().ok()?;
    Some(Amount::Fixed(number.min(WIDEST)))
}

/// Width and precision with the arguments of `*` put in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amounts {
    /// Least number of characters.
    pub(super) width: usize,
    /// A negative width of `*` means left.
    pub(super) is_left: bool,
    /// What stands behind the point.
    pub(super) precision: Option<usize>,
}

impl Amounts {
    /// Of a specification; `argument` gives the values of `*`.
    pub(super) fn of<E>(
        spec: &Spec,
        mut argument: impl FnMut() -> Result<i64, E>,
    ) -> Result<Self, E> {
        let mut amounts = Self::default();
        match spec.width {
            Amount::None => {}
            Amount::Fixed(width) => amounts.width = width,
            Amount::Argument => {
                let width = argument()?;
                amounts.is_left = width < 0;
                let width = usize::try_from(width.unsigned_abs()).unwrap_or(WIDEST);
                amounts.width = width.min(WIDEST);
            }
        }
        match spec.precision {
            Amount::None => {}
            Amount::Fixed(precision) => amounts.precision = Some(precision),
            Amount::Argument => {
                // A negative precision is as if there were none.
                let precision = usize::try_from(argument()?).ok();
                amounts.precision = precision.map(|precision| precision.min(WIDEST));
            }
        }
        Ok(amounts)
    }
}

/// Writes a value as the specification says.
pub(super) fn write(spec: &Spec, amounts: Amounts, value: &Value, out: &mut String) {
    let is_left = spec.is_left || amounts.is_left;
    let (sign, digits, may_have_zeros) = match value {
        Value::Str(text) => {
            let most = amounts.precision.unwrap_or(usize::MAX);
            let text: String = text.chars().take(most).collect();
            ("", text, false)
        }
        Value::Signed(number) if spec.conversion == b'c' => ("", char_text(*number), false),
        Value::Unsigned(number) if spec.conversion == b'c' => {
            ("", char_text(number.cast_signed()), false)
        }
        Value::Signed(number) => {
            let digits = least_digits(number.unsigned_abs().to_string(), amounts.precision);
            let is_padded = amounts.precision.is_none();
            (sign_of(spec, *number < 0), digits, is_padded)
        }
        Value::Unsigned(number) => unsigned(spec, amounts.precision, *number),
        Value::Float(number) => {
            let digits = float(spec, amounts.precision, number.abs());
            let sign = sign_of(spec, number.is_sign_negative() && !number.is_nan());
            (sign, digits, number.is_finite())
        }
    };
    let n_chars = sign.len().saturating_add(digits.chars().count());
    let n_missing = amounts.width.saturating_sub(n_chars);
    if is_left {
        out.push_str(sign);
        out.push_str(&digits);
        out.extend(std::iter::repeat_n(' ', n_missing));
    } else if spec.has_zeros && may_have_zeros {
        out.push_str(sign);
        out.extend(std::iter::repeat_n('0', n_missing));
        out.push_str(&digits);
    } else {
        out.extend(std::iter::repeat_n(' ', n_missing));
        out.push_str(sign);
        out.push_str(&digits);
    }
}

fn sign_of(spec: &Spec, is_negative: bool) -> &'static str {
    match (is_negative, spec.has_plus, spec.has_space) {
        (true, _, _) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        (false, false, false) => "",
    }
}

fn char_text(number: i64) -> String {
    let char = u32::try_from(number).ok().and_then(char::from_u32);
    char.unwrap_or(char::REPLACEMENT_CHARACTER).to_string()
}

/// Prefix, digits, and whether zeros may fill the width.
fn unsigned(spec: &Spec, precision: Option<usize>, number: u64) -> (&'static str, String, bool) {
    let (prefix, digits) = match spec.conversion {
        b'x' => ("0x", format!("{number:x}")),
        b'X' => ("0X", format!("{number:X}")),
        b'o' => ("0", format!("{number:o}")),
        b'p' => return ("0x", format!("{number:08x}"), false),
        _ => ("", number.to_string()),
    };
    let digits = least_digits(digits, precision);
    let has_prefix =
        spec.is_alternate && number != 0 && !(prefix == "0" && digits.starts_with('0'));
    (
        if has_prefix { prefix } else { "" },
        digits,
        precision.is_none(),
    )
}

/// A precision of 0 writes nothing for 0.
fn least_digits(digits: String, precision: Option<usize>) -> String {
    match precision {
        Some(0) if digits == "0" => String::new(),
        Some(least) if digits.len() < least => format!("{digits:0>least$}"),
        _ => digits,
    }
}

/// A number that is not negative.
fn float(spec: &Spec, precision: Option<usize>, number: f64) -> String {
    let is_upper = spec.conversion.is_ascii_uppercase();
    if !number.is_finite() {
        let text = if number.is_nan() { "nan" } else { "inf" };
        return if is_upper {
            text.to_uppercase()
        } else {
            text.to_owned()
        };
    }
    let text = match spec.conversion.to_ascii_lowercase() {
        b'e' => exponent(number, precision.unwrap_or(6), spec.is_alternate),
        b'g' => general(number, precision.unwrap_or(6).max(1), spec.is_alternate),
        // Hexadecimal floats are written as decimal ones: nobody reads them.
        _ => {
            let precision = precision.unwrap_or(6);
            let point = if precision == 0 && spec.is_alternate {
                "."
            } else {
                ""
            };
            format!("{number:.precision$}{point}")
        }
    };
    if is_upper { text.to_uppercase() } else { text }
}

/// `1.500000e+02`
fn exponent(number: f64, precision: usize, is_alternate: bool) -> String {
    let text = format!("{number:.precision$e}");
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, power) = match power.strip_prefix('-') {
        Some(power) => ('-', power),
        None => ('+', power),
    };
    let point = if precision == 0 && is_alternate {
        "."
    } else {
        ""
    };
    format!("{mantissa}{point}e{sign}{power:0>2}")
}

/// The shorter of both forms, without zeros at the end.
fn general(number: f64, precision: usize, is_alternate: bool) -> String {
    let rounded = exponent(number, precision.saturating_sub(1), false);
    let power: i64 = rounded
        .split_once('e')
        .and_then(|(_, power)| power.parse().ok())
        .unwrap_or(0);
    let trim = |text: String| {
        if is_alternate || !text.contains('.') {
            return text;
        }
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let digits = i64::try_from(precision).unwrap_or(i64::MAX);
    if power < -4 || power >= digits {
        let (mantissa, power) = rounded.split_once('e').unwrap_or((&rounded, "+00"));
        return format!("{}e{power}", trim(mantissa.to_owned()));
    }
    let decimals = usize::try_from(digits.saturating_sub(1).saturating_sub(power)).unwrap_or(0);
    let mut text = String::new();
    // Writing to a string does not fail.
    _ = write!(text, "{number:.decimals$}");
    trim(text)
}

#[cfg(test)]
mod tests {
    use super::{Amounts, Piece, Value, parse, write};

    fn printed(format: &str, values: &[Value]) -> String {
        let mut values = values.iter();
        let mut out = String::new();
        for piece in parse(format) {
            match piece {
                Piece::Literal(text) => out.push_str(&text),
                Piece::Spec(spec) => {
                    let amounts = Amounts::of(&spec, || match values.next() {
                        Some(Value::Signed(n)) => Ok(*n),
                        other => Err(format!("{other:?}")),
                    });
                    write(&spec, amounts.unwrap(), values.next().unwrap(), &mut out);
                }
            }
        }
        out
    }

    /// The right column is what glibc's printf writes.
    #[test]
    fn values_are_written_as_printf_writes_them() {
        use Value::{Float, Signed, Str, Unsigned};
        for (format, values, text) in [
            (
                "%d %5d|%-5d|%05d %+d % d",
                vec![
                    Signed(-3),
                    Signed(7),
                    Signed(7),
                    Signed(-7),
                    Signed(4),
                    Signed(4),
                ],
                "-3     7|7    |-0007 +4  4",
            ),
            (
                "%u %#x %#o %X %08lx",
                vec![
                    Unsigned(9),
                    Unsigned(255),
                    Unsigned(8),
                    Unsigned(255),
                    Unsigned(0xbeef),
                ],
                "9 0xff 010 FF 0000beef",
            ),
            (
                "%.3d|%.0d|%5.3d",
                vec![Signed(5), Signed(0), Signed(-5)],
                "005|| -005",
            ),
            (
                "%f %.2f %8.3f|%-8.1f|%08.2f",
                vec![
                    Float(1.5),
                    Float(-1.005),
                    Float(3.0417),
                    Float(2.25),
                    Float(-1.5),
                ],
                "1.500000 -1.00    3.042|2.2     |-0001.50",
            ),
            (
                "%e %.0e %E",
                vec![Float(1500.0), Float(0.00123), Float(1e100)],
                "1.500000e+03 1e-03 1.000000E+100",
            ),
            (
                "%g %g %g %g %.3g %#g",
                vec![
                    Float(100000.0),
                    Float(1e6),
                    Float(0.0001),
                    Float(1e-5),
                    Float(1234.5),
                    Float(1.0),
                ],
                "100000 1e+06 0.0001 1e-05 1.23e+03 1.00000",
            ),
            (
                "%s|%5s|%-5s|%.2s|%c",
                vec![
                    Str("ab".into()),
                    Str("ab".into()),
                    Str("ab".into()),
                    Str("abc".into()),
                    Signed(65),
                ],
                "ab|   ab|ab   |ab|A",
            ),
            (
                "%*d|%-*d|%.*f",
                vec![
                    Signed(4),
                    Signed(1),
                    Signed(4),
                    Signed(1),
                    Signed(1),
                    Float(0.25),
                ],
                "   1|1   |0.2",
            ),
            (
                "%f %F %g",
                vec![
                    Float(f64::INFINITY),
                    Float(f64::NAN),
                    Float(f64::NEG_INFINITY),
                ],
                "inf NAN -inf",
            ),
            ("100%% %q %", vec![], "100% %q %"),
        ] {
            assert_eq!(printed(format, &values), text, "{format}");
        }
    }

    #[test]
    fn a_wild_width_is_bounded() {
        let text = printed("%99999999d", &[Value::Signed(1)]);
        assert_eq!(text.len(), super::WIDEST);
        assert_eq!(
            printed("%99999999999999999999999d", &[]),
            "%99999999999999999999999d"
        );
    }
}

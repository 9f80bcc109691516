//! A cell of a text table: missing, a number or words.

/// What stands in a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell<'b> {
    Missing,
    Integer(i64),
    Float(f64),
    Text(&'b str),
}

/// Words for "there is none". An empty cell is another.
const MISSING: &[&str] = &[
    "null", "NULL", "Null", "NA", "N/A", "n/a", "none", "None", "-",
];

impl<'b> Cell<'b> {
    /// Reads what stands in a cell without quotes. Spaces around it do not count.
    pub(super) fn parse(bytes: &'b [u8]) -> Option<Self> {
        let bytes = bytes.trim_ascii();
        if let Some(number) = number(bytes) {
            return Some(number);
        }
        let text = std::str::from_utf8(bytes).ok()?;
        Some(match text {
            "" => Self::Missing,
            "true" | "True" | "TRUE" => Self::Integer(1),
            "false" | "False" | "FALSE" => Self::Integer(0),
            _ if MISSING.contains(&text) => Self::Missing,
            _ => word(text).map_or(Self::Text(text), Self::Float),
        })
    }
}

/// Words for floats, as C, Python, Java and SQL write them.
fn word(text: &str) -> Option<f64> {
    let (sign, word) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    match word.to_ascii_lowercase().as_str() {
        "nan" => Some(f64::NAN),
        "inf" | "infinity" => Some(sign * f64::INFINITY),
        _ => None,
    }
}

/// An integer or a decimal number; `None`: it is no number.
pub(super) fn number<'b>(bytes: &[u8]) -> Option<Cell<'b>> {
    let (is_negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] | rest => (false, rest),
    };
    if !matches!(digits.first(), Some(b'0'..=b'9' | b'.')) {
        return None;
    }
    // Digits of the number without its point, and how many of them stand behind the point.
    let mut mantissa: u64 = 0;
    let mut point = None;
    // More digits than these do not fit.
    let is_short = digits.len() <= 19;
    for (at, byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                mantissa = mantissa
                    .wrapping_mul(10)
                    .wrapping_add(u64::from(byte - b'0'));
            }
            b'.' if point.is_none() => point = Some(at),
            _ => return exponent(bytes),
        }
    }
    match point {
        // An integer has no negative zero.
        None if is_negative && mantissa == 0 && is_short => Some(Cell::Float(-0.0)),
        None if is_short && mantissa <= i64::MAX.cast_unsigned() => {
            let value = mantissa.cast_signed();
            Some(Cell::Integer(if is_negative { -value } else { value }))
        }
        None => match std::str::from_utf8(bytes).ok()?.parse() {
            Ok(value) => Some(Cell::Integer(value)),
            Err(_too_large) => exponent(bytes),
        },
        Some(_) if digits.len() == 1 => None,
        Some(at) => {
            let n_decimals = digits.len() - 1 - at;
            match POWERS.get(n_decimals) {
                // Both are exact, so that the division rounds once and is the nearest float (Clinger).
                Some(power) if is_short && mantissa < 1 << 53 => {
                    let value = mantissa as f64 / power;
                    Some(Cell::Float(if is_negative { -value } else { value }))
                }
                _ => exponent(bytes),
            }
        }
    }
}

/// Powers of ten that a float holds exactly and that are short enough to be met.
const POWERS: [f64; 19] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18,
];

/// A number in all generality, if it is one.
fn exponent<'b>(bytes: &[u8]) -> Option<Cell<'b>> {
    let text = std::str::from_utf8(bytes).ok()?;
    // `parse` knows words, which are told elsewhere.
    let is_number = text
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
    is_number
        .then(|| text.parse().ok())
        .flatten()
        .map(Cell::Float)
}

#[cfg(test)]
mod tests {
    use super::Cell;

    #[test]
    fn cells_are_numbers_words_or_missing() {
        let integers = [
            ("0", 0),
            ("-57", -57),
            ("00", 0),
            ("+7", 7),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
            (" 12 ", 12),
            ("true", 1),
            ("007", 7),
        ];
        for (text, value) in integers {
            assert_eq!(
                Cell::parse(text.as_bytes()),
                Some(Cell::Integer(value)),
                "{text}"
            );
        }
        for text in [
            "3.3",
            "-0.0",
            "1e5",
            "1.7976931348623157e308",
            "5e-324",
            "123456789012345678901",
            "0.1234567890123456789",
            ".5",
            "7.",
            "9007199254740993.0",
            "-2.5E-3",
        ] {
            let expected: f64 = text.parse().unwrap();
            match Cell::parse(text.as_bytes()) {
                Some(Cell::Float(value)) => {
                    assert_eq!(value.to_bits(), expected.to_bits(), "{text}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
        assert_eq!(Cell::parse(b"-inf"), Some(Cell::Float(f64::NEG_INFINITY)));
        assert!(matches!(Cell::parse(b"NaN"), Some(Cell::Float(value)) if value.is_nan()));
        for text in ["", "  ", "null", "N/A", "-"] {
            assert_eq!(Cell::parse(text.as_bytes()), Some(Cell::Missing), "{text}");
        }
        for text in [
            ".",
            "1.2.3",
            "v1",
            "1-2",
            "2026-01-01",
            "0x10",
            "1e",
            "--1",
            "e5",
        ] {
            assert_eq!(
                Cell::parse(text.as_bytes()),
                Some(Cell::Text(text)),
                "{text}"
            );
        }
        assert_eq!(Cell::parse(b"\xff\xfe"), None);
    }
}

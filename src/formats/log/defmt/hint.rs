//! How an argument is written: what stands behind the colon in `{=u32:#010x}` (defmt book, "Display hints").

use super::table::FlagsKey;

/// A display hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hint {
    /// A number, padded with zeros to so many columns.
    Decimal {
        /// Columns.
        width: usize,
    },
    /// A number in another base.
    Base {
        /// 2, 8 or 16.
        base: Base,
        /// With `0x` and the like.
        alternate: bool,
        /// Columns, the prefix included.
        width: usize,
    },
    /// Bytes as text.
    Ascii,
    /// As `{:?}` in Rust.
    Debug,
    /// A count of such parts of a second, as seconds with decimals.
    Seconds(Unit),
    /// A count of such parts of a second, as days, hours, minutes and seconds.
    Time(Unit),
    /// A count of such parts of a second since 1970, as a date.
    Iso8601(Unit),
    /// The names of the flags that are set.
    Flags(FlagsKey),
    /// Bytes of CBOR in diagnostic notation.
    Cbor,
    /// Of a later version: ignored.
    Unknown,
}

/// The base of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// `b`
    Binary,
    /// `o`
    Octal,
    /// `x`
    LowerHex,
    /// `X`
    UpperHex,
}

/// The unit of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Microseconds.
    Micros,
    /// Milliseconds.
    Millis,
    /// Seconds.
    Seconds,
}

impl Unit {
    /// Nanoseconds of one.
    pub(super) fn nanos(self) -> u64 {
        match self {
            Self::Micros => 1_000,
            Self::Millis => 1_000_000,
            Self::Seconds => 1_000_000_000,
        }
    }
}

/// No number is wider; a format string comes from a file.
const WIDEST: usize = 256;

impl Hint {
    /// Reads what stands behind the colon.
    pub(super) fn parse(text: &str) -> Self {
        let (alternate, text) = match text.strip_prefix('#') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (width, text) = match text.strip_prefix('0') {
            Some(rest) => {
                let n_digits = rest.bytes().take_while(u8::is_ascii_digit).count();
                let (digits, rest) = rest.split_at_checked(n_digits).unwrap_or((rest, ""));
                let Ok(width) = digits.parse::<usize>() else {
                    return Self::Unknown;
                };
                (width.min(WIDEST), rest)
            }
            None => (0, text),
        };
        if let Some(flags) = text.strip_prefix("__internal_bitflags_") {
            return FlagsKey::parse(flags).map_or(Self::Unknown, Self::Flags);
        }
        let base = |base| Self::Base {
            base,
            alternate,
            width,
        };
        match text {
            "" => Self::Decimal { width },
            "us" => Self::Seconds(Unit::Micros),
            "ms" => Self::Seconds(Unit::Millis),
            "tus" => Self::Time(Unit::Micros),
            "tms" => Self::Time(Unit::Millis),
            "ts" => Self::Time(Unit::Seconds),
            "iso8601ms" => Self::Iso8601(Unit::Millis),
            "iso8601s" => Self::Iso8601(Unit::Seconds),
            "a" => Self::Ascii,
            "b" => base(Base::Binary),
            "o" => base(Base::Octal),
            "x" => base(Base::LowerHex),
            "X" => base(Base::UpperHex),
            "cbor" => Self::Cbor,
            "?" => Self::Debug,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Base, Hint, Unit};

    #[test]
    fn hints_are_read_as_the_book_says() {
        assert_eq!(
            Hint::parse("#010x"),
            Hint::Base {
                base: Base::LowerHex,
                alternate: true,
                width: 10
            }
        );
        assert_eq!(Hint::parse("04"), Hint::Decimal { width: 4 });
        assert_eq!(Hint::parse("tms"), Hint::Time(Unit::Millis));
        assert_eq!(Hint::parse("?"), Hint::Debug);
        assert_eq!(Hint::parse("of a later version"), Hint::Unknown);
        assert_eq!(Hint::parse("0x"), Hint::Unknown);
    }
}

//! A package of cbprintf: a format string's address, its arguments as they stand in a `va_list`, and the strings that were copied
//! (`lib/os/cbprintf_packaged.c`).
//!
//! | bytes | what |
//! |---|---|
//! | u8 | words of 4 bytes up to the end of the arguments, this header with them |
//! | u8, u8, u8 | number of copied strings, of positions of constant strings, of positions of other strings |
//! | | up to the size of an address (8 with the option to keep flags) |
//! | address | format string |
//! | | arguments, each at its alignment |
//! | u8.. | positions: words from the beginning to the pointer of the string |
//! | u8, text, 0.. | copied strings: position, then the text |

use super::layout::{Cursor, Fault, Layout};

/// Bytes that may follow a package's last string, to align what comes next.
const MOST_PADDING: usize = 7;

/// A package, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Package<'b> {
    /// From the beginning of the package to the end of the arguments.
    pub(super) words: &'b [u8],
    /// Where the arguments begin in `words`.
    pub(super) first_argument: usize,
    /// Address of the format string.
    pub(super) format: u64,
    /// Copied strings, by their position.
    pub(super) strings: Vec<(usize, &'b [u8])>,
}

impl<'b> Package<'b> {
    /// The package of `n_bytes` at the beginning of `bytes`. Its parts must come to just that length.
    pub(super) fn parse(bytes: &'b [u8], n_bytes: usize, layout: Layout) -> Result<Self, Fault> {
        let short = Fault::Short { package_end: None };
        let is_whole = bytes.len() >= n_bytes;
        let own = bytes.get(..n_bytes).unwrap_or(bytes);
        let [n_words, n_strings, n_constant, n_other, ..] = *own else {
            return Err(short);
        };
        let args_end = usize::from(n_words).saturating_mul(4);
        let format_at = layout.package_header_bytes();
        let first_argument = format_at.saturating_add(layout.address_bytes());
        let n_positions = usize::from(n_constant).saturating_add(usize::from(n_other));
        let least = args_end
            .saturating_add(n_positions)
            .saturating_add(usize::from(n_strings).saturating_mul(2));
        if args_end < first_argument || least > n_bytes {
            return Err(Fault::None);
        }
        // What is there may already contradict the rest.
        let missing = if is_whole { Fault::None } else { short };
        let words = own.get(..args_end).ok_or(missing)?;
        let mut cursor = Cursor {
            rest: own.get(args_end..).unwrap_or(&[]),
            is_little_endian: layout.is_little_endian,
        };
        let is_position = |word: u8| {
            let at = usize::from(word).saturating_mul(4);
            at >= format_at && at.saturating_add(layout.address_bytes()) <= args_end
        };
        let positions = cursor.take(n_positions).ok_or(missing)?;
        if !positions.iter().all(|word| is_position(*word)) {
            return Err(Fault::None);
        }
        let mut strings = Vec::new();
        for _ in 0..n_strings {
            let (&word, behind) = cursor.rest.split_first().ok_or(missing)?;
            if !is_position(word) {
                return Err(Fault::None);
            }
            let end = memchr::memchr(0, behind).ok_or(missing)?;
            let (text, behind) = behind.split_at_checked(end).ok_or(missing)?;
            strings.push((usize::from(word).saturating_mul(4), text));
            cursor.rest = behind.get(1..).unwrap_or(&[]);
        }
        let used = own.len().saturating_sub(cursor.rest.len());
        if n_bytes.saturating_sub(used) > MOST_PADDING || cursor.rest.iter().any(|byte| *byte != 0)
        {
            return Err(Fault::None);
        }
        let mut pointer = Cursor {
            rest: words.get(format_at..).unwrap_or(&[]),
            is_little_endian: layout.is_little_endian,
        };
        Ok(Self {
            words,
            first_argument,
            format: pointer.number(layout.address_bytes()).ok_or(missing)?,
            strings,
        })
    }

    /// The string that was copied for the pointer at this place.
    pub(super) fn string_at(&self, at: usize) -> Option<&'b [u8]> {
        let mut found = self.strings.iter().filter(|(place, _)| *place == at);
        found.next().map(|(_, text)| *text)
    }

    /// The format string, if it was copied.
    pub(super) fn copied_format(&self, layout: Layout) -> Option<&'b [u8]> {
        self.string_at(layout.package_header_bytes())
    }
}

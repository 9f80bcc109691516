//! Characters and strings in the notation of gdb: octal escapes, `<repeats 39 times>`, `...`.

use std::fmt::Write as _;

/// How gdb is set up by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StringStyle {
    /// `print elements`.
    pub(super) max_elements: usize,
    /// `print repeats`.
    pub(super) repeat_threshold: usize,
    /// `""`, `L`, `u` or `U`.
    pub(super) prefix: &'static str,
    /// Bytes of a character.
    pub(super) width: usize,
}

/// One character with its quotes: `'\t'`.
pub(super) fn character(code: u32, style: StringStyle) -> String {
    let mut text = format!("{}'", style.prefix);
    escape(code, style.width, '\'', &mut false, &mut text);
    text.push('\'');
    text
}

/// A string with its quotes. `cut` says that the source was longer than `codes`.
pub(super) fn string(codes: &[u32], style: StringStyle, cut: bool) -> String {
    let codes = match codes.split_last() {
        // A terminator at the very end is understood.
        Some((0, rest)) if !cut => rest,
        _ => codes,
    };
    if codes.is_empty() {
        return format!("{}\"\"", style.prefix);
    }
    let mut runs: Vec<(u32, usize)> = Vec::new();
    let mut taken = 0;
    let mut rest = codes;
    while let Some(code) = rest.first()
        && taken < style.max_elements
    {
        let n = rest.iter().take_while(|c| *c == code).count();
        runs.push((*code, n));
        taken += n;
        rest = rest.get(n..).unwrap_or_default();
    }
    let mut text = String::new();
    let mut quoted = false;
    let mut after_hex = false;
    for (code, n) in runs {
        if n > style.repeat_threshold {
            if quoted {
                text.push('"');
                quoted = false;
            }
            separate(&mut text);
            text.push_str(&character(code, style));
            _ = write!(text, " <repeats {n} times>");
            after_hex = false;
            continue;
        }
        if !quoted {
            separate(&mut text);
            text.push_str(style.prefix);
            text.push('"');
            quoted = true;
        }
        for _copy in 0..n {
            escape(code, style.width, '"', &mut after_hex, &mut text);
        }
    }
    if quoted {
        text.push('"');
    }
    if cut || !rest.is_empty() {
        text.push_str("...");
    }
    text
}

fn separate(text: &mut String) {
    if !text.is_empty() {
        text.push_str(", ");
    }
}

fn escape(code: u32, width: usize, quote: char, after_hex: &mut bool, text: &mut String) {
    let was_hex = std::mem::take(after_hex);
    let letter = match code {
        7 => Some('a'),
        8 => Some('b'),
        9 => Some('t'),
        10 => Some('n'),
        11 => Some('v'),
        12 => Some('f'),
        13 => Some('r'),
        _ => None,
    };
    if let Some(letter) = letter {
        text.push('\\');
        text.push(letter);
        return;
    }
    match char::from_u32(code).filter(|c| matches!(c, ' '..='~')) {
        // A digit after a hex escape would become part of it.
        Some(c) if !(was_hex && c.is_ascii_hexdigit()) => {
            if c == quote || c == '\\' {
                text.push('\\');
            }
            text.push(c);
        }
        _ if code <= 0o777 || width <= 1 => {
            _ = write!(text, "\\{code:03o}");
        }
        _ => {
            _ = write!(text, "\\x{code:x}");
            *after_hex = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{StringStyle, character, string};

    const STYLE: StringStyle = StringStyle {
        max_elements: 200,
        repeat_threshold: 10,
        prefix: "",
        width: 1,
    };

    #[test]
    fn strings_are_written_as_gdb_writes_them() {
        let filled = |n: usize, at: usize, code: u32| {
            let mut codes = vec![0xA5; n];
            codes[at] = code;
            codes
        };
        for (codes, cut, text) in [
            (vec![], false, "\"\""),
            (vec![0], false, "\"\""),
            (
                b"amb\0\0\0\0\0".map(u32::from).to_vec(),
                false,
                "\"amb\\000\\000\\000\\000\"",
            ),
            (vec![1, 2, 3, 4, 0x31], false, "\"\\001\\002\\003\\0041\""),
            (
                filled(48, 13, 13),
                false,
                "'\\245' <repeats 13 times>, \"\\r\", '\\245' <repeats 34 times>",
            ),
            (
                filled(14, 3, 0x22),
                false,
                "\"\\245\\245\\245\\\"\\245\\245\\245\\245\\245\\245\\245\\245\\245\\245\"",
            ),
            (vec![0; 300], false, "'\\000' <repeats 299 times>"),
            (vec![97, 98], true, "\"ab\"..."),
        ] {
            assert_eq!(string(&codes, STYLE, cut), text);
        }
        let long: Vec<u32> = (0..300).map(|i| 97 + i % 2).collect();
        let text = string(&long, STYLE, false);
        assert!(text.ends_with("ab\"...") && text.len() == 205);
        assert_eq!(character(9, STYLE), "'\\t'");
        assert_eq!(character(0x27, STYLE), "'\\''");
        assert_eq!(character(0x22, STYLE), "'\"'");
    }
}

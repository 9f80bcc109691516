//! Terminal escapes (ECMA-48, section 5): taken out for reading and searching.
//!
//! What an escape that is not finished would swallow ends with the line at the latest: a line never disappears.

use std::borrow::Cow;

const ESC: u8 = 0x1b;

/// The bytes without terminal escapes.
pub fn plain(bytes: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(ESC, bytes).is_none() {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len());
    strip_into(bytes, &mut out);
    Cow::Owned(out)
}

/// Appends the bytes without terminal escapes. Line ends stay where they are.
pub fn strip_into(bytes: &[u8], out: &mut Vec<u8>) {
    pieces(bytes, &mut |piece| out.extend_from_slice(piece));
}

/// Gives what stands between terminal escapes, piece by piece.
pub fn pieces(bytes: &[u8], each: &mut dyn FnMut(&[u8])) {
    let mut rest = bytes;
    while let Some(at) = memchr::memchr(ESC, rest) {
        let (before, escape) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        each(before);
        rest = escape.get(escape_len(escape)..).unwrap_or(&[]);
    }
    each(rest);
}

/// Length of the escape at the beginning of `bytes`, at least 1.
pub fn escape_len(bytes: &[u8]) -> usize {
    let is_line_end = |byte: u8| matches!(byte, b'\n' | b'\r');
    match bytes.get(1) {
        // Control sequence: parameters, then a final byte.
        Some(b'[') => {
            let body = bytes.get(2..).unwrap_or(&[]);
            for (n, &byte) in body.iter().enumerate() {
                if (0x40..=0x7e).contains(&byte) {
                    return n.saturating_add(3);
                }
                if is_line_end(byte) || byte == ESC {
                    return n.saturating_add(2);
                }
            }
            bytes.len()
        }
        // A string (window title, link): up to BEL or ESC \.
        Some(b']' | b'P' | b'X' | b'^' | b'_') => {
            let body = bytes.get(2..).unwrap_or(&[]);
            for (n, &byte) in body.iter().enumerate() {
                match byte {
                    0x07 => return n.saturating_add(3),
                    ESC if body.get(n.saturating_add(1)) == Some(&b'\\') => {
                        return n.saturating_add(4);
                    }
                    _ if is_line_end(byte) => return n.saturating_add(2),
                    _ => {}
                }
            }
            bytes.len()
        }
        // Two bytes: charset, keypad, cursor.
        Some(b'(' | b')' | b'#' | b'%') => bytes.len().min(3),
        Some(0x30..=0x7e) => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn escapes_go_and_lines_stay() {
        for (line, text) in [
            ("\x1b[0;31mE (5) a: b\x1b[0m\n", "E (5) a: b\n"),
            ("\x1b[2K\x1b[1Gprogress\r\n", "progress\r\n"),
            ("\x1b]0;title\x07text", "text"),
            ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
            ("unfinished \x1b[31\nnext", "unfinished \nnext"),
            ("unfinished \x1b]0;abc\nnext", "unfinished \nnext"),
            ("at the end \x1b", "at the end "),
            ("\x1b(Btext\x1b7\x1b8", "text"),
            ("\x1b\n", "\n"),
        ] {
            assert_eq!(
                String::from_utf8_lossy(&plain(line.as_bytes())),
                text,
                "{line:?}"
            );
        }
        let every: Vec<u8> = (0..=255)
            .flat_map(|byte| [0x1b, byte, b'x', b'\n'])
            .collect();
        assert_eq!(memchr::memchr_iter(b'\n', &plain(&every)).count(), 257);
    }
}

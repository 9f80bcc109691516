//! Lines of text between the frames of a binary log: a boot loader and a panic share the UART.

/// True for bytes that are lines of text as they stand.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    bytes.len() >= 4 && is_readable(bytes) || bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n'))
}

/// Bytes of the line of text at the beginning, with its end.
pub(super) fn line_len(bytes: &[u8]) -> Option<usize> {
    let end = memchr::memchr(b'\n', bytes)?.saturating_add(1);
    is_readable(bytes.get(..end)?).then_some(end)
}

fn is_readable(bytes: &[u8]) -> bool {
    let is_text_byte =
        |byte: &u8| matches!(byte, b' '..=b'~' | 0x80.. | b'\t' | b'\r' | b'\n' | 0x1b);
    bytes.iter().all(is_text_byte) && std::str::from_utf8(bytes).is_ok()
}

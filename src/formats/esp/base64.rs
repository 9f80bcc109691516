//! Base64 (RFC 4648, section 4) of one line, with its own padding.

/// The bytes of `text`; `None` when it is no base64 or not a multiple of four characters long.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    if text.is_empty() || !text.len().is_multiple_of(4) {
        return None;
    }
    let digits = text
        .strip_suffix(b"==")
        .or_else(|| text.strip_suffix(b"="))
        .unwrap_or(text);
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    for group in digits.chunks(4) {
        let mut bits: u32 = 0;
        for n in 0..4 {
            let value = match group.get(n) {
                Some(digit) => value_of(*digit)?,
                None => 0,
            };
            bits = bits << 6 | u32::from(value);
        }
        let n_bytes = group.len().saturating_sub(1);
        let [_, bytes @ ..] = bits.to_be_bytes();
        out.extend_from_slice(bytes.get(..n_bytes)?);
    }
    Some(out)
}

/// Whether the character may stand in base64, padding included.
pub(super) fn is_digit(byte: u8) -> bool {
    byte == b'=' || value_of(byte).is_some()
}

fn value_of(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn the_vectors_of_the_rfc_decode() {
        for (text, bytes) in [
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
        ] {
            assert_eq!(
                decode(text.as_bytes()).as_deref(),
                Some(bytes.as_bytes()),
                "{text}"
            );
        }
        for text in ["", "Zm9", "Zm9v Zm9v", "Z===", "Zm=v", "Zm9v\n"] {
            let decoded = decode(text.as_bytes());
            assert!(decoded.is_none_or(|b| b.is_empty()), "{text}: {text:?}");
        }
    }
}

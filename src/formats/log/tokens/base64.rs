//! Base64 as tokens are written in it: both alphabets (RFC 4648, sections 4 and 5), in whole blocks of four, padded.

fn value(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte.wrapping_sub(b'A'),
        b'a'..=b'z' => byte.wrapping_sub(b'a').wrapping_add(26),
        b'0'..=b'9' => byte.wrapping_sub(b'0').wrapping_add(52),
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

/// The longest beginning of `text` that is base64.
pub(super) fn prefix(text: &str) -> &str {
    let bytes = text.as_bytes();
    let n_plain = bytes
        .iter()
        .take_while(|byte| value(**byte).is_some())
        .count();
    let n_whole = n_plain / 4 * 4;
    let tail = bytes.get(n_whole..).unwrap_or(&[]);
    let n_tail = match tail {
        [a, b, c, b'=', ..] if [a, b, c].iter().all(|byte| value(**byte).is_some()) => 4,
        [a, b, b'=', b'=', ..] if [a, b].iter().all(|byte| value(**byte).is_some()) => 4,
        _ => 0,
    };
    text.get(..n_whole.saturating_add(n_tail)).unwrap_or("")
}

/// The bytes; `None` when it is no base64.
pub(in crate::formats::log) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    for block in text.as_bytes().chunks(4) {
        let [a, b, c, d] = *block else { return None };
        let (a, b) = (value(a)?, value(b)?);
        out.push(a << 2 | b >> 4);
        if c == b'=' {
            break;
        }
        let c = value(c)?;
        out.push(b << 4 | c >> 2);
        if d == b'=' {
            break;
        }
        out.push(c << 6 | value(d)?);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::{decode, prefix};

    #[test]
    fn only_whole_blocks_count() {
        assert_eq!(prefix("AwAAAA== rest"), "AwAAAA==");
        assert_eq!(prefix("AwAAA rest"), "AwAA");
        assert_eq!(prefix("ab="), "");
        assert_eq!(decode("AwAAAA==").unwrap(), [3, 0, 0, 0]);
        assert_eq!(decode("_-8=").unwrap(), decode("/+8=").unwrap());
        assert_eq!(decode("A"), None);
    }
}

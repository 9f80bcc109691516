//! Chunks as lines of a console: `FS:`, then the chunk in base64 (RFC 4648, section 4, without padding), anywhere in a line.

use super::chunk::{Carried, Chunk, LARGEST, SMALLEST};
use crate::formats::lines::next_hit;
use crate::model::progress::{Cancelled, Progress};

/// What stands before a chunk.
pub(super) const MARK: &str = "FS:";

/// Digits of the largest chunk; a longer run is no chunk.
const MOST_DIGITS: usize = LARGEST.div_ceil(3).saturating_mul(4);

/// Calls `each` for every place with a chunk or a damaged one, in order.
pub(super) fn chunks(
    bytes: &[u8],
    progress: &dyn Progress,
    each: &mut dyn FnMut(Carried),
) -> Result<(), Cancelled> {
    let finder = memchr::memmem::Finder::new(MARK);
    let find = |window: &[u8]| finder.find(window);
    let mut at = 0;
    while let Some(hit) = next_hit(bytes, at, MARK.len(), &find, progress)? {
        at = hit.saturating_add(MARK.len());
        if let Some(carried) = chunk_at(bytes, hit) {
            at = carried.end;
            each(carried);
        }
    }
    Ok(())
}

/// As [`chunks`] in a text in which the mark stands at `places`, in order, and nowhere else.
pub(super) fn chunks_at(bytes: &[u8], places: &[usize], each: &mut dyn FnMut(Carried)) {
    let mut at = 0;
    for place in places {
        if *place >= at
            && let Some(carried) = chunk_at(bytes, *place)
        {
            at = carried.end;
            each(carried);
        }
    }
}

/// The chunk whose mark stands at `start`; `None` when the text there is too short to be one.
pub(super) fn chunk_at(bytes: &[u8], start: usize) -> Option<Carried> {
    let from = start.checked_add(MARK.len())?;
    let rest = bytes.get(from..)?;
    let longest = rest.get(..MOST_DIGITS.saturating_add(1)).unwrap_or(rest);
    let is_digit = |byte: &u8| digit(*byte).is_some();
    let n_digits = longest.iter().take_while(|byte| is_digit(byte)).count();
    if n_digits < n_digits_of(SMALLEST) {
        return None;
    }
    let read = |n: usize| {
        rest.get(..n)
            .and_then(decode)
            .and_then(|chunk| Chunk::read(&chunk))
    };
    let mut end = from.saturating_add(n_digits);
    let mut chunk = read(n_digits);
    // A line whose end was lost runs into the next: "FS" of its mark looks like two digits.
    let begins_next = n_digits
        .checked_sub(2)
        .and_then(|n| rest.get(n..))
        .is_some_and(|next| next.starts_with(MARK.as_bytes()));
    if begins_next {
        end = end.saturating_sub(2);
        chunk = chunk.or_else(|| read(n_digits.saturating_sub(2)));
    }
    Some(Carried { start, end, chunk })
}

/// Base64 digits of so many bytes, without padding.
fn n_digits_of(n_bytes: usize) -> usize {
    n_bytes.saturating_mul(4).div_ceil(3)
}

/// Decodes base64 digits without padding; `None` when no number of bytes has so many digits.
fn decode(digits: &[u8]) -> Option<Vec<u8>> {
    if digits.len() % 4 == 1 {
        return None;
    }
    let mut out = Vec::with_capacity(digits.len());
    for group in digits.chunks(4) {
        let mut word: u32 = 0;
        for byte in group {
            word = word << 6 | u32::from(digit(*byte)?);
        }
        let n_missing = 4_u32.saturating_sub(u32::try_from(group.len()).ok()?);
        word <<= n_missing.saturating_mul(6);
        let [_, bytes @ ..] = word.to_be_bytes();
        out.extend(bytes.iter().take(group.len().saturating_sub(1)));
    }
    Some(out)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => byte.checked_sub(b'A'),
        b'a'..=b'z' => byte.checked_sub(b'a')?.checked_add(26),
        b'0'..=b'9' => byte.checked_sub(b'0')?.checked_add(52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::chunk::tests::build;
    use super::{chunks, decode};
    use crate::model::progress::Unattended;

    /// Base64 without padding, the slow way.
    pub(crate) fn line(chunk: &[u8]) -> String {
        const DIGITS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut out = "FS:".to_owned();
        let bit = |n: usize| {
            chunk
                .get(n / 8)
                .map_or(0, |b| usize::from(b >> (7 - n % 8) & 1))
        };
        for at in (0..chunk.len() * 8).step_by(6) {
            out.push(char::from(
                DIGITS[(at..at + 6).fold(0, |v, n| v << 1 | bit(n))],
            ));
        }
        out
    }

    fn found(text: &str) -> Vec<(usize, bool)> {
        let mut out = Vec::new();
        chunks(text.as_bytes(), &Unattended, &mut |carried| {
            out.push((carried.start, carried.chunk.is_some()));
        })
        .unwrap();
        out
    }

    #[test]
    fn base64_is_that_of_the_standard() {
        // RFC 4648, section 10.
        for (digits, bytes) in [
            ("Zg", "f"),
            ("Zm8", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg", "foob"),
            ("Zm9vYmE", "fooba"),
            ("Zm9vYmFy", "foobar"),
        ] {
            assert_eq!(decode(digits.as_bytes()).unwrap(), bytes.as_bytes());
        }
        assert_eq!(decode(b"Zm9vY"), None);
        assert_eq!(line(b"foobar"), "FS:Zm9vYmFy");
    }

    #[test]
    fn a_line_is_found_anywhere_and_text_is_not_taken_for_one() {
        let whole = line(&build(2, true, 1, 0, b"any payload"));
        assert_eq!(found(&whole), [(0, true)]);
        assert_eq!(found(&format!("[1] inf: {whole} and more")), [(9, true)]);
        assert_eq!(
            found(&format!("{whole}==\r\n{whole}\r\n")),
            [(0, true), (whole.len() + 4, true)]
        );
        assert_eq!(
            found(&format!("{whole}{whole}")),
            [(0, true), (whole.len(), true)]
        );
        assert_eq!(found(&format!("FS:{whole}")), [(3, true)]);
        assert_eq!(found("FS: mounted, FS:littlefs at FS:"), []);
        let damaged = whole.replace("FS:E", "FS:F");
        assert_eq!(
            found(&format!("{damaged}\n{whole}")),
            [(0, false), (whole.len() + 1, true)]
        );
        assert_eq!(found(&"FS:".repeat(10_000)), []);
        assert_eq!(
            found(&format!("FS:{}\n{whole}", "A".repeat(1 << 20))).last(),
            Some(&((1 << 20) + 4, true))
        );
    }
}

//! The constant part of a message: numbers, addresses and quoted texts are taken out, so that "took 12 ms" and "took 7 ms" are
//! one message.

/// Stands for what varies.
pub(super) const VARIES: char = '*';
/// A message is looked at so far: what follows hardly tells it from others.
const MOST_BYTES: usize = 400;

/// Appends what is constant in `message` to `into`. Spaces between words become one.
pub(super) fn mask(message: &str, into: &mut String) {
    let mut rest = cut(message);
    let mut is_first = true;
    while let Some((word, behind)) = next_word(rest) {
        if !is_first {
            into.push(' ');
        }
        is_first = false;
        // A quoted text may hold spaces.
        if let Some((quote, after)) = quoted(rest_from(rest, word)) {
            into.push(quote);
            into.push(VARIES);
            into.push(quote);
            let tail = after.find(char::is_whitespace).unwrap_or(after.len());
            let (tail, behind) = after.split_at_checked(tail).unwrap_or((after, ""));
            mask_word(tail, into);
            rest = behind;
            continue;
        }
        mask_word(word, into);
        rest = behind;
    }
}

fn cut(message: &str) -> &str {
    if message.len() <= MOST_BYTES {
        return message;
    }
    let end = (0..=MOST_BYTES)
        .rev()
        .find(|at| message.is_char_boundary(*at));
    message.get(..end.unwrap_or(0)).unwrap_or(message)
}

/// The next word, and what stands behind it.
fn next_word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    if text.is_empty() {
        return None;
    }
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    text.split_at_checked(end)
}

/// `text` from where `word`, its next word, begins.
fn rest_from<'a>(text: &'a str, word: &str) -> &'a str {
    let text = text.trim_start();
    debug_assert!(text.starts_with(word));
    text
}

/// A quoted text at the beginning: its quote, and what stands behind it. An apostrophe that nothing closes is none.
fn quoted(text: &str) -> Option<(char, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let inside = text.get(1..)?;
    let (_quoted, after) = inside.split_once(quote)?;
    Some((quote, after))
}

fn mask_word(word: &str, into: &mut String) {
    let bytes = word.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        let len = varying_len(bytes.get(at..).unwrap_or(&[]), before.copied());
        if len > 0 {
            if !into.ends_with(VARIES) {
                into.push(VARIES);
            }
            at = at.saturating_add(len);
            continue;
        }
        let n = if byte.is_ascii() {
            1
        } else {
            word.get(at..)
                .and_then(|rest| rest.chars().next())
                .map_or(1, char::len_utf8)
        };
        let end = at.saturating_add(n);
        into.push_str(word.get(at..end).unwrap_or(""));
        at = end;
    }
}

/// Bytes of a number at the beginning: decimal with its point, hexadecimal, a time, an address; 0: there is none.
fn varying_len(bytes: &[u8], before: Option<u8>) -> usize {
    let starts_word = !before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if bytes.starts_with(b"0x") || bytes.starts_with(b"0X") {
        let digits = run(bytes.get(2..).unwrap_or(&[]), |b| b.is_ascii_hexdigit());
        if digits > 0 && starts_word {
            return digits.saturating_add(2);
        }
    }
    if starts_word {
        // Hexadecimal without a mark: has to be long and have a digit, or it is a word.
        let len = run(bytes, |b| b.is_ascii_hexdigit());
        let has_digit = bytes
            .get(..len)
            .is_some_and(|hex| hex.iter().any(u8::is_ascii_digit));
        let ends = !bytes
            .get(len)
            .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
        if len >= 4 && has_digit && ends {
            return len;
        }
    }
    if starts_word {
        let pairs = pairs_len(bytes);
        if pairs > 0 {
            return pairs;
        }
    }
    let len = number_len(bytes);
    // One digit behind a letter belongs to a name: uart0, i2c, v8.
    if len == 1 && !starts_word {
        return 0;
    }
    len
}

/// Digits with points, colons and commas between them.
fn number_len(bytes: &[u8]) -> usize {
    let mut len = run(bytes, |b| b.is_ascii_digit());
    while len > 0
        && bytes
            .get(len)
            .is_some_and(|b| matches!(b, b'.' | b':' | b','))
    {
        let more = run(bytes.get(len.saturating_add(1)..).unwrap_or(&[]), |b| {
            b.is_ascii_digit()
        });
        if more == 0 {
            break;
        }
        len = len.saturating_add(more).saturating_add(1);
    }
    len
}

/// Three or more pairs of hexadecimal digits with colons or dashes between them: a hardware address.
fn pairs_len(bytes: &[u8]) -> usize {
    let is_pair = |at: usize| {
        let pair = bytes.get(at..at.saturating_add(2));
        pair.is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit))
    };
    let mut len = 0;
    let mut n: usize = 0;
    while is_pair(len) {
        n = n.saturating_add(1);
        len = len.saturating_add(2);
        match bytes.get(len) {
            Some(b':' | b'-') if is_pair(len.saturating_add(1)) => len = len.saturating_add(1),
            _ => break,
        }
    }
    if n >= 3 { len } else { 0 }
}

fn run(bytes: &[u8], is_part: impl Fn(&u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| is_part(byte)).count()
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn numbers_and_quoted_texts_vary_and_names_do_not() {
        for (message, constant) in [
            ("took 12 ms", "took * ms"),
            ("took   7ms", "took *ms"),
            (
                "addr 0x08000123 in flash_write+0x12",
                "addr * in flash_write+*",
            ),
            ("uart0: 3 bytes lost, i2c ok", "uart0: * bytes lost, i2c ok"),
            ("sensor12 failed", "sensor* failed"),
            (
                "connected to 'my net' (rssi -61)",
                "connected to '*' (rssi -*)",
            ),
            ("ip 192.168.0.12:8080 up", "ip * up"),
            ("it's 5 o'clock", "it's * o'clock"),
            ("id deadbe01 mac aa:0b:cc:dd:ee:ff.", "id * mac *."),
            ("added face to cafe", "added face to cafe"),
            ("3.14,2 1:02:03", "* *"),
            ("päuse 17 µs", "päuse * µs"),
            ("", ""),
        ] {
            let mut masked = String::new();
            mask(message, &mut masked);
            assert_eq!(masked, constant, "{message}");
        }
    }

    #[test]
    fn what_is_masked_stays_as_it_is_when_it_is_masked_again() {
        for message in ["took 12 ms of 'a b'", "x=0x1f y=2,3 \"", "a  1b 22c"] {
            let (mut once, mut twice) = (String::new(), String::new());
            mask(message, &mut once);
            mask(&once, &mut twice);
            assert_eq!(once, twice);
        }
    }
}

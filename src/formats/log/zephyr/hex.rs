//! The stream in hexadecimal text. It begins behind `##ZLOGV1##`; line ends inside it mean nothing.

use super::record;
use super::stream::{Found, SEARCHED};
use super::stream_of;
use crate::formats::Confidence;
use crate::formats::log::dictionaries::LogDictionaries;
use crate::formats::log::text::Text;
use crate::formats::log::{Framing, LogFormat, RowLen, undecoded};
use crate::model::log::{LogRecord, RowKind};

/// What the backend writes when it starts.
const MARK: &[u8] = b"##ZLOGV1##";
/// So many bytes of a message are looked at first; most are shorter.
const FIRST_BYTES: usize = 512;
/// Longer messages are not looked for in text: a UART would take seconds for one, and text may be digits for long.
const LONGEST_IN_TEXT: usize = 8192;
/// So many places of a line that look like the beginning of a message are tried.
const MOST_TRIED: usize = 64;
/// So many bytes of a message tell most other text from it.
const FEW_BYTES: usize = 24;
/// Shorter text in hexadecimal is a word.
const LEAST_DIGITS: usize = 32;

/// Messages in hexadecimal text.
pub(in crate::formats::log) struct ZephyrHex;

impl LogFormat for ZephyrHex {
    fn id(&self) -> &'static str {
        "zephyr-dict-hex"
    }
    fn label(&self) -> &'static str {
        "Zephyr dictionary log (hexadecimal)"
    }
    fn extensions(&self) -> &'static [&'static str] {
        &["hex", "log", "txt"]
    }
    fn sniff(&self, head: &[u8], _name: &str, _dictionaries: &LogDictionaries) -> Confidence {
        let mut marks = memchr::memmem::find_iter(head, MARK);
        let is_begun = marks.any(|at| {
            let behind = head.get(at.saturating_add(MARK.len())..).unwrap_or(&[]);
            let behind = behind.trim_ascii_start();
            behind.iter().take(2).all(u8::is_ascii_hexdigit)
        });
        if is_begun {
            Confidence::Certain
        } else {
            Confidence::No
        }
    }
    fn framing(&self) -> Framing {
        Framing::Measured
    }
    fn has_lines(&self) -> bool {
        true
    }
    fn row_len(&self, bytes: &[u8], dictionaries: &LogDictionaries) -> RowLen {
        if bytes.starts_with(MARK) {
            return RowLen::Bytes(with_line_ends(bytes, MARK.len()));
        }
        match found(bytes, dictionaries) {
            Found::Whole { len, .. } => {
                let end = text_len(bytes, len.saturating_mul(2));
                RowLen::Bytes(with_line_ends(bytes, end))
            }
            Found::Cut => RowLen::NeedMore,
            Found::Nothing => RowLen::Bytes(text_row_len(bytes, dictionaries).max(1)),
        }
    }
    fn decode(&self, row: &[u8], dictionaries: &LogDictionaries, record: &mut LogRecord) {
        if row.starts_with(MARK) {
            Text.decode(row, dictionaries, record);
            record.kind = RowKind::Data;
            return;
        }
        let n_digits = row.iter().filter(|byte| byte.is_ascii_hexdigit()).count();
        let n_ends = row.iter().filter(|byte| is_line_end(**byte)).count();
        let is_hex = n_digits.saturating_add(n_ends) == row.len();
        let bytes = bytes_of(row, LONGEST_IN_TEXT);
        if is_hex && (n_digits >= LEAST_DIGITS || n_digits == 6) {
            match record::decode(&bytes, dictionaries, record) {
                Ok(()) => return,
                Err(_) if n_digits < LEAST_DIGITS => {}
                Err(reason) => return undecoded(record, &bytes, &reason),
            }
        }
        Text.decode(row, dictionaries, record);
    }
}

/// The message at the beginning of the text.
fn found(bytes: &[u8], dictionaries: &LogDictionaries) -> Found {
    let stream = stream_of(dictionaries);
    if !bytes.first().is_some_and(u8::is_ascii_hexdigit) {
        return Found::Nothing;
    }
    let mut n = FIRST_BYTES;
    loop {
        let binary = bytes_of(bytes, n);
        let is_all = binary.len() < n;
        match stream.at(&binary) {
            // More of it may say more.
            Found::Cut if !is_all && n < LONGEST_IN_TEXT => n = n.saturating_mul(4),
            Found::Cut if !is_all => return Found::Nothing,
            // Text that goes on in another way does not complete a message.
            Found::Cut
                if text_len(bytes, binary.len().saturating_mul(2).saturating_add(2))
                    < bytes.len() =>
            {
                return Found::Nothing;
            }
            // Six digits in a text are soon like a note of dropped messages.
            Found::Whole { len: 3, .. }
                if binary.len() == 3 && text_len(bytes, 8) < bytes.len() =>
            {
                return Found::Nothing;
            }
            found => return found,
        }
    }
}

/// Bytes up to the end of the line, the mark, or the next message.
fn text_row_len(bytes: &[u8], dictionaries: &LogDictionaries) -> usize {
    let searched = bytes.get(..SEARCHED).unwrap_or(bytes);
    let line = memchr::memchr(b'\n', searched).map(|at| at.saturating_add(1));
    let mark = memchr::memmem::find(searched, MARK);
    let mut end = line.unwrap_or(searched.len());
    end = end.min(mark.unwrap_or(end));
    let line = searched.get(..end).unwrap_or(searched);
    let stream = stream_of(dictionaries);
    let rest = |at: usize| bytes.get(at..).unwrap_or(&[]);
    // Messages begin with the byte 0: with a digit 0.
    let places = memchr::memchr_iter(b'0', line).filter(|at| {
        let text = rest(*at);
        let is_long = text_len(text, LEAST_DIGITS) >= LEAST_DIGITS || end == searched.len();
        *at > 0 && is_long && stream.may_begin(&bytes_of(text, FEW_BYTES))
    });
    let begins = |at: &usize| {
        stream.is_sure(&bytes_of(rest(*at), FIRST_BYTES))
            && matches!(found(rest(*at), dictionaries), Found::Whole { .. })
    };
    let mut places = places.take(MOST_TRIED);
    places.find(begins).unwrap_or(end)
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// Up to `most` bytes that the text begins with.
fn bytes_of(text: &[u8], most: usize) -> Vec<u8> {
    let digits = text
        .iter()
        .filter(|byte| !is_line_end(**byte))
        .map_while(|byte| char::from(*byte).to_digit(16))
        .take(most.saturating_mul(2));
    let mut bytes = Vec::new();
    let mut high: Option<u32> = None;
    for digit in digits {
        match high.take() {
            None => high = Some(digit),
            Some(high) => bytes.push(u8::try_from(high << 4 | digit).unwrap_or(0)),
        }
    }
    bytes
}

/// Bytes of text that hold so many digits.
fn text_len(text: &[u8], n_digits: usize) -> usize {
    let mut left = n_digits;
    let mut len: usize = 0;
    for byte in text {
        if left == 0 {
            break;
        }
        if byte.is_ascii_hexdigit() {
            left = left.saturating_sub(1);
        } else if !is_line_end(*byte) {
            break;
        }
        len = len.saturating_add(1);
    }
    len
}

/// Takes the line ends behind a place to what stands before it.
fn with_line_ends(text: &[u8], end: usize) -> usize {
    let behind = text.get(end..).unwrap_or(&[]);
    end.saturating_add(behind.iter().take_while(|byte| is_line_end(**byte)).count())
}

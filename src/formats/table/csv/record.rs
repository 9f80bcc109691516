//! One record of a CSV table: a line, or several where a quote goes on.

use crate::formats::table::text_rows::{LONGEST_LINE_BYTES, Lines};

/// A field as it stands, or what was in quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field<'b> {
    Plain(&'b [u8]),
    Quoted(Vec<u8>),
}

impl Field<'_> {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Plain(bytes) => bytes,
            Self::Quoted(bytes) => bytes,
        }
    }

    pub(super) fn is_quoted(&self) -> bool {
        matches!(self, Self::Quoted(_))
    }
}

/// The fields of a record, and where it begins.
#[derive(Debug, Default)]
pub(super) struct Record<'b> {
    pub(super) fields: Vec<Field<'b>>,
    /// From 1.
    pub(super) line: u64,
    pub(super) offset: usize,
}

/// Why a line is no record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoRecord {
    pub(super) line: u64,
    pub(super) offset: usize,
    pub(super) words: String,
}

impl<'b> Record<'b> {
    /// Reads the next record; false after the last. After an error the next line is next.
    pub(super) fn read(&mut self, lines: &mut Lines<'b>, delimiter: u8) -> Result<bool, NoRecord> {
        let Some(line) = lines.next_line() else {
            return Ok(false);
        };
        self.fields.clear();
        (self.line, self.offset) = (line.number, line.offset);
        let wrong = |words: String| NoRecord {
            line: line.number,
            offset: line.offset,
            words,
        };
        if line.bytes.len() > LONGEST_LINE_BYTES {
            return Err(wrong(format!(
                "it has {} bytes; a row has up to {LONGEST_LINE_BYTES}",
                line.bytes.len()
            )));
        }
        if memchr::memchr(b'"', line.bytes).is_none() {
            let mut from = 0;
            for at in memchr::memchr_iter(delimiter, line.bytes) {
                self.fields
                    .push(Field::Plain(line.bytes.get(from..at).unwrap_or_default()));
                from = at + 1;
            }
            self.fields
                .push(Field::Plain(line.bytes.get(from..).unwrap_or_default()));
            return Ok(true);
        }
        let rest = lines.from(line.offset);
        let rest = rest.get(..LONGEST_LINE_BYTES).unwrap_or(rest);
        let len = self.quoted(rest, delimiter);
        let len = len.ok_or_else(|| wrong("a quote in it is not closed".to_owned()))?;
        lines.advance_to(line.offset + len);
        Ok(true)
    }

    /// Reads a record with quotes; answers its length with its end of line.
    fn quoted(&mut self, bytes: &'b [u8], delimiter: u8) -> Option<usize> {
        let mut at = 0;
        loop {
            if bytes.get(at) == Some(&b'"') {
                let (text, end) = unquote(bytes, at + 1)?;
                at = end;
                // What stands behind the closing quote belongs to the field.
                let rest = plain(bytes, at, delimiter);
                at += rest.len();
                let rest = rest.strip_suffix(b"\r").unwrap_or(rest);
                self.fields.push(Field::Quoted([&text, rest].concat()));
            } else {
                let field = plain(bytes, at, delimiter);
                at += field.len();
                let ends_line = bytes.get(at) != Some(&delimiter);
                let field = if ends_line {
                    field.strip_suffix(b"\r").unwrap_or(field)
                } else {
                    field
                };
                self.fields.push(Field::Plain(field));
            }
            match bytes.get(at) {
                Some(byte) if *byte == delimiter => at += 1,
                Some(_) => return Some(at + 1),
                None => return Some(at),
            }
        }
    }
}

/// The bytes up to the next delimiter or the end of the line.
fn plain(bytes: &[u8], at: usize, delimiter: u8) -> &[u8] {
    let rest = bytes.get(at..).unwrap_or_default();
    let len = memchr::memchr2(delimiter, b'\n', rest).unwrap_or(rest.len());
    rest.get(..len).unwrap_or(rest)
}

/// What stands up to the closing quote, and where that ends. Two quotes are one.
fn unquote(bytes: &[u8], mut at: usize) -> Option<(Vec<u8>, usize)> {
    let mut text = Vec::new();
    loop {
        let rest = bytes.get(at..)?;
        let len = memchr::memchr(b'"', rest)?;
        text.extend_from_slice(rest.get(..len)?);
        at += len + 1;
        if bytes.get(at) != Some(&b'"') {
            return Some((text, at));
        }
        text.push(b'"');
        at += 1;
    }
}

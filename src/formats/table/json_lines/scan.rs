//! The words of one line of JSON (RFC 8259), and the three that Python writes for floats.

use std::borrow::Cow;

/// A value that is no object and no list.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'b> {
    Null,
    Boolean(bool),
    /// As it stands.
    Number(&'b [u8]),
    /// `NaN` or `Infinity`.
    Float(f64),
    Text(Cow<'b, str>),
}

impl Token<'_> {
    /// For a message.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Null => b"null",
            Self::Boolean(true) => b"true",
            Self::Boolean(false) => b"false",
            Self::Number(bytes) => bytes,
            Self::Float(_) => b"NaN or Infinity",
            Self::Text(text) => text.as_bytes(),
        }
    }
}

/// Reads a line from its first byte on. Errors say what is wrong at [`Scan::position`].
pub(super) struct Scan<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Scan<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The next byte that is no space.
    pub(super) fn peek(&mut self) -> Option<u8> {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\r')) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    pub(super) fn accept(&mut self, byte: u8) -> bool {
        let is_it = self.peek() == Some(byte);
        self.at += usize::from(is_it);
        is_it
    }

    pub(super) fn expect(&mut self, byte: u8, otherwise: &'static str) -> Result<(), &'static str> {
        if self.accept(byte) {
            Ok(())
        } else {
            Err(otherwise)
        }
    }

    /// Nothing may follow.
    pub(super) fn end(&mut self) -> Result<(), &'static str> {
        if self.peek().is_none() {
            Ok(())
        } else {
            Err("something stands behind the object")
        }
    }

    pub(super) fn string(&mut self) -> Result<Cow<'b, str>, &'static str> {
        const WRONG: &str = "a text is not closed or has a wrong escape";
        self.expect(b'"', "a text in quotes is missing")?;
        let start = self.at;
        let mut has_escape = false;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let len = memchr::memchr2(b'"', b'\\', rest).ok_or(WRONG)?;
            self.at += len + 1;
            if rest.get(len) == Some(&b'"') {
                break;
            }
            has_escape = true;
            self.at += 1;
        }
        let text = self.bytes.get(start..self.at - 1).ok_or(WRONG)?;
        if has_escape {
            // With the quotes around it.
            let quoted = self.bytes.get(start - 1..self.at).ok_or(WRONG)?;
            return serde_json::from_slice(quoted)
                .map(Cow::Owned)
                .map_err(|_error| WRONG);
        }
        Ok(String::from_utf8_lossy(text))
    }

    /// A value that is no object and no list.
    pub(super) fn value(&mut self) -> Result<Token<'b>, &'static str> {
        match self.peek() {
            Some(b'"') => self.string().map(Token::Text),
            Some(b'0'..=b'9' | b'-' | b'+' | b'.') => {
                let word = self.word();
                match word {
                    b"-Infinity" => Ok(Token::Float(f64::NEG_INFINITY)),
                    _ if crate::formats::table::cell::number(word).is_some() => {
                        Ok(Token::Number(word))
                    }
                    _ => Err("a number cannot be read"),
                }
            }
            _ => match self.word() {
                b"null" => Ok(Token::Null),
                b"true" => Ok(Token::Boolean(true)),
                b"false" => Ok(Token::Boolean(false)),
                b"NaN" => Ok(Token::Float(f64::NAN)),
                b"Infinity" => Ok(Token::Float(f64::INFINITY)),
                _ => Err("a value cannot be read"),
            },
        }
    }

    /// Passes over any value, however deep: brackets are counted, texts are read.
    pub(super) fn pass_over(&mut self) -> Result<(), &'static str> {
        let mut depth = 0_usize;
        loop {
            match self.peek().ok_or("a bracket is not closed")? {
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1).ok_or("a bracket closes nothing")?;
                    self.at += 1;
                }
                b',' | b':' if depth > 0 => self.at += 1,
                b'"' => _ = self.string()?,
                _ => _ = self.value()?,
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// The bytes up to the next mark or space.
    fn word(&mut self) -> &'b [u8] {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let is_mark = |byte: &u8| {
            matches!(
                byte,
                b',' | b'}' | b']' | b':' | b' ' | b'\t' | b'\r' | b'"' | b'{' | b'['
            )
        };
        let len = rest.iter().position(is_mark).unwrap_or(rest.len());
        self.at += len;
        rest.get(..len).unwrap_or(rest)
    }
}

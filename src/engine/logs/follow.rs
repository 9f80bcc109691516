//! A log that grows while it is read: a pipe, or a file that somebody writes to. Rows are given out as they become whole.

use super::open_log::LogStyle;
use super::print::{RowPlace, append_json, append_plain, append_text, without_line_end};
use super::rows::{LogPiece, Rows};
use super::selection::{Selection, decode_rows};
use crate::formats::log::dictionaries::LogDictionaries;
use crate::formats::log::{Framing, LogFormat, ansi, detect};
use crate::model::progress::Cancelled;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

/// A row that is not whole after so many bytes is given out as it is.
const LONGEST_OPEN_ROW: usize = 1 << 20;
/// So often a file is looked at for more.
const POLL: Duration = Duration::from_millis(100);
/// So much of a log tells what it is.
const TELLING_BYTES: usize = 512;
/// Read at a time.
const READ_BYTES: usize = 256 << 10;

/// A log that is still being written.
pub struct Follower<'a> {
    wanted: &'a Selection,
    style: LogStyle,
    format: Option<&'static dyn LogFormat>,
    dictionaries: &'a LogDictionaries,
    name: String,
    open: Vec<u8>,
    next_row: u64,
}

impl<'a> Follower<'a> {
    /// A log with this format, or the one that its beginning looks like.
    pub fn new(
        wanted: &'a Selection,
        style: LogStyle,
        format: Option<&'static dyn LogFormat>,
        dictionaries: &'a LogDictionaries,
        name: &str,
    ) -> Self {
        Self {
            wanted,
            style,
            format,
            dictionaries,
            name: name.to_owned(),
            open: Vec::new(),
            next_row: 0,
        }
    }

    /// Reads to the end and prints rows as they come.
    pub fn read(&mut self, input: &mut dyn Read, out: &mut dyn Write) -> std::io::Result<()> {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let n = match input.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(n) => n,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.open.extend_from_slice(buffer.get(..n).unwrap_or(&[]));
            self.print(false, out)?;
        }
    }

    /// Takes bytes that came and prints the rows that are whole. What a log is shows only when there is some of it: so long
    /// nothing is printed.
    pub fn push(&mut self, bytes: &[u8], out: &mut dyn Write) -> std::io::Result<()> {
        self.open.extend_from_slice(bytes);
        if self.format.is_none() && self.open.len() < TELLING_BYTES {
            return Ok(());
        }
        self.print(false, out)
    }

    /// Prints the rows that are whole, however little of the log there is: nothing came for a moment.
    pub fn settle(&mut self, out: &mut dyn Write) -> std::io::Result<()> {
        if self.format.is_none() {
            return self.print(false, out);
        }
        Ok(())
    }

    /// Prints what is left, whole or not.
    pub fn finish(&mut self, out: &mut dyn Write) -> std::io::Result<()> {
        self.print(true, out)
    }

    /// Follows a file from its beginning until `is_over` says so. A file that shrank or was replaced is read from its
    /// beginning again; `tell` is told so.
    pub fn follow(
        &mut self,
        path: &Path,
        out: &mut dyn Write,
        tell: &mut dyn FnMut(&str),
        is_over: &dyn Fn() -> Result<(), Cancelled>,
    ) -> std::io::Result<()> {
        let mut file = std::fs::File::open(path)?;
        let mut identity = identity_of(&file.metadata()?);
        let mut n_read: u64 = 0;
        while is_over().is_ok() {
            let mut counted = Counted {
                input: &mut file,
                n: 0,
            };
            self.read(&mut counted, out)?;
            n_read = n_read.saturating_add(counted.n);
            std::thread::sleep(POLL);
            // A file that is away for a moment (rotation) comes back.
            let Ok(meta) = std::fs::metadata(path) else {
                continue;
            };
            let is_replaced = identity_of(&meta) != identity;
            if is_replaced || meta.len() < n_read {
                self.finish(out)?;
                tell(if is_replaced {
                    "the file was replaced; reading the new one from its beginning"
                } else {
                    "the file became shorter; reading it from its beginning"
                });
                file = std::fs::File::open(path)?;
                identity = identity_of(&file.metadata()?);
                n_read = 0;
            }
        }
        self.finish(out)
    }

    fn print(&mut self, is_end: bool, out: &mut dyn Write) -> std::io::Result<()> {
        let format = match self.format {
            Some(format) => format,
            None if self.open.is_empty() => return Ok(()),
            None => {
                let format = detect(&self.open, &self.name, self.dictionaries);
                self.format = Some(format);
                format
            }
        };
        let n_whole = if is_end || self.open.len() > LONGEST_OPEN_ROW {
            self.open.len()
        } else {
            whole_rows(&self.open, format, self.dictionaries)
        };
        let rest = self.open.split_off(n_whole);
        let block = std::mem::replace(&mut self.open, rest);
        let is_text = format.framing() == Framing::Delimited(b'\n');
        let mut printed = Vec::new();
        let (mut text, mut next_row) = (Vec::new(), self.next_row);
        decode_rows(
            &LogPiece::whole(&block),
            format,
            self.dictionaries,
            |row, record| {
                let place = RowPlace {
                    log: None,
                    row: next_row,
                    boot: None,
                    format: format.id(),
                };
                next_row = next_row.saturating_add(1);
                let raw = block.get(row).unwrap_or(&[]);
                text.clear();
                match (is_text, self.style) {
                    (true, LogStyle::Raw) => text.extend_from_slice(raw),
                    (true, _) => append_plain(record, &ansi::plain(raw), &mut text),
                    (false, _) => append_text(record, &mut text),
                }
                if !self.wanted.wants(record, without_line_end(&text)) {
                    return;
                }
                match self.style {
                    LogStyle::Json => append_json(place, record, raw, &mut printed),
                    LogStyle::Raw => printed.extend_from_slice(raw),
                    LogStyle::Text => printed.extend_from_slice(&text),
                }
            },
        );
        self.next_row = next_row;
        out.write_all(&printed)?;
        out.flush()
    }
}

/// Bytes at the beginning that are whole rows.
fn whole_rows(bytes: &[u8], format: &dyn LogFormat, dictionaries: &LogDictionaries) -> usize {
    match format.framing() {
        Framing::Delimited(delimiter) => {
            memchr::memrchr(delimiter, bytes).map_or(0, |at| at.saturating_add(1))
        }
        Framing::Measured => {
            // The last one may be cut off.
            let mut last_two = (0, 0);
            for row in Rows::new(LogPiece::whole(bytes), format, dictionaries) {
                last_two = (last_two.1, row.end);
            }
            last_two.0
        }
    }
}

/// What tells one file from another under the same name.
#[cfg(unix)]
pub(super) fn identity_of(meta: &std::fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    (meta.dev(), meta.ino())
}

/// Where files have no number, only their size tells.
#[cfg(not(unix))]
pub(super) fn identity_of(_meta: &std::fs::Metadata) -> (u64, u64) {
    (0, 0)
}

struct Counted<'a> {
    input: &'a mut dyn Read,
    n: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.input.read(buffer)?;
        self.n = self.n.saturating_add(n as u64);
        Ok(n)
    }
}

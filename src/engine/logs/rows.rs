//! Where the rows of a log are: cutting bytes into rows, and a log into blocks that can be worked on by themselves.

use crate::formats::log::dictionaries::LogDictionaries;
use crate::formats::log::{Framing, LogFormat, RowLen};
use std::ops::Range;

/// A block is about this large: it stays in the processor's cache while it is looked at.
pub const BLOCK_BYTES: usize = 1 << 20;

/// A piece of a log, which begins and ends where rows do, and the log around it.
#[derive(Clone, Debug)]
pub struct LogPiece<'a> {
    /// The log, or as much of it as there is around the piece.
    pub log: &'a [u8],
    /// Where the piece is in it.
    pub range: Range<usize>,
}

impl<'a> LogPiece<'a> {
    /// A log as a whole.
    pub fn whole(log: &'a [u8]) -> Self {
        Self {
            log,
            range: 0..log.len(),
        }
    }

    /// The bytes of the piece.
    pub fn bytes(&self) -> &'a [u8] {
        self.log.get(self.range.clone()).unwrap_or(&[])
    }

    /// The bytes before it.
    pub fn before(&self) -> &'a [u8] {
        self.log.get(..self.range.start).unwrap_or(&[])
    }
}

/// Cuts a piece of a log into rows, whose places are counted from where the piece begins.
pub struct Rows<'a> {
    piece: LogPiece<'a>,
    at: usize,
    format: &'a dyn LogFormat,
    dictionaries: &'a LogDictionaries,
}

impl<'a> Rows<'a> {
    /// The rows of a piece.
    pub fn new(
        piece: LogPiece<'a>,
        format: &'a dyn LogFormat,
        dictionaries: &'a LogDictionaries,
    ) -> Self {
        Self {
            piece,
            at: 0,
            format,
            dictionaries,
        }
    }
}

impl Iterator for Rows<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let rest = self.piece.bytes().get(self.at..)?;
        if rest.is_empty() {
            return None;
        }
        let len = match self.format.framing() {
            Framing::Delimited(delimiter) => delimited_len(rest, delimiter),
            Framing::Measured => {
                let LogPiece { log, range } = &self.piece;
                let start = range.start.saturating_add(self.at);
                let measured = self
                    .format
                    .row_len_in(log, start..range.end, self.dictionaries);
                match measured {
                    RowLen::Bytes(len) => len.clamp(1, rest.len()),
                    RowLen::NeedMore => rest.len(),
                }
            }
        };
        let start = self.at;
        self.at = start.saturating_add(len);
        Some(start..self.at)
    }
}

/// Length of the row at the beginning of `bytes`. An empty line is a row; of a frame's delimiter a run is one, and what
/// stands before the first frame belongs to it.
fn delimited_len(bytes: &[u8], delimiter: u8) -> usize {
    if delimiter == b'\n' {
        return memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at.saturating_add(1));
    }
    let is_other = |byte: &u8| *byte != delimiter;
    let Some(start) = bytes.iter().position(is_other) else {
        return bytes.len();
    };
    let behind = bytes.get(start..).unwrap_or(&[]);
    let Some(end) = memchr::memchr(delimiter, behind) else {
        return bytes.len();
    };
    let end = start.saturating_add(end);
    let run = bytes.get(end..).unwrap_or(&[]);
    end.saturating_add(run.iter().position(is_other).unwrap_or(run.len()))
}

/// Cuts a log into blocks that begin and end where rows do, one after the other: who wants the beginning only does not
/// touch the rest. A format whose rows have to be measured is one block.
pub fn blocks(bytes: &[u8], framing: Framing) -> impl Iterator<Item = Range<usize>> {
    let mut start: usize = 0;
    std::iter::from_fn(move || {
        if start >= bytes.len() {
            return None;
        }
        let end = match framing {
            Framing::Delimited(delimiter) => block_end(bytes, start, delimiter),
            Framing::Measured => bytes.len(),
        };
        let block = start..end;
        start = end;
        Some(block)
    })
}

fn block_end(bytes: &[u8], start: usize, delimiter: u8) -> usize {
    let wanted = start.saturating_add(BLOCK_BYTES);
    let rest = bytes.get(wanted..).unwrap_or(&[]);
    let Some(at) = memchr::memchr(delimiter, rest) else {
        return bytes.len();
    };
    let mut end = wanted.saturating_add(at).saturating_add(1);
    while delimiter != b'\n' && bytes.get(end) == Some(&delimiter) {
        end = end.saturating_add(1);
    }
    end
}

#[cfg(test)]
mod tests {
    use super::{BLOCK_BYTES, LogPiece, Rows, blocks, delimited_len};
    use crate::formats::log::dictionaries::LogDictionaries;
    use crate::formats::log::{Framing, by_id};

    #[test]
    fn empty_lines_are_rows_and_runs_of_frame_ends_are_not() {
        let none = LogDictionaries::default();
        let rows = |bytes: &[u8], id: &str| -> Vec<_> {
            Rows::new(LogPiece::whole(bytes), by_id(id).unwrap(), &none)
                .map(|row| bytes[row].to_vec())
                .collect()
        };
        assert_eq!(rows(b"a\n\nb", "text"), [&b"a\n"[..], b"\n", b"b"]);
        assert_eq!(
            rows(b"\0ab\0\0cd\0", "defmt-rzcobs"),
            [&b"\0ab\0\0"[..], b"cd\0"]
        );
        assert_eq!(delimited_len(b"\0\0", 0), 2);
    }

    #[test]
    fn blocks_are_cut_between_rows_and_hold_everything() {
        let mut bytes = Vec::new();
        for n in 0..200_000 {
            bytes.extend_from_slice(format!("line {n}\n").as_bytes());
        }
        bytes.extend(std::iter::repeat_n(b'x', 3 * BLOCK_BYTES));
        bytes.extend_from_slice(b"\nend");
        let found: Vec<_> = blocks(&bytes, Framing::Delimited(b'\n')).collect();
        assert!(found.len() > 2);
        let mut at = 0;
        for block in found {
            assert_eq!(block.start, at);
            assert!(block.start == 0 || bytes[block.start - 1] == b'\n');
            at = block.end;
        }
        assert_eq!(at, bytes.len());
    }
}

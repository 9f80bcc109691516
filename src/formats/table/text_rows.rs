//! What CSV and JSON Lines share: lines with their places, and columns that grow row by row.

use super::cell::Cell;
use super::growing::{Growing, NotANumber};
use super::mapping::is_name;
use super::{MOST_COLUMNS, RowPlace, TableChunk, TableColumn, TableError};
use crate::model::warning::Warning;
use std::collections::BTreeMap;

/// A longer line is no row.
pub(super) const LONGEST_LINE_BYTES: usize = 1 << 20;
/// A chunk has the rows of about so many bytes.
pub(super) const CHUNK_BYTES: usize = 16 << 20;
/// Rows that a mapping is guessed from.
pub(super) const SAMPLE_ROWS: usize = 1000;
/// Rows of a chunk, so that narrow rows do not add up.
pub(super) const CHUNK_ROWS: usize = 1 << 17;
/// Cells of a chunk: rows with few of many columns do not add up either.
const CHUNK_CELLS: usize = 1 << 24;

/// One line of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'b> {
    /// From 1.
    pub(super) number: u64,
    /// Of its first byte in the file.
    pub(super) offset: usize,
    /// Without the end of the line.
    pub(super) bytes: &'b [u8],
}

/// The lines of a text, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Lines<'b> {
    bytes: &'b [u8],
    at: usize,
    number: u64,
}

impl<'b> Lines<'b> {
    /// A text in UTF-8; a mark in front of it is passed over.
    pub(super) fn new(bytes: &'b [u8]) -> Result<Self, TableError> {
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            let text = "the text is in UTF-16, which is not read. Save it as UTF-8";
            return Err(TableError::Unreadable(Warning::at("FS-TABLE-010", 0, text)));
        }
        let at = if bytes.starts_with(b"\xef\xbb\xbf") {
            3
        } else {
            0
        };
        Ok(Self {
            bytes,
            at,
            number: 0,
        })
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn total(&self) -> usize {
        self.bytes.len()
    }

    /// All bytes from `offset` on.
    pub(super) fn from(&self, offset: usize) -> &'b [u8] {
        self.bytes.get(offset..).unwrap_or_default()
    }

    /// Goes on behind a record that has more than one line.
    pub(super) fn advance_to(&mut self, offset: usize) {
        let passed = self.bytes.get(self.at..offset).unwrap_or_default();
        self.number += memchr::memchr_iter(b'\n', passed).count() as u64;
        self.at = self.at.max(offset);
    }

    /// The next line that is not empty.
    pub(super) fn next_line(&mut self) -> Option<Line<'b>> {
        loop {
            let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
            let len = memchr::memchr(b'\n', rest);
            let line = rest.get(..len.unwrap_or(rest.len())).unwrap_or(rest);
            let offset = self.at;
            self.at += line.len() + usize::from(len.is_some());
            self.number += 1;
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if !line.is_empty() {
                return Some(Line {
                    number: self.number,
                    offset,
                    bytes: line,
                });
            }
        }
    }
}

/// The columns of a text table, and the values since the last chunk.
#[derive(Default)]
pub(super) struct TextRows {
    pub(super) columns: Vec<TableColumn>,
    growing: Vec<Growing>,
    taken: BTreeMap<String, u32>,
    n_rows: usize,
    first_row: u64,
    places: Vec<RowPlace>,
}

impl TextRows {
    /// Adds a column. A name that is taken gets a number. Serial numbers, versions and such are texts whatever they look like:
    /// `007` and `1.10` are no numbers. `None`: there are too many columns.
    pub(super) fn add_column(&mut self, name: &str) -> Option<usize> {
        if self.columns.len() >= MOST_COLUMNS {
            return None;
        }
        let mut distinct = name.to_owned();
        while self.taken.contains_key(&distinct) {
            let n = self.taken.entry(name.to_owned()).or_insert(1);
            *n += 1;
            distinct = format!("{name}_{n}");
        }
        self.taken.insert(distinct.clone(), 1);
        let mut growing = Growing::default();
        if is_name(&distinct) {
            growing.make_text();
        }
        self.columns.push(TableColumn {
            name: distinct,
            kind: growing.kind(),
        });
        self.growing.push(growing);
        Some(self.columns.len() - 1)
    }

    pub(super) fn is_text(&self, column: usize) -> bool {
        self.growing.get(column).is_some_and(Growing::is_text)
    }

    pub(super) fn make_text(&mut self, column: usize) {
        if let Some(growing) = self.growing.get_mut(column) {
            growing.make_text();
        }
    }

    /// The value of a column in the row that is read. The first counts.
    pub(super) fn push(&mut self, column: usize, cell: Cell<'_>) -> Result<(), NotANumber> {
        let Some(growing) = self.growing.get_mut(column) else {
            return Ok(());
        };
        if growing.n_rows() > self.n_rows {
            return Ok(());
        }
        growing.fill(self.n_rows);
        growing.push(cell)
    }

    /// The row that is read, which begins there, is complete.
    pub(super) fn end_row(&mut self, place: RowPlace) {
        self.places.push(place);
        self.n_rows += 1;
    }

    /// The number of the row that is read, from 0, among those that could be read.
    pub(super) fn row(&self) -> u64 {
        self.first_row + self.n_rows as u64
    }

    pub(super) fn is_full(&self) -> bool {
        self.n_rows >= CHUNK_ROWS || self.n_rows.saturating_mul(self.columns.len()) >= CHUNK_CELLS
    }

    /// The rows since the last chunk; `None` where there is none.
    pub(super) fn take(&mut self) -> Option<TableChunk> {
        if self.n_rows == 0 {
            return None;
        }
        let n_rows = std::mem::take(&mut self.n_rows);
        let mut columns = Vec::with_capacity(self.growing.len());
        for (growing, column) in self.growing.iter_mut().zip(&mut self.columns) {
            growing.fill(n_rows);
            columns.push(growing.take());
            column.kind = growing.kind();
        }
        let first_row = self.first_row;
        self.first_row += n_rows as u64;
        Some(TableChunk {
            first_row,
            n_rows,
            columns,
            places: std::mem::take(&mut self.places),
        })
    }

    /// Forgets the rows, not the columns: they are read again.
    pub(super) fn restart(&mut self) {
        _ = self.take();
        self.first_row = 0;
    }
}

/// A text for a message, cut where it is long.
pub(super) fn shown(bytes: &[u8]) -> String {
    const MOST: usize = 40;
    let text: String = String::from_utf8_lossy(bytes.get(..MOST * 4).unwrap_or(bytes))
        .chars()
        .take(MOST)
        .collect();
    if text.len() < bytes.len() {
        format!("{text}…")
    } else {
        text
    }
}

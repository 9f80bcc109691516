//! CSV (RFC 4180, and what is written in its name): commas, semicolons, tabs or bars; quotes; any end of line.

mod record;

use super::bad_rows::{BadRow, BadRows};
use super::cell::Cell;
use super::text_rows::{
    CHUNK_BYTES, LONGEST_LINE_BYTES, Line, Lines, SAMPLE_ROWS, TextRows, shown,
};
use super::{RowPlace, TableChunk, TableColumn, TableError};
use crate::model::progress::{Progress, Unattended};
use crate::model::warning::Warning;
use record::{Field, Record};

/// What may stand between fields, the most usual first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Rows between two looks at whether to go on.
const ROWS_A_TICK: u64 = 1024;

/// An open CSV table.
pub struct CsvTable<'b> {
    lines: Lines<'b>,
    delimiter: u8,
    rows: TextRows,
    sample: TableChunk,
    expected_rows: u64,
    warnings: Vec<Warning>,
}

impl<'b> CsvTable<'b> {
    /// Reads the header and some rows, which tell what the columns are.
    pub fn open(bytes: &'b [u8]) -> Result<Self, TableError> {
        let mut lines = Lines::new(bytes)?;
        let first = lines
            .clone()
            .next_line()
            .ok_or_else(|| unreadable(0, "the file holds no line"))?;
        let delimiter = delimiter_of(first.bytes);
        let mut record = Record::default();
        if let Err(what) = record.read(&mut lines, delimiter) {
            return Err(unreadable(
                first.offset,
                &format!("the header cannot be read: {}", what.words),
            ));
        }
        let mut table = Self {
            lines,
            delimiter,
            rows: TextRows::default(),
            sample: TableChunk::default(),
            expected_rows: 0,
            warnings: Vec::new(),
        };
        table.name_columns(&record, &first)?;
        table.take_sample();
        Ok(table)
    }

    pub fn columns(&self) -> &[TableColumn] {
        &self.rows.columns
    }

    pub fn sample(&self) -> &TableChunk {
        &self.sample
    }

    /// How many rows are to be expected, from the length of the first.
    pub fn expected_rows(&self) -> u64 {
        self.expected_rows
    }

    /// Bytes that were read.
    pub fn position(&self) -> u64 {
        self.lines.position() as u64
    }

    pub fn take_warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings)
    }

    /// The next rows; `None` after the last. Rows that cannot be read are left out and told.
    pub fn next_chunk(
        &mut self,
        bad: &mut BadRows,
        progress: &dyn Progress,
    ) -> Result<Option<TableChunk>, TableError> {
        let end = self.lines.position().saturating_add(CHUNK_BYTES);
        self.read_rows(usize::MAX, end, bad, progress)?;
        Ok(self.rows.take())
    }

    /// Reads rows until there are so many, or until this place.
    fn read_rows(
        &mut self,
        n_rows: usize,
        end: usize,
        bad: &mut BadRows,
        progress: &dyn Progress,
    ) -> Result<(), TableError> {
        let mut record = Record::default();
        let mut n_read = 0;
        let mut ticks = 0;
        // Where no row can be read, the whole file is one chunk.
        while n_read < n_rows
            && !self.rows.is_full()
            && (self.lines.position() < end || n_read == 0)
        {
            ticks += 1;
            if ticks % ROWS_A_TICK == 1 {
                progress.tick(self.position(), self.lines.total() as u64)?;
            }
            match record.read(&mut self.lines, self.delimiter) {
                Ok(false) => break,
                Ok(true) => n_read += usize::from(self.add(&record, bad)),
                Err(what) => bad.add(BadRow {
                    row: self.rows.row(),
                    line: Some(what.line),
                    offset: Some(what.offset as u64),
                    what: what.words,
                }),
            }
        }
        Ok(())
    }

    /// Adds a record, if it has as many fields as there are columns.
    fn add(&mut self, record: &Record<'b>, bad: &mut BadRows) -> bool {
        let row = self.rows.row();
        let is_bad = |what: String| BadRow {
            row,
            line: Some(record.line),
            offset: Some(record.offset as u64),
            what,
        };
        let n_columns = self.rows.columns.len();
        let n_fields = record.fields.len();
        let rest_is_empty = record
            .fields
            .iter()
            .skip(n_columns)
            .all(|field| field.bytes().is_empty());
        if n_fields < n_columns || !rest_is_empty {
            bad.add(is_bad(format!(
                "it has {n_fields} fields, the header has {n_columns}"
            )));
            return false;
        }
        for (column, field) in record.fields.iter().enumerate().take(n_columns) {
            let result = match cell_of(field, self.rows.is_text(column)) {
                Some(cell) => self.rows.push(column, cell),
                None => self
                    .rows
                    .push(column, Cell::Text(&String::from_utf8_lossy(field.bytes()))),
            };
            if result.is_err() {
                let name = self
                    .rows
                    .columns
                    .get(column)
                    .map_or("", |column| &column.name);
                bad.add(is_bad(format!(
                    "{name} is {}, which is no number; this value is missing",
                    shown(field.bytes())
                )));
            }
        }
        self.rows.end_row(RowPlace {
            line: record.line,
            offset: record.offset as u64,
        });
        true
    }

    fn name_columns(&mut self, header: &Record<'b>, line: &Line<'b>) -> Result<(), TableError> {
        // Numbers name nothing.
        let is_data = |field: &Field<'_>| {
            matches!(
                Cell::parse(field.bytes()),
                Some(Cell::Integer(_) | Cell::Float(_))
            )
        };
        let has_header = !header.fields.iter().any(is_data);
        if !has_header {
            let text = "the first line has numbers and is taken for a row: the table has no header, its columns are called column_1, column_2 and so on";
            self.warnings
                .push(Warning::at("FS-TABLE-011", line.offset as u64, text));
            self.lines = Lines::new(self.lines.from(0))?;
        }
        for (index, field) in header.fields.iter().enumerate() {
            let name = String::from_utf8_lossy(field.bytes().trim_ascii()).into_owned();
            let name = if has_header && !name.is_empty() {
                name
            } else {
                format!("column_{}", index + 1)
            };
            let added = self.rows.add_column(&name);
            let column = added.and_then(|column| self.rows.columns.get(column));
            let column =
                column.ok_or_else(|| unreadable(line.offset, "the header has too many columns"))?;
            if column.name != name {
                let text = format!(
                    "two columns are called {name}; the second is called {} here",
                    column.name
                );
                self.warnings
                    .push(Warning::at("FS-TABLE-012", line.offset as u64, text));
            }
        }
        Ok(())
    }

    /// Looks at the first rows: a column with more words than numbers is one of words.
    fn take_sample(&mut self) {
        let start = self.lines.clone();
        let mut numbers_less_words = vec![0_i64; self.rows.columns.len()];
        let mut record = Record::default();
        for _ in 0..SAMPLE_ROWS {
            if !matches!(record.read(&mut self.lines, self.delimiter), Ok(true)) {
                continue;
            }
            for (balance, field) in numbers_less_words.iter_mut().zip(&record.fields) {
                *balance += match Cell::parse(field.bytes()) {
                    Some(Cell::Integer(_) | Cell::Float(_)) => 1,
                    Some(Cell::Missing) => 0,
                    _ => -1,
                };
            }
        }
        for (column, balance) in numbers_less_words.iter().enumerate() {
            if *balance < 0 && !self.rows.is_text(column) {
                self.rows.make_text(column);
            }
        }
        self.lines = start.clone();
        // Nobody cancels; rows that cannot be read are told when they are read again.
        let read = self.read_rows(
            SAMPLE_ROWS,
            start.position() + CHUNK_BYTES,
            &mut BadRows::default(),
            &Unattended,
        );
        if read.is_ok() {
            self.sample = self.rows.take().unwrap_or_default();
        }
        let n_bytes = (self.lines.position() - start.position()).max(1) as u64;
        let rest = (self.lines.total() - start.position()) as u64;
        let n_rows = self.sample.n_rows as u128 * u128::from(rest) / u128::from(n_bytes);
        self.expected_rows = u64::try_from(n_rows).unwrap_or(u64::MAX);
        self.rows.restart();
        self.lines = start;
    }
}

/// What stands in a field. `None`: it is not UTF-8.
fn cell_of<'f>(field: &'f Field<'_>, is_text: bool) -> Option<Cell<'f>> {
    if !is_text {
        return Cell::parse(field.bytes());
    }
    let text = std::str::from_utf8(field.bytes()).ok()?;
    let text = if field.is_quoted() {
        text
    } else {
        text.trim_ascii()
    };
    Some(if matches!(text, "" | "null" | "NULL") {
        Cell::Missing
    } else {
        Cell::Text(text)
    })
}

/// What stands most often in a line, outside quotes.
fn delimiter_of(line: &[u8]) -> u8 {
    let line = line.get(..LONGEST_LINE_BYTES).unwrap_or(line);
    let mut counts = [0_usize; DELIMITERS.len()];
    let mut is_quoted = false;
    for byte in line {
        is_quoted ^= *byte == b'"';
        for (count, delimiter) in counts.iter_mut().zip(DELIMITERS) {
            *count += usize::from(!is_quoted && *byte == delimiter);
        }
    }
    let most = counts.iter().max().copied().unwrap_or(0);
    counts
        .iter()
        .position(|count| *count == most)
        .and_then(|at| DELIMITERS.get(at))
        .copied()
        .unwrap_or(b',')
}

fn unreadable(offset: usize, what: &str) -> TableError {
    let text = format!("{what}. It is no table that can be read");
    TableError::Unreadable(Warning::at("FS-TABLE-013", offset as u64, text))
}

#[cfg(test)]
mod tests;

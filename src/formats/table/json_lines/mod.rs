//! JSON Lines: one object a line, flat or with metrics in an object of their own.
//!
//! Keys come in the same order line after line: the next key is guessed before it is looked up.

mod scan;

use super::bad_rows::{BadRow, BadRows};
use super::cell::Cell;
use super::text_rows::{
    CHUNK_BYTES, LONGEST_LINE_BYTES, Line, Lines, SAMPLE_ROWS, TextRows, shown,
};
use super::{RowPlace, TableChunk, TableColumn, TableError};
use crate::model::progress::{Progress, Unattended};
use crate::model::warning::Warning;
use scan::{Scan, Token};
use std::collections::BTreeMap;

/// Rows between two looks at whether to go on.
const ROWS_A_TICK: u64 = 1024;
/// A key that was left out moves those behind it; so far the guess looks ahead.
const LOOK_AHEAD: usize = 8;

/// An open table of JSON Lines.
pub struct JsonLinesTable<'b> {
    lines: Lines<'b>,
    rows: TextRows,
    keys: Keys,
    sample: TableChunk,
    expected_rows: u64,
    warnings: Vec<Warning>,
}

/// The columns by their keys.
#[derive(Default)]
struct Keys {
    /// Object that the key is in (0: the line itself), and the key.
    columns: BTreeMap<(usize, String), Place>,
    /// Keys in the order of the last line.
    order: Vec<(usize, String, Place)>,
    n_objects: usize,
}

/// What stands behind a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Column(usize),
    Object(usize),
    /// There are too many columns.
    Nowhere,
}

/// Values of a line, before it is known that the line is whole.
type Values<'b> = Vec<(usize, Token<'b>)>;

impl<'b> JsonLinesTable<'b> {
    /// Reads some rows, which tell what the columns are.
    pub fn open(bytes: &'b [u8]) -> Result<Self, TableError> {
        let mut table = Self {
            lines: Lines::new(bytes)?,
            rows: TextRows::default(),
            keys: Keys::default(),
            sample: TableChunk::default(),
            expected_rows: 0,
            warnings: Vec::new(),
        };
        let start = table.lines.clone();
        let mut bad = BadRows::default();
        table.read_rows(
            SAMPLE_ROWS,
            start.position() + CHUNK_BYTES,
            &mut bad,
            &Unattended,
        )?;
        table.sample = table.rows.take().unwrap_or_default();
        if table.sample.n_rows == 0 {
            let what = bad
                .first
                .first()
                .map_or("the file holds no line", |bad| &bad.what);
            let text = format!(
                "no line of the beginning is an object: {what}. It is no table that can be read"
            );
            return Err(TableError::Unreadable(Warning::at("FS-TABLE-014", 0, text)));
        }
        let n_bytes = (table.lines.position() - start.position()).max(1) as u128;
        let n_rows = table.sample.n_rows as u128 * (table.lines.total() - start.position()) as u128
            / n_bytes;
        table.expected_rows = u64::try_from(n_rows).unwrap_or(u64::MAX);
        table.warnings.clear();
        table.rows.restart();
        table.lines = start;
        Ok(table)
    }

    /// The columns that were met so far.
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

    /// The next rows; `None` after the last. Lines that cannot be read are left out and told.
    pub fn next_chunk(
        &mut self,
        bad: &mut BadRows,
        progress: &dyn Progress,
    ) -> Result<Option<TableChunk>, TableError> {
        let end = self.lines.position().saturating_add(CHUNK_BYTES);
        self.read_rows(usize::MAX, end, bad, progress)?;
        Ok(self.rows.take())
    }

    fn read_rows(
        &mut self,
        n_rows: usize,
        end: usize,
        bad: &mut BadRows,
        progress: &dyn Progress,
    ) -> Result<(), TableError> {
        let mut values = Values::new();
        let mut n_read = 0;
        let mut ticks = 0;
        while n_read < n_rows
            && !self.rows.is_full()
            && (self.lines.position() < end || n_read == 0)
        {
            let Some(line) = self.lines.next_line() else {
                break;
            };
            ticks += 1;
            if ticks % ROWS_A_TICK == 1 {
                progress.tick(self.position(), self.lines.total() as u64)?;
            }
            values.clear();
            match self.read_line(&line, &mut values) {
                Ok(()) => {
                    self.add(&line, &values, bad);
                    n_read += 1;
                }
                Err((at, what)) => bad.add(BadRow {
                    row: self.rows.row(),
                    line: Some(line.number),
                    offset: Some((line.offset + at) as u64),
                    what: what.to_owned(),
                }),
            }
        }
        Ok(())
    }

    /// The values of a line; an error says at which byte of it.
    fn read_line(
        &mut self,
        line: &Line<'b>,
        values: &mut Values<'b>,
    ) -> Result<(), (usize, &'static str)> {
        if line.bytes.len() > LONGEST_LINE_BYTES {
            return Err((0, "it is longer than 1 MiB, which no row is"));
        }
        let mut scan = Scan::new(line.bytes);
        let mut reading = Reading {
            keys: &mut self.keys,
            rows: &mut self.rows,
            values,
            n_keys: 0,
        };
        let read = reading
            .object(&mut scan, 0)
            .and_then(|nested| scan.end().map(|()| nested));
        match read {
            Ok(None) => Ok(()),
            Ok(Some(key)) => {
                if self.warnings.is_empty() {
                    let text =
                        format!("{key} holds a list, or an object in an object, which is not read");
                    self.warnings
                        .push(Warning::at("FS-TABLE-015", line.offset as u64, text));
                }
                Ok(())
            }
            Err(what) => Err((scan.position(), what)),
        }
    }

    fn add(&mut self, line: &Line<'b>, values: &Values<'b>, bad: &mut BadRows) {
        for (column, token) in values {
            let is_text = self.rows.is_text(*column);
            let cell = match token {
                Token::Null => Some(Cell::Missing),
                Token::Number(bytes) if is_text => std::str::from_utf8(bytes).ok().map(Cell::Text),
                Token::Number(bytes) => super::cell::number(bytes),
                Token::Float(value) => Some(Cell::Float(*value)),
                Token::Boolean(truth) if is_text => {
                    Some(Cell::Text(if *truth { "true" } else { "false" }))
                }
                Token::Boolean(truth) => Some(Cell::Integer(i64::from(*truth))),
                Token::Text(text) if text.is_empty() => Some(Cell::Missing),
                Token::Text(text) if is_text => Some(Cell::Text(text)),
                Token::Text(text) => Cell::parse(text.as_bytes()),
            };
            if cell.is_none_or(|cell| self.rows.push(*column, cell).is_err()) {
                let name = self
                    .rows
                    .columns
                    .get(*column)
                    .map_or("", |column| &column.name);
                bad.add(BadRow {
                    row: self.rows.row(),
                    line: Some(line.number),
                    offset: Some(line.offset as u64),
                    what: format!(
                        "{name} is {}, which is no number; this value is missing",
                        shown(token.bytes())
                    ),
                });
            }
        }
        self.rows.end_row(RowPlace {
            line: line.number,
            offset: line.offset as u64,
        });
    }
}

/// A line that is read.
struct Reading<'r, 'b> {
    keys: &'r mut Keys,
    rows: &'r mut TextRows,
    values: &'r mut Values<'b>,
    n_keys: usize,
}

impl<'b> Reading<'_, 'b> {
    /// Reads an object; answers a key whose value was passed over, if there was one.
    fn object(&mut self, scan: &mut Scan<'b>, of: usize) -> Result<Option<String>, &'static str> {
        let mut passed = None;
        scan.expect(b'{', "it is no object")?;
        if scan.accept(b'}') {
            return Ok(None);
        }
        loop {
            let key = scan.string()?;
            scan.expect(b':', "a colon is missing behind a key")?;
            let is_object = scan.peek() == Some(b'{');
            if (is_object && of > 0) || scan.peek() == Some(b'[') {
                scan.pass_over()?;
                passed.get_or_insert_with(|| key.into_owned());
            } else {
                match self
                    .keys
                    .place(&mut self.n_keys, of, &key, is_object, self.rows)
                {
                    Place::Object(inner) if is_object => {
                        passed = self.object(scan, inner)?.or(passed);
                    }
                    Place::Column(column) if !is_object => {
                        self.values.push((column, scan.value()?));
                    }
                    // An object where there were values, or the other way round.
                    _ => {
                        scan.pass_over()?;
                        passed.get_or_insert_with(|| key.into_owned());
                    }
                }
            }
            if scan.accept(b'}') {
                return Ok(passed);
            }
            scan.expect(b',', "a comma or a closing brace is missing")?;
        }
    }
}

impl Keys {
    /// Where the value of a key goes. `at` is the place of the key in the line.
    fn place(
        &mut self,
        at: &mut usize,
        of: usize,
        key: &str,
        is_object: bool,
        rows: &mut TextRows,
    ) -> Place {
        let ahead = self.order.iter().enumerate().skip(*at).take(LOOK_AHEAD);
        for (index, (object, known, place)) in ahead {
            if *object == of && known == key {
                *at = index + 1;
                return *place;
            }
        }
        let entry = (of, key.to_owned());
        let place = if let Some(place) = self.columns.get(&entry) {
            *place
        } else {
            let place = if is_object {
                self.n_objects += 1;
                Place::Object(self.n_objects)
            } else {
                rows.add_column(key).map_or(Place::Nowhere, Place::Column)
            };
            if place != Place::Nowhere {
                self.columns.insert(entry, place);
            }
            place
        };
        // From here on the order is that of this line.
        self.order.truncate(*at);
        self.order.push((of, key.to_owned(), place));
        *at = self.order.len();
        place
    }
}

#[cfg(test)]
mod tests;

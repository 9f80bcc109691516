//! Parquet: row group by row group, in pieces that fit into bounded memory.
//!
//! The `parquet` crate parses the footer and decodes values; footer (`footer`), page headers and sizes (`pages`) are checked
//! by our own code before it sees them.

mod contained;
mod footer;
mod leaf;
mod pages;
mod thrift;

use super::{TableChunk, TableColumn, TableError};
use crate::model::progress::Progress;
use crate::model::series::Column;
use crate::model::warning::Warning;
use bytes::Bytes;
use contained::contained;
use leaf::{Conversion, Leaf};
use pages::{ColumnPages, Unpacker};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A chunk of rows takes about so much when it is unpacked.
const CHUNK_BYTES: u64 = 64 << 20;
/// A chunk has no more rows, however narrow they are.
const CHUNK_ROWS: u64 = 1 << 18;
/// A run of equal rows takes few bytes; more rows a byte than this are no heartbeats.
const ROWS_A_BYTE: u64 = 64;

/// An open Parquet file.
pub struct ParquetTable {
    bytes: Bytes,
    metadata: ParquetMetaData,
    columns: Vec<TableColumn>,
    /// Of each column: its number in the file, and how it is converted.
    leaves: Vec<(usize, Conversion)>,
    warnings: Vec<Warning>,
}

/// Whether the bytes begin as a Parquet file does.
pub fn is_parquet(bytes: &[u8]) -> bool {
    footer::is_parquet(bytes)
}

impl ParquetTable {
    /// Reads the footer. The bytes may be a mapped file.
    pub fn open(bytes: impl AsRef<[u8]> + Send + 'static) -> Result<Self, TableError> {
        let bytes = Bytes::from_owner(bytes);
        let metadata = footer::read(&bytes)?;
        let mut table = Self {
            bytes,
            metadata,
            columns: Vec::new(),
            leaves: Vec::new(),
            warnings: Vec::new(),
        };
        table.name_columns();
        let most = (table.bytes.len() as u64).saturating_mul(ROWS_A_BYTE);
        if table.n_rows() > most {
            let text = format!(
                "the footer claims {} rows in {} bytes, which no heartbeats have. The file is damaged: ask for it again",
                table.n_rows(),
                table.bytes.len()
            );
            return Err(TableError::Unreadable(Warning::new("FS-TABLE-006", text)));
        }
        Ok(table)
    }

    /// The columns that can be read.
    pub fn columns(&self) -> &[TableColumn] {
        &self.columns
    }

    /// What of the table is not read, and why.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    pub fn n_row_groups(&self) -> usize {
        self.metadata.num_row_groups()
    }

    /// Rows of all row groups.
    pub fn n_rows(&self) -> u64 {
        (0..self.n_row_groups()).fold(0, |rows, group| rows.saturating_add(self.rows_of(group)))
    }

    /// Bytes of one row group, as they are packed.
    pub fn packed_bytes(&self, row_group: usize) -> u64 {
        let groups = self.metadata.row_groups().get(row_group);
        groups.map_or(0, |group| {
            u64::try_from(group.compressed_size()).unwrap_or(0)
        })
    }

    /// Begins to read a row group. `wanted` has one truth value a column; what is not wanted is not unpacked.
    pub fn row_group(self: &Arc<Self>, row_group: usize, wanted: &[bool]) -> RowGroup {
        let wanted = wanted.iter().copied().chain(std::iter::repeat(true));
        let readers: Vec<_> = (self.columns.iter().zip(wanted))
            .map(|(_, wanted)| if wanted { State::Waiting } else { State::Ended })
            .collect();
        let row_bytes = readers
            .iter()
            .filter(|state| matches!(state, State::Waiting))
            .count() as u64
            * 6;
        let n_rows = self.rows_of(row_group);
        RowGroup {
            table: Arc::clone(self),
            number: row_group,
            first_row: (0..row_group).map(|group| self.rows_of(group)).sum(),
            n_left: n_rows,
            chunk_rows: (CHUNK_BYTES / row_bytes.max(1)).clamp(1, CHUNK_ROWS),
            readers,
            unpacker: Arc::default(),
            warnings: Vec::new(),
        }
    }

    fn rows_of(&self, row_group: usize) -> u64 {
        let group = self.metadata.row_groups().get(row_group);
        group.map_or(0, |group| u64::try_from(group.num_rows()).unwrap_or(0))
    }

    /// The columns, by the last part of their path where that is distinct.
    fn name_columns(&mut self) {
        let schema = self.metadata.file_metadata().schema_descr();
        let mut taken = BTreeSet::new();
        for (index, column) in schema.columns().iter().enumerate() {
            let path = column.path().string();
            match leaf::kind_of(column) {
                Ok((kind, conversion)) => {
                    let short = column.name().to_owned();
                    let mut name = if taken.contains(&short) {
                        path.clone()
                    } else {
                        short
                    };
                    while !taken.insert(name.clone()) {
                        name.push('_');
                    }
                    self.columns.push(TableColumn { name, kind });
                    self.leaves.push((index, conversion));
                }
                Err(why) => {
                    let text = format!("column {path} is left out: {why}");
                    self.warnings.push(Warning::new("FS-TABLE-007", text));
                }
            }
        }
    }

    fn open_leaf(
        &self,
        row_group: usize,
        column: usize,
        unpacker: &Arc<Unpacker>,
    ) -> Result<Leaf, ParquetError> {
        let (index, conversion) = self
            .leaves
            .get(column)
            .ok_or_else(|| missing("no such column"))?;
        let group = self
            .metadata
            .row_groups()
            .get(row_group)
            .ok_or_else(|| missing("no such row group"))?;
        let chunk = group
            .columns()
            .get(*index)
            .ok_or_else(|| missing("it is not in the row group"))?;
        let range = place(chunk).filter(|range| range.end <= self.bytes.len());
        let range = range.ok_or_else(|| missing("the file has no bytes where it should be"))?;
        let n_values = u64::try_from(chunk.num_values())
            .map_err(|_negative| missing("it claims fewer than no values"))?;
        let (bytes, unpacker) = (self.bytes.slice(range), Arc::clone(unpacker));
        let pages = ColumnPages::new(bytes, chunk.compression(), n_values, unpacker);
        Ok(Leaf::new(chunk.column_descr_ptr(), pages, *conversion))
    }
}

/// What is left to read of a row group.
pub struct RowGroup {
    table: Arc<ParquetTable>,
    number: usize,
    first_row: u64,
    n_left: u64,
    chunk_rows: u64,
    readers: Vec<State>,
    unpacker: Arc<Unpacker>,
    warnings: Vec<Warning>,
}

/// How far a column of a row group is.
enum State {
    Waiting,
    Open(Box<Leaf>),
    /// Not wanted, read to its end, or damaged from here on.
    Ended,
}

impl RowGroup {
    /// Reads no more than these rows.
    pub fn limit_rows(&mut self, n_rows: u64) {
        self.n_left = self.n_left.min(n_rows);
    }

    /// The next rows; `None` after the last. A column that is damaged is missing from there on, with a warning.
    pub fn next_chunk(
        &mut self,
        progress: &dyn Progress,
    ) -> Result<Option<TableChunk>, TableError> {
        let n_rows = self.n_left.min(self.chunk_rows);
        if n_rows == 0 {
            return Ok(None);
        }
        self.n_left -= n_rows;
        let n_rows = usize::try_from(n_rows).unwrap_or(usize::MAX);
        let mut columns = Vec::with_capacity(self.readers.len());
        for column in 0..self.readers.len() {
            progress.tick(self.first_row, self.table.n_rows())?;
            columns.push(self.read(column, n_rows));
        }
        let first_row = self.first_row;
        self.first_row += n_rows as u64;
        Ok(Some(TableChunk {
            first_row,
            n_rows,
            columns,
            places: Vec::new(),
        }))
    }

    /// What was damaged so far.
    pub fn take_warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings)
    }

    fn read(&mut self, column: usize, n_rows: usize) -> Option<Column> {
        let state = self.readers.get_mut(column)?;
        let mut leaf = match std::mem::replace(state, State::Ended) {
            State::Ended => return None,
            State::Open(leaf) => Ok(leaf),
            State::Waiting => {
                let leaf = self.table.open_leaf(self.number, column, &self.unpacker);
                leaf.map(Box::new)
            }
        };
        let values = leaf
            .as_mut()
            .map_err(|error| error.to_string())
            .and_then(|leaf| {
                // A reader that panicked is dropped.
                contained(|| leaf.read(n_rows))
            });
        match (values, leaf) {
            (Ok(values), leaf) => {
                if let (Ok(leaf), true) = (leaf, self.n_left > 0) {
                    *state = State::Open(leaf);
                }
                Some(values)
            }
            (Err(error), _) => {
                let name = self
                    .table
                    .columns
                    .get(column)
                    .map_or("", |column| &column.name);
                let error = error.trim_start_matches("Parquet error: ");
                let text = format!(
                    "column {name} cannot be read in rows {} to {}: {error}. These values are missing",
                    self.first_row,
                    self.first_row + n_rows as u64 + self.n_left - 1
                );
                let leaf = self.table.leaves.get(column);
                let at = leaf.and_then(|(index, _)| {
                    let group = self.table.metadata.row_groups().get(self.number)?;
                    place(group.columns().get(*index)?)
                });
                self.warnings.push(match at {
                    Some(range) => Warning::at("FS-TABLE-008", range.start as u64, text),
                    None => Warning::new("FS-TABLE-008", text),
                });
                None
            }
        }
    }
}

/// Where a column of a row group lies in the file. Its dictionary stands first.
fn place(chunk: &ColumnChunkMetaData) -> Option<std::ops::Range<usize>> {
    let data = chunk.data_page_offset();
    let dictionary = chunk.dictionary_page_offset().filter(|at| *at > 0);
    let start = usize::try_from(dictionary.map_or(data, |at| at.min(data))).ok()?;
    let len = usize::try_from(chunk.compressed_size()).ok()?;
    Some(start..start.checked_add(len)?)
}

fn missing(text: &str) -> ParquetError {
    ParquetError::General(text.to_owned())
}

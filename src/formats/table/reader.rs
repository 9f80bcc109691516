//! One way to read any table: its columns, some rows to guess from, then all rows in chunks.

use super::bad_rows::BadRows;
use super::csv::CsvTable;
use super::json_lines::JsonLinesTable;
use super::mapping::{Mapping, is_log};
use super::parquet::{ParquetTable, RowGroup};
use super::{TableChunk, TableColumn, TableError};
use crate::model::progress::{Progress, Unattended};
use crate::model::warning::Warning;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Rows that a mapping is guessed from.
const SAMPLE_ROWS: u64 = 1000;

/// What a table is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TableFormat {
    #[serde(rename = "csv")]
    Csv,
    #[serde(rename = "jsonl")]
    JsonLines,
    #[serde(rename = "parquet")]
    Parquet,
}

impl TableFormat {
    /// As people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::JsonLines => "JSON Lines",
            Self::Parquet => "Parquet",
        }
    }

    /// What a file name says, for a table whose mapping is given.
    pub fn of_extension(path: &str) -> Option<Self> {
        match path.rsplit('.').next()?.to_ascii_lowercase().as_str() {
            "csv" | "tsv" | "txt" => Some(Self::Csv),
            "jsonl" | "ndjson" | "json" => Some(Self::JsonLines),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }

    /// Tells a table by its first bytes. A text is a table only if its first lines can be mapped: logs have commas too.
    pub fn of(head: &[u8]) -> Option<Self> {
        if super::parquet::is_parquet(head) {
            return Some(Self::Parquet);
        }
        // The last line of a beginning may be half of one.
        let whole_lines =
            memchr::memrchr(b'\n', head).map_or(head, |at| head.get(..=at).unwrap_or(head));
        let is_mapped = |columns: &[TableColumn], sample: &TableChunk| {
            Mapping::guess(columns, sample).is_ok_and(|mapping| !is_log(columns, &mapping))
        };
        let object = head.trim_ascii_start().first() == Some(&b'{');
        if object {
            let table = JsonLinesTable::open(whole_lines).ok()?;
            return is_mapped(table.columns(), table.sample()).then_some(Self::JsonLines);
        }
        let table = CsvTable::open(whole_lines).ok()?;
        is_mapped(table.columns(), table.sample()).then_some(Self::Csv)
    }
}

/// An open table.
pub enum Table<'b> {
    Csv(Box<CsvTable<'b>>),
    JsonLines(Box<JsonLinesTable<'b>>),
    Parquet(Box<ParquetRows>),
}

/// The rows of all row groups of a Parquet file.
pub struct ParquetRows {
    table: Arc<ParquetTable>,
    sample: TableChunk,
    wanted: Vec<bool>,
    group: Option<RowGroup>,
    next_group: usize,
    packed_read: u64,
    warnings: Vec<Warning>,
}

impl<'b> Table<'b> {
    /// Opens a table in bytes that are of this format.
    pub fn open<B>(bytes: &'b B, format: TableFormat) -> Result<Self, TableError>
    where
        B: AsRef<[u8]> + Clone + Send + 'static,
    {
        Ok(match format {
            TableFormat::Csv => Self::Csv(Box::new(CsvTable::open(bytes.as_ref())?)),
            TableFormat::JsonLines => {
                Self::JsonLines(Box::new(JsonLinesTable::open(bytes.as_ref())?))
            }
            TableFormat::Parquet => Self::Parquet(Box::new(ParquetRows::open(
                ParquetTable::open(bytes.clone())?,
            )?)),
        })
    }

    /// The columns that are known so far; JSON Lines may get more.
    pub fn columns(&self) -> &[TableColumn] {
        match self {
            Self::Csv(table) => table.columns(),
            Self::JsonLines(table) => table.columns(),
            Self::Parquet(rows) => rows.table.columns(),
        }
    }

    /// Some of the first rows.
    pub fn sample(&self) -> &TableChunk {
        match self {
            Self::Csv(table) => table.sample(),
            Self::JsonLines(table) => table.sample(),
            Self::Parquet(rows) => &rows.sample,
        }
    }

    /// How many rows there are, as the file says or as the sample lets expect.
    pub fn n_rows(&self) -> u64 {
        match self {
            Self::Csv(table) => table.expected_rows(),
            Self::JsonLines(table) => table.expected_rows(),
            Self::Parquet(rows) => rows.table.n_rows(),
        }
    }

    /// Leaves out columns without a role. Others are read.
    pub fn want(&mut self, mapping: &Mapping) {
        if let Self::Parquet(rows) = self {
            rows.wanted = mapping.wanted(rows.table.columns());
        }
    }

    /// The next rows; `None` after the last.
    pub fn next_chunk(
        &mut self,
        bad: &mut BadRows,
        progress: &dyn Progress,
    ) -> Result<Option<TableChunk>, TableError> {
        match self {
            Self::Csv(table) => table.next_chunk(bad, progress),
            Self::JsonLines(table) => table.next_chunk(bad, progress),
            Self::Parquet(rows) => rows.next_chunk(progress),
        }
    }

    /// Bytes of the file that were read.
    pub fn position(&self) -> u64 {
        match self {
            Self::Csv(table) => table.position(),
            Self::JsonLines(table) => table.position(),
            Self::Parquet(rows) => rows.packed_read,
        }
    }

    /// What was wrong with the table as a whole so far.
    pub fn take_warnings(&mut self) -> Vec<Warning> {
        match self {
            Self::Csv(table) => table.take_warnings(),
            Self::JsonLines(table) => table.take_warnings(),
            Self::Parquet(rows) => std::mem::take(&mut rows.warnings),
        }
    }
}

impl ParquetRows {
    fn open(table: ParquetTable) -> Result<Self, TableError> {
        let table = Arc::new(table);
        let mut group = table.row_group(0, &[]);
        group.limit_rows(SAMPLE_ROWS);
        let sample = group.next_chunk(&Unattended)?.unwrap_or_default();
        let warnings = table.warnings().to_vec();
        let wanted = vec![true; table.columns().len()];
        Ok(Self {
            table,
            sample,
            wanted,
            group: None,
            next_group: 0,
            packed_read: 0,
            warnings,
        })
    }

    fn next_chunk(&mut self, progress: &dyn Progress) -> Result<Option<TableChunk>, TableError> {
        loop {
            if let Some(group) = &mut self.group {
                let chunk = group.next_chunk(progress)?;
                self.warnings.extend(group.take_warnings());
                if chunk.is_some() {
                    return Ok(chunk);
                }
                self.packed_read += self.table.packed_bytes(self.next_group - 1);
            }
            if self.next_group >= self.table.n_row_groups() {
                return Ok(None);
            }
            self.group = Some(self.table.row_group(self.next_group, &self.wanted));
            self.next_group += 1;
        }
    }
}

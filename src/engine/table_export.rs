//! A named query as a file: what `fieldscope export` writes and what the window saves, by the same function.

use super::context::QueryContext;
use super::fleet::crash_marks::nanos;
use super::queries::tables::{TABLES, TableAnswer, TableArgs};
use super::query::QueryError;
use super::whole_file::{FileError, written_whole};
use crate::formats::written_table::{Cells, WrittenTable};
use serde_json::Value;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

/// How a table is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WrittenFormat {
    /// Comma-separated values, RFC 4180.
    #[default]
    Csv,
    /// Apache Parquet.
    Parquet,
}

/// A table that is to be written to a file.
#[derive(Clone, Debug)]
pub struct TableExport {
    /// Name of the query.
    pub query: &'static str,
    /// What is asked.
    pub args: TableArgs,
    /// How it is written.
    pub format: WrittenFormat,
    /// The file.
    pub path: PathBuf,
    /// A file that is there is replaced: somebody agreed to that.
    pub replaces: bool,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum TableExportError {
    /// The question has no answer.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The file was not written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl WrittenFormat {
    /// Ending of a file name.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
}

/// Answers a query and writes it to a file, whole or not at all; how many rows it has.
pub fn export(context: &QueryContext, export: &TableExport) -> Result<usize, TableExportError> {
    let table = TABLES.iter().find(|table| table.name == export.query);
    let Some(table) = table else {
        let what = format!("there is no query {}", export.query);
        return Err(QueryError::NotFound(what).into());
    };
    let answer = (table.run)(context, &export.args)?;
    written_whole(&export.path, export.replaces, |file| {
        let mut out = BufWriter::new(file);
        write_table(&answer, export.format, &mut out)
            .and_then(|()| out.flush())
            .map_err(|error| FileError::io(&export.path, error))?;
        Ok(answer.rows.len())
    })
}

/// Writes an answer.
pub fn write_table(
    answer: &TableAnswer,
    format: WrittenFormat,
    out: &mut (dyn Write + Send),
) -> std::io::Result<()> {
    let table = table_of(answer);
    match format {
        WrittenFormat::Csv => table.write_csv(out),
        WrittenFormat::Parquet => table.write_parquet(out),
    }
}

/// The columns of an answer, each with the type that all its cells have. A column without any cell is text.
fn table_of(answer: &TableAnswer) -> WrittenTable {
    let columns = answer.columns.iter().enumerate().map(|(index, name)| {
        let cells = || answer.rows.iter().map(move |row| row.get(index));
        let column = integers(cells())
            .or_else(|| reals(cells()))
            .or_else(|| booleans(cells()))
            .or_else(|| times(cells()));
        let column = column.unwrap_or_else(|| Cells::Text(cells().map(text).collect()));
        ((*name).to_owned(), column)
    });
    let mut facts = vec![("fieldscope.query".to_owned(), answer.name.to_owned())];
    let numbers = [
        ("n_devices", answer.n_devices.map(|n| n.to_string())),
        (
            "device_hours",
            answer.device_hours.map(|hours| hours.to_string()),
        ),
    ];
    for (name, value) in numbers {
        facts.extend(value.map(|value| (format!("fieldscope.{name}"), value)));
    }
    if !answer.notes.is_empty() {
        facts.push(("fieldscope.notes".to_owned(), answer.notes.join("\n")));
    }
    WrittenTable {
        columns: columns.collect(),
        facts,
    }
}

/// Cells of one type: `None` where there is another one among them, or none at all.
fn of_type<'v, T>(
    cells: impl Iterator<Item = Option<&'v Value>>,
    read: impl Fn(&Value) -> Option<T>,
) -> Option<Vec<Option<T>>> {
    let mut read_cells = Vec::new();
    for cell in cells {
        read_cells.push(match cell {
            None | Some(Value::Null) => None,
            Some(value) => Some(read(value)?),
        });
    }
    read_cells.iter().any(Option::is_some).then_some(read_cells)
}

fn integers<'v>(cells: impl Iterator<Item = Option<&'v Value>>) -> Option<Cells> {
    of_type(cells, Value::as_i64).map(Cells::Integer)
}

fn reals<'v>(cells: impl Iterator<Item = Option<&'v Value>>) -> Option<Cells> {
    of_type(cells, Value::as_f64).map(Cells::Real)
}

fn booleans<'v>(cells: impl Iterator<Item = Option<&'v Value>>) -> Option<Cells> {
    of_type(cells, Value::as_bool).map(Cells::Boolean)
}

/// Times as our own queries write them: with a date, a time of day and `Z`.
fn times<'v>(cells: impl Iterator<Item = Option<&'v Value>>) -> Option<Cells> {
    let read = |value: &Value| {
        let text = value.as_str()?;
        let is_time = text.len() >= 20 && text.ends_with('Z') && text.get(10..11) == Some("T");
        if is_time { nanos(text) } else { None }
    };
    of_type(cells, read).map(Cells::Time)
}

/// Text as it is; what is made of several values as JSON.
fn text(cell: Option<&Value>) -> Option<String> {
    match cell {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => Some(other.to_string()),
    }
}

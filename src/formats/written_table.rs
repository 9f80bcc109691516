//! A table as a file: CSV (RFC 4180) and Parquet, for spreadsheets, notebooks and warehouses.
//!
//! Missing is missing: an empty field of CSV, a null of Parquet. Text that is empty is `""` in CSV. In Parquet a time is
//! `TIMESTAMP(NANOS, UTC)`, in CSV RFC 3339. Parquet is not compressed but has dictionaries, which every reader knows.

use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as PhysicalType};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{Type, TypePtr};
use std::io::Write;
use std::sync::Arc;

/// Rows of a row group.
const GROUP_ROWS: usize = 1 << 17;

/// The cells of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Cells {
    /// Whole numbers.
    Integer(Vec<Option<i64>>),
    /// Real numbers.
    Real(Vec<Option<f64>>),
    /// Yes and no.
    Boolean(Vec<Option<bool>>),
    /// Texts.
    Text(Vec<Option<String>>),
    /// Nanoseconds since 1970, UTC.
    Time(Vec<Option<i64>>),
}

/// A table that is to be written. All columns have the same number of cells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WrittenTable {
    /// Names and cells.
    pub columns: Vec<(String, Cells)>,
    /// What to know of it, by name: kept in the footer of Parquet.
    pub facts: Vec<(String, String)>,
}

impl WrittenTable {
    /// Rows.
    pub fn n_rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, cells)| cells.len())
    }

    /// Writes it as CSV: a line with the names, then a line a row.
    pub fn write_csv(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let names: Vec<String> = self.columns.iter().map(|(name, _)| quoted(name)).collect();
        write!(out, "{}\r\n", names.join(","))?;
        for row in 0..self.n_rows() {
            for (index, (_, cells)) in self.columns.iter().enumerate() {
                if index > 0 {
                    out.write_all(b",")?;
                }
                out.write_all(cells.csv(row).as_bytes())?;
            }
            out.write_all(b"\r\n")?;
        }
        Ok(())
    }

    /// Writes it as Parquet.
    pub fn write_parquet(&self, out: impl Write + Send) -> std::io::Result<()> {
        let write = || -> Result<(), ParquetError> {
            let fields = self.columns.iter().map(|(name, cells)| cells.field(name));
            let fields = fields.collect::<Result<Vec<TypePtr>, ParquetError>>()?;
            let schema = Type::group_type_builder("table")
                .with_fields(fields)
                .build()?;
            let facts = self.facts.iter();
            let facts = facts.map(|(name, value)| KeyValue::new(name.clone(), value.clone()));
            let properties = WriterProperties::builder()
                // The same table is the same bytes, whoever wrote it.
                .set_created_by("fieldscope".to_owned())
                .set_key_value_metadata(Some(facts.collect()))
                .build();
            let mut file = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
            for first in (0..self.n_rows()).step_by(GROUP_ROWS) {
                let rows = first..first.saturating_add(GROUP_ROWS).min(self.n_rows());
                let mut group = file.next_row_group()?;
                for (_, cells) in &self.columns {
                    cells.write(&mut group, rows.clone())?;
                }
                group.close()?;
            }
            file.close()?;
            Ok(())
        };
        write().map_err(|error| match error {
            // What the disk said is what a person has to know.
            ParquetError::External(error) => match error.downcast::<std::io::Error>() {
                Ok(error) => *error,
                Err(other) => std::io::Error::other(other),
            },
            other => std::io::Error::other(other),
        })
    }
}

impl Cells {
    fn len(&self) -> usize {
        match self {
            Self::Integer(cells) | Self::Time(cells) => cells.len(),
            Self::Real(cells) => cells.len(),
            Self::Boolean(cells) => cells.len(),
            Self::Text(cells) => cells.len(),
        }
    }

    fn csv(&self, row: usize) -> String {
        let written = match self {
            Self::Integer(cells) => cells.get(row).copied().flatten().map(|it| it.to_string()),
            // As few digits as read back as the same number.
            Self::Real(cells) => cells.get(row).copied().flatten().map(|it| it.to_string()),
            Self::Boolean(cells) => cells.get(row).copied().flatten().map(|it| it.to_string()),
            Self::Text(cells) => cells.get(row).cloned().flatten().map(|it| quoted(&it)),
            Self::Time(cells) => cells.get(row).copied().flatten().map(rfc3339),
        };
        written.unwrap_or_default()
    }

    fn field(&self, name: &str) -> Result<TypePtr, ParquetError> {
        let (physical, logical) = match self {
            Self::Integer(_) => (PhysicalType::INT64, None),
            Self::Real(_) => (PhysicalType::DOUBLE, None),
            Self::Boolean(_) => (PhysicalType::BOOLEAN, None),
            Self::Text(_) => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
            Self::Time(_) => {
                let logical = LogicalType::timestamp(true, TimeUnit::NANOS);
                (PhysicalType::INT64, Some(logical))
            }
        };
        let field = Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical)
            .build()?;
        Ok(Arc::new(field))
    }

    fn write(
        &self,
        group: &mut SerializedRowGroupWriter<'_, impl Write + Send>,
        rows: std::ops::Range<usize>,
    ) -> Result<(), ParquetError> {
        match self {
            Self::Integer(cells) | Self::Time(cells) => {
                write_cells::<Int64Type, _>(group, part(cells, rows), |it| *it)
            }
            Self::Real(cells) => write_cells::<DoubleType, _>(group, part(cells, rows), |it| *it),
            Self::Boolean(cells) => write_cells::<BoolType, _>(group, part(cells, rows), |it| *it),
            Self::Text(cells) => {
                write_cells::<ByteArrayType, _>(group, part(cells, rows), |text: &String| {
                    ByteArray::from(text.as_bytes().to_vec())
                })
            }
        }
    }
}

fn part<T>(cells: &[Option<T>], rows: std::ops::Range<usize>) -> &[Option<T>] {
    cells.get(rows).unwrap_or_default()
}

fn write_cells<T: DataType, C>(
    group: &mut SerializedRowGroupWriter<'_, impl Write + Send>,
    cells: &[Option<C>],
    value: impl Fn(&C) -> T::T,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Ok(());
    };
    let values: Vec<T::T> = cells.iter().flatten().map(value).collect();
    let levels: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
    column
        .typed::<T>()
        .write_batch(&values, Some(&levels), None)?;
    column.close()
}

/// A field of CSV: in quotes where it has to be, and where it is empty but there.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| !matches!(c, ',' | '"' | '\r' | '\n');
    if !text.is_empty() && text.trim() == text && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// `2026-06-03T14:00:00.000000000Z`, as JSON has it. A time before 1970 is written as its nanoseconds.
fn rfc3339(ns: i64) -> String {
    let nanos = u64::try_from(ns).map(std::time::Duration::from_nanos).ok();
    let time = nanos.and_then(|nanos| std::time::UNIX_EPOCH.checked_add(nanos));
    time.map_or_else(
        || ns.to_string(),
        |time| humantime::format_rfc3339_nanos(time).to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::{Cells, WrittenTable};

    #[test]
    fn fields_of_csv_are_quoted_where_they_have_to_be_and_missing_is_empty() {
        let table = WrittenTable {
            columns: vec![
                (
                    "a,b".to_owned(),
                    Cells::Text(vec![
                        Some("say \"no\"".to_owned()),
                        None,
                        Some(String::new()),
                        Some("two\nlines".to_owned()),
                    ]),
                ),
                (
                    "x".to_owned(),
                    Cells::Real(vec![Some(0.1), Some(-0.0), None, Some(1e300)]),
                ),
                (
                    "at".to_owned(),
                    Cells::Time(vec![Some(1_500_000_000), None, Some(0), Some(-1)]),
                ),
            ],
            facts: Vec::new(),
        };
        let mut out = Vec::new();
        table.write_csv(&mut out).unwrap();
        let huge = 1e300_f64.to_string();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            format!(
                "\"a,b\",x,at\r\n\"say \"\"no\"\"\",0.1,1970-01-01T00:00:01.500000000Z\r\n,-0,\r\n\"\",,1970-01-01T00:00:00.000000000Z\r\n\"two\nlines\",{huge},-1\r\n"
            )
        );
    }

    #[test]
    fn a_disk_that_is_full_says_so_in_its_own_words() {
        struct Full;
        impl std::io::Write for Full {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::Error::from(std::io::ErrorKind::StorageFull))
            }
            fn flush(&mut self) -> std::io::Result<()> {
                self.write(b"x").map(|_| ())
            }
        }
        let table = WrittenTable {
            columns: vec![("n".to_owned(), Cells::Integer(vec![Some(1); 100_000]))],
            facts: Vec::new(),
        };
        let error = table.write_parquet(Full).unwrap_err();
        assert!(error.to_string().contains("no storage space"), "{error}");
        assert!(table.write_csv(&mut Full).is_err());
    }
}

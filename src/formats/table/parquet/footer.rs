//! The footer of a Parquet file, checked before the `parquet` crate parses it: it trusts the number of children that a group
//! claims (an allocation) and follows groups in groups by recursion.
//!
//! Layout: apache/parquet-format, src/main/thrift/parquet.thrift (`FileMetaData`, `SchemaElement`).

use super::thrift::{Compact, I32, LIST, STRUCT};
use crate::formats::table::{MOST_COLUMNS, TableError};
use crate::model::warning::Warning;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

/// At both ends of a file.
const MAGIC: &[u8; 4] = b"PAR1";
/// At the end of a file whose footer is encrypted.
const MAGIC_ENCRYPTED: &[u8; 4] = b"PARE";
/// Length of the footer and the magic.
const TAIL_BYTES: usize = 8;
/// 1,000 row groups of 300 columns have a footer of 40 MB.
const LARGEST_FOOTER_BYTES: usize = 64 << 20;
/// Groups in groups.
const DEEPEST_SCHEMA: usize = 16;

/// Whether the bytes may be a Parquet file; a file that was cut off is one too.
pub(super) fn is_parquet(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Parses the footer.
pub(super) fn read(bytes: &[u8]) -> Result<ParquetMetaData, TableError> {
    let footer = footer_of(bytes)?;
    let at = bytes.len() - TAIL_BYTES - footer.len();
    let damaged = |what: &str| {
        wrong(
            "FS-TABLE-002",
            at,
            format!("the footer {what}. The file is damaged: ask for it again"),
        )
    };
    let n_elements = check_schema(footer).ok_or_else(|| damaged("does not describe columns"))?;
    if n_elements > MOST_COLUMNS {
        return Err(wrong(
            "FS-TABLE-003",
            at,
            format!(
                "the table has {n_elements} columns; up to {MOST_COLUMNS} are read. Write a table of those that matter"
            ),
        ));
    }
    super::contained(|| ParquetMetaDataReader::decode_metadata(footer))
        .map_err(|error| damaged(&format!("cannot be read ({error})")))
}

fn footer_of(bytes: &[u8]) -> Result<&[u8], TableError> {
    let cut_off = || {
        let text = "the file ends without the footer that says where its columns are: it was cut off, or is still being written. Copy it again";
        wrong("FS-TABLE-001", bytes.len(), text.to_owned())
    };
    let (rest, tail) = bytes.split_last_chunk::<TAIL_BYTES>().ok_or_else(cut_off)?;
    let (len, magic) = tail.split_first_chunk::<4>().ok_or_else(cut_off)?;
    if magic == MAGIC_ENCRYPTED {
        let text = "the file is encrypted, which is not read. Write it again without encryption";
        return Err(wrong("FS-TABLE-004", bytes.len(), text.to_owned()));
    }
    if magic != MAGIC {
        return Err(cut_off());
    }
    let len = usize::try_from(u32::from_le_bytes(*len)).unwrap_or(usize::MAX);
    if len > LARGEST_FOOTER_BYTES {
        let text = format!(
            "the footer claims {len} bytes; up to {LARGEST_FOOTER_BYTES} are read. Write fewer columns or larger row groups"
        );
        return Err(wrong("FS-TABLE-005", rest.len(), text));
    }
    let start = rest.len().checked_sub(len).ok_or_else(|| {
        let text = format!("the footer claims {len} bytes, more than the file has. The file is damaged: ask for it again");
        wrong("FS-TABLE-002", rest.len(), text)
    })?;
    rest.get(start..).ok_or_else(cut_off)
}

/// How many elements the schema has, if its groups are as wide as there are elements for and not too deep.
fn check_schema(footer: &[u8]) -> Option<usize> {
    let mut n_elements = None;
    Compact::new(footer).structure(|reader, id, kind| {
        if (id, kind) != (2, LIST) {
            return Some(false);
        }
        let (element, n) = reader.list()?;
        // Where each group ends, as the number of its elements that are still to come.
        let mut open: Vec<usize> = Vec::new();
        for left in (0..n).rev() {
            let children = if element == STRUCT {
                children(reader)?
            } else {
                return None;
            };
            while open.last() == Some(&0) {
                open.pop();
            }
            if let Some(siblings) = open.last_mut() {
                *siblings -= 1;
            }
            if children > 0 {
                open.push(children);
            }
            if children > left || open.len() > DEEPEST_SCHEMA {
                return None;
            }
        }
        n_elements = Some(n);
        Some(true)
    })?;
    n_elements
}

/// `num_children` of one element; 0 where it has none.
fn children(reader: &mut Compact<'_>) -> Option<usize> {
    let mut children = 0;
    reader.structure(|reader, id, kind| {
        if (id, kind) != (5, I32) {
            return Some(false);
        }
        children = usize::try_from(reader.integer()?).ok()?;
        Some(true)
    })?;
    Some(children)
}

fn wrong(code: &str, at: usize, message: String) -> TableError {
    TableError::Unreadable(Warning::at(code, at as u64, message))
}

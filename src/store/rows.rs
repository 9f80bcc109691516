//! Between SQLite's values and ours: checked conversions that every reader and writer shares.

use crate::model::{arch::Arch, build_id::BuildId, report::FaultKind};
use rusqlite::{
    Row,
    types::{FromSqlError, Type},
};
use serde::{Serialize, de::DeserializeOwned};

/// A size or count as SQLite stores it (63 bits are enough for any file).
pub(super) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A length of memory as SQLite stores it.
pub(super) fn stored_len(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that is never negative.
pub(super) fn unsigned(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_negative| out_of_range(row, column, value))
}

/// A number that is never negative and may be missing.
pub(super) fn unsigned_or_null(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<u64>> {
    let value: Option<i64> = row.get(column)?;
    value
        .map(|value| u64::try_from(value).map_err(|_negative| out_of_range(row, column, value)))
        .transpose()
}

/// A number that fits 32 bits and may be missing.
pub(super) fn small_or_null(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<u32>> {
    let value: Option<i64> = row.get(column)?;
    value
        .map(|value| u32::try_from(value).map_err(|_large| out_of_range(row, column, value)))
        .transpose()
}

/// A build id, stored as hex.
pub(super) fn build_id(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<BuildId>> {
    let text: Option<String> = row.get(column)?;
    text.map(|hex| {
        BuildId::from_hex(&hex)
            .ok_or_else(|| unreadable(row, column, &format!("{hex:?} is not a build id")))
    })
    .transpose()
}

/// A processor, stored under its name in JSON.
pub(super) fn arch(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Arch>> {
    let text: Option<String> = row.get(column)?;
    text.map(|name| by_name(row, column, &name)).transpose()
}

/// A fault class, stored under its name in JSON.
pub(super) fn fault_kind(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<FaultKind>> {
    let text: Option<String> = row.get(column)?;
    text.map(|name| by_name(row, column, &name)).transpose()
}

/// A value of an enum without data, from its name in JSON.
pub(super) fn by_name<T: DeserializeOwned>(
    row: &Row<'_>,
    column: &str,
    name: &str,
) -> rusqlite::Result<T> {
    serde_json::from_value(serde_json::Value::from(name))
        .map_err(|error| unreadable(row, column, &error.to_string()))
}

/// The name in JSON of a value of an enum without data.
pub(super) fn name_of(value: &impl Serialize) -> Option<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => Some(name),
        _ => None,
    }
}

/// The bounds of the build ids that start with `id`, for an indexed `BETWEEN`-like search:
/// `column >= low AND column < high`. Hex digits sort before `g`.
pub(super) fn longer_ids(id: &BuildId) -> (String, String) {
    let low = id.to_string();
    let high = format!("{low}g");
    (low, high)
}

/// An error of this column that says what does not fit.
pub(super) fn unreadable(row: &Row<'_>, column: &str, what: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(
        index_of(row, column),
        Type::Text,
        Box::new(FromSqlError::Other(format!("{column}: {what}").into())),
    )
}

fn out_of_range(row: &Row<'_>, column: &str, value: i64) -> rusqlite::Error {
    rusqlite::Error::IntegralValueOutOfRange(index_of(row, column), value)
}

fn index_of(row: &Row<'_>, column: &str) -> usize {
    row.as_ref().column_index(column).unwrap_or_default()
}

//! Columns whose values are names: a serial number, a version, a hardware revision. A table may write them as numbers.

use crate::model::series::{Column, NO_NAME, Values};
use std::collections::BTreeMap;
use std::fmt::Display;

/// Nothing is known of any row.
pub(super) fn none(n_rows: usize) -> (Vec<u32>, Vec<String>) {
    (vec![NO_NAME; n_rows], Vec::new())
}

/// The name of each row as an index, and the distinct names. A row without a value and an empty text have none.
pub(super) fn names_of(column: &Column) -> (Vec<u32>, Vec<String>) {
    match &column.values {
        Values::Text { index, names } => {
            let has_name = |id: u32| names.get(id as usize).is_some_and(|name| !name.is_empty());
            let ids = index.iter().enumerate().map(|(row, id)| {
                if column.is_present(row) && has_name(*id) {
                    *id
                } else {
                    NO_NAME
                }
            });
            (ids.collect(), names.clone())
        }
        Values::I32(values) => distinct(column, values, i64::from),
        Values::I64(values) => distinct(column, values, |value| value),
        Values::F32(values) => distinct(column, values, |value| i64::from(value.to_bits())),
        Values::F64(values) => distinct(column, values, |value| value.to_bits().cast_signed()),
    }
}

/// Names of numbers, by a key that is equal where they are. Neighbours are often equal.
fn distinct<T: Copy + Display>(
    column: &Column,
    values: &[T],
    key_of: impl Fn(T) -> i64,
) -> (Vec<u32>, Vec<String>) {
    let mut known: BTreeMap<i64, u32> = BTreeMap::new();
    let mut names = Vec::new();
    let mut ids = Vec::with_capacity(values.len());
    let mut last = None;
    for (row, value) in values.iter().enumerate() {
        if !column.is_present(row) {
            ids.push(NO_NAME);
            continue;
        }
        let key = key_of(*value);
        let id = match last {
            Some((last, id)) if last == key => id,
            _ => *known.entry(key).or_insert_with(|| {
                names.push(value.to_string());
                u32::try_from(names.len() - 1).unwrap_or(NO_NAME)
            }),
        };
        last = Some((key, id));
        ids.push(id);
    }
    (ids, names)
}

//! A column that gets its values one by one, and whose type is what was met so far: an integer, a float, a text.

use super::ColumnKind;
use super::cell::Cell;
use crate::model::series::{Column, Values};
use std::collections::BTreeMap;

/// What a column has turned out to be. It only widens, so that all chunks of a table have few types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Type {
    #[default]
    Unknown,
    Short,
    Long,
    Float,
    Text,
}

/// A value was not of the column's type and is missing now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotANumber;

/// The values of a column since the last chunk.
#[derive(Default)]
pub(super) struct Growing {
    kind: Type,
    integers: Vec<i64>,
    floats: Vec<f64>,
    texts: Texts,
    present: Vec<u64>,
    n_rows: usize,
    n_present: usize,
}

#[derive(Default)]
struct Texts {
    index: Vec<u32>,
    names: Vec<String>,
    known: BTreeMap<String, u32>,
    last: u32,
}

impl Growing {
    /// Puts a value into the row after the last.
    pub(super) fn push(&mut self, cell: Cell<'_>) -> Result<(), NotANumber> {
        match (self.kind, cell) {
            (_, Cell::Missing) => self.push_missing(),
            (Type::Text | Type::Unknown, Cell::Text(text)) => {
                self.widen(Type::Text);
                self.texts.push(text);
                self.mark();
            }
            (Type::Text, Cell::Integer(value)) => {
                self.texts.push(&value.to_string());
                self.mark();
            }
            (Type::Text, Cell::Float(value)) => {
                self.texts.push(&value.to_string());
                self.mark();
            }
            (_, Cell::Text(_)) => {
                self.push_missing();
                return Err(NotANumber);
            }
            (Type::Float, Cell::Integer(value)) => {
                self.floats.push(value as f64);
                self.mark();
            }
            (_, Cell::Float(value)) => {
                self.widen(Type::Float);
                self.floats.push(value);
                self.mark();
            }
            (_, Cell::Integer(value)) => {
                self.widen(if i32::try_from(value).is_ok() {
                    Type::Short
                } else {
                    Type::Long
                });
                self.integers.push(value);
                self.mark();
            }
        }
        Ok(())
    }

    /// Missing values until there are `n_rows` rows.
    pub(super) fn fill(&mut self, n_rows: usize) {
        while self.n_rows < n_rows {
            self.push_missing();
        }
    }

    pub(super) fn n_rows(&self) -> usize {
        self.n_rows
    }

    pub(super) fn is_text(&self) -> bool {
        self.kind == Type::Text
    }

    /// Says that it is a column of texts, whatever stood in it.
    pub(super) fn make_text(&mut self) {
        debug_assert_eq!(self.n_rows, 0, "values were read as numbers");
        self.kind = Type::Text;
    }

    pub(super) fn kind(&self) -> ColumnKind {
        match self.kind {
            Type::Text => ColumnKind::Text,
            Type::Short | Type::Long => ColumnKind::Integer,
            Type::Float | Type::Unknown => ColumnKind::Float,
        }
    }

    /// Takes the values since the last chunk. `None`: there is none.
    pub(super) fn take(&mut self) -> Option<Column> {
        let n_rows = std::mem::take(&mut self.n_rows);
        let n_present = std::mem::take(&mut self.n_present);
        let present = std::mem::take(&mut self.present);
        let integers = std::mem::take(&mut self.integers);
        let floats = std::mem::take(&mut self.floats);
        let texts = std::mem::take(&mut self.texts);
        if n_present == 0 {
            return None;
        }
        let values = match self.kind {
            Type::Short => Values::I32(
                integers
                    .into_iter()
                    .map(|value| i32::try_from(value).unwrap_or(0))
                    .collect(),
            ),
            Type::Long => Values::I64(integers),
            Type::Float | Type::Unknown => Values::F64(floats),
            Type::Text => Values::Text {
                index: texts.index,
                names: texts.names,
            },
        };
        Some(Column {
            values,
            present: (n_present < n_rows).then_some(present),
        })
    }

    fn push_missing(&mut self) {
        match self.kind {
            // Zeros are put before the first value.
            Type::Unknown => {}
            Type::Short | Type::Long => self.integers.push(0),
            Type::Float => self.floats.push(0.0),
            Type::Text => self.texts.index.push(0),
        }
        if self.n_rows.is_multiple_of(64) {
            self.present.push(0);
        }
        self.n_rows += 1;
    }

    /// The row after the last has a value.
    fn mark(&mut self) {
        if self.n_rows.is_multiple_of(64) {
            self.present.push(0);
        }
        if let Some(word) = self.present.last_mut() {
            *word |= 1 << (self.n_rows % 64);
        }
        self.n_rows += 1;
        self.n_present += 1;
    }

    fn widen(&mut self, to: Type) {
        if to <= self.kind {
            return;
        }
        match (self.kind, to) {
            (Type::Unknown, Type::Short | Type::Long) => self.integers.resize(self.n_rows, 0),
            (Type::Unknown, Type::Float) => self.floats.resize(self.n_rows, 0.0),
            (Type::Unknown, Type::Text) => self.texts.index.resize(self.n_rows, 0),
            (Type::Short | Type::Long, Type::Float) => {
                self.floats
                    .extend(self.integers.drain(..).map(|value| value as f64));
            }
            _ => {}
        }
        self.kind = to;
    }
}

impl Texts {
    /// Neighbours are often equal.
    fn push(&mut self, text: &str) {
        let is_last = self
            .names
            .get(self.last as usize)
            .is_some_and(|name| name == text);
        if !is_last {
            self.last = self.known.get(text).copied().unwrap_or_else(|| {
                let id = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
                self.names.push(text.to_owned());
                self.known.insert(text.to_owned(), id);
                id
            });
        }
        self.index.push(self.last);
    }
}

#[cfg(test)]
mod tests {
    use super::{Cell, Growing, NotANumber};
    use crate::model::series::Values;

    #[test]
    fn integers_become_floats_with_the_first_float() {
        let mut column = Growing::default();
        column.push(Cell::Missing).unwrap();
        column.push(Cell::Integer(7)).unwrap();
        column.push(Cell::Float(0.5)).unwrap();
        column.push(Cell::Integer(-3)).unwrap();
        assert_eq!(column.push(Cell::Text("x")), Err(NotANumber));
        let taken = column.take().unwrap();
        assert_eq!(taken.values, Values::F64(vec![0.0, 7.0, 0.5, -3.0, 0.0]));
        assert_eq!(taken.present, Some(vec![0b1110]));
        column.push(Cell::Integer(1)).unwrap();
        assert_eq!(column.take().unwrap().values, Values::F64(vec![1.0]));
        assert!(column.take().is_none());
    }

    #[test]
    fn small_integers_widen_once() {
        let mut column = Growing::default();
        column.push(Cell::Integer(7)).unwrap();
        assert_eq!(column.take().unwrap().values, Values::I32(vec![7]));
        column.push(Cell::Integer(1 << 40)).unwrap();
        column.push(Cell::Integer(8)).unwrap();
        assert_eq!(column.take().unwrap().values, Values::I64(vec![1 << 40, 8]));
        column.push(Cell::Integer(9)).unwrap();
        assert_eq!(column.take().unwrap().values, Values::I64(vec![9]));
    }

    #[test]
    fn texts_are_kept_once() {
        let mut column = Growing::default();
        for text in ["a", "b", "b", "a"] {
            column.push(Cell::Text(text)).unwrap();
        }
        column.push(Cell::Integer(5)).unwrap();
        let names = vec!["a".to_owned(), "b".to_owned(), "5".to_owned()];
        assert_eq!(
            column.take().unwrap().values,
            Values::Text {
                index: vec![0, 1, 1, 0, 2],
                names
            }
        );
    }
}

//! The rows of one cell in memory: how pieces of imports become one sorted set of rows, and that set blocks.

use super::codec::{Encoder, MOST_ROWS, ValueType};
use super::key::{CellKey, FIRST_METRIC, INTERVAL, TIME, VERSION, block_id};
use super::summary::{RowSummary, Stats, Summary, rounded_spacing};
use crate::model::series::{Column, Values};
use crate::store::error::StoreError;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Rows of one cell, with their columns by metric id. A metric has at most one value in a row, whatever its type.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rows {
    /// Place of the device in its group.
    pub(super) slot: Vec<u8>,
    /// Nanoseconds since 1970.
    pub(super) time: Vec<i64>,
    pub(super) columns: Vec<(u32, Column)>,
}

/// A block that is ready to be stored.
pub(super) struct Block {
    pub(super) id: i64,
    pub(super) summary: Vec<u8>,
    pub(super) data: Vec<u8>,
}

impl Rows {
    /// True when rows of `columns` can be appended: the same metrics with the same types, and no texts.
    fn takes(&self, columns: &[(u32, Column)]) -> bool {
        self.columns.len() == columns.len()
            && self
                .columns
                .iter()
                .zip(columns)
                .all(|((id, kept), (new_id, new))| {
                    let kept = ValueType::of(&kept.values);
                    id == new_id && kept == ValueType::of(&new.values) && kept != ValueType::Text
                })
    }

    /// Empty columns like those of a batch, with room for rows.
    fn like(columns: &[(u32, Column)], n_rows: usize) -> Self {
        let columns = columns.iter().map(|(id, column)| {
            let values = match &column.values {
                Values::I32(_) => Values::I32(Vec::with_capacity(n_rows)),
                Values::I64(_) => Values::I64(Vec::with_capacity(n_rows)),
                Values::F32(_) => Values::F32(Vec::with_capacity(n_rows)),
                Values::F64(_) => Values::F64(Vec::with_capacity(n_rows)),
                Values::Text { names, .. } => Values::Text {
                    index: Vec::with_capacity(n_rows),
                    names: names.clone(),
                },
            };
            let column = Column {
                values,
                present: None,
            };
            (*id, column)
        });
        Self {
            slot: Vec::with_capacity(n_rows),
            time: Vec::with_capacity(n_rows),
            columns: columns.collect(),
        }
    }

    fn reserve(&mut self, n_rows: usize) {
        self.slot.reserve(n_rows);
        self.time.reserve(n_rows);
        for (_, column) in &mut self.columns {
            match &mut column.values {
                Values::I32(values) => values.reserve(n_rows),
                Values::I64(values) => values.reserve(n_rows),
                Values::F32(values) => values.reserve(n_rows),
                Values::F64(values) => values.reserve(n_rows),
                Values::Text { index, .. } => index.reserve(n_rows),
            }
        }
    }
}

/// Rows of a batch that are of one cell, in their order.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// Batches are numbered as they came.
    pub(super) number: u64,
    /// All rows of the batch; the slot of each is that of its own cell.
    pub(super) batch: Arc<Rows>,
    pub(super) ranges: Vec<Range<usize>>,
}

/// The rows of some cells, each from its pieces; pieces of the same columns that follow each other are one.
///
/// A batch has the days of a device side by side, so the cells of a few days are filled at once: each column is then read from its
/// begin to its end, which takes a quarter of the time of jumping from day to day.
pub(super) fn gathered(cells: &[&[Piece]]) -> Vec<Vec<Rows>> {
    let mut all: Vec<Vec<Rows>> = vec![Vec::new(); cells.len()];
    type OfCell = (usize, Range<usize>);
    let mut batches: BTreeMap<u64, (&Arc<Rows>, Vec<OfCell>)> = BTreeMap::new();
    for (cell, pieces) in cells.iter().enumerate() {
        for piece in *pieces {
            let (_, ranges) = batches
                .entry(piece.number)
                .or_insert_with(|| (&piece.batch, Vec::new()));
            ranges.extend(piece.ranges.iter().map(|range| (cell, range.clone())));
        }
    }
    for (batch, mut ranges) in batches.into_values() {
        ranges.sort_unstable_by_key(|(_, range)| range.start);
        let mut n_rows = vec![0; cells.len()];
        for (cell, range) in &ranges {
            if let Some(n_rows) = n_rows.get_mut(*cell) {
                *n_rows += range.len();
            }
        }
        for (rows, n_rows) in all.iter_mut().zip(n_rows) {
            match rows.last_mut().filter(|rows| rows.takes(&batch.columns)) {
                Some(rows) => rows.reserve(n_rows),
                None if n_rows > 0 => rows.push(Rows::like(&batch.columns, n_rows)),
                None => {}
            }
        }
        for (cell, range) in &ranges {
            let Some(rows) = all.get_mut(*cell).and_then(|rows| rows.last_mut()) else {
                continue;
            };
            let slots = batch.slot.get(range.clone()).unwrap_or_default();
            rows.slot.extend_from_slice(slots);
            let times = batch.time.get(range.clone()).unwrap_or_default();
            rows.time.extend_from_slice(times);
        }
        for (column, (_, from)) in batch.columns.iter().enumerate() {
            for (cell, range) in &ranges {
                let rows = all.get_mut(*cell).and_then(|rows| rows.last_mut());
                if let Some((_, to)) = rows.and_then(|rows| rows.columns.get_mut(column)) {
                    append(to, from, range.clone());
                }
            }
        }
    }
    all
}

/// Appends rows of one column to another of the same type.
fn append(to: &mut Column, from: &Column, rows: Range<usize>) {
    let n_before = to.values.len();
    let n = rows.len();
    if from.present.is_some() && to.present.is_none() {
        to.present = Some(all_present(n_before));
    }
    if let Some(present) = &mut to.present {
        for (at, row) in (n_before..).zip(rows.clone()) {
            set_bit(present, at, from.is_present(row));
        }
    }
    match (&mut to.values, &from.values) {
        (Values::I32(to), Values::I32(from)) => {
            to.extend_from_slice(from.get(rows).unwrap_or_default());
        }
        (Values::I64(to), Values::I64(from)) => {
            to.extend_from_slice(from.get(rows).unwrap_or_default());
        }
        (Values::F32(to), Values::F32(from)) => {
            to.extend_from_slice(from.get(rows).unwrap_or_default());
        }
        (Values::F64(to), Values::F64(from)) => {
            to.extend_from_slice(from.get(rows).unwrap_or_default());
        }
        (Values::Text { index: to, .. }, Values::Text { index: from, .. }) => {
            to.extend_from_slice(from.get(rows).unwrap_or_default());
        }
        _ => debug_assert!(n == 0, "columns of two types"),
    }
}

fn all_present(n: usize) -> Vec<u64> {
    let mut bits = vec![u64::MAX; n / 64];
    if !n.is_multiple_of(64) {
        bits.push((1 << (n % 64)) - 1);
    }
    bits
}

fn set_bit(bits: &mut Vec<u64>, at: usize, is_set: bool) {
    if bits.len() <= at / 64 {
        bits.resize(at / 64 + 1, 0);
    }
    if let Some(word) = bits.get_mut(at / 64) {
        let bit = 1 << (at % 64);
        *word = if is_set { *word | bit } else { *word & !bit };
    }
}

/// Pieces in the order in which they came, as one: rows sorted by device and time, each once, the last value that is there.
pub(super) fn merged(pieces: Vec<Rows>) -> Rows {
    let keys: Vec<(u8, i64)> = pieces
        .iter()
        .flat_map(|piece| piece.slot.iter().copied().zip(piece.time.iter().copied()))
        .collect();
    let is_sorted = keys.is_sorted_by(|a, b| a < b);
    if is_sorted && pieces.len() == 1 {
        return pieces.into_iter().next().unwrap_or_default().tidy();
    }
    let (rows, target) = if is_sorted {
        let target = (0..keys.len()).collect();
        (keys, target)
    } else {
        sorted_once(&keys)
    };
    let mut builders: BTreeMap<(u32, ValueType), Column> = BTreeMap::new();
    let mut first = 0;
    for piece in &pieces {
        let n = piece.slot.len();
        let target: &[usize] = target.get(first..first + n).unwrap_or_default();
        first += n;
        for (id, column) in &piece.columns {
            let value_type = ValueType::of(&column.values);
            let builder = builders
                .entry((*id, value_type))
                .or_insert_with(|| empty(value_type, rows.len()));
            put(builder, column, target);
            for other in ValueType::ALL
                .into_iter()
                .filter(|other| *other != value_type)
            {
                if let Some(other) = builders.get_mut(&(*id, other)) {
                    clear(other, column, target);
                }
            }
        }
    }
    let (slot, time) = rows.into_iter().unzip();
    let columns = builders
        .into_iter()
        .map(|((id, _), column)| (id, column))
        .collect();
    Rows {
        slot,
        time,
        columns,
    }
    .tidy()
}

fn sorted_once(keys: &[(u8, i64)]) -> (Vec<(u8, i64)>, Vec<usize>) {
    let mut order: Vec<(u8, i64, usize)> = keys
        .iter()
        .enumerate()
        .map(|(at, key)| (key.0, key.1, at))
        .collect();
    order.sort_unstable();
    let mut rows: Vec<(u8, i64)> = Vec::with_capacity(order.len());
    let mut target = vec![0; order.len()];
    for (slot, time, at) in order {
        if rows.last() != Some(&(slot, time)) {
            rows.push((slot, time));
        }
        if let Some(target) = target.get_mut(at) {
            *target = rows.len() - 1;
        }
    }
    (rows, target)
}

fn empty(value_type: ValueType, n: usize) -> Column {
    let values = match value_type {
        ValueType::I32 => Values::I32(vec![0; n]),
        ValueType::I64 => Values::I64(vec![0; n]),
        ValueType::F32 => Values::F32(vec![0.0; n]),
        ValueType::F64 => Values::F64(vec![0.0; n]),
        ValueType::Text => Values::Text {
            index: vec![0; n],
            names: Vec::new(),
        },
    };
    Column {
        values,
        present: Some(vec![0; n.div_ceil(64)]),
    }
}

fn put(to: &mut Column, from: &Column, target: &[usize]) {
    fn place<T: Copy>(to: &mut [T], from: &[T], column: &Column, target: &[usize]) {
        for (row, (value, target)) in from.iter().zip(target).enumerate() {
            if column.is_present(row)
                && let Some(to) = to.get_mut(*target)
            {
                *to = *value;
            }
        }
    }
    match (&mut to.values, &from.values) {
        (Values::I32(to), Values::I32(values)) => place(to, values, from, target),
        (Values::I64(to), Values::I64(values)) => place(to, values, from, target),
        (Values::F32(to), Values::F32(values)) => place(to, values, from, target),
        (Values::F64(to), Values::F64(values)) => place(to, values, from, target),
        (
            Values::Text {
                index: to,
                names: all,
            },
            Values::Text { index, names },
        ) => {
            let mut places: BTreeMap<&str, u32> = BTreeMap::new();
            let mut known = std::mem::take(all);
            let known_before = known.clone();
            for (number, name) in (0..).zip(&known_before) {
                places.insert(name, number);
            }
            let moved: Vec<u32> = names
                .iter()
                .map(|name| {
                    *places.entry(name).or_insert_with(|| {
                        known.push(name.clone());
                        u32::try_from(known.len() - 1).unwrap_or(u32::MAX)
                    })
                })
                .collect();
            let index: Vec<u32> = index
                .iter()
                .map(|i| moved.get(*i as usize).copied().unwrap_or_default())
                .collect();
            place(to, &index, from, target);
            *all = known;
        }
        _ => {}
    }
    if let Some(present) = &mut to.present {
        for (row, target) in target.iter().enumerate() {
            if from.is_present(row) {
                set_bit(present, *target, true);
            }
        }
    }
}

fn clear(to: &mut Column, from: &Column, target: &[usize]) {
    if let Some(present) = &mut to.present {
        for (row, target) in target.iter().enumerate() {
            if from.is_present(row) {
                set_bit(present, *target, false);
            }
        }
    }
}

impl Rows {
    /// Drops columns without a value, and bitmaps of columns without a gap.
    fn tidy(mut self) -> Self {
        let n = self.slot.len();
        self.columns.retain_mut(|(_, column)| {
            let Some(bits) = &column.present else {
                return true;
            };
            let n_set: usize = bits.iter().map(|word| word.count_ones() as usize).sum();
            if n_set == n {
                column.present = None;
            }
            n_set > 0
        });
        self
    }

    fn runs(&self) -> Vec<(u8, u32)> {
        let runs = self.slot.chunk_by(|a, b| a == b);
        runs.filter_map(|run| Some((*run.first()?, u32::try_from(run.len()).ok()?)))
            .collect()
    }

    /// Version id of each row; 0 is not known.
    fn versions(&self) -> Vec<u32> {
        let column = self.columns.iter().find(|(id, _)| *id == VERSION);
        let Some((_, column)) = column else {
            return vec![0; self.slot.len()];
        };
        whole_or_zero(column)
    }

    fn row_summary(&self, runs: Vec<(u8, u32)>, versions: &[u32]) -> RowSummary {
        let mut summary = RowSummary {
            first_ns: self.time.iter().copied().min().unwrap_or_default(),
            last_ns: self.time.iter().copied().max().unwrap_or_default(),
            runs,
            ..RowSummary::default()
        };
        for part in versions.chunk_by(|a, b| a == b) {
            let version = part.first().copied().unwrap_or_default();
            *summary.versions.entry(version).or_default() += part.len() as u64;
            let n_rows = u32::try_from(part.len()).unwrap_or(u32::MAX);
            summary.version_runs.push((version, n_rows));
        }
        if summary.versions.len() < 2 {
            summary.version_runs.clear();
        }
        let slots = self.slot.iter().zip(self.slot.iter().skip(1));
        let times = self.time.iter().zip(self.time.iter().skip(1));
        for ((slot, next_slot), (time, next)) in slots.zip(times) {
            if slot == next_slot {
                *summary
                    .spacings
                    .entry(rounded_spacing(next.abs_diff(*time)))
                    .or_default() += 1;
            }
        }
        summary
    }

    /// The blocks of the cell.
    pub(super) fn blocks(
        &self,
        cell: CellKey,
        encoder: &mut Encoder,
    ) -> Result<Vec<Block>, StoreError> {
        if self.slot.len() > MOST_ROWS {
            return Err(StoreError::Unusable {
                what: format!(
                    "{} heartbeats of 128 devices in one day are more than the {MOST_ROWS} that fit; thin them out",
                    self.slot.len()
                ),
            });
        }
        let versions = self.versions();
        let rows = self.row_summary(self.runs(), &versions);
        let lengths = rows.lengths();
        let time = Column {
            values: Values::I64(self.time.clone()),
            present: None,
        };
        let mut blocks = vec![Block {
            id: block_id(cell, TIME, ValueType::I64),
            summary: rows.write(),
            data: encoder.encode(&time, &lengths)?,
        }];
        for (id, column) in &self.columns {
            let has_summary = *id >= FIRST_METRIC || *id == INTERVAL;
            blocks.push(Block {
                id: block_id(cell, *id, ValueType::of(&column.values)),
                summary: if has_summary {
                    summary_of(column, &versions).write()
                } else {
                    Vec::new()
                },
                data: encoder
                    .encode(column, &lengths)
                    .map_err(|error| StoreError::Unusable {
                        what: error.to_string(),
                    })?,
            });
        }
        Ok(blocks)
    }
}

/// Ids of a column, 0 where there is none.
pub(super) fn whole_or_zero(column: &Column) -> Vec<u32> {
    let Values::I32(values) = &column.values else {
        return vec![0; column.values.len()];
    };
    let rows = values.iter().enumerate();
    rows.map(|(row, value)| {
        if column.is_present(row) {
            u32::try_from(*value).unwrap_or_default()
        } else {
            0
        }
    })
    .collect()
}

fn summary_of(column: &Column, versions: &[u32]) -> Summary {
    let mut summary = Summary::default();
    let mut start = 0;
    for part in versions.chunk_by(|a, b| a == b) {
        let end = start + part.len();
        add_to_summary(
            &mut summary,
            part.first().copied().unwrap_or_default(),
            column,
            start..end,
        );
        start = end;
    }
    summary
}

/// Adds rows of one version.
pub(super) fn add_to_summary(
    summary: &mut Summary,
    version: u32,
    column: &Column,
    rows: Range<usize>,
) {
    for rows in present_ranges(column, rows) {
        summary.change(version, |stats| add_to_stats(stats, column, rows));
    }
}

/// Adds rows that all have a value.
pub(super) fn add_to_stats(stats: &mut Stats, column: &Column, rows: Range<usize>) {
    match &column.values {
        Values::I32(values) => stats.add_whole(values.get(rows).unwrap_or_default()),
        Values::I64(values) => stats.add_whole(values.get(rows).unwrap_or_default()),
        Values::F32(values) => stats.add_real(values.get(rows).unwrap_or_default()),
        Values::F64(values) => stats.add_real(values.get(rows).unwrap_or_default()),
        Values::Text { .. } => stats.count += rows.len() as u64,
    }
}

/// Runs of rows with a value.
pub(super) fn present_ranges(column: &Column, rows: Range<usize>) -> Vec<Range<usize>> {
    if column.present.is_none() {
        return vec![rows];
    }
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for row in rows.filter(|row| column.is_present(*row)) {
        match ranges.last_mut() {
            Some(last) if last.end == row => last.end += 1,
            _ => ranges.push(row..row + 1),
        }
    }
    ranges
}

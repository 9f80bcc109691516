//! Blocks of a cell as they come from the file, and the rows that they are.

use super::bytes::Malformed;
use super::cell::Rows;
use super::codec::{Decoder, ValueType};
use super::key::{CellKey, TIME, block_id, day_of_id, ids_of_cell};
use super::summary::RowSummary;
use crate::model::series::Values;
use crate::store::error::StoreError;
use rusqlite::{Connection, OptionalExtension as _};
use std::path::PathBuf;

/// What a cell has in the file, packed.
pub(super) struct StoredCell {
    rows: Vec<u8>,
    times: Vec<u8>,
    /// Metric, id of the block, values.
    columns: Vec<(u32, i64, Vec<u8>)>,
}

impl StoredCell {
    /// What the file has of a cell; `None` when it has nothing.
    pub(super) fn read(
        connection: &Connection,
        cell: CellKey,
        metrics: impl Iterator<Item = u32>,
    ) -> Result<Option<Self>, StoreError> {
        let mut rows =
            connection.prepare_cached("SELECT summary, data FROM series_blocks WHERE id = ?1")?;
        let found = rows
            .query_row([block_id(cell, TIME, ValueType::I64)], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        let Some((rows, times)) = found else {
            return Ok(None);
        };
        let mut stored = Self {
            rows,
            times,
            columns: Vec::new(),
        };
        let mut columns = connection
            .prepare_cached("SELECT id, data FROM series_blocks WHERE id BETWEEN ?1 AND ?2")?;
        for metric in metrics {
            let ids = ids_of_cell(cell, metric);
            let mut found = columns.query([ids.start(), ids.end()])?;
            while let Some(row) = found.next()? {
                stored.columns.push((metric, row.get(0)?, row.get(1)?));
            }
        }
        Ok(Some(stored))
    }

    /// Ids of the blocks of columns.
    pub(super) fn ids(&self) -> impl Iterator<Item = i64> {
        self.columns.iter().map(|(_, id, _)| *id)
    }

    /// The rows.
    pub(super) fn unpacked(
        &self,
        cell: CellKey,
        decoder: &mut Decoder,
    ) -> Result<Rows, StoreError> {
        let unpack = || {
            let summary = RowSummary::read(&self.rows)?;
            let lengths = summary.lengths();
            let Values::I64(time) = decoder.decode(&self.times, &lengths)?.values else {
                return Err(Malformed("its times are no times"));
            };
            let slot = summary
                .runs
                .iter()
                .flat_map(|(slot, n)| std::iter::repeat_n(*slot, *n as usize))
                .collect();
            let mut rows = Rows {
                slot,
                time,
                columns: Vec::new(),
            };
            for (metric, _, data) in &self.columns {
                rows.columns
                    .push((*metric, decoder.decode(data, &lengths)?));
            }
            Ok(rows)
        };
        let mut unpack = unpack;
        unpack().map_err(|malformed| damaged(block_id(cell, TIME, ValueType::I64), malformed))
    }
}

/// A damaged block, with its place.
pub(super) fn damaged(id: i64, malformed: Malformed) -> StoreError {
    StoreError::Damaged {
        path: PathBuf::new(),
        detail: format!(
            "block {id} of heartbeats, day {} since 1970: {malformed}",
            day_of_id(id)
        ),
    }
}

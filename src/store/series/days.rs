//! Days of heartbeats: which there are, and how one is dropped.

use super::codec::ValueType;
use super::key::{CellKey, DAY_NS, TIME, block_id, day_of_id, group_of, ids_of_day, ids_of_metric};
use super::loaded::damaged;
use super::summary::RowSummary;
use crate::store::error::StoreError;
use crate::store::open::Store;
use crate::store::reader::{Reader, list};
use rusqlite::{Connection, OptionalExtension as _};
use std::collections::BTreeSet;

/// A day that has heartbeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredDay {
    /// Days since 1970-01-01, UTC.
    pub day: i64,
    /// Devices with a heartbeat.
    pub n_devices: u64,
    /// Heartbeats.
    pub n_rows: u64,
}

impl Reader {
    /// The days that have heartbeats, in order.
    pub fn series_days(&self) -> Result<Vec<StoredDay>, StoreError> {
        self.ask(|connection| {
            let mut found = Vec::new();
            for day in days(connection)? {
                let mut stored = StoredDay {
                    day,
                    n_devices: 0,
                    n_rows: 0,
                };
                let ids = ids_of_metric(day, TIME);
                let read = |row: &rusqlite::Row<'_>| {
                    Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
                };
                let sql = "SELECT id, summary FROM series_blocks WHERE id BETWEEN ?1 AND ?2";
                for (id, summary) in list(connection, sql, [ids.start(), ids.end()], read)? {
                    let rows =
                        RowSummary::read(&summary).map_err(|malformed| damaged(id, malformed))?;
                    stored.n_devices += rows.runs.len() as u64;
                    stored.n_rows += rows.n_rows() as u64;
                }
                found.push(stored);
            }
            Ok(found)
        })
    }
}

impl Reader {
    /// First and last heartbeat, nanoseconds since 1970: the end of its interval.
    pub fn series_span(&self) -> Result<Option<(i64, i64)>, StoreError> {
        self.ask(|connection| {
            let mut span: Option<(i64, i64)> = None;
            let all = days(connection)?;
            for day in [all.first(), all.last()].into_iter().flatten() {
                let ids = ids_of_metric(*day, TIME);
                let read = |row: &rusqlite::Row<'_>| {
                    Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
                };
                let sql = "SELECT id, summary FROM series_blocks WHERE id BETWEEN ?1 AND ?2";
                for (id, summary) in list(connection, sql, [ids.start(), ids.end()], read)? {
                    let rows =
                        RowSummary::read(&summary).map_err(|malformed| damaged(id, malformed))?;
                    let known = span.get_or_insert((rows.first_ns, rows.last_ns));
                    *known = (known.0.min(rows.first_ns), known.1.max(rows.last_ns));
                }
            }
            Ok(span)
        })
    }
}

impl Store {
    /// Drops the heartbeats and events of a day (days since 1970-01-01, UTC). Answers whether there were any.
    pub fn drop_series_day(&self, day: i64) -> Result<bool, StoreError> {
        self.write(|transaction| {
            let ids = ids_of_day(day);
            let n_blocks = transaction.execute(
                "DELETE FROM series_blocks WHERE id BETWEEN ?1 AND ?2",
                [ids.start(), ids.end()],
            )?;
            let first = day.saturating_mul(DAY_NS);
            let n_events = transaction.execute(
                "DELETE FROM series_events WHERE time_ns BETWEEN ?1 AND ?2",
                [first, first.saturating_add(DAY_NS - 1)],
            )?;
            Ok(n_blocks + n_events > 0)
        })
    }
}

/// The days that have blocks: the first block after each day tells the next.
pub(super) fn days(connection: &Connection) -> Result<Vec<i64>, StoreError> {
    let mut next = connection
        .prepare_cached("SELECT id FROM series_blocks WHERE id > ?1 ORDER BY id LIMIT 1")?;
    let mut days = Vec::new();
    let mut last = i64::MIN;
    while let Some(id) = next
        .query_row([last], |row| row.get::<_, i64>(0))
        .optional()?
    {
        let day = day_of_id(id);
        days.push(day);
        last = *ids_of_day(day).end();
    }
    Ok(days)
}

/// The cells that have rows.
pub(super) fn cells(connection: &Connection) -> Result<BTreeSet<CellKey>, StoreError> {
    let mut cells = BTreeSet::new();
    for day in days(connection)? {
        let ids = ids_of_metric(day, TIME);
        let sql = "SELECT id FROM series_blocks WHERE id BETWEEN ?1 AND ?2";
        for id in list(connection, sql, [ids.start(), ids.end()], |row| {
            row.get::<_, i64>(0)
        })? {
            let cell = CellKey {
                day,
                group: group_of(id),
            };
            if block_id(cell, TIME, ValueType::I64) == id {
                cells.insert(cell);
            }
        }
    }
    Ok(cells)
}

//! What a file has of one device, day by day, and nothing of the devices beside it.

use super::bytes::Malformed;
use super::codec::{Decoder, ValueType};
use super::key::{CellKey, GROUP_DEVICES, TIME, block_id, day_of, day_of_id, ids_of_cell};
use super::loaded::damaged;
use super::summary::RowSummary;
use crate::model::series::{Column, Values};
use crate::store::error::StoreError;
use crate::store::reader::Reader;
use rusqlite::Connection;

/// Days of a device that the disk is asked for before the first is read.
const DAYS_AHEAD: i64 = 30;

/// The rows of a device in one cell.
pub(super) struct DeviceRun<'r> {
    cell: CellKey,
    /// The times of all devices of the cell, packed.
    times: Vec<u8>,
    /// Rows of each device of the cell.
    lengths: Vec<u32>,
    /// Which of them is this device.
    run: usize,
    connection: &'r Connection,
    decoder: &'r mut Decoder,
}

impl DeviceRun<'_> {
    /// Times, nanoseconds since 1970, in order.
    pub(super) fn times(&mut self) -> Result<Vec<i64>, StoreError> {
        let column = self
            .decoder
            .decode_run(&self.times, &self.lengths, self.run);
        let id = block_id(self.cell, TIME, ValueType::I64);
        match column.map_err(|malformed| damaged(id, malformed))?.values {
            Values::I64(times) => Ok(times),
            _ => Err(damaged(id, Malformed("its times are no times"))),
        }
    }

    /// Values of a metric, one for each of the times; a column for each type that it has.
    pub(super) fn columns(&mut self, metric: u32) -> Result<Vec<Column>, StoreError> {
        let mut blocks = self
            .connection
            .prepare_cached("SELECT id, data FROM series_blocks WHERE id BETWEEN ?1 AND ?2")?;
        let ids = ids_of_cell(self.cell, metric);
        let mut found = blocks.query([ids.start(), ids.end()])?;
        let mut columns = Vec::new();
        while let Some(row) = found.next()? {
            let id: i64 = row.get(0)?;
            let data = row.get_ref(1)?.as_blob().unwrap_or_default();
            let column = self.decoder.decode_run(data, &self.lengths, self.run);
            columns.push(column.map_err(|malformed| damaged(id, malformed))?);
        }
        Ok(columns)
    }
}

impl Reader {
    /// Shows what there is of the device of this number, in the order of time, of the days from one time to another.
    pub(super) fn for_each_run(
        &self,
        number: u32,
        (from_ns, to_ns): (i64, i64),
        metrics: &[u32],
        mut visit: impl FnMut(DeviceRun<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.expect_runs(number, (day_of(from_ns), day_of(to_ns)), metrics)?;
        // The block that is looked for, or the one behind it, which tells the next day that has any.
        let sql = "SELECT id, summary, data FROM series_blocks WHERE id >= ?1 ORDER BY id LIMIT 1";
        let last = day_of(to_ns);
        let next = |day: i64| Some(day).filter(|day| *day <= last);
        let after = |day: i64, found: i64| next(if found == day { day + 1 } else { found });
        self.visit_runs(number, sql, day_of(from_ns), after, |run| {
            visit(run)?;
            Ok(true)
        })
    }

    /// Asks for what of a device will be read.
    fn expect_runs(
        &self,
        number: u32,
        (first, last): (i64, i64),
        metrics: &[u32],
    ) -> Result<(), StoreError> {
        let group = number / GROUP_DEVICES;
        self.ask(|connection| {
            let Some(ahead) = self.ahead(connection)? else {
                return Ok(());
            };
            for day in first..=last.min(first.saturating_add(DAYS_AHEAD)) {
                let cell = CellKey { day, group };
                ahead.blocks(&ids_of_cell(cell, TIME));
                for metric in metrics {
                    ahead.blocks(&ids_of_cell(cell, *metric));
                }
            }
            Ok(())
        })
    }

    /// The same from the last day that there is, as long as `visit` wants more.
    pub(super) fn for_each_run_from_last(
        &self,
        number: u32,
        visit: impl FnMut(DeviceRun<'_>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        // The block that is looked for, or the one before it: of another group or another day.
        let sql =
            "SELECT id, summary, data FROM series_blocks WHERE id <= ?1 ORDER BY id DESC LIMIT 1";
        let before = |day: i64, found: i64| Some(if found == day { day - 1 } else { found });
        self.visit_runs(number, sql, day_of(i64::MAX), before, visit)
    }

    /// Looks for the runs of a device. `sql` finds the block of an id or the nearest one, and `next` tells the day to look at after a
    /// day at which a block of another was found.
    fn visit_runs(
        &self,
        number: u32,
        sql: &str,
        first: i64,
        next: impl Fn(i64, i64) -> Option<i64>,
        mut visit: impl FnMut(DeviceRun<'_>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let (group, slot) = (number / GROUP_DEVICES, number % GROUP_DEVICES);
        let mut decoder = Decoder::new()?;
        self.ask_one_state(|connection| {
            let mut nearest = connection.prepare_cached(sql)?;
            let mut wanted = Some(first);
            while let Some(day) = wanted {
                let cell = CellKey { day, group };
                let id = block_id(cell, TIME, ValueType::I64);
                let mut found = nearest.query([id])?;
                let Some(block) = found.next()? else {
                    break;
                };
                let found_id: i64 = block.get(0)?;
                wanted = next(day, day_of_id(found_id));
                if found_id != id {
                    continue;
                }
                let (rows, times): (Vec<u8>, Vec<u8>) = (block.get(1)?, block.get(2)?);
                drop(found);
                let rows = RowSummary::read(&rows).map_err(|malformed| damaged(id, malformed))?;
                let Some(run) = rows.runs.iter().position(|(of, _)| u32::from(*of) == slot) else {
                    continue;
                };
                let wants_more = visit(DeviceRun {
                    cell,
                    times,
                    lengths: rows.lengths(),
                    run,
                    connection,
                    decoder: &mut decoder,
                })?;
                if !wants_more {
                    break;
                }
            }
            Ok(())
        })
    }
}

//! What a file has of one device, day by day, and nothing of the devices beside it.

use super::bytes::Malformed;
use super::codec::{Decoder, ValueType};
use super::days::days;
use super::key::{CellKey, GROUP_DEVICES, TIME, block_id, day_of, ids_of_cell};
use super::loaded::damaged;
use super::summary::RowSummary;
use crate::model::series::{Column, Values};
use crate::store::error::StoreError;
use crate::store::reader::Reader;
use rusqlite::{Connection, OptionalExtension as _};

/// The rows of a device in one cell.
pub(super) struct DeviceRun<'r> {
    /// Times, nanoseconds since 1970, in order.
    pub(super) times: Vec<i64>,
    cell: CellKey,
    /// Rows of each device of the cell.
    lengths: Vec<u32>,
    /// Which of them is this device.
    run: usize,
    connection: &'r Connection,
    decoder: &'r mut Decoder,
}

impl DeviceRun<'_> {
    /// Values of a metric, one for each of `times`; a column for each type that it has.
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
        mut visit: impl FnMut(DeviceRun<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let (group, slot) = (number / GROUP_DEVICES, number % GROUP_DEVICES);
        let mut decoder = Decoder::new()?;
        self.ask(|connection| {
            let mut first = connection
                .prepare_cached("SELECT summary, data FROM series_blocks WHERE id = ?1")?;
            for day in days(connection)? {
                if day < day_of(from_ns) || day > day_of(to_ns) {
                    continue;
                }
                let cell = CellKey { day, group };
                let id = block_id(cell, TIME, ValueType::I64);
                let block: Option<(Vec<u8>, Vec<u8>)> = first
                    .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()?;
                let Some((rows, times)) = block else {
                    continue;
                };
                let rows = RowSummary::read(&rows).map_err(|malformed| damaged(id, malformed))?;
                let Some(run) = rows.runs.iter().position(|(of, _)| u32::from(*of) == slot) else {
                    continue;
                };
                let lengths = rows.lengths();
                let times = decoder
                    .decode_run(&times, &lengths, run)
                    .map_err(|malformed| damaged(id, malformed))?;
                let Values::I64(times) = times.values else {
                    return Err(damaged(id, Malformed("its times are no times")));
                };
                visit(DeviceRun {
                    times,
                    cell,
                    lengths,
                    run,
                    connection,
                    decoder: &mut decoder,
                })?;
            }
            Ok(())
        })
    }
}

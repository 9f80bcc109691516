//! One import of heartbeats: batches stream through, the rest is one transaction.
//!
//! Rows wait in memory by cell until there are too many, or until the end; then the cells that got no rows of late are packed, on
//! all processors, while more rows come. A cell that was stored before, by this import or an older one, is read, merged and written anew, so that the
//! order of rows costs time and never correctness. Packed blocks wait too, so that they are written in the order of their ids.

use super::cell::{Piece, Rows};
use super::days;
use super::frame::{self, SampleFrame};
use super::key::{CellKey, GROUP_DEVICES, HARDWARE, INTERVAL, VERSION, day_of};
use super::loaded::StoredCell;
use super::names::{Names, UnitSource};
use super::packers::{Packed, Packers, Work};
use crate::model::metric::MetricDefinition;
use crate::model::series::{Column, FleetEvent, HeartbeatBatch, NO_NAME, Values};
use crate::store::error::StoreError;
use crate::store::ids::DeviceId;
use crate::store::open::Store;
use crate::store::straight;
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, Range};
use std::path::PathBuf;
use std::sync::{Arc, MutexGuard};

/// Bytes of rows that wait at most. From a third of it on, cells are packed that got none of late: processors have work while
/// the next rows are read.
const WAITING_BYTES_MAX: usize = 192 << 20;
/// Bytes of packed blocks that wait.
const READY_BYTES_MAX: usize = 256 << 20;
/// Days of a group that a thread packs at once.
const CELLS_AT_ONCE: usize = 16;

/// What an import stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeriesTotals {
    /// Rows that were given, corrections and repetitions too.
    pub n_rows: u64,
    /// Values that were given.
    pub n_points: u64,
    /// Events that were given.
    pub n_events: u64,
}

/// Rows of a cell that wait.
#[derive(Default)]
struct Waiting {
    pieces: Vec<Piece>,
    n_bytes: usize,
    last_batch: u64,
}

/// The connection of a writer.
enum Held<'s> {
    /// Its own, in a transaction that it began.
    Own {
        connection: MutexGuard<'s, Connection>,
        is_straight: bool,
    },
    /// One in a transaction of somebody else.
    Within(&'s Connection),
}

impl Held<'_> {
    /// After the transaction.
    fn end(&self) {
        if let Self::Own {
            connection,
            is_straight: true,
        } = self
        {
            straight::end(connection);
        }
    }
}

impl Deref for Held<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match self {
            Self::Own { connection, .. } => connection,
            Self::Within(connection) => connection,
        }
    }
}

/// Writes heartbeats and events, all or nothing: what was not committed when it is dropped never happened.
pub struct SeriesWriter<'s> {
    connection: Held<'s>,
    path: PathBuf,
    names: Names,
    waiting: BTreeMap<CellKey, Waiting>,
    n_waiting_bytes: usize,
    packers: Packers,
    ready: Vec<Packed>,
    n_ready_bytes: usize,
    /// Cells that the file has, or will have when `ready` is written.
    stored: BTreeSet<CellKey>,
    n_batches: u64,
    totals: SeriesTotals,
    n_packed_bytes: u64,
    is_done: bool,
    waiting_bytes_max: usize,
    ready_bytes_max: usize,
}

impl Store {
    /// Begins an import of heartbeats. Other writes wait until it is committed or dropped.
    pub fn begin_series(&self) -> Result<SeriesWriter<'_>, StoreError> {
        let begin = || {
            let connection = self.lock_writer()?;
            let is_straight = self.begin_straight(&connection)?;
            let begin = if is_straight {
                "BEGIN EXCLUSIVE"
            } else {
                "BEGIN IMMEDIATE"
            };
            if let Err(error) = connection.execute_batch(begin) {
                if is_straight {
                    straight::end(&connection);
                }
                return Err(error.into());
            }
            let held = Held::Own {
                connection,
                is_straight,
            };
            SeriesWriter::new(held, self.path().to_owned())
        };
        begin().map_err(|error: StoreError| error.in_file(self.path()))
    }
}

impl<'s> SeriesWriter<'s> {
    fn new(connection: Held<'s>, path: PathBuf) -> Result<Self, StoreError> {
        // From here on a transaction that was begun is rolled back by the drop.
        let mut writer = Self {
            connection,
            path,
            names: Names::default(),
            waiting: BTreeMap::new(),
            n_waiting_bytes: 0,
            packers: Packers::default(),
            ready: Vec::new(),
            n_ready_bytes: 0,
            stored: BTreeSet::new(),
            n_batches: 0,
            totals: SeriesTotals::default(),
            n_packed_bytes: 0,
            is_done: false,
            waiting_bytes_max: WAITING_BYTES_MAX,
            ready_bytes_max: READY_BYTES_MAX,
        };
        writer.names = Names::read(&writer.connection)?;
        writer.stored = days::cells(&writer.connection)?;
        Ok(writer)
    }

    /// Writes within a transaction, which stands or falls with what else is in it.
    pub(in crate::store) fn within(connection: &'s Connection) -> Result<Self, StoreError> {
        Self::new(Held::Within(connection), PathBuf::new())
    }

    /// Says which device rows of a serial number are of, whatever its own is.
    pub(in crate::store) fn call_device(
        &mut self,
        serial: &str,
        device: DeviceId,
    ) -> Result<(), StoreError> {
        self.names.call_device(&self.connection, serial, device)?;
        Ok(())
    }

    /// Writes what waits into the transaction that this is a part of.
    pub(in crate::store) fn finish_within(mut self) -> Result<SeriesTotals, StoreError> {
        self.pack(u64::MAX)?;
        self.write_all()?;
        Ok(self.totals)
    }

    /// Adds heartbeats. Columns that do not have as many rows as the batch, and indexes without a name, are an error.
    pub fn add(&mut self, batch: HeartbeatBatch) -> Result<(), StoreError> {
        self.add_batch(batch)
            .map_err(|error| error.in_file(&self.path))
    }

    /// Adds events; the same event again is the same event.
    pub fn add_events(&mut self, events: &[FleetEvent]) -> Result<(), StoreError> {
        self.add_all_events(events)
            .map_err(|error| error.in_file(&self.path))
    }

    /// Describes metrics. What a definition does not say stays as it was, and so does a unit that a person chose.
    pub fn define(
        &mut self,
        metrics: &[MetricDefinition],
        unit_is: UnitSource,
    ) -> Result<(), StoreError> {
        for metric in metrics {
            let defined = self.names.define(&self.connection, metric, unit_is);
            defined.map_err(|error| error.in_file(&self.path))?;
        }
        Ok(())
    }

    /// Keeps the frame of the sample that is imported.
    pub fn set_frame(&mut self, frame: &SampleFrame) -> Result<(), StoreError> {
        frame::insert(&self.connection, frame).map_err(|error| error.in_file(&self.path))
    }

    /// Makes the memory small, so that a test sees what a long import does.
    #[cfg(test)]
    pub(super) fn limit_memory(&mut self, n_bytes: usize) {
        self.waiting_bytes_max = n_bytes;
        self.ready_bytes_max = n_bytes;
    }

    /// What was given so far.
    pub fn totals(&self) -> SeriesTotals {
        self.totals
    }

    /// How often everything is written: into the file, and into the log before it where there is one.
    pub fn n_writes(&self) -> u64 {
        match self.connection {
            Held::Own {
                is_straight: true, ..
            } => 1,
            _ => 2,
        }
    }

    /// Bytes of the blocks that were made so far, written or not.
    pub fn packed_bytes(&self) -> u64 {
        self.n_packed_bytes
    }

    /// Writes what waits and ends the transaction: everything is on the disk when this returns. After that nothing can be added.
    pub fn commit(&mut self) -> Result<SeriesTotals, StoreError> {
        self.finish().map_err(|error| error.in_file(&self.path))?;
        Ok(self.totals)
    }

    fn finish(&mut self) -> Result<(), StoreError> {
        self.pack(u64::MAX)?;
        self.write_all()?;
        self.connection
            .execute("UPDATE workspace SET revision = revision + 1", [])?;
        self.connection.execute_batch("COMMIT")?;
        self.is_done = true;
        self.connection.end();
        Ok(())
    }

    fn add_batch(&mut self, batch: HeartbeatBatch) -> Result<(), StoreError> {
        check(&batch)?;
        self.n_batches += 1;
        let connection = &self.connection;
        let names = &mut self.names;
        let devices: Vec<u32> = ids(&batch.devices, |name| names.device(connection, name))?;
        let versions = ids(&batch.versions, |name| names.version(connection, name))?;
        let hardware = ids(&batch.hardware_names, |name| {
            names.hardware(connection, name)
        })?;
        let version = name_column(&batch.version, &versions);
        let hardware = name_column(&batch.hardware, &hardware);
        let mut columns: Vec<(u32, Column)> = Vec::with_capacity(batch.metrics.len() + 3);
        columns.extend(version.map(|column| (VERSION, column)));
        columns.extend(hardware.map(|column| (HARDWARE, column)));
        columns.extend(batch.interval_ns.map(|column| (INTERVAL, column)));
        self.totals.n_rows += batch.device.len() as u64;
        for (name, column) in batch.metrics {
            let is_text = matches!(column.values, Values::Text { .. });
            self.totals.n_points += n_present(&column);
            columns.push((names.metric(connection, &name, is_text)?, column));
        }
        self.distribute(&batch.device, &devices, batch.time_ns, columns);
        if self.n_waiting_bytes > self.waiting_bytes_max / 3 {
            self.pack(self.n_batches)?;
            if self.n_waiting_bytes > self.waiting_bytes_max {
                self.pack(u64::MAX)?;
            }
        }
        Ok(())
    }

    /// Puts the rows of a batch to those that wait: they stay where they are, and each cell has the ranges of its own.
    fn distribute(
        &mut self,
        device: &[u32],
        devices: &[u32],
        time: Vec<i64>,
        columns: Vec<(u32, Column)>,
    ) {
        let mut by_cell: BTreeMap<CellKey, Vec<Range<usize>>> = BTreeMap::new();
        let mut slot: Vec<u8> = Vec::with_capacity(time.len());
        let mut open: Option<(CellKey, Range<usize>)> = None;
        for (row, (index, time)) in device.iter().zip(&time).enumerate() {
            let number = devices.get(*index as usize).copied().unwrap_or_default();
            slot.push(u8::try_from(number % GROUP_DEVICES).unwrap_or_default());
            let cell = CellKey {
                day: day_of(*time),
                group: number / GROUP_DEVICES,
            };
            open = match open {
                Some((last, range)) if last == cell => Some((last, range.start..row + 1)),
                done => {
                    if let Some((last, range)) = done {
                        by_cell.entry(last).or_default().push(range);
                    }
                    Some((cell, row..row + 1))
                }
            };
        }
        if let Some((last, range)) = open {
            by_cell.entry(last).or_default().push(range);
        }
        let row_bytes = 9 + columns
            .iter()
            .map(|(_, column)| value_bytes(&column.values))
            .sum::<usize>();
        let batch = Arc::new(Rows {
            slot,
            time,
            columns,
        });
        for (cell, ranges) in by_cell {
            let n_rows: usize = ranges.iter().map(ExactSizeIterator::len).sum();
            let waiting = self.waiting.entry(cell).or_default();
            waiting.last_batch = self.n_batches;
            waiting.n_bytes += n_rows * row_bytes;
            self.n_waiting_bytes += n_rows * row_bytes;
            waiting.pieces.push(Piece {
                number: self.n_batches,
                batch: Arc::clone(&batch),
                ranges,
            });
        }
    }

    /// Packs the cells that got no rows since batch `before`.
    fn pack(&mut self, before: u64) -> Result<(), StoreError> {
        let due: Vec<CellKey> = self
            .waiting
            .iter()
            .filter(|(_, waiting)| waiting.last_batch < before)
            .map(|(cell, _)| *cell)
            .collect();
        if due.iter().any(|cell| self.stored.contains(cell)) {
            self.write_all()?;
        }
        let mut work: BTreeMap<u32, Vec<(Work, usize)>> = BTreeMap::new();
        for cell in due {
            let Some(waiting) = self.waiting.remove(&cell) else {
                continue;
            };
            self.n_waiting_bytes = self.n_waiting_bytes.saturating_sub(waiting.n_bytes);
            let mut stored = None;
            if !self.stored.insert(cell) {
                let columns = [VERSION, HARDWARE, INTERVAL]
                    .into_iter()
                    .chain(self.names.metric_ids());
                stored = StoredCell::read(&self.connection, cell, columns)?;
            }
            let work = work.entry(cell.group).or_default();
            work.push(((cell, waiting.pieces, stored), waiting.n_bytes));
        }
        for cells in work.into_values() {
            let mut cells = cells.into_iter();
            while cells.len() > 0 {
                let part = cells.by_ref().take(CELLS_AT_ONCE);
                let (part, n_bytes): (Vec<Work>, Vec<usize>) = part.unzip();
                self.packers.give(part, n_bytes.iter().sum())?;
            }
        }
        while let Some(packed) = self.packers.take()? {
            self.keep(packed)?;
        }
        while self.packers.n_bytes() > self.waiting_bytes_max / 3 {
            let Some(packed) = self.packers.wait()? else {
                break;
            };
            self.keep(packed)?;
        }
        Ok(())
    }

    /// Keeps packed blocks until they are written.
    fn keep(&mut self, packed: Packed) -> Result<(), StoreError> {
        let mut delete = self
            .connection
            .prepare_cached("DELETE FROM series_blocks WHERE id = ?1")?;
        for id in &packed.gone {
            delete.execute([id])?;
        }
        drop(delete);
        self.n_ready_bytes += packed.n_bytes();
        self.n_packed_bytes += packed.n_bytes() as u64;
        self.ready.push(packed);
        if self.n_ready_bytes > self.ready_bytes_max {
            self.write_ready()?;
        }
        Ok(())
    }

    /// Waits for all that is being packed, and writes it.
    fn write_all(&mut self) -> Result<(), StoreError> {
        while let Some(packed) = self.packers.wait()? {
            self.keep(packed)?;
        }
        self.write_ready()
    }

    fn write_ready(&mut self) -> Result<(), StoreError> {
        let ready = std::mem::take(&mut self.ready);
        let mut blocks: Vec<_> = ready.iter().flat_map(Packed::blocks).collect();
        blocks.sort_unstable_by_key(|(id, _, _)| *id);
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO series_blocks (id, summary, data) VALUES (?1, ?2, ?3) \
             ON CONFLICT (id) DO UPDATE SET summary = excluded.summary, data = excluded.data",
        )?;
        for (id, summary, data) in blocks {
            insert.execute(params![id, summary, data])?;
        }
        self.n_ready_bytes = 0;
        Ok(())
    }

    fn add_all_events(&mut self, events: &[FleetEvent]) -> Result<(), StoreError> {
        for event in events {
            let device = self.names.device(&self.connection, &event.serial)?;
            let version = match &event.version {
                Some(name) => self.names.version(&self.connection, name)?,
                None => 0,
            };
            let hardware = match &event.hardware {
                Some(name) => self.names.hardware(&self.connection, name)?,
                None => 0,
            };
            self.connection
                .prepare_cached(
                    "INSERT INTO series_events (time_ns, device, kind, issue, version, hardware) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET \
                     version = CASE excluded.version WHEN 0 THEN version ELSE excluded.version END, \
                     hardware = CASE excluded.hardware WHEN 0 THEN hardware ELSE excluded.hardware END",
                )?
                .execute(params![
                    event.time_ns,
                    device,
                    event.kind,
                    event.issue.as_deref().unwrap_or_default(),
                    version,
                    hardware
                ])?;
            self.totals.n_events += 1;
        }
        Ok(())
    }
}

impl Drop for SeriesWriter<'_> {
    fn drop(&mut self) {
        if let (Held::Own { connection, .. }, false) = (&self.connection, self.is_done) {
            // Where even this fails, SQLite has rolled back by itself.
            drop(connection.execute_batch("ROLLBACK"));
            self.connection.end();
        }
    }
}

/// Ids of names.
fn ids(
    names: &[String],
    mut id: impl FnMut(&str) -> Result<u32, StoreError>,
) -> Result<Vec<u32>, StoreError> {
    names.iter().map(|name| id(name)).collect()
}

/// A column of ids; `None` where none of the rows has a name.
fn name_column(index: &[u32], ids: &[u32]) -> Option<Column> {
    let id = |index: &u32| {
        ids.get(*index as usize)
            .and_then(|id| i32::try_from(*id).ok())
    };
    let values = index
        .iter()
        .map(|index| id(index).unwrap_or_default())
        .collect();
    let mut present = vec![0_u64; index.len().div_ceil(64)];
    let mut n_present = 0;
    for (row, index) in index.iter().enumerate() {
        if *index != NO_NAME
            && let Some(word) = present.get_mut(row / 64)
        {
            *word |= 1 << (row % 64);
            n_present += 1;
        }
    }
    (n_present > 0).then(|| Column {
        values: Values::I32(values),
        present: (n_present < index.len()).then_some(present),
    })
}

fn n_present(column: &Column) -> u64 {
    match &column.present {
        None => column.values.len() as u64,
        Some(_) => (0..column.values.len())
            .filter(|row| column.is_present(*row))
            .count() as u64,
    }
}

fn value_bytes(values: &Values) -> usize {
    match values {
        Values::I32(_) | Values::F32(_) | Values::Text { .. } => 4,
        Values::I64(_) | Values::F64(_) => 8,
    }
}

/// A batch is held against itself before a row of it is used.
fn check(batch: &HeartbeatBatch) -> Result<(), StoreError> {
    let n = batch.len();
    let wrong = |what: String| Err(StoreError::Unusable { what });
    if [
        batch.version.len(),
        batch.hardware.len(),
        batch.time_ns.len(),
    ] != [n; 3]
    {
        return wrong(format!(
            "a batch of {n} rows has not as many times, versions and hardware names"
        ));
    }
    let columns = batch
        .metrics
        .iter()
        .map(|(name, column)| (name.as_str(), column));
    let interval = batch.interval_ns.iter().map(|column| ("interval", column));
    for (name, column) in columns.chain(interval) {
        if column.values.len() != n {
            return wrong(format!(
                "column {name:?} has {} rows and its batch {n}",
                column.values.len()
            ));
        }
        if let Values::Text { index, names } = &column.values
            && let Some((row, _)) = (0..)
                .zip(index)
                .find(|(row, index)| column.is_present(*row) && **index as usize >= names.len())
        {
            return wrong(format!("row {row} of column {name:?} has no name"));
        }
    }
    if let Some(column) = &batch.interval_ns
        && !matches!(column.values, Values::I64(_))
    {
        return wrong("lengths of intervals are not whole nanoseconds".to_owned());
    }
    let named = [
        ("device", &batch.device, batch.devices.len(), false),
        ("version", &batch.version, batch.versions.len(), true),
        (
            "hardware",
            &batch.hardware,
            batch.hardware_names.len(),
            true,
        ),
    ];
    for (what, index, n_names, may_miss) in named {
        let bad = |index: &u32| *index as usize >= n_names && !(may_miss && *index == NO_NAME);
        if let Some(row) = index.iter().position(bad) {
            return wrong(format!("row {row} has no {what}"));
        }
    }
    Ok(())
}

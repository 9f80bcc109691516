//! Walking over the cells of a metric: blocks are read in their order by one thread, and unpacked and added up by all processors.

use super::bytes::Malformed;
use super::cell::{present_ranges, whole_or_zero};
use super::codec::Decoder;
use super::days::days;
use super::key::{
    CellKey, DAY_NS, GROUP_DEVICES, HARDWARE, TIME, VERSION, day_of, group_of, ids_of_metric,
};
use super::loaded::damaged;
use super::summary::{RowSummary, Stats, Summary};
use crate::model::series::{Column, Values};
use crate::store::error::StoreError;
use crate::store::reader::Reader;
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Bytes of packed blocks that are in memory at once.
const CHUNK_BYTES: usize = 32 << 20;
/// Below this many cells a second thread costs more than it saves.
const CELLS_PER_THREAD_MIN: usize = 64;

/// Which rows a question is about. What is `None` lets all through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowFilter {
    /// First time, nanoseconds since 1970.
    pub from_ns: Option<i64>,
    /// Time after the last one.
    pub to_ns: Option<i64>,
    /// Names of versions.
    pub versions: Option<BTreeSet<String>>,
    /// Names of hardware.
    pub hardware: Option<BTreeSet<String>>,
}

/// A filter with the ids of this workspace.
#[derive(Clone, Debug)]
pub(super) struct IdFilter {
    from_ns: i64,
    /// Exclusive.
    to_ns: i64,
    versions: Option<BTreeSet<u32>>,
    hardware: Option<BTreeSet<u32>>,
}

/// What of the rows a question looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// Each row's time.
    pub(super) times: bool,
    /// Each row's version, even where summaries would do.
    pub(super) versions: bool,
    /// The values, even where summaries would do.
    pub(super) values: bool,
}

/// One block of a column.
pub(super) struct StoredBlock {
    id: i64,
    summary: Vec<u8>,
    data: Vec<u8>,
}

/// A cell with its blocks still packed.
pub(super) struct Cell {
    pub(super) key: CellKey,
    pub(super) rows: RowSummary,
    lengths: Vec<u32>,
    times: Option<StoredBlock>,
    versions: Option<StoredBlock>,
    hardware: Option<StoredBlock>,
    pub(super) columns: Vec<StoredBlock>,
}

impl IdFilter {
    pub(super) fn new(reader: &Reader, filter: &RowFilter) -> Result<Self, StoreError> {
        let ids = |names: &Option<BTreeSet<String>>, known: BTreeMap<u32, String>| {
            names.as_ref().map(|names| {
                let found = known.into_iter().filter(|(_, name)| names.contains(name));
                found.map(|(id, _)| id).collect::<BTreeSet<u32>>()
            })
        };
        Ok(Self {
            from_ns: filter.from_ns.unwrap_or(i64::MIN),
            to_ns: filter.to_ns.unwrap_or(i64::MAX),
            versions: ids(&filter.versions, reader.series_versions()?),
            hardware: ids(&filter.hardware, reader.series_hardware()?),
        })
    }

    fn takes_time(&self, time_ns: i64) -> bool {
        time_ns >= self.from_ns && (time_ns < self.to_ns || self.to_ns == i64::MAX)
    }

    fn takes_day(&self, day: i64) -> bool {
        day >= day_of(self.from_ns) && day <= day_of(self.to_ns)
    }

    /// True when only some rows of a cell can be wanted for their time.
    fn cuts(&self, rows: &RowSummary) -> bool {
        !self.takes_time(rows.first_ns) || !self.takes_time(rows.last_ns)
    }

    pub(super) fn takes_version(&self, version: u32) -> bool {
        self.versions
            .as_ref()
            .is_none_or(|versions| versions.contains(&version))
    }

    /// True when the rows of a cell have to be looked at one by one.
    fn needs_rows(&self, rows: &RowSummary) -> bool {
        self.hardware.is_some() || self.cuts(rows)
    }
}

impl Cell {
    /// Number of the device at a place of the group.
    pub(super) fn device(&self, slot: u8) -> u32 {
        self.key.group * GROUP_DEVICES + u32::from(slot)
    }

    /// The rows of each device, with its number.
    pub(super) fn runs(&self) -> impl Iterator<Item = (u32, Range<usize>)> {
        let mut start = 0;
        self.rows.runs.iter().map(move |(slot, n)| {
            let run = start..start + *n as usize;
            start = run.end;
            (self.device(*slot), run)
        })
    }

    /// The time of each row.
    pub(super) fn times(&self, decoder: &mut Decoder) -> Result<Vec<i64>, StoreError> {
        match self
            .unpack(self.times.as_ref(), decoder)?
            .map(|column| column.values)
        {
            Some(Values::I64(times)) => Ok(times),
            _ => Err(damaged(0, Malformed("its times are no times"))),
        }
    }

    /// The version of each row.
    fn versions(&self, decoder: &mut Decoder) -> Result<Vec<u32>, StoreError> {
        if let (1, Some((version, _))) = (
            self.rows.versions.len(),
            self.rows.versions.first_key_value(),
        ) {
            return Ok(vec![*version; self.rows.n_rows()]);
        }
        let column = self.unpack(self.versions.as_ref(), decoder)?;
        Ok(column.map_or_else(
            || vec![0; self.rows.n_rows()],
            |column| whole_or_zero(&column),
        ))
    }

    /// The values of the metric, by type.
    pub(super) fn values(&self, decoder: &mut Decoder) -> Result<Vec<Column>, StoreError> {
        let columns = self
            .columns
            .iter()
            .map(|block| self.unpack(Some(block), decoder));
        Ok(columns
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect())
    }

    fn unpack(
        &self,
        block: Option<&StoredBlock>,
        decoder: &mut Decoder,
    ) -> Result<Option<Column>, StoreError> {
        let Some(block) = block else {
            return Ok(None);
        };
        let column = decoder.decode(&block.data, &self.lengths);
        Ok(Some(
            column.map_err(|malformed| damaged(block.id, malformed))?,
        ))
    }

    /// The rows that a filter lets through, as ranges.
    pub(super) fn selected(
        &self,
        filter: &IdFilter,
        decoder: &mut Decoder,
    ) -> Result<Vec<Range<usize>>, StoreError> {
        let n = self.rows.n_rows();
        let mut ranges = vec![Range { start: 0, end: n }];
        if filter.cuts(&self.rows) {
            let times = self.times(decoder)?;
            ranges = narrowed(&ranges, |row| {
                times.get(row).is_some_and(|time| filter.takes_time(*time))
            });
        }
        if !self
            .rows
            .versions
            .keys()
            .all(|version| filter.takes_version(*version))
        {
            if !self
                .rows
                .versions
                .keys()
                .any(|version| filter.takes_version(*version))
            {
                return Ok(Vec::new());
            }
            let versions = self.versions(decoder)?;
            ranges = narrowed(&ranges, |row| {
                versions
                    .get(row)
                    .is_some_and(|version| filter.takes_version(*version))
            });
        }
        if let Some(wanted) = &filter.hardware {
            let hardware = self.unpack(self.hardware.as_ref(), decoder)?;
            let hardware = hardware.map_or_else(|| vec![0; n], |column| whole_or_zero(&column));
            ranges = narrowed(&ranges, |row| {
                hardware.get(row).is_some_and(|id| wanted.contains(id))
            });
        }
        Ok(ranges)
    }

    /// Statistics of the rows that a filter lets through: as stored where that is the same.
    pub(super) fn summary(
        &self,
        filter: &IdFilter,
        decoder: &mut Decoder,
    ) -> Result<Summary, StoreError> {
        let mut summary = Summary::default();
        if !filter.needs_rows(&self.rows) {
            for block in &self.columns {
                let stored = Summary::read(&block.summary)
                    .map_err(|malformed| damaged(block.id, malformed))?;
                for (version, stats) in stored
                    .by_version
                    .iter()
                    .filter(|(version, _)| filter.takes_version(*version))
                {
                    summary.change(*version, |sum| sum.merge(stats));
                }
            }
            return Ok(summary);
        }
        let selected = self.selected(filter, decoder)?;
        if selected.is_empty() {
            return Ok(summary);
        }
        let versions = self.versions(decoder)?;
        for column in self.values(decoder)? {
            for range in &selected {
                let mut start = range.start;
                let part = versions.get(range.clone()).unwrap_or_default();
                for same in part.chunk_by(|a, b| a == b) {
                    let end = start + same.len();
                    let version = same.first().copied().unwrap_or_default();
                    super::cell::add_to_summary(&mut summary, version, &column, start..end);
                    start = end;
                }
            }
        }
        Ok(summary)
    }

    /// The stored statistics of all versions.
    pub(super) fn stored_stats(&self) -> Result<Vec<Stats>, StoreError> {
        let mut all = Vec::new();
        for block in &self.columns {
            let stored =
                Summary::read(&block.summary).map_err(|malformed| damaged(block.id, malformed))?;
            all.extend(stored.by_version.into_iter().map(|(_, stats)| stats));
        }
        Ok(all)
    }

    /// Versions and the devices that ran them, as far as a filter lets their rows through; each at least once.
    pub(super) fn version_devices(
        &self,
        filter: &IdFilter,
        decoder: &mut Decoder,
    ) -> Result<Vec<(u32, u32)>, StoreError> {
        let versions = self.versions(decoder)?;
        let selected = self.selected(filter, decoder)?;
        let is_selected = |row: usize| selected.iter().any(|range| range.contains(&row));
        let is_all = selected.len() == 1
            && selected
                .first()
                .is_some_and(|range| range.len() == self.rows.n_rows());
        let mut found = Vec::new();
        for (device, run) in self.runs() {
            for row in run {
                let version = versions.get(row).copied().unwrap_or_default();
                if found.last() != Some(&(version, device)) && (is_all || is_selected(row)) {
                    found.push((version, device));
                }
            }
        }
        Ok(found)
    }

    /// Rows of each version that a filter lets through.
    pub(super) fn version_rows(
        &self,
        filter: &IdFilter,
        decoder: &mut Decoder,
    ) -> Result<BTreeMap<u32, u64>, StoreError> {
        let mut rows = BTreeMap::new();
        if !filter.needs_rows(&self.rows) {
            rows.clone_from(&self.rows.versions);
            rows.retain(|version, _| filter.takes_version(*version));
            return Ok(rows);
        }
        let versions = self.versions(decoder)?;
        for range in self.selected(filter, decoder)? {
            for version in versions.get(range).unwrap_or_default() {
                *rows.entry(*version).or_default() += 1;
            }
        }
        Ok(rows)
    }
}

/// Rows of `column` that are in `ranges` and have a value.
pub(super) fn with_values(column: &Column, ranges: &[Range<usize>]) -> Vec<Range<usize>> {
    ranges
        .iter()
        .flat_map(|range| present_ranges(column, range.clone()))
        .collect()
}

fn narrowed(ranges: &[Range<usize>], mut keep: impl FnMut(usize) -> bool) -> Vec<Range<usize>> {
    let mut kept: Vec<Range<usize>> = Vec::new();
    for row in ranges.iter().flat_map(Clone::clone) {
        if keep(row) {
            match kept.last_mut() {
                Some(last) if last.end == row => last.end += 1,
                _ => kept.push(row..row + 1),
            }
        }
    }
    kept
}

/// Adds up the cells of a column. `fold` is called on several threads, each with a sum of its own; `join` puts two together.
pub(super) fn scan<A: Send>(
    reader: &Reader,
    (metric, filter, needs): (u32, &IdFilter, Needs),
    new: impl Fn() -> A + Sync,
    fold: impl Fn(&mut A, &Cell, &mut Decoder) -> Result<(), StoreError> + Sync,
    mut join: impl FnMut(&mut A, A),
) -> Result<A, StoreError> {
    reader.ask(|connection| {
        let mut sum = new();
        let (mut cells, mut n_bytes) = (Vec::new(), 0);
        let mut work = |cells: &mut Vec<Cell>| -> Result<(), StoreError> {
            for part in fold_all(&std::mem::take(cells), &new, &fold)? {
                join(&mut sum, part);
            }
            Ok(())
        };
        for day in days(connection)? {
            if !filter.takes_day(day) {
                continue;
            }
            let day_cells = cells_of_day(connection, day, metric, filter, needs)?;
            n_bytes += day_cells
                .iter()
                .map(|cell| {
                    cell.columns
                        .iter()
                        .map(|block| block.data.len())
                        .sum::<usize>()
                })
                .sum::<usize>();
            cells.extend(day_cells);
            if n_bytes > CHUNK_BYTES {
                work(&mut cells)?;
                n_bytes = 0;
            }
        }
        work(&mut cells)?;
        Ok(sum)
    })
}

fn fold_all<A: Send>(
    cells: &[Cell],
    new: &(impl Fn() -> A + Sync),
    fold: &(impl Fn(&mut A, &Cell, &mut Decoder) -> Result<(), StoreError> + Sync),
) -> Result<Vec<A>, StoreError> {
    let one = |cells: &[Cell]| {
        let mut decoder = Decoder::new()?;
        let mut sum = new();
        cells
            .iter()
            .try_for_each(|cell| fold(&mut sum, cell, &mut decoder))?;
        Ok::<A, StoreError>(sum)
    };
    let n_threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    let n_threads = n_threads.min(cells.len() / CELLS_PER_THREAD_MIN);
    if n_threads < 2 {
        return Ok(vec![one(cells)?]);
    }
    std::thread::scope(|scope| {
        let shares = cells.chunks(cells.len().div_ceil(n_threads));
        let threads: Vec<_> = shares
            .map(|share| scope.spawn(move || one(share)))
            .collect();
        threads
            .into_iter()
            .map(|thread| match thread.join() {
                Ok(sum) => sum,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    })
}

/// The cells of a day, with the blocks that a question needs.
fn cells_of_day(
    connection: &Connection,
    day: i64,
    metric: u32,
    filter: &IdFilter,
    needs: Needs,
) -> Result<Vec<Cell>, StoreError> {
    let first_ns = day.saturating_mul(DAY_NS);
    let is_cut =
        !filter.takes_time(first_ns) || !filter.takes_time(first_ns.saturating_add(DAY_NS - 1));
    let by_rows = is_cut || filter.hardware.is_some();
    let mut cells = Vec::new();
    for block in blocks(connection, day, TIME, needs.times || is_cut)? {
        let rows =
            RowSummary::read(&block.summary).map_err(|malformed| damaged(block.id, malformed))?;
        cells.push(Cell {
            key: CellKey {
                day,
                group: group_of(block.id),
            },
            lengths: rows.lengths(),
            rows,
            times: Some(block),
            versions: None,
            hardware: None,
            columns: Vec::new(),
        });
    }
    if metric != TIME {
        give(
            &mut cells,
            blocks(connection, day, metric, needs.values || by_rows)?,
            |cell, block| cell.columns.push(block),
        );
    }
    if needs.versions || by_rows || filter.versions.is_some() {
        give(
            &mut cells,
            blocks(connection, day, VERSION, true)?,
            |cell, block| cell.versions = Some(block),
        );
    }
    if filter.hardware.is_some() {
        give(
            &mut cells,
            blocks(connection, day, HARDWARE, true)?,
            |cell, block| cell.hardware = Some(block),
        );
    }
    if metric != TIME {
        cells.retain(|cell| !cell.columns.is_empty());
    }
    Ok(cells)
}

/// Gives blocks to their cells; both are in the order of groups.
fn give(cells: &mut [Cell], blocks: Vec<StoredBlock>, mut put: impl FnMut(&mut Cell, StoredBlock)) {
    let mut cells = cells.iter_mut().peekable();
    for block in blocks {
        let group = group_of(block.id);
        while cells.next_if(|cell| cell.key.group < group).is_some() {}
        if let Some(cell) = cells.peek_mut().filter(|cell| cell.key.group == group) {
            put(cell, block);
        }
    }
}

fn blocks(
    connection: &Connection,
    day: i64,
    metric: u32,
    with_data: bool,
) -> Result<Vec<StoredBlock>, StoreError> {
    let ids = ids_of_metric(day, metric);
    let mut statement = connection.prepare_cached(if with_data {
        "SELECT id, summary, data FROM series_blocks WHERE id BETWEEN ?1 AND ?2"
    } else {
        "SELECT id, summary, x'' FROM series_blocks WHERE id BETWEEN ?1 AND ?2"
    })?;
    let rows = statement.query_map([ids.start(), ids.end()], |row| {
        Ok(StoredBlock {
            id: row.get(0)?,
            summary: row.get(1)?,
            data: row.get(2)?,
        })
    })?;
    rows.collect::<rusqlite::Result<Vec<_>>>()
        .map_err(StoreError::from)
}

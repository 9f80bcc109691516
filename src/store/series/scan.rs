//! Walking over the cells of a metric: blocks are read in their order by one thread, and unpacked and added up by all processors.

use super::codec::Decoder;
use super::filter::IdFilter;
use super::key::{CellKey, HARDWARE, TIME, VERSION, group_of, ids_of_metric};
use super::loaded::damaged;
use super::packed_cell::{PackedCell, StoredBlock};
use super::summary::RowSummary;
use crate::store::error::StoreError;
use crate::store::reader::Reader;
use rusqlite::Connection;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of packed blocks that are in memory at once.
const CHUNK_BYTES: usize = 32 << 20;
/// Below this many cells a second thread costs more than it saves.
const CELLS_PER_THREAD_MIN: usize = 64;

/// Asking the system takes longer than many a question.
static N_PROCESSORS: LazyLock<usize> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1, |n| n.get()));

/// What of the rows a question looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// Each row's time.
    pub(super) times: bool,
    /// Each row's version.
    pub(super) versions: bool,
    /// The values.
    pub(super) values: bool,
}

/// A metric, the rows, and what is looked at of them.
pub(super) type Question<'q> = (u32, &'q IdFilter, Needs);

/// Adds up the cells of a column. `fold` is called on several threads, each with a sum of its own; `join` puts two together. All
/// cells of a group of devices are added to the same sum, as long as they are in memory at once.
pub(super) fn scan<A: Send>(
    reader: &Reader,
    question: Question<'_>,
    new: impl Fn() -> A + Sync,
    fold: impl Fn(&mut A, &PackedCell, &mut Decoder) -> Result<(), StoreError> + Sync,
    join: impl FnMut(&mut A, A),
) -> Result<A, StoreError> {
    scan_some_days(reader, question, |_| true, new, fold, join)
}

/// The same for some of the days.
pub(super) fn scan_some_days<A: Send>(
    reader: &Reader,
    question: Question<'_>,
    is_wanted: impl Fn(i64) -> bool,
    new: impl Fn() -> A + Sync,
    fold: impl Fn(&mut A, &PackedCell, &mut Decoder) -> Result<(), StoreError> + Sync,
    mut join: impl FnMut(&mut A, A),
) -> Result<A, StoreError> {
    let mut sum: Option<A> = None;
    read_chunks(reader, question, is_wanted, |cells| {
        let n_parts = (cells.len() / CELLS_PER_THREAD_MIN).clamp(1, *N_PROCESSORS);
        let parts = on_all_processors(n_parts, |part, decoder| {
            let mut sum = new();
            let own = cells
                .iter()
                .filter(|cell| cell.key.group as usize % n_parts == part);
            for cell in own {
                fold(&mut sum, cell, decoder)?;
            }
            Ok(sum)
        })?;
        for part in parts {
            match &mut sum {
                Some(sum) => join(sum, part),
                None => sum = Some(part),
            }
        }
        Ok(())
    })?;
    Ok(sum.unwrap_or_else(new))
}

/// Answers a question for each day by itself, several days at a time. `join` gets the answers in the order of days.
pub(super) fn scan_days<A: Send>(
    reader: &Reader,
    question: Question<'_>,
    answer: impl Fn(&[PackedCell], &mut Decoder) -> Result<A, StoreError> + Sync,
    mut join: impl FnMut(A),
) -> Result<(), StoreError> {
    let of_day = |a: &PackedCell, b: &PackedCell| a.key.day == b.key.day;
    read_chunks(
        reader,
        question,
        |_| true,
        |cells| {
            let days: Vec<&[PackedCell]> = cells.chunk_by(of_day).collect();
            let answers = on_all_processors(days.len(), |day, decoder| {
                answer(days.get(day).copied().unwrap_or_default(), decoder)
            })?;
            answers.into_iter().for_each(&mut join);
            Ok(())
        },
    )
}

/// Reads the cells of a question and hands them on, before they are too many.
fn read_chunks(
    reader: &Reader,
    question: Question<'_>,
    is_wanted: impl Fn(i64) -> bool,
    mut work: impl FnMut(&[PackedCell]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    reader.ask_one_state(|connection| {
        let (mut cells, mut n_bytes) = (Vec::new(), 0);
        for day in question.1.days(connection)? {
            if !is_wanted(day) {
                continue;
            }
            let of_day = cells_of_day(connection, day, question)?;
            n_bytes += of_day.iter().map(PackedCell::n_bytes).sum::<usize>();
            cells.extend(of_day);
            if n_bytes > CHUNK_BYTES {
                work(&cells)?;
                cells.clear();
                n_bytes = 0;
            }
        }
        if cells.is_empty() {
            return Ok(());
        }
        work(&cells)
    })
}

/// Does `work` for each number below `n`, on all processors; the answers in the order of the numbers.
fn on_all_processors<A: Send>(
    n: usize,
    work: impl Fn(usize, &mut Decoder) -> Result<A, StoreError> + Sync,
) -> Result<Vec<A>, StoreError> {
    let next = AtomicUsize::new(0);
    let work_off = || {
        let mut decoder = Decoder::new()?;
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= n {
                return Ok::<_, StoreError>(done);
            }
            done.push((number, work(number, &mut decoder)?));
        }
    };
    let n_others = (*N_PROCESSORS).min(n).saturating_sub(1);
    let mut done = std::thread::scope(|scope| {
        let others: Vec<_> = (0..n_others).map(|_| scope.spawn(work_off)).collect();
        let mut done = work_off()?;
        for other in others {
            match other.join() {
                Ok(theirs) => done.extend(theirs?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok::<_, StoreError>(done)
    })?;
    done.sort_unstable_by_key(|(number, _)| *number);
    Ok(done.into_iter().map(|(_, answer)| answer).collect())
}

/// The cells of a day that have the metric and may have wanted rows, with the blocks that a question needs.
fn cells_of_day(
    connection: &Connection,
    day: i64,
    (metric, filter, needs): Question<'_>,
) -> Result<Vec<PackedCell>, StoreError> {
    let by_rows = filter.needs_rows_of_day(day);
    let mut cells = Vec::new();
    for block in blocks(connection, day, TIME, needs.times || by_rows)? {
        let rows =
            RowSummary::read(&block.summary).map_err(|malformed| damaged(block.id, malformed))?;
        // Distances between rows are those of all rows.
        let mut versions = rows.versions.keys();
        if metric != TIME && !versions.any(|version| filter.takes_version(*version)) {
            continue;
        }
        cells.push(PackedCell {
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
    if cells.is_empty() {
        return Ok(cells);
    }
    if metric != TIME {
        give(
            &mut cells,
            blocks(connection, day, metric, needs.values || by_rows)?,
            |cell, block| cell.columns.push(block),
        );
        cells.retain(|cell| !cell.columns.is_empty());
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
    Ok(cells)
}

/// Gives blocks to their cells; both are in the order of groups.
fn give(
    cells: &mut [PackedCell],
    blocks: Vec<StoredBlock>,
    mut put: impl FnMut(&mut PackedCell, StoredBlock),
) {
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
    let mut blocks = Vec::new();
    let ids = ids_of_metric(day, metric);
    let mut statement = connection.prepare_cached(if with_data {
        "SELECT id, summary, data FROM series_blocks WHERE id BETWEEN ?1 AND ?2"
    } else {
        "SELECT id, summary, x'' FROM series_blocks WHERE id BETWEEN ?1 AND ?2"
    })?;
    let mut rows = statement.query([ids.start(), ids.end()])?;
    while let Some(row) = rows.next()? {
        blocks.push(StoredBlock {
            id: row.get(0)?,
            summary: row.get(1)?,
            data: row.get(2)?,
        });
    }
    Ok(blocks)
}

/// Shows the summary of each block of a metric in a day.
pub(super) fn for_each_summary(
    connection: &Connection,
    day: i64,
    metric: u32,
    mut visit: impl FnMut(i64, &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let ids = ids_of_metric(day, metric);
    let sql = "SELECT id, summary FROM series_blocks WHERE id BETWEEN ?1 AND ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([ids.start(), ids.end()])?;
    while let Some(row) = rows.next()? {
        visit(row.get(0)?, row.get_ref(1)?.as_blob().unwrap_or_default())?;
    }
    Ok(())
}

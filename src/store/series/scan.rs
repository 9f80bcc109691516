//! Walking over the cells of a metric: blocks are read in their order by one thread, and unpacked and added up by all processors.

use super::codec::Decoder;
use super::expected::ExpectedDays;
use super::filter::IdFilter;
use super::key::{
    CellKey, HARDWARE, MOST_GROUPS, TIME, VERSION, group_of, ids_of_groups, ids_of_metric,
};
use super::loaded::damaged;
use super::packed_cell::{PackedCell, StoredBlock};
use super::summary::RowSummary;
use crate::store::error::StoreError;
use crate::store::reader::Reader;
use rusqlite::{Connection, Row};
use std::ops::{Range, RangeInclusive};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// Bytes of packed blocks that wait for a thread.
const WAITING_BYTES_MAX: usize = 32 << 20;
/// Groups of a day that are read and handed to a thread at once: while it unpacks them, the next are read. Few in tests, which so
/// read many pieces.
const PIECE_GROUPS: u32 = if cfg!(test) { 2 } else { 64 };

/// Asking the system takes longer than many a question.
static N_PROCESSORS: LazyLock<usize> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1, |n| n.get()));

/// What of the rows a question looks at.
#[expect(
    clippy::struct_excessive_bools,
    reason = "parts of a cell, each wanted or not"
)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// Each row's time.
    pub(super) times: bool,
    /// Each row's version.
    pub(super) versions: bool,
    /// The values.
    pub(super) values: bool,
    /// The statistics that stand beside the values.
    pub(super) stats: bool,
}

/// A metric, the rows, and what is looked at of them.
pub(super) type Question<'q> = (u32, &'q IdFilter, Needs);

/// Adds up the cells of a column. `fold` is called on several threads, each with a sum of its own; `join` puts two together.
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
    let work = |sum: &mut A, cells: &[PackedCell], decoder: &mut Decoder| {
        cells.iter().try_for_each(|cell| fold(sum, cell, decoder))
    };
    let sums = share_out(reader, question, (is_wanted, PIECE_GROUPS), &new, work)?;
    let mut sums = sums.into_iter();
    let mut sum = sums.next().unwrap_or_else(&new);
    sums.for_each(|part| join(&mut sum, part));
    Ok(sum)
}

/// Answers a question for each day by itself, several days at a time; the answers in the order of days.
pub(super) fn scan_days<A: Send>(
    reader: &Reader,
    question: Question<'_>,
    answer: impl Fn(&[PackedCell], &mut Decoder) -> Result<A, StoreError> + Sync,
) -> Result<Vec<A>, StoreError> {
    let work = |answers: &mut Vec<(i64, A)>, cells: &[PackedCell], decoder: &mut Decoder| {
        let day = cells.first().map_or(0, |cell| cell.key.day);
        answers.push((day, answer(cells, decoder)?));
        Ok(())
    };
    let answers = share_out(reader, question, (|_| true, MOST_GROUPS), Vec::new, work)?;
    let mut answers: Vec<(i64, A)> = answers.into_iter().flatten().collect();
    answers.sort_by_key(|(day, _)| *day);
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}

/// Reads the cells of a question day by day, in pieces of so many groups, and works on them meanwhile. Each thread has a state
/// of its own, which are what is answered.
fn share_out<S: Send>(
    reader: &Reader,
    question: Question<'_>,
    (is_wanted, piece_groups): (impl Fn(i64) -> bool, u32),
    new: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, &[PackedCell], &mut Decoder) -> Result<(), StoreError> + Sync,
) -> Result<Vec<S>, StoreError> {
    let (sender, receiver) = channel::<Vec<PackedCell>>();
    let pieces = Pieces {
        receiver: Mutex::new(receiver),
        n_bytes: AtomicUsize::new(0),
    };
    std::thread::scope(|scope| {
        let help = || {
            let (mut state, mut decoder, mut used) = (new(), Decoder::new()?, Used::default());
            while let Some(piece) = pieces.wait() {
                work(&mut state, &piece, &mut decoder)?;
                used.keep(piece);
            }
            Ok::<_, StoreError>((state, used))
        };
        let mut helpers = Vec::new();
        let (mut state, mut decoder, mut n_pieces) = (new(), Decoder::new()?, 0);
        reader.ask_one_state(|connection| {
            // Dropped with this closure, also by a panic: then the helpers end.
            let sender = sender;
            let mut days = ExpectedDays::new(reader, connection, question.1, is_wanted)?;
            while let Some(day) = days.next_for(question) {
                let n_groups = n_groups(connection, day)?;
                for first in (0..n_groups).step_by(piece_groups as usize) {
                    let end = first.saturating_add(piece_groups).min(n_groups);
                    let cells = cells_of_groups(connection, (day, first..end), question)?;
                    if cells.is_empty() {
                        continue;
                    }
                    pieces.send(&sender, cells);
                    n_pieces += 1;
                    // Where there is one piece, it is this thread's.
                    let has_more = n_pieces > 1 || end < n_groups;
                    if has_more && helpers.len() + 1 < *N_PROCESSORS {
                        helpers.push(scope.spawn(help));
                    }
                }
                while pieces.n_bytes.load(Ordering::Relaxed) > WAITING_BYTES_MAX {
                    let Some(piece) = pieces.take() else { break };
                    work(&mut state, &piece, &mut decoder)?;
                }
            }
            Ok(())
        })?;
        while let Some(piece) = pieces.take() {
            work(&mut state, &piece, &mut decoder)?;
        }
        let mut states = vec![state];
        for helper in helpers {
            match helper.join() {
                Ok(theirs) => states.push(theirs?.0),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(states)
    })
}

/// Cells that a helper is done with. The thread that read them gives their memory back: if the helper did, both would wait for
/// the allocator.
#[derive(Default)]
struct Used {
    pieces: Vec<Vec<PackedCell>>,
    n_bytes: usize,
}

impl Used {
    fn keep(&mut self, piece: Vec<PackedCell>) {
        if self.n_bytes < WAITING_BYTES_MAX {
            self.n_bytes += piece.iter().map(PackedCell::n_bytes).sum::<usize>();
            self.pieces.push(piece);
        }
    }
}

/// Cells that wait for a thread.
struct Pieces {
    receiver: Mutex<Receiver<Vec<PackedCell>>>,
    n_bytes: AtomicUsize,
}

impl Pieces {
    fn send(&self, sender: &Sender<Vec<PackedCell>>, piece: Vec<PackedCell>) {
        let n_bytes = piece.iter().map(PackedCell::n_bytes).sum();
        self.n_bytes.fetch_add(n_bytes, Ordering::Relaxed);
        // The receiver lives as long as this.
        let _is_sent = sender.send(piece).is_ok();
    }

    /// The next piece; waits for it. `None` when all were taken.
    fn wait(&self) -> Option<Vec<PackedCell>> {
        self.taken(self.lock().recv().ok())
    }

    /// The next piece that is there.
    fn take(&self) -> Option<Vec<PackedCell>> {
        self.taken(self.lock().try_recv().ok())
    }

    fn taken(&self, piece: Option<Vec<PackedCell>>) -> Option<Vec<PackedCell>> {
        let n_bytes = piece.iter().flatten().map(PackedCell::n_bytes).sum();
        self.n_bytes.fetch_sub(n_bytes, Ordering::Relaxed);
        piece
    }

    fn lock(&self) -> MutexGuard<'_, Receiver<Vec<PackedCell>>> {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the groups of a day end.
fn n_groups(connection: &Connection, day: i64) -> Result<u32, StoreError> {
    let ids = ids_of_metric(day, TIME);
    let mut statement = connection
        .prepare_cached("SELECT max(id) FROM series_blocks WHERE id BETWEEN ?1 AND ?2")?;
    let last: Option<i64> = statement.query_row([ids.start(), ids.end()], |row| row.get(0))?;
    Ok(last.map_or(0, |id| group_of(id).saturating_add(1)))
}

/// The cells of some groups of a day that have the metric and may have wanted rows, with the blocks that a question needs.
fn cells_of_groups(
    connection: &Connection,
    (day, groups): (i64, Range<u32>),
    (metric, filter, needs): Question<'_>,
) -> Result<Vec<PackedCell>, StoreError> {
    let by_rows = filter.needs_rows_of_day(day);
    let mut cells = Vec::new();
    for_each_block(
        connection,
        ids_of_groups(day, TIME, &groups),
        needs.times || by_rows,
        |id, row| {
            let summary = row.get_ref(1)?.as_blob().unwrap_or_default();
            let rows = RowSummary::read(summary).map_err(|malformed| damaged(id, malformed))?;
            // Distances between rows are those of all rows.
            let mut versions = rows.versions.keys();
            if metric != TIME && !versions.any(|version| filter.takes_version(*version)) {
                return Ok(());
            }
            cells.push(PackedCell {
                key: CellKey {
                    day,
                    group: group_of(id),
                },
                lengths: rows.lengths(),
                rows,
                times: Some(StoredBlock {
                    id,
                    summary: Vec::new(),
                    data: row.get(2)?,
                }),
                versions: None,
                hardware: None,
                columns: Vec::new(),
            });
            Ok(())
        },
    )?;
    if cells.is_empty() {
        return Ok(cells);
    }
    let unknown = cells.iter().any(|cell| !cell.rows.knows_versions());
    let mut give = |metric, with_data, put: &dyn Fn(&mut PackedCell, StoredBlock)| {
        // Blocks and cells are in the order of groups.
        let mut waiting = cells.iter_mut().peekable();
        let ids = ids_of_groups(day, metric, &groups);
        for_each_block(connection, ids, with_data, |id, row| {
            let group = group_of(id);
            while waiting.next_if(|cell| cell.key.group < group).is_some() {}
            if let Some(cell) = waiting.peek_mut().filter(|cell| cell.key.group == group) {
                let summary = if needs.stats { row.get(1)? } else { Vec::new() };
                let data = row.get(2)?;
                put(cell, StoredBlock { id, summary, data });
            }
            Ok(())
        })
    };
    if metric != TIME {
        let with_data = needs.values || by_rows;
        give(metric, with_data, &|cell, block| cell.columns.push(block))?;
    }
    let asks_versions = needs.versions || by_rows || filter.versions.is_some();
    if asks_versions && unknown {
        give(VERSION, true, &|cell, block| cell.versions = Some(block))?;
    }
    if filter.hardware.is_some() {
        give(HARDWARE, true, &|cell, block| cell.hardware = Some(block))?;
    }
    if metric != TIME {
        cells.retain(|cell| !cell.columns.is_empty());
    }
    Ok(cells)
}

/// Shows id, summary and data of some blocks; data are empty where they are not wanted.
fn for_each_block(
    connection: &Connection,
    ids: RangeInclusive<i64>,
    with_data: bool,
    mut visit: impl FnMut(i64, &Row<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(if with_data {
        "SELECT id, summary, data FROM series_blocks WHERE id BETWEEN ?1 AND ?2"
    } else {
        "SELECT id, summary, x'' FROM series_blocks WHERE id BETWEEN ?1 AND ?2"
    })?;
    let mut rows = statement.query([ids.start(), ids.end()])?;
    while let Some(row) = rows.next()? {
        visit(row.get(0)?, row)?;
    }
    Ok(())
}

/// Shows the summary of each block of a metric in a day.
pub(super) fn for_each_summary(
    connection: &Connection,
    day: i64,
    metric: u32,
    mut visit: impl FnMut(i64, &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    for_each_block(connection, ids_of_metric(day, metric), false, |id, row| {
        visit(id, row.get_ref(1)?.as_blob().unwrap_or_default())
    })
}

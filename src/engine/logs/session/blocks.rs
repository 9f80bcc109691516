//! The blocks of an open log, and what is known of the rows of each. A block is indexed once: only the last one, to which a
//! growing log adds rows, is indexed anew.

use super::row_times::{PackedTimes, RowTimesBuilder};
use super::time_index::{BlockTimes, Heads};
use crate::engine::logs::rows::{BLOCK_BYTES, LogPiece, Rows, blocks};
use crate::engine::logs::selection::decode_rows;
use crate::engine::logs::view::LogRestart;
use crate::formats::boots::BootRecord;
use crate::formats::log::dictionaries::LogDictionaries;
use crate::formats::log::{Framing, LogFormat};
use crate::model::log::{LogLevel, LogRecord, RowKind};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Offsets are kept of every row with a number that this divides.
pub(super) const INDEXED_EVERY: u64 = 64;
/// Modules that are listed.
pub(super) const MOST_MODULES: usize = 1000;

/// What was found while the rows of a block were counted.
#[derive(Debug, Default)]
pub(super) struct BlockFacts {
    /// Offset of every row whose number in the block [`INDEXED_EVERY`] divides.
    pub(super) offsets: Vec<u64>,
    pub(super) n_rows: u64,
    pub(super) n_by_level: [u64; 6],
    /// Level of each row: index in [`LogLevel::ALL`], 6 for none.
    pub(super) levels: Vec<u8>,
    /// Rows, from the first of the block, that are lines of data behind a line of data.
    pub(super) folded: Vec<u64>,
    /// Whether the first and the last row are lines of data.
    pub(super) is_data: (bool, bool),
    pub(super) n_dropped: (u64, u64),
    pub(super) n_undecoded: u64,
    pub(super) modules: BTreeMap<String, u64>,
    /// Whether the first of the rows with each offset is a line that belongs to a record before it.
    pub(super) begins_inside: Vec<bool>,
    /// What each row says of its time.
    pub(super) row_times: PackedTimes,
    /// When the rows are, by groups.
    pub(super) times: BlockTimes,
}

/// A block with its place in the log.
#[derive(Clone, Debug)]
pub(super) struct IndexedBlock {
    pub(super) first_row: u64,
    pub(super) range: Range<usize>,
    pub(super) facts: Arc<BlockFacts>,
}

impl IndexedBlock {
    /// The row behind its last one.
    pub(super) fn end_row(&self) -> u64 {
        self.first_row.saturating_add(self.facts.n_rows)
    }
}

/// Where blocks are from byte `from` on, at which a row begins. None goes across a restart: a row ends there, whole or not.
pub(super) fn block_ranges(
    bytes: &[u8],
    from: usize,
    restarts: &[LogRestart],
    format: &dyn LogFormat,
    dictionaries: &LogDictionaries,
) -> Vec<Range<usize>> {
    let offsets = restarts
        .iter()
        .filter_map(|restart| usize::try_from(restart.offset).ok());
    let ends = offsets
        .filter(|at| *at > from && *at < bytes.len())
        .chain([bytes.len()]);
    let mut found = Vec::new();
    let mut start = from;
    for end in ends {
        let part = bytes.get(start..end).unwrap_or(&[]);
        let within = match format.framing() {
            Framing::Measured => {
                let begun = begun_at(start, restarts);
                let piece = LogPiece {
                    log: bytes.get(begun..end).unwrap_or(&[]),
                    range: start.saturating_sub(begun)..end.saturating_sub(begun),
                };
                measured_blocks(piece, format, dictionaries)
            }
            framing @ Framing::Delimited(_) => blocks(part, framing).collect(),
        };
        let place = |block: Range<usize>| {
            start.saturating_add(block.start)..start.saturating_add(block.end)
        };
        found.extend(within.into_iter().map(place));
        start = end;
    }
    found
}

/// Where the file was begun whose bytes stand at `at`.
pub(super) fn begun_at(at: usize, restarts: &[LogRestart]) -> usize {
    let n_begun = restarts.partition_point(|restart| restart.offset <= at as u64);
    let begun = n_begun.checked_sub(1).and_then(|index| restarts.get(index));
    begun.map_or(0, |restart| {
        usize::try_from(restart.offset).unwrap_or(usize::MAX)
    })
}

/// Cuts rows that have to be measured into blocks: what is looked at anew when more comes stays small.
fn measured_blocks(
    piece: LogPiece<'_>,
    format: &dyn LogFormat,
    dictionaries: &LogDictionaries,
) -> Vec<Range<usize>> {
    let mut cut = Vec::new();
    let mut start: usize = 0;
    let n_bytes = piece.range.len();
    for row in Rows::new(piece, format, dictionaries) {
        if row.end.saturating_sub(start) >= BLOCK_BYTES || row.end >= n_bytes {
            cut.push(start..row.end);
            start = row.end;
        }
    }
    cut
}

/// Looks at every row of a block, which begins at byte `start` of the log; `boots` are those of the whole log.
pub(super) fn facts_of(
    block: &LogPiece<'_>,
    start: usize,
    format: &dyn LogFormat,
    dictionaries: &LogDictionaries,
    boots: &[BootRecord],
) -> BlockFacts {
    let mut facts = BlockFacts::default();
    let mut row_times = RowTimesBuilder::default();
    let mut heads = Heads::at(boots, start as u64);
    let mut n_boots = boots.partition_point(|boot| boot.offset < start as u64);
    decode_rows(block, format, dictionaries, |row, record| {
        let offset = start.saturating_add(row.start) as u64;
        if facts.n_rows.is_multiple_of(INDEXED_EVERY) {
            facts.offsets.push(offset);
            let is_inside = record.kind == RowKind::Continuation;
            facts.begins_inside.push(is_inside);
        }
        while boots.get(n_boots).is_some_and(|boot| boot.offset <= offset) {
            n_boots = n_boots.saturating_add(1);
        }
        let part = heads.boot_of(n_boots, record);
        facts.times.add(facts.n_rows, part, record);
        facts.add(record);
        row_times.push(record);
    });
    facts.row_times = row_times.finish();
    facts
}

impl BlockFacts {
    fn add(&mut self, record: &LogRecord) {
        let is_data = record.kind == RowKind::Data;
        if is_data && self.is_data.1 {
            self.folded.push(self.n_rows);
        }
        if self.n_rows == 0 {
            self.is_data.0 = is_data;
        }
        self.is_data.1 = is_data;
        self.n_rows = self.n_rows.saturating_add(1);
        let level = record.level.map_or(LogLevel::ALL.len(), LogLevel::index);
        self.levels.push(u8::try_from(level).unwrap_or(u8::MAX));
        if let Some(n) = self.n_by_level.get_mut(level) {
            *n = n.saturating_add(1);
        }
        match record.kind {
            RowKind::Dropped => {
                let (n_rows, n_lines) = self.n_dropped;
                let n_more = record.n_dropped.unwrap_or(0);
                self.n_dropped = (n_rows.saturating_add(1), n_lines.saturating_add(n_more));
            }
            RowKind::Undecoded => self.n_undecoded = self.n_undecoded.saturating_add(1),
            _ => {}
        }
        if !record.module.is_empty() {
            if let Some(n) = self.modules.get_mut(&record.module) {
                *n = n.saturating_add(1);
            } else if self.modules.len() < MOST_MODULES {
                self.modules.insert(record.module.clone(), 1);
            }
        }
    }
}

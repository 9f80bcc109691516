//! A log that stays open for the window: indexed once, its rows decoded when they are looked at, its filters remembered.

mod axis;
mod blocks;
mod density;
mod filters;
mod folds;
mod growth;
mod messages;
mod print;
mod row_times;
mod summary;
mod time_index;

use super::row_set::RowSet;
use super::rows::{LogPiece, Rows};
use super::selection::{boot_at, decode_rows};
use super::view::{LogRestart, LogSummary};
use crate::engine::file_bytes::FileBytes;
use crate::formats::boots::BootRecord;
use crate::formats::log::LogFormat;
use crate::formats::log::dictionaries::LogDictionaries;
use crate::model::log::LogRecord;
use axis::Axis;
use blocks::{INDEXED_EVERY, IndexedBlock, begun_at};
use filters::KeptFilter;
use folds::KnownFolds;
pub use folds::ListedRows;
use messages::KnownMessages;
pub use messages::MessageIndex;
pub use row_times::{RowTimes, TimesIter};
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// So much of a row's bytes is decoded for the screen.
const SHOWN_BYTES: usize = 16 << 10;

/// A crash in the log: where it is, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashPlace {
    /// Byte where its dump or print begins.
    pub offset: u64,
    /// Bytes of it.
    pub len: u64,
    /// Its id in the workspace.
    pub crash: i64,
    /// Its headline.
    pub headline: String,
}

/// An open log.
pub struct LogSession {
    name: String,
    bytes: FileBytes,
    format: &'static dyn LogFormat,
    dictionaries: LogDictionaries,
    blocks: Vec<IndexedBlock>,
    boots: Vec<BootRecord>,
    boot_rows: Vec<u64>,
    crashes: Vec<CrashPlace>,
    crash_rows: Vec<(u64, u64)>,
    /// Rows that stand behind another row of the same block of data.
    folded: RowSet,
    /// Where the file was begun anew while it was followed.
    restarts: Vec<LogRestart>,
    /// When its first record was made, nanoseconds since 1970, and how far off that may be.
    started: Option<(i64, u64)>,
    summary: LogSummary,
    axis: Axis,
    /// Serial number of the device that wrote it.
    device: Option<String>,
    /// Shared with what the log was before it grew: what was found then need not be looked for again.
    filters: Arc<Mutex<Vec<KeptFilter>>>,
    /// Shared in the same way.
    messages: Arc<KnownMessages>,
    folds: Arc<KnownFolds>,
}

impl LogSession {
    /// All of its bytes.
    pub fn bytes(&self) -> &FileBytes {
        &self.bytes
    }

    /// Its format.
    pub fn format(&self) -> &'static dyn LogFormat {
        self.format
    }

    /// What its format strings are looked up in.
    pub fn dictionaries(&self) -> &LogDictionaries {
        &self.dictionaries
    }

    /// True without a byte.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The log at a glance.
    pub fn summary(&self) -> &LogSummary {
        &self.summary
    }

    /// The row that holds a byte.
    pub fn row_at(&self, offset: u64) -> u64 {
        let at = usize::try_from(offset).unwrap_or(usize::MAX);
        let found = self.blocks.partition_point(|block| block.range.start <= at);
        let Some(block) = found
            .checked_sub(1)
            .and_then(|index| self.blocks.get(index))
        else {
            return 0;
        };
        let step = block
            .facts
            .offsets
            .partition_point(|start| *start <= offset)
            .saturating_sub(1);
        let start = block.facts.offsets.get(step).copied().unwrap_or(0);
        let mut row = block
            .first_row
            .saturating_add((step as u64).saturating_mul(INDEXED_EVERY));
        let from = usize::try_from(start).unwrap_or(usize::MAX);
        let rest = self.piece(from..block.range.end.max(from));
        for place in Rows::new(rest, self.format, &self.dictionaries) {
            if from.saturating_add(place.end) > at {
                break;
            }
            row = row.saturating_add(1);
        }
        row.min(self.summary.n_rows.saturating_sub(1))
    }

    /// Where the bytes of a row are.
    pub fn place_of(&self, row: u64) -> Option<Range<usize>> {
        let found = self.blocks.partition_point(|block| block.first_row <= row);
        let block = self.blocks.get(found.checked_sub(1)?)?;
        let inside = row.checked_sub(block.first_row)?;
        let step = usize::try_from(inside / INDEXED_EVERY).ok()?;
        let start = usize::try_from(*block.facts.offsets.get(step)?).ok()?;
        let rest = self.piece(start..block.range.end);
        let left = usize::try_from(inside % INDEXED_EVERY).ok()?;
        let place = Rows::new(rest, self.format, &self.dictionaries).nth(left)?;
        Some(start.saturating_add(place.start)..start.saturating_add(place.end))
    }

    /// A row decoded, its place, and whether only its beginning was looked at.
    pub fn record(&self, row: u64) -> Option<(Range<usize>, LogRecord, bool)> {
        let place = self.place_of(row)?;
        let shown = place.start..place.end.min(place.start.saturating_add(SHOWN_BYTES));
        let is_cut = shown.end < place.end;
        let mut found = None;
        decode_rows(
            &self.piece(shown),
            self.format,
            &self.dictionaries,
            |_, record| {
                found.get_or_insert_with(|| record.clone());
            },
        );
        Some((place, found?, is_cut))
    }

    /// The boot of a row.
    pub fn boot_of(&self, offset: u64) -> Option<u32> {
        boot_at(&self.boots, offset)
    }

    /// Index of the boot that begins at a row.
    pub fn boot_starting_at(&self, row: u64) -> Option<usize> {
        self.boot_rows.binary_search(&row).ok()
    }

    /// Index of the crash that begins at a row.
    pub fn crash_starting_at(&self, row: u64) -> Option<usize> {
        self.crash_rows.iter().position(|(first, _)| *first == row)
    }

    /// Rows of the same block of data that are folded into a row.
    pub fn n_folded_into(&self, row: u64) -> u64 {
        let mut n: u64 = 0;
        while self
            .folded
            .contains(row.saturating_add(n).saturating_add(1))
        {
            n = n.saturating_add(1);
        }
        n
    }

    /// The row that a line of a block of data is folded into; any other row itself.
    pub fn head_of_data(&self, row: u64) -> u64 {
        let mut head = row;
        while head > 0 && self.folded.contains(head) {
            head = head.saturating_sub(1);
        }
        head
    }

    /// A piece with the bytes around it, as far as they are of the same file: nothing goes on across a restart.
    fn piece(&self, range: Range<usize>) -> LogPiece<'_> {
        let start = begun_at(range.start, &self.restarts);
        let ends = self.restarts.iter().map(|restart| restart.offset);
        let mut ends = ends.filter(|end| *end > range.start as u64);
        let end = ends.next().and_then(|end| usize::try_from(end).ok());
        let end = end.unwrap_or(self.bytes.len());
        LogPiece {
            log: self.bytes.get(start..end).unwrap_or(&[]),
            range: range.start.saturating_sub(start)..range.end.saturating_sub(start),
        }
    }

    /// Level of each row: index in [`crate::model::log::LogLevel::ALL`], 6 for none.
    pub fn levels(&self) -> impl Iterator<Item = u8> + '_ {
        let levels = self.blocks.iter().flat_map(|block| &block.facts.levels);
        levels.copied()
    }

    /// When its first record was made, as what came with it says, and how far off that may be, in nanoseconds.
    pub fn started(&self) -> Option<(i64, u64)> {
        self.started
    }

    /// The bytes of a row.
    pub fn raw(&self, place: Range<usize>) -> &[u8] {
        self.bytes.get(place).unwrap_or(&[])
    }
}

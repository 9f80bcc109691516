//! How a log is opened, and how it goes on when its file grows: what was indexed stays.

use super::axis::Axis;
use super::blocks::{BlockFacts, IndexedBlock, block_ranges, facts_of};
use super::{CrashPlace, LogSession};
use crate::engine::file_bytes::FileBytes;
use crate::engine::logs::row_set::RowSet;
use crate::engine::logs::view::{LogRestart, LogSummary};
use crate::engine::parallel;
use crate::formats::boots;
use crate::formats::log::dictionaries::LogDictionaries;
use crate::formats::log::{LogFormat, detect};
use crate::model::progress::{Cancelled, Progress};
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// So much of a log says which format it has.
const HEAD_BYTES: usize = 64 << 10;

impl LogSession {
    /// Opens and indexes a log.
    pub fn open(
        name: &str,
        bytes: FileBytes,
        dictionaries: LogDictionaries,
        crashes: Vec<CrashPlace>,
        progress: &dyn Progress,
    ) -> Result<Self, Cancelled> {
        let format = format_of(name, &bytes, &dictionaries);
        Self::open_as(format, name, bytes, dictionaries, crashes, progress)
    }

    /// Opens and indexes a log of this format.
    pub fn open_as(
        format: &'static dyn LogFormat,
        name: &str,
        bytes: FileBytes,
        dictionaries: LogDictionaries,
        crashes: Vec<CrashPlace>,
        progress: &dyn Progress,
    ) -> Result<Self, Cancelled> {
        let session = Self {
            name: name.to_owned(),
            format,
            dictionaries,
            blocks: Vec::new(),
            boots: Vec::new(),
            boot_rows: Vec::new(),
            crashes,
            crash_rows: Vec::new(),
            folded: RowSet::default(),
            restarts: Vec::new(),
            started: None,
            summary: LogSummary::default(),
            axis: Axis::default(),
            device: None,
            filters: Arc::new(Mutex::default()),
            messages: Arc::default(),
            folds: Arc::default(),
            bytes,
        };
        session.indexed(progress)
    }

    /// The same log, known to be of the device with this serial number.
    pub fn of_device(mut self, serial: Option<String>) -> Self {
        self.device = serial;
        self
    }

    /// The same, known to be the beginning of a log of this size.
    pub fn beginning_of(mut self, n_bytes: u64) -> Self {
        self.summary.n_bytes.1 = n_bytes;
        self.summary.is_complete = false;
        self
    }

    /// The same log, of which something else says when its first record was made (nanoseconds since 1970), and how far off that
    /// may be.
    pub fn with_start(mut self, started: Option<(i64, u64)>) -> Self {
        self.started = started;
        self.summarize();
        self
    }

    /// The same log with more bytes behind those that it had. Only what is new is indexed, and the last block, which it was
    /// added to; of a log that turns out to have another format everything is. `restarts` says where the file was begun
    /// anew, from the beginning of the log on.
    pub fn grown(
        &self,
        bytes: FileBytes,
        restarts: &[LogRestart],
        progress: &dyn Progress,
    ) -> Result<Self, Cancelled> {
        let mut session = Self {
            name: self.name.clone(),
            format: self.format,
            dictionaries: self.dictionaries.clone(),
            blocks: Vec::new(),
            boots: Vec::new(),
            boot_rows: Vec::new(),
            crashes: self.crashes.clone(),
            crash_rows: Vec::new(),
            folded: RowSet::default(),
            restarts: restarts.to_vec(),
            started: self.started,
            summary: LogSummary::default(),
            axis: Axis::default(),
            device: self.device.clone(),
            filters: Arc::new(Mutex::default()),
            messages: Arc::default(),
            folds: Arc::default(),
            bytes,
        };
        if self.bytes.len() < HEAD_BYTES {
            session.format = format_of(&session.name, &session.bytes, &session.dictionaries);
        }
        if session.format.id() == self.format.id() {
            let n_kept = self.blocks.len().saturating_sub(1);
            session.blocks = self.blocks.get(..n_kept).unwrap_or(&[]).to_vec();
            session.boots.clone_from(&self.boots);
            session.folded.clone_from(&self.folded);
            session.filters = Arc::clone(&self.filters);
            session.messages = Arc::clone(&self.messages);
            session.folds = Arc::clone(&self.folds);
        }
        session.indexed(progress)
    }

    /// Indexes what lies behind the blocks that there are.
    fn indexed(mut self, progress: &dyn Progress) -> Result<Self, Cancelled> {
        let from = self.blocks.last().map_or(0, |block| block.range.end);
        if self.format.has_lines() {
            let before = std::mem::take(&mut self.boots);
            self.boots = boots::find_behind(before, &self.bytes, from as u64, progress)?;
        }
        let ranges = block_ranges(
            &self.bytes,
            from,
            &self.restarts,
            self.format,
            &self.dictionaries,
        );
        let facts = parallel::in_order(&ranges, progress, |range, progress| {
            progress.tick(0, 1)?;
            Ok(facts_of(
                &self.piece(range.clone()),
                range.start,
                self.format,
                &self.dictionaries,
                &self.boots,
            ))
        })?;
        self.take(ranges, facts);
        self.summarize();
        Ok(self)
    }

    fn take(&mut self, ranges: Vec<Range<usize>>, facts: Vec<BlockFacts>) {
        let n_before = self.blocks.last().map_or(0, IndexedBlock::end_row);
        let mut was_data = self
            .blocks
            .last()
            .is_some_and(|block| block.facts.is_data.1);
        let (mut folded, mut n_rows) = (Vec::new(), n_before);
        for (range, facts) in ranges.into_iter().zip(facts) {
            folded.extend((was_data && facts.is_data.0).then_some(n_rows));
            folded.extend(facts.folded.iter().map(|row| n_rows.saturating_add(*row)));
            was_data = facts.is_data.1;
            let block = IndexedBlock {
                first_row: n_rows,
                range,
                facts: Arc::new(facts),
            };
            n_rows = block.end_row();
            self.blocks.push(block);
        }
        self.folded.regrow(n_before, n_rows, folded);
        self.summary.n_rows = n_rows;
    }
}

fn format_of(name: &str, bytes: &[u8], dictionaries: &LogDictionaries) -> &'static dyn LogFormat {
    detect(bytes.get(..HEAD_BYTES).unwrap_or(bytes), name, dictionaries)
}

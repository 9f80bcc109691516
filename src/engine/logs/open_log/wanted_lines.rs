//! The lines of the wanted rows of a log, some blocks at a time: what is printed of one log among several.

use super::{LogStyle, OpenLog};
use crate::engine::logs::print::{RowPlace, append_json};
use crate::engine::logs::rows::blocks;
use crate::engine::logs::selection::{Selection, boot_at};
use crate::engine::parallel;
use crate::model::log::RowKind;
use crate::model::progress::{Cancelled, Progress};
use std::collections::VecDeque;
use std::ops::Range;

/// Blocks that are worked on at once.
const BLOCKS_AT_ONCE: usize = 4;

/// Rows of a log with the lines that are printed of them.
type NumberedLines = Vec<(u64, Vec<u8>)>;

/// The lines that are printed of wanted rows, some blocks at a time.
pub(in crate::engine::logs) struct WantedLines<'a> {
    log: &'a OpenLog,
    blocks: Box<dyn Iterator<Item = Range<usize>> + Sync + 'a>,
    wanted: &'a Selection,
    style: LogStyle,
    name: &'a str,
    first_row: u64,
    n_undecoded: u64,
}

impl WantedLines<'_> {
    /// The first row that was not looked at.
    pub(in crate::engine::logs) fn first_row(&self) -> u64 {
        self.first_row
    }

    /// Wanted rows so far that could not be decoded.
    pub(in crate::engine::logs) fn n_undecoded(&self) -> u64 {
        self.n_undecoded
    }

    /// Adds the lines of the next blocks with the numbers of their rows; false at the end of the log.
    pub(in crate::engine::logs) fn more(
        &mut self,
        into: &mut VecDeque<(u64, Vec<u8>)>,
        progress: &dyn Progress,
    ) -> Result<bool, Cancelled> {
        let group: Vec<_> = self.blocks.by_ref().take(BLOCKS_AT_ONCE).collect();
        if group.is_empty() {
            return Ok(false);
        }
        let starts = self.log.first_rows(&group, &mut self.first_row)?;
        let todo: Vec<(&Range<usize>, u64)> = group.iter().zip(starts).collect();
        let found = parallel::in_order(&todo, progress, |(block, first), progress| {
            progress.tick(0, 1)?;
            Ok(self.lines_of(block, *first))
        })?;
        for (lines, n_undecoded) in found {
            into.extend(lines);
            self.n_undecoded = self.n_undecoded.saturating_add(n_undecoded);
        }
        Ok(true)
    }

    /// The lines of a block, and how many of them could not be decoded.
    fn lines_of(&self, block: &Range<usize>, first_row: u64) -> (NumberedLines, u64) {
        let log = self.log;
        let bytes = log.bytes.get(block.clone()).unwrap_or(&[]);
        let boots = log.boots.get().map(Vec::as_slice).unwrap_or_default();
        let is_raw = self.style == LogStyle::Raw;
        let (mut lines, mut n_undecoded) = (Vec::new(), 0_u64);
        _ = log.wanted_rows(
            (block, first_row),
            self.wanted,
            is_raw,
            boots,
            &mut |index, row, record, text| {
                let raw = bytes.get(row.clone()).unwrap_or(&[]);
                let number = first_row.saturating_add(index);
                let line = match self.style {
                    LogStyle::Raw => raw.to_vec(),
                    LogStyle::Text => text.to_vec(),
                    LogStyle::Json => {
                        let offset = block.start.saturating_add(row.start) as u64;
                        let place = RowPlace {
                            log: Some(self.name),
                            row: number,
                            boot: boot_at(boots, offset),
                            format: log.format.id(),
                        };
                        let mut line = Vec::new();
                        append_json(place, record, raw, &mut line);
                        line
                    }
                };
                lines.push((number, line));
                let is_undecoded = record.kind == RowKind::Undecoded;
                n_undecoded = n_undecoded.saturating_add(u64::from(is_undecoded));
            },
        );
        (lines, n_undecoded)
    }
}

impl OpenLog {
    /// The lines that are printed of wanted rows, as they are asked for; in JSON each says the name of the log.
    pub(in crate::engine::logs) fn wanted_lines<'a>(
        &'a self,
        wanted: &'a Selection,
        style: LogStyle,
        name: &'a str,
    ) -> WantedLines<'a> {
        if style == LogStyle::Json || wanted.boots.is_some() {
            self.boots();
        }
        WantedLines {
            log: self,
            blocks: Box::new(blocks(&self.bytes, self.format.framing())),
            wanted,
            style,
            name,
            first_row: 0,
            n_undecoded: 0,
        }
    }
}

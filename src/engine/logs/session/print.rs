//! The rows of an open log as `fieldscope logs` prints them.

use super::LogSession;
use super::blocks::IndexedBlock;
use crate::engine::logs::open_log::{LogError, LogStyle};
use crate::engine::logs::print::{RowPlace, append_json, append_line};
use crate::engine::logs::row_set::RowSet;
use crate::engine::logs::selection::{boot_at, decode_rows};
use crate::engine::parallel;
use crate::formats::log::Framing;
use crate::model::progress::Progress;
use std::io::Write;
use std::ops::Range;

/// Blocks that are worked on before they are written: bounds the memory.
const BLOCKS_AT_ONCE: usize = 16;

impl LogSession {
    /// Prints rows, all of them without a set; how many there were.
    pub fn print(
        &self,
        rows: Option<&RowSet>,
        style: LogStyle,
        out: &mut dyn Write,
        progress: &dyn Progress,
    ) -> Result<u64, LogError> {
        for blocks in self.blocks.chunks(BLOCKS_AT_ONCE) {
            let done = blocks.first().map_or(0, |block| block.range.start);
            progress.tick(done as u64, self.bytes.len() as u64)?;
            let printed = parallel::in_order(blocks, progress, |block, progress| {
                progress.tick(0, 1)?;
                Ok(self.print_block(block, rows, style))
            })?;
            for bytes in printed {
                out.write_all(&bytes)?;
            }
        }
        Ok(rows.map_or(self.summary.n_rows, RowSet::len))
    }

    fn print_block(&self, block: &IndexedBlock, rows: Option<&RowSet>, style: LogStyle) -> Vec<u8> {
        let mut out = Vec::new();
        let wanted = block.first_row..block.end_row();
        if rows.is_some_and(|rows| rows.rank(wanted.start) == rows.rank(wanted.end)) {
            return out;
        }
        let bytes = self.bytes.get(block.range.clone()).unwrap_or(&[]);
        let is_text = self.format.framing() == Framing::Delimited(b'\n');
        let mut next = block.first_row;
        decode_rows(
            &self.piece(block.range.clone()),
            self.format,
            &self.dictionaries,
            |place, record| {
                let row = next;
                next = next.saturating_add(1);
                if rows.is_some_and(|rows| !rows.contains(row)) {
                    return;
                }
                let raw = bytes.get(place.clone()).unwrap_or(&[]);
                match style {
                    LogStyle::Raw => out.extend_from_slice(raw),
                    LogStyle::Text => append_line(record, raw, is_text, &mut out),
                    LogStyle::Json => {
                        let offset = block.range.start.saturating_add(place.start) as u64;
                        let place = RowPlace {
                            log: None,
                            row,
                            boot: boot_at(&self.boots, offset),
                            format: self.format.id(),
                        };
                        append_json(place, record, raw, &mut out);
                    }
                }
            },
        );
        out
    }

    /// One row as text, without its line end.
    pub fn line(&self, row: u64) -> Option<Vec<u8>> {
        let place: Range<usize> = self.place_of(row)?;
        let raw = self.bytes.get(place.clone())?;
        let is_text = self.format.framing() == Framing::Delimited(b'\n');
        let mut line = None;
        let piece = self.piece(place);
        decode_rows(&piece, self.format, &self.dictionaries, |_, record| {
            if line.is_none() {
                let mut text = Vec::new();
                append_line(record, raw, is_text, &mut text);
                text.pop();
                line = Some(text);
            }
        });
        line
    }
}

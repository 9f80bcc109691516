//! Which rows of a log are wanted, and the rows of a block that are.

use super::matcher::Matcher;
use super::row_set::RowSet;
use super::rows::{LogPiece, Rows};
use crate::formats::boots::BootRecord;
use crate::formats::log::LogFormat;
use crate::formats::log::dictionaries::LogDictionaries;
use crate::model::log::{LogLevel, LogRecord, RowKind};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// What is wanted. The default wants everything.
#[derive(Default)]
pub struct Selection {
    /// Records at this level or above.
    pub level: Option<LogLevel>,
    /// Records of these modules; empty: of any.
    pub modules: Vec<String>,
    /// Rows of these boots, from 0.
    pub boots: Option<RangeInclusive<u32>>,
    /// Rows that match.
    pub matcher: Option<Matcher>,
    /// Rows that do not match.
    pub is_inverted: bool,
    /// Only these rows, by their numbers in the log.
    pub rows: Option<Arc<RowSet>>,
}

impl Selection {
    /// True when rows have to be looked at one by one to know which are wanted.
    pub fn needs_records(&self) -> bool {
        self.level.is_some() || !self.modules.is_empty() || self.rows.is_some()
    }

    /// Whether the row with this number may be wanted.
    pub fn wants_row(&self, row: u64) -> bool {
        self.rows.as_ref().is_none_or(|rows| rows.contains(row))
    }

    /// Whether a decoded row is wanted, apart from its boot.
    pub fn wants(&self, record: &LogRecord, text: &[u8]) -> bool {
        self.level
            .is_none_or(|least| record.level.is_some_and(|level| level >= least))
            && (self.modules.is_empty() || self.modules.contains(&record.module))
            && self
                .matcher
                .as_ref()
                .is_none_or(|matcher| matcher.is_match(text) != self.is_inverted)
    }

    /// Whether rows of a boot are wanted.
    pub fn wants_boot(&self, boot: Option<u32>) -> bool {
        self.boots
            .as_ref()
            .is_none_or(|wanted| boot.is_some_and(|boot| wanted.contains(&boot)))
    }
}

/// The boot that an offset belongs to, from 0; `None` before the first one.
pub fn boot_at(boots: &[BootRecord], offset: u64) -> Option<u32> {
    let n_before = boots.partition_point(|boot| boot.offset <= offset);
    u32::try_from(n_before.checked_sub(1)?).ok()
}

/// How far back the head of a record with many lines is searched.
const FURTHEST_HEAD: usize = 64 << 10;

/// Level and time of the record that a block begins in the middle of: a line without a head belongs to the one before.
pub fn carried(
    before: &[u8],
    format: &dyn LogFormat,
    dictionaries: &LogDictionaries,
) -> Option<LogRecord> {
    let start = before.len().saturating_sub(FURTHEST_HEAD);
    let mut lines = before.get(start..)?.rsplit(|byte| *byte == b'\n');
    // What stands behind the last line end is empty.
    _ = lines.next();
    let mut record = LogRecord::default();
    lines.take(64).find_map(|line| {
        format.decode(line, dictionaries, &mut record);
        (record.kind != RowKind::Continuation).then(|| record.clone())
    })
}

/// Decodes the rows of a piece of a log one by one; their places are counted from where it begins. A continuation gets the level and time of its record.
pub fn decode_rows(
    piece: &LogPiece<'_>,
    format: &dyn LogFormat,
    dictionaries: &LogDictionaries,
    mut each: impl FnMut(std::ops::Range<usize>, &LogRecord),
) {
    let mut record = LogRecord::default();
    let mut head: Option<LogRecord> = None;
    let mut is_first = true;
    let start = piece.range.start;
    for row in Rows::new(piece.clone(), format, dictionaries) {
        let in_log = start.saturating_add(row.start)..start.saturating_add(row.end);
        format.decode_in(piece.log, in_log, dictionaries, &mut record);
        if record.kind == RowKind::Continuation {
            if is_first {
                head = carried(piece.before(), format, dictionaries);
            }
            if let Some(head) = &head {
                record.level = head.level;
                record.uptime_ns = head.uptime_ns;
                record.time_ns = head.time_ns;
                record.is_date_incomplete = head.is_date_incomplete;
                record.module.clone_from(&head.module);
            }
        } else {
            let kept = head.get_or_insert_with(LogRecord::default);
            kept.level = record.level;
            kept.uptime_ns = record.uptime_ns;
            kept.time_ns = record.time_ns;
            kept.is_date_incomplete = record.is_date_incomplete;
            kept.module.clone_from(&record.module);
        }
        is_first = false;
        each(row, &record);
    }
}

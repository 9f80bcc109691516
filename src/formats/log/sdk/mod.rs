//! Log entries of the device-side SDK (`docs/wire-format.md`, Logs): messages of several `FS:` lines among console text, whose
//! texts are in the ELF of the build.
//!
//! A message holds several entries, and is known when its last line has come. That line is cut into as many rows as there are
//! entries, so that each is a row with a level and a time of its own; the lines before it are lines of data. Where a row lies
//! in its line says which entry it is, so rows are decoded with the log around them.

mod texts;

pub use texts::SdkTexts;

use super::text::Text;
use super::{Framing, LogFormat, RowLen, dictionaries::LogDictionaries, undecoded};
use crate::formats::Confidence;
use crate::formats::sdk::log_lines::{LogsLine, logs_line};
use crate::model::build_id::BuildId;
use crate::model::device_message::{LogEntry, LogText, SentLogs};
use crate::model::log::{LogRecord, RowKind};
use std::fmt::Write as _;
use std::ops::Range;
use texts::fill;

/// What stands before a chunk.
const MARK: &[u8] = b"FS:";
/// Longer lines have no chunk.
const LONGEST_LINE: usize = 16 << 10;
/// A line is cut into so many rows at most, each of which costs the reading of the whole message.
const MOST_ROWS: usize = 128;
/// Between entries that have to share a row, because there are too many in a line.
const BETWEEN: &str = " | ";
const NS_PER_MS: u64 = 1_000_000;

/// Console text with log entries among it.
pub(super) struct SdkLog;

/// One row of a line in which a message ends.
enum Row<'m> {
    /// So many entries were lost before the others.
    Lost(u64),
    Entry(&'m LogEntry),
}

impl LogFormat for SdkLog {
    fn id(&self) -> &'static str {
        "sdk-log"
    }
    fn label(&self) -> &'static str {
        "Log of the device-side SDK"
    }
    fn extensions(&self) -> &'static [&'static str] {
        &["log", "txt", "uart"]
    }
    fn sniff(&self, head: &[u8], _name: &str, _dictionaries: &LogDictionaries) -> Confidence {
        let mut marks = memchr::memmem::find_iter(head, MARK);
        let is_logs = |at| {
            let line = line_at(head, at);
            line.len() <= LONGEST_LINE && logs_line(head, line).is_some()
        };
        if marks.any(is_logs) {
            Confidence::Certain
        } else {
            Confidence::No
        }
    }
    fn framing(&self) -> Framing {
        Framing::Measured
    }
    fn has_lines(&self) -> bool {
        true
    }
    fn row_len(&self, bytes: &[u8], dictionaries: &LogDictionaries) -> RowLen {
        self.row_len_in(bytes, 0..bytes.len(), dictionaries)
    }
    fn row_len_in(
        &self,
        log: &[u8],
        rest: Range<usize>,
        _dictionaries: &LogDictionaries,
    ) -> RowLen {
        let line = line_at(log, rest.start);
        let n = match logs_of(log, &line) {
            Some(LogsLine::End(Some((_, logs)))) => n_rows(&logs, &line),
            _ => 1,
        };
        let next = (1..=n).map(|index| cut(&line, index, n));
        let end = next.into_iter().find(|end| *end > rest.start);
        let end = end.unwrap_or(line.end).min(rest.end);
        RowLen::Bytes(end.saturating_sub(rest.start).max(1))
    }
    fn decode(&self, row: &[u8], dictionaries: &LogDictionaries, record: &mut LogRecord) {
        self.decode_in(row, 0..row.len(), dictionaries, record);
    }
    fn decode_in(
        &self,
        log: &[u8],
        row: Range<usize>,
        dictionaries: &LogDictionaries,
        record: &mut LogRecord,
    ) {
        let line = line_at(log, row.start);
        let bytes = log.get(row.clone()).unwrap_or(&[]);
        match logs_of(log, &line) {
            None => Text.decode(bytes, dictionaries, record),
            Some(LogsLine::Part) => {
                Text.decode(bytes, dictionaries, record);
                record.kind = RowKind::Data;
            }
            Some(LogsLine::End(None)) => undecoded(
                record,
                bytes,
                "log entries end here, but lines before it with the rest of them were lost or damaged",
            ),
            Some(LogsLine::End(Some((build, logs)))) => {
                let n = n_rows(&logs, &line);
                let index = (0..n)
                    .rev()
                    .find(|index| cut(&line, *index, n) <= row.start);
                let index = index.unwrap_or(0);
                let mut rows = rows_of(&logs).skip(index);
                let Some(first) = rows.next() else {
                    // A message without an entry.
                    Text.decode(bytes, dictionaries, record);
                    record.kind = RowKind::Data;
                    return;
                };
                decode_row(&first, build.as_ref(), bytes, dictionaries, record);
                if index.saturating_add(1) == n {
                    add_others(rows, build.as_ref(), dictionaries, record);
                }
            }
        }
    }
}

/// The line that holds a byte, with its end.
fn line_at(log: &[u8], at: usize) -> Range<usize> {
    let floor = at.saturating_sub(LONGEST_LINE);
    let before = log.get(floor..at).unwrap_or(&[]);
    let start = match memchr::memrchr(b'\n', before) {
        Some(end) => floor.saturating_add(end).saturating_add(1),
        None if floor == 0 => 0,
        None => at,
    };
    let behind = log.get(at..).unwrap_or(&[]);
    let end = memchr::memchr(b'\n', behind)
        .map_or(log.len(), |end| at.saturating_add(end).saturating_add(1));
    start..end
}

fn logs_of(log: &[u8], line: &Range<usize>) -> Option<LogsLine> {
    if line.len() > LONGEST_LINE {
        return None;
    }
    logs_line(log, line.clone())
}

fn rows_of(logs: &SentLogs) -> impl Iterator<Item = Row<'_>> {
    let lost = (logs.n_lost > 0).then_some(Row::Lost(logs.n_lost));
    lost.into_iter().chain(logs.entries.iter().map(Row::Entry))
}

/// How many rows a line is cut into: one an entry, but none without a byte.
fn n_rows(logs: &SentLogs, line: &Range<usize>) -> usize {
    let most = line.len().clamp(1, MOST_ROWS);
    rows_of(logs).count().clamp(1, most)
}

/// Where the row with this index begins, of `n`.
fn cut(line: &Range<usize>, index: usize, n: usize) -> usize {
    let share = line.len().saturating_mul(index).checked_div(n).unwrap_or(0);
    line.start.saturating_add(share)
}

fn decode_row(
    row: &Row<'_>,
    build: Option<&BuildId>,
    bytes: &[u8],
    dictionaries: &LogDictionaries,
    record: &mut LogRecord,
) {
    record.clear();
    let entry = match row {
        Row::Lost(n) => {
            record.kind = RowKind::Dropped;
            record.n_dropped = Some(*n);
            // Writing to a String cannot fail.
            _ = write!(
                record.message,
                "{n} log entries of the device were lost here"
            );
            return;
        }
        Row::Entry(entry) => entry,
    };
    match text_of(entry, build, dictionaries, record) {
        Ok(text) => record.message = text,
        Err(reason) => undecoded(record, bytes, &reason),
    }
    record.uptime_ns = entry.uptime_ms.checked_mul(NS_PER_MS);
    record.level = entry.level;
}

/// The text of an entry; what else the ELF says of it goes into `record`.
fn text_of(
    entry: &LogEntry,
    build: Option<&BuildId>,
    dictionaries: &LogDictionaries,
    record: &mut LogRecord,
) -> Result<String, String> {
    let (id, arguments) = match &entry.text {
        LogText::Text(text) => return Ok(text.clone()),
        LogText::Format(id, arguments) => (*id, arguments),
    };
    let Some(build) = build else {
        return Err(format!(
            "its text is number {id:#x} in the ELF of its build, and the message names no build"
        ));
    };
    let texts = dictionaries.sdk.as_ref().and_then(|texts| texts.of(build));
    let Some(texts) = texts else {
        return Err(format!(
            "its text is in the ELF of build {build}: add that ELF to the symbols"
        ));
    };
    let Some(known) = texts.get(&id) else {
        return Err(format!(
            "its text is number {id:#x}, which the ELF of build {build} does not have"
        ));
    };
    let Some(text) = fill(&known.format, arguments) else {
        return Err(format!(
            "its arguments do not fit \"{}\" of build {build}",
            known.format
        ));
    };
    record.template = Some(id);
    record.source_line = known.line;
    record.source_file.clear();
    record
        .source_file
        .push_str(known.file.as_deref().unwrap_or_default());
    Ok(text)
}

/// Adds the texts of entries that have no row of their own to the last one that has.
fn add_others<'m>(
    rows: impl Iterator<Item = Row<'m>>,
    build: Option<&BuildId>,
    dictionaries: &LogDictionaries,
    record: &mut LogRecord,
) {
    let mut other = LogRecord::default();
    for row in rows {
        decode_row(&row, build, &[], dictionaries, &mut other);
        record.message.push_str(BETWEEN);
        record.message.push_str(&other.message);
        record.message.push_str(&other.reason);
        // The most serious of them says how serious the row is.
        record.level = record.level.max(other.level);
    }
}

//! A row as text and as JSON: what `fieldscope logs` prints and the window exports.

use crate::formats::log::ansi;
use crate::model::log::{LogRecord, RowKind};
use serde::Serialize;
use std::borrow::Cow;
use std::fmt::Write as _;

/// The `schema` of a row.
pub const LOG_SCHEMA: &str = "fieldscope.log/1";

/// A row, as `fieldscope.log/1`.
#[derive(Serialize)]
struct JsonRow<'a> {
    schema: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<&'a str>,
    row: u64,
    boot: Option<u32>,
    time: Option<String>,
    uptime_ns: Option<u64>,
    level: Option<&'static str>,
    module: Option<&'a str>,
    message: &'a str,
    raw: Cow<'a, str>,
    source_file: Option<&'a str>,
    source_line: Option<u32>,
    format: &'static str,
    kind: RowKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    n_dropped: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// Where a row stands.
#[derive(Clone, Copy, Debug)]
pub struct RowPlace<'a> {
    /// Name of its log, where there are several.
    pub log: Option<&'a str>,
    /// Its number in the log, from 0.
    pub row: u64,
    /// Its boot, from 0.
    pub boot: Option<u32>,
    /// Id of the format.
    pub format: &'static str,
}

/// Appends a row as a JSON line.
pub fn append_json(place: RowPlace<'_>, record: &LogRecord, raw: &[u8], out: &mut Vec<u8>) {
    let some = |text: &'_ str| -> Option<usize> { (!text.is_empty()).then_some(text.len()) };
    let json = JsonRow {
        schema: LOG_SCHEMA,
        log: place.log,
        row: place.row,
        boot: place.boot,
        // A time of an unknown day is no time: uptime and stamp say what there is.
        time: record
            .time_ns
            .filter(|_| !record.is_date_incomplete)
            .and_then(rfc3339),
        uptime_ns: record.uptime_ns,
        level: record.level.map(crate::model::log::LogLevel::name),
        module: some(&record.module).map(|_| record.module.as_str()),
        message: &record.message,
        raw: String::from_utf8_lossy(without_line_end(raw)),
        source_file: some(&record.source_file).map(|_| record.source_file.as_str()),
        source_line: record.source_line,
        format: place.format,
        kind: record.kind,
        n_dropped: record.n_dropped,
        reason: some(&record.reason).map(|_| record.reason.as_str()),
    };
    // Writing to memory does not fail.
    if serde_json::to_writer(&mut *out, &json).is_ok() {
        out.push(b'\n');
    }
}

/// `2024-01-31T12:34:56.789000000Z`.
pub(in crate::engine) fn rfc3339(time_ns: i64) -> Option<String> {
    let nanos = u64::try_from(time_ns).ok()?;
    let time = std::time::UNIX_EPOCH.checked_add(std::time::Duration::from_nanos(nanos))?;
    Some(humantime::format_rfc3339_nanos(time).to_string())
}

/// Appends a row of a format that is no text: time, level, module, message.
pub fn append_text(record: &LogRecord, out: &mut Vec<u8>) {
    let mut line = String::new();
    if let Some(uptime) = record.uptime_ns {
        let micros = uptime / 1000;
        // Writing to a string does not fail.
        _ = write!(line, "{}.{:06} ", micros / 1_000_000, micros % 1_000_000);
    } else if let Some(time) = record.time_ns.and_then(rfc3339) {
        line.push_str(&time);
        line.push(' ');
    } else if !record.stamp.is_empty() {
        line.push_str(&record.stamp);
        line.push(' ');
    }
    if let Some(level) = record.level {
        _ = write!(line, "{:<5} ", level.name().to_uppercase());
    }
    if !record.module.is_empty() {
        _ = write!(line, "{}: ", record.module);
    }
    line.push_str(&record.message);
    if record.kind == RowKind::Undecoded {
        _ = write!(line, "  [not decoded: {}]", record.reason);
    }
    out.extend_from_slice(line.as_bytes());
    out.push(b'\n');
}

/// Appends a text line without terminal escapes; what tokens in it mean stands in their place.
pub fn append_plain(record: &LogRecord, plain: &[u8], out: &mut Vec<u8>) {
    let line = without_line_end(plain);
    if record.template.is_some() {
        // The head as it stands, then the message as it was decoded.
        let head = super::head_len(line);
        out.extend_from_slice(line.get(..head).unwrap_or(&[]));
        out.extend_from_slice(record.message.as_bytes());
    } else {
        out.extend_from_slice(line);
    }
    out.push(b'\n');
}

/// Appends a row as it is printed. `raw` are its bytes; `is_text` says that they are a line.
pub fn append_line(record: &LogRecord, raw: &[u8], is_text: bool, out: &mut Vec<u8>) {
    if is_text {
        append_plain(record, &ansi::plain(raw), out);
    } else {
        append_text(record, out);
    }
}

/// What a row is searched in: the line as it is printed; of one that nothing in is decoded all of it, a carriage return too.
pub fn append_searched(record: &LogRecord, raw: &[u8], is_text: bool, out: &mut Vec<u8>) {
    if is_text && record.template.is_none() {
        out.extend_from_slice(&ansi::plain(raw));
    } else {
        append_line(record, raw, is_text, out);
    }
    out.pop_if(|last| *last == b'\n');
}

/// The row without its line ending.
pub fn without_line_end(row: &[u8]) -> &[u8] {
    let row = row.strip_suffix(b"\n").unwrap_or(row);
    row.strip_suffix(b"\r").unwrap_or(row)
}

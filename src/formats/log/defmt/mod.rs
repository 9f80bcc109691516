//! defmt: binary log frames whose format strings stand in the ELF only.
//!
//! A frame is the 16-bit id of its format string, the time stamp's arguments, and the message's arguments (defmt book, "Serialization"). Frames
//! come in rzCOBS, each with a 0 behind it, so that damage costs one frame; or raw, one after the other, so that only the
//! table says where one ends. Text between frames (a boot loader shares the UART) is shown as text.

mod format_string;
mod hint;
mod render;
mod rzcobs;
mod table;
mod write;

pub use table::{DefmtEncoding, DefmtTable};

use super::{Framing, LogFormat, RowLen, dictionaries::LogDictionaries, undecoded};
use crate::formats::Confidence;
use crate::model::log::LogRecord;
use render::{Fault, Frame};
use table::{Clock, Stamp};

/// A frame without its 0 is not longer; what is longer is something else.
const LONGEST_FRAME: usize = 64 << 10;
/// So many frames are looked at to recognise a log.
const SAMPLED: usize = 64;
/// Where a raw stream is damaged, so many bytes are searched for the next frame.
const SEARCHED: usize = 4096;

/// Frames in rzCOBS.
pub(super) struct DefmtRzcobs;
/// Frames one after the other.
pub(super) struct DefmtRaw;

impl LogFormat for DefmtRzcobs {
    fn id(&self) -> &'static str {
        "defmt-rzcobs"
    }
    fn label(&self) -> &'static str {
        "defmt log (rzCOBS)"
    }
    fn extensions(&self) -> &'static [&'static str] {
        &["defmt", "bin"]
    }
    fn sniff(&self, head: &[u8], _name: &str, dictionaries: &LogDictionaries) -> Confidence {
        // The last piece may be cut off.
        let cut = memchr::memrchr(0, head).map_or(0, |at| at.saturating_add(1));
        let frames = head.get(..cut).unwrap_or(&[]).split(|byte| *byte == 0);
        let mut bytes = Vec::new();
        let (mut n_frames, mut n_whole, mut n_known, mut n_bytes) =
            (0_usize, 0_usize, 0_usize, 0_usize);
        for frame in frames.filter(|frame| !frame.is_empty()).take(SAMPLED) {
            n_frames = n_frames.saturating_add(1);
            n_bytes = n_bytes.saturating_add(frame.len());
            if is_text(frame) || !rzcobs::decode(frame, &mut bytes) {
                continue;
            }
            n_whole = n_whole.saturating_add(1);
            let table = dictionaries.defmt.as_deref();
            let is_known = table.is_some_and(|table| {
                let mut record = LogRecord::default();
                decode_frame(table, &bytes, &mut record).is_ok_and(is_padding)
            });
            n_known = n_known.saturating_add(usize::from(is_known));
        }
        if n_known > 0 && n_known.saturating_mul(2) > n_frames {
            Confidence::Certain
        } else if dictionaries.defmt.is_none()
            && n_frames >= 8
            && n_whole.saturating_mul(20) > n_frames.saturating_mul(19)
            && n_bytes < n_frames.saturating_mul(256)
        {
            Confidence::Likely
        } else {
            Confidence::No
        }
    }
    fn framing(&self) -> Framing {
        Framing::Delimited(0)
    }
    fn decode(&self, row: &[u8], dictionaries: &LogDictionaries, record: &mut LogRecord) {
        record.clear();
        let start = row.iter().position(|byte| *byte != 0).unwrap_or(row.len());
        let end = row
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(start, |at| at.saturating_add(1));
        let frame = row.get(start..end).unwrap_or(&[]);
        if frame.is_empty() {
            // The encoder begins and ends each frame with a 0: nothing is missing between two.
            record.kind = crate::model::log::RowKind::Data;
            return;
        }
        if frame.len() > LONGEST_FRAME {
            return undecoded(record, row, "it is longer than a frame of defmt can be");
        }
        let Some(table) = usable(dictionaries) else {
            return undecodable(frame, row, dictionaries, record);
        };
        let mut bytes = Vec::with_capacity(frame.len().saturating_mul(2));
        if !rzcobs::decode(frame, &mut bytes) {
            if is_text(frame) {
                return as_text(frame, record);
            }
            return undecoded(
                record,
                row,
                "no whole frame: bytes were lost or changed on the way",
            );
        }
        match decode_frame(table, &bytes, record) {
            Ok(rest) if is_padding(rest) => {}
            _ if is_text(frame) => as_text(frame, record),
            Ok(_) => undecoded(
                record,
                row,
                "bytes are left over: they were changed on the way, or the ELF is of another build",
            ),
            Err(fault) => undecoded(record, row, &reason(fault)),
        }
    }
}

impl LogFormat for DefmtRaw {
    fn id(&self) -> &'static str {
        "defmt-raw"
    }
    fn label(&self) -> &'static str {
        "defmt log (raw)"
    }
    fn extensions(&self) -> &'static [&'static str] {
        &["defmt", "bin"]
    }
    fn sniff(&self, head: &[u8], _name: &str, dictionaries: &LogDictionaries) -> Confidence {
        let Some(table) = usable(dictionaries).filter(|t| t.encoding == DefmtEncoding::Raw) else {
            return Confidence::No;
        };
        let mut rest = head;
        for n in 0..SAMPLED {
            match frame_len(table, rest) {
                Ok(len) => rest = rest.get(len..).unwrap_or(&[]),
                Err(Fault::Short) if n > 0 => return Confidence::Certain,
                Err(_) => {
                    return if n >= 8 {
                        Confidence::Likely
                    } else {
                        Confidence::No
                    };
                }
            }
            if rest.is_empty() {
                break;
            }
        }
        Confidence::Certain
    }
    fn framing(&self) -> Framing {
        Framing::Measured
    }
    fn row_len(&self, bytes: &[u8], dictionaries: &LogDictionaries) -> RowLen {
        let Some(table) = usable(dictionaries) else {
            return RowLen::NeedMore;
        };
        match frame_len(table, bytes) {
            Ok(len) => RowLen::Bytes(len),
            Err(Fault::Short) if bytes.len() < LONGEST_FRAME => RowLen::NeedMore,
            Err(_) => {
                // Without delimiters the next frame is where two in a row can be read again.
                let found = (1..SEARCHED.min(bytes.len())).find(|&at| {
                    let rest = bytes.get(at..).unwrap_or(&[]);
                    frame_len(table, rest).is_ok_and(|len| {
                        let next = rest.get(len..).unwrap_or(&[]);
                        next.is_empty() || frame_len(table, next).is_ok()
                    })
                });
                RowLen::Bytes(found.unwrap_or(SEARCHED.min(bytes.len())).max(1))
            }
        }
    }
    fn decode(&self, row: &[u8], dictionaries: &LogDictionaries, record: &mut LogRecord) {
        record.clear();
        let Some(table) = usable(dictionaries) else {
            return undecodable(row, row, dictionaries, record);
        };
        match decode_frame(table, row, record) {
            Ok([]) => {}
            _ if is_text(row) => as_text(row, record),
            Ok(_) => undecoded(record, row, "bytes are left over behind the frame"),
            Err(fault) => undecoded(record, row, &reason(fault)),
        }
    }
}

/// The table, if it can serve.
fn usable(dictionaries: &LogDictionaries) -> Option<&DefmtTable> {
    let table = dictionaries.defmt.as_deref()?;
    table.refused.is_none().then_some(table)
}

/// A row of a log whose table is not there or cannot serve.
fn undecodable(frame: &[u8], row: &[u8], dictionaries: &LogDictionaries, record: &mut LogRecord) {
    if is_text(frame) {
        return as_text(frame, record);
    }
    let why = dictionaries
        .defmt
        .as_deref()
        .and_then(|table| table.refused.as_deref());
    undecoded(
        record,
        row,
        why.unwrap_or("its format strings are in the ELF of the build: add that ELF"),
    );
}

/// Bytes of a raw frame.
fn frame_len(table: &DefmtTable, bytes: &[u8]) -> Result<usize, Fault> {
    let mut frame = Frame::new(table, bytes);
    let id = frame.id()?;
    if let Some(stamp) = &table.stamp {
        frame.format(&stamp.format, None, 0, None)?;
    }
    let format = message(table, id)?;
    frame.format(format, None, 0, None)?;
    Ok(bytes.len().saturating_sub(frame.rest.len()))
}

fn message(table: &DefmtTable, id: u16) -> Result<&format_string::FormatString, Fault> {
    let entry = table.entry(id).ok_or(Fault::UnknownId(id))?;
    match (entry.is_message, &entry.body) {
        (true, table::Body::One(format)) => Ok(format),
        (true, _) => Err(Fault::Malformed("a format string that cannot be read")),
        (false, _) => Err(Fault::Malformed("an id that is no message")),
    }
}

/// Fills `record` from a frame; what is left of the bytes.
fn decode_frame<'b>(
    table: &DefmtTable,
    bytes: &'b [u8],
    record: &mut LogRecord,
) -> Result<&'b [u8], Fault> {
    let mut frame = Frame::new(table, bytes);
    let id = frame.id()?;
    let format = message(table, id)?;
    if let Some(stamp) = &table.stamp {
        decode_stamp(stamp, &mut frame, record)?;
    }
    frame.format(format, None, 0, Some(&mut record.message))?;
    if let Some(entry) = table.entry(id) {
        record.level = entry.level;
        record.module.push_str(&entry.module);
        if let Some((file, line)) = &entry.place {
            record.source_file.push_str(file);
            record.source_line = Some(*line);
        }
    }
    record.template = Some(u64::from(id));
    Ok(frame.rest)
}

fn decode_stamp(
    stamp: &Stamp,
    frame: &mut Frame<'_, '_>,
    record: &mut LogRecord,
) -> Result<(), Fault> {
    let before = frame.rest;
    let Some(clock) = stamp.clock else {
        return frame.format(&stamp.format, None, 0, Some(&mut record.stamp));
    };
    frame.format(&stamp.format, None, 0, None)?;
    let n_bytes = before.len().saturating_sub(frame.rest.len());
    let count = Frame::new(frame.table, before).number(u8::try_from(n_bytes).unwrap_or(0))?;
    match clock {
        Clock::Uptime(unit) => {
            let nanos = count.saturating_mul(u128::from(unit.nanos()));
            record.uptime_ns = u64::try_from(nanos).ok();
        }
        Clock::Wall(unit) => {
            let nanos = count.saturating_mul(u128::from(unit.nanos()));
            record.time_ns = i64::try_from(nanos).ok();
        }
    }
    Ok(())
}

/// rzCOBS works in groups of seven: the last group is filled up with zeros.
fn is_padding(rest: &[u8]) -> bool {
    rest.len() < 7 && rest.iter().all(|byte| *byte == 0)
}

/// Lines of a boot loader or a panic that came in between frames.
fn is_text(bytes: &[u8]) -> bool {
    bytes.len() >= 4
        && bytes
            .iter()
            .all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n' | 0x1b))
}

fn as_text(bytes: &[u8], record: &mut LogRecord) {
    record.clear();
    record
        .message
        .push_str(String::from_utf8_lossy(bytes).trim_end_matches(['\r', '\n']));
}

fn reason(fault: Fault) -> String {
    match fault {
        Fault::Short => "it ends too early: bytes were lost".to_owned(),
        Fault::UnknownId(id) => {
            format!(
                "its format string {id} is not in this ELF: bytes were changed on the way, or the ELF is of another build"
            )
        }
        Fault::Malformed(what) => format!("it holds {what}"),
        Fault::TooLarge => "it is larger or deeper than a message can be".to_owned(),
    }
}

#[cfg(test)]
mod tests;

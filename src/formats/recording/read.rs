//! The records of a recording, damaged or not.

use super::layout::{
    HEADER_BYTES, Kind, LENGTH_AT, MAGIC, MARK, PAYLOAD_BYTES_MAX, RECORD_HEAD_BYTES, Record,
    VERSION,
};
use crate::formats::bytes::{Bytes, crc32, u16_at, u32_at};
use crate::model::warning::Warning;

/// Looking for the next record behind damage takes at most so many checksums of each byte.
const CHECKSUMS_OF_A_BYTE: usize = 16;

/// True when the bytes are a recording.
pub fn is_recording(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// The records in their order.
pub struct Recording<'r> {
    bytes: &'r [u8],
    at: usize,
    /// Bytes whose checksum may still be worked out while a record is looked for.
    n_left: usize,
    warnings: Vec<Warning>,
}

impl<'r> Recording<'r> {
    /// A recording; without its magic it has no records.
    pub fn new(bytes: &'r [u8]) -> Self {
        let mut recording = Self {
            bytes,
            at: bytes.len(),
            n_left: bytes.len().saturating_mul(CHECKSUMS_OF_A_BYTE),
            warnings: Vec::new(),
        };
        if !is_recording(bytes) {
            recording.warn(
                "FS-REC-001",
                0,
                "it does not begin like a recording".to_owned(),
            );
            return recording;
        }
        recording.at = HEADER_BYTES.min(bytes.len());
        match u16_at(bytes, MAGIC.len()) {
            Some(VERSION) => {}
            Some(version) => recording.warn(
                "FS-REC-002",
                MAGIC.len(),
                format!(
                    "the recording is of version {version}, and this program reads version {VERSION}: what it knows of it is read. Get \
                     a newer Fieldscope to read all of it"
                ),
            ),
            None => recording.cut_off(0),
        }
        recording
    }

    /// What was wrong so far.
    pub fn warnings(self) -> Vec<Warning> {
        self.warnings
    }

    /// The record at an offset and where it ends.
    fn record_at(&self, at: usize) -> Option<(Record<'r>, usize)> {
        let rest = self.bytes.get(at..)?;
        let mut fields = Bytes::new(rest);
        if fields.take(MARK.len())? != MARK {
            return None;
        }
        let (kind, stream) = (fields.u8()?, fields.u8()?);
        let n_bytes = usize::try_from(fields.u32()?).ok()?;
        if n_bytes > PAYLOAD_BYTES_MAX {
            return None;
        }
        let time_ns = fields.u64()?.cast_signed();
        let payload = fields.take(n_bytes)?;
        let checked = rest.get(..fields.offset())?;
        if fields.u32()? != crc32(checked) {
            return None;
        }
        let record = Record {
            kind: Kind::of(kind),
            stream,
            time_ns,
            payload,
        };
        Some((record, at + fields.offset()))
    }

    /// Where the next whole record behind an offset begins.
    fn next_mark(&mut self, after: usize) -> Option<usize> {
        let rest = self.bytes.get(after..)?;
        for found in memchr::memmem::find_iter(rest, &MARK) {
            let at = after + found;
            if self.record_at(at).is_some() {
                return Some(at);
            }
            let claimed = u32_at(self.bytes, at + LENGTH_AT).and_then(|n| usize::try_from(n).ok());
            let n_checked = claimed.unwrap_or(0).min(PAYLOAD_BYTES_MAX) + RECORD_HEAD_BYTES;
            self.n_left = self.n_left.checked_sub(n_checked)?;
        }
        None
    }

    fn warn(&mut self, code: &str, offset: usize, message: String) {
        let offset = u64::try_from(offset).unwrap_or(u64::MAX);
        self.warnings.push(Warning::at(code, offset, message));
    }

    fn cut_off(&mut self, at: usize) {
        let message = format!(
            "the recording ends in the middle of a record ({} bytes); everything before it was read",
            self.bytes.len() - at
        );
        self.warn("FS-REC-003", at, message);
    }
}

impl<'r> Iterator for Recording<'r> {
    type Item = Record<'r>;

    fn next(&mut self) -> Option<Record<'r>> {
        loop {
            if self.at >= self.bytes.len() {
                return None;
            }
            if let Some((record, end)) = self.record_at(self.at) {
                self.at = end;
                return Some(record);
            }
            let damaged = self.at;
            let Some(next) = self.next_mark(damaged + 1) else {
                self.cut_off(damaged);
                self.at = self.bytes.len();
                return None;
            };
            self.warn(
                "FS-REC-004",
                damaged,
                format!(
                    "{} damaged bytes of the recording were skipped",
                    next - damaged
                ),
            );
            self.at = next;
        }
    }
}

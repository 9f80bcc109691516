//! ESP-IDF's binary log (`CONFIG_LOG_MODE_BINARY`, from ESP-IDF 5.5 on): frames on the console, whose strings are in the ELF of the
//! application or of the boot loader (`frame.rs`, `strings.rs`, `message.rs`).
//!
//! Lines of text (the ROM, a panic) stand between frames as they are. A frame carries its length and a checksum, so that one can be
//! found behind damage.

mod frame;
mod message;
mod strings;

pub use strings::{BOOT_LOADER, EspImage, EspStrings};

use super::console_text::{is_text, line_len};
use super::text::Text;
use super::{Framing, LogFormat, RowLen, dictionaries::LogDictionaries, undecoded};
use crate::formats::Confidence;
use crate::model::log::LogRecord;
use frame::{Fault, Frame, LONGEST_FRAME};

/// Where there is neither a frame nor a line, so many bytes are one row at most.
const SEARCHED: usize = 4096;
/// Shorter text behind damage is a part of it.
const LEAST_LINE: usize = 8;
/// So many frames are no chance: one has a checksum of one byte.
const SURE_FRAMES: usize = 3;
/// So many rows of a log are looked at to recognise it.
const SAMPLED: usize = 512;

/// Frames, and lines of text between them.
pub(super) struct EspBinary;

impl LogFormat for EspBinary {
    fn id(&self) -> &'static str {
        "esp-binary"
    }
    fn label(&self) -> &'static str {
        "ESP-IDF binary log"
    }
    fn extensions(&self) -> &'static [&'static str] {
        &["bin", "log", "uart"]
    }
    fn sniff(&self, head: &[u8], _name: &str, dictionaries: &LogDictionaries) -> Confidence {
        if memchr::memchr2(1, 2, head).is_none() {
            return Confidence::No;
        }
        let (mut n_frames, mut n_known, mut n_junk) = (0_usize, 0_usize, 0_usize);
        let mut rest = head;
        for _ in 0..SAMPLED {
            let RowLen::Bytes(len) = self.row_len(rest, dictionaries) else {
                break;
            };
            let (row, behind) = rest.split_at_checked(len).unwrap_or((rest, &[]));
            match Frame::parse(row) {
                Ok((frame, _)) => {
                    n_frames = n_frames.saturating_add(1);
                    let is_known = dictionaries.esp.as_ref().is_some_and(|strings| {
                        let image = strings.image(frame.program);
                        image.is_some_and(|image| message::is_known(&frame, image))
                    });
                    n_known = n_known.saturating_add(usize::from(is_known));
                }
                Err(_) if is_text(row) => {}
                Err(_) => n_junk = n_junk.saturating_add(row.len()),
            }
            rest = behind;
            if rest.is_empty() {
                break;
            }
        }
        let n_seen = head.len().saturating_sub(rest.len());
        let is_mostly_junk = n_junk.saturating_mul(4) > n_seen;
        match (n_known, n_frames) {
            (1.., _) if !is_mostly_junk => Confidence::Certain,
            (_, SURE_FRAMES..) if !is_mostly_junk => Confidence::Likely,
            _ => Confidence::No,
        }
    }
    fn framing(&self) -> Framing {
        Framing::Measured
    }
    fn has_lines(&self) -> bool {
        true
    }
    fn row_len(&self, bytes: &[u8], _dictionaries: &LogDictionaries) -> RowLen {
        match Frame::parse(bytes) {
            Ok((_, len)) => return RowLen::Bytes(len),
            Err(Fault::Short) if goes_on(bytes) => return RowLen::NeedMore,
            Err(_) => {}
        }
        let searched = bytes.get(..SEARCHED).unwrap_or(bytes);
        let end = line_len(searched).unwrap_or_else(|| {
            let line_end = memchr::memchr(b'\n', searched).map(|at| at.saturating_add(1));
            let end = line_end.unwrap_or(searched.len());
            let end = next_frame(bytes, end).unwrap_or(end);
            searched.get(..end).and_then(last_line).unwrap_or(end)
        });
        RowLen::Bytes(end.max(1))
    }
    fn decode(&self, row: &[u8], dictionaries: &LogDictionaries, record: &mut LogRecord) {
        match Frame::parse(row) {
            Ok((frame, len)) if len == row.len() => {
                let strings = dictionaries.esp.as_deref();
                let image = strings.and_then(|strings| strings.image(frame.program));
                if let Err(reason) = message::decode(&frame, image, record) {
                    undecoded(record, row, &reason);
                }
            }
            _ if is_text(row) => Text.decode(row, dictionaries, record),
            _ => undecoded(
                record,
                row,
                "it is no whole frame: bytes were lost or changed on the way",
            ),
        }
    }
}

/// Where the line of text begins that stands at the end of something else: a panic cut a frame off.
fn last_line(bytes: &[u8]) -> Option<usize> {
    let line = bytes.strip_suffix(b"\n")?;
    let is_readable = |byte: &u8| matches!(byte, b' '..=b'~' | b'\r' | b'\t');
    let n_before = line.iter().rposition(|byte| !is_readable(byte))?;
    let start = n_before.saturating_add(1);
    (line.len().saturating_sub(start) >= LEAST_LINE).then_some(start)
}

/// True for a frame that may go on behind the bytes: nothing else begins in what there is of it.
fn goes_on(bytes: &[u8]) -> bool {
    bytes.len() < LONGEST_FRAME
        && memchr::memmem::find(bytes, b"\r\n").is_none()
        && next_frame(bytes, bytes.len()).is_none()
}

/// The first place behind the beginning and before `end` where a frame begins.
fn next_frame(bytes: &[u8], end: usize) -> Option<usize> {
    let places = memchr::memchr2_iter(1, 2, bytes.get(..end).unwrap_or(bytes));
    let mut places = places.filter(|at| *at > 0);
    places.find(|at| Frame::parse(bytes.get(*at..).unwrap_or(&[])).is_ok())
}

#[cfg(test)]
mod tests;

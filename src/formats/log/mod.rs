//! Logs: bytes to records, one file or folder a format, registry [`LOG_FORMATS`].
//!
//! Must never do: open a file, need a symbol file. What only an ELF knows comes in as [`LogDictionaries`].
//!
//! A log is a row of rows. A format says where a row ends ([`Framing`]) and what a row says; it keeps no state from row to
//! row, so that any row can be decoded by itself, in any order and by any thread.

pub mod ansi;
mod console_text;
pub mod defmt;
pub mod dictionaries;
pub mod esp_binary;
mod printf;
pub mod sdk;
pub mod shapes;
mod text;
pub mod tokens;
pub mod zephyr;

use super::Confidence;
use crate::model::log::{LogRecord, RowKind};
use dictionaries::LogDictionaries;
use std::ops::Range;

/// How rows are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// A row ends with this byte, which belongs to it: a line with its `\n`; of another one (the 0 of a frame) the whole run,
    /// and what stands before the first row. The last row may be without.
    Delimited(u8),
    /// [`LogFormat::row_len`] says how long a row is.
    Measured,
}

/// How long the row is that begins at the first byte given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowLen {
    /// So many bytes, at least 1.
    Bytes(usize),
    /// More bytes are needed to say; at the end of the input what is left is one row.
    NeedMore,
}

/// One log format. A new one is a file here and a line in [`LOG_FORMATS`].
pub trait LogFormat: Sync {
    /// Stable id, used in JSON, options and saved files.
    fn id(&self) -> &'static str;
    /// The name on screen.
    fn label(&self) -> &'static str;
    /// Usual file name extensions, without the dot. They break ties only.
    fn extensions(&self) -> &'static [&'static str];
    /// Looks at the beginning of the content (64 KiB or less) and, where that leaves doubt, at the name.
    fn sniff(&self, head: &[u8], name: &str, dictionaries: &LogDictionaries) -> Confidence;
    /// How rows are told apart.
    fn framing(&self) -> Framing;
    /// True when lines of text may stand in it: they are searched for boots.
    fn has_lines(&self) -> bool {
        self.framing() == Framing::Delimited(b'\n')
    }
    /// Of a [`Framing::Measured`] format: the length of the row at the beginning of `bytes`. Damage must not stop it: what
    /// cannot be measured is a row of the bytes up to the next place that can.
    fn row_len(&self, _bytes: &[u8], _dictionaries: &LogDictionaries) -> RowLen {
        RowLen::NeedMore
    }
    /// The same of the row that begins where `rest` does, for a format that has to look around it.
    fn row_len_in(&self, log: &[u8], rest: Range<usize>, dictionaries: &LogDictionaries) -> RowLen {
        self.row_len(log.get(rest).unwrap_or(&[]), dictionaries)
    }
    /// Decodes one row, with its delimiter, into `record` (which is cleared first). What cannot be decoded becomes a
    /// [`RowKind::Undecoded`] with its bytes as the message and the reason.
    fn decode(&self, row: &[u8], dictionaries: &LogDictionaries, record: &mut LogRecord);
    /// The same of a row in its log, for a format that has to look around it.
    fn decode_in(
        &self,
        log: &[u8],
        row: Range<usize>,
        dictionaries: &LogDictionaries,
        record: &mut LogRecord,
    ) {
        self.decode(log.get(row).unwrap_or(&[]), dictionaries, record);
    }
}

/// Every log format, sorted by id.
pub static LOG_FORMATS: &[&dyn LogFormat] = &[
    &defmt::DefmtRaw,
    &defmt::DefmtRzcobs,
    &esp_binary::EspBinary,
    &sdk::SdkLog,
    &text::Text,
    &zephyr::ZephyrBinary,
    &zephyr::ZephyrHex,
];

/// The format with this id.
pub fn by_id(id: &str) -> Option<&'static dyn LogFormat> {
    LOG_FORMATS.iter().copied().find(|format| format.id() == id)
}

/// The format of a log, from its beginning; text when nothing else is likely.
pub fn detect(head: &[u8], name: &str, dictionaries: &LogDictionaries) -> &'static dyn LogFormat {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    LOG_FORMATS
        .iter()
        .copied()
        .map(|format| {
            let is_named = format
                .extensions()
                .iter()
                .any(|known| known.eq_ignore_ascii_case(extension));
            (format.sniff(head, name, dictionaries), is_named, format)
        })
        .filter(|(confidence, _, _)| *confidence >= Confidence::Likely)
        .max_by_key(|(confidence, is_named, _)| (*confidence, *is_named))
        .map_or(&text::Text, |(_, _, format)| format)
}

/// Bytes of a row that are shown when it cannot be decoded.
const SHOWN_BYTES: usize = 96;

/// Makes `record` say that the row cannot be decoded: its bytes as hex, and why.
fn undecoded(record: &mut LogRecord, row: &[u8], reason: &str) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    record.clear();
    record.kind = RowKind::Undecoded;
    for (index, byte) in row.iter().take(SHOWN_BYTES).enumerate() {
        if index > 0 {
            record.message.push(' ');
        }
        for nibble in [byte >> 4, byte & 0xf] {
            let digit = DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'?');
            record.message.push(char::from(digit));
        }
    }
    if row.len() > SHOWN_BYTES {
        record.message.push_str(" …");
    }
    record.reason.push_str(reason);
}

#[cfg(test)]
mod tests {
    use super::LOG_FORMATS;

    #[test]
    fn the_registry_is_sorted_and_its_ids_are_unique() {
        let ids: Vec<&str> = LOG_FORMATS.iter().map(|f| f.id()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
        assert!(LOG_FORMATS.iter().all(|f| !f.label().is_empty()));
    }
}

//! Dictionary-based logging of Zephyr: messages of addresses and arguments, whose strings the build's dictionary has.
//!
//! A stream is binary, message after message (`layout.rs`), or the same in hexadecimal text behind `##ZLOGV1##`
//! (`CONFIG_LOG_BACKEND_UART_OUTPUT_DICTIONARY_HEX`). Text before and between messages (a boot loader shares the UART) is shown as
//! text. The dictionary is the JSON file of the build (`database.rs`), its ELF (`elf.rs`), or both.

mod abi;
mod arguments;
mod database;
mod elf;
mod hex;
mod layout;
mod package;
mod record;
mod stream;

pub use database::ZephyrDatabase;
pub(super) use hex::ZephyrHex;

use super::console_text::{is_text, line_len};
use super::text::Text;
use super::{Framing, LogFormat, RowLen, dictionaries::LogDictionaries, undecoded};
use crate::formats::Confidence;
use crate::model::log::LogRecord;
use stream::{Found, SEARCHED, Stream};

/// So many messages, and places where one was missed, are looked at to recognise a log.
const SAMPLED: usize = 64;
/// So many messages in a row are no chance, although nothing is known of them.
const SURE_CHAIN: usize = 8;

/// Messages one after the other.
pub(super) struct ZephyrBinary;

impl LogFormat for ZephyrBinary {
    fn id(&self) -> &'static str {
        "zephyr-dict"
    }
    fn label(&self) -> &'static str {
        "Zephyr dictionary log"
    }
    fn extensions(&self) -> &'static [&'static str] {
        &["bin", "dict", "log"]
    }
    fn sniff(&self, head: &[u8], _name: &str, dictionaries: &LogDictionaries) -> Confidence {
        let stream = stream_of(dictionaries);
        let mut rest = head;
        let (mut n, mut n_bytes, mut run, mut longest_run) = (0_usize, 0_usize, 0_usize, 0_usize);
        for _ in 0..SAMPLED {
            match stream.at(rest) {
                Found::Whole { len, .. } if run > 0 || stream.is_sure(rest) => {
                    n = n.saturating_add(1);
                    n_bytes = n_bytes.saturating_add(len);
                    run = run.saturating_add(1);
                    longest_run = longest_run.max(run);
                    rest = rest.get(len..).unwrap_or(&[]);
                }
                Found::Cut if run > 0 => break,
                _ => {
                    // What is no message at the beginning, or for long, is another log.
                    let Some(at) = stream.next(rest) else { break };
                    rest = rest.get(at..).unwrap_or(&[]);
                    run = 0;
                }
            }
        }
        let n_seen = head.len().saturating_sub(rest.len());
        let is_most = n > 0 && n_bytes.saturating_mul(2) > n_seen;
        let is_to_the_end = rest.is_empty() || stream.at(rest) == Found::Cut;
        match stream.database {
            // A message whose format string is known began it.
            Some(_) if is_most && (n > 2 || is_to_the_end) => Confidence::Certain,
            _ if longest_run >= SURE_CHAIN => Confidence::Likely,
            _ => Confidence::No,
        }
    }
    fn framing(&self) -> Framing {
        Framing::Measured
    }
    fn row_len(&self, bytes: &[u8], dictionaries: &LogDictionaries) -> RowLen {
        let stream = stream_of(dictionaries);
        match stream.at(bytes) {
            Found::Whole { len, .. } => RowLen::Bytes(len),
            Found::Cut => RowLen::NeedMore,
            Found::Nothing => {
                // No message begins with what stands in text.
                let searched = bytes.get(..SEARCHED).unwrap_or(bytes);
                let line = line_len(searched);
                let end = line.or_else(|| stream.next(bytes));
                RowLen::Bytes(end.unwrap_or(searched.len()).max(1))
            }
        }
    }
    fn decode(&self, row: &[u8], dictionaries: &LogDictionaries, record: &mut LogRecord) {
        match record::decode(row, dictionaries, record) {
            Ok(()) => {}
            Err(_) if is_text(row) => Text.decode(row, dictionaries, record),
            Err(reason) => undecoded(record, row, &reason),
        }
    }
}

/// A stream with the database that is at hand.
fn stream_of(dictionaries: &LogDictionaries) -> Stream<'_> {
    Stream {
        database: dictionaries.zephyr.as_deref(),
    }
}

#[cfg(test)]
mod tests;

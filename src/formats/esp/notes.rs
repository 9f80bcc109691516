//! The notes that ESP-IDF adds to an ELF core.
//!
//! | name | type | description |
//! |---|---|---|
//! | `ESP_CORE_DUMP_INFO` | 0x204A | u32 version, SHA-256 of the application's ELF as hex text, cut short and zero-padded |
//! | `ESP_EXTRA_INFO` | 0x2A5 | u32 control block of the crashed task, pairs of u32 register and u32 value, on newer versions u32: 1 in an interrupt |
//! | `ESP_TASK_INFO`, `TASK_INFO` | 0x2A6 | u32 index, u32 flags (1 control block damaged, 2 stack damaged), u32 control block |
//! | `ESP_PANIC_DETAILS` | 0x2A7 | text |

use super::image::Image;
use std::ops::Range;

const INFO: u32 = 0x204A;
const EXTRA: u32 = 0x2A5;
const TASK: u32 = 0x2A6;
const PANIC: u32 = 0x2A7;

/// Numbers of the registers in pairs (Xtensa ISA, special register numbers).
const EXCCAUSE: u32 = 232;
const EXCVADDR: u32 = 238;
/// Espressif's own reader writes these instead.
const EXCCAUSE_OF_READER: u32 = 0;
const EXCVADDR_OF_READER: u32 = 1;

/// No text of a panic is longer.
const LONGEST_DETAILS: usize = 4096;

/// What the notes say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Notes {
    pub(super) app_sha256: Option<String>,
    pub(super) crashed_task: Option<u32>,
    pub(super) exccause: Option<u32>,
    pub(super) excvaddr: Option<u32>,
    pub(super) in_interrupt: bool,
    pub(super) panic_details: Option<String>,
    /// Control blocks of tasks whose control block or stack was damaged.
    pub(super) damaged_tasks: Vec<u32>,
}

impl Notes {
    /// Takes what a note says. Notes of others are not for it.
    pub(super) fn add(&mut self, image: &Image<'_>, kind: u32, desc: Range<usize>) {
        let word = |n: usize| {
            let at = desc.start.checked_add(n.checked_mul(4)?)?;
            if at.checked_add(4)? > desc.end {
                return None;
            }
            image.u32(at)
        };
        match kind {
            INFO => {
                let text = image.get(desc.start.saturating_add(4)..desc.end);
                self.app_sha256 = text.and_then(hex_text);
            }
            EXTRA => {
                self.crashed_task = word(0);
                let n_words = desc.len() / 4;
                // One word, then pairs: a word is left over only when the last one stands alone.
                let n_pairs = n_words.saturating_sub(1) / 2;
                for n in 0..n_pairs.min(64) {
                    let (Some(register), Some(value)) = (word(n * 2 + 1), word(n * 2 + 2)) else {
                        continue;
                    };
                    match register {
                        EXCCAUSE => self.exccause = Some(value),
                        EXCVADDR => self.excvaddr = Some(value),
                        EXCCAUSE_OF_READER if n == 0 => self.exccause = Some(value),
                        EXCVADDR_OF_READER if n == 1 => self.excvaddr = Some(value),
                        _ => {}
                    }
                }
                if n_words >= 2 && n_words.is_multiple_of(2) {
                    self.in_interrupt = word(n_words.saturating_sub(1)).is_some_and(|w| w == 1);
                }
            }
            TASK => {
                if let (Some(flags), Some(tcb)) = (word(1), word(2))
                    && flags & 3 != 0
                    && self.damaged_tasks.len() < 64
                {
                    self.damaged_tasks.push(tcb);
                }
            }
            PANIC => {
                let end = desc.end.min(desc.start.saturating_add(LONGEST_DETAILS));
                self.panic_details = image.get(desc.start..end).and_then(words);
            }
            _ => {}
        }
    }
}

fn hex_text(bytes: &[u8]) -> Option<String> {
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len()).min(64);
    let text = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let is_hex = text.len() >= 8 && text.bytes().all(|b| b.is_ascii_hexdigit());
    is_hex.then(|| text.to_ascii_lowercase())
}

/// Text as one line.
fn words(bytes: &[u8]) -> Option<String> {
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    let text = String::from_utf8_lossy(bytes.get(..end)?);
    let text = text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace(|c: char| c.is_control(), "");
    (!text.is_empty()).then_some(text)
}

//! What ESP-IDF prints when it panics: "Guru Meditation Error", `abort()`, failed assertions, watchdogs, brown-out.
//!
//! Wordings: ESP-IDF, `components/esp_system` (`panic.c`, `port/arch/*/panic_arch.c`, `task_wdt`), versions 3 to 5. A print is
//! a group of neighbouring lines: what happened, registers of each core, `Backtrace:` with pairs of program counter and
//! stack pointer (Xtensa), stack memory (RISC-V), `ELF file SHA256:`. It ends at a reboot or at a core dump.

mod print;
mod words;

use super::{
    Carrier, Confidence, Decoded, Format, is_full,
    lines::{LineSearch, as_u64, line_at, readable},
    literals::Literals,
};
use crate::model::{progress::Cancelled, warning::Warning};
use print::Print;
pub(super) use words::failed_assertion;

/// Literals, one of which begins every print.
static ANCHORS: Literals = Literals::new(&[
    "Guru Meditation Error",
    "abort() was called at",
    "assert failed: ",
    "ESP_ERROR_CHECK failed",
    "watchdog got triggered",
    "Brownout detector was",
    "Stack smashing protect",
    "Backtrace:0x4",
    "Backtrace: 0x4",
    "EXCVADDR",
    "MEPC  ",
]);

/// No print is longer.
const MOST_LINES: usize = 600;
/// So many lines that say nothing end a print.
const LARGEST_GAP: usize = 24;

/// ESP-IDF panic print.
pub(super) struct EspPanic;

impl Format for EspPanic {
    fn id(&self) -> &'static str {
        "esp-panic"
    }
    fn label(&self) -> &'static str {
        "ESP-IDF panic in a log"
    }
    fn extensions(&self) -> &'static [&'static str] {
        &["log", "txt", "uart"]
    }
    fn carrier(&self) -> Carrier {
        Carrier::Text
    }
    fn sniff(&self, bytes: &[u8], _name: &str) -> Confidence {
        let head = bytes.get(..1 << 20).unwrap_or(bytes);
        match ANCHORS.find(head) {
            Some(_) => Confidence::Likely,
            None => Confidence::No,
        }
    }
    fn literals(&self) -> Option<&'static Literals> {
        Some(&ANCHORS)
    }
    fn records(&self, mut search: LineSearch<'_>) -> Result<Decoded, Cancelled> {
        let mut decoded = Decoded::default();
        let bytes = search.bytes;
        while let Some(hit) = search.next()? {
            if is_full(&mut decoded, hit.at) {
                break;
            }
            let start = hit.line.start;
            let (print, end) = collect(bytes, start);
            search.at = end.max(search.at);
            if let Some(mut dump) = print.into_coredump() {
                dump.source = as_u64(start)..as_u64(end);
                if end == bytes.len() && !matches!(bytes.last(), Some(b'\n' | b'\r')) {
                    dump.warnings.push(Warning::at(
                        "FS-ESP-021",
                        as_u64(end),
                        "the log ends in the middle of this panic print; what stands there was read",
                    ));
                }
                decoded.understood.push(dump.source.clone());
                decoded.coredumps.push(dump);
            }
        }
        Ok(decoded)
    }
}

/// The lines of one print from `start` on, and where the search goes on.
fn collect(bytes: &[u8], start: usize) -> (Print, usize) {
    let mut print = Print::default();
    let mut at = start;
    let mut end = start;
    let mut gap: usize = 0;
    for _ in 0..MOST_LINES {
        let Some(line) = line_at(bytes, at) else {
            break;
        };
        let text = readable(line.text);
        if print.is_ended_by(&text) {
            break;
        }
        at = line.next;
        if print.add(&text) {
            end = at;
            gap = 0;
        } else {
            gap = gap.saturating_add(1);
            if gap > LARGEST_GAP {
                break;
            }
        }
    }
    (print, end)
}

#[cfg(test)]
mod samples;

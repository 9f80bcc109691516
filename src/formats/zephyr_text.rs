//! Zephyr core dumps as the logging back end prints them: lines with `#CD:`, among any other lines.
//!
//! Layout: Zephyr documentation, "Core Dump", logging back end. `#CD:BEGIN#`, lines of hex (up to 32 bytes each),
//! `#CD:END#`, or `#CD:ERROR CANNOT DUMP#`. Any prefix may stand before `#CD:`; the hex is the binary form (see
//! the format `zephyr`).
//!
//! A line whose hex is damaged becomes a hole of the same length, so that the rest stays in place; what
//! lay in it counts as not captured.

use super::{
    Carrier, Confidence, Decoded, Format,
    fault_print::words,
    is_full,
    lines::{LineSearch, as_u64, hex_digit, line_at, readable},
    literals::Literals,
    zephyr::{self, Image},
};
use crate::model::{progress::Cancelled, warning::Warning};
use std::borrow::Cow;

const MARK: &str = "#CD:";
static ANCHORS: Literals = Literals::new(&[MARK]);
/// The device gives up on more lines than this in one dump long before; bounds memory on garbage.
const LARGEST_IMAGE: usize = 64 * 1024 * 1024;

/// Zephyr core dump, `#CD:` text.
pub(super) struct ZephyrText;

impl Format for ZephyrText {
    fn id(&self) -> &'static str {
        "zephyr-text"
    }
    fn label(&self) -> &'static str {
        "Zephyr core dump in a log"
    }
    fn extensions(&self) -> &'static [&'static str] {
        &["log", "txt", "uart"]
    }
    fn carrier(&self) -> Carrier {
        Carrier::Text
    }
    fn sniff(&self, bytes: &[u8], _name: &str) -> Confidence {
        match memchr::memmem::find(bytes, b"#CD:BEGIN#") {
            Some(_) => Confidence::Certain,
            None => Confidence::No,
        }
    }
    fn literals(&self) -> Option<&'static Literals> {
        Some(&ANCHORS)
    }
    fn records(&self, mut search: LineSearch<'_>) -> Result<Decoded, Cancelled> {
        let mut decoded = Decoded::default();
        let mut open: Option<Collected> = None;
        let bytes = search.bytes;
        while let Some(hit) = search.next()? {
            if is_full(&mut decoded, hit.at) {
                break;
            }
            let start = hit.line.start;
            let after = hit.at.saturating_add(MARK.len());
            let Some(line) = line_at(bytes, after) else {
                break;
            };
            let text = readable(line.text);
            let payload = text.trim();
            search.at = line.next;
            match payload {
                "BEGIN#" => {
                    if let Some(unfinished) = open.replace(Collected::new(start)) {
                        unfinished.finish(bytes, Ending::Missing, &mut decoded);
                    }
                }
                "END#" | "ERROR CANNOT DUMP#" => {
                    let ending = if payload == "END#" {
                        Ending::Marked
                    } else {
                        Ending::GaveUp
                    };
                    if let Some(mut finished) = open.take() {
                        finished.end = line.next;
                        finished.finish(bytes, ending, &mut decoded);
                    }
                }
                hex => {
                    let begins = hex.get(..4).is_some_and(|h| h.eq_ignore_ascii_case("5a45"));
                    if open.is_none() && begins {
                        open = Some(Collected::new(start));
                    }
                    match &mut open {
                        Some(dump) => dump.push(hex.as_bytes(), after, line.next),
                        None => orphan(start, &mut decoded.warnings),
                    }
                }
            }
        }
        if let Some(unfinished) = open {
            unfinished.finish(bytes, Ending::Missing, &mut decoded);
        }
        Ok(decoded)
    }
}

fn orphan(start: usize, warnings: &mut Vec<Warning>) {
    if warnings.last().is_none_or(|w| w.code != "FS-ZEPHYR-013") {
        warnings.push(Warning::at(
            "FS-ZEPHYR-013",
            as_u64(start),
            "lines of a Zephyr dump stand here without its beginning (#CD:BEGIN#); they cannot be read",
        ));
    }
}

/// The header of a block (A, C, F, M, T) or of the dump begins a line of its own.
fn begins_block(hex: &[u8]) -> bool {
    matches!(
        hex.get(..2),
        Some(b"41" | b"43" | b"46" | b"4d" | b"4D" | b"54" | b"5a" | b"5A")
    )
}

#[derive(Clone, Copy)]
enum Ending {
    Marked,
    GaveUp,
    Missing,
}

/// The lines of one dump so far.
struct Collected {
    start: usize,
    end: usize,
    bytes: Vec<u8>,
    /// Where they came from and which are missing.
    image: Image<'static>,
    longest_line: usize,
    /// The last line, when it is shorter than others: where it begins in the image and in the file.
    short_line: Option<(usize, usize)>,
    n_damaged: usize,
    first_damaged: Option<usize>,
}

impl Collected {
    fn new(start: usize) -> Self {
        Self {
            start,
            end: start,
            bytes: Vec::new(),
            image: Image::default(),
            longest_line: 0,
            short_line: None,
            n_damaged: 0,
            first_damaged: None,
        }
    }

    fn push(&mut self, hex: &[u8], at: usize, next: usize) {
        if hex.is_empty() || self.bytes.len() > LARGEST_IMAGE {
            return;
        }
        self.end = next;
        self.judge_short_line(hex);
        let from = self.bytes.len();
        self.image.origin.push((from, as_u64(at)));
        let mut is_damaged = false;
        for pair in hex.chunks_exact(2) {
            let digits = (
                pair.first().copied().and_then(hex_digit),
                pair.last().copied().and_then(hex_digit),
            );
            if let (Some(high), Some(low)) = digits {
                self.bytes.push(high << 4 | low);
            } else {
                is_damaged = true;
                let hole = self.bytes.len();
                self.image.add_hole(hole..hole.saturating_add(1));
                self.bytes.push(0);
            }
        }
        let len = self.bytes.len().saturating_sub(from);
        if !hex.len().is_multiple_of(2) {
            self.lost_characters(from, at);
        } else if is_damaged {
            self.note_damage(at);
        } else if len < self.longest_line && !begins_block(hex) {
            self.short_line = Some((from, at));
        }
        self.longest_line = self.longest_line.max(len);
    }

    /// A short line is the end of a block, which another block follows; otherwise it lost characters.
    fn judge_short_line(&mut self, next_hex: &[u8]) {
        if let Some((from, at)) = self.short_line.take().filter(|_| !begins_block(next_hex)) {
            self.lost_characters(from, at);
        }
    }

    /// A line that lost characters was most likely as long as the others. Which ones are missing is not known:
    /// nothing of the line can be trusted.
    fn lost_characters(&mut self, from: usize, at: usize) {
        self.note_damage(at);
        let have = self.bytes.len();
        let wanted = from.saturating_add(self.longest_line).max(have);
        self.image.add_hole(from..wanted);
        self.bytes.resize(wanted, 0);
    }

    fn note_damage(&mut self, at: usize) {
        self.n_damaged = self.n_damaged.saturating_add(1);
        self.first_damaged.get_or_insert(at);
    }

    fn finish(mut self, bytes: &[u8], ending: Ending, decoded: &mut Decoded) {
        self.image.bytes = Cow::Owned(self.bytes);
        let (mut dump, _used) = zephyr::read(&self.image, "zephyr-text");
        dump.source = as_u64(self.start)..as_u64(self.end);
        if let Some(at) = self.first_damaged {
            dump.warnings.push(Warning::at(
                "FS-ZEPHYR-010",
                as_u64(at),
                format!(
                    "{} of the dump's lines {} damaged on the way, the first one here; what stood in them counts as not captured",
                    self.n_damaged,
                    if self.n_damaged == 1 { "was" } else { "were" }
                ),
            ));
        }
        match ending {
            Ending::Marked => {}
            Ending::GaveUp => dump.warnings.push(Warning::at(
                "FS-ZEPHYR-011",
                as_u64(self.end),
                "the device gave up on this dump (ERROR CANNOT DUMP); what it had printed was read",
            )),
            Ending::Missing => dump.warnings.push(Warning::at(
                "FS-ZEPHYR-012",
                as_u64(self.end),
                "the dump has no end (#CD:END#): the log was cut off or the device reset; what is there was read",
            )),
        }
        dump.assert = words::assert_before(bytes, self.start);
        decoded.understood.push(dump.source.clone());
        decoded.coredumps.push(dump);
    }
}

#[cfg(test)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::format_collect,
    reason = "test inputs are small"
)]
pub(super) mod tests {
    use super::ZephyrText;
    use crate::formats::{
        Decoded, Format as _,
        zephyr::tests::{build, frame_words},
    };
    use crate::model::{memory::Memory as _, progress::Unattended};

    /// Prints a binary dump the way the device does, 32 bytes a line.
    pub(crate) fn print(binary: &[u8], prefix: &str) -> Vec<String> {
        let mut lines = vec![format!("{prefix}#CD:BEGIN#")];
        for chunk in binary.chunks(32) {
            let hex: String = chunk.iter().map(|b| format!("{b:02x}")).collect();
            lines.push(format!("{prefix}#CD:{hex}"));
        }
        lines.push(format!("{prefix}#CD:END#"));
        lines
    }

    fn decode(text: &str) -> Decoded {
        ZephyrText.decode(text.as_bytes(), &Unattended).unwrap()
    }

    fn sample() -> Vec<u8> {
        let memory: Vec<u8> = (0..=255).collect();
        build(1, &frame_words(), &[(0x2000_0000, &memory)], true)
    }

    #[test]
    fn dumps_among_other_lines_are_each_found_with_any_prefix() {
        let prefixes = [
            "",
            "[00:00:00.880,000] <err> coredump: ",
            "DEBUG   - DEVICE: E: ",
        ];
        let mut log = Vec::new();
        for prefix in prefixes {
            log.push("ASSERTION FAIL [n < 8] @ src/main.c:77".to_owned());
            for line in print(&sample(), prefix) {
                log.push(line);
                log.push("[00:00:00.881,000] <inf> app: something else".to_owned());
            }
        }
        let decoded = decode(&log.join("\r\n"));
        assert_eq!(decoded.coredumps.len(), 3);
        for dump in &decoded.coredumps {
            assert_eq!(dump.threads[0].registers.pc(), Some(0x0800_0200));
            assert_eq!(dump.memory.read_u32(0x2000_00FC), Ok(0xFFFE_FDFC));
            assert!(dump.warnings.is_empty(), "{:?}", dump.warnings);
            assert_eq!(dump.assert.as_ref().unwrap().line, Some(77));
        }
        assert!(decoded.coredumps[0].source.end <= decoded.coredumps[1].source.start);
    }

    #[test]
    fn a_damaged_line_is_a_hole_and_the_rest_stays_in_place() {
        for (from, to) in [("6061", "6x61"), ("606162", "60")] {
            let text = print(&sample(), "").join("\n");
            let at = text.find(from).unwrap();
            let text = text.replacen(from, to, 1);
            let decoded = decode(&text);
            let dump = &decoded.coredumps[0];
            assert!(dump.memory.read_u8(0x2000_0060).is_err());
            assert_eq!(dump.memory.read_u32(0x2000_0090), Ok(0x9392_9190));
            let codes: Vec<&str> = dump.warnings.iter().map(|w| w.code.as_str()).collect();
            assert_eq!(codes, ["FS-ZEPHYR-006", "FS-ZEPHYR-010"], "{to}");
            let offset = dump.warnings[1].offset.unwrap() as usize;
            assert!((offset..offset + 70).contains(&at));
        }
    }

    #[test]
    fn a_dump_without_end_and_one_that_the_device_gave_up_are_partial() {
        let lines = print(&sample(), "");
        let cut = lines[..5].join("\n");
        let gave_up = format!("{cut}\n#CD:ERROR CANNOT DUMP#\n");
        let text = format!("{cut}\n{gave_up}{cut}");
        let decoded = decode(&text);
        let last_codes: Vec<&str> = decoded
            .coredumps
            .iter()
            .map(|d| d.warnings.last().unwrap().code.as_str())
            .collect();
        assert_eq!(
            last_codes,
            ["FS-ZEPHYR-012", "FS-ZEPHYR-011", "FS-ZEPHYR-012"]
        );
        assert!(
            decoded
                .coredumps
                .iter()
                .all(|d| d.memory.read_u8(0x2000_0010).is_ok())
        );
    }

    #[test]
    fn lines_without_a_beginning_are_named_once() {
        let lines = print(&sample(), "");
        let decoded = decode(&lines[3..].join("\n"));
        assert!(decoded.coredumps.is_empty());
        assert_eq!(decoded.warnings.len(), 1);
    }
}

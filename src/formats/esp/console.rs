//! ESP-IDF core dumps as the console prints them: base64 lines between two marks, among any other lines.
//!
//! Layout: ESP-IDF, `core_dump_uart.c`. `================= CORE DUMP START =================`, lines of base64 of up to 48
//! bytes, each with its own padding, `================= CORE DUMP END =================`. A log may put a prefix before
//! every line.
//!
//! A damaged line becomes a hole of the length that it most likely had, so that the rest stays in place.

use super::base64;
use super::image::Image;
use super::{LARGEST_DUMP, body};
use crate::formats::{
    Carrier, Confidence, Decoded, Format, is_full,
    lines::{Line, LineSearch, as_u64, line_at, readable},
    literals::Literals,
};
use crate::model::{progress::Cancelled, warning::Warning};

const START: &str = "= CORE DUMP START =";
static ANCHORS: Literals = Literals::new(&[START]);
const END: &str = "= CORE DUMP END =";
/// Bytes of a full line.
const FULL_LINE: usize = 48;
/// So many other lines in a row end a dump whose end mark was lost.
const MOST_OTHER_LINES: usize = 64;
/// A shorter piece of text is not taken for a damaged line of a dump.
const SHORTEST_DAMAGED: usize = 12;

/// ESP-IDF core dump in a log.
pub(in crate::formats) struct EspCoreText;

impl Format for EspCoreText {
    fn id(&self) -> &'static str {
        "esp-core-text"
    }
    fn label(&self) -> &'static str {
        "ESP-IDF core dump in a log"
    }
    fn extensions(&self) -> &'static [&'static str] {
        &["log", "txt", "uart"]
    }
    fn carrier(&self) -> Carrier {
        Carrier::Text
    }
    fn sniff(&self, bytes: &[u8], _name: &str) -> Confidence {
        match memchr::memmem::find(bytes, START.as_bytes()) {
            Some(_) => Confidence::Certain,
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
            search.at = read_one(bytes, &hit.line, &mut decoded).max(search.at);
        }
        Ok(decoded)
    }
}

/// Reads the dump whose start mark is on the line `mark`; where the search goes on.
fn read_one(bytes: &[u8], mark: &Line<'_>, decoded: &mut Decoded) -> usize {
    let start = mark.start;
    let prefix = Prefix::of(&readable(mark.text));
    let mut collected = Collected::default();
    let mut at = mark.next;
    let mut end = at;
    let mut n_other: usize = 0;
    let mut is_ended = false;
    while let Some(line) = line_at(bytes, at) {
        let text = readable(line.text);
        if text.contains("= CORE DUMP START =") || text.contains("rst:0x") {
            break;
        }
        at = line.next;
        if text.contains(END) {
            is_ended = true;
            // What follows the words of the mark says nothing.
            let mark = memchr::memmem::find(line.text, END.as_bytes());
            end = mark.map_or(at, |mark| {
                let words = mark.saturating_add(END.len());
                line.start.saturating_add(words)
            });
            break;
        }
        let is_data = match prefix.payload(&text) {
            Some(payload) => match base64::decode(payload.as_bytes()) {
                Some(piece) => {
                    collected.push(piece, as_u64(line.start));
                    true
                }
                None if looks_damaged(payload) => {
                    collected.push_damaged(payload.as_bytes(), as_u64(line.start));
                    true
                }
                None => false,
            },
            None => false,
        };
        if is_data {
            n_other = 0;
            end = at;
        } else {
            n_other = n_other.saturating_add(1);
        }
        if n_other > MOST_OTHER_LINES || collected.is_full() {
            break;
        }
    }
    let (image, damage) = collected.into_image();
    match body::read(&image, "esp-core-text") {
        Some((mut dump, _)) => {
            dump.source = as_u64(start)..as_u64(end);
            dump.warnings.extend(damage);
            let is_short = dump.warnings.iter().any(|w| w.code == "FS-ESP-003");
            if is_ended && is_short {
                dump.warnings.push(Warning::at(
                    "FS-ESP-011",
                    as_u64(start),
                    "lines of this dump, or pieces of them, were lost on the way and nothing shows where: memory and \
                     tasks behind that place are not where they belong. Capture the console again",
                ));
            }
            if !is_ended && !is_short {
                dump.warnings.push(Warning::at(
                    "FS-ESP-013",
                    as_u64(end),
                    "the end mark of this dump is missing; the dump itself is whole",
                ));
            }
            decoded.understood.push(dump.source.clone());
            decoded.coredumps.push(dump);
        }
        None => decoded.warnings.push(Warning::at(
            "FS-ESP-001",
            as_u64(start),
            "an ESP-IDF core dump begins here, but its first line is missing or damaged; it cannot be read",
        )),
    }
    end
}

/// What a log writes before every line, as far as the start mark shows it.
struct Prefix {
    n_words: usize,
    n_chars: usize,
}

impl Prefix {
    fn of(mark: &str) -> Self {
        let before = mark
            .find("====")
            .and_then(|at| mark.get(..at))
            .unwrap_or_default();
        Self {
            n_words: before.split_whitespace().count(),
            n_chars: before.len(),
        }
    }

    /// What stands behind the prefix, if that is one word.
    fn payload<'a>(&self, line: &'a str) -> Option<&'a str> {
        let mut words = line.split_whitespace().skip(self.n_words);
        if let (Some(word), None) = (words.next(), words.next()) {
            return Some(word);
        }
        // A prefix may stand so close that it is no word of its own.
        let rest = line.get(self.n_chars..)?.trim();
        (!rest.is_empty() && !rest.contains(' ')).then_some(rest)
    }
}

/// A word that was a line of a dump before some of it was lost.
fn looks_damaged(word: &str) -> bool {
    let n_digits = word.bytes().filter(|b| base64::is_digit(*b)).count();
    word.len() >= SHORTEST_DAMAGED
        && n_digits.saturating_mul(10) >= word.len().saturating_mul(9)
        && word.len() <= 2 * FULL_LINE
}

/// The lines of a dump so far.
#[derive(Default)]
pub(super) struct Collected {
    pieces: Vec<Piece>,
    len: usize,
}

struct Piece {
    place: u64,
    /// `None` for a damaged line.
    bytes: Option<Vec<u8>>,
    /// How many bytes it held, most likely.
    len: usize,
}

impl Collected {
    pub(super) fn push(&mut self, bytes: Vec<u8>, place: u64) {
        self.len = self.len.saturating_add(bytes.len());
        self.pieces.push(Piece {
            place,
            len: bytes.len(),
            bytes: Some(bytes),
        });
    }

    pub(super) fn push_damaged(&mut self, line: &[u8], place: u64) {
        // A full line unless it is much shorter.
        let guess = line.len().div_ceil(4).saturating_mul(3).min(FULL_LINE);
        let len = if guess + 12 >= FULL_LINE {
            FULL_LINE
        } else {
            guess
        };
        self.len = self.len.saturating_add(len);
        self.pieces.push(Piece {
            place,
            bytes: None,
            len,
        });
    }

    /// No dump is longer.
    pub(super) fn is_full(&self) -> bool {
        self.len > LARGEST_DUMP
    }

    /// The dump, and a warning when some of its lines were damaged.
    pub(super) fn into_image(mut self) -> (Image<'static>, Option<Warning>) {
        let n_damaged = self.pieces.iter().filter(|p| p.bytes.is_none()).count();
        if n_damaged > 0 {
            self.fit_damaged_lines(n_damaged);
        }
        let mut image = Image::empty();
        for piece in &self.pieces {
            match &piece.bytes {
                Some(bytes) => image.push(bytes, piece.place),
                None => image.push_hole(piece.len, piece.place),
            }
        }
        let first = self.pieces.iter().find(|p| p.bytes.is_none());
        let warning = first.map(|piece| {
            Warning::at(
                "FS-ESP-010",
                piece.place,
                format!(
                    "{n_damaged} of the dump's lines {} damaged on the way, the first one here; what stood in them \
                     counts as not captured",
                    if n_damaged == 1 { "was" } else { "were" }
                ),
            )
        });
        (image, warning)
    }

    /// The header says how long the whole is: what the good lines do not hold, the damaged ones held.
    fn fit_damaged_lines(&mut self, n_damaged: usize) {
        let first = self.pieces.first().and_then(|p| p.bytes.as_deref());
        let Some(total) = first
            .and_then(|bytes| bytes.first_chunk::<4>())
            .and_then(|word| usize::try_from(u32::from_le_bytes(*word)).ok())
        else {
            return;
        };
        let good: usize = self
            .pieces
            .iter()
            .filter(|p| p.bytes.is_some())
            .fold(0, |sum, p| sum.saturating_add(p.len));
        let Some(missing) = total.checked_sub(good) else {
            return;
        };
        let is_one = n_damaged == 1 && (1..=FULL_LINE).contains(&missing);
        let are_full = missing == n_damaged.saturating_mul(FULL_LINE);
        if is_one || are_full {
            let len = if is_one { missing } else { FULL_LINE };
            for piece in self.pieces.iter_mut().filter(|p| p.bytes.is_none()) {
                piece.len = len;
            }
        }
    }
}

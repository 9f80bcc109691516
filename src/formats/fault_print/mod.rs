//! Cortex-M fault prints: registers as text, in whatever wording a firmware or an RTOS has for them.
//!
//! There is no one layout. A print is a group of neighbouring lines with register values (see `registers`), with
//! what the lines around it say in words (see `words`). It counts when it has PC and two more values, or CFSR or
//! HFSR and one more. `samples` holds one print a style; a new style begins there.

mod print;
mod registers;
pub(super) mod riscv;
#[cfg(test)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::format_collect,
    reason = "test inputs are small"
)]
mod samples;
mod stack_words;
mod torn_end;
pub(super) mod words;

use super::{
    Carrier, Confidence, Decoded, Format, is_full,
    lines::{Line, LineSearch, as_u64, line_at, lines_before, lines_from, readable},
    literals::Literals,
};
use crate::model::{progress::Cancelled, warning::Warning};
use print::Print;
use registers::{Found, Slot};

/// Literals, one of which stands in every fault print. Looked for before anything else.
static ANCHORS: Literals = Literals::new(&[
    "PC", "pc", "Pc", "R15", "r15", "CFSR", "cfsr", "HFSR", "hfsr", "BFSR", "UFSR", "MFSR",
    "CFAULTS", "Faulting", "FAULT at", "fault at",
]);

/// So many lines of a print may stand before its first anchor and after it.
const MOST_LINES_BEFORE: usize = 60;
const MOST_LINES_AFTER: usize = 120;
/// So many lines without a value may stand between two with one.
const LARGEST_GAP: usize = 4;
/// Words that belong to a print stand within so many lines of it.
const CONTEXT_BEFORE: usize = 10;
const CONTEXT_AFTER: usize = 8;
/// RT-Thread prints its thread list between the registers and the fault status.
const LATE_STATUS_WITHIN: usize = 48;

/// Cortex-M fault print.
pub(super) struct FaultPrint;

impl Format for FaultPrint {
    fn id(&self) -> &'static str {
        "fault-print"
    }
    fn label(&self) -> &'static str {
        "Fault print in a log"
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
            Some(_) => Confidence::Maybe,
            None => Confidence::No,
        }
    }
    fn literals(&self) -> Option<&'static Literals> {
        Some(&ANCHORS)
    }
    fn records(&self, mut search: LineSearch<'_>) -> Result<Decoded, Cancelled> {
        let mut decoded = Decoded::default();
        let whole = search.bytes;
        let bytes = torn_end::without_half_value(whole);
        search.bytes = bytes;
        // No line before this offset is looked at again.
        let mut floor: usize = 0;
        let mut patience = Patience::default();
        while let Some(hit) = search.next()? {
            if is_full(&mut decoded, hit.at) {
                break;
            }
            let found = registers::in_line(&readable(hit.line.text), true);
            if !found.iter().any(is_anchor) {
                continue;
            }
            if patience.is_over(&mut decoded, hit.at) {
                break;
            }
            if patience.is_strained() && !is_in_company(bytes, &hit.line, &found) {
                patience.skipped();
                continue;
            }
            patience.tried();
            let window = Window::around(bytes, hit.line.start, floor);
            search.at = window.next.max(search.at);
            if let Some(mut dump) = window.print.into_coredump(bytes, floor) {
                patience.rewarded();
                floor = usize::try_from(dump.source.end)
                    .unwrap_or(search.at)
                    .max(search.at);
                search.at = floor;
                dump.source.end = as_u64(floor.min(bytes.len()));
                torn_end::note(whole, &mut dump);
                decoded.understood.push(dump.source.clone());
                decoded.coredumps.push(dump);
            }
        }
        Ok(decoded)
    }
}

/// What lines that look like the beginning of a print, and are none, may cost. A trace may print its PC on every line.
#[derive(Default)]
struct Patience {
    spent: usize,
    n_in_vain: usize,
}

impl Patience {
    /// A look around a line, against a look at it.
    const COST_OF_TRIAL: usize = 20;
    const MOST: usize = 800_000;
    /// From so many trials in vain on, a line has to be more telling.
    const STRAINED_FROM: usize = 1000;

    fn tried(&mut self) {
        self.spent = self.spent.saturating_add(Self::COST_OF_TRIAL);
        self.n_in_vain = self.n_in_vain.saturating_add(1);
    }

    fn skipped(&mut self) {
        self.spent = self.spent.saturating_add(1);
    }

    fn rewarded(&mut self) {
        self.n_in_vain = 0;
    }

    fn is_strained(&self) -> bool {
        self.n_in_vain >= Self::STRAINED_FROM
    }

    /// True when enough was looked at in vain; then a warning says so.
    fn is_over(&self, decoded: &mut Decoded, at: usize) -> bool {
        let is_over = self.spent >= Self::MOST;
        if is_over {
            decoded.warnings.push(Warning::at(
                "FS-PRINT-003",
                as_u64(at),
                "the text prints a program counter on very many lines without a fault print; it was searched for fault prints up to here. Import the part around the crash by itself",
            ));
        }
        is_over
    }
}

/// Three values on the line, or others on the next one.
fn is_in_company(bytes: &[u8], line: &Line<'_>, found: &[Found]) -> bool {
    let next = || {
        let next = line_at(bytes, line.next)?;
        Some(registers::in_line(&readable(next.text), true))
    };
    found.len() >= 3
        || next().is_some_and(|values| !values.is_empty() && !values.iter().any(is_anchor))
}

fn is_anchor(found: &Found) -> bool {
    match found.slot {
        Slot::Register(reg) => reg == crate::model::registers::Reg::PC,
        Slot::Fault(name) => matches!(name, "cfsr" | "hfsr"),
        Slot::FaultPart(_) => true,
        Slot::FramePointer => false,
    }
}

/// The lines of one print and where the search goes on.
struct Window {
    print: Print,
    next: usize,
}

impl Window {
    fn around(bytes: &[u8], anchor: usize, floor: usize) -> Self {
        let before = lines_before(bytes, anchor, MOST_LINES_BEFORE, floor);
        let start = first_line_of_print(&before).unwrap_or(anchor);
        // Some handlers print plain %x and say so.
        let short_values = before
            .iter()
            .rev()
            .take(MOST_LINES_BEFORE / 2)
            .any(|line| readable(line.text).contains("all numbers in hex"));
        let mut print = Print::new(start);
        let mut next = start;
        let mut gap: usize = 0;
        for line in lines_from(bytes, start, MOST_LINES_AFTER) {
            let text = readable(line.text);
            let found = registers::in_line(&text, short_values);
            if found.is_empty() {
                gap = gap.saturating_add(1);
                let belongs_to_others = words::is_boot(&text) || text.contains("#CD:");
                if gap > LARGEST_GAP || belongs_to_others {
                    break;
                }
                continue;
            }
            if print.is_repeated_by(&found) {
                break;
            }
            gap = 0;
            next = line.next;
            print.add(&text, &found, line.next);
        }
        if !print.has_fault_status() {
            next = print.add_late_status(bytes, next).max(next);
        }
        Self { print, next }
    }
}

/// The first line with values that belongs to the print whose anchor follows `before`.
fn first_line_of_print(before: &[Line<'_>]) -> Option<usize> {
    let mut first = None;
    let mut gap: usize = 0;
    for line in before.iter().rev() {
        let text = readable(line.text);
        if words::is_boot(&text) {
            break;
        }
        let found = registers::in_line(&text, true);
        if found.iter().any(is_anchor) {
            break; // an anchor that did not make a print, or another print's
        }
        if found.is_empty() {
            gap = gap.saturating_add(1);
            if gap > LARGEST_GAP {
                break;
            }
        } else {
            gap = 0;
            first = Some(line.start);
        }
    }
    first
}

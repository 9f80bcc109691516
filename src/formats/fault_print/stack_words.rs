//! Stack memory that a device prints beside its registers.
//!
//! Two styles: `addr: 20000888    data: 00000000` (`CmBacktrace`, before the registers) and
//! `up_stackdump: 20001a20: 00000000 ...` with up to sixteen words (`NuttX` and others, around them).

use super::registers::row_of_words;
use crate::formats::lines::{Line, lines_before, lines_from, readable};
use crate::model::memory::MemoryMap;

/// No device prints more lines of stack than this.
const MOST_LINES: usize = 1024;
/// So many other lines may stand between the registers and the stack.
const LARGEST_GAP: usize = 8;

/// The words of one line.
pub(super) struct StackWords {
    pub(super) at: usize,
    pub(super) next: usize,
    pub(super) addr: u32,
    /// The list begins with the stack pointer.
    pub(super) starts_at_sp: bool,
    words: Vec<u32>,
}

impl StackWords {
    pub(super) fn insert_into(&self, memory: &mut MemoryMap) {
        let bytes: Vec<u8> = self.words.iter().flat_map(|w| w.to_le_bytes()).collect();
        memory.insert(self.addr.into(), &bytes);
    }
}

/// Stack words in the lines before `start` (down to `floor`) and after `end`, both in the order of the input.
pub(super) fn around(
    bytes: &[u8],
    start: usize,
    end: usize,
    floor: usize,
) -> (Vec<StackWords>, Vec<StackWords>) {
    // Cheap look first: most prints have no stack.
    let near = lines_before(bytes, start, LARGEST_GAP, floor);
    let mut before = Vec::new();
    if near.iter().any(|line| parse(line).is_some()) {
        before = collect(
            lines_before(bytes, start, MOST_LINES, floor)
                .into_iter()
                .rev(),
        );
        before.reverse();
    }
    let mut after = Vec::new();
    if lines_from(bytes, end, LARGEST_GAP)
        .iter()
        .any(|line| parse(line).is_some())
    {
        after = collect(lines_from(bytes, end, MOST_LINES).into_iter());
    }
    (before, after)
}

fn collect<'a>(lines: impl Iterator<Item = Line<'a>>) -> Vec<StackWords> {
    let mut found: Vec<StackWords> = Vec::new();
    let mut gap: usize = 0;
    for line in lines {
        match parse(&line) {
            Some(words) => {
                gap = 0;
                found.push(words);
            }
            None => gap = gap.saturating_add(1),
        }
        if gap >= LARGEST_GAP {
            break;
        }
    }
    found
}

fn parse(line: &Line<'_>) -> Option<StackWords> {
    let text = readable(line.text);
    let words = |addr, words, starts_at_sp| StackWords {
        at: line.start,
        next: line.next,
        addr,
        starts_at_sp,
        words,
    };
    if let Some((_, rest)) = text.split_once("addr: ") {
        let (addr, data) = rest.split_once("data: ")?;
        return Some(words(word(addr)?, vec![word(data)?], true));
    }
    // The address is what stands before the last colon.
    let (before, _) = text.rsplit_once(':')?;
    let addr = word(before.rsplit(|c: char| c.is_whitespace()).next()?)?;
    let row = row_of_words(text.as_bytes(), before.len().saturating_add(1));
    (row.len() >= 4 && addr % 4 == 0).then(|| words(addr, row, false))
}

fn word(text: &str) -> Option<u32> {
    let text = text.trim();
    let digits = text.strip_prefix("0x").unwrap_or(text);
    (digits.len() == 8)
        .then(|| u32::from_str_radix(digits, 16).ok())
        .flatten()
}

//! The bytes of a Zephyr dump with what is known of their way here: where they came from and which were lost.

use crate::formats::lines::as_u64;
use std::borrow::Cow;
use std::ops::Range;

/// The bytes of a dump, with where they came from.
#[derive(Clone, Debug, Default)]
pub(in crate::formats) struct Image<'a> {
    pub(in crate::formats) bytes: Cow<'a, [u8]>,
    /// Where it begins in the input file.
    pub(in crate::formats) start: usize,
    /// Bytes that could not be read: their value here means nothing.
    pub(in crate::formats) holes: Vec<Range<usize>>,
    /// Of text: from image offset to offset in the input file, ascending; one entry a line.
    pub(in crate::formats) origin: Vec<(usize, u64)>,
}

impl Image<'_> {
    /// Where a byte of the image stands in the input (of text: where its line begins).
    pub(super) fn file_offset(&self, at: usize) -> u64 {
        let index = self.origin.partition_point(|(start, _)| *start <= at);
        match index.checked_sub(1).and_then(|i| self.origin.get(i)) {
            Some((_, offset)) => *offset,
            None => as_u64(self.start.saturating_add(at)),
        }
    }

    /// Marks bytes as unreadable. They lie at the end of the image or behind it.
    pub(in crate::formats) fn add_hole(&mut self, mut hole: Range<usize>) {
        while let Some(last) = self.holes.last().filter(|last| last.end >= hole.start) {
            hole = last.start.min(hole.start)..last.end.max(hole.end);
            _ = self.holes.pop();
        }
        self.holes.push(hole);
    }

    /// Whether a byte of the range was lost.
    pub(super) fn is_hole(&self, range: &Range<usize>) -> bool {
        let index = self.holes.partition_point(|hole| hole.end <= range.start);
        self.holes
            .get(index)
            .is_some_and(|hole| hole.start < range.end)
    }
}

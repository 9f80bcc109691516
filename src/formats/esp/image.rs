//! The bytes of one dump, with the places where some were lost on the way.

use crate::model::memory::MemoryMap;
use std::borrow::Cow;
use std::ops::Range;

/// A dump as bytes. What lies in a hole is not known; its length is.
pub(super) struct Image<'a> {
    bytes: Cow<'a, [u8]>,
    /// Sorted, disjoint.
    holes: Vec<Range<usize>>,
    /// Where in the file the bytes from an offset on stand; sorted by offset.
    origin: Vec<(usize, u64)>,
}

impl<'a> Image<'a> {
    /// A piece of a file that begins at `file_offset`.
    pub(super) fn new(bytes: &'a [u8], file_offset: u64) -> Self {
        Self {
            bytes: Cow::Borrowed(bytes),
            holes: Vec::new(),
            origin: vec![(0, file_offset)],
        }
    }

    /// An image that is put together from pieces.
    pub(super) fn empty() -> Self {
        Self {
            bytes: Cow::Owned(Vec::new()),
            holes: Vec::new(),
            origin: Vec::new(),
        }
    }

    /// Adds a piece that stands at `file_offset`.
    pub(super) fn push(&mut self, piece: &[u8], file_offset: u64) {
        self.origin.push((self.bytes.len(), file_offset));
        self.bytes.to_mut().extend_from_slice(piece);
    }

    /// Adds `len` bytes that were lost at `file_offset`.
    pub(super) fn push_hole(&mut self, len: usize, file_offset: u64) {
        let start = self.bytes.len();
        let end = start.saturating_add(len);
        self.origin.push((start, file_offset));
        self.holes.push(start..end);
        self.bytes.to_mut().resize(end, 0);
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes from 0 to `end`, or fewer.
    pub(super) fn first(&self, end: usize) -> &[u8] {
        self.bytes.get(..end).unwrap_or(&self.bytes)
    }

    /// True when nothing is missing.
    pub(super) fn is_whole(&self) -> bool {
        self.holes.is_empty()
    }

    /// Where in the file the byte at `offset` stands.
    pub(super) fn place(&self, offset: usize) -> u64 {
        let after = self.origin.partition_point(|(from, _)| *from <= offset);
        let known = after.checked_sub(1).and_then(|at| self.origin.get(at));
        known.map_or(0, |(from, place)| {
            let is_text = self.origin.len() > 1;
            // Among lines of text only the beginning of the line is meaningful.
            let within = if is_text {
                0
            } else {
                offset.saturating_sub(*from)
            };
            place.saturating_add(u64::try_from(within).unwrap_or(0))
        })
    }

    /// Bytes of a range that was received whole.
    pub(super) fn get(&self, range: Range<usize>) -> Option<&[u8]> {
        let first = self.holes.partition_point(|hole| hole.end <= range.start);
        if self
            .holes
            .get(first)
            .is_some_and(|hole| hole.start < range.end)
        {
            return None;
        }
        self.bytes.get(range)
    }

    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        self.get(at..at.checked_add(1)?)?.first().copied()
    }

    pub(super) fn u16(&self, at: usize) -> Option<u16> {
        let bytes = self.get(at..at.checked_add(2)?)?;
        bytes.try_into().ok().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&self, at: usize) -> Option<u32> {
        let bytes = self.get(at..at.checked_add(4)?)?;
        bytes.try_into().ok().map(u32::from_le_bytes)
    }

    /// Puts `range` into `memory` at `addr`, without what is lost. Says how many bytes it put there.
    pub(super) fn capture(&self, range: Range<usize>, addr: u64, memory: &mut MemoryMap) -> usize {
        let end = range.end.min(self.bytes.len());
        let mut n_captured: usize = 0;
        let mut put = |piece: Range<usize>| {
            let within = piece.start.saturating_sub(range.start);
            let at = addr.saturating_add(u64::try_from(within).unwrap_or(u64::MAX));
            if let Some(bytes) = self.bytes.get(piece) {
                memory.insert(at, bytes);
                n_captured = n_captured.saturating_add(bytes.len());
            }
        };
        let mut at = range.start;
        let first = self.holes.partition_point(|hole| hole.end <= range.start);
        for hole in self.holes.get(first..).unwrap_or_default() {
            if hole.start >= end {
                break;
            }
            if hole.start > at {
                put(at..hole.start);
            }
            at = at.max(hole.end);
        }
        if at < end {
            put(at..end);
        }
        n_captured
    }
}

#[cfg(test)]
mod tests {
    use super::Image;
    use crate::model::memory::{Memory as _, MemoryMap};

    #[test]
    fn what_lies_in_a_hole_is_not_captured() {
        let mut image = Image::empty();
        image.push(&[1, 2, 3, 4], 100);
        image.push_hole(4, 120);
        image.push(&[9, 10, 11, 12], 140);
        assert_eq!(image.u32(0), Some(0x0403_0201));
        assert_eq!((image.u32(2), image.u32(4)), (None, None));
        assert_eq!(image.u32(8), Some(0x0C0B_0A09));
        assert_eq!((image.place(5), image.place(11)), (120, 140));
        let mut memory = MemoryMap::default();
        assert_eq!(image.capture(0..99, 0x1000, &mut memory), 8);
        assert_eq!(memory.read_u32(0x1008), Ok(0x0C0B_0A09));
        assert!(memory.read_u8(0x1004).is_err());
    }
}

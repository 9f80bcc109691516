//! Bytes of a cache file, each block held against its checksum before its first use.
//!
//! Checking all of a large index would take longer than answering from it; trusting a cache file, which an old crash
//! or a full disk may have damaged, would show wrong names.

use super::layout::u64_at;
use crate::symbols::image::Image;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Bytes that are checked together.
pub(super) const BLOCK_BYTES: usize = 16 << 10;

/// A file whose data is checked as it is read.
pub(super) struct CheckedBytes {
    image: Image,
    checks: usize,
    data: usize,
    /// One bit a block: it was checked and is right.
    is_right: Vec<AtomicU64>,
    is_damaged: AtomicBool,
}

impl CheckedBytes {
    /// `checks`: where the checksums begin; `data`: where they end and what they cover begins.
    pub(super) fn new(image: Image, checks: usize, data: usize) -> Self {
        let n_blocks = image.len().saturating_sub(data).div_ceil(BLOCK_BYTES);
        let words = std::iter::repeat_with(AtomicU64::default);
        Self {
            is_right: words.take(n_blocks.div_ceil(64)).collect(),
            image,
            checks,
            data,
            is_damaged: AtomicBool::new(false),
        }
    }

    /// Part of the data; `None` when it is not there or damaged.
    #[inline]
    pub(super) fn get(&self, at: usize, len: usize) -> Option<&[u8]> {
        let end = at.checked_add(len)?;
        let found = self.image.get(at..end);
        let first = at.checked_sub(self.data)? / BLOCK_BYTES;
        let last = end.max(at + 1).checked_sub(self.data + 1)? / BLOCK_BYTES;
        let is_right = found.is_some() && (first..=last).all(|block| self.is_right(block, len));
        if !is_right {
            self.is_damaged.store(true, Ordering::Relaxed);
            return None;
        }
        found
    }

    /// Checks everything that was not checked yet.
    pub(super) fn check_all(&self) -> bool {
        let len = self.image.len().saturating_sub(self.data);
        len == 0 || self.get(self.data, len).is_some()
    }

    /// All of it, unchecked.
    pub(super) fn all(&self) -> &[u8] {
        &self.image
    }

    /// True when a part was asked for that is not as it was written.
    pub(super) fn is_damaged(&self) -> bool {
        self.is_damaged.load(Ordering::Relaxed)
    }

    #[inline]
    fn is_right(&self, block: usize, len: usize) -> bool {
        // Nothing at all is right wherever it is.
        if len == 0 {
            return true;
        }
        let bit = 1_u64 << (block % 64);
        let Some(word) = self.is_right.get(block / 64) else {
            return false;
        };
        word.load(Ordering::Relaxed) & bit != 0 || self.check(block, word, bit)
    }

    #[cold]
    fn check(&self, block: usize, word: &AtomicU64, bit: u64) -> bool {
        let start = self.data + block * BLOCK_BYTES;
        let end = start.saturating_add(BLOCK_BYTES).min(self.image.len());
        let expected = u64_at(&self.image, self.checks + block * 8);
        let is_right = self.image.get(start..end).map(checksum) == expected && expected.is_some();
        if is_right {
            word.fetch_or(bit, Ordering::Relaxed);
        }
        is_right
    }
}

/// Finds damage, nothing more: eight bytes at a time, multiplied and rotated.
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut sum = (bytes.len() as u64).wrapping_mul(FACTOR);
    let (words, rest) = bytes.as_chunks::<8>();
    let mut add = |word: u64| {
        sum = (sum ^ word).wrapping_mul(FACTOR).rotate_left(29);
    };
    for word in words {
        add(u64::from_le_bytes(*word));
    }
    for byte in rest {
        add(u64::from(*byte));
    }
    sum ^ (sum >> 31)
}

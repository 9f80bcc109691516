//! Reading little-endian fields from bytes that may end anywhere.

/// A position in bytes. Every read says `None` at the end instead of failing.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Bytes<'a> {
    pub(super) fn new(all: &'a [u8]) -> Self {
        Self { all, at: 0 }
    }

    /// Offset of the next read.
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    pub(super) fn remaining(&self) -> usize {
        self.all.len().saturating_sub(self.at)
    }

    /// The next `len` bytes, or `None` (and no movement) when there are fewer.
    pub(super) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(len)?;
        let piece = self.all.get(self.at..end)?;
        self.at = end;
        Some(piece)
    }

    /// What is left of `len` bytes: all of them, or fewer at the end.
    pub(super) fn take_up_to(&mut self, len: usize) -> &'a [u8] {
        self.take(len.min(self.remaining())).unwrap_or(&[])
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.take(1).and_then(|b| b.first().copied())
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.take(2)
            .and_then(|b| b.try_into().ok())
            .map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.take(4)
            .and_then(|b| b.try_into().ok())
            .map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.take(8)
            .and_then(|b| b.try_into().ok())
            .map(u64::from_le_bytes)
    }
}

/// The 32-bit word at `offset`.
pub(super) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    Bytes {
        all: bytes,
        at: offset,
    }
    .u32()
}

/// The 16-bit word at `offset`.
pub(super) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    Bytes {
        all: bytes,
        at: offset,
    }
    .u16()
}

/// The CRC-32 of IEEE 802.3, as zlib's.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

//! A field of a kernel's structure: where it is and how it is read.

use crate::model::memory::Memory;

/// A field of a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Bytes from the start of the structure.
    pub(super) offset: u64,
    /// Bytes of the field.
    pub(super) size: u64,
}

impl Field {
    /// The address of the field in the structure at `base`.
    pub(super) fn at(self, base: u64) -> Option<u64> {
        base.checked_add(self.offset)
    }

    /// The value as an unsigned number of 1, 2, 4 or 8 bytes.
    pub(super) fn read(self, base: u64, memory: &dyn Memory) -> Option<u64> {
        let mut bytes = [0; 8];
        let len = usize::try_from(self.size).ok()?;
        if !matches!(len, 1 | 2 | 4 | 8) {
            return None;
        }
        memory.read(self.at(base)?, bytes.get_mut(..len)?).ok()?;
        Some(u64::from_le_bytes(bytes))
    }
}

/// A text of at most `max_bytes`; `None` when it is empty, unreadable or not printable.
pub(super) fn read_name(addr: u64, max_bytes: u64, memory: &dyn Memory) -> Option<String> {
    let mut bytes = Vec::new();
    for offset in 0..max_bytes {
        match memory.read_u8(addr.checked_add(offset)?).ok()? {
            0 => break,
            byte => bytes.push(byte),
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    (!text.is_empty() && !text.chars().any(char::is_control)).then_some(text)
}

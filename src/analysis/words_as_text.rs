//! Words of memory that are text: what an overflowing buffer leaves where addresses should be.

use crate::model::memory::Memory;

/// Text that is quoted at most.
const MAX_CHARS: usize = 40;

/// The four characters of a word in the order of memory, if all of them are printable.
pub fn word_as_text(word: u32) -> Option<String> {
    let bytes = word.to_le_bytes();
    bytes
        .iter()
        .all(|byte| is_text(*byte))
        .then(|| bytes.iter().map(|byte| char::from(*byte)).collect())
}

/// The text that goes on from `addr`; empty when the first byte is none.
pub fn text_from(addr: u64, memory: &dyn Memory) -> String {
    (0..MAX_CHARS as u64)
        .map_while(|offset| memory.read_u8(addr.checked_add(offset)?).ok())
        .take_while(|byte| is_text(*byte))
        .map(char::from)
        .collect()
}

fn is_text(byte: u8) -> bool {
    (0x20..0x7F).contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::{text_from, word_as_text};
    use crate::model::memory::MemoryMap;

    #[test]
    fn text_is_told_from_addresses() {
        assert_eq!(word_as_text(0x736E_6573).as_deref(), Some("sens"));
        assert_eq!(word_as_text(0x2000_7365), None);
        let mut memory = MemoryMap::default();
        memory.insert(0x100, b"or-2\0");
        assert_eq!(text_from(0x100, &memory), "or-2");
        assert_eq!(text_from(0x105, &memory), "");
    }
}

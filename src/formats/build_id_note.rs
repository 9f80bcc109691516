//! A GNU build id note that lies in captured memory.
//!
//! Layout (gABI, chapter 5, "Note Section"; binutils `ld --build-id`): u32 name size = 4, u32 description size,
//! u32 type = 3 (`NT_GNU_BUILD_ID`), "GNU\0", the id.

use super::bytes::u32_at;
use crate::model::{build_id::BuildId, memory::MemoryMap};

/// The end of the fixed part: type and name.
const TYPE_AND_NAME: &[u8] = b"\x03\0\0\0GNU\0";

/// Ids are 8 (fast), 16 (md5, uuid) or 20 (sha1) bytes long; more is noise.
const LONGEST_ID: u32 = 64;

/// The first build id note in captured memory, if there is one.
pub fn find_build_id_note(memory: &MemoryMap) -> Option<BuildId> {
    memory.regions().iter().find_map(|r| in_bytes(&r.bytes))
}

fn in_bytes(bytes: &[u8]) -> Option<BuildId> {
    memchr::memmem::find_iter(bytes, TYPE_AND_NAME).find_map(|at| {
        let name_size = u32_at(bytes, at.checked_sub(8)?)?;
        let id_size = u32_at(bytes, at.checked_sub(4)?)?;
        if name_size != 4 || !(8..=LONGEST_ID).contains(&id_size) {
            return None;
        }
        let start = at.checked_add(TYPE_AND_NAME.len())?;
        let end = start.checked_add(usize::try_from(id_size).ok()?)?;
        BuildId::from_bytes(bytes.get(start..end)?)
    })
}

#[cfg(test)]
mod tests {
    use super::find_build_id_note;
    use crate::model::memory::MemoryMap;

    #[test]
    fn a_note_in_memory_is_found_and_noise_is_not() {
        let mut memory = MemoryMap::default();
        memory.insert(0x2000_0000, b"\x04\0\0\0\xff\xff\xff\xff\x03\0\0\0GNU\0");
        assert_eq!(find_build_id_note(&memory), None);
        let mut bytes = b"....\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0".to_vec();
        bytes.extend(1..=20);
        memory.insert(0x0800_0000, &bytes);
        let id = find_build_id_note(&memory).unwrap();
        assert_eq!(id.short(), "01020304");
        assert_eq!(id.as_bytes().len(), 20);
    }
}

//! Which build an ELF is: its GNU build id, or a hash of what it puts on the device.

use super::elf_image::ElfImage;
use crate::model::build_id::BuildId;
use object::elf;
use sha2::{Digest as _, Sha256};

/// Where a build id comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BuildIdKind {
    /// The linker's `.note.gnu.build-id`: a device can report it.
    Gnu,
    /// Our hash of names, addresses and contents of the sections on the device: tells builds apart,
    /// but no device knows it.
    SectionHash,
    /// SHA-256 of the whole file: what ESP-IDF builds into the application and its devices report.
    FileHash,
}

/// `NT_GNU_BUILD_ID`.
const GNU_BUILD_ID: u32 = 3;

/// The id of an ELF.
pub fn identify(image: &ElfImage, bytes: &[u8]) -> (BuildId, BuildIdKind) {
    if let Some(id) = gnu_build_id(image, bytes) {
        return (id, BuildIdKind::Gnu);
    }
    if let (true, Some(id)) = (is_esp_idf(image), file_hash(bytes)) {
        return (id, BuildIdKind::FileHash);
    }
    (
        BuildId::from_digest(section_hash(image, bytes)),
        BuildIdKind::SectionHash,
    )
}

/// True for an application of ESP-IDF: its description has a section of its own (`esp_app_desc.c`).
pub fn is_esp_idf(image: &ElfImage) -> bool {
    matches!(image.machine, elf::EM_XTENSA | elf::EM_RISCV)
        && image.sections.iter().any(|s| s.name == ".flash.appdesc")
}

/// SHA-256 of the whole file.
pub fn file_hash(bytes: &[u8]) -> Option<BuildId> {
    BuildId::from_bytes(&Sha256::digest(bytes))
}

/// The linker's build id: in a note section, or in a note segment when sections were stripped or merged.
pub fn gnu_build_id(image: &ElfImage, bytes: &[u8]) -> Option<BuildId> {
    let sections = image
        .sections
        .iter()
        .filter(|s| s.kind == elf::SHT_NOTE || s.name == ".note.gnu.build-id")
        .map(|s| s.file.clone());
    let segments = image
        .segments
        .iter()
        .filter(|s| s.kind == elf::PT_NOTE)
        .map(|s| s.file.clone());
    sections
        .chain(segments)
        .filter_map(|range| bytes.get(range))
        .find_map(|notes| find_note(notes, image.big_endian))
}

/// The id in notes of a little-endian target, as they lie in its memory.
pub fn build_id_in_notes(notes: &[u8]) -> Option<BuildId> {
    find_note(notes, false)
}

/// Notes are {u32 name size, desc size, type; name; desc}, name and desc padded to 4 bytes.
fn find_note(mut notes: &[u8], big_endian: bool) -> Option<BuildId> {
    loop {
        let word = |at: usize| -> Option<u32> {
            let raw: [u8; 4] = notes.get(at..at.checked_add(4)?)?.try_into().ok()?;
            Some(if big_endian {
                u32::from_be_bytes(raw)
            } else {
                u32::from_le_bytes(raw)
            })
        };
        let name_len = usize::try_from(word(0)?).ok()?;
        let desc_len = usize::try_from(word(4)?).ok()?;
        let kind = word(8)?;
        let desc_at = 12_usize.checked_add(name_len.checked_next_multiple_of(4)?)?;
        let name = notes.get(12..12_usize.checked_add(name_len)?)?;
        let desc = notes.get(desc_at..desc_at.checked_add(desc_len)?)?;
        if kind == GNU_BUILD_ID && name == b"GNU\0" {
            return BuildId::from_bytes(desc);
        }
        let next = desc_at.checked_add(desc_len.checked_next_multiple_of(4)?)?;
        notes = notes.get(next..)?;
    }
}

fn section_hash(image: &ElfImage, bytes: &[u8]) -> [u8; 20] {
    let mut hash = Sha256::new();
    for section in image.sections.iter().filter(|s| s.is_alloc()) {
        hash.update((section.name.len() as u64).to_le_bytes());
        hash.update(section.name.as_bytes());
        hash.update(section.addr.to_le_bytes());
        hash.update(section.size.to_le_bytes());
        hash.update(bytes.get(section.file.clone()).unwrap_or_default());
    }
    if image.sections.is_empty() {
        for segment in image.segments.iter().filter(|s| s.kind == elf::PT_LOAD) {
            hash.update(segment.addr.to_le_bytes());
            hash.update(bytes.get(segment.file.clone()).unwrap_or_default());
        }
    }
    let mut id = [0; 20];
    for (to, from) in id.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    id
}

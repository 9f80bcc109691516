//! Which ELF an index is of.
//!
//! Build id and section table: a stripped copy has the same build id, but other sections. Without a linker's build id,
//! which covers debug information too, the contents of its debug sections as well.

use super::checked::checksum;
use crate::model::build_id::BuildId;
use crate::symbols::elf_image::{self, Section};
use crate::symbols::identity::{self, BuildIdKind};
use crate::symbols::image;
use crate::symbols::symbol_file::SymbolFile;
use std::path::Path;

/// Nothing that was linked for a device is larger.
const LARGEST_ELF_BYTES: u64 = 4 << 30;

const CONTENTS: &[&str] = &[
    ".debug_info",
    ".debug_abbrev",
    ".debug_line",
    ".debug_line_str",
    ".debug_ranges",
    ".debug_rnglists",
    ".debug_str",
];

/// The key of an opened ELF.
pub fn of_file(file: &SymbolFile) -> u64 {
    let mut seen = identity_bytes(file.build_id(), file.section_tables());
    if file.build_id_kind() == BuildIdKind::SectionHash {
        for name in CONTENTS {
            let contents = checksum(file.debug_section(name));
            seen.extend_from_slice(&contents.to_le_bytes());
        }
    }
    checksum(&seen)
}

/// Build id and key of an ELF that is not opened, from its tables alone. `None` when it takes more to know them: no
/// build id, or debug information that is elsewhere.
pub fn of_path(path: &Path) -> Option<(BuildId, u64)> {
    let image = image::map_file(path, LARGEST_ELF_BYTES).ok()?;
    let tables = elf_image::parse("", &image).ok()?;
    let has_debug_info = tables
        .sections
        .iter()
        .any(|s| s.name == ".debug_info" && !s.file.is_empty());
    let id = identity::gnu_build_id(&tables, &image).filter(|_id| has_debug_info)?;
    let key = checksum(&identity_bytes(&id, tables.sections.iter()));
    Some((id, key))
}

/// What an index with that key is called in a cache folder.
pub fn file_name(id: &BuildId, key: u64) -> String {
    format!("{}-{key:016x}.fsindex", id.short())
}

fn identity_bytes<'a>(id: &BuildId, sections: impl Iterator<Item = &'a Section>) -> Vec<u8> {
    let mut seen = id.as_bytes().to_vec();
    for section in sections {
        seen.extend_from_slice(section.name.as_bytes());
        for number in [
            u64::from(section.kind),
            section.flags,
            section.addr,
            section.size,
            section.file.start as u64,
            section.file.len() as u64,
        ] {
            seen.extend_from_slice(&number.to_le_bytes());
        }
    }
    seen
}

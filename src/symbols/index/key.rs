//! Which ELF an index is of.
//!
//! Build id and section table: a stripped copy has the same build id, but other sections. Without a linker's build id,
//! which covers debug information too, the contents of its debug sections as well.

use super::checked::checksum;
use crate::model::build_id::BuildId;
use crate::symbols::compressed::{self, Contents};
use crate::symbols::elf_image::{self, ElfImage, Section};
use crate::symbols::identity::{self, BuildIdKind};
use crate::symbols::image;
use crate::symbols::split::skeleton::any_skeleton;
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
    // Split files that arrive or go change what there is to be known.
    for (unit, id) in file.split().into_iter().flat_map(|split| split.ids()) {
        seen.extend_from_slice(&(*unit as u64).to_le_bytes());
        seen.extend_from_slice(&id.to_le_bytes());
    }
    checksum(&seen)
}

/// Build id and key of an ELF that is not opened, from its tables alone. `None` when it takes more to know them: no
/// build id, or debug information that is elsewhere, all of it or some.
pub fn of_path(path: &Path) -> Option<(BuildId, u64)> {
    let image = image::map_file(path, LARGEST_ELF_BYTES).ok()?;
    let tables = elf_image::parse("", &image).ok()?;
    let has_debug_info = tables
        .sections
        .iter()
        .any(|s| s.name == ".debug_info" && !s.file.is_empty());
    let id = identity::gnu_build_id(&tables, &image).filter(|_id| has_debug_info)?;
    if may_be_split(&tables, &image) {
        return None;
    }
    let key = checksum(&identity_bytes(&id, tables.sections.iter()));
    Some((id, key))
}

/// What an index with that key is called in a cache folder.
pub fn file_name(id: &BuildId, key: u64) -> String {
    format!("{}-{key:016x}.fsindex", id.short())
}

/// True unless it is certain that every unit is whole.
fn may_be_split(tables: &ElfImage, bytes: &[u8]) -> bool {
    let section = |name: &str| tables.sections.iter().find(|s| s.name == name);
    // Skeletons have their addresses there.
    if section(".debug_addr").is_none() {
        return false;
    }
    let endian = if tables.big_endian {
        gimli::RunTimeEndian::Big
    } else {
        gimli::RunTimeEndian::Little
    };
    let plain = |name: &str| {
        let section = section(name)?;
        let contents = bytes.get(section.file.clone())?;
        matches!(
            compressed::unpack(section, contents, tables),
            Contents::Plain
        )
        .then(|| gimli::EndianSlice::new(contents, endian))
    };
    match (plain(".debug_info"), plain(".debug_abbrev")) {
        (Some(info), Some(abbreviations)) => any_skeleton(info, &abbreviations.into()),
        _ => true,
    }
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

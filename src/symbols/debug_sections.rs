//! Sections of debug information: where their bytes are, unpacked where they were compressed.

use super::compressed::{self, Contents};
use super::elf_image::ElfImage;
use crate::model::warning::Warning;
use std::collections::BTreeMap;
use std::ops::Range;

/// Where the bytes of a debug section are.
pub(super) enum SectionBytes {
    /// In the file itself.
    InMain(Range<usize>),
    /// In its separate debug file.
    InDebugFile(Range<usize>),
    /// Was compressed.
    Unpacked(Vec<u8>),
}

/// The sections of a linked file that are read, by the names that gimli uses.
pub(super) const DEBUG_SECTIONS: &[&str] = &[
    ".debug_abbrev",
    ".debug_addr",
    ".debug_aranges",
    ".debug_frame",
    ".debug_info",
    ".debug_line",
    ".debug_line_str",
    ".debug_loc",
    ".debug_loclists",
    ".debug_macinfo",
    ".debug_macro",
    ".debug_ranges",
    ".debug_rnglists",
    ".debug_str",
    ".debug_str_offsets",
    ".debug_types",
    ".eh_frame",
    ".eh_frame_hdr",
];

/// The sections of a `.dwo` or `.dwp` file that are read (DWARF 5, appendix F; the GNU extension to DWARF 4).
pub(super) const SPLIT_SECTIONS: &[&str] = &[
    ".debug_abbrev.dwo",
    ".debug_cu_index",
    ".debug_info.dwo",
    ".debug_line.dwo",
    ".debug_loc.dwo",
    ".debug_loclists.dwo",
    ".debug_rnglists.dwo",
    ".debug_str.dwo",
    ".debug_str_offsets.dwo",
    ".debug_tu_index",
    ".debug_types.dwo",
];

/// Of these a `.dwo` may have several, one for each type; the offsets in them are of their own units.
const IN_PIECES: &[&str] = &[".debug_info.dwo", ".debug_types.dwo"];

/// Sections by their names.
pub(super) type Sections = BTreeMap<&'static str, SectionBytes>;

impl SectionBytes {
    /// Adds what another section of the same name holds.
    fn append(&mut self, file: &[u8], more: &[u8]) {
        if let Self::InMain(range) = self {
            *self = Self::Unpacked(file.get(range.clone()).unwrap_or_default().to_vec());
        }
        if let Self::Unpacked(bytes) = self {
            bytes.extend_from_slice(more);
        }
    }
}

/// Adds the sections of a file that are in `wanted`.
pub(super) fn collect_sections(
    into: &mut Sections,
    wanted: &[&'static str],
    tables: &ElfImage,
    bytes: &[u8],
    place: fn(Range<usize>) -> SectionBytes,
    warnings: &mut Vec<Warning>,
) {
    for section in &tables.sections {
        let name = section.name.replacen(".zdebug_", ".debug_", 1);
        let Some(known) = wanted.iter().find(|known| **known == name) else {
            continue;
        };
        let Some(contents) = bytes.get(section.file.clone()).filter(|c| !c.is_empty()) else {
            continue;
        };
        let unpacked = compressed::unpack(section, contents, tables);
        if let Some(first) = into.get_mut(known) {
            if IN_PIECES.contains(known) {
                match &unpacked {
                    Contents::Plain => first.append(bytes, contents),
                    Contents::Unpacked(more) => first.append(bytes, more),
                    Contents::Damaged(_) => {}
                }
            }
            // Of two other sections of the same name the first one counts, as for every other reader.
            continue;
        }
        match unpacked {
            Contents::Plain => {
                into.insert(known, place(section.file.clone()));
            }
            Contents::Unpacked(unpacked) => {
                into.insert(known, SectionBytes::Unpacked(unpacked));
            }
            Contents::Damaged(why) => warnings.push(Warning::at(
                "FS-SYM-005",
                section.file.start as u64,
                format!("section {} cannot be unpacked ({why}); what it holds is missing, build or copy the file again", section.name),
            )),
        }
    }
}

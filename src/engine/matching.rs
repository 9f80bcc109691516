//! Which ELF is a crash's (contracts.md, section 1): by build id, never by guess; a wrong one is refused.

use crate::model::build_id::BuildId;
use crate::model::memory::{Memory as _, MemoryMap};
use crate::model::warning::Warning;
use crate::symbols::identity::BuildIdKind;
use crate::symbols::quality::Quality;
use crate::symbols::symbol_file::SymbolFile;
use std::sync::Arc;

/// Bytes compared at a time when a dump's memory is held against the ELF.
const COMPARE_BYTES: usize = 256;

/// The ELF files that a crash is read with.
#[derive(Clone, Default)]
pub struct Matched {
    /// The main one first, then those of the same capture that cover other addresses (bootloader, ROM).
    pub files: Vec<Arc<SymbolFile>>,
    /// The main file's id equals the crash's.
    pub verified: bool,
    /// What a reader should know of the choice.
    pub warnings: Vec<Warning>,
}

impl Matched {
    /// The build id of the main file.
    pub fn elf_build_id(&self) -> Option<BuildId> {
        self.files.first().map(|file| file.build_id().clone())
    }

    /// True when the main file can name anything. A crash whose ELF is stripped still waits.
    pub fn has_names(&self) -> bool {
        self.files
            .first()
            .is_some_and(|file| file.quality() != Quality::None)
    }
}

/// The ELF does not belong to the crash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The build ids differ.
    #[error(
        "FS-SYM-004: wrong symbols: the crash is of build {crash}, {name} is build {elf}. \
         Give the ELF of build {crash}"
    )]
    BuildId {
        /// The crash's id.
        crash: BuildId,
        /// The ELF's id.
        elf: BuildId,
        /// The ELF's name.
        name: String,
    },
    /// Captured constants differ.
    #[error(
        "FS-SYM-005: wrong symbols: the byte at 0x{addr:08x} is 0x{captured:02x} in the capture and \
         0x{expected:02x} in {name} (build {elf}; the capture names no build). Give the ELF that ran"
    )]
    Constants {
        /// First differing address.
        addr: u64,
        /// The captured byte.
        captured: u8,
        /// The byte of the ELF.
        expected: u8,
        /// The ELF's name.
        name: String,
        /// The ELF's id.
        elf: BuildId,
    },
}

/// Matches a crash against the ELF files that the user named for it. Naming a wrong one is an error.
pub fn match_named(
    crash: Option<&BuildId>,
    memory: &MemoryMap,
    named: &[Arc<SymbolFile>],
) -> Result<Matched, Mismatch> {
    let Some(first) = named.first() else {
        return Ok(Matched::default());
    };
    if let Some(id) = crash {
        let Some(main) = named.iter().find(|file| is_build(file, id)) else {
            return Err(Mismatch::BuildId {
                crash: id.clone(),
                elf: first.build_id().clone(),
                name: first.name().to_owned(),
            });
        };
        return Ok(verified(id, main, named));
    }
    for file in named {
        check_constants(file, memory)?;
    }
    let mut matched = Matched {
        files: named.to_vec(),
        verified: false,
        warnings: Vec::new(),
    };
    matched.warnings.push(Warning::new(
        "FS-SYM-006",
        format!(
            "Not verified: the capture names no build, so nothing proves that {} is the ELF that ran.",
            first.name()
        ),
    ));
    Ok(matched)
}

/// Finds the ELF of a crash among everything that is at hand. Without a build id nothing is picked.
pub fn match_available(crash: Option<&BuildId>, available: &[Arc<SymbolFile>]) -> Matched {
    let Some(id) = crash else {
        return Matched::default();
    };
    match available.iter().find(|file| is_build(file, id)) {
        Some(main) => verified(id, main, std::slice::from_ref(main)),
        None => Matched::default(),
    }
}

fn is_build(file: &SymbolFile, id: &BuildId) -> bool {
    device_id(file, id).is_some_and(|known| match file.build_id_kind() {
        BuildIdKind::Gnu | BuildIdKind::FileHash => known.matches(id),
        BuildIdKind::SectionHash => known == *id,
    })
}

/// The id of a file that is held against `id`: ESP-IDF devices report the hash of the file, whatever else it has.
fn device_id(file: &SymbolFile, id: &BuildId) -> Option<BuildId> {
    let own = file.build_id();
    if file.build_id_kind() != BuildIdKind::Gnu || own.matches(id) {
        return Some(own.clone());
    }
    file.esp_file_hash()
        .filter(|hash| hash.matches(id))
        .or_else(|| Some(own.clone()))
}

fn verified(id: &BuildId, main: &Arc<SymbolFile>, all: &[Arc<SymbolFile>]) -> Matched {
    let mut files = vec![Arc::clone(main)];
    files.extend(
        all.iter()
            .filter(|f| f.build_id() != main.build_id())
            .map(Arc::clone),
    );
    let mut warnings = Vec::new();
    let known = device_id(main, id).unwrap_or_else(|| main.build_id().clone());
    if *id != known {
        warnings.push(Warning::new(
            "FS-SYM-007",
            format!(
                "Matched by prefix: the crash says {id}, {} is {known}.",
                main.name(),
            ),
        ));
    }
    Matched {
        files,
        verified: true,
        warnings,
    }
}

/// Captured bytes of code, vector table and read-only data must be those of the ELF.
fn check_constants(file: &SymbolFile, memory: &MemoryMap) -> Result<(), Mismatch> {
    for region in memory.regions() {
        for (index, captured) in region.bytes.chunks(COMPARE_BYTES).enumerate() {
            let start = region.start.saturating_add((index * COMPARE_BYTES) as u64);
            let mut whole = vec![0; captured.len()];
            if file.constants().read(start, &mut whole).is_ok() && whole == captured {
                continue;
            }
            for (addr, captured) in (start..).zip(captured) {
                if let Ok(expected) = file.constants().read_u8(addr)
                    && expected != *captured
                {
                    return Err(Mismatch::Constants {
                        addr,
                        captured: *captured,
                        expected,
                        name: file.name().to_owned(),
                        elf: file.build_id().clone(),
                    });
                }
            }
        }
    }
    Ok(())
}

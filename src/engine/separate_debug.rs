//! Several files of one build: a stripped ELF and its separate debug file are one when both are at hand, and so are an
//! ELF built with -gsplit-dwarf and its `.dwo` or `.dwp` files.

use crate::symbols::error::SymbolError;
use crate::symbols::quality::Quality;
use crate::symbols::split::split_file::SplitFile;
use crate::symbols::symbol_file::SymbolFile;
use std::sync::Arc;

/// What an ELF file among others is.
pub(super) enum ElfFile {
    /// A program, or its separate debug file.
    Linked(Box<SymbolFile>),
    /// A `.dwo` or `.dwp`.
    Split(Box<SplitFile>),
}

impl ElfFile {
    /// Takes an ELF file from memory.
    pub(super) fn parse(name: &str, bytes: &[u8]) -> Result<Self, SymbolError> {
        match SymbolFile::parse(name, bytes.to_vec()) {
            Ok(file) => Ok(Self::Linked(Box::new(file))),
            // With -gsplit-dwarf=single an object file is its own .dwo.
            Err(error @ (SymbolError::SplitOnly { .. } | SymbolError::NotLinked { .. })) => {
                match SplitFile::parse(name, bytes.to_vec()) {
                    Ok(file) => Ok(Self::Split(Box::new(file))),
                    Err(_no_split_file) => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }
}

/// Gives every ELF what its skeletons ask for, as far as it is among these files.
pub(super) fn join_split_files(files: &mut [Arc<SymbolFile>], split: &[Arc<SplitFile>]) {
    for file in files {
        if file.n_missing_split_files() > 0 {
            *file = Arc::new(file.with_split_files(split));
        }
    }
}

/// Gives every ELF without debug information that of a file of the same build that has it, and puts the files with
/// code before those without, so that the first one of a build is the one that tells most.
pub(super) fn join_debug_files(files: &mut [Arc<SymbolFile>]) {
    let joined: Vec<Option<SymbolFile>> = files
        .iter()
        .map(|elf| {
            if has_debug_info(elf) || !elf.has_code_bytes() {
                return None;
            }
            let debug = files
                .iter()
                .find(|file| has_debug_info(file) && file.build_id() == elf.build_id())?;
            Some(elf.with_debug_file(debug))
        })
        .collect();
    for (file, joined) in files.iter_mut().zip(joined) {
        if let Some(joined) = joined {
            *file = Arc::new(joined);
        }
    }
    files.sort_by_key(|file| (!file.has_code_bytes(), file.quality()));
}

/// True when nothing that another file of its build may have is missing.
pub(super) fn is_complete(file: &SymbolFile) -> bool {
    has_debug_info(file) && file.has_code_bytes()
}

fn has_debug_info(file: &SymbolFile) -> bool {
    matches!(file.quality(), Quality::Full | Quality::LinesOnly)
}

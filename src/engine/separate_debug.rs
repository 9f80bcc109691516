//! Several files of one build: a stripped ELF and its separate debug file are one when both are at hand.

use crate::symbols::quality::Quality;
use crate::symbols::symbol_file::SymbolFile;
use std::sync::Arc;

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

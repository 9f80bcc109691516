//! The symbol indexes kept on disk, one file per build, in the user's cache folder. Losing them costs time only.

use crate::model::progress::{Cancelled, Progress};
use crate::symbols::debug_info::DebugInfo;
use crate::symbols::symbol_file::SymbolFile;
use crate::symbols::index::SymbolIndex;
use std::path::{Path, PathBuf};

/// Indexes together may take this much of the disk; the oldest go first.
const LARGEST_CACHE_BYTES: u64 = 512 << 20;
/// File name ending of an index.
const ENDING: &str = "fsidx";

/// Where indexes are kept, or nowhere.
#[derive(Clone, Debug, Default)]
pub struct IndexCache {
    folder: Option<PathBuf>,
}

impl IndexCache {
    /// No cache: every answer is computed from the ELF.
    pub fn disabled() -> Self {
        Self { folder: None }
    }

    /// A cache in `folder`, made when the first index is written.
    pub fn in_folder(folder: PathBuf) -> Self {
        Self { folder: Some(folder) }
    }

    /// `FIELDSCOPE_CACHE` if given, else the user's cache folder.
    pub fn for_user(from_environment: Option<PathBuf>) -> Self {
        Self { folder: from_environment.or_else(|| dirs::cache_dir().map(|d| d.join("fieldscope"))) }
    }

    /// The index of a file, if there is a valid one.
    pub fn open(&self, file: &SymbolFile) -> Option<SymbolIndex> {
        SymbolIndex::open(&self.path(file)?, file)
    }

    /// Builds and keeps the index of a file, unless a valid one is there. A full or read-only disk is no error.
    pub fn keep(&self, file: &SymbolFile, progress: &dyn Progress) -> Result<(), Cancelled> {
        let Some(path) = self.path(file) else { return Ok(()) };
        if SymbolIndex::open(&path, file).is_some() {
            return Ok(());
        }
        let index = SymbolIndex::build(&DebugInfo::new(file), progress)?;
        if let Some(folder) = &self.folder
            && std::fs::create_dir_all(folder).is_ok()
            && index.write(&path).is_ok()
        {
            trim(folder);
        }
        Ok(())
    }

    fn path(&self, file: &SymbolFile) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(format!("{}.{ENDING}", file.build_id())))
    }
}

/// Removes the oldest indexes until the rest fits the cap.
fn trim(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut files: Vec<_> = entries
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|e| e == ENDING))
        .filter_map(|entry| {
            let meta = entry.metadata().ok()?;
            Some((meta.modified().ok()?, meta.len(), entry.path()))
        })
        .collect();
    files.sort();
    let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
    for (_, size, path) in files {
        if total <= LARGEST_CACHE_BYTES {
            return;
        }
        if std::fs::remove_file(path).is_ok() {
            total = total.saturating_sub(size);
        }
    }
}

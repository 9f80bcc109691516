//! The symbol indexes kept on disk, one file per build, in the user's cache folder. Losing them costs time only.

use super::cached_indexes::{remove, write_note};
use crate::model::progress::{Cancelled, Progress};
use crate::symbols::index::{SymbolIndex, key};
use crate::symbols::symbol_file::SymbolFile;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Indexes together may take this much of the disk, unless the user says otherwise; those not used for longest go first.
const LARGEST_CACHE_BYTES: u64 = 2 << 30;
/// File name endings of indexes; the first one is of this version.
const ENDINGS: &[&str] = &["fsindex", "fsidx"];
/// File name ending of an index that is being written.
const PART_ENDING: &str = "part";
/// That an index was used is noted this often.
const NOTED_EVERY: Duration = Duration::from_mins(1);
/// A half-written index of this age has no writer any more.
const PART_AGE: Duration = Duration::from_hours(24);

/// Where indexes are kept, or nowhere.
#[derive(Clone, Debug, Default)]
pub struct IndexCache {
    folder: Option<PathBuf>,
    largest_bytes: Option<u64>,
}

/// What is in the cache.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheContents {
    /// The folder.
    pub folder: Option<PathBuf>,
    /// How many indexes are in it.
    pub n_indexes: usize,
    /// Bytes that they take together.
    pub size_bytes: u64,
    /// Bytes that they may take.
    pub largest_bytes: u64,
}

impl IndexCache {
    /// No cache: every answer is computed from the ELF.
    pub fn disabled() -> Self {
        Self::default()
    }

    /// A cache in `folder`, made when the first index is written.
    pub fn in_folder(folder: PathBuf) -> Self {
        Self {
            folder: Some(folder),
            largest_bytes: None,
        }
    }

    /// `FIELDSCOPE_CACHE` if given, else the user's cache folder.
    pub fn for_user(from_environment: Option<PathBuf>) -> Self {
        Self {
            folder: from_environment.or_else(|| dirs::cache_dir().map(|d| d.join("fieldscope"))),
            largest_bytes: None,
        }
    }

    /// The same, with a cap of its own.
    #[must_use]
    pub fn with_cap(mut self, largest_bytes: Option<u64>) -> Self {
        self.largest_bytes = largest_bytes;
        self
    }

    /// The index of a file, if there is a valid one.
    pub fn open(&self, file: &SymbolFile) -> Option<SymbolIndex> {
        open(&self.path(file)?, key::of_file(file))
    }

    /// The index of an ELF that is not opened: nothing of it is read but its tables.
    pub fn open_for_path(&self, elf: &Path) -> Option<SymbolIndex> {
        let folder = self.folder.as_ref()?;
        let (id, key) = key::of_path(elf)?;
        open(&folder.join(key::file_name(&id, key)), key)
    }

    /// Builds and keeps the index of a file, unless a valid one is there. A full or read-only disk is no error.
    pub fn keep(&self, file: &SymbolFile, progress: &dyn Progress) -> Result<(), Cancelled> {
        let Some(path) = self.path(file) else {
            return Ok(());
        };
        let known = SymbolIndex::open(&path, key::of_file(file));
        if known.is_some_and(|index| index.check_if_small()) {
            return Ok(());
        }
        if let Some(index) = SymbolIndex::build(file, progress)? {
            self.put(file, &index);
        }
        Ok(())
    }

    /// Keeps an index that was built for other reasons. A full or read-only disk is no error.
    pub fn put(&self, file: &SymbolFile, index: &SymbolIndex) {
        if let (Some(folder), Some(path)) = (&self.folder, self.path(file))
            && std::fs::create_dir_all(folder).is_ok()
            && index.write(&path).is_ok()
        {
            write_note(&path, file.build_id(), file.name());
            trim(folder, self.cap(), Some(&path));
        }
    }

    /// Removes the index of a file: it turned out to be damaged.
    pub fn forget(&self, file: &SymbolFile) {
        if let Some(path) = self.path(file) {
            // That it is gone already is just as well.
            let _removed = remove(&path);
        }
    }

    /// What is in it.
    pub fn contents(&self) -> CacheContents {
        let files = self.folder.as_deref().map(indexes).unwrap_or_default();
        CacheContents {
            folder: self.folder.clone(),
            n_indexes: files.len(),
            size_bytes: files.iter().map(|file| file.size).sum(),
            largest_bytes: self.cap(),
        }
    }

    /// Removes the indexes used least recently until the rest takes at most `keep_bytes`. Answers how many.
    pub fn prune(&self, keep_bytes: u64) -> usize {
        self.folder
            .as_deref()
            .map_or(0, |folder| trim(folder, keep_bytes, None))
    }

    pub(super) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    pub(super) fn cap(&self) -> u64 {
        self.largest_bytes.unwrap_or(LARGEST_CACHE_BYTES)
    }

    fn path(&self, file: &SymbolFile) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(SymbolIndex::file_name(file)))
    }
}

/// Opens an index and notes that it was used, so that it stays in the cache.
fn open(path: &Path, key: u64) -> Option<SymbolIndex> {
    let index = SymbolIndex::open(path, key)?;
    touch(path);
    Some(index)
}

/// A file of the cache.
pub(super) struct IndexFile {
    /// When it was last used.
    pub(super) used: SystemTime,
    /// Bytes.
    pub(super) size: u64,
    /// Where it is.
    pub(super) path: PathBuf,
}

/// The indexes in a folder, in no order.
pub(super) fn indexes(folder: &Path) -> Vec<IndexFile> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| has_ending(&entry.path(), ENDINGS))
        .filter_map(|entry| {
            let meta = entry.metadata().ok()?;
            Some(IndexFile {
                used: meta.modified().ok()?,
                size: meta.len(),
                path: entry.path(),
            })
        })
        .collect()
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().and_then(|e| e.to_str());
    ending.is_some_and(|ending| endings.contains(&ending))
}

/// Removes what was not used for longest until the rest fits the cap, but never `fresh`.
fn trim(folder: &Path, cap: u64, fresh: Option<&Path>) -> usize {
    remove_old_parts(folder);
    let mut files = indexes(folder);
    files.sort_by(|a, b| (a.used, &a.path).cmp(&(b.used, &b.path)));
    let mut total: u64 = files.iter().map(|file| file.size).sum();
    let mut n_removed = 0;
    for file in files {
        if total <= cap {
            break;
        }
        if fresh != Some(file.path.as_path()) && remove(&file.path).is_ok() {
            total = total.saturating_sub(file.size);
            n_removed += 1;
        }
    }
    n_removed
}

fn remove_old_parts(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let age = entry.metadata().and_then(|meta| meta.modified()).ok();
        let age = age.and_then(|modified| modified.elapsed().ok());
        if has_ending(&entry.path(), &[PART_ENDING]) && age.is_some_and(|age| age > PART_AGE) {
            // It will be tried again.
            let _removed = std::fs::remove_file(entry.path());
        }
    }
}

/// The time of the last change serves as the time of the last use.
fn touch(path: &Path) {
    let is_noted = || {
        let modified = std::fs::metadata(path).ok()?.modified().ok()?;
        Some(modified.elapsed().is_ok_and(|age| age < NOTED_EVERY))
    };
    if is_noted() != Some(false) {
        return;
    }
    if let Ok(file) = std::fs::File::options().append(true).open(path) {
        // On a disk that cannot be written the order of removal does not matter.
        let _noted = file.set_modified(SystemTime::now());
    }
}

#[cfg(test)]
mod tests {
    use super::{IndexCache, SystemTime};
    use std::time::Duration;

    #[test]
    fn what_was_not_used_for_longest_goes_first_and_the_fresh_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        for (age, name) in [(30, "a.fsindex"), (90, "b.fsindex"), (60, "old.fsidx")] {
            let path = folder.path().join(name);
            std::fs::write(&path, [0; 100]).unwrap();
            let file = std::fs::File::options().append(true).open(&path).unwrap();
            let hours = Duration::from_secs(age * 3600);
            file.set_modified(SystemTime::now() - hours).unwrap();
        }
        std::fs::write(folder.path().join("notes.txt"), [0; 1000]).unwrap();
        let cache = IndexCache::in_folder(folder.path().to_owned());
        assert_eq!(cache.contents().n_indexes, 3);
        assert_eq!(cache.contents().size_bytes, 300);
        assert_eq!(cache.prune(299), 1);
        assert!(!folder.path().join("b.fsindex").exists());
        assert_eq!(cache.prune(100), 1);
        assert!(folder.path().join("a.fsindex").exists());
        assert_eq!(cache.prune(0), 1);
        assert!(folder.path().join("notes.txt").exists());
    }
}

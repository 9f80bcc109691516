//! The symbol library: every ELF in the files and folders that the user gave, by build id.

use super::error::SymbolError;
use super::identity::BuildIdKind;
use super::quality::Quality;
use super::symbol_file::{LoadOptions, SymbolFile};
use crate::model::arch::Arch;
use crate::model::build_id::BuildId;
use crate::model::progress::{Cancelled, Progress};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// How deep folders are searched.
const DEEPEST_FOLDER: usize = 8;
/// How many files are looked at for one added path.
const MOST_FILES: usize = 20_000;

/// One ELF in the library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LibraryEntry {
    /// Where it is.
    pub path: PathBuf,
    /// Which build it is.
    pub build_id: BuildId,
    /// Whether a device can report that id.
    pub build_id_kind: BuildIdKind,
    /// Its processor.
    pub arch: Arch,
    /// What it can tell.
    pub quality: Quality,
    /// Its file name.
    pub name: String,
    /// Bytes.
    pub size: u64,
}

/// A file that could not be added.
#[derive(Debug)]
pub struct NotAdded {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub error: SymbolError,
}

/// The ELFs of a workspace, found by build id.
#[derive(Clone, Debug, Default)]
pub struct SymbolLibrary {
    entries: BTreeMap<PathBuf, LibraryEntry>,
}

impl SymbolLibrary {
    /// Adds a file, or every ELF in a folder. In a folder, what is no linked ELF is passed over in
    /// silence, and what looks like one but is damaged is reported.
    pub fn add_path(
        &mut self,
        path: &Path,
        progress: &dyn Progress,
    ) -> Result<Vec<Result<LibraryEntry, NotAdded>>, Cancelled> {
        let is_folder = path.is_dir();
        let files = if is_folder {
            files_below(path, progress)?
        } else {
            vec![path.to_owned()]
        };
        let total = files.len() as u64;
        let mut added = Vec::new();
        for (done, file) in files.into_iter().enumerate() {
            progress.tick(done as u64, total)?;
            if is_folder && !looks_like_elf(&file) {
                continue;
            }
            match read_entry(&file) {
                Ok(entry) => {
                    self.entries.insert(file, entry.clone());
                    added.push(Ok(entry));
                }
                Err(
                    SymbolError::CoreFile { .. }
                    | SymbolError::NotLinked { .. }
                    | SymbolError::SplitOnly { .. },
                ) if is_folder => {}
                Err(error) => added.push(Err(NotAdded { path: file, error })),
            }
        }
        Ok(added)
    }

    /// Takes an entry that was read before.
    pub fn insert(&mut self, entry: LibraryEntry) {
        self.entries.insert(entry.path.clone(), entry);
    }

    /// Forgets a file.
    pub fn remove(&mut self, path: &Path) -> Option<LibraryEntry> {
        self.entries.remove(path)
    }

    /// The ELFs of a build, best first. A short id matches by prefix.
    pub fn find(&self, build_id: &BuildId) -> Vec<&LibraryEntry> {
        let mut found: Vec<&LibraryEntry> = self
            .entries
            .values()
            .filter(|e| e.build_id.matches(build_id))
            .collect();
        found.sort_by(|a, b| (a.quality, &a.path).cmp(&(b.quality, &b.path)));
        found
    }

    /// Every entry, in the order of paths.
    pub fn entries(&self) -> impl Iterator<Item = &LibraryEntry> + '_ {
        self.entries.values()
    }
}

fn read_entry(path: &Path) -> Result<LibraryEntry, SymbolError> {
    let file = SymbolFile::open(path, &LoadOptions::default())?;
    Ok(LibraryEntry {
        path: path.to_owned(),
        build_id: file.build_id().clone(),
        build_id_kind: file.build_id_kind(),
        arch: file.arch(),
        quality: file.quality(),
        name: path
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default(),
        size: fs::metadata(path).map_or(0, |m| m.len()),
    })
}

/// The files of a folder and its folders, sorted. Links are followed, each folder once.
fn files_below(root: &Path, progress: &dyn Progress) -> Result<Vec<PathBuf>, Cancelled> {
    let mut files = Vec::new();
    let mut visited = BTreeSet::new();
    let mut folders = vec![(root.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        progress.tick(0, files.len() as u64)?;
        let seen_as = fs::canonicalize(&folder).unwrap_or_else(|_unresolved| folder.clone());
        if !visited.insert(seen_as) {
            continue;
        }
        // A folder that may not be read is as good as empty.
        let Ok(listing) = fs::read_dir(&folder) else {
            continue;
        };
        for path in listing.filter_map(Result::ok).map(|e| e.path()) {
            if files.len() >= MOST_FILES {
                files.sort();
                return Ok(files);
            }
            if path.is_dir() {
                if depth < DEEPEST_FOLDER {
                    folders.push((path, depth + 1));
                }
            } else if path.is_file() {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn looks_like_elf(path: &Path) -> bool {
    let mut head = [0; 4];
    fs::File::open(path)
        .and_then(|mut file| file.read_exact(&mut head))
        .is_ok()
        && head == object::elf::ELFMAG
}

//! Where `.dwo` and `.dwp` files are on disk: as gdb looks for them, and beside the ELF.

use super::attached::{NotFound, other_id};
use super::skeleton::Skeleton;
use super::split_file::{SplitFile, base_name};
use crate::symbols::image::Hold;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// All split files of one ELF together; more is not opened.
const MOST_BYTES: u64 = 8 << 30;

/// Looks for split files.
pub(in crate::symbols) struct Finder {
    /// The folders of the ELF and of its separate debug file, then those that the user named.
    folders: Vec<PathBuf>,
    packages: Vec<Arc<SplitFile>>,
    hold: Hold,
    opened: BTreeMap<PathBuf, Result<Arc<SplitFile>, String>>,
    bytes_left: u64,
}

impl Finder {
    /// For an ELF and its separate debug file. Packages are called after them: `app.elf.dwp`, and by rustc `app.dwp`.
    pub(in crate::symbols) fn new(elfs: &[&Path], debug_dirs: &[PathBuf], hold: Hold) -> Self {
        let mut folders: Vec<PathBuf> = Vec::new();
        let beside = elfs.iter().map(|elf| elf.parent().unwrap_or(Path::new("")));
        for folder in beside.chain(debug_dirs.iter().map(PathBuf::as_path)) {
            if !folders.iter().any(|known| known == folder) {
                folders.push(folder.to_owned());
            }
        }
        let mut finder = Self {
            folders,
            packages: Vec::new(),
            hold,
            opened: BTreeMap::new(),
            bytes_left: MOST_BYTES,
        };
        for elf in elfs {
            let Some(name) = elf.file_name() else {
                continue;
            };
            let mut appended = name.to_owned();
            appended.push(".dwp");
            let names = [
                PathBuf::from(appended),
                Path::new(name).with_extension("dwp"),
            ];
            for folder in finder.folders.clone() {
                for name in &names {
                    if let Some(Ok(package)) = finder.open(&folder.join(name)) {
                        finder.packages.push(package);
                    }
                }
            }
        }
        finder
    }

    /// The file that has the rest of a skeleton.
    pub(in crate::symbols) fn find(
        &mut self,
        skeleton: &Skeleton,
    ) -> Result<Arc<SplitFile>, NotFound> {
        let has_it = |file: &SplitFile| file.unit_with_id(skeleton.dwo_id).is_some();
        if let Some(package) = self.packages.iter().find(|package| has_it(package)) {
            return Ok(Arc::clone(package));
        }
        let mut why = NotFound::Missing;
        for path in self.candidates(skeleton) {
            let found = match self.open(&path) {
                None => continue,
                Some(Ok(file)) if has_it(&file) => return Ok(file),
                Some(Ok(file)) => other_id(&file, skeleton),
                Some(Err(words)) => NotFound::Unreadable(words),
            };
            // The first one is where it should be.
            if why == NotFound::Missing {
                why = found;
            }
        }
        Err(why)
    }

    /// Where the compiler wrote it, then the same path and the bare name in each folder.
    fn candidates(&self, skeleton: &Skeleton) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let name = Path::new(&skeleton.dwo_name);
        let built = match &skeleton.comp_dir {
            Some(dir) => Path::new(dir).join(name),
            None => name.to_owned(),
        };
        if built.is_absolute() && is_local(&built) {
            found.push(built);
        }
        let is_below = |path: &Path| {
            path.components()
                .all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
        };
        let bare = Path::new(base_name(&skeleton.dwo_name));
        for folder in &self.folders {
            for relative in [name, bare] {
                let path = folder.join(relative);
                // A name in a file must not lead out of the folders that were asked for.
                if is_below(relative) && !found.contains(&path) {
                    found.push(path);
                }
            }
        }
        found
    }

    /// `None` when there is no such file.
    fn open(&mut self, path: &Path) -> Option<Result<Arc<SplitFile>, String>> {
        if let Some(known) = self.opened.get(path) {
            return Some(known.clone());
        }
        let meta = std::fs::metadata(path).ok().filter(|meta| meta.is_file())?;
        let opened = match self.bytes_left.checked_sub(meta.len()) {
            Some(left) => {
                self.bytes_left = left;
                let opened = SplitFile::open(path, self.hold).map(Arc::new);
                opened.map_err(|error| error.to_string())
            }
            None => Err(format!(
                "the .dwo files of this ELF are larger than {} GB together",
                MOST_BYTES >> 30
            )),
        };
        self.opened.insert(path.to_owned(), opened.clone());
        Some(opened)
    }
}

/// A path of another computer would make the system log on there, at the word of an ELF from a stranger.
fn is_local(path: &Path) -> bool {
    let text = path.to_string_lossy();
    !(text.starts_with("//") || text.starts_with("\\\\"))
}

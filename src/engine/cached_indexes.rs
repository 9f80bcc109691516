//! The index cache as a person sees it: what is in it, of which ELF, and how to take it out.

use super::index_cache::{IndexCache, IndexFile, indexes};
use crate::model::build_id::BuildId;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// File name ending of the note beside an index that says what it is of.
pub(super) const NOTE_ENDING: &str = "fsnote";
/// A note is one short line; anything longer is none of ours.
const LARGEST_NOTE_BYTES: u64 = 64 << 10;

/// One index in the cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CachedIndex {
    /// The build; only its beginning when no note says more.
    pub build_id: Option<BuildId>,
    /// The ELF that it was made from; `None` when that was not noted.
    pub elf: Option<String>,
    /// Bytes that it takes.
    pub size_bytes: u64,
    /// When it last answered a question (to the minute): RFC 3339, UTC.
    pub last_used: String,
    /// Where it is.
    #[serde(skip)]
    pub path: PathBuf,
}

/// All of the cache: `fieldscope.symbols.cache/1`.
#[derive(Clone, Debug, Serialize)]
pub struct CacheListing {
    /// The folder.
    pub folder: String,
    /// Bytes that all indexes together may take.
    pub cap_bytes: u64,
    /// Bytes that they take.
    pub size_bytes: u64,
    /// The indexes, the one used last first.
    pub indexes: Vec<CachedIndex>,
}

/// What was taken out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cleared {
    /// How many indexes.
    pub n_removed: usize,
    /// Bytes that are free now.
    pub freed_bytes: u64,
}

/// What the note beside an index says.
#[derive(Serialize, Deserialize)]
struct Note {
    build_id: BuildId,
    elf: String,
}

impl IndexCache {
    /// Everything in the cache; `None` when there is none.
    pub fn listing(&self) -> Option<CacheListing> {
        let folder = self.folder()?;
        let mut found: Vec<(std::time::SystemTime, CachedIndex)> = indexes(folder)
            .into_iter()
            .map(|file| (file.used, described(file)))
            .collect();
        found.sort_by(|(a_used, a), (b_used, b)| (b_used, &a.path).cmp(&(a_used, &b.path)));
        let indexes: Vec<CachedIndex> = found.into_iter().map(|(_, index)| index).collect();
        Some(CacheListing {
            folder: folder.display().to_string(),
            cap_bytes: self.cap(),
            size_bytes: indexes.iter().map(|index| index.size_bytes).sum(),
            indexes,
        })
    }

    /// Removes the indexes of these builds, or all. An id that is not in the cache is an error, and nothing is removed.
    pub fn clear(&self, builds: &[BuildId]) -> Result<Cleared, String> {
        let listing = self
            .listing()
            .ok_or_else(|| "there is no cache to clear".to_owned())?;
        let is_of = |index: &CachedIndex, id: &BuildId| {
            let known = index.build_id.as_ref();
            known.is_some_and(|known| known.matches(id))
        };
        if let Some(id) = builds
            .iter()
            .find(|id| !listing.indexes.iter().any(|index| is_of(index, id)))
        {
            return Err(format!(
                "no index of build {id} is in {}. `fieldscope symbols cache list` names those that are",
                listing.folder
            ));
        }
        let mut cleared = Cleared::default();
        for index in &listing.indexes {
            if !builds.is_empty() && !builds.iter().any(|id| is_of(index, id)) {
                continue;
            }
            remove(&index.path).map_err(|error| format!("{error}: {}", index.path.display()))?;
            cleared.n_removed += 1;
            cleared.freed_bytes = cleared.freed_bytes.saturating_add(index.size_bytes);
        }
        Ok(cleared)
    }
}

/// Notes what an index is of. Without the note only the list knows less.
pub(super) fn write_note(index: &Path, build_id: &BuildId, elf: &str) {
    let on_disk = std::path::absolute(elf).ok().filter(|path| path.is_file());
    let note = Note {
        build_id: build_id.clone(),
        elf: on_disk.map_or_else(|| elf.to_owned(), |path| path.display().to_string()),
    };
    if let Ok(text) = serde_json::to_string(&note) {
        let _written = std::fs::write(index.with_extension(NOTE_ENDING), text);
    }
}

/// Removes an index and its note.
pub(super) fn remove(index: &Path) -> std::io::Result<()> {
    std::fs::remove_file(index)?;
    // Many have none.
    let _removed = std::fs::remove_file(index.with_extension(NOTE_ENDING));
    Ok(())
}

fn described(file: IndexFile) -> CachedIndex {
    let note = read_note(&file.path);
    // An index is named after the beginning of its build id.
    let name = file.path.file_stem().and_then(|stem| stem.to_str());
    let short = name.and_then(|name| BuildId::from_hex(name.split('-').next()?));
    let (build_id, elf) = match note {
        Some(note) if short.as_ref().is_none_or(|id| note.build_id.matches(id)) => {
            (Some(note.build_id), Some(note.elf))
        }
        _ => (short, None),
    };
    CachedIndex {
        build_id,
        elf,
        size_bytes: file.size,
        last_used: humantime::format_rfc3339_nanos(file.used).to_string(),
        path: file.path,
    }
}

fn read_note(index: &Path) -> Option<Note> {
    let path = index.with_extension(NOTE_ENDING);
    let meta = std::fs::metadata(&path).ok()?;
    if !meta.is_file() || meta.len() > LARGEST_NOTE_BYTES {
        return None;
    }
    serde_json::from_slice(&std::fs::read(&path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::{IndexCache, write_note};
    use crate::model::build_id::BuildId;

    #[test]
    fn an_index_without_a_note_or_with_a_damaged_one_is_listed_and_cleared_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let index = |name: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, [0; 100]).unwrap();
            path
        };
        let id = |hex: &str| BuildId::from_hex(hex).unwrap();
        index("aaaaaaaa-0000000000000001.fsindex");
        let noted = index("bbbbbbbb-0000000000000002.fsindex");
        write_note(&noted, &id("bbbbbbbbcccccccc"), "bundle/app.elf");
        let damaged = index("dddddddd-0000000000000003.fsindex");
        std::fs::write(damaged.with_extension("fsnote"), "{").unwrap();
        index("no id at all.fsindex");
        let cache = IndexCache::in_folder(folder.path().to_owned());
        let listing = cache.listing().unwrap();
        let elfs: Vec<_> = listing
            .indexes
            .iter()
            .filter_map(|i| i.elf.as_ref())
            .collect();
        assert_eq!(elfs, ["bundle/app.elf"]);
        assert_eq!((listing.indexes.len(), listing.size_bytes), (4, 400));

        assert!(cache.clear(&[id("bbbbbbbb"), id("eeeeeeee")]).is_err());
        assert_eq!(cache.listing().unwrap().indexes.len(), 4, "all or nothing");
        assert_eq!(cache.clear(&[id("bbbbbbbb")]).unwrap().n_removed, 1);
        assert!(!noted.with_extension("fsnote").exists());
        assert_eq!(cache.clear(&[]).unwrap().n_removed, 3);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(IndexCache::disabled().listing().is_none());
    }
}

//! Where the debug information of a stripped ELF is kept (gdb manual, "Debugging Information in Separate Files").

use super::elf_image::{self, ElfImage};
use super::identity;
use super::image::{self, Hold, Image};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A separate debug file that belongs to an ELF.
pub struct DebugFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its bytes.
    pub image: Arc<Image>,
    /// Its tables.
    pub tables: ElfImage,
}

/// Finds the debug file of the ELF at `path`: by build id in the debug folders, then by its
/// `.gnu_debuglink` beside it, in `.debug/` and in the debug folders.
pub fn find(
    path: &Path,
    tables: &ElfImage,
    bytes: &[u8],
    debug_dirs: &[PathBuf],
) -> Option<DebugFile> {
    let build_id = identity::gnu_build_id(tables, bytes);
    let parent = path.parent().unwrap_or(Path::new("."));
    if let Some(id) = &build_id {
        let hex = id.to_string();
        let (head, tail) = hex.split_at_checked(2)?;
        let relative = Path::new(".build-id")
            .join(head)
            .join(format!("{tail}.debug"));
        for dir in debug_dirs.iter().map(PathBuf::as_path).chain([parent]) {
            let found = open(&dir.join(&relative))
                .filter(|f| identity::gnu_build_id(&f.tables, &f.image).as_ref() == Some(id));
            if found.is_some() {
                return found;
            }
        }
    }
    let (name, crc) = debug_link(tables, bytes)?;
    let beside = [parent.join(&name), parent.join(".debug").join(&name)];
    let in_dirs = debug_dirs.iter().map(|dir| dir.join(&name));
    beside
        .into_iter()
        .chain(in_dirs)
        .filter(|candidate| candidate != path)
        .find_map(|candidate| open(&candidate).filter(|f| crc32(&f.image) == crc))
}

/// True when the ELF says that its debug information is elsewhere.
pub fn is_linked(tables: &ElfImage) -> bool {
    tables.sections.iter().any(|s| s.name == ".gnu_debuglink")
}

fn open(path: &Path) -> Option<DebugFile> {
    if !path.is_file() {
        return None;
    }
    let image = image::load(path, Hold::Long).ok()?;
    let tables = elf_image::parse("debug file", &image).ok()?;
    Some(DebugFile {
        path: path.to_owned(),
        image: Arc::new(image),
        tables,
    })
}

/// `.gnu_debuglink`: file name, zero, padding to 4 bytes, u32 CRC of the debug file.
fn debug_link(tables: &ElfImage, bytes: &[u8]) -> Option<(String, u32)> {
    let section = tables
        .sections
        .iter()
        .find(|s| s.name == ".gnu_debuglink")?;
    let body = bytes.get(section.file.clone())?;
    let end = body.iter().position(|b| *b == 0)?;
    let name = std::str::from_utf8(body.get(..end)?).ok()?;
    // A link is a file name; anything else could lead out of the folders that were asked for.
    if name.is_empty() || name.contains(['/', '\\']) || name == ".." {
        return None;
    }
    let crc_at = end.checked_add(1)?.checked_next_multiple_of(4)?;
    let raw: [u8; 4] = body.get(crc_at..crc_at.checked_add(4)?)?.try_into().ok()?;
    let crc = if tables.big_endian {
        u32::from_be_bytes(raw)
    } else {
        u32::from_le_bytes(raw)
    };
    Some((name.to_owned(), crc))
}

/// CRC-32 (IEEE 802.3), as gdb computes it over the whole debug file.
fn crc32(bytes: &[u8]) -> u32 {
    let mut table = [0_u32; 256];
    for (value, slot) in (0_u32..).zip(table.iter_mut()) {
        *slot = (0..8).fold(value, |crc, _bit| {
            if crc & 1 == 1 {
                (crc >> 1) ^ 0xEDB8_8320
            } else {
                crc >> 1
            }
        });
    }
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        let [low, ..] = crc.to_le_bytes();
        (crc >> 8) ^ table.get(usize::from(low ^ byte)).copied().unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    use super::crc32;

    #[test]
    fn the_checksum_is_the_one_of_the_standard() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }
}

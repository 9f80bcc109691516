//! The bytes of a file on disk, read or mapped into memory.

use super::error::SymbolError;
use std::fs::File;
use std::io::Read as _;
use std::ops::Deref;
use std::path::Path;

/// Files up to this size are read; larger ones are mapped. A mapped file that is cut short while it
/// is in use kills the process, and a firmware ELF is read in a millisecond.
const READ_UP_TO_BYTES: u64 = 32 << 20;
/// What is looked into once and let go is mapped from this size on: most of it is never touched.
const READ_BRIEFLY_UP_TO_BYTES: u64 = 1 << 20;
/// Nothing that was linked for a device is larger.
const LARGEST_BYTES: u64 = 4 << 30;

/// Bytes that stay where they are for as long as this lives.
pub enum Image {
    /// In memory of our own.
    Owned(Vec<u8>),
    /// A private mapping of a file.
    Mapped(memmap2::Mmap),
}

impl Deref for Image {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Mapped(map) => map,
        }
    }
}

/// How long a file stays open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hold {
    /// As long as a window: the file may be built anew meanwhile.
    #[default]
    Long,
    /// For one answer.
    Brief,
}

/// Loads a file.
pub fn load(path: &Path, hold: Hold) -> Result<Image, SymbolError> {
    let read_up_to = match hold {
        Hold::Long => READ_UP_TO_BYTES,
        Hold::Brief => READ_BRIEFLY_UP_TO_BYTES,
    };
    let unreadable = |source| SymbolError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(unreadable)?;
    let len = file.metadata().map_err(unreadable)?.len();
    if len > LARGEST_BYTES {
        return Err(SymbolError::TooLarge {
            name: path.display().to_string(),
            len,
        });
    }
    if len > read_up_to {
        return map(&file).map_err(unreadable);
    }
    let mut bytes = Vec::new();
    // A special file (a pipe, a device) may hold more than its metadata says.
    file.take(READ_UP_TO_BYTES)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    Ok(Image::Owned(bytes))
}

/// Maps a file whatever its size: for what is looked into only briefly (an ELF's tables), and for files of our own that
/// are never changed once they are there (the cache).
pub fn map_file(path: &Path, largest: u64) -> std::io::Result<Image> {
    let file = File::open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() || meta.len() == 0 || meta.len() > largest {
        return Err(std::io::ErrorKind::InvalidInput.into());
    }
    map(&file)
}

/// Maps a file of our own that is open, as long as it is now: it may grow, and is never cut off.
pub fn map_open(file: &File) -> std::io::Result<Image> {
    map(file)
}

#[expect(
    unsafe_code,
    reason = "mapping a file is unsafe in itself: another process may cut it short"
)]
fn map(file: &File) -> std::io::Result<Image> {
    // SAFETY: the mapping is private and only read. A file that is cut short meanwhile ends the
    // process with a bus error (documented behaviour, no memory is corrupted); that is why only
    // files too large to read are mapped, and those that are needed for one answer.
    unsafe { memmap2::MmapOptions::new().map(file) }.map(Image::Mapped)
}

//! The bytes of a file: in memory, or mapped, so that a large one takes none.

use crate::symbols::image::{self, Image};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A smaller file is read.
const MAPPED_FROM_BYTES: u64 = 1 << 20;
/// A smaller file is read rather than copied.
const COPIED_FROM_BYTES: u64 = 64 << 20;

/// Bytes that many can look at.
#[derive(Clone)]
pub enum FileBytes {
    /// Read, or taken out of an archive.
    Shared(Arc<[u8]>),
    /// A mapped file.
    Mapped(Arc<Image>),
    /// A mapped copy that nobody else can cut off; it is removed with the last who looks at it.
    Scratch(Arc<Scratch>),
}

/// How a large file is looked at.
#[derive(Clone, Copy, Debug)]
pub enum Access<'a> {
    /// Mapped as it is: for a command, which ends before anybody cuts the file off. One that is cut off under a mapping
    /// ends the program.
    Map,
    /// Copied into a file in this folder, which is mapped: for a window, which must not end.
    Copy(&'a Path),
}

/// A mapped file of our own.
pub struct Scratch {
    /// Dropped before the file is removed.
    image: Option<Image>,
    path: PathBuf,
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.image = None;
        // Where an open file has no name any more it is gone already.
        _ = std::fs::remove_file(&self.path);
    }
}

impl FileBytes {
    /// The bytes of a file on disk.
    pub fn of_file(path: &Path, access: Access<'_>) -> io::Result<Self> {
        let meta = std::fs::metadata(path)?;
        let len = if meta.is_file() { meta.len() } else { 0 };
        match access {
            Access::Map if len > MAPPED_FROM_BYTES => {
                let image = image::map_file(path, u64::MAX)?;
                Ok(Self::Mapped(Arc::new(image)))
            }
            Access::Copy(folder) if len > COPIED_FROM_BYTES => Self::written(folder, |file| {
                io::copy(&mut File::open(path)?, file)?;
                Ok(())
            }),
            _ => Ok(Self::from(std::fs::read(path)?)),
        }
    }

    /// What `write` writes into a new file in this folder.
    pub fn written<E: From<io::Error>>(
        folder: &Path,
        write: impl FnOnce(&mut File) -> Result<(), E>,
    ) -> Result<Self, E> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!(".fieldscope-{}-{number}.tmp", std::process::id()));
        let mut options = OpenOptions::new();
        options.write(true).read(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path)?;
        let mut scratch = Scratch { image: None, path };
        write(&mut file)?;
        file.flush()?;
        if file.metadata()?.len() == 0 {
            return Ok(Self::from(Vec::new()));
        }
        scratch.image = Some(image::map_file(&scratch.path, u64::MAX)?);
        // A killed process leaves nothing behind, where a file may be open without a name.
        #[cfg(unix)]
        std::fs::remove_file(&scratch.path)?;
        Ok(Self::Scratch(Arc::new(scratch)))
    }
}

impl std::ops::Deref for FileBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Shared(bytes) => bytes,
            Self::Mapped(image) => image,
            Self::Scratch(scratch) => scratch.image.as_deref().unwrap_or(&[]),
        }
    }
}

impl fmt::Debug for FileBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

impl From<Vec<u8>> for FileBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Shared(bytes.into())
    }
}

impl From<Arc<[u8]>> for FileBytes {
    fn from(bytes: Arc<[u8]>) -> Self {
        Self::Shared(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, COPIED_FROM_BYTES, FileBytes};
    use std::io::Write as _;

    #[test]
    fn a_copy_keeps_its_bytes_when_the_file_is_cut_off_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large.log");
        let content: Vec<u8> = (0..=COPIED_FROM_BYTES).map(|n| (n % 251) as u8).collect();
        std::fs::write(&path, &content).unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let bytes = FileBytes::of_file(&path, Access::Copy(scratch.path())).unwrap();
        assert!(matches!(bytes, FileBytes::Scratch(_)));
        std::fs::write(&path, b"short").unwrap();
        let again = bytes.clone();
        drop(bytes);
        assert!(*again == content[..]);
        drop(again);
        assert_eq!(scratch.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn what_fails_while_it_is_written_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let failed = FileBytes::written(folder.path(), |file| {
            file.write_all(b"half")?;
            Err(std::io::Error::other("full"))
        });
        assert!(failed.is_err());
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
        let empty = FileBytes::written(folder.path(), |_| Ok::<_, std::io::Error>(())).unwrap();
        assert!(empty.is_empty());
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }
}

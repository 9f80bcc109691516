//! The bytes of a file: in memory, or mapped, so that a large one takes none.

use crate::model::progress::{Cancelled, Progress};
use crate::symbols::image::{self, Image};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A smaller file is read.
const MAPPED_FROM_BYTES: u64 = 1 << 20;
/// A smaller file is read rather than copied.
const COPIED_FROM_BYTES: u64 = 64 << 20;
/// Copied between two looks at whether to go on.
const COPIED_AT_ONCE: u64 = 32 << 20;

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

/// Why there are no bytes.
#[derive(Debug, thiserror::Error)]
pub enum BytesError {
    /// The operating system says so.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
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
        // Where an open file needs no name it is gone already.
        _ = std::fs::remove_file(&self.path);
    }
}

impl FileBytes {
    /// The bytes of a file on disk. A copy ticks in bytes.
    pub fn of_file(
        path: &Path,
        access: Access<'_>,
        progress: &dyn Progress,
    ) -> Result<Self, BytesError> {
        let meta = std::fs::metadata(path)?;
        let len = if meta.is_file() { meta.len() } else { 0 };
        match access {
            Access::Map if len > MAPPED_FROM_BYTES => {
                let image = image::map_file(path, u64::MAX)?;
                Ok(Self::Mapped(Arc::new(image)))
            }
            Access::Copy(folder) if len > COPIED_FROM_BYTES => {
                let mut from = File::open(path)?;
                let copied = Self::written(folder, |to| copy(&mut from, to, len, progress));
                copied.map_err(|error| match error {
                    BytesError::Io(error) => BytesError::Io(io::Error::other(format!(
                        "{error} (while it was copied to {}, which needs {len} bytes of room)",
                        folder.display()
                    ))),
                    cancelled @ BytesError::Cancelled(_) => cancelled,
                })
            }
            _ => Ok(Self::from(std::fs::read(path)?)),
        }
    }

    /// What `write` writes into a new file in this folder.
    pub fn written<E: From<io::Error>>(
        folder: &Path,
        write: impl FnOnce(&mut File) -> Result<(), E>,
    ) -> Result<Self, E> {
        let (path, mut file) = new_file(folder)?;
        let mut scratch = Scratch { image: None, path };
        // A killed process leaves nothing behind, where an open file needs no name.
        #[cfg(unix)]
        std::fs::remove_file(&scratch.path)?;
        write(&mut file)?;
        file.flush()?;
        if file.metadata()?.len() == 0 {
            return Ok(Self::from(Vec::new()));
        }
        scratch.image = Some(image::map_open(&file)?);
        Ok(Self::Scratch(Arc::new(scratch)))
    }
}

/// A new file of our own that nobody else may read.
pub(super) fn new_file(folder: &Path) -> io::Result<(PathBuf, File)> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!(".fieldscope-{}-{number}.tmp", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).read(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path)?;
    Ok((path, file))
}

/// Copies a file of `len` bytes, as far as it goes.
fn copy(
    from: &mut File,
    to: &mut File,
    len: u64,
    progress: &dyn Progress,
) -> Result<(), BytesError> {
    let mut done: u64 = 0;
    loop {
        progress.tick(done.min(len), len)?;
        match io::copy(&mut (&mut *from).take(COPIED_AT_ONCE), to)? {
            0 => return Ok(()),
            n => done = done.saturating_add(n),
        }
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

impl AsRef<[u8]> for FileBytes {
    fn as_ref(&self) -> &[u8] {
        self
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
    use super::{Access, BytesError, COPIED_FROM_BYTES, FileBytes};
    use crate::model::progress::{Cancelled, Progress, Unattended};
    use std::io::Write as _;

    #[test]
    fn a_copy_keeps_its_bytes_when_the_file_is_cut_off_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large.log");
        let content: Vec<u8> = (0..=COPIED_FROM_BYTES).map(|n| (n % 251) as u8).collect();
        std::fs::write(&path, &content).unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let bytes = FileBytes::of_file(&path, Access::Copy(scratch.path()), &Unattended).unwrap();
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

    struct Stops;
    impl Progress for Stops {
        fn tick(&self, done: u64, _total: u64) -> Result<(), Cancelled> {
            if done > 0 { Err(Cancelled) } else { Ok(()) }
        }
    }

    #[test]
    fn a_copy_is_cancelled_on_its_way_and_says_where_there_is_no_room() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large.log");
        let file = std::fs::File::create(&path).unwrap();
        file.set_len(COPIED_FROM_BYTES + 1).unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let cancelled = FileBytes::of_file(&path, Access::Copy(scratch.path()), &Stops);
        assert!(matches!(cancelled, Err(BytesError::Cancelled(_))));
        assert_eq!(scratch.path().read_dir().unwrap().count(), 0);
        let nowhere = scratch.path().join("nowhere");
        let failed = FileBytes::of_file(&path, Access::Copy(&nowhere), &Unattended);
        assert!(
            failed
                .unwrap_err()
                .to_string()
                .contains("nowhere, which needs 67108865 bytes")
        );
    }
}

//! A copy of our own of a file that grows: what was read stays, whatever becomes of the file.

use super::file_bytes::{FileBytes, new_file};
use crate::symbols::image;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The copy. What is mapped of it never changes: it is only ever appended to.
#[derive(Debug)]
pub struct GrowingCopy {
    file: File,
    /// Where it has a name: an open file cannot be without one everywhere.
    path: Option<PathBuf>,
    len: u64,
}

impl GrowingCopy {
    /// An empty one, in this folder.
    pub fn in_folder(folder: &Path) -> io::Result<Self> {
        let (path, file) = new_file(folder)?;
        // A killed process leaves nothing behind, where a file may be open without a name.
        #[cfg(unix)]
        std::fs::remove_file(&path)?;
        Ok(Self {
            file,
            path: cfg!(not(unix)).then_some(path),
            len: 0,
        })
    }

    /// Puts bytes behind those that are there.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.len = self.len.saturating_add(bytes.len() as u64);
        Ok(())
    }

    /// Bytes so far.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// True without any.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes so far, mapped.
    pub fn bytes(&self) -> io::Result<FileBytes> {
        if self.is_empty() {
            return Ok(FileBytes::from(Vec::new()));
        }
        image::map_open(&self.file).map(|image| FileBytes::Mapped(Arc::new(image)))
    }
}

impl Drop for GrowingCopy {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // Somebody may still look at it: then it is left to whoever cleans the folder.
            _ = std::fs::remove_file(path);
        }
    }
}

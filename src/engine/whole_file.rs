//! A file that is written whole or not at all: beside its place first, and put there once all of it is on the disk.

use std::fs::{File, OpenOptions};
use std::io::Error;
use std::path::{Path, PathBuf};

/// Why a file was not written. Nothing of it is there then.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// There is such a file.
    #[error("FS-EXP-001: {} is there already and was left as it is. Choose another name.", .0.display())]
    Exists(PathBuf),
    /// It cannot be written.
    #[error("FS-EXP-002: {error}: {}. Nothing was written. Choose another place.", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: Error,
    },
}

impl FileError {
    /// What the disk said of a file.
    pub(super) fn io(path: &Path, error: Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            error,
        }
    }
}

/// Writes a file beside its place and puts it there once it is whole. One that is there is left as it is, unless somebody agreed
/// that it `replaces` it.
pub(super) fn written_whole<T, E: From<FileError>>(
    path: &Path,
    replaces: bool,
    write: impl FnOnce(&File) -> Result<T, E>,
) -> Result<T, E> {
    let failed = |error: Error| E::from(FileError::io(path, error));
    let exists = || E::from(FileError::Exists(path.to_owned()));
    if !replaces && path.symlink_metadata().is_ok() {
        return Err(exists());
    }
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let mut options = OpenOptions::new();
    // Of a file that another export writes at this moment we keep away.
    let file = options.write(true).create_new(true).open(&part);
    let file = file.map_err(failed)?;
    let outcome = write(&file).and_then(|written| {
        file.sync_all().map_err(failed)?;
        if replaces {
            std::fs::rename(&part, path).map_err(failed)?;
        } else {
            // Not over a file that appeared in the meantime.
            std::fs::hard_link(&part, path).or_else(|error| {
                if path.symlink_metadata().is_ok() {
                    return Err(exists());
                }
                // A file system without links.
                drop(error);
                std::fs::rename(&part, path).map_err(failed)
            })?;
            drop(std::fs::remove_file(&part));
        }
        Ok(written)
    });
    if outcome.is_err() {
        drop(std::fs::remove_file(&part));
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::{FileError, written_whole};
    use std::io::{Error, ErrorKind, Write as _};

    #[test]
    fn what_was_not_written_whole_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.log");
        let names = || {
            let entries = std::fs::read_dir(folder.path()).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        let full = written_whole(&path, false, |mut file| {
            file.write_all(b"half").unwrap();
            let error = Error::from(ErrorKind::StorageFull);
            Err::<(), _>(FileError::io(&path, error))
        });
        assert!(matches!(full, Err(FileError::Io { .. })));
        assert!(names().is_empty());
        let write = |text: &'static [u8]| {
            move |mut file: &std::fs::File| -> Result<(), FileError> {
                file.write_all(text).unwrap();
                Ok(())
            }
        };
        written_whole(&path, false, write(b"one")).unwrap();
        let again = written_whole(&path, false, write(b"two"));
        assert!(matches!(again, Err(FileError::Exists(_))));
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        written_whole(&path, true, write(b"two")).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(names(), ["out.log"]);
    }
}

//! The rows that filters let through, written to a file: whole, or not at all.

use super::filter::FilterStack;
use super::open_log::{LogError, LogStyle};
use super::shown::ShownLog;
use crate::model::progress::{Cancelled, Progress};
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

/// How rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExportFormat {
    /// As `fieldscope logs` prints them.
    #[default]
    Text,
    /// As `fieldscope logs --json` prints them.
    JsonLines,
}

/// What is exported, and where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// The filters. Rows that are folded are written too.
    pub stack: FilterStack,
    /// How.
    pub format: ExportFormat,
    /// The file.
    pub path: PathBuf,
    /// A file that is there is replaced: somebody agreed to that.
    pub replaces: bool,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// It was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// A filter cannot be used.
    #[error("FS-LOG-001: {0}.")]
    Filter(String),
    /// There is such a file.
    #[error("FS-LOG-006: {} is there already and was left as it is. Choose another name.", .0.display())]
    Exists(PathBuf),
    /// The file cannot be written.
    #[error("FS-LOG-007: {error}: {}. Nothing was written. Choose another place.", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The log cannot be read.
    #[error(transparent)]
    Log(LogError),
}

impl ExportFormat {
    /// All.
    pub const ALL: [Self; 2] = [Self::Text, Self::JsonLines];

    /// On screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::JsonLines => "JSON Lines",
        }
    }

    /// Ending of a file name.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Text => "log",
            Self::JsonLines => "jsonl",
        }
    }

    fn style(self) -> LogStyle {
        match self {
            Self::Text => LogStyle::Text,
            Self::JsonLines => LogStyle::Json,
        }
    }
}

/// Writes the rows of a log that filters let through; how many there were.
pub fn export(
    log: &dyn ShownLog,
    export: &Export,
    progress: &dyn Progress,
) -> Result<u64, ExportError> {
    let whole = FilterStack {
        shows_data: true,
        folds: false,
        ..export.stack.clone()
    };
    let rows = log
        .listed(&whole, progress)?
        .map_err(ExportError::Filter)?
        .let_through;
    written_whole(&export.path, export.replaces, |file| {
        let mut out = BufWriter::new(file);
        let n = log.print_rows(rows.as_deref(), export.format.style(), &mut out, progress)?;
        out.flush()?;
        Ok(n)
    })
}

/// Writes a file beside its place and puts it there once it is whole.
fn written_whole<T>(
    path: &Path,
    replaces: bool,
    write: impl FnOnce(&File) -> Result<T, LogError>,
) -> Result<T, ExportError> {
    let failed = |error: std::io::Error| ExportError::Io {
        path: path.to_owned(),
        error,
    };
    let exists = || ExportError::Exists(path.to_owned());
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
    let outcome = write(&file)
        .map_err(|error| match error {
            LogError::Io(error) => failed(error),
            LogError::Cancelled(cancelled) => ExportError::Cancelled(cancelled),
            other @ LogError::Store(_) => ExportError::Log(other),
        })
        .and_then(|written| {
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
    use super::{ExportError, LogError, written_whole};
    use crate::model::progress::Cancelled;
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
            file.write_all(b"half")?;
            Err::<(), _>(LogError::Io(Error::from(ErrorKind::StorageFull)))
        });
        assert!(matches!(full, Err(ExportError::Io { .. })));
        let cancelled = written_whole(&path, false, |mut file| {
            file.write_all(b"half")?;
            Err::<(), _>(LogError::Cancelled(Cancelled))
        });
        assert!(matches!(cancelled, Err(ExportError::Cancelled(_))));
        assert!(names().is_empty());
        let write = |text: &'static [u8]| {
            move |mut file: &std::fs::File| {
                file.write_all(text)?;
                Ok(())
            }
        };
        written_whole(&path, false, write(b"one")).unwrap();
        let again = written_whole(&path, false, write(b"two"));
        assert!(matches!(again, Err(ExportError::Exists(_))));
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        written_whole(&path, true, write(b"two")).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(names(), ["out.log"]);
    }
}

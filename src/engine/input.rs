//! Reading what was named: files, folders and archives become a flat, ordered list of named bytes.

use super::file_bytes::{Access, BytesError, FileBytes};
use crate::formats::archive;
use crate::formats::scan::looks_like_text;
use crate::formats::table::parquet::is_parquet;
use crate::model::progress::{Cancelled, Progress};
use serde::Serialize;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Only a log or a table may be larger: what a dump or an ELF says is taken into memory.
const LARGEST_BUT_LOGS_BYTES: u64 = 1 << 30;
/// So much of a file tells a log.
const HEAD_BYTES: u64 = 64 << 10;
/// A folder is walked this deep.
const DEEPEST_FOLDER: usize = 16;
/// A folder may hold this many files.
const MOST_FILES: usize = 100_000;

/// One file of an input.
#[derive(Clone, Debug)]
pub struct InputFile {
    /// Path inside the input, with `/`; the file's own name when it was given by itself.
    pub path: String,
    /// Where it is on disk, when it is a file of its own there.
    pub on_disk: Option<PathBuf>,
    /// Its bytes.
    pub bytes: FileBytes,
    /// When it, or the archive that it came in, was last changed, nanoseconds since 1970; `None` where nothing says so.
    pub modified_ns: Option<i64>,
}

/// Something that was named and could not be read, wholly or in part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Path as in [`InputFile::path`].
    pub path: String,
    /// What happened and what it means.
    pub reason: String,
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The files, sorted by path within each named input, inputs in the order given.
    pub files: Vec<InputFile>,
    /// What was left out.
    pub refused: Vec<Refused>,
}

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// Nothing is at that path.
    #[error("{what}: {path}. Check the path and try again", path = path.display())]
    Unreadable {
        /// The error of the operating system.
        what: String,
        /// The path as given.
        path: PathBuf,
    },
    /// Cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl Inputs {
    /// Reads every named path for a command. A path that does not exist is an error; what is wrong inside is kept as `refused`.
    pub fn read(paths: &[PathBuf], progress: &dyn Progress) -> Result<Self, InputError> {
        Self::read_with(paths, Access::Map, progress)
    }

    /// Reads every named path; large files in the way that `access` says.
    pub fn read_with(
        paths: &[PathBuf],
        access: Access<'_>,
        progress: &dyn Progress,
    ) -> Result<Self, InputError> {
        let mut inputs = Self::default();
        for path in paths {
            let unreadable = |error: std::io::Error| InputError::Unreadable {
                what: error.to_string(),
                path: path.clone(),
            };
            let meta = std::fs::metadata(path).map_err(unreadable)?;
            if meta.is_dir() {
                inputs.read_folder(path, access, progress)?;
            } else {
                let bytes = read(path, access, progress).map_err(|error| match error {
                    BytesError::Io(error) => unreadable(error),
                    BytesError::Cancelled(cancelled) => InputError::Cancelled(cancelled),
                })?;
                let file = InputFile {
                    path: file_name(path),
                    on_disk: Some(path.clone()),
                    bytes,
                    modified_ns: modified_ns(&meta),
                };
                inputs.add(file, progress)?;
            }
        }
        Ok(inputs)
    }

    /// One named piece of memory: the demo, a paste.
    pub fn from_bytes(
        name: &str,
        bytes: FileBytes,
        progress: &dyn Progress,
    ) -> Result<Self, Cancelled> {
        let mut inputs = Self::default();
        let file = InputFile {
            path: name.to_owned(),
            on_disk: None,
            bytes,
            modified_ns: None,
        };
        inputs.add(file, progress)?;
        Ok(inputs)
    }

    fn read_folder(
        &mut self,
        folder: &Path,
        access: Access<'_>,
        progress: &dyn Progress,
    ) -> Result<(), InputError> {
        let mut found = Vec::new();
        let mut queue = vec![(folder.to_path_buf(), 0)];
        while let Some((at, depth)) = queue.pop() {
            progress.tick(0, 0)?;
            let entries = match std::fs::read_dir(&at) {
                Ok(entries) => entries,
                Err(error) if at == folder => {
                    return Err(InputError::Unreadable {
                        what: error.to_string(),
                        path: at,
                    });
                }
                Err(error) => {
                    self.refuse(relative(folder, &at), &error.to_string());
                    continue;
                }
            };
            for entry in entries.flatten() {
                let path = entry.path();
                // Links are not followed: a cycle would never end, and a link may leave the bundle.
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() && depth < DEEPEST_FOLDER => {
                        queue.push((path, depth + 1));
                    }
                    Ok(kind) if kind.is_file() && found.len() < MOST_FILES => found.push(path),
                    Ok(kind) if kind.is_symlink() => {
                        self.refuse(
                            relative(folder, &path),
                            "a symbolic link; name its target instead",
                        );
                    }
                    Ok(_) => self.refuse(
                        relative(folder, &path),
                        "too deep, or too many files in the folder",
                    ),
                    Err(error) => self.refuse(relative(folder, &path), &error.to_string()),
                }
            }
        }
        found.sort();
        for path in found {
            progress.tick(self.files.len() as u64, 0)?;
            let name = relative(folder, &path);
            match read(&path, access, progress) {
                Ok(bytes) => {
                    let meta = std::fs::metadata(&path).ok();
                    let file = InputFile {
                        path: name,
                        on_disk: Some(path),
                        bytes,
                        modified_ns: meta.and_then(|meta| modified_ns(&meta)),
                    };
                    self.add(file, progress)?;
                }
                Err(BytesError::Io(error)) => self.refuse(name, &error.to_string()),
                Err(BytesError::Cancelled(cancelled)) => return Err(cancelled.into()),
            }
        }
        Ok(())
    }

    /// Adds a file, or what is inside it when it is an archive.
    fn add(&mut self, file: InputFile, progress: &dyn Progress) -> Result<(), Cancelled> {
        if archive::Container::of(&file.bytes).is_none() {
            self.files.push(file);
            return Ok(());
        }
        let path = &file.path;
        let limits = archive::ArchiveLimits::default();
        let unpacked = archive::unpack(path, &file.bytes, &limits, progress)?;
        for warning in &unpacked.warnings {
            self.refuse(path.clone(), &warning.message);
        }
        for refused in unpacked.refused {
            let inside = format!("{path}/{}", refused.path);
            self.refuse(inside.trim_end_matches('/').to_owned(), &refused.reason);
        }
        let mut entries = unpacked.entries;
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        if entries.is_empty() {
            // Kept as it is: nothing of what a customer sent is thrown away.
            self.files.push(file);
            return Ok(());
        }
        for entry in entries {
            self.files.push(InputFile {
                path: entry.path,
                on_disk: None,
                bytes: entry.bytes.into(),
                modified_ns: file.modified_ns,
            });
        }
        Ok(())
    }

    fn refuse(&mut self, path: String, reason: &str) {
        self.refused.push(Refused {
            path,
            reason: reason.to_owned(),
        });
    }
}

/// The bytes of a file, if they are not too many.
fn read(path: &Path, access: Access<'_>, progress: &dyn Progress) -> Result<FileBytes, BytesError> {
    let len = std::fs::metadata(path)?.len();
    if len > LARGEST_BUT_LOGS_BYTES {
        let mut head = Vec::new();
        let file = std::fs::File::open(path)?;
        file.take(HEAD_BYTES).read_to_end(&mut head)?;
        if !looks_like_text(&head) && !is_parquet(&head) {
            return Err(BytesError::Io(std::io::Error::other(format!(
                "the file has {len} bytes and is no log and no table; other files over {LARGEST_BUT_LOGS_BYTES} bytes are not read"
            ))));
        }
    }
    FileBytes::of_file(path, access, progress)
}

fn modified_ns(meta: &std::fs::Metadata) -> Option<i64> {
    let since_1970 = meta.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since_1970.as_nanos()).ok()
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(
        || path.display().to_string(),
        |n| n.to_string_lossy().into_owned(),
    )
}

fn relative(folder: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(folder).unwrap_or(path);
    inside
        .components()
        .map(|c| c.as_os_str().to_string_lossy())
        .collect::<Vec<_>>()
        .join("/")
}

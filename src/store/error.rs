//! What can go wrong with a workspace: what, where, and what to do about it.

use crate::{
    model::progress::Cancelled,
    store::{
        ids::{CaptureId, CrashId},
        sha256::Sha256,
    },
};
use rusqlite::ErrorCode;
use std::{
    io,
    path::{Path, PathBuf},
};

/// Why the workspace could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no file, and none was to be made.
    #[error("there is no workspace here; check the path, or import something to make one: {path}")]
    NotFound {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("this is not a workspace ({reason}); choose another file: {path}")]
    NotAWorkspace {
        /// The file.
        path: PathBuf,
        /// What it looks like.
        reason: String,
    },
    /// A newer version of the program made the file.
    #[error(
        "this workspace has schema {found} and this version of Fieldscope knows up to {supported}; \
         open it with a newer version: {path}"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The file's schema.
        found: i64,
        /// The newest schema that is known here.
        supported: i64,
    },
    /// An older file that cannot be upgraded because it cannot be written.
    #[error(
        "this workspace has schema {found} and needs an upgrade to {needed}, but it can only be \
         read here ({why}); open it once where it can be written: {path}"
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// The file's schema.
        found: i64,
        /// The schema that is needed.
        needed: i64,
        /// Why it cannot be written.
        why: String,
    },
    /// A write to a workspace that is open for reading only.
    #[error("the workspace is open for reading only: {why}: {path}")]
    ReadOnly {
        /// The file.
        path: PathBuf,
        /// The reason, as the notice says it.
        why: String,
    },
    /// SQLite cannot make sense of the file.
    #[error(
        "the workspace is damaged ({detail}); restore a copy, or import the captures again into a \
         new one: {path}"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        detail: String,
    },
    /// The bytes that were stored are not the bytes that were imported.
    #[error(
        "stored bytes are damaged: {detail}; import the capture that holds them again (sha256 \
         {sha256}): {path}"
    )]
    BlobDamaged {
        /// The workspace.
        path: PathBuf,
        /// The name of the bytes.
        sha256: Sha256,
        /// What does not fit.
        detail: String,
    },
    /// Bytes could not be unpacked to where they were wanted.
    #[error("stored bytes cannot be unpacked: {source}; make room on the disk of the workspace")]
    Unpack {
        /// The operating system's words.
        #[from]
        source: std::io::Error,
    },
    /// What was to be stored cannot be.
    #[error("the heartbeats cannot be stored: {what}")]
    Unusable {
        /// What is wrong with them, and what to do.
        what: String,
    },
    /// Another process holds the file for longer than we wait.
    #[error("another program is using the workspace; try again when it is done: {path}")]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// No space is left.
    #[error("the disk is full; free some space and try again, nothing was changed: {path}")]
    DiskFull {
        /// The workspace.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot {action}: {source}: {path}")]
    Io {
        /// What was tried: `make the folder`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Its answer.
        #[source]
        source: io::Error,
    },
    /// No capture with this id (it may have been removed).
    #[error("there is no capture {capture} in this workspace")]
    NoSuchCapture {
        /// The id.
        capture: CaptureId,
    },
    /// No crash with this id (its capture may have been removed).
    #[error("there is no crash {crash} in this workspace")]
    NoSuchCrash {
        /// The id.
        crash: CrashId,
    },
    /// No issue with this key (its crashes may have been removed, or it was merged).
    #[error("there is no issue {key} in this workspace")]
    NoSuchIssue {
        /// The key.
        key: String,
    },
    /// The capture has no such file, or its bytes were not kept.
    #[error("capture {capture} holds no bytes of {file}")]
    NoSuchFile {
        /// The capture.
        capture: CaptureId,
        /// The path inside it.
        file: String,
    },
    /// No stored bytes with this name.
    #[error("no bytes with sha256 {sha256} are stored in this workspace")]
    NoSuchBlob {
        /// The name that was asked for.
        sha256: Sha256,
    },
    /// The caller's data contradicts itself.
    #[error("this cannot be stored: {what}")]
    Invalid {
        /// What is wrong with it.
        what: String,
    },
    /// A filter set cannot have this name, or there is none with it; a whole sentence.
    #[error("FS-MARK-001: {what}")]
    FilterSetName {
        /// What is wrong with it and what to do.
        what: String,
    },
    /// A copy may not replace the workspace it is made of, or one that is in use.
    #[error("a copy cannot be written here: {why}; choose another name: {path}")]
    CopyTarget {
        /// Where the copy was to go.
        path: PathBuf,
        /// What stands in the way.
        why: &'static str,
    },
    /// The owner of the work stopped it; nothing was changed.
    #[error("cancelled")]
    Cancelled,
    /// Anything else that SQLite says: a bug of ours.
    #[error("the workspace answered with an error (a bug; please report it): {source}: {path}")]
    Sql {
        /// The file.
        path: PathBuf,
        /// SQLite's words.
        #[source]
        source: Box<rusqlite::Error>,
    },
}

impl StoreError {
    /// Names the file in an error that was made where the file was not known.
    #[must_use]
    pub(super) fn in_file(mut self, file: &Path) -> Self {
        if let Self::Damaged { path, .. }
        | Self::BlobDamaged { path, .. }
        | Self::ReadOnly { path, .. }
        | Self::NotAWorkspace { path, .. }
        | Self::Busy { path }
        | Self::DiskFull { path }
        | Self::NotFound { path }
        | Self::Sql { path, .. } = &mut self
            && path.as_os_str().is_empty()
        {
            file.clone_into(path);
        }
        self
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let path = PathBuf::new();
        let detail = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotAWorkspace {
                path,
                reason: "it is not an SQLite file".to_owned(),
            },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::SystemIoFailure) => {
                Self::Damaged { path, detail }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            Some(ErrorCode::DiskFull) => Self::DiskFull { path },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { path, why: detail },
            Some(ErrorCode::CannotOpen) => Self::NotFound { path },
            Some(ErrorCode::OperationInterrupted) => Self::Cancelled,
            _ if is_bad_value(&error) => Self::Damaged { path, detail },
            _ => Self::Sql {
                path,
                source: Box::new(error),
            },
        }
    }
}

impl From<Cancelled> for StoreError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// A value that our own statements never write: somebody or something changed the file.
fn is_bad_value(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..)
    )
}

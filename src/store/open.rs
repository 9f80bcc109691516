//! Opening and creating a workspace, and closing it so that the one file is everything.

use crate::store::{
    connection::{Mode, connect_for_reading, harden, schema_version},
    error::StoreError,
    idle::IdleConnections,
    lock::{self, LockOutcome, WriterLock},
    migrations, network,
    read_ahead::BlockPages,
    reader::Reader,
    straight,
};
use rusqlite::{Connection, MAIN_DB, OpenFlags, Transaction, TransactionBehavior};
use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Blocks of heartbeats take up to 9 kB: of smaller pages a fifth stays empty behind them. It cannot be changed once a file exists.
const PAGE_BYTES: i64 = 32_768;

/// Of a file from this size on the first pages are read ahead when it is opened.
const LARGE_BYTES: u64 = 8 << 20;

/// The smallest SQLite file: one page of the smallest size.
const PAGE_BYTES_MIN: u64 = 512;

/// An open workspace. Shared between threads; writes take turns.
pub struct Store {
    // Field order is drop order: the connection closes before the lock is given back.
    writer: Option<Mutex<Connection>>,
    idle: IdleConnections,
    pages: Arc<BlockPages>,
    _lock: Option<WriterLock>,
    path: PathBuf,
    mode: Mode,
    read_only: Option<ReadOnlyReason>,
}

/// How to open a workspace.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// The time now, RFC 3339: recorded in a new file and in the lock.
    pub now: String,
    /// Whether anything will be written.
    pub access: Access,
}

impl OpenOptions {
    /// For reading and writing; a missing file is made.
    pub fn new(now: impl Into<String>) -> Self {
        Self {
            now: now.into(),
            access: Access::ReadWrite,
        }
    }

    /// For reading; a missing file is an error.
    pub fn read_only(now: impl Into<String>) -> Self {
        Self {
            now: now.into(),
            access: Access::ReadOnly,
        }
    }
}

/// Whether anything will be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read and write where possible; otherwise reading only, with a reason.
    ReadWrite,
    /// Nothing will be written.
    ReadOnly,
}

/// Why an open workspace cannot be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadOnlyReason {
    /// The caller asked for it.
    Asked,
    /// Another window or command has it open.
    OpenElsewhere {
        /// Its words: `process 17 since 2026-01-01T00:00:00Z`.
        holder: Option<String>,
    },
    /// The file is on another machine.
    NetworkShare {
        /// The kind of share: `cifs`.
        kind: String,
    },
    /// The file, its folder or its disk refuses writes.
    Protected {
        /// What the system says.
        detail: String,
    },
}

impl fmt::Display for ReadOnlyReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked => f.write_str("it was opened for reading only"),
            Self::OpenElsewhere {
                holder: Some(holder),
            } => write!(
                f,
                "another Fieldscope has it open ({holder}); close it there to change things here"
            ),
            Self::OpenElsewhere { holder: None } => {
                f.write_str("another Fieldscope has it open; close it there to change things here")
            }
            Self::NetworkShare { kind } => write!(
                f,
                "it lies on a network share ({kind}); copy it to a local disk to change things"
            ),
            Self::Protected { detail } => write!(
                f,
                "its place cannot be written ({detail}); copy it elsewhere to change things"
            ),
        }
    }
}

impl Store {
    /// Opens the workspace at `path`, or makes it.
    ///
    /// When it cannot be written, it opens for reading and [`Store::read_only`] says why.
    pub fn open(path: &Path, options: &OpenOptions) -> Result<Self, StoreError> {
        let path = std::path::absolute(path).map_err(|source| StoreError::Io {
            action: "find the workspace",
            path: path.to_owned(),
            source,
        })?;
        let store = Self::open_absolute(&path, options).map_err(|error| error.in_file(&path))?;
        // What is on another machine is not asked for before it is wanted.
        if store.mode == Mode::Shared && is_large(&path) {
            // A hint: where it cannot be given, the questions themselves say what is wrong.
            if let Ok(reader) = store.reader() {
                let ask = |connection: &Connection| store.pages.expect_questions(&path, connection);
                let _is_asked = reader.ask(ask).is_ok();
            }
        }
        Ok(store)
    }

    fn open_absolute(path: &Path, options: &OpenOptions) -> Result<Self, StoreError> {
        let exists = exists(path)?;
        if options.access == Access::ReadOnly {
            if !exists {
                return Err(StoreError::NotFound {
                    path: path.to_owned(),
                });
            }
            return Self::open_for_reading(path, ReadOnlyReason::Asked);
        }
        if !exists && let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|source| StoreError::Io {
                action: "make the folder",
                path: folder.to_owned(),
                source,
            })?;
        }
        if let Some(kind) = network::share_of(&resolved(path)) {
            return Self::open_if(exists, path, ReadOnlyReason::NetworkShare { kind });
        }
        match lock::take(path, &options.now) {
            LockOutcome::Ours(lock) => Self::open_for_writing(path, lock, &options.now),
            LockOutcome::Theirs(holder) => {
                Self::open_if(exists, path, ReadOnlyReason::OpenElsewhere { holder })
            }
            LockOutcome::NotWritable(source) if exists => Self::open_for_reading(
                path,
                ReadOnlyReason::Protected {
                    detail: source.to_string(),
                },
            ),
            LockOutcome::NotWritable(source) => Err(StoreError::Io {
                action: "make the workspace",
                path: path.to_owned(),
                source,
            }),
        }
    }

    fn open_for_writing(path: &Path, lock: WriterLock, now: &str) -> Result<Self, StoreError> {
        let mut connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE
                | OpenFlags::SQLITE_OPEN_CREATE
                | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        harden(&connection)?;
        let version = schema_version(&connection)?;
        if connection.is_readonly(MAIN_DB)? {
            drop(connection);
            drop(lock);
            let detail = "the file is write-protected".to_owned();
            return Self::open_for_reading(path, ReadOnlyReason::Protected { detail });
        }
        if version > migrations::newest() {
            return Err(newer(path, version));
        }
        // FULL: what was reported as stored survives a power cut, not only a killed process.
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        if version == 0 {
            connection.pragma_update(None, "page_size", PAGE_BYTES)?;
            // Before there is a log: nobody reads, and every page is written once.
            migrations::upgrade(&mut connection, version, now)?;
        }
        let journal: String =
            connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
        if journal != "wal" {
            return Err(StoreError::ReadOnly {
                path: path.to_owned(),
                why: "this disk cannot hold a write-ahead log; use a local disk".to_owned(),
            });
        }
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
        if version > 0 {
            migrations::upgrade(&mut connection, version, now)?;
        }
        Ok(Self {
            writer: Some(Mutex::new(connection)),
            idle: IdleConnections::default(),
            pages: Arc::default(),
            _lock: Some(lock),
            path: path.to_owned(),
            mode: Mode::Shared,
            read_only: None,
        })
    }

    fn open_if(exists: bool, path: &Path, why: ReadOnlyReason) -> Result<Self, StoreError> {
        if exists {
            return Self::open_for_reading(path, why);
        }
        Err(StoreError::ReadOnly {
            path: path.to_owned(),
            why: why.to_string(),
        })
    }

    fn open_for_reading(path: &Path, why: ReadOnlyReason) -> Result<Self, StoreError> {
        // Beside a writer of this machine the log is shared; elsewhere it cannot be.
        let (mode, connection) = if matches!(why, ReadOnlyReason::NetworkShare { .. }) {
            (Mode::Frozen, connect_for_reading(path, Mode::Frozen)?)
        } else {
            match connect_for_reading(path, Mode::Shared) {
                Ok(connection) => (Mode::Shared, connection),
                Err(StoreError::NotFound { .. } | StoreError::ReadOnly { .. }) => {
                    (Mode::Frozen, connect_for_reading(path, Mode::Frozen)?)
                }
                Err(error) => return Err(error),
            }
        };
        let version = schema_version(&connection)?;
        let needed = migrations::newest();
        if version > needed {
            return Err(newer(path, version));
        }
        if version < needed {
            return Err(StoreError::Older {
                path: path.to_owned(),
                found: version,
                needed,
                why: why.to_string(),
            });
        }
        let idle = IdleConnections::default();
        idle.give(connection);
        Ok(Self {
            writer: None,
            idle,
            pages: Arc::default(),
            _lock: None,
            path: path.to_owned(),
            mode,
            read_only: Some(why),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// True when nothing can be written.
    pub fn is_read_only(&self) -> bool {
        self.read_only.is_some()
    }

    /// Why nothing can be written; `None` when it can.
    pub fn read_only(&self) -> Option<&ReadOnlyReason> {
        self.read_only.as_ref()
    }

    /// How connections for reading are made here.
    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    /// A connection for reading, for any one thread.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        let connection = match self.idle.take() {
            Some(connection) => Ok(connection),
            None => connect_for_reading(&self.path, self.mode),
        };
        connection
            .map(|connection| {
                let (path, idle) = (self.path.clone(), self.idle.clone());
                Reader::new(connection, path, idle, Arc::clone(&self.pages))
            })
            .map_err(|error| error.in_file(&self.path))
    }

    /// Runs `work` as one transaction: all of it is on the disk when this returns `Ok`, and none
    /// of it otherwise. The revision grows when anything changed.
    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let written = self
            .lock_writer()
            .and_then(|mut writer| write(&mut writer, TransactionBehavior::Immediate, work));
        written.map_err(|error| error.in_file(&self.path))
    }

    /// The same for a write of many megabytes.
    pub(super) fn write_large<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let written = self.lock_writer().and_then(|mut writer| {
            if !self.begin_straight(&writer)? {
                return write(&mut writer, TransactionBehavior::Immediate, work);
            }
            let written = write(&mut writer, TransactionBehavior::Exclusive, work);
            straight::end(&writer);
            written
        });
        written.map_err(|error| error.in_file(&self.path))
    }

    /// Turns to writing straight into the file, where that may be: see [`straight::begin`].
    pub(super) fn begin_straight(&self, writer: &Connection) -> Result<bool, StoreError> {
        // Nobody reads through these.
        self.idle.clear();
        straight::begin(writer)
    }

    /// The connection that writes, for as long as the guard lives.
    pub(super) fn lock_writer(&self) -> Result<MutexGuard<'_, Connection>, StoreError> {
        let Some(writer) = &self.writer else {
            return Err(StoreError::ReadOnly {
                path: self.path.clone(),
                why: self
                    .read_only
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
            });
        };
        // A panic in another write rolled its transaction back: the connection is as good as new.
        Ok(writer.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn write<T>(
    connection: &mut Connection,
    behavior: TransactionBehavior,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let changes_before = connection.total_changes();
    let transaction = connection.transaction_with_behavior(behavior)?;
    let answer = work(&transaction)?;
    if transaction.total_changes() != changes_before {
        transaction.execute("UPDATE workspace SET revision = revision + 1", [])?;
    }
    transaction.commit()?;
    Ok(answer)
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.path)
            .field("read_only", &self.read_only)
            .finish_non_exhaustive()
    }
}

impl Drop for Store {
    /// Moves the log into the file, so that copying the one file copies everything.
    fn drop(&mut self) {
        self.idle.close();
        if let Some(writer) = &mut self.writer {
            let connection = writer.get_mut().unwrap_or_else(PoisonError::into_inner);
            // Not possible while somebody reads; then the log stays, and nothing is lost.
            drop(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
        }
    }
}

fn newer(path: &Path, found: i64) -> StoreError {
    StoreError::Newer {
        path: path.to_owned(),
        found,
        supported: migrations::newest(),
    }
}

/// True of a file that takes more than an instant to read.
fn is_large(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.len() >= LARGE_BYTES)
}

/// True when there is a file with something in it. An empty one is as good as none: a process that
/// was killed while it made a workspace leaves one.
fn exists(path: &Path) -> Result<bool, StoreError> {
    match std::fs::metadata(path) {
        // SQLite takes a file of one byte for an empty one and would write over it.
        Ok(metadata) if metadata.is_file() && (1..PAGE_BYTES_MIN).contains(&metadata.len()) => {
            Err(StoreError::NotAWorkspace {
                path: path.to_owned(),
                reason: format!("{} bytes are too few", metadata.len()),
            })
        }
        Ok(metadata) if metadata.is_file() => Ok(metadata.len() > 0),
        Ok(_) => Err(StoreError::NotAWorkspace {
            path: path.to_owned(),
            reason: "it is a folder or a device".to_owned(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(StoreError::Io {
            action: "read the workspace",
            path: path.to_owned(),
            source,
        }),
    }
}

/// The path without symbolic links, as far as it exists.
fn resolved(path: &Path) -> PathBuf {
    path.canonicalize()
        .or_else(|missing| match path.parent() {
            Some(folder) => folder.canonicalize(),
            None => Err(missing),
        })
        .unwrap_or_else(|_gone| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{OpenOptions, ReadOnlyReason, Store};
    use crate::store::{
        connection::{Mode, connect_for_reading},
        error::StoreError,
        migrations,
        testing::NOW,
    };
    use rusqlite::Connection;
    use std::{fs, path::Path};

    fn open(path: &Path) -> Result<Store, StoreError> {
        Store::open(path, &OpenOptions::new(NOW))
    }

    fn pragma(path: &Path, name: &str) -> i64 {
        let connection = Connection::open(path).unwrap();
        connection
            .pragma_query_value(None, name, |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn a_new_workspace_is_one_file_with_large_pages_once_it_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new folder").join("a.fieldscope");
        let store = open(&path).unwrap();
        assert!(!store.is_read_only());
        store.set_setting("greeting", "hello").unwrap();
        let reader = store.reader().unwrap();
        assert_eq!(
            reader.setting("greeting").unwrap().as_deref(),
            Some("hello")
        );
        drop(reader);
        drop(store);
        let left: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
        assert_eq!(pragma(&path, "page_size"), super::PAGE_BYTES);
        let again = open(&path).unwrap();
        let reader = again.reader().unwrap();
        assert_eq!(
            reader.setting("greeting").unwrap().as_deref(),
            Some("hello")
        );
    }

    #[test]
    fn a_newer_file_is_refused_with_both_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.fieldscope");
        drop(open(&path).unwrap());
        let connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        drop(connection);
        let newest = migrations::newest();
        for options in [OpenOptions::new(NOW), OpenOptions::read_only(NOW)] {
            let error = Store::open(&path, &options).unwrap_err();
            assert!(matches!(
                error,
                StoreError::Newer { found: 99, supported, .. } if supported == newest
            ));
            let text = error.to_string();
            assert!(text.contains("99") && text.contains(&format!("to {newest}")));
        }
    }

    #[test]
    fn what_is_not_a_workspace_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join("other.db");
        let connection = Connection::open(&other).unwrap();
        connection
            .execute_batch("CREATE TABLE bookmarks (url)")
            .unwrap();
        drop(connection);
        let text = folder.path().join("notes.txt");
        fs::write(&text, "Dear diary").unwrap();
        let big = folder.path().join("photo.png");
        fs::write(&big, vec![0x89; 100_000]).unwrap();
        for path in [&other, &text, &big, &folder.path().to_owned()] {
            let before = fs::read(path).ok();
            let error = open(path).unwrap_err();
            assert!(matches!(error, StoreError::NotAWorkspace { .. }), "{error}");
            assert!(
                error.to_string().contains(&path.display().to_string()),
                "{error}"
            );
            assert_eq!(fs::read(path).ok(), before);
        }
        let missing = folder.path().join("missing");
        let error = Store::open(&missing, &OpenOptions::read_only(NOW)).unwrap_err();
        assert!(matches!(error, StoreError::NotFound { .. }));
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            3,
            "nothing was made"
        );
    }

    #[test]
    fn the_second_writer_reads_and_is_told_why() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.fieldscope");
        let first = open(&path).unwrap();
        let second = open(&path).unwrap();
        let why = second.read_only().unwrap().to_string();
        assert!(
            why.contains("another Fieldscope") && why.contains(NOW),
            "{why}"
        );
        let error = second.set_setting("a", "b").unwrap_err();
        assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
        let reader = second.reader().unwrap();
        let before = reader.revision().unwrap();
        first.set_setting("seen", "live").unwrap();
        assert_eq!(reader.setting("seen").unwrap().as_deref(), Some("live"));
        assert!(reader.revision().unwrap() > before);
        drop(reader);
        drop(second);
        drop(first);
        assert!(!open(&path).unwrap().is_read_only());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_place_that_cannot_be_written_opens_frozen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("odd name?#100% ü.fieldscope");
        let store = open(&path).unwrap();
        store.set_setting("a", "b").unwrap();
        drop(store);
        let connection = connect_for_reading(&path, Mode::Frozen).unwrap();
        let value: String = connection
            .query_row("SELECT value FROM settings", [], |row| row.get(0))
            .unwrap();
        assert_eq!(value, "b");
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing beside the file"
        );
        let reason = ReadOnlyReason::NetworkShare {
            kind: "nfs4".to_owned(),
        };
        let store = Store::open_for_reading(&path, reason).unwrap();
        assert!(store.is_read_only());
        assert_eq!(
            store.reader().unwrap().setting("a").unwrap().as_deref(),
            Some("b")
        );
        // Nobody can take back here what was not written to its end.
        fs::write(
            folder.path().join("odd name?#100% ü.fieldscope-journal"),
            [1; 512],
        )
        .unwrap();
        let error = connect_for_reading(&path, Mode::Frozen).unwrap_err();
        assert!(error.to_string().contains("takes that back"), "{error}");
    }

    #[test]
    fn a_reader_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.fieldscope");
        let _store = open(&path).unwrap();
        let connection = connect_for_reading(&path, Mode::Shared).unwrap();
        assert!(connection.execute("DELETE FROM settings", []).is_err());
    }
}

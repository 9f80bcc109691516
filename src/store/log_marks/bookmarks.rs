//! Bookmarks in logs, with notes.

use super::LOG;
use crate::store::{
    error::StoreError,
    ids::CaptureId,
    open::Store,
    reader::Reader,
    rows::{stored, stored_len, unsigned},
    sha256::Sha256,
};
use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use std::fmt;

/// A log has at most so many bookmarks.
pub const MOST_BOOKMARKS: usize = 10_000;

/// The bytes that a bookmark is in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogName {
    /// Stored bytes.
    Stored(Sha256),
    /// What was read of a file that is only followed.
    OnDisk(String),
}

impl fmt::Display for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stored(sha256) => write!(f, "sha256:{sha256}"),
            Self::OnDisk(path) => write!(f, "file:{path}"),
        }
    }
}

impl LogName {
    /// The log with this name, as it is stored.
    fn parse(name: &str) -> Option<Self> {
        if let Some(path) = name.strip_prefix("file:") {
            return Some(Self::OnDisk(path.to_owned()));
        }
        let hex = name.strip_prefix("sha256:")?;
        let mut bytes = [0_u8; 32];
        if hex.len() != 2 * bytes.len() {
            return None;
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            let digits = hex.get(2 * index..2 * index + 2)?;
            *byte = u8::from_str_radix(digits, 16).ok()?;
        }
        Some(Self::Stored(Sha256(bytes)))
    }
}

/// A bookmark to be set.
#[derive(Clone, Debug)]
pub struct NewBookmark<'a> {
    /// The log.
    pub log: &'a LogName,
    /// Where its line begins, in bytes.
    pub offset: u64,
    /// First bytes of the line in hexadecimal, of a log on disk.
    pub head: Option<String>,
    /// The line as it reads now, or its beginning.
    pub message: &'a str,
}

/// A stored bookmark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookmarkRow {
    /// Name of the log, as [`LogName`] is written.
    pub log: String,
    /// Where its line begins, in bytes.
    pub offset: u64,
    /// First bytes of the line in hexadecimal, of a log on disk.
    pub head: Option<String>,
    /// The line as it read when the bookmark was set, or its beginning.
    pub message: String,
    /// What a person noted.
    pub note: Option<String>,
    /// When it was set, RFC 3339.
    pub set_at: String,
}

impl Store {
    /// Sets a bookmark. One that is there stays as it is, with its note.
    pub fn add_bookmark(
        &self,
        new: &NewBookmark<'_>,
        what: &str,
        now: &str,
    ) -> Result<(), StoreError> {
        LOG.step(self, what, now, |transaction| {
            insert(transaction, new, None, now).map(|_n_added| ())
        })
    }

    /// Replaces the note of a bookmark, which is set if need be; `None` takes the note away.
    pub fn note_bookmark(
        &self,
        new: &NewBookmark<'_>,
        note: Option<&str>,
        what: &str,
        now: &str,
    ) -> Result<(), StoreError> {
        LOG.step(self, what, now, |transaction| {
            if insert(transaction, new, note, now)? == 0 {
                transaction.execute(
                    "UPDATE log_bookmarks SET note = ?3 WHERE log = ?1 AND offset = ?2",
                    params![new.log.to_string(), stored(new.offset), note],
                )?;
            }
            Ok(())
        })
    }

    /// Removes a bookmark with its note; one that is not there is no error.
    pub fn remove_bookmark(
        &self,
        log: &LogName,
        offset: u64,
        what: &str,
        now: &str,
    ) -> Result<(), StoreError> {
        LOG.step(self, what, now, |transaction| {
            transaction.execute(
                "DELETE FROM log_bookmarks WHERE log = ?1 AND offset = ?2",
                params![log.to_string(), stored(offset)],
            )?;
            Ok(())
        })
    }

    /// Gives bookmarks of a log on disk, those at these places, to stored bytes as well. Those that these have already stay as
    /// they are. Answers how many there are more. No step: nobody did it by hand.
    pub fn take_over_bookmarks(
        &self,
        from: &LogName,
        to: Sha256,
        offsets: &[u64],
    ) -> Result<usize, StoreError> {
        if offsets.is_empty() {
            return Ok(0);
        }
        let to = LogName::Stored(to).to_string();
        self.write(|transaction| {
            let mut n_taken = 0_usize;
            for offset in offsets {
                n_taken = n_taken.saturating_add(transaction.execute(
                    "INSERT INTO log_bookmarks (log, offset, head, message, note, set_at) \
                     SELECT ?2, offset, NULL, message, note, set_at FROM log_bookmarks \
                     WHERE log = ?1 AND offset = ?3 ON CONFLICT DO NOTHING",
                    params![from.to_string(), to, stored(*offset)],
                )?);
            }
            Ok(n_taken)
        })
    }
}

impl Reader {
    /// The bookmarks of a log, in the order of its bytes; at most [`MOST_BOOKMARKS`].
    pub fn bookmarks(&self, log: &LogName) -> Result<Vec<BookmarkRow>, StoreError> {
        self.list(
            "SELECT * FROM log_bookmarks WHERE log = ?1 ORDER BY offset LIMIT ?2",
            params![log.to_string(), stored_len(MOST_BOOKMARKS)],
            bookmark_row,
        )
    }

    /// All logs that have bookmarks, sorted by their names.
    pub fn bookmarked_logs(&self) -> Result<Vec<LogName>, StoreError> {
        let sql = "SELECT DISTINCT log FROM log_bookmarks ORDER BY log";
        let names: Vec<String> = self.list(sql, [], |row| row.get(0))?;
        // What nobody here writes is nobody's bookmark.
        Ok(names
            .iter()
            .filter_map(|name| LogName::parse(name))
            .collect())
    }

    /// The hash of a file of a capture; `None` when there is no such file.
    pub fn file_sha256(
        &self,
        capture: CaptureId,
        path: &str,
    ) -> Result<Option<Sha256>, StoreError> {
        self.ask(|connection| {
            Ok(connection
                .query_row(
                    "SELECT sha256 FROM capture_files WHERE capture = ?1 AND path = ?2",
                    params![capture, path],
                    |row| row.get(0),
                )
                .optional()?)
        })
    }

    /// Where stored bytes are: capture and path of every file that has them, the newest capture first.
    pub fn files_with(&self, sha256: Sha256) -> Result<Vec<(CaptureId, String)>, StoreError> {
        self.list(
            "SELECT f.capture, f.path FROM blobs b JOIN capture_files f ON f.blob = b.id \
             JOIN captures c ON c.id = f.capture \
             WHERE b.sha256 = ?1 AND c.removed_at IS NULL ORDER BY f.capture DESC, f.path",
            [sha256],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }
}

/// Inserts a bookmark where there is none; how many rows that were.
fn insert(
    transaction: &Transaction<'_>,
    new: &NewBookmark<'_>,
    note: Option<&str>,
    now: &str,
) -> Result<usize, StoreError> {
    let log = new.log.to_string();
    let n_before: i64 = transaction.query_row(
        "SELECT count(*) FROM log_bookmarks WHERE log = ?1 AND offset <> ?2",
        params![log, stored(new.offset)],
        |row| row.get(0),
    )?;
    if usize::try_from(n_before).unwrap_or(usize::MAX) >= MOST_BOOKMARKS {
        return Err(StoreError::Invalid {
            what: format!("a log has at most {MOST_BOOKMARKS} bookmarks; remove some first"),
        });
    }
    Ok(transaction.execute(
        "INSERT INTO log_bookmarks (log, offset, head, message, note, set_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
        params![log, stored(new.offset), new.head, new.message, note, now],
    )?)
}

fn bookmark_row(row: &Row<'_>) -> rusqlite::Result<BookmarkRow> {
    Ok(BookmarkRow {
        log: row.get("log")?,
        offset: unsigned(row, "offset")?,
        head: row.get("head")?,
        message: row.get("message")?,
        note: row.get("note")?,
        set_at: row.get("set_at")?,
    })
}

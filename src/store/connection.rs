//! Connections to the file: how they are made safe, and how they tell what the file is.

use crate::store::{error::StoreError, migrations};
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// How long a statement waits for another connection before it gives up.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Pages that a connection for reading keeps: what the blocks of one metric of a fleet take.
const CACHE_KB: i64 = 16 << 10;
/// Statements that a connection for reading keeps.
const STATEMENTS_KEPT: usize = 64;

/// How connections for reading are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Beside a writer.
    Shared,
    /// As it was when it was opened: nothing beside the file can be read or made.
    Frozen,
}

/// A connection that can change nothing.
pub(super) fn connect_for_reading(path: &Path, mode: Mode) -> Result<Connection, StoreError> {
    let connection = match mode {
        // Opened for writing (where the file allows it) so that SQLite may tidy up its log, then
        // barred from it: a connection that is read-only from the start leaves the log behind.
        Mode::Shared => Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?,
        Mode::Frozen if has_journal(path) => {
            return Err(StoreError::ReadOnly {
                path: path.to_owned(),
                why: "something was not written to its end; open it once where it can be written, which takes that back"
                    .to_owned(),
            });
        }
        Mode::Frozen => Connection::open_with_flags(
            frozen_uri(path),
            OpenFlags::SQLITE_OPEN_READ_ONLY
                | OpenFlags::SQLITE_OPEN_NO_MUTEX
                | OpenFlags::SQLITE_OPEN_URI,
        )?,
    };
    harden(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    // Negative: kilobytes.
    connection.pragma_update(None, "cache_size", -CACHE_KB)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // The first real read: a file that cannot be read fails here and not in some later query.
    schema_version(&connection)?;
    Ok(connection)
}

/// True beside a journal by which a write that was not finished is taken back: without that the file is not what it was.
fn has_journal(path: &Path) -> bool {
    let mut journal = path.as_os_str().to_owned();
    journal.push("-journal");
    std::fs::metadata(journal).is_ok_and(|journal| journal.len() > 0)
}

/// The file may come from a stranger: nothing in its schema is trusted, nothing is mapped.
pub(super) fn harden(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    Ok(())
}

/// The schema of a workspace; 0 of a file that holds nothing yet.
pub(super) fn schema_version(connection: &Connection) -> Result<i64, StoreError> {
    let application: i32 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let n_tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application == migrations::APPLICATION_ID && version > 0 {
        return Ok(version);
    }
    if application == 0 && version == 0 && n_tables == 0 {
        return Ok(0);
    }
    Err(StoreError::NotAWorkspace {
        path: PathBuf::new(),
        reason: "it is an SQLite file of another program".to_owned(),
    })
}

/// SQLite's URI for a file that nobody changes (sqlite.org/uri.html).
fn frozen_uri(path: &Path) -> String {
    let mut uri = "file:".to_owned();
    let bytes = path.as_os_str().as_encoded_bytes();
    if cfg!(windows) {
        uri.push('/');
    }
    for &byte in bytes {
        match byte {
            b'\\' if cfg!(windows) => uri.push('/'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' | b'~' | b':' => {
                uri.push(char::from(byte));
            }
            _ => uri.extend(['%', hex_digit(byte >> 4), hex_digit(byte & 0xf)]),
        }
    }
    uri.push_str("?immutable=1");
    uri
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0')
}

//! A large write into a workspace that holds nothing yet goes straight into the file.
//!
//! With a write-ahead log others can read meanwhile, but every page is written twice: into the log, and from there into the file
//! (sqlite.org/wal.html, section 3). With a rollback journal new pages are written once, at their place, and a process that is
//! killed leaves a journal by which the next one takes all of it back (sqlite.org/atomiccommit.html). Where nothing is stored
//! yet there is nothing to read meanwhile.

use super::connection::BUSY_TIMEOUT;
use super::error::StoreError;
use rusqlite::Connection;
use std::time::Duration;

/// Turns to the rollback journal for the next transaction, which has to be exclusive. False where the workspace holds something or
/// somebody has it open: then everything stays as it was.
pub(super) fn begin(connection: &Connection) -> Result<bool, StoreError> {
    if !is_empty(connection)? {
        return Ok(false);
    }
    connection.busy_timeout(Duration::ZERO)?;
    let journal = journal(connection, "delete");
    connection.busy_timeout(BUSY_TIMEOUT)?;
    if !journal.is_ok_and(|journal| journal == "delete") {
        return Ok(false);
    }
    // Such a journal ends a transaction by being removed: EXTRA has that on the disk too.
    connection.pragma_update(None, "synchronous", "extra")?;
    Ok(true)
}

/// Turns back to the write-ahead log. Where somebody reads just then, the next one who opens the workspace does it.
pub(super) fn end(connection: &Connection) {
    drop(journal(connection, "wal"));
    drop(connection.pragma_update(None, "synchronous", "full"));
}

fn journal(connection: &Connection, mode: &str) -> rusqlite::Result<String> {
    connection.pragma_update_and_check(None, "journal_mode", mode, |row| row.get(0))
}

fn is_empty(connection: &Connection) -> Result<bool, StoreError> {
    let sql =
        "SELECT NOT EXISTS (SELECT 1 FROM captures) AND NOT EXISTS (SELECT 1 FROM series_blocks)";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use crate::store::open::{OpenOptions, Store};
    use crate::store::testing::NOW;
    use rusqlite::params;
    use std::path::Path;

    /// A write of some megabytes; what lies beside the workspace while it runs, and how the file is written after it.
    fn written(store: &Store, path: &Path) -> (Vec<String>, String) {
        let beside = store.write_large(|transaction| {
            for number in 0..100 {
                let text = "x".repeat(100_000);
                transaction.execute(
                    "INSERT INTO settings (key, value) VALUES (?1, ?2)",
                    params![number.to_string(), text],
                )?;
            }
            let folder = std::fs::read_dir(path.parent().unwrap()).unwrap();
            let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            Ok(names.collect())
        });
        let writer = store.lock_writer().unwrap();
        let journal = writer
            .pragma_query_value(None, "journal_mode", |row| row.get(0))
            .unwrap();
        (beside.unwrap(), journal)
    }

    #[test]
    fn the_first_large_write_goes_straight_into_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.fieldscope");
        let store = Store::open(&path, &OpenOptions::new(NOW)).unwrap();
        let (beside, journal) = written(&store, &path);
        assert!(
            beside.contains(&"a.fieldscope-journal".to_owned()),
            "{beside:?}"
        );
        assert!(
            !beside.contains(&"a.fieldscope-wal".to_owned()),
            "{beside:?}"
        );
        assert_eq!(journal, "wal");
        assert!(store.reader().unwrap().setting("99").unwrap().is_some());
    }

    #[test]
    fn somebody_who_reads_goes_on_reading() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.fieldscope");
        let store = Store::open(&path, &OpenOptions::new(NOW)).unwrap();
        let reader = store.reader().unwrap();
        let (beside, journal) = written(&store, &path);
        assert!(
            beside.contains(&"a.fieldscope-wal".to_owned()),
            "{beside:?}"
        );
        assert_eq!(journal, "wal");
        assert!(reader.setting("99").unwrap().is_some());
    }

    #[test]
    fn what_fails_leaves_nothing_and_the_log_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.fieldscope");
        let store = Store::open(&path, &OpenOptions::new(NOW)).unwrap();
        let failed: Result<(), _> = store.write_large(|transaction| {
            transaction.execute("INSERT INTO settings (key, value) VALUES ('a', 'b')", [])?;
            Err(crate::store::error::StoreError::Cancelled)
        });
        assert!(failed.is_err());
        let reader = store.reader().unwrap();
        assert_eq!(reader.setting("a").unwrap(), None);
        store.set_setting("a", "c").unwrap();
        assert_eq!(reader.setting("a").unwrap().as_deref(), Some("c"));
    }
}

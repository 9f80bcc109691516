//! Connections for reading that nobody uses just now. A new one costs more than most questions: the schema is parsed, and beside
//! no other the log of the workspace is made and removed. One that was used before also has pages of the file at hand.

use rusqlite::Connection;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// So many are kept, each with the pages that it has at hand.
const KEPT_MAX: usize = 3;

/// Idle connections of one workspace, shared with those who will give theirs back.
#[derive(Clone, Default)]
pub(super) struct IdleConnections(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    connections: Vec<Connection>,
    is_closed: bool,
}

impl IdleConnections {
    /// The one that was used last.
    pub(super) fn take(&self) -> Option<Connection> {
        self.kept().connections.pop()
    }

    /// Keeps a connection for the next one who reads; closes it where there are enough.
    pub(super) fn give(&self, connection: Connection) {
        let mut kept = self.kept();
        // One in a transaction would go on seeing the file as it was.
        if !kept.is_closed && kept.connections.len() < KEPT_MAX && connection.is_autocommit() {
            kept.connections.push(connection);
        }
    }

    /// Closes those that are kept.
    pub(super) fn clear(&self) {
        self.kept().connections.clear();
    }

    /// Closes those that are kept, and any that is given from now on.
    pub(super) fn close(&self) {
        let mut kept = self.kept();
        kept.is_closed = true;
        kept.connections.clear();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{IdleConnections, KEPT_MAX};
    use crate::store::open::{OpenOptions, Store};
    use crate::store::testing::NOW;
    use rusqlite::Connection;

    fn connection() -> Connection {
        Connection::open_in_memory().unwrap()
    }

    #[test]
    fn some_are_kept_and_none_that_sees_an_old_state() {
        let idle = IdleConnections::default();
        let in_transaction = connection();
        in_transaction.execute_batch("BEGIN").unwrap();
        idle.give(in_transaction);
        assert!(idle.take().is_none());
        for _ in 0..KEPT_MAX + 2 {
            idle.give(connection());
        }
        assert_eq!(idle.kept().connections.len(), KEPT_MAX);
        idle.clear();
        assert!(idle.take().is_none());
        idle.give(connection());
        let of_reader = idle.clone();
        idle.close();
        of_reader.give(connection());
        assert!(of_reader.take().is_none());
    }

    #[test]
    fn a_reader_sees_what_was_written_after_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.fieldscope");
        let store = Store::open(&path, &OpenOptions::new(NOW)).unwrap();
        for value in ["one", "two", "three"] {
            store.set_setting("a", value).unwrap();
            let reader = store.reader().unwrap();
            assert_eq!(reader.setting("a").unwrap().as_deref(), Some(value));
        }
        // A reader that outlives the store closes its connection.
        let reader = store.reader().unwrap();
        drop(store);
        assert_eq!(reader.setting("a").unwrap().as_deref(), Some("three"));
        drop(reader);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

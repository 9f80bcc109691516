//! A connection for reading. What it answers stands in the file of each noun (`captures`, `crashes`, …).

use crate::store::error::StoreError;
use crate::store::idle::IdleConnections;
use crate::store::read_ahead::{BlockPages, ReadAhead};
use rusqlite::{Connection, InterruptHandle, Params, Row};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Reads a workspace; owned by one thread at a time. It sees what was stored before each question.
pub struct Reader {
    /// `None` once it was given back, by the drop.
    connection: Option<Connection>,
    path: PathBuf,
    idle: IdleConnections,
    pages: Arc<BlockPages>,
    /// A question that others can stop: whoever reads next must not be stopped in its place.
    is_interruptible: Cell<bool>,
}

/// Stops a question from another thread: it then answers [`StoreError::Cancelled`].
pub struct Interrupter(InterruptHandle);

impl Interrupter {
    /// Stops whatever the reader is doing now; no effect on later questions.
    pub fn interrupt(&self) {
        self.0.interrupt();
    }
}

impl Reader {
    pub(super) fn new(
        connection: Connection,
        path: PathBuf,
        idle: IdleConnections,
        pages: Arc<BlockPages>,
    ) -> Self {
        Self {
            connection: Some(connection),
            path,
            idle,
            pages,
            is_interruptible: Cell::new(false),
        }
    }

    /// A handle that stops this reader's questions.
    pub fn interrupter(&self) -> Result<Interrupter, StoreError> {
        self.is_interruptible.set(true);
        self.ask(|connection| Ok(Interrupter(connection.get_interrupt_handle())))
    }

    /// Grows with every change of the workspace, whoever makes it.
    pub fn revision(&self) -> Result<u64, StoreError> {
        self.ask(|connection| {
            let revision: i64 =
                connection.query_row("SELECT revision FROM workspace", [], |row| row.get(0))?;
            Ok(revision.cast_unsigned())
        })
    }

    /// What SQLite finds wrong with the file; empty when it is sound. Reads the whole file.
    pub fn quick_check(&self) -> Result<Vec<String>, StoreError> {
        let lines: Vec<String> = self.list("PRAGMA quick_check(100)", [], |row| row.get(0))?;
        Ok(lines.into_iter().filter(|line| line != "ok").collect())
    }

    /// The file that is read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs one question, naming the file in its errors.
    pub(super) fn ask<T>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let answer = match &self.connection {
            Some(connection) => question(connection),
            None => Err(StoreError::Invalid {
                what: "a question to a reader that was closed".to_owned(),
            }),
        };
        answer.map_err(|error| error.in_file(&self.path))
    }

    /// The same for a question of several statements: they all see one state of the file, whatever is written meanwhile.
    pub(super) fn ask_one_state<T>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.ask(|connection| {
            let is_outermost = connection.is_autocommit();
            // Ends when it is dropped.
            let _state = is_outermost
                .then(|| connection.unchecked_transaction())
                .transpose()?;
            question(connection)
        })
    }

    /// For a question that knows which blocks it will read; `None` where the system cannot be asked for them ahead.
    pub(super) fn ahead(&self, connection: &Connection) -> Result<Option<ReadAhead>, StoreError> {
        self.pages.ahead(&self.path, connection)
    }

    /// All rows of one statement.
    pub(super) fn list<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        self.ask(|connection| list(connection, sql, params, read))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take()
            && !self.is_interruptible.get()
        {
            self.idle.give(connection);
        }
    }
}

/// All rows of one statement, on any connection.
pub(super) fn list<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params, read)?;
    rows.collect::<rusqlite::Result<Vec<T>>>()
        .map_err(StoreError::from)
}

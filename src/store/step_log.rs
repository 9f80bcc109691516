//! Logs of what a person did: each step with the rows it changed, so that it can be undone and done again.
//!
//! Undone steps are always the last ones; a new step forgets them.

use crate::store::{error::StoreError, open::Store, reader::Reader};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What can be undone and done again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepHistory {
    /// The last step, in words.
    pub undo: Option<String>,
    /// The step that was undone last.
    pub redo: Option<String>,
}

/// A log of steps.
pub(super) struct StepLog {
    /// Its table.
    pub(super) table: &'static str,
    /// What its steps are about, in an error.
    pub(super) about: &'static str,
    /// Selects table, key and JSON of every row that its steps may change.
    pub(super) rows: &'static str,
    /// The tables of these rows.
    pub(super) tables: &'static [LoggedTable],
}

/// A table whose rows are logged.
pub(super) struct LoggedTable {
    /// Its name.
    pub(super) name: &'static str,
    /// Deletes the row with the key `?1`.
    pub(super) delete: &'static str,
    /// Inserts the row with the JSON `?1`.
    pub(super) insert: &'static str,
}

/// One row before and after a step; `None` where there was none.
#[derive(Debug, Serialize, Deserialize)]
struct Change {
    table: String,
    row: String,
    before: Option<String>,
    after: Option<String>,
}

/// Rows of the tables that steps change, as JSON by table and primary key.
type Rows = BTreeMap<(String, String), String>;

/// Which way a step is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Undo,
    Redo,
}

impl StepLog {
    /// What can be undone and done again.
    pub(super) fn history(&self, reader: &Reader) -> Result<StepHistory, StoreError> {
        reader.ask(|connection| {
            let what = |turn: Turn| -> Result<Option<String>, StoreError> {
                Ok(self
                    .next(connection, turn)?
                    .map(|(_id, what, _changes)| what))
            };
            Ok(StepHistory {
                undo: what(Turn::Undo)?,
                redo: what(Turn::Redo)?,
            })
        })
    }

    /// Takes the last step back. Answers what it was; `None` when there is none.
    pub(super) fn undo(&self, store: &Store) -> Result<Option<String>, StoreError> {
        store.write(|transaction| self.turn(transaction, Turn::Undo))
    }

    /// Does the step again that was undone last. Answers what it was; `None` when there is none.
    pub(super) fn redo(&self, store: &Store) -> Result<Option<String>, StoreError> {
        store.write(|transaction| self.turn(transaction, Turn::Redo))
    }

    /// Does a step and logs it. A step that changes nothing leaves no trace.
    pub(super) fn step(
        &self,
        store: &Store,
        what: &str,
        now: &str,
        work: impl FnOnce(&Transaction<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        store.write(|transaction| {
            let before = self.rows(transaction)?;
            work(transaction)?;
            let after = self.rows(transaction)?;
            let changes = difference(before, after);
            if changes.is_empty() {
                return Ok(());
            }
            let table = self.table;
            transaction.execute(&format!("DELETE FROM {table} WHERE undone = 1"), [])?;
            let json = serde_json::to_string(&changes).map_err(|error| StoreError::Invalid {
                what: format!("the step does not become JSON: {error}"),
            })?;
            transaction.execute(
                &format!("INSERT INTO {table} (done_at, what, changes) VALUES (?1, ?2, ?3)"),
                params![now, what, json],
            )?;
            Ok(())
        })
    }

    /// The step that comes next: its id, what it is, its changes.
    fn next(
        &self,
        connection: &Connection,
        turn: Turn,
    ) -> Result<Option<(i64, String, String)>, StoreError> {
        let table = self.table;
        let which = match turn {
            Turn::Undo => "undone = 0 ORDER BY id DESC",
            Turn::Redo => "undone = 1 ORDER BY id",
        };
        let sql = format!("SELECT id, what, changes FROM {table} WHERE {which} LIMIT 1");
        Ok(connection
            .query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?)
    }

    fn turn(
        &self,
        transaction: &Transaction<'_>,
        turn: Turn,
    ) -> Result<Option<String>, StoreError> {
        let Some((id, what, json)) = self.next(transaction, turn)? else {
            return Ok(None);
        };
        let changes: Vec<Change> =
            serde_json::from_str(&json).map_err(|error| StoreError::Damaged {
                path: std::path::PathBuf::new(),
                detail: format!("step {id} of the {}: {error}", self.about),
            })?;
        // Rows name each other: what matters is that all is right in the end.
        transaction.pragma_update(None, "defer_foreign_keys", true)?;
        for change in &changes {
            let row = match turn {
                Turn::Undo => &change.before,
                Turn::Redo => &change.after,
            };
            self.put(transaction, &change.table, &change.row, row.as_deref())?;
        }
        let table = self.table;
        transaction.execute(
            &format!("UPDATE {table} SET undone = ?2 WHERE id = ?1"),
            params![id, turn == Turn::Undo],
        )?;
        Ok(Some(what))
    }

    fn rows(&self, connection: &Connection) -> Result<Rows, StoreError> {
        let all: Vec<((String, String), String)> =
            crate::store::reader::list(connection, self.rows, [], |row| {
                Ok(((row.get(0)?, row.get(1)?), row.get(2)?))
            })?;
        Ok(all.into_iter().collect())
    }

    fn put(
        &self,
        transaction: &Transaction<'_>,
        table: &str,
        row: &str,
        json: Option<&str>,
    ) -> Result<(), StoreError> {
        let Some(table) = self.tables.iter().find(|known| known.name == table) else {
            return Ok(());
        };
        transaction.execute(table.delete, [row])?;
        if let Some(json) = json {
            transaction.execute(table.insert, [json])?;
        }
        Ok(())
    }
}

fn difference(before: Rows, mut after: Rows) -> Vec<Change> {
    let mut changes = Vec::new();
    for ((table, row), json) in before {
        let now = after.remove(&(table.clone(), row.clone()));
        if now.as_ref() != Some(&json) {
            changes.push(Change {
                table,
                row,
                before: Some(json),
                after: now,
            });
        }
    }
    changes.extend(after.into_iter().map(|((table, row), json)| Change {
        table,
        row,
        before: None,
        after: Some(json),
    }));
    changes
}

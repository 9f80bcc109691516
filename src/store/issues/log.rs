//! The log of what was done by hand: each step with the rows it changed, so that it can be undone and done again.

use crate::store::{
    error::StoreError,
    open::Store,
    reader::{Reader, list},
};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What can be undone and done again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IssueHistory {
    /// The last step, in words.
    pub undo: Option<String>,
    /// The step that was undone last.
    pub redo: Option<String>,
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

impl Reader {
    /// What can be undone and done again.
    pub fn issue_history(&self) -> Result<IssueHistory, StoreError> {
        self.ask(|connection| {
            let what = |sql: &str| -> Result<Option<String>, StoreError> {
                Ok(connection.query_row(sql, [], |row| row.get(0)).optional()?)
            };
            Ok(IssueHistory {
                undo: what("SELECT what FROM issue_log WHERE undone = 0 ORDER BY id DESC LIMIT 1")?,
                redo: what("SELECT what FROM issue_log WHERE undone = 1 ORDER BY id LIMIT 1")?,
            })
        })
    }
}

impl Store {
    /// Takes the last step back. Answers what it was; `None` when there is none.
    pub fn undo_issue_step(&self) -> Result<Option<String>, StoreError> {
        self.write(|transaction| {
            let sql =
                "SELECT id, what, changes FROM issue_log WHERE undone = 0 ORDER BY id DESC LIMIT 1";
            turn(transaction, sql, true)
        })
    }

    /// Does the step again that was undone last. Answers what it was; `None` when there is none.
    pub fn redo_issue_step(&self) -> Result<Option<String>, StoreError> {
        self.write(|transaction| {
            let sql =
                "SELECT id, what, changes FROM issue_log WHERE undone = 1 ORDER BY id LIMIT 1";
            turn(transaction, sql, false)
        })
    }

    /// Does a step and logs it. A step that changes nothing leaves no trace.
    pub(super) fn issue_step(
        &self,
        what: &str,
        now: &str,
        work: impl FnOnce(&Transaction<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let before = rows(transaction)?;
            work(transaction)?;
            let after = rows(transaction)?;
            let changes = difference(before, after);
            if changes.is_empty() {
                return Ok(());
            }
            transaction.execute("DELETE FROM issue_log WHERE undone = 1", [])?;
            let json = serde_json::to_string(&changes).map_err(|error| StoreError::Invalid {
                what: format!("the step does not become JSON: {error}"),
            })?;
            transaction.execute(
                "INSERT INTO issue_log (done_at, what, changes) VALUES (?1, ?2, ?3)",
                params![now, what, json],
            )?;
            Ok(())
        })
    }
}

fn turn(
    transaction: &Transaction<'_>,
    sql: &str,
    is_undo: bool,
) -> Result<Option<String>, StoreError> {
    let step: Option<(i64, String, String)> = transaction
        .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((id, what, json)) = step else {
        return Ok(None);
    };
    let changes: Vec<Change> =
        serde_json::from_str(&json).map_err(|error| StoreError::Damaged {
            path: std::path::PathBuf::new(),
            detail: format!("step {id} of the issues: {error}"),
        })?;
    // Rows name each other: what matters is that all is right in the end.
    transaction.pragma_update(None, "defer_foreign_keys", true)?;
    for change in &changes {
        let row = if is_undo {
            &change.before
        } else {
            &change.after
        };
        put(transaction, &change.table, &change.row, row.as_deref())?;
    }
    transaction.execute(
        "UPDATE issue_log SET undone = ?2 WHERE id = ?1",
        params![id, is_undo],
    )?;
    Ok(Some(what))
}

fn rows(connection: &Connection) -> Result<Rows, StoreError> {
    let all: Vec<((String, String), String)> = list(
        connection,
        "SELECT 'issues', CAST(id AS TEXT), json_object('id', id, 'key', key, 'title', title, \
           'closed', closed, 'note', note, 'merged_into', merged_into, 'created_at', created_at) \
         FROM issues \
         UNION ALL SELECT 'issue_keys', key, json_object('key', key, 'issue', issue, \
           'follows', follows) FROM issue_keys \
         UNION ALL SELECT 'issue_members', identity, json_object('identity', identity, \
           'issue', issue) FROM issue_members",
        [],
        |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)),
    )?;
    Ok(all.into_iter().collect())
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

fn put(
    transaction: &Transaction<'_>,
    table: &str,
    row: &str,
    json: Option<&str>,
) -> Result<(), StoreError> {
    let (delete, insert) = match table {
        "issues" => (
            "DELETE FROM issues WHERE id = CAST(?1 AS INTEGER)",
            "INSERT INTO issues (id, key, title, closed, note, merged_into, created_at) \
             SELECT ?1 ->> 'id', ?1 ->> 'key', ?1 ->> 'title', ?1 ->> 'closed', ?1 ->> 'note', \
             ?1 ->> 'merged_into', ?1 ->> 'created_at'",
        ),
        "issue_keys" => (
            "DELETE FROM issue_keys WHERE key = ?1",
            "INSERT INTO issue_keys (key, issue, follows) \
             SELECT ?1 ->> 'key', ?1 ->> 'issue', ?1 ->> 'follows'",
        ),
        "issue_members" => (
            "DELETE FROM issue_members WHERE identity = ?1",
            "INSERT INTO issue_members (identity, issue) SELECT ?1 ->> 'identity', ?1 ->> 'issue'",
        ),
        _ => return Ok(()),
    };
    transaction.execute(delete, [row])?;
    if let Some(json) = json {
        transaction.execute(insert, [json])?;
    }
    Ok(())
}

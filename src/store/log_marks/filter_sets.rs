//! Named sets of log filters. What a set says is JSON that only the engine reads.

use super::LOG;
use crate::store::{error::StoreError, open::Store, reader::Reader, rows::stored_len};
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

/// Characters of a name, at most.
pub const LONGEST_NAME: usize = 80;

/// A workspace has at most so many sets.
pub const MOST_FILTER_SETS: usize = 1000;

/// A stored set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterSetRow {
    /// Its name.
    pub name: String,
    /// The filters, as JSON.
    pub stack: String,
    /// When it was saved last, RFC 3339.
    pub saved_at: String,
}

impl Store {
    /// Saves new sets, given as name and JSON: all of them or none. A name that is used already is refused.
    pub fn save_filter_sets(
        &self,
        sets: &[(String, String)],
        what: &str,
        now: &str,
    ) -> Result<(), StoreError> {
        LOG.step(self, what, now, |transaction| {
            let n_before: i64 =
                transaction.query_row("SELECT count(*) FROM filter_sets", [], |row| row.get(0))?;
            let n = usize::try_from(n_before)
                .unwrap_or(usize::MAX)
                .saturating_add(sets.len());
            if n > MOST_FILTER_SETS {
                return Err(StoreError::Invalid {
                    what: format!(
                        "a workspace has at most {MOST_FILTER_SETS} filter sets; delete some first"
                    ),
                });
            }
            for (name, stack) in sets {
                let name = unused(transaction, name)?;
                transaction.execute(
                    "INSERT INTO filter_sets (name, stack, saved_at) VALUES (?1, ?2, ?3)",
                    params![name, stack, now],
                )?;
            }
            Ok(())
        })
    }

    /// Replaces the filters of a set.
    pub fn replace_filter_set(
        &self,
        name: &str,
        stack: &str,
        what: &str,
        now: &str,
    ) -> Result<(), StoreError> {
        LOG.step(self, what, now, |transaction| {
            let n = transaction.execute(
                "UPDATE filter_sets SET stack = ?2, saved_at = ?3 WHERE name = ?1",
                params![name, stack, now],
            )?;
            found(n, name)
        })
    }

    /// Gives a set another name; one that is used already is refused.
    pub fn rename_filter_set(
        &self,
        name: &str,
        to: &str,
        what: &str,
        now: &str,
    ) -> Result<(), StoreError> {
        LOG.step(self, what, now, |transaction| {
            if name == to.trim() {
                return Ok(());
            }
            let to = unused(transaction, to)?;
            let n = transaction.execute(
                "UPDATE filter_sets SET name = ?2 WHERE name = ?1",
                params![name, to],
            )?;
            found(n, name)
        })
    }

    /// Deletes a set.
    pub fn delete_filter_set(&self, name: &str, what: &str, now: &str) -> Result<(), StoreError> {
        LOG.step(self, what, now, |transaction| {
            let n = transaction.execute("DELETE FROM filter_sets WHERE name = ?1", [name])?;
            found(n, name)
        })
    }
}

impl Reader {
    /// All sets, by name; at most [`MOST_FILTER_SETS`].
    pub fn filter_sets(&self) -> Result<Vec<FilterSetRow>, StoreError> {
        self.list(
            "SELECT * FROM filter_sets ORDER BY name COLLATE NOCASE, name LIMIT ?1",
            [stored_len(MOST_FILTER_SETS)],
            filter_set_row,
        )
    }
}

/// A name without the space around it, if it may be used for a new set.
fn unused<'a>(transaction: &Transaction<'_>, name: &'a str) -> Result<&'a str, StoreError> {
    let name = name.trim();
    let refuse = |what: String| Err(StoreError::FilterSetName { what });
    if name.is_empty() {
        return refuse("a filter set needs a name; type one".to_owned());
    }
    if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return refuse(format!(
            "the name of a filter set is one line of at most {LONGEST_NAME} characters; choose a shorter one"
        ));
    }
    let other: Option<i64> = transaction
        .query_row("SELECT 1 FROM filter_sets WHERE name = ?1", [name], |row| {
            row.get(0)
        })
        .optional()?;
    if other.is_some() {
        return refuse(format!(
            "there is already a filter set called “{name}”; choose another name, or update that set"
        ));
    }
    Ok(name)
}

fn found(n_changed: usize, name: &str) -> Result<(), StoreError> {
    if n_changed == 0 {
        return Err(StoreError::FilterSetName {
            what: format!("there is no filter set called “{name}” (any more)"),
        });
    }
    Ok(())
}

fn filter_set_row(row: &Row<'_>) -> rusqlite::Result<FilterSetRow> {
    Ok(FilterSetRow {
        name: row.get("name")?,
        stack: row.get("stack")?,
        saved_at: row.get("saved_at")?,
    })
}

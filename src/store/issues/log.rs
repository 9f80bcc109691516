//! The log of what was done to issues by hand, so that it can be undone and done again.

use crate::store::{
    error::StoreError,
    open::Store,
    reader::Reader,
    step_log::{LoggedTable, StepHistory, StepLog},
};
use rusqlite::Transaction;

static LOG: StepLog = StepLog {
    table: "issue_log",
    about: "issues",
    rows: "SELECT 'issues', CAST(id AS TEXT), json_object('id', id, 'key', key, 'title', title, \
           'closed', closed, 'note', note, 'merged_into', merged_into, 'created_at', created_at) \
         FROM issues \
         UNION ALL SELECT 'issue_keys', key, json_object('key', key, 'issue', issue, \
           'follows', follows) FROM issue_keys \
         UNION ALL SELECT 'issue_members', identity, json_object('identity', identity, \
           'issue', issue) FROM issue_members",
    tables: &[
        LoggedTable {
            name: "issues",
            delete: "DELETE FROM issues WHERE id = CAST(?1 AS INTEGER)",
            insert: "INSERT INTO issues (id, key, title, closed, note, merged_into, created_at) \
             SELECT ?1 ->> 'id', ?1 ->> 'key', ?1 ->> 'title', ?1 ->> 'closed', ?1 ->> 'note', \
             ?1 ->> 'merged_into', ?1 ->> 'created_at'",
        },
        LoggedTable {
            name: "issue_keys",
            delete: "DELETE FROM issue_keys WHERE key = ?1",
            insert: "INSERT INTO issue_keys (key, issue, follows) \
             SELECT ?1 ->> 'key', ?1 ->> 'issue', ?1 ->> 'follows'",
        },
        LoggedTable {
            name: "issue_members",
            delete: "DELETE FROM issue_members WHERE identity = ?1",
            insert: "INSERT INTO issue_members (identity, issue) SELECT ?1 ->> 'identity', ?1 ->> 'issue'",
        },
    ],
};

impl Reader {
    /// What can be undone and done again.
    pub fn issue_history(&self) -> Result<StepHistory, StoreError> {
        LOG.history(self)
    }
}

impl Store {
    /// Takes the last step back. Answers what it was; `None` when there is none.
    pub fn undo_issue_step(&self) -> Result<Option<String>, StoreError> {
        LOG.undo(self)
    }

    /// Does the step again that was undone last. Answers what it was; `None` when there is none.
    pub fn redo_issue_step(&self) -> Result<Option<String>, StoreError> {
        LOG.redo(self)
    }

    /// Does a step and logs it. A step that changes nothing leaves no trace.
    pub(super) fn issue_step(
        &self,
        what: &str,
        now: &str,
        work: impl FnOnce(&Transaction<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        LOG.step(self, what, now, work)
    }
}

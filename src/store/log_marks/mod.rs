//! What a person marks in logs: bookmarks with notes, and named sets of filters.
//!
//! 1. A bookmark belongs to the bytes of a log and to a place in them, not to a capture: it outlives a purge, and the same
//!    file imported again has it again. Two captures with the same file share it.
//! 2. A file that is only followed has no hash yet. Its bookmarks belong to its path, to the place in what was read of it,
//!    and to the first bytes of the line there: they are shown only while this line stands there. When the file is imported
//!    and the line is in the same place, the imported log gets the bookmark too.
//! 3. A name of a filter set is used once. Sets are of the workspace, not of a log.
//!
//! Every step is logged with the rows it changed, as those of issues are; undo puts them back.

mod bookmarks;
mod filter_sets;
#[cfg(test)]
mod tests;

pub use bookmarks::{BookmarkRow, LogName, MOST_BOOKMARKS, NewBookmark};
pub use filter_sets::{FilterSetRow, LONGEST_NAME, MOST_FILTER_SETS};

use crate::store::{
    error::StoreError,
    open::Store,
    reader::Reader,
    step_log::{LoggedTable, StepHistory, StepLog},
};

static LOG: StepLog = StepLog {
    table: "log_mark_log",
    about: "marks in logs",
    rows: "SELECT 'log_bookmarks', json_array(log, offset), json_object('log', log, 'offset', offset, \
           'head', head, 'message', message, 'note', note, 'set_at', set_at) FROM log_bookmarks \
         UNION ALL SELECT 'filter_sets', name, json_object('name', name, 'stack', stack, \
           'saved_at', saved_at) FROM filter_sets",
    tables: &[
        LoggedTable {
            name: "log_bookmarks",
            delete: "DELETE FROM log_bookmarks WHERE log = ?1 ->> 0 AND offset = ?1 ->> 1",
            insert: "INSERT INTO log_bookmarks (log, offset, head, message, note, set_at) \
             SELECT ?1 ->> 'log', ?1 ->> 'offset', ?1 ->> 'head', ?1 ->> 'message', ?1 ->> 'note', \
             ?1 ->> 'set_at'",
        },
        LoggedTable {
            name: "filter_sets",
            delete: "DELETE FROM filter_sets WHERE name = ?1",
            insert: "INSERT INTO filter_sets (name, stack, saved_at) \
             SELECT ?1 ->> 'name', ?1 ->> 'stack', ?1 ->> 'saved_at'",
        },
    ],
};

impl Reader {
    /// What can be undone and done again.
    pub fn log_mark_history(&self) -> Result<StepHistory, StoreError> {
        LOG.history(self)
    }
}

impl Store {
    /// Takes the last step back. Answers what it was; `None` when there is none.
    pub fn undo_log_mark(&self) -> Result<Option<String>, StoreError> {
        LOG.undo(self)
    }

    /// Does the step again that was undone last. Answers what it was; `None` when there is none.
    pub fn redo_log_mark(&self) -> Result<Option<String>, StoreError> {
        LOG.redo(self)
    }
}

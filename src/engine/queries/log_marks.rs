//! What a person marked in a log.

use super::log_rows::LogPage;
use crate::engine::context::QueryContext;
use crate::engine::logs::row_set::RowSet;
use crate::engine::logs::session::LogSession;
use crate::engine::logs::shown::ShownLog;
use crate::engine::logs::view::LogKey;
use crate::engine::query::{Query, QueryError};
use crate::model::log::LogRecord;
use crate::store::ids::CaptureId;
use crate::store::log_marks::{BookmarkRow, LogName};

/// Characters of a message that are listed.
const LISTED_CHARS: usize = 200;

/// Asks for the bookmarks of a log, and what can be undone.
#[derive(Clone, Debug)]
pub struct LogMarksQuery {
    /// The log.
    pub key: LogKey,
}

/// What is marked in a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogMarks {
    /// In the order of the log.
    pub bookmarks: Vec<Bookmark>,
    /// What can be undone and done again, bookmarks of other logs and filter sets among it.
    pub history: MarkHistory,
}

/// A line with a bookmark.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bookmark {
    /// The log that it is of.
    pub key: Option<LogKey>,
    /// Where it was set, in bytes of the log.
    pub offset: u64,
    /// The row there.
    pub row: u64,
    /// The place of that row when everything is shown: the same as `row` in a view of one log.
    pub position: u64,
    /// Nanoseconds on the log's axis.
    pub axis_ns: Option<i64>,
    /// What the row says, long messages cut.
    pub record: LogRecord,
    /// What a person noted.
    pub note: Option<String>,
    /// When it was set, RFC 3339.
    pub set_at: String,
}

/// What can be undone and done again, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MarkHistory {
    /// The last step.
    pub undo: Option<String>,
    /// The step that was undone last.
    pub redo: Option<String>,
}

impl Query for LogMarksQuery {
    type Output = LogMarks;

    fn run(&self, context: &QueryContext) -> Result<LogMarks, QueryError> {
        let history = context.reader()?.log_mark_history()?;
        Ok(LogMarks {
            bookmarks: bookmarks_of(context, &self.key)?,
            history: MarkHistory {
                undo: history.undo,
                redo: history.redo,
            },
        })
    }

    fn own_revision(&self, context: &QueryContext) -> u64 {
        context.opened_logs().revision(&self.key)
    }
}

/// The bookmarks of a log, or of all that are merged, with what their rows say.
pub fn bookmarks_of(context: &QueryContext, key: &LogKey) -> Result<Vec<Bookmark>, QueryError> {
    let LogKey::Merged { logs } = key else {
        return bookmarks_of_one(context, key);
    };
    let merged = context.merged_log(logs)?;
    let mut all = Vec::new();
    for (index, log) in logs.iter().enumerate() {
        for bookmark in bookmarks_of_one(context, &log.key)? {
            let position = merged.position(index, bookmark.row);
            all.push(Bookmark {
                position,
                axis_ns: merged.row(position, None).and_then(|row| row.axis_ns),
                ..bookmark
            });
        }
    }
    all.sort_by_key(|bookmark| bookmark.position);
    Ok(all)
}

fn bookmarks_of_one(context: &QueryContext, key: &LogKey) -> Result<Vec<Bookmark>, QueryError> {
    let stored = standing(context, key)?;
    if stored.is_empty() {
        // A log without bookmarks need not be opened to know that.
        return Ok(Vec::new());
    }
    let log = context.log(key)?;
    let bookmarks = stored.into_iter().map(|bookmark| {
        let row = log.row_at(bookmark.offset);
        let record = listed_record(&log, row);
        Bookmark {
            key: Some(key.clone()),
            offset: bookmark.offset,
            row,
            position: row,
            axis_ns: log.axis_ns(row, &record, bookmark.offset),
            record,
            note: bookmark.note,
            set_at: bookmark.set_at,
        }
    });
    Ok(bookmarks.collect())
}

/// What a row says, its message cut to what a list shows.
pub(crate) fn listed_record(log: &LogSession, row: u64) -> LogRecord {
    let mut record = log
        .record(row)
        .map(|(_, record, _)| record)
        .unwrap_or_default();
    if let Some((end, _)) = record.message.char_indices().nth(LISTED_CHARS) {
        record.message.truncate(end);
        record.message.push('…');
    }
    record
}

/// The name that bookmarks of a log are stored under.
pub(crate) fn name_of(context: &QueryContext, key: &LogKey) -> Result<LogName, QueryError> {
    match key {
        LogKey::OnDisk { path } => Ok(LogName::OnDisk(path.display().to_string())),
        LogKey::InCapture { capture, path } => {
            let sha256 = context.reader()?.file_sha256(CaptureId(*capture), path)?;
            sha256.map(LogName::Stored).ok_or_else(|| {
                QueryError::NotFound(format!("{path} is no longer in the workspace."))
            })
        }
        LogKey::Merged { .. } => Err(QueryError::Unanswerable(
            "FS-LOG-005: a bookmark is of one log, and here several are merged. Open one of them."
                .to_owned(),
        )),
    }
}

/// The stored bookmarks of a log whose lines are there, in the order of the log.
fn standing(context: &QueryContext, key: &LogKey) -> Result<Vec<BookmarkRow>, QueryError> {
    let mut rows = context.reader()?.bookmarks(&name_of(context, key)?)?;
    if rows.is_empty() {
        return Ok(rows);
    }
    let log = context.log_so_far(key)?;
    let n_bytes = log.summary().n_bytes.1;
    rows.retain(|row| row.offset < n_bytes && stands(row, |place| log.raw(place)));
    Ok(rows)
}

/// True when the line of a bookmark is where it was. Of stored bytes it always is; a file on disk may have been written anew.
pub(crate) fn stands<'a>(
    row: &BookmarkRow,
    bytes: impl FnOnce(std::ops::Range<usize>) -> &'a [u8],
) -> bool {
    let Some(head) = &row.head else { return true };
    let Ok(start) = usize::try_from(row.offset) else {
        return false;
    };
    let there = bytes(start..start.saturating_add(head.len() / 2));
    hex(there) == *head
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        // Writing to a string does not fail.
        _ = write!(text, "{byte:02x}");
    }
    text
}

/// Says of each row of a page whether it has a bookmark.
pub(super) fn mark(
    context: &QueryContext,
    key: &LogKey,
    page: &mut LogPage,
) -> Result<(), QueryError> {
    for (index, log) in key.logs().iter().enumerate() {
        let stored = standing(context, &log.key)?;
        for row in page.rows.rows.iter_mut().filter(|row| row.log == index) {
            let next = stored.partition_point(|bookmark| bookmark.offset < row.offset);
            let end = row.offset.saturating_add(row.len);
            row.bookmark = stored
                .get(next)
                .is_some_and(|bookmark| bookmark.offset < end);
        }
    }
    Ok(())
}

/// The positions of a log that have bookmarks.
pub(super) fn rows_of(
    context: &QueryContext,
    key: &LogKey,
    log: &dyn ShownLog,
) -> Result<RowSet, QueryError> {
    let mut positions = Vec::new();
    for (index, part) in key.logs().iter().enumerate() {
        let stored = standing(context, &part.key)?;
        if stored.is_empty() {
            continue;
        }
        let own = context.log(&part.key)?;
        let rows = stored.iter().map(|bookmark| own.row_at(bookmark.offset));
        positions.extend(rows.map(|row| log.position(index, row)));
    }
    Ok(RowSet::of(log.summary().n_rows, positions))
}

//! The last rows of a log: always the same question, so that the rows before stay in sight until the new ones are there.

use super::log_rows::{LogPage, LogRowsQuery};
use crate::engine::context::QueryContext;
use crate::engine::logs::filter::FilterStack;
use crate::engine::logs::view::LogKey;
use crate::engine::query::{Query, QueryError};

/// Asks for the last rows of a log.
#[derive(Clone, Debug)]
pub struct LogTailQuery {
    /// The log.
    pub key: LogKey,
    /// How many.
    pub count: u32,
}

impl Query for LogTailQuery {
    type Output = LogPage;

    fn run(&self, context: &QueryContext) -> Result<LogPage, QueryError> {
        let rows = |first, count| LogRowsQuery {
            key: self.key.clone(),
            stack: FilterStack::default(),
            first,
            count,
            find: None,
        };
        // Rows that are folded into others do not count: first how many there are.
        let all = rows(0, 0).run(context)?.rows.n_visible;
        rows(all.saturating_sub(u64::from(self.count)), self.count).run(context)
    }

    fn own_revision(&self, context: &QueryContext) -> u64 {
        context.opened_logs().revision(&self.key)
    }
}

//! Find anything: crashes, captures, functions, devices, builds.

use super::captures::CaptureRow;
use super::crash_list::CrashRow;
use super::issue_list::IssueListQuery;
use crate::engine::context::QueryContext;
use crate::engine::query::{Query, QueryError};

/// The most hits of each kind.
const MOST_HITS: usize = 20;

/// Asks for everything that holds `text`.
#[derive(Clone, Debug)]
pub struct FindQuery {
    /// What to look for, in any letter case.
    pub text: String,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Crashes, newest first.
    pub crashes: Vec<CrashRow>,
    /// Captures, newest first.
    pub captures: Vec<CaptureRow>,
}

impl Query for FindQuery {
    type Output = Found;

    fn run(&self, context: &QueryContext) -> Result<Found, QueryError> {
        let issues = IssueListQuery {
            find: self.text.clone(),
        }
        .run(context)?;
        let mut crashes: Vec<CrashRow> =
            issues.into_iter().flat_map(|issue| issue.crashes).collect();
        crashes.sort_by_key(|row| std::cmp::Reverse(row.id));
        crashes.truncate(MOST_HITS);
        let needle = self.text.to_lowercase();
        let mut captures = context.capture_rows()?;
        captures.retain(|row| {
            row.name.to_lowercase().contains(&needle)
                || row
                    .device
                    .as_ref()
                    .is_some_and(|d| d.to_lowercase().contains(&needle))
        });
        captures.truncate(MOST_HITS);
        Ok(Found { crashes, captures })
    }
}

//! Workspaces that were opened lately, newest first.

use crate::engine::context::QueryContext;
use crate::engine::query::{Query, QueryError};
use crate::engine::recent::{RecentWorkspace, read_recent};

/// Asks for the list.
#[derive(Clone, Debug)]
pub struct RecentQuery;

impl Query for RecentQuery {
    type Output = Vec<RecentWorkspace>;

    fn run(&self, context: &QueryContext) -> Result<Vec<RecentWorkspace>, QueryError> {
        Ok(read_recent(context.recent_file().as_deref()))
    }
}

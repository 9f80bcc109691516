//! Named filter sets of the workspace.

use crate::engine::context::QueryContext;
use crate::engine::logs::filter::FilterStack;
use crate::engine::query::{Query, QueryError};

/// Asks for all filter sets, by name.
#[derive(Clone, Debug)]
pub struct FilterSetsQuery;

/// A filter set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFilters {
    /// Its name.
    pub name: String,
    /// The filters; else why they are not understood, in words.
    pub stack: Result<FilterStack, String>,
    /// When it was saved last, RFC 3339.
    pub saved_at: String,
}

impl Query for FilterSetsQuery {
    type Output = Vec<NamedFilters>;

    fn run(&self, context: &QueryContext) -> Result<Vec<NamedFilters>, QueryError> {
        let rows = context.reader()?.filter_sets()?.into_iter();
        let sets = rows.map(|row| NamedFilters {
            stack: serde_json::from_str(&row.stack).map_err(|error| {
                format!("FS-MARK-002: these filters are not understood ({error}). Another version of Fieldscope may have saved them.")
            }),
            name: row.name,
            saved_at: row.saved_at,
        });
        Ok(sets.collect())
    }
}

impl QueryContext {
    /// The filters of the set with this name.
    pub fn filters_named(&self, name: &str) -> Result<FilterStack, QueryError> {
        let sets = self.run(&FilterSetsQuery)?;
        let Some(set) = sets.iter().find(|set| set.name == name.trim()) else {
            return Err(QueryError::Unanswerable(format!(
                "FS-MARK-003: the workspace has no filter set {name}; `fieldscope query filter-sets` lists them."
            )));
        };
        set.stack.clone().map_err(QueryError::Unanswerable)
    }
}

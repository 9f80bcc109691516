//! Which variables differ: of a crash against another one of the same build, or against the ELF's initial values.

use crate::analysis::variable_diff;
use crate::engine::context::QueryContext;
use crate::engine::query::{Query, QueryError};
use crate::model::memory::Memory;
use crate::symbols::initial_memory::InitialMemory;

pub use crate::analysis::variable_diff::{DifferenceRow, MOST_ROWS, VariableDiff};

/// Asks which global variables differ.
#[derive(Clone, Debug)]
pub struct VariableDiffQuery {
    /// Id of the crash in the workspace: the second of the two values.
    pub crash: i64,
    /// The crash to compare with; `None`: the ELF's initial values.
    pub against: Option<i64>,
    /// Part of the name, in any letter case; empty for all.
    pub find: String,
}

impl Query for VariableDiffQuery {
    type Output = VariableDiff;

    fn run(&self, context: &QueryContext) -> Result<VariableDiff, QueryError> {
        let opened = context.open_crash(self.crash)?;
        let builds: Vec<_> = opened.builds().cloned().collect();
        let Some(build) = builds.first() else {
            return Err(QueryError::Unanswerable(
                "FS-SYM-002: variables need the ELF of this crash. Add it to the symbols."
                    .to_owned(),
            ));
        };
        let other = match self.against {
            None => None,
            Some(against) => {
                let other = context.open_crash(against)?;
                if !other.builds().any(|id| id == build) {
                    return Err(QueryError::Unanswerable(
                        "FS-DIFF-001: the two crashes are of different builds, so their variables are not the same. \
                         Choose a crash of the same build."
                            .to_owned(),
                    ));
                }
                Some(other)
            }
        };
        let nothing_captured = || {
            QueryError::Unanswerable(
                "FS-DIFF-002: this capture holds no memory, so there are no variables in it."
                    .to_owned(),
            )
        };
        let before = match &other {
            Some(other) => Some(other.dump().ok_or_else(nothing_captured)?),
            None => None,
        };
        let mut answer = opened.with_symbols(|dump, symbols| {
            if dump.memory.is_empty() || before.is_some_and(|before| before.memory.is_empty()) {
                return Err(nothing_captured());
            }
            let initial = InitialMemory::new(symbols);
            let before: &dyn Memory = match before {
                Some(before) => &before.memory,
                None => &initial,
            };
            Ok(variable_diff::compare(
                symbols,
                before,
                &dump.memory,
                &self.find,
            ))
        })??;
        if self.against.is_none() {
            answer.notes.insert(
                0,
                "Compared with the values that the ELF starts with.".to_owned(),
            );
        }
        Ok(answer)
    }
}

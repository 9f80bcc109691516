//! Global and static variables of a crash, with their values.

use crate::engine::context::QueryContext;
use crate::engine::query::{Query, QueryError};
use crate::model::addr::TargetAddr;
use crate::model::memory::Overlay;
use crate::model::report::Local;
use crate::symbols::globals::{globals, read_global};
use crate::symbols::variables::ValueLimits;

/// The most variables of one answer; a search narrows it down.
pub const MOST_GLOBALS: usize = 500;

/// Asks for the variables whose name holds `find`, in any letter case.
#[derive(Clone, Debug)]
pub struct CrashGlobalsQuery {
    /// Id in the workspace.
    pub crash: i64,
    /// Part of the name; empty for all.
    pub find: String,
}

/// Variables in the order of their names.
#[derive(Clone, Debug)]
pub struct CrashGlobals {
    /// The first [`MOST_GLOBALS`] of them.
    pub variables: Vec<GlobalRow>,
    /// How many matched.
    pub n_found: usize,
}

/// One variable.
#[derive(Clone, Debug)]
pub struct GlobalRow {
    /// Where it lies.
    pub address: Option<TargetAddr>,
    /// `main.c:12`.
    pub place: Option<String>,
    /// The value as a tree.
    pub value: Local,
}

impl Query for CrashGlobalsQuery {
    type Output = CrashGlobals;

    fn run(&self, context: &QueryContext) -> Result<CrashGlobals, QueryError> {
        let needle = self.find.to_lowercase();
        let opened = context.open_crash(self.crash)?;
        opened.with_symbols(|dump, symbols| {
            let constants = symbols.constants();
            let memory = Overlay { first: &dump.memory, second: &constants };
            let mut found = Vec::new();
            for info in &symbols.infos {
                for variable in globals(info) {
                    if variable.name.to_lowercase().contains(&needle) {
                        found.push((info, variable));
                    }
                }
            }
            found.sort_by(|(_, a), (_, b)| (&a.name, a.address).cmp(&(&b.name, b.address)));
            let n_found = found.len();
            let variables = found
                .into_iter()
                .take(MOST_GLOBALS)
                .map(|(info, variable)| GlobalRow {
                    address: Some(TargetAddr(variable.address)),
                    place: variable.file.as_ref().map(|file| match variable.line {
                        Some(line) => format!("{file}:{line}"),
                        None => file.clone(),
                    }),
                    value: read_global(info, &variable, &memory, symbols, &ValueLimits::default()),
                })
                .collect();
            CrashGlobals { variables, n_found }
        })
    }
}

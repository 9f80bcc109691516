//! What a pointer points to, on demand.

use crate::engine::context::QueryContext;
use crate::engine::query::{Query, QueryError};
use crate::model::addr::TargetAddr;
use crate::model::memory::Overlay;
use crate::model::report::Local;
use crate::symbols::globals::follow_pointer;
use crate::symbols::variables::ValueLimits;

/// Asks for the value at `address`, read as what `type_name` (a pointer type) points to.
#[derive(Clone, Debug)]
pub struct FollowPointerQuery {
    /// Id in the workspace.
    pub crash: i64,
    /// The pointer's type, as in [`Local::type_name`].
    pub type_name: String,
    /// The address it holds.
    pub address: TargetAddr,
}

impl Query for FollowPointerQuery {
    type Output = Local;

    fn run(&self, context: &QueryContext) -> Result<Local, QueryError> {
        let opened = context.open_crash(self.crash)?;
        let local = opened.with_symbols(|dump, symbols| {
            let constants = symbols.constants();
            let memory = Overlay { first: &dump.memory, second: &constants };
            let read = |info| {
                let limits = ValueLimits::default();
                follow_pointer(info, &self.type_name, self.address, &memory, symbols, &limits)
            };
            // An ELF that does not know the type answers without one: the next may know it.
            symbols.infos.iter().map(read).find(|local| local.type_name.is_some())
        })?;
        local.ok_or_else(|| {
            QueryError::Unanswerable(format!("The type {} is not in the symbols.", self.type_name))
        })
    }
}

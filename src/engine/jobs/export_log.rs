//! Writes what is shown of a log to a file.

use crate::engine::Engine;
use crate::engine::job::{JobContext, JobError, JobResult};
use crate::engine::logs::export::{Export, ExportError, export};
use crate::engine::logs::view::LogKey;

/// Carries it out.
pub(super) fn run(engine: &Engine, key: &LogKey, asked: &Export, job: &JobContext) -> JobResult {
    let context = engine.workspace().context();
    let log = context.log_for(key, &asked.stack).map_err(super::failed)?;
    match export(&*log, asked, job) {
        Ok(1) => Ok(format!("1 line written to {}", asked.path.display())),
        Ok(n) => Ok(format!("{n} lines written to {}", asked.path.display())),
        Err(ExportError::Cancelled(cancelled)) => Err(JobError::from(cancelled)),
        Err(error) => Err(super::failed(error)),
    }
}

//! The log that tells of a crash.

use crate::engine::context::QueryContext;
use crate::engine::logs::view::LogKey;
use crate::engine::query::{Query, QueryError};
use crate::store::capture::FileKind;
use crate::store::ids::CrashId;

/// Asks for the log that a crash stands in.
#[derive(Clone, Debug)]
pub struct LogOfCrashQuery {
    /// Id in the workspace.
    pub crash: i64,
}

impl Query for LogOfCrashQuery {
    /// `None` when it came in a dump alone.
    type Output = Option<LogKey>;

    fn run(&self, context: &QueryContext) -> Result<Option<LogKey>, QueryError> {
        let reader = context.reader()?;
        let crash = reader.crash(CrashId(self.crash))?;
        let files = reader.files(crash.capture)?;
        let mut logs = files.iter().filter(|file| file.kind == FileKind::Log);
        let found = logs.find(|file| crash.sources.iter().any(|source| source.path == file.path));
        Ok(found.map(|file| LogKey::InCapture {
            capture: crash.capture.0,
            path: file.path.clone(),
        }))
    }
}

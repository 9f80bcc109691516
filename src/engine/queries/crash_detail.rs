//! One crash with everything: the crash screen.

use super::crash_list::CrashRow;
use crate::engine::context::QueryContext;
use crate::engine::query::{Query, QueryError};
use crate::engine::reports::Depth;
use crate::model::memory::MemoryRegion;
use crate::model::report::CrashReport;

/// Asks for one crash.
#[derive(Clone, Debug)]
pub struct CrashDetailQuery {
    /// Id in the workspace.
    pub crash: i64,
}

/// The crash screen's data.
#[derive(Clone, Debug)]
pub struct CrashDetail {
    /// The row of the list.
    pub row: CrashRow,
    /// The report, with locals.
    pub report: CrashReport,
    /// Captured memory ranges: start and length in bytes.
    pub memory: Vec<(u64, u64)>,
    /// How many crashes have the same fingerprint, this one counted.
    pub n_alike: usize,
    /// On how many devices.
    pub n_alike_devices: usize,
}

impl Query for CrashDetailQuery {
    type Output = CrashDetail;

    fn run(&self, context: &QueryContext) -> Result<CrashDetail, QueryError> {
        let rows = context.crash_rows()?;
        let row = rows
            .iter()
            .find(|row| row.id == self.crash)
            .cloned()
            .ok_or_else(|| QueryError::NotFound("This crash is no longer in the workspace.".to_owned()))?;
        let alike: Vec<&CrashRow> = rows
            .iter()
            .filter(|other| row.fingerprint.is_some() && other.fingerprint == row.fingerprint)
            .collect();
        let mut devices: Vec<(Option<&String>, i64)> = alike
            .iter()
            .map(|c| (c.device.as_ref(), if c.device.is_some() { 0 } else { c.capture }))
            .collect();
        devices.sort();
        devices.dedup();
        let (n_alike, n_alike_devices) = (alike.len(), devices.len());
        let opened = context.open_crash(self.crash)?;
        let report = opened.report(Depth::Locals)?;
        let memory = opened
            .dump()
            .map(|dump| {
                let range = |region: &MemoryRegion| (region.start, region.bytes.len() as u64);
                dump.memory.regions().iter().map(range).collect()
            })
            .unwrap_or_default();
        Ok(CrashDetail { row, report, memory, n_alike, n_alike_devices })
    }
}

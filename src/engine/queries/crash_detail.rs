//! One crash with everything: the crash screen.

use super::crash_list::CrashRow;
use super::issue_list::{Issue, IssueListQuery};
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
    /// The issue it belongs to.
    pub issue: Option<IssueOfCrash>,
}

/// The issue of a crash, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueOfCrash {
    /// Names it.
    pub key: String,
    /// Its title.
    pub title: String,
    /// How many crashes it has, this one counted.
    pub n_crashes: usize,
    /// On how many devices.
    pub n_devices: usize,
    /// A person closed it.
    pub is_closed: bool,
    /// What a person noted.
    pub note: Option<String>,
}

impl From<Issue> for IssueOfCrash {
    fn from(issue: Issue) -> Self {
        Self {
            key: issue.key,
            title: issue.title,
            n_crashes: issue.crashes.len(),
            n_devices: issue.n_devices,
            is_closed: issue.is_closed,
            note: issue.note,
        }
    }
}

impl Query for CrashDetailQuery {
    type Output = CrashDetail;

    fn run(&self, context: &QueryContext) -> Result<CrashDetail, QueryError> {
        let rows = context.crash_rows()?;
        let row = rows
            .iter()
            .find(|row| row.id == self.crash)
            .cloned()
            .ok_or_else(|| {
                QueryError::NotFound("This crash is no longer in the workspace.".to_owned())
            })?;
        let issues = IssueListQuery::default().run(context)?;
        let issue = issues.into_iter().find(|issue| issue.holds_crash(&row));
        let opened = context.open_crash(self.crash)?;
        let report = opened.report(Depth::Locals)?;
        let memory = opened
            .dump()
            .map(|dump| {
                let range = |region: &MemoryRegion| (region.start, region.bytes.len() as u64);
                dump.memory.regions().iter().map(range).collect()
            })
            .unwrap_or_default();
        Ok(CrashDetail {
            row,
            report,
            memory,
            issue: issue.map(IssueOfCrash::from),
        })
    }
}

//! What an import found, kept and did not understand.

use super::captures::CaptureRow;
use crate::engine::context::QueryContext;
use crate::engine::query::{Query, QueryError};

/// Asks for the report of one capture.
#[derive(Clone, Debug)]
pub struct ImportReportQuery {
    /// The capture.
    pub capture: i64,
}

/// The report.
#[derive(Clone, Debug)]
pub struct ImportReport {
    /// The capture.
    pub capture: CaptureRow,
    /// Its files.
    pub files: Vec<ReportFile>,
    /// What was found, repaired, skipped or refused, in the order of the files.
    pub findings: Vec<ReportFinding>,
}

/// One file of the capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportFile {
    /// Path in the bundle.
    pub path: String,
    /// Size in bytes.
    pub size_bytes: u64,
    /// What it was taken for: `elf-core`, `text`, `symbols`, `unknown`.
    pub format: String,
    /// `understood`, `partly`, `not_understood`.
    pub status: String,
    /// Lines, of a text.
    pub n_lines: Option<u64>,
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportFinding {
    /// Path in the bundle.
    pub path: String,
    /// `found`, `kept`, `repaired`, `skipped` or `refused`.
    pub kind: String,
    /// Byte offset in the file.
    pub offset: Option<u64>,
    /// Length in bytes.
    pub length: Option<u64>,
    /// Code, of a warning.
    pub code: Option<String>,
    /// In words.
    pub message: String,
}

impl Query for ImportReportQuery {
    type Output = ImportReport;

    fn run(&self, context: &QueryContext) -> Result<ImportReport, QueryError> {
        context.import_report(self.capture)
    }
}

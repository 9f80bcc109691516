//! Every capture of the workspace, newest first.

use crate::engine::context::QueryContext;
use crate::engine::query::{Query, QueryError};

/// Asks for the captures.
#[derive(Clone, Debug)]
pub struct CapturesQuery;

/// One capture in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureRow {
    /// Id in the workspace.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// When it was imported, RFC 3339.
    pub imported_at: String,
    /// Serial number of the device, if known.
    pub device: Option<String>,
    /// Software version, if known.
    pub version: Option<String>,
    /// Files in it.
    pub n_files: u64,
    /// Boots in it.
    pub n_boots: u64,
    /// Crashes in it.
    pub n_crashes: u64,
    /// Size of its raw bytes.
    pub size_bytes: u64,
}

impl Query for CapturesQuery {
    type Output = Vec<CaptureRow>;

    fn run(&self, context: &QueryContext) -> Result<Vec<CaptureRow>, QueryError> {
        context.capture_rows()
    }
}

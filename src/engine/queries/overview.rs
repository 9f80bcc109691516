//! What a workspace holds, for the status bar and the home screen.

use crate::engine::context::QueryContext;
use crate::engine::query::{Query, QueryError};

/// Asks for the counts.
#[derive(Clone, Debug)]
pub struct OverviewQuery;

/// Counts of everything in the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// File name of the workspace.
    pub name: String,
    /// Captures, those removed not counted.
    pub n_captures: u64,
    /// Devices.
    pub n_devices: u64,
    /// Boots.
    pub n_boots: u64,
    /// Crashes.
    pub n_crashes: u64,
    /// Crashes without symbols.
    pub n_waiting: u64,
    /// Builds in the symbol library.
    pub n_symbol_files: u64,
    /// Size of the workspace file.
    pub size_bytes: u64,
    /// Why nothing can be written, if so.
    pub read_only: Option<String>,
}

impl Query for OverviewQuery {
    type Output = Overview;

    fn run(&self, context: &QueryContext) -> Result<Overview, QueryError> {
        let counts = context.reader()?.overview()?;
        Ok(Overview {
            name: context.name(),
            n_captures: counts.n_captures,
            n_devices: counts.n_devices,
            n_boots: context.capture_rows()?.iter().map(|row| row.n_boots).sum(),
            n_crashes: counts.n_crashes,
            n_waiting: counts.n_crashes_without_symbols,
            n_symbol_files: counts.n_symbol_files,
            size_bytes: counts.file_bytes,
            read_only: context.read_only(),
        })
    }
}

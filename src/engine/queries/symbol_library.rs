//! The symbol library: which builds are at hand, and which crashes wait for one that is not.

use crate::engine::context::QueryContext;
use crate::engine::query::{Query, QueryError};
use serde::Serialize;

/// Asks for the library.
#[derive(Clone, Debug)]
pub struct SymbolLibraryQuery;

/// Builds at hand and builds that are missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SymbolLibraryView {
    /// At hand, by path.
    pub builds: Vec<BuildRow>,
    /// Missing, the most wanted first.
    pub missing: Vec<MissingBuild>,
}

/// One ELF of the library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BuildRow {
    /// Build id, as hex.
    pub build_id: String,
    /// Where it is: a path on disk, or a file of a capture.
    pub path: String,
    /// Processor.
    pub arch: String,
    /// What its debug information allows: `full`, `lines`, `names`, `none`.
    pub quality: String,
    /// What is lost by that and how to get it.
    pub advice: String,
    /// Size in bytes.
    pub size_bytes: u64,
    /// The file is still where it was.
    pub is_there: bool,
    /// Came with a capture and is kept in the workspace.
    pub is_in_workspace: bool,
}

/// A build that crashes wait for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MissingBuild {
    /// Build id, as hex; `None` for crashes that name no build.
    pub build_id: Option<String>,
    /// How many crashes wait.
    pub n_crashes: u64,
    /// Names of the captures they came with.
    pub captures: Vec<String>,
    /// Software version, if a crash of that build says so.
    pub version: Option<String>,
    /// The first waiting crash: what the user may choose an ELF for.
    pub first_crash: Option<i64>,
}

impl MissingBuild {
    /// `3 crashes wait for build a1e688f2 (1.4.2)`.
    pub fn sentence(&self) -> String {
        let crashes = if self.n_crashes == 1 {
            "1 crash waits".to_owned()
        } else {
            format!("{} crashes wait", self.n_crashes)
        };
        let version = self.version.as_ref().map(|v| format!(" ({v})")).unwrap_or_default();
        match &self.build_id {
            Some(id) => format!("{crashes} for build {id}{version}"),
            None => format!("{crashes} for an ELF that you choose: the capture names no build{version}"),
        }
    }
}

impl Query for SymbolLibraryQuery {
    type Output = SymbolLibraryView;

    fn run(&self, context: &QueryContext) -> Result<SymbolLibraryView, QueryError> {
        context.symbol_library()
    }
}

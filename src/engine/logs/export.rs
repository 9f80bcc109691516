//! The rows that filters let through, written to a file: whole, or not at all.

use super::filter::FilterStack;
use super::open_log::{LogError, LogStyle};
use super::shown::ShownLog;
use crate::engine::whole_file::{FileError, written_whole};
use crate::model::progress::{Cancelled, Progress};
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

/// How rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExportFormat {
    /// As `fieldscope logs` prints them.
    #[default]
    Text,
    /// As `fieldscope logs --json` prints them.
    JsonLines,
}

/// What is exported, and where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// The filters. Rows that are folded are written too.
    pub stack: FilterStack,
    /// How.
    pub format: ExportFormat,
    /// The file.
    pub path: PathBuf,
    /// A file that is there is replaced: somebody agreed to that.
    pub replaces: bool,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// It was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// A filter cannot be used.
    #[error("FS-LOG-001: {0}.")]
    Filter(String),
    /// There is such a file.
    #[error("FS-LOG-006: {} is there already and was left as it is. Choose another name.", .0.display())]
    Exists(PathBuf),
    /// The file cannot be written.
    #[error("FS-LOG-007: {error}: {}. Nothing was written. Choose another place.", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The log cannot be read.
    #[error(transparent)]
    Log(LogError),
}

impl From<FileError> for ExportError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Exists(path) => Self::Exists(path),
            FileError::Io { path, error } => Self::Io { path, error },
        }
    }
}

impl ExportFormat {
    /// All.
    pub const ALL: [Self; 2] = [Self::Text, Self::JsonLines];

    /// On screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::JsonLines => "JSON Lines",
        }
    }

    /// Ending of a file name.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Text => "log",
            Self::JsonLines => "jsonl",
        }
    }

    fn style(self) -> LogStyle {
        match self {
            Self::Text => LogStyle::Text,
            Self::JsonLines => LogStyle::Json,
        }
    }
}

/// Writes the rows of a log that filters let through; how many there were.
pub fn export(
    log: &dyn ShownLog,
    export: &Export,
    progress: &dyn Progress,
) -> Result<u64, ExportError> {
    let whole = FilterStack {
        shows_data: true,
        folds: false,
        ..export.stack.clone()
    };
    let rows = log
        .listed(&whole, progress)?
        .map_err(ExportError::Filter)?
        .let_through;
    let failed = |error: LogError| match error {
        LogError::Io(error) => FileError::io(&export.path, error).into(),
        LogError::Cancelled(cancelled) => ExportError::Cancelled(cancelled),
        other @ LogError::Store(_) => ExportError::Log(other),
    };
    written_whole(&export.path, export.replaces, |file| {
        let mut out = BufWriter::new(file);
        let style = export.format.style();
        let n = log.print_rows(rows.as_deref(), style, &mut out, progress);
        let n = n.map_err(failed)?;
        out.flush().map_err(|error| failed(LogError::Io(error)))?;
        Ok(n)
    })
}

//! Lines of source around a place, if the file is on this computer.

use crate::engine::context::QueryContext;
use crate::engine::demo;
use crate::engine::query::{Query, QueryError};
use crate::model::build_id::BuildId;
use std::path::PathBuf;

/// Lines shown before and after.
const AROUND: u32 = 200;
/// A source file larger than this is not shown.
const LARGEST_SOURCE_BYTES: u64 = 16 << 20;

/// Whose ELF names the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceOf {
    /// A crash, by its id in the workspace.
    Crash(i64),
    /// A build, by its id as hex.
    Build(String),
}

/// Asks for the lines around `line` of `file`, as an ELF names it.
#[derive(Clone, Debug)]
pub struct SourceLinesQuery {
    /// Whose.
    pub of: SourceOf,
    /// File as in a frame.
    pub file: String,
    /// Line of interest, from 1.
    pub line: u32,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceLines {
    /// The lines.
    Found {
        /// Where the file was found.
        path: String,
        /// Number of the first line.
        first: u32,
        /// The lines, without their ends.
        lines: Vec<String>,
    },
    /// Not on this computer.
    NotHere {
        /// Where it was looked for.
        tried: Vec<String>,
    },
}

impl Query for SourceLinesQuery {
    type Output = SourceLines;

    fn run(&self, context: &QueryContext) -> Result<SourceLines, QueryError> {
        let (candidates, builds) = match &self.of {
            SourceOf::Crash(crash) => {
                let opened = context.open_crash(*crash)?;
                let candidates = opened
                    .with_symbols(|_, symbols| context.source_candidates(symbols, &self.file))??;
                (candidates, opened.builds().cloned().collect::<Vec<_>>())
            }
            SourceOf::Build(build) => {
                let id = BuildId::from_hex(build);
                let (matched, _why) = context.build_for_text(id.as_ref(), build)?;
                let candidates = context.with_matched(&matched, |symbols| {
                    context.source_candidates(symbols, &self.file)
                })?;
                (candidates, id.into_iter().collect())
            }
        };
        for path in &candidates {
            if let Some(text) = read(path) {
                return Ok(self.around(path.display().to_string(), &text));
            }
        }
        if let Some(text) = builds.iter().find_map(|id| demo::source(id, &self.file)) {
            return Ok(self.around(self.file.clone(), text));
        }
        let tried = candidates
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        Ok(SourceLines::NotHere { tried })
    }
}

impl SourceLinesQuery {
    fn around(&self, path: String, text: &str) -> SourceLines {
        let first = self.line.saturating_sub(AROUND).max(1);
        let skip = usize::try_from(first - 1).unwrap_or(usize::MAX);
        let take = usize::try_from(2 * AROUND + 1).unwrap_or(usize::MAX);
        let lines = text.lines().skip(skip).take(take).map(str::to_owned);
        SourceLines::Found {
            path,
            first,
            lines: lines.collect(),
        }
    }
}

fn read(path: &PathBuf) -> Option<String> {
    let meta = std::fs::metadata(path).ok()?;
    if !meta.is_file() || meta.len() > LARGEST_SOURCE_BYTES {
        return None;
    }
    Some(String::from_utf8_lossy(&std::fs::read(path).ok()?).into_owned())
}

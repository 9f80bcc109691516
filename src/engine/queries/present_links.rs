//! What a board could be reached by now, and what was used last. Nothing is opened.

use crate::engine::context::QueryContext;
use crate::engine::live::choice::{LinkChoice, last_used};
use crate::engine::live::{LINKS, recording_beside};
use crate::engine::query::{Query, QueryError};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// No more recordings than this are offered; others are chosen as files.
const RECORDINGS: usize = 5;

/// Asks what is present. The answer is made anew each second, for as long as somebody asks.
#[derive(Clone, Debug)]
pub struct PresentLinksQuery;

/// Links that could be opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PresentLinks {
    /// What is present, by the system's own lists.
    pub present: Vec<PresentLink>,
    /// The links that were used last in this workspace.
    pub last: Vec<LinkChoice>,
    /// The last recordings of sessions in this workspace, the newest first.
    pub recordings: Vec<LastRecording>,
}

/// A recording that could be told again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastRecording {
    /// The file.
    pub path: PathBuf,
    /// Its bytes.
    pub n_bytes: u64,
    /// When it was written last.
    pub ended: SystemTime,
}

/// Something that a link could be opened to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentLink {
    /// What people call it.
    pub title: String,
    /// What opens it; other settings keep their defaults.
    pub choice: LinkChoice,
    /// Why it cannot be opened as it is, and what to do.
    pub problem: Option<String>,
}

/// What of sessions lies beside a workspace; nothing of a folder that cannot be read.
fn last_recordings(workspace: &Path) -> Vec<LastRecording> {
    let folder = recording_beside(workspace, "").with_file_name("");
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let found = entries.filter_map(|entry| {
        let path = entry.ok()?.path();
        let file = std::fs::metadata(&path).ok()?;
        let is_one = path.extension().is_some_and(|ending| ending == "fscap") && file.is_file();
        Some(LastRecording {
            n_bytes: file.len(),
            ended: file.modified().ok()?,
            path,
        })
        .filter(|_| is_one)
    });
    let mut found: Vec<LastRecording> = found.collect();
    // They are called by when they began.
    found.sort_by(|a, b| b.path.cmp(&a.path));
    found.truncate(RECORDINGS);
    found
}

impl Query for PresentLinksQuery {
    type Output = PresentLinks;

    fn run(&self, context: &QueryContext) -> Result<PresentLinks, QueryError> {
        let present = LINKS.iter().flat_map(|kind| {
            let present = kind.present().into_iter();
            present.map(|present| PresentLink {
                title: present.title,
                problem: present.problem,
                choice: LinkChoice::new(*kind, present.settings),
            })
        });
        Ok(PresentLinks {
            present: present.collect(),
            last: last_used(context)?,
            recordings: last_recordings(context.path()),
        })
    }

    fn own_revision(&self, _context: &QueryContext) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.map_or(0, |since| since.as_secs())
    }
}

//! The workspaces that were opened lately: a small file in the user's data folder.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// How many are remembered.
const REMEMBERED: usize = 12;

/// One workspace that was opened before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecentWorkspace {
    /// Its file.
    pub path: PathBuf,
    /// When it was opened, RFC 3339.
    pub opened_at: String,
    /// What it held then: `1 device, 3 boots, 2 crashes`.
    pub holds: String,
    /// What the newest crash was, if there was one.
    pub finding: Option<String>,
}

/// The list, newest first; files that are gone are left out.
pub fn read_recent(file: Option<&Path>) -> Vec<RecentWorkspace> {
    let text = file.and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
    let mut all: Vec<RecentWorkspace> = serde_json::from_str(&text).unwrap_or_default();
    all.retain(|recent| recent.path.is_file());
    all
}

/// Puts a workspace on top of the list. A data folder that cannot be written to loses the list only.
pub(super) fn remember(file: Option<&Path>, recent: RecentWorkspace) {
    let Some(file) = file else { return };
    let mut all = read_recent(Some(file));
    all.retain(|old| old.path != recent.path);
    all.insert(0, recent);
    all.truncate(REMEMBERED);
    if let (Some(folder), Ok(text)) = (file.parent(), serde_json::to_string_pretty(&all)) {
        let _unwritable = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(file, text)).is_err();
    }
}

//! Logs that grow: of files that are followed, and of links that are listened to. Each stays open when it grows no longer.

use super::context::QueryContext;
use super::file_bytes::FileBytes;
use super::logs::dictionaries::from_elfs;
use super::logs::session::LogSession;
use super::logs::view::LogRestart;
use crate::formats::boots;
use crate::model::build_id::BuildId;
use crate::model::progress::{Cancelled, Progress};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The logs, by the names of their files.
#[derive(Default)]
pub(super) struct LiveLogs {
    logs: Mutex<BTreeMap<PathBuf, LiveLog>>,
}

struct LiveLog {
    log: Arc<LogSession>,
    revision: u64,
    /// What the link is called that it came over; `None` of a file.
    link: Option<String>,
}

/// One of them in a list.
pub(super) struct ListedLive {
    /// The name of its file; of a link a name that no file has.
    pub path: PathBuf,
    /// What the link is called that it came over; `None` of a file.
    pub link: Option<String>,
    /// The log as it is now.
    pub log: Arc<LogSession>,
}

/// What is known of a log besides its bytes.
pub(super) struct Growing<'g> {
    /// What it is called.
    pub name: &'g str,
    /// Where its file was begun anew.
    pub restarts: &'g [LogRestart],
}

impl LiveLogs {
    /// A log as it is now.
    pub(super) fn get(&self, path: &Path) -> Option<Arc<LogSession>> {
        self.lock().get(path).map(|live| Arc::clone(&live.log))
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<ListedLive> {
        let logs = self.lock();
        let all = logs.iter().map(|(path, live)| ListedLive {
            path: path.clone(),
            link: live.link.clone(),
            log: Arc::clone(&live.log),
        });
        all.collect()
    }

    /// Grows whenever a log does.
    pub(super) fn revision(&self, path: &Path) -> u64 {
        self.lock().get(path).map_or(0, |live| live.revision)
    }

    /// Shows what there is of a file from now on.
    pub(super) fn set(&self, path: &Path, log: Arc<LogSession>) {
        self.put(path, None, log);
    }

    /// Shows what came over a link from now on.
    pub(super) fn set_of_link(&self, path: &Path, link: &str, log: Arc<LogSession>) {
        self.put(path, Some(link.to_owned()), log);
    }

    /// Forgets the logs of links: another session begins.
    pub(super) fn forget_links(&self) {
        let mut logs = self.lock();
        let (links, others): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut *logs)
            .into_iter()
            .partition(|(_, live)| live.link.is_some());
        *logs = others;
        drop(logs);
        drop(links);
    }

    fn put(&self, path: &Path, link: Option<String>, log: Arc<LogSession>) {
        let mut logs = self.lock();
        let revision = logs.get(path).map_or(0, |live| live.revision);
        let revision = revision.saturating_add(1);
        let live = LiveLog {
            log,
            revision,
            link,
        };
        let before = logs.insert(path.to_owned(), live);
        // The window asks for the revision in each frame: it does not wait until what was shown before is put away.
        drop(logs);
        drop(before);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PathBuf, LiveLog>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens what was read of a file. Its format strings are those of the builds that it names, else of the only build at hand.
pub(super) fn open(
    context: &QueryContext,
    growing: &Growing<'_>,
    bytes: FileBytes,
    progress: &dyn Progress,
) -> Result<LogSession, Cancelled> {
    let mut builds: Vec<BuildId> = boots::find(&bytes, progress)?
        .into_iter()
        .filter_map(|boot| boot.build_id)
        .collect();
    builds.sort();
    builds.dedup();
    let mut elfs: Vec<_> = builds
        .iter()
        .filter_map(|build| context.symbol_file(build))
        .collect();
    if builds.is_empty() {
        let only = context.build_for_text(None, "").ok();
        elfs.extend(only.into_iter().flat_map(|(matched, _why)| matched.files));
    }
    let opened = LogSession::open(
        growing.name,
        bytes.clone(),
        from_elfs(&elfs),
        Vec::new(),
        progress,
    )?;
    if growing.restarts.is_empty() {
        return Ok(opened);
    }
    opened.grown(bytes, growing.restarts, progress)
}

/// A log with what was appended to it. It is opened anew only when it begins to name a build whose ELF is at hand: with the
/// format strings of that build rows may read differently.
pub(super) fn grown(
    context: &QueryContext,
    before: &LogSession,
    growing: &Growing<'_>,
    bytes: FileBytes,
    progress: &dyn Progress,
) -> Result<LogSession, Cancelled> {
    let log = before.grown(bytes.clone(), growing.restarts, progress)?;
    let builds = |log: &LogSession| -> BTreeSet<BuildId> {
        let boots = log.summary().boots.iter();
        boots
            .filter_map(|boot| BuildId::from_hex(boot.build_id.as_deref()?))
            .collect()
    };
    let (known, named) = (builds(before), builds(&log));
    if named
        .difference(&known)
        .any(|build| context.symbol_file(build).is_some())
    {
        return open(context, growing, bytes, progress);
    }
    Ok(log)
}

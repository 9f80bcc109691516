//! Logs that are followed: what is appended to a file appears in the window, at most ten times a second.

use crate::engine::Engine;
use crate::engine::context::QueryContext;
use crate::engine::event::{Event, EventSender};
use crate::engine::job::{JobContext, JobError, JobResult, bug_text};
use crate::engine::live_logs::{self, Growing};
use crate::engine::logs::session::LogSession;
use crate::engine::logs::tail::Tail;
use crate::model::progress::Unattended;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// How often a file is looked at. Network shares have no change notices that can be relied on.
const INTERVAL: Duration = Duration::from_millis(100);

/// The files that are followed, each as long as its entry is there.
type Files = Mutex<BTreeMap<PathBuf, Arc<()>>>;

/// The files that are followed, each until it is let go or the engine is.
#[derive(Clone, Default)]
pub(in crate::engine) struct Follows {
    files: Arc<Files>,
}

impl Follows {
    /// Opens a file and follows it from now on.
    pub(in crate::engine) fn start(
        &self,
        engine: &Engine,
        path: &Path,
        job: &JobContext,
    ) -> JobResult {
        let context = engine.workspace().context();
        let failed = |error: std::io::Error| {
            JobError::Failed(format!(
                "FS-LOG-003: {error}: {}. Check the path and try again.",
                path.display()
            ))
        };
        let said = format!("Following {}: what is appended appears", path.display());
        if self.is_followed(path) {
            return Ok(said);
        }
        let mut tail = Tail::open(path, context.folder()).map_err(failed)?;
        tail.poll().map_err(failed)?;
        let bytes = tail.bytes().map_err(failed)?;
        let name = path.display().to_string();
        let growing = Growing {
            name: &name,
            restarts: tail.restarts(),
        };
        let log = Arc::new(live_logs::open(&context, &growing, bytes, job)?);
        context.live_logs().set(path, Arc::clone(&log));
        let alive = Arc::new(());
        let weak = Arc::downgrade(&alive);
        // Of two that began at the same time the later one goes on.
        lock(&self.files).insert(path.to_owned(), alive);
        let (files, events) = (Arc::downgrade(&self.files), engine.events.clone());
        let follow = move || {
            let path = tail.path().to_owned();
            let run = || follow(&context, tail, log, &weak, &events);
            let why = match catch_unwind(AssertUnwindSafe(run)) {
                Ok(Ok(())) => return,
                Ok(Err(error)) => format!("FS-LOG-005: {error}."),
                Err(panic) => bug_text(panic.as_ref()),
            };
            if let Some(files) = files.upgrade() {
                let mut files = lock(&files);
                let is_ours = |alive: &Arc<()>| Weak::ptr_eq(&Arc::downgrade(alive), &weak);
                if files.get(&path).is_some_and(is_ours) {
                    files.remove(&path);
                }
            }
            events.send(Event::Notice(format!(
                "{why} {} is followed no longer. What was read stays open; follow it again to go on.",
                path.display()
            )));
        };
        std::thread::Builder::new()
            .name("follow a log".to_owned())
            .spawn(follow)
            .map_err(failed)?;
        Ok(said)
    }

    /// Follows a file no longer; what was read of it stays open.
    pub(in crate::engine) fn stop(&self, path: &Path) -> String {
        lock(&self.files).remove(path);
        format!("{} is followed no longer", path.display())
    }

    /// True for a file that is followed.
    pub(in crate::engine) fn is_followed(&self, path: &Path) -> bool {
        lock(&self.files).contains_key(path)
    }
}

fn lock(files: &Files) -> MutexGuard<'_, BTreeMap<PathBuf, Arc<()>>> {
    files.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Follows a file until it is let go.
fn follow(
    context: &QueryContext,
    mut tail: Tail,
    mut log: Arc<LogSession>,
    alive: &Weak<()>,
    events: &EventSender,
) -> std::io::Result<()> {
    let name = tail.path().display().to_string();
    loop {
        std::thread::sleep(INTERVAL);
        if alive.upgrade().is_none() {
            return Ok(());
        }
        if !tail.poll()? {
            continue;
        }
        let bytes = tail.bytes()?;
        // Nobody can cancel it, so there is always an answer.
        let growing = Growing {
            name: &name,
            restarts: tail.restarts(),
        };
        let grown = live_logs::grown(context, &log, &growing, bytes, &Unattended)
            .map_err(|_cancelled| std::io::Error::other("cancelled"))?;
        log = Arc::new(grown);
        context.live_logs().set(tail.path(), Arc::clone(&log));
        events.wake();
    }
}

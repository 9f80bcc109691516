//! A watched folder: what appears in it is imported once it has stopped growing.

use crate::engine::Engine;
use crate::engine::command::Command;
use crate::engine::job::{JobError, JobResult};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// How often the folder is looked at. Network shares have no change notices that can be relied on.
const INTERVAL: Duration = Duration::from_secs(2);

/// The folder that is watched; replacing it ends the watch before.
#[derive(Clone, Default)]
pub(in crate::engine) struct Watch {
    folder: Arc<Mutex<Option<Arc<PathBuf>>>>,
}

impl Watch {
    /// The folder, if one is watched.
    pub(in crate::engine) fn folder(&self) -> Option<PathBuf> {
        self.lock().as_ref().map(|folder| folder.as_ref().clone())
    }

    /// Watches another folder, or none. What is in it already is left alone.
    pub(in crate::engine) fn set(&self, engine: &Engine, folder: Option<PathBuf>) -> JobResult {
        let Some(path) = folder else {
            *self.lock() = None;
            return Ok("No folder is watched".to_owned());
        };
        let seen = look(&path).map_err(|error| {
            JobError::Failed(format!(
                "The folder cannot be watched: {error}: {}",
                path.display()
            ))
        })?;
        let folder = Arc::new(path);
        let alive = Arc::downgrade(&folder);
        *self.lock() = Some(Arc::clone(&folder));
        let engine = engine.clone();
        let watch = move || watch(&engine, &alive, seen);
        std::thread::Builder::new()
            .name("watch folder".to_owned())
            .spawn(watch)
            .map_err(|error| {
                JobError::Failed(format!("No thread could be started to watch: {error}"))
            })?;
        Ok(format!(
            "Watching {}: what appears there is imported",
            folder.display()
        ))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<PathBuf>>> {
        self.folder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sizes of the files at one look.
type Sizes = BTreeMap<PathBuf, u64>;

fn watch(engine: &Engine, folder: &Weak<PathBuf>, mut seen: Sizes) {
    let mut growing: Sizes = Sizes::new();
    loop {
        std::thread::sleep(INTERVAL);
        let Some(path) = folder.upgrade() else { return };
        // A share that is away for a moment is looked at again later.
        let Ok(now) = look(&path) else { continue };
        let mut ready = Vec::new();
        for (file, size) in &now {
            if seen.get(file) == Some(size) {
                continue;
            }
            if growing.insert(file.clone(), *size) == Some(*size) {
                growing.remove(file);
                seen.insert(file.clone(), *size);
                ready.push(file.clone());
            }
        }
        drop(path);
        for file in ready {
            engine.submit(Command::Import {
                paths: vec![file],
                asks: false,
            });
        }
    }
}

fn look(folder: &Path) -> std::io::Result<Sizes> {
    let mut sizes = Sizes::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        if meta.is_file() {
            sizes.insert(entry.path(), meta.len());
        }
    }
    Ok(sizes)
}

//! One writer at a time: an advisory lock of the operating system on a file beside the workspace.
//!
//! The system drops the lock when its process ends, however it ends, so a stale file never locks
//! anybody out. The file's text says who holds it, for the notice that the second one gets.
//! The workspace file itself is never opened here: on POSIX systems, closing any descriptor of a
//! file drops the locks that SQLite holds on it in the same process.

use std::{
    ffi::OsString,
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
};

/// Held for as long as this value lives.
pub(super) struct WriterLock {
    path: PathBuf,
    // Dropped after the file was removed: nobody can take a lock on a file about to vanish.
    _file: File,
}

/// How asking for the lock ended.
pub(super) enum LockOutcome {
    /// We are the writer.
    Ours(WriterLock),
    /// Somebody else is; their own words, if they could be read.
    Theirs(Option<String>),
    /// The place cannot be written.
    NotWritable(io::Error),
}

/// Asks for the lock of `workspace`. Never waits.
pub(super) fn take(workspace: &Path, now: &str) -> LockOutcome {
    let path = lock_path(workspace);
    // A few rounds, because the former owner may remove the file between our opening and locking it.
    for _ in 0..8 {
        match try_take(&path, now) {
            Ok(Some(outcome)) => return outcome,
            Ok(None) => {}
            Err(error) => return LockOutcome::NotWritable(error),
        }
    }
    LockOutcome::Theirs(None)
}

fn try_take(path: &Path, now: &str) -> io::Result<Option<LockOutcome>> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let holder = (&mut file).take(200).read_to_string(&mut text);
            let text = text.trim();
            return Ok(Some(LockOutcome::Theirs(
                (holder.is_ok() && !text.is_empty()).then(|| text.to_owned()),
            )));
        }
        Err(TryLockError::Error(error)) => return Err(error),
    }
    if !is_still_at(&file, path) {
        return Ok(None);
    }
    let who = format!("process {} since {now}\n", std::process::id());
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(who.as_bytes())?;
    Ok(Some(LockOutcome::Ours(WriterLock {
        path: path.to_owned(),
        _file: file,
    })))
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        // A file that stays behind is harmless: it holds no lock.
        drop(std::fs::remove_file(&self.path));
    }
}

fn lock_path(workspace: &Path) -> PathBuf {
    let mut name: OsString = workspace.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

#[cfg(unix)]
fn is_still_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(ours), Ok(there)) => ours.dev() == there.dev() && ours.ino() == there.ino(),
        _ => false,
    }
}

/// Elsewhere a file that is open cannot be replaced.
#[cfg(not(unix))]
fn is_still_at(_file: &File, _path: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::{LockOutcome, take};

    #[test]
    fn the_second_one_learns_who_holds_the_lock_and_gets_it_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = folder.path().join("a.fieldscope");
        let first = take(&workspace, "2026-01-01T00:00:00Z");
        assert!(matches!(first, LockOutcome::Ours(_)));
        let LockOutcome::Theirs(Some(holder)) = take(&workspace, "2026-01-02T00:00:00Z") else {
            panic!("the lock is held");
        };
        assert_eq!(
            holder,
            format!("process {} since 2026-01-01T00:00:00Z", std::process::id())
        );
        drop(first);
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            0,
            "nothing stays behind"
        );
        assert!(matches!(take(&workspace, "now"), LockOutcome::Ours(_)));
    }

    #[test]
    fn the_file_of_a_killed_process_locks_nobody_out() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = folder.path().join("a.fieldscope");
        std::fs::write(
            folder.path().join("a.fieldscope.lock"),
            "process 1 since 2020",
        )
        .unwrap();
        assert!(matches!(take(&workspace, "now"), LockOutcome::Ours(_)));
    }
}

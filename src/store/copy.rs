//! "Save a copy": the state of one moment in a file of its own, while work goes on.

use crate::{
    model::progress::Progress,
    store::{connection::connect_for_reading, error::StoreError, open::Store},
};
use rusqlite::{
    Connection,
    backup::{Backup, StepResult},
};
use std::{
    ffi::OsString,
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

/// One MiB at a time, so that a cancel is heard soon.
const PAGES_PER_STEP: i32 = 64;

impl Store {
    /// Writes a copy to `target`; a file that is there is replaced only once the copy is whole.
    ///
    /// Ticks in pages. Possible for a workspace that is open for reading only, too.
    pub fn save_copy(&self, target: &Path, progress: &dyn Progress) -> Result<(), StoreError> {
        let target = std::path::absolute(target).map_err(|source| StoreError::Io {
            action: "find the place of the copy",
            path: target.to_owned(),
            source,
        })?;
        self.refuse_target(&target)?;
        let part = beside(&target, ".part");
        let copied = self.copy_to(&part, progress).and_then(|()| {
            File::open(&part)
                .and_then(|file| file.sync_all())
                .and_then(|()| std::fs::rename(&part, &target))
                .map_err(|source| StoreError::Io {
                    action: "write the copy",
                    path: target.clone(),
                    source,
                })
        });
        if copied.is_err() {
            drop(std::fs::remove_file(&part));
        }
        copied
    }

    fn refuse_target(&self, target: &Path) -> Result<(), StoreError> {
        let refuse = |why| {
            Err(StoreError::CopyTarget {
                path: target.to_owned(),
                why,
            })
        };
        let same = match (target.canonicalize(), self.path().canonicalize()) {
            (Ok(target), Ok(own)) => target == own,
            _ => target == self.path(),
        };
        if same {
            return refuse("it is this workspace itself");
        }
        if target.is_dir() {
            return refuse("it is a folder");
        }
        if beside(target, "-wal").exists() || beside(target, ".lock").exists() {
            return refuse("it is a workspace that is in use");
        }
        Ok(())
    }

    fn copy_to(&self, part: &Path, progress: &dyn Progress) -> Result<(), StoreError> {
        drop(std::fs::remove_file(part));
        let source = connect_for_reading(self.path(), self.mode())?;
        // One read transaction around all steps: what others write meanwhile stays out, and the
        // copy need not begin again.
        source.execute_batch("BEGIN; SELECT revision FROM workspace;")?;
        let in_part = |error: rusqlite::Error| StoreError::from(error).in_file(part);
        let mut copy = Connection::open(part).map_err(in_part)?;
        let backup = Backup::new(&source, &mut copy).map_err(in_part)?;
        loop {
            match backup.step(PAGES_PER_STEP).map_err(in_part)? {
                StepResult::Done => break,
                StepResult::More => {}
                _ => std::thread::sleep(Duration::from_millis(10)),
            }
            let state = backup.progress();
            let count = |pages: i32| u64::try_from(pages).unwrap_or(0);
            let total = count(state.pagecount);
            progress.tick(total.saturating_sub(count(state.remaining)), total)?;
        }
        drop(backup);
        copy.close().map_err(|(_connection, error)| in_part(error))
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use crate::{
        model::progress::{Cancelled, Progress, Unattended},
        store::{
            error::StoreError,
            open::{OpenOptions, Store},
            testing::{self, NOW},
        },
    };

    struct CancelAtOnce;
    impl Progress for CancelAtOnce {
        fn tick(&self, _done: u64, _total: u64) -> Result<(), Cancelled> {
            Err(Cancelled)
        }
    }

    #[test]
    fn a_copy_is_a_workspace_with_the_same_content() {
        let (folder, store) = testing::store();
        store
            .add_capture(
                &testing::capture("a", &[("log.txt", b"hello")]),
                &Unattended,
            )
            .unwrap();
        let target = folder.path().join("copy.fieldscope");
        std::fs::write(&target, "an older copy").unwrap();
        store.save_copy(&target, &Unattended).unwrap();
        store.set_setting("later", "1").unwrap();
        let copy = Store::open(&target, &OpenOptions::new(NOW)).unwrap();
        assert!(!copy.is_read_only());
        let reader = copy.reader().unwrap();
        assert_eq!(reader.captures().unwrap().len(), 1);
        assert_eq!(reader.setting("later").unwrap(), None);
        assert!(reader.quick_check().unwrap().is_empty());
    }

    #[test]
    fn a_copy_never_replaces_itself_or_one_in_use_and_a_cancel_leaves_nothing() {
        let (folder, store) = testing::store();
        let bytes: Vec<u8> = testing::noise(3 << 20);
        store
            .add_capture(&testing::capture("a", &[("x.bin", &bytes)]), &Unattended)
            .unwrap();
        let error = store.save_copy(store.path(), &Unattended).unwrap_err();
        assert!(matches!(error, StoreError::CopyTarget { .. }), "{error}");
        let other = folder.path().join("other.fieldscope");
        let open = Store::open(&other, &OpenOptions::new(NOW)).unwrap();
        let error = store.save_copy(&other, &Unattended).unwrap_err();
        assert!(matches!(error, StoreError::CopyTarget { .. }), "{error}");
        drop(open);
        let target = folder.path().join("copy.fieldscope");
        let error = store.save_copy(&target, &CancelAtOnce).unwrap_err();
        assert!(matches!(error, StoreError::Cancelled), "{error}");
        let mut names: Vec<String> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.contains("copy"))
            .collect();
        names.sort();
        assert!(names.is_empty(), "{names:?}");
    }
}

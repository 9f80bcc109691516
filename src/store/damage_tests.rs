//! Files that a crash, a bad disk or a stranger left behind: an answer or an error in words, no panic.

use crate::{
    model::{build_id::BuildId, progress::Unattended},
    store::{
        crash::CrashFilter,
        error::StoreError,
        log_marks::{LogName, NewBookmark},
        open::{OpenOptions, Store},
        sha256::Sha256,
        testing::{self, NOW},
    },
};
use std::{fs, path::Path};

/// Asks every question and writes; the number of errors.
fn use_everything(path: &Path, options: &OpenOptions) -> usize {
    let store = match Store::open(path, options) {
        Ok(store) => store,
        Err(error) => {
            assert!(
                error.to_string().contains(&path.display().to_string()),
                "{error}"
            );
            return 1;
        }
    };
    let reader = match store.reader() {
        Ok(reader) => reader,
        Err(_error) => return 1,
    };
    let captures = reader.captures();
    let crashes = reader.crashes(&CrashFilter::default());
    let mut errors: Vec<StoreError> = Vec::new();
    for capture in captures.as_deref().unwrap_or_default() {
        errors.extend(reader.import_report(capture.id).err());
        for file in reader.files(capture.id).unwrap_or_default() {
            errors.extend(reader.file_bytes(capture.id, &file.path).err());
        }
    }
    for crash in crashes.as_deref().unwrap_or_default() {
        errors.extend(reader.crash_report(crash.id).err());
    }
    errors.extend(captures.err());
    errors.extend(crashes.err());
    errors.extend(reader.issues().err());
    errors.extend(reader.missing_builds().err());
    errors.extend(reader.builds().err());
    errors.extend(reader.devices().err());
    errors.extend(reader.symbol_files().err());
    errors.extend(reader.removed_captures().err());
    errors.extend(reader.overview().err());
    errors.extend(reader.find("poke").err());
    errors.extend(reader.setting("x").err());
    errors.extend(reader.bookmarks(&log_name()).err());
    errors.extend(reader.bookmarked_logs().err());
    errors.extend(reader.filter_sets().err());
    errors.extend(reader.log_mark_history().err());
    errors.extend(reader.quick_check().err());
    let id = BuildId::from_hex(testing::BUILD).unwrap();
    errors.extend(reader.crashes_waiting_for(&id).err());
    if !store.is_read_only() {
        let new = testing::capture("new", &[("n", b"new")]);
        errors.extend(store.add_capture(&new, &Unattended).err());
        errors.extend(store.purge().err());
        errors.extend(store.undo_log_mark().err());
        errors.extend(store.add_bookmark(&bookmark(&log_name()), "add", NOW).err());
    }
    errors.len()
}

fn log_name() -> LogName {
    LogName::Stored(Sha256::of(b"boot\ncrash\n"))
}

fn bookmark(log: &LogName) -> NewBookmark<'_> {
    NewBookmark {
        log,
        offset: 5,
        head: None,
        message: "crash",
    }
}

fn sample() -> (tempfile::TempDir, Vec<u8>) {
    let (folder, store) = testing::store();
    store
        .add_capture(&testing::full_capture(), &Unattended)
        .unwrap();
    let log = log_name();
    store
        .note_bookmark(&bookmark(&log), Some("why"), "note", NOW)
        .unwrap();
    let set = ("wifi".to_owned(), "{\"chips\": []}".to_owned());
    store.save_filter_sets(&[set], "save", NOW).unwrap();
    let path = store.path().to_owned();
    drop(store);
    (folder, fs::read(path).unwrap())
}

#[test]
fn flipped_bits_give_answers_or_errors_in_words() {
    let (folder, sound) = sample();
    let path = folder.path().join("flipped.fieldscope");
    let places = testing::noise(8 * 150);
    let mut n_errors = 0;
    for (i, place) in places.chunks_exact(8).enumerate() {
        let mut bytes = sound.clone();
        let number = u64::from_le_bytes(place.try_into().unwrap());
        // Half of the flips go into the first bytes of a page, where its structure is.
        let page = usize::try_from(number >> 8).unwrap() % (bytes.len() / 32_768);
        let at = if i % 2 == 0 {
            page * 32_768 + usize::try_from(number >> 40).unwrap() % 128
        } else {
            usize::try_from(number >> 8).unwrap() % bytes.len()
        };
        bytes[at] ^= 1 << (number & 7);
        fs::write(&path, bytes).unwrap();
        let options = if i % 4 < 2 {
            OpenOptions::new(NOW)
        } else {
            OpenOptions::read_only(NOW)
        };
        n_errors += use_everything(&path, &options);
        clear(&path);
    }
    assert!(n_errors > 0, "the flips were too kind to show anything");
}

#[test]
fn a_file_that_was_cut_off_gives_answers_or_errors_in_words() {
    let (folder, sound) = sample();
    let path = folder.path().join("cut.fieldscope");
    let step = sound.len() / 60;
    for n_bytes in (0..sound.len())
        .step_by(step)
        .chain([1, 15, 16, 99, 100, 511, 512])
    {
        fs::write(&path, &sound[..n_bytes]).unwrap();
        let n_errors = use_everything(&path, &OpenOptions::new(NOW));
        // Nothing at all is a new workspace; all else misses something.
        assert_eq!(n_errors == 0, n_bytes == 0, "cut at {n_bytes}");
        clear(&path);
    }
}

#[test]
fn what_a_killed_process_leaves_is_whole_and_can_be_written() {
    let (folder, store) = testing::store();
    let capture = store
        .add_capture(&testing::full_capture(), &Unattended)
        .unwrap()
        .capture();
    // The file and its log as they are now, without a proper end.
    let path = folder.path().join("killed.fieldscope");
    for suffix in ["", "-wal"] {
        let from = format!("{}{suffix}", store.path().display());
        fs::copy(from, format!("{}{suffix}", path.display())).unwrap();
    }
    fs::write(folder.path().join("killed.fieldscope.lock"), "process 1").unwrap();
    let reading = Store::open(&path, &OpenOptions::read_only(NOW)).unwrap();
    assert_eq!(reading.reader().unwrap().captures().unwrap()[0].id, capture);
    drop(reading);
    let writing = Store::open(&path, &OpenOptions::new(NOW)).unwrap();
    assert!(!writing.is_read_only());
    let reader = writing.reader().unwrap();
    assert_eq!(reader.crashes(&CrashFilter::default()).unwrap().len(), 2);
    assert!(reader.quick_check().unwrap().is_empty());
}

#[test]
fn a_question_is_stopped_from_another_thread() {
    let (_folder, store) = testing::store();
    let reader = store.reader().unwrap();
    let interrupter = reader.interrupter().unwrap();
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
                   SELECT count(*) FROM n";
    std::thread::scope(|scope| {
        let asking = scope.spawn(move || reader.list(endless, [], |row| row.get::<_, i64>(0)));
        while !asking.is_finished() {
            interrupter.interrupt();
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        let answer = asking.join().unwrap();
        assert!(matches!(answer, Err(StoreError::Cancelled)));
    });
}

#[test]
fn writers_and_readers_on_several_threads_see_whole_captures() {
    fn shared<T: Send + Sync>(value: &T) -> &T {
        value
    }
    let (_folder, store) = testing::store();
    let store = shared(&store);
    std::thread::scope(|scope| {
        for writer in 0..2 {
            scope.spawn(move || {
                for i in 0..10 {
                    let name = format!("{writer}-{i}");
                    let mut new = testing::capture(&name, &[(&name, b"1")]);
                    new.crashes = vec![testing::crash(None, None), testing::crash(None, None)];
                    store.add_capture(&new, &Unattended).unwrap();
                }
            });
        }
        scope.spawn(move || {
            let reader = store.reader().unwrap();
            while reader.overview().unwrap().n_captures < 20 {
                let overview = reader.overview().unwrap();
                assert_eq!(overview.n_crashes, 2 * overview.n_captures);
            }
        });
    });
}

fn clear(path: &Path) {
    for suffix in ["", "-wal", "-shm", "-journal", ".lock"] {
        drop(fs::remove_file(format!("{}{suffix}", path.display())));
    }
}

//! Storing a capture: one transaction, so a killed process leaves it whole or not at all.

use crate::{
    model::progress::Progress,
    store::{
        blobs::{self, WriteProgress},
        builds,
        capture::{AddOutcome, Boot, Content, Finding, NewCapture, NewFile},
        capture_series, crash_write, devices,
        error::StoreError,
        ids::{CaptureId, DeviceId},
        open::Store,
        rows::{name_of, stored},
        sha256::Sha256,
        symbol_files,
    },
};
use rusqlite::{OptionalExtension as _, Transaction, params};
use std::collections::BTreeSet;

/// From here on it takes longer to write a capture twice than to change how it is written.
const LARGE_BYTES: u64 = if cfg!(test) { 256 << 10 } else { 16 << 20 };

impl Store {
    /// Stores a capture with its bytes and everything that was found in it.
    ///
    /// When this returns, the capture survives a power cut; on an error or a cancel it is as if
    /// nothing had happened. Ticks in bytes.
    pub fn add_capture(
        &self,
        new: &NewCapture<'_>,
        progress: &dyn Progress,
    ) -> Result<AddOutcome, StoreError> {
        refuse_nonsense(new)?;
        let mut hashes = Vec::with_capacity(new.files.len());
        for file in &new.files {
            progress.tick(0, total_bytes(new))?;
            hashes.push(match file.content {
                Content::Kept(bytes) => Sha256::of(bytes),
                Content::Hashed(_, sha256, _) | Content::NamedOnly { sha256, .. } => sha256,
            });
        }
        let paths = new.files.iter().map(|file| file.path.as_str());
        let content_hash = Sha256::of_files(paths.zip(hashes.iter().copied()));
        let add = |transaction: &Transaction<'_>| {
            if let Some(outcome) = find_same(transaction, content_hash)? {
                return Ok(outcome);
            }
            let device = devices::find_or_insert(transaction, &new.device)?;
            let capture = insert_capture(transaction, new, device, content_hash)?;
            let mut progress = WriteProgress {
                progress,
                done: 0,
                total: total_bytes(new),
            };
            for (file, sha256) in new.files.iter().zip(hashes) {
                insert_file(transaction, capture, file, sha256, &mut progress)?;
            }
            insert_findings(transaction, capture, &new.findings)?;
            insert_boots(transaction, capture, &new.boots)?;
            for (ordinal, crash) in (0..).zip(&new.crashes) {
                crash_write::insert(transaction, capture, ordinal, crash)?;
            }
            for symbols in &new.symbol_files {
                symbol_files::insert_in_capture(transaction, capture, symbols, &new.imported_at)?;
            }
            capture_series::insert(transaction, capture, device, &new.series)?;
            Ok(AddOutcome::Added(capture))
        };
        if total_bytes(new) >= LARGE_BYTES {
            self.write_large(add)
        } else {
            self.write(add)
        }
    }
}

fn total_bytes(new: &NewCapture<'_>) -> u64 {
    let kept = new.files.iter().map(|file| match file.content {
        Content::Kept(bytes) | Content::Hashed(bytes, ..) => {
            u64::try_from(bytes.len()).unwrap_or(0)
        }
        Content::NamedOnly { .. } => 0,
    });
    kept.fold(0, u64::saturating_add)
}

fn refuse_nonsense(new: &NewCapture<'_>) -> Result<(), StoreError> {
    let invalid = |what: String| Err(StoreError::Invalid { what });
    if new.files.is_empty() {
        return invalid(format!("capture {:?} has no files", new.name));
    }
    let mut paths = BTreeSet::new();
    for file in &new.files {
        if !paths.insert(file.path.as_str()) {
            return invalid(format!("capture {:?} has {:?} twice", new.name, file.path));
        }
    }
    for symbols in &new.symbol_files {
        if !paths.contains(symbols.path.as_str()) {
            return invalid(format!(
                "capture {:?} has no file {:?} to read symbols from",
                new.name, symbols.path
            ));
        }
    }
    Ok(())
}

/// A capture with the same files is not stored twice; one that was removed comes back.
fn find_same(
    transaction: &Transaction<'_>,
    content_hash: Sha256,
) -> Result<Option<AddOutcome>, StoreError> {
    let found: Option<(CaptureId, Option<String>)> = transaction
        .query_row(
            "SELECT id, removed_at FROM captures WHERE content_hash = ?1",
            [content_hash],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    match found {
        None => Ok(None),
        Some((capture, None)) => Ok(Some(AddOutcome::AlreadyHere(capture))),
        Some((capture, Some(_))) => {
            transaction.execute(
                "UPDATE captures SET removed_at = NULL WHERE id = ?1",
                [capture],
            )?;
            Ok(Some(AddOutcome::Restored(capture)))
        }
    }
}

fn insert_capture(
    transaction: &Transaction<'_>,
    new: &NewCapture<'_>,
    device: DeviceId,
    content_hash: Sha256,
) -> Result<CaptureId, StoreError> {
    builds::note(transaction, &new.software, None)?;
    transaction.execute(
        "INSERT INTO captures (name, origin, imported_at, captured_at, content_hash, device, \
         software_type, version, build_id, manifest, notes) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            new.name,
            new.origin,
            new.imported_at,
            new.captured_at,
            content_hash,
            device,
            new.software.software_type,
            new.software.version,
            new.software.build_id.as_ref().map(ToString::to_string),
            new.manifest,
            new.notes,
        ],
    )?;
    Ok(CaptureId(transaction.last_insert_rowid()))
}

fn insert_file(
    transaction: &Transaction<'_>,
    capture: CaptureId,
    file: &NewFile<'_>,
    sha256: Sha256,
    progress: &mut WriteProgress<'_>,
) -> Result<(), StoreError> {
    let plain_text = match file.content {
        Content::Hashed(_, _, plain_text) => plain_text,
        _ => None,
    };
    let (blob, size) = match file.content {
        Content::Kept(bytes) | Content::Hashed(bytes, ..) => (
            Some(blobs::write(
                transaction,
                sha256,
                bytes,
                plain_text,
                progress,
            )?),
            u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        ),
        Content::NamedOnly { size, .. } => (None, size),
    };
    transaction.execute(
        "INSERT INTO capture_files (capture, path, sha256, size, blob, kind, format, n_lines, \
         status, modified_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            capture,
            file.path,
            sha256,
            stored(size),
            blob,
            name_of(&file.kind),
            file.format,
            file.n_lines.map(stored),
            name_of(&file.status),
            file.modified_ns,
        ],
    )?;
    Ok(())
}

fn insert_findings(
    transaction: &Transaction<'_>,
    capture: CaptureId,
    findings: &[Finding],
) -> Result<(), StoreError> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO findings (capture, ordinal, path, kind, offset, length, code, message) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for (ordinal, finding) in (0_i64..).zip(findings) {
        insert.execute(params![
            capture,
            ordinal,
            finding.path,
            name_of(&finding.kind),
            finding.offset.map(stored),
            finding.length.map(stored),
            finding.code,
            finding.message,
        ])?;
    }
    Ok(())
}

fn insert_boots(
    transaction: &Transaction<'_>,
    capture: CaptureId,
    boots: &[Boot],
) -> Result<(), StoreError> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO boots (capture, ordinal, path, offset, build_id, version, reset_reason, \
         text) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for (ordinal, boot) in (0_i64..).zip(boots) {
        builds::note_boot(transaction, boot)?;
        insert.execute(params![
            capture,
            ordinal,
            boot.path,
            stored(boot.offset),
            boot.build_id.as_ref().map(ToString::to_string),
            boot.version,
            boot.reset_reason,
            boot.text,
        ])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{
        model::progress::{Cancelled, Progress, Unattended},
        store::{
            capture::{AddOutcome, Content, FileKind, NewCapture},
            devices::NewDevice,
            error::StoreError,
            sha256::Sha256,
            testing,
        },
    };
    use std::cell::Cell;

    #[test]
    fn a_capture_comes_back_as_it_was_stored() {
        let (_folder, store) = testing::store();
        let new = testing::full_capture();
        let id = store.add_capture(&new, &Unattended).unwrap().capture();
        let reader = store.reader().unwrap();
        let row = reader.capture(id).unwrap();
        assert_eq!(
            (row.name.as_str(), row.n_files, row.n_crashes, row.n_boots),
            ("full.zip", 3, 2, 2)
        );
        assert_eq!(row.serial.as_deref(), Some("SN-1"));
        assert_eq!(row.software, new.software);
        let report = reader.import_report(id).unwrap();
        assert_eq!(report.findings, new.findings);
        assert_eq!(report.boots, new.boots);
        assert_eq!(report.manifest, new.manifest);
        let paths: Vec<&str> = report.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["a.core", "big.parquet", "uart.log"], "by path");
        assert!(!report.files[1].is_kept);
        assert_eq!(report.files[2].n_lines, Some(2));
        assert_eq!(report.files[0].kind, FileKind::Coredump);
        assert_eq!(reader.file_bytes(id, "uart.log").unwrap(), b"boot\ncrash\n");
    }

    #[test]
    fn the_same_files_again_are_already_here_whatever_their_order_and_name() {
        let (_folder, store) = testing::store();
        let first = testing::capture("a", &[("x", b"1"), ("y", b"2")]);
        let AddOutcome::Added(id) = store.add_capture(&first, &Unattended).unwrap() else {
            panic!("it is new");
        };
        let again = testing::capture("b", &[("y", b"2"), ("x", b"1")]);
        let revision = store.reader().unwrap().revision().unwrap();
        assert_eq!(
            store.add_capture(&again, &Unattended).unwrap(),
            AddOutcome::AlreadyHere(id)
        );
        assert_eq!(
            store.reader().unwrap().revision().unwrap(),
            revision,
            "nothing changed"
        );
        let other = testing::capture("a", &[("x", b"1"), ("z", b"2")]);
        assert!(matches!(
            store.add_capture(&other, &Unattended).unwrap(),
            AddOutcome::Added(_)
        ));
        let overview = store.reader().unwrap().overview().unwrap();
        assert_eq!(
            (overview.n_captures, overview.raw_bytes),
            (2, 2),
            "bytes are stored once"
        );
    }

    #[test]
    fn a_removed_capture_that_is_imported_again_is_back() {
        let (_folder, store) = testing::store();
        let new = testing::full_capture();
        let id = store.add_capture(&new, &Unattended).unwrap().capture();
        store.remove_capture(id, testing::NOW).unwrap();
        assert_eq!(
            store.add_capture(&new, &Unattended).unwrap(),
            AddOutcome::Restored(id)
        );
        assert_eq!(store.reader().unwrap().captures().unwrap().len(), 1);
    }

    struct CancelAfter(Cell<u32>);
    impl Progress for CancelAfter {
        fn tick(&self, _done: u64, _total: u64) -> Result<(), Cancelled> {
            let left = self.0.get().checked_sub(1).ok_or(Cancelled)?;
            self.0.set(left);
            Ok(())
        }
    }

    #[test]
    fn a_cancelled_import_leaves_nothing_at_every_step() {
        let (_folder, store) = testing::store();
        let new = testing::full_capture();
        let before = store.reader().unwrap().revision().unwrap();
        for n_ticks in 0..5 {
            let error = store
                .add_capture(&new, &CancelAfter(Cell::new(n_ticks)))
                .unwrap_err();
            assert!(matches!(error, StoreError::Cancelled));
            let reader = store.reader().unwrap();
            let overview = reader.overview().unwrap();
            assert_eq!(
                (overview.n_captures, overview.raw_bytes, overview.n_devices),
                (0, 0, 0)
            );
            assert_eq!(reader.revision().unwrap(), before);
        }
        store.add_capture(&new, &CancelAfter(Cell::new(5))).unwrap();
    }

    #[test]
    fn a_capture_without_files_or_with_one_twice_is_refused() {
        let (_folder, store) = testing::store();
        let named = |sha| Content::NamedOnly {
            sha256: Sha256::of(sha),
            size: 1,
        };
        let mut twice = testing::capture("a", &[("x", b"1"), ("x", b"2")]);
        for new in [&NewCapture::default(), &twice] {
            let error = store.add_capture(new, &Unattended).unwrap_err();
            assert!(matches!(error, StoreError::Invalid { .. }));
        }
        twice.files[1].path = "y".to_owned();
        twice.files[1].content = named(b"2");
        store.add_capture(&twice, &Unattended).unwrap();
    }

    #[test]
    fn unknown_devices_are_never_merged_and_serial_numbers_always_are() {
        let (_folder, store) = testing::store();
        let add = |name: &str, serial: Option<&str>, hardware: Option<&str>| {
            let mut new = testing::capture(name, &[(name, b"1")]);
            new.device = NewDevice {
                serial: serial.map(str::to_owned),
                hardware: hardware.map(str::to_owned),
            };
            let id = store.add_capture(&new, &Unattended).unwrap().capture();
            store.reader().unwrap().capture(id).unwrap().device
        };
        let unknown = [
            add("a", None, None),
            add("b", None, None),
            add("c", Some("  "), None),
        ];
        assert!(unknown[0] != unknown[1] && unknown[1] != unknown[2]);
        let first = add("d", Some("SN-1"), Some("rev B"));
        assert_eq!(add("e", Some("SN-1 "), None), first);
        let devices = store.reader().unwrap().devices().unwrap();
        assert_eq!(devices.len(), 4);
        let known = devices.iter().find(|device| device.id == first).unwrap();
        assert_eq!(
            (known.n_captures, known.hardware.as_deref()),
            (2, Some("rev B"))
        );
    }
}

//! Removing a capture with undo, and forgetting what was removed.

use crate::store::{blobs, builds, devices, error::StoreError, ids::CaptureId, open::Store};
use rusqlite::params;

/// What was forgotten for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purged {
    /// Captures.
    pub n_captures: u64,
    /// Bytes of files that nothing refers to any more (as imported, not as compressed).
    pub n_bytes: u64,
}

impl Store {
    /// Takes a capture out of every list; [`Store::restore_capture`] brings it back.
    pub fn remove_capture(&self, capture: CaptureId, now: &str) -> Result<(), StoreError> {
        self.write(|transaction| {
            let n_changed = transaction.execute(
                "UPDATE captures SET removed_at = ?2 WHERE id = ?1 AND removed_at IS NULL",
                params![capture, now],
            )?;
            found(n_changed, capture)
        })
    }

    /// Brings a removed capture back, as it was.
    pub fn restore_capture(&self, capture: CaptureId) -> Result<(), StoreError> {
        self.write(|transaction| {
            let n_changed = transaction.execute(
                "UPDATE captures SET removed_at = NULL WHERE id = ?1 AND removed_at IS NOT NULL",
                [capture],
            )?;
            found(n_changed, capture)
        })
    }

    /// Replaces the free text of a capture.
    pub fn write_notes(&self, capture: CaptureId, notes: &str) -> Result<(), StoreError> {
        self.write(|transaction| {
            let n_changed = transaction.execute(
                "UPDATE captures SET notes = ?2 WHERE id = ?1 AND removed_at IS NULL",
                params![capture, notes],
            )?;
            found(n_changed, capture)
        })
    }

    /// Forgets every removed capture and what only it used. There is no way back; the file does not
    /// shrink, its free space is used again.
    pub fn purge(&self) -> Result<Purged, StoreError> {
        self.write(|transaction| {
            let n_captures =
                transaction.execute("DELETE FROM captures WHERE removed_at IS NOT NULL", [])?;
            let n_bytes = blobs::remove_unused(transaction)?;
            devices::remove_unused(transaction)?;
            builds::remove_unused(transaction)?;
            Ok(Purged {
                n_captures: u64::try_from(n_captures).unwrap_or(u64::MAX),
                n_bytes,
            })
        })
    }
}

fn found(n_changed: usize, capture: CaptureId) -> Result<(), StoreError> {
    if n_changed == 0 {
        return Err(StoreError::NoSuchCapture { capture });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Purged;
    use crate::{
        model::progress::Unattended,
        store::{capture::AddOutcome, crash::CrashFilter, error::StoreError, testing},
    };

    #[test]
    fn a_removed_capture_is_in_no_list_until_it_is_restored() {
        let (_folder, store) = testing::store();
        let id = store
            .add_capture(&testing::full_capture(), &Unattended)
            .unwrap()
            .capture();
        let reader = store.reader().unwrap();
        let counts = || {
            let overview = reader.overview().unwrap();
            (
                overview.n_captures,
                overview.n_crashes,
                overview.n_devices,
                reader.crashes(&CrashFilter::default()).unwrap().len(),
                reader.issues().unwrap().len(),
                reader.missing_builds().unwrap().len(),
                reader.find("usart").unwrap().len(),
                reader.symbol_files().unwrap().len(),
            )
        };
        let before = counts();
        store.remove_capture(id, testing::NOW).unwrap();
        assert_eq!(counts(), (0, 0, 0, 0, 0, 0, 0, 0));
        assert_eq!(reader.removed_captures().unwrap()[0].id, id);
        let error = store.remove_capture(id, testing::NOW).unwrap_err();
        assert!(matches!(error, StoreError::NoSuchCapture { .. }));
        store.restore_capture(id).unwrap();
        assert_eq!(counts(), before);
        store.write_notes(id, "seen at the fair").unwrap();
        let notes = reader.capture(id).unwrap().notes;
        assert_eq!(notes.as_deref(), Some("seen at the fair"));
    }

    #[test]
    fn a_purge_forgets_removed_captures_and_keeps_shared_bytes() {
        let (_folder, store) = testing::store();
        let first = testing::capture("a", &[("x", b"shared"), ("y", b"own")]);
        let gone = store.add_capture(&first, &Unattended).unwrap().capture();
        let second = testing::capture("b", &[("x", b"shared")]);
        let kept = store.add_capture(&second, &Unattended).unwrap().capture();
        store.remove_capture(gone, testing::NOW).unwrap();
        assert_eq!(
            store.purge().unwrap(),
            Purged {
                n_captures: 1,
                n_bytes: 3
            }
        );
        let reader = store.reader().unwrap();
        assert_eq!(reader.file_bytes(kept, "x").unwrap(), b"shared");
        assert!(reader.removed_captures().unwrap().is_empty());
        let again = store.add_capture(&first, &Unattended).unwrap();
        assert!(matches!(again, AddOutcome::Added(_)));
    }
}

//! Reading captures and their import reports.

use crate::store::{
    capture::{Boot, CaptureRow, FileRow, Finding, ImportReport, Software},
    error::StoreError,
    ids::CaptureId,
    reader::Reader,
    rows::{build_id, by_name, unsigned, unsigned_or_null},
};
use rusqlite::{OptionalExtension as _, Row};

const SELECT: &str = "SELECT c.*, d.serial, d.hardware, \
     (SELECT count(*) FROM capture_files f WHERE f.capture = c.id) AS n_files, \
     (SELECT coalesce(sum(f.size), 0) FROM capture_files f WHERE f.capture = c.id) AS size, \
     (SELECT count(*) FROM boots b WHERE b.capture = c.id) AS n_boots, \
     (SELECT count(*) FROM crashes x WHERE x.capture = c.id) AS n_crashes \
     FROM captures c JOIN devices d ON d.id = c.device";

impl Reader {
    /// All captures, the newest import first.
    pub fn captures(&self) -> Result<Vec<CaptureRow>, StoreError> {
        let sql =
            format!("{SELECT} WHERE c.removed_at IS NULL ORDER BY c.imported_at DESC, c.id DESC");
        self.list(&sql, [], capture_row)
    }

    /// Captures that were removed and can still be restored, the last removed first.
    pub fn removed_captures(&self) -> Result<Vec<CaptureRow>, StoreError> {
        let sql = format!(
            "{SELECT} WHERE c.removed_at IS NOT NULL ORDER BY c.removed_at DESC, c.id DESC"
        );
        self.list(&sql, [], capture_row)
    }

    /// One capture.
    pub fn capture(&self, id: CaptureId) -> Result<CaptureRow, StoreError> {
        let sql = format!("{SELECT} WHERE c.removed_at IS NULL AND c.id = ?1");
        self.ask(|connection| {
            connection
                .query_row(&sql, [id], capture_row)
                .optional()?
                .ok_or(StoreError::NoSuchCapture { capture: id })
        })
    }

    /// What the import of a capture found, kept and refused.
    pub fn import_report(&self, id: CaptureId) -> Result<ImportReport, StoreError> {
        Ok(ImportReport {
            capture: self.capture(id)?,
            files: self.files(id)?,
            findings: self.list(
                "SELECT * FROM findings WHERE capture = ?1 ORDER BY ordinal",
                [id],
                finding_row,
            )?,
            boots: self.boots(id)?,
            manifest: self.ask(|connection| {
                Ok(connection.query_row(
                    "SELECT manifest FROM captures WHERE id = ?1",
                    [id],
                    |row| row.get(0),
                )?)
            })?,
        })
    }

    /// The files of a capture, by path.
    pub fn files(&self, id: CaptureId) -> Result<Vec<FileRow>, StoreError> {
        self.list(
            "SELECT * FROM capture_files WHERE capture = ?1 ORDER BY path",
            [id],
            file_row,
        )
    }

    /// The boots of a capture, in the order they happened.
    pub fn boots(&self, id: CaptureId) -> Result<Vec<Boot>, StoreError> {
        self.list(
            "SELECT * FROM boots WHERE capture = ?1 ORDER BY ordinal",
            [id],
            boot_row,
        )
    }
}

fn capture_row(row: &Row<'_>) -> rusqlite::Result<CaptureRow> {
    Ok(CaptureRow {
        id: row.get("id")?,
        name: row.get("name")?,
        origin: row.get("origin")?,
        imported_at: row.get("imported_at")?,
        captured_at: row.get("captured_at")?,
        content_hash: row.get("content_hash")?,
        device: row.get("device")?,
        serial: row.get("serial")?,
        hardware: row.get("hardware")?,
        software: Software {
            software_type: row.get("software_type")?,
            version: row.get("version")?,
            build_id: build_id(row, "build_id")?,
        },
        notes: row.get("notes")?,
        n_files: unsigned(row, "n_files")?,
        size: unsigned(row, "size")?,
        n_boots: unsigned(row, "n_boots")?,
        n_crashes: unsigned(row, "n_crashes")?,
        removed_at: row.get("removed_at")?,
    })
}

fn file_row(row: &Row<'_>) -> rusqlite::Result<FileRow> {
    let kind: String = row.get("kind")?;
    let status: String = row.get("status")?;
    let blob: Option<i64> = row.get("blob")?;
    Ok(FileRow {
        path: row.get("path")?,
        sha256: row.get("sha256")?,
        size: unsigned(row, "size")?,
        is_kept: blob.is_some(),
        kind: by_name(row, "kind", &kind)?,
        format: row.get("format")?,
        n_lines: unsigned_or_null(row, "n_lines")?,
        status: by_name(row, "status", &status)?,
        modified_ns: row.get("modified_ns")?,
    })
}

fn finding_row(row: &Row<'_>) -> rusqlite::Result<Finding> {
    let kind: String = row.get("kind")?;
    Ok(Finding {
        path: row.get("path")?,
        kind: by_name(row, "kind", &kind)?,
        offset: unsigned_or_null(row, "offset")?,
        length: unsigned_or_null(row, "length")?,
        code: row.get("code")?,
        message: row.get("message")?,
    })
}

fn boot_row(row: &Row<'_>) -> rusqlite::Result<Boot> {
    Ok(Boot {
        path: row.get("path")?,
        offset: unsigned(row, "offset")?,
        build_id: build_id(row, "build_id")?,
        version: row.get("version")?,
        reset_reason: row.get("reset_reason")?,
        text: row.get("text")?,
    })
}

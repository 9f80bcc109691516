//! Rows of the store as the rows that screens and the command line show.

use super::context::QueryContext;
use super::queries::captures::CaptureRow;
use super::queries::crash_list::CrashRow;
use super::queries::import_report::{ImportReport, ReportFile, ReportFinding};
use super::queries::symbol_library::{BuildRow, MissingBuild, SymbolLibraryView};
use super::query::QueryError;
use crate::store::capture::{self, FileStatus, FindingKind};
use crate::store::crash::{self, CrashFilter};
use crate::store::ids::CaptureId;
use crate::symbols::quality::Quality;
use std::collections::BTreeMap;
use std::path::Path;

impl QueryContext {
    /// Every crash, newest first.
    pub fn crash_rows(&self) -> Result<Vec<CrashRow>, QueryError> {
        let mut rows: Vec<CrashRow> = self
            .reader()?
            .crashes(&CrashFilter::default())?
            .into_iter()
            .map(crash_row)
            .collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.id));
        Ok(rows)
    }

    /// Every capture, newest first.
    pub fn capture_rows(&self) -> Result<Vec<CaptureRow>, QueryError> {
        let mut rows: Vec<CaptureRow> = self
            .reader()?
            .captures()?
            .into_iter()
            .map(capture_row)
            .collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.id));
        Ok(rows)
    }

    /// The import report of a capture.
    pub fn import_report(&self, capture: i64) -> Result<ImportReport, QueryError> {
        let report = self.reader()?.import_report(CaptureId(capture))?;
        Ok(ImportReport {
            capture: capture_row(report.capture),
            files: report
                .files
                .into_iter()
                .map(|file| ReportFile {
                    path: file.path,
                    size_bytes: file.size,
                    format: file.format,
                    status: status_name(file.status).to_owned(),
                    n_lines: file.n_lines,
                })
                .collect(),
            findings: report
                .findings
                .into_iter()
                .map(|finding| ReportFinding {
                    path: finding.path,
                    kind: finding_name(finding.kind).to_owned(),
                    offset: finding.offset,
                    length: finding.length,
                    code: finding.code,
                    message: finding.message,
                })
                .collect(),
        })
    }

    /// Builds at hand and builds that are missing.
    pub fn symbol_library(&self) -> Result<SymbolLibraryView, QueryError> {
        let reader = self.reader()?;
        let builds = reader
            .symbol_files()?
            .into_iter()
            .map(|row| BuildRow {
                build_id: row.facts.build_id.to_string(),
                arch: row.facts.arch.as_str().to_owned(),
                advice: Quality::from_label(&row.facts.quality)
                    .map_or("", Quality::advice)
                    .to_owned(),
                quality: row.facts.quality,
                size_bytes: row.facts.size,
                is_there: row.capture.is_some() || Path::new(&row.path).is_file(),
                is_in_workspace: row.capture.is_some(),
                path: row.path,
            })
            .collect();
        let names: BTreeMap<i64, String> = self
            .capture_rows()?
            .into_iter()
            .map(|row| (row.id, row.name))
            .collect();
        let waiting = reader.crashes_without_symbols()?;
        let missing = reader
            .missing_builds()?
            .into_iter()
            .map(|missing| MissingBuild {
                first_crash: waiting
                    .iter()
                    .find(|crash| crash.build_id == missing.build_id)
                    .map(|crash| crash.id.0),
                build_id: missing.build_id.map(|id| id.to_string()),
                n_crashes: missing.n_crashes,
                captures: missing
                    .captures
                    .iter()
                    .filter_map(|id| names.get(&id.0).cloned())
                    .collect(),
                version: missing.version,
            })
            .collect();
        Ok(SymbolLibraryView { builds, missing })
    }
}

/// A crash of the store as lists show it.
pub(super) fn crash_row(row: crash::CrashRow) -> CrashRow {
    CrashRow {
        id: row.id.0,
        capture: row.capture.0,
        capture_name: row.capture_name,
        imported_at: row.imported_at,
        captured_at: row.captured_at,
        device_id: row.device.0,
        device: row.serial,
        boot: row.boot,
        version: row.version,
        build_id: row.build_id.map(|id| id.to_string()),
        kind: row.kind,
        summary: row
            .summary
            .unwrap_or_else(|| "The target was stopped; the capture names no fault.".to_owned()),
        thread: row.thread,
        function: row.function,
        is_symbolized: row.symbolized,
        is_verified: row.verified,
        fingerprint: row.fingerprint.map(|fingerprint| fingerprint.key),
        dump_key: row.dump_key,
        n_seen: row.n_seen,
    }
}

fn capture_row(row: capture::CaptureRow) -> CaptureRow {
    CaptureRow {
        id: row.id.0,
        name: row.name,
        imported_at: row.imported_at,
        device: row.serial,
        version: row.software.version,
        n_files: row.n_files,
        n_boots: row.n_boots,
        n_crashes: row.n_crashes,
        size_bytes: row.size,
    }
}

fn status_name(status: FileStatus) -> &'static str {
    match status {
        FileStatus::Understood => "understood",
        FileStatus::Partly => "partly",
        FileStatus::NotUnderstood => "not_understood",
    }
}

fn finding_name(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::Found => "found",
        FindingKind::Kept => "kept",
        FindingKind::Repaired => "repaired",
        FindingKind::Skipped => "skipped",
        FindingKind::Refused => "refused",
    }
}

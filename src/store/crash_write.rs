//! Storing crashes and their better reports. The columns are made from the report, here and nowhere
//! else, so that a list can never contradict the crash screen.

use crate::{
    model::report::{CrashReport, Thread},
    store::{
        builds,
        capture::Software,
        crash::{CrashUpdate, FingerprintKey, NewCrash},
        devices,
        error::StoreError,
        ids::{CaptureId, CrashId},
        issues,
        open::Store,
        rows::name_of,
    },
};
use rusqlite::{Transaction, named_params, params};
use serde::Serialize;

const ZSTD_LEVEL: i32 = 3;

impl Store {
    /// Replaces the report of one crash.
    pub fn update_crash(&self, update: &CrashUpdate) -> Result<(), StoreError> {
        self.update_crashes(std::slice::from_ref(update))
    }

    /// Replaces the reports of several crashes: all of them, or none on an error.
    pub fn update_crashes(&self, updates: &[CrashUpdate]) -> Result<(), StoreError> {
        self.write(|transaction| {
            for one in updates {
                update(transaction, one)?;
            }
            Ok(())
        })
    }
}

/// Stores a crash of a capture that is being stored.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    capture: CaptureId,
    ordinal: i64,
    new: &NewCrash,
) -> Result<(), StoreError> {
    let sources = to_json(&new.sources)?;
    let device = match &new.device.serial {
        Some(_) => Some(devices::find_or_insert(transaction, &new.device)?),
        None => None,
    };
    builds::note(transaction, &new.software, Some(new.report.arch))?;
    transaction.execute(
        "INSERT INTO crashes (capture, ordinal, boot, dump_key, verified, symbolized, arch, \
         report, sources, device, version, started_at) \
         VALUES (?1, ?2, ?3, ?4, 0, 0, '', x'', ?5, ?6, ?7, ?8)",
        params![
            capture,
            ordinal,
            new.boot,
            new.dump_key,
            sources,
            device,
            new.software.version,
            new.started_at
        ],
    )?;
    let crash = CrashId(transaction.last_insert_rowid());
    write_report(transaction, crash, &new.report, new.symbolized).map(drop)
}

fn update(transaction: &Transaction<'_>, update: &CrashUpdate) -> Result<(), StoreError> {
    let n_changed = write_report(transaction, update.crash, &update.report, update.symbolized)?;
    if n_changed == 0 {
        return Err(StoreError::NoSuchCrash {
            crash: update.crash,
        });
    }
    Ok(())
}

fn write_report(
    transaction: &Transaction<'_>,
    crash: CrashId,
    report: &CrashReport,
    symbolized: bool,
) -> Result<usize, StoreError> {
    let before = issues::before_report(transaction, crash)?;
    let thread = crashed_thread(report);
    let top = thread.and_then(|thread| thread.frames_of_crash().first());
    let n_changed = transaction
        .prepare_cached(
            "UPDATE crashes SET build_id = :build_id, elf_build_id = :elf_build_id, \
             verified = :verified, symbolized = :symbolized, arch = :arch, kind = :kind, \
             summary = :summary, pc = :pc, function = :function, thread = :thread, \
             fingerprint_version = :version, fingerprint_key = :key, report = :report \
             WHERE id = :id",
        )?
        .execute(named_params! {
            ":id": crash,
            ":build_id": report.build_id.as_ref().map(ToString::to_string),
            ":elf_build_id": report.elf_build_id.as_ref().map(ToString::to_string),
            ":verified": report.verified,
            ":symbolized": symbolized,
            ":arch": report.arch.as_str(),
            ":kind": report.fault.as_ref().and_then(|fault| name_of(&fault.kind)),
            ":summary": report.fault.as_ref().map(|fault| fault.summary.as_str()),
            ":pc": top.map(|frame| frame.pc.0.cast_signed()),
            ":function": top.and_then(|frame| frame.function.as_deref()),
            ":thread": thread.and_then(|thread| thread.name.as_deref()),
            ":version": report.fingerprint.as_ref().map(|fingerprint| fingerprint.version),
            ":key": report.fingerprint.as_ref().map(|fingerprint| fingerprint.key.as_str()),
            ":report": packed(report)?,
        })?;
    if n_changed == 0 {
        return Ok(0);
    }
    if let Some(before) = before {
        let now = report.fingerprint.as_ref().map(|now| FingerprintKey {
            version: now.version,
            key: now.key.clone(),
        });
        issues::after_report(transaction, crash, &before, now.as_ref())?;
    }
    transaction.execute("DELETE FROM crash_functions WHERE crash = ?1", [crash])?;
    let mut insert = transaction.prepare_cached(
        "INSERT INTO crash_functions (crash, position, name) VALUES (?1, ?2, ?3)",
    )?;
    let names = thread.into_iter().flat_map(|thread| &thread.frames);
    let names = names.filter_map(|frame| frame.qualified.as_ref().or(frame.function.as_ref()));
    for (position, name) in (0_i64..).zip(names) {
        insert.execute(params![crash, position, name])?;
    }
    let software = Software {
        build_id: report.build_id.clone(),
        ..Software::default()
    };
    builds::note(transaction, &software, Some(report.arch))?;
    Ok(n_changed)
}

fn crashed_thread(report: &CrashReport) -> Option<&Thread> {
    let mut threads = report.threads.iter();
    threads
        .find(|thread| thread.crashed)
        .or_else(|| report.threads.first())
}

fn packed(report: &CrashReport) -> Result<Vec<u8>, StoreError> {
    let json = to_json(report)?;
    zstd::bulk::compress(json.as_bytes(), ZSTD_LEVEL).map_err(|error| StoreError::Invalid {
        what: format!("the report cannot be compressed: {error}"),
    })
}

fn to_json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Invalid {
        what: format!("it does not become JSON: {error}"),
    })
}

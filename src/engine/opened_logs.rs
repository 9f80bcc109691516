//! The logs that are open: the last few of the workspace, those that are followed, and views of several.

use super::context::QueryContext;
use super::live_logs::LiveLogs;
use super::log_opening::LogOpening;
use super::logs::dictionaries::from_files;
use super::logs::filter::{Chip, FilterStack, LogFilter};
use super::logs::merge::MergedSession;
use super::logs::needs_dictionary;
use super::logs::recognise::DICTIONARY;
use super::logs::session::{CrashPlace, LogSession};
use super::logs::shown::ShownLog;
use super::logs::start::started;
use super::logs::view::{LogKey, MergedLog};
use super::merged_logs::{MergedLogs, offsets};
use super::query::QueryError;
use super::source_map::SourceMapping;
use crate::formats::log::dictionaries::LogDictionaries;
use crate::formats::log::esp_binary::BOOT_LOADER;
use crate::model::build_id::BuildId;
use crate::model::progress::Unattended;
use crate::store::crash::CrashFilter;
use crate::store::ids::CaptureId;
use crate::symbols::symbol_file::SymbolFile;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Logs of the workspace that stay open.
pub(super) const OPENED_LOGS: usize = 3;

/// The logs.
#[derive(Default)]
pub(super) struct OpenedLogs {
    sessions: Mutex<Vec<(LogKey, Arc<LogSession>)>>,
    live: LiveLogs,
    merged: MergedLogs,
    opening: LogOpening,
}

impl OpenedLogs {
    fn sessions(&self) -> MutexGuard<'_, Vec<(LogKey, Arc<LogSession>)>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A log that is open.
    pub(super) fn session(&self, key: &LogKey) -> Option<Arc<LogSession>> {
        let sessions = self.sessions();
        let found = sessions.iter().find(|(other, _)| other == key);
        found.map(|(_, log)| Arc::clone(log))
    }

    /// Those that are being opened.
    pub(super) fn opening(&self) -> &LogOpening {
        &self.opening
    }

    /// Grows whenever more is known of a log.
    pub(super) fn revision(&self, key: &LogKey) -> u64 {
        let revisions = key.logs().into_iter().map(|log| match &log.key {
            LogKey::OnDisk { path } => self.live.revision(path),
            key => self.opening.revision(key),
        });
        revisions.fold(0, u64::wrapping_add)
    }

    /// Forgets what is open of the workspace, which changed.
    pub(super) fn forget(&self) {
        self.sessions().clear();
        self.merged.forget();
    }
}

impl QueryContext {
    /// A log, or several merged, as the window shows them.
    pub fn shown_log(&self, key: &LogKey) -> Result<Arc<dyn ShownLog>, QueryError> {
        Ok(match key {
            LogKey::Merged { logs } => self.merged_log(logs)?,
            one => self.log(one)?,
        })
    }

    /// Logs merged by time.
    pub fn merged_log(&self, logs: &[MergedLog]) -> Result<Arc<MergedSession>, QueryError> {
        self.opened_logs().merged.get(self, logs)
    }

    /// A log, indexed as a whole; the last few stay open.
    pub fn log(&self, key: &LogKey) -> Result<Arc<LogSession>, QueryError> {
        self.opened_logs().opening.wait(key);
        match self.opened_logs().session(key) {
            Some(log) => Ok(log),
            None => self.open_log(key),
        }
    }

    /// Opens a log.
    pub(super) fn open_log(&self, key: &LogKey) -> Result<Arc<LogSession>, QueryError> {
        let (capture, path) = match key {
            LogKey::InCapture { capture, path } => (capture, path),
            LogKey::Merged { .. } => {
                return Err(QueryError::Unanswerable(
                    "FS-LOG-005: this is asked of one log, and here several are merged. Open one of them."
                        .to_owned(),
                ));
            }
            LogKey::OnDisk { path } => {
                return self.opened_logs().live.get(path).ok_or_else(|| {
                    QueryError::Unanswerable(format!(
                        "FS-LOG-002: {} is not open. Import it, or follow it.",
                        path.display()
                    ))
                });
            }
        };
        let id = CaptureId(*capture);
        let reader = self.reader()?;
        let files = reader.files(id)?.into_iter();
        let size = files
            .filter(|file| file.path == *path)
            .map(|file| file.size);
        let bytes = self.stored_bytes(&reader, id, path, size.max().unwrap_or(0))?;
        let crashes = self.crash_places(*capture, path)?;
        let dictionaries = self.log_dictionaries(*capture, needs_dictionary(&bytes), &[])?;
        let log = LogSession::open(path, bytes, dictionaries, crashes, &Unattended)?;
        let log = log
            .of_device(self.device_of(*capture)?)
            .with_start(started(&reader, id, path)?);
        let log = Arc::new(log);
        let mut logs = self.opened_logs().sessions();
        logs.insert(0, (key.clone(), Arc::clone(&log)));
        logs.truncate(OPENED_LOGS);
        Ok(log)
    }

    /// Serial number of the device of a capture.
    pub fn device_of(&self, capture: i64) -> Result<Option<String>, QueryError> {
        let mut captures = self.reader()?.captures()?.into_iter();
        let found = captures.find(|row| row.id == CaptureId(capture));
        Ok(found.and_then(|row| row.serial))
    }

    /// The crashes that a log of a capture tells of, in its order.
    pub fn crash_places(&self, capture: i64, path: &str) -> Result<Vec<CrashPlace>, QueryError> {
        let of_capture = CrashFilter {
            capture: Some(CaptureId(capture)),
            ..CrashFilter::default()
        };
        let mut crashes = Vec::new();
        for crash in self.reader()?.crashes(&of_capture)? {
            let sources = crash.sources.iter().filter(|source| source.path == path);
            crashes.extend(sources.map(|source| CrashPlace {
                offset: source.offset,
                len: source.length,
                crash: crash.id.0,
                headline: crash.summary.clone().unwrap_or_default(),
            }));
        }
        // A print and the dump behind it are one crash: where it begins counts.
        crashes.sort_by_key(|crash| (crash.crash, crash.offset));
        crashes.dedup_by_key(|crash| crash.crash);
        crashes.sort_by_key(|crash| crash.offset);
        Ok(crashes)
    }

    /// The same as far as it is indexed, without waiting for all of a large log.
    pub fn log_so_far_for(
        &self,
        key: &LogKey,
        stack: &FilterStack,
    ) -> Result<Arc<dyn ShownLog>, QueryError> {
        // What compares, and what is merged, needs the whole.
        let compares = |chip: &Chip| matches!(chip.filter, LogFilter::OnlyHere { .. });
        if matches!(key, LogKey::Merged { .. }) || stack.chips.iter().any(compares) {
            return self.log_for(key, stack);
        }
        Ok(self.log_so_far(key)?)
    }

    /// What a stack of filters is used on, a log or several merged: it knows the good runs that they compare with.
    pub fn log_for(
        &self,
        key: &LogKey,
        stack: &FilterStack,
    ) -> Result<Arc<dyn ShownLog>, QueryError> {
        for log in key.logs() {
            self.tell_good_runs(&*self.log(&log.key)?, stack)?;
        }
        self.shown_log(key)
    }

    fn tell_good_runs(&self, log: &LogSession, stack: &FilterStack) -> Result<(), QueryError> {
        for chip in &stack.chips {
            // Of a log that is there no longer the filter says so itself.
            if let LogFilter::OnlyHere { good } = &chip.filter
                && let Ok(other) = self.log(good)
            {
                log.know_good_run(good, other.messages(self.progress())?);
            }
        }
        Ok(())
    }

    /// A log of a capture, and what is added to its times when it is merged with others.
    pub fn log_with_offset(
        &self,
        capture: i64,
        path: &str,
    ) -> Result<(Arc<LogSession>, i64), QueryError> {
        let key = LogKey::InCapture {
            capture,
            path: path.to_owned(),
        };
        let log = self.log(&key)?;
        let set = offsets(self)?.into_iter().find(|set| set.key == key);
        Ok((log, set.map_or(0, |set| set.offset_ns)))
    }

    /// What decodes a log of a capture: the builds that the capture names, and the databases in it. A log that says nothing
    /// without its dictionary (`needs_one`) names no build: then the ELF files of its capture serve, else the only one at hand.
    pub fn log_dictionaries(
        &self,
        capture: i64,
        needs_one: bool,
        source_map: &[SourceMapping],
    ) -> Result<LogDictionaries, QueryError> {
        let id = CaptureId(capture);
        let reader = self.reader()?;
        let of_capture = CrashFilter {
            capture: Some(id),
            ..CrashFilter::default()
        };
        let boots = reader.boots(id)?.into_iter();
        let crashes = reader.crashes(&of_capture)?.into_iter();
        let mut builds: BTreeSet<BuildId> = boots
            .filter_map(|boot| boot.build_id)
            .chain(crashes.filter_map(|crash| crash.build_id))
            .collect();
        let captures = reader.captures()?.into_iter();
        let own = captures.filter(|row| row.id == id);
        builds.extend(own.filter_map(|row| row.software.build_id));
        let mut elfs: Vec<Arc<SymbolFile>> = builds
            .iter()
            .filter_map(|build| self.symbol_file(build))
            .collect();
        if needs_one {
            let rows = reader.symbol_files()?.into_iter();
            // A boot loader is a build of its own, which no boot names.
            let came_with_it = rows.filter(|row| {
                let is_wanted = builds.is_empty() || row.path.ends_with(BOOT_LOADER);
                row.capture == Some(id) && is_wanted
            });
            let ids: BTreeSet<BuildId> = came_with_it.map(|row| row.facts.build_id).collect();
            elfs.extend(ids.iter().filter_map(|build| self.symbol_file(build)));
            if elfs.is_empty()
                && builds.is_empty()
                && let Ok((matched, _why)) = self.build_for_text(None, "")
            {
                elfs.extend(matched.files);
            }
        }
        let mut databases = Vec::new();
        for file in reader.files(id)? {
            if file.format == DICTIONARY && file.is_kept {
                let bytes = self.stored_bytes(&reader, id, &file.path, file.size)?;
                databases.push((file.path, bytes));
            }
        }
        let databases = databases
            .iter()
            .map(|(path, bytes)| (path.as_str(), &**bytes));
        Ok(from_files(&elfs, databases, source_map))
    }

    /// The logs that grow, or did.
    pub(super) fn live_logs(&self) -> &LiveLogs {
        &self.opened_logs().live
    }
}

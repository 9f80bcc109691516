//! What a query may use: the workspace to read, symbols, opened captures. No way to change anything.

use super::examine::{Examined, examine};
use super::file_bytes::FileBytes;
use super::index_cache::IndexCache;
use super::input::{InputFile, Inputs};
use super::live_logs::LiveLogs;
use super::logs::dictionaries::from_files;
use super::logs::filter::{FilterStack, LogFilter};
use super::logs::merge::MergedSession;
use super::logs::needs_dictionary;
use super::logs::recognise::DICTIONARY;
use super::logs::session::{CrashPlace, LogSession};
use super::logs::shown::ShownLog;
use super::logs::start::started;
use super::logs::view::{LogKey, MergedLog};
use super::matching::{Matched, Mismatch, match_available, match_named};
use super::merged_logs::{MergedLogs, offsets};
use super::query::{CancelFlag, Query, QueryError};
use super::reports::{Depth, report, with_symbols};
use super::separate_debug::{is_complete, join_debug_files};
use super::source_map::SourceMapping;
use crate::formats::log::dictionaries::LogDictionaries;
use crate::formats::log::esp_binary::BOOT_LOADER;
use crate::model::build_id::BuildId;
use crate::model::coredump::Coredump;
use crate::model::progress::{Progress, Unattended};
use crate::model::report::CrashReport;
use crate::store::crash::CrashFilter;
use crate::store::error::StoreError;
use crate::store::ids::{CaptureId, CrashId};
use crate::store::open::Store;
use crate::store::reader::Reader;
use crate::symbols::symbol_file::{LoadOptions, SymbolFile};
use crate::symbols::symbol_set::SymbolSet;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Captures that stay opened; the crash screen asks for the same one again and again.
const OPENED_CAPTURES: usize = 4;
/// Files of one build that are looked at for what each of them has.
const FILES_OF_A_BUILD: usize = 8;
/// Files from this size on are unpacked onto the disk.
const UNPACKED_FROM_BYTES: u64 = 64 << 20;
/// Logs that stay open.
const OPENED_LOGS: usize = 3;
/// ELF files that stay opened.
const OPENED_SYMBOL_FILES: usize = 16;

/// A read-only view of a workspace, shared by every query.
#[derive(Clone)]
pub struct QueryContext {
    inner: Arc<Inner>,
    cancel: CancelFlag,
}

struct Inner {
    store: Store,
    cache: IndexCache,
    recent_file: Option<PathBuf>,
    captures: Mutex<Vec<(CaptureId, Arc<Examined>)>>,
    symbols: Mutex<Vec<(String, Arc<SymbolFile>)>>,
    logs: Mutex<Vec<(LogKey, Arc<LogSession>)>>,
    live: LiveLogs,
    merged: MergedLogs,
}

/// A crash with everything needed to answer questions about it.
pub struct OpenedCrash {
    examined: Arc<Examined>,
    ordinal: usize,
    matched: Matched,
    cache: IndexCache,
}

impl QueryContext {
    /// Over an open store.
    pub fn new(store: Store, cache: IndexCache, recent_file: Option<PathBuf>) -> Self {
        let inner = Inner {
            store,
            cache,
            recent_file,
            captures: Mutex::default(),
            symbols: Mutex::default(),
            logs: Mutex::default(),
            live: LiveLogs::default(),
            merged: MergedLogs::default(),
        };
        Self {
            inner: Arc::new(inner),
            cancel: CancelFlag::default(),
        }
    }

    /// The same, for an answer that is given up once the flag is set.
    pub(super) fn cancelled_by(&self, cancel: CancelFlag) -> Self {
        Self {
            cancel,
            ..self.clone()
        }
    }

    /// Says whether the answer is still wanted: what takes long asks it again and again.
    pub fn progress(&self) -> &dyn Progress {
        &self.cancel
    }

    /// A connection to read from.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        self.inner.store.reader()
    }

    /// The store, for the commands that change it.
    pub(super) fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Where indexes are kept.
    pub fn cache(&self) -> &IndexCache {
        &self.inner.cache
    }

    /// Asks a query and waits for the answer.
    pub fn run<Q: Query>(&self, query: &Q) -> Result<Q::Output, QueryError> {
        query.run(self)
    }

    /// File name of the workspace, without its ending.
    pub fn name(&self) -> String {
        let path = self.inner.store.path();
        path.file_stem().map_or_else(
            || path.display().to_string(),
            |n| n.to_string_lossy().into_owned(),
        )
    }

    /// Path of the workspace file.
    pub fn path(&self) -> &Path {
        self.inner.store.path()
    }

    /// Why nothing can be written, if so.
    pub fn read_only(&self) -> Option<String> {
        self.inner.store.read_only().map(ToString::to_string)
    }

    /// The list of recent workspaces.
    pub fn recent_file(&self) -> Option<PathBuf> {
        self.inner.recent_file.clone()
    }

    /// The folder of the workspace.
    pub(super) fn folder(&self) -> &Path {
        let folder = self.inner.store.path().parent();
        folder
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."))
    }

    /// A file of a capture; a large one is unpacked beside the workspace, not into memory.
    fn stored_bytes(
        &self,
        reader: &Reader,
        capture: CaptureId,
        path: &str,
        size: u64,
    ) -> Result<FileBytes, StoreError> {
        if size <= UNPACKED_FROM_BYTES {
            return reader.file_bytes(capture, path).map(FileBytes::from);
        }
        FileBytes::written(self.folder(), |file| {
            reader.write_file_bytes(capture, path, file)
        })
    }

    /// The id of a capture: its number, or the only one with this name.
    pub fn capture_named(&self, name: &str) -> Result<i64, QueryError> {
        let captures = self.reader()?.captures()?;
        if let Some(found) = captures.iter().find(|row| row.id.0.to_string() == name) {
            return Ok(found.id.0);
        }
        let mut named = captures.iter().filter(|row| row.name == name);
        match (named.next(), named.next()) {
            (Some(one), None) => Ok(one.id.0),
            (None, _) => Err(QueryError::Unanswerable(format!(
                "FS-LOG-004: the workspace has no capture {name}; `fieldscope query captures` lists them."
            ))),
            (Some(one), Some(other)) => Err(QueryError::Unanswerable(format!(
                "FS-LOG-004: several captures are called {name}; name it by its number: {}, {}.",
                one.id.0, other.id.0
            ))),
        }
    }

    /// A file of a capture, as it was imported.
    pub fn file_of_capture(&self, capture: i64, path: &str) -> Result<FileBytes, QueryError> {
        let reader = self.reader()?;
        let id = CaptureId(capture);
        let files = reader.files(id)?.into_iter();
        let size = files.filter(|file| file.path == path).map(|file| file.size);
        Ok(self.stored_bytes(&reader, id, path, size.max().unwrap_or(0))?)
    }

    /// A capture, decoded again from its raw bytes; the last few are kept.
    pub fn examined(&self, capture: CaptureId) -> Result<Arc<Examined>, QueryError> {
        if let Some((_, examined)) = lock(&self.inner.captures)
            .iter()
            .find(|(id, _)| *id == capture)
        {
            return Ok(Arc::clone(examined));
        }
        let reader = self.reader()?;
        let mut inputs = Inputs::default();
        for file in reader.files(capture)? {
            let bytes = self.stored_bytes(&reader, capture, &file.path, file.size)?;
            inputs.files.push(InputFile {
                path: file.path,
                on_disk: None,
                bytes,
            });
        }
        let examined = Arc::new(examine(inputs, &Unattended)?);
        let mut opened = lock(&self.inner.captures);
        opened.insert(0, (capture, Arc::clone(&examined)));
        opened.truncate(OPENED_CAPTURES);
        Ok(examined)
    }

    /// A log, or several merged, as the window shows them.
    pub fn shown_log(&self, key: &LogKey) -> Result<Arc<dyn ShownLog>, QueryError> {
        Ok(match key {
            LogKey::Merged { logs } => self.merged_log(logs)?,
            one => self.log(one)?,
        })
    }

    /// Logs merged by time.
    pub fn merged_log(&self, logs: &[MergedLog]) -> Result<Arc<MergedSession>, QueryError> {
        self.inner.merged.get(self, logs)
    }

    /// A log, indexed; the last few stay open.
    pub fn log(&self, key: &LogKey) -> Result<Arc<LogSession>, QueryError> {
        let known = |logs: &[(LogKey, Arc<LogSession>)]| {
            let mut logs = logs.iter();
            logs.find(|(other, _)| other == key)
                .map(|(_, log)| Arc::clone(log))
        };
        if let Some(log) = known(&lock(&self.inner.logs)) {
            return Ok(log);
        }
        let (capture, path) = match key {
            LogKey::InCapture { capture, path } => (capture, path),
            LogKey::Merged { .. } => {
                return Err(QueryError::Unanswerable(
                    "FS-LOG-005: this is asked of one log, and here several are merged. Open one of them."
                        .to_owned(),
                ));
            }
            LogKey::OnDisk { path } => {
                return self.inner.live.get(path).ok_or_else(|| {
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
        let mut logs = lock(&self.inner.logs);
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

    /// The logs that are or were followed.
    pub(super) fn live_logs(&self) -> &LiveLogs {
        &self.inner.live
    }

    /// Forgets opened captures and ELF files: the workspace changed.
    pub fn forget_opened(&self) {
        lock(&self.inner.captures).clear();
        lock(&self.inner.symbols).clear();
        lock(&self.inner.logs).clear();
        self.inner.merged.forget();
    }

    /// The ELF of a build, from disk or from the capture that brought it.
    pub fn symbol_file(&self, id: &BuildId) -> Option<Arc<SymbolFile>> {
        let is_it = |file: &SymbolFile| file.build_id().matches(id);
        if let Some((_, file)) = lock(&self.inner.symbols)
            .iter()
            .find(|(_, file)| is_it(file))
        {
            return Some(Arc::clone(file));
        }
        let reader = self.reader().ok()?;
        let rows = reader.symbol_files().ok()?;
        let of_build = rows.iter().filter(|row| row.facts.build_id.matches(id));
        let mut files: Vec<Arc<SymbolFile>> = Vec::new();
        for row in of_build.take(FILES_OF_A_BUILD) {
            let opened = match row.capture {
                None => SymbolFile::open(Path::new(&row.path), &LoadOptions::default()).ok(),
                Some(capture) => reader
                    .file_bytes(capture, &row.path)
                    .ok()
                    .and_then(|bytes| SymbolFile::parse(&row.path, bytes).ok())
                    .map(|file| self.with_split_files_of(capture, file)),
            };
            // A file that was replaced by another build since it was added is not it any more.
            let Some(file) = opened.filter(|file| file.build_id() == &row.facts.build_id) else {
                continue;
            };
            let is_enough = is_complete(&file);
            files.push(Arc::new(file));
            if is_enough {
                break;
            }
        }
        join_debug_files(&mut files);
        let file = files.into_iter().next()?;
        let mut kept = lock(&self.inner.symbols);
        kept.insert(0, (file.build_id().to_string(), Arc::clone(&file)));
        kept.truncate(OPENED_SYMBOL_FILES);
        Some(file)
    }

    /// An ELF with the `.dwo` and `.dwp` files that came with it.
    fn with_split_files_of(&self, capture: CaptureId, file: SymbolFile) -> SymbolFile {
        if file.n_missing_split_files() == 0 {
            return file;
        }
        match self.examined(capture) {
            Ok(examined) => file.with_split_files(&examined.split_files),
            Err(_unreadable) => file,
        }
    }

    /// A crash with its dump and symbols.
    pub fn open_crash(&self, crash: i64) -> Result<OpenedCrash, QueryError> {
        let row = self.reader()?.crash(CrashId(crash))?;
        let examined = self.examined(row.capture)?;
        let ordinal = usize::try_from(row.ordinal).unwrap_or(usize::MAX);
        let Some(found) = examined.crashes.get(ordinal) else {
            return Err(QueryError::Unanswerable(
                "FS-CRASH-002: the raw bytes of this crash no longer decode to it.".to_owned(),
            ));
        };
        let mut matched = match_available(
            found.build_id.as_ref().map(|(id, _)| id),
            &examined.symbol_files,
        );
        if matched.files.is_empty() {
            let wanted = found.build_id.as_ref().map(|(id, _)| id);
            let file = wanted
                .or(row.elf_build_id.as_ref())
                .and_then(|id| self.symbol_file(id));
            if let Some(file) = file {
                matched = Matched {
                    files: vec![file],
                    verified: wanted.is_some(),
                    warnings: Vec::new(),
                };
            }
        }
        Ok(OpenedCrash {
            examined,
            ordinal,
            matched,
            cache: self.inner.cache.clone(),
        })
    }

    /// The build to symbolize a pasted text with, and why it was chosen.
    pub fn build_for_text(
        &self,
        chosen: Option<&BuildId>,
        text: &str,
    ) -> Result<(Matched, String), QueryError> {
        let reader = self.reader()?;
        let mut builds: BTreeMap<BuildId, String> = BTreeMap::new();
        for row in reader.symbol_files()? {
            builds.entry(row.facts.build_id).or_insert(row.path);
        }
        let named = |id: &BuildId| text.contains(&id.to_string());
        let (id, why) = if let Some(id) = chosen {
            (id.clone(), "chosen by you")
        } else if let Some(id) = builds.keys().find(|id| named(id)) {
            (id.clone(), "named in the text")
        } else if let (1, Some(id)) = (builds.len(), builds.keys().next()) {
            (id.clone(), "the only one in the library")
        } else if builds.is_empty() {
            return Err(QueryError::Unanswerable(
                "FS-SYM-003: there is no ELF in the symbol library, so addresses have no names. Add symbols first."
                    .to_owned(),
            ));
        } else {
            return Err(QueryError::Unanswerable(format!(
                "FS-SYM-011: {} builds are in the library and the text names none of them. Choose one.",
                builds.len()
            )));
        };
        let Some(file) = self.symbol_file(&id) else {
            return Err(QueryError::Unanswerable(format!(
                "FS-SYM-009: the ELF of build {id} is no longer where it was. Add it again."
            )));
        };
        let words = format!("build {} ({why})", id.short());
        Ok((
            Matched {
                files: vec![file],
                verified: false,
                warnings: Vec::new(),
            },
            words,
        ))
    }

    /// Calls `use_it` with symbols.
    pub fn with_matched<T>(
        &self,
        matched: &Matched,
        use_it: impl FnOnce(&SymbolSet<'_>) -> T,
    ) -> T {
        with_symbols(matched, &self.inner.cache, use_it)
    }

    /// Where a source file may be, most likely first: mapped folders, then the path that the ELF names.
    pub fn source_candidates(
        &self,
        symbols: &SymbolSet<'_>,
        file: &str,
    ) -> Result<Vec<PathBuf>, QueryError> {
        let mut candidates = Vec::new();
        let all = symbols
            .infos
            .iter()
            .flat_map(|info| (0..info.units().len()).filter_map(|unit| info.comp_dir(unit)));
        let mut comp_dirs: Vec<String> = all.collect();
        comp_dirs.sort();
        comp_dirs.dedup();
        let mut names: Vec<String> = comp_dirs
            .iter()
            .map(|dir| format!("{}/{file}", dir.trim_end_matches('/')))
            .collect();
        names.insert(0, file.to_owned());
        for map in super::source_map::read(self)? {
            for name in &names {
                candidates.extend(map.apply(name).map(PathBuf::from));
            }
        }
        candidates.extend(
            names
                .iter()
                .map(PathBuf::from)
                .filter(|path| path.is_absolute()),
        );
        candidates.dedup();
        Ok(candidates)
    }
}

impl OpenedCrash {
    /// The builds whose symbols are used.
    pub fn builds(&self) -> impl Iterator<Item = &BuildId> {
        self.matched.files.iter().map(|file| file.build_id())
    }

    /// The joined dump.
    pub fn dump(&self) -> Option<&Coredump> {
        self.examined
            .crashes
            .get(self.ordinal)
            .map(|crash| &crash.joined.dump)
    }

    /// The report.
    pub fn report(&self, depth: Depth) -> Result<CrashReport, QueryError> {
        report(
            &self.examined,
            self.ordinal,
            &self.matched,
            &self.cache,
            depth,
        )
        .ok_or_else(|| QueryError::NotFound("This crash is no longer in the workspace.".to_owned()))
    }

    /// Holds ELF files that the user chose against this crash.
    pub fn match_named(&self, named: &[Arc<SymbolFile>]) -> Result<Matched, Mismatch> {
        let Some(crash) = self.examined.crashes.get(self.ordinal) else {
            return Ok(Matched::default());
        };
        let id = crash.build_id.as_ref().map(|(id, _)| id);
        match_named(id, &crash.joined.dump.memory, named)
    }

    /// Calls `use_it` with the dump and its symbols.
    pub fn with_symbols<T>(
        &self,
        use_it: impl FnOnce(&Coredump, &SymbolSet<'_>) -> T,
    ) -> Result<T, QueryError> {
        let dump = self.dump().ok_or_else(|| {
            QueryError::NotFound("This crash is no longer in the workspace.".to_owned())
        })?;
        Ok(with_symbols(&self.matched, &self.cache, |symbols| {
            use_it(dump, symbols)
        }))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

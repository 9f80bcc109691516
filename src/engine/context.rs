//! What a query may use: the workspace to read, symbols, opened captures. No way to change anything.

use super::event::EventSender;
use super::examine::{Examined, examine};
use super::file_bytes::FileBytes;
use super::index_cache::IndexCache;
use super::input::{InputFile, Inputs};
use super::matching::{Matched, Mismatch, match_available, match_named};
use super::opened_logs::OpenedLogs;
use super::query::{CancelFlag, Query, QueryError};
use super::reports::{Depth, report, with_symbols};
use super::separate_debug::{is_complete, join_debug_files};
use crate::model::build_id::BuildId;
use crate::model::coredump::Coredump;
use crate::model::progress::{Progress, Unattended};
use crate::model::report::CrashReport;
use crate::store::error::StoreError;
use crate::store::ids::{CaptureId, CrashId};
use crate::store::open::Store;
use crate::store::reader::Reader;
use crate::symbols::symbol_file::{LoadOptions, SymbolFile};
use crate::symbols::symbol_set::SymbolSet;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Captures that stay opened; the crash screen asks for the same one again and again.
const OPENED_CAPTURES: usize = 4;
/// Files of one build that are looked at for what each of them has.
const FILES_OF_A_BUILD: usize = 8;
/// Files from this size on are unpacked onto the disk.
const UNPACKED_FROM_BYTES: u64 = 64 << 20;
/// ELF files that stay opened.
const OPENED_SYMBOL_FILES: usize = 16;

/// A read-only view of a workspace, shared by every query.
#[derive(Clone)]
pub struct QueryContext {
    inner: Arc<Inner>,
    cancel: CancelFlag,
    /// Who is woken when more is known; nobody, where an answer is waited for.
    events: Option<EventSender>,
}

struct Inner {
    store: Store,
    cache: IndexCache,
    recent_file: Option<PathBuf>,
    captures: Mutex<Vec<(CaptureId, Arc<Examined>)>>,
    symbols: Mutex<Vec<(String, Arc<SymbolFile>)>>,
    logs: OpenedLogs,
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
            logs: OpenedLogs::default(),
        };
        Self {
            inner: Arc::new(inner),
            cancel: CancelFlag::default(),
            events: None,
        }
    }

    /// The same, for an answer that is given up once the flag is set, and may be followed by a better one.
    pub(super) fn for_window(&self, cancel: CancelFlag, events: EventSender) -> Self {
        Self {
            cancel,
            events: Some(events),
            ..self.clone()
        }
    }

    /// Whom to wake when more is known than was answered.
    pub(super) fn events(&self) -> Option<&EventSender> {
        self.events.as_ref()
    }

    /// Says whether the answer is still wanted: what takes long asks it again and again.
    pub fn progress(&self) -> &dyn Progress {
        &self.cancel
    }

    /// The logs that are open.
    pub(super) fn opened_logs(&self) -> &OpenedLogs {
        &self.inner.logs
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
    pub(super) fn stored_bytes(
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
                modified_ns: file.modified_ns,
            });
        }
        let examined = Arc::new(examine(inputs, &Unattended)?);
        let mut opened = lock(&self.inner.captures);
        opened.insert(0, (capture, Arc::clone(&examined)));
        opened.truncate(OPENED_CAPTURES);
        Ok(examined)
    }

    /// Forgets opened captures and ELF files: the workspace changed.
    pub fn forget_opened(&self) {
        lock(&self.inner.captures).clear();
        lock(&self.inner.symbols).clear();
        self.inner.logs.forget();
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

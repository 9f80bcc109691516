//! A workspace with its symbol library: what commands change and queries read.

use super::context::QueryContext;
use super::index_cache::IndexCache;
use super::job::JobError;
use super::matching::Matched;
use super::query::{Query, QueryError};
use super::recent::{RecentWorkspace, remember};
use super::reports::{Depth, report};
use super::sent_series::sent_series;
use crate::formats::sdk::definitions::{self, DefinedMetric, METRICS_SECTION};
use crate::model::build_id::BuildId;
use crate::model::progress::Progress;
use crate::store::capture_series::WaitingHeartbeats;
use crate::store::crash::CrashUpdate;
use crate::store::error::StoreError;
use crate::store::ids::{CaptureId, CrashId};
use crate::store::open::{OpenOptions, Store};
use crate::store::symbol_files::{NewSymbolFile, SymbolFacts};
use crate::symbols::library::{LibraryEntry, SymbolLibrary};
use crate::symbols::symbol_file::SymbolFile;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// Crashes that get their names in one transaction.
const UPDATE_BATCH: usize = 64;

/// An open workspace.
#[derive(Clone)]
pub struct Workspace {
    context: QueryContext,
}

/// Why a workspace cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// The file cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no data folder to put one in.
    #[error("there is no data folder for this user. Give --workspace FILE")]
    NoDataFolder,
    /// The folder cannot be made.
    #[error("the folder of the workspace cannot be made: {error}: {path}", path = path.display())]
    Folder {
        /// What the operating system says.
        error: std::io::Error,
        /// The folder.
        path: PathBuf,
    },
}

/// What was added to the symbol library.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AddedSymbols {
    /// Files that were added.
    pub files: Vec<AddedFile>,
    /// Files that were named and could not be used, with the reason.
    #[serde(skip)]
    pub failed: Vec<(PathBuf, String)>,
    /// Crashes that have names now.
    pub n_improved: usize,
    /// Heartbeats whose values have names now.
    pub n_named_heartbeats: u64,
}

/// One ELF that was added.
#[derive(Clone, Debug, Serialize)]
pub struct AddedFile {
    /// Where it is.
    pub path: String,
    /// Its build id.
    pub build_id: BuildId,
    /// What its debug information allows.
    pub quality: String,
}

impl AddedSymbols {
    /// `2 builds added; 3 crashes have names now.`
    pub fn sentence(&self) -> String {
        let builds = match self.files.as_slice() {
            [one] => format!("Build {} added.", one.build_id.short()),
            several => format!("{} builds added.", several.len()),
        };
        let crashes = match self.n_improved {
            0 => "No crash waited for it.".to_owned(),
            1 => "1 crash has names now.".to_owned(),
            n => format!("{n} crashes have names now."),
        };
        let heartbeats = match self.n_named_heartbeats {
            0 => return format!("{builds} {crashes}"),
            1 => "The values of 1 heartbeat have names now.".to_owned(),
            n => format!("The values of {n} heartbeats have names now."),
        };
        if self.n_improved == 0 {
            return format!("{builds} {heartbeats}");
        }
        format!("{builds} {crashes} {heartbeats}")
    }
}

impl Workspace {
    /// Opens a workspace, or makes it: the one named, or the one in the user's data folder.
    pub fn open(path: Option<&Path>, cache: IndexCache) -> Result<Self, WorkspaceError> {
        let path = match path {
            Some(path) => path.to_path_buf(),
            None => default_path().ok_or(WorkspaceError::NoDataFolder)?,
        };
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder).map_err(|error| WorkspaceError::Folder {
                error,
                path: folder.to_path_buf(),
            })?;
        }
        let store = Store::open(&path, &OpenOptions::new(now()))?;
        Ok(Self {
            context: QueryContext::new(store, cache, recent_file()),
        })
    }

    /// Opens an existing workspace to ask it something.
    pub fn open_to_read(path: &Path, cache: IndexCache) -> Result<Self, WorkspaceError> {
        let store = Store::open(path, &OpenOptions::read_only(now()))?;
        Ok(Self {
            context: QueryContext::new(store, cache, None),
        })
    }

    /// The folder it lies in: where there is room for copies of what goes into it.
    pub(super) fn folder(&self) -> &Path {
        self.context.folder()
    }

    /// What queries use.
    pub fn context(&self) -> QueryContext {
        self.context.clone()
    }

    /// Asks a query and waits.
    pub fn run<Q: Query>(&self, query: &Q) -> Result<Q::Output, QueryError> {
        self.context.run(query)
    }

    pub(super) fn store(&self) -> &Store {
        self.context.store()
    }

    /// Notes this workspace in the list of recent ones, with what it holds.
    pub fn remember(&self) {
        let Ok(overview) = self.run(&super::queries::overview::OverviewQuery) else {
            return;
        };
        let newest = self
            .context
            .crash_rows()
            .ok()
            .and_then(|rows| rows.into_iter().next());
        let recent = RecentWorkspace {
            path: std::path::absolute(self.context.path())
                .unwrap_or_else(|_unknown| self.context.path().to_path_buf()),
            opened_at: now(),
            holds: format!(
                "{} captures, {} crashes",
                overview.n_captures, overview.n_crashes
            ),
            finding: newest.map(|row| row.summary),
        };
        remember(self.context.recent_file().as_deref(), recent);
    }

    /// Adds ELF files and folders of them; crashes that waited for them are symbolized.
    pub fn add_symbols(
        &self,
        paths: &[PathBuf],
        progress: &dyn Progress,
    ) -> Result<AddedSymbols, JobError> {
        let mut added = AddedSymbols::default();
        for path in paths {
            for found in SymbolLibrary::default().add_path(path, progress)? {
                match found {
                    Ok(entry) => {
                        self.store().add_symbol_file(&new_symbol_file(&entry))?;
                        added.files.push(AddedFile {
                            path: entry.path.display().to_string(),
                            build_id: entry.build_id,
                            quality: entry.quality.label().to_owned(),
                        });
                    }
                    Err(not_added) => {
                        added
                            .failed
                            .push((not_added.path, not_added.error.to_string()));
                    }
                }
            }
        }
        self.context.forget_opened();
        added.n_improved = self.resymbolize(progress)?;
        added.n_named_heartbeats = self.name_heartbeats(progress)?;
        Ok(added)
    }

    /// Symbolizes every crash that waits for a build that is at hand now. Answers how many.
    pub(super) fn resymbolize(&self, progress: &dyn Progress) -> Result<usize, JobError> {
        let waiting = self.context.reader()?.crashes_without_symbols()?;
        let mut updates = Vec::new();
        let mut n_improved = 0;
        for (done, row) in waiting.iter().enumerate() {
            progress.tick(done as u64, waiting.len() as u64)?;
            let Some(id) = &row.build_id else { continue };
            let Some(file) = self.context.symbol_file(id) else {
                continue;
            };
            let matched = super::matching::match_available(Some(id), &[file]);
            if !matched.has_names() {
                continue;
            }
            if let Some(update) = self.update(row.id, &matched)? {
                updates.push(update);
            }
            if updates.len() >= UPDATE_BATCH {
                self.store().update_crashes(&updates)?;
                n_improved += updates.len();
                updates.clear();
            }
        }
        if !updates.is_empty() {
            self.store().update_crashes(&updates)?;
            n_improved += updates.len();
        }
        Ok(n_improved)
    }

    /// What the ELF of a build calls metrics: of those at hand, else of the library. `None` while it is missing.
    pub(super) fn metrics_of(
        &self,
        build: &BuildId,
        at_hand: &[Arc<SymbolFile>],
    ) -> Option<Vec<DefinedMetric>> {
        let own = at_hand.iter().find(|file| file.build_id().matches(build));
        let file = match own {
            Some(file) => Arc::clone(file),
            None => self.context.symbol_file(build)?,
        };
        let (address, section) = file.section(METRICS_SECTION)?;
        Some(definitions::metrics(address, section))
    }

    /// Stores the values of heartbeats that waited for an ELF which is at hand now. Answers how many heartbeats it names.
    pub(super) fn name_heartbeats(&self, progress: &dyn Progress) -> Result<u64, JobError> {
        let waiting = self.context.reader()?.waiting_heartbeats()?;
        let is_here = |waiting: &&WaitingHeartbeats| {
            let build = waiting.build.build_id.as_ref();
            build.is_some_and(|build| self.metrics_of(build, &[]).is_some())
        };
        let named: Vec<&WaitingHeartbeats> = waiting.iter().filter(is_here).collect();
        let captures: BTreeSet<CaptureId> = named.iter().map(|waiting| waiting.capture).collect();
        for (done, capture) in captures.iter().enumerate() {
            progress.tick(done as u64, captures.len() as u64)?;
            let examined = self
                .context
                .examined(*capture)
                .map_err(|error| JobError::Failed(error.to_string()))?;
            let imported_at = self.context.reader()?.capture(*capture)?.imported_at;
            let metrics_of = |build: &BuildId| self.metrics_of(build, &examined.symbol_files);
            let sent = sent_series(&examined, &imported_at, &metrics_of, progress)?;
            self.store().update_series(*capture, &sent.new)?;
        }
        Ok(named
            .iter()
            .map(|waiting| waiting.build.n_heartbeats)
            .fold(0, u64::saturating_add))
    }

    /// Uses a build for a crash that names none. Refused when captured constants differ from the ELF's.
    pub(super) fn assign_symbols(
        &self,
        crash: i64,
        build_id: &str,
        progress: &dyn Progress,
    ) -> Result<String, JobError> {
        progress.tick(0, 1)?;
        let id = BuildId::from_hex(build_id)
            .ok_or_else(|| JobError::Failed(format!("{build_id} is not a build id.")))?;
        let file = self.context.symbol_file(&id).ok_or_else(|| {
            JobError::Failed(format!("The ELF of build {id} is not in the library."))
        })?;
        let opened = self
            .context
            .open_crash(crash)
            .map_err(|e| JobError::Failed(e.to_string()))?;
        let matched = opened
            .match_named(&[file])
            .map_err(|mismatch| JobError::Failed(mismatch.to_string()))?;
        let update = self.update(CrashId(crash), &matched)?;
        self.store().update_crashes(update.as_slice())?;
        Ok(format!(
            "Build {} is used for this crash. Not verified: the capture names no build.",
            id.short()
        ))
    }

    pub(super) fn remove_capture(&self, capture: i64) -> Result<String, StoreError> {
        self.store().remove_capture(CaptureId(capture), &now())?;
        self.context.forget_opened();
        Ok("Capture removed. Undo brings it back.".to_owned())
    }

    pub(super) fn restore_capture(&self, capture: i64) -> Result<String, StoreError> {
        self.store().restore_capture(CaptureId(capture))?;
        Ok("Capture restored.".to_owned())
    }

    pub(super) fn save_copy(
        &self,
        path: &Path,
        progress: &dyn Progress,
    ) -> Result<String, StoreError> {
        self.store().save_copy(path, progress)?;
        Ok(format!("Copy saved as {}", path.display()))
    }

    fn update(&self, crash: CrashId, matched: &Matched) -> Result<Option<CrashUpdate>, JobError> {
        let row = self.context.reader()?.crash(crash)?;
        let examined = self
            .context
            .examined(row.capture)
            .map_err(|e| JobError::Failed(e.to_string()))?;
        let ordinal = usize::try_from(row.ordinal).unwrap_or(usize::MAX);
        let report = report(
            &examined,
            ordinal,
            matched,
            self.context.cache(),
            Depth::Frames,
        );
        Ok(report.map(|report| {
            let symbolized = matched.has_names();
            CrashUpdate {
                crash,
                report,
                symbolized,
            }
        }))
    }
}

fn new_symbol_file(entry: &LibraryEntry) -> NewSymbolFile {
    let path = std::path::absolute(&entry.path).unwrap_or_else(|_unknown| entry.path.clone());
    let modified = std::fs::metadata(&path)
        .and_then(|meta| meta.modified())
        .ok();
    NewSymbolFile {
        path: path.display().to_string(),
        facts: SymbolFacts {
            build_id: entry.build_id.clone(),
            arch: entry.arch,
            quality: entry.quality.label().to_owned(),
            size: entry.size,
        },
        modified_at: modified.map(|at| humantime::format_rfc3339_seconds(at).to_string()),
        added_at: now(),
    }
}

/// The time now, RFC 3339 in UTC.
pub fn now() -> String {
    humantime::format_rfc3339_nanos(SystemTime::now()).to_string()
}

/// The workspace of a user who names none.
pub fn default_path() -> Option<PathBuf> {
    dirs::data_dir().map(|folder| folder.join("fieldscope").join("default.fieldscope"))
}

fn recent_file() -> Option<PathBuf> {
    dirs::data_dir().map(|folder| folder.join("fieldscope").join("recent.json"))
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Cancelled) {
            return Self::Cancelled;
        }
        Self::Failed(error.to_string())
    }
}

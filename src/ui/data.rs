//! What the panels show: the answers of the engine's queries as plain data, and the door they come through.
//!
//! Panels format these, they never compute on them.

use crate::model::{
    addr::TargetAddr,
    report::{CrashReport, Local},
    warning::Warning,
};
use std::path::PathBuf;
use std::sync::Arc;

/// An answer that may still be on its way. Old values stay on screen while a new one is made.
#[derive(Clone, Debug)]
pub enum Loadable<T> {
    /// Being made.
    Pending {
        /// The last answer, if there was one.
        previous: Option<T>,
    },
    /// Here.
    Ready(T),
    /// Could not be made.
    Failed {
        /// What happened, what it means, what to do; begins with its code.
        error: String,
        /// The last answer, if there was one.
        previous: Option<T>,
    },
}

impl<T> Loadable<T> {
    /// The answer or the one before it.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Ready(value) => Some(value),
            Self::Pending { previous } | Self::Failed { previous, .. } => previous.as_ref(),
        }
    }

    /// True while it is being made.
    pub fn is_pending(&self) -> bool {
        matches!(self, Self::Pending { .. })
    }
}

/// An answer shared with the engine's cache.
pub type Answer<T> = Loadable<Arc<T>>;

/// A crash in the workspace.
pub type CrashId = i64;
/// A capture in the workspace.
pub type CaptureId = i64;
/// A job of the engine.
pub type JobId = u64;

/// The status bar and the empty states.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    /// Name of the workspace.
    pub workspace: String,
    /// Its file.
    pub path: PathBuf,
    /// Bytes on disk.
    pub workspace_bytes: u64,
    /// Builds with symbols.
    pub n_builds: u64,
    /// Crashes in it.
    pub n_crashes: u64,
    /// Captures in it.
    pub n_captures: u64,
    /// Why nothing can be written, when that is so.
    pub read_only: Option<String>,
    /// The folder that is watched.
    pub watched: Option<PathBuf>,
}

/// One line of the recent workspaces.
#[derive(Clone, Debug)]
pub struct RecentWorkspace {
    /// Name.
    pub name: String,
    /// File.
    pub path: PathBuf,
    /// What it holds, in words.
    pub holds: String,
    /// The finding, in words.
    pub finding: String,
    /// True when the finding is a crash.
    pub has_crash: bool,
    /// Seconds since it was opened.
    pub opened_secs_ago: u64,
}

/// Whether the symbols are the ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolState {
    /// Build ids equal.
    Match,
    /// Chosen by hand or by name: nothing proves it.
    NotVerified,
    /// No ELF for this build.
    Missing,
}

impl SymbolState {
    /// The words on a chip.
    pub fn label(self) -> &'static str {
        match self {
            Self::Match => "symbols match",
            Self::NotVerified => "symbols not verified",
            Self::Missing => "symbols missing",
        }
    }
}

/// One crash in a list.
#[derive(Clone, Debug)]
pub struct CrashRow {
    /// Id.
    pub id: CrashId,
    /// The sentence.
    pub headline: String,
    /// The class of the fault on screen.
    pub kind: String,
    /// Crashed thread.
    pub thread: Option<String>,
    /// `main.c:16`.
    pub location: Option<String>,
    /// Capture it came from.
    pub capture: String,
    /// Device, if it is known.
    pub device: Option<String>,
    /// Boot number in the capture.
    pub boot: Option<u64>,
    /// Version of the software.
    pub version: Option<String>,
    /// Build id.
    pub build_id: Option<String>,
    /// State of its symbols.
    pub symbols: SymbolState,
}

/// Crashes with the same fingerprint.
#[derive(Clone, Debug)]
pub struct CrashGroup {
    /// The key that groups them.
    pub key: String,
    /// The sentence that stands for all.
    pub headline: String,
    /// Class of the fault.
    pub kind: String,
    /// Devices seen with it.
    pub n_devices: u64,
    /// Newest first.
    pub crashes: Vec<CrashRow>,
}

/// One crash as its screen shows it.
#[derive(Clone, Debug)]
pub struct CrashDetail {
    /// Line of the list that it belongs to.
    pub row: CrashRow,
    /// Everything that could be said.
    pub report: CrashReport,
    /// Crashes with the same fingerprint, this one included.
    pub n_similar: u64,
}

/// Memory around an address.
#[derive(Clone, Debug, Default)]
pub struct MemoryPage {
    /// First address.
    pub start: u64,
    /// One entry a byte; `None` was not captured.
    pub bytes: Vec<Option<u8>>,
    /// Symbols that begin in the page.
    pub symbols: Vec<(u64, String)>,
    /// Captured ranges of the whole dump, for "go to".
    pub ranges: Vec<(u64, u64, String)>,
}

/// Globals that match a search.
#[derive(Clone, Debug, Default)]
pub struct Globals {
    /// Those shown.
    pub rows: Vec<GlobalRow>,
    /// All that match.
    pub n_total: u64,
}

/// One global.
#[derive(Clone, Debug)]
pub struct GlobalRow {
    /// Where it is.
    pub address: Option<TargetAddr>,
    /// `main.c:12`.
    pub location: Option<String>,
    /// Its value.
    pub local: Local,
}

/// Lines of a source file, or where it was looked for.
#[derive(Clone, Debug)]
pub enum SourceText {
    /// Found.
    Found {
        /// Path on this computer.
        path: String,
        /// Number of the first line.
        first_line: u32,
        /// Lines.
        lines: Vec<String>,
    },
    /// Not on this computer.
    Missing {
        /// As the ELF names it.
        path: String,
    },
}

/// The symbol library.
#[derive(Clone, Debug, Default)]
pub struct SymbolLibrary {
    /// Builds with symbols.
    pub builds: Vec<BuildRow>,
    /// Builds that crashes wait for, most wanted first.
    pub missing: Vec<MissingBuild>,
}

/// One build with symbols.
#[derive(Clone, Debug)]
pub struct BuildRow {
    /// File name.
    pub name: String,
    /// Full path.
    pub path: String,
    /// Build id.
    pub build_id: String,
    /// Processor.
    pub arch: String,
    /// `full`, `lines only`, `names only`, `none`.
    pub quality: String,
    /// What would make it better.
    pub advice: Option<String>,
    /// Crashes that use it.
    pub n_crashes: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// One build without symbols.
#[derive(Clone, Debug)]
pub struct MissingBuild {
    /// Build id, when the crashes carry one.
    pub build_id: Option<String>,
    /// Version, if known.
    pub version: Option<String>,
    /// Crashes that wait.
    pub n_crashes: u64,
}

/// What an import did with one file.
#[derive(Clone, Debug)]
pub struct ImportedFile {
    /// Path inside the capture.
    pub path: String,
    /// What it is: `ELF core`, `text`, `not understood`.
    pub kind: String,
    /// Bytes.
    pub bytes: u64,
    /// What was found in it, in words.
    pub found: String,
    /// Bytes nobody understood, as offsets.
    pub not_understood: Vec<(u64, u64)>,
    /// What was wrong with it.
    pub warnings: Vec<Warning>,
    /// Why it was not taken at all.
    pub refused: Option<String>,
}

/// One capture with what its import found.
#[derive(Clone, Debug)]
pub struct ImportReport {
    /// Id.
    pub capture: CaptureId,
    /// Name.
    pub name: String,
    /// `1 device, 3 boots, 2 crashes`.
    pub summary: String,
    /// Files, in the order they were read.
    pub files: Vec<ImportedFile>,
}

/// One capture in a list.
#[derive(Clone, Debug)]
pub struct CaptureRow {
    /// Id.
    pub id: CaptureId,
    /// Name.
    pub name: String,
    /// What it holds.
    pub holds: String,
}

/// A pasted text with its addresses answered.
#[derive(Clone, Debug, Default)]
pub struct Symbolized {
    /// Lines of the input.
    pub lines: Vec<SymbolizedLine>,
    /// Addresses seen.
    pub n_addresses: u64,
    /// Addresses with an answer.
    pub n_found: u64,
    /// The whole text with the answers, for the clipboard.
    pub text: String,
}

/// One line of a pasted text.
#[derive(Clone, Debug, Default)]
pub struct SymbolizedLine {
    /// As pasted.
    pub text: String,
    /// Answers, in order of the addresses: `flash_write at flash.c:212`.
    pub answers: Vec<String>,
}

/// Something that was found by name.
#[derive(Clone, Debug)]
pub struct Found {
    /// First line.
    pub title: String,
    /// Second, quiet.
    pub detail: String,
    /// Where it leads.
    pub target: FoundTarget,
}

/// Where a found thing leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundTarget {
    /// A crash.
    Crash(CrashId),
    /// A capture's import report.
    Capture(CaptureId),
    /// A build.
    Build(String),
}

/// Background work as the window shows it.
#[derive(Clone, Debug)]
pub struct JobView {
    /// Id.
    pub id: JobId,
    /// `Import customer-4711.zip`.
    pub label: String,
    /// Units done.
    pub done: u64,
    /// Units in all; 0 is not known yet.
    pub total: u64,
    /// `files`, `bytes`.
    pub unit: String,
    /// Where it stands.
    pub state: JobState,
}

/// Where a job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobState {
    /// Runs.
    Running,
    /// Done, with what it achieved.
    Done(String),
    /// Cancelled by the user.
    Cancelled,
    /// Failed, with the reason.
    Failed(String),
}

/// What the window asks the engine to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Take in files and folders.
    Import(Vec<PathBuf>),
    /// Take in bytes that have no path (a drop from a browser or an archive).
    ImportBytes(String, Arc<[u8]>),
    /// Take in the demo.
    OpenDemo,
    /// Add symbol files or folders.
    AddSymbols(Vec<PathBuf>),
    /// Map a source folder.
    MapSource {
        /// Prefix as the ELF names it.
        from: String,
        /// Folder on this computer.
        to: PathBuf,
    },
    /// Import what appears in a folder; `None` stops.
    WatchFolder(Option<PathBuf>),
    /// Open another workspace.
    OpenWorkspace(PathBuf),
    /// Stop a job.
    Cancel(JobId),
    /// Read the same sources again.
    Reload,
}

/// The door to the engine: questions that are answered at once (perhaps with "not yet") and requests.
pub trait Door {
    /// The workspace at a glance.
    fn overview(&self) -> Answer<Overview>;
    /// Workspaces opened lately.
    fn recent(&self) -> Answer<Vec<RecentWorkspace>>;
    /// Crashes by fingerprint, newest group first.
    fn crash_groups(&self) -> Answer<Vec<CrashGroup>>;
    /// One crash.
    fn crash(&self, id: CrashId) -> Answer<CrashDetail>;
    /// Memory of a crash.
    fn memory(&self, id: CrashId, start: u64, len: u64) -> Answer<MemoryPage>;
    /// What a pointer points to.
    fn follow(&self, id: CrashId, type_name: &str, target: TargetAddr) -> Answer<Local>;
    /// Globals whose name holds `search`.
    fn globals(&self, id: CrashId, search: &str) -> Answer<Globals>;
    /// Source around a line.
    fn source(&self, id: CrashId, file: &str, line: u32) -> Answer<SourceText>;
    /// The symbol library.
    fn symbols(&self) -> Answer<SymbolLibrary>;
    /// Captures, newest first.
    fn captures(&self) -> Answer<Vec<CaptureRow>>;
    /// What an import found.
    fn import_report(&self, capture: CaptureId) -> Answer<ImportReport>;
    /// A pasted text with its addresses answered; `build` chooses the symbols.
    fn symbolize(&self, text: &str, build: Option<&str>) -> Answer<Symbolized>;
    /// Things by name.
    fn find(&self, text: &str) -> Answer<Vec<Found>>;
    /// Jobs, newest first.
    fn jobs(&self) -> Vec<JobView>;
    /// True while a job runs or an answer is being made.
    fn is_busy(&self) -> bool;
    /// Asks for work.
    fn send(&self, request: Request);
}

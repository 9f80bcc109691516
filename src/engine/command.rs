//! What the window and the command line may ask the engine to do. Each becomes a job.

use super::fleet_import::Mapping;
use super::live::choice::LinkChoice;
use super::logs::export::Export;
use super::logs::filter::FilterStack;
use super::logs::view::{LogKey, MergedLog};
use super::table_export::TableExport;
use crate::model::metric::MetricKind;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// What the job of [`Command::LookAtSample`] is called.
pub const LOOK_AGAIN: &str = "Look at a fleet sample again";

/// What is done to the processor of a board: only where somebody asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// Let it stand.
    Halt,
    /// Let it run.
    Run,
    /// Let it execute one instruction.
    Step,
    /// Reset the chip.
    Reset,
    /// Write a number: `NAME = VALUE`.
    Write(String),
    /// Take the last write back.
    Undo,
}

/// A change to the workspace or to the world outside.
#[derive(Clone, Debug)]
pub enum Command {
    /// Take in files, folders and archives as one capture each.
    Import {
        /// What was dropped or named.
        paths: Vec<PathBuf>,
        /// Fleet samples are looked at, and wait for [`Command::ImportSample`] or [`Command::LeaveSample`].
        asks: bool,
    },
    /// Import a fleet sample that waits.
    ImportSample {
        /// Its number.
        sample: u64,
        /// What a person said of its tables, by their paths; the others are read as they were looked at.
        chosen: BTreeMap<String, Mapping>,
    },
    /// Look at a fleet sample that waits again, read as a person says.
    LookAtSample {
        /// Its number.
        sample: u64,
        /// What a person said of its tables, by their paths.
        chosen: BTreeMap<String, Mapping>,
    },
    /// Do not import a fleet sample that waits.
    LeaveSample {
        /// Its number.
        sample: u64,
    },
    /// Take in one named piece of memory.
    ImportBytes {
        /// A name for the capture.
        name: String,
        /// Its bytes.
        bytes: Arc<[u8]>,
    },
    /// Take in the demo bundle that is part of this program.
    OpenDemo,
    /// Put the small demo fleet into the workspace.
    OpenDemoFleet,
    /// Add ELF files, or every ELF in a folder, to the symbol library.
    AddSymbols {
        /// Files and folders.
        paths: Vec<PathBuf>,
    },
    /// Use a build for a crash that carries no build id; stays marked "not verified".
    AssignSymbols {
        /// The crash.
        crash: i64,
        /// Build id (hex) of an ELF in the library.
        build_id: String,
    },
    /// Take a capture out of the workspace; [`Command::RestoreCapture`] undoes it.
    RemoveCapture {
        /// The capture.
        capture: i64,
    },
    /// Undo [`Command::RemoveCapture`].
    RestoreCapture {
        /// The capture.
        capture: i64,
    },
    /// Import whatever appears in a folder from now on; `None` stops watching.
    WatchFolder {
        /// The folder.
        path: Option<PathBuf>,
    },
    /// Open a log file and show what is appended to it, as it comes.
    FollowLog {
        /// The file.
        path: PathBuf,
    },
    /// Follow a log file no longer.
    StopFollowing {
        /// The file.
        path: PathBuf,
    },
    /// Open links to a board and listen to them: one session, which is recorded.
    Connect {
        /// The links.
        links: Vec<LinkChoice>,
    },
    /// End the session and take its recording into the workspace.
    Disconnect,
    /// Send bytes to the board.
    SendToBoard {
        /// Which link of the session, from 0.
        link: usize,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Do something to the processor of the board.
    Control {
        /// Which link of the session, from 0.
        link: usize,
        /// What.
        what: Control,
    },
    /// Watch a number of the program on the board, in this session and in those that come.
    Watch {
        /// `NAME` or `NAME@HZ`: a metric of the firmware, or a global variable with members and elements.
        asked: String,
    },
    /// Watch a number no longer.
    Unwatch {
        /// Its name.
        name: String,
    },
    /// Take what was recorded so far into the workspace; the session goes on.
    TakeSoFar,
    /// Tell a recording again on the Live screen, from its beginning.
    Replay {
        /// The file.
        path: PathBuf,
        /// Up to here it is told at once, nanoseconds since the session began; if it is not the beginning, it stands there.
        from_ns: i64,
    },
    /// Write what is shown of a log to a file.
    ExportLog {
        /// The log.
        key: LogKey,
        /// What of it, how, and where to.
        export: Box<Export>,
    },
    /// Write the table behind a chart to a file.
    ExportTable(Box<TableExport>),
    /// Write a picture to a file.
    #[cfg(feature = "gui")]
    SavePicture {
        /// The picture.
        picture: super::picture::Picture,
        /// The file.
        path: PathBuf,
        /// A file that is there is replaced: somebody agreed to that.
        replaces: bool,
    },
    /// Say what a metric is; that outlives what firmware and tables say.
    EditMetric {
        /// The metric.
        metric: String,
        /// Its unit; `None` takes it away.
        unit: Option<String>,
        /// What its values mean.
        kind: MetricKind,
    },
    /// Undo [`Command::EditMetric`]: back to what was known before.
    TakeBackMetric {
        /// The metric.
        metric: String,
    },
    /// Set what is added to the times of logs when they are merged with others.
    SetLogOffsets {
        /// The logs with their offsets.
        logs: Vec<MergedLog>,
    },
    /// Source paths that begin with `from` are looked for under `to`.
    MapSource {
        /// Prefix as the ELF has it.
        from: String,
        /// Folder on this computer.
        to: PathBuf,
    },
    /// Make one issue of several.
    MergeIssues {
        /// Keys of the issues that become part of the other.
        from: Vec<String>,
        /// Key of the issue that stays.
        into: String,
    },
    /// Take a crash out of its issue into one of its own.
    SplitCrash {
        /// The crash.
        crash: i64,
    },
    /// Give an issue a title; `None` takes it back.
    RenameIssue {
        /// Key of the issue.
        issue: String,
        /// The title.
        title: Option<String>,
    },
    /// Close an issue or open it again.
    CloseIssue {
        /// Key of the issue.
        issue: String,
        /// Closed or open.
        closed: bool,
    },
    /// Note something at an issue; `None` takes the note away.
    NoteIssue {
        /// Key of the issue.
        issue: String,
        /// The note.
        note: Option<String>,
    },
    /// Take the last change of the issues back.
    UndoIssues,
    /// Make the change again that was taken back last.
    RedoIssues,
    /// Bookmark the line of a log that holds a byte.
    AddBookmark {
        /// The log.
        log: LogKey,
        /// The byte.
        offset: u64,
    },
    /// Remove a bookmark with its note.
    RemoveBookmark {
        /// The log.
        log: LogKey,
        /// Where it was set.
        offset: u64,
    },
    /// Note something at a line, which gets a bookmark; `None` takes the note away.
    NoteBookmark {
        /// The log.
        log: LogKey,
        /// Where the bookmark is or will be.
        offset: u64,
        /// The note.
        note: Option<String>,
    },
    /// Save filters under a new name.
    SaveFilters {
        /// The name.
        name: String,
        /// The filters.
        stack: FilterStack,
    },
    /// Replace the filters of a set.
    UpdateFilters {
        /// Its name.
        name: String,
        /// The filters.
        stack: FilterStack,
    },
    /// Give a set of filters another name.
    RenameFilters {
        /// Its name.
        name: String,
        /// The new one.
        to: String,
    },
    /// Delete a set of filters.
    DeleteFilters {
        /// Its name.
        name: String,
    },
    /// Write all sets of filters to a file.
    ExportFilters {
        /// Where to.
        path: PathBuf,
    },
    /// Take in the sets of filters in a file.
    ImportFilters {
        /// The file.
        path: PathBuf,
    },
    /// Take the last change of bookmarks and filter sets back.
    UndoMarks,
    /// Make the change again that was taken back last.
    RedoMarks,
    /// Write a copy of the workspace.
    SaveCopy {
        /// Where to.
        path: PathBuf,
    },
}

impl Command {
    /// What the jobs list calls it.
    pub fn label(&self) -> String {
        match self {
            Self::Import { paths, .. } => format!("Import {}", names(paths)),
            Self::ImportSample { .. } => "Import a fleet sample".to_owned(),
            Self::LookAtSample { .. } => LOOK_AGAIN.to_owned(),
            Self::LeaveSample { .. } => "Leave a fleet sample out".to_owned(),
            Self::ImportBytes { name, .. } => format!("Import {name}"),
            Self::OpenDemo => "Open the demo".to_owned(),
            Self::OpenDemoFleet => "Make a demo fleet".to_owned(),
            Self::AddSymbols { paths } => format!("Add symbols from {}", names(paths)),
            Self::AssignSymbols { build_id, .. } => {
                format!("Use build {}", build_id.chars().take(8).collect::<String>())
            }
            Self::RemoveCapture { .. } => "Remove a capture".to_owned(),
            Self::RestoreCapture { .. } => "Restore a capture".to_owned(),
            Self::WatchFolder { path: Some(path) } => format!("Watch {}", path.display()),
            Self::WatchFolder { path: None } => "Stop watching".to_owned(),
            Self::FollowLog { path } => format!("Follow {}", path.display()),
            Self::StopFollowing { path } => format!("Stop following {}", path.display()),
            Self::Connect { links } => {
                let titles: Vec<String> = links.iter().map(LinkChoice::title).collect();
                format!("Connect to {}", titles.join(" and "))
            }
            Self::Disconnect => "Disconnect the board".to_owned(),
            Self::SendToBoard { .. } => "Send to the board".to_owned(),
            Self::Control { .. } => "Control the board".to_owned(),
            Self::Watch { asked } => format!("Watch {asked}"),
            Self::Unwatch { name } => format!("Watch {name} no longer"),
            Self::TakeSoFar => "Take in what was recorded so far".to_owned(),
            Self::Replay { path, .. } => format!("Replay {}", path.display()),
            Self::ExportLog { export, .. } => format!("Export to {}", export.path.display()),
            Self::ExportTable(export) => format!("Export to {}", export.path.display()),
            #[cfg(feature = "gui")]
            Self::SavePicture { path, .. } => format!("Save a picture as {}", path.display()),
            Self::EditMetric { metric, .. } => format!("Edit {metric}"),
            Self::TakeBackMetric { metric } => format!("Take back what {metric} is"),
            Self::SetLogOffsets { .. } => "Set the offsets of logs".to_owned(),
            Self::MapSource { from, .. } => format!("Map sources of {from}"),
            Self::MergeIssues { .. } => "Merge issues".to_owned(),
            Self::SplitCrash { .. } => "Split a crash off".to_owned(),
            Self::RenameIssue { .. } => "Rename an issue".to_owned(),
            Self::CloseIssue { closed: true, .. } => "Close an issue".to_owned(),
            Self::CloseIssue { closed: false, .. } => "Open an issue again".to_owned(),
            Self::NoteIssue { .. } => "Note at an issue".to_owned(),
            Self::UndoIssues | Self::UndoMarks => "Undo".to_owned(),
            Self::RedoIssues | Self::RedoMarks => "Redo".to_owned(),
            Self::AddBookmark { .. } => "Bookmark a line".to_owned(),
            Self::RemoveBookmark { .. } => "Remove a bookmark".to_owned(),
            Self::NoteBookmark { .. } => "Note at a line".to_owned(),
            Self::SaveFilters { name, .. } => format!("Save filters as {name}"),
            Self::UpdateFilters { name, .. } => format!("Update filters {name}"),
            Self::RenameFilters { name, .. } => format!("Rename filters {name}"),
            Self::DeleteFilters { name } => format!("Delete filters {name}"),
            Self::ExportFilters { path } => format!("Export filter sets to {}", path.display()),
            Self::ImportFilters { path } => format!("Import filter sets of {}", path.display()),
            Self::SaveCopy { path } => format!("Save a copy as {}", path.display()),
        }
    }
}

impl Command {
    /// What its progress counts.
    pub fn unit(&self) -> &'static str {
        match self {
            Self::AddSymbols { .. } => "files",
            Self::AssignSymbols { .. } => "crashes",
            Self::MergeIssues { .. } => "issues",
            _ => "bytes",
        }
    }
}

fn names(paths: &[PathBuf]) -> String {
    let name = |path: &PathBuf| {
        path.file_name().map_or_else(
            || path.display().to_string(),
            |n| n.to_string_lossy().into_owned(),
        )
    };
    match paths {
        [] => "nothing".to_owned(),
        [one] => name(one),
        [first, rest @ ..] => format!("{} and {} more", name(first), rest.len()),
    }
}

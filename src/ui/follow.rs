//! What comes back from the engine and the desktop, and where an import leads: to the crash it brought, else to its
//! report.

use super::app::App;
use super::command::UiCommand;
use super::dialogs::{Ask, Outcome};
use super::nav::Place;
use super::panels::PanelId;
use super::shell::Overlay;
use crate::engine::command::Command;
use crate::engine::event::Event;
use crate::engine::job::{JobId, JobOutcome};
use crate::engine::loadable::Loadable;
use crate::engine::logs::view::LogKey;
use std::path::PathBuf;

/// Imports that the user waits for.
#[derive(Default)]
pub(super) struct Follow {
    jobs: Vec<JobId>,
    /// Those of them that import a fleet sample.
    samples: Vec<JobId>,
    /// One of those is done: its report is shown.
    has_sample: bool,
    /// Links that are being opened.
    connects: Vec<JobId>,
    newest_before: Option<i64>,
    is_arriving: bool,
    is_changing_workspace: bool,
}

impl Follow {
    /// True while the user waits for an import or another workspace.
    pub(super) fn is_waiting(&self) -> bool {
        !self.jobs.is_empty() || self.is_arriving
    }

    /// Another workspace is on its way.
    pub(super) fn open_workspace(&mut self) {
        *self = Self {
            is_changing_workspace: true,
            ..Self::default()
        };
    }
}

impl App {
    /// Imports and shows what came of it.
    pub(super) fn import_and_follow(&mut self, command: Command) {
        if !self.follow.is_waiting() {
            self.follow.newest_before = self.newest_capture();
        }
        let is_sample = matches!(command, Command::ImportSample { .. });
        let job = self.door.submit(command);
        self.follow.jobs.push(job);
        if is_sample {
            self.follow.samples.push(job);
        }
    }

    /// Opens a log file and shows what is appended to it.
    pub fn follow_log(&mut self, path: PathBuf) {
        // The same file has the same name wherever it is named from.
        let path = std::path::absolute(&path).unwrap_or(path);
        self.order(Command::FollowLog { path: path.clone() });
        self.nav.open_log(LogKey::OnDisk { path });
    }

    /// Gives an order to the engine; imports are followed.
    pub(super) fn order(&mut self, command: Command) {
        match command {
            Command::Import { .. }
            | Command::ImportSample { .. }
            | Command::ImportBytes { .. }
            | Command::OpenDemo
            | Command::TakeSoFar => {
                self.import_and_follow(command);
            }
            Command::Connect { .. } => {
                let job = self.door.submit(command);
                self.follow.connects.push(job);
            }
            other => {
                self.door.submit(other);
            }
        }
    }

    fn newest_capture(&self) -> Option<i64> {
        self.door
            .captures()
            .value()
            .and_then(|rows| rows.first().map(|row| row.id))
    }

    pub(super) fn take_events(&mut self) {
        for event in self.door.drain_events() {
            match event {
                Event::JobFinished { job, outcome } => self.job_finished(job, &outcome),
                Event::DataChanged { .. } if self.follow.is_changing_workspace => {
                    self.follow.is_changing_workspace = false;
                    self.nav.go_panel(PanelId::Issues);
                }
                Event::Notice(text) => {
                    self.follow.is_changing_workspace = false;
                    self.notice = Some(text);
                }
                Event::DataChanged { .. } | Event::JobStarted(_) | Event::JobProgress(_) => {}
            }
        }
    }

    fn job_finished(&mut self, job: JobId, outcome: &JobOutcome) {
        let before = self.follow.jobs.len();
        self.follow.jobs.retain(|followed| *followed != job);
        let was_followed = self.follow.jobs.len() < before;
        if matches!(outcome, JobOutcome::Done(_)) {
            self.door.remember();
        }
        let before = self.follow.connects.len();
        self.follow.connects.retain(|connect| *connect != job);
        let was_connect = self.follow.connects.len() < before;
        match outcome {
            // Its screen says why, where the link was chosen.
            JobOutcome::Failed(_) if was_connect => self.nav.go_panel(PanelId::Live),
            JobOutcome::Failed(_) => self.overlay = Some(Overlay::Jobs),
            JobOutcome::Done(_) if was_followed => {
                self.follow.is_arriving = true;
                self.follow.has_sample |= self.follow.samples.contains(&job);
            }
            JobOutcome::Done(_) | JobOutcome::Cancelled => {}
        }
    }

    /// Once the answers after an import are there: to its first crash, else to its report.
    pub(super) fn arrive_after_import(&mut self) {
        if !self.follow.is_arriving || !self.follow.jobs.is_empty() {
            return;
        }
        let (Loadable::Ready(captures), Loadable::Ready(issues)) =
            (self.door.captures(), self.door.issues(""))
        else {
            return;
        };
        if self.follow.has_sample {
            let samples = self.door.sample_reports();
            let Loadable::Ready(samples) = samples else {
                return;
            };
            self.follow.has_sample = false;
            self.follow.is_arriving = false;
            if let Some(sample) = samples.first() {
                self.nav.open_sample(sample.number);
            }
            return;
        }
        self.follow.is_arriving = false;
        let Some(capture) = captures.first().map(|row| row.id) else {
            return;
        };
        if self.follow.newest_before == Some(capture) && self.door.held_sample().is_some() {
            // What came waits for an answer first.
            return;
        }
        if self.follow.newest_before == Some(capture) {
            // The same bytes were there already: the status bar says so, the list has the crash.
            self.nav.go_panel(PanelId::Issues);
            return;
        }
        let rows = issues.iter().flat_map(|issue| &issue.crashes);
        let crash = rows
            .filter(|row| row.capture == capture)
            .map(|row| row.id)
            .min();
        let panel = if crash.is_some() {
            PanelId::Crash
        } else {
            PanelId::Import
        };
        self.nav.go(Place {
            panel,
            crash,
            capture: Some(capture),
            sample: None,
            issue: None,
            device: None,
            log: None,
        });
    }

    pub(super) fn take_dialogs(&mut self) {
        while let Some((ask, outcome)) = self.dialogs.poll() {
            match outcome {
                Outcome::Cancelled => {}
                Outcome::Unavailable if matches!(ask, Ask::ExportFilters | Ask::ImportFilters) => {
                    self.notice = Some("This desktop shows no file dialog. `fieldscope query filter-sets --json` prints the saved filters.".to_owned());
                }
                Outcome::Unavailable => {
                    self.no_dialog = true;
                    // What is exported goes to a path that is typed in its own place.
                    if !matches!(ask, Ask::ExportLog(_) | Ask::ExportTable(_)) {
                        self.nav.go_panel(PanelId::Home);
                    }
                }
                Outcome::Picked(paths) => self.picked(ask, paths),
            }
        }
    }

    fn picked(&mut self, ask: Ask, paths: Vec<PathBuf>) {
        let first = paths.first().cloned();
        match (ask, first) {
            (Ask::ImportFiles | Ask::ImportFolder, _) => self.import(paths),
            (Ask::SymbolFiles, _) => self.order(Command::AddSymbols { paths }),
            (Ask::FollowLog, Some(path)) => self.follow_log(path),
            (Ask::Recording, Some(path)) => self.order(Command::Replay { path, from_ns: 0 }),
            (Ask::ExportLog(_), Some(path)) => {
                self.order_of_logs(&UiCommand::LogExportTo(path));
            }
            (Ask::ExportTable(_), Some(path)) => {
                self.order_of_open(&UiCommand::ExportTableTo(path));
            }
            (Ask::WatchFolder, path) => self.order(Command::WatchFolder { path }),
            (Ask::SourceFolder(from), Some(to)) => self.order(Command::MapSource { from, to }),
            (Ask::ExportFilters, Some(path)) => self.order(Command::ExportFilters { path }),
            (Ask::ImportFilters, Some(path)) => self.order(Command::ImportFilters { path }),
            (
                Ask::SourceFolder(_)
                | Ask::FollowLog
                | Ask::Recording
                | Ask::ExportLog(_)
                | Ask::ExportTable(_)
                | Ask::ExportFilters
                | Ask::ImportFilters,
                None,
            ) => {}
        }
    }
}

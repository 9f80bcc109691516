//! What each action of the window does: the one place where its state changes.

use super::app::App;
use super::command::{LiveCommand, UiCommand};
use super::context::ViewContext;
use super::dialogs::Ask;
use super::nav::{InspectorTab, Nav};
use super::panels::{PanelId, crash};
use super::shared_time::TimeMove;
use super::shell::{Overlay, palette};
use crate::engine::command::Command;
use crate::engine::logs::view::{LogKey, MergedLog};
use crate::engine::render;
use crate::model::report::CrashReport;
use egui::Context;
use std::path::Path;

/// Smallest and largest interface.
const ZOOM: std::ops::RangeInclusive<f32> = 0.5..=3.0;

impl App {
    pub(super) fn apply(&mut self, ctx: &Context, command: UiCommand) {
        if self.is_taken_by_screen(&command) {
            ctx.request_repaint();
            return;
        }
        match command {
            UiCommand::Go(panel) => self.nav.go_panel(panel),
            UiCommand::OpenCrash(id) => self.nav.open_crash(id),
            UiCommand::OpenIssue(key) => self.nav.open_issue(Some(key)),
            UiCommand::OpenLog(log) => self.nav.open_log(log),
            UiCommand::OpenDemoFleet => {
                self.door.submit(Command::OpenDemoFleet);
                self.nav.go_panel(PanelId::Fleet);
            }
            UiCommand::OpenDevice(serial) => self.nav.open_device(serial),
            UiCommand::Time(change) => self.move_time(ctx, change),
            UiCommand::OpenLogAt(log, axis_ns) => self.nav.open_log_at(log, axis_ns),
            UiCommand::OpenLogHere | UiCommand::WithFleet => self.nav.go_panel(PanelId::Device),
            UiCommand::ShowOnTimeline => self.show_on_timeline(),
            command @ UiCommand::OverFleet { .. } => self.show_over_fleet(&command),
            UiCommand::ShowInLog => self.show_in_log(),
            UiCommand::LeaveIssue => self.nav.open_issue(None),
            UiCommand::CompareIssue(other) => self.nav.compared = other,
            UiCommand::SelectIssueCrash(id) => self.nav.issue_crash = Some(id),
            UiCommand::MergeIssue => self.merge_issue(),
            UiCommand::SplitCrash => self.split_crash(),
            UiCommand::CloseIssue => self.close_issue(),
            UiCommand::UndoIssues => self.order_of_issues(Command::UndoIssues),
            UiCommand::RedoIssues => self.order_of_issues(Command::RedoIssues),
            UiCommand::OpenCapture(id) => self.nav.open_capture(id),
            UiCommand::OpenSample(number) => self.nav.open_sample(number),
            UiCommand::OpenFiles => self.ask(ctx, Ask::ImportFiles),
            UiCommand::OpenFolder => self.ask(ctx, Ask::ImportFolder),
            UiCommand::WatchFolder => self.ask(ctx, Ask::WatchFolder),
            UiCommand::FollowLogFile => self.ask(ctx, Ask::FollowLog),
            UiCommand::FollowLog(path) => self.follow_log(path),
            UiCommand::StopFollowing(path) => self.order(Command::StopFollowing { path }),
            UiCommand::Live(command) => self.order_of_board(ctx, command),
            // From elsewhere they only show the log.
            UiCommand::LogFollowEnd
            | UiCommand::LogFindNext
            | UiCommand::LogFindPrevious
            | UiCommand::LogNextError
            | UiCommand::LogPreviousError
            | UiCommand::LogBookmark
            | UiCommand::LogNextBookmark
            | UiCommand::LogPreviousBookmark
            | UiCommand::LogCopyBookmarks
            | UiCommand::LogSaveFilters
            | UiCommand::LogWrap
            | UiCommand::LogAddFilter
            | UiCommand::LogFilterSelection
            | UiCommand::LogUndoFilter
            | UiCommand::LogRedoFilter
            | UiCommand::LogFold
            | UiCommand::LogUnfold
            | UiCommand::LogMessages
            | UiCommand::LogCompare
            | UiCommand::LogExport
            | UiCommand::LogExportTo(_)
            | UiCommand::LogMerge
            | UiCommand::LogAlign
            | UiCommand::LogResetOffsets
            | UiCommand::LogGoTo => self.nav.go_panel(PanelId::Logs),
            // A screen without charts has no table.
            UiCommand::ExportShown | UiCommand::EditMetric => self.nav.go_panel(PanelId::Fleet),
            UiCommand::ExportTableTo(_) => {}
            UiCommand::ChooseTableFile(name) => self.ask(ctx, Ask::ExportTable(name)),
            UiCommand::SavePicture { path, replaces } => self.pictures.ask(ctx, path, replaces),
            UiCommand::ExportFilters => self.ask(ctx, Ask::ExportFilters),
            UiCommand::ImportFilters => self.ask(ctx, Ask::ImportFilters),
            UiCommand::ChooseExportFile(name) => self.ask(ctx, Ask::ExportLog(name)),
            UiCommand::AddSymbols => self.ask(ctx, Ask::SymbolFiles),
            UiCommand::MapSource(from) => self.ask(ctx, Ask::SourceFolder(from)),
            UiCommand::OpenDemo => self.import_and_follow(Command::OpenDemo),
            UiCommand::Find => self.open_palette(palette::Mode::Find),
            UiCommand::Palette => self.open_palette(palette::Mode::Commands),
            UiCommand::SelectThread(idx) => self.select_thread(idx),
            UiCommand::SelectFrame(idx) => self.nav.frame_idx = idx,
            UiCommand::SelectTab(tab) => self.nav.tab = tab,
            UiCommand::GoToMemory(address) => self.go_to_memory(address),
            UiCommand::FrameUp => self.nav.frame_idx = self.nav.frame_idx.saturating_sub(1),
            UiCommand::FrameDown => self.frame_down(),
            UiCommand::NextThread => self.next_thread(),
            UiCommand::NextCrash => self.step_crash(true),
            UiCommand::PreviousCrash => self.step_crash(false),
            UiCommand::CopyText => self.copy(ctx, render::text),
            UiCommand::CopyMarkdown => self.copy(ctx, render::markdown),
            UiCommand::NextPart => self.focus_part(ctx, 1),
            UiCommand::PreviousPart => self.focus_part(ctx, self.parts.len().saturating_sub(1)),
            UiCommand::Back => self.nav.go_back(),
            UiCommand::Forward => self.nav.go_forward(),
            UiCommand::Reload => self.door.reload(),
            UiCommand::Cancel(job) => self.door.cancel(job),
            UiCommand::OpenWorkspace(path) => self.open_workspace(&path),
            UiCommand::ZoomIn => zoom(ctx, |factor| factor + 0.1),
            UiCommand::ZoomOut => zoom(ctx, |factor| factor - 0.1),
            UiCommand::ZoomReset => zoom(ctx, |_factor| 1.0),
            UiCommand::KeyHelp => self.overlay = Some(Overlay::KeyHelp),
            UiCommand::Settings => self.overlay = Some(Overlay::Settings),
            UiCommand::Jobs => self.overlay = Some(Overlay::Jobs),
            UiCommand::NextTheme => self.settings.theme = next_theme(self.settings.theme),
        }
    }

    /// What the open screen has a meaning of its own for, it carries out with the next frame.
    fn is_taken_by_screen(&mut self, command: &UiCommand) -> bool {
        let open = self.nav.place.panel;
        let mut panels = self.panels.iter_mut();
        panels
            .find(|(id, _)| *id == open)
            .is_some_and(|(_, panel)| panel.take(command))
    }

    /// What is drawn of the shared time is drawn anew where it changed.
    fn move_time(&mut self, ctx: &Context, change: TimeMove) {
        let before = self.nav.time;
        self.nav.move_time(change);
        if self.nav.time != before {
            ctx.request_repaint();
        }
    }

    fn show_on_timeline(&mut self) {
        let view = ViewContext::new(&*self.door, &self.nav, &self.settings);
        let Some(open) = crash::open_crash(&view) else {
            return;
        };
        let Some(detail) = self.door.crash(open).value().cloned() else {
            return;
        };
        match &detail.row.device {
            Some(device) => {
                if let Some(ns) = detail.row.captured_ns() {
                    self.nav.move_time(TimeMove::PointAt(ns));
                }
                self.nav.open_device(device.clone());
            }
            None => {
                self.notice = Some(
                    "Nothing says which device this crash is of: it has no timeline.".to_owned(),
                );
            }
        }
    }

    fn show_over_fleet(&mut self, command: &UiCommand) {
        self.nav.go_panel(PanelId::Fleet);
        self.order_of_open(command);
    }

    fn show_in_log(&mut self) {
        if let Some(crash) = self.nav.place.crash {
            self.nav.show_in_log(crash);
        }
    }

    fn ask(&mut self, ctx: &Context, ask: Ask) {
        self.no_dialog = false;
        let ctx = ctx.clone();
        self.dialogs
            .ask(ask, Box::new(move || ctx.request_repaint()));
    }

    fn open_palette(&mut self, mode: palette::Mode) {
        self.palette.open(mode);
        self.overlay = Some(Overlay::Palette);
    }

    fn select_thread(&mut self, idx: usize) {
        self.nav.thread_idx = idx;
        self.nav.frame_idx = 0;
    }

    fn go_to_memory(&mut self, address: u64) {
        self.nav.memory_address = Some(address);
        self.nav.tab = InspectorTab::Memory;
    }

    /// Opens a part of the screen by its name: a tab of the crash, an issue by its key, `first` or `compare`, `messages`, `fold`,
    /// `compare`, `export` or `merge` of a log, `sample` of an import, `fleet`, `SERIAL over METRIC`, `unit` or `export`
    /// of metrics.
    pub(super) fn show_part(&mut self, part: &str) {
        let mut tabs = InspectorTab::ALL.into_iter();
        if self.nav.place.panel == PanelId::Logs {
            let order = match part {
                "messages" => UiCommand::LogMessages,
                "compare" => UiCommand::LogCompare,
                "fold" => UiCommand::LogFold,
                "export" => UiCommand::LogExport,
                "merge" => return self.merge_first_logs(),
                _ => return,
            };
            self.order_of_logs(&order);
        } else if self.nav.place.panel == PanelId::Issues {
            match part {
                "first" | "compare" => {
                    let issues = self.door.issues("");
                    let first = issues.value().and_then(|issues| issues.first());
                    self.nav.open_issue(first.map(|issue| issue.key.clone()));
                }
                "compare with the first" => self.merge_issue(),
                key => self.nav.open_issue(Some(key.to_owned())),
            }
        } else if let Some(order) = self.part_of_metrics(part) {
            self.order_of_open(&order);
        } else if self.nav.place.panel == PanelId::Import && part == "sample" {
            let samples = self.door.sample_reports();
            if let Some(sample) = samples.value().and_then(|samples| samples.first()) {
                self.nav.open_sample(sample.number);
            }
        } else if let Some(tab) = tabs.find(|tab| tab.label().eq_ignore_ascii_case(part)) {
            self.nav.tab = tab;
        }
    }

    /// A part of the screens of metrics: `fleet` behind a device, `SERIAL over METRIC`, the `unit` of a metric.
    fn part_of_metrics(&self, part: &str) -> Option<UiCommand> {
        match (self.nav.place.panel, part) {
            (PanelId::Device, "fleet") => Some(UiCommand::WithFleet),
            (PanelId::Fleet, "unit") => Some(UiCommand::EditMetric),
            (PanelId::Device | PanelId::Fleet, "export") => Some(UiCommand::ExportShown),
            (PanelId::Fleet, part) => {
                let (device, metric) = part.split_once(" over ")?;
                Some(UiCommand::OverFleet {
                    device: device.to_owned(),
                    metric: metric.to_owned(),
                })
            }
            _ => None,
        }
    }

    /// Shows the first two logs merged.
    fn merge_first_logs(&mut self) {
        let logs = self.door.logs();
        let logs = logs.value().map(|logs| {
            let first = logs.iter().take(2).map(|log| MergedLog {
                key: log.key.clone(),
                offset_ns: log.offset_ns,
            });
            first.collect()
        });
        if let Some(logs) = logs {
            self.nav.open_log(LogKey::Merged { logs });
        }
    }

    /// Gives an action to the screen that is open.
    pub(super) fn order_of_open(&mut self, order: &UiCommand) {
        let open = self.nav.place.panel;
        let mut panels = self.panels.iter_mut();
        if let Some((_, panel)) = panels.find(|(id, _)| *id == open) {
            panel.take(order);
        }
    }

    /// Gives an action to the Logs screen, in sight or not.
    pub(super) fn order_of_logs(&mut self, order: &UiCommand) {
        let mut panels = self.panels.iter_mut();
        if let Some((_, panel)) = panels.find(|(id, _)| *id == PanelId::Logs) {
            panel.take(order);
        }
    }

    /// Does something with the board: from elsewhere its screen is shown first.
    fn order_of_board(&mut self, ctx: &Context, command: LiveCommand) {
        match command {
            LiveCommand::Disconnect => return self.order(Command::Disconnect),
            LiveCommand::Replay => self.ask(ctx, Ask::Recording),
            _ => {}
        }
        self.nav.go_panel(PanelId::Live);
        self.order_of_open(&UiCommand::Live(command));
        ctx.request_repaint();
    }

    /// Key of the issue that is open on screen.
    fn open_issue(&self) -> Option<String> {
        let place = &self.nav.place;
        (place.panel == PanelId::Issues).then(|| place.issue.clone())?
    }

    /// Changes issues where they are in sight; from elsewhere it shows them first.
    fn order_of_issues(&mut self, command: Command) {
        if self.nav.place.panel == PanelId::Issues {
            self.order(command);
        } else {
            self.nav.go_panel(PanelId::Issues);
        }
    }

    /// The first time it shows what would be merged, the second time it merges.
    fn merge_issue(&mut self) {
        let Some(into) = self.open_issue() else {
            self.nav.go_panel(PanelId::Issues);
            return;
        };
        if let Some(from) = self.nav.compared.take() {
            self.order(Command::MergeIssues {
                from: vec![from],
                into,
            });
            return;
        }
        let answer = self.door.issue(&into);
        let first = answer.value().and_then(|detail| detail.similar.first());
        self.nav.compared = first.map(|similar| similar.key.clone());
    }

    fn split_crash(&mut self) {
        match (self.open_issue(), self.nav.issue_crash.take()) {
            (Some(_), Some(crash)) => self.order(Command::SplitCrash { crash }),
            _ => self.nav.go_panel(PanelId::Issues),
        }
    }

    fn close_issue(&mut self) {
        let Some(issue) = self.open_issue() else {
            self.nav.go_panel(PanelId::Issues);
            return;
        };
        let answer = self.door.issue(&issue);
        let closed = answer.value().is_some_and(|detail| !detail.issue.is_closed);
        if answer.value().is_some() {
            self.order(Command::CloseIssue { issue, closed });
        }
    }

    /// Number of threads and of frames of the selected thread.
    fn counts(&self) -> Option<(usize, usize)> {
        let view = ViewContext::new(&*self.door, &self.nav, &self.settings);
        let id = crash::open_crash(&view)?;
        let detail = self.door.crash(id).value().cloned()?;
        let threads = &detail.report.threads;
        let n_frames = threads
            .get(self.nav.thread_idx)
            .map_or(0, |thread| thread.frames.len());
        Some((threads.len(), n_frames))
    }

    fn frame_down(&mut self) {
        let last = self
            .counts()
            .map_or(0, |(_, n_frames)| n_frames.saturating_sub(1));
        self.nav.frame_idx = (self.nav.frame_idx + 1).min(last);
    }

    fn next_thread(&mut self) {
        let n_threads = self.counts().map_or(0, |(n_threads, _)| n_threads);
        self.select_thread(
            (self.nav.thread_idx + 1)
                .checked_rem(n_threads)
                .unwrap_or(0),
        );
    }

    /// The next or the previous crash of the capture that is open.
    fn step_crash(&mut self, is_forward: bool) {
        let view = ViewContext::new(&*self.door, &self.nav, &self.settings);
        let Some(open) = crash::open_crash(&view) else {
            return;
        };
        let issues = self.door.issues("");
        let all = issues.value().into_iter().flat_map(|issues| issues.iter());
        let rows: Vec<(i64, i64)> = all
            .flat_map(|issue| &issue.crashes)
            .map(|row| (row.capture, row.id))
            .collect();
        let Some((capture, _)) = rows.iter().find(|(_, id)| *id == open) else {
            return;
        };
        let ids = rows.iter().filter(|row| row.0 == *capture).map(|row| row.1);
        let next = if is_forward {
            ids.filter(|id| *id > open).min()
        } else {
            ids.filter(|id| *id < open).max()
        };
        if let Some(id) = next {
            self.nav.open_crash(id);
        }
    }

    fn copy(&self, ctx: &Context, write: fn(&CrashReport) -> String) {
        if self.nav.place.panel != PanelId::Crash {
            return;
        }
        let view = ViewContext::new(&*self.door, &self.nav, &self.settings);
        let detail = crash::open_crash(&view).and_then(|id| self.door.crash(id).value().cloned());
        if let Some(detail) = detail {
            ctx.copy_text(write(&detail.report));
        }
    }

    fn open_workspace(&mut self, path: &Path) {
        self.door.open_workspace(path);
        self.nav = Nav::default();
        self.follow.open_workspace();
    }

    fn focus_part(&self, ctx: &Context, step: usize) {
        let focused = ctx.memory(|memory| memory.focused());
        let at = focused.and_then(|id| self.parts.iter().position(|part| *part == id));
        let next = at.map_or(0, |at| {
            (at + step).checked_rem(self.parts.len()).unwrap_or(0)
        });
        if let Some(id) = self.parts.get(next) {
            ctx.memory_mut(|memory| memory.request_focus(*id));
        }
    }
}

fn zoom(ctx: &Context, change: impl FnOnce(f32) -> f32) {
    let factor = change(ctx.zoom_factor()).clamp(*ZOOM.start(), *ZOOM.end());
    ctx.set_zoom_factor((factor * 10.0).round() / 10.0);
}

fn next_theme(theme: egui::ThemePreference) -> egui::ThemePreference {
    use egui::ThemePreference::{Dark, Light, System};
    match theme {
        System => Dark,
        Dark => Light,
        Light => System,
    }
}

//! The application: draws the shell and the open screen, then applies what was asked for, in one place.

use super::command::{self, UiCommand};
use super::context::{Action, Settings, ViewContext};
use super::copy;
use super::data::{Door, JobState, Request};
use super::dialogs::{Ask, Dialogs, Outcome};
use super::nav::{InspectorTab, Nav};
use super::panels::{PANELS, Panel, PanelId, crash};
use super::shell::{self, Overlay, palette};
use super::theme::tokens;
use super::widgets::card;
use egui::{Context, Event, Id, Ui};
use std::path::PathBuf;

/// Smallest and largest interface.
const ZOOM: std::ops::RangeInclusive<f32> = 0.5..=3.0;

/// The window's state. Losing it is harmless: everything else lives in the workspace.
pub struct App {
    door: Box<dyn Door>,
    dialogs: Box<dyn Dialogs>,
    nav: Nav,
    settings: Settings,
    panels: Vec<(PanelId, Box<dyn Panel>)>,
    overlay: Option<Overlay>,
    palette: palette::Palette,
    no_dialog: bool,
    follows_import: bool,
    parts: Vec<Id>,
}

impl App {
    /// A window on an engine. The context must have its theme: see [`super::theme::install`].
    pub fn new(door: Box<dyn Door>, dialogs: Box<dyn Dialogs>) -> Self {
        Self {
            door,
            dialogs,
            nav: Nav::default(),
            settings: Settings::default(),
            panels: PANELS.iter().map(|kind| (kind.id, (kind.new)())).collect(),
            overlay: None,
            palette: palette::Palette::default(),
            no_dialog: false,
            follows_import: false,
            parts: Vec::new(),
        }
    }

    /// Where the window is.
    pub fn nav(&mut self) -> &mut Nav {
        &mut self.nav
    }

    /// How the window behaves.
    pub fn settings(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// True while an answer or a job is on its way.
    pub fn is_busy(&self) -> bool {
        self.door.is_busy() || self.follows_import
    }

    /// Imports files, as if they had been dropped.
    pub fn import(&mut self, paths: Vec<PathBuf>) {
        if !paths.is_empty() {
            self.request(Request::Import(paths));
        }
    }

    /// Draws one frame and applies what was asked for in it.
    pub fn show(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        ctx.options_mut(|options| options.theme_preference = self.settings.theme);
        self.take_drops(&ctx);
        self.take_dialogs();
        let mut actions: Vec<Action> = self.keys(&ctx).into_iter().map(Action::Ui).collect();
        actions.extend(self.draw(ui));
        for action in actions {
            match action {
                Action::Ui(command) => self.apply(&ctx, command),
                Action::Engine(request) => self.request(request),
            }
        }
        self.follow_import();
    }

    fn draw(&mut self, ui: &mut Ui) -> Vec<Action> {
        let window = ui.max_rect();
        let areas = shell::areas(window);
        ui.painter().rect_filled(window, 0.0, tokens(ui).bg);
        let mut view = ViewContext::new(&*self.door, &self.nav, &self.settings);
        view.no_dialog = self.no_dialog;
        card::inside(ui, areas.rail, "rail", |ui| {
            shell::rail::rail_ui(&mut view, ui, areas.rail)
        });
        card::inside(ui, areas.top, "top", |ui| {
            shell::top_bar::top_bar_ui(&mut view, ui, areas.top)
        });
        let open = self.nav.place.panel;
        if let Some((_, panel)) = self.panels.iter_mut().find(|(id, _)| *id == open) {
            card::inside(ui, areas.main, "main", |ui| panel.ui(&mut view, ui));
        }
        card::inside(ui, areas.status, "status-bar", |ui| {
            shell::status_bar::status_bar_ui(&mut view, ui, areas.status);
        });
        let mut settings = self.settings;
        let closes = match self.overlay {
            Some(overlay) => overlay_ui(
                overlay,
                &mut self.palette,
                &mut settings,
                &mut view,
                ui.ctx(),
            ),
            None => false,
        };
        let workspace = view
            .door
            .overview()
            .value()
            .map_or(String::new(), |overview| overview.workspace.clone());
        shell::drop_overlay::drop_overlay_ui(ui, window, &workspace);
        self.parts = std::mem::take(&mut view.parts);
        let actions = view.into_actions();
        self.settings = settings;
        if closes {
            self.overlay = None;
        }
        actions
    }

    fn keys(&self, ctx: &Context) -> Vec<UiCommand> {
        let is_typing = ctx.text_edit_focused();
        let letters = self.settings.single_letter_keys && !is_typing;
        let mut commands = ctx.input_mut(|input| command::pressed(input, letters));
        let has_selection = ctx
            .plugin_opt::<egui::text_selection::LabelSelectionState>()
            .is_some_and(|state| state.lock().has_selection());
        let copies = ctx.input(|input| input.events.contains(&Event::Copy));
        if copies && !is_typing && !has_selection {
            commands.push(UiCommand::CopyText);
        }
        commands
    }

    fn take_drops(&mut self, ctx: &Context) {
        let dropped = ctx.input_mut(|input| std::mem::take(&mut input.raw.dropped_files));
        let paths: Vec<PathBuf> = dropped
            .iter()
            .map(|file| file.path().to_path_buf())
            .collect();
        self.import(paths);
    }

    fn take_dialogs(&mut self) {
        while let Some((ask, outcome)) = self.dialogs.poll() {
            match outcome {
                Outcome::Cancelled => {}
                Outcome::Unavailable => {
                    self.no_dialog = true;
                    self.nav.go_panel(PanelId::Home);
                }
                Outcome::Picked(paths) => self.picked(ask, paths),
            }
        }
    }

    fn picked(&mut self, ask: Ask, paths: Vec<PathBuf>) {
        let first = paths.first().cloned();
        match (ask, first) {
            (Ask::ImportFiles | Ask::ImportFolder, _) => self.import(paths),
            (Ask::SymbolFiles, _) => self.request(Request::AddSymbols(paths)),
            (Ask::WatchFolder, first) => self.request(Request::WatchFolder(first)),
            (Ask::SourceFolder(from), Some(to)) => self.request(Request::MapSource { from, to }),
            (Ask::SourceFolder(_), None) => {}
        }
    }

    fn request(&mut self, request: Request) {
        if matches!(
            request,
            Request::Import(_) | Request::ImportBytes(..) | Request::OpenDemo
        ) {
            self.follows_import = true;
        }
        self.door.send(request);
    }

    /// After an import: to the crash if there is one, else to what was found.
    fn follow_import(&mut self) {
        if !self.follows_import
            || self
                .door
                .jobs()
                .iter()
                .any(|job| job.state == JobState::Running)
        {
            return;
        }
        let super::data::Answer::Ready(groups) = self.door.crash_groups() else {
            return;
        };
        self.follows_import = false;
        let panel = if groups.is_empty() {
            PanelId::Import
        } else {
            PanelId::Crash
        };
        self.nav.go(super::nav::Place {
            panel,
            crash: None,
            capture: None,
        });
    }

    fn apply(&mut self, ctx: &Context, command: UiCommand) {
        match command {
            UiCommand::Go(panel) => self.nav.go_panel(panel),
            UiCommand::OpenCrash(id) => self.nav.open_crash(id),
            UiCommand::OpenCapture(id) => self.nav.open_capture(id),
            UiCommand::OpenFiles => self.ask(ctx, Ask::ImportFiles),
            UiCommand::OpenFolder => self.ask(ctx, Ask::ImportFolder),
            UiCommand::WatchFolder => self.ask(ctx, Ask::WatchFolder),
            UiCommand::AddSymbols => self.ask(ctx, Ask::SymbolFiles),
            UiCommand::MapSource(from) => self.ask(ctx, Ask::SourceFolder(from)),
            UiCommand::OpenDemo => self.request(Request::OpenDemo),
            UiCommand::Find => self.open_palette(palette::Mode::Find),
            UiCommand::Palette => self.open_palette(palette::Mode::Commands),
            UiCommand::SelectThread(idx) => self.select_thread(idx),
            UiCommand::SelectFrame(idx) => self.nav.frame_idx = idx,
            UiCommand::SelectTab(tab) => self.nav.tab = tab,
            UiCommand::GoToMemory(address) => self.go_to_memory(address),
            UiCommand::FrameUp => self.nav.frame_idx = self.nav.frame_idx.saturating_sub(1),
            UiCommand::FrameDown => self.frame_down(),
            UiCommand::NextThread => self.next_thread(),
            UiCommand::CopyText => self.copy(ctx, copy::text),
            UiCommand::CopyMarkdown => self.copy(ctx, copy::markdown),
            UiCommand::NextPart => self.focus_part(ctx, 1),
            UiCommand::PreviousPart => self.focus_part(ctx, self.parts.len().saturating_sub(1)),
            UiCommand::Back => self.nav.go_back(),
            UiCommand::Forward => self.nav.go_forward(),
            UiCommand::Reload => self.request(Request::Reload),
            UiCommand::ZoomIn => zoom(ctx, |factor| factor + 0.1),
            UiCommand::ZoomOut => zoom(ctx, |factor| factor - 0.1),
            UiCommand::ZoomReset => zoom(ctx, |_factor| 1.0),
            UiCommand::KeyHelp => self.overlay = Some(Overlay::KeyHelp),
            UiCommand::Settings => self.overlay = Some(Overlay::Settings),
            UiCommand::Jobs => self.overlay = Some(Overlay::Jobs),
            UiCommand::NextTheme => self.settings.theme = next_theme(self.settings.theme),
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

    fn copy(&self, ctx: &Context, write: fn(&str, &crate::model::report::CrashReport) -> String) {
        if self.nav.place.panel != PanelId::Crash {
            return;
        }
        let view = ViewContext::new(&*self.door, &self.nav, &self.settings);
        let detail = crash::open_crash(&view).and_then(|id| self.door.crash(id).value().cloned());
        if let Some(detail) = detail {
            ctx.copy_text(write(&detail.row.headline, &detail.report));
        }
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

/// Draws an overlay; true when it is to be closed.
fn overlay_ui(
    overlay: Overlay,
    palette: &mut palette::Palette,
    settings: &mut Settings,
    view: &mut ViewContext<'_>,
    ctx: &Context,
) -> bool {
    let id = Id::unique("overlay");
    let top = ctx.content_rect().height() * 0.12;
    let area = egui::Modal::default_area(id).anchor(egui::Align2::CENTER_TOP, egui::vec2(0.0, top));
    let modal = egui::Modal::new(id)
        .area(area)
        .show(ctx, |ui| match overlay {
            Overlay::Palette => palette.ui(view, ui),
            Overlay::KeyHelp => {
                shell::key_help::key_help_ui(ui);
                false
            }
            Overlay::Settings => {
                *settings = shell::settings::settings_ui(view, ui);
                false
            }
            Overlay::Jobs => {
                shell::jobs::jobs_ui(view, ui);
                false
            }
        });
    modal.inner || modal.should_close()
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

impl eframe::App for App {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.show(ui);
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}

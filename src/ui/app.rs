//! The application: draws the shell and the open screen, then applies what was asked for, in one place.

use super::command::{self, Acting, UiCommand};
use super::context::{Action, Settings, ViewContext};
use super::data::Door;
use super::dialogs::Dialogs;
use super::follow::Follow;
use super::frame_log::FrameLog;
use super::nav::Nav;
use super::panels::{PANELS, Panel, PanelId};
use super::pictures::Pictures;
use super::shell::{self, Overlay, palette};
use super::theme::tokens;
use super::widgets::card;
use crate::engine::command::Command;
use crate::engine::settings::{SettingsFile, WindowSettings};
use egui::{Context, Event, Id, Ui};
use std::path::PathBuf;
use std::time::SystemTime;

/// The window's state. Losing it is harmless: everything else lives in the workspace.
pub struct App {
    pub(super) door: Box<dyn Door>,
    pub(super) dialogs: Box<dyn Dialogs>,
    pub(super) nav: Nav,
    pub(super) settings: Settings,
    pub(super) panels: Vec<(PanelId, Box<dyn Panel>)>,
    pub(super) overlay: Option<Overlay>,
    pub(super) palette: palette::Palette,
    pub(super) no_dialog: bool,
    pub(super) notice: Option<String>,
    clock: fn() -> SystemTime,
    pub(super) follow: Follow,
    pub(super) pictures: Pictures,
    sample_sheet: shell::sample_sheet::SampleSheet,
    pub(super) parts: Vec<Id>,
    keeper: Option<Keeper>,
    frame_log: FrameLog,
}

/// Where settings are kept, and what is kept there.
struct Keeper {
    file: SettingsFile,
    kept: WindowSettings,
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
            notice: None,
            clock: SystemTime::now,
            follow: Follow::default(),
            pictures: Pictures::default(),
            sample_sheet: shell::sample_sheet::SampleSheet::default(),
            parts: Vec::new(),
            keeper: None,
            frame_log: FrameLog::default(),
        }
    }

    /// Takes over the settings of the last run, and keeps what changes from now on.
    pub fn keep_settings(&mut self, ctx: &Context, file: SettingsFile) {
        let kept = file.read();
        self.settings = Settings::from_kept(&kept);
        ctx.set_zoom_factor(kept.zoom);
        self.keeper = Some(Keeper { file, kept });
    }

    /// Writes down how long frames take.
    pub fn log_frames(&mut self, log: FrameLog) {
        self.frame_log = log;
    }

    fn save_settings(&mut self, ctx: &Context) {
        let Some(keeper) = &mut self.keeper else {
            return;
        };
        let now = self.settings.to_keep(ctx.zoom_factor());
        if now == keeper.kept {
            return;
        }
        keeper.kept = now;
        let file = keeper.file.clone();
        // Off the frame, like all writing; what cannot be written is only forgotten.
        let write = move || {
            let _kept = file.write(&now);
        };
        let _forgotten = std::thread::Builder::new()
            .name("keep settings".to_owned())
            .spawn(write)
            .is_err();
    }

    /// Where the window is.
    pub fn nav(&mut self) -> &mut Nav {
        &mut self.nav
    }

    /// How the window behaves.
    pub fn settings(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// Makes "4 min ago" reproducible.
    pub fn set_clock(&mut self, clock: fn() -> SystemTime) {
        self.clock = clock;
    }

    /// True while an answer or a job is on its way.
    pub fn is_busy(&self) -> bool {
        self.door.is_busy() || self.follow.is_waiting()
    }

    /// Imports files, as if they had been dropped.
    pub fn import(&mut self, paths: Vec<PathBuf>) {
        if !paths.is_empty() {
            self.import_and_follow(Command::Import { paths, asks: true });
        }
    }

    /// Asks the engine to do something.
    pub fn submit(&mut self, command: Command) {
        self.door.submit(command);
    }

    /// Draws one frame and applies what was asked for in it.
    pub fn show(&mut self, ui: &mut Ui) {
        self.frame_log.begin();
        let ctx = ui.ctx().clone();
        ctx.options_mut(|options| options.theme_preference = self.settings.theme);
        self.take_events();
        self.take_drops(&ctx);
        self.take_dialogs();
        if let Some(command) = self.pictures.taken() {
            self.order(command);
        }
        let mut actions: Vec<Action> = self.keys(&ctx).into_iter().map(Action::Ui).collect();
        actions.extend(self.draw(ui));
        for action in actions {
            match action {
                Action::Ui(command) => self.apply(&ctx, command),
                Action::Engine(command) => self.order(command),
            }
        }
        self.arrive_after_import();
        self.save_settings(&ctx);
        if self.frame_log.is_on() {
            self.frame_log
                .end(self.door.is_busy() || self.follow.is_waiting());
            ctx.request_repaint();
        }
    }

    fn draw(&mut self, ui: &mut Ui) -> Vec<Action> {
        let window = ui.max_rect();
        let areas = shell::areas(window);
        ui.painter().rect_filled(window, 0.0, tokens(ui).bg);
        let mut view = ViewContext::new(&*self.door, &self.nav, &self.settings);
        view.no_dialog = self.no_dialog;
        view.now = (self.clock)();
        view.notice.clone_from(&self.notice);
        card::inside(ui, areas.rail, "rail", |ui| {
            shell::rail::rail_ui(&mut view, ui, areas.rail);
        });
        card::inside(ui, areas.top, "top", |ui| {
            shell::top_bar::top_bar_ui(&mut view, ui, areas.top);
        });
        self.pictures.screen = Some(areas.main);
        let open = self.nav.place.panel;
        if let Some((_, panel)) = self.panels.iter_mut().find(|(id, _)| *id == open) {
            card::inside(ui, areas.main, "main", |ui| panel.ui(&mut view, ui));
        }
        card::inside(ui, areas.status, "status-bar", |ui| {
            shell::status_bar::status_bar_ui(&mut view, ui, areas.status);
        });
        self.sample_sheet.ui(&mut view, ui.ctx());
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
            .map_or(String::new(), |overview| overview.name.clone());
        shell::drop_overlay::drop_overlay_ui(ui, window, &workspace);
        self.parts = std::mem::take(&mut view.parts);
        self.door.frame_drawn();
        let actions = view.into_actions();
        self.settings = settings;
        if closes {
            self.overlay = None;
        }
        actions
    }

    fn keys(&self, ctx: &Context) -> Vec<UiCommand> {
        let is_typing = ctx.text_edit_focused();
        let acting = match (is_typing, self.settings.single_letter_keys) {
            (true, _) => Acting::NotWriting,
            (false, true) => Acting::All,
            (false, false) => Acting::NoLetters,
        };
        let mut commands = ctx.input_mut(|input| command::pressed(input, acting));
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

impl eframe::App for App {
    fn logic(&mut self, _ctx: &Context, _frame: &mut eframe::Frame) {
        // Also while the window is hidden: the engine's events must not pile up.
        self.take_events();
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.show(ui);
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.door.leave();
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}

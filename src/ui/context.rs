//! What a panel gets each frame: the door to the engine, the selection, and a list to put actions on.

use super::command::UiCommand;
use super::data::Door;
use super::nav::Nav;
use crate::engine::command::Command;
use crate::engine::settings::{ThemeChoice, WindowSettings};
use std::time::SystemTime;

/// What was asked for in a frame; applied after it, in one place.
#[derive(Clone, Debug)]
pub enum Action {
    /// For the window.
    Ui(UiCommand),
    /// For the engine.
    Engine(Command),
}

/// How the window behaves, as the user set it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// System, dark or light.
    pub theme: egui::ThemePreference,
    /// Whether keys without Ctrl act.
    pub single_letter_keys: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: egui::ThemePreference::System,
            single_letter_keys: true,
        }
    }
}

impl Settings {
    /// As they were kept.
    pub fn from_kept(kept: &WindowSettings) -> Self {
        Self {
            theme: match kept.theme {
                ThemeChoice::System => egui::ThemePreference::System,
                ThemeChoice::Dark => egui::ThemePreference::Dark,
                ThemeChoice::Light => egui::ThemePreference::Light,
            },
            single_letter_keys: kept.single_letter_keys,
        }
    }

    /// As they are to be kept.
    pub fn to_keep(self, zoom: f32) -> WindowSettings {
        WindowSettings {
            theme: match self.theme {
                egui::ThemePreference::System => ThemeChoice::System,
                egui::ThemePreference::Dark => ThemeChoice::Dark,
                egui::ThemePreference::Light => ThemeChoice::Light,
            },
            zoom,
            single_letter_keys: self.single_letter_keys,
        }
    }
}

/// What a panel may see and ask for.
pub struct ViewContext<'a> {
    /// Questions and answers.
    pub door: &'a dyn Door,
    /// Where the user is.
    pub nav: &'a Nav,
    /// How the window behaves.
    pub settings: &'a Settings,
    /// Said when no file dialog could be opened.
    pub no_dialog: bool,
    /// Something to tell that no job stands for.
    pub notice: Option<String>,
    /// The time, for "4 min ago".
    pub now: SystemTime,
    /// First control of each part of the screen, in order, for F6.
    pub parts: Vec<egui::Id>,
    actions: Vec<Action>,
}

impl<'a> ViewContext<'a> {
    /// A context for one frame.
    pub fn new(door: &'a dyn Door, nav: &'a Nav, settings: &'a Settings) -> Self {
        Self {
            door,
            nav,
            settings,
            no_dialog: false,
            notice: None,
            now: SystemTime::UNIX_EPOCH,
            parts: Vec::new(),
            actions: Vec::new(),
        }
    }

    /// Asks the window to do something after this frame.
    pub fn ui(&mut self, command: UiCommand) {
        self.actions.push(Action::Ui(command));
    }

    /// Asks the engine to do something.
    pub fn send(&mut self, command: Command) {
        self.actions.push(Action::Engine(command));
    }

    /// Marks the first control of a part of the screen, where F6 stops.
    pub fn part(&mut self, response: &egui::Response) {
        self.parts.push(response.id);
    }

    /// What was asked for.
    pub fn into_actions(self) -> Vec<Action> {
        self.actions
    }
}

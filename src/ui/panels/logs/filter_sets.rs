//! The menu of named filter sets: save the filters that are on, apply a set, rename, delete, export and import.

use super::Logs;
use super::bookmarks::history_ui;
use super::filter_words::words_of;
use crate::engine::command::Command;
use crate::engine::logs::filter::FilterStack;
use crate::engine::logs::moment::Moments;
use crate::engine::queries::filter_sets::NamedFilters;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::{button, field, state, text};
use crate::ui::{icons, words};
use egui::{Id, Key, Popup, PopupCloseBehavior, ScrollArea, Ui, vec2};

const WIDTH: f32 = 380.0;
/// Height of the list of sets, before it scrolls.
const LIST_HEIGHT: f32 = 320.0;

/// What is being written in the menu.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Menu {
    /// The menu is to be opened, with the focus where a name is written.
    opens: bool,
    /// Name for the filters that are on.
    name: String,
    /// The set that gets another name, and that name.
    renamed: Option<(String, String)>,
    /// Why the last name was refused.
    refused: Option<String>,
}

/// What was chosen of a set.
enum Chosen {
    Apply(FilterStack),
    Send(Command),
    Rename(String),
}

impl Menu {
    /// Opens the menu with the next frame.
    pub(super) fn open(&mut self) {
        self.opens = true;
    }
}

impl Logs {
    /// The button and its menu.
    pub(super) fn filter_sets_ui(
        &mut self,
        ctx: &mut ViewContext<'_>,
        ui: &mut Ui,
        moments: &Moments,
    ) {
        let button = button::quiet(ui, "Saved filters")
            .on_hover_text("Save these filters, apply saved ones");
        let id = Id::unique("filter sets");
        let opens = std::mem::take(&mut self.filter_sets.opens);
        if opens {
            Popup::open_id(ui.ctx(), id);
        }
        Popup::menu(&button)
            .id(id)
            .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
            .show(|ui| {
                ui.set_width(WIDTH);
                ui.spacing_mut().button_padding = vec2(size::S, 4.0);
                self.menu_ui(ctx, ui, opens, moments);
            });
    }

    fn menu_ui(
        &mut self,
        ctx: &mut ViewContext<'_>,
        ui: &mut Ui,
        takes_focus: bool,
        moments: &Moments,
    ) {
        let answer = ctx.door.filter_sets();
        let mut chosen = None;
        text::small(ui, "saved filters");
        state::answer(ui, &answer, "Looking for saved filters…", |ui, sets| {
            if sets.is_empty() {
                text::muted(
                    ui,
                    "None yet. Saved filters are kept in the workspace and serve for every log.",
                );
            }
            ScrollArea::vertical()
                .id_salt("filter sets")
                .max_height(LIST_HEIGHT)
                .show(ui, |ui| {
                    for set in sets {
                        chosen = self.set_ui(ui, set, sets, moments).or(chosen.take());
                    }
                });
        });
        ui.add_space(size::S);
        text::small(ui, "save these filters as…");
        self.save_ui(
            ctx,
            ui,
            answer.value().map_or(&[][..], |sets| sets),
            takes_focus,
        );
        if let Some(why) = &self.filter_sets.refused {
            text::label(ui, why.clone(), font::body(), tokens(ui).warn);
        }
        ui.add_space(size::S);
        ui.horizontal(|ui| {
            for command in [UiCommand::ExportFilters, UiCommand::ImportFilters] {
                if button::command(ui, ctx, &command).clicked() {
                    ui.close();
                }
            }
            if let Some(marks) = self.log.as_ref().map(|log| ctx.door.log_marks(log))
                && let Some(marks) = marks.value()
            {
                history_ui(ctx, ui, &marks.history);
            }
        });
        match chosen {
            Some(Chosen::Apply(stack)) => {
                self.stack = stack;
                self.changed();
                ui.close();
            }
            Some(Chosen::Send(command)) => ctx.send(command),
            Some(Chosen::Rename(name)) => self.filter_sets.renamed = Some((name.clone(), name)),
            None => {}
        }
    }

    /// One set: a click applies it.
    fn set_ui(
        &mut self,
        ui: &mut Ui,
        set: &NamedFilters,
        all: &[NamedFilters],
        moments: &Moments,
    ) -> Option<Chosen> {
        let is_renamed = |(name, _): &(String, String)| *name == set.name;
        if self.filter_sets.renamed.as_ref().is_some_and(is_renamed) {
            return self.rename_ui(ui, all);
        }
        let mut chosen = None;
        ui.horizontal(|ui| {
            let is_on = set.stack.as_ref() == Ok(&self.stack);
            match &set.stack {
                Ok(stack) => {
                    let response = ui.selectable_label(is_on, &set.name);
                    if response.on_hover_text(described(stack, moments)).clicked() {
                        chosen = Some(Chosen::Apply(stack.clone()));
                    }
                    let n = words::count(stack.chips.len() as u64, "filter", "filters");
                    text::small(ui, n);
                }
                Err(why) => {
                    text::muted(ui, &set.name);
                    text::small(ui, "not understood").on_hover_text(why);
                }
            }
            let right = egui::Layout::right_to_left(egui::Align::Center);
            ui.with_layout(right, |ui| {
                let name = set.name.clone();
                if button::icon(ui, icons::CLOSE, &format!("Delete filters {name}")).clicked() {
                    chosen = Some(Chosen::Send(Command::DeleteFilters { name: name.clone() }));
                }
                let rename =
                    button::link(ui, "Rename").accessible_name(format!("Rename filters {name}"));
                if rename.clicked() {
                    chosen = Some(Chosen::Rename(name.clone()));
                }
                if !is_on && !self.stack.chips.is_empty() {
                    let update = button::link(ui, "Update")
                        .accessible_name(format!("Update filters {name}"))
                        .on_hover_text(
                            "Replaces the filters of this set with those that are on now",
                        );
                    if update.clicked() {
                        let stack = self.stack.clone();
                        chosen = Some(Chosen::Send(Command::UpdateFilters { name, stack }));
                    }
                }
            });
        });
        chosen
    }

    fn rename_ui(&mut self, ui: &mut Ui, all: &[NamedFilters]) -> Option<Chosen> {
        let (old, new) = self.filter_sets.renamed.as_mut()?;
        let mut is_done = false;
        let mut is_left = false;
        ui.horizontal(|ui| {
            let response = field::line(ui, new, "New name of the filters", "Name", WIDTH - 150.0);
            let is_entered =
                response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            is_done = button::quiet(ui, "Keep name").clicked() || is_entered;
            is_left = button::icon(ui, icons::CLOSE, "Keep the old name").clicked();
        });
        if is_left || (is_done && new.trim() == old) {
            self.filter_sets.renamed = None;
            self.filter_sets.refused = None;
            return None;
        }
        if !is_done {
            return None;
        }
        let command = Command::RenameFilters {
            name: old.clone(),
            to: new.clone(),
        };
        self.filter_sets.refused = refusal(new, all);
        if self.filter_sets.refused.is_some() {
            return None;
        }
        self.filter_sets.renamed = None;
        Some(Chosen::Send(command))
    }

    fn save_ui(
        &mut self,
        ctx: &mut ViewContext<'_>,
        ui: &mut Ui,
        all: &[NamedFilters],
        takes_focus: bool,
    ) {
        if self.stack.chips.is_empty() {
            text::muted(
                ui,
                "No filter is on. Add one first: a level, a module, a text.",
            );
            return;
        }
        let menu = &mut self.filter_sets;
        ui.horizontal(|ui| {
            let response = field::line(
                ui,
                &mut menu.name,
                "Name of these filters",
                "Name",
                WIDTH - 110.0,
            );
            if takes_focus {
                response.request_focus();
            }
            if response.changed() {
                menu.refused = None;
            }
            let is_entered =
                response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            if button::quiet(ui, "Save").clicked() || is_entered {
                menu.refused = refusal(&menu.name, all);
                if menu.refused.is_none() {
                    ctx.send(Command::SaveFilters {
                        name: std::mem::take(&mut menu.name),
                        stack: self.stack.clone(),
                    });
                }
            }
        });
    }
}

/// Why a name cannot be used, in words; the workspace refuses it too.
fn refusal(name: &str, all: &[NamedFilters]) -> Option<String> {
    let name = name.trim();
    if name.is_empty() {
        return Some("Filters need a name. Type one.".to_owned());
    }
    let is_used = all.iter().any(|set| set.name == name);
    is_used.then(|| {
        format!("There are filters called “{name}” already. Choose another name, or update those.")
    })
}

/// What a set lets through, a filter a line.
fn described(stack: &FilterStack, moments: &Moments) -> String {
    let mut lines: Vec<String> = stack
        .chips
        .iter()
        .take(20)
        .map(|chip| {
            format!(
                "{}{}",
                words_of(chip, moments),
                if chip.is_off { ", off" } else { "" }
            )
        })
        .collect();
    if stack.chips.len() > lines.len() {
        lines.push("…".to_owned());
    }
    if stack.shows_data {
        lines.push("every line of dumps".to_owned());
    }
    if lines.is_empty() {
        lines.push("every line".to_owned());
    }
    lines.join("\n")
}

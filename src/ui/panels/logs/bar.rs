//! The bar above a log: which one, what is searched for, and the filters with what each lets through.

use super::{Found, Logs};
use crate::engine::logs::filter::{Chip, LogFilter};
use crate::engine::logs::moment::Moments;
use crate::engine::logs::query_text;
use crate::engine::logs::view::{LogKey, LogSummary};
use crate::engine::queries::log_list::ListedLog;
use crate::engine::queries::log_summary::LogOverview;
use crate::model::log::LogLevel;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::size;
use crate::ui::widgets::{chip, field, text};
use crate::ui::words;
use egui::Ui;

impl Logs {
    pub(super) fn bar_ui(
        &mut self,
        ctx: &mut ViewContext<'_>,
        ui: &mut Ui,
        listed: &[ListedLog],
        known: Option<&LogOverview>,
    ) {
        let moments = known.map_or_else(Moments::default, |known| Moments::from(&known.density));
        let nothing = LogSummary::default();
        let summary = known.map_or(&nothing, |known| &known.summary);
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = size::S;
            self.picker_ui(ctx, ui, listed);
            self.search_ui(ctx, ui);
            self.levels_ui(ui);
            self.add_filter_ui(ui, summary, listed, &moments);
            self.view_menu_ui(ctx, ui);
            self.filter_sets_ui(ctx, ui, &moments);
            self.follow_ui(ctx, ui);
        });
        self.chips_ui(ui, summary, listed, &moments);
    }

    /// What became of the last search, copy or fold: behind what is said of the log, where it moves nothing when it appears.
    pub(super) fn status_ui(&self, ui: &mut Ui) {
        if self.found == Found::Nothing {
            chip::chip(ui, chip::Tone::Warn, "nothing found");
        } else if let Found::Match(n, of) = self.found {
            text::small(ui, format!("match {n} of {of} · F3 next"));
        } else if let Some(said) = &self.said {
            text::small(ui, said);
        } else if let Some(words) = self.fold_words() {
            text::small(ui, words);
        }
    }

    fn picker_ui(&self, ctx: &mut ViewContext<'_>, ui: &mut Ui, listed: &[ListedLog]) {
        let name = |log: &ListedLog| {
            let device = log
                .device
                .as_ref()
                .map_or(String::new(), |device| format!(" · {device}"));
            format!("{}{device}", words::file_name(&log.name))
        };
        let open = listed
            .iter()
            .find(|log| Some(&log.key) == self.log.as_ref());
        let response = egui::ComboBox::from_id_salt("log")
            .selected_text(match &self.log {
                Some(LogKey::Merged { logs }) => format!("{} logs, merged", logs.len()),
                _ => open.map_or(String::new(), name),
            })
            .width(220.0)
            .show_ui(ui, |ui| {
                for log in listed {
                    let label = match &log.key {
                        LogKey::InCapture { .. } => {
                            let size = words::bytes(log.size_bytes);
                            format!("{}  ({}, {size})", name(log), log.capture)
                        }
                        // Its size is another one with every look.
                        LogKey::OnDisk { .. } | LogKey::Merged { .. } => {
                            format!("{}  ({})", name(log), log.capture)
                        }
                    };
                    if ui
                        .selectable_label(Some(&log.key) == self.log.as_ref(), label)
                        .clicked()
                    {
                        ctx.ui(UiCommand::OpenLog(log.key.clone()));
                    }
                }
                ui.separator();
                if ui.selectable_label(false, "Merge with…").clicked() {
                    ctx.ui(UiCommand::LogMerge);
                }
            })
            .response;
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ComboBox, true, "Log"));
        ctx.part(&response);
    }

    fn search_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui) {
        self.keys_of_empty_field(ui);
        let response = field::line(
            ui,
            &mut self.search,
            "Find in the log",
            "Find (F3) or filter (Enter)\u{2026}",
            240.0,
        );
        self.search_id = Some(response.id);
        if ui.input_mut(|input| input.consume_key(egui::Modifiers::COMMAND, egui::Key::F)) {
            response.request_focus();
        }
        let is_entered =
            response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        ctx.part(&response);
        response.on_hover_text(
            "/expression/ is a regular expression, ! before either means lines without it. F3 goes to the next line, Enter adds a filter. In the empty field Backspace removes the last filter and Ctrl+Z takes the last change back.",
        );
        let case = ui.selectable_label(self.match_case, "Aa").on_hover_text(
            "Capitals count in what is searched for and in the filter that Enter adds",
        );
        let (role, is_on) = (egui::Role::Button, self.match_case);
        case.widget_info(|| egui::WidgetInfo::selected(role, true, is_on, "Capitals count"));
        if case.clicked() {
            self.match_case = !self.match_case;
        }
        if is_entered && let Some(chip) = self.sought() {
            self.search.clear();
            self.add_chip(chip);
        }
    }

    /// Backspace and Ctrl+Z in the field mean the filters while there is nothing in it.
    fn keys_of_empty_field(&mut self, ui: &Ui) {
        let has_focus = self
            .search_id
            .is_some_and(|id| ui.memory(|memory| memory.has_focus(id)));
        if !has_focus || !self.search.is_empty() {
            return;
        }
        let pressed = |modifiers, key| ui.input_mut(|input| input.consume_key(modifiers, key));
        let (none, ctrl) = (egui::Modifiers::NONE, egui::Modifiers::COMMAND);
        if pressed(ctrl.plus(egui::Modifiers::SHIFT), egui::Key::Z) {
            self.undo_filters(true);
        } else if pressed(ctrl, egui::Key::Z) {
            self.undo_filters(false);
        } else if pressed(none, egui::Key::Backspace)
            && let Some(last) = self.stack.chips.len().checked_sub(1)
        {
            self.remove_chip(last);
        }
    }

    fn levels_ui(&mut self, ui: &mut Ui) {
        let is_level = |chip: &Chip| matches!(chip.filter, LogFilter::Level { .. });
        let now = self
            .stack
            .chips
            .iter()
            .find(|chip| is_level(chip))
            .map(|chip| chip.filter.clone());
        for (level, label) in [
            (None, "All"),
            (Some(LogLevel::Info), "Info"),
            (Some(LogLevel::Warn), "Warnings"),
            (Some(LogLevel::Error), "Errors"),
        ] {
            let filter = level.map(|at_least| LogFilter::Level { at_least });
            if ui.selectable_label(now == filter, label).clicked() {
                self.stack.chips.retain(|chip| !is_level(chip));
                match filter {
                    Some(filter) => self.add(filter),
                    None => self.changed(),
                }
            }
        }
    }
}

impl Logs {
    /// What stands in the field, as a filter.
    pub(super) fn sought(&self) -> Option<Chip> {
        query_text::parse(&self.search, self.match_case)
    }
}

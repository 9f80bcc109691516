//! The menu that adds a filter of any kind.

use super::Logs;
use super::filter_fields::{Choices, Draft, Kind, WIDTH, devices_of};
use crate::engine::logs::moment::Moments;
use crate::engine::logs::view::LogSummary;
use crate::engine::queries::log_list::ListedLog;
use crate::ui::command::{self, UiCommand};
use crate::ui::theme::size;
use crate::ui::widgets::{button, text};
use egui::{Popup, PopupCloseBehavior, Ui};

/// The menu.
#[derive(Default)]
pub(super) struct AddFilter {
    /// It is to be opened: by its key or from the palette.
    pub(super) opens: bool,
    /// The filter that is being written.
    draft: Option<Draft>,
    /// It was opened in this frame.
    is_new: bool,
}

impl Logs {
    /// The button with its menu.
    pub(super) fn add_filter_ui(
        &mut self,
        ui: &mut Ui,
        summary: &LogSummary,
        listed: &[ListedLog],
        moments: &Moments,
    ) {
        let info = command::info(&UiCommand::LogAddFilter);
        let help = info.map_or("", |info| info.help);
        let key = info.and_then(|info| info.keys.first());
        let key = key.map_or_else(String::new, command::key_text);
        let button = button::quiet(ui, "Add filter").on_hover_text(format!("{help}\n{key}"));
        if std::mem::take(&mut self.add_filter.opens) {
            Popup::open_id(ui.ctx(), Popup::default_response_id(&button));
            self.add_filter.draft = None;
            self.add_filter.is_new = true;
        }
        if button.clicked() {
            self.add_filter.draft = None;
        }
        let devices = devices_of(listed);
        let choices = Choices {
            summary,
            moments,
            devices: &devices,
        };
        let row = self.selected.as_ref().and_then(|it| it.row.as_ref());
        let at = (row.map(|row| row.position), row.and_then(|row| row.axis_ns));
        let added = Popup::menu(&button)
            .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
            .show(|ui| {
                let added = self.add_filter.menu_ui(ui, &choices, at);
                if added.is_some() {
                    ui.close();
                }
                added
            });
        if let Some(filter) = added.and_then(|shown| shown.inner) {
            self.add_filter.draft = None;
            self.add(filter);
        }
    }
}

impl AddFilter {
    /// The kinds, or the fields of the one chosen; the filter once it is complete.
    fn menu_ui(
        &mut self,
        ui: &mut Ui,
        choices: &Choices<'_>,
        at: (Option<u64>, Option<i64>),
    ) -> Option<crate::engine::logs::filter::LogFilter> {
        let Some(draft) = &mut self.draft else {
            ui.set_width(WIDTH);
            let mut gets_focus = std::mem::take(&mut self.is_new);
            for kind in Kind::ADDED {
                let can_be = kind != Kind::Time || choices.moments.has_times();
                let entry = ui
                    .add_enabled(can_be, egui::Button::new(kind.label()))
                    .on_disabled_hover_text("The lines of this log say no time.");
                if std::mem::take(&mut gets_focus) {
                    entry.request_focus();
                }
                if entry.clicked() {
                    self.draft = Some(Draft::new(kind, choices.moments, at));
                }
            }
            return None;
        };
        text::strong(ui, draft.kind.label().trim_end_matches('\u{2026}'));
        let is_entered = draft.fields_ui(ui, choices);
        ui.add_space(size::XS);
        let (mut adds, mut goes_back) = (is_entered, false);
        ui.horizontal(|ui| {
            adds |= button::primary(ui, "Add").clicked();
            goes_back = button::quiet(ui, "Back").clicked();
        });
        if goes_back {
            self.draft = None;
            return None;
        }
        if !adds {
            return None;
        }
        match draft.filter(choices.moments) {
            Ok(filter) => Some(filter),
            Err(error) => {
                draft.error = error;
                None
            }
        }
    }
}

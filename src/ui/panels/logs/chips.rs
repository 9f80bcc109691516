//! The filters as chips: what each lets through by itself, and its fields when it is clicked.

use super::filter_fields::{Choices, Draft, devices_of};
use super::filter_words::{lets_through, words_in};
use super::{Found, Logs};
use crate::engine::logs::filter::{Chip, LogFilter};
use crate::engine::logs::moment::Moments;
use crate::engine::logs::view::LogSummary;
use crate::engine::queries::log_find::Wanted;
use crate::engine::queries::log_list::ListedLog;
use crate::ui::theme::size;
use crate::ui::widgets::{button, chip, text};
use crate::ui::words;
use egui::{Popup, PopupCloseBehavior, Ui};

/// What was done to a chip.
enum Change {
    Switch,
    Invert,
    Remove,
    To(LogFilter),
}

impl Logs {
    /// The chips in a row, when there is one.
    pub(super) fn chips_ui(
        &mut self,
        ui: &mut Ui,
        summary: &LogSummary,
        listed: &[ListedLog],
        moments: &Moments,
    ) {
        if self.stack.chips.is_empty() {
            return;
        }
        ui.add_space(size::S);
        let devices = devices_of(listed);
        let choices = Choices {
            summary,
            moments,
            devices: &devices,
        };
        let mut change = None;
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = size::XS;
            for index in 0..self.stack.chips.len() {
                if let Some(done) = self.chip_ui(ui, index, &choices) {
                    change = Some((index, done));
                }
                ui.add_space(size::XS);
            }
            text::small(ui, self.shown_words());
        });
        if let Some((index, change)) = change {
            self.change(index, change);
        }
    }

    fn chip_ui(&mut self, ui: &mut Ui, index: usize, choices: &Choices<'_>) -> Option<Change> {
        let chip = self.stack.chips.get(index)?.clone();
        let name = words_in(&chip, choices.moments, &choices.summary.parts);
        let counts = &self.counts;
        let error = counts.errors.get(index).and_then(Option::as_ref);
        let n = counts.by_chip.get(index).copied();
        let count = n.map_or_else(|| "\u{2026}".to_owned(), words::number);
        let (tone, label) = match (error, chip.is_off) {
            (Some(_), _) => (chip::Tone::Warn, format!("{name}  not used")),
            (None, true) => (chip::Tone::Plain, format!("{name}  {count}, off")),
            (None, false) => (chip::Tone::Act, format!("{name}  {count}")),
        };
        let response = chip::button(ui, tone, &label);
        let popup = Popup::menu(&response).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        if popup.is_open() {
            if self.edited.as_ref().is_none_or(|(at, _)| *at != index) {
                self.edited = Some((index, Draft::of(&chip.filter, choices.moments)));
            }
        } else if self.edited.as_ref().is_some_and(|(at, _)| *at == index) {
            self.edited = None;
        }
        let draft = self.edited.as_mut().map(|(_, draft)| draft);
        let mut change = popup
            .show(|ui| {
                let change = fields_ui(ui, &chip, draft?, choices);
                if matches!(change, Some(Change::To(_) | Change::Remove)) {
                    ui.close();
                }
                change
            })
            .and_then(|shown| shown.inner);
        let sentence = lets_through(&chip, choices.moments);
        let of = words::number(choices.summary.n_rows);
        let what = match error {
            Some(error) => format!("Not used: {error}."),
            None => format!("{sentence} {count} of {of} lines."),
        };
        response.on_hover_text(format!("{what}\nClick to change it."));
        if let Some(error) = error {
            text::small(ui, error.clone());
        }
        let close = format!("Remove filter {name}");
        if button::icon(ui, crate::ui::icons::CLOSE, &close).clicked() {
            change = Some(Change::Remove);
        }
        change
    }

    /// Adds a filter.
    pub(super) fn add(&mut self, filter: LogFilter) {
        self.add_chip(filter.into());
    }

    /// Adds a filter, perhaps inverted. One that is there already is not there twice.
    pub(super) fn add_chip(&mut self, chip: Chip) {
        self.stack
            .chips
            .retain(|other| other.filter != chip.filter || other.negated != chip.negated);
        self.stack.chips.push(chip);
        self.changed();
    }

    fn change(&mut self, index: usize, change: Change) {
        match (change, self.stack.chips.get_mut(index)) {
            (Change::Switch, Some(chip)) => chip.is_off = !chip.is_off,
            (Change::Invert, Some(chip)) => chip.negated = !chip.negated,
            (Change::To(filter), Some(chip)) => chip.filter = filter,
            (Change::Remove, Some(_)) => {
                self.stack.chips.remove(index);
            }
            (_, None) => {}
        }
        self.changed();
    }

    /// Removes a filter.
    pub(super) fn remove_chip(&mut self, index: usize) {
        self.change(index, Change::Remove);
    }

    /// Takes the last change of the filters back, or makes it again.
    pub(super) fn undo_filters(&mut self, is_redo: bool) {
        let stack = if is_redo {
            self.history.redo()
        } else {
            self.history.undo()
        };
        if let Some(stack) = stack {
            self.stack = stack;
            self.changed();
        }
    }

    /// Other rows are shown: places among them mean something else now. The selected row stays in sight.
    pub(super) fn changed(&mut self) {
        self.history.note(&self.stack);
        let row = self
            .selected
            .take()
            .and_then(|selected| selected.row)
            .map(|row| row.position);
        self.found = Found::Unsaid;
        self.counts = Default::default();
        self.list = Default::default();
        if let (Some(key), Some(row)) = (self.log.clone(), row) {
            self.ask(&key, Wanted::Row(row), true);
        }
    }
}

/// The fields of a chip that was clicked.
fn fields_ui(ui: &mut Ui, chip: &Chip, draft: &mut Draft, choices: &Choices<'_>) -> Option<Change> {
    let mut change = None;
    let is_entered = draft.fields_ui(ui, choices);
    ui.add_space(size::XS);
    let mut is_on = !chip.is_off;
    if ui.checkbox(&mut is_on, "On").changed() {
        change = Some(Change::Switch);
    }
    let mut is_inverted = chip.negated;
    if ui
        .checkbox(&mut is_inverted, "Inverted: all lines but these")
        .changed()
    {
        change = Some(Change::Invert);
    }
    ui.add_space(size::XS);
    let mut applies = is_entered;
    ui.horizontal(|ui| {
        applies |= button::primary(ui, "Apply").clicked();
        if button::quiet(ui, "Remove").clicked() {
            change = Some(Change::Remove);
        }
    });
    if applies {
        match draft.filter(choices.moments) {
            Ok(filter) => change = Some(Change::To(filter)),
            Err(error) => draft.error = error,
        }
    }
    change
}

//! Variables that differ: from their values at the start of the program, or from another crash of the issue.

use super::Selected;
use crate::engine::queries::variable_diff::{DifferenceRow, VariableDiff};
use crate::model::report::Unavailable;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::row::{CellStyle, head, row};
use crate::ui::widgets::{field, state, text};
use crate::ui::words;
use egui::{Align, ScrollArea, Ui};

/// The search and what is compared with.
#[derive(Default)]
pub(super) struct ChangedTab {
    search: String,
    /// Crash on screen and the one it is compared with.
    against: Option<(i64, i64)>,
}

impl ChangedTab {
    /// Draws the tab.
    pub(super) fn ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui, selected: &Selected<'_>) {
        if selected.detail.report.elf_build_id.is_none() {
            state::empty(
                ui,
                "No variables",
                "Variables are found by name: add the ELF of this build with debug information (-g).",
            );
            return;
        }
        let against = self
            .against
            .filter(|(crash, _)| *crash == selected.id)
            .map(|(_, other)| other);
        let answer = ctx
            .door
            .variable_diff(selected.id, against, self.search.trim());
        state::padded(ui, |ui| {
            self.against_ui(ctx, ui, selected, against);
            let width = (ui.available_width() - size::S).max(120.0);
            field::line(
                ui,
                &mut self.search,
                "Search changed variables",
                "Name of a variable",
                width,
            );
        });
        state::answer(ui, &answer, "Comparing variables…", |ui, diff| {
            diff_ui(ctx, ui, diff, against.is_some());
        });
    }

    fn against_ui(
        &mut self,
        ctx: &mut ViewContext<'_>,
        ui: &mut Ui,
        selected: &Selected<'_>,
        against: Option<i64>,
    ) {
        ui.horizontal_wrapped(|ui| {
            text::small(ui, "compared with");
            if ui
                .selectable_label(against.is_none(), "values at start")
                .clicked()
            {
                self.against = None;
            }
            let Some(key) = selected
                .detail
                .issue
                .as_ref()
                .map(|issue| issue.key.clone())
            else {
                return;
            };
            let answer = ctx.door.issue(&key);
            let crashes = answer
                .value()
                .map_or(&[][..], |detail| detail.issue.crashes.as_slice());
            let same_build = crashes.iter().filter(|row| {
                row.id != selected.id && row.build_id == selected.detail.row.build_id
            });
            for other in same_build.take(6) {
                let device = other.device.as_deref().unwrap_or("unknown device");
                let boot = other.boot.map_or(String::new(), |boot| {
                    format!(", boot {}", boot.saturating_add(1))
                });
                let label = format!("{device}{boot}");
                if ui
                    .selectable_label(against == Some(other.id), label)
                    .clicked()
                {
                    self.against = Some((selected.id, other.id));
                }
            }
        });
    }
}

fn diff_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, diff: &VariableDiff, has_other: bool) {
    state::padded(ui, |ui| {
        let different = words::count(
            diff.n_different as u64,
            "variable differs",
            "variables differ",
        );
        let mut sentence = format!("{different}, of {} compared.", diff.n_compared);
        if diff.n_unavailable > 0 {
            sentence = format!(
                "{sentence} {} could not be read on one side.",
                diff.n_unavailable
            );
        }
        text::muted(ui, sentence);
        for note in &diff.notes {
            text::small(ui, note.clone());
        }
        if diff.truncated {
            text::label(
                ui,
                "Not all are listed: search by name.",
                font::small(),
                tokens(ui).warn,
            );
        }
    });
    if diff.rows.is_empty() {
        return;
    }
    let width = ui.available_width();
    let (before, after, end) = (width * 0.42, width * 0.71, width - size::M);
    let first = if has_other { "other crash" } else { "at start" };
    head(
        ui,
        &[
            (size::M, before - size::S, Align::Min, "Variable"),
            (before, after - size::S, Align::Max, first),
            (after, end, Align::Max, "this crash"),
        ],
    );
    ScrollArea::vertical()
        .id_salt("changed")
        .auto_shrink(false)
        .show_rows(ui, size::ROW, diff.rows.len(), |ui, range| {
            for line in diff.rows.iter().take(range.end).skip(range.start) {
                let (was, is) = (value(&line.before), value(&line.after));
                let name = format!("{}: {was}, now {is}", line.name);
                let response = row(ui, false, &name, |row| {
                    row.mono(size::M, before - size::S, &line.name);
                    let style = |color| CellStyle {
                        font: font::mono_small(),
                        color,
                        align: Align::Max,
                    };
                    let t = row.tokens;
                    row.text(before, after - size::S, was, &style(t.muted));
                    row.text(after, end, is, &style(t.text));
                });
                if response.clicked() {
                    ctx.ui(UiCommand::GoToMemory(line.address.0));
                }
                response.on_hover_text(details(line));
            }
        });
}

fn value(value: &Result<String, Unavailable>) -> &str {
    match value {
        Ok(text) => text,
        Err(why) => why.label(),
    }
}

fn details(line: &DifferenceRow) -> String {
    let mut lines = vec![format!("{} at {}", line.name, line.address)];
    lines.extend(line.type_name.clone());
    lines.extend(line.file.clone());
    lines.push(format!("was {}", value(&line.before)));
    lines.push(format!("is {}", value(&line.after)));
    lines.join("\n")
}

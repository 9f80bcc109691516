//! Globals of the crash, found by name.

use super::{Selected, locals};
use crate::ui::context::ViewContext;
use crate::ui::widgets::{field, state, text};
use crate::ui::words;
use egui::Ui;
use std::collections::BTreeSet;

/// The search and the open branches.
#[derive(Default)]
pub(super) struct GlobalsTab {
    search: String,
    open: BTreeSet<String>,
}

impl GlobalsTab {
    /// Draws the tab.
    pub(super) fn ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui, selected: &Selected<'_>) {
        let answer = ctx.door.globals(selected.id, &self.search);
        state::padded(ui, |ui| {
            ui.horizontal(|ui| {
                let width = (ui.available_width() - 120.0).max(120.0);
                field::line(
                    ui,
                    &mut self.search,
                    "Search globals",
                    "Name of a global",
                    width,
                );
                if let Some(globals) = answer.value() {
                    text::small(
                        ui,
                        words::count(globals.n_found as u64, "global", "globals"),
                    );
                }
            });
        });
        state::answer(ui, &answer, "Reading globals…", |ui, globals| {
            if globals.variables.is_empty() && self.search.is_empty() {
                state::empty(
                    ui,
                    "No globals",
                    "Globals need the ELF of this build with debug information (-g).",
                );
                return;
            }
            if globals.variables.is_empty() {
                state::empty(
                    ui,
                    "Nothing by this name",
                    "Clear the search to see all of them.",
                );
                return;
            }
            let mut lines = Vec::new();
            for (i, global) in globals.variables.iter().enumerate() {
                let path = format!("{}/{i}.{}", selected.id, global.value.name);
                locals::flatten(
                    ctx,
                    selected.id,
                    &self.open,
                    &global.value,
                    &path,
                    0,
                    &mut lines,
                );
            }
            locals::tree_ui(ctx, ui, "globals", &lines, &mut self.open);
        });
    }
}

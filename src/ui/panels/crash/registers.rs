//! Registers at the fault, in one column that can be read and copied.

use super::Selected;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::size;
use crate::ui::widgets::row::row;
use crate::ui::widgets::state;
use egui::{ScrollArea, Ui};

/// Draws the tab.
pub(super) fn registers_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, selected: &Selected<'_>) {
    let registers = &selected.detail.report.registers;
    if registers.is_empty() {
        let is_halted = (selected.thread).is_some_and(|thread| thread.n_handler_frames() > 0);
        let why = if is_halted {
            "The target was halted in its fault handler, and the registers at the fault were not found. The warnings say what to capture."
        } else {
            "The capture holds none. A fault print or a core file of the same boot would add them."
        };
        state::empty(ui, "No registers", why);
        return;
    }
    ScrollArea::vertical()
        .id_salt("registers")
        .auto_shrink(false)
        .show_rows(ui, size::ROW, registers.len(), |ui, range| {
            for (name, value) in registers.iter().take(range.end).skip(range.start) {
                let text = value.to_string();
                let response = row(ui, false, &format!("{name} = {text}"), |row| {
                    let width = row.width();
                    row.mono(size::M, 96.0, name);
                    row.mono(104.0, 220.0, &text);
                    row.muted(228.0, width - size::M, &decimal(name, value.0));
                });
                response.context_menu(|ui| {
                    if ui.button("Copy value").clicked() {
                        ui.ctx().copy_text(text.clone());
                    }
                    if ui.button("Show in memory").clicked() {
                        ctx.ui(UiCommand::GoToMemory(value.0));
                    }
                });
            }
        });
}

/// Small numbers are counts: say them in decimal too.
fn decimal(name: &str, value: u64) -> String {
    let is_address = matches!(
        name,
        "pc" | "lr" | "sp" | "msp" | "psp" | "ra" | "mepc" | "mtval" | "xpsr" | "fp" | "gp" | "tp"
    );
    if value < 0x1_0000 && !is_address {
        value.to_string()
    } else {
        String::new()
    }
}

//! The keys of the window, straight from the registry.

use crate::ui::command::{COMMANDS, key_text};
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::row::{CellStyle, plain_row};
use crate::ui::widgets::text;
use egui::{Align, Ui};

/// The contents of the popup.
pub fn key_help_ui(ui: &mut Ui) {
    ui.set_width(560.0);
    text::title(ui, "Keys");
    text::muted(
        ui,
        "Every action is also in the command list (Ctrl+Shift+P). Single letters act only while no text field has the focus.",
    );
    ui.add_space(size::S);
    let height = (ui.ctx().content_rect().height() - 220.0).clamp(160.0, 520.0);
    egui::ScrollArea::vertical()
        .id_salt("keys")
        .max_height(height)
        .auto_shrink([false, true])
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            let t = tokens(ui);
            for info in COMMANDS.iter().filter(|info| !info.keys.is_empty()) {
                let keys: Vec<String> = info.keys.iter().map(key_text).collect();
                let keys = keys.join(", ");
                plain_row(ui, &format!("{keys}: {}", info.label), |row| {
                    let key = CellStyle {
                        font: font::mono(),
                        color: t.text,
                        align: Align::Min,
                    };
                    row.text(0.0, 140.0, &keys, &key);
                    let label = CellStyle {
                        font: font::body(),
                        color: t.text,
                        align: Align::Min,
                    };
                    row.text(148.0, 300.0, info.label, &label);
                    row.muted(308.0, row.width(), info.help);
                });
            }
        });
}

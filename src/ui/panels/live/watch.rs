//! What of the program on the board is watched: a field for a name, and the metrics below it.

use super::metrics::metrics_ui;
use crate::engine::command::Command;
use crate::engine::live::board::Board;
use crate::ui::context::ViewContext;
use crate::ui::theme::size;
use crate::ui::widgets::{button, field};
use egui::{Pos2, Rect, Ui};

/// Width of the button beside the field.
const BUTTON: f32 = 64.0;

/// What is typed.
#[derive(Default)]
pub(super) struct WatchField {
    asked: String,
}

impl WatchField {
    /// Draws the field, where a link gives access to the processor, and the metrics.
    pub(super) fn ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui, rect: Rect, board: &Board) {
        if !board.has_target {
            metrics_ui(ctx, ui, rect, board);
            return;
        }
        let line = Rect::from_min_size(rect.min, egui::vec2(rect.width(), size::CONTROL));
        let builder = egui::UiBuilder::new().id_salt("watch").max_rect(line);
        let mut child = ui.new_child(builder);
        child.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = size::S;
            let width = (rect.width() - BUTTON - size::S - 20.0).max(80.0);
            let hint = "Watch a metric or variable, as in state.rssi@10 (times a second)";
            let typed = field::line(ui, &mut self.asked, "Number to watch", hint, width);
            ctx.part(&typed);
            let is_entered =
                typed.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            let is_clicked = button::quiet(ui, "Watch").clicked();
            let asked = self.asked.trim();
            if (is_entered || is_clicked) && !asked.is_empty() {
                ctx.send(Command::Watch {
                    asked: asked.to_owned(),
                });
                self.asked.clear();
                typed.request_focus();
            }
        });
        let below = Pos2::new(rect.left(), line.bottom() + size::S);
        metrics_ui(ctx, ui, Rect::from_min_max(below, rect.max), board);
    }
}

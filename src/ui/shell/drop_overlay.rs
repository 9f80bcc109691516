//! What is shown while files hover over the window.

use crate::ui::icons;
use crate::ui::theme::{font, size, tokens};
use crate::ui::words;
use egui::{Align2, Id, LayerId, Order, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo};

/// Draws the overlay when files hover.
pub fn drop_overlay_ui(ui: &Ui, window: Rect, workspace: &str) {
    let n_files = ui.input(|i| i.raw.hovered_files.len());
    if n_files == 0 {
        return;
    }
    let t = tokens(ui);
    let painter = ui
        .ctx()
        .layer_painter(LayerId::new(Order::Foreground, Id::unique("drop-overlay")));
    painter.rect_filled(window, 0.0, t.bg.gamma_multiply(0.88));
    let inner = window.shrink(size::XL);
    painter.rect(
        inner,
        size::CARD_RADIUS,
        t.act_bg.gamma_multiply(0.6),
        Stroke::new(2.0, t.act),
        StrokeKind::Inside,
    );
    let center = inner.center();
    painter.text(
        center - egui::vec2(0.0, 40.0),
        Align2::CENTER_CENTER,
        icons::DROP,
        font::icon(40.0),
        t.act,
    );
    let sentence = if workspace.is_empty() {
        "Drop to import".to_owned()
    } else {
        format!("Drop to import into {workspace}")
    };
    painter.text(
        center + egui::vec2(0.0, 8.0),
        Align2::CENTER_CENTER,
        &sentence,
        font::headline(),
        t.text,
    );
    let detail = words::count(n_files as u64, "item", "items");
    painter.text(
        center + egui::vec2(0.0, 36.0),
        Align2::CENTER_CENTER,
        detail,
        font::body(),
        t.muted,
    );
    let response = ui.interact(inner, ui.scope_id().with("drop-overlay"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Alert, true, &sentence));
}

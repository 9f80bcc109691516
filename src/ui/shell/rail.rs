//! The rail: one icon and word a screen.

use crate::ui::command::{self, UiCommand};
use crate::ui::context::ViewContext;
use crate::ui::icons;
use crate::ui::panels::PANELS;
use crate::ui::theme::{font, size, tokens};
use egui::{Align2, Pos2, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo};

const ITEM: egui::Vec2 = egui::vec2(size::RAIL - 8.0, 46.0);

/// Draws the rail.
pub fn rail_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, rect: Rect) {
    let t = tokens(ui);
    ui.painter().rect_filled(rect, 0.0, t.panel);
    ui.painter()
        .vline(rect.right() - 0.5, rect.y_range(), Stroke::new(1.0, t.line));
    let mut top = rect.top() + size::S;
    for kind in PANELS {
        let is_on = ctx.nav.place.panel == kind.id;
        let place = Rect::from_min_size(Pos2::new(rect.left() + 4.0, top), ITEM);
        let response = item_ui(ui, place, kind.icon, kind.label, is_on);
        let go = UiCommand::Go(kind.id);
        let key = command::info(&go)
            .and_then(|info| info.keys.first())
            .map(command::key_text);
        if response.clicked() {
            ctx.ui(go);
        }
        response.on_hover_text(format!("{}\n{}", kind.help, key.unwrap_or_default()));
        top += ITEM.y + size::XS;
    }
    for (i, (icon, label, action)) in [
        (icons::SETTINGS, "Settings", UiCommand::Settings),
        (icons::KEYS, "Keys", UiCommand::KeyHelp),
    ]
    .into_iter()
    .enumerate()
    {
        let y = rect.bottom() - (ITEM.y + size::XS) * (i as f32 + 1.0);
        if y < top {
            break;
        }
        let place = Rect::from_min_size(Pos2::new(rect.left() + 4.0, y), ITEM);
        if item_ui(ui, place, icon, label, false).clicked() {
            ctx.ui(action);
        }
    }
}

fn item_ui(ui: &Ui, rect: Rect, icon: &str, label: &str, is_on: bool) -> Response {
    let t = tokens(ui);
    let response = ui.interact(rect, ui.scope_id().with(("rail", label)), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Tab, true, is_on, label));
    let color = if is_on || response.hovered() {
        t.text
    } else {
        t.muted
    };
    if is_on {
        ui.painter().rect_filled(rect, size::CARD_RADIUS, t.hover);
    } else if response.hovered() {
        ui.painter().rect_filled(rect, size::CARD_RADIUS, t.raised);
    }
    if response.has_focus() {
        ui.painter().rect_stroke(
            rect,
            size::CARD_RADIUS,
            Stroke::new(1.5, t.act),
            StrokeKind::Inside,
        );
    }
    let center = rect.center_top() + egui::vec2(0.0, 17.0);
    ui.painter()
        .text(center, Align2::CENTER_CENTER, icon, font::icon(19.0), color);
    let below = rect.center_bottom() - egui::vec2(0.0, 10.0);
    let small = egui::FontId::proportional(10.0);
    ui.painter()
        .text(below, Align2::CENTER_CENTER, label, small, color);
    response
}

//! A card: one title line with a count, then its contents.

use crate::ui::theme::{font, size, tokens};
use egui::{Align2, Pos2, Rect, Role, Sense, Stroke, StrokeKind, Ui, UiBuilder, WidgetInfo};

/// The title line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Title<'a> {
    /// What it is.
    pub title: &'a str,
    /// How many, of what.
    pub detail: &'a str,
    /// Quiet words at the right end.
    pub right: &'a str,
}

/// A card that fills `rect`. The body has no margin: rows run from edge to edge.
pub fn card<R>(ui: &mut Ui, rect: Rect, title: Title<'_>, body: impl FnOnce(&mut Ui) -> R) -> R {
    let t = tokens(ui);
    frame(ui, rect);
    let header = Rect::from_min_size(rect.min, egui::vec2(rect.width(), size::HEADER));
    let painter = ui
        .painter()
        .with_clip_rect(header.intersect(ui.clip_rect()));
    let left = Pos2::new(header.left() + size::M + 1.0, header.center().y);
    let end = painter.text(
        left,
        Align2::LEFT_CENTER,
        title.title,
        font::strong(),
        t.text,
    );
    let detail = Pos2::new(end.right() + size::S, header.center().y + 0.5);
    let end = painter.text(
        detail,
        Align2::LEFT_CENTER,
        title.detail,
        font::small(),
        t.faint,
    );
    if !title.right.is_empty() {
        let galley = painter.layout_no_wrap(title.right.to_owned(), font::small(), t.faint);
        let x = header.right() - size::M - galley.size().x;
        if x > end.right() + size::L {
            painter.galley(
                Pos2::new(x, header.center().y - galley.size().y / 2.0),
                galley,
                t.faint,
            );
        }
    }
    name(ui, header, title.title);
    let body_rect = Rect::from_min_max(
        Pos2::new(rect.left() + 1.0, header.bottom()),
        rect.max - egui::vec2(1.0, 2.0),
    );
    inside(ui, body_rect, title.title, body)
}

/// The upper part of `rect` that a card with so many rows needs, or all of it.
pub fn fit(rect: Rect, n_rows: usize) -> Rect {
    let height = size::HEADER + size::ROW * n_rows.min(1000) as f32 + size::S;
    Rect::from_min_size(
        rect.min,
        egui::vec2(rect.width(), height.min(rect.height())),
    )
}

/// A card without a title line.
pub fn frame(ui: &Ui, rect: Rect) {
    let t = tokens(ui);
    ui.painter().rect(
        rect,
        size::CARD_RADIUS,
        t.panel,
        Stroke::new(1.0, t.line),
        StrokeKind::Inside,
    );
}

/// Contents inside a rectangle of their own; what does not fit is cut.
pub fn inside<R>(ui: &mut Ui, rect: Rect, salt: &str, body: impl FnOnce(&mut Ui) -> R) -> R {
    let rect = Rect::from_min_max(rect.min, rect.max.max(rect.min));
    let builder = UiBuilder::new()
        .id_salt(salt)
        .max_rect(rect)
        .layout(egui::Layout::top_down(egui::Align::Min));
    let mut child = ui.new_child(builder);
    child.set_clip_rect(rect.intersect(ui.clip_rect()));
    child.spacing_mut().item_spacing.y = 0.0;
    body(&mut child)
}

/// Gives a painted heading its accessible name.
fn name(ui: &Ui, rect: Rect, title: &str) {
    let id = ui.scope_id().with(("card", title));
    let response = ui.interact(rect, id, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Heading, true, title));
}

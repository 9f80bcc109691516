//! Chips: a fact in two words, with a shape where it has a severity.

use super::marker::{self, Mark};
use crate::ui::theme::{font, size, tokens};
use egui::{Color32, Pos2, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo};

/// What a chip says about its fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// A fact.
    Plain,
    /// A crash.
    Crash,
    /// As it should be.
    Ok,
    /// Look twice.
    Warn,
    /// It acts.
    Act,
}

/// Shows a chip.
pub fn chip(ui: &mut Ui, tone: Tone, text: &str) -> Response {
    let (fill, color, mark) = look(ui, tone);
    chip_ui(ui, fill, color, mark, text)
}

fn look(ui: &Ui, tone: Tone) -> (Color32, Color32, Option<Mark>) {
    let t = tokens(ui);
    match tone {
        Tone::Act => (t.act_bg, t.act, None),
        Tone::Plain => (t.raised, t.muted, None),
        Tone::Crash => (t.crash_bg, t.crash, Some(Mark::Filled)),
        Tone::Ok => (t.raised, t.ok, Some(Mark::Check)),
        Tone::Warn => (t.raised, t.warn, Some(Mark::Half)),
    }
}

/// A chip that leads somewhere.
pub fn link(ui: &mut Ui, text: &str) -> Response {
    button(ui, Tone::Act, text)
}

/// A chip that can be clicked.
pub fn button(ui: &mut Ui, tone: Tone, text: &str) -> Response {
    let t = tokens(ui);
    let (fill, color, mark) = look(ui, tone);
    let response = chip_ui(ui, fill, color, mark, text);
    let response = response.interact(Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, text));
    if response.has_focus() || response.hovered() {
        ui.painter().rect_stroke(
            response.rect,
            size::CHIP / 2.0,
            Stroke::new(1.5, t.act),
            StrokeKind::Inside,
        );
    }
    response
}

fn chip_ui(ui: &mut Ui, fill: Color32, color: Color32, mark: Option<Mark>, text: &str) -> Response {
    let galley = ui
        .painter()
        .layout_no_wrap(text.to_owned(), font::small(), color);
    let mark_width = if mark.is_some() { 14.0 } else { 0.0 };
    let width = (galley.size().x + mark_width + 2.0 * size::S).ceil();
    let (rect, response) = ui.allocate_exact_size(egui::vec2(width, size::CHIP), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    ui.painter().rect(
        rect,
        size::CHIP / 2.0,
        fill,
        Stroke::new(1.0, tokens(ui).line),
        StrokeKind::Inside,
    );
    let mut x = rect.left() + size::S;
    if let Some(mark) = mark {
        marker::paint(
            ui.painter(),
            Pos2::new(x + 4.0, rect.center().y),
            mark,
            color,
        );
        x += mark_width;
    }
    ui.painter().galley(
        Pos2::new(x, rect.center().y - galley.size().y / 2.0),
        galley,
        color,
    );
    response
}

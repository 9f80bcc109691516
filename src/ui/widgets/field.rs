//! Text fields, each with a name.

use crate::ui::theme::{font, size, tokens};
use egui::{Margin, Response, RichText, TextEdit, Ui};

/// One line of text.
pub fn line(ui: &mut Ui, text: &mut String, name: &str, hint: &str, width: f32) -> Response {
    let t = tokens(ui);
    let edit = TextEdit::singleline(text)
        .id_salt(name)
        .hint_text(RichText::new(hint).color(t.faint))
        .font(font::body())
        .desired_width(width)
        .margin(Margin::symmetric(10, 4))
        .min_size(egui::vec2(0.0, size::CONTROL))
        .align(egui::Align2::LEFT_CENTER);
    ui.add(edit).accessible_name(name)
}

/// Many lines of code or log, filling the space that is left.
pub fn area(ui: &mut Ui, text: &mut String, name: &str, hint: &str) -> Response {
    let t = tokens(ui);
    let edit = TextEdit::multiline(text)
        .id_salt(name)
        .hint_text(RichText::new(hint).color(t.faint).font(font::mono()))
        .font(font::mono())
        .frame(egui::Frame::new().inner_margin(Margin::symmetric(12, 8)))
        .desired_width(f32::INFINITY)
        .desired_rows(3)
        .min_size(egui::vec2(0.0, ui.available_height()));
    ui.add(edit).accessible_name(name)
}

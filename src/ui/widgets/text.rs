//! Text in the few kinds that there are.

use crate::ui::theme::{font, tokens};
use egui::text::{LayoutJob, TextFormat};
use egui::{Color32, FontId, Label, Response, RichText, Ui};

/// Text in a font and colour. It wraps and can be selected.
pub fn label(ui: &mut Ui, text: impl Into<String>, font: FontId, color: Color32) -> Response {
    ui.add(Label::new(RichText::new(text).font(font).color(color)).wrap())
}

/// What is to be read.
pub fn body(ui: &mut Ui, text: impl Into<String>) -> Response {
    label(ui, text, font::body(), tokens(ui).text)
}

/// The same with weight.
pub fn strong(ui: &mut Ui, text: impl Into<String>) -> Response {
    label(ui, text, font::strong(), tokens(ui).text)
}

/// What explains it.
pub fn muted(ui: &mut Ui, text: impl Into<String>) -> Response {
    label(ui, text, font::body(), tokens(ui).muted)
}

/// Metadata.
pub fn small(ui: &mut Ui, text: impl Into<String>) -> Response {
    label(ui, text, font::small(), tokens(ui).faint)
}

/// Addresses and code.
pub fn mono(ui: &mut Ui, text: impl Into<String>) -> Response {
    label(ui, text, font::mono(), tokens(ui).text)
}

/// The title of a group.
pub fn title(ui: &mut Ui, text: impl Into<String>) -> Response {
    label(ui, text, font::title(), tokens(ui).text)
}

/// Text whose parts between backticks are code.
pub fn with_code(text: &str, plain: &TextFormat, code: &TextFormat) -> LayoutJob {
    let mut job = LayoutJob::default();
    for (i, part) in text.split('`').enumerate() {
        let format = if i % 2 == 1 { code } else { plain };
        job.append(part, 0.0, format.clone());
    }
    job
}

/// The one sentence of a screen, its largest text.
pub fn headline(ui: &mut Ui, sentence: &str) -> Response {
    let color = tokens(ui).text;
    let format = |font: FontId| TextFormat {
        line_height: Some(30.0),
        ..TextFormat::simple(font, color)
    };
    let job = with_code(
        sentence,
        &format(font::headline()),
        &format(font::headline_mono()),
    );
    ui.add(Label::new(job).wrap())
}

/// A sentence with code in it.
pub fn sentence(ui: &mut Ui, text: &str, color: Color32) -> Response {
    let format = |font: FontId| TextFormat {
        line_height: Some(18.0),
        ..TextFormat::simple(font, color)
    };
    let job = with_code(text, &format(font::body()), &format(font::mono()));
    ui.add(Label::new(job).wrap())
}

//! The four states of anything that comes from the engine: empty, loading, error, ready. Their texts are product:
//! cause, effect, one action.

use super::{button, text};
use crate::ui::data::Answer;
use crate::ui::theme::{font, size, tokens};
use egui::{Rect, Role, Sense, Ui, WidgetInfo};

/// Shows an answer: what is there, with a hint when it is old; a word when nothing is there yet.
pub fn answer<T>(ui: &mut Ui, answer: &Answer<T>, loading: &str, show: impl FnOnce(&mut Ui, &T)) {
    match answer {
        Answer::Ready(value) => show(ui, value),
        Answer::Pending {
            previous: Some(value),
        } => {
            refreshing(ui);
            show(ui, value);
        }
        Answer::Pending { previous: None } => self::loading(ui, loading),
        Answer::Failed {
            error: message,
            previous,
        } => {
            error(ui, message);
            if let Some(value) = previous {
                show(ui, value);
            }
        }
    }
}

/// A thin line on top: a newer answer is on its way. It takes no space.
fn refreshing(ui: &Ui) {
    let rect = ui.max_rect();
    let line = Rect::from_min_size(rect.min, egui::vec2(rect.width(), 2.0));
    ui.painter().rect_filled(line, 0.0, tokens(ui).act_bg);
}

/// Says what is being read.
pub fn loading(ui: &mut Ui, what: &str) {
    padded(ui, |ui| {
        text::muted(ui, what);
    });
}

/// Says why there is nothing and what to do.
pub fn empty(ui: &mut Ui, headline: &str, advice: &str) {
    padded(ui, |ui| {
        text::strong(ui, headline);
        ui.add_space(size::XS);
        text::muted(ui, advice);
    });
}

/// An error that can be selected and copied, with its code.
pub fn error(ui: &mut Ui, message: &str) {
    let t = tokens(ui);
    egui::Frame::new()
        .fill(t.raised)
        .inner_margin(egui::Margin::symmetric(12, 8))
        .outer_margin(egui::Margin::same(8))
        .corner_radius(size::CONTROL_RADIUS)
        .show(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                let (rect, response) =
                    ui.allocate_exact_size(egui::vec2(12.0, 16.0), Sense::hover());
                response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Error"));
                super::marker::paint(
                    ui.painter(),
                    rect.center(),
                    super::marker::Mark::Half,
                    t.warn,
                );
                text::label(ui, message, font::body(), t.text);
                if button::link(ui, "Copy").clicked() {
                    ui.ctx().copy_text(message.to_owned());
                }
            });
        });
}

/// Contents with the margin of a card.
pub fn padded<R>(ui: &mut Ui, body: impl FnOnce(&mut Ui) -> R) -> R {
    egui::Frame::new()
        .inner_margin(egui::Margin::symmetric(12, 8))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = size::XS;
            body(ui)
        })
        .inner
}

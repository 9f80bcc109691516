//! Go to: one field for a line, a time, a boot, an address or a byte.

use super::Logs;
use crate::engine::logs::view::LogKey;
use crate::engine::queries::log_go_to::LogGoToQuery;
use crate::ui::context::ViewContext;
use crate::ui::theme::size;
use crate::ui::widgets::{button, field, text};
use egui::{Align2, Area, Frame, Id, Key, Order, Rect, Ui, vec2};

/// Width of the field.
const WIDTH: f32 = 360.0;
/// What can be written.
const HINT: &str = "1234, 12:34:56.789, +5 s, boot 2, 0x0800abcd, @1234";

/// The field, while it is open.
#[derive(Default)]
pub(super) struct Going {
    text: String,
    /// The question whose answer is on its way.
    asked: Option<LogGoToQuery>,
    /// What was answered last.
    says: String,
    has_focus: bool,
}

impl Logs {
    /// Opens the field.
    pub(super) fn open_go_to(&mut self) {
        let text = self
            .going
            .take()
            .map_or_else(String::new, |going| going.text);
        self.going = Some(Going {
            text,
            ..Going::default()
        });
    }

    /// Draws the field over the list and goes where the answer leads. Enter once more finds the next line with the address.
    pub(super) fn go_to_ui(&mut self, ctx: &ViewContext<'_>, ui: &Ui, list: Rect, key: &LogKey) {
        let Some(mut going) = self.going.take() else {
            return;
        };
        let (mut asks, mut closes) = (false, ui.input(|input| input.key_pressed(Key::Escape)));
        Area::new(Id::unique("go to in the log"))
            .order(Order::Foreground)
            .pivot(Align2::CENTER_TOP)
            .fixed_pos(list.center_top() + vec2(0.0, size::S))
            .show(ui.ctx(), |ui| {
                Frame::popup(ui.style()).show(ui, |ui| {
                    ui.set_width(WIDTH);
                    text::small(ui, "Go to a line, a time, a boot, an address or a byte");
                    ui.horizontal(|ui| {
                        let response =
                            field::line(ui, &mut going.text, "Go to", HINT, WIDTH - 60.0);
                        asks = response.lost_focus()
                            && ui.input(|input| input.key_pressed(Key::Enter));
                        if asks || !going.has_focus {
                            response.request_focus();
                            going.has_focus = true;
                        }
                        let close = "Close go to";
                        closes |= button::icon(ui, crate::ui::icons::CLOSE, close).clicked();
                    });
                    if !going.says.is_empty() {
                        text::body(ui, going.says.clone());
                    }
                });
            });
        if closes {
            return;
        }
        if asks {
            going.asked = Some(LogGoToQuery {
                key: key.clone(),
                stack: self.stack.clone(),
                text: going.text.clone(),
                from: self.cursor(),
            });
        }
        if let Some(query) = &going.asked {
            let answer = ctx.door.log_go_to(query);
            if let Some(error) = answer.error() {
                error.clone_into(&mut going.says);
                going.asked = None;
            } else if let Some(found) = answer.value().filter(|_| !answer.is_pending()) {
                going.says.clone_from(&found.says);
                if let Some(at) = found.at {
                    self.go_to(at);
                }
                going.asked = None;
            }
        }
        self.going = Some(going);
    }
}

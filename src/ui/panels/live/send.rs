//! The line to send, with what was sent before.

use super::words::{is_lost, name};
use crate::engine::live::board::Board;
use crate::ui::context::ViewContext;
use crate::ui::theme::size;
use crate::ui::widgets::{button, field, text};
use egui::{Key, Rect, Ui};

/// Lines that come back with the arrow keys.
const KEPT: usize = 100;
/// Lines that are shown above the field, the last one lowest.
const ECHOED: usize = 2;
const ECHO_HEIGHT: f32 = 18.0;
/// Width of what stands behind the field.
const AROUND: f32 = 158.0;

/// What follows a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum LineEnd {
    /// What the Enter key of a terminal sends.
    #[default]
    Cr,
    Lf,
    CrLf,
    Nothing,
}

impl LineEnd {
    const ALL: [Self; 4] = [Self::Cr, Self::Lf, Self::CrLf, Self::Nothing];

    fn label(self) -> &'static str {
        match self {
            Self::Cr => "CR",
            Self::Lf => "LF",
            Self::CrLf => "CR LF",
            Self::Nothing => "no line end",
        }
    }

    fn bytes(self) -> &'static [u8] {
        match self {
            Self::Cr => b"\r",
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
            Self::Nothing => b"",
        }
    }
}

/// The field.
#[derive(Default)]
pub(super) struct SendLine {
    line: String,
    end: LineEnd,
    sent: Vec<String>,
    /// Which line before is in the field, counted from the last one.
    back: usize,
    takes_focus: bool,
}

/// Height of the field with what was sent.
pub(super) fn height(send: &SendLine) -> f32 {
    size::CONTROL + ECHO_HEIGHT * send.sent.len().min(ECHOED) as f32
}

impl SendLine {
    /// The next frame puts the focus into the field.
    pub(super) fn focus(&mut self) {
        self.takes_focus = true;
    }

    /// Draws it; the bytes of a line that is to be sent.
    pub(super) fn ui(
        &mut self,
        ctx: &mut ViewContext<'_>,
        ui: &mut Ui,
        rect: Rect,
        board: &Board,
        link: usize,
    ) -> Option<Vec<u8>> {
        let link = board.links.get(link)?;
        let is_there = !is_lost(link);
        let to = match board.links.as_slice() {
            [_] => "the board".to_owned(),
            _ => name(link).to_owned(),
        };
        let mut is_sent = false;
        let builder = egui::UiBuilder::new().id_salt("send").max_rect(rect);
        let mut child = ui.new_child(builder);
        child.spacing_mut().item_spacing.y = 0.0;
        let n_before = self.sent.len().saturating_sub(ECHOED);
        for line in self.sent.iter().skip(n_before) {
            let (echo, _) = child
                .allocate_exact_size(egui::vec2(rect.width(), ECHO_HEIGHT), egui::Sense::hover());
            let mut echo = child.new_child(egui::UiBuilder::new().max_rect(echo));
            text::small(
                &mut echo,
                format!("You sent: {}", crate::ui::words::cut(line, 120)),
            );
        }
        child.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = size::S;
            let width = (ui.available_width() - AROUND).max(80.0);
            let hint = format!("Send a line to {to}, Enter sends");
            let field = field::line(ui, &mut self.line, "Line to send", &hint, width);
            ctx.part(&field);
            if std::mem::take(&mut self.takes_focus) {
                field.request_focus();
            }
            if field.has_focus() {
                self.history(ui);
            }
            let is_entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            let end = egui::ComboBox::from_id_salt("line end")
                .selected_text(self.end.label())
                .width(84.0)
                .show_ui(ui, |ui| {
                    for end in LineEnd::ALL {
                        ui.selectable_value(&mut self.end, end, end.label());
                    }
                });
            let end = end.response.accessible_name("Line end");
            end.on_hover_text("What follows the line. The Enter key of a terminal sends CR.");
            let button = ui
                .add_enabled_ui(is_there, |ui| button::quiet(ui, "Send"))
                .inner;
            is_sent = is_there && (button.clicked() || is_entered);
            if is_entered {
                field.request_focus();
            }
        });
        is_sent.then(|| self.take())
    }

    /// The arrow keys bring lines back.
    fn history(&mut self, ui: &Ui) {
        let pressed = |key| ui.input(|input| input.key_pressed(key));
        let before = self.back;
        if pressed(Key::ArrowUp) {
            self.back = (self.back + 1).min(self.sent.len());
        } else if pressed(Key::ArrowDown) {
            self.back = self.back.saturating_sub(1);
        }
        if self.back != before {
            let line = self.sent.iter().rev().nth(self.back.wrapping_sub(1));
            self.line = line.cloned().unwrap_or_default();
        }
    }

    fn take(&mut self) -> Vec<u8> {
        let line = std::mem::take(&mut self.line);
        let mut bytes = line.clone().into_bytes();
        bytes.extend_from_slice(self.end.bytes());
        self.back = 0;
        if !line.is_empty() && self.sent.last() != Some(&line) {
            self.sent.push(line);
            let n_extra = self.sent.len().saturating_sub(KEPT);
            self.sent.drain(..n_extra);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, LineEnd, SendLine};

    #[test]
    fn a_line_is_sent_with_its_end_and_remembered_once() {
        let mut send = SendLine::default();
        for (line, end, bytes) in [
            ("reset", LineEnd::Cr, &b"reset\r"[..]),
            ("reset", LineEnd::CrLf, b"reset\r\n"),
            ("", LineEnd::Lf, b"\n"),
            ("q", LineEnd::Nothing, b"q"),
        ] {
            line.clone_into(&mut send.line);
            send.end = end;
            assert_eq!(send.take(), bytes);
        }
        assert_eq!(send.sent, ["reset", "q"]);
        for n in 0..2 * KEPT {
            send.line = n.to_string();
            send.take();
        }
        assert_eq!(send.sent.len(), KEPT);
    }
}

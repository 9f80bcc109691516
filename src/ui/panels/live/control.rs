//! What is done to a board, apart from observing it: halt, run, step, reset, and writing a number, with the last write taken back and
//! a log of all of it. Shown only when somebody opens it.

use crate::engine::command::{Command, Control};
use crate::engine::live::board::Board;
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::{button, field, text};
use crate::ui::words;
use egui::{Key, Ui};
use std::time::SystemTime;

/// Acts that are shown below the buttons.
const SHOWN: usize = 4;
/// Width of the field for a write.
const FIELD: f32 = 260.0;

/// What is typed, and whether it is open.
#[derive(Default)]
pub(super) struct ControlRow {
    is_open: bool,
    write: String,
}

impl ControlRow {
    /// Whether it is open.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Opens it.
    pub(super) fn open(&mut self) {
        self.is_open = true;
    }

    /// Draws it, where a link gives access to the processor.
    pub(super) fn ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui, board: &Board) {
        let link = board.links.iter().position(|link| link.cost.is_some());
        let Some(link) = link.filter(|_| board.has_target) else {
            return;
        };
        ui.add_space(size::S);
        if !self.is_open {
            ui.horizontal(|ui| {
                if button::link(ui, "Control the board…").clicked() {
                    self.is_open = true;
                }
                text::muted(ui, "It is only observed until you do.");
            });
            return;
        }
        let mut asked = None;
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = size::S;
            text::strong(ui, "Control");
            for (label, what) in [
                ("Halt", Control::Halt),
                ("Run", Control::Run),
                ("Step", Control::Step),
                ("Reset", Control::Reset),
            ] {
                if button::quiet(ui, label).clicked() {
                    asked = Some(what);
                }
            }
            let typed = field::line(
                ui,
                &mut self.write,
                "Number to write",
                "state.rssi = -57",
                FIELD,
            );
            ctx.part(&typed);
            let is_entered = typed.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            let is_clicked = button::quiet(ui, "Write").clicked();
            if (is_entered || is_clicked) && !self.write.trim().is_empty() {
                asked = Some(Control::Write(self.write.trim().to_owned()));
            }
            if button::quiet(ui, "Undo the last write").clicked() {
                asked = Some(Control::Undo);
            }
            if button::link(ui, "Only observe").clicked() {
                self.is_open = false;
            }
        });
        acts_ui(ui, board, ctx.now);
        if let Some(what) = asked {
            ctx.send(Command::Control { link, what });
        }
    }
}

/// What was done last.
fn acts_ui(ui: &mut Ui, board: &Board, now: SystemTime) {
    for act in board.acts.iter().take(SHOWN) {
        let t = tokens(ui);
        let ago = super::words::length(act.at, now);
        let (color, said) = if act.is_done {
            (t.muted, format!("{ago} ago: {}", act.what))
        } else {
            (t.warn, format!("{ago} ago, not done: {}", act.what))
        };
        text::label(ui, words::cut(&said, 200), font::small(), color);
    }
}

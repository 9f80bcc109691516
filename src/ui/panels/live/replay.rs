//! A recording that is told again: where it is, how fast it goes, and what happened in it.

use crate::engine::command::Command;
use crate::engine::live::board::{Board, Replay};
use crate::engine::live::{Position, ReplayEvent};
use crate::ui::command::{LiveCommand, UiCommand};
use crate::ui::context::ViewContext;
use crate::ui::theme::{size, tokens};
use crate::ui::widgets::{button, text};
use crate::ui::words;
use egui::{Pos2, Rect, Response, Sense, Ui, vec2};
use std::time::Duration;

/// Speeds that are offered; none: as fast as can be.
const SPEEDS: [(Option<f64>, &str); 5] = [
    (Some(1.0), "1×"),
    (Some(10.0), "10×"),
    (Some(60.0), "60×"),
    (Some(1000.0), "1000×"),
    (None, "Max"),
];
/// Height of the bar and of the line in it.
const BAR: f32 = 20.0;
const LINE: f32 = 6.0;
/// The pointer is on a mark when it is so near.
const NEAR: f32 = 5.0;
/// The bar moves on this often.
const EVERY: Duration = Duration::from_millis(50);

/// Everything that sets the pace, and the bar.
pub(super) fn replay_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, board: &Board, replay: &Replay) {
    let position = replay.pace.position();
    if !position.is_paused && !replay.is_at_end() {
        ui.ctx().request_repaint_after(EVERY);
    }
    ui.add_space(size::S);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = size::S;
        buttons_ui(ctx, ui, board, replay, position);
    });
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), BAR), Sense::click());
    bar_ui(ui, rect, &response, replay);
    if let Some(pointer) = response
        .interact_pointer_pos()
        .filter(|_| response.clicked())
    {
        let to_ns = time_at(rect, pointer.x, replay.script.lasted_ns);
        if to_ns >= replay.at_ns() {
            replay.pace.go_to(to_ns);
        } else {
            begin_at(ctx, board, to_ns);
        }
    }
    text::muted(ui, what_is_next(replay));
}

fn buttons_ui(
    ctx: &mut ViewContext<'_>,
    ui: &mut Ui,
    board: &Board,
    replay: &Replay,
    position: Position,
) {
    if replay.is_at_end() {
        let again = button::primary(ui, "From the beginning");
        ctx.part(&again);
        if again.clicked() {
            begin_at(ctx, board, 0);
        }
    } else {
        let label = if position.is_paused {
            "Go on"
        } else {
            "Pause the replay"
        };
        let pause = button::primary(ui, label).on_hover_text("Lets the replay stand, or go on (P)");
        ctx.part(&pause);
        if pause.clicked() {
            replay.pace.set_paused(!position.is_paused);
        }
        button::command(ui, ctx, &UiCommand::Live(LiveCommand::NextEvent));
    }
    for (speed, label) in SPEEDS {
        if ui
            .selectable_label(position.speed == speed, label)
            .on_hover_text("How fast the recording is told")
            .clicked()
        {
            replay.pace.set_speed(speed);
        }
    }
    text::strong(
        ui,
        format!(
            "{} of {}",
            clock(replay.at_ns()),
            clock(replay.script.lasted_ns)
        ),
    );
    if button::quiet(ui, "End the replay").clicked() {
        ctx.send(Command::Disconnect);
    }
}

/// Tells the recording from its beginning, as fast as can be up to a time.
fn begin_at(ctx: &mut ViewContext<'_>, board: &Board, from_ns: i64) {
    ctx.send(Command::Replay {
        path: board.recording.clone(),
        from_ns,
    });
}

/// What was told, and a mark for each thing that happens; a crash has a mark of another form and height.
fn bar_ui(ui: &Ui, rect: Rect, response: &Response, replay: &Replay) {
    let t = tokens(ui);
    let lasted = replay.script.lasted_ns;
    let line = Rect::from_center_size(rect.center(), vec2(rect.width(), LINE));
    ui.painter().rect_filled(line, 3.0, t.hover);
    let mut told = line;
    told.set_right(x_of(rect, replay.at_ns(), lasted));
    ui.painter().rect_filled(told, 3.0, t.act);
    for event in &replay.script.events {
        let center = Pos2::new(x_of(rect, event.ns, lasted), rect.center().y);
        let (height, color) = if event.is_crash {
            (BAR - 2.0, t.crash)
        } else {
            (LINE + 4.0, t.muted)
        };
        let mark = Rect::from_center_size(center, vec2(2.0, height));
        ui.painter().rect_filled(mark, 1.0, color);
    }
    let name = format!("Place in the recording: {}", clock(replay.at_ns()));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ProgressIndicator, true, &name));
    if let Some(pointer) = response.hover_pos() {
        let at = time_at(rect, pointer.x, lasted);
        let near = |event: &&ReplayEvent| (x_of(rect, event.ns, lasted) - pointer.x).abs() <= NEAR;
        let event = replay.script.events.iter().find(near);
        let words = event.map_or_else(
            || format!("{}: click to go there", clock(at)),
            |event| format!("{}: {}", clock(event.ns), event.in_words()),
        );
        response.clone().on_hover_text_at_pointer(words);
    }
}

/// What the next step goes to.
fn what_is_next(replay: &Replay) -> String {
    match replay.next_event() {
        Some(event) => format!("Next, at {}: {}", clock(event.ns), event.in_words()),
        None if replay.is_at_end() => "This is the end of the recording.".to_owned(),
        None => "Nothing more happens up to the end.".to_owned(),
    }
}

/// The sentence above it.
pub(super) fn headline(board: &Board, replay: &Replay) -> String {
    let path = board.recording.display().to_string();
    let name = words::file_name(&path);
    if replay.is_at_end() {
        format!("The end of {name}")
    } else if replay.pace.position().is_paused {
        format!("Replay of {name}, paused")
    } else {
        format!("Replay of {name}")
    }
}

/// A time of the session: `0:12.4`, `1:02:03`.
fn clock(ns: i64) -> String {
    let tenths = ns.max(0) / 100_000_000;
    let (seconds, tenth) = (tenths / 10, tenths % 10);
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{rest:02}.{tenth}"),
        _ => format!("{hours}:{minutes:02}:{rest:02}"),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a share of 1, drawn as pixels"
)]
fn x_of(rect: Rect, ns: i64, lasted: i64) -> f32 {
    let share = (ns as f64 / lasted.max(1) as f64).clamp(0.0, 1.0);
    rect.left() + rect.width() * share as f32
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a share of a time of 64 bits"
)]
fn time_at(rect: Rect, x: f32, lasted: i64) -> i64 {
    let share = f64::from((x - rect.left()) / rect.width().max(1.0)).clamp(0.0, 1.0);
    (share * lasted as f64) as i64
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_are_said_to_a_tenth_of_a_second() {
        let said = [0, 12_449_000_000, 62_000_000_000, 3_723_900_000_000].map(super::clock);
        assert_eq!(said, ["0:00.0", "0:12.4", "1:02.0", "1:02:03"]);
    }
}

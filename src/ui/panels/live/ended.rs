//! What a session left: said above what connects the next one.

use super::strip::crash_of;
use super::words;
use crate::engine::command::Command;
use crate::engine::live::board::{Board, Ended, Phase};
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::icons;
use crate::ui::theme::size;
use crate::ui::widgets::{button, state, text};
use crate::ui::words as common;
use egui::Ui;

/// While the recording is being taken in.
pub(super) fn ending_ui(ui: &mut Ui, board: &Board) {
    text::headline(ui, "Taking the recording into the workspace");
    ui.add_space(size::XS);
    let n = common::bytes(board.recording_bytes);
    text::muted(ui, format!("{n} in {}", board.recording.display()));
}

/// After that.
pub(super) fn ended_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, board: &Board) {
    let Phase::Ended(ended) = &board.phase else {
        return;
    };
    text::headline(ui, &headline(board, ended));
    ui.add_space(size::XS);
    let lasted = words::length(board.began, ended.at);
    let path = board.recording.display().to_string();
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = size::S;
        let name = common::file_name(&path);
        let words = if board.replay.is_some() {
            format!("The recording is {name}")
        } else {
            format!("It lasted {lasted}; the recording is {name}")
        };
        text::muted(ui, words).on_hover_text(&path);
        if button::icon(ui, icons::COPY, "Copy the path of the recording").clicked() {
            ui.ctx().copy_text(path.clone());
        }
        if button::link(ui, "Replay it").clicked() {
            ctx.send(Command::Replay {
                path: board.recording.clone(),
                from_ns: 0,
            });
        }
        if let Some(capture) = ended.capture {
            if let Some(crash) = crash_of(ctx, capture)
                && button::link(ui, "Open its crash").clicked()
            {
                ctx.ui(UiCommand::OpenCrash(crash));
            }
            if button::link(ui, "Open its import report").clicked() {
                ctx.ui(UiCommand::OpenCapture(capture));
            }
        }
    });
    if let Some(trouble) = &ended.trouble {
        state::error(ui, trouble);
    }
    ui.add_space(size::L);
}

fn headline(board: &Board, ended: &Ended) -> String {
    if board.replay.is_some() {
        return "The replay was ended".to_owned();
    }
    let from = match board.links.as_slice() {
        [one] => words::name(one).to_owned(),
        links => format!("{} links", links.len()),
    };
    match (board.n_bytes(), ended.capture) {
        (0, _) => format!("Disconnected: nothing came from {from}"),
        (n, Some(_)) => format!(
            "Disconnected: {} from {from} are in the workspace",
            common::bytes(n)
        ),
        (n, None) => format!(
            "Disconnected: {} from {from} are recorded",
            common::bytes(n)
        ),
    }
}

//! What is known of the links, the recording and the firmware, and the crash that came.

use super::words;
use crate::engine::command::Command;
use crate::engine::live::board::{Board, BoardBuild, BoardLink, SoFar};
use crate::engine::live::unsent_in_words;
use crate::ui::command::{LiveCommand, UiCommand};
use crate::ui::context::ViewContext;
use crate::ui::icons;
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::row::plain_row;
use crate::ui::widgets::{button, card as cards, chip, marker, marker::Mark, text};
use crate::ui::words as common;
use egui::{Pos2, Ui};

/// Where a link's name ends, and where its numbers begin, from the right.
const NAME: f32 = 0.3;
const RATE: f32 = 210.0;
const BYTES: f32 = 100.0;
/// Links that are shown one by one.
const SHOWN: usize = 4;

/// The recording and the firmware, and the way to end it.
pub(super) fn facts_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, board: &Board) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = size::S;
        if board.replay.is_none() {
            let disconnect = button::command(ui, ctx, &UiCommand::Live(LiveCommand::Disconnect));
            ctx.part(&disconnect);
        }
        let path = board.recording.display().to_string();
        let recorded = common::bytes(board.recording_bytes);
        let name = common::file_name(&path);
        let is_in = if board.replay.is_some() { "in" } else { "recorded in" };
        extend(
            ui,
            format!("{recorded} {is_in} {name}"),
            tokens(ui).muted,
        )
        .on_hover_text(&path);
        if button::icon(ui, icons::COPY, "Copy the path of the recording").clicked() {
            ui.ctx().copy_text(path);
        }
        if board.n_left_out > 0 {
            let n = common::bytes(board.n_left_out);
            chip::chip(
                ui,
                chip::Tone::Warn,
                &format!("{n} came too fast to be shown"),
            )
            .on_hover_text("The recording has them. Disconnect to see all of it.");
        }
        if let Some((is_known, words)) = words::build(&board.build) {
            let t = tokens(ui);
            let color = if is_known { t.muted } else { t.warn };
            extend(ui, words, color);
        }
        if let Some(unsent) = &board.unsent {
            let words = format!("Not sent yet: {}", unsent_in_words(unsent));
            extend(ui, words, tokens(ui).muted)
                .on_hover_text("What the device-side SDK keeps in the board's memory; it is read and not disturbed.");
        }
        if let Some(words) = &board.wrong_elf {
            let color = tokens(ui).warn;
            extend(ui, words.clone(), color);
            button::command(ui, ctx, &UiCommand::AddSymbols);
        }
        if matches!(board.build, BoardBuild::Missing { .. }) {
            button::command(ui, ctx, &UiCommand::AddSymbols);
        }
    });
}

/// Text that moves to the next line as a whole.
fn extend(ui: &mut Ui, text: String, color: egui::Color32) -> egui::Response {
    let text = egui::RichText::new(text).font(font::body()).color(color);
    ui.add(egui::Label::new(text).extend())
}

/// Says that the board crashed, and leads there.
pub(super) fn crash_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, board: &Board) {
    let Some(last) = board.crashes.last() else {
        return;
    };
    let t = tokens(ui);
    ui.add_space(size::S);
    egui::Frame::new()
        .fill(t.crash_bg)
        .corner_radius(size::CONTROL_RADIUS)
        .inner_margin(egui::Margin::symmetric(12, 6))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal_wrapped(|ui| {
                let (mark, _) =
                    ui.allocate_exact_size(egui::vec2(12.0, 16.0), egui::Sense::hover());
                marker::paint(ui.painter(), mark.center(), Mark::Filled, t.crash);
                let ago = words::length(last.at, ctx.now);
                let before = match board.crashes.len() {
                    1 => String::new(),
                    n => format!(
                        ", and {} before",
                        common::count(n as u64 - 1, "time", "times")
                    ),
                };
                let sentence = format!("The board crashed {ago} ago{before}: a {} came", last.what);
                text::label(ui, sentence, font::strong(), t.crash);
                button::primary_command(ui, ctx, &UiCommand::Live(LiveCommand::OpenCrash));
            });
        });
}

/// Opens the crash that came last: it is taken into the workspace first, unless it is there.
pub(super) fn open_crash(ctx: &mut ViewContext<'_>, board: &Board) {
    if board.crashes.is_empty() {
        ctx.notice = Some("The board has not crashed since it was connected.".to_owned());
        return;
    }
    let is_known = |so_far: &SoFar| so_far.n_crashes == board.crashes.len();
    let known = board.so_far.filter(is_known);
    match known.and_then(|so_far| crash_of(ctx, so_far.capture)) {
        Some(crash) => ctx.ui(UiCommand::OpenCrash(crash)),
        None => ctx.send(Command::TakeSoFar),
    }
}

/// The last crash of a capture.
pub(super) fn crash_of(ctx: &ViewContext<'_>, capture: i64) -> Option<i64> {
    let issues = ctx.door.issues("");
    let rows = issues.value()?.iter().flat_map(|issue| &issue.crashes);
    let of_capture = rows.filter(|row| row.capture == capture);
    of_capture.map(|row| row.id).max()
}

/// Each link with its state and how much comes.
pub(super) fn links_ui(ctx: &ViewContext<'_>, ui: &mut Ui, board: &Board) {
    let n = board.links.len().min(SHOWN);
    let height = size::ROW * n.max(1) as f32 + size::S;
    let (rect, _) = ui.allocate_exact_size(
        egui::vec2(ui.available_width(), height),
        egui::Sense::hover(),
    );
    cards::frame(ui, rect);
    cards::inside(ui, rect.shrink2(egui::vec2(1.0, size::XS)), "links", |ui| {
        for link in board.links.iter().take(n) {
            link_ui(ctx, ui, link, board.replay.is_none());
        }
    });
}

/// Of a replay there is no rate: it is that of whoever watches.
fn link_ui(ctx: &ViewContext<'_>, ui: &mut Ui, link: &BoardLink, has_rate: bool) {
    let state = words::state(link, ctx.now);
    let rate = if has_rate {
        format!("{}/s", common::bytes(link.bytes_per_second))
    } else {
        String::new()
    };
    let came = common::bytes(link.n_bytes);
    let name = format!("{}: {state}; {rate} {came} in all", link.title);
    plain_row(ui, &name, |row| {
        let t = row.tokens;
        let width = row.width();
        let (mark, color) = if words::is_lost(link) {
            (Mark::Half, t.warn)
        } else {
            (Mark::Check, t.ok)
        };
        let center = Pos2::new(row.rect.left() + size::M + 4.0, row.rect.center().y);
        marker::paint(row.painter, center, mark, color);
        let from = size::M + 16.0;
        let name_end = (width * NAME).max(from);
        row.strong(from, name_end, &link.title);
        let numbers = (width - RATE).max(name_end);
        row.muted(name_end + size::M, numbers, &state);
        row.number(numbers, width - BYTES - size::S, &rate);
        row.number(width - BYTES, width - size::M, &came);
    });
}

//! The frames of the selected thread, innermost first, each with how it was found.

use super::{Selected, headline, threads};
use crate::model::report::{Frame, Thread};
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::icons;
use crate::ui::theme::{font, size};
use crate::ui::widgets::card::{Title, card};
use crate::ui::widgets::row::{CellStyle, RowPainter, plain_row, row};
use crate::ui::widgets::{marker, state};
use crate::ui::words;
use egui::{Align, Pos2, Rect, ScrollArea, Ui};
use std::fmt::Write as _;

/// One line of the list.
enum Line<'a> {
    Interrupted(&'a str),
    Frame(usize, &'a Frame),
    Stopped(&'a str),
}

/// What a frame is that left by a tail call.
const TAIL_CALL_HELP: &str = "Left by a tail call: it is no longer on the stack, and its variables are mostly gone.\nAll ways from the caller to the frame above lead through it.";

/// What a frame is that belongs to the handler of the crash.
const HANDLER_HELP: &str = "The target was halted here, in the handler of the fault.\nThe crash is the frame below the exception.";

/// The card.
pub(super) fn backtrace_ui(
    ctx: &mut ViewContext<'_>,
    ui: &mut Ui,
    rect: Rect,
    selected: &Selected<'_>,
) {
    let frames = selected
        .thread
        .map_or(&[][..], |thread| thread.frames.as_slice());
    let detail = detail(selected, frames);
    let title = Title {
        title: "Backtrace",
        detail: &detail,
        right: "Ctrl+↑ ↓ frame · T thread",
    };
    let lines = lines(selected, frames);
    card(ui, rect, title, |ui| {
        if frames.is_empty() {
            state::empty(
                ui,
                "No frames",
                "The stack of this thread could not be walked: its registers were not captured.",
            );
        }
        ScrollArea::vertical()
            .id_salt("backtrace")
            .auto_shrink(false)
            .show_rows(ui, size::ROW, lines.len(), |ui, range| {
                for line in lines.iter().take(range.end).skip(range.start) {
                    match line {
                        Line::Interrupted(name) => interrupted_ui(ui, name),
                        Line::Frame(idx, frame) => {
                            frame_ui(ctx, ui, *idx, frame, selected.frame_idx);
                        }
                        Line::Stopped(why) => stopped_ui(ui, why),
                    }
                }
            });
    });
}

fn detail(selected: &Selected<'_>, frames: &[Frame]) -> String {
    let name = selected.thread.map(threads::name_of).unwrap_or_default();
    let mut detail = format!(
        "{name} · {}",
        words::count(frames.len() as u64, "frame", "frames")
    );
    let n_inlined = frames.iter().filter(|frame| frame.inlined).count();
    if n_inlined > 0 {
        // Writing to a String cannot fail.
        let _infallible = write!(detail, ", {n_inlined} inlined");
    }
    let n_tail_calls = frames.iter().filter(|frame| frame.tail_call).count();
    if n_tail_calls > 0 {
        let calls = words::count(n_tail_calls as u64, "tail call", "tail calls");
        let _infallible = write!(detail, ", {calls}");
    }
    detail
}

fn lines<'a>(selected: &Selected<'a>, frames: &'a [Frame]) -> Vec<Line<'a>> {
    let mut lines = Vec::with_capacity(frames.len() + 2);
    for (idx, frame) in frames.iter().enumerate() {
        if let Some(name) = &frame.interrupted {
            lines.push(Line::Interrupted(name));
        }
        lines.push(Line::Frame(idx, frame));
    }
    if let Some(why) = selected.thread.and_then(|thread| thread.stopped.as_deref()) {
        lines.push(Line::Stopped(why));
    }
    lines
}

/// Lines that a thread's frames take: each frame, each exception between them, and why the walk ended.
pub(super) fn n_lines(thread: &Thread) -> usize {
    let frames = thread.frames.iter();
    let n_exceptions = frames.filter(|frame| frame.interrupted.is_some()).count();
    thread.frames.len() + n_exceptions + usize::from(thread.stopped.is_some())
}

fn frame_ui(
    ctx: &mut ViewContext<'_>,
    ui: &mut Ui,
    idx: usize,
    frame: &Frame,
    selected_idx: usize,
) {
    let is_selected = idx == selected_idx;
    let response = row(ui, is_selected, &row_name(idx, frame), |row| {
        paint(row, idx, frame, is_selected);
    });
    if idx == 0 {
        ctx.part(&response);
    }
    if response.clicked() || (response.gained_focus() && !is_selected) {
        ctx.ui(UiCommand::SelectFrame(idx));
    }
    if is_selected && ui.ctx().memory(|memory| memory.focused()).is_none() {
        let visible = ui.clip_rect().contains_rect(response.rect);
        if !visible && response.rect.is_positive() {
            response.scroll_to_me(None);
        }
    }
    response.on_hover_text(details(frame));
}

fn paint(row: &mut RowPainter<'_>, idx: usize, frame: &Frame, is_selected: bool) {
    let t = row.tokens;
    let width = row.width();
    let index = CellStyle {
        font: font::mono(),
        color: t.faint,
        align: Align::Min,
    };
    row.text(size::M, 40.0, &idx.to_string(), &index);
    let (mark, color, word, _) = marker::trust(t, frame.trust);
    let quiet = CellStyle {
        font: font::small(),
        color: t.faint,
        align: Align::Max,
    };
    let has_words = width > 460.0;
    let mark_at = if has_words {
        width - size::M - 104.0
    } else {
        width - size::M - 8.0
    };
    let mut trust_left = mark_at;
    if has_words {
        let galley = row
            .painter
            .layout_no_wrap(word.to_owned(), quiet.font.clone(), t.faint);
        trust_left = width - size::M - galley.size().x - 14.0;
        row.text(mark_at, width - size::M, word, &quiet);
    }
    let center = Pos2::new(row.rect.left() + trust_left + 4.0, row.rect.center().y);
    marker::paint(row.painter, center, mark, color);

    let location_at = (width * 0.52).max(44.0 + 120.0).min(mark_at - 60.0);
    let name_font = if is_selected {
        font::mono_strong()
    } else {
        font::mono()
    };
    let name = CellStyle {
        font: name_font,
        color: t.text,
        align: Align::Min,
    };
    let chips = chips(frame);
    let room: f32 = chips.iter().map(|(_, room)| room).sum();
    let mut end = row.text(44.0, location_at - size::S - room, &function(frame), &name);
    for (word, _) in chips {
        end = chip(row, end + size::S, word);
    }
    let location = headline::location(frame);
    let place = CellStyle {
        font: font::mono(),
        color: t.muted,
        align: Align::Min,
    };
    row.text(
        location_at,
        mark_at - size::S,
        &location.unwrap_or_else(|| frame.pc.to_string()),
        &place,
    );
}

/// What a reader must know of a frame that is none on the stack, or none of the crash, each with the width that it may take.
fn chips(frame: &Frame) -> Vec<(&'static str, f32)> {
    let inlined = frame.inlined.then_some(("inlined", 60.0));
    let tail_call = frame.tail_call.then_some(("tail call", 68.0));
    let handler = frame.fault_handler.then_some(("fault handler", 92.0));
    [handler, inlined, tail_call]
        .into_iter()
        .flatten()
        .collect()
}

/// Draws a word on a raised ground and returns where it ends, from the left of the row.
fn chip(row: &RowPainter<'_>, x: f32, word: &str) -> f32 {
    let t = row.tokens;
    let galley = row
        .painter
        .layout_no_wrap(word.to_owned(), font::small(), t.muted);
    let left = row.rect.left() + x;
    let chip = Rect::from_center_size(
        Pos2::new(left + galley.size().x / 2.0 + 6.0, row.rect.center().y),
        galley.size() + egui::vec2(12.0, 4.0),
    );
    row.painter.rect_filled(chip, 4.0, t.raised);
    row.painter
        .galley(chip.center() - galley.size() / 2.0, galley, t.muted);
    chip.right() - row.rect.left()
}

fn interrupted_ui(ui: &mut Ui, name: &str) {
    let text = format!("{name} interrupted");
    plain_row(ui, &text, |row| {
        let t = row.tokens;
        let icon = CellStyle {
            font: font::icon(12.0),
            color: t.warn,
            align: Align::Min,
        };
        row.text(size::M, 40.0, icons::LIGHTNING, &icon);
        row.muted(44.0, row.width() - size::M, &text);
        let y = row.rect.bottom() - 0.5;
        row.painter
            .hline(row.rect.x_range(), y, egui::Stroke::new(1.0, t.line));
    });
}

fn stopped_ui(ui: &mut Ui, why: &str) {
    let text = format!("The walk ended here: {why}");
    plain_row(ui, &text, |row| {
        let style = CellStyle {
            font: font::small(),
            color: row.tokens.faint,
            align: Align::Min,
        };
        row.text(44.0, row.width() - size::M, &text, &style);
    });
}

/// The function, or the address when nothing is known.
pub(super) fn function(frame: &Frame) -> String {
    let name = frame.qualified.as_ref().or(frame.function.as_ref());
    name.cloned().unwrap_or_else(|| frame.pc.to_string())
}

fn row_name(idx: usize, frame: &Frame) -> String {
    let place = headline::location(frame).map_or(String::new(), |place| format!(" at {place}"));
    let mut words = Vec::new();
    for (word, _) in chips(frame) {
        words.extend([", ", word]);
    }
    let chips = words.concat();
    let (_, _, word, _) = marker::trust(&crate::ui::theme::DARK, frame.trust);
    format!("Frame {idx}: {}{place}{chips}, {word}", function(frame))
}

fn details(frame: &Frame) -> String {
    let (_, _, _, help) = marker::trust(&crate::ui::theme::DARK, frame.trust);
    let mut lines = vec![function(frame), format!("pc {}", frame.pc)];
    if let Some(sp) = frame.sp {
        lines.push(format!("sp {sp}"));
    }
    if let (Some(file), Some(line)) = (&frame.file, frame.line) {
        let column = frame
            .column
            .map_or(String::new(), |column| format!(":{column}"));
        lines.push(format!("{file}:{line}{column}"));
    }
    if frame.tail_call {
        lines.push(TAIL_CALL_HELP.to_owned());
    }
    if frame.fault_handler {
        lines.push(HANDLER_HELP.to_owned());
    }
    lines.push(help.to_owned());
    lines.join("\n")
}

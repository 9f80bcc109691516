//! The threads, with what they do and how full their stacks are.

use super::Selected;
use crate::model::report::{Thread, ThreadState};
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size};
use crate::ui::widgets::card::{Title, card};
use crate::ui::widgets::row::{CellStyle, RowPainter, row};
use crate::ui::widgets::{marker, marker::Mark, state};
use egui::{Align, Pos2, Rect, ScrollArea, Ui};

/// From here on a stack is worth a warning.
const STACK_NEARLY_FULL: f64 = 0.9;

/// The card.
pub(super) fn threads_ui(
    ctx: &mut ViewContext<'_>,
    ui: &mut Ui,
    rect: Rect,
    selected: &Selected<'_>,
) {
    let threads = &selected.detail.report.threads;
    let count = counted(threads);
    let has_stacks = threads.iter().any(|thread| stack_share(thread).is_some());
    let right = if has_stacks { "stack used" } else { "" };
    let state_at = state_column(ui, threads);
    card(
        ui,
        rect,
        Title {
            title: "Threads",
            detail: &count,
            right,
        },
        |ui| {
            if threads.is_empty() {
                state::empty(
                    ui,
                    "No thread",
                    "The capture holds no registers, so there is nothing to walk.",
                );
            }
            ScrollArea::vertical()
                .id_salt("threads")
                .auto_shrink(false)
                .show_rows(ui, size::ROW, threads.len(), |ui, range| {
                    for (idx, thread) in
                        threads.iter().enumerate().take(range.end).skip(range.start)
                    {
                        let is_selected = idx == selected.thread_idx;
                        let response = row(ui, is_selected, &row_name(thread), |row| {
                            paint(row, thread, is_selected, state_at);
                        });
                        if idx == 0 {
                            ctx.part(&response);
                        }
                        if response.clicked() || (response.gained_focus() && !is_selected) {
                            ctx.ui(UiCommand::SelectThread(idx));
                        }
                        response.on_hover_text(details(thread));
                    }
                });
        },
    );
}

/// `7`, or `7, 2 running` on a target with several CPUs.
fn counted(threads: &[Thread]) -> String {
    let running = threads
        .iter()
        .filter(|thread| thread.state == ThreadState::Running)
        .count();
    if running > 1 {
        format!("{}, {running} running on their CPUs", threads.len())
    } else {
        threads.len().to_string()
    }
}

fn paint(row: &mut RowPainter<'_>, thread: &Thread, is_selected: bool, state_at: f32) {
    let t = row.tokens;
    let center = Pos2::new(row.rect.left() + size::M + 5.0, row.rect.center().y);
    let (mark, color) = if thread.crashed {
        (Mark::Filled, t.crash)
    } else {
        (Mark::Hollow, t.faint)
    };
    marker::paint(row.painter, center, mark, color);
    let width = row.width();
    let percent_at = width - size::M - 44.0;
    let state_at = state_at.min(width * 0.6).min(percent_at - 40.0);
    let name_font = if is_selected || thread.crashed {
        font::strong()
    } else {
        font::body()
    };
    let name = CellStyle {
        font: name_font,
        color: t.text,
        align: Align::Min,
    };
    row.text(size::M + 16.0, state_at - size::S, &name_of(thread), &name);
    row.muted(state_at, percent_at - size::S, &doing(thread));
    if let Some(share) = stack_share(thread) {
        let color = if share >= STACK_NEARLY_FULL {
            t.warn
        } else {
            t.text
        };
        let style = CellStyle {
            font: font::mono(),
            color,
            align: Align::Max,
        };
        row.text(
            percent_at,
            width - size::M,
            &format!("{:.0} %", share * 100.0),
            &style,
        );
        let bar = Rect::from_min_max(
            Pos2::new(row.rect.left() + percent_at, row.rect.bottom() - 4.0),
            Pos2::new(row.rect.left() + width - size::M, row.rect.bottom() - 2.0),
        );
        row.painter.rect_filled(bar, 1.0, t.line);
        let mut used = bar;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a share of 1, drawn as pixels"
        )]
        let share_drawn = share.clamp(0.0, 1.0) as f32;
        used.set_width(bar.width() * share_drawn);
        row.painter.rect_filled(
            used,
            1.0,
            if share >= STACK_NEARLY_FULL {
                t.warn
            } else {
                t.faint
            },
        );
    }
}

/// Where the state begins: right of the widest name.
fn state_column(ui: &Ui, threads: &[Thread]) -> f32 {
    let width = |thread: &Thread| {
        let name = name_of(thread).chars().take(40).collect();
        ui.painter()
            .layout_no_wrap(name, font::strong(), egui::Color32::PLACEHOLDER)
            .size()
            .x
    };
    let widest = threads.iter().take(64).map(width).fold(48.0, f32::max);
    size::M + 16.0 + widest + size::L
}

/// The name on screen.
pub(super) fn name_of(thread: &Thread) -> String {
    match (&thread.name, thread.id) {
        (Some(name), _) if !name.is_empty() => name.clone(),
        // Small numbers are counts of the capture, the others are addresses of control blocks.
        (_, Some(id)) if id.0 < 0x1000 => format!("thread {}", id.0),
        (_, Some(id)) => format!("thread {id}"),
        _ => "CPU".to_owned(),
    }
}

fn doing(thread: &Thread) -> String {
    match &thread.waits_on {
        Some(what) => what.clone(),
        None => thread.state.as_str().to_owned(),
    }
}

fn row_name(thread: &Thread) -> String {
    let crashed = if thread.crashed { ", crashed" } else { "" };
    let stack = stack_share(thread).map_or(String::new(), |share| {
        format!(", stack {:.0} % used", share * 100.0)
    });
    format!(
        "Thread {}, {}{stack}{crashed}",
        name_of(thread),
        doing(thread)
    )
}

fn details(thread: &Thread) -> String {
    let mut lines = vec![format!("{} is {}", name_of(thread), thread.state.as_str())];
    if let Some(what) = &thread.waits_on {
        lines.push(format!("waits on {what}"));
    }
    if let Some(priority) = thread.priority {
        lines.push(format!("priority {priority}"));
    }
    if let (Some(used), Some(size)) = (thread.stack_used, thread.stack_size) {
        lines.push(format!("stack {used} of {size} bytes in use now"));
    }
    if let Some(unused) = thread.stack_unused_min {
        lines.push(format!("{unused} bytes were never used"));
    }
    if let Some(id) = thread.id {
        lines.push(format!("control block {id}"));
    }
    lines.join("\n")
}

fn stack_share(thread: &Thread) -> Option<f64> {
    let (used, size) = (thread.stack_used?, thread.stack_size?);
    (size > 0).then(|| used as f64 / size as f64)
}

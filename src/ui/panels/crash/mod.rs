//! The crash screen: what happened, where, in which thread, and why we believe it.

mod backtrace;
mod changed;
mod evidence;
mod globals;
mod headline;
mod heap;
mod inspector;
mod interrupts;
mod layout;
mod locals;
mod memory;
mod registers;
mod rtos;
mod source;
mod threads;

use super::{Panel, screen};
use crate::engine::queries::crash_detail::CrashDetail;
use crate::model::report::{CrashReport, Frame, Thread, n_handler_frames};
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::data::Answer;
use crate::ui::theme::size;
use crate::ui::widgets::{button, card, state, text};
use egui::Ui;

/// The state of the crash screen that is not the shared selection.
#[derive(Default)]
pub struct Crash {
    inspector: inspector::Inspector,
    /// Crash and thread that were on screen in the frame before.
    seen: Option<(i64, usize)>,
}

/// The crash on screen with the selected thread and frame.
pub(super) struct Selected<'a> {
    /// Id.
    pub(super) id: i64,
    /// All of it.
    pub(super) detail: &'a CrashDetail,
    /// Index of the thread in the report.
    pub(super) thread_idx: usize,
    /// The thread.
    pub(super) thread: Option<&'a Thread>,
    /// Index of the frame in the thread.
    pub(super) frame_idx: usize,
    /// The frame.
    pub(super) frame: Option<&'a Frame>,
}

impl Panel for Crash {
    fn ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui) {
        let Some(id) = open_crash(ctx) else {
            none_ui(ctx, ui);
            return;
        };
        let answer = ctx.door.crash(id);
        let rect = screen(ui);
        card::inside(ui, rect, "crash-screen", |ui| {
            state::answer(
                ui,
                &answer,
                "Reading the crash: registers, memory, threads…",
                |ui, detail| {
                    let selected = select(ctx, id, detail);
                    self.select_telling(ctx, &selected);
                    self.crash_ui(ctx, ui, &selected);
                },
            );
        });
    }
}

/// The crash that is open, or the first one of the newest capture.
pub fn open_crash(ctx: &ViewContext<'_>) -> Option<i64> {
    ctx.nav.place.crash.or_else(|| {
        let issues = ctx.door.issues("");
        let rows = issues.value()?.iter().flat_map(|issue| &issue.crashes);
        rows.map(|row| (std::cmp::Reverse(row.capture), row.id))
            .min()
            .map(|(_, id)| id)
    })
}

fn select<'a>(ctx: &ViewContext<'_>, id: i64, detail: &'a CrashDetail) -> Selected<'a> {
    let threads = &detail.report.threads;
    let thread_idx = ctx.nav.thread_idx.min(threads.len().saturating_sub(1));
    let thread = threads.get(thread_idx);
    let frames = thread.map_or(&[][..], |thread| thread.frames.as_slice());
    let frame_idx = ctx.nav.frame_idx.min(frames.len().saturating_sub(1));
    Selected {
        id,
        detail,
        thread_idx,
        thread,
        frame_idx,
        frame: frames.get(frame_idx),
    }
}

impl Crash {
    /// A program counter without a name and the helpers of an assertion say little: the frame that tells most is open.
    fn select_telling(&mut self, ctx: &mut ViewContext<'_>, selected: &Selected<'_>) {
        let now = (selected.id, selected.thread_idx);
        if self.seen.replace(now) == Some(now) || ctx.nav.frame_idx > 0 {
            return;
        }
        let frames = selected.thread.map_or(&[][..], |thread| &thread.frames);
        let report = &selected.detail.report;
        let first = telling_frame(report, frames);
        if let Some(first) = first.filter(|first| *first > 0) {
            ctx.ui(UiCommand::SelectFrame(first));
        }
    }

    fn crash_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui, selected: &Selected<'_>) {
        headline::headline_ui(ctx, ui, selected);
        ui.add_space(size::M);
        let rect = ui.available_rect_before_wrap();
        let n_threads = selected.detail.report.threads.len();
        let n_lines = selected.thread.map_or(0, backtrace::n_lines);
        match layout::split(rect, n_threads, n_lines) {
            layout::Parts::Fits(parts) => self.parts_ui(ctx, ui, selected, &parts),
            layout::Parts::Scrolls(parts, height) => {
                egui::ScrollArea::vertical()
                    .id_salt("crash-parts")
                    .auto_shrink(false)
                    .show(ui, |ui| {
                        let (space, _) = ui.allocate_exact_size(
                            egui::vec2(ui.available_width(), height),
                            egui::Sense::hover(),
                        );
                        let moved = parts.moved_to(space.min);
                        self.parts_ui(ctx, ui, selected, &moved);
                    });
            }
        }
    }

    fn parts_ui(
        &mut self,
        ctx: &mut ViewContext<'_>,
        ui: &mut Ui,
        selected: &Selected<'_>,
        parts: &layout::Rects,
    ) {
        threads::threads_ui(ctx, ui, parts.threads, selected);
        evidence::evidence_ui(ui, parts.evidence, selected);
        backtrace::backtrace_ui(ctx, ui, parts.backtrace, selected);
        source::source_ui(ctx, ui, parts.source, selected);
        self.inspector.ui(ctx, ui, parts.inspector, selected);
    }
}

/// The frame that tells most: the one that the headline names, else the first that is no helper, else the first with
/// a name.
fn telling_frame(report: &CrashReport, frames: &[Frame]) -> Option<usize> {
    let summary = report
        .fault
        .as_ref()
        .map_or("", |fault| fault.summary.as_str());
    let ignored = report.fingerprint.as_ref();
    let ignored = ignored.map_or(&[][..], |fingerprint| &fingerprint.frames_ignored);
    let is_helper = |frame: &Frame| {
        ignored.iter().any(|line| {
            let (name, why) = line.rsplit_once(": ").unwrap_or((line, ""));
            let is_named =
                frame.function.as_deref() == Some(name) || frame.qualified.as_deref() == Some(name);
            is_named && (why.ends_with(" helper") || why == "fault handler")
        })
    };
    let is_headline = |frame: &Frame| {
        headline::location(frame)
            .is_some_and(|place| summary.split([' ', ',', ';']).any(|word| word == place))
    };
    let named = |frame: &&Frame| frame.function.is_some();
    // The target was halted in the handler; the crash is below.
    let n_handler = n_handler_frames(frames);
    let position = |wanted: &dyn Fn(&Frame) -> bool| {
        let found = frames.iter().skip(n_handler).position(wanted);
        found.map(|at| at + n_handler)
    };
    position(&is_headline)
        .or_else(|| position(&|frame| named(&frame) && !is_helper(frame)))
        .or_else(|| position(&|frame| named(&frame)))
}

fn none_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui) {
    let issues = ctx.door.issues("");
    let rect = screen(ui);
    card::inside(ui, rect, "crash-screen", |ui| match issues {
        Answer::Pending { previous: None } => state::loading(ui, "Looking for crashes…"),
        Answer::Failed { error, .. } => state::error(ui, &error),
        Answer::Pending { .. } | Answer::Ready(_) => {
            text::headline(ui, "No crash here");
            ui.add_space(size::XS);
            text::muted(
                ui,
                "This workspace holds no crash. Drop a dump, a log or a bundle on the window to look into one.",
            );
            ui.add_space(size::L);
            ui.horizontal(|ui| {
                button::primary_command(ui, ctx, &UiCommand::OpenFiles);
                button::command(ui, ctx, &UiCommand::OpenDemo);
            });
        }
    });
}

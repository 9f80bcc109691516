//! The list of jobs: what runs, what it achieved, why it failed, and the way to stop it.

use crate::engine::job::{JobOutcome, JobStatus};
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::icons;
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::{button, text};
use crate::ui::words;
use egui::{Align, Layout, Rect, Role, Sense, Ui, WidgetInfo};

/// `3 of 12 files`.
pub fn progress_words(job: &JobStatus) -> String {
    match (job.total, job.unit) {
        (0, "bytes") => words::bytes(job.done),
        (0, unit) => format!("{} {unit}", job.done),
        (total, "bytes") => format!("{} of {}", words::bytes(job.done), words::bytes(total)),
        (total, unit) => format!("{} of {total} {unit}", job.done),
    }
}

/// A thin bar; an unknown total shows no length.
pub fn progress_bar(ui: &Ui, rect: Rect, job: &JobStatus) {
    let t = tokens(ui);
    ui.painter().rect_filled(rect, 2.0, t.hover);
    if job.total > 0 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a share of 1, drawn as pixels"
        )]
        let share = (job.done as f64 / job.total as f64).clamp(0.0, 1.0) as f32;
        let mut done = rect;
        done.set_width(rect.width() * share);
        ui.painter().rect_filled(done, 2.0, t.act);
    }
}

/// The contents of the popup.
pub fn jobs_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui) {
    let jobs = ctx.door.jobs();
    ui.set_width(420.0);
    text::title(ui, "Jobs");
    ui.add_space(size::S);
    if jobs.is_empty() {
        text::muted(
            ui,
            "Nothing has run yet. Imports and new symbols appear here, each with a way to stop it.",
        );
        return;
    }
    egui::ScrollArea::vertical()
        .id_salt("jobs")
        .max_height(360.0)
        .auto_shrink([false, true])
        .show(ui, |ui| {
            for job in jobs.iter().take(50) {
                job_ui(ctx, ui, job);
                ui.add_space(size::S);
            }
        });
}

fn job_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, job: &JobStatus) {
    let t = tokens(ui);
    let is_running = job.outcome.is_none();
    ui.horizontal(|ui| {
        ui.set_min_height(size::ROW);
        text::strong(ui, job.label.clone());
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if is_running
                && button::icon(ui, icons::CLOSE, &format!("Cancel {}", job.label)).clicked()
            {
                ctx.ui(UiCommand::Cancel(job.id));
            }
        });
    });
    if is_running {
        let (rect, response) =
            ui.allocate_exact_size(egui::vec2(ui.available_width(), 4.0), Sense::hover());
        let words = progress_words(job);
        response.widget_info(|| WidgetInfo::labeled(Role::ProgressIndicator, true, &words));
        progress_bar(ui, rect, job);
        text::small(ui, words);
        return;
    }
    match &job.outcome {
        Some(JobOutcome::Done(what)) => text::label(ui, what.clone(), font::small(), t.muted),
        Some(JobOutcome::Cancelled) => text::label(
            ui,
            "Cancelled. What was finished before is kept.",
            font::small(),
            t.muted,
        ),
        Some(JobOutcome::Failed(why)) => {
            text::label(ui, why.clone(), font::small(), t.warn);
            let copy = button::link(ui, "Copy the error");
            if copy.clicked() {
                ui.ctx().copy_text(why.clone());
            }
            copy
        }
        None => return,
    };
}

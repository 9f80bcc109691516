//! The bar at the bottom: privacy, symbols, size, and what runs in the background.

use super::jobs;
use crate::engine::job::{JobOutcome, JobStatus};
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::icons;
use crate::ui::panels::live;
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::{button, card, text};
use crate::ui::words;
use egui::{Align, Layout, Rect, Sense, Stroke, Ui};

/// Draws the bar.
pub fn status_bar_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, rect: Rect) {
    let t = tokens(ui);
    ui.painter().rect_filled(rect, 0.0, t.panel);
    ui.painter()
        .hline(rect.x_range(), rect.top() + 0.5, Stroke::new(1.0, t.line));
    let overview = ctx.door.overview();
    let jobs = ctx.door.jobs();
    card::inside(ui, rect.shrink2(egui::vec2(size::L, 0.0)), "status", |ui| {
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = size::XL;
            fact(ui, "Nothing has left this computer");
            if let Some(board) = ctx.door.live().running() {
                let (is_well, words) = live::status(board);
                let color = if is_well { t.ok } else { t.warn };
                let text = egui::RichText::new(words).font(font::small()).color(color);
                ui.add(egui::Label::new(text).extend());
            }
            if let Some(overview) = overview.value() {
                fact(
                    ui,
                    &format!(
                        "Symbols: {}",
                        words::count(overview.n_symbol_files, "build", "builds")
                    ),
                );
                fact(
                    ui,
                    &format!("Workspace {}", words::bytes(overview.size_bytes)),
                );
                if let Some(why) = &overview.read_only {
                    text::label(ui, format!("Read-only: {why}"), font::small(), t.warn);
                }
            }
            if let Some(notice) = &ctx.notice {
                text::label(ui, notice.clone(), font::small(), t.warn);
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                jobs_ui(ctx, ui, &jobs);
            });
        });
    });
}

fn fact(ui: &mut Ui, text: &str) {
    let t = tokens(ui);
    ui.add(egui::Label::new(egui::RichText::new(text).font(font::small()).color(t.muted)).extend());
}

fn jobs_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, jobs: &[JobStatus]) {
    let t = tokens(ui);
    ui.spacing_mut().item_spacing.x = size::S;
    let n_running = jobs.iter().filter(|job| job.outcome.is_none()).count();
    let Some(running) = jobs.iter().find(|job| job.outcome.is_none()) else {
        let (label, color) = match jobs.first().and_then(|job| job.outcome.as_ref()) {
            Some(JobOutcome::Failed(_)) => ("A job failed: see why", t.warn),
            Some(JobOutcome::Done(sentence)) => (sentence.as_str(), t.muted),
            Some(JobOutcome::Cancelled) => ("Cancelled", t.muted),
            None => ("No jobs running", t.muted),
        };
        let text = egui::RichText::new(label).font(font::small()).color(color);
        let button = egui::Button::new(text)
            .frame_when_inactive(false)
            .small()
            .truncate();
        if ui.add(button).on_hover_text("Jobs").clicked() {
            ctx.ui(UiCommand::Jobs);
        }
        return;
    };
    if button::icon(ui, icons::CLOSE, "Cancel the job").clicked() {
        ctx.ui(UiCommand::Cancel(running.id));
    }
    let (bar, _) = ui.allocate_exact_size(egui::vec2(96.0, 4.0), Sense::hover());
    jobs::progress_bar(ui, bar, running);
    let more = if n_running > 1 {
        format!(" and {} more", n_running - 1)
    } else {
        String::new()
    };
    let text = format!("{}: {}{more}", running.label, jobs::progress_words(running));
    let text = egui::RichText::new(text).font(font::small()).color(t.text);
    if ui
        .add(egui::Button::new(text).frame_when_inactive(false).small())
        .clicked()
    {
        ctx.ui(UiCommand::Jobs);
    }
}

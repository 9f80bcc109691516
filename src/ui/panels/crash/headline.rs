//! The top of the crash screen: the sentence, what to do next, the facts, and the way to copy it all.

use super::Selected;
use crate::engine::command::Command;
use crate::engine::queries::crash_detail::IssueOfCrash;
use crate::engine::render;
use crate::model::report::Frame;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::{button, chip, chip::Tone, text};
use crate::ui::words;
use egui::{Align, Layout, Ui};

/// Sentence, advice, chips, buttons.
pub(super) fn headline_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, selected: &Selected<'_>) {
    let report = &selected.detail.report;
    text::headline(ui, &render::headline(&selected.detail.report));
    let advice = report
        .fault
        .as_ref()
        .and_then(|fault| fault.advice.as_deref());
    if let Some(advice) = advice {
        ui.add_space(size::XS);
        text::sentence(ui, advice, tokens(ui).muted);
    }
    ui.add_space(size::M);
    ui.horizontal(|ui| {
        ui.set_min_height(size::CONTROL);
        let buttons_width = 252.0;
        let chips_width = (ui.available_width() - buttons_width).max(120.0);
        ui.allocate_ui_with_layout(
            egui::vec2(chips_width, size::CONTROL),
            Layout::left_to_right(Align::Center).with_main_wrap(true),
            |ui| chips_ui(ctx, ui, selected),
        );
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            button::primary_command(ui, ctx, &UiCommand::CopyMarkdown);
            button::command(ui, ctx, &UiCommand::CopyText);
        });
    });
    symbols_missing_ui(ctx, ui, selected);
    quality_ui(ui, selected);
    known_ui(ui, selected);
}

/// What a person noted at the issue: the answer to "is it known?".
fn known_ui(ui: &mut Ui, selected: &Selected<'_>) {
    let issue = selected.detail.issue.as_ref();
    let Some(note) = issue.and_then(|issue| issue.note.as_deref()) else {
        return;
    };
    ui.add_space(size::XS);
    ui.horizontal(|ui| {
        chip::chip(ui, Tone::Ok, "known");
        text::body(ui, note);
    });
}

/// What the ELF lost and how to get it back.
fn quality_ui(ui: &mut Ui, selected: &Selected<'_>) {
    for quality in &selected.detail.report.symbols {
        let Some(advice) = &quality.advice else {
            continue;
        };
        ui.add_space(size::XS);
        let file = words::file_name(&quality.file);
        ui.horizontal(|ui| {
            chip::chip(ui, Tone::Warn, &quality.quality);
            text::muted(ui, format!("{file}: {advice}"));
        });
    }
}

/// Without symbols: what to do about it, in place.
fn symbols_missing_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, selected: &Selected<'_>) {
    let report = &selected.detail.report;
    if report.elf_build_id.is_some() {
        return;
    }
    ui.add_space(size::S);
    ui.horizontal_wrapped(|ui| {
        let sentence = match &report.build_id {
            Some(id) => format!(
                "Addresses have no names: no ELF of build {} is in the library.",
                id.short()
            ),
            None => {
                "Addresses have no names: the capture does not say which build it ran.".to_owned()
            }
        };
        text::label(ui, sentence, font::body(), tokens(ui).warn);
        button::command(ui, ctx, &UiCommand::AddSymbols);
        if report.build_id.is_none() {
            choose_ui(ctx, ui, selected.id);
        }
    });
}

/// A crash that names no build: the user may say which ELF it ran. It stays marked "not verified".
fn choose_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, crash: i64) {
    let library = ctx.door.symbols();
    let builds = library
        .value()
        .map_or(&[][..], |library| library.builds.as_slice());
    if builds.is_empty() {
        return;
    }
    ui.menu_button("Use an ELF of the library", |ui| {
        for build in builds.iter().take(20) {
            let id: String = build.build_id.chars().take(8).collect();
            let label = format!("{} · {id}", words::file_name(&build.path));
            if ui.button(label).clicked() {
                ctx.send(Command::AssignSymbols {
                    crash,
                    build_id: build.build_id.clone(),
                });
            }
        }
    });
}

fn chips_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, selected: &Selected<'_>) {
    let row = &selected.detail.row;
    let report = &selected.detail.report;
    let stopped = report.fault.is_none();
    let kind = report
        .fault
        .as_ref()
        .map_or("stopped", |fault| fault.kind.label());
    let kind = words::sentence(kind);
    chip::chip(ui, if stopped { Tone::Plain } else { Tone::Crash }, &kind);
    if let Some(location) = crashed_frame(selected).and_then(location) {
        chip::chip(ui, Tone::Plain, &location);
    }
    let build = row
        .build_id
        .as_deref()
        .map(|id| id.chars().take(8).collect::<String>());
    match (&row.version, build) {
        (Some(version), Some(build)) => {
            chip::chip(ui, Tone::Plain, &format!("{version} · {build}"));
        }
        (Some(text), None) => {
            chip::chip(ui, Tone::Plain, text);
        }
        (None, Some(build)) => {
            chip::chip(ui, Tone::Plain, &format!("build {build}"));
        }
        (None, None) => {
            chip::chip(ui, Tone::Plain, "build unknown");
        }
    }
    symbols_ui(ui, selected);
    if chip::link(ui, "Show in log")
        .on_hover_text("The line of the log where it begins (L)")
        .clicked()
    {
        ctx.ui(UiCommand::ShowInLog);
    }
    if let Some(issue) = &selected.detail.issue {
        issue_ui(ctx, ui, issue);
    }
}

/// The way to the issue: how often, on how many devices.
fn issue_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, issue: &IssueOfCrash) {
    let crashes = words::count(issue.n_crashes as u64, "crash", "crashes");
    let devices = words::count(issue.n_devices as u64, "device", "devices");
    let label = match (issue.n_crashes, issue.is_closed) {
        (1, false) => "Issue: only this crash".to_owned(),
        (_, false) => format!("Issue: {crashes} on {devices}"),
        (_, true) => format!("Closed issue: {crashes} on {devices}"),
    };
    let help = match &issue.note {
        Some(note) => format!("{}\nNote: {note}", issue.title.replace('`', "")),
        None => issue.title.replace('`', ""),
    };
    if chip::link(ui, &label).on_hover_text(help).clicked() {
        ctx.ui(UiCommand::OpenIssue(issue.key.clone()));
    }
}

fn symbols_ui(ui: &mut Ui, selected: &Selected<'_>) {
    let report = &selected.detail.report;
    let (tone, label, help) = match (&report.elf_build_id, report.verified) {
        (Some(_), true) => (
            Tone::Ok,
            "symbols match",
            "The build id of the crash and of the ELF are equal.",
        ),
        (Some(_), false) => (
            Tone::Warn,
            "symbols not verified",
            "Nothing in the crash proves that this ELF is the one it ran. Names and lines may be wrong.",
        ),
        (None, _) => (
            Tone::Warn,
            "symbols missing",
            "No ELF of this build is in the library. Add it, and names appear here.",
        ),
    };
    chip::chip(ui, tone, label).on_hover_text(help);
}

fn crashed_frame<'a>(selected: &Selected<'a>) -> Option<&'a Frame> {
    let thread = selected
        .detail
        .report
        .threads
        .iter()
        .find(|thread| thread.crashed)?;
    let telling = super::telling_frame(&selected.detail.report, &thread.frames);
    // Below a fault handler whose exception frame was not found there is none.
    (thread.frames).get(telling.unwrap_or(thread.n_handler_frames()))
}

/// `flash.c:212`.
pub(super) fn location(frame: &Frame) -> Option<String> {
    let file = words::file_name(frame.file.as_deref()?);
    Some(match frame.line {
        Some(line) => format!("{file}:{line}"),
        None => file.to_owned(),
    })
}

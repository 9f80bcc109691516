//! The symbol library: what is missing first, then what is there and how good it is.

use super::{Panel, screen};
use crate::engine::command::Command;
use crate::engine::queries::symbol_library::{BuildRow, MissingBuild, SymbolLibraryView};
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::data::Answer;
use crate::ui::theme::{font, size};
use crate::ui::widgets::card::{Title, card};
use crate::ui::widgets::row::{CellStyle, head, row};
use crate::ui::widgets::{button, card as cards, marker, marker::Mark, state, text};
use crate::ui::words;
use egui::{Align, Layout, Pos2, Rect, Ui};

/// Nothing to keep.
#[derive(Default)]
pub struct Symbols;

impl Panel for Symbols {
    fn ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui) {
        let rect = screen(ui);
        let answer = ctx.door.symbols();
        cards::inside(ui, rect, "symbols", |ui| {
            headline_ui(ctx, ui, answer.value().map(|library| &**library));
            ui.add_space(size::M);
            let rect = ui.available_rect_before_wrap();
            let n_missing = answer.value().map_or(0, |library| library.missing.len());
            let has_failed = matches!(answer, Answer::Failed { .. });
            let rows = n_missing.clamp(if has_failed { 4 } else { 1 }, 8) as f32;
            let missing_height =
                (size::HEADER + size::ROW * (rows + 1.0) + size::S).min(rect.height() * 0.45);
            let top = Rect::from_min_size(rect.min, egui::vec2(rect.width(), missing_height));
            let bottom =
                Rect::from_min_max(Pos2::new(rect.left(), top.bottom() + size::M), rect.max);
            let count = |n: usize| match answer.value() {
                Some(_) => words::count(n as u64, "build", "builds"),
                None => String::new(),
            };
            let detail = count(n_missing);
            let title = Title {
                title: "Missing",
                detail: &detail,
                right: if n_missing > 1 {
                    "most wanted first"
                } else {
                    ""
                },
            };
            card(ui, top, title, |ui| {
                state::answer(
                    ui,
                    &answer,
                    "Counting crashes without symbols…",
                    |ui, library| missing_ui(ctx, ui, library),
                );
            });
            if has_failed && answer.value().is_none() {
                // One error is enough.
                return;
            }
            let n = answer.value().map_or(0, |library| library.builds.len());
            let bottom = cards::fit(bottom, n.max(3) + 1);
            let detail = count(n);
            card(
                ui,
                bottom,
                Title {
                    title: "Library",
                    detail: &detail,
                    right: "",
                },
                |ui| {
                    state::answer(ui, &answer, "Reading the symbol library…", builds_ui);
                },
            );
        });
    }
}

fn headline_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, library: Option<&SymbolLibraryView>) {
    ui.horizontal(|ui| {
        let width = (ui.available_width() - 190.0).max(120.0);
        ui.allocate_ui_with_layout(
            egui::vec2(width, 60.0),
            Layout::top_down(Align::Min),
            |ui| {
                text::headline(ui, &sentence(library));
            },
        );
        ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
            let response = button::primary_command(ui, ctx, &UiCommand::AddSymbols);
            ctx.part(&response);
        });
    });
}

fn sentence(library: Option<&SymbolLibraryView>) -> String {
    let Some(library) = library else {
        return "Symbols".to_owned();
    };
    let waiting: u64 = library
        .missing
        .iter()
        .map(|missing| missing.n_crashes)
        .sum();
    match (library.missing.first(), library.builds.is_empty()) {
        (Some(first), _) if library.missing.len() == 1 => {
            let build = first
                .build_id
                .as_deref()
                .map_or("an unknown build".to_owned(), |id| {
                    format!("build `{}`", short(id))
                });
            format!("{} for {build}", waits(first.n_crashes))
        }
        (Some(_), _) => format!("{} for {} builds", waits(waiting), library.missing.len()),
        (None, true) => "No symbols yet".to_owned(),
        (None, false) => "Every crash has its symbols".to_owned(),
    }
}

fn waits(n: u64) -> String {
    if n == 1 {
        "1 crash waits".to_owned()
    } else {
        format!("{n} crashes wait")
    }
}

/// `armv7-m` as Arm writes it.
fn cpu(arch: &str) -> String {
    arch.strip_prefix("armv").map_or_else(
        || arch.to_owned(),
        |rest| format!("ARMv{}", rest.to_uppercase()),
    )
}

fn short(id: &str) -> String {
    if id.chars().count() > 8 {
        format!("{}…", id.chars().take(8).collect::<String>())
    } else {
        id.to_owned()
    }
}

fn missing_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, library: &SymbolLibraryView) {
    if library.missing.is_empty() {
        state::padded(ui, |ui| {
            text::muted(
                ui,
                "Nothing is missing. A crash of a build that is not here will be listed, and named as soon as its ELF is added.",
            );
        });
        return;
    }
    let width = ui.available_width();
    let columns = (width * 0.5, width * 0.7);
    head(
        ui,
        &[
            (size::M + 16.0, columns.0, Align::Min, "Build id"),
            (columns.0, columns.1, Align::Min, "Version"),
            (columns.1, width - size::M, Align::Max, "Crashes that wait"),
        ],
    );
    egui::ScrollArea::vertical()
        .id_salt("missing")
        .auto_shrink(false)
        .show_rows(ui, size::ROW, library.missing.len(), |ui, range| {
            for missing in library.missing.iter().take(range.end).skip(range.start) {
                missing_row_ui(ctx, ui, missing, &library.builds, columns);
            }
        });
}

fn missing_row_ui(
    ctx: &mut ViewContext<'_>,
    ui: &mut Ui,
    missing: &MissingBuild,
    builds: &[BuildRow],
    columns: (f32, f32),
) {
    let id = missing
        .build_id
        .as_deref()
        .unwrap_or("the capture names no build");
    let response = row(ui, false, &missing.sentence(), |row| {
        let t = row.tokens;
        let center = Pos2::new(row.rect.left() + size::M + 4.0, row.rect.center().y);
        marker::paint(row.painter, center, Mark::Hollow, t.warn);
        row.mono(size::M + 16.0, columns.0 - size::S, id);
        row.muted(
            columns.0,
            columns.1 - size::S,
            missing.version.as_deref().unwrap_or("not known"),
        );
        row.number(
            columns.1,
            row.width() - size::M,
            &missing.n_crashes.to_string(),
        );
    });
    let by_hand = missing
        .first_crash
        .filter(|_| missing.build_id.is_none() && !builds.is_empty());
    if let Some(crash) = by_hand {
        egui::Popup::menu(&response).show(|ui| {
            text::small(ui, "Use this ELF (stays marked \"not verified\")");
            for build in builds.iter().take(20) {
                let label = format!(
                    "{} · {}",
                    words::file_name(&build.path),
                    short(&build.build_id)
                );
                if ui.button(label).clicked() {
                    ctx.send(Command::AssignSymbols {
                        crash,
                        build_id: build.build_id.clone(),
                    });
                }
            }
            if ui.button("Add symbol files…").clicked() {
                ctx.ui(UiCommand::AddSymbols);
            }
        });
    } else if response.clicked() {
        ctx.ui(UiCommand::AddSymbols);
    }
    let hint = format!("Seen in {}", missing.captures.join(", "));
    response.on_hover_text(hint).context_menu(|ui| {
        if ui.button("Copy build id").clicked() {
            ui.ctx().copy_text(id.to_owned());
        }
    });
}

fn builds_ui(ui: &mut Ui, library: &SymbolLibraryView) {
    if library.builds.is_empty() {
        state::padded(ui, |ui| {
            text::muted(
                ui,
                "No ELF here yet. Add files or a whole folder: each is known by its build id, so old and new builds live side by side.",
            );
        });
        return;
    }
    let width = ui.available_width();
    let columns = [
        size::M,
        width * 0.34,
        width * 0.52,
        width * 0.64,
        width * 0.86,
        width - size::M,
    ];
    let [name, build, arch, quality, bytes, end] = columns;
    head(
        ui,
        &[
            (name, build, Align::Min, "File"),
            (build, arch, Align::Min, "Build id"),
            (arch, quality, Align::Min, "CPU"),
            (quality, bytes, Align::Min, "Symbols"),
            (bytes, end, Align::Max, "Size"),
        ],
    );
    let area = egui::ScrollArea::vertical()
        .id_salt("builds")
        .auto_shrink(false);
    area.show_rows(ui, size::ROW, library.builds.len(), |ui, range| {
        for data in library.builds.iter().take(range.end).skip(range.start) {
            build_row_ui(ui, data, columns);
        }
    });
}

fn build_row_ui(ui: &mut Ui, data: &BuildRow, columns: [f32; 6]) {
    let [name, build, arch, quality, bytes, end] = columns;
    let file = words::file_name(&data.path);
    let words = if data.is_there {
        data.quality.as_str()
    } else {
        "the file is gone"
    };
    let label = format!("{file}, build {}, {}, {words}", data.build_id, data.arch);
    let response = row(ui, false, &label, |row| {
        let t = row.tokens;
        row.strong(name, build - size::S, file);
        row.mono(build, arch - size::S, &short(&data.build_id));
        row.muted(arch, quality - size::S, &cpu(&data.arch));
        let (mark, color) = match (data.is_there, data.quality.starts_with("full")) {
            (true, true) => (Mark::Filled, t.ok),
            (true, false) => (Mark::Half, t.warn),
            (false, _) => (Mark::Hollow, t.warn),
        };
        let center = Pos2::new(row.rect.left() + quality + 4.0, row.rect.center().y);
        marker::paint(row.painter, center, mark, color);
        row.muted(quality + 16.0, bytes - size::S, words);
        let style = CellStyle {
            font: font::mono(),
            color: t.muted,
            align: Align::Max,
        };
        row.text(bytes, end, &words::bytes(data.size_bytes), &style);
    });
    let place = if data.is_in_workspace {
        "kept in the workspace"
    } else {
        data.path.as_str()
    };
    let hint = format!("{place}\nbuild {}\n{}", data.build_id, data.advice);
    response.on_hover_text(hint.trim_end()).context_menu(|ui| {
        if ui.button("Copy build id").clicked() {
            ui.ctx().copy_text(data.build_id.clone());
        }
        if ui.button("Copy path").clicked() {
            ui.ctx().copy_text(data.path.clone());
        }
    });
}

//! The symbol library: what is missing first, then what is there and how good it is.

use super::{Panel, screen};
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::data::{BuildRow, MissingBuild, SymbolLibrary};
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
            let rows = n_missing.clamp(1, 8) as f32;
            let missing_height =
                (size::HEADER + size::ROW * (rows + 1.0) + size::S).min(rect.height() * 0.45);
            let top = Rect::from_min_size(rect.min, egui::vec2(rect.width(), missing_height));
            let bottom =
                Rect::from_min_max(Pos2::new(rect.left(), top.bottom() + size::M), rect.max);
            let detail = words::count(n_missing as u64, "build", "builds");
            let title = Title {
                title: "Missing",
                detail: &detail,
                right: "most wanted first",
            };
            card(ui, top, title, |ui| {
                state::answer(
                    ui,
                    &answer,
                    "Counting crashes without symbols…",
                    |ui, library| missing_ui(ctx, ui, library),
                );
            });
            let n = answer.value().map_or(0, |library| library.builds.len());
            let detail = words::count(n as u64, "build", "builds");
            card(
                ui,
                bottom,
                Title {
                    title: "Library",
                    detail: &detail,
                    right: "",
                },
                |ui| {
                    state::answer(
                        ui,
                        &answer,
                        "Reading the symbol library…",
                        |ui, library| builds_ui(ui, library),
                    );
                },
            );
        });
    }
}

fn headline_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, library: Option<&SymbolLibrary>) {
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

fn sentence(library: Option<&SymbolLibrary>) -> String {
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

fn short(id: &str) -> String {
    if id.chars().count() > 8 {
        format!("{}…", id.chars().take(8).collect::<String>())
    } else {
        id.to_owned()
    }
}

fn missing_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, library: &SymbolLibrary) {
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
                missing_row_ui(ctx, ui, missing, columns);
            }
        });
}

fn missing_row_ui(
    ctx: &mut ViewContext<'_>,
    ui: &mut Ui,
    missing: &MissingBuild,
    columns: (f32, f32),
) {
    let id = missing
        .build_id
        .as_deref()
        .unwrap_or("no build id in the crash");
    let name = format!("{} for build {id}", waits(missing.n_crashes));
    let response = row(ui, false, &name, |row| {
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
    if response.clicked() {
        ctx.ui(UiCommand::AddSymbols);
    }
    response.context_menu(|ui| {
        if ui.button("Copy build id").clicked() {
            ui.ctx().copy_text(id.to_owned());
        }
    });
}

fn builds_ui(ui: &mut Ui, library: &SymbolLibrary) {
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
        width * 0.26,
        width * 0.46,
        width * 0.58,
        width * 0.76,
        width * 0.88,
        width - size::M,
    ];
    let [name, build, arch, quality, crashes, bytes, end] = columns;
    head(
        ui,
        &[
            (name, build, Align::Min, "File"),
            (build, arch, Align::Min, "Build id"),
            (arch, quality, Align::Min, "CPU"),
            (quality, crashes, Align::Min, "Symbols"),
            (crashes, bytes, Align::Max, "Crashes"),
            (bytes, end, Align::Max, "Size"),
        ],
    );
    egui::ScrollArea::vertical()
        .id_salt("builds")
        .auto_shrink(false)
        .show_rows(ui, size::ROW, library.builds.len(), |ui, range| {
            for row_data in library.builds.iter().take(range.end).skip(range.start) {
                build_row_ui(ui, row_data, columns);
            }
        });
}

fn build_row_ui(ui: &mut Ui, data: &BuildRow, columns: [f32; 7]) {
    let [name, build, arch, quality, crashes, bytes, end] = columns;
    let label = format!(
        "{}, build {}, {}, {}",
        data.name, data.build_id, data.arch, data.quality
    );
    let response = row(ui, false, &label, |row| {
        let t = row.tokens;
        row.strong(name, build - size::S, &data.name);
        row.mono(build, arch - size::S, &short(&data.build_id));
        row.muted(arch, quality - size::S, &data.arch);
        let is_full = data.quality == "full";
        let (mark, color) = if is_full {
            (Mark::Filled, t.ok)
        } else {
            (Mark::Half, t.warn)
        };
        marker::paint(
            row.painter,
            Pos2::new(row.rect.left() + quality + 4.0, row.rect.center().y),
            mark,
            color,
        );
        row.muted(quality + 16.0, crashes - size::S, &data.quality);
        row.number(crashes, bytes, &data.n_crashes.to_string());
        let style = CellStyle {
            font: font::mono(),
            color: t.muted,
            align: Align::Max,
        };
        row.text(bytes, end, &words::bytes(data.bytes), &style);
    });
    let advice = data
        .advice
        .as_ref()
        .map_or(String::new(), |advice| format!("\n{advice}"));
    let response =
        response.on_hover_text(format!("{}\nbuild {}{advice}", data.path, data.build_id));
    response.context_menu(|ui| {
        if ui.button("Copy build id").clicked() {
            ui.ctx().copy_text(data.build_id.clone());
        }
        if ui.button("Copy path").clicked() {
            ui.ctx().copy_text(data.path.clone());
        }
    });
}

//! What was read of a fleet sample: its tables, what each column was taken as, and the rows that were left out.

use crate::engine::fleet_import::words::{mapped_by_words, place_words, role_words, use_words};
use crate::engine::fleet_import::{Role, TableReport};
use crate::engine::queries::sample_reports::SampleReport;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::panels::PanelId;
use crate::ui::theme::{font, size};
use crate::ui::widgets::card::{Title, card};
use crate::ui::widgets::row::{CellStyle, head, plain_row, row, tall_row};
use crate::ui::widgets::{button, card as cards, state, text};
use crate::ui::words;
use egui::{Align, Pos2, Rect, ScrollArea, Ui};

/// Width of what was wrong, as a share.
const WRONG: f32 = 0.46;

/// The samples in the list on the left.
pub(super) fn samples_ui(
    ctx: &mut ViewContext<'_>,
    ui: &mut Ui,
    samples: &[SampleReport],
    open: Option<usize>,
) {
    ScrollArea::vertical()
        .id_salt("samples")
        .auto_shrink(false)
        .show_rows(ui, size::ROW, samples.len(), |ui, range| {
            for sample in samples.get(range).unwrap_or_default() {
                let (source, n_bad) = (words::file_name(&sample.source), n_bad(sample));
                let name = format!("Sample {source}, {n_bad} bad rows");
                let response = row(ui, open == Some(sample.number), &name, |row| {
                    let width = row.width();
                    row.strong(size::M, width - 64.0, source);
                    row.number(width - 64.0, width - size::M, &words::number(n_bad));
                });
                if response.clicked() {
                    ctx.ui(UiCommand::OpenSample(sample.number));
                }
                response.on_hover_text(format!("imported {}", sample.imported_at));
            }
        });
}

fn n_bad(sample: &SampleReport) -> u64 {
    sample.tables.iter().map(|table| table.bad_rows.n).sum()
}

/// The report of one.
pub(super) fn report_ui(
    ctx: &mut ViewContext<'_>,
    ui: &mut Ui,
    sample: &SampleReport,
    at: &mut usize,
) {
    let rect = ui.available_rect_before_wrap();
    ui.horizontal(|ui| {
        let width = (ui.available_width() - 160.0).max(160.0);
        ui.allocate_ui_with_layout(
            egui::vec2(width, 52.0),
            egui::Layout::top_down(Align::Min),
            |ui| {
                text::headline(ui, &headline(sample));
                text::muted(ui, detail(sample, ctx));
            },
        );
        ui.with_layout(egui::Layout::right_to_left(Align::Min), |ui| {
            if button::primary(ui, "Open Fleet").clicked() {
                ctx.ui(UiCommand::Go(PanelId::Fleet));
            }
        });
    });
    ui.add_space(size::M);
    if sample.tables.is_empty() {
        let advice = "Nothing is kept of what its tables were: it was made here, or imported by an earlier version.";
        state::empty(ui, "No tables", advice);
        return;
    }
    let rest = ui.available_rect_before_wrap().with_max_y(rect.bottom());
    let upper = cards::fit(rest, (sample.tables.len() + 1).clamp(2, 7));
    let detail = words::count(sample.tables.len() as u64, "table", "tables");
    let title = Title {
        title: "Tables",
        detail: &detail,
        right: "",
    };
    card(ui, upper, title, |ui| tables_ui(ctx, ui, sample, at));
    let Some(table) = sample.tables.get(*at).or(sample.tables.first()) else {
        return;
    };
    let lower = rest.with_min_y(upper.bottom() + size::M);
    let divide = (lower.width() * (1.0 - WRONG)).floor();
    let left = Rect::from_min_max(lower.min, Pos2::new(lower.left() + divide, lower.bottom()));
    let right = lower.with_min_x(left.right() + size::M);
    let title = Title {
        title: "Columns",
        detail: &mapped_by_words(&table.mapped_by),
        right: "",
    };
    card(ui, left, title, |ui| columns_ui(ui, table));
    let detail = wrong_words(table);
    let title = Title {
        title: "Left out",
        detail: &detail,
        right: "",
    };
    card(ui, right, title, |ui| wrong_ui(ui, table));
}

/// `1,680,000 rows in 2 tables, 3 bad rows`.
fn headline(sample: &SampleReport) -> String {
    let n_rows = sample.tables.iter().map(|table| table.n_rows).sum();
    let rows = words::count(n_rows, "row", "rows");
    let tables = words::count(sample.tables.len() as u64, "table", "tables");
    match n_bad(sample) {
        0 => format!("{rows} in {tables}, all of them read"),
        n => format!(
            "{rows} in {tables}, {} left out",
            words::count(n, "row or value", "rows or values")
        ),
    }
}

fn detail(sample: &SampleReport, ctx: &ViewContext<'_>) -> String {
    let of = match sample.population {
        Some(n) => format!("a sample of {}", words::count(n, "device", "devices")),
        None => "population unknown: rates only".to_owned(),
    };
    let chosen = sample.chosen_by.as_ref();
    let chosen = chosen.map_or_else(String::new, |by| format!(", chosen by {by}"));
    let when = words::ago(&sample.imported_at, ctx.now);
    format!("{} · imported {when} · {of}{chosen}", sample.source)
}

fn tables_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, sample: &SampleReport, at: &mut usize) {
    let width = ui.available_width();
    let ends = [width * 0.34, width * 0.52, width * 0.66, width - size::M];
    let [name, what, rows, bad] = ends;
    let heads = [
        (size::M, name, Align::Min, "Table"),
        (name, what, Align::Min, "One row is"),
        (what, rows, Align::Max, "Rows"),
        (rows, bad, Align::Max, "Rows or values left out"),
    ];
    head(ui, &heads);
    ScrollArea::vertical()
        .id_salt("tables")
        .auto_shrink(false)
        .show_rows(ui, size::ROW, sample.tables.len(), |ui, range| {
            let tables = sample.tables.iter().enumerate();
            for (index, table) in tables.take(range.end).skip(range.start) {
                let is_open = index == (*at).min(sample.tables.len() - 1);
                let label = format!("Table {}, {} rows", table.path, table.n_rows);
                let response = row(ui, is_open, &label, |row| {
                    row.strong(size::M, name - size::S, &table.path);
                    let use_of = use_words(table.mapping.table_use);
                    row.muted(name, what, &format!("{use_of} · {}", table.format.name()));
                    row.number(what, rows, &words::number(table.n_rows));
                    row.number(rows, bad, &words::number(table.bad_rows.n));
                });
                if index == 0 {
                    ctx.part(&response);
                }
                if response.clicked() || response.gained_focus() {
                    *at = index;
                }
            }
        });
}

fn columns_ui(ui: &mut Ui, table: &TableReport) {
    let width = ui.available_width();
    let [name, taken, called] = [width * 0.34, width * 0.64, width * 0.86];
    let end = width - size::M;
    let heads = [
        (size::M, name, Align::Min, "Column"),
        (name, taken, Align::Min, "Taken as"),
        (taken, called, Align::Min, "Called"),
        (called, end, Align::Min, "Unit"),
    ];
    head(ui, &heads);
    let columns = &table.mapping.columns;
    ScrollArea::vertical()
        .id_salt(("columns of", &table.path))
        .auto_shrink(false)
        .show_rows(ui, size::ROW, columns.len(), |ui, range| {
            for column in columns.get(range).unwrap_or_default() {
                let role = role_words(column.role);
                let label = format!("Column {}: {role}", column.column);
                plain_row(ui, &label, |row| {
                    row.mono(size::M, name - size::S, &column.column);
                    row.muted(name, taken - size::S, &role);
                    if matches!(column.role, Role::Metric(_)) {
                        row.muted(taken, called - size::S, column.metric_name());
                    }
                    let unit = column.unit.as_deref().unwrap_or_default();
                    row.muted(called, end, unit);
                });
            }
        });
}

fn wrong_words(table: &TableReport) -> String {
    let told = table.bad_rows.first.len() as u64;
    match table.bad_rows.n {
        0 => String::new(),
        n if n > told => format!("the first {told} of {}", words::number(n)),
        n => words::number(n),
    }
}

/// Damage first, then what was assumed, then row by row.
fn wrong_ui(ui: &mut Ui, table: &TableReport) {
    let warnings = table.warnings.iter();
    let mut lines: Vec<(String, String)> = warnings
        .map(|warning| (warning.code.clone(), warning.message.clone()))
        .collect();
    let notes = table.mapping.notes.iter();
    lines.extend(notes.map(|note| ("note".to_owned(), note.clone())));
    let bad = table.bad_rows.first.iter();
    lines.extend(bad.map(|bad| (place_words(bad), bad.what.clone())));
    if lines.is_empty() {
        let advice = "Every row and every value of this table was read.";
        state::padded(ui, |ui| text::muted(ui, advice));
        return;
    }
    ScrollArea::vertical()
        .id_salt(("left out of", &table.path))
        .auto_shrink(false)
        .show_rows(ui, size::TALL_ROW, lines.len(), |ui, range| {
            for (place, words) in lines.get(range).unwrap_or_default() {
                let response = tall_row(ui, false, &format!("{place}: {words}"), |row| {
                    let end = row.width() - size::M;
                    let plain = CellStyle {
                        font: font::body(),
                        color: row.tokens.text,
                        align: Align::Min,
                    };
                    row.half(true).text(size::M, end, words, &plain);
                    let mono = CellStyle {
                        font: font::mono_small(),
                        color: row.tokens.muted,
                        align: Align::Min,
                    };
                    row.half(false).text(size::M, end, place, &mono);
                });
                let response = response.on_hover_text(words);
                response.context_menu(|ui| {
                    if ui.button("Copy").clicked() {
                        ui.ctx()
                            .copy_text(format!("{}: {place}: {words}", table.path));
                    }
                });
            }
        });
}

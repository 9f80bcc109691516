//! What an import found, what it kept and what it did not understand, byte for byte.

use super::{Panel, screen};
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::data::{CaptureRow, ImportReport, ImportedFile};
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::card::{Title, card};
use crate::ui::widgets::row::{CellStyle, head, row};
use crate::ui::widgets::{button, card as cards, marker, marker::Mark, state, text};
use crate::ui::words;
use egui::{Align, Pos2, Rect, ScrollArea, Ui};

/// Which file is looked at.
#[derive(Default)]
pub struct ImportReportPanel {
    file_idx: usize,
}

impl Panel for ImportReportPanel {
    fn ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui) {
        let rect = screen(ui);
        let captures = ctx.door.captures();
        cards::inside(ui, rect, "import", |ui| {
            let rows = captures.value().map_or(&[][..], |rows| rows.as_slice());
            let open = ctx
                .nav
                .place
                .capture
                .or_else(|| rows.first().map(|row| row.id));
            let Some(open) = open else {
                none_ui(ctx, ui, captures.is_pending());
                return;
            };
            let left_width = (rect.width() * 0.22).clamp(200.0, 300.0);
            let left = Rect::from_min_size(rect.min, egui::vec2(left_width, rect.height()));
            let right = Rect::from_min_max(Pos2::new(left.right() + size::M, rect.top()), rect.max);
            let detail = rows.len().to_string();
            card(
                ui,
                left,
                Title {
                    title: "Captures",
                    detail: &detail,
                    right: "",
                },
                |ui| {
                    state::answer(ui, &captures, "Reading captures…", |ui, rows| {
                        captures_ui(ctx, ui, rows, open)
                    });
                },
            );
            let answer = ctx.door.import_report(open);
            cards::inside(ui, right, "report", |ui| {
                state::answer(ui, &answer, "Reading what was found…", |ui, report| {
                    self.report_ui(ctx, ui, report)
                });
            });
        });
    }
}

fn none_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, is_pending: bool) {
    if is_pending {
        state::loading(ui, "Reading captures…");
        return;
    }
    text::headline(ui, "Nothing imported yet");
    ui.add_space(size::XS);
    text::muted(
        ui,
        "After an import this page says what was found, what was kept and what was not understood, with byte offsets.",
    );
    ui.add_space(size::L);
    ui.horizontal(|ui| {
        button::primary_command(ui, ctx, &UiCommand::OpenFiles);
        button::command(ui, ctx, &UiCommand::OpenFolder);
    });
}

fn captures_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, rows: &[CaptureRow], open: i64) {
    ScrollArea::vertical()
        .id_salt("captures")
        .auto_shrink(false)
        .show_rows(ui, size::ROW, rows.len(), |ui, range| {
            for capture in rows.iter().take(range.end).skip(range.start) {
                let name = format!("Capture {}, {}", capture.name, capture.holds);
                let response = row(ui, capture.id == open, &name, |row| {
                    let width = row.width();
                    row.strong(size::M, width - size::M, &capture.name);
                });
                if response.clicked() {
                    ctx.ui(UiCommand::OpenCapture(capture.id));
                }
                response.on_hover_text(&capture.holds);
            }
        });
}

impl ImportReportPanel {
    fn report_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui, report: &ImportReport) {
        text::headline(ui, &words::sentence(&report.summary));
        ui.add_space(size::XS);
        let n_lost = report.files.iter().filter(|file| !is_clean(file)).count() as u64;
        let note = if n_lost == 0 {
            "Every byte was understood.".to_owned()
        } else {
            format!(
                "{} with something that was not understood. It is kept, byte for byte.",
                words::count(n_lost, "file", "files")
            )
        };
        text::muted(ui, format!("{} · {note}", report.name));
        ui.add_space(size::M);
        let rect = ui.available_rect_before_wrap();
        let rows = (report.files.len() + 1).clamp(2, 40) as f32;
        let height = (size::HEADER + rows * size::ROW + size::S).min(rect.height() * 0.6);
        let top = Rect::from_min_size(rect.min, egui::vec2(rect.width(), height));
        let bottom = Rect::from_min_max(Pos2::new(rect.left(), top.bottom() + size::M), rect.max);
        let detail = words::count(report.files.len() as u64, "file", "files");
        card(
            ui,
            top,
            Title {
                title: "Files",
                detail: &detail,
                right: "",
            },
            |ui| self.files_ui(ctx, ui, &report.files),
        );
        let Some(file) = report
            .files
            .get(self.file_idx)
            .or_else(|| report.files.first())
        else {
            return;
        };
        card(
            ui,
            bottom,
            Title {
                title: words::file_name(&file.path),
                detail: &file.kind,
                right: "",
            },
            |ui| file_ui(ui, file),
        );
    }

    fn files_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui, files: &[ImportedFile]) {
        let width = ui.available_width();
        let [kind, found, bytes] = [width * 0.30, width * 0.46, width * 0.86];
        head(
            ui,
            &[
                (size::M + 16.0, kind, Align::Min, "File"),
                (kind, found, Align::Min, "What it is"),
                (found, bytes, Align::Min, "Found"),
                (bytes, width - size::M, Align::Max, "Size"),
            ],
        );
        ScrollArea::vertical()
            .id_salt("files")
            .auto_shrink(false)
            .show_rows(ui, size::ROW, files.len(), |ui, range| {
                for (idx, file) in files.iter().enumerate().take(range.end).skip(range.start) {
                    let name = format!("{}, {}, {}", file.path, file.kind, file.found);
                    let response = row(ui, idx == self.file_idx, &name, |row| {
                        let t = row.tokens;
                        let (mark, color) = match (&file.refused, is_clean(file)) {
                            (Some(_), _) => (Mark::Hollow, t.warn),
                            (None, false) => (Mark::Half, t.warn),
                            (None, true) => (Mark::Check, t.ok),
                        };
                        marker::paint(
                            row.painter,
                            Pos2::new(row.rect.left() + size::M + 4.0, row.rect.center().y),
                            mark,
                            color,
                        );
                        let style = CellStyle {
                            font: font::body(),
                            color: t.text,
                            align: Align::Min,
                        };
                        row.text(size::M + 16.0, kind - size::S, &file.path, &style);
                        row.muted(kind, found - size::S, &file.kind);
                        row.text(found, bytes - size::S, &file.found, &style);
                        row.number(bytes, row.width() - size::M, &words::bytes(file.bytes));
                    });
                    if idx == 0 {
                        ctx.part(&response);
                    }
                    if response.clicked() || response.gained_focus() {
                        self.file_idx = idx;
                    }
                }
            });
    }
}

fn is_clean(file: &ImportedFile) -> bool {
    file.not_understood.is_empty() && file.warnings.is_empty() && file.refused.is_none()
}

fn file_ui(ui: &mut Ui, file: &ImportedFile) {
    ScrollArea::vertical()
        .id_salt("file")
        .auto_shrink(false)
        .show(ui, |ui| {
            state::padded(ui, |ui| {
                let t = tokens(ui);
                if let Some(why) = &file.refused {
                    text::sentence(ui, &format!("Not taken: {why}"), t.warn);
                }
                for warning in &file.warnings {
                    let place = warning
                        .offset
                        .map_or(String::new(), |at| format!(" (byte {at})"));
                    text::sentence(
                        ui,
                        &format!("{}: {}{place}", warning.code, warning.message),
                        t.text,
                    );
                }
                for (start, end) in &file.not_understood {
                    let line = format!(
                        "bytes {start} to {end} not understood, {} kept",
                        words::bytes(end.saturating_sub(*start))
                    );
                    text::label(ui, line, font::mono(), t.muted);
                }
                if is_clean(file) {
                    text::muted(
                        ui,
                        "Nothing to report: every byte of this file was understood.",
                    );
                }
            });
        });
}

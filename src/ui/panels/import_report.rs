//! What an import found, what it kept and what it did not understand, byte for byte.

use super::{Panel, sample_report, screen};
use crate::engine::command::Command;
use crate::engine::queries::captures::CaptureRow;
use crate::engine::queries::import_report::{ImportReport, ReportFile, ReportFinding};
use crate::engine::queries::sample_reports::SampleReport;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size};
use crate::ui::widgets::card::{Title, card};
use crate::ui::widgets::row::{CellStyle, head, row};
use crate::ui::widgets::{button, card as cards, marker, marker::Mark, state, text};
use crate::ui::words;
use egui::{Align, Layout, Pos2, Rect, ScrollArea, Ui};

/// Which file is looked at.
#[derive(Default)]
pub struct ImportReportPanel {
    file_idx: usize,
    table_idx: usize,
    removed: Option<i64>,
}

impl Panel for ImportReportPanel {
    fn ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui) {
        let rect = screen(ui);
        let captures = ctx.door.captures();
        cards::inside(ui, rect, "import", |ui| {
            let rows = captures.value().map_or(&[][..], |rows| rows.as_slice());
            let samples = ctx.door.sample_reports();
            let samples = samples
                .value()
                .map_or(&[][..], |samples| samples.as_slice());
            let place = &ctx.nav.place;
            // Of a workspace with samples alone there is nothing else to show.
            let of_samples = place.sample.or_else(|| {
                let only = samples.first().filter(|_| rows.is_empty());
                only.map(|sample| sample.number)
            });
            let open_sample = samples
                .iter()
                .find(|sample| Some(sample.number) == of_samples);
            let wanted = ctx
                .nav
                .place
                .capture
                .filter(|id| rows.iter().any(|row| row.id == *id));
            let open = wanted.or_else(|| rows.first().map(|row| row.id));
            if open.is_none() && open_sample.is_none() {
                state::answer(ui, &captures, "Reading captures…", |ui, _| {
                    none_ui(ctx, ui);
                });
                self.undo_ui(ctx, ui);
                return;
            }
            let left_width = (rect.width() * 0.22).clamp(180.0, 300.0);
            let left = Rect::from_min_size(rect.min, egui::vec2(left_width, rect.height()));
            let right = Rect::from_min_max(Pos2::new(left.right() + size::M, rect.top()), rect.max);
            let left = samples_card_ui(ctx, ui, left, samples, open_sample);
            let detail = rows.len().to_string();
            let left = cards::fit(left, rows.len().max(3));
            let open_capture = open.filter(|_| open_sample.is_none());
            if !rows.is_empty() || samples.is_empty() {
                card(
                    ui,
                    left,
                    Title {
                        title: "Captures",
                        detail: &detail,
                        right: "crashes",
                    },
                    |ui| {
                        state::answer(ui, &captures, "Reading captures…", |ui, rows| {
                            captures_ui(ctx, ui, rows, open_capture);
                        });
                    },
                );
            }
            if let Some(sample) = open_sample {
                cards::inside(ui, right, "sample", |ui| {
                    self.undo_ui(ctx, ui);
                    sample_report::report_ui(ctx, ui, sample, &mut self.table_idx);
                });
                return;
            }
            let Some(open) = open else { return };
            let answer = ctx.door.import_report(open);
            cards::inside(ui, right, "report", |ui| {
                self.undo_ui(ctx, ui);
                state::answer(ui, &answer, "Reading what was found…", |ui, report| {
                    self.report_ui(ctx, ui, report);
                });
            });
        });
    }
}

/// The list of samples, where there are some; answers what is left of the place.
fn samples_card_ui(
    ctx: &mut ViewContext<'_>,
    ui: &mut Ui,
    rect: Rect,
    samples: &[SampleReport],
    open: Option<&SampleReport>,
) -> Rect {
    if samples.is_empty() {
        return rect;
    }
    let own = cards::fit(rect, samples.len().min(6));
    let detail = samples.len().to_string();
    let title = Title {
        title: "Fleet samples",
        detail: &detail,
        right: "bad rows",
    };
    let open = open.map(|sample| sample.number);
    card(ui, own, title, |ui| {
        sample_report::samples_ui(ctx, ui, samples, open);
    });
    rect.with_min_y(own.bottom() + size::M)
}

fn none_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui) {
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

fn captures_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, rows: &[CaptureRow], open: Option<i64>) {
    ScrollArea::vertical()
        .id_salt("captures")
        .auto_shrink(false)
        .show_rows(ui, size::ROW, rows.len(), |ui, range| {
            for capture in rows.iter().take(range.end).skip(range.start) {
                let holds = words::count(capture.n_crashes, "crash", "crashes");
                let name = format!("Capture {}, {holds}", capture.name);
                let response = row(ui, open == Some(capture.id), &name, |row| {
                    let width = row.width();
                    row.strong(size::M, width - 44.0, &capture.name);
                    row.number(
                        width - 44.0,
                        width - size::M,
                        &capture.n_crashes.to_string(),
                    );
                });
                if response.clicked() {
                    ctx.ui(UiCommand::OpenCapture(capture.id));
                }
                response.on_hover_text(format!("{holds}, imported {}", capture.imported_at));
            }
        });
}

impl ImportReportPanel {
    fn report_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui, report: &ImportReport) {
        ui.horizontal(|ui| {
            let width = (ui.available_width() - 300.0).max(160.0);
            ui.allocate_ui_with_layout(
                egui::vec2(width, 52.0),
                Layout::top_down(Align::Min),
                |ui| {
                    text::headline(ui, &words::sentence(&summary(&report.capture)));
                    text::muted(ui, format!("{} · {}", report.capture.name, note(report)));
                },
            );
            ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
                if button::quiet(ui, "Remove capture")
                    .on_hover_text("Take it out of the workspace. This can be undone.")
                    .clicked()
                {
                    ctx.send(Command::RemoveCapture {
                        capture: report.capture.id,
                    });
                    self.removed = Some(report.capture.id);
                }
                if let Some(first) = first_crash(ctx, report.capture.id)
                    && button::primary(ui, "Open first crash")
                        .on_hover_text("N goes on to the next one.")
                        .clicked()
                {
                    ctx.ui(UiCommand::OpenCrash(first));
                }
            });
        });
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
            |ui| self.files_ui(ctx, ui, report),
        );
        let file = report
            .files
            .get(self.file_idx)
            .or_else(|| report.files.first());
        let title = file.map_or("Findings", |file| words::file_name(&file.path));
        let detail = file.map_or("", |file| file.format.as_str());
        let bottom = cards::fit(bottom, shown_of(file, &report.findings).count().max(3) + 1);
        card(
            ui,
            bottom,
            Title {
                title,
                detail,
                right: "",
            },
            |ui| findings_ui(ui, file, &report.findings),
        );
    }

    fn undo_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui) {
        let Some(capture) = self.removed else { return };
        ui.horizontal(|ui| {
            text::muted(ui, "The capture was removed.");
            if button::quiet(ui, "Undo").clicked() {
                ctx.send(Command::RestoreCapture { capture });
                self.removed = None;
            }
            if button::icon(ui, crate::ui::icons::CLOSE, "Dismiss").clicked() {
                self.removed = None;
            }
        });
        ui.add_space(size::S);
    }

    fn files_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui, report: &ImportReport) {
        let files = &report.files;
        let width = ui.available_width();
        let [kind, found, bytes] = [width * 0.32, width * 0.48, width * 0.86];
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
                    let what = found_in(file, &report.findings);
                    let name = format!("{}, {}, {what}", file.path, file.format);
                    let response = row(ui, idx == self.file_idx, &name, |row| {
                        let t = row.tokens;
                        let (mark, color) = match file.status.as_str() {
                            "understood" => (Mark::Check, t.ok),
                            "partly" => (Mark::Half, t.warn),
                            _ => (Mark::Hollow, t.warn),
                        };
                        let center =
                            Pos2::new(row.rect.left() + size::M + 4.0, row.rect.center().y);
                        marker::paint(row.painter, center, mark, color);
                        let style = CellStyle {
                            font: font::body(),
                            color: t.text,
                            align: Align::Min,
                        };
                        row.text(size::M + 16.0, kind - size::S, &file.path, &style);
                        row.muted(kind, found - size::S, &file.format);
                        row.text(found, bytes - size::S, &what, &style);
                        row.number(bytes, row.width() - size::M, &words::bytes(file.size_bytes));
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

/// `1 boot, 2 crashes in 3 files`.
/// The first crash of a capture.
fn first_crash(ctx: &ViewContext<'_>, capture: i64) -> Option<i64> {
    let issues = ctx.door.issues("");
    let rows = issues.value()?.iter().flat_map(|issue| &issue.crashes);
    rows.filter(|row| row.capture == capture)
        .map(|row| row.id)
        .min()
}

fn summary(capture: &CaptureRow) -> String {
    let mut parts = vec![words::count(capture.n_crashes, "crash", "crashes")];
    if capture.n_boots > 0 {
        parts.insert(0, words::count(capture.n_boots, "boot", "boots"));
    }
    format!(
        "{} in {}",
        parts.join(", "),
        words::count(capture.n_files, "file", "files")
    )
}

fn note(report: &ImportReport) -> String {
    let n_lost = report
        .files
        .iter()
        .filter(|file| file.status != "understood")
        .count() as u64;
    let n_refused = report
        .findings
        .iter()
        .filter(|finding| finding.kind == "refused")
        .count() as u64;
    let refused = match n_refused {
        0 => String::new(),
        n => format!(" {} refused.", words::count(n, "entry was", "entries were")),
    };
    // A log often tells of one fault twice, and the files' counts add up to more than the crashes.
    let joined = if report.capture.n_crashes > 0 {
        " A dump and its print count once."
    } else {
        ""
    };
    if n_lost == 0 {
        return format!("every file was understood.{refused}{joined}");
    }
    format!(
        "{} not wholly understood; they are kept, byte for byte.{refused}{joined}",
        words::count(n_lost, "file was", "files were")
    )
}

fn found_in(file: &ReportFile, findings: &[ReportFinding]) -> String {
    let found: Vec<&str> = findings
        .iter()
        .filter(|finding| finding.path == file.path && finding.kind == "found")
        .map(|finding| finding.message.as_str())
        .take(3)
        .collect();
    match (found.is_empty(), file.status.as_str()) {
        (false, _) => found.join("; "),
        (true, "not_understood") => "not understood, kept as it is".to_owned(),
        (true, _) => match file.n_lines {
            Some(n) => words::count(n, "line", "lines"),
            None => "nothing to report".to_owned(),
        },
    }
}

/// What concerns this file, and what was refused (that is no file).
fn shown_of<'a>(
    file: Option<&'a ReportFile>,
    findings: &'a [ReportFinding],
) -> impl Iterator<Item = &'a ReportFinding> {
    let is_of = move |path: &str| file.is_some_and(|file| file.path == path);
    findings
        .iter()
        .filter(move |finding| is_of(&finding.path) || finding.kind == "refused")
}

fn findings_ui(ui: &mut Ui, file: Option<&ReportFile>, findings: &[ReportFinding]) {
    let known = |path: &str| file.is_some_and(|file| file.path == path);
    let shown: Vec<&ReportFinding> = shown_of(file, findings).collect();
    if shown.is_empty() {
        state::padded(ui, |ui| {
            text::muted(
                ui,
                "Nothing to report: every byte of this file was understood.",
            )
        });
        return;
    }
    let width = ui.available_width();
    let columns = [size::M, 104.0, 224.0, 320.0];
    let [kind, offset, code, message] = columns;
    head(
        ui,
        &[
            (kind, offset, Align::Min, "What"),
            (offset, code - size::M, Align::Max, "Byte"),
            (code, message, Align::Min, "Code"),
            (message, width, Align::Min, "In words"),
        ],
    );
    ScrollArea::vertical()
        .id_salt("findings")
        .auto_shrink(false)
        .show_rows(ui, size::ROW, shown.len(), |ui, range| {
            for finding in shown.iter().take(range.end).skip(range.start) {
                let words = if known(&finding.path) {
                    finding.message.clone()
                } else {
                    format!("{}: {}", finding.path, finding.message)
                };
                let response = row(ui, false, &format!("{}: {words}", finding.kind), |row| {
                    let t = row.tokens;
                    let is_fine = matches!(finding.kind.as_str(), "found" | "kept");
                    let color = if is_fine { t.text } else { t.warn };
                    let style = CellStyle {
                        font: font::body(),
                        color,
                        align: Align::Min,
                    };
                    row.text(kind, offset - size::S, &finding.kind, &style);
                    let at = finding.offset.map_or(String::new(), |at| at.to_string());
                    row.number(offset, code - size::M, &at);
                    let mono = CellStyle {
                        font: font::mono_small(),
                        color: t.muted,
                        align: Align::Min,
                    };
                    row.text(
                        code,
                        message - size::S,
                        finding.code.as_deref().unwrap_or(""),
                        &mono,
                    );
                    let plain = CellStyle {
                        font: font::body(),
                        color: t.text,
                        align: Align::Min,
                    };
                    row.text(message, row.width() - size::M, &words, &plain);
                });
                response.context_menu(|ui| {
                    if ui.button("Copy").clicked() {
                        let code = finding.code.as_deref().unwrap_or("");
                        ui.ctx()
                            .copy_text(format!("{code} {words}").trim().to_owned());
                    }
                });
            }
        });
}

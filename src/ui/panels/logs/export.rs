//! Takes rows out of the window: to a file, with what the filters let through; to the clipboard, with what is selected.

use super::Logs;
use crate::engine::command::Command;
use crate::engine::logs::export::{Export, ExportFormat};
use crate::engine::logs::view::LogKey;
use crate::engine::queries::log_copy::{CopyHeading, LogCopyQuery};
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::{button, field, text};
use crate::ui::words;
use egui::{Id, Ui};
use std::path::{Path, PathBuf};

/// What is asked before rows are written.
#[derive(Clone, Debug, Default)]
pub(super) struct Exporting {
    format: ExportFormat,
    /// What is typed into the path field.
    path: String,
    was_without_dialog: bool,
}

/// How it goes on.
enum Next {
    Stay,
    Close,
    Write(PathBuf),
}

impl Logs {
    /// Asks how and where to.
    pub(super) fn begin_export(&mut self) {
        self.exporting.get_or_insert_with(Exporting::default);
    }

    /// The file that was chosen in the desktop's dialog, which asked before it named one that exists.
    pub(super) fn export_to(&mut self, path: &Path) {
        self.exported_to = Some(path.to_owned());
    }

    pub(super) fn export_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &Ui, key: &LogKey) {
        let chosen = self.exported_to.take();
        let Some(exporting) = &mut self.exporting else {
            return;
        };
        let modal = egui::Modal::new(Id::unique("export a log")).show(ui.ctx(), |ui| {
            ui.set_width(460.0);
            exporting_ui(ctx, ui, exporting, key)
        });
        let (replaces, is_closed) = (chosen.is_some(), modal.should_close());
        let path = match (chosen, modal.inner) {
            (Some(path), _) | (None, Next::Write(path)) => Some(path),
            (None, Next::Close) => {
                self.exporting = None;
                return;
            }
            (None, Next::Stay) => None,
        };
        if let Some(path) = path {
            let export = Export {
                stack: self.stack.clone(),
                format: exporting.format,
                path,
                replaces,
            };
            ctx.send(Command::ExportLog {
                key: key.clone(),
                export: Box::new(export),
            });
            self.exporting = None;
        } else if is_closed {
            self.exporting = None;
        }
    }

    /// Asks for the selected rows as text.
    pub(super) fn begin_copy(&mut self, ctx: &ViewContext<'_>, key: &LogKey, is_markdown: bool) {
        let Some(selected) = &self.selected else {
            return;
        };
        let rows = selected.rows();
        let logs = ctx.door.logs();
        let listed = logs.value().into_iter().flat_map(|logs| logs.iter());
        let device = listed
            .filter(|log| log.key == *key)
            .find_map(|log| log.device.clone());
        let name = key.name();
        self.copying = Some(LogCopyQuery {
            key: key.clone(),
            stack: self.shown_stack(),
            first: rows.start,
            count: rows.end.saturating_sub(rows.start),
            heading: is_markdown.then(|| CopyHeading {
                log: words::file_name(&name).to_owned(),
                device,
            }),
        });
    }

    /// Puts them on the clipboard once they are there.
    pub(super) fn copy(&mut self, ctx: &ViewContext<'_>, ui: &Ui) {
        let Some(query) = &self.copying else { return };
        let answer = ctx.door.log_copy(query);
        if let Some(error) = answer.error() {
            self.said = Some(error.to_owned());
            self.copying = None;
            return;
        }
        let Some(copied) = answer.value() else {
            return;
        };
        ui.ctx().copy_text(copied.text.clone());
        let n = words::count(copied.n_rows, "line", "lines");
        self.said = Some(match copied.n_left {
            0 => format!("{n} copied"),
            left => format!(
                "{n} copied, {} left out: export them to a file",
                words::number(left)
            ),
        });
        self.copying = None;
    }
}

fn exporting_ui(
    ctx: &mut ViewContext<'_>,
    ui: &mut Ui,
    exporting: &mut Exporting,
    key: &LogKey,
) -> Next {
    let mut next = Next::Stay;
    text::title(ui, "Export what is shown");
    text::muted(
        ui,
        "Every line that the filters let through, also those that are folded.",
    );
    ui.add_space(size::M);
    ui.horizontal(|ui| {
        for format in ExportFormat::ALL {
            let is_it = exporting.format == format;
            if ui.radio(is_it, format.label()).clicked() {
                exporting.format = format;
            }
        }
    });
    text::small(
        ui,
        match exporting.format {
            ExportFormat::Text => "The lines as the command fieldscope logs prints them.",
            ExportFormat::JsonLines => {
                "One JSON object a line, as fieldscope logs --json prints them."
            }
        },
    );
    ui.add_space(size::M);
    let field = field::line(
        ui,
        &mut exporting.path,
        "Path to export to",
        "a path: /tmp/shown.log",
        ui.available_width(),
    );
    if ctx.no_dialog && !exporting.was_without_dialog {
        field.request_focus();
    }
    exporting.was_without_dialog = ctx.no_dialog;
    let entered = field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
    if ctx.no_dialog {
        text::label(
            ui,
            "No file dialog on this desktop: paste a path instead.",
            font::small(),
            tokens(ui).warn,
        );
    }
    ui.add_space(size::M);
    let wanted = exporting.path.trim().trim_matches('"').to_owned();
    ui.horizontal(|ui| {
        if button::primary(ui, "Choose where…").clicked() {
            ctx.ui(UiCommand::ChooseExportFile(suggested(
                key,
                exporting.format,
            )));
        }
        let can_write = !wanted.is_empty();
        let write = ui
            .add_enabled_ui(can_write, |ui| button::quiet(ui, "Export to the path"))
            .inner;
        if can_write && (write.clicked() || entered) {
            next = Next::Write(PathBuf::from(&wanted));
        }
        if button::quiet(ui, "Close").clicked() {
            next = Next::Close;
        }
    });
    next
}

/// `uart0-shown.log`.
fn suggested(key: &LogKey, format: ExportFormat) -> String {
    let name = key.name();
    let stem = Path::new(words::file_name(&name)).file_stem();
    let stem = stem.map_or_else(|| "log".to_owned(), |it| it.to_string_lossy().into_owned());
    format!("{stem}-shown.{}", format.ending())
}

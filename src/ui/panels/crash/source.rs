//! The source around the selected frame, where it is on this computer.

use super::{Selected, backtrace};
use crate::engine::queries::source_lines::SourceLines;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::icons;
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::card::{Title, card};
use crate::ui::widgets::row::{CellStyle, RowPainter};
use crate::ui::widgets::{button, state, text};
use crate::ui::words;
use egui::{Align, Pos2, Rect, Role, ScrollArea, Sense, Stroke, Ui, WidgetInfo};

/// Height of a line of code.
const LINE: f32 = 20.0;

/// The card.
pub(super) fn source_ui(
    ctx: &mut ViewContext<'_>,
    ui: &mut Ui,
    rect: Rect,
    selected: &Selected<'_>,
) {
    let place = selected
        .frame
        .and_then(|frame| Some((frame, frame.file.as_deref()?, frame.line?)));
    let Some((frame, file, line)) = place else {
        card(
            ui,
            rect,
            Title {
                title: "Source",
                ..Title::default()
            },
            |ui| nowhere_ui(ctx, ui, selected),
        );
        return;
    };
    let answer = ctx.door.source(selected.id, file, line);
    let function = backtrace::function(frame);
    let title = Title {
        title: words::file_name(file),
        detail: &function,
        right: "",
    };
    card(ui, rect, title, |ui| {
        state::answer(
            ui,
            &answer,
            "Looking for the source…",
            |ui, source| match source {
                SourceLines::Found { first, lines, path } => {
                    lines_ui(ui, *first, lines, line, path);
                }
                SourceLines::NotHere { tried } => missing_ui(ctx, ui, file, line, tried),
            },
        );
    });
}

fn nowhere_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, selected: &Selected<'_>) {
    state::padded(ui, |ui| {
        let Some(frame) = selected.frame else {
            text::muted(ui, "Choose a frame to see its source.");
            return;
        };
        if frame.function.is_some() {
            text::muted(
                ui,
                format!(
                    "{} has no line information: its file was built without -g.",
                    backtrace::function(frame)
                ),
            );
            return;
        }
        if selected.detail.report.elf_build_id.is_some() {
            text::muted(
                ui,
                format!(
                    "{} is not in the code of this build: the program counter was lost, or the CPU had jumped there. Choose a frame below it.",
                    frame.pc
                ),
            );
            return;
        }
        text::muted(
            ui,
            format!(
                "No symbols for {}. Add the ELF of this build, and names and lines appear.",
                frame.pc
            ),
        );
        ui.add_space(size::S);
        button::command(ui, ctx, &UiCommand::AddSymbols);
    });
}

fn missing_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, path: &str, line: u32, tried: &[String]) {
    let tried = tried.join("\n");
    state::padded(ui, |ui| {
        text::muted(
            ui,
            format!("Source {} is not on this computer.", words::file_name(path)),
        );
        text::label(
            ui,
            format!("{path}:{line}"),
            font::mono_small(),
            tokens(ui).faint,
        );
        if !tried.is_empty() {
            text::small(ui, "where it was looked for").on_hover_text(tried);
        }
        ui.add_space(size::S);
        let folder = path
            .rsplit_once(['/', '\\'])
            .map_or("", |(folder, _)| folder);
        if button::quiet(ui, "Map a source folder…").clicked() {
            ctx.ui(UiCommand::MapSource(folder.to_owned()));
        }
    });
}

fn lines_ui(ui: &mut Ui, first_line: u32, lines: &[String], current: u32, path: &str) {
    let before = current.saturating_sub(first_line);
    let middle = (ui.available_height() / LINE / 2.0).floor().max(1.0) - 1.0;
    let start = (before as f32 - middle).max(0.0) * LINE;
    let salt = ("source", path, current);
    let mut area = ScrollArea::both().id_salt(salt).auto_shrink(false);
    let first_time = ui.ctx().data_mut(|data| {
        let key = egui::Id::unique(("source-shown", path, current));
        let shown = data.get_temp::<bool>(key).is_some();
        data.insert_temp(key, true);
        !shown
    });
    if first_time {
        area = area.vertical_scroll_offset(start);
    }
    area.show_rows(ui, LINE, lines.len(), |ui, range| {
        for (i, line) in lines.iter().enumerate().take(range.end).skip(range.start) {
            let number = first_line.saturating_add(u32::try_from(i).unwrap_or(u32::MAX));
            line_ui(ui, number, line, number == current);
        }
    });
}

fn line_ui(ui: &mut Ui, number: u32, line: &str, is_current: bool) {
    let t = tokens(ui);
    let (rect, response) =
        ui.allocate_exact_size(egui::vec2(ui.available_width(), LINE), Sense::hover());
    response.widget_info(|| {
        let here = if is_current { ", here" } else { "" };
        WidgetInfo::labeled(
            Role::Code,
            true,
            format!("{number}: {}{here}", line.trim_end()),
        )
    });
    let painter = ui.painter();
    if is_current {
        painter.rect_filled(rect, 0.0, t.crash_bg);
        painter.vline(rect.left() + 1.0, rect.y_range(), Stroke::new(2.0, t.crash));
    }
    let mut row = RowPainter {
        painter,
        rect,
        tokens: t,
        is_cut: false,
    };
    let color = if is_current { t.crash } else { t.faint };
    row.text(
        16.0,
        52.0,
        &number.to_string(),
        &CellStyle {
            font: font::mono(),
            color,
            align: Align::Max,
        },
    );
    if is_current {
        let icon = CellStyle {
            font: font::icon(10.0),
            color: t.crash,
            align: Align::Min,
        };
        row.text(6.0, 20.0, icons::HERE, &icon);
    }
    let galley = painter.layout_no_wrap(line.replace('\t', "    "), font::mono(), t.text);
    painter.galley(
        Pos2::new(rect.left() + 64.0, rect.center().y - galley.size().y / 2.0),
        galley,
        t.text,
    );
}

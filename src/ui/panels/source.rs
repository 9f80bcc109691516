//! Lines of source around a place, or what to do where the file is not on this computer.

use crate::engine::queries::source_lines::SourceLines;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::icons;
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::row::{CellStyle, RowPainter};
use crate::ui::widgets::{button, state, text};
use crate::ui::words;
use egui::{Align, Pos2, Role, ScrollArea, Sense, Stroke, Ui, WidgetInfo};

/// Height of a line of code.
const LINE: f32 = 20.0;

/// The place that is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// File as the ELF names it.
    pub(super) file: &'a str,
    /// Line, from 1.
    pub(super) line: u32,
    /// It crashed there: the line is red, which nothing else is.
    pub(super) is_crash: bool,
}

/// The lines, filling the space that is left.
pub(super) fn source_ui(
    ctx: &mut ViewContext<'_>,
    ui: &mut Ui,
    source: &SourceLines,
    place: &Place<'_>,
) {
    match source {
        SourceLines::Found { first, lines, path } => lines_ui(ui, *first, lines, place, path),
        SourceLines::NotHere { tried } => missing_ui(ctx, ui, place.file, place.line, tried),
    }
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

fn lines_ui(ui: &mut Ui, first_line: u32, lines: &[String], place: &Place<'_>, path: &str) {
    let current = place.line;
    let before = current.saturating_sub(first_line);
    let middle = (ui.available_height() / LINE / 2.0).floor().max(1.0) - 1.0;
    let start = (before as f32 - middle).max(0.0) * LINE;
    let salt = ("source", path, current);
    let mut area = ScrollArea::both().id_salt(salt).auto_shrink(false);
    // The same line may be shown in several places, each with a position of its own.
    let shown_in = ui.scope_id();
    let first_time = ui.ctx().data_mut(|data| {
        let key = egui::Id::unique(("source-shown", shown_in, path, current));
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
            line_ui(ui, number, line, (number == current).then_some(place));
        }
    });
}

fn line_ui(ui: &mut Ui, number: u32, line: &str, here: Option<&Place<'_>>) {
    let t = tokens(ui);
    let (accent, ground) = if here.is_some_and(|place| place.is_crash) {
        (t.crash, t.crash_bg)
    } else {
        (t.act, t.act_bg)
    };
    let is_current = here.is_some();
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
        painter.rect_filled(rect, 0.0, ground);
        painter.vline(rect.left() + 1.0, rect.y_range(), Stroke::new(2.0, accent));
    }
    let mut row = RowPainter {
        painter,
        rect,
        tokens: t,
        is_cut: false,
    };
    let color = if is_current { accent } else { t.faint };
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
            color: accent,
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

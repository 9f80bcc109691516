//! One row of a table: cells painted at fixed columns, one click target, one accessible name.

use crate::ui::theme::{Tokens, font, size, tokens};
use egui::text::{LayoutJob, TextFormat};
use egui::{
    Align, Color32, FontId, Pos2, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
};

/// Paints the cells of a row.
pub struct RowPainter<'a> {
    /// For shapes other than text.
    pub painter: &'a egui::Painter,
    /// The whole row.
    pub rect: Rect,
    /// Colours.
    pub tokens: &'static Tokens,
    /// True when some text did not fit.
    pub is_cut: bool,
}

/// The look of a cell's text.
#[derive(Clone, Debug)]
pub struct CellStyle {
    /// Font.
    pub font: FontId,
    /// Colour.
    pub color: Color32,
    /// Which side it stands at.
    pub align: Align,
}

impl RowPainter<'_> {
    /// Text between two x positions measured from the row's left edge, cut with an ellipsis when too long.
    /// Answers where it ended.
    pub fn text(&mut self, from: f32, to: f32, text: &str, style: &CellStyle) -> f32 {
        let width = (to - from).max(0.0);
        let mut job = LayoutJob::single_section(
            text.replace('\n', " "),
            TextFormat::simple(style.font.clone(), style.color),
        );
        job.wrap.max_width = width;
        job.wrap.max_rows = 1;
        job.wrap.break_anywhere = true;
        let galley = self.painter.layout_job(job);
        self.is_cut |= galley.elided;
        let x = match style.align {
            Align::Min => from,
            Align::Center => from + (width - galley.size().x) / 2.0,
            Align::Max => to - galley.size().x,
        };
        let pos = Pos2::new(
            self.rect.left() + x,
            self.rect.center().y - galley.size().y / 2.0,
        );
        let end = x + galley.size().x;
        self.painter.galley(pos, galley, style.color);
        end
    }

    /// Quiet text, left.
    pub fn muted(&mut self, from: f32, to: f32, text: &str) -> f32 {
        let style = CellStyle {
            font: font::body(),
            color: self.tokens.muted,
            align: Align::Min,
        };
        self.text(from, to, text, &style)
    }

    /// Code or an address, left.
    pub fn mono(&mut self, from: f32, to: f32, text: &str) -> f32 {
        let style = CellStyle {
            font: font::mono(),
            color: self.tokens.text,
            align: Align::Min,
        };
        self.text(from, to, text, &style)
    }

    /// A number, right.
    pub fn number(&mut self, from: f32, to: f32, text: &str) -> f32 {
        let style = CellStyle {
            font: font::mono(),
            color: self.tokens.text,
            align: Align::Max,
        };
        self.text(from, to, text, &style)
    }

    /// Text with weight, left.
    pub fn strong(&mut self, from: f32, to: f32, text: &str) -> f32 {
        let style = CellStyle {
            font: font::strong(),
            color: self.tokens.text,
            align: Align::Min,
        };
        self.text(from, to, text, &style)
    }

    /// The upper or the lower line of a row of two.
    pub fn half(&self, is_upper: bool) -> RowPainter<'_> {
        let (from, to) = if is_upper { (0.12, 0.52) } else { (0.5, 0.88) };
        let top = self.rect.top() + self.rect.height() * from;
        let bottom = self.rect.top() + self.rect.height() * to;
        RowPainter {
            painter: self.painter,
            rect: Rect::from_x_y_ranges(self.rect.x_range(), top..=bottom),
            tokens: self.tokens,
            is_cut: false,
        }
    }

    /// Width of the row.
    pub fn width(&self) -> f32 {
        self.rect.width()
    }
}

/// A row that can be chosen. `name` is what a screen reader says and what tests find.
pub fn row(
    ui: &mut Ui,
    selected: bool,
    name: &str,
    paint: impl FnOnce(&mut RowPainter<'_>),
) -> Response {
    row_of(ui, size::ROW, selected, name, paint)
}

/// The same with two lines: see [`RowPainter::half`].
pub fn tall_row(
    ui: &mut Ui,
    selected: bool,
    name: &str,
    paint: impl FnOnce(&mut RowPainter<'_>),
) -> Response {
    row_of(ui, size::TALL_ROW, selected, name, paint)
}

fn row_of(
    ui: &mut Ui,
    height: f32,
    selected: bool,
    name: &str,
    paint: impl FnOnce(&mut RowPainter<'_>),
) -> Response {
    let (rect, response) =
        ui.allocate_exact_size(egui::vec2(ui.available_width(), height), Sense::click());
    let is_cut = paint_row(ui, rect, Some(&response), selected, paint);
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, selected, name));
    if is_cut {
        response.on_hover_text(name)
    } else {
        response
    }
}

/// A row that is only read.
pub fn plain_row(ui: &mut Ui, name: &str, paint: impl FnOnce(&mut RowPainter<'_>)) -> Response {
    let (rect, response) =
        ui.allocate_exact_size(egui::vec2(ui.available_width(), size::ROW), Sense::hover());
    let is_cut = paint_row(ui, rect, None, false, paint);
    response.widget_info(|| WidgetInfo::labeled(Role::ListItem, true, name));
    if is_cut {
        response.on_hover_text(name)
    } else {
        response
    }
}

/// The names of the columns.
pub fn head(ui: &mut Ui, cells: &[(f32, f32, Align, &str)]) {
    let (rect, response) =
        ui.allocate_exact_size(egui::vec2(ui.available_width(), size::ROW), Sense::hover());
    paint_row(ui, rect, None, false, |row| {
        for (from, to, align, text) in cells {
            let style = CellStyle {
                font: font::small(),
                color: row.tokens.faint,
                align: *align,
            };
            row.text(*from, *to, text, &style);
        }
    });
    let names: Vec<&str> = cells.iter().map(|cell| cell.3).collect();
    response.widget_info(|| WidgetInfo::labeled(Role::ColumnHeader, true, names.join(", ")));
}

fn paint_row(
    ui: &Ui,
    rect: Rect,
    response: Option<&Response>,
    selected: bool,
    paint: impl FnOnce(&mut RowPainter<'_>),
) -> bool {
    if !ui.is_rect_visible(rect) {
        return false;
    }
    let t = tokens(ui);
    let painter = ui.painter();
    if selected {
        painter.rect_filled(rect, 0.0, t.hover);
    } else if response.is_some_and(Response::hovered) {
        painter.rect_filled(rect, 0.0, t.raised);
    }
    let mut row = RowPainter {
        painter,
        rect,
        tokens: t,
        is_cut: false,
    };
    paint(&mut row);
    let is_cut = row.is_cut;
    if response.is_some_and(Response::has_focus) {
        painter.rect_stroke(
            rect.shrink(1.0),
            3.0,
            Stroke::new(1.5, t.act),
            StrokeKind::Inside,
        );
    }
    is_cut
}

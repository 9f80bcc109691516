//! One row of the list: marks in the gutter, columns, message.

use super::columns::{Column, GUTTER, Look, Places};
use super::merged::{mark_of, moment, own_boot};
use super::message::{self, Layout};
use super::row_menu;
use super::{folding, marks};
use crate::engine::logs::view::{LogCrash, LogRow, LogSpan, SpanKind};
use crate::engine::queries::log_summary::LogOverview;
use crate::model::log::{LogLevel, LogRecord, RowKind};
use crate::ui::theme::{Tokens, font, size, tokens};
use crate::ui::widgets::marker;
use crate::ui::widgets::row::{CellStyle, RowPainter};
use crate::ui::words;
use egui::{Align, Color32, CursorIcon, Galley, Pos2, Rect, Role, Sense, Ui, WidgetInfo};
use std::sync::Arc;

/// Room for "open crash".
const LINK: f32 = 92.0;

/// What rows of one frame have in common.
pub(super) struct Rows<'a> {
    /// How they are shown.
    pub(super) look: &'a Look,
    /// Where their columns are.
    pub(super) places: Places,
    /// The log that they are of.
    pub(super) overview: &'a LogOverview,
    /// Text that is marked in a row, with its number.
    pub(super) marked: Option<&'a (u64, String)>,
}

/// What a person did to a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Done {
    /// Chose it.
    Selected {
        /// Together with all rows from the one chosen before.
        extends: bool,
    },
    /// Asked for the crash that begins there.
    Crash(i64),
    /// Unfolded it, or folded what begins there.
    Fold,
    /// Asked what an address is.
    Address(LogSpan),
    /// Chose from its menu.
    Chosen(row_menu::Choice),
}

/// How a row stands among the others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    /// Its index among those shown.
    pub(super) at: u64,
    /// It is selected.
    pub(super) is_selected: bool,
}

impl Rows<'_> {
    fn crash_of(&self, row: &LogRow) -> Option<&LogCrash> {
        self.overview.summary.crashes.get(row.crash?)
    }

    /// The message as it is shown, laid out for a row of this width.
    fn message(&self, ui: &Ui, row: &LogRow, width: f32) -> (String, Arc<Galley>) {
        let t = tokens(ui);
        let crash = self.crash_of(row);
        let (text, color, spans) = match crash {
            Some(crash) if !crash.headline.is_empty() => {
                (crash.headline.replace('`', ""), t.crash, &[][..])
            }
            _ => {
                let (text, color) = message_of(t, row);
                (text, color, row.spans.as_slice())
            }
        };
        let link = match (crash, folding::link_words(row)) {
            (Some(_), _) => LINK,
            (None, Some(words)) => link_width(ui, &words),
            (None, None) => 0.0,
        };
        let layout = Layout {
            text_size: self.look.text_size,
            color,
            width: width - self.places.message - size::M - link,
            wraps: self.look.wraps,
        };
        let galley = message::galley(ui, &text, spans, &layout);
        (text, galley)
    }

    /// Height of a row in a list of this width.
    pub(super) fn height(&self, ui: &Ui, row: &LogRow, width: f32) -> f32 {
        let one = self.look.row_height();
        if !self.look.wraps {
            return one;
        }
        let (_, galley) = self.message(ui, row, width);
        let lines = galley.rows.len().max(1);
        one + galley.size().y * (lines - 1) as f32 / lines as f32
    }

    /// Draws a row.
    pub(super) fn row_ui(
        &self,
        ui: &mut Ui,
        rect: Rect,
        standing: Standing,
        row: &LogRow,
    ) -> Option<Done> {
        let t = tokens(ui);
        let id = ui.scope_id().with(("log row", standing.at));
        let response = ui.interact(rect, id, Sense::click());
        let part = self.overview.summary.parts.get(row.log);
        let of = part.map_or_else(String::new, |part| format!(" of {}", part.name));
        let late = if row.is_out_of_order {
            ", out of order"
        } else {
            ""
        };
        let line = row.row.saturating_add(1);
        let marked = if row.bookmark { ", bookmarked" } else { "" };
        let name = format!("Line {line}{of}{late}{marked}: {}", row.record.message);
        response.widget_info(|| {
            WidgetInfo::selected(Role::ListBoxOption, true, standing.is_selected, &name)
        });
        let crash = self.crash_of(row);
        let ground = match (standing.is_selected, crash.is_some(), response.hovered()) {
            (true, _, _) => Some(t.hover),
            (_, true, _) => Some(t.crash_bg),
            (_, _, true) => Some(t.raised),
            _ => None,
        };
        if let Some(ground) = ground {
            ui.painter().rect_filled(rect, 0.0, ground);
        }
        if row.starts_boot.is_some() {
            let stroke = egui::Stroke::new(1.0, t.act);
            ui.painter().hline(rect.x_range(), rect.top(), stroke);
        }
        let first_line =
            Rect::from_min_size(rect.min, egui::vec2(rect.width(), self.look.row_height()));
        self.columns_ui(ui, first_line, row);
        if row.is_out_of_order {
            late_ui(ui, first_line, standing.at);
        }
        if row.bookmark {
            marks::gutter_mark(ui, first_line);
        }
        let (text, galley) = self.message(ui, row, rect.width());
        let line_height = galley.size().y / galley.rows.len().max(1) as f32;
        let pos = Pos2::new(
            rect.left() + self.places.message,
            first_line.center().y - line_height / 2.0,
        );
        ui.painter().galley(pos, Arc::clone(&galley), t.text);
        let mut done = response.clicked().then(|| Done::Selected {
            extends: ui.input(|input| input.modifiers.shift),
        });
        let marked = self.marked.filter(|(number, _)| *number == row.position);
        let marked = marked.map(|(_, text)| text.as_str());
        response.context_menu(|ui| {
            if let Some(choice) = row_menu::menu_ui(ui, row, marked) {
                done = Some(Done::Chosen(choice));
                ui.close();
            }
        });
        if crash.is_none() {
            done = self::addresses_ui(ui, (&text, &row.spans), &galley, pos).or(done);
        }
        if let Some(id) = crash.and_then(|crash| crash.crash)
            && link_ui(ui, first_line, standing.at, "open crash")
        {
            done = Some(Done::Crash(id));
        }
        if crash.is_none()
            && let Some(words) = folding::link_words(row)
            && link_ui(ui, first_line, standing.at, &words)
        {
            done = Some(Done::Fold);
        }
        done
    }

    /// The time of a row: of merged logs the one that they share.
    fn time(&self, row: &LogRow) -> String {
        let summary = &self.overview.summary;
        match row.axis_ns.filter(|_| !summary.parts.is_empty()) {
            Some(ns) => moment(ns, summary.is_wall_clock),
            None => time(row),
        }
    }

    /// The mark of the log that a row is of.
    fn log_ui(ui: &Ui, rect: Rect, from: f32, row: &LogRow) {
        let (mark, color) = mark_of(tokens(ui), row.log);
        let center = Pos2::new(rect.left() + from + 5.0, rect.center().y);
        marker::paint(ui.painter(), center, mark, color);
    }

    fn columns_ui(&self, ui: &Ui, rect: Rect, row: &LogRow) {
        let t = tokens(ui);
        let mut cells = RowPainter {
            painter: ui.painter(),
            rect,
            tokens: t,
            is_cut: false,
        };
        let is_body = matches!(row.record.kind, RowKind::Continuation | RowKind::Data);
        for (column, from, to) in &self.places.columns {
            let (text, color) = match column {
                Column::Log => {
                    Self::log_ui(ui, rect, *from, row);
                    let part = self.overview.summary.parts.get(row.log);
                    let name = part.map_or_else(String::new, |part| part.name.clone());
                    let style = CellStyle {
                        font: font::small(),
                        color: t.muted,
                        align: Align::Min,
                    };
                    cells.text(*from + 14.0, *to - size::S, &name, &style);
                    continue;
                }
                Column::Line => (words::number(row.row.saturating_add(1)), t.faint),
                _ if is_body => continue,
                Column::Boot => {
                    let boot = own_boot(row, &self.overview.summary);
                    (boot.map_or_else(String::new, words::boot), t.faint)
                }
                Column::Time if row.is_out_of_order => (self.time(row), t.warn),
                Column::Time => (self.time(row), t.faint),
                Column::Level => match row.record.level {
                    Some(level) => (level.name().to_uppercase(), level_color(t, level)),
                    None => continue,
                },
                Column::Module => (row.record.module.clone(), t.muted),
            };
            let style = CellStyle {
                font: font::log(self.look.text_size),
                color,
                align: Align::Min,
            };
            cells.text(*from, *to - size::XS, &text, &style);
        }
    }
}

/// Marks a row whose time is before that of the row above.
fn late_ui(ui: &Ui, rect: Rect, at: u64) {
    let t = tokens(ui);
    let place = Rect::from_min_size(rect.min, egui::vec2(GUTTER, rect.height()));
    let center = place.center();
    let points = [(-4.0, 3.0), (4.0, 3.0), (0.0, -4.0)].map(|(x, y)| center + egui::vec2(x, y));
    let stroke = egui::Stroke::new(1.2, t.warn);
    ui.painter()
        .add(egui::Shape::closed_line(points.to_vec(), stroke));
    let id = ui.scope_id().with(("out of order", at));
    ui.interact(place, id, Sense::hover()).on_hover_text(
        "Out of order: its time is before that of the line above. It was written late, or a clock was set. It stays where it is in the file.",
    );
}

/// Addresses can be pointed at and clicked.
fn addresses_ui(
    ui: &Ui,
    (text, spans): (&str, &[LogSpan]),
    galley: &Galley,
    pos: Pos2,
) -> Option<Done> {
    let mut done = None;
    for (index, (rect, span)) in message::addresses(text, spans, galley, pos).enumerate() {
        let SpanKind::Address { symbol, .. } = &span.kind else {
            continue;
        };
        let id = ui.scope_id().with(("address", pos.y.to_bits(), index));
        let response = ui.interact(rect, id, Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Link, true, symbol));
        if response.clicked() {
            done = Some(Done::Address(span.clone()));
        }
        response
            .on_hover_cursor(CursorIcon::PointingHand)
            .on_hover_text(symbol);
    }
    done
}

/// Width of a link at the right end of a row.
fn link_width(ui: &Ui, words: &str) -> f32 {
    let painter = ui.painter();
    let galley = painter.layout_no_wrap(words.to_owned(), font::body(), Color32::WHITE);
    galley.size().x + size::M
}

fn link_ui(ui: &Ui, rect: Rect, at: u64, words: &str) -> bool {
    let t = tokens(ui);
    let width = link_width(ui, words);
    let place = Rect::from_min_max(
        Pos2::new(rect.right() - width - size::S, rect.top()),
        Pos2::new(rect.right() - size::S, rect.bottom()),
    );
    let id = ui.scope_id().with(("link of a row", at));
    let link = ui.interact(place, id, Sense::click());
    link.widget_info(|| WidgetInfo::labeled(Role::Link, true, words));
    let right = CellStyle {
        font: font::body(),
        color: t.act,
        align: Align::Max,
    };
    let mut painter = RowPainter {
        painter: ui.painter(),
        rect: place,
        tokens: t,
        is_cut: false,
    };
    painter.text(0.0, place.width() - size::S, words, &right);
    link.on_hover_cursor(CursorIcon::PointingHand).clicked()
}

/// The message on one line, and its colour.
pub(in crate::ui::panels) fn message_of(t: &Tokens, row: &LogRow) -> (String, Color32) {
    let record = &row.record;
    let more = if row.is_cut { " …" } else { "" };
    match record.kind {
        RowKind::Undecoded => (
            format!("{}  not decoded: {}", record.message, record.reason),
            t.warn,
        ),
        RowKind::Dropped => (format!("{} (by the device)", record.message), t.warn),
        RowKind::Data => {
            let folded = match row.n_folded {
                0 => String::new(),
                n => format!(
                    "   and {} of data",
                    words::count(n, "more line", "more lines")
                ),
            };
            (format!("{}{more}{folded}", record.message), t.faint)
        }
        RowKind::Record | RowKind::Continuation => {
            let color = match record.level {
                Some(LogLevel::Trace | LogLevel::Debug) => t.muted,
                _ => t.text,
            };
            (format!("{}{more}", record.message), color)
        }
    }
}

/// Colours of levels: red stays for crashes.
pub(in crate::ui::panels) fn level_color(t: &Tokens, level: LogLevel) -> Color32 {
    match level {
        LogLevel::Trace | LogLevel::Debug => t.faint,
        LogLevel::Info => t.muted,
        LogLevel::Warn => t.warn,
        LogLevel::Error | LogLevel::Fatal => t.error,
    }
}

/// `12.345`, or the time of day.
pub(in crate::ui::panels) fn time(row: &LogRow) -> String {
    time_of(&row.record)
}

/// The time of a record.
pub(super) fn time_of(record: &LogRecord) -> String {
    if let Some(ns) = record.uptime_ns {
        let millis = ns / 1_000_000;
        return format!("{}.{:03}", words::number(millis / 1000), millis % 1000);
    }
    if let Some(ns) = record.time_ns {
        let of_day = ns.rem_euclid(86_400_000_000_000) / 1_000_000;
        let seconds = of_day / 1000;
        return format!(
            "{:02}:{:02}:{:02}.{:03}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60,
            of_day % 1000
        );
    }
    record.stamp.clone()
}

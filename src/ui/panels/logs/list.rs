//! The rows.

use super::Logs;
use crate::engine::logs::view::{LogKey, LogRow};
use crate::engine::queries::log_rows::{LogPage, LogRowsQuery};
use crate::engine::queries::log_summary::LogOverview;
use crate::model::log::{LogLevel, RowKind};
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::{Tokens, font, size, tokens};
use crate::ui::widgets::row::{CellStyle, RowPainter};
use crate::ui::widgets::{card as cards, state, text};
use crate::ui::words;
use egui::{Align, Color32, Rect, Role, Sense, Ui, WidgetInfo, vec2};
use std::sync::Arc;

/// Height of a row.
pub(super) const ROW: f32 = 22.0;
/// Rows that are asked for at once.
const PAGE: u64 = 128;

impl Logs {
    pub(super) fn list_ui(
        &mut self,
        ctx: &mut ViewContext<'_>,
        ui: &mut Ui,
        rect: Rect,
        key: &LogKey,
        overview: &LogOverview,
    ) {
        cards::frame(ui, rect);
        let body = rect.shrink2(vec2(1.0, 4.0));
        self.height = body.height();
        let sight = self.list.in_sight(self.height, ROW, self.n_visible.max(1));
        let first_page = sight.first / PAGE;
        let last_page = sight.first.saturating_add(u64::from(sight.count)) / PAGE;
        let ask = |page: u64| {
            ctx.door.log_rows(&LogRowsQuery {
                key: key.clone(),
                stack: self.stack.clone(),
                first: page.saturating_mul(PAGE),
                count: 128,
                find: self.search.trim().to_owned(),
            })
        };
        let first = ask(first_page);
        if let Some(error) = first.error() {
            let error = error.to_owned();
            cards::inside(ui, body, "log rows", |ui| state::error(ui, &error));
            return;
        }
        let mut pages: Vec<Arc<LogPage>> = first.value().cloned().into_iter().collect();
        if last_page > first_page {
            pages.extend(ask(last_page).value().cloned());
        }
        let Some(page) = pages.first() else {
            cards::inside(ui, body, "log rows", |ui| {
                state::loading(ui, "Reading rows…");
            });
            return;
        };
        self.n_visible = page.counts.n_visible;
        self.n_by_chip.clone_from(&page.counts.by_chip);
        if self.n_visible == 0 {
            let advice = self.advice();
            cards::inside(ui, body, "log rows", |ui| {
                let n = self.stack.chips.len() as u64;
                state::empty(
                    ui,
                    &format!("No line matches {}", words::count(n, "filter", "filters")),
                    &advice,
                );
            });
            return;
        }
        let find = |at: u64| {
            let mut rows = pages.iter().filter_map(|page| {
                let index = usize::try_from(at.checked_sub(page.rows.first)?).ok()?;
                page.rows.rows.get(index)
            });
            rows.next()
        };
        if let Some((at, row @ None)) = &mut self.selected {
            *row = find(*at).cloned();
        }
        let selected = self.selected.as_ref().map(|(at, _)| *at);
        let mut clicked = None;
        let mut list = self.list;
        list.ui(ui, body, ROW, self.n_visible, |ui, place, at| {
            let Some(row) = find(at) else {
                let style = faint(tokens(ui));
                painter(ui, place).text(size::M, place.width(), "…", &style);
                return;
            };
            let response = row_ui(ctx, ui, place, (at, selected == Some(at)), row, overview);
            if response {
                clicked = Some((at, row.clone()));
            }
        });
        self.list = list;
        if let Some((at, row)) = clicked {
            self.selected = Some((at, Some(row)));
        }
    }

    /// Which filter lets nothing through, or how many the best of them does.
    fn advice(&self) -> String {
        let by_chip = self.stack.chips.iter().zip(&self.n_by_chip);
        let best = by_chip.max_by_key(|(_, n)| **n);
        match best {
            Some((chip, n)) if *n > 0 && self.stack.chips.len() > 1 => {
                format!(
                    "{} alone has {}. Switch the others off.",
                    super::bar::words_of(chip),
                    words::number(*n)
                )
            }
            _ => "Remove it to see every line.".to_owned(),
        }
    }
}

fn painter(ui: &Ui, rect: Rect) -> RowPainter<'_> {
    RowPainter {
        painter: ui.painter(),
        rect,
        tokens: tokens(ui),
        is_cut: false,
    }
}

fn faint(t: &Tokens) -> CellStyle {
    CellStyle {
        font: font::mono(),
        color: t.faint,
        align: Align::Min,
    }
}

/// Draws a row; true when it was clicked.
fn row_ui(
    ctx: &mut ViewContext<'_>,
    ui: &mut Ui,
    rect: Rect,
    (at, is_selected): (u64, bool),
    row: &LogRow,
    overview: &LogOverview,
) -> bool {
    let t = tokens(ui);
    let response = ui.interact(rect, ui.scope_id().with(("log row", at)), Sense::click());
    let name = format!("Line {}: {}", row.row.saturating_add(1), row.record.message);
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, is_selected, &name));
    let crash = row
        .crash
        .and_then(|index| overview.summary.crashes.get(index));
    if is_selected {
        ui.painter().rect_filled(rect, 0.0, t.hover);
    } else if crash.is_some() {
        ui.painter().rect_filled(rect, 0.0, t.crash_bg);
    } else if response.hovered() {
        ui.painter().rect_filled(rect, 0.0, t.raised);
    }
    if row.starts_boot.is_some() {
        ui.painter()
            .hline(rect.x_range(), rect.top(), egui::Stroke::new(1.0, t.act));
    }
    let wide = rect.width() > 640.0;
    let (time_end, level_end, module_end) = if wide {
        (110.0, 164.0, 280.0)
    } else {
        (96.0, 146.0, 146.0)
    };
    let mut cells = painter(ui, rect);
    let style = |color: Color32| CellStyle {
        font: font::mono(),
        color,
        align: Align::Min,
    };
    let is_body = matches!(row.record.kind, RowKind::Continuation | RowKind::Data);
    if !is_body {
        cells.text(size::M, time_end, &time(row), &style(t.faint));
        if let Some(level) = row.record.level {
            cells.text(
                time_end,
                level_end,
                &level.name().to_uppercase(),
                &style(level_color(t, level)),
            );
        }
        if wide {
            cells.text(
                level_end,
                module_end - size::S,
                &row.record.module,
                &style(t.muted),
            );
        }
    }
    let link_room = if crash.is_some() { 92.0 } else { 0.0 };
    let end = rect.width() - size::M - link_room;
    let (message, color) = match crash {
        Some(crash) if !crash.headline.is_empty() => (crash.headline.replace('`', ""), t.crash),
        _ => message_of(t, row),
    };
    if let (Some(span), None) = (row.spans.first(), crash) {
        mark_match(ui, rect, module_end, &message, span);
    }
    cells.text(module_end, end, &message, &style(color));
    if let Some(id) = crash.and_then(|crash| crash.crash) {
        let place = Rect::from_min_max(
            egui::pos2(rect.right() - link_room - size::S, rect.top()),
            egui::pos2(rect.right() - size::S, rect.bottom()),
        );
        let link = ui.interact(
            place,
            ui.scope_id().with(("open crash", at)),
            Sense::click(),
        );
        link.widget_info(|| WidgetInfo::labeled(Role::Link, true, "open crash"));
        let right = CellStyle {
            font: font::body(),
            color: t.act,
            align: Align::Max,
        };
        painter(ui, place).text(0.0, place.width() - size::S, "open crash", &right);
        if link.clicked() {
            ctx.ui(UiCommand::OpenCrash(id));
        }
    }
    response.clicked()
}

/// Behind a match in the message.
fn mark_match(
    ui: &Ui,
    rect: Rect,
    left: f32,
    message: &str,
    span: &crate::engine::logs::view::LogSpan,
) {
    let t = tokens(ui);
    let width = |text: &str| {
        let galley = ui
            .painter()
            .layout_no_wrap(text.to_owned(), font::mono(), t.text);
        galley.size().x
    };
    let (Some(before), Some(found)) = (
        message.get(..span.range.start),
        message.get(span.range.clone()),
    ) else {
        return;
    };
    let from = rect.left() + left + width(before);
    let mark = Rect::from_x_y_ranges(
        from..=from + width(found),
        rect.top() + 3.0..=rect.bottom() - 3.0,
    );
    ui.painter().rect_filled(mark, 2.0, t.act_bg);
}

/// The message on one line, and its colour.
fn message_of(t: &Tokens, row: &LogRow) -> (String, Color32) {
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
pub(super) fn level_color(t: &Tokens, level: LogLevel) -> Color32 {
    match level {
        LogLevel::Trace | LogLevel::Debug => t.faint,
        LogLevel::Info => t.muted,
        LogLevel::Warn | LogLevel::Error | LogLevel::Fatal => t.warn,
    }
}

/// `12.345678`, or the time of day.
pub(super) fn time(row: &LogRow) -> String {
    if let Some(ns) = row.record.uptime_ns {
        let millis = ns / 1_000_000;
        return format!("{}.{:03}", words::number(millis / 1000), millis % 1000);
    }
    if let Some(ns) = row.record.time_ns {
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
    row.record.stamp.clone()
}

/// For the card beside the list.
pub(super) fn fact_ui(ui: &mut Ui, name: &str, value: &str) {
    if value.is_empty() {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.add_space(size::M);
        text::small(ui, name);
        text::mono(ui, value);
    });
}

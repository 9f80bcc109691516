//! The end of the log, as it comes. It can be paused; everything else that can be done with a log is on the Logs screen.

use super::words as live_words;
use crate::engine::live::board::Board;
use crate::engine::logs::view::LogRow;
use crate::engine::queries::log_rows::LogPage;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::panels::logs::{level_color, message_of, time};
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::card::{Title, card};
use crate::ui::widgets::row::{CellStyle, plain_row};
use crate::ui::widgets::{button, state};
use crate::ui::words;
use egui::{Align, Key, Modifiers, Pos2, Rect, ScrollArea, Ui};
use std::sync::Arc;

/// Rows that can be scrolled back through without leaving for the Logs screen.
const ROWS: u32 = 300;
/// Width of the columns, where a row of the page has something in them.
const TIME: f32 = 92.0;
const LEVEL: f32 = 52.0;
const MODULE: f32 = 92.0;
/// Width of what can be clicked in the title line.
const CONTROLS: f32 = 200.0;

/// Whether the end is followed.
#[derive(Default)]
pub(super) struct Tail {
    /// What stays in sight while it is paused.
    paused: Option<Arc<LogPage>>,
    toggles: bool,
    shows_end: bool,
    page: Option<Arc<LogPage>>,
}

/// Which columns the rows of a page need.
struct Columns {
    time: bool,
    level: bool,
    module: bool,
}

impl Tail {
    /// Pauses, or follows again.
    pub(super) fn toggle(&mut self) {
        self.toggles = !self.toggles;
    }

    /// The card.
    pub(super) fn ui(
        &mut self,
        ctx: &mut ViewContext<'_>,
        ui: &mut Ui,
        rect: Rect,
        board: &Board,
        link: &mut usize,
    ) {
        self.keys(ui);
        let log = board.links.get(*link).and_then(|link| link.log.clone());
        let answer = log.as_ref().map(|log| ctx.door.log_tail(log, ROWS));
        if let Some(page) = answer.as_ref().and_then(|answer| answer.value()) {
            self.page = Some(Arc::clone(page));
        }
        if std::mem::take(&mut self.toggles) {
            self.paused = match self.paused.take() {
                Some(_) => None,
                None => self.page.clone(),
            };
            self.shows_end = self.paused.is_none();
        }
        let page = self.paused.clone().or_else(|| self.page.clone());
        let n_rows = page.as_ref().map_or(0, |page| page.rows.n_visible);
        let detail = if n_rows == 0 {
            String::new()
        } else {
            words::count(n_rows, "line", "lines")
        };
        let detail = if self.paused.is_some() {
            format!("{detail} · paused: what comes is recorded all the same")
        } else {
            detail
        };
        let title = Title {
            title: "Log",
            detail: &detail,
            right: "",
        };
        card(ui, rect, title, |ui| {
            self.controls_ui(ctx, ui, rect, log.as_ref().map(|_log| *link), board);
            if board.links.len() > 1 {
                self.links_ui(ui, board, link);
            }
            match (&log, page) {
                (None, _) => state::empty(
                    ui,
                    "Nothing has come yet",
                    "If the board is running, check the baud rate, and that its output goes to this link.",
                ),
                (Some(_), None) => state::loading(ui, "Reading what came…"),
                (Some(_), Some(page)) => self.rows_ui(ui, &page),
            }
        });
    }

    /// Space pauses and follows, unless something has the focus that means something else by it.
    fn keys(&mut self, ui: &Ui) {
        let has_focus = ui.memory(|memory| memory.focused().is_some());
        if !has_focus && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Space)) {
            self.toggle();
        }
    }

    /// At the right end of the title line.
    fn controls_ui(
        &mut self,
        ctx: &mut ViewContext<'_>,
        ui: &mut Ui,
        rect: Rect,
        link: Option<usize>,
        board: &Board,
    ) {
        let Some(log) = link.and_then(|link| board.links.get(link)?.log.clone()) else {
            return;
        };
        let at = Rect::from_min_size(
            Pos2::new(rect.right() - CONTROLS - size::S, rect.top() + 2.0),
            egui::vec2(CONTROLS, size::CONTROL),
        );
        let clip = ui.clip_rect();
        ui.set_clip_rect(rect);
        let builder = egui::UiBuilder::new()
            .id_salt("log controls")
            .max_rect(at)
            .layout(egui::Layout::right_to_left(Align::Center));
        let mut corner = ui.new_child(builder);
        if button::link(&mut corner, "Open in Logs").clicked() {
            ctx.ui(UiCommand::OpenLog(log));
        }
        let (label, help) = if self.paused.is_some() {
            ("Follow", "Show what came since, and what comes (Space)")
        } else {
            ("Pause", "Keep what is in sight; recording goes on (Space)")
        };
        let pause = button::link(&mut corner, label).on_hover_text(help);
        ctx.part(&pause);
        if pause.clicked() {
            self.toggle();
        }
        ui.set_clip_rect(clip);
    }

    fn links_ui(&mut self, ui: &mut Ui, board: &Board, link: &mut usize) {
        ui.horizontal_wrapped(|ui| {
            ui.set_min_height(size::CONTROL);
            ui.add_space(size::S);
            for (at, one) in board.links.iter().enumerate() {
                let response = ui.selectable_label(at == *link, live_words::name(one));
                if response.clicked() && at != *link {
                    *link = at;
                    *self = Self::default();
                }
            }
        });
        ui.add_space(size::XS);
    }

    fn rows_ui(&mut self, ui: &mut Ui, page: &Arc<LogPage>) {
        let rows = &page.rows.rows;
        let columns = Columns {
            time: rows.iter().any(|row| !time(row).is_empty()),
            level: rows.iter().any(|row| row.record.level.is_some()),
            module: rows.iter().any(|row| !row.record.module.is_empty()),
        };
        let mut area = ScrollArea::vertical()
            .id_salt("live log")
            .auto_shrink(false)
            .stick_to_bottom(self.paused.is_none());
        if std::mem::take(&mut self.shows_end) {
            let above = size::ROW * rows.len() as f32 - ui.available_height();
            area = area.vertical_scroll_offset(above.max(0.0));
        }
        let shown = area.show_rows(ui, size::ROW, rows.len(), |ui, range| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for row in rows.get(range).unwrap_or(&[]) {
                row_ui(ui, &columns, row);
            }
        });
        // Whoever scrolls up wants to read: rows that come would move what is read.
        let is_over = ui.rect_contains_pointer(shown.inner_rect);
        let scrolls_up = is_over && ui.input(|input| input.smooth_scroll_delta().y > 0.0);
        if scrolls_up && self.paused.is_none() && shown.content_size.y > shown.inner_rect.height() {
            self.paused = Some(Arc::clone(page));
        }
    }
}

fn row_ui(ui: &mut Ui, columns: &Columns, row: &LogRow) {
    let t = tokens(ui);
    let (message, color) = message_of(t, row);
    let is_crash = row.crash.is_some();
    let name = format!("Line {}: {}", row.row.saturating_add(1), row.record.message);
    plain_row(ui, &name, |cells| {
        let style = |color| CellStyle {
            font: font::mono(),
            color,
            align: Align::Min,
        };
        let mut from = size::M;
        let mut column = |is_there: bool, width: f32| {
            let place = is_there.then_some((from, from + width - size::S));
            from += if is_there { width } else { 0.0 };
            place
        };
        let (at, level, module) = (
            column(columns.time, TIME),
            column(columns.level, LEVEL),
            column(columns.module, MODULE),
        );
        if let Some((from, to)) = at {
            cells.text(from, to, &time(row), &style(t.faint));
        }
        if let Some(((from, to), level)) = level.zip(row.record.level) {
            let words = level.name().to_uppercase();
            cells.text(from, to, &words, &style(level_color(t, level)));
        }
        if let Some((from, to)) = module {
            cells.text(from, to, &row.record.module, &style(t.muted));
        }
        let color = if is_crash { t.crash } else { color };
        cells.text(from, cells.width() - size::M, &message, &style(color));
    });
}

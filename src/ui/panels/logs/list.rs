//! The rows in sight, asked for page by page.

use super::Logs;
use super::density::Place;
use super::filter_words::words_in;
use super::gutter;
use super::row::{Done, Rows, Standing};
use super::selection::Selected;
use crate::engine::logs::moment::Moments;
use crate::engine::logs::view::{LogKey, LogRow};
use crate::engine::queries::log_rows::{LogPage, LogRowsQuery};
use crate::engine::queries::log_summary::LogOverview;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, tokens};
use crate::ui::widgets::virtual_list::{BAR, VirtualList};
use crate::ui::widgets::{button, card as cards, state, wrapped_list};
use crate::ui::words;
use egui::{Rect, Ui, vec2};
use std::sync::Arc;

/// Rows that are asked for at once.
const PAGE: u64 = 128;
/// Rows above those in sight that are there too: turning the wheel up has to know how high they are.
const ABOVE: u64 = 32;

/// The rows that are there, by their index among those shown.
struct Pages(Vec<Arc<LogPage>>);

impl Pages {
    fn row(&self, at: u64) -> Option<&LogRow> {
        let mut rows = self.0.iter().filter_map(|page| {
            let index = usize::try_from(at.checked_sub(page.rows.first)?).ok()?;
            page.rows.rows.get(index)
        });
        rows.next()
    }
}

/// What the list needs to draw a row of any height.
struct Drawing<'a> {
    pages: &'a Pages,
    rows: Rows<'a>,
    selected: Option<&'a Selected>,
    width: f32,
    done: Option<(u64, Done)>,
}

impl wrapped_list::Rows for Drawing<'_> {
    fn height(&mut self, ui: &Ui, at: u64) -> f32 {
        match self.pages.row(at) {
            Some(row) => self.rows.height(ui, row, self.width),
            None => self.rows.look.row_height(),
        }
    }

    fn draw(&mut self, ui: &mut Ui, place: Rect, at: u64) {
        let Some(row) = self.pages.row(at) else {
            let pos = place.left_center() + vec2(self.rows.places.message, 0.0);
            let align = egui::Align2::LEFT_CENTER;
            ui.painter()
                .text(pos, align, "…", font::mono(), tokens(ui).faint);
            return;
        };
        let standing = Standing {
            at,
            is_selected: self.selected.is_some_and(|selected| selected.holds(at)),
        };
        if let Some(done) = self.rows.row_ui(ui, place, standing, row) {
            self.done = Some((at, done));
        }
    }
}

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
        let (body, strip) = rect
            .shrink2(vec2(1.0, 4.0))
            .split_left_right_at_x(rect.right() - 1.0 - gutter::WIDTH);
        self.height = body.height();
        if self.waits_for_messages() {
            cards::inside(ui, body, "log rows", |ui| {
                state::loading(ui, "Counting messages…");
            });
            return;
        }
        let pages = match self.pages(ctx, key) {
            Ok(pages) => pages,
            Err(error) => {
                cards::inside(ui, body, "log rows", |ui| state::error(ui, &error));
                return;
            }
        };
        let Some(page) = pages.0.first() else {
            cards::inside(ui, body, "log rows", |ui| {
                state::loading(ui, "Reading rows…");
            });
            return;
        };
        self.n_visible = page.counts.n_visible;
        self.counts.clone_from(&page.counts);
        if self.n_visible == 0 {
            self.nothing_ui(ui, body, &Moments::from(&overview.density));
            return;
        }
        if let Some(selected) = &mut self.selected
            && selected.row.is_none()
        {
            selected.row = pages.row(selected.at).cloned();
        }
        let width = body.width() - BAR;
        let mut drawing = Drawing {
            pages: &pages,
            rows: Rows {
                look: &self.look,
                places: self.look.places(ui, width),
                overview,
                marked: self.marked.as_ref(),
            },
            selected: self.selected.as_ref(),
            width,
            done: None,
        };
        let mut list = self.list;
        if self.follows_end {
            list.go_to_end(self.n_visible);
        }
        self.n_whole = draw_list(&mut list, ui, body, self.n_visible, &mut drawing);
        let done = drawing.done;
        self.list = list;
        self.gutter_ui(ctx, ui, strip, key);
        self.mark_on_lane(ui, body, &pages);
        // Whoever scrolled up wants to read there.
        self.follows_end &= list.top.saturating_add(self.n_whole) >= self.n_visible;
        match done {
            Some((at, Done::Selected { extends })) => {
                self.choose_row(at, extends, pages.row(at).cloned());
            }
            Some((at, Done::Fold)) => {
                if let Some(row) = pages.row(at) {
                    self.toggle_fold(at, row);
                }
            }
            Some((_, Done::Crash(id))) => ctx.ui(UiCommand::OpenCrash(id)),
            Some((at, Done::Chosen(choice))) => {
                if let Some(row) = pages.row(at) {
                    self.choose_row(at, false, Some(row.clone()));
                    self.chosen(choice, row);
                }
            }
            Some((at, Done::Address(span))) => {
                self.choose_row(at, false, pages.row(at).cloned());
                self.look_up(&span, pages.row(at), overview);
            }
            None => {}
        }
        if ui.rect_contains_pointer(body)
            && let zoom = ui.input(|input| input.zoom_delta())
            && zoom != 1.0
        {
            self.look.resize(if zoom > 1.0 { 1.0 } else { -1.0 });
        }
    }

    /// Notes which rows the lane marks: those in sight, and the one under the pointer.
    fn mark_on_lane(&mut self, ui: &Ui, body: Rect, pages: &Pages) {
        let first = self.list.top;
        let last = first
            .saturating_add(self.n_whole.saturating_sub(1))
            .min(self.n_visible.saturating_sub(1));
        let timed = |rows: &mut dyn Iterator<Item = u64>| {
            let rows: Vec<&LogRow> = rows.filter_map(|at| pages.row(at)).collect();
            let has_time = rows.iter().find(|row| row.axis_ns.is_some());
            has_time.or(rows.first()).map(|row| Place::from(*row))
        };
        // A line without a time has none on the lane; the nearest that has one stands for it.
        let from = timed(&mut (first..=last));
        let to = timed(&mut (first..=last).rev());
        self.marks.sight = from.zip(to);
        let pointer = ui.input(|input| input.pointer.hover_pos());
        let pointer = pointer.filter(|pos| body.contains(*pos) && ui.rect_contains_pointer(body));
        let height = self.look.row_height();
        self.marks.pointed = pointer.filter(|_| !self.look.wraps).and_then(|pos| {
            let below = f64::from(pos.y - body.top() + self.list.scrolled_out());
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "rows of one screen"
            )]
            let n = (below / f64::from(height)).max(0.0) as u64;
            pages.row(first.saturating_add(n)).map(Place::from)
        });
    }

    /// The pages around what is in sight; an error when there is none.
    fn pages(&self, ctx: &ViewContext<'_>, key: &LogKey) -> Result<Pages, String> {
        let sight = self
            .list
            .in_sight(self.height, self.look.row_height(), self.n_visible.max(1));
        let first = sight.first.saturating_sub(ABOVE) / PAGE;
        let last = sight.first.saturating_add(u64::from(sight.count)) / PAGE;
        let mut pages = Vec::new();
        for page in first..=last {
            let answer = ctx.door.log_rows(&LogRowsQuery {
                key: key.clone(),
                stack: self.shown_stack(),
                first: page.saturating_mul(PAGE),
                count: 128,
                find: self.sought().map(|chip| chip.filter),
            });
            if let Some(error) = answer.error() {
                return Err(error.to_owned());
            }
            pages.extend(answer.value().cloned());
        }
        Ok(Pages(pages))
    }

    /// True when what is in sight is there.
    pub(super) fn are_pages_there(&self, ctx: &ViewContext<'_>, key: &LogKey) -> bool {
        let pages = self.pages(ctx, key);
        pages.is_ok_and(|pages| !pages.0.is_empty())
    }

    /// Says which filter alone would show how much, and removes the one that hides everything.
    fn nothing_ui(&mut self, ui: &mut Ui, body: Rect, moments: &Moments) {
        let chips = &self.stack.chips;
        let n = chips.len() as u64;
        let mut removed = None;
        cards::inside(ui, body, "log rows", |ui| {
            if n == 0 {
                let advice = "The file has no line yet.";
                state::empty(ui, "The log is empty", advice);
                return;
            }
            let filters = words::count(n, "filter", "filters");
            let by_chip = chips.iter().zip(&self.counts.by_chip);
            let best = by_chip.max_by_key(|(_, n)| **n);
            let alone = best
                .filter(|(_, n)| **n > 0 && chips.len() > 1)
                .map_or_else(String::new, |(chip, n)| {
                    format!(
                        "; {} alone has {}",
                        words_in(chip, moments, &self.merging.parts),
                        words::number(*n)
                    )
                });
            // The last one that alone hides what the others show: of several, the newest was most likely too much.
            let without = (0_usize..).zip(&self.counts.without);
            let worst = without
                .filter(|(_, n)| **n > 0)
                .max_by_key(|(index, n)| (**n, *index));
            let headline = format!("No line matches {filters}{alone}");
            let worst = worst.and_then(|(index, n)| Some((index, *n, chips.get(index)?)));
            if let Some((index, n, chip)) = worst {
                let name = words_in(chip, moments, &self.merging.parts);
                let left = words::count(n, "line", "lines");
                state::empty(
                    ui,
                    &headline,
                    &format!("Without {name} there would be {left}."),
                );
                state::padded(ui, |ui| {
                    if button::quiet(ui, &format!("Remove {name}")).clicked() {
                        removed = Some(Some(index));
                    }
                });
                return;
            }
            let advice = if n == 1 {
                "Remove it to see every line."
            } else {
                "No single filter is the reason: each of several hides every line that the others show."
            };
            state::empty(ui, &headline, advice);
            state::padded(ui, |ui| {
                if button::quiet(ui, "Remove all filters").clicked() {
                    removed = Some(None);
                }
            });
        });
        match removed {
            Some(Some(index)) => self.remove_chip(index),
            Some(None) => {
                self.stack.chips.clear();
                self.changed();
            }
            None => {}
        }
    }
}

/// Draws the list with rows of one height or of several; how many are in sight as a whole.
fn draw_list(
    list: &mut VirtualList,
    ui: &mut Ui,
    rect: Rect,
    n_rows: u64,
    drawing: &mut Drawing<'_>,
) -> u64 {
    use wrapped_list::Rows as _;
    let row_height = drawing.rows.look.row_height();
    if drawing.rows.look.wraps {
        return list.wrapped_ui(ui, rect, row_height, n_rows, drawing);
    }
    list.ui(ui, rect, row_height, n_rows, |ui, place, at| {
        drawing.draw(ui, place, at);
    });
    VirtualList::page(rect.height(), row_height)
}

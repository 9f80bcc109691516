//! A list of any length: its position is a row (64 bits) and a part of a row, so that it is exact at a hundred million rows,
//! where pixels as floating-point numbers are not. Rows out of sight are never touched.

use crate::ui::theme::tokens;
use egui::{Id, Pos2, Rect, Response, Role, Sense, Ui, WidgetInfo};

/// Width of the scroll bar.
pub const BAR: f32 = 12.0;
/// The smallest thumb that can be grabbed.
const SMALLEST_THUMB: f32 = 24.0;

/// Where a list stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct VirtualList {
    /// First row in sight.
    pub top: u64,
    /// Points of it that are scrolled out.
    pub(super) sub: f32,
}

/// A part of a whole, between 0 and 1: exact enough for a place on screen, whatever the numbers.
pub fn share(part: u64, whole: u64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "a place on screen")]
    let share = (part as f64 / whole.max(1) as f64) as f32;
    share.clamp(0.0, 1.0)
}

/// The part of the list that is in sight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InSight {
    /// First row.
    pub first: u64,
    /// Rows, the last one perhaps in part.
    pub count: u32,
}

impl VirtualList {
    /// Points of the first row that are out of sight.
    pub fn scrolled_out(&self) -> f32 {
        self.sub
    }

    /// Rows that fit whole.
    pub fn page(height: f32, row_height: f32) -> u64 {
        // The height of a screen: no value is lost.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a screen has some hundred rows"
        )]
        let n = (height / row_height).floor().max(1.0) as u64;
        n
    }

    /// What is in sight of `n_rows`.
    pub fn in_sight(&self, height: f32, row_height: f32, n_rows: u64) -> InSight {
        let count = Self::page(height + self.sub, row_height).saturating_add(2);
        let count = count.min(n_rows.saturating_sub(self.top));
        InSight {
            first: self.top,
            count: u32::try_from(count).unwrap_or(u32::MAX),
        }
    }

    /// The greatest first row: then the last row stands at the bottom.
    fn last_top(height: f32, row_height: f32, n_rows: u64) -> u64 {
        n_rows.saturating_sub(Self::page(height, row_height))
    }

    /// Moves by points, down when positive.
    pub fn scroll(&mut self, points: f32, height: f32, row_height: f32, n_rows: u64) {
        let moved = self.sub + points;
        let rows = (moved / row_height).floor();
        self.sub = moved - rows * row_height;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a turn of the wheel is some rows"
        )]
        let rows = rows as i64;
        match self.top.checked_add_signed(rows) {
            Some(top) => self.top = top,
            None => *self = Self::default(),
        }
        self.clamp(height, row_height, n_rows);
    }

    /// Goes to a row, with some rows above it.
    pub fn go_to(&mut self, row: u64, height: f32, row_height: f32, n_rows: u64) {
        let page = Self::page(height, row_height);
        let is_in_sight = row >= self.top && row < self.top.saturating_add(page);
        if !is_in_sight {
            self.top = row.saturating_sub(page / 3);
            self.sub = 0.0;
        }
        self.clamp(height, row_height, n_rows);
    }

    /// Brings a row into sight with as little movement as that takes.
    pub fn reveal(&mut self, row: u64, n_whole: u64) {
        let n_whole = n_whole.max(1);
        if row < self.top {
            self.top = row;
            self.sub = 0.0;
        } else if row >= self.top.saturating_add(n_whole) {
            self.top = row.saturating_sub(n_whole.saturating_sub(1));
        }
    }

    /// Goes to the end: what is too far is brought back when it is drawn.
    pub fn go_to_end(&mut self, n_rows: u64) {
        self.top = n_rows.saturating_sub(1);
        self.sub = 0.0;
    }

    /// Moves by pages and rows.
    pub fn move_by(&mut self, rows: i64, pages: i64, height: f32, row_height: f32, n_rows: u64) {
        let page = i64::try_from(Self::page(height, row_height)).unwrap_or(1);
        let by = rows.saturating_add(pages.saturating_mul(page));
        self.top = self.top.saturating_add_signed(by);
        self.sub = 0.0;
        self.clamp(height, row_height, n_rows);
    }

    fn clamp(&mut self, height: f32, row_height: f32, n_rows: u64) {
        let last = Self::last_top(height, row_height, n_rows);
        if self.top >= last {
            self.top = last;
            self.sub = 0.0;
        }
    }

    /// Draws the rows in sight and the scroll bar. `row` draws one into its place.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        row_height: f32,
        n_rows: u64,
        mut row: impl FnMut(&mut Ui, Rect, u64),
    ) {
        let height = rect.height();
        self.clamp(height, row_height, n_rows);
        let rows_rect = Rect::from_min_max(rect.min, Pos2::new(rect.right() - BAR, rect.bottom()));
        if ui.rect_contains_pointer(rect) {
            let wheel = ui.input(|input| input.smooth_scroll_delta.y);
            if wheel != 0.0 {
                self.scroll(-wheel, height, row_height, n_rows);
            }
        }
        self.bar_ui(ui, rect, row_height, n_rows);
        let sight = self.in_sight(height, row_height, n_rows);
        let clip = ui.clip_rect().intersect(rows_rect);
        let before = ui.clip_rect();
        ui.set_clip_rect(clip);
        for n in 0..sight.count {
            let top = rows_rect.top() - self.sub + n as f32 * row_height;
            let place = Rect::from_min_size(
                Pos2::new(rows_rect.left(), top),
                egui::vec2(rows_rect.width(), row_height),
            );
            if place.top() < rows_rect.bottom() {
                row(ui, place, sight.first.saturating_add(u64::from(n)));
            }
        }
        ui.set_clip_rect(before);
    }

    /// The scroll bar: its thumb at the very bottom is the very last row.
    pub(super) fn bar_ui(&mut self, ui: &Ui, rect: Rect, row_height: f32, n_rows: u64) -> Response {
        let bar = Rect::from_min_max(Pos2::new(rect.right() - BAR, rect.top()), rect.max);
        let id: Id = ui.scope_id().with("scroll bar");
        let response = ui.interact(bar, id, Sense::click_and_drag());
        let last = Self::last_top(rect.height(), row_height, n_rows);
        response.widget_info(|| {
            WidgetInfo::labeled(
                Role::ScrollBar,
                true,
                format!("Row {} of {n_rows}", self.top),
            )
        });
        if last == 0 {
            return response;
        }
        let in_sight = share(Self::page(rect.height(), row_height), n_rows);
        let thumb = (bar.height() * in_sight)
            .max(SMALLEST_THUMB)
            .min(bar.height());
        let room = bar.height() - thumb;
        if let Some(pointer) = response.interact_pointer_pos()
            && room > 0.0
        {
            let at = f64::from(((pointer.y - bar.top() - thumb / 2.0) / room).clamp(0.0, 1.0));
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 0 and the last row"
            )]
            let top = (at * last as f64).round() as u64;
            self.top = top.min(last);
            self.sub = 0.0;
        }
        let at = share(self.top, last);
        let place = Rect::from_min_size(
            Pos2::new(bar.left() + 3.0, bar.top() + at * room),
            egui::vec2(BAR - 6.0, thumb),
        );
        let t = tokens(ui);
        let color = if response.hovered() || response.dragged() {
            t.faint
        } else {
            t.line
        };
        ui.painter().rect_filled(place, (BAR - 6.0) / 2.0, color);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::VirtualList;
    use egui::{Event, Modifiers, MouseWheelUnit, PointerButton, TouchPhase, pos2, vec2};
    use egui_kittest::Harness;

    const ROWS: u64 = 100_000_000;
    const HEIGHT: f32 = 600.0;
    const ROW: f32 = 22.0;

    #[test]
    fn the_last_of_a_hundred_million_rows_is_reached_exactly_by_every_way() {
        let page = VirtualList::page(HEIGHT, ROW);
        let last = ROWS - page;
        let mut list = VirtualList::default();
        list.go_to(ROWS - 1, HEIGHT, ROW, ROWS);
        assert_eq!(list.top, last);
        list.scroll(-ROW, HEIGHT, ROW, ROWS);
        assert_eq!(list.top, last - 1);
        list.scroll(1e9, HEIGHT, ROW, ROWS);
        assert_eq!(list.top, last);
        list.move_by(0, -1, HEIGHT, ROW, ROWS);
        assert_eq!(list.top, last - page);
        list.move_by(0, 1, HEIGHT, ROW, ROWS);
        assert_eq!(list.top, last);
        list.move_by(i64::MIN, 0, HEIGHT, ROW, ROWS);
        assert_eq!(list.top, 0);
        // A thousand small turns of the wheel are exact, wherever they begin.
        list.top = 50_000_001;
        for _ in 0..1000 {
            list.scroll(ROW * 0.25, HEIGHT, ROW, ROWS);
        }
        assert_eq!(list.top, 50_000_251);
    }

    /// A list in a window, and the rows that its last frame drew.
    #[derive(Default)]
    struct Shown {
        list: VirtualList,
        rows: Vec<u64>,
    }

    fn window() -> Harness<'static, Shown> {
        let mut harness = Harness::builder()
            .with_size([500.0, HEIGHT])
            .build_ui_state(
                |ui, shown: &mut Shown| {
                    let rect = ui.ctx().content_rect();
                    shown.rows.clear();
                    let rows = &mut shown.rows;
                    shown.list.ui(ui, rect, ROW, ROWS, |ui, place, row| {
                        assert!(place.intersects(rect));
                        ui.painter().rect_filled(place, 0.0, egui::Color32::GRAY);
                        rows.push(row);
                    });
                },
                Shown::default(),
            );
        harness.run();
        harness
    }

    #[test]
    fn wheel_and_bar_reach_the_last_of_a_hundred_million_rows_and_draw_a_screen_of_them() {
        let mut harness = window();
        let bar = |y: f32| pos2(500.0 - super::BAR / 2.0, y);
        let page = usize::try_from(VirtualList::page(HEIGHT, ROW)).unwrap();
        // The thumb, dragged to the bottom.
        harness.event(Event::PointerMoved(bar(5.0)));
        let button = |pos, pressed| Event::PointerButton {
            pos,
            button: PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        };
        harness.event(button(bar(5.0), true));
        harness.run();
        harness.event(Event::PointerMoved(bar(HEIGHT)));
        harness.run();
        harness.event(button(bar(HEIGHT), false));
        harness.run();
        assert_eq!(harness.state().rows.last(), Some(&(ROWS - 1)));
        // The wheel, up and down again, each row once.
        harness.event(Event::PointerMoved(pos2(100.0, 100.0)));
        for (lines, last) in [(1000.0, false), (-1000.0, true)] {
            harness.event(Event::MouseWheel {
                unit: MouseWheelUnit::Point,
                delta: vec2(0.0, lines * ROW),
                phase: TouchPhase::Move,
                source: egui::MouseWheelSource::Wheel,
                modifiers: Modifiers::NONE,
            });
            for _ in 0..30 {
                harness.step();
                let rows = &harness.state().rows;
                assert!(rows.len() <= page + 2, "only what is in sight is drawn");
                assert!(rows.windows(2).all(|pair| pair[1] == pair[0] + 1));
            }
            assert_eq!(harness.state().rows.last() == Some(&(ROWS - 1)), last);
        }
        // Go to a row, and to the last.
        harness
            .state_mut()
            .list
            .go_to(77_777_777, HEIGHT, ROW, ROWS);
        harness.run();
        assert!(harness.state().rows.contains(&77_777_777));
        harness.state_mut().list.go_to(ROWS - 1, HEIGHT, ROW, ROWS);
        harness.run();
        assert_eq!(harness.state().rows.last(), Some(&(ROWS - 1)));
    }
}

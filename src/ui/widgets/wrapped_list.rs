//! The list of any length, with rows of different heights: only those in sight and a screen around them are measured, so
//! that it stays as exact and as quick at a hundred million rows.

use super::virtual_list::{BAR, VirtualList};
use egui::{Pos2, Rect, Ui};

/// Rows of a list whose heights differ.
pub trait Rows {
    /// Height of a row; of one that is not there yet, a guess.
    fn height(&mut self, ui: &Ui, row: u64) -> f32;
    /// Draws a row into its place.
    fn draw(&mut self, ui: &mut Ui, place: Rect, row: u64);
}

impl VirtualList {
    /// Draws the rows in sight and the scroll bar; `least` is the smallest height of a row. Answers how many rows are in
    /// sight as a whole.
    pub fn wrapped_ui(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        least: f32,
        n_rows: u64,
        rows: &mut dyn Rows,
    ) -> u64 {
        let height = rect.height();
        self.top = self.top.min(n_rows.saturating_sub(1));
        if ui.rect_contains_pointer(rect) {
            self.sub -= ui.input(|input| input.smooth_scroll_delta.y);
        }
        self.bar_ui(ui, rect, least, n_rows);
        self.settle(ui, n_rows, rows);
        self.keep_end(ui, (height, least), n_rows, rows);
        let area = Rect::from_min_max(rect.min, Pos2::new(rect.right() - BAR, rect.bottom()));
        let before = ui.clip_rect();
        ui.set_clip_rect(before.intersect(area));
        let mut top = area.top() - self.sub;
        let mut n_whole: u64 = 0;
        for row in self.top..n_rows {
            if top >= area.bottom() {
                break;
            }
            let size = egui::vec2(area.width(), rows.height(ui, row));
            let place = Rect::from_min_size(Pos2::new(area.left(), top), size);
            rows.draw(ui, place, row);
            top += size.y;
            n_whole = n_whole.saturating_add(u64::from(top <= area.bottom() + 0.5));
        }
        ui.set_clip_rect(before);
        n_whole
    }

    /// Brings the part of the first row that is scrolled out between 0 and its height.
    fn settle(&mut self, ui: &Ui, n_rows: u64, rows: &mut dyn Rows) {
        while self.sub < 0.0 {
            match self.top.checked_sub(1) {
                Some(above) => {
                    self.top = above;
                    self.sub += rows.height(ui, above);
                }
                None => self.sub = 0.0,
            }
        }
        while self.top.saturating_add(1) < n_rows {
            let height = rows.height(ui, self.top);
            if self.sub < height {
                return;
            }
            self.sub -= height;
            self.top = self.top.saturating_add(1);
        }
    }

    /// The last row stands at the bottom at the least.
    fn keep_end(&mut self, ui: &Ui, (height, least): (f32, f32), n_rows: u64, rows: &mut dyn Rows) {
        if n_rows.saturating_sub(self.top) > Self::page(height, least).saturating_add(1) {
            return;
        }
        let mut filled = 0.0;
        let mut top = n_rows;
        while filled < height
            && let Some(above) = top.checked_sub(1)
        {
            top = above;
            filled += rows.height(ui, above);
        }
        let sub = (filled - height).max(0.0);
        if self.top > top || (self.top == top && self.sub > sub) {
            (self.top, self.sub) = (top, sub);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Rows, VirtualList};
    use egui::{Rect, Ui};
    use egui_kittest::Harness;

    const N: u64 = 100_000_000;

    /// Rows of 20, 40 and 60 points in turn, and what the last frame drew.
    #[derive(Default)]
    struct Drawn {
        list: VirtualList,
        n_whole: u64,
        drawn: Vec<(u64, Rect)>,
    }

    struct Sizes<'a>(&'a mut Vec<(u64, Rect)>);

    fn height_of(row: u64) -> f32 {
        [20.0, 40.0, 60.0][usize::try_from(row % 3).unwrap()]
    }

    impl Rows for Sizes<'_> {
        fn height(&mut self, _ui: &Ui, row: u64) -> f32 {
            height_of(row)
        }
        fn draw(&mut self, _ui: &mut Ui, place: Rect, row: u64) {
            self.0.push((row, place));
        }
    }

    fn window() -> Harness<'static, Drawn> {
        Harness::builder().with_size([300.0, 310.0]).build_ui_state(
            |ui, state: &mut Drawn| {
                let rect = ui.ctx().content_rect();
                state.drawn.clear();
                let mut rows = Sizes(&mut state.drawn);
                state.n_whole = state.list.wrapped_ui(ui, rect, 20.0, N, &mut rows);
            },
            Drawn::default(),
        )
    }

    #[test]
    fn rows_follow_each_other_without_a_gap_and_the_last_stands_at_the_bottom() {
        let mut harness = window();
        for top in [0, 1, 33_333_333, N - 20, N - 1] {
            harness.state_mut().list.top = top;
            harness.run();
            let state = harness.state();
            for pair in state.drawn.windows(2) {
                assert_eq!(pair[1].0, pair[0].0 + 1);
                assert!((pair[1].1.top() - pair[0].1.bottom()).abs() < 0.01);
            }
            assert!(state.drawn.last().unwrap().1.bottom() >= 310.0);
            assert!(state.drawn.len() < 12, "only what is in sight is drawn");
        }
        let (row, place) = *harness.state().drawn.last().unwrap();
        assert_eq!((row, place.bottom()), (N - 1, 310.0));
    }

    #[test]
    fn turning_the_wheel_forth_and_back_ends_where_it_began() {
        let mut harness = window();
        harness.state_mut().list.top = 50_000_001;
        harness.run();
        let first = harness.state().list;
        for points in [7.0, 33.0, 210.0, 1000.0] {
            harness.state_mut().list.sub += points;
            harness.run();
            assert!(harness.state().list != first);
            assert!(harness.state().list.sub < height_of(harness.state().list.top));
            harness.state_mut().list.sub -= points;
            harness.run();
            assert_eq!(harness.state().list.top, first.top);
            assert!((harness.state().list.sub - first.sub).abs() < 0.1);
        }
    }
}

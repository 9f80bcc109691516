//! The strip beside the scroll bar: where in all of the rows shown the matches, the errors and the crashes are.

use super::Logs;
use crate::engine::logs::view::LogKey;
use crate::engine::queries::log_gutter::{Gutter, GutterMark, LogGutterQuery};
use crate::ui::context::ViewContext;
use crate::ui::theme::tokens;
use crate::ui::words;
use egui::{CursorIcon, Pos2, Rect, Role, Sense, Ui, WidgetInfo, vec2};

/// Width of the strip.
pub(super) const WIDTH: f32 = 10.0;
/// Height of a mark.
const MARK: f32 = 2.0;
/// So near to a mark a click means it.
const NEAR: f32 = 5.0;

impl Logs {
    /// Draws the strip; goes to the mark that was clicked.
    pub(super) fn gutter_ui(&mut self, ctx: &ViewContext<'_>, ui: &Ui, strip: Rect, key: &LogKey) {
        let height = strip.height().max(1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the height of a screen"
        )]
        let n_buckets = (height / MARK) as u32;
        let answer = ctx.door.log_gutter(&LogGutterQuery {
            key: key.clone(),
            stack: self.stack.clone(),
            find: self.sought(),
            n_buckets,
        });
        let Some(gutter) = answer.value() else { return };
        let t = tokens(ui);
        let half = WIDTH / 2.0;
        let top = |mark: &GutterMark| {
            strip.top() + height * mark.bucket as f32 / gutter.n_buckets.max(1) as f32
        };
        let left = strip.left();
        // Matches stand left, errors right, crashes over both: nothing hides behind another.
        for (marks, x, width, color) in [
            (&gutter.matches, left, half, t.act),
            (&gutter.errors, left + half, half - 1.0, t.error),
            (&gutter.crashes, left, WIDTH - 1.0, t.crash),
        ] {
            for mark in marks {
                let high = if width > half { MARK + 1.0 } else { MARK };
                let place = Rect::from_min_size(Pos2::new(x, top(mark)), vec2(width, high));
                ui.painter().rect_filled(place, 0.0, color);
            }
        }
        let id = ui.scope_id().with("gutter");
        let response = ui.interact(strip, id, Sense::click());
        let name = said(gutter);
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &name));
        let Some(pointer) = response.hover_pos() else {
            return;
        };
        let all = gutter
            .matches
            .iter()
            .chain(&gutter.errors)
            .chain(&gutter.crashes);
        let nearest = all
            .map(|mark| (mark.at, (top(mark) + MARK / 2.0 - pointer.y).abs()))
            .filter(|(_, distance)| *distance <= NEAR)
            .min_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((at, _)) = nearest {
            ui.ctx().set_cursor_icon(CursorIcon::PointingHand);
            if response.clicked() {
                self.go_to(at);
            }
        }
        response.on_hover_text(name);
    }
}

/// What there is in all.
fn said(gutter: &Gutter) -> String {
    let n = |marks: &[GutterMark]| marks.iter().map(|mark| mark.n).sum::<u64>();
    let crashes = words::count(n(&gutter.crashes), "crash", "crashes");
    let errors = words::count(n(&gutter.errors), "error", "errors");
    let matches = words::count(n(&gutter.matches), "match", "matches");
    format!("Along the lines shown: {matches} (left), {errors} (right), {crashes}")
}

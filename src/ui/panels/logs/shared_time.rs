//! The log and the charts show the same instant, as far as it is known what time it was in the log.

use super::{Logs, density};
use crate::engine::logs::filter::LogFilter;
use crate::engine::logs::moment::Moments;
use crate::engine::logs::view::DensityAxis;
use crate::engine::logs::wall_clock::WallClock;
use crate::engine::queries::log_summary::LogOverview;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::shared_time::TimeMove;
use crate::ui::widgets::button;
use egui::{Rect, Ui};

impl Logs {
    /// Marks the shared time on the lane, and points at the time of what the pointer is on: the lane or a row.
    pub(super) fn share_time(
        &mut self,
        ctx: &mut ViewContext<'_>,
        ui: &Ui,
        lane: Rect,
        overview: &LogOverview,
    ) {
        let clock = WallClock::of(&overview.summary, &overview.density);
        let time = ctx.nav.time;
        self.marks.cursor = time.cursor_ns.and_then(|ns| clock.axis_ns(ns));
        self.marks.chosen = chosen_on(&clock, time.chosen_ns);
        let moved = ui.input(|input| input.pointer.hover_pos().filter(|_| has_moved(input)));
        let Some(pointer) = moved else { return };
        let at = if ui.rect_contains_pointer(lane) {
            Some(density::at(lane, &overview.density, pointer.x))
        } else {
            self.marks.pointed.and_then(|place| place.ns)
        };
        if let Some(ns) = at.and_then(|at| clock.wall_ns(at)) {
            ctx.ui(UiCommand::Time(TimeMove::PointAt(ns)));
        }
    }

    /// Offers to show only the lines of the time that was chosen in a chart.
    pub(super) fn chosen_ui(
        &mut self,
        ctx: &ViewContext<'_>,
        ui: &mut Ui,
        overview: Option<&LogOverview>,
    ) {
        let Some(overview) = overview else { return };
        let clock = WallClock::of(&overview.summary, &overview.density);
        let Some((from_ns, to_ns)) = chosen_on(&clock, ctx.nav.time.chosen_ns) else {
            return;
        };
        let filter = LogFilter::Time { from_ns, to_ns };
        if self.stack.chips.iter().any(|chip| chip.filter == filter) {
            return;
        }
        let moments = Moments::from(&overview.density);
        let words = |ns: i64| match overview.density.axis {
            DensityAxis::Wall => {
                let text = moments.text(ns);
                text.get(..16).unwrap_or(&text).to_owned()
            }
            _ => moments.text(ns),
        };
        let label = format!(
            "Only the chosen time, {} to {}",
            words(from_ns),
            words(to_ns)
        );
        if button::link(ui, &label).clicked() {
            self.add(filter);
        }
    }
}

/// True in a frame in which the pointer moved: a cursor that keys moved is not taken back by a pointer that rests.
fn has_moved(input: &egui::InputState) -> bool {
    let is_move = |event: &egui::Event| matches!(event, egui::Event::PointerMoved(_));
    input.events.iter().any(is_move)
}

/// The part of a log that a chosen time covers, on the axis of the log.
fn chosen_on(clock: &WallClock, chosen: Option<(i64, i64)>) -> Option<(i64, i64)> {
    let (from, to) = chosen?;
    let (first, last) = clock.span()?;
    if to < first || last < from {
        return None;
    }
    let from = clock.axis_ns(from.max(first))?;
    let to = clock.axis_ns(to.min(last))?;
    (from <= to).then_some((from, to))
}

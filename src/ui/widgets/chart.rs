//! Charts along the time: bands and lines of what was worked out before, a point or two a pixel. All charts show the same time,
//! and where the cursor is on one it is on all of them, and on the log: see `ui/shared_time.rs`.

use crate::engine::logs::moment::Moments;
use crate::engine::logs::view::DensityAxis;
use crate::ui::shared_time::{SharedTime, Span, TimeMove, dragged};
use crate::ui::theme::{Tokens, font, size, tokens};
use crate::ui::words;
use egui::{Color32, PointerButton, Rect, Ui};
use egui_plot::{
    FilledArea, GridInput, GridMark, HoverPosition, Line, Plot, PlotPoints, PlotUi, VLine,
};
use std::ops::RangeInclusive;

const SECOND: f64 = 1e9;
const DAY_NS: i64 = 86_400 * 1_000_000_000;
/// A drag that is shorter is a click.
const SHORTEST_DRAG: f32 = 4.0;
/// Steps of the axis, in seconds: from a second to 8 weeks.
const STEPS: [f64; 18] = [
    1.0,
    5.0,
    15.0,
    30.0,
    60.0,
    300.0,
    900.0,
    1800.0,
    3600.0,
    7200.0,
    21_600.0,
    43_200.0,
    86_400.0,
    172_800.0,
    604_800.0,
    1_209_600.0,
    2_419_200.0,
    4_838_400.0,
];
/// Room for the numbers at the left, the same in all charts, so that their times stand one below the other.
const LEFT: f32 = 56.0;

/// The time of charts: what there is, and what all screens show of it.
#[derive(Clone, Copy, Debug)]
pub struct Time {
    /// First and last time, nanoseconds since 1970.
    pub whole_ns: Span,
    /// Cursor, sight and choice of all screens.
    pub shared: SharedTime,
}

impl Time {
    /// What is in sight.
    pub fn sight_ns(&self) -> Span {
        self.shared.sight(self.whole_ns)
    }

    /// True when nothing that there is is in sight.
    pub fn is_elsewhere(&self) -> bool {
        let (from, to) = self.sight_ns();
        to < self.whole_ns.0 || self.whole_ns.1 < from
    }

    /// The day on which the span begins: round numbers of a chart are round times.
    fn base_ns(&self) -> i64 {
        self.whole_ns.0.div_euclid(DAY_NS).saturating_mul(DAY_NS)
    }

    /// Seconds since the beginning of that day: what a chart counts.
    pub fn x(&self, ns: i64) -> f64 {
        ns.saturating_sub(self.base_ns()) as f64 / SECOND
    }

    /// The time at a place of a chart.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a place of the axis, which spans less than an i64"
    )]
    pub fn ns(&self, x: f64) -> i64 {
        self.base_ns().saturating_add((x * SECOND) as i64)
    }

    fn moments(&self) -> Moments {
        Moments {
            axis: DensityAxis::Wall,
            span: self.whole_ns,
            boots: Vec::new(),
        }
    }

    /// `2026-06-03 14:00`, to the minute.
    pub fn words(&self, ns: i64) -> String {
        let text = self.moments().text(ns);
        text.get(..16).unwrap_or(&text).to_owned()
    }
}

/// Where a chart is on screen, and what was done on it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shown {
    /// Where the first time in sight is, in points from the left edge of the screen.
    pub from_left: f32,
    /// The same of the last time.
    pub to_right: f32,
    /// What the pointer did to the shared time.
    pub moves: Vec<TimeMove>,
    /// A time that was clicked.
    pub clicked_ns: Option<i64>,
}

/// One chart.
pub struct Chart<'a> {
    /// What it is called for a screen reader, and the salt of its id.
    pub name: &'a str,
    /// The time it shows.
    pub time: Time,
    /// Height in points.
    pub height: f32,
    /// How a value is written at the left.
    pub value: &'a dyn Fn(f64) -> String,
    /// What is said where the pointer is, of a time.
    pub said: &'a dyn Fn(i64) -> String,
    /// Whether the times stand below.
    pub has_times: bool,
    /// Values that are in sight whatever is shown.
    pub includes: &'a [f64],
}

impl Chart<'_> {
    /// Draws it. `draw` adds what is in sight: the values at the left fit themselves to it.
    pub fn show(&self, ui: &mut Ui, draw: impl FnOnce(&mut PlotUi<'_>, &Tokens)) -> Shown {
        let t = tokens(ui);
        let time = self.time;
        let sight = time.sight_ns();
        let begin = time.x(sight.0);
        let end = time.x(sight.1).max(begin + 1.0);
        let moments = time.moments();
        let mut plot = Plot::new(("chart", self.name))
            .height(self.height)
            .show_background(false)
            // What the pointer does changes the time of all charts, not of this one: see `moves_of`.
            .allow_zoom(false)
            .allow_scroll(false)
            .allow_drag(false)
            .allow_boxed_zoom(false)
            .allow_double_click_reset(false)
            .allow_axis_zoom_drag(false)
            .auto_bounds([false, true])
            .show_y(false)
            .set_margin_fraction(egui::vec2(0.0, 0.08))
            .default_x_bounds(begin, end)
            .grid_color(t.line)
            .cursor_color(t.muted)
            .show_axes([self.has_times, true])
            .y_axis_min_width(LEFT)
            .x_grid_spacer(spacer)
            .y_grid_spacer(values)
            .x_axis_formatter(move |mark: GridMark, _: &RangeInclusive<f64>| {
                #[expect(clippy::cast_possible_truncation, reason = "a step of the axis")]
                let step = (mark.step_size * SECOND) as i64;
                label(&moments, time.ns(mark.value), step)
            })
            .y_axis_formatter(|mark: GridMark, _: &RangeInclusive<f64>| (self.value)(mark.value))
            .label_formatter(|hover: &HoverPosition<'_>| {
                let (HoverPosition::NearDataPoint { position, .. }
                | HoverPosition::Elsewhere { position }) = hover;
                Some((self.said)(time.ns(position.x)))
            });
        for value in self.includes {
            plot = plot.include_y(*value);
        }
        let shown = ui
            .scope(|ui| {
                let styles = &mut ui.style_mut().text_styles;
                styles.insert(egui::TextStyle::Body, font::small());
                ui.visuals_mut().override_text_color = Some(t.faint);
                plot.show(ui, |plot| {
                    plot.set_plot_bounds_x(begin..=end);
                    draw(plot, t);
                    if let Some(ns) = time.shared.cursor_ns {
                        plot.vline(mark("cursor", time.x(ns), t.muted));
                    }
                })
            })
            .inner;
        let role = egui::Role::Image;
        shown
            .response
            .widget_info(|| egui::WidgetInfo::labeled(role, true, self.name));
        let frame = *shown.transform.frame();
        paint_chosen(ui, t, frame, sight, time.shared.chosen_ns);
        let (moves, clicked_ns) = moves_of(ui, t, &shown.response, frame, &time);
        Shown {
            from_left: frame.left(),
            to_right: frame.right(),
            moves,
            clicked_ns,
        }
    }
}

/// The time below a point of a strip or chart that shows a span.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a share of a span of nanoseconds"
)]
pub fn ns_at(x: egui::Rangef, (from, to): Span, at: f32) -> i64 {
    let share = f64::from((at - x.min) / x.span().max(1.0)).clamp(0.0, 1.0);
    from.saturating_add((to.saturating_sub(from) as f64 * share) as i64)
}

/// Where a time is on it; beyond its ends for what is not in sight.
#[expect(clippy::cast_possible_truncation, reason = "a place on the screen")]
pub fn x_at(x: egui::Rangef, (from, to): Span, ns: i64) -> f32 {
    let width = to.saturating_sub(from).max(1) as f64;
    let share = (ns.saturating_sub(from) as f64 / width).clamp(-1.0, 2.0);
    x.min + x.span() * share as f32
}

fn paint_chosen(ui: &Ui, t: &Tokens, frame: Rect, sight: Span, chosen: Option<Span>) {
    let Some((from, to)) = chosen else { return };
    let x = |ns| x_at(frame.x_range(), sight, ns);
    let drawn = Rect::from_x_y_ranges(x(from)..=x(to), frame.y_range());
    let painter = ui.painter().with_clip_rect(frame.intersect(ui.clip_rect()));
    painter.rect_filled(drawn, 0.0, t.act.gamma_multiply(0.12));
}

/// What the pointer does to the time: a drag zooms, with Shift it chooses; the right or the middle button moves along; the wheel
/// with Ctrl zooms, sideways it moves along; a double click shows everything. The same on a chart and on a strip above it.
pub fn moves_of(
    ui: &Ui,
    t: &Tokens,
    response: &egui::Response,
    frame: Rect,
    time: &Time,
) -> (Vec<TimeMove>, Option<i64>) {
    let mut moves = Vec::new();
    let sight = time.sight_ns();
    let ns = |x: f32| ns_at(frame.x_range(), sight, x);
    let (has_moved, origin, shift) = ui.input(|input| {
        let is_move = |event: &egui::Event| matches!(event, egui::Event::PointerMoved(_));
        let has_moved = input.events.iter().any(is_move);
        (
            has_moved,
            input.pointer.press_origin(),
            input.modifiers.shift,
        )
    });
    let pointer = response.interact_pointer_pos().or(response.hover_pos());
    if let Some(pos) = response
        .hover_pos()
        .filter(|pos| has_moved && frame.contains(*pos))
    {
        moves.push(TimeMove::PointAt(ns(pos.x)));
    }
    for button in [PointerButton::Secondary, PointerButton::Middle] {
        let delta = response.drag_delta().x;
        if response.dragged_by(button) && delta != 0.0 {
            let share = f64::from(-delta / frame.width().max(1.0));
            moves.push(time.shared.panned(time.whole_ns, share));
        }
    }
    // Where a drag began is known only while the button is held.
    let drag = response.id.with("dragged from");
    if response.drag_started_by(PointerButton::Primary)
        && let Some(origin) = origin
    {
        ui.data_mut(|data| data.insert_temp(drag, origin.x));
    }
    let from: Option<f32> = ui.data(|data| data.get_temp(drag));
    if let (Some(from), Some(pos)) = (from, pointer) {
        let x = from.clamp(frame.left(), frame.right())..=pos.x.clamp(frame.left(), frame.right());
        let (low, high) = (x.start().min(*x.end()), x.start().max(*x.end()));
        if response.dragged_by(PointerButton::Primary) {
            let drawn = Rect::from_x_y_ranges(low..=high, frame.y_range());
            let painter = ui.painter().with_clip_rect(frame.intersect(ui.clip_rect()));
            painter.rect_filled(drawn, 0.0, t.act.gamma_multiply(0.25));
        } else if response.drag_stopped() {
            let span = dragged(ns(low), ns(high)).filter(|_| high - low >= SHORTEST_DRAG);
            moves.extend(span.map(|span| {
                if shift {
                    TimeMove::Choose(Some(span))
                } else {
                    TimeMove::Look(span)
                }
            }));
        }
    }
    if from.is_some() && !response.dragged() {
        ui.data_mut(|data| data.remove::<f32>(drag));
    }
    if response.double_clicked() {
        moves.push(TimeMove::Fit);
    }
    if response.contains_pointer()
        && let Some(pos) = response.hover_pos()
    {
        let (zoom, scroll) = ui.input(|input| (input.zoom_delta(), input.smooth_scroll_delta.x));
        if zoom > 0.0 && zoom != 1.0 {
            let factor = f64::from(1.0 / zoom);
            moves.push(time.shared.zoomed(time.whole_ns, factor, ns(pos.x)));
        } else if scroll != 0.0 {
            let share = f64::from(-scroll / frame.width().max(1.0));
            moves.push(time.shared.panned(time.whole_ns, share));
        }
    }
    let clicked = response.clicked().then_some(pointer).flatten();
    (moves, clicked.map(|pos| ns(pos.x)))
}

/// `14:00`, or the day where it begins.
fn label(moments: &Moments, ns: i64, step: i64) -> String {
    let is_day = ns.rem_euclid(DAY_NS) == 0;
    let text = moments.short(ns, if is_day { DAY_NS } else { step });
    // The year is the same all along.
    if is_day {
        text.get(5..).unwrap_or(&text).to_owned()
    } else {
        text
    }
}

/// Marks at round times.
#[expect(clippy::needless_pass_by_value, reason = "as the plot calls it")]
fn spacer(input: GridInput) -> Vec<GridMark> {
    let (from, to) = input.bounds;
    let least = (to - from) / 9.0;
    let found = STEPS.iter().position(|step| *step >= least);
    let index = found.unwrap_or(STEPS.len() - 1);
    let step = STEPS.get(index).copied().unwrap_or(86_400.0);
    let mut marks = Vec::new();
    let mut at = (from / step).ceil() * step;
    while at <= to && marks.len() < 200 {
        marks.push(GridMark {
            value: at,
            step_size: step,
        });
        at += step;
    }
    marks
}

/// Marks at three or four round values.
#[expect(clippy::needless_pass_by_value, reason = "as the plot calls it")]
fn values(input: GridInput) -> Vec<GridMark> {
    let (from, to) = input.bounds;
    let least = (to - from) / 4.0;
    if !least.is_finite() || least <= 0.0 {
        return Vec::new();
    }
    let power = 10_f64.powf(least.log10().floor());
    let factors = [1.0, 2.0, 5.0, 10.0];
    let fits = |factor: &f64| factor * power >= least;
    let step = power * factors.into_iter().find(fits).unwrap_or(10.0);
    let first = (from / step).ceil();
    let marks = (0..8).map(|n| (first + f64::from(n)) * step);
    marks
        .take_while(|value| *value <= to)
        .map(|value| GridMark {
            value,
            step_size: step,
        })
        .collect()
}

/// A line through places that belong together; nothing is drawn across a gap.
pub fn line<'a>(name: &str, places: Vec<[f64; 2]>, color: Color32, width: f32) -> Line<'a> {
    Line::new(name, PlotPoints::from(places))
        .color(color)
        .width(width)
        // What is given is drawn: it was thinned out before.
        .allow_band(false)
        .allow_hover(false)
}

/// The room between two lines.
pub fn area(name: &str, xs: &[f64], low: &[f64], high: &[f64], color: Color32) -> FilledArea {
    FilledArea::new(name, xs, low, high)
        .fill_color(color)
        .stroke(egui::Stroke::NONE)
        .allow_hover(false)
}

/// A mark at a time.
pub fn mark(name: &str, x: f64, color: Color32) -> VLine {
    VLine::new(name, x)
        .color(color)
        .width(1.0)
        .allow_hover(false)
}

/// Says how a chart is used, once below a group of them.
pub fn help_ui(ui: &mut Ui) {
    ui.add_space(size::XS);
    super::state::padded(ui, |ui| {
        super::text::small(
            ui,
            "Drag to zoom in, double click to see everything. Shift and a drag choose the time that numbers are of. Times are UTC.",
        )
    });
}

/// A number with three significant digits and no more zeros than it needs: `34.6`, `-57`, `0.0123`.
pub fn digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 {
            "0".to_owned()
        } else {
            value.to_string()
        };
    }
    let magnitude = value.abs().log10().floor();
    if magnitude >= 6.0 {
        return format!("{value:.2e}");
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 9"
    )]
    let n_decimals = (2.0 - magnitude).clamp(0.0, 9.0) as usize;
    let text = format!("{value:.n_decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        whole_words(value)
    }
}

/// A sum: whole ones to their last digit, others as [`digits`].
pub fn sum_words(sum: f64) -> String {
    // Above, a float does not tell neighbours apart.
    let is_whole = sum.fract() == 0.0 && sum.abs() < 9e15;
    if is_whole {
        whole_words(sum)
    } else {
        digits(sum)
    }
}

/// `-12,345`: the nearest whole number.
fn whole_words(value: f64) -> String {
    let rounded = value.round();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "less than 9e15, without its sign"
    )]
    let number = words::number(rounded.abs() as u64);
    let sign = if rounded < 0.0 { "-" } else { "" };
    format!("{sign}{number}")
}

#[cfg(test)]
mod tests {
    use super::{digits, sum_words};

    #[test]
    fn numbers_have_three_digits_that_count() {
        for (value, text) in [
            (0.0, "0"),
            (34.555_5, "34.6"),
            (-57.0, "-57"),
            (83.7, "83.7"),
            (0.012_345, "0.0123"),
            (1_243_983.0, "1.24e6"),
            (86_400.0, "86,400"),
            (2.0, "2"),
            (-12_345.4, "-12,345"),
            (999_999.0, "999,999"),
        ] {
            assert_eq!(digits(value), text);
        }
        assert_eq!(sum_words(1_243_983.0), "1,243,983");
        assert_eq!(sum_words(-0.0), "0");
        assert_eq!(sum_words(12_345.678), "12,346");
        assert_eq!(sum_words(1e17), digits(1e17));
    }
}

//! Charts along the time: bands and lines of what was worked out before, a point or two a pixel. All charts of one group
//! show the same time, and where the pointer is on one it is on all of them.

use crate::engine::logs::moment::Moments;
use crate::engine::logs::view::DensityAxis;
use crate::ui::theme::{Tokens, font, size, tokens};
use egui::{Color32, Id, PointerButton, Ui};
use egui_plot::{
    FilledArea, GridInput, GridMark, HoverPosition, Line, Plot, PlotPoints, PlotUi, VLine,
};
use std::ops::RangeInclusive;

const SECOND: f64 = 1e9;
const DAY_NS: i64 = 86_400 * 1_000_000_000;
/// Steps of the axis, in seconds: from a minute to 4 weeks.
const STEPS: [f64; 14] = [
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

/// The time of a group of charts.
#[derive(Clone, Copy, Debug)]
pub struct Time {
    /// First and last time, nanoseconds since 1970.
    pub span_ns: (i64, i64),
    /// Names the group.
    pub group: &'static str,
}

impl Time {
    /// The day on which the span begins: round numbers of a chart are round times.
    fn base_ns(&self) -> i64 {
        self.span_ns.0.div_euclid(DAY_NS).saturating_mul(DAY_NS)
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
            span: self.span_ns,
            boots: Vec::new(),
        }
    }

    /// `2026-06-03 14:00`, to the minute.
    pub fn words(&self, ns: i64) -> String {
        let text = self.moments().text(ns);
        text.get(..16).unwrap_or(&text).to_owned()
    }
}

/// What of a chart is in sight, and where on screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sight {
    /// First and last time, nanoseconds since 1970.
    pub span_ns: (i64, i64),
    /// Where they are, in points from the left edge of the screen.
    pub from_left: f32,
    /// The same of the last time.
    pub to_right: f32,
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
    /// Draws it.
    pub fn show(&self, ui: &mut Ui, draw: impl FnOnce(&mut PlotUi<'_>, &Tokens)) -> Sight {
        let t = tokens(ui);
        let time = self.time;
        let begin = time.x(time.span_ns.0);
        let end = time.x(time.span_ns.1).max(begin + 1.0);
        let group = Id::unique(("charts", time.group));
        let moments = time.moments();
        let mut plot = Plot::new(("chart", time.group, self.name))
            .height(self.height)
            .link_axis(group, [true, false])
            .link_cursor(group, [true, false])
            .show_background(false)
            .allow_scroll(false)
            .allow_drag(false)
            .allow_axis_zoom_drag(false)
            .boxed_zoom_pointer_button(PointerButton::Primary)
            .show_y(false)
            .set_margin_fraction(egui::vec2(0.0, 0.08))
            .default_x_bounds(begin, end)
            // A double click shows all of it, whatever part was asked for.
            .include_x(begin)
            .include_x(end)
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
                    draw(plot, t);
                    plot.plot_bounds()
                })
            })
            .inner;
        let role = egui::Role::Image;
        shown
            .response
            .widget_info(|| egui::WidgetInfo::labeled(role, true, self.name));
        let bounds = shown.inner;
        Sight {
            span_ns: (time.ns(bounds.min()[0]), time.ns(bounds.max()[0])),
            from_left: shown.transform.frame().left(),
            to_right: shown.transform.frame().right(),
        }
    }
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
            "Drag a rectangle to zoom in, Ctrl and the wheel zoom, a double click shows everything. Times are UTC.",
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
        text
    }
}

#[cfg(test)]
mod tests {
    use super::digits;

    #[test]
    fn numbers_have_three_digits_that_count() {
        for (value, text) in [
            (0.0, "0"),
            (34.555_5, "34.6"),
            (-57.0, "-57"),
            (83.7, "83.7"),
            (0.012_345, "0.0123"),
            (1_243_983.0, "1.24e6"),
            (86_400.0, "86400"),
            (2.0, "2"),
        ] {
            assert_eq!(digits(value), text);
        }
    }
}

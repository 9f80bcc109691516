//! The band: where most devices are at each hour, and one device as a line over it.

use super::Fleet;
use crate::engine::fleet::compared::Standing;
use crate::engine::fleet::totals::Totals;
use crate::engine::fleet::view::{Band, BandPoint, FleetSummary};
use crate::model::metric::{MetricDefinition, MetricKind};
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::data::Answer;
use crate::ui::panels::device::lanes;
use crate::ui::panels::time_bar;
use crate::ui::shared_time::{Span, TimeMove};
use crate::ui::theme::size;
use crate::ui::widgets::chart::{Chart, Time, area, digits, line, sum_words};
use crate::ui::widgets::{button, card as cards, field, state, text};
use crate::ui::words;
use egui::{Color32, Rect, Ui};
use egui_plot::PlotUi;

/// Height of what stands above and below the chart.
const REST: f32 = 122.0;
/// Widths of the field for a device and of the link that edits the metric.
const DEVICE_FIELD: f32 = 150.0;
const EDIT_LINK: f32 = 60.0;
const HOUR_NS: i64 = 3_600_000_000_000;
const DAY_NS: i64 = 86_400_000_000_000;

impl Fleet {
    pub(super) fn band_ui(
        &mut self,
        ctx: &mut ViewContext<'_>,
        ui: &mut Ui,
        rect: Rect,
        summary: &FleetSummary,
        metric: &MetricDefinition,
    ) {
        let unit = metric.unit.as_deref().unwrap_or_default();
        let title = cards::Title {
            title: &metric.name,
            detail: metric.description.as_deref().unwrap_or_default(),
            right: unit,
        };
        cards::card(ui, rect, title, |ui| {
            ui.horizontal(|ui| {
                ui.add_space(size::M);
                self.choices_ui(ctx, ui, summary);
            });
            let Some(span_ns) = summary.span_ns else {
                return;
            };
            let mut time = time_bar::time_of(ctx, whole(span_ns));
            let by_day = self.by_day || is_hour_too_short(ui, &time);
            let version = self.version.as_deref();
            let totals = ctx.door.fleet_totals(&metric.name, by_day, version);
            let words = totals
                .value()
                .map(|totals| totals_words(&time, totals, metric));
            time_bar::time_bar_ui(ctx, ui, &time, |_, ui| {
                text::small(ui, words.unwrap_or_default());
            });
            let answer = ctx.door.fleet_band(&metric.name, by_day, version);
            let device = self.device.as_ref().map(|serial| {
                let metrics = [metric.name.clone()];
                ctx.door.device_timeline(serial, &metrics)
            });
            let device = device.and_then(|answer| answer.value().cloned());
            state::answer(ui, &answer, "Sorting devices…", |ui, band| {
                if band.points.iter().all(|point| point.quantiles.is_none()) {
                    let why = "No device of this version has a value of it.";
                    state::empty(ui, "Nothing to show", why);
                    return;
                }
                self.carry_out(ctx, &mut time, band);
                if time_bar::elsewhere_ui(ctx, ui, &time) {
                    return;
                }
                let value = |value: f64| digits(value);
                let said = |ns: i64| said(band, &time, ns, unit);
                let chart = Chart {
                    name: &format!("Band of {}", metric.name),
                    time,
                    height: (rect.height() - REST).max(60.0),
                    value: &value,
                    said: &said,
                    has_times: true,
                    includes: &[],
                };
                let n_pixels = lanes::pixels(ui);
                let shown = chart.show(ui, |plot, t| {
                    draw_band(plot, &time, band, t.series[0]);
                    if let Some(lane) = device.as_ref().and_then(|device| device.lanes.first()) {
                        lanes::lines(plot, &time, lane, n_pixels, t.series[1]);
                    }
                });
                let moves = shown.moves.into_iter();
                time_bar::send(
                    ctx,
                    moves.map(|change| whole_hours(change, by_day)).collect(),
                );
                self.legend_ui(ctx, ui, metric);
            });
        });
    }

    fn legend_ui(&self, ctx: &ViewContext<'_>, ui: &mut Ui, metric: &MetricDefinition) {
        let device = self.device.as_ref().map_or_else(String::new, |serial| {
            let chosen = ctx.nav.time.chosen_ns;
            let answer = ctx.door.fleet_standing(&metric.name, serial, chosen);
            format!(" · yellow line: {serial}{}", standing_words(&answer))
        });
        ui.horizontal(|ui| {
            ui.add_space(size::M);
            text::small(
                ui,
                format!(
                    "line: half of the devices are below · dark: the middle half · light: 5 to 95 %{device}"
                ),
            );
        });
    }

    /// Carries out what keys asked for, now that there are hours to go to.
    fn carry_out(&mut self, ctx: &mut ViewContext<'_>, time: &mut Time, band: &Band) {
        let next = |ns: i64, is_forward: bool| {
            let at = if is_forward {
                band.points.partition_point(|point| point.from_ns <= ns)
            } else {
                let before = band.points.partition_point(|point| point.from_ns < ns);
                before.checked_sub(1)?
            };
            band.points.get(at).map(|point| point.from_ns)
        };
        for change in std::mem::take(&mut self.moves) {
            if let Some(change) = time.shared.resolved(change, time.whole_ns, next) {
                time.shared.take(change);
                ctx.ui(UiCommand::Time(change));
            }
        }
    }

    fn choices_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui, summary: &FleetSummary) {
        for (by_day, label) in [(false, "By hour"), (true, "By day")] {
            if ui.selectable_label(self.by_day == by_day, label).clicked() {
                self.by_day = by_day;
            }
        }
        ui.add_space(size::M);
        if ui
            .selectable_label(self.version.is_none(), "All versions")
            .clicked()
        {
            self.version = None;
        }
        let with_hours = summary
            .versions
            .iter()
            .filter(|row| row.device_hours > 0.0 && !row.version.is_empty());
        for row in with_hours.take(6) {
            let is_chosen = self.version.as_deref() == Some(&*row.version);
            if ui.selectable_label(is_chosen, &row.version).clicked() {
                self.version = Some(row.version.clone());
            }
        }
        ui.add_space(size::M);
        if self.device.is_some() {
            if button::link(ui, "Hide the device").clicked() {
                self.device = None;
            }
        } else if ui.available_width() > DEVICE_FIELD + EDIT_LINK {
            let hint = "A device over it…";
            let response = field::line(
                ui,
                &mut self.wanted,
                "Device over the band",
                hint,
                DEVICE_FIELD,
            );
            let is_entered =
                response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            if is_entered && !self.wanted.trim().is_empty() {
                self.device = Some(self.wanted.trim().to_owned());
                self.wanted.clear();
            }
        }
        if ui.available_width() > EDIT_LINK && button::link(ui, "Unit…").clicked() {
            ctx.ui(UiCommand::EditMetric);
        }
    }
}

/// From the first hour that has a heartbeat to the end of the last one.
fn whole((first, last): Span) -> Span {
    (floor(first, HOUR_NS), ceil(last, HOUR_NS))
}

fn floor(ns: i64, width: i64) -> i64 {
    ns.div_euclid(width).saturating_mul(width)
}

/// The end of the hour or day that holds a time.
fn ceil(ns: i64, width: i64) -> i64 {
    floor(ns, width).saturating_add(width)
}

/// What is chosen on a band is whole hours or days: numbers are known of no less.
fn whole_hours(change: TimeMove, by_day: bool) -> TimeMove {
    let width = if by_day { DAY_NS } else { HOUR_NS };
    match change {
        TimeMove::Choose(Some((from, to))) => TimeMove::Choose(Some((
            floor(from, width),
            ceil(to.saturating_sub(1), width),
        ))),
        other => other,
    }
}

/// True where an hour is so much less than a pixel that days are shown.
fn is_hour_too_short(ui: &Ui, time: &Time) -> bool {
    let (from, to) = time.sight_ns();
    let n_hours = to.saturating_sub(from) / HOUR_NS;
    n_hours > i64::from(lanes::pixels(ui)).saturating_mul(2)
}

/// What there is in the time that was chosen, else in sight.
fn totals_words(time: &Time, totals: &Totals, metric: &MetricDefinition) -> String {
    let span = time.shared.chosen_ns.unwrap_or(time.sight_ns());
    let total = totals.of(span);
    let n = words::count(total.n, "value", "values");
    let (Some(mean), Some((least, most))) = (total.mean(), total.range) else {
        return n;
    };
    let unit = metric.unit.as_ref();
    let unit = unit.map_or_else(String::new, |unit| format!(" {unit}"));
    let sum = if metric.kind == MetricKind::Counter {
        format!(", {} in all", sum_words(total.sum))
    } else {
        String::new()
    };
    format!(
        "{n}{sum}, mean {}{unit}, least {}, most {}",
        digits(mean),
        digits(least),
        digits(most)
    )
}

/// The points in sight, and one more on either side: lines go on to the edge.
fn in_sight<'b>(band: &'b Band, time: &Time) -> &'b [BandPoint] {
    let (from, to) = time.sight_ns();
    let first = band.points.partition_point(|point| point.to_ns < from);
    let end = band.points.partition_point(|point| point.from_ns <= to);
    let range = first.saturating_sub(1)..end.saturating_add(1).min(band.points.len());
    band.points.get(range).unwrap_or_default()
}

/// Points without a gap between them.
fn draw_run(plot: &mut PlotUi<'_>, time: &Time, run: &[BandPoint], color: Color32) {
    let column = |index: usize| -> Vec<f64> {
        let value = |point: &BandPoint| {
            let value = point.quantiles.and_then(|all| all.get(index).copied());
            [value.unwrap_or(f64::NAN); 2]
        };
        run.iter().flat_map(value).collect()
    };
    let ends = |point: &BandPoint| [time.x(point.from_ns), time.x(point.to_ns)];
    let xs: Vec<f64> = run.iter().flat_map(ends).collect();
    for (name, low, high, weight) in [("5 to 95 %", 0, 4, 0.18), ("25 to 75 %", 1, 3, 0.28)] {
        let color = color.gamma_multiply(weight);
        plot.add(area(name, &xs, &column(low), &column(high), color));
    }
    let middle = xs.iter().zip(column(2)).map(|(x, y)| [*x, y]);
    plot.line(line("half", middle.collect(), color, 1.5));
}

/// `, by its mean above 97 % of 299 other devices`.
pub(in crate::ui::panels) fn standing_words(answer: &Answer<Option<Standing>>) -> String {
    match answer.value().map(|standing| &**standing) {
        None => String::new(),
        Some(None) => ", without a value".to_owned(),
        Some(Some(standing)) => format!(
            ", by its mean above {} % of {}",
            digits(standing.above),
            words::count(
                standing.n_devices.saturating_sub(1),
                "other device",
                "other devices"
            )
        ),
    }
}

/// Draws what is in sight of a band.
pub(in crate::ui::panels) fn draw_band(
    plot: &mut PlotUi<'_>,
    time: &Time,
    band: &Band,
    color: Color32,
) {
    for run in runs(in_sight(band, time)) {
        draw_run(plot, time, run, color);
    }
}

/// Points that follow each other and have values: nothing is drawn across a gap.
fn runs(points: &[BandPoint]) -> impl Iterator<Item = &[BandPoint]> {
    let runs = points
        .chunk_by(|a, b| a.quantiles.is_some() == b.quantiles.is_some() && a.to_ns == b.from_ns);
    runs.filter(|run| run.first().is_some_and(|point| point.quantiles.is_some()))
}

/// What the band is at a time.
fn said(band: &Band, time: &Time, ns: i64, unit: &str) -> String {
    let next = band.points.partition_point(|point| point.to_ns <= ns);
    let at = band.points.get(next).filter(|point| point.from_ns <= ns);
    let Some(point) = at else {
        return time.words(ns);
    };
    let when = time.words(point.from_ns);
    let n = words::count(point.n, "value", "values");
    let Some([low, lower, middle, upper, high]) = point.quantiles else {
        return format!("{when}\nno value");
    };
    format!(
        "{when}\n95 %: {} {unit}\n75 %: {}\nhalf: {}\n25 %: {}\n5 %: {}\n{n}",
        digits(high),
        digits(upper),
        digits(middle),
        digits(lower),
        digits(low)
    )
}

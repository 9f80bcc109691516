//! The band: where most devices are at each hour, and one device as a line over it.

use super::Fleet;
use crate::engine::fleet::view::{Band, BandPoint, FleetSummary};
use crate::model::metric::MetricDefinition;
use crate::ui::context::ViewContext;
use crate::ui::panels::device::lanes;
use crate::ui::theme::size;
use crate::ui::widgets::chart::{Chart, Time, area, digits, line};
use crate::ui::widgets::{button, card as cards, state, text};
use crate::ui::words;
use egui::{Color32, Rect, Ui};
use egui_plot::PlotUi;

/// Height of what stands above and below the chart.
const REST: f32 = 92.0;

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
                self.choices_ui(ui, summary);
            });
            let answer = ctx
                .door
                .fleet_band(&metric.name, self.by_day, self.version.as_deref());
            let device = self.device.as_ref().map(|serial| {
                let metrics = [metric.name.clone()];
                ctx.door.device_timeline(serial, &metrics, None)
            });
            let device = device.and_then(|answer| answer.value().cloned());
            state::answer(ui, &answer, "Sorting devices…", |ui, band| {
                let Some(span_ns) = summary.span_ns else {
                    return;
                };
                if band.points.iter().all(|point| point.quantiles.is_none()) {
                    let why = "No device of this version has a value of it.";
                    state::empty(ui, "Nothing to show", why);
                    return;
                }
                let time = Time {
                    span_ns,
                    group: "fleet",
                };
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
                chart.show(ui, |plot, t| {
                    for run in runs(band) {
                        draw_run(plot, &time, run, t.series[0]);
                    }
                    if let Some(lane) = device.as_ref().and_then(|device| device.lanes.first()) {
                        lanes::lines(plot, &time, lane, t.series[1]);
                    }
                });
                legend_ui(ui, self.device.as_deref());
            });
        });
    }

    fn choices_ui(&mut self, ui: &mut Ui, summary: &FleetSummary) {
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
        if self.device.is_some() && button::link(ui, "Hide the device").clicked() {
            self.device = None;
        }
    }
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

fn legend_ui(ui: &mut Ui, device: Option<&str>) {
    let device = device.map_or_else(String::new, |device| format!(" · yellow line: {device}"));
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

/// Points that follow each other and have values: nothing is drawn across the others.
fn runs(band: &Band) -> impl Iterator<Item = &[BandPoint]> {
    let runs = band
        .points
        .chunk_by(|a, b| a.quantiles.is_some() == b.quantiles.is_some());
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

//! One lane: a metric of a device along its time. Each interval is drawn as wide as it is; where there is no value there is a gap.

use crate::engine::fleet::compared::Standing;
use crate::engine::fleet::view::{Band, Bucket, DeviceTimeline, Lane};
use crate::model::metric::MetricKind;
use crate::ui::data::Answer;
use crate::ui::panels::fleet::band::{draw_band, standing_words};
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::chart::{Chart, Shown, Time, area, digits, line, mark, sum_words};
use crate::ui::widgets::{button, text};
use crate::ui::words;
use egui::{Color32, Ui};
use egui_plot::PlotUi;
use std::sync::Arc;

/// Least and greatest height of a chart; between them it takes what room there is.
const HEIGHTS: (f32, f32) = (60.0, 160.0);
/// Height of what stands above a chart.
const HEAD: f32 = 28.0;
/// Room for the times below the last lane.
const TIMES: f32 = 20.0;
/// Intervals that lie so far apart have a gap between them, in shares of their length.
const GAP: f64 = 0.5;
/// Pixels of a chart that is not drawn yet.
const PIXELS: u32 = 1200;

/// A lane on screen.
pub(super) struct LaneView<'a> {
    pub(super) time: &'a Time,
    pub(super) device: &'a DeviceTimeline,
    pub(super) index: usize,
    pub(super) lane: &'a Lane,
    pub(super) is_last: bool,
    /// Of its chart, without its times.
    pub(super) height: f32,
    /// A timer is shown in milliseconds, not as its share of the interval.
    pub(super) is_in_ms: bool,
    /// The band of all devices, and where this one stands among them.
    pub(super) fleet: Option<FleetBehind>,
}

/// All devices behind a lane.
#[derive(Clone)]
pub(super) struct FleetBehind {
    pub(super) band: Option<Arc<Band>>,
    pub(super) standing: Answer<Option<Standing>>,
}

/// What was done at the head of a lane.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HeadDone {
    /// The timer is to be shown in its other unit.
    pub(super) toggles: bool,
    /// The device is to be drawn over the fleet.
    pub(super) over_fleet: bool,
}

impl LaneView<'_> {
    fn color(&self, ui: &Ui) -> Color32 {
        let t = tokens(ui);
        let color = t.series.get(self.index % t.series.len());
        color.copied().unwrap_or(t.act)
    }

    fn is_share(&self) -> bool {
        !self.is_in_ms && self.lane.has_shares()
    }

    fn unit(&self) -> &str {
        if self.is_share() {
            return "% of the interval";
        }
        self.lane.metric.unit.as_deref().unwrap_or_default()
    }

    fn written(&self, value: f64) -> String {
        match self.lane.metric.kind {
            MetricKind::State => state_name(&self.lane.metric.values, value),
            // It has no numbers that an axis could name.
            MetricKind::Text => String::new(),
            MetricKind::Gauge | MetricKind::Counter | MetricKind::Timer => digits(value),
        }
    }

    /// Draws it; what was done on its chart, and `done` at its head.
    pub(super) fn ui(&self, ui: &mut Ui, done: &mut HeadDone) -> Shown {
        let (lane, time) = (self.lane, self.time);
        let color = self.color(ui);
        self.head_ui(ui, color, done);
        let value = |value: f64| self.written(value);
        let said = |ns: i64| self.said(ns);
        let includes: &[f64] = if lane.metric.kind == MetricKind::Counter || self.is_share() {
            &[0.0]
        } else {
            &[]
        };
        let chart = Chart {
            name: &format!("Lane of {}", lane.metric.name),
            time: *time,
            height: if self.is_last {
                self.height + TIMES
            } else {
                self.height
            },
            value: &value,
            said: &said,
            has_times: self.is_last,
            includes,
        };
        let n_pixels = pixels(ui);
        chart.show(ui, |plot, t| {
            let (from, to) = time.sight_ns();
            let crashes = self.device.events.iter();
            let in_sight = crashes.filter(|event| (from..=to).contains(&event.time_ns));
            for event in in_sight.filter(|event| event.kind == "crash") {
                let color = t.crash.gamma_multiply(0.6);
                plot.vline(mark("crash", time.x(event.time_ns), color));
            }
            // A band is of values, not of shares.
            let fleet = self.fleet.as_ref().filter(|_| !self.is_share());
            if let Some(band) = fleet.and_then(|fleet| fleet.band.as_ref()) {
                draw_band(plot, time, band, t.muted);
            }
            if self.is_share() {
                lines_of(plot, time, lane, n_pixels, color, share);
            } else {
                lines(plot, time, lane, n_pixels, color);
            }
        })
    }

    /// Name and unit, what its numbers are, and the value at the cursor.
    fn head_ui(&self, ui: &mut Ui, color: Color32, done: &mut HeadDone) {
        ui.horizontal(|ui| {
            ui.add_space(size::M);
            text::label(ui, "■", font::small(), color);
            text::strong(ui, &self.lane.metric.name);
            text::small(ui, format!("{} · {}", self.unit(), self.numbers()));
            if self.lane.has_shares() {
                let label = if self.is_in_ms { "as %" } else { "as ms" };
                done.toggles |= button::link(ui, label).clicked();
            }
            if let Some(fleet) = &self.fleet {
                let words = standing_words(&fleet.standing);
                text::small(ui, words.trim_start_matches(", "));
                done.over_fleet |= button::link(ui, "open in Fleet").clicked();
            }
            if let Some(ns) = self.time.shared.cursor_ns {
                let text = match self.lane.line.at(ns) {
                    Some(value) => format!("at the cursor {}", self.one(value)),
                    None => "no value at the cursor".to_owned(),
                };
                text::label(ui, text, font::small(), tokens(ui).text);
            }
        });
    }

    /// What there is in the time that was chosen, else in sight: `161 values in 161 h, mean 34.6, least 12, most 50`.
    fn numbers(&self) -> String {
        let shared = &self.time.shared;
        let span = shared.chosen_ns.unwrap_or(self.time.sight_ns());
        if self.lane.metric.kind == MetricKind::Text {
            return "a text: it is kept and counted, and has no line".to_owned();
        }
        let Some(total) = self.lane.line.total(span) else {
            return "no value".to_owned();
        };
        let n = words::count(total.n, "value", "values");
        let of = format!("{n} in {} h", digits(total.hours()));
        match self.lane.metric.kind {
            MetricKind::State | MetricKind::Text => of,
            MetricKind::Counter => {
                format!(
                    "{of}, {} in all, most {}",
                    sum_words(total.sum),
                    digits(total.max)
                )
            }
            _ if self.is_share() => {
                // The greatest share cannot be told from sums: an interval may be shorter than others.
                let share = total.share_of_ms(total.sum).unwrap_or(f64::NAN);
                format!("{of}, {} % of them", digits(share * 100.0))
            }
            _ => format!(
                "{of}, mean {}, least {}, most {}",
                digits(total.mean()),
                digits(total.min),
                digits(total.max)
            ),
        }
    }

    fn one(&self, value: &Bucket) -> String {
        if self.is_share() {
            return format!(
                "{} %",
                digits(share(value).first().copied().unwrap_or(f64::NAN))
            );
        }
        let unit = self.lane.metric.unit.as_deref().unwrap_or_default();
        format!("{} {unit}", self.written(value.mean()))
    }

    /// What was measured at a time.
    fn said(&self, ns: i64) -> String {
        let time = self.time;
        let Some(value) = self.lane.line.at(ns) else {
            return format!("{}\nno value", time.words(ns));
        };
        let span = format!(
            "{} to {}",
            time.words(value.from_ns),
            time.words(value.to_ns)
        );
        if self.lane.metric.kind == MetricKind::State {
            return format!("{span}\n{}", self.written(value.mean()));
        }
        let unit = self.lane.metric.unit.as_deref().unwrap_or_default();
        let share = if self.lane.has_shares() {
            value.share_of_ms(value.sum)
        } else {
            None
        };
        let share = share.map_or_else(String::new, |share| {
            format!("\n{} % of the interval", digits(share * 100.0))
        });
        format!("{span}\n{} {unit}{share}", value.mean())
    }
}

/// How high charts are, so that all of them fit where that is possible.
pub(super) fn height_of_each(room: f32, n_lanes: usize) -> f32 {
    let (least, most) = HEIGHTS;
    let each = (room - TIMES) / n_lanes.max(1) as f32 - HEAD;
    each.floor().clamp(least, most)
}

/// How many pixels a chart that is drawn here has.
pub(in crate::ui::panels) fn pixels(ui: &Ui) -> u32 {
    let width = ui.available_width();
    if !width.is_finite() || width < 1.0 {
        return PIXELS;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the width of a screen"
    )]
    let n_pixels = width.min(16_000.0) as u32;
    n_pixels.max(1)
}

fn state_name(values: &[String], value: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the index of a name"
    )]
    let index = value.round().max(0.0) as usize;
    values.get(index).cloned().unwrap_or_default()
}

/// Mean, least and greatest as shares of the interval, per cent.
fn share(bucket: &Bucket) -> [f64; 3] {
    let per_cent = |ms: f64| bucket.share_of_ms(ms).unwrap_or(f64::NAN) * 100.0;
    let n = bucket.n as f64;
    // Of several intervals the extremes are held against their mean length.
    [
        per_cent(bucket.sum),
        per_cent(bucket.min * n),
        per_cent(bucket.max * n),
    ]
}

/// Draws a metric as a line, with the room between least and greatest where a pixel holds several values.
pub(in crate::ui::panels) fn lines(
    plot: &mut PlotUi<'_>,
    time: &Time,
    lane: &Lane,
    n_pixels: u32,
    color: Color32,
) {
    lines_of(plot, time, lane, n_pixels, color, |bucket| {
        [bucket.mean(), bucket.min, bucket.max]
    });
}

fn lines_of(
    plot: &mut PlotUi<'_>,
    time: &Time,
    lane: &Lane,
    n_pixels: u32,
    color: Color32,
    values: impl Fn(&Bucket) -> [f64; 3],
) {
    let sight = time.sight_ns();
    // What is less than a pixel apart has no gap that could be seen.
    let pixel = sight.1.saturating_sub(sight.0) as f64 / f64::from(n_pixels.max(1));
    let is_joined = |a: &Bucket, b: &Bucket| {
        let apart = b.from_ns.saturating_sub(a.to_ns) as f64;
        let len = a.to_ns.saturating_sub(a.from_ns) as f64;
        // Intervals overlap where a clock was set back: a line from one to the other would go back in time.
        -pixel <= apart && apart <= (len * GAP).max(pixel)
    };
    let buckets = lane.line.in_sight(sight, n_pixels);
    for run in buckets.chunk_by(is_joined) {
        let ends = |bucket: &Bucket| [time.x(bucket.from_ns), time.x(bucket.to_ns)];
        let xs = |part: &[Bucket]| -> Vec<f64> { part.iter().flat_map(ends).collect() };
        let twice = |part: &[Bucket], index: usize| -> Vec<f64> {
            let one = |bucket: &Bucket| values(bucket).get(index).copied().unwrap_or(f64::NAN);
            part.iter().flat_map(|bucket| [one(bucket); 2]).collect()
        };
        // A range without any height is no area: drawn as one it would look like a lens.
        let has_range = |bucket: &Bucket| bucket.min < bucket.max;
        let parts = run.chunk_by(|a, b| has_range(a) == has_range(b));
        for part in parts.filter(|part| part.first().is_some_and(has_range)) {
            let color = color.gamma_multiply(0.3);
            let (low, high) = (twice(part, 1), twice(part, 2));
            plot.add(area("range", &xs(part), &low, &high, color));
        }
        let places = xs(run).into_iter().zip(twice(run, 0)).map(|(x, y)| [x, y]);
        plot.line(line("mean", places.collect(), color, 1.5));
    }
}

//! How the values of a metric are spread: of one version as bars, of all as a line each in one chart.

use super::Fleet;
use crate::engine::fleet::view::Histogram;
use crate::model::metric::MetricDefinition;
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::chart::digits;
use crate::ui::widgets::{card as cards, state};
use crate::ui::words;
use egui::{Align2, Color32, Pos2, Rect, Sense, Shape, Stroke, Ui};

/// Room for the numbers below the bars.
const LABELS: f32 = 18.0;
/// Height of a name in the legend, and length of its line.
const NAME: f32 = 15.0;
const LINE: f32 = 12.0;
/// A chart that is less high names its lines alone.
const LOW: f32 = 130.0;

/// A spread with its name and its colour.
struct Spread<'a> {
    name: &'a str,
    histogram: &'a Histogram,
    color: Color32,
}

impl Spread<'_> {
    fn n(&self) -> u64 {
        self.histogram.counts.iter().sum()
    }

    /// The share of its values that lie in the bin that holds a value.
    fn share_at(&self, value: f64) -> (u64, f64) {
        let bin = ((value - self.histogram.first) / self.histogram.bin).floor();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the number of a bin; below the first there is none"
        )]
        let n = if bin < 0.0 {
            0
        } else {
            self.histogram
                .counts
                .get(bin as usize)
                .copied()
                .unwrap_or(0)
        };
        (n, n as f64 / self.n().max(1) as f64)
    }
}

/// Where values are on screen.
struct Axis {
    rect: Rect,
    first: f64,
    end: f64,
    most: f64,
}

impl Axis {
    fn of(rect: Rect, spreads: &[Spread<'_>]) -> Option<Self> {
        let known = || spreads.iter().filter(|spread| spread.n() > 0);
        let first = known()
            .map(|spread| spread.histogram.first)
            .reduce(f64::min)?;
        let ends = known().map(|spread| {
            let histogram = spread.histogram;
            histogram.first + histogram.bin * histogram.counts.len() as f64
        });
        let shares = known().flat_map(|spread| {
            let n = spread.n().max(1) as f64;
            spread
                .histogram
                .counts
                .iter()
                .map(move |count| *count as f64 / n)
        });
        Some(Self {
            rect,
            first,
            end: ends.reduce(f64::max)?,
            most: shares.reduce(f64::max)?,
        })
    }

    #[expect(clippy::cast_possible_truncation, reason = "a place on the screen")]
    fn x(&self, value: f64) -> f32 {
        let share = (value - self.first) / (self.end - self.first);
        self.rect.left() + self.rect.width() * share as f32
    }

    #[expect(clippy::cast_possible_truncation, reason = "a place on the screen")]
    fn y(&self, share: f64) -> f32 {
        self.rect.bottom() - self.rect.height() * (share / self.most) as f32
    }

    fn value(&self, x: f32) -> f64 {
        let share = f64::from((x - self.rect.left()) / self.rect.width().max(1.0));
        self.first + (self.end - self.first) * share
    }
}

impl Fleet {
    pub(super) fn spread_ui(
        &self,
        ctx: &mut ViewContext<'_>,
        ui: &mut Ui,
        rect: Rect,
        metric: &MetricDefinition,
    ) {
        let of = self.version.as_deref().unwrap_or("versions side by side");
        let title = cards::Title {
            title: "Spread",
            detail: of,
            right: "",
        };
        let chosen = ctx.nav.time.chosen_ns;
        let t = tokens(ui);
        if let Some(version) = self.version.as_deref() {
            let answer = ctx
                .door
                .fleet_histogram(&metric.name, Some(version), chosen);
            cards::card(ui, rect, title, |ui| {
                state::answer(ui, &answer, "Counting values…", |ui, histogram| {
                    let spread = Spread {
                        name: version,
                        histogram,
                        color: t.series[0],
                    };
                    spreads_ui(ui, &[spread], metric);
                });
            });
            return;
        }
        let answer = ctx.door.fleet_spreads(&metric.name, chosen);
        cards::card(ui, rect, title, |ui| {
            state::answer(ui, &answer, "Counting values…", |ui, spreads| {
                let colors = t.series.iter().cycle();
                let spreads = spreads.iter().zip(colors);
                let spreads: Vec<Spread<'_>> = spreads
                    .map(|((name, histogram), color)| Spread {
                        name,
                        histogram,
                        color: *color,
                    })
                    .collect();
                spreads_ui(ui, &spreads, metric);
            });
        });
    }
}

fn spreads_ui(ui: &mut Ui, spreads: &[Spread<'_>], metric: &MetricDefinition) {
    let t = tokens(ui);
    let unit = metric.unit.as_deref().unwrap_or_default();
    let rect = ui
        .available_rect_before_wrap()
        .shrink2(egui::vec2(size::M, size::S));
    let named = legend(ui, rect, spreads);
    let lines = rect.with_min_y(rect.top() + named + size::XS);
    let Some(axis) = Axis::of(lines.with_max_y(rect.bottom() - LABELS), spreads) else {
        state::empty(ui, "No value", "Nothing of it was reported in this time.");
        return;
    };
    let painter = ui.painter();
    if let [one] = spreads {
        bars(painter, &axis, one);
    } else {
        for spread in spreads {
            outline(painter, &axis, spread);
        }
    }
    for (x, align, value) in [
        (rect.left(), Align2::LEFT_BOTTOM, axis.first),
        (rect.right(), Align2::RIGHT_BOTTOM, axis.end),
    ] {
        let text = format!("{} {unit}", digits(value));
        let pos = Pos2::new(x, rect.bottom());
        painter.text(pos, align, text, font::small(), t.faint);
    }
    let response = ui.interact(rect, ui.scope_id().with("spread"), Sense::hover());
    let n: u64 = spreads.iter().map(Spread::n).sum();
    let all = words::count(n, "value", "values");
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::Image, true, format!("Spread of {all}"))
    });
    if let Some(pointer) = response.hover_pos() {
        let value = axis.value(pointer.x);
        let bin = spreads.first().map_or(1.0, |spread| spread.histogram.bin);
        let from = (value / bin).floor() * bin;
        let mut said = format!("{} up to {} {unit}", digits(from), digits(from + bin));
        for spread in spreads {
            let (n, share) = spread.share_at(from + bin / 2.0);
            let (name, share) = (spread.name, digits(share * 100.0));
            let (n, of) = (words::number(n), words::number(spread.n()));
            said = format!("{said}\n{name}: {share} %, {n} of {of}");
        }
        response.on_hover_text(said);
    }
}

fn bars(painter: &egui::Painter, axis: &Axis, spread: &Spread<'_>) {
    let n = spread.n().max(1) as f64;
    for (index, count) in spread.histogram.counts.iter().enumerate() {
        let from = spread.histogram.first + spread.histogram.bin * index as f64;
        let (left, right) = (axis.x(from), axis.x(from + spread.histogram.bin));
        let mut top = axis.y(*count as f64 / n);
        if *count > 0 {
            top = top.min(axis.rect.bottom() - 1.0);
        }
        let bar = Rect::from_min_max(
            Pos2::new(left, top),
            Pos2::new((right - 1.0).max(left + 1.0), axis.rect.bottom()),
        );
        painter.rect_filled(bar, 0.0, spread.color);
    }
}

/// Steps over the bins, from nothing to nothing.
fn outline(painter: &egui::Painter, axis: &Axis, spread: &Spread<'_>) {
    let n = spread.n().max(1) as f64;
    let histogram = spread.histogram;
    let mut points = vec![Pos2::new(axis.x(histogram.first), axis.rect.bottom())];
    for (index, count) in histogram.counts.iter().enumerate() {
        let from = histogram.first + histogram.bin * index as f64;
        let y = axis.y(*count as f64 / n);
        points.push(Pos2::new(axis.x(from), y));
        points.push(Pos2::new(axis.x(from + histogram.bin), y));
    }
    let end = points.last().map_or(axis.rect.right(), |point| point.x);
    points.push(Pos2::new(end, axis.rect.bottom()));
    painter.add(Shape::line(points, Stroke::new(1.5, spread.color)));
}

/// Names with their numbers of values, in as many lines as they need; answers how high that is.
fn legend(ui: &Ui, rect: Rect, spreads: &[Spread<'_>]) -> f32 {
    let (painter, t) = (ui.painter(), tokens(ui));
    // The lines need the room more than the numbers, which are told under the pointer too.
    let is_low = rect.height() < LOW;
    let mut at = rect.min;
    for spread in spreads {
        let words = if is_low {
            spread.name.to_owned()
        } else {
            format!("{} · n {}", spread.name, words::number(spread.n()))
        };
        let galley = painter.layout_no_wrap(words, font::small(), t.muted);
        let width = LINE + size::XS + galley.size().x;
        if at.x > rect.left() && at.x + width > rect.right() {
            at = Pos2::new(rect.left(), at.y + NAME);
        }
        let y = at.y + galley.size().y / 2.0;
        let line = at.x..=at.x + LINE;
        painter.hline(line, y, Stroke::new(2.0, spread.color));
        painter.galley(Pos2::new(at.x + LINE + size::XS, at.y), galley, t.muted);
        at.x += width + size::M;
    }
    at.y + NAME - rect.top()
}

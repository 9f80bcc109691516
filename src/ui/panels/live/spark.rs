//! The last values of a metric as a small line, and the last one in its range.

use crate::engine::live::metrics::LiveMetric;
use crate::ui::theme::Tokens;
use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke};

/// Draws the last values; where one is missing the line has a gap.
pub(super) fn spark_ui(painter: &Painter, rect: Rect, metric: &LiveMetric, color: Color32) {
    let values = metric.samples.iter().filter_map(|(_, value)| *value);
    let (least, greatest) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), value| {
        (a.min(value), b.max(value))
    });
    let (Some((first, _)), Some((last, _))) = (metric.samples.front(), metric.samples.back())
    else {
        return;
    };
    let place = |at: i64, value: f64| {
        let x = share(
            at.saturating_sub(*first) as f64,
            last.saturating_sub(*first) as f64,
        );
        let y = share(value - least, greatest - least);
        Pos2::new(
            rect.left() + rect.width() * x.unwrap_or(1.0),
            rect.bottom() - rect.height() * y.unwrap_or(0.5),
        )
    };
    let mut run: Vec<Pos2> = Vec::new();
    for (at, value) in &metric.samples {
        match value {
            Some(value) => run.push(place(*at, *value)),
            None => draw(painter, &mut run, color),
        }
    }
    draw(painter, &mut run, color);
}

fn draw(painter: &Painter, run: &mut Vec<Pos2>, color: Color32) {
    match std::mem::take(run).as_slice() {
        [] => {}
        // A value between two gaps is a point.
        [one] => _ = painter.circle_filled(*one, 1.5, color),
        several => _ = painter.add(Shape::line(several.to_vec(), Stroke::new(1.3, color))),
    }
}

/// Draws where the last value lies between the least and the greatest that are plausible.
pub(super) fn range_ui(painter: &Painter, rect: Rect, metric: &LiveMetric, t: &Tokens) {
    let (Some((least, greatest)), Some((_, value))) = (metric.range, metric.last()) else {
        return;
    };
    // A value that is not there is nowhere.
    if metric.is_gap() {
        return;
    }
    painter.rect_filled(rect, 2.0, t.hover);
    let is_outside = value < least || greatest < value;
    let at = share(value - least, greatest - least)
        .unwrap_or(0.5)
        .clamp(0.0, 1.0);
    let x = rect.left() + rect.width() * at;
    let color = if is_outside { t.warn } else { t.act };
    let mut filled = rect;
    filled.set_right(x);
    painter.rect_filled(filled, 2.0, color.gamma_multiply(0.55));
    // A mark of its own, so that the place is seen without its colour.
    let mark = Rect::from_center_size(
        Pos2::new(x, rect.center().y),
        egui::vec2(2.5, rect.height() + 6.0),
    );
    painter.rect_filled(mark, 1.0, color);
}

/// True when the last value is none that is plausible.
pub(super) fn is_outside(metric: &LiveMetric) -> bool {
    let range = metric.range.zip(metric.last());
    range.is_some_and(|((least, greatest), (_, value))| value < least || greatest < value)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a share of 1, drawn as pixels"
)]
fn share(part: f64, whole: f64) -> Option<f32> {
    (whole > 0.0).then(|| (part / whole) as f32)
}

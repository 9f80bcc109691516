//! One lane: a metric of a device along its time. Each interval is drawn as wide as it is; where there is no value there is a gap.

use crate::engine::fleet::view::{Bucket, DeviceTimeline, Lane};
use crate::model::metric::MetricKind;
use crate::ui::theme::{size, tokens};
use crate::ui::widgets::chart::{Chart, Sight, Time, area, digits, line, mark};
use crate::ui::widgets::text;
use crate::ui::words;
use egui::{Color32, Ui};
use egui_plot::PlotUi;

const HEIGHT: f32 = 96.0;
/// Room for the times below the last lane.
const TIMES: f32 = 20.0;
/// Intervals that lie so far apart have a gap between them, in shares of their length.
const GAP: f64 = 0.5;

/// Draws a lane; the span that is in sight.
pub(super) fn lane_ui(
    ui: &mut Ui,
    time: &Time,
    device: &DeviceTimeline,
    index: usize,
    lane: &Lane,
    is_last: bool,
) -> Sight {
    let t = tokens(ui);
    let metric = &lane.metric;
    let color = t
        .series
        .get(index % t.series.len())
        .copied()
        .unwrap_or(t.act);
    let is_share = metric.kind == MetricKind::Timer
        && lane.buckets.iter().all(|bucket| bucket.share.is_some());
    let unit = match (is_share, metric.unit.as_deref()) {
        (true, _) => "%",
        (false, unit) => unit.unwrap_or_default(),
    };
    ui.horizontal(|ui| {
        ui.add_space(size::M);
        text::label(ui, "■", crate::ui::theme::font::small(), color);
        text::strong(ui, &metric.name);
        let n: u64 = lane.buckets.iter().map(|bucket| bucket.n).sum();
        text::small(
            ui,
            format!("{unit} · {}", words::count(n, "value", "values")),
        );
    });
    let value = |value: f64| {
        if metric.kind == MetricKind::State {
            return state_name(metric.values.as_slice(), value);
        }
        digits(value)
    };
    let said = |ns: i64| said(lane, time, ns);
    let includes: &[f64] = if metric.kind == MetricKind::Counter || is_share {
        &[0.0]
    } else {
        &[]
    };
    let chart = Chart {
        name: &format!("Lane of {}", metric.name),
        time: *time,
        height: if is_last { HEIGHT + TIMES } else { HEIGHT },
        value: &value,
        said: &said,
        has_times: is_last,
        includes,
    };
    chart.show(ui, |plot, t| {
        for event in device.events.iter().filter(|event| event.kind == "crash") {
            plot.vline(mark(
                "crash",
                time.x(event.time_ns),
                t.crash.gamma_multiply(0.6),
            ));
        }
        if is_share {
            lines_of(plot, time, lane, color, share);
        } else {
            lines(plot, time, lane, color);
        }
    })
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
    let of_mean = bucket.share.unwrap_or(f64::NAN) * 100.0;
    if bucket.mean == 0.0 {
        return [of_mean; 3];
    }
    let per = of_mean / bucket.mean;
    [of_mean, bucket.min * per, bucket.max * per]
}

/// Draws a metric as a line, with the room between least and greatest where a pixel holds several values.
pub(in crate::ui::panels) fn lines(
    plot: &mut PlotUi<'_>,
    time: &Time,
    lane: &Lane,
    color: Color32,
) {
    lines_of(plot, time, lane, color, |bucket| {
        [bucket.mean, bucket.min, bucket.max]
    });
}

fn lines_of(
    plot: &mut PlotUi<'_>,
    time: &Time,
    lane: &Lane,
    color: Color32,
    values: impl Fn(&Bucket) -> [f64; 3],
) {
    let is_joined = |a: &Bucket, b: &Bucket| {
        let apart = b.from_ns.saturating_sub(a.to_ns) as f64;
        let len = a.to_ns.saturating_sub(a.from_ns) as f64;
        apart <= len * GAP
    };
    for run in lane.buckets.chunk_by(is_joined) {
        let ends = |bucket: &Bucket| [time.x(bucket.from_ns), time.x(bucket.to_ns)];
        let xs: Vec<f64> = run.iter().flat_map(ends).collect();
        let twice = |index: usize| -> Vec<f64> {
            let one = |bucket: &Bucket| values(bucket).get(index).copied().unwrap_or(f64::NAN);
            run.iter().flat_map(|bucket| [one(bucket); 2]).collect()
        };
        if run.iter().any(|bucket| bucket.n > 1) {
            plot.add(area(
                "range",
                &xs,
                &twice(1),
                &twice(2),
                color.gamma_multiply(0.3),
            ));
        }
        let places = xs.iter().zip(twice(0)).map(|(x, y)| [*x, y]);
        plot.line(line("mean", places.collect(), color, 1.5));
    }
}

/// What was measured at a time.
fn said(lane: &Lane, time: &Time, ns: i64) -> String {
    let next = lane.buckets.partition_point(|bucket| bucket.to_ns <= ns);
    let at = lane.buckets.get(next).filter(|bucket| bucket.from_ns <= ns);
    let unit = lane.metric.unit.as_deref().unwrap_or_default();
    let Some(bucket) = at else {
        return format!("{}\nno value", time.words(ns));
    };
    let span = format!(
        "{} to {}",
        time.words(bucket.from_ns),
        time.words(bucket.to_ns)
    );
    let share = bucket.share.map_or_else(String::new, |share| {
        format!("\n{} % of the interval", digits(share * 100.0))
    });
    if lane.metric.kind == MetricKind::State && bucket.n == 1 {
        return format!("{span}\n{}", state_name(&lane.metric.values, bucket.mean));
    }
    if bucket.n == 1 {
        return format!("{span}\n{} {unit}{share}", bucket.mean);
    }
    format!(
        "{span}\nmean {} {unit}{share}\nleast {}, most {}\n{}",
        digits(bucket.mean),
        digits(bucket.min),
        digits(bucket.max),
        words::count(bucket.n, "value", "values")
    )
}

//! What the board measures: a row a metric, with its last value, where that lies, and the values before.

use super::spark::{is_outside, range_ui, spark_ui};
use crate::engine::command::Command;
use crate::engine::live::board::Board;
use crate::engine::live::metrics::LiveMetric;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size};
use crate::ui::widgets::card::{Title, card};
use crate::ui::widgets::row::{CellStyle, RowPainter, head, plain_row};
use crate::ui::widgets::{button, chart, state, text};
use crate::ui::words;
use egui::{Align, Pos2, Rect, ScrollArea, Sense, Ui};

/// Width of the columns, from the right.
const AGE: f32 = 60.0;
const SPARK: f32 = 96.0;
const RANGE: f32 = 60.0;
const VALUE: f32 = 110.0;
/// A narrower table leaves the range out, and one narrower than that the values before.
const WITH_RANGE: f32 = 500.0;
const WITH_SPARK: f32 = 400.0;

/// Where the columns are.
struct Columns {
    value: (f32, f32),
    range: Option<(f32, f32)>,
    spark: Option<(f32, f32)>,
    age: (f32, f32),
}

impl Columns {
    /// Without a metric that has a range there is no column for it.
    fn of(width: f32, has_ranges: bool) -> Self {
        let mut right = width - size::M;
        let mut take = |wide: f32| {
            let column = (right - wide, right);
            right -= wide + size::M;
            column
        };
        let age = take(AGE);
        let spark = (width >= WITH_SPARK).then(|| take(SPARK));
        let range = (width >= WITH_RANGE && has_ranges).then(|| take(RANGE));
        Self {
            age,
            spark,
            range,
            value: take(VALUE),
        }
    }
}

/// The card.
pub(super) fn metrics_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, rect: Rect, board: &Board) {
    let n = board.metrics.len();
    let count = if n == 0 {
        String::new()
    } else {
        words::number(n as u64)
    };
    let title = Title {
        title: "Metrics",
        detail: &count,
        right: "",
    };
    card(ui, rect, title, |ui| {
        waiting_ui(ctx, ui, board);
        if n == 0 {
            if board.n_waiting_heartbeats == 0 {
                state::empty(
                    ui,
                    "No metric yet",
                    if board.has_target {
                        "Watch a metric or a variable by its name: it appears here, with its last values."
                    } else {
                        "Heartbeats that the board sends become metrics here, with their last values."
                    },
                );
            }
            return;
        }
        let has_ranges = board.metrics.iter().any(|metric| metric.range.is_some());
        let columns = Columns::of(ui.available_width(), has_ranges);
        head_ui(ui, &columns);
        let metrics: Vec<&LiveMetric> = board.metrics.iter().collect();
        let elapsed = ctx.now.duration_since(board.began);
        let elapsed = elapsed.map_or(0, |past| i64::try_from(past.as_nanos()).unwrap_or(i64::MAX));
        ScrollArea::vertical()
            .id_salt("live metrics")
            .auto_shrink(false)
            .show_rows(ui, size::ROW, n, |ui, range| {
                ui.spacing_mut().item_spacing.y = 0.0;
                for metric in metrics.get(range).unwrap_or(&[]) {
                    let row = metric_ui(ui, &columns, metric, elapsed);
                    if board.watched.contains(&metric.name) {
                        let menu = row.id.with("menu");
                        ui.interact(row.rect, menu, Sense::click())
                            .context_menu(|ui| unwatch_ui(ctx, ui, &metric.name));
                    }
                }
            });
    });
}

/// Heartbeats that came and cannot be read yet.
fn waiting_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, board: &Board) {
    if board.n_waiting_heartbeats == 0 {
        return;
    }
    state::padded(ui, |ui| {
        let n = words::count(
            board.n_waiting_heartbeats,
            "heartbeat waits",
            "heartbeats wait",
        );
        text::body(
            ui,
            format!(
                "{n} for the ELF of the build. Names, units and values appear when it is added."
            ),
        );
        ui.add_space(size::XS);
        button::command(ui, ctx, &UiCommand::AddSymbols);
    });
}

fn head_ui(ui: &mut Ui, columns: &Columns) {
    let mut cells = vec![
        (size::M, columns.value.0 - size::S, Align::Min, "Metric"),
        (columns.value.0, columns.value.1, Align::Max, "Value"),
    ];
    cells.extend(
        columns
            .range
            .map(|(from, to)| (from, to, Align::Min, "Range")),
    );
    cells.extend(
        columns
            .spark
            .map(|(from, to)| (from, to, Align::Min, "Last values")),
    );
    cells.push((columns.age.0, columns.age.1, Align::Max, "Age"));
    head(ui, &cells);
}

/// What can be done with a number that is watched.
fn unwatch_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, name: &str) {
    if ui.button(format!("Watch {name} no longer")).clicked() {
        ctx.send(Command::Unwatch {
            name: name.to_owned(),
        });
        ui.close();
    }
}

fn metric_ui(
    ui: &mut Ui,
    columns: &Columns,
    metric: &LiveMetric,
    elapsed_ns: i64,
) -> egui::Response {
    let value = value_words(metric);
    let age = metric
        .read_at()
        .map_or(0, |at| elapsed_ns.saturating_sub(at));
    let age = age_words(age);
    let name = spoken(metric, &value, &age);
    let response = plain_row(ui, &name, |row| {
        // The hover text below has all of it, also what is cut.
        let mut row = RowPainter {
            painter: row.painter,
            rect: row.rect,
            tokens: row.tokens,
            is_cut: false,
        };
        paint(&mut row, columns, metric, &value, &age);
    });
    response.on_hover_text(name)
}

fn paint(row: &mut RowPainter<'_>, columns: &Columns, metric: &LiveMetric, value: &str, age: &str) {
    let t = row.tokens;
    row.mono(size::M, columns.value.0 - size::S, &metric.name);
    let color = match (metric.is_gap(), is_outside(metric)) {
        (true, _) => t.faint,
        (false, true) => t.warn,
        (false, false) => t.text,
    };
    let style = CellStyle {
        font: font::mono_strong(),
        color,
        align: Align::Max,
    };
    row.text(columns.value.0, columns.value.1, value, &style);
    let inside = |(from, to): (f32, f32), height: f32| {
        let x = row.rect.left();
        let center = row.rect.center().y;
        Rect::from_min_max(
            Pos2::new(x + from, center - height / 2.0),
            Pos2::new(x + to, center + height / 2.0),
        )
    };
    if let Some(place) = columns.range {
        range_ui(row.painter, inside(place, 6.0), metric, t);
    }
    if let Some(place) = columns.spark {
        spark_ui(row.painter, inside(place, 14.0), metric, t.series[0]);
    }
    let style = CellStyle {
        font: font::small(),
        color: t.faint,
        align: Align::Max,
    };
    row.text(columns.age.0, columns.age.1, age, &style);
}

/// `-57 dBm`; what was not read has no value.
fn value_words(metric: &LiveMetric) -> String {
    if let Some(words) = &metric.words {
        return words.clone();
    }
    match metric.last() {
        Some((_, value)) if !metric.is_gap() => {
            let unit = metric.unit.as_deref().filter(|unit| !unit.is_empty());
            let unit = unit.map_or_else(String::new, |unit| format!(" {unit}"));
            format!("{}{unit}", digits(value))
        }
        _ => "no value".to_owned(),
    }
}

/// Whole numbers as they are, others with three significant digits.
fn digits(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        format!("{value}")
    } else {
        chart::digits(value)
    }
}

/// `now`, `3 s`, `2 min 4 s`.
fn age_words(ns: i64) -> String {
    let seconds = ns.max(0) / 1_000_000_000;
    if seconds == 0 {
        return "now".to_owned();
    }
    words::span(seconds.saturating_mul(1_000_000_000))
}

/// Everything that the row says, for whoever does not see it, and under the pointer.
fn spoken(metric: &LiveMetric, value: &str, age: &str) -> String {
    let mut parts = vec![format!("{}: {value}", metric.name)];
    match metric.last() {
        Some((_, last)) if metric.is_gap() => parts.push(format!("was {last} before")),
        Some((_, last)) if metric.words.is_none() && digits(last) != format!("{last}") => {
            parts.push(format!("exactly {last}"));
        }
        _ => {}
    }
    parts.push(if age == "now" {
        "read just now".to_owned()
    } else {
        format!("read {age} ago")
    });
    if let Some((least, greatest)) = metric.range {
        let outside = if is_outside(metric) {
            "outside of"
        } else {
            "plausible"
        };
        parts.push(format!(
            "{outside} {} to {}",
            digits(least),
            digits(greatest)
        ));
    }
    if metric.n_gaps > 0 {
        let gaps = words::count(metric.n_gaps, "time", "times");
        parts.push(format!("{gaps} without a value"));
    }
    parts.join(", ")
}

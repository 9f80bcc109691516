//! The lane above the list: how many lines, how serious, along the time of the log; where it crashed and restarted, and what
//! is in sight.

use crate::engine::logs::moment::Moments;
use crate::engine::logs::view::{DensityAxis, LogDensity, LogRow};
use crate::engine::queries::log_summary::LogOverview;
use crate::model::log::LogLevel;
use crate::ui::theme::{Tokens, font, size, tokens};
use crate::ui::widgets::card;
use crate::ui::widgets::marker::{self, Mark};
use crate::ui::widgets::virtual_list::share;
use crate::ui::words;
use egui::{Align2, CursorIcon, Painter, Pos2, Rect, Role, Sense, Stroke, Ui, WidgetInfo};

/// So near to a mark a click means it.
const NEAR: f32 = 6.0;
/// A drag that is shorter is a click.
const SHORTEST_DRAG: f32 = 4.0;
/// Room for one label of the axis.
const LABEL: f32 = 96.0;
/// Height of the labels below the bars.
const LABELS: f32 = 14.0;

const SECOND: i64 = 1_000_000_000;
/// Steps of an axis of time from a second on, in seconds.
const STEPS: [i64; 20] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
    604_800, 2_592_000,
];

/// A row on the lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) row: u64,
    pub(super) ns: Option<i64>,
}

impl From<&LogRow> for Place {
    fn from(row: &LogRow) -> Self {
        Self {
            row: row.position,
            ns: row.axis_ns,
        }
    }
}

/// What is marked on the lane.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Marks {
    /// First and last row in sight.
    pub(super) sight: Option<(Place, Place)>,
    /// The selected row.
    pub(super) selected: Option<Place>,
    /// The row under the pointer.
    pub(super) pointed: Option<Place>,
    /// Where the cursor of all screens is on the axis.
    pub(super) cursor: Option<i64>,
    /// What was chosen of the time that all screens share, on the axis.
    pub(super) chosen: Option<(i64, i64)>,
}

/// What was done on the lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// A place was clicked: a time or a row, as the axis counts.
    Place(i64),
    /// The mark of a crash was clicked: its index.
    Crash(usize),
    /// A span was dragged.
    Span(i64, i64),
}

/// Where everything is.
struct Lane<'a> {
    rect: Rect,
    density: &'a LogDensity,
}

impl<'a> Lane<'a> {
    fn inside(rect: Rect, density: &'a LogDensity) -> Self {
        let inner = rect.shrink2(egui::vec2(size::M, size::XS));
        Self {
            rect: inner.with_max_y(inner.bottom() - LABELS),
            density,
        }
    }

    fn width(&self) -> i128 {
        let (from, to) = self.density.span;
        i128::from(to).saturating_sub(from.into()).max(1)
    }

    fn x_of(&self, at: i64) -> f32 {
        let part = i128::from(at).saturating_sub(self.density.span.0.into());
        let part = u64::try_from(part.clamp(0, self.width())).unwrap_or(0);
        let whole = u64::try_from(self.width()).unwrap_or(u64::MAX);
        self.rect.left() + self.rect.width() * share(part, whole)
    }

    /// The place below a point, as exact as a point of the screen is.
    fn at(&self, x: f32) -> i64 {
        let part = f64::from(((x - self.rect.left()) / self.rect.width()).clamp(0.0, 1.0));
        #[expect(
            clippy::cast_possible_truncation,
            reason = "between 0 and the length of the axis"
        )]
        let part = (part * self.width() as f64).round() as i64;
        let (from, to) = self.density.span;
        let exact = from.saturating_add(part);
        let unit = self.unit();
        let round = exact.saturating_add(unit / 2).div_euclid(unit);
        round.saturating_mul(unit).clamp(from, to)
    }

    /// The greatest power of ten that is less than a point of the screen.
    fn unit(&self) -> i64 {
        let per_point = self.width() as f64 / f64::from(self.rect.width().max(1.0));
        let mut unit: i64 = 1;
        while unit.saturating_mul(10) as f64 <= per_point {
            unit = unit.saturating_mul(10);
        }
        unit
    }

    fn x_of_place(&self, place: Place) -> Option<f32> {
        let at = match self.density.axis {
            DensityAxis::Rows => i64::try_from(place.row).ok()?,
            _ => place.ns?,
        };
        Some(self.x_of(at))
    }

    /// The part below a point.
    fn bucket(&self, x: f32) -> Option<&[u32; 7]> {
        let n = self.density.buckets.len();
        let part = ((x - self.rect.left()) / self.rect.width()).clamp(0.0, 1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and the number of parts"
        )]
        let index = (part * n as f32) as usize;
        self.density.buckets.get(index.min(n.saturating_sub(1)))
    }
}

/// Where a row is on a lane that fills `rect`.
pub(super) fn x_of(rect: Rect, density: &LogDensity, place: Place) -> Option<f32> {
    Lane::inside(rect, density).x_of_place(place)
}

/// The place on the axis of a lane that fills `rect`, below a point.
pub(super) fn at(rect: Rect, density: &LogDensity, x: f32) -> i64 {
    Lane::inside(rect, density).at(x)
}

/// Draws the lane. `dragged_from` is where a drag began.
pub(super) fn lane_ui(
    ui: &Ui,
    rect: Rect,
    overview: &LogOverview,
    marks: &Marks,
    dragged_from: &mut Option<f32>,
) -> Option<Done> {
    let t = tokens(ui);
    card::frame(ui, rect);
    let density = &overview.density;
    let lane = Lane::inside(rect, density);
    let moments = Moments::from(density);
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    sight_ui(&painter, t, &lane, marks);
    bars_ui(&painter, t, &lane);
    labels_ui(&painter, t, &lane, &moments);
    for boot in &density.boots {
        let stroke = Stroke::new(1.0, t.act.gamma_multiply(0.6));
        painter.vline(lane.x_of(*boot), lane.rect.y_range(), stroke);
    }
    for crash in &density.crashes {
        let pos = Pos2::new(lane.x_of(*crash), lane.rect.top() + 4.0);
        marker::paint(&painter, pos, Mark::Filled, t.crash);
    }
    let id = ui.scope_id().with("density");
    let response = ui.interact(rect, id, Sense::click_and_drag());
    let n_crashes = words::count(density.crashes.len() as u64, "crash", "crashes");
    let along = along(density.axis);
    response.widget_info(|| {
        WidgetInfo::labeled(
            Role::Image,
            true,
            format!("Lines along {along}, {n_crashes}"),
        )
    });
    let pointer = response.hover_pos().or(response.interact_pointer_pos())?;
    if response.drag_started() {
        let origin = ui.input(|input| input.pointer.press_origin());
        *dragged_from = Some(origin.unwrap_or(pointer).x);
    }
    let span = dragged_from.map(|from| {
        let (from, to) = (from.min(pointer.x), from.max(pointer.x));
        (from.max(lane.rect.left()), to.min(lane.rect.right()))
    });
    let near_crash = || {
        let crashes = density.crashes.iter().enumerate();
        let distance = |at: i64| (lane.x_of(at) - pointer.x).abs();
        crashes
            .map(|(index, at)| (index, distance(*at)))
            .filter(|(_, distance)| *distance <= NEAR)
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(index, _)| index)
    };
    let mut label = said_at(&lane, &moments, pointer.x);
    if let Some((from, to)) = span {
        let drawn = Rect::from_x_y_ranges(from..=to, lane.rect.y_range());
        painter.rect_filled(drawn, 0.0, t.act.gamma_multiply(0.25));
        let (from, to) = (lane.at(from), lane.at(to));
        label = format!("{} to {}", moments.text(from), moments.text(to));
    } else if let Some(index) = near_crash() {
        let crashes = &overview.summary.crashes;
        let headline = crashes.get(index).map_or("", |crash| &crash.headline);
        label = format!("Open the crash: {}", headline.replace('`', ""));
        ui.ctx().set_cursor_icon(CursorIcon::PointingHand);
    }
    painter.vline(pointer.x, lane.rect.y_range(), Stroke::new(1.0, t.text));
    label_ui(&painter, t, &lane, pointer.x, &label);
    let mut is_click = response.clicked();
    if response.drag_stopped() {
        *dragged_from = None;
        if let Some((from, to)) = span.filter(|(from, to)| to - from >= SHORTEST_DRAG) {
            return Some(Done::Span(lane.at(from), lane.at(to)));
        }
        is_click = true;
    }
    if is_click {
        return Some(match near_crash() {
            Some(index) => Done::Crash(index),
            None => Done::Place(lane.at(pointer.x)),
        });
    }
    None
}

fn along(axis: DensityAxis) -> &'static str {
    match axis {
        DensityAxis::Rows => "the log",
        DensityAxis::Wall => "the time (UTC)",
        DensityAxis::Uptime => "the time since the first boot",
        DensityAxis::Clock => "the time of day",
    }
}

/// What is in sight, the selected row, and the one under the pointer.
fn sight_ui(painter: &Painter, t: &Tokens, lane: &Lane<'_>, marks: &Marks) {
    if let Some((first, last)) = marks.sight
        && let (Some(from), Some(to)) = (lane.x_of_place(first), lane.x_of_place(last))
    {
        let (from, to) = (from.min(to), from.max(to).max(from.min(to) + 2.0));
        let sight = Rect::from_x_y_ranges(from..=to, lane.rect.y_range());
        painter.rect_filled(sight, 2.0, t.act_bg);
    }
    if let Some((from, to)) = marks.chosen {
        let chosen = Rect::from_x_y_ranges(lane.x_of(from)..=lane.x_of(to), lane.rect.y_range());
        painter.rect_filled(chosen, 0.0, t.act.gamma_multiply(0.15));
    }
    if let Some(at) = marks.cursor {
        painter.vline(lane.x_of(at), lane.rect.y_range(), Stroke::new(1.0, t.text));
    }
    for (place, color) in [(marks.selected, t.act), (marks.pointed, t.muted)] {
        if let Some(x) = place.and_then(|place| lane.x_of_place(place)) {
            painter.vline(x, lane.rect.y_range(), Stroke::new(1.5, color));
        }
    }
}

fn bars_ui(painter: &Painter, t: &Tokens, lane: &Lane<'_>) {
    let buckets = &lane.density.buckets;
    let total = |bucket: &[u32; 7]| bucket.iter().map(|n| u64::from(*n)).sum::<u64>();
    let most = buckets.iter().map(total).max().unwrap_or(0).max(1);
    let bars = lane.rect.with_min_y(lane.rect.top() + 10.0);
    let width = bars.width() / buckets.len().max(1) as f32;
    for (index, bucket) in buckets.iter().enumerate() {
        let left = bars.left() + width * index as f32;
        let mut bottom = bars.bottom();
        let (serious, warned, rest) = by_weight(bucket);
        // The most serious at the bottom, where they begin at one height.
        for (n, color) in [
            (serious, t.series[5]),
            (warned, t.series[1]),
            (rest, t.series[0].gamma_multiply(0.55)),
        ] {
            let mut height = bars.height() * share(n, most);
            if n > 0 {
                height = height.max(1.5);
            }
            let bar = Rect::from_min_max(
                Pos2::new(left, bottom - height),
                Pos2::new(left + (width - 1.0).max(1.0), bottom),
            );
            painter.rect_filled(bar, 0.0, color);
            bottom -= height;
        }
    }
}

/// Errors and worse, warnings, all others.
fn by_weight(bucket: &[u32; 7]) -> (u64, u64, u64) {
    let n = |index: usize| bucket.get(index).map_or(0, |n| u64::from(*n));
    let rest = n(0) + n(1) + n(2) + n(6);
    (n(4) + n(5), n(3), rest)
}

/// Labels below the bars, at round numbers of the axis.
fn labels_ui(painter: &Painter, t: &Tokens, lane: &Lane<'_>, moments: &Moments) {
    let (from, to) = lane.density.span;
    let step = step_of(lane);
    let y = lane.rect.bottom() + 1.0;
    let mut x_free = lane.rect.left();
    if moments.axis == DensityAxis::Wall {
        let day = moments.short(from, 86_400 * SECOND);
        let text = format!("{day} UTC");
        let pos = Pos2::new(lane.rect.left(), y);
        let drawn = painter.text(pos, Align2::LEFT_TOP, text, font::small(), t.faint);
        x_free = drawn.right() + size::S;
    }
    let first = from
        .div_euclid(step)
        .saturating_add(i64::from(from.rem_euclid(step) != 0));
    for n in 0..64_i64 {
        let Some(at) = first
            .saturating_add(n)
            .checked_mul(step)
            .filter(|at| *at <= to)
        else {
            break;
        };
        // Lines are counted from 1: their round numbers lie one row before.
        let at = match moments.axis {
            DensityAxis::Rows => at.saturating_sub(1).max(from),
            _ => at,
        };
        let x = lane.x_of(at);
        painter.vline(x, y - 1.0..=y + 2.0, Stroke::new(1.0, t.faint));
        let text = moments.short(at, step);
        let galley = painter.layout_no_wrap(text, font::small(), t.faint);
        let left = (x - galley.size().x / 2.0)
            .max(lane.rect.left())
            .min(lane.rect.right() - galley.size().x);
        if left < x_free {
            continue;
        }
        x_free = left + galley.size().x + size::S;
        painter.galley(Pos2::new(left, y), galley, t.faint);
    }
}

/// The distance of labels: a round number for which there is room.
fn step_of(lane: &Lane<'_>) -> i64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the width of a screen in labels"
    )]
    let n_labels = (lane.rect.width() / LABEL).floor().max(1.0) as i128;
    let least = lane.width().checked_div(n_labels).unwrap_or(1);
    let least = i64::try_from(least).unwrap_or(i64::MAX).max(1);
    if lane.density.axis != DensityAxis::Rows && least >= SECOND {
        let mut steps = STEPS.iter().map(|step| step.saturating_mul(SECOND));
        return steps.find(|step| *step >= least).unwrap_or(least);
    }
    let mut step: i64 = 1;
    loop {
        for factor in [1, 2, 5] {
            let round = step.saturating_mul(factor);
            if round >= least {
                return round;
            }
        }
        step = step.saturating_mul(10);
    }
}

/// `boot 2, 12.345 s: 3 errors, 12 warnings, 240 others`.
fn said_at(lane: &Lane<'_>, moments: &Moments, x: f32) -> String {
    let place = moments.text(lane.at(x));
    let Some(bucket) = lane.bucket(x) else {
        return place;
    };
    let mut parts = Vec::new();
    for level in LogLevel::ALL.into_iter().rev() {
        if let Some(n @ 1..) = bucket.get(level.index()) {
            parts.push(format!("{} {}", words::number(u64::from(*n)), level.name()));
        }
    }
    if let Some(n @ 1..) = bucket.get(LogLevel::ALL.len()) {
        parts.push(format!("{} without a level", words::number(u64::from(*n))));
    }
    if parts.is_empty() {
        parts.push("no line".to_owned());
    }
    format!("{place}: {}", parts.join(", "))
}

fn label_ui(painter: &Painter, t: &Tokens, lane: &Lane<'_>, x: f32, label: &str) {
    let galley = painter.layout_no_wrap(label.to_owned(), font::small(), t.text);
    let is_right = x > lane.rect.center().x;
    let left = if is_right {
        x - 4.0 - galley.size().x
    } else {
        x + 4.0
    };
    let left = left.max(lane.rect.left());
    let pos = Pos2::new(left, lane.rect.top() - 2.0);
    let ground = Rect::from_min_size(pos, galley.size()).expand2(egui::vec2(3.0, 0.0));
    painter.rect_filled(ground, 2.0, t.raised);
    painter.galley(pos, galley, t.text);
}

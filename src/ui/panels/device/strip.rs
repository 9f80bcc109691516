//! The strip above the lanes: which version ran when, what happened, and what was logged.

use crate::engine::fleet::view::{DeviceTimeline, EventMark};
use crate::engine::queries::device_logs::{DeviceLogs, LogPart};
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::{Tokens, font, size, tokens};
use crate::ui::widgets::chart::{Shown, Time, moves_of, ns_at, x_at};
use crate::ui::widgets::marker::{self, Mark};
use crate::ui::words;
use egui::{Align2, CursorIcon, Painter, Pos2, Rangef, Rect, Sense, Stroke, Ui, vec2};

const HEIGHT: f32 = 40.0;
/// Height of the row of logs, where there are any.
const LOGS: f32 = 22.0;
/// Where the charts below begin, before they were drawn once.
const LEFT: f32 = 58.0;
/// So near to a mark the pointer means it.
const NEAR: f32 = 6.0;

/// Where everything is.
struct Strip<'a> {
    t: &'static Tokens,
    time: &'a Time,
    inner: Rect,
    painter: Painter,
}

impl Strip<'_> {
    fn x(&self, ns: i64) -> f32 {
        x_at(self.inner.x_range(), self.time.sight_ns(), ns)
    }

    fn y_of_events(&self) -> f32 {
        self.inner.top() + 27.0
    }

    fn logs(&self) -> Rect {
        let top = self.inner.top() + HEIGHT - 2.0;
        Rect::from_x_y_ranges(self.inner.x_range(), top..=top + LOGS - 6.0)
    }
}

/// Draws it; what was done on it.
pub(super) fn strip_ui(
    ctx: &mut ViewContext<'_>,
    ui: &mut Ui,
    time: &Time,
    device: &DeviceTimeline,
    logs: Option<&DeviceLogs>,
    charts: Option<&Shown>,
) -> Shown {
    let t = tokens(ui);
    let has_logs = logs.is_some_and(|logs| !logs.logs.is_empty());
    let height = if has_logs { HEIGHT + LOGS } else { HEIGHT };
    let size = vec2(ui.available_width(), height);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    let left = charts.map_or(rect.left() + LEFT, |charts| charts.from_left);
    let right = charts.map_or(rect.right(), |charts| charts.to_right);
    let inner = Rect::from_min_max(
        Pos2::new(left, rect.top() + 2.0),
        Pos2::new(right, rect.bottom() - 2.0),
    );
    let strip = Strip {
        t,
        time,
        inner,
        painter: ui.painter().with_clip_rect(inner.intersect(ui.clip_rect())),
    };
    versions_ui(&strip, device);
    if let Some(logs) = logs.filter(|_| has_logs) {
        logs_ui(&strip, logs);
    }
    if let Some(ns) = time.shared.cursor_ns {
        let stroke = Stroke::new(1.0, t.muted);
        strip.painter.vline(strip.x(ns), inner.y_range(), stroke);
    }
    let pointer = response.hover_pos();
    let near = events_ui(&strip, device, pointer);
    labels_ui(ui, &strip, rect, has_logs);
    let n = device.events.len();
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::Image, true, format!("Versions and {n} events"))
    });
    let (moves, clicked_ns) = moves_of(ui, t, &response, inner, time);
    let log = logs.zip(pointer).and_then(|(logs, pos)| {
        let is_on_it = strip.logs().expand(2.0).contains(pos);
        let ns = ns_at(inner.x_range(), time.sight_ns(), pos.x);
        is_on_it.then(|| logs.at(ns)).flatten()
    });
    let words = if let Some(mark) = near {
        if let Some(crash) = mark.crash {
            ui.ctx().set_cursor_icon(CursorIcon::PointingHand);
            if response.clicked() {
                ctx.ui(UiCommand::OpenCrash(crash));
            }
        }
        Some(event_words(time, mark))
    } else if let Some((log, axis_ns)) = log {
        ui.ctx().set_cursor_icon(CursorIcon::PointingHand);
        if response.clicked() {
            ctx.ui(UiCommand::OpenLogAt(log.key.clone(), axis_ns));
        }
        Some(format!("Open {} here", words::file_name(&log.name)))
    } else {
        None
    };
    if let Some(words) = words {
        response.on_hover_text(words);
    }
    Shown {
        from_left: left,
        to_right: right,
        moves,
        clicked_ns,
    }
}

fn versions_ui(strip: &Strip<'_>, device: &DeviceTimeline) {
    let t = strip.t;
    let rows = Rangef::new(strip.inner.top(), strip.inner.top() + 18.0);
    for (index, (begin, end, version)) in device.versions.iter().enumerate() {
        let part = Rect::from_x_y_ranges(strip.x(*begin)..=strip.x(*end), rows);
        let fill = if index % 2 == 0 { t.act_bg } else { t.raised };
        strip.painter.rect(
            part.shrink2(vec2(0.5, 0.0)),
            3.0,
            fill,
            Stroke::NONE,
            egui::StrokeKind::Inside,
        );
        let left = part.left().max(strip.inner.left()) + size::XS;
        if part.right() - left > 30.0 {
            let pos = Pos2::new(left, part.center().y);
            let small = font::small();
            strip
                .painter
                .text(pos, Align2::LEFT_CENTER, version, small, t.text);
        }
    }
}

/// Marks what happened; the mark that the pointer is near.
fn events_ui<'d>(
    strip: &Strip<'_>,
    device: &'d DeviceTimeline,
    pointer: Option<Pos2>,
) -> Option<&'d EventMark> {
    let t = strip.t;
    let y = strip.y_of_events();
    let mut near: Option<(f32, &EventMark)> = None;
    for event in &device.events {
        let (mark, color) = match event.kind.as_str() {
            "crash" => (Mark::Filled, t.crash),
            "boot" => (Mark::Half, t.act),
            _ => (Mark::Hollow, t.muted),
        };
        let center = Pos2::new(strip.x(event.time_ns), y);
        if !strip.inner.x_range().contains(center.x) {
            continue;
        }
        marker::paint(&strip.painter, center, mark, color);
        let distance = pointer.map(|pos| (pos - center).length());
        if let Some(distance) = distance.filter(|distance| *distance < NEAR)
            && near.is_none_or(|(least, _)| distance < least)
        {
            near = Some((distance, event));
        }
    }
    near.map(|(_, event)| event)
}

fn event_words(time: &Time, event: &EventMark) -> String {
    let mut words = format!("{}: {}", time.words(event.time_ns), event.kind);
    if let Some(issue) = &event.issue {
        words.push_str(", ");
        words.push_str(&issue.replace('`', ""));
    }
    if let Some(version) = &event.version {
        words.push_str(", version ");
        words.push_str(version);
    }
    match (event.kind.as_str(), event.crash) {
        (_, Some(_)) => words.push_str("\nClick to open the crash"),
        ("crash", None) => words.push_str("\nNo coredump or fault print of it was imported"),
        _ => {}
    }
    words
}

/// How much was logged: the height is the number of lines, errors and worse at the bottom.
fn logs_ui(strip: &Strip<'_>, logs: &DeviceLogs) {
    let rect = strip.logs();
    let parts = || logs.logs.iter().flat_map(|log| &log.parts);
    let most = parts().map(|part| part.n_lines).max().unwrap_or(1).max(1);
    let bar = |part: &LogPart, n: u64, color| {
        #[expect(clippy::cast_possible_truncation, reason = "a share of 1")]
        let share = (n as f64 / most as f64) as f32;
        if n == 0 {
            return;
        }
        let left = strip.x(part.from_ns);
        let right = strip.x(part.to_ns).max(left + 1.0);
        let top = rect.bottom() - (rect.height() * share).max(1.5);
        let bar = Rect::from_x_y_ranges(left..=right, top..=rect.bottom());
        strip.painter.rect_filled(bar, 0.0, color);
    };
    for part in parts() {
        bar(part, part.n_lines, strip.t.series[0].gamma_multiply(0.55));
        bar(part, part.n_errors, strip.t.series[5]);
    }
}

fn labels_ui(ui: &Ui, strip: &Strip<'_>, rect: Rect, has_logs: bool) {
    let log = has_logs.then(|| (strip.logs().center().y, "log"));
    let rows = [
        (strip.inner.top() + 9.0, "version"),
        (strip.y_of_events(), "events"),
    ];
    for (row, label) in rows.into_iter().chain(log) {
        let pos = Pos2::new(rect.left() + size::M, row);
        let small = font::small();
        ui.painter()
            .text(pos, Align2::LEFT_CENTER, label, small, strip.t.faint);
    }
}

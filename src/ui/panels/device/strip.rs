//! The strip above the lanes: which version ran when, and what happened.

use crate::engine::fleet::view::DeviceTimeline;
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::chart::{Sight, Time};
use crate::ui::widgets::marker::{self, Mark};
use egui::{Align2, Pos2, Rect, Sense, Stroke, Ui, vec2};

const HEIGHT: f32 = 40.0;
/// Where the charts below begin, before they were drawn once.
const LEFT: f32 = 58.0;
/// So near to a mark the pointer means it.
const NEAR: f32 = 6.0;

pub(super) fn strip_ui(
    _ctx: &mut ViewContext<'_>,
    ui: &mut Ui,
    time: &Time,
    device: &DeviceTimeline,
    sight: Option<Sight>,
) {
    let t = tokens(ui);
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
    let inner = Rect::from_min_max(
        Pos2::new(
            sight.map_or(rect.left() + LEFT, |sight| sight.from_left),
            rect.top() + 2.0,
        ),
        Pos2::new(
            sight.map_or(rect.right(), |sight| sight.to_right),
            rect.bottom() - 2.0,
        ),
    );
    let (from, to) = sight.map_or(time.span_ns, |sight| sight.span_ns);
    let width = to.saturating_sub(from).max(1) as f64;
    #[expect(clippy::cast_possible_truncation, reason = "a share of the width")]
    let x =
        |ns: i64| inner.left() + inner.width() * (ns.saturating_sub(from) as f64 / width) as f32;
    let painter = ui.painter().with_clip_rect(inner.intersect(ui.clip_rect()));
    let versions = inner.with_max_y(inner.top() + 18.0);
    for (index, (begin, end, version)) in device.versions.iter().enumerate() {
        let part = Rect::from_x_y_ranges(x(*begin)..=x(*end), versions.y_range());
        let fill = if index % 2 == 0 { t.act_bg } else { t.raised };
        painter.rect(
            part.shrink2(vec2(0.5, 0.0)),
            3.0,
            fill,
            Stroke::NONE,
            egui::StrokeKind::Inside,
        );
        let pos = Pos2::new(part.left().max(inner.left()) + size::XS, part.center().y);
        if part.right() - pos.x > 30.0 {
            painter.text(pos, Align2::LEFT_CENTER, version, font::small(), t.text);
        }
    }
    let y = inner.bottom() - 9.0;
    let mut near: Option<(f32, String)> = None;
    for event in &device.events {
        let (mark, color) = match event.kind.as_str() {
            "crash" => (Mark::Filled, t.crash),
            "boot" => (Mark::Half, t.act),
            _ => (Mark::Hollow, t.muted),
        };
        let center = Pos2::new(x(event.time_ns), y);
        marker::paint(&painter, center, mark, color);
        let distance = response.hover_pos().map(|pos| (pos - center).length());
        if let Some(distance) = distance.filter(|distance| *distance < NEAR)
            && near.as_ref().is_none_or(|(least, _)| distance < *least)
        {
            let issue = event
                .issue
                .as_deref()
                .map_or_else(String::new, |issue| format!(", {issue}"));
            let version = event
                .version
                .as_deref()
                .map_or_else(String::new, |v| format!(", version {v}"));
            near = Some((
                distance,
                format!(
                    "{}: {}{issue}{version}",
                    time.words(event.time_ns),
                    event.kind
                ),
            ));
        }
    }
    let painter = ui.painter();
    for (row, label) in [(versions.center().y, "version"), (y, "events")] {
        let pos = Pos2::new(rect.left() + size::M, row);
        painter.text(pos, Align2::LEFT_CENTER, label, font::small(), t.faint);
    }
    let n = device.events.len();
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::Image, true, format!("Versions and {n} events"))
    });
    if let Some((_, text)) = near {
        response.on_hover_text(text);
    }
}

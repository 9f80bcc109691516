//! The lane above the list: how many lines, how serious, along the whole log; where it crashed and restarted.

use crate::engine::queries::log_summary::LogOverview;
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::card;
use crate::ui::widgets::marker::{self, Mark};
use crate::ui::widgets::virtual_list::share;
use crate::ui::words;
use egui::{Align2, Pos2, Rect, Role, Sense, Stroke, Ui, WidgetInfo};

/// Where a row is on a lane that fills `rect`.
pub(super) fn x_of(rect: Rect, row: u64, n_rows: u64) -> f32 {
    let lane = inner(rect);
    lane.left() + lane.width() * share(row, n_rows.max(1))
}

fn inner(rect: Rect) -> Rect {
    rect.shrink2(egui::vec2(size::M, size::S))
}

/// Draws the lane; the row that was clicked.
pub(super) fn lane_ui(
    ui: &Ui,
    rect: Rect,
    overview: &LogOverview,
    in_sight: Option<(f32, f32)>,
) -> Option<u64> {
    let t = tokens(ui);
    card::frame(ui, rect);
    let lane = inner(rect);
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    let density = &overview.density;
    let total = |bucket: &[u32; 7]| bucket.iter().map(|n| u64::from(*n)).sum::<u64>();
    let most = density.buckets.iter().map(total).max().unwrap_or(0).max(1);
    let width = lane.width() / density.buckets.len().max(1) as f32;
    let bars = Rect::from_min_max(Pos2::new(lane.left(), lane.top() + 10.0), lane.max);
    if let Some((from, to)) = in_sight {
        let x = |share: f32| lane.left() + lane.width() * share.clamp(0.0, 1.0);
        let sight = Rect::from_x_y_ranges(x(from)..=x(to).max(x(from) + 2.0), lane.y_range());
        painter.rect_filled(sight, 2.0, t.act_bg);
    }
    for (index, bucket) in density.buckets.iter().enumerate() {
        let left = bars.left() + width * index as f32;
        let mut bottom = bars.bottom();
        let serious: u64 = bucket.iter().skip(4).take(2).map(|n| u64::from(*n)).sum();
        let warned = bucket.get(3).map_or(0, |n| u64::from(*n));
        let rest = total(bucket).saturating_sub(serious).saturating_sub(warned);
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
    let n_rows = overview.summary.n_rows.max(1);
    let x_of = |row: i64| self::x_of(rect, row.unsigned_abs(), n_rows);
    for boot in &density.boots {
        painter.vline(
            x_of(*boot),
            lane.y_range(),
            Stroke::new(1.0, t.act.gamma_multiply(0.6)),
        );
    }
    for crash in &density.crashes {
        marker::paint(
            &painter,
            Pos2::new(x_of(*crash), lane.top() + 4.0),
            Mark::Filled,
            t.crash,
        );
    }
    let response = ui.interact(rect, ui.scope_id().with("density"), Sense::click());
    let crashes = words::count(density.crashes.len() as u64, "crash", "crashes");
    response.widget_info(|| {
        WidgetInfo::labeled(Role::Image, true, format!("Lines along the log, {crashes}"))
    });
    let pointer = response.hover_pos().or(response.interact_pointer_pos())?;
    let at = f64::from(((pointer.x - lane.left()) / lane.width()).clamp(0.0, 1.0));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the last row"
    )]
    let row = (at * n_rows.saturating_sub(1) as f64).round() as u64;
    painter.vline(pointer.x, lane.y_range(), Stroke::new(1.0, t.text));
    let label = format!("line {}", words::number(row.saturating_add(1)));
    let align = if at > 0.5 {
        Align2::RIGHT_TOP
    } else {
        Align2::LEFT_TOP
    };
    let offset = if at > 0.5 { -4.0 } else { 4.0 };
    painter.text(
        Pos2::new(pointer.x + offset, lane.top() - 4.0),
        align,
        label,
        font::small(),
        t.text,
    );
    response.clicked().then_some(row)
}

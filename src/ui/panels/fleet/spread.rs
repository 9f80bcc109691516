//! How the values of a metric are spread.

use super::Fleet;
use crate::engine::fleet::view::Histogram;
use crate::model::metric::MetricDefinition;
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::chart::digits;
use crate::ui::widgets::{card as cards, state};
use crate::ui::words;
use egui::{Align2, Pos2, Rect, Sense, Ui};

/// Room for the numbers below the bars.
const LABELS: f32 = 18.0;

impl Fleet {
    pub(super) fn spread_ui(
        &self,
        ctx: &mut ViewContext<'_>,
        ui: &mut Ui,
        rect: Rect,
        metric: &MetricDefinition,
    ) {
        let of = self.version.as_deref().unwrap_or("all versions");
        let title = cards::Title {
            title: "Spread",
            detail: of,
            right: "",
        };
        let answer = ctx.door.fleet_histogram(
            &metric.name,
            self.version.as_deref(),
            ctx.nav.time.chosen_ns,
        );
        cards::card(ui, rect, title, |ui| {
            state::answer(ui, &answer, "Counting values…", |ui, histogram| {
                bars_ui(ui, histogram, metric);
            });
        });
    }
}

fn bars_ui(ui: &Ui, histogram: &Histogram, metric: &MetricDefinition) {
    let t = tokens(ui);
    let unit = metric.unit.as_deref().unwrap_or_default();
    let rect = ui
        .available_rect_before_wrap()
        .shrink2(egui::vec2(size::M, size::S));
    let bars = rect.with_max_y(rect.bottom() - LABELS);
    let most = histogram.counts.iter().copied().max().unwrap_or(0).max(1);
    let width = bars.width() / histogram.counts.len().max(1) as f32;
    let painter = ui.painter();
    for (index, n) in histogram.counts.iter().enumerate() {
        let left = bars.left() + width * index as f32;
        #[expect(clippy::cast_possible_truncation, reason = "a share of 1")]
        let share = (*n as f64 / most as f64) as f32;
        let mut height = bars.height() * share;
        if *n > 0 {
            height = height.max(1.0);
        }
        let bar = Rect::from_min_max(
            Pos2::new(left, bars.bottom() - height),
            Pos2::new(left + (width - 1.0).max(1.0), bars.bottom()),
        );
        painter.rect_filled(bar, 0.0, t.series[0]);
    }
    let end = histogram.first + histogram.bin * histogram.counts.len() as f64;
    for (x, align, value) in [
        (rect.left(), Align2::LEFT_BOTTOM, histogram.first),
        (rect.right(), Align2::RIGHT_BOTTOM, end),
    ] {
        let text = format!("{} {unit}", digits(value));
        let pos = Pos2::new(x, rect.bottom());
        painter.text(pos, align, text, font::small(), t.faint);
    }
    let response = ui.interact(rect, ui.scope_id().with("spread"), Sense::hover());
    let n: u64 = histogram.counts.iter().sum();
    let all = words::count(n, "value", "values");
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::Image, true, format!("Spread of {all}"))
    });
    if let Some(pointer) = response.hover_pos() {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the number of a bar"
        )]
        let index = ((pointer.x - bars.left()) / width).max(0.0) as usize;
        if let Some(n) = histogram.counts.get(index) {
            let from = histogram.first + histogram.bin * index as f64;
            response.on_hover_text(format!(
                "{} up to {} {unit}: {} of {all}",
                digits(from),
                digits(from + histogram.bin),
                words::number(*n)
            ));
        }
    }
}

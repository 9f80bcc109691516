//! The list of what is measured.

use super::Fleet;
use crate::engine::fleet::view::FleetSummary;
use crate::model::metric::MetricDefinition;
use crate::ui::theme::size;
use crate::ui::widgets::row::row;
use crate::ui::widgets::{card as cards, field, state};
use egui::{Rect, ScrollArea, Ui};

impl Fleet {
    pub(super) fn metrics_ui(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        summary: &FleetSummary,
        shown: Option<&MetricDefinition>,
    ) {
        let title = cards::Title {
            title: "Metrics",
            detail: &summary.metrics.len().to_string(),
            right: "unit",
        };
        cards::card(ui, rect, title, |ui| {
            ui.horizontal(|ui| {
                ui.add_space(size::S);
                let width = ui.available_width() - size::XL;
                field::line(ui, &mut self.search, "Find a metric", "Find…", width);
            });
            ui.add_space(size::XS);
            let search = self.search.trim().to_lowercase();
            let metrics: Vec<&MetricDefinition> = summary
                .metrics
                .iter()
                .filter(|metric| metric.name.to_lowercase().contains(&search))
                .collect();
            if metrics.is_empty() {
                state::empty(
                    ui,
                    "No metric has this in its name",
                    "Clear the field to see all.",
                );
            }
            ScrollArea::vertical()
                .id_salt("metrics")
                .auto_shrink(false)
                .show_rows(ui, size::ROW, metrics.len(), |ui, range| {
                    for metric in metrics.get(range).unwrap_or(&[]) {
                        let is_shown = shown.is_some_and(|shown| shown.name == metric.name);
                        if metric_ui(ui, metric, is_shown) {
                            self.metric = Some(metric.name.clone());
                        }
                    }
                });
        });
    }
}

fn metric_ui(ui: &mut Ui, metric: &MetricDefinition, is_shown: bool) -> bool {
    let unit = metric.unit.as_deref().unwrap_or_default();
    let name = format!("Metric {} {unit}", metric.name);
    let response = row(ui, is_shown, &name, |row| {
        let end = row.width() - size::M;
        row.text(
            end - 36.0,
            end,
            unit,
            &crate::ui::widgets::row::CellStyle {
                font: crate::ui::theme::font::small(),
                color: row.tokens.faint,
                align: egui::Align::Max,
            },
        );
        row.mono(size::M, end - 40.0, &metric.name);
    });
    let is_clicked = response.clicked();
    if let Some(description) = &metric.description {
        response.on_hover_text(description);
    }
    is_clicked
}

//! Says what a metric is: its unit and kind, where firmware or tables do not, or are wrong.

use super::Fleet;
use crate::engine::command::Command;
use crate::model::metric::{MetricDefinition, MetricKind};
use crate::ui::context::ViewContext;
use crate::ui::theme::size;
use crate::ui::widgets::{button, field, text};
use egui::{Id, Ui};

/// What is being said, once the field was filled with what is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Edit {
    said: Option<(String, MetricKind)>,
}

/// Kinds that a person can choose. A text has no numbers, and a state needs names for them.
const KINDS: [(MetricKind, &str, &str); 3] = [
    (
        MetricKind::Gauge,
        "Gauge",
        "A value of one moment: a temperature.",
    ),
    (
        MetricKind::Counter,
        "Counter",
        "How often something happened in the interval: it is added up.",
    ),
    (
        MetricKind::Timer,
        "Timer",
        "How long something lasted in the interval: shown as its share of it too.",
    ),
];

impl Fleet {
    pub(super) fn edit_ui(
        &mut self,
        ctx: &mut ViewContext<'_>,
        ui: &Ui,
        metric: &MetricDefinition,
    ) {
        let Some(edit) = &mut self.edit else { return };
        let known = || (metric.unit.clone().unwrap_or_default(), metric.kind);
        let said = edit.said.get_or_insert_with(known);
        let modal = egui::Modal::new(Id::unique("edit a metric")).show(ui.ctx(), |ui| {
            ui.set_width(420.0);
            text::title(ui, format!("What {} is", metric.name));
            text::muted(
                ui,
                "This outlives what firmware and tables say of it, and is kept in the workspace.",
            );
            ui.add_space(size::M);
            let hint = "a unit: dBm, ms, %";
            field::line(ui, &mut said.0, "Unit", hint, ui.available_width());
            ui.add_space(size::S);
            let can_choose = !matches!(metric.kind, MetricKind::State | MetricKind::Text);
            for (kind, label, help) in KINDS.into_iter().filter(|_| can_choose) {
                let is_it = said.1 == kind;
                if ui.radio(is_it, label).on_hover_text(help).clicked() {
                    said.1 = kind;
                }
            }
            ui.add_space(size::M);
            ui.horizontal(|ui| {
                let keeps = button::primary(ui, "Keep").clicked();
                let closes = button::quiet(ui, "Close").clicked();
                (keeps, closes)
            })
            .inner
        });
        let is_closed = modal.should_close();
        let (keeps, closes) = modal.inner;
        if keeps {
            let unit = said.0.trim();
            ctx.send(Command::EditMetric {
                metric: metric.name.clone(),
                unit: (!unit.is_empty()).then(|| unit.to_owned()),
                kind: said.1,
            });
        }
        if keeps || closes || is_closed {
            self.edit = None;
        }
    }
}

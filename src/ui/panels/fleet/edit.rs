//! Says what a metric is: its unit and kind, where firmware or tables do not, or are wrong.

use super::Fleet;
use crate::engine::command::Command;
use crate::engine::metric_edit::KnownBefore;
use crate::model::metric::{MetricDefinition, MetricKind};
use crate::ui::context::ViewContext;
use crate::ui::theme::size;
use crate::ui::widgets::{button, field, text};
use egui::{Id, Key, Ui};

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
        "How long something lasted in the interval; its share is shown too.",
    ),
];

/// How it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Stay,
    Keep,
    TakeBack,
    Close,
}

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
        let answer = ctx.door.metric_before_edit(&metric.name);
        let before = answer.value().and_then(|before| before.as_ref().as_ref());
        let modal = egui::Modal::new(Id::unique("edit a metric")).show(ui.ctx(), |ui| {
            ui.set_width(420.0);
            text::title(ui, format!("What {} is", metric.name));
            text::muted(
                ui,
                "It is kept in the workspace and outlives what firmware and tables say of it. Stored values stay as they are.",
            );
            ui.add_space(size::M);
            said_ui(ui, metric, said, before)
        });
        let next = match modal.inner {
            Next::Stay if modal.should_close() => Next::Close,
            next => next,
        };
        let name = metric.name.clone();
        match next {
            Next::Stay => return,
            Next::Keep => {
                let unit = said.0.trim();
                ctx.send(Command::EditMetric {
                    metric: name,
                    unit: (!unit.is_empty()).then(|| unit.to_owned()),
                    kind: said.1,
                });
            }
            Next::TakeBack => ctx.send(Command::TakeBackMetric { metric: name }),
            Next::Close => {}
        }
        self.edit = None;
    }
}

fn said_ui(
    ui: &mut Ui,
    metric: &MetricDefinition,
    said: &mut (String, MetricKind),
    before: Option<&KnownBefore>,
) -> Next {
    let hint = "a unit: dBm, ms, %";
    let field = field::line(ui, &mut said.0, "Unit", hint, ui.available_width());
    let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    ui.add_space(size::S);
    let can_choose = !matches!(metric.kind, MetricKind::State | MetricKind::Text);
    for (kind, label, help) in KINDS.into_iter().filter(|_| can_choose) {
        let is_it = said.1 == kind;
        ui.horizontal(|ui| {
            if ui.radio(is_it, label).on_hover_text(help).clicked() {
                said.1 = kind;
            }
            text::small(ui, help);
        });
    }
    ui.add_space(size::M);
    let mut next = if entered { Next::Keep } else { Next::Stay };
    if let Some(before) = before {
        ui.horizontal_wrapped(|ui| {
            text::small(ui, before_words(before));
            if button::link(ui, "Take back").clicked() {
                next = Next::TakeBack;
            }
        });
        ui.add_space(size::S);
    }
    ui.horizontal(|ui| {
        if button::primary(ui, "Keep").clicked() {
            next = Next::Keep;
        }
        if button::quiet(ui, "Close").clicked() {
            next = Next::Close;
        }
    });
    next
}

/// `Changed here. The firmware says: a gauge in dBm.`
fn before_words(before: &KnownBefore) -> String {
    let who = if before.is_defined {
        "The firmware says"
    } else {
        "The name of its column says"
    };
    let unit = match &before.unit {
        Some(unit) => format!("in {unit}"),
        None => "without a unit".to_owned(),
    };
    format!("Changed here. {who}: a {} {unit}.", before.kind.name())
}

//! The devices at one end: a click draws one over the band, a second one opens its page.

use super::Fleet;
use crate::engine::fleet::view::RankedDevice;
use crate::model::metric::{MetricDefinition, MetricKind};
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size};
use crate::ui::widgets::chart::sum_words;
use crate::ui::widgets::row::{CellStyle, head, row};
use crate::ui::widgets::{button, card as cards, state};
use crate::ui::words;
use egui::{Align, Rect, Response, ScrollArea, Ui};

/// Widths of the columns of values and of how many they are.
const VALUE: f32 = 62.0;
const N: f32 = 48.0;

impl Fleet {
    pub(super) fn outliers_ui(
        &mut self,
        ctx: &mut ViewContext<'_>,
        ui: &mut Ui,
        rect: Rect,
        metric: &MetricDefinition,
    ) {
        let what = match metric.kind {
            MetricKind::Counter => "sum",
            _ => "mean",
        };
        let title = cards::Title {
            title: "Outliers",
            detail: "",
            right: "",
        };
        let chosen = ctx.nav.time.chosen_ns;
        let answer = ctx
            .door
            .fleet_ranking(&metric.name, !self.from_bottom, chosen);
        cards::card(ui, rect, title, |ui| {
            ui.horizontal(|ui| {
                ui.add_space(size::S);
                for (from_bottom, label) in [(false, "Most"), (true, "Least")] {
                    let is_chosen = self.from_bottom == from_bottom;
                    if ui.selectable_label(is_chosen, label).clicked() {
                        self.from_bottom = from_bottom;
                    }
                }
                if let Some(device) = &self.device
                    && button::link(ui, "Open the device").clicked()
                {
                    ctx.ui(UiCommand::OpenDevice(device.clone()));
                }
            });
            state::answer(ui, &answer, "Ranking devices…", |ui, devices| {
                let end = rect.width() - size::M;
                let [n, value] = [end - VALUE, end];
                let heads = [
                    (size::M, n - N, Align::Min, "Device"),
                    (n - N, n, Align::Max, "values"),
                    (n, value, Align::Max, what),
                ];
                head(ui, &heads);
                let scroll = ScrollArea::vertical().id_salt("outliers");
                scroll.show(ui, |ui| self.devices_ui(ctx, ui, devices));
            });
        });
    }

    fn devices_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui, devices: &[RankedDevice]) {
        for device in devices {
            let is_shown = self.device.as_deref() == Some(&*device.serial);
            let response = device_ui(ui, device, is_shown);
            if response.double_clicked() {
                ctx.ui(UiCommand::OpenDevice(device.serial.clone()));
            } else if response.clicked() {
                self.device = (!is_shown).then(|| device.serial.clone());
            }
        }
    }
}

fn device_ui(ui: &mut Ui, device: &RankedDevice, is_shown: bool) -> Response {
    let value = sum_words(device.value);
    let n = words::number(device.n);
    let version = device.version.as_deref().unwrap_or_default();
    let hardware = device.hardware.as_deref().unwrap_or_default();
    let name = format!("Device {}: {value} of {n} values", device.serial);
    let response = row(ui, is_shown, &name, |row| {
        let end = row.width() - size::M;
        let at = row.mono(size::M, end * 0.5, &device.serial);
        let rest = end - VALUE - N;
        row.muted(at + size::S, rest, &format!("{hardware} {version}"));
        let quiet = CellStyle {
            font: font::mono_small(),
            color: row.tokens.muted,
            align: Align::Max,
        };
        row.text(rest, end - VALUE, &n, &quiet);
        row.number(end - VALUE, end, &value);
    });
    response.on_hover_text("A click draws it over the band, a double click opens it")
}

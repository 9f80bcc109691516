//! The devices at one end: a click draws one over the band, a second one opens its page.

use super::Fleet;
use crate::engine::fleet::view::RankedDevice;
use crate::model::metric::{MetricDefinition, MetricKind};
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::size;
use crate::ui::widgets::chart::digits;
use crate::ui::widgets::row::row;
use crate::ui::widgets::{button, card as cards, state};
use egui::{Rect, Response, ScrollArea, Ui};

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
            right: what,
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
    let value = digits(device.value);
    let version = device.version.as_deref().unwrap_or_default();
    let hardware = device.hardware.as_deref().unwrap_or_default();
    let name = format!("Device {}: {value}", device.serial);
    let response = row(ui, is_shown, &name, |row| {
        let end = row.width() - size::M;
        let at = row.mono(size::M, end * 0.5, &device.serial);
        row.muted(at + size::S, end - 60.0, &format!("{hardware} {version}"));
        row.number(end - 60.0, end, &value);
    });
    response.on_hover_text("A click draws it over the band, a double click opens it")
}

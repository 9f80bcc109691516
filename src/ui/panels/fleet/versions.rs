//! Versions side by side: how many devices, how often they crash, and the metric that is looked at.

use super::Fleet;
use crate::engine::fleet::view::{Estimate, FleetSummary, LEAST_DEVICES, Looping};
use crate::model::metric::MetricDefinition;
use crate::ui::context::ViewContext;
use crate::ui::theme::size;
use crate::ui::widgets::chart::digits;
use crate::ui::widgets::row::{head, tall_row};
use crate::ui::widgets::{card as cards, text};
use crate::ui::words;
use egui::{Align, Rect, ScrollArea, Ui};

impl Fleet {
    pub(super) fn versions_ui(
        &mut self,
        ctx: &mut ViewContext<'_>,
        ui: &mut Ui,
        rect: Rect,
        summary: &FleetSummary,
        metric: &MetricDefinition,
    ) {
        let title = cards::Title {
            title: "Versions",
            detail: &summary.versions.len().to_string(),
            right: "",
        };
        let chosen = ctx.nav.time.chosen_ns;
        let means = ctx.door.fleet_by_version(&metric.name, chosen);
        let means = means.value();
        // Of the time that was chosen, once it is known; of all there is until then.
        let of_span = chosen.map(|span| ctx.door.fleet_versions(span));
        let of_span = of_span.and_then(|answer| answer.value().cloned());
        let (rows, looping) = match of_span.as_deref() {
            Some((rows, looping)) => (rows, looping),
            None => (&summary.versions, &summary.looping),
        };
        cards::card(ui, rect, title, |ui| {
            let end = rect.width() - size::M;
            let (a, b) = (end * 0.3, end * 0.7);
            head(
                ui,
                &[
                    (size::M, a, Align::Min, "devices"),
                    (a, b, Align::Max, "crashes / 1,000 h"),
                    (b, end, Align::Max, "mean"),
                ],
            );
            ScrollArea::vertical().id_salt("versions").show(ui, |ui| {
                for row in rows {
                    let mean = means.and_then(|means| {
                        means.iter().find(|mean| mean.version == row.version)
                    });
                    let mean = mean.map_or_else(|| "–".to_owned(), |mean| digits(mean.mean));
                    let (rate, interval) = estimate_words(row.crash_rate, row.n_devices);
                    let devices = words::count(row.n_devices, "device", "devices");
                    let crashes = words::count(row.n_crashes, "crash", "crashes");
                    let version = if row.version.is_empty() { "not said" } else { &row.version };
                    let name = format!("Version {version}: {rate} crashes in 1,000 h, {interval}");
                    let is_chosen = self.version.as_deref() == Some(&*row.version);
                    let response = tall_row(ui, is_chosen, &name, |painter| {
                        let mut upper = painter.half(true);
                        upper.strong(size::M, a, version);
                        upper.number(a, b, &rate);
                        upper.number(b, end, &mean);
                        let mut lower = painter.half(false);
                        let style = crate::ui::widgets::row::CellStyle {
                            font: crate::ui::theme::font::small(),
                            color: painter.tokens.muted,
                            align: Align::Max,
                        };
                        lower.text(a, b, &interval, &style);
                        let devices = crate::ui::widgets::row::CellStyle {
                            align: Align::Min,
                            ..style.clone()
                        };
                        lower.text(size::M, a, &words::number(row.n_devices), &devices);
                        lower.text(b, end, &crashes, &style);
                    });
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "hours that devices reported"
                    )]
                    let hours = row.device_hours.max(0.0).round() as u64;
                    let response = response.on_hover_text(if row.crash_rate.is_some() {
                        format!(
                            "{devices}, {crashes} in {} device-hours. With 95 % confidence the rate is {interval}. Click shows this version alone.",
                            words::number(hours)
                        )
                    } else {
                        format!("{devices}, {crashes}, and no heartbeat that says how many hours it ran: there is no rate.")
                    });
                    if response.clicked() && !row.version.is_empty() {
                        self.version = (!is_chosen).then(|| row.version.clone());
                    }
                }
                looping_ui(ui, looping);
            });
        });
    }
}

fn looping_ui(ui: &mut Ui, looping: &Looping) {
    if looping.n_devices == 0 {
        return;
    }
    ui.add_space(size::XS);
    ui.horizontal_wrapped(|ui| {
        ui.add_space(size::M);
        let devices = words::count(looping.n_devices, "device", "devices");
        text::small(
            ui,
            format!(
                "{devices} crashed {} times in {} h of which no heartbeat tells: they are not in these rates.",
                words::number(looping.n_crashes),
                digits(looping.hours)
            ),
        );
    });
}

/// `2.51`, and `2.11 to 2.96` or why there is no interval.
fn estimate_words(estimate: Option<Estimate>, n_devices: u64) -> (String, String) {
    let Some(estimate) = estimate else {
        return ("–".to_owned(), "no hours".to_owned());
    };
    let interval = match estimate.interval {
        Some((low, high)) => format!("{} to {}", digits(low), digits(high)),
        None if n_devices < LEAST_DEVICES => "too few devices".to_owned(),
        None => String::new(),
    };
    (digits(estimate.value), interval)
}

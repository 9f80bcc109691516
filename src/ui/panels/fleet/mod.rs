//! Fleet: many devices by what they measured and by version, from the band of all down to the one that stands out.

pub(super) mod band;
mod edit;
mod metrics;
mod outliers;
mod spread;
mod versions;
mod vitals;

use super::export_table::{Exporter, Source};
use super::{Panel, screen, time_bar};
use crate::engine::fleet::view::{FleetSummary, Frame};
use crate::engine::queries::fleet_tables::FleetArgs;
use crate::model::metric::{MetricDefinition, MetricKind};
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::shared_time::{Span, TimeMove};
use crate::ui::theme::size;
use crate::ui::widgets::{button, card as cards, state, text};
use crate::ui::words;
use egui::{Pos2, Rect, Ui};

/// Width of the list of metrics.
const METRICS: f32 = 220.0;
/// Below this height tiles are lower.
const LOW_SCREEN: f32 = 500.0;
/// What is shown first, where there is such a metric.
const FIRST: [&str; 3] = ["wifi_disconnects", "battery_pct", "rssi"];

/// What is looked at.
#[derive(Default)]
pub struct Fleet {
    metric: Option<String>,
    search: String,
    by_day: bool,
    /// Only devices of this version.
    version: Option<String>,
    /// The device whose line is drawn over the band.
    device: Option<String>,
    from_bottom: bool,
    /// Changes of the time that need its samples.
    moves: Vec<TimeMove>,
    exporter: Exporter,
    /// What is being said of the metric.
    edit: Option<edit::Edit>,
    /// What is written into the field for a device over the band.
    wanted: String,
}

impl Panel for Fleet {
    fn ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui) {
        let rect = screen(ui);
        let answer = ctx.door.fleet_summary();
        cards::inside(ui, rect, "fleet", |ui| {
            let known = answer.value().cloned();
            let headline = known
                .as_deref()
                .map_or_else(|| "Fleet".to_owned(), headline);
            text::headline(ui, &headline);
            ui.add_space(size::XS);
            state::answer(ui, &answer, "Counting heartbeats…", |ui, summary| {
                if summary.n_heartbeats == 0 {
                    nothing_ui(ctx, ui);
                    return;
                }
                text::muted(ui, detail(summary));
                ui.add_space(size::M);
                self.body_ui(ctx, ui, summary);
            });
        });
    }

    fn take(&mut self, command: &UiCommand) -> bool {
        match command {
            UiCommand::Time(change) if time_bar::needs_samples(*change) => self.moves.push(*change),
            UiCommand::OverFleet { device, metric } => {
                self.device = Some(device.clone());
                self.metric = Some(metric.clone());
            }
            UiCommand::EditMetric => self.edit = Some(edit::Edit::default()),
            UiCommand::ExportShown => self.exporter.begin(),
            UiCommand::ExportTableTo(path) => self.exporter.export_to(path.clone()),
            _ => return false,
        }
        true
    }
}

impl Fleet {
    fn body_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui, summary: &FleetSummary) {
        let rect = ui.available_rect_before_wrap();
        let is_low = rect.height() < LOW_SCREEN;
        let height = if is_low { vitals::LOW } else { vitals::HEIGHT };
        let tiles = Rect::from_min_size(rect.min, egui::vec2(rect.width(), height));
        self.vitals_ui(ctx, ui, tiles);
        let rect = rect.with_min_y(tiles.bottom() + size::M);
        let left = Rect::from_min_max(rect.min, Pos2::new(rect.left() + METRICS, rect.bottom()));
        let right = Rect::from_min_max(Pos2::new(left.right() + size::M, rect.top()), rect.max);
        let metric = self.chosen(summary);
        self.metrics_ui(ui, left, summary, metric.as_ref());
        let Some(metric) = metric else { return };
        let half = (right.height() * 0.52).floor();
        let upper = Rect::from_min_max(right.min, Pos2::new(right.right(), right.top() + half));
        self.band_ui(ctx, ui, upper, summary, &metric);
        let lower =
            Rect::from_min_max(Pos2::new(right.left(), upper.bottom() + size::M), right.max);
        let width = ((lower.width() - 2.0 * size::M) / 3.0).floor();
        let third = |n: f32| {
            let left = lower.left() + n * (width + size::M);
            Rect::from_min_max(
                Pos2::new(left, lower.top()),
                Pos2::new(left + width, lower.bottom()),
            )
        };
        let sources = self.sources(ctx.nav.time.chosen_ns, &metric);
        self.exporter.ui(ctx, ui, &sources);
        self.edit_ui(ctx, ui, &metric);
        self.versions_ui(ctx, ui, third(0.0), summary, &metric);
        self.spread_ui(ctx, ui, third(1.0), &metric);
        self.outliers_ui(ctx, ui, third(2.0), &metric);
    }

    /// The tables behind what is shown.
    fn sources(&self, chosen_ns: Option<Span>, metric: &MetricDefinition) -> Vec<Source> {
        let asked = FleetArgs {
            metric: Some(metric.name.clone()),
            from_ns: chosen_ns.map(|(from, _)| from),
            to_ns: chosen_ns.map(|(_, to)| to),
            ..FleetArgs::default()
        };
        let of_version = FleetArgs {
            version: self.version.clone(),
            ..asked.clone()
        };
        let name = &metric.name;
        let source = |label: String, query: &'static str, args: &FleetArgs| Source {
            label,
            query,
            args: args.clone(),
        };
        let band = FleetArgs {
            by_day: self.by_day,
            ..of_version.clone()
        };
        let ranking = FleetArgs {
            from_bottom: self.from_bottom,
            by_mean: metric.kind != MetricKind::Counter,
            limit: Some(1000),
            ..asked.clone()
        };
        vec![
            source(format!("The band of {name}"), "fleet-band", &band),
            match &self.version {
                Some(version) => source(
                    format!("How {name} is spread in {version}"),
                    "histogram",
                    &of_version,
                ),
                None => source(
                    format!("How {name} is spread by version"),
                    "spread-by-version",
                    &asked,
                ),
            },
            source(
                format!("The mean of {name} by version"),
                "compare-versions",
                &asked,
            ),
            source(
                "Crash rates by version".to_owned(),
                "event-rate-by-version",
                &asked,
            ),
            source(format!("Devices by {name}"), "top-devices", &ranking),
            source("Vitals".to_owned(), "vitals", &asked),
            source("Census".to_owned(), "census", &asked),
        ]
    }

    /// The metric that is shown: the chosen one, else one that most people look for, else the first.
    fn chosen(&self, summary: &FleetSummary) -> Option<MetricDefinition> {
        let named = |name: &str| {
            let mut metrics = summary.metrics.iter();
            metrics.find(|metric| metric.name == name)
        };
        let chosen = self.metric.as_deref().and_then(named);
        let first = || FIRST.into_iter().find_map(named);
        let found = chosen.or_else(first).or(summary.metrics.first());
        found.cloned()
    }
}

/// `400 devices for 7 days`.
fn headline(summary: &FleetSummary) -> String {
    if summary.n_heartbeats == 0 {
        return "No heartbeat in this workspace".to_owned();
    }
    let devices = words::count(summary.n_devices, "device", "devices");
    match summary.span_ns {
        Some((from, to)) => format!("{devices} for {}", words::span(to.saturating_sub(from))),
        None => devices,
    }
}

/// How much there is, and of what it is a sample.
fn detail(summary: &FleetSummary) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "hours that devices reported"
    )]
    let hours = words::number(summary.device_hours.max(0.0).round() as u64);
    let heartbeats = words::count(summary.n_heartbeats, "heartbeat", "heartbeats");
    let mut parts = vec![format!("{hours} device-hours in {heartbeats}")];
    if let Some(interval) = summary.interval_ns {
        parts.push(format!("most often every {}", words::span(interval)));
    }
    parts.push(frame_words(summary.frame.as_ref()));
    parts.join(" · ")
}

fn frame_words(frame: Option<&Frame>) -> String {
    let population = frame.and_then(|frame| frame.population);
    match population {
        Some(n) => {
            let how = frame.and_then(|frame| frame.how.as_deref());
            let how = how.map_or_else(String::new, |how| format!(", {how}"));
            format!("a sample of {}{how}", words::count(n, "device", "devices"))
        }
        None => "population unknown: rates only".to_owned(),
    }
}

/// What there is to do without heartbeats, and what is not built yet.
pub(super) fn nothing_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui) {
    ui.add_space(size::M);
    text::muted(
        ui,
        "Import a log of a device with the SDK, or a folder of heartbeats as Parquet, CSV or JSON Lines.",
    );
    text::muted(
        ui,
        "A made-up fleet shows what can be asked here: four versions, one of them with faults to find.",
    );
    ui.add_space(size::M);
    ui.horizontal(|ui| {
        button::command(ui, ctx, &UiCommand::OpenDemoFleet);
    });
}

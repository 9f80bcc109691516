//! Device: one device along its time. Its versions, what happened to it, and what it measured, one lane each.

pub(super) mod lanes;
mod strip;

use super::export_table::{Exporter, Source};
use super::fleet::nothing_ui;
use super::{Panel, screen, time_bar};
use crate::engine::fleet::view::{DeviceTimeline, FleetSummary};
use crate::engine::queries::device_logs::{DeviceLog, DeviceLogs};
use crate::engine::queries::fleet_tables::FleetArgs;
use crate::model::metric::{MetricDefinition, MetricKind};
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::shared_time::TimeMove;
use crate::ui::theme::size;
use crate::ui::widgets::chart::{Shown, Time};
use crate::ui::widgets::{button, card as cards, chart, field, state, text};
use crate::ui::words;
use egui::{Pos2, Rect, ScrollArea, Ui};
use std::collections::BTreeSet;

/// Width of the list of metrics.
const METRICS: f32 = 220.0;
/// Height of what is said below the lanes.
const HELP: f32 = 40.0;
/// Lanes that are shown before somebody chose any.
const FIRST_LANES: usize = 4;
const NO_LOG: &str = "No log of this device that says its times covers the time of the cursor.";

/// What is looked at.
#[derive(Default)]
pub struct Device {
    serial: String,
    /// What is written into the field for another device.
    wanted: String,
    /// Metrics that have a lane, in their order; `None` before anybody chose.
    pinned: Option<Vec<String>>,
    /// Timers that are shown in milliseconds.
    in_ms: BTreeSet<String>,
    /// Where the charts were in the last frame.
    charts: Option<Shown>,
    /// Changes of the time that need its samples.
    moves: Vec<TimeMove>,
    /// The log at the cursor is to be opened.
    opens_log: bool,
    exporter: Exporter,
    /// The band of all devices is drawn behind each lane.
    has_fleet: bool,
}

impl Panel for Device {
    fn ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui) {
        let rect = screen(ui);
        let summary = ctx.door.fleet_summary();
        let first = || {
            let ranking = ctx.door.fleet_ranking("", true, None);
            let devices = ranking.value()?;
            Some(devices.first()?.serial.clone())
        };
        let wanted = ctx.nav.place.device.clone().or_else(first);
        if let Some(serial) = wanted
            && serial != self.serial
        {
            self.serial = serial;
            self.wanted.clear();
        }
        cards::inside(ui, rect, "device", |ui| {
            let Some(known) = summary.value().filter(|known| known.n_heartbeats > 0) else {
                let title = if summary.value().is_some() {
                    "No heartbeat in this workspace"
                } else {
                    "Device"
                };
                text::headline(ui, title);
                state::answer(ui, &summary, "Looking for heartbeats…", |ui, _| {
                    nothing_ui(ctx, ui);
                });
                return;
            };
            let pinned = self.lanes(known);
            let answer = ctx.door.device_timeline(&self.serial, &pinned);
            let headline = answer
                .value()
                .map_or_else(|| self.serial.clone(), |device| headline(device));
            text::headline(ui, &headline);
            ui.add_space(size::XS);
            state::answer(ui, &answer, "Reading heartbeats…", |ui, device| {
                text::muted(ui, detail(device));
                ui.add_space(size::S);
                self.body_ui(ctx, ui, known, device);
            });
        });
    }

    fn take(&mut self, command: &UiCommand) -> bool {
        match command {
            UiCommand::Time(change) if time_bar::needs_samples(*change) => self.moves.push(*change),
            UiCommand::OpenLogHere | UiCommand::ShowInLog => self.opens_log = true,
            UiCommand::WithFleet => self.has_fleet = !self.has_fleet,
            UiCommand::ExportShown => self.exporter.begin(),
            UiCommand::ExportTableTo(path) => self.exporter.export_to(path.clone()),
            _ => return false,
        }
        true
    }
}

impl Device {
    /// The metrics that have a lane.
    fn lanes(&self, summary: &FleetSummary) -> Vec<String> {
        self.pinned.clone().unwrap_or_else(|| {
            // A text has no line.
            let drawn = summary.metrics.iter();
            let drawn = drawn.filter(|metric| metric.kind != MetricKind::Text);
            drawn
                .take(FIRST_LANES)
                .map(|metric| metric.name.clone())
                .collect()
        })
    }

    fn body_ui(
        &mut self,
        ctx: &mut ViewContext<'_>,
        ui: &mut Ui,
        summary: &FleetSummary,
        device: &DeviceTimeline,
    ) {
        let rect = ui.available_rect_before_wrap();
        let left = Rect::from_min_max(rect.min, Pos2::new(rect.left() + METRICS, rect.bottom()));
        let right = Rect::from_min_max(Pos2::new(left.right() + size::M, rect.top()), rect.max);
        self.list_ui(ctx, ui, left, summary);
        let Some(span_ns) = device.span_ns else {
            cards::inside(ui, right, "no heartbeats", |ui| {
                let why = "Choose another device in the field at the left.";
                state::empty(ui, "This device has no heartbeat", why);
            });
            return;
        };
        let time = time_bar::time_of(ctx, span_ns);
        let logs = ctx.door.device_logs(&self.serial);
        let logs = logs.value().map(|logs| &**logs);
        self.carry_out(ctx, &time, device, logs);
        let sources = sources(&time, device);
        self.exporter.ui(ctx, ui, &sources);
        let title = cards::Title {
            title: "Timeline",
            detail: &words::count(device.lanes.len() as u64, "metric", "metrics"),
            right: "UTC",
        };
        cards::card(ui, right, title, |ui| {
            let has_fleet = &mut self.has_fleet;
            time_bar::time_bar_ui(ctx, ui, &time, |ctx, ui| {
                ui.checkbox(has_fleet, "with the fleet");
                if *has_fleet {
                    text::small(
                        ui,
                        "grey: 5 to 95 % of all devices, the middle half lighter",
                    );
                }
                log_here_ui(ctx, ui, &time, logs);
            });
            if time_bar::elsewhere_ui(ctx, ui, &time) {
                return;
            }
            let charts = self.charts.as_ref();
            let strip = strip::strip_ui(ctx, ui, &time, device, logs, charts);
            time_bar::send(ctx, strip.moves);
            // What is said of all charts stays in sight, however many there are.
            let room = ui.available_height() - HELP;
            let height = lanes::height_of_each(room, device.lanes.len());
            ScrollArea::vertical()
                .id_salt("lanes")
                .auto_shrink(false)
                .max_height(room)
                .show(ui, |ui| self.lanes_ui(ctx, ui, &time, device, height));
            chart::help_ui(ui);
        });
    }

    fn lanes_ui(
        &mut self,
        ctx: &mut ViewContext<'_>,
        ui: &mut Ui,
        time: &Time,
        device: &DeviceTimeline,
        height: f32,
    ) {
        if device.lanes.is_empty() {
            let why = "Tick a metric at the left to see it along this time.";
            state::empty(ui, "No metric is shown", why);
        }
        let last = device.lanes.len().saturating_sub(1);
        for (index, lane) in device.lanes.iter().enumerate() {
            let name = &lane.metric.name;
            let view = lanes::LaneView {
                time,
                device,
                index,
                lane,
                is_last: index == last,
                height,
                is_in_ms: self.in_ms.contains(name),
                fleet: self.has_fleet.then(|| self.fleet_behind(ctx, name)),
            };
            let mut done = lanes::HeadDone::default();
            let mut shown = view.ui(ui, &mut done);
            if done.toggles && !self.in_ms.remove(name) {
                self.in_ms.insert(name.clone());
            }
            if done.over_fleet {
                ctx.ui(UiCommand::OverFleet {
                    device: device.serial.clone(),
                    metric: name.clone(),
                });
            }
            time_bar::send(ctx, std::mem::take(&mut shown.moves));
            self.charts = Some(shown);
        }
    }

    /// All devices behind a lane.
    fn fleet_behind(&self, ctx: &ViewContext<'_>, metric: &str) -> lanes::FleetBehind {
        let band = ctx.door.fleet_band(metric, false, None);
        let chosen = ctx.nav.time.chosen_ns;
        lanes::FleetBehind {
            band: band.value().cloned(),
            standing: ctx.door.fleet_standing(metric, &self.serial, chosen),
        }
    }

    /// Carries out what keys asked for, now that there are samples to go to.
    fn carry_out(
        &mut self,
        ctx: &mut ViewContext<'_>,
        time: &Time,
        device: &DeviceTimeline,
        logs: Option<&DeviceLogs>,
    ) {
        let next = |ns: i64, is_forward: bool| {
            let lines = device.lanes.iter().map(|lane| &lane.line);
            let samples = lines.filter_map(|line| line.next(ns, is_forward));
            let events = device.events.iter().map(|event| event.time_ns);
            let events = events.filter(|at| if is_forward { *at > ns } else { *at < ns });
            let all = samples.chain(events);
            if is_forward { all.min() } else { all.max() }
        };
        // Each goes on from where the one before it left off.
        let mut shared = time.shared;
        for change in std::mem::take(&mut self.moves) {
            if let Some(change) = shared.resolved(change, time.whole_ns, next) {
                shared.take(change);
                ctx.ui(UiCommand::Time(change));
            }
        }
        if std::mem::take(&mut self.opens_log) {
            match log_at_cursor(time, logs) {
                Some((log, axis_ns)) => ctx.ui(UiCommand::OpenLogAt(log.key.clone(), axis_ns)),
                None => ctx.notice = Some(NO_LOG.to_owned()),
            }
        }
    }

    fn list_ui(
        &mut self,
        ctx: &mut ViewContext<'_>,
        ui: &mut Ui,
        rect: Rect,
        summary: &FleetSummary,
    ) {
        let mut pinned = self.lanes(summary);
        let title = cards::Title {
            title: "Metrics",
            detail: &format!("{} of {}", pinned.len(), summary.metrics.len()),
            right: "",
        };
        cards::card(ui, rect, title, |ui| {
            ui.horizontal(|ui| {
                ui.add_space(size::S);
                let width = ui.available_width() - size::XL;
                let hint = "Another device…";
                let response = field::line(ui, &mut self.wanted, "Serial number", hint, width);
                let is_entered =
                    response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
                let serial = self.wanted.trim();
                if is_entered && !serial.is_empty() {
                    let serial = serial.to_owned();
                    ctx.ui(UiCommand::OpenDevice(serial));
                }
            });
            ui.add_space(size::XS);
            let mut toggled = None;
            ScrollArea::vertical()
                .id_salt("metrics of a device")
                .auto_shrink(false)
                .show_rows(ui, size::ROW, summary.metrics.len(), |ui, range| {
                    for metric in summary.metrics.get(range).unwrap_or(&[]) {
                        let is_pinned = pinned.contains(&metric.name);
                        if metric_ui(ui, metric, is_pinned) {
                            toggled = Some(metric.name.clone());
                        }
                    }
                });
            if let Some(name) = toggled {
                match pinned.iter().position(|pinned| *pinned == name) {
                    Some(place) => _ = pinned.remove(place),
                    None => pinned.push(name),
                }
                self.pinned = Some(pinned);
            }
        });
    }
}

/// A metric that can have a lane; true when that was changed.
fn metric_ui(ui: &mut Ui, metric: &MetricDefinition, is_pinned: bool) -> bool {
    let mut is_pinned = is_pinned;
    ui.horizontal(|ui| {
        ui.add_space(size::S);
        let response = ui.checkbox(&mut is_pinned, &metric.name);
        let is_changed = response.changed();
        if let Some(description) = &metric.description {
            response.on_hover_text(description);
        }
        is_changed
    })
    .inner
}

/// The tables behind the lanes: what is in sight.
fn sources(time: &Time, device: &DeviceTimeline) -> Vec<Source> {
    let (from, to) = time.sight_ns();
    let lanes = device.lanes.iter().map(|lane| Source {
        label: format!("{} of {}", lane.metric.name, device.serial),
        query: "device-series",
        args: FleetArgs {
            metric: Some(lane.metric.name.clone()),
            device: Some(device.serial.clone()),
            from_ns: Some(from),
            to_ns: Some(to.saturating_add(1)),
            ..FleetArgs::default()
        },
    });
    lanes.collect()
}

/// Offers the log that covers the time of the cursor.
fn log_here_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, time: &Time, logs: Option<&DeviceLogs>) {
    let Some((log, axis_ns)) = log_at_cursor(time, logs) else {
        return;
    };
    if button::link(ui, "Open the log here")
        .on_hover_text(&log.name)
        .clicked()
    {
        ctx.ui(UiCommand::OpenLogAt(log.key.clone(), axis_ns));
    }
}

fn log_at_cursor<'l>(time: &Time, logs: Option<&'l DeviceLogs>) -> Option<(&'l DeviceLog, i64)> {
    logs?.at(time.shared.cursor_ns?)
}

/// `DM000421, rev B`.
fn headline(device: &DeviceTimeline) -> String {
    match &device.hardware {
        Some(hardware) => format!("{}, {hardware}", device.serial),
        None => device.serial.clone(),
    }
}

/// `161 heartbeats tell of 161 h · 2 crashes · version 1.4.3 now`.
fn detail(device: &DeviceTimeline) -> String {
    let heartbeats = words::count(device.n_heartbeats, "heartbeat", "heartbeats");
    let hours = chart::digits(device.hours);
    let n_crashes = device.events.iter().filter(|event| event.kind == "crash");
    let n_crashes = n_crashes.count() as u64;
    let mut parts = vec![
        format!("{heartbeats} tell of {hours} h"),
        words::count(n_crashes, "crash", "crashes"),
    ];
    if let Some((_, _, version)) = device.versions.last() {
        parts.push(format!("version {version} at the end"));
    }
    parts.join(" · ")
}

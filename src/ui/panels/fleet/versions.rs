//! Versions side by side: how many devices, how often they crash, and the metric that is looked at.

use super::Fleet;
use crate::engine::fleet::compared::{ComparedVersion, is_share};
use crate::engine::fleet::view::{Estimate, FleetSummary, LEAST_DEVICES, Looping, VersionRow};
use crate::model::metric::MetricDefinition;
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size};
use crate::ui::widgets::chart::digits;
use crate::ui::widgets::row::{CellStyle, RowPainter, head, tall_row};
use crate::ui::widgets::{card as cards, state, text};
use crate::ui::words;
use egui::{Align, Rect, ScrollArea, Ui};

/// Where the columns end, as shares of the width.
const FIRST: f32 = 0.32;
const SECOND: f32 = 0.64;
/// Width of a rate, beside which stands how many crashes it is of.
const RATE: f32 = 42.0;

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
            detail: "with 95 % intervals",
            right: "",
        };
        let chosen = ctx.nav.time.chosen_ns;
        let answer = ctx.door.fleet_compared(&metric.name, chosen);
        let compared = answer.value().map_or(&[][..], |rows| rows.as_slice());
        // Of the time that was chosen, once it is known; of all there is until then.
        let of_span = chosen.map(|span| ctx.door.fleet_versions(span));
        let of_span = of_span.and_then(|answer| answer.value().cloned());
        let (rows, looping) = match of_span.as_deref() {
            Some((rows, looping)) => (rows, looping),
            None => (&summary.versions, &summary.looping),
        };
        cards::card(ui, rect, title, |ui| {
            let end = rect.width() - size::M;
            let (a, b) = (end * FIRST, end * SECOND);
            let mean = if is_share(metric) {
                "% of time, step"
            } else {
                "mean, step"
            };
            head(
                ui,
                &[
                    (size::M, a, Align::Min, "version"),
                    (a, b, Align::Max, "crashes, /1,000 h"),
                    (b, end, Align::Max, mean),
                ],
            );
            if let Some(error) = answer.error() {
                state::error(ui, error);
            }
            ScrollArea::vertical().id_salt("versions").show(ui, |ui| {
                for row in rows {
                    let own = compared.iter().find(|own| own.version == row.version);
                    let is_chosen = self.version.as_deref() == Some(&*row.version);
                    if version_ui(ui, (a, b, end), row, own, is_chosen) && !row.version.is_empty() {
                        self.version = (!is_chosen).then(|| row.version.clone());
                    }
                }
                looping_ui(ui, looping);
            });
        });
    }
}

/// A version; true when it was clicked.
fn version_ui(
    ui: &mut Ui,
    (a, b, end): (f32, f32, f32),
    row: &VersionRow,
    own: Option<&ComparedVersion>,
    is_chosen: bool,
) -> bool {
    let (rate, interval) = estimate_words(row.crash_rate, row.n_devices);
    let version = if row.version.is_empty() {
        "not said"
    } else {
        &row.version
    };
    let mean = own.map_or_else(|| "–".to_owned(), |own| digits(own.mean.value));
    let step = own.map_or_else(String::new, step_words);
    let name = format!("Version {version}: {rate} crashes in 1,000 h, {interval}");
    let response = tall_row(ui, is_chosen, &name, |painter| {
        let mut upper = painter.half(true);
        upper.strong(size::M, a, version);
        let crashes = words::number(row.n_crashes);
        let rest = b - RATE;
        upper.text(a, rest, &crashes, &quiet(painter, Align::Max));
        upper.number(rest, b, &rate);
        upper.number(b, end, &mean);
        let mut lower = painter.half(false);
        let devices = words::count(row.n_devices, "device", "devices");
        lower.text(size::M, a, &devices, &quiet(painter, Align::Min));
        lower.text(a, b, &interval, &quiet(painter, Align::Max));
        lower.text(b, end, &step, &quiet(painter, Align::Max));
    });
    response.on_hover_text(said(row, own)).clicked()
}

fn quiet(painter: &RowPainter<'_>, align: Align) -> CellStyle {
    CellStyle {
        font: font::small(),
        color: painter.tokens.muted,
        align,
    }
}

/// `+0.78 ±0.07`: how far it is from the version before.
fn step_words(own: &ComparedVersion) -> String {
    let Some(step) = own.difference else {
        return String::new();
    };
    let sign = if step.value > 0.0 { "+" } else { "" };
    let Some((low, high)) = step.interval else {
        return format!("{sign}{}, too few", digits(step.value));
    };
    let half = (high - low) / 2.0;
    let Some(n) = decimals(half) else {
        return format!("{sign}{} ±{}", digits(step.value), digits(half));
    };
    let value = format!("{:.n$}", step.value.abs());
    let is_zero = !value.contains(|digit: char| matches!(digit, '1'..='9'));
    let sign = match step.value {
        _ if is_zero => "",
        value if value < 0.0 => "-",
        _ => "+",
    };
    format!("{sign}{value} ±{half:.n$}")
}

/// Digits after the point of a number that is certain to within so much: two of it, and one where the first is large (Particle Data
/// Group, Review of Particle Physics, Introduction, section 5.3). `None` where other words are shorter.
fn decimals(half: f64) -> Option<usize> {
    let place = (0..=4_i32).find(|place| half * 10_f64.powi(*place) >= 0.95)?;
    let first = half * 10_f64.powi(place);
    let n = if first < 3.55 { place + 1 } else { place };
    usize::try_from(n).ok().filter(|_| half < 10.0)
}

/// What stands behind the numbers.
fn said(row: &VersionRow, own: Option<&ComparedVersion>) -> String {
    let devices = words::count(row.n_devices, "device", "devices");
    let crashes = words::count(row.n_crashes, "crash", "crashes");
    let mut said = if row.crash_rate.is_some() {
        format!(
            "{devices}, {crashes} in {} device-hours",
            digits(row.device_hours)
        )
    } else {
        format!(
            "{devices}, {crashes}, and no heartbeat that says how many hours it ran: there is no rate"
        )
    };
    if let Some(own) = own {
        let n = words::count(own.n, "value", "values");
        let devices = words::count(own.n_devices, "device", "devices");
        let (mean, hours) = (digits(own.mean.value), digits(own.hours));
        said = format!("{said}\nmean {mean} of {n} of {devices} in {hours} h");
        if let Some((low, high)) = own.mean.interval {
            said = format!("{said}, {} to {}", digits(low), digits(high));
        }
        if own.difference.is_some() {
            said = format!("{said}\nstep from the version above: {}", step_words(own));
        }
    }
    said.push_str("\nIntervals hold the truth 95 times in 100. Click shows this version alone.");
    said
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

#[cfg(test)]
mod tests {
    use super::step_words;
    use crate::engine::fleet::compared::ComparedVersion;
    use crate::engine::fleet::view::Estimate;

    #[test]
    fn a_step_has_the_digits_that_its_interval_leaves_it() {
        let words = |value: f64, half: f64| {
            step_words(&ComparedVersion {
                version: String::new(),
                n_devices: 100,
                n: 1000,
                hours: 1000.0,
                mean: Estimate {
                    value: 1.0,
                    interval: None,
                },
                difference: Some(Estimate {
                    value,
                    interval: Some((value - half, value + half)),
                }),
            })
        };
        assert_eq!(words(0.7812, 0.0712), "+0.78 ±0.07");
        assert_eq!(words(-0.00159, 0.00909), "-0.002 ±0.009");
        assert_eq!(words(-0.00011, 0.0124), "0.000 ±0.012");
        assert_eq!(words(12.345, 1.72), "+12.3 ±1.7");
        assert_eq!(words(12.345, 5.0), "+12 ±5");
        assert_eq!(words(-4.0, 0.0), "-4 ±0");
        assert_eq!(words(1234.0, 56.7), "+1,234 ±56.7");
    }
}

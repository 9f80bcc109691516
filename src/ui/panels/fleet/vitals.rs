//! The line of tiles above the charts: who reports, how fast batteries drain, how long devices are connected. Each says what it is
//! made of when the pointer rests on it.

use super::Fleet;
use crate::engine::fleet::census::Census;
use crate::engine::fleet::vitals::Vital;
use crate::engine::queries::fleet_state::VitalRows;
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::card as cards;
use crate::ui::widgets::chart::digits;
use crate::ui::words;
use egui::{Align2, Pos2, Rect, Role, Sense, Ui, WidgetInfo, vec2};

/// Height of a tile, and of one where there is little room.
pub(super) const HEIGHT: f32 = 62.0;
pub(super) const LOW: f32 = 42.0;

/// What a tile says.
struct Tile {
    label: &'static str,
    number: String,
    /// Below the number: the interval, or what else there is.
    below: String,
    /// What it is made of.
    why: String,
}

impl Fleet {
    pub(super) fn vitals_ui(&self, ctx: &mut ViewContext<'_>, ui: &mut Ui, rect: Rect) {
        let chosen = ctx.nav.time.chosen_ns;
        let census = ctx.door.fleet_census(chosen);
        let vitals = ctx.door.fleet_vitals(chosen);
        let mut tiles = vec![census_tile(
            census.value().map(|census| &**census),
            census.error(),
        )];
        match vitals.value() {
            Some(vitals) => tiles.extend(vitals.iter().map(|vital| self.vital_tile(vital))),
            None => tiles.push(Tile {
                label: "Vitals",
                number: "…".to_owned(),
                below: vitals.error().unwrap_or("being added up").to_owned(),
                why: String::new(),
            }),
        }
        let n = tiles.len().max(1) as f32;
        let width = ((rect.width() - size::M * (n - 1.0)) / n).floor();
        for (index, tile) in tiles.iter().enumerate() {
            let left = rect.left() + (width + size::M) * index as f32;
            let place =
                Rect::from_min_size(Pos2::new(left, rect.top()), vec2(width, rect.height()));
            tile_ui(ui, place, tile);
        }
    }

    /// Of the version that is looked at, or of all.
    fn vital_tile(&self, rows: &VitalRows) -> Tile {
        let of_version = self.version.as_ref().and_then(|version| {
            let mut rows = rows.by_version.iter();
            rows.find(|(name, _)| name.as_deref() == Some(version))
        });
        let vital = of_version.map_or(&rows.all, |(_, vital)| vital);
        let unit = vital.kind.unit();
        let (number, below) = match vital.estimate {
            Some(estimate) => (
                format!("{} {unit}", digits(estimate.value)),
                match estimate.interval {
                    Some((low, high)) => format!("{} to {}", digits(low), digits(high)),
                    None => "too few devices for an interval".to_owned(),
                },
            ),
            None => ("–".to_owned(), "no interval could be used".to_owned()),
        };
        let devices = words::count(vital.n_devices, "device", "devices");
        let version = of_version.and_then(|(name, _)| name.as_deref());
        let of = version.map_or_else(
            || "all versions".to_owned(),
            |name| format!("version {name}"),
        );
        Tile {
            label: vital.kind.label(),
            number,
            below: format!("{below} · {devices}"),
            why: why_of(vital, &of),
        }
    }
}

/// `Of all versions: the charge that …, made of battery_used_pct. 400 devices, 61,234 h in 61,234 intervals. Left out: …`
fn why_of(vital: &Vital, of: &str) -> String {
    let mut left_out = Vec::new();
    for (n, what) in [
        (vital.n_without_value, "without a value"),
        (vital.n_without_length, "of unknown length"),
        (vital.n_charged, "in which the battery was charged"),
    ] {
        if n > 0 {
            left_out.push(format!("{} {what}", words::number(n)));
        }
    }
    let left_out = if left_out.is_empty() {
        "none".to_owned()
    } else {
        left_out.join(", ")
    };
    format!(
        "Of {of}: {}. Made of {}.\n{}, {} h in {}. Left out: {left_out}.\nThe interval holds the number of all such devices 95 times in 100.",
        vital.kind.definition(),
        vital.metric,
        words::count(vital.n_devices, "device", "devices"),
        digits(vital.hours),
        words::count(vital.n_used, "interval", "intervals"),
    )
}

fn census_tile(census: Option<&Census>, error: Option<&str>) -> Tile {
    let Some(census) = census else {
        return Tile {
            label: "Devices",
            number: "…".to_owned(),
            below: error.unwrap_or("being counted").to_owned(),
            why: String::new(),
        };
    };
    let mut below = vec![format!("{} silent", words::number(census.n_silent))];
    if let Some(n) = census.n_never.filter(|n| *n > 0) {
        below.push(format!("{} never reported", words::number(n)));
    }
    below.push(match census.n_not_sampled {
        Some(n) => format!("{} not sampled", words::number(n)),
        None => "population unknown".to_owned(),
    });
    let at = census
        .at_ns
        .map_or_else(String::new, |ns| format!(" ({})", words::date_and_time(ns)));
    Tile {
        label: "Devices",
        number: format!("{} reporting", words::number(census.n_reporting)),
        below: below.join(" · "),
        why: format!(
            "As of the last heartbeat of all{at}. Silent: no heartbeat for {} before it. Never reported: named by the sample, without a heartbeat. Not sampled: the rest of the fleet.",
            words::span(census.silent_after_ns)
        ),
    }
}

fn tile_ui(ui: &Ui, rect: Rect, tile: &Tile) {
    let t = tokens(ui);
    cards::frame(ui, rect);
    let painter = ui
        .painter()
        .with_clip_rect(rect.shrink(1.0).intersect(ui.clip_rect()));
    let left = rect.left() + size::M;
    let is_low = rect.height() < HEIGHT;
    let at = |y: f32| Pos2::new(left, rect.top() + y);
    let small = font::small;
    painter.text(at(5.0), Align2::LEFT_TOP, tile.label, small(), t.faint);
    let strong = font::strong();
    let number = painter.text(at(19.0), Align2::LEFT_TOP, &tile.number, strong, t.text);
    // Where there is little room it stands behind the number.
    let below = if is_low {
        Pos2::new(number.right() + size::S, rect.top() + 21.0)
    } else {
        at(40.0)
    };
    painter.text(below, Align2::LEFT_TOP, &tile.below, small(), t.muted);
    let id = ui.scope_id().with(("tile", tile.label));
    let response = ui.interact(rect, id, Sense::hover());
    let name = format!("{}: {}, {}", tile.label, tile.number, tile.below);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &name));
    response.on_hover_text(format!("{name}\n{}", tile.why).trim_end());
}

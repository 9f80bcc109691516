//! The versions and the crashes of the open issue.

use crate::engine::command::Command;
use crate::engine::queries::crash_list::CrashRow;
use crate::engine::queries::issue_list::{Issue, Seen};
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size};
use crate::ui::widgets::row::{CellStyle, head, plain_row, tall_row};
use crate::ui::widgets::{button, marker, marker::Mark, state, text};
use crate::ui::words;
use egui::{Align, Layout, Pos2, Rect, Ui, vec2};

/// Crashes that are listed; the newest ones.
const MAX_LISTED: usize = 200;
/// Room for "Split off".
const SPLIT_WIDTH: f32 = 76.0;

/// Versions with their crashes, where there is more than one.
pub(super) fn versions_ui(ui: &mut Ui, issue: &Issue) {
    if issue.versions.len() < 2 {
        return;
    }
    let most = issue
        .versions
        .first()
        .map_or(1, |version| version.n_crashes);
    let width = ui.available_width();
    let (bar, crashes, devices) = (width * 0.45, width - 96.0, width - size::M);
    head(
        ui,
        &[
            (size::M, bar, Align::Min, "Version"),
            (crashes - 80.0, crashes, Align::Max, "Crashes"),
            (devices - 80.0, devices, Align::Max, "Devices"),
        ],
    );
    for version in issue.versions.iter().take(40) {
        let name = version.version.as_deref().unwrap_or("unknown");
        let label = format!(
            "Version {name}: {} on {}",
            words::count(version.n_crashes as u64, "crash", "crashes"),
            words::count(version.n_devices as u64, "device", "devices")
        );
        plain_row(ui, &label, |row| {
            row.mono(size::M, bar - size::S, name);
            let room = crashes - 80.0 - bar;
            let share = version.n_crashes as f32 / most.max(1) as f32;
            let y = row.rect.center().y;
            let left = row.rect.left() + bar;
            let part = Rect::from_min_max(
                Pos2::new(left, y - 3.0),
                Pos2::new(left + room * share.clamp(0.0, 1.0), y + 3.0),
            );
            row.painter.rect_filled(part, 2.0, row.tokens.faint);
            row.number(crashes - 80.0, crashes, &version.n_crashes.to_string());
            row.number(devices - 80.0, devices, &version.n_devices.to_string());
        });
    }
}

/// The crashes, newest first; each opens, and can be split off.
pub(super) fn crashes_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, issue: &Issue) {
    let n = issue.crashes.len();
    state::padded(ui, |ui| {
        text::strong(ui, words::count(n as u64, "crash", "crashes"));
    });
    for crash in issue.crashes.iter().take(MAX_LISTED) {
        if n > 1 {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 0.0;
                let width = (ui.available_width() - SPLIT_WIDTH).max(80.0);
                ui.allocate_ui_with_layout(
                    vec2(width, size::TALL_ROW),
                    Layout::top_down(Align::Min),
                    |ui| crash_ui(ctx, ui, crash),
                );
                let help = "Take this crash out into an issue of its own. Undo takes it back.\nS";
                let response = button::link(ui, "Split off").on_hover_text(help);
                if response.clicked() {
                    ctx.send(Command::SplitCrash { crash: crash.id });
                }
            });
        } else {
            crash_ui(ctx, ui, crash);
        }
    }
    if n > MAX_LISTED {
        state::padded(ui, |ui| {
            text::small(
                ui,
                format!(
                    "{} older ones are not listed; `fieldscope query issue` prints them.",
                    n - MAX_LISTED
                ),
            );
        });
    }
}

fn crash_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, crash: &CrashRow) {
    let title = title(crash);
    let seen = Seen::of(crash);
    let below = format!(
        "{} · {} ({})",
        crash.capture_name,
        words::ago(&seen.at, ctx.now),
        seen.what()
    );
    let is_selected = ctx.nav.issue_crash == Some(crash.id);
    let name = format!("Open crash {}: {title}", crash.capture_name);
    let response = tall_row(ui, is_selected, &name, |row| {
        let t = row.tokens;
        let (mark, color, word) = match (crash.is_symbolized, crash.is_verified) {
            (true, true) => (Mark::Check, t.ok, "names match"),
            (true, false) => (Mark::Half, t.warn, "not verified"),
            (false, _) => (Mark::Hollow, t.warn, "no names"),
        };
        let end = row.width() - size::M;
        let from = (end - 104.0).max(size::M);
        let style = CellStyle {
            font: font::body(),
            color: t.text,
            align: Align::Min,
        };
        let mut upper = row.half(true);
        upper.text(size::M, from - size::S, &title, &style);
        let center = Pos2::new(upper.rect.left() + from + 4.0, upper.rect.center().y);
        marker::paint(upper.painter, center, mark, color);
        upper.muted(from + 16.0, end, word);
        row.half(false).muted(size::M, end, &below);
    });
    if response.clicked() {
        ctx.ui(UiCommand::OpenCrash(crash.id));
    } else if response.gained_focus() {
        ctx.ui(UiCommand::SelectIssueCrash(crash.id));
    }
}

/// Device, version, boot, thread: what tells the crashes of one issue apart.
fn title(crash: &CrashRow) -> String {
    let mut parts = vec![
        crash
            .device
            .clone()
            .unwrap_or_else(|| "unknown device".to_owned()),
    ];
    let build = crash.build_id.as_ref();
    let build = build.map(|id| format!("build {}", id.chars().take(8).collect::<String>()));
    parts.extend(crash.version.clone().or(build));
    parts.extend(
        crash
            .boot
            .map(|boot| format!("boot {}", boot.saturating_add(1))),
    );
    parts.extend(
        crash
            .thread
            .as_ref()
            .map(|thread| format!("thread {thread}")),
    );
    if crash.n_seen > 1 {
        parts.push(format!("in {} captures", crash.n_seen));
    }
    words::sentence(&parts.join(" · "))
}

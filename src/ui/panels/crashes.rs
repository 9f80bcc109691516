//! Every crash, grouped by cause.

use super::{Panel, screen};
use crate::engine::queries::crash_list::{CrashGroup, CrashRow};
use crate::model::report::FaultKind;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size};
use crate::ui::widgets::card::{Title, card};
use crate::ui::widgets::row::{CellStyle, RowPainter, head, tall_row};
use crate::ui::widgets::{button, card as cards, field, marker, marker::Mark, state, text};
use crate::ui::words;
use egui::{Align, Pos2, Ui};
use std::collections::BTreeSet;

/// How the list is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum Order {
    /// As the engine answers: newest first.
    #[default]
    Newest,
    /// Most crashes first.
    Most,
    /// By class of fault.
    Kind,
}

impl Order {
    const ALL: [Self; 3] = [Self::Newest, Self::Most, Self::Kind];

    fn label(self) -> &'static str {
        match self {
            Self::Newest => "Newest",
            Self::Most => "Most crashes",
            Self::Kind => "Kind",
        }
    }
}

/// Search, order and open groups.
#[derive(Default)]
pub struct Crashes {
    search: String,
    order: Order,
    open: BTreeSet<String>,
}

/// One line of the list.
enum Line<'a> {
    Group(&'a CrashGroup, bool),
    Crash(&'a CrashRow),
}

impl Panel for Crashes {
    fn ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui) {
        let rect = screen(ui);
        let answer = ctx.door.crash_groups(self.search.trim());
        cards::inside(ui, rect, "crashes", |ui| {
            let groups = answer.value().map_or(&[][..], |groups| groups.as_slice());
            headline_ui(
                ui,
                groups,
                answer.is_pending(),
                !self.search.trim().is_empty(),
            );
            ui.add_space(size::M);
            self.bar_ui(ctx, ui);
            ui.add_space(size::M);
            let rect = ui.available_rect_before_wrap();
            let detail = groups.len().to_string();
            let rect = self.list_rect(rect, groups);
            card(
                ui,
                rect,
                Title {
                    title: "By cause",
                    detail: &detail,
                    right: "Enter opens",
                },
                |ui| {
                    state::answer(ui, &answer, "Grouping crashes…", |ui, groups| {
                        self.list_ui(ctx, ui, groups);
                    });
                },
            );
        });
    }
}

#[expect(
    clippy::fn_params_excessive_bools,
    reason = "two independent states of the list"
)]
fn headline_ui(ui: &mut Ui, groups: &[CrashGroup], is_pending: bool, is_filtered: bool) {
    let n_crashes: usize = groups.iter().map(|group| group.crashes.len()).sum();
    let sentence = if groups.is_empty() && is_pending {
        "Crashes".to_owned()
    } else if groups.is_empty() && is_filtered {
        "No crash matches".to_owned()
    } else if groups.is_empty() {
        "No crash in this workspace".to_owned()
    } else {
        let crashes = words::count(n_crashes as u64, "crash", "crashes");
        format!(
            "{crashes} with {}",
            words::count(groups.len() as u64, "cause", "different causes")
        )
    };
    text::headline(ui, &sentence);
}

impl Crashes {
    fn bar_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui) {
        ui.horizontal(|ui| {
            let response = field::line(
                ui,
                &mut self.search,
                "Filter crashes",
                "Filter by function, thread, version…",
                280.0,
            );
            ctx.part(&response);
            ui.add_space(size::S);
            text::small(ui, "order by");
            for order in Order::ALL {
                if ui
                    .selectable_label(self.order == order, order.label())
                    .clicked()
                {
                    self.order = order;
                }
            }
        });
    }

    /// The card is as high as its rows, and no higher than the screen.
    fn list_rect(&self, rect: egui::Rect, groups: &[CrashGroup]) -> egui::Rect {
        let open = groups
            .iter()
            .filter(|group| self.open.contains(&key_of(group)));
        let n_rows = groups.len() + open.map(|group| group.crashes.len()).sum::<usize>();
        if n_rows == 0 {
            return cards::fit(rect, 4);
        }
        let height = size::HEADER + size::ROW + size::TALL_ROW * n_rows.min(1000) as f32 + size::S;
        egui::Rect::from_min_size(
            rect.min,
            egui::vec2(rect.width(), height.min(rect.height())),
        )
    }

    fn list_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui, groups: &[CrashGroup]) {
        if groups.is_empty() && self.search.trim().is_empty() {
            empty_ui(ctx, ui);
            return;
        }
        if groups.is_empty() {
            state::empty(
                ui,
                "No crash matches the filter",
                "Clear the filter to see all of them.",
            );
            return;
        }
        let newest = |group: &CrashGroup| group.crashes.iter().map(|row| row.id).max();
        let mut shown: Vec<&CrashGroup> = groups.iter().collect();
        match self.order {
            Order::Newest => shown.sort_by_key(|group| std::cmp::Reverse(newest(group))),
            Order::Most => shown.sort_by_key(|group| std::cmp::Reverse(group.crashes.len())),
            Order::Kind => shown.sort_by_key(|group| kind_of(group)),
        }
        let mut lines = Vec::new();
        for group in shown {
            let is_open = self.open.contains(&key_of(group));
            lines.push(Line::Group(group, is_open));
            if is_open {
                lines.extend(group.crashes.iter().map(Line::Crash));
            }
        }
        let columns = Columns::new(ui.available_width());
        head(
            ui,
            &[
                (
                    columns.headline,
                    columns.symbols,
                    Align::Min,
                    "What happened",
                ),
                (columns.symbols, columns.n - 60.0, Align::Min, "Symbols"),
                (columns.n - 60.0, columns.n, Align::Max, "Crashes"),
            ],
        );
        egui::ScrollArea::vertical()
            .id_salt("crashes")
            .auto_shrink(false)
            .show_rows(ui, size::TALL_ROW, lines.len(), |ui, range| {
                for line in lines.iter().take(range.end).skip(range.start) {
                    match line {
                        Line::Group(group, is_open) => self.group_ui(ctx, ui, group, *is_open),
                        Line::Crash(crash) => crash_ui(ctx, ui, crash),
                    }
                }
            });
    }

    fn group_ui(
        &mut self,
        ctx: &mut ViewContext<'_>,
        ui: &mut Ui,
        group: &CrashGroup,
        is_open: bool,
    ) {
        let n = group.crashes.len();
        let name = format!(
            "{}, {}",
            plain(&group.summary),
            words::count(n as u64, "crash", "crashes")
        );
        let response = tall_row(ui, false, &name, |row| paint_group(row, group, is_open));
        if !response.clicked() {
            return;
        }
        match group.crashes.as_slice() {
            [only] => ctx.ui(UiCommand::OpenCrash(only.id)),
            _ if is_open => {
                self.open.remove(&key_of(group));
            }
            _ => {
                self.open.insert(key_of(group));
            }
        }
    }
}

/// What tells groups apart; crashes that cannot be grouped stand alone.
fn key_of(group: &CrashGroup) -> String {
    let first = group.crashes.first().map_or(0, |row| row.id);
    group
        .key
        .clone()
        .unwrap_or_else(|| format!("crash {first}"))
}

fn kind_of(group: &CrashGroup) -> &'static str {
    group
        .crashes
        .first()
        .and_then(|row| row.kind)
        .map_or("stopped", FaultKind::label)
}

fn empty_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui) {
    state::padded(ui, |ui| {
        text::muted(
            ui,
            "Nothing has crashed here, or nothing was imported yet. Drop a dump, a log or a bundle on the window.",
        );
        ui.add_space(size::S);
        ui.horizontal(|ui| {
            button::primary_command(ui, ctx, &UiCommand::OpenFiles);
            button::command(ui, ctx, &UiCommand::OpenDemo);
        });
    });
}

/// Where the columns begin.
struct Columns {
    headline: f32,
    symbols: f32,
    n: f32,
}

impl Columns {
    fn new(width: f32) -> Self {
        let n = width - size::M;
        Self {
            headline: 52.0,
            symbols: n - 60.0 - 116.0,
            n,
        }
    }
}

fn paint_group(row: &mut RowPainter<'_>, group: &CrashGroup, is_open: bool) {
    let t = row.tokens;
    let columns = Columns::new(row.width());
    let bottom = row.rect.bottom() - 0.5;
    row.painter
        .hline(row.rect.x_range(), bottom, egui::Stroke::new(1.0, t.line));
    if group.crashes.len() > 1 {
        let icon = if is_open {
            crate::ui::icons::UNFOLDED
        } else {
            crate::ui::icons::FOLDED
        };
        let style = CellStyle {
            font: font::icon(10.0),
            color: t.muted,
            align: Align::Min,
        };
        row.half(true).text(size::M, 28.0, icon, &style);
    }
    let mut upper = row.half(true);
    let center = Pos2::new(upper.rect.left() + 38.0, upper.rect.center().y);
    marker::paint(upper.painter, center, Mark::Filled, t.crash);
    let end = columns.symbols - size::M;
    upper.strong(columns.headline, end, &plain(&group.summary));
    upper.number(
        columns.n - 60.0,
        columns.n,
        &group.crashes.len().to_string(),
    );
    row.is_cut |= upper.is_cut;
    let Some(first) = group.crashes.first() else {
        return;
    };
    paint_symbols(&mut row.half(true), first, &columns);
    row.half(false)
        .muted(columns.headline, end, &facts(group, first));
}

/// The quiet line: function, thread, version, and on how many devices or boots.
fn facts(group: &CrashGroup, first: &CrashRow) -> String {
    let mut parts = Vec::new();
    parts.extend(first.function.clone());
    parts.extend(
        first
            .thread
            .as_ref()
            .map(|thread| format!("thread {thread}")),
    );
    parts.extend(version(first));
    match (group.n_devices, &first.device) {
        (0, _) | (_, None) => {}
        (1, Some(device)) => parts.push(device.clone()),
        (n, Some(_)) => parts.push(words::count(n as u64, "device", "devices")),
    }
    let boots: BTreeSet<u32> = group.crashes.iter().filter_map(|row| row.boot).collect();
    match (boots.len(), boots.first()) {
        (1, Some(boot)) => parts.push(format!("boot {}", boot.saturating_add(1))),
        (n, Some(_)) => parts.push(words::count(n as u64, "boot", "boots")),
        (_, None) => {}
    }
    parts.push(first.capture_name.clone());
    parts.join(" · ")
}

fn version(crash: &CrashRow) -> Option<String> {
    let build = crash.build_id.as_ref();
    let build = build.map(|id| format!("build {}", id.chars().take(8).collect::<String>()));
    let version = crash.version.as_ref();
    version
        .map(|version| format!("version {version}"))
        .or(build)
}

fn crash_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, crash: &CrashRow) {
    let mut parts: Vec<String> = crash.device.iter().cloned().collect();
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
    if parts.is_empty() {
        parts.push("Crash".to_owned());
    }
    let text = words::sentence(&parts.join(" · "));
    let below = format!(
        "{} · imported {}",
        crash.capture_name,
        words::ago(&crash.imported_at, ctx.now)
    );
    let is_selected = ctx.nav.place.crash == Some(crash.id);
    let name = format!("Open crash {}: {text}", crash.capture_name);
    let response = tall_row(ui, is_selected, &name, |row| {
        let columns = Columns::new(row.width());
        let (from, to) = (columns.headline + size::L, columns.symbols - size::M);
        let style = CellStyle {
            font: font::body(),
            color: row.tokens.text,
            align: Align::Min,
        };
        row.half(true).text(from, to, &text, &style);
        row.half(false).muted(from, to, &below);
        paint_symbols(&mut row.half(true), crash, &columns);
    });
    if response.clicked() {
        ctx.ui(UiCommand::OpenCrash(crash.id));
    }
}

fn paint_symbols(row: &mut RowPainter<'_>, crash: &CrashRow, columns: &Columns) {
    let t = row.tokens;
    let (mark, color, word) = match (crash.is_symbolized, crash.is_verified) {
        (true, true) => (Mark::Check, t.ok, "match"),
        (true, false) => (Mark::Half, t.warn, "not verified"),
        (false, _) => (Mark::Hollow, t.warn, "missing"),
    };
    let center = Pos2::new(row.rect.left() + columns.symbols + 4.0, row.rect.center().y);
    marker::paint(row.painter, center, mark, color);
    row.muted(columns.symbols + 16.0, columns.n - 64.0, word);
}

/// A headline without the marks of code.
fn plain(headline: &str) -> String {
    headline.replace('`', "")
}

#[cfg(test)]
mod tests {
    #[test]
    fn code_marks_do_not_reach_a_list() {
        assert_eq!(super::plain("`poke` wrote 13"), "poke wrote 13");
    }
}

//! The list of issues, one tall row each.

use super::{names_of, plain, seen};
use crate::engine::queries::issue_list::Issue;
use crate::model::report::FaultKind;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::size;
use crate::ui::widgets::row::{RowPainter, head, tall_row};
use crate::ui::widgets::{marker, marker::Mark};
use crate::ui::words;
use egui::{Align, Pos2, Rect, Ui};
use std::cmp::Reverse;

/// How the list is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Order {
    /// Most crashes first.
    #[default]
    Most,
    /// Last seen first.
    Newest,
    /// Most devices first.
    Devices,
    /// By class of fault.
    Kind,
}

impl Order {
    pub(super) const ALL: [Self; 4] = [Self::Most, Self::Newest, Self::Devices, Self::Kind];

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Most => "Crashes",
            Self::Newest => "Last seen",
            Self::Devices => "Devices",
            Self::Kind => "Kind",
        }
    }
}

/// The card is as high as its rows, and no higher than the screen.
pub(super) fn fit(rect: Rect, issues: &[Issue]) -> Rect {
    if issues.is_empty() {
        return crate::ui::widgets::card::fit(rect, 4);
    }
    let rows = issues.len().min(1000) as f32;
    let height = size::HEADER + size::ROW + size::TALL_ROW * rows + size::S;
    Rect::from_min_size(
        rect.min,
        egui::vec2(rect.width(), height.min(rect.height())),
    )
}

/// Head and rows.
pub(super) fn list_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, issues: &[Issue], order: Order) {
    let mut shown: Vec<&Issue> = issues.iter().collect();
    match order {
        Order::Most => {}
        Order::Newest => shown.sort_by(|a, b| b.last_seen.cmp(&a.last_seen)),
        Order::Devices => shown.sort_by_key(|issue| Reverse(issue.n_devices)),
        Order::Kind => shown.sort_by_key(|issue| issue.kind.map_or("stopped", FaultKind::label)),
    }
    shown.sort_by_key(|issue| issue.is_closed);
    let most = issues
        .iter()
        .map(|issue| issue.crashes.len())
        .max()
        .unwrap_or(1);
    let columns = Columns::new(ui.available_width());
    columns.head_ui(ui);
    egui::ScrollArea::vertical()
        .id_salt("issues")
        .auto_shrink(false)
        .show_rows(ui, size::TALL_ROW, shown.len(), |ui, range| {
            for issue in shown.iter().take(range.end).skip(range.start) {
                issue_ui(ctx, ui, issue, most, &columns);
            }
        });
}

fn issue_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, issue: &Issue, most: usize, columns: &Columns) {
    let is_open = ctx.nav.place.issue.as_ref() == Some(&issue.key);
    let closed = if issue.is_closed { ", closed" } else { "" };
    let name = format!(
        "Issue {}, {} on {}{closed}",
        plain(&issue.title),
        words::count(issue.crashes.len() as u64, "crash", "crashes"),
        words::count(issue.n_devices as u64, "device", "devices")
    );
    let last = seen(ctx, &issue.last_seen);
    let first = seen(ctx, &issue.first_seen);
    let response = tall_row(ui, is_open, &name, |row| {
        paint(row, issue, most, columns, (&first, &last));
    });
    if response.clicked() {
        ctx.ui(UiCommand::OpenIssue(issue.key.clone()));
    }
}

/// Where the columns end, measured from the left; `None` where there is no room.
struct Columns {
    title_end: f32,
    crashes: f32,
    devices: Option<f32>,
    first: Option<f32>,
    last: Option<f32>,
    symbols: Option<f32>,
}

/// Where titles begin.
const TITLE: f32 = 36.0;
const NUMBER: f32 = 64.0;
const TIME: f32 = 132.0;
const SYMBOLS: f32 = 148.0;

impl Columns {
    fn new(width: f32) -> Self {
        let mut end = width - size::M;
        let mut take = |wanted: bool, room: f32| {
            let here = wanted.then_some(end);
            if wanted {
                end -= room;
            }
            here
        };
        let symbols = take(width > 900.0, SYMBOLS);
        let last = take(width > 640.0, TIME);
        let first = take(width > 1040.0, TIME);
        let devices = take(width > 420.0, NUMBER);
        let crashes = end;
        Self {
            title_end: crashes - NUMBER - size::S,
            crashes,
            devices,
            first,
            last,
            symbols,
        }
    }

    fn head_ui(&self, ui: &mut Ui) {
        let mut cells = vec![(TITLE, self.title_end, Align::Min, "What happened")];
        let mut right = |end: Option<f32>, room: f32, name: &'static str| {
            cells.extend(end.map(|end| (end - room, end, Align::Max, name)));
        };
        right(Some(self.crashes), NUMBER, "Crashes");
        right(self.devices, NUMBER, "Devices");
        right(self.first, TIME - size::M, "First seen");
        right(self.last, TIME - size::M, "Last seen");
        cells.extend(
            self.symbols
                .map(|end| (end - SYMBOLS + size::XL, end, Align::Min, "Names")),
        );
        head(ui, &cells);
    }
}

fn paint(
    row: &mut RowPainter<'_>,
    issue: &Issue,
    most: usize,
    columns: &Columns,
    (first, last): (&str, &str),
) {
    let t = row.tokens;
    let bottom = row.rect.bottom() - 0.5;
    row.painter
        .hline(row.rect.x_range(), bottom, egui::Stroke::new(1.0, t.line));
    let mut upper = row.half(true);
    let center = Pos2::new(upper.rect.left() + 20.0, upper.rect.center().y);
    let (mark, color) = if issue.is_closed {
        (Mark::Hollow, t.faint)
    } else {
        (Mark::Filled, t.crash)
    };
    marker::paint(upper.painter, center, mark, color);
    let (title, _) = parted(&issue.title);
    upper.strong(TITLE, columns.title_end, &plain(title));
    let mut lower = row.half(false);
    lower.muted(TITLE, columns.title_end, &facts(issue));
    let mut number = |end: f32, n: usize| {
        upper.number(end - NUMBER, end, &n.to_string());
    };
    number(columns.crashes, issue.crashes.len());
    if let Some(end) = columns.devices {
        number(end, issue.n_devices);
    }
    row.is_cut |= upper.is_cut;
    bar(row, columns.crashes, issue.crashes.len(), most);
    time(row, columns.first, first);
    time(row, columns.last, last);
    if let Some(end) = columns.symbols {
        let from = end - SYMBOLS + size::XL;
        let mut upper = row.half(true);
        let (mark, color, word) = match issue.n_named {
            0 => (Mark::Hollow, t.warn, "missing"),
            n if n == issue.crashes.len() => (Mark::Check, t.ok, "all named"),
            _ => (Mark::Half, t.warn, "some missing"),
        };
        let center = Pos2::new(upper.rect.left() + from + 4.0, upper.rect.center().y);
        marker::paint(upper.painter, center, mark, color);
        upper.muted(from + 16.0, end, word);
    }
}

/// How many crashes, against the issue with most of them.
fn bar(row: &RowPainter<'_>, end: f32, n: usize, most: usize) {
    let t = row.tokens;
    let half = row.half(false);
    let y = half.rect.center().y;
    let left = half.rect.left() + end - NUMBER + size::L;
    let whole = Rect::from_min_max(
        Pos2::new(left, y - 2.0),
        Pos2::new(half.rect.left() + end, y + 2.0),
    );
    row.painter.rect_filled(whole, 2.0, t.line);
    let share = n.min(most) as f32 / most.max(1) as f32;
    let mut part = whole;
    part.set_left(whole.right() - whole.width() * share);
    row.painter.rect_filled(part, 2.0, t.faint);
}

/// Upper line when, lower line what it is the time of.
fn time(row: &RowPainter<'_>, end: Option<f32>, text: &str) {
    let Some(end) = end else { return };
    let (when, what) = text.split_once(" (").unwrap_or((text, ""));
    let style = |color| crate::ui::widgets::row::CellStyle {
        font: crate::ui::theme::font::small(),
        color,
        align: Align::Max,
    };
    let from = end - TIME + size::M;
    row.half(true)
        .text(from, end, when, &style(row.tokens.text));
    row.half(false).text(
        from,
        end,
        what.trim_end_matches(')'),
        &style(row.tokens.faint),
    );
}

/// What happened, and the caller that tells it from another issue: that one stands in the quiet line, where it is not
/// cut off.
fn parted(title: &str) -> (&str, Option<&str>) {
    match title.find(", called by ") {
        Some(at) => (
            title.get(..at).unwrap_or(title),
            title.get(at..).map(|rest| rest.trim_start_matches(", ")),
        ),
        None => (title, None),
    }
}

/// The quiet line: versions, state, thread, whether a person changed it.
fn facts(issue: &Issue) -> String {
    let mut parts = Vec::new();
    if issue.is_closed {
        parts.push("closed".to_owned());
    }
    parts.extend(parted(&issue.title).1.map(plain));
    let newest = issue.crashes.first();
    let names: Vec<&str> = issue
        .versions
        .iter()
        .filter_map(|version| version.version.as_deref())
        .collect();
    match names.as_slice() {
        [] => parts.push("version unknown".to_owned()),
        [one] if one.starts_with("build") => parts.push((*one).to_owned()),
        [one] => parts.push(format!("version {one}")),
        several if several.iter().all(|name| name.starts_with("build")) => {
            parts.push(format!("{} builds", several.len()));
        }
        [first, second] => parts.push(format!("versions {first}, {second}")),
        [first, .., last] => parts.push(format!("{} versions, {first} to {last}", names.len())),
    }
    parts.extend(
        newest
            .and_then(|row| row.thread.as_ref())
            .map(|thread| format!("thread {thread}")),
    );
    if issue.is_by_hand {
        parts.push("grouped by hand".to_owned());
    }
    if issue.n_named < issue.crashes.len() {
        parts.push(names_of(issue));
    }
    parts.extend(issue.note.clone());
    parts.join(" · ")
}

//! Several logs in one list: which, whose line is whose, and the offset of each.

use super::{Found, Logs};
use crate::engine::command::Command;
use crate::engine::logs::offset;
use crate::engine::logs::view::{LogKey, LogPart, LogRow, LogSummary, MergedLog};
use crate::engine::queries::log_find::Wanted;
use crate::engine::queries::log_list::ListedLog;
use crate::engine::queries::log_summary::LogOverview;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::icons;
use crate::ui::theme::{Tokens, size, tokens};
use crate::ui::widgets::marker::{self, Mark};
use crate::ui::widgets::{button, card as cards, state, text};
use crate::ui::words;
use egui::{Color32, DragValue, Key, Rect, Sense, Ui, vec2};

/// Nanoseconds that a point of dragging is worth; with Shift a tenth of it.
const DRAG_NS: f64 = 10_000_000.0;
/// Height of a log in the list of those that are merged, without the lines of what is said of it.
const PART_HEIGHT: f32 = 44.0;
/// Height of a line of that, and characters that fit it.
const LINE: (f32, usize) = (16.0, 42);
/// Height of what stands below them.
const REST_HEIGHT: f32 = 64.0;

/// What is being done about merging.
#[derive(Default)]
pub(super) struct Merging {
    /// The logs that are ticked, while they are chosen.
    pub(super) chosen: Option<Vec<LogKey>>,
    /// Offsets that were set and not yet asked for.
    wanted: Option<Vec<i64>>,
    /// The same logs with other offsets: shown once its answers are there.
    next: Option<LogKey>,
    /// The line that is the same moment as the one that will be selected in another log.
    aligning: Option<Aligning>,
    /// The logs that are shown, as the last answer told of them.
    pub(super) parts: Vec<LogPart>,
}

impl Merging {
    /// True while logs to merge are chosen.
    pub(super) fn is_choosing(&self) -> bool {
        self.chosen.is_some()
    }
}

/// A line to be aligned.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Aligning {
    log: usize,
    row: u64,
    axis_ns: i64,
}

/// Shape and colour of a log among those that are merged; its name stands beside it.
pub(super) fn mark_of(t: &Tokens, log: usize) -> (Mark, Color32) {
    let n = t.series.len();
    let color = t.series.get(log % n).copied().unwrap_or(t.text);
    let mark = match (log + log / n) % 3 {
        0 => Mark::Filled,
        1 => Mark::Hollow,
        _ => Mark::Half,
    };
    (mark, color)
}

/// Number of a row's boot in its own log, from 0.
pub(super) fn own_boot(row: &LogRow, summary: &LogSummary) -> Option<u32> {
    let first = summary.parts.get(row.log).map_or(0, |part| part.first_boot);
    row.boot.map(|boot| boot.saturating_sub(first))
}

/// A time on the axis of merged logs.
pub(super) fn moment(ns: i64, is_wall_clock: bool) -> String {
    if !is_wall_clock {
        let millis = ns.unsigned_abs() / 1_000_000;
        let sign = if ns < 0 { "-" } else { "" };
        return format!(
            "{sign}{}.{:03}",
            words::number(millis / 1000),
            millis % 1000
        );
    }
    let of_day = ns.rem_euclid(86_400_000_000_000) / 1_000_000;
    let seconds = of_day / 1000;
    format!(
        "{:02}:{:02}:{:02}.{:03}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        of_day % 1000
    )
}

impl Logs {
    /// True while several logs are shown in one list.
    pub(super) fn is_merged(&self) -> bool {
        matches!(self.log, Some(LogKey::Merged { .. }))
    }

    /// The log that a row is of.
    pub(super) fn log_of(&self, row: &LogRow) -> Option<LogKey> {
        self.log.as_ref()?.of_log(row.log).cloned()
    }

    /// True when the logs of a key are all there.
    pub(super) fn exists(key: &LogKey, listed: &[ListedLog]) -> bool {
        let mut logs = key.logs().into_iter();
        logs.all(|log| listed.iter().any(|known| known.key == log.key))
    }

    /// The log to show a crash of `log` in: the merged ones that are open, when it is among them.
    pub(super) fn with_others(&self, log: &LogKey) -> LogKey {
        let open = self.log.as_ref().filter(|open| {
            let mut logs = open.logs().into_iter();
            logs.any(|part| part.key == *log)
        });
        open.unwrap_or(log).clone()
    }

    /// Shows the logs with the offsets that were set once all of the answers are there: until then what is on screen stays.
    pub(super) fn settle(&mut self, ctx: &ViewContext<'_>) {
        let Some(LogKey::Merged { logs }) = &self.log else {
            self.merging.next = None;
            return;
        };
        if self.merging.next.is_none()
            && let Some(offsets) = self.merging.wanted.take()
        {
            let logs = logs.iter().zip(offsets).map(|(log, offset_ns)| MergedLog {
                key: log.key.clone(),
                offset_ns,
            });
            self.merging.next = Some(LogKey::Merged {
                logs: logs.collect(),
            });
        }
        let Some(next) = self.merging.next.clone() else {
            return;
        };
        let overview = ctx.door.log_overview(&next, super::BUCKETS);
        let is_there = self.are_pages_there(ctx, &next) && overview.value().is_some();
        if !is_there && overview.error().is_none() {
            return;
        }
        self.merging.next = None;
        self.log = Some(next.clone());
        self.found = Found::default();
        let row = self
            .selected
            .as_ref()
            .and_then(|selected| selected.row.as_ref());
        if let Some((log, row)) = row.map(|row| (row.log, row.row)) {
            self.ask(&next, Wanted::LineOf { log, row }, true);
        }
    }

    /// Offsets as they are shown, or will be.
    fn offsets(&self) -> Vec<i64> {
        if let Some(wanted) = &self.merging.wanted {
            return wanted.clone();
        }
        let key = self.merging.next.as_ref().or(self.log.as_ref());
        let logs = key.map(LogKey::logs).unwrap_or_default();
        logs.into_iter().map(|log| log.offset_ns).collect()
    }

    /// Sets the offsets; `is_final` when they are to be kept in the workspace.
    fn set_offsets(&mut self, ctx: &mut ViewContext<'_>, offsets: Vec<i64>, is_final: bool) {
        if is_final {
            let keys = self.log.iter().flat_map(LogKey::logs);
            let logs = keys.zip(&offsets).map(|(log, offset_ns)| MergedLog {
                key: log.key,
                offset_ns: *offset_ns,
            });
            ctx.send(Command::SetLogOffsets {
                logs: logs.collect(),
            });
        }
        self.merging.wanted = Some(offsets);
    }

    /// Takes all offsets away.
    pub(super) fn reset_offsets(&mut self, ctx: &mut ViewContext<'_>) {
        if matches!(self.log, Some(LogKey::Merged { .. })) {
            let zeros = vec![0; self.offsets().len()];
            self.set_offsets(ctx, zeros, true);
        }
    }

    /// The next line that is selected in another log becomes the same moment as the selected one.
    pub(super) fn begin_aligning(&mut self, ctx: &mut ViewContext<'_>) {
        let is_merged = matches!(self.log, Some(LogKey::Merged { .. }));
        let row = self
            .selected
            .as_ref()
            .and_then(|selected| selected.row.as_ref());
        match row.filter(|_| is_merged) {
            None if !is_merged => {
                ctx.notice = Some(
                    "Only merged logs can be aligned. Merge this log with another one first."
                        .to_owned(),
                );
            }
            None => {
                ctx.notice =
                    Some("Select a line first: the log that it is of will be moved.".to_owned());
            }
            Some(row) => match row.axis_ns {
                None => {
                    ctx.notice =
                        Some("This line does not say its time. Select one that does.".to_owned());
                }
                Some(axis_ns) => {
                    self.merging.aligning = Some(Aligning {
                        log: row.log,
                        row: row.row,
                        axis_ns,
                    });
                }
            },
        }
    }

    /// Says what has to be done to align, and does it once a line of another log is selected.
    pub(super) fn align_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui) {
        let Some(aligning) = self.merging.aligning.clone() else {
            return;
        };
        let name = |log: usize| {
            let part = self.merging.parts.get(log);
            part.map_or_else(String::new, |part| part.name.clone())
        };
        let mut ends = ui.input(|input| input.key_pressed(Key::Escape));
        ui.horizontal_wrapped(|ui| {
            text::strong(
                ui,
                format!(
                    "Line {} of {} is the same moment as… click a line of another log.",
                    words::number(aligning.row.saturating_add(1)),
                    name(aligning.log),
                ),
            );
            ends |= button::link(ui, "Cancel").clicked();
        });
        ui.add_space(size::S);
        let row = self
            .selected
            .as_ref()
            .and_then(|selected| selected.row.as_ref());
        let other = row.filter(|row| row.log != aligning.log);
        let to = other.map(|row| row.axis_ns);
        match to {
            Some(None) => {
                ctx.notice =
                    Some("This line does not say its time. Select one that does.".to_owned());
            }
            Some(Some(to)) => {
                let by = to.saturating_sub(aligning.axis_ns);
                let mut offsets = self.offsets();
                if let Some(offset) = offsets.get_mut(aligning.log) {
                    *offset = offset.saturating_add(by);
                }
                ctx.notice = Some(format!(
                    "{} was moved by {}.",
                    name(aligning.log),
                    offset::words(by)
                ));
                self.set_offsets(ctx, offsets, true);
                ends = true;
            }
            None => {}
        }
        if ends {
            self.merging.aligning = None;
        }
    }

    /// How much of the column at the right the merged logs take.
    pub(super) fn parts_height(&self, height: f32) -> f32 {
        let lines = |part: &LogPart| said_of(part).chars().count().div_ceil(LINE.1) as f32;
        let parts = self.merging.parts.iter();
        let parts: f32 = parts.map(|part| PART_HEIGHT + LINE.0 * lines(part)).sum();
        (size::HEADER + parts + REST_HEIGHT).min((height * 0.55).floor())
    }

    /// The merged logs, each with its offset.
    pub(super) fn merged_ui(
        &mut self,
        ctx: &mut ViewContext<'_>,
        ui: &mut Ui,
        rect: Rect,
        overview: &LogOverview,
    ) {
        let summary = &overview.summary;
        let title = cards::Title {
            title: "Merged logs",
            detail: &summary.parts.len().to_string(),
            right: "offset",
        };
        let mut offsets = self.offsets();
        let (mut changed, mut is_final, mut removed) = (false, false, None);
        cards::card(ui, rect, title, |ui| {
            egui::ScrollArea::vertical()
                .id_salt("merged logs")
                .show(ui, |ui| {
                    for (log, part) in summary.parts.iter().enumerate() {
                        let Some(offset_ns) = offsets.get_mut(log) else {
                            continue;
                        };
                        let done = part_ui(ui, log, part, offset_ns);
                        changed |= done.changed;
                        is_final |= done.is_final;
                        if done.is_removed {
                            removed = Some(log);
                        }
                    }
                    state::padded(ui, |ui| {
                        text::small(ui, format!("Times: {}.", summary.axis));
                        let is_moved = offsets.iter().any(|offset| *offset != 0);
                        ui.horizontal_wrapped(|ui| links_ui(ctx, ui, is_moved));
                    });
                });
        });
        if changed || is_final {
            self.set_offsets(ctx, offsets, is_final);
        }
        if let Some(removed) = removed {
            self.remove(ctx, removed);
        }
    }

    fn remove(&self, ctx: &mut ViewContext<'_>, log: usize) {
        let mut logs = self.log.as_ref().map(LogKey::logs).unwrap_or_default();
        if log < logs.len() {
            logs.remove(log);
        }
        let key = match logs.as_slice() {
            [] => return,
            [one] => one.key.clone(),
            _ => LogKey::Merged { logs },
        };
        ctx.ui(UiCommand::OpenLog(key));
    }
}

/// What can be done with all of the merged logs.
fn links_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, is_moved: bool) {
    if button::link(ui, "Add or remove…").clicked() {
        ctx.ui(UiCommand::LogMerge);
    }
    if is_moved && button::link(ui, "Reset offsets").clicked() {
        ctx.ui(UiCommand::LogResetOffsets);
    }
}

/// What a person did to one of the merged logs.
#[derive(Clone, Copy, Debug, Default)]
struct Done {
    changed: bool,
    is_final: bool,
    is_removed: bool,
}

fn part_ui(ui: &mut Ui, log: usize, part: &LogPart, offset_ns: &mut i64) -> Done {
    let mut done = Done::default();
    let before = *offset_ns;
    state::padded(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.horizontal(|ui| {
            let (place, _) = ui.allocate_exact_size(vec2(12.0, 16.0), Sense::hover());
            let (mark, color) = mark_of(tokens(ui), log);
            marker::paint(ui.painter(), place.center(), mark, color);
            text::strong(ui, &part.name);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let name = format!("Remove {} from the merged logs", part.name);
                done.is_removed = button::icon(ui, icons::CLOSE, &name).clicked();
                // Exact up to 104 days; an offset beyond is exact to some nanoseconds.
                let mut ns = *offset_ns as f64;
                let drag = DragValue::new(&mut ns)
                    .speed(DRAG_NS)
                    .update_while_editing(false)
                    .custom_formatter(|ns, _decimals| offset::words(whole(ns)))
                    .custom_parser(|text| offset::parse(text).ok().map(|ns| ns as f64));
                let response = ui
                    .add(drag)
                    .accessible_name(format!("Offset of {}", part.name));
                let response = response.on_hover_text(
                    "Added to the times of this log. Drag, or click and type: 2.5 s, -300 ms",
                );
                if response.changed() {
                    *offset_ns = whole(ns);
                }
                done.changed = *offset_ns != before;
                done.is_final = response.drag_stopped() || (done.changed && !response.dragged());
            });
        });
        text::small(ui, said_of(part));
    });
    done
}

/// How many lines a log has, and where its times come from.
fn said_of(part: &LogPart) -> String {
    let lines = words::count(part.n_rows, "line", "lines");
    format!("{lines}. {}", part.clock)
}

fn whole(ns: f64) -> i64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float that is too large becomes the greatest number"
    )]
    let ns = ns.round() as i64;
    ns
}

//! Logs: every line of one log, decoded, with filters, along an axis that shows where it crashed.

mod add_filter;
mod bar;
mod bookmarks;
mod chips;
mod columns;
mod density;
mod export;
mod filter_fields;
mod filter_sets;
mod filter_words;
mod folding;
mod follow;
mod go_to;
mod gutter;
mod history;
mod list;
mod lookup;
mod marks;
mod merge_chooser;
mod merged;
mod message;
mod messages;
mod row;
mod row_menu;
mod selected;
mod selection;
mod shared_time;

pub(super) use row::{level_color, message_of, time};

use super::{Panel, screen};
use crate::engine::logs::filter::{FilterStack, LogFilter};
use crate::engine::logs::view::{ChipCounts, DensityAxis, LogKey};
use crate::engine::queries::log_copy::LogCopyQuery;
use crate::engine::queries::log_find::{LogFindQuery, Wanted};
use crate::engine::queries::log_list::ListedLog;
use crate::engine::queries::log_summary::LogOverview;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::nav::LogJump;
use crate::ui::theme::size;
use crate::ui::widgets::virtual_list::VirtualList;
use crate::ui::widgets::{button, card as cards, state, text};
use crate::ui::words;
use columns::Look;
use egui::{Pos2, Rect, Ui, vec2};
use export::Exporting;
use follow::banner_ui;
use lookup::LookedUp;
use merged::Merging;
use messages::{Messages, Side};
use selection::Selected;
use std::path::PathBuf;

/// From this width on the selected row is shown in full beside the list.
const WITH_SELECTED: f32 = 1000.0;
const SELECTED_WIDTH: f32 = 300.0;
/// Height of the lane above the list.
const LANE: f32 = 68.0;
/// Parts of the lane.
const BUCKETS: u32 = 240;

/// What became of a search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Found {
    /// Nothing was searched for, or the place is no match of many.
    #[default]
    Unsaid,
    /// There is no such place.
    Nothing,
    /// Which match is selected, from 1, and of how many.
    Match(u64, u64),
}

/// What is shown of the log, and where.
#[derive(Default)]
pub struct Logs {
    /// The log that all of this is about.
    log: Option<LogKey>,
    stack: FilterStack,
    list: VirtualList,
    /// How it is shown.
    look: Look,
    /// What stands in the field: searched for with F3, a filter with Enter.
    search: String,
    /// Capitals count in what is searched for.
    match_case: bool,
    /// The selected rows.
    selected: Option<Selected>,
    /// A search that is on its way.
    finding: Option<LogFindQuery>,
    /// What became of the last search.
    found: Found,
    /// The last jump to a crash that was carried out.
    n_jumps: u64,
    /// Height of the list in the last frame.
    height: f32,
    /// Rows that were in sight as a whole in the last frame.
    n_whole: u64,
    /// Rows that are listed, and lines that the filters let through.
    n_visible: u64,
    counts: ChipCounts,
    /// The filters before each change.
    history: history::History,
    /// The chip that is open, and its fields.
    edited: Option<(usize, filter_fields::Draft)>,
    add_filter: add_filter::AddFilter,
    /// The field of "go to", while it is open.
    going: Option<go_to::Going>,
    /// The field of the search.
    search_id: Option<egui::Id>,
    /// Text that is marked in the selected row, with the number of that row.
    marked: Option<(u64, String)>,
    /// Rows that are marked on the lane.
    marks: density::Marks,
    /// Where on the lane a drag began.
    dragged_from: Option<f32>,
    /// The last row stays in sight as the log grows.
    follows_end: bool,
    /// Actions that were taken and not yet carried out.
    orders: Vec<UiCommand>,
    /// The address that was clicked.
    looked_up: Option<LookedUp>,
    /// The note that is being written.
    draft: Option<marks::Draft>,
    /// The bookmarks are to be put on the clipboard.
    copies_bookmarks: bool,
    /// The menu of named filters.
    filter_sets: filter_sets::Menu,
    /// What is shown below the selected row, and how.
    side: Side,
    messages: Messages,
    /// Rows on their way to the clipboard.
    copying: Option<LogCopyQuery>,
    /// What became of the last copy.
    said: Option<String>,
    /// What is asked before rows are written to a file, and the file that was chosen.
    exporting: Option<Exporting>,
    exported_to: Option<PathBuf>,
    /// What is being done about merging logs.
    merging: Merging,
}

impl Panel for Logs {
    fn ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui) {
        let rect = screen(ui);
        let logs = ctx.door.logs();
        cards::inside(ui, rect, "logs", |ui| {
            let listed = logs.value().map_or(&[][..], |logs| logs.as_slice());
            self.choose(ctx, listed);
            let Some(key) = self.log.clone() else {
                text::headline(
                    ui,
                    if logs.value().is_some() {
                        "No log in this workspace"
                    } else {
                        "Logs"
                    },
                );
                ui.add_space(size::M);
                state::answer(ui, &logs, "Looking for logs…", |ui, _logs| {
                    nothing_ui(ctx, ui);
                });
                return;
            };
            self.settle(ctx);
            let key = self.log.clone().unwrap_or(key);
            let overview = ctx.door.log_overview(&key, BUCKETS);
            let known = overview.value().cloned();
            text::headline(
                ui,
                &known.as_deref().map_or_else(|| "Logs".to_owned(), headline),
            );
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing.x = size::M;
                ui.set_min_height(size::CHIP);
                text::muted(ui, known.as_deref().map_or(String::new(), detail));
                self.status_ui(ui);
                self.chosen_ui(ctx, ui, known.as_deref());
            });
            ui.add_space(size::S);
            if let Some(known) = &known {
                self.merging.parts.clone_from(&known.summary.parts);
            }
            self.look.names_logs = !self.merging.parts.is_empty();
            self.bar_ui(ctx, ui, listed, known.as_deref());
            ui.add_space(size::S);
            self.chooser_ui(ctx, ui, listed);
            state::answer(ui, &overview, "Reading the log…", |ui, overview| {
                self.orders(ctx, &key);
                self.await_messages(ctx, &key);
                self.find(ctx);
                self.copy(ctx, ui);
                self.keys(ui);
                banner_ui(ui, overview);
                self.align_ui(ctx, ui);
                self.body_ui(ctx, ui, &key, overview);
            });
        });
    }

    fn take(&mut self, command: &UiCommand) -> bool {
        let copies = matches!(command, UiCommand::CopyText | UiCommand::CopyMarkdown);
        let is_taken = if copies {
            self.selected.is_some()
        } else {
            is_of_logs(command) && self.log.is_some()
        };
        match command {
            _ if !is_taken => {}
            // The bar is drawn before the other orders are carried out.
            UiCommand::LogAddFilter => self.add_filter.opens = true,
            _ => self.orders.push(command.clone()),
        }
        is_taken
    }
}

/// Actions that this screen carries out.
fn is_of_logs(command: &UiCommand) -> bool {
    matches!(
        command,
        UiCommand::LogFollowEnd
            | UiCommand::LogWrap
            | UiCommand::LogFindNext
            | UiCommand::LogFindPrevious
            | UiCommand::LogNextError
            | UiCommand::LogPreviousError
            | UiCommand::LogBookmark
            | UiCommand::LogNextBookmark
            | UiCommand::LogPreviousBookmark
            | UiCommand::LogCopyBookmarks
            | UiCommand::LogSaveFilters
            | UiCommand::UndoIssues
            | UiCommand::RedoIssues
            | UiCommand::LogAddFilter
            | UiCommand::LogFilterSelection
            | UiCommand::LogUndoFilter
            | UiCommand::LogRedoFilter
            | UiCommand::LogGoTo
            | UiCommand::LogFold
            | UiCommand::LogUnfold
            | UiCommand::LogMessages
            | UiCommand::LogCompare
            | UiCommand::LogExport
            | UiCommand::LogExportTo(_)
            | UiCommand::LogMerge
            | UiCommand::LogAlign
            | UiCommand::LogResetOffsets
    )
}

impl Logs {
    /// Follows what the rest of the window asks for: another log, or a crash in one.
    fn choose(&mut self, ctx: &mut ViewContext<'_>, listed: &[ListedLog]) {
        let mut wanted = ctx.nav.place.log.clone();
        let jump = ctx.nav.log_jump.clone();
        match jump.filter(|(n, _)| *n != self.n_jumps) {
            Some((n, LogJump::Crash(crash))) => {
                let log = ctx.door.log_of_crash(crash);
                match log.value().map(|log| (**log).clone()) {
                    Some(Some(log)) => {
                        self.n_jumps = n;
                        let log = self.with_others(&log);
                        wanted = Some(log.clone());
                        self.open(log.clone());
                        self.ask(&log, Wanted::Crash(crash), true);
                        ctx.ui(UiCommand::OpenLog(log));
                    }
                    Some(None) => {
                        self.n_jumps = n;
                        ctx.notice = Some("This crash came in a dump without a log.".to_owned());
                    }
                    None => {}
                }
            }
            Some((n, LogJump::Time(log, axis_ns))) => {
                self.n_jumps = n;
                self.open(log.clone());
                self.ask(&log, Wanted::Time(axis_ns), true);
            }
            None => {}
        }
        let wanted = wanted
            .filter(|key| Self::exists(key, listed))
            .or_else(|| listed.first().map(|log| log.key.clone()));
        // Other offsets are no other log: they are set here.
        if let Some(key) = wanted
            && !self.log.as_ref().is_some_and(|log| log.has_same_logs(&key))
        {
            self.open(merge_chooser::with_kept_offsets(key, listed));
        }
    }

    fn open(&mut self, key: LogKey) {
        if self.log.as_ref() != Some(&key) {
            *self = Self {
                n_jumps: self.n_jumps,
                search: std::mem::take(&mut self.search),
                look: self.look.clone(),
                side: self.side,
                stack: FilterStack {
                    folds: self.stack.folds,
                    ..FilterStack::default()
                },
                follows_end: matches!(key, LogKey::OnDisk { .. }),
                draft: self.draft.take(),
                filter_sets: std::mem::take(&mut self.filter_sets),
                log: Some(key),
                ..Self::default()
            };
        }
    }

    fn body_ui(
        &mut self,
        ctx: &mut ViewContext<'_>,
        ui: &mut Ui,
        key: &LogKey,
        overview: &LogOverview,
    ) {
        let rect = ui.available_rect_before_wrap();
        let lane = Rect::from_min_size(rect.min, vec2(rect.width(), LANE));
        self.lane_ui(ctx, ui, lane, key, overview);
        self.keep_left_note(ctx);
        let marks = ctx.door.log_marks(key);
        let marks = marks.value().cloned().unwrap_or_default();
        marks::lane_marks_ui(ui, lane, overview, &marks);
        self.copy_bookmarks(ui, overview, &marks);
        let top = lane.bottom() + size::M;
        let is_wide = rect.width() >= WITH_SELECTED;
        let list_right = if is_wide {
            rect.right() - SELECTED_WIDTH - size::M
        } else {
            rect.right()
        };
        let list = Rect::from_min_max(
            Pos2::new(rect.left(), top),
            Pos2::new(list_right, rect.bottom()),
        );
        self.list_ui(ctx, ui, list, key, overview);
        if is_wide {
            let right = Rect::from_min_max(Pos2::new(list_right + size::M, top), rect.max);
            self.selected_ui(ctx, ui, right, (key, overview), &marks);
        }
        self.lookup_ui(ctx, ui);
        self.go_to_ui(ctx, ui, list, key);
        self.export_ui(ctx, ui, key);
    }

    /// The lane above the list, and what is done on it.
    fn lane_ui(
        &mut self,
        ctx: &mut ViewContext<'_>,
        ui: &Ui,
        rect: Rect,
        key: &LogKey,
        overview: &LogOverview,
    ) {
        let selected = self.selected.as_ref().and_then(|it| it.row.as_ref());
        self.marks.selected = selected.map(density::Place::from);
        self.share_time(ctx, ui, rect, overview);
        let done = density::lane_ui(ui, rect, overview, &self.marks, &mut self.dragged_from);
        let is_rows = overview.density.axis == DensityAxis::Rows;
        let row = |at: i64| u64::try_from(at).unwrap_or(0);
        match done {
            Some(density::Done::Place(at)) if is_rows => {
                self.ask(key, Wanted::Row(row(at)), true);
            }
            Some(density::Done::Place(ns)) => self.ask(key, Wanted::Time(ns), true),
            Some(density::Done::Crash(index)) => {
                let crash = overview.summary.crashes.get(index);
                match crash.map(|crash| (crash.crash, crash.row)) {
                    Some((Some(id), _)) => ctx.ui(UiCommand::OpenCrash(id)),
                    Some((None, row)) => self.ask(key, Wanted::Row(row), true),
                    None => {}
                }
            }
            Some(density::Done::Span(from, to)) => {
                let span = if is_rows {
                    LogFilter::Rows {
                        first: row(from),
                        last: row(to),
                    }
                } else {
                    LogFilter::Time {
                        from_ns: from,
                        to_ns: to,
                    }
                };
                self.add(span);
            }
            None => {}
        }
    }
}

/// `1,284,112 lines in 3 boots`.
fn headline(overview: &LogOverview) -> String {
    let summary = &overview.summary;
    let lines = words::count(summary.n_rows, "line", "lines");
    let lines = match summary.parts.len() {
        0 if !summary.is_complete => format!("{lines} so far"),
        0 => lines,
        n => format!("{lines} of {n} logs"),
    };
    match summary.boots.len() {
        0 => lines,
        n => format!("{lines} in {}", words::count(n as u64, "boot", "boots")),
    }
}

/// `2 crashes, 214 errors, 12 lines dropped by the device · Text log`.
fn detail(overview: &LogOverview) -> String {
    let summary = &overview.summary;
    let mut parts = Vec::new();
    if !summary.is_complete {
        let (shown, all) = summary.n_bytes;
        parts.push(format!(
            "the first {} of {}; the rest is being read",
            words::bytes(shown),
            words::bytes(all)
        ));
    }
    if !summary.crashes.is_empty() {
        parts.push(words::count(
            summary.crashes.len() as u64,
            "crash",
            "crashes",
        ));
    }
    let n_errors: u64 = summary.n_by_level.iter().skip(4).sum();
    if n_errors > 0 {
        parts.push(words::count(n_errors, "error", "errors"));
    }
    if let n @ 1.. = summary.n_by_level.get(3).copied().unwrap_or(0) {
        parts.push(words::count(n, "warning", "warnings"));
    }
    if summary.n_dropped.1 > 0 {
        parts.push(format!(
            "{} dropped by the device",
            words::count(summary.n_dropped.1, "line", "lines")
        ));
    }
    if summary.n_undecoded > 0 {
        parts.push(format!(
            "{} not decoded",
            words::count(summary.n_undecoded, "row", "rows")
        ));
    }
    if parts.is_empty() {
        parts.push("no error, no crash".to_owned());
    }
    let needs = summary.needs.join(" ");
    let needs = if needs.is_empty() {
        needs
    } else {
        format!(". {needs}")
    };
    format!("{} · {}{needs}", parts.join(", "), summary.format_label)
}

fn nothing_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui) {
    state::padded(ui, |ui| {
        text::muted(
            ui,
            "A log is any text that a device wrote: a UART capture, a syslog, a bundle with logs in it. Drop it on the window; every line of it is kept.",
        );
        ui.add_space(size::S);
        ui.horizontal(|ui| {
            button::primary_command(ui, ctx, &UiCommand::OpenFiles);
            button::command(ui, ctx, &UiCommand::FollowLogFile);
            button::command(ui, ctx, &UiCommand::OpenDemo);
        });
    });
}

//! The selected row in full, and what the log is made of.

use super::merged::{moment, own_boot};
use super::messages::Side;
use super::row::time;
use super::row_menu::{self, Choice};
use super::{Logs, marks};
use crate::engine::logs::filter::LogFilter;
use crate::engine::logs::offset;
use crate::engine::logs::view::{LogKey, LogRow, LogSummary};
use crate::engine::queries::log_marks::LogMarks;
use crate::engine::queries::log_summary::LogOverview;
use crate::engine::symbolize::{Segment, names};
use crate::model::log::LogLevel;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::row::row as row_of;
use crate::ui::widgets::{button, card as cards, state, text};
use crate::ui::words;
use egui::{Rect, Ui};

/// Modules that are listed.
const MODULES: usize = 8;

impl Logs {
    pub(super) fn selected_ui(
        &mut self,
        ctx: &mut ViewContext<'_>,
        ui: &mut Ui,
        rect: Rect,
        (key, overview): (&LogKey, &LogOverview),
        marks: &LogMarks,
    ) {
        let rect = if overview.summary.parts.is_empty() {
            rect
        } else {
            let height = self.parts_height(rect.height());
            let (parts, rest) = rect.split_top_bottom_at_y(rect.top() + height);
            self.merged_ui(ctx, ui, parts, overview);
            Rect::from_min_max(rest.min + egui::vec2(0.0, size::M), rest.max)
        };
        let upper_share = match self.side {
            // The merged logs take from above: most of the rest is for the line.
            _ if self.is_merged() => 0.62,
            Side::Modules | Side::Bookmarks => 0.5,
            Side::Messages => 0.35,
        };
        let middle = rect.top() + (rect.height() * upper_share).floor();
        let upper = Rect::from_min_max(rect.min, egui::pos2(rect.right(), middle - size::M));
        let lower = Rect::from_min_max(egui::pos2(rect.left(), middle), rect.max);
        let title = cards::Title {
            title: "Selected line",
            ..cards::Title::default()
        };
        let (mut filter, mut marked, mut choice) = (None, None, None);
        let row = self.selected.as_ref().and_then(|it| it.row.as_ref());
        cards::card(ui, upper, title, |ui| match row {
            Some(row) => {
                egui::ScrollArea::vertical()
                    .id_salt("selected line")
                    .show(ui, |ui| {
                        marked = message_ui(ui, row);
                        names_ui(ctx, ui, row, overview);
                        let key = self.log.as_ref().and_then(|key| key.of_log(row.log));
                        filter = actions_ui(ctx, ui, (key, row), overview);
                        if let Some(key) = key {
                            marks::note_ui(ctx, ui, (key, row), &mut self.draft);
                        }
                        choice = filters_ui(ui, row, marked.as_ref());
                        facts_ui(ui, row, overview);
                    });
            }
            _ => state::empty(ui, "No line is selected", "Click a line to see all of it."),
        });
        let chosen = choice.zip(row.cloned());
        self.marked = marked;
        cards::frame(ui, lower);
        cards::inside(ui, lower.shrink(1.0), "made of", |ui| {
            self.sides_ui(ui, marks.bookmarks.len());
            let of_side = match self.side {
                Side::Modules => modules_ui(ui, overview),
                Side::Messages => self.messages_ui(ctx, ui, key),
                Side::Bookmarks => {
                    self.bookmarks_ui(ctx, ui, key, marks);
                    None
                }
            };
            filter = filter.take().or(of_side);
        });
        if let Some(filter) = filter {
            self.add(filter);
        }
        if let Some((choice, row)) = chosen {
            self.chosen(choice, &row);
        }
    }

    /// Chooses what of the log is listed below.
    fn sides_ui(&mut self, ui: &mut Ui, n_bookmarks: usize) {
        let bookmarks = match n_bookmarks {
            0 => "Bookmarks".to_owned(),
            n => format!("Bookmarks {}", words::number(n as u64)),
        };
        state::padded(ui, |ui| {
            ui.horizontal(|ui| {
                // Three names side by side just fit.
                ui.spacing_mut().item_spacing.x = size::XS;
                ui.spacing_mut().button_padding.x = size::S;
                for (side, label) in [
                    (Side::Modules, "Modules"),
                    (Side::Messages, "Messages"),
                    (Side::Bookmarks, bookmarks.as_str()),
                ] {
                    if ui.selectable_label(self.side == side, label).clicked() {
                        self.side = side;
                    }
                }
            });
        });
    }
}

/// The modules; the filter that was chosen.
fn modules_ui(ui: &mut Ui, overview: &LogOverview) -> Option<LogFilter> {
    let modules = &overview.summary.modules;
    if modules.is_empty() {
        let why = if overview.summary.n_undecoded > 0 {
            "Rows that are not decoded do not say theirs."
        } else {
            "The format of this log has none."
        };
        state::empty(ui, "No line names its module", why);
    }
    let mut filter = None;
    for (module, n) in modules.iter().take(MODULES) {
        if module_ui(ui, module, *n) {
            filter = Some(only_module(module));
        }
    }
    filter
}

/// The menu of the row once more, for whoever has no pointer.
fn filters_ui(ui: &mut Ui, row: &LogRow, marked: Option<&(u64, String)>) -> Option<Choice> {
    let marked = marked.map(|(_, text)| text.as_str());
    state::padded(ui, |ui| {
        let button = button::link(ui, "Filter by this line\u{2026}")
            .on_hover_text("Only lines like it, none like it, from here or until here");
        let shown = egui::Popup::menu(&button).show(|ui| row_menu::menu_ui(ui, row, marked));
        shown.and_then(|shown| shown.inner)
    })
}

fn facts_ui(ui: &mut Ui, row: &LogRow, overview: &LogOverview) {
    let record = &row.record;
    let summary = &overview.summary;
    ui.spacing_mut().item_spacing.y = 2.0;
    let line = record
        .source_line
        .map_or_else(String::new, |line| format!(":{line}"));
    let boot = own_boot(row, summary).map_or_else(String::new, words::boot);
    let place = format!("{} ({})", words::number(row.offset), words::bytes(row.len));
    if let Some(part) = summary.parts.get(row.log) {
        fact_ui(ui, "log", &part.name);
        let on_axis = row.axis_ns.map(|ns| moment(ns, summary.is_wall_clock));
        fact_ui(ui, "merged by", &on_axis.unwrap_or_default());
    }
    fact_ui(ui, "line", &words::number(row.row.saturating_add(1)));
    fact_ui(ui, "time", &time(row));
    if row.is_out_of_order {
        fact_ui(ui, "order", "before the time of the line above");
    }
    fact_ui(ui, "boot", &boot);
    fact_ui(ui, "boot began", &boot_began(row, summary));
    fact_ui(ui, "level", record.level.map_or("", LogLevel::name));
    fact_ui(ui, "module", &record.module);
    fact_ui(ui, "source", &format!("{}{line}", record.source_file));
    fact_ui(ui, "offset", &place);
}

/// When the boot of a row began by the wall clock, and how exact that is.
fn boot_began(row: &LogRow, summary: &LogSummary) -> String {
    let boot = row
        .boot
        .and_then(|boot| summary.boots.get(usize::try_from(boot).ok()?));
    let Some((ns, error)) = boot.and_then(|boot| boot.started_ns) else {
        return String::new();
    };
    let error = offset::words(i64::try_from(error).unwrap_or(i64::MAX));
    format!(
        "{} ± {}",
        words::date_and_time(ns),
        error.trim_start_matches('+')
    )
}

fn fact_ui(ui: &mut Ui, name: &str, value: &str) {
    if value.is_empty() {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.add_space(size::M);
        text::small(ui, name);
        text::mono(ui, value);
    });
}

/// Shows the message; the part of it that is marked, with the number of the row.
fn message_ui(ui: &mut Ui, row: &LogRow) -> Option<(u64, String)> {
    let record = &row.record;
    let mut text = record.message.as_str();
    let marked = state::padded(ui, |ui| {
        let output = egui::TextEdit::multiline(&mut text)
            .id(egui::Id::unique(("selected line", row.position)))
            .font(font::mono())
            .text_color(tokens(ui).text)
            .frame(egui::Frame::NONE)
            .margin(egui::Margin::ZERO)
            .desired_rows(1)
            .desired_width(f32::INFINITY)
            .show(ui);
        let marked = output.state.cursor.char_range();
        marked.map(|range| range.slice_str(text).trim().to_owned())
    });
    if !record.reason.is_empty() {
        state::padded(ui, |ui| {
            text::muted(ui, format!("Not decoded: {}.", record.reason))
        });
    }
    let marked = marked.filter(|text| !text.is_empty())?;
    Some((row.position, marked))
}

/// The addresses of the row with their names, by the symbols of the build that wrote it.
fn names_ui(ctx: &ViewContext<'_>, ui: &mut Ui, row: &LogRow, overview: &LogOverview) {
    let boot = row
        .boot
        .and_then(|boot| overview.summary.boots.get(usize::try_from(boot).ok()?));
    let build = boot.and_then(|boot| boot.build_id.as_deref());
    let answer = ctx.door.symbolize(&row.record.message, build);
    // Without symbols there are no names: what is missing is said where symbols are added.
    let Some(named) = answer.value().filter(|named| named.n_named > 0) else {
        return;
    };
    state::padded(ui, |ui| {
        for segment in &named.segments {
            if let Segment::Address {
                text: address,
                symbol,
            } = segment
            {
                text::small(ui, address);
                text::mono(ui, names(symbol));
            }
        }
        let source = match build.and_then(|id| id.get(..8)) {
            Some(id) => format!("Names by build {id}, which its boot names."),
            None => format!("Names by {}.", named.build),
        };
        text::small(ui, source);
    });
}

/// What can be done with a row; the filter that was chosen.
fn actions_ui(
    ctx: &mut ViewContext<'_>,
    ui: &mut Ui,
    (key, row): (Option<&LogKey>, &LogRow),
    overview: &LogOverview,
) -> Option<LogFilter> {
    let mut filter = None;
    let crash = row
        .crash
        .and_then(|index| overview.summary.crashes.get(index)?.crash);
    state::padded(ui, |ui| {
        ui.horizontal_wrapped(|ui| {
            if button::link(ui, "Copy").clicked() {
                ui.ctx().copy_text(row.record.message.clone());
            }
            let is_merged = !overview.summary.parts.is_empty();
            if is_merged && button::link(ui, "Same moment as…").clicked() {
                ctx.ui(UiCommand::LogAlign);
            }
            let module = &row.record.module;
            if !module.is_empty() && button::link(ui, "Only this module").clicked() {
                filter = Some(only_module(module));
            }
            let first = row
                .boot
                .filter(|_| button::link(ui, "Only this boot").clicked());
            filter = filter
                .take()
                .or(first.map(|first| LogFilter::Boot { first, last: first }));
            if let Some(id) = crash.filter(|_| button::link(ui, "Open the crash").clicked()) {
                ctx.ui(UiCommand::OpenCrash(id));
            }
            if let Some(key) = key {
                marks::toggle_ui(ctx, ui, key, row);
            }
        });
    });
    filter
}

fn module_ui(ui: &mut Ui, module: &str, n: u64) -> bool {
    let count = words::number(n);
    let response = row_of(
        ui,
        false,
        &format!("Module {module}, {count} lines"),
        |row| {
            let width = row.width();
            row.mono(size::M, width - 72.0, module);
            row.number(width - 72.0, width - size::M, &count);
        },
    );
    response.clicked()
}

fn only_module(module: &str) -> LogFilter {
    LogFilter::Module {
        names: vec![module.to_owned()],
    }
}

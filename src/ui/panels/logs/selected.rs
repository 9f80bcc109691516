//! The selected row in full, and what the log is made of.

use super::Logs;
use super::list::{fact_ui, time};
use crate::engine::logs::filter::LogFilter;
use crate::engine::logs::view::LogRow;
use crate::engine::queries::log_summary::LogOverview;
use crate::model::log::LogLevel;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::size;
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
        overview: &LogOverview,
    ) {
        let middle = rect.top() + (rect.height() * 0.55).floor();
        let upper = Rect::from_min_max(rect.min, egui::pos2(rect.right(), middle - size::M));
        let lower = Rect::from_min_max(egui::pos2(rect.left(), middle), rect.max);
        let title = cards::Title {
            title: "Selected line",
            ..cards::Title::default()
        };
        let mut filter = None;
        cards::card(ui, upper, title, |ui| match &self.selected {
            Some((_, Some(row))) => {
                egui::ScrollArea::vertical()
                    .id_salt("selected line")
                    .show(ui, |ui| {
                        facts_ui(ui, row);
                        filter = actions_ui(ctx, ui, row, overview);
                    });
            }
            _ => state::empty(ui, "No line is selected", "Click a line to see all of it."),
        });
        let modules = &overview.summary.modules;
        let title = cards::Title {
            title: "Modules",
            detail: &modules.len().to_string(),
            right: "lines",
        };
        cards::card(ui, lower, title, |ui| {
            if modules.is_empty() {
                state::empty(
                    ui,
                    "No line names its module",
                    "The format of this log has none.",
                );
            }
            for (module, n) in modules.iter().take(MODULES) {
                if module_ui(ui, module, *n) {
                    filter = Some(only_module(module));
                }
            }
        });
        if let Some(filter) = filter {
            self.add(filter);
        }
    }
}

fn facts_ui(ui: &mut Ui, row: &LogRow) {
    let record = &row.record;
    let line = record
        .source_line
        .map_or_else(String::new, |line| format!(":{line}"));
    let boot = row.boot.map_or_else(String::new, |boot| boot.to_string());
    let place = format!("{} ({})", words::number(row.offset), words::bytes(row.len));
    fact_ui(ui, "line", &words::number(row.row.saturating_add(1)));
    fact_ui(ui, "time", &time(row));
    fact_ui(ui, "boot", &boot);
    fact_ui(ui, "level", record.level.map_or("", LogLevel::name));
    fact_ui(ui, "module", &record.module);
    fact_ui(ui, "source", &format!("{}{line}", record.source_file));
    fact_ui(ui, "offset", &place);
    state::padded(ui, |ui| text::mono(ui, &record.message));
    if !record.reason.is_empty() {
        state::padded(ui, |ui| {
            text::muted(ui, format!("Not decoded: {}.", record.reason))
        });
    }
}

/// What can be done with a row; the filter that was chosen.
fn actions_ui(
    ctx: &mut ViewContext<'_>,
    ui: &mut Ui,
    row: &LogRow,
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

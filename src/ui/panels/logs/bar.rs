//! The bar above a log: which one, what is searched for, and the filters with what each lets through.

use super::Logs;
use crate::engine::logs::filter::{Chip, LogFilter};
use crate::engine::logs::view::LogKey;
use crate::engine::queries::log_find::Wanted;
use crate::engine::queries::log_list::ListedLog;
use crate::model::log::LogLevel;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::size;
use crate::ui::widgets::{button, chip, field, text};
use crate::ui::words;
use egui::Ui;

impl Logs {
    pub(super) fn bar_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui, listed: &[ListedLog]) {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = size::S;
            self.picker_ui(ctx, ui, listed);
            self.search_ui(ctx, ui);
            self.levels_ui(ui);
            self.view_menu_ui(ui);
            self.follow_ui(ctx, ui);
            if self.nothing_found {
                chip::chip(ui, chip::Tone::Warn, "nothing found");
            } else if let Some((n, of)) = self.found {
                text::small(ui, format!("match {n} of {of} · F3 next"));
            }
        });
        if self.stack.chips.is_empty() {
            return;
        }
        ui.add_space(size::S);
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = size::S;
            let mut change = None;
            for (index, chip) in self.stack.chips.iter().enumerate() {
                let n = self.n_by_chip.get(index).copied();
                let count = n.map_or_else(|| "…".to_owned(), words::number);
                let off = if chip.is_off { ", off" } else { "" };
                let response = chip::link(ui, &format!("{}  {count}{off}", self.label_of(chip)));
                if response.clicked() {
                    change = Some((index, Change::Switch));
                }
                response.on_hover_text("Click switches this filter off and on");
                if button::link(ui, if chip.negated { "not" } else { "invert" }).clicked() {
                    change = Some((index, Change::Invert));
                }
                if button::icon(
                    ui,
                    crate::ui::icons::CLOSE,
                    &format!("Remove filter {}", self.label_of(chip)),
                )
                .clicked()
                {
                    change = Some((index, Change::Remove));
                }
            }
            text::small(
                ui,
                format!("{} shown", words::count(self.n_visible, "line", "lines")),
            );
            if let Some((index, change)) = change {
                self.change(index, change);
            }
        });
    }

    fn picker_ui(&self, ctx: &mut ViewContext<'_>, ui: &mut Ui, listed: &[ListedLog]) {
        let name = |log: &ListedLog| {
            let device = log
                .device
                .as_ref()
                .map_or(String::new(), |device| format!(" · {device}"));
            format!("{}{device}", words::file_name(&log.name))
        };
        let open = listed
            .iter()
            .find(|log| Some(&log.key) == self.log.as_ref());
        let response = egui::ComboBox::from_id_salt("log")
            .selected_text(match &self.log {
                Some(LogKey::Merged { logs }) => format!("{} logs, merged", logs.len()),
                _ => open.map_or(String::new(), name),
            })
            .width(220.0)
            .show_ui(ui, |ui| {
                for log in listed {
                    let label = match &log.key {
                        LogKey::InCapture { .. } => {
                            let size = words::bytes(log.size_bytes);
                            format!("{}  ({}, {size})", name(log), log.capture)
                        }
                        // Its size is another one with every look.
                        LogKey::OnDisk { .. } | LogKey::Merged { .. } => {
                            format!("{}  ({})", name(log), log.capture)
                        }
                    };
                    if ui
                        .selectable_label(Some(&log.key) == self.log.as_ref(), label)
                        .clicked()
                    {
                        ctx.ui(UiCommand::OpenLog(log.key.clone()));
                    }
                }
                ui.separator();
                if ui.selectable_label(false, "Merge with…").clicked() {
                    ctx.ui(UiCommand::LogMerge);
                }
            })
            .response;
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ComboBox, true, "Log"));
        ctx.part(&response);
    }

    fn search_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui) {
        let response = field::line(
            ui,
            &mut self.search,
            "Find in the log",
            "Find (F3) or filter (Enter)…",
            240.0,
        );
        if ui.input_mut(|input| input.consume_key(egui::Modifiers::COMMAND, egui::Key::F)) {
            response.request_focus();
        }
        let text = self.search.trim().to_owned();
        if response.lost_focus()
            && ui.input(|input| input.key_pressed(egui::Key::Enter))
            && !text.is_empty()
        {
            self.search.clear();
            self.add(LogFilter::Text {
                text,
                match_case: false,
            });
        }
        ctx.part(&response);
    }

    fn levels_ui(&mut self, ui: &mut Ui) {
        let is_level = |chip: &Chip| matches!(chip.filter, LogFilter::Level { .. });
        let now = self
            .stack
            .chips
            .iter()
            .find(|chip| is_level(chip))
            .map(|chip| chip.filter.clone());
        for (level, label) in [
            (None, "All"),
            (Some(LogLevel::Info), "Info"),
            (Some(LogLevel::Warn), "Warnings"),
            (Some(LogLevel::Error), "Errors"),
        ] {
            let filter = level.map(|at_least| LogFilter::Level { at_least });
            if ui.selectable_label(now == filter, label).clicked() {
                self.stack.chips.retain(|chip| !is_level(chip));
                match filter {
                    Some(filter) => self.add(filter),
                    None => self.changed(),
                }
            }
        }
    }

    /// What a chip is called here: boots of merged logs are counted in each of them.
    fn label_of(&self, chip: &Chip) -> String {
        if let LogFilter::Boot { first, last } = chip.filter
            && first == last
            && let Some(part) = self
                .merging
                .parts
                .iter()
                .rev()
                .find(|part| part.first_boot <= first)
        {
            let boot = LogFilter::Boot {
                first: first.saturating_sub(part.first_boot),
                last: last.saturating_sub(part.first_boot),
            };
            let own = Chip {
                filter: boot,
                ..chip.clone()
            };
            return format!("{} of {}", words_of(&own), part.name);
        }
        words_of(chip)
    }

    pub(super) fn add(&mut self, filter: LogFilter) {
        self.stack.chips.push(Chip {
            filter,
            negated: false,
            is_off: false,
        });
        self.changed();
    }

    fn change(&mut self, index: usize, change: Change) {
        match (change, self.stack.chips.get_mut(index)) {
            (Change::Switch, Some(chip)) => chip.is_off = !chip.is_off,
            (Change::Invert, Some(chip)) => chip.negated = !chip.negated,
            (Change::Remove, Some(_)) => {
                self.stack.chips.remove(index);
            }
            (_, None) => {}
        }
        self.changed();
    }

    /// Other rows are shown: places among them mean something else now. The selected row stays in sight.
    pub(super) fn changed(&mut self) {
        let row = self
            .selected
            .take()
            .and_then(|selected| selected.row)
            .map(|row| row.position);
        self.found = None;
        self.nothing_found = false;
        self.n_by_chip.clear();
        self.list = crate::ui::widgets::virtual_list::VirtualList::default();
        if let (Some(key), Some(row)) = (self.log.clone(), row) {
            self.ask(&key, Wanted::Row(row), true);
        }
    }
}

#[derive(Clone, Copy)]
enum Change {
    Switch,
    Invert,
    Remove,
}

/// `errors`, `not "wifi"`.
pub(super) fn words_of(chip: &Chip) -> String {
    let what = match &chip.filter {
        LogFilter::Level { at_least } => format!("level ≥ {}", at_least.name()),
        LogFilter::Module { names } => format!("module {}", names.join(", ")),
        LogFilter::Device { serials } => format!("device {}", serials.join(", ")),
        LogFilter::Boot { first, last } if first == last => format!("boot {}", words::boot(*first)),
        LogFilter::Boot { first, last } => {
            format!("boots {}-{}", words::boot(*first), words::boot(*last))
        }
        LogFilter::Text { text, .. } => format!("\"{text}\""),
        LogFilter::Regex { pattern, .. } => format!("/{pattern}/"),
        LogFilter::Time { .. } => "a span of time".to_owned(),
        LogFilter::NearCrash { .. } => "near a crash".to_owned(),
        LogFilter::Template { .. } => "one message".to_owned(),
    };
    if chip.negated {
        format!("not {what}")
    } else {
        what
    }
}

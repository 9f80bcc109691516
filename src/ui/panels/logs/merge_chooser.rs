//! The list in which the logs to merge are ticked.

use super::Logs;
use crate::engine::logs::merge::MOST_LOGS;
use crate::engine::logs::view::{LogKey, MergedLog};
use crate::engine::queries::log_list::ListedLog;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::size;
use crate::ui::widgets::{button, text};
use crate::ui::words;
use egui::{Id, Ui};

impl Logs {
    /// Opens the list of logs to merge.
    pub(super) fn choose_logs(&mut self) {
        let open = self.log.iter().flat_map(LogKey::logs);
        self.merging.chosen = Some(open.map(|log| log.key).collect());
    }

    /// The list of logs to merge, until it is closed.
    pub(super) fn chooser_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &Ui, listed: &[ListedLog]) {
        let Some(chosen) = &mut self.merging.chosen else {
            return;
        };
        let mut done = None;
        let modal = egui::Modal::new(Id::unique("merge logs")).show(ui.ctx(), |ui| {
            ui.set_width(520.0);
            text::title(ui, "Merge logs by time");
            text::muted(
                ui,
                "Their lines are shown in one list, in the order of their times. Each log can be \
                 moved by an offset.",
            );
            ui.add_space(size::S);
            if listed.len() < 2 {
                text::body(
                    ui,
                    "There is only one log in this workspace. Import another one, or follow its \
                     file.",
                );
            }
            let room = (ui.ctx().content_rect().height() - 260.0).max(120.0);
            egui::ScrollArea::vertical()
                .max_height(room)
                .show(ui, |ui| {
                    for log in listed {
                        choice_ui(ui, log, chosen);
                    }
                });
            ui.add_space(size::S);
            let n = chosen.len();
            ui.horizontal(|ui| {
                ui.add_enabled_ui((2..=MOST_LOGS).contains(&n), |ui| {
                    if button::primary(ui, "Merge").clicked() {
                        done = Some(true);
                    }
                });
                if button::quiet(ui, "Cancel").clicked() {
                    done = Some(false);
                }
                match n {
                    0 | 1 => text::small(ui, "Tick two or more."),
                    n if n > MOST_LOGS => {
                        text::small(ui, format!("At most {MOST_LOGS} can be merged."))
                    }
                    n => text::small(ui, words::count(n as u64, "log", "logs")),
                };
            });
        });
        if done == Some(true) {
            let keys = std::mem::take(chosen);
            let logs = keys.into_iter().map(|key| kept(key, listed)).collect();
            ctx.ui(UiCommand::OpenLog(LogKey::Merged { logs }));
        }
        if done.is_some() || modal.should_close() {
            self.merging.chosen = None;
        }
    }
}

/// A log that can be ticked.
fn choice_ui(ui: &mut Ui, log: &ListedLog, chosen: &mut Vec<LogKey>) {
    let mut is_chosen = chosen.contains(&log.key);
    let device = log.device.as_ref();
    let device = device.map_or_else(String::new, |device| format!(" · {device}"));
    let file = words::file_name(&log.name);
    let label = format!("{file}{device}  ({})", log.capture);
    if ui.checkbox(&mut is_chosen, label).changed() {
        chosen.retain(|key| *key != log.key);
        chosen.extend(is_chosen.then(|| log.key.clone()));
    }
}

/// The key with the offsets that are kept in the workspace.
pub(super) fn with_kept_offsets(key: LogKey, listed: &[ListedLog]) -> LogKey {
    match key {
        LogKey::Merged { logs } => LogKey::Merged {
            logs: logs.into_iter().map(|log| kept(log.key, listed)).collect(),
        },
        one => one,
    }
}

fn kept(key: LogKey, listed: &[ListedLog]) -> MergedLog {
    let known = listed.iter().find(|log| log.key == key);
    MergedLog {
        offset_ns: known.map_or(0, |log| log.offset_ns),
        key,
    }
}

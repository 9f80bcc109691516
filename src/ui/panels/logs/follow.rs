//! A log that grows: whether its end is kept in sight, and what became of its file.

use super::Logs;
use crate::engine::logs::view::LogKey;
use crate::engine::queries::log_summary::LogOverview;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::panels::live::state_of_log;
use crate::ui::theme::size;
use crate::ui::widgets::{button, chip, text};
use crate::ui::words;
use egui::Ui;

/// Restarts of a file that are told one by one.
const TOLD: usize = 3;

impl Logs {
    /// Says whether the log grows and its end is kept in sight, and switches both.
    pub(super) fn follow_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui) {
        let Some(LogKey::OnDisk { path }) = &self.log else {
            return;
        };
        let path = path.clone();
        if let Some(state) = self.log.as_ref().and_then(|log| state_of_log(ctx, log)) {
            chip::chip(ui, chip::Tone::Plain, &state);
            let at_end = ui
                .selectable_label(self.follows_end, "Follow")
                .on_hover_text("What the board says appears here. Space or End keeps the last line in sight; scrolling up, or Space, lets it go.");
            if at_end.clicked() {
                self.follows_end = !self.follows_end;
            }
            return;
        }
        if !ctx.door.is_followed(&path) {
            chip::chip(ui, chip::Tone::Plain, "Not followed");
            if button::quiet(ui, "Follow")
                .on_hover_text(
                    "Reads the file again from its beginning, and what is appended to it",
                )
                .clicked()
            {
                ctx.ui(UiCommand::FollowLog(path));
            }
            return;
        }
        let at_end = ui
            .selectable_label(self.follows_end, "Follow")
            .on_hover_text("What is appended to the file appears here. Space or End keeps the last line in sight; scrolling up, or Space, lets it go.");
        if at_end.clicked() {
            self.follows_end = !self.follows_end;
        }
        if button::link(ui, "Stop")
            .on_hover_text("Reads no more of the file; what was read stays")
            .clicked()
        {
            ctx.ui(UiCommand::StopFollowing(path));
        }
    }
}

/// Says where the file was begun anew.
pub(super) fn banner_ui(ui: &mut Ui, overview: &LogOverview) {
    let restarts = &overview.summary.restarts;
    let n_more = restarts.len().saturating_sub(TOLD);
    for restart in restarts.iter().skip(n_more) {
        let what = if restart.is_replaced {
            "The file was replaced"
        } else {
            "The file was cut off or written anew"
        };
        let line = words::number(restart.row.saturating_add(1));
        text::muted(
            ui,
            format!(
                "{what}: line {line} and what follows is its new beginning. The lines before are kept as they were read."
            ),
        );
    }
    if n_more > 0 {
        text::small(
            ui,
            format!(
                "and {} before",
                words::count(n_more as u64, "time", "times")
            ),
        );
    }
    if !restarts.is_empty() {
        ui.add_space(size::S);
    }
}

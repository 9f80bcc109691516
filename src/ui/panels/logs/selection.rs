//! Which rows are selected, and the keys that move the selection.

use super::{Found, Logs};
use crate::engine::logs::view::{LogKey, LogRow};
use crate::engine::queries::log_find::{LogFindQuery, Wanted};
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use egui::{Key, Modifiers, Ui};
use std::ops::Range;

/// The selected rows, by their index among those shown.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Selected {
    /// The row that the keys move.
    pub(super) at: u64,
    /// The other end: the same row, or where the selection was begun.
    pub(super) anchor: u64,
    /// The row at `at`, once it is there.
    pub(super) row: Option<LogRow>,
}

impl Selected {
    /// The selected rows.
    pub(super) fn rows(&self) -> Range<u64> {
        self.at.min(self.anchor)..self.at.max(self.anchor).saturating_add(1)
    }

    /// True for a selected row.
    pub(super) fn holds(&self, at: u64) -> bool {
        self.rows().contains(&at)
    }
}

impl Logs {
    /// Selects a row, or all from the anchor to it.
    pub(super) fn choose_row(&mut self, at: u64, extends: bool, row: Option<LogRow>) {
        let anchor = match &self.selected {
            Some(selected) if extends => selected.anchor,
            _ => at,
        };
        self.selected = Some(Selected { at, anchor, row });
        self.said = None;
    }

    /// Asks where something is; the selection goes there once the answer is there.
    pub(super) fn ask(&mut self, key: &LogKey, wanted: Wanted, forward: bool) {
        // The number of the match stays until there is another: it would flicker.
        if self.found == Found::Nothing {
            self.found = Found::Unsaid;
        }
        self.finding = Some(LogFindQuery {
            key: key.clone(),
            stack: self.shown_stack(),
            wanted,
            from: self.cursor(),
            forward,
        });
    }

    /// The row that keys start from.
    pub(super) fn cursor(&self) -> u64 {
        self.selected
            .as_ref()
            .map_or(self.list.top, |selected| selected.at)
    }

    /// Goes where a search led.
    pub(super) fn find(&mut self, ctx: &ViewContext<'_>) {
        let Some(query) = &self.finding else { return };
        let answer = ctx.door.log_find(query);
        // What was found stays where it is when the log grows.
        let is_found = answer.value().is_some_and(|found| found.at.is_some());
        if answer.is_pending() && !is_found {
            return;
        }
        let is_bookmark = query.wanted == Wanted::Bookmark;
        self.finding = None;
        let found = answer.value().map(|found| **found).unwrap_or_default();
        // The count in the bar is of what F3 finds.
        let of = found.of.filter(|_| !is_bookmark);
        self.found = of.map_or(Found::Unsaid, |(n, of)| Found::Match(n, of));
        match found.at {
            Some(at) => self.go_to(at),
            None => self.found = Found::Nothing,
        }
    }

    /// Selects a row and shows it with some rows above.
    pub(super) fn go_to(&mut self, at: u64) {
        self.follows_end = false;
        self.choose_row(at, false, None);
        if self.look.wraps {
            if !(self.list.top..self.list.top.saturating_add(self.n_whole)).contains(&at) {
                self.list.reveal(at.saturating_sub(2), 1);
            }
            return;
        }
        self.list.go_to(
            at,
            self.height,
            self.look.row_height(),
            self.n_visible.max(at.saturating_add(1)),
        );
    }

    /// Keys of the list: they act when no text is being written.
    pub(super) fn keys(&mut self, ui: &Ui) {
        let is_asked =
            self.looked_up.is_some() || self.exporting.is_some() || self.merging.is_choosing();
        let is_open = egui::Popup::is_any_open(ui.ctx()) || is_asked;
        if ui.ctx().text_edit_focused() || is_open {
            return;
        }
        let pressed = |modifiers: Modifiers, key: Key| {
            ui.input(|input| input.key_pressed(key) && input.modifiers.matches_exact(modifiers))
        };
        let (none, shift) = (Modifiers::NONE, Modifiers::SHIFT);
        let n = self.n_visible;
        let height = self.look.row_height();
        for (pressed_key, pages) in [(Key::PageDown, 1), (Key::PageUp, -1)] {
            if pressed(none, pressed_key) {
                self.follows_end &= pages > 0;
                self.list.move_by(0, pages, self.height, height, n);
            }
        }
        if pressed(none, Key::Home) {
            self.follows_end = false;
            self.list.move_by(i64::MIN, 0, self.height, height, n);
        }
        if pressed(none, Key::End) {
            self.follows_end = true;
        }
        // A button that has the focus is what Space presses.
        let has_focus = ui.memory(|memory| memory.focused().is_some());
        if !has_focus && pressed(none, Key::Space) {
            self.follows_end = !self.follows_end;
        }
        let last = n.saturating_sub(1);
        for (pressed_key, by) in [(Key::ArrowDown, 1), (Key::ArrowUp, -1)] {
            for (modifiers, extends) in [(none, false), (shift, true)] {
                if n > 0 && pressed(modifiers, pressed_key) {
                    self.follows_end = false;
                    let at = self.cursor().saturating_add_signed(by).min(last);
                    self.choose_row(at, extends, None);
                    self.list.reveal(at, self.n_whole);
                }
            }
        }
    }

    /// Carries out the actions that were taken since the last frame.
    pub(super) fn orders(&mut self, ctx: &mut ViewContext<'_>, key: &LogKey) {
        for order in std::mem::take(&mut self.orders) {
            match order {
                UiCommand::LogFollowEnd => self.follows_end = true,
                UiCommand::LogWrap => self.look.wraps = !self.look.wraps,
                UiCommand::LogFindNext => self.ask_text(key, true),
                UiCommand::LogFindPrevious => self.ask_text(key, false),
                UiCommand::LogMerge => self.choose_logs(),
                UiCommand::LogAlign => self.begin_aligning(ctx),
                UiCommand::LogResetOffsets => self.reset_offsets(ctx),
                UiCommand::LogNextError => self.ask(key, Wanted::Error, true),
                UiCommand::LogPreviousError => self.ask(key, Wanted::Error, false),
                UiCommand::LogFold => {
                    self.stack.folds = !self.stack.folds;
                    self.changed();
                }
                UiCommand::LogUnfold => self.toggle_selected(),
                UiCommand::LogMessages => self.show_messages(false),
                UiCommand::LogCompare => self.show_messages(true),
                UiCommand::LogExport => self.begin_export(),
                UiCommand::LogExportTo(path) => self.export_to(&path),
                UiCommand::CopyText => self.begin_copy(ctx, key, false),
                UiCommand::CopyMarkdown => self.begin_copy(ctx, key, true),
                UiCommand::LogFilterSelection => self.filter_by_selection(),
                UiCommand::LogUndoFilter => self.undo_filters(false),
                UiCommand::LogRedoFilter => self.undo_filters(true),
                UiCommand::LogGoTo => self.open_go_to(),
                other => self.mark_order(ctx, key, &other),
            }
        }
    }

    fn ask_text(&mut self, key: &LogKey, forward: bool) {
        if let Some(chip) = self.sought() {
            self.ask(key, Wanted::Match(chip), forward);
        }
    }
}

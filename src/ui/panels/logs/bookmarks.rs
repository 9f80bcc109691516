//! The list of bookmarks beside the log.

use super::Logs;
use super::row::time_of;
use crate::engine::logs::view::LogKey;
use crate::engine::queries::log_find::Wanted;
use crate::engine::queries::log_marks::{Bookmark, LogMarks, MarkHistory};
use crate::engine::queries::log_summary::LogOverview;
use crate::model::log::LogLevel;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::size;
use crate::ui::widgets::row::tall_row;
use crate::ui::widgets::{button, state};
use crate::ui::words;
use egui::{ScrollArea, Ui};
use std::fmt::Write as _;

impl Logs {
    /// Draws the list.
    pub(super) fn bookmarks_ui(
        &mut self,
        ctx: &mut ViewContext<'_>,
        ui: &mut Ui,
        key: &LogKey,
        marks: &LogMarks,
    ) {
        if marks.bookmarks.is_empty() {
            state::empty(
                ui,
                "No line has a bookmark",
                "B marks the selected line; F2 goes from one to the next.",
            );
        }
        let mut wanted = None;
        ui.horizontal(|ui| {
            ui.add_space(size::S);
            if !marks.bookmarks.is_empty() && button::link(ui, "Copy as Markdown").clicked() {
                ctx.ui(UiCommand::LogCopyBookmarks);
            }
            history_ui(ctx, ui, &marks.history);
        });
        ScrollArea::vertical()
            .id_salt("bookmarks")
            .auto_shrink(false)
            .show_rows(ui, size::TALL_ROW, marks.bookmarks.len(), |ui, range| {
                for bookmark in marks.bookmarks.get(range).unwrap_or(&[]) {
                    if row_ui(ui, bookmark, self.is_selected(bookmark)) {
                        wanted = Some(bookmark.position);
                    }
                }
            });
        if let Some(row) = wanted {
            self.ask(key, Wanted::Row(row), true);
        }
    }

    fn is_selected(&self, bookmark: &Bookmark) -> bool {
        let row = self.selected.as_ref().and_then(|it| it.row.as_ref());
        row.is_some_and(|row| row.position == bookmark.position)
    }

    /// Puts the bookmarks on the clipboard, if that was ordered.
    pub(super) fn copy_bookmarks(&mut self, ui: &Ui, overview: &LogOverview, marks: &LogMarks) {
        if std::mem::take(&mut self.copies_bookmarks) {
            ui.ctx().copy_text(markdown(&overview.summary.name, marks));
        }
    }
}

/// Undo and redo, each with what it is about.
pub(super) fn history_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, history: &MarkHistory) {
    for (label, what, command) in [
        ("Undo", &history.undo, UiCommand::UndoIssues),
        ("Redo", &history.redo, UiCommand::RedoIssues),
    ] {
        if let Some(what) = what
            && button::link(ui, label)
                .on_hover_text(format!("{label}: {what}"))
                .clicked()
        {
            ctx.ui(command);
        }
    }
}

/// Draws a bookmark; true when it was clicked.
fn row_ui(ui: &mut Ui, bookmark: &Bookmark, is_selected: bool) -> bool {
    let line = words::number(bookmark.row.saturating_add(1));
    let time = time_of(&bookmark.record);
    let place = if time.is_empty() {
        format!("line {line}")
    } else {
        format!("line {line} · {time}")
    };
    let text = bookmark.note.as_ref().unwrap_or(&bookmark.record.message);
    let response = tall_row(
        ui,
        is_selected,
        &format!("Bookmark {place}: {text}"),
        |row| {
            let end = row.width() - size::M;
            row.half(true).muted(size::M, end, &place);
            match &bookmark.note {
                Some(note) => row.half(false).strong(size::M, end, note),
                None => row.half(false).mono(size::M, end, text),
            };
        },
    );
    response.clicked()
}

/// The bookmarks as a table for a ticket.
fn markdown(log: &str, marks: &LogMarks) -> String {
    let mut text = format!(
        "**Bookmarks in {}**\n\n| line | time | level | module | message | note |\n|---:|---|---|---|---|---|\n",
        cell(words::file_name(log))
    );
    for bookmark in &marks.bookmarks {
        let record = &bookmark.record;
        let cells = [
            words::number(bookmark.row.saturating_add(1)),
            time_of(record),
            record.level.map_or("", LogLevel::name).to_owned(),
            cell(&record.module),
            code(&record.message),
            cell(bookmark.note.as_deref().unwrap_or_default()),
        ];
        // Writing to a string does not fail.
        _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

/// Text that stays in its cell and means only itself.
fn cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '`' | '*' | '_' | '<' | '[' | '\\' => cell.extend(['\\', c]),
            c if c.is_control() => cell.push(' '),
            c => cell.push(c),
        }
    }
    cell
}

/// Text as code in a cell. Only a bar needs a sign before it there; backticks in it are left to longer ones around it.
fn code(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let text = text.replace('|', "\\|");
    if text.trim().is_empty() {
        return String::new();
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.saturating_add(1));
    let pad = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

#[cfg(test)]
mod tests {
    use super::{Bookmark, LogMarks, markdown};
    use crate::model::log::{LogLevel, LogRecord};

    #[test]
    fn bookmarks_become_a_table_that_no_line_breaks() {
        let of = |row: u64, message: &str, note: Option<&str>| Bookmark {
            row,
            record: LogRecord {
                level: Some(LogLevel::Warn),
                uptime_ns: Some(1_204_500_000_000),
                module: "wifi_ll".to_owned(),
                message: message.to_owned(),
                ..LogRecord::default()
            },
            note: note.map(str::to_owned),
            ..Bookmark::default()
        };
        let marks = LogMarks {
            bookmarks: vec![
                of(1203, "a | b\tc", Some("look | *here*\nand there")),
                of(5, "`tick` <x>", None),
            ],
            ..LogMarks::default()
        };
        assert_eq!(
            markdown("logs/uart0.log", &marks),
            "**Bookmarks in uart0.log**\n\n\
             | line | time | level | module | message | note |\n\
             |---:|---|---|---|---|---|\n\
             | 1,204 | 1,204.500 | warn | wifi\\_ll | `a \\| b c` | look \\| \\*here\\* and there |\n\
             | 6 | 1,204.500 | warn | wifi\\_ll | `` `tick` <x> `` |  |\n"
        );
    }
}

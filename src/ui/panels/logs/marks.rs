//! Bookmarks of lines: set and removed, drawn beside the line and on the lane, with a note that is written beside the list.

use super::Logs;
use super::density;
use crate::engine::command::Command;
use crate::engine::logs::view::{LogKey, LogRow};
use crate::engine::queries::log_find::Wanted;
use crate::engine::queries::log_marks::{Bookmark, LogMarks};
use crate::engine::queries::log_summary::LogOverview;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::{size, tokens};
use crate::ui::widgets::{button, field};
use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, Ui, vec2};

/// A note that is being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    log: LogKey,
    /// Where its bookmark is or will be.
    offset: u64,
    text: String,
    /// It is on its way to the workspace.
    is_sent: bool,
}

/// The bookmark of a row of the log `key`.
pub(super) fn bookmark_of<'a>(
    marks: &'a LogMarks,
    key: &LogKey,
    row: &LogRow,
) -> Option<&'a Bookmark> {
    let place = row.offset..row.offset.saturating_add(row.len);
    let mut bookmarks = marks.bookmarks.iter();
    bookmarks
        .find(|bookmark| bookmark.key.as_ref() == Some(key) && place.contains(&bookmark.offset))
}

impl Logs {
    /// Carries out what was ordered of bookmarks and filter sets.
    pub(super) fn mark_order(
        &mut self,
        ctx: &mut ViewContext<'_>,
        key: &LogKey,
        order: &UiCommand,
    ) {
        match order {
            UiCommand::LogBookmark => self.toggle_bookmark(ctx),
            UiCommand::LogNextBookmark => self.ask(key, Wanted::Bookmark, true),
            UiCommand::LogPreviousBookmark => self.ask(key, Wanted::Bookmark, false),
            UiCommand::LogCopyBookmarks => self.copies_bookmarks = true,
            UiCommand::LogSaveFilters => self.filter_sets.open(),
            UiCommand::UndoIssues => ctx.send(Command::UndoMarks),
            UiCommand::RedoIssues => ctx.send(Command::RedoMarks),
            _ => {}
        }
    }

    fn toggle_bookmark(&self, ctx: &mut ViewContext<'_>) {
        let Some(row) = self.selected.as_ref().and_then(|it| it.row.as_ref()) else {
            return;
        };
        let Some(key) = self.log_of(row) else { return };
        let marks = ctx.door.log_marks(&key);
        let there = marks
            .value()
            .and_then(|marks| bookmark_of(marks, &key, row));
        ctx.send(toggled(&key, row, there));
    }

    /// Sends a note whose line is not selected any more: what was written is kept.
    pub(super) fn keep_left_note(&mut self, ctx: &mut ViewContext<'_>) {
        let row = self.selected.as_ref().and_then(|it| it.row.as_ref());
        let is_selected = |draft: &Draft| {
            row.is_some_and(|row| {
                let place = row.offset..row.offset.saturating_add(row.len);
                self.log_of(row).as_ref() == Some(&draft.log) && place.contains(&draft.offset)
            })
        };
        if self.draft.as_ref().is_some_and(|draft| !is_selected(draft))
            && let Some(draft) = self.draft.take()
        {
            send(ctx, &draft);
        }
    }
}

/// Sets the bookmark of a row, or removes it.
fn toggled(key: &LogKey, row: &LogRow, there: Option<&Bookmark>) -> Command {
    let log = key.clone();
    match there {
        Some(bookmark) => Command::RemoveBookmark {
            log,
            offset: bookmark.offset,
        },
        None => Command::AddBookmark {
            log,
            offset: row.offset,
        },
    }
}

fn send(ctx: &mut ViewContext<'_>, draft: &Draft) {
    if !draft.is_sent {
        ctx.send(Command::NoteBookmark {
            log: draft.log.clone(),
            offset: draft.offset,
            note: Some(draft.text.clone()),
        });
    }
}

/// Sets or removes the bookmark of the selected line.
pub(super) fn toggle_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, key: &LogKey, row: &LogRow) {
    let answer = ctx.door.log_marks(key);
    let there = answer
        .value()
        .and_then(|marks| bookmark_of(marks, key, row));
    let label = if there.is_some() {
        "Remove bookmark (B)"
    } else {
        "Bookmark (B)"
    };
    if button::link(ui, label).clicked() {
        ctx.send(toggled(key, row, there));
    }
}

/// The note of the selected line, to be changed. It is kept when the field is left.
pub(super) fn note_ui(
    ctx: &mut ViewContext<'_>,
    ui: &mut Ui,
    (key, row): (&LogKey, &LogRow),
    draft: &mut Option<Draft>,
) {
    let answer = ctx.door.log_marks(key);
    let there = answer
        .value()
        .and_then(|marks| bookmark_of(marks, key, row));
    let offset = there.map_or(row.offset, |bookmark| bookmark.offset);
    let stored = there
        .and_then(|bookmark| bookmark.note.as_deref())
        .unwrap_or_default();
    draft.take_if(|draft| draft.is_sent && draft.text.trim() == stored);
    let mut text = draft
        .as_ref()
        .map_or_else(|| stored.to_owned(), |draft| draft.text.clone());
    let hint = if there.is_some() {
        "Note…"
    } else {
        "Note (sets a bookmark)…"
    };
    let response = ui
        .horizontal(|ui| {
            ui.add_space(size::M);
            // The field has a margin of its own.
            let width = ui.available_width() - size::M - 20.0;
            field::line(ui, &mut text, "Note at the line", hint, width)
        })
        .inner;
    ui.add_space(size::S);
    if response.changed() {
        *draft = Some(Draft {
            log: key.clone(),
            offset,
            text,
            is_sent: false,
        });
    }
    if let Some(draft) = draft
        && !response.has_focus()
    {
        send(ctx, draft);
        draft.is_sent = true;
    }
}

/// The mark of a bookmark, in the room at the left of a row.
pub(super) fn gutter_mark(ui: &Ui, row: Rect) {
    let center = Pos2::new(row.left() + 9.0, row.center().y);
    ribbon(ui.painter(), center, tokens(ui).act);
}

/// Bookmarks on the lane above the list.
pub(super) fn lane_marks_ui(ui: &Ui, lane: Rect, overview: &LogOverview, marks: &LogMarks) {
    let painter = ui.painter().with_clip_rect(lane.intersect(ui.clip_rect()));
    let color = tokens(ui).act;
    let mut last = f32::NEG_INFINITY;
    for bookmark in &marks.bookmarks {
        let place = density::Place {
            row: bookmark.position,
            ns: bookmark.axis_ns,
        };
        // A line without a time has no place on an axis of time.
        let Some(x) = density::x_of(lane, &overview.density, place) else {
            continue;
        };
        // One that another one would cover is not drawn: there may be thousands.
        if x - last < 1.0 {
            continue;
        }
        last = x;
        // Where crashes are marked too, above the bars.
        let center = Pos2::new(x, lane.top() + size::S + 4.0);
        ribbon(&painter, center, color);
    }
}

/// A ribbon as it hangs out of a book: no other mark has this shape.
fn ribbon(painter: &Painter, center: Pos2, color: Color32) {
    let (half, high) = (3.0, 4.5);
    let notch = center + vec2(0.0, high - 3.0);
    for side in [-1.0, 1.0] {
        let points = vec![
            center + vec2(0.0, -high),
            center + vec2(side * half, -high),
            center + vec2(side * half, high),
            notch,
        ];
        painter.add(Shape::convex_polygon(points, color, Stroke::NONE));
    }
}

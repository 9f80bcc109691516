//! What a person marks in logs, with a sentence that says what came of it.

use super::examine::ExaminedFile;
use super::logs::filter::FilterStack;
use super::logs::filter_file::{self, FilterSet};
use super::logs::view::LogKey;
use super::queries::filter_sets::FilterSetsQuery;
use super::queries::log_marks::{hex, listed_record, name_of, stands};
use super::query::QueryError;
use super::workspace::{Workspace, now};
use crate::store::error::StoreError;
use crate::store::ids::CaptureId;
use crate::store::log_marks::{LogName, NewBookmark};
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

/// First bytes of a line that tell whether it still stands in a file on disk.
const HEAD_BYTES: usize = 64;
/// Characters of a note, at most.
const LONGEST_NOTE: usize = 10_000;

/// A line to be marked.
struct Line {
    log: LogName,
    offset: u64,
    head: Option<String>,
    message: String,
    /// Its number, from 1.
    number: u64,
}

impl Line {
    fn bookmark(&self) -> NewBookmark<'_> {
        NewBookmark {
            log: &self.log,
            offset: self.offset,
            head: self.head.clone(),
            message: &self.message,
        }
    }
}

impl Workspace {
    pub(super) fn add_bookmark(&self, log: &LogKey, offset: u64) -> Result<String, QueryError> {
        let line = self.line_at(log, offset)?;
        let what = format!("bookmark line {}", line.number);
        self.store().add_bookmark(&line.bookmark(), &what, &now())?;
        Ok(format!("Line {} has a bookmark.", line.number))
    }

    pub(super) fn remove_bookmark(&self, log: &LogKey, offset: u64) -> Result<String, QueryError> {
        let line = self.line_at(log, offset)?;
        let what = format!("remove the bookmark of line {}", line.number);
        // It was set where its row began then: another format may have other rows.
        self.store()
            .remove_bookmark(&line.log, offset, &what, &now())?;
        Ok(format!(
            "Bookmark of line {} removed. Undo brings it back.",
            line.number
        ))
    }

    pub(super) fn note_bookmark(
        &self,
        log: &LogKey,
        offset: u64,
        note: Option<&str>,
    ) -> Result<String, QueryError> {
        let note = note.map(str::trim).filter(|note| !note.is_empty());
        if note.is_some_and(|note| note.chars().count() > LONGEST_NOTE) {
            return Err(QueryError::Unanswerable(format!(
                "FS-MARK-004: a note has at most {LONGEST_NOTE} characters. Shorten it, or put it into a file."
            )));
        }
        let line = Line {
            offset,
            ..self.line_at(log, offset)?
        };
        let what = format!("change the note of line {}", line.number);
        self.store()
            .note_bookmark(&line.bookmark(), note, &what, &now())?;
        Ok(format!("Note of line {} kept.", line.number))
    }

    /// The row that holds a byte of a log.
    fn line_at(&self, key: &LogKey, offset: u64) -> Result<Line, QueryError> {
        let context = self.context();
        let log = context.log(key)?;
        let row = log.row_at(offset);
        let Some(place) = log
            .place_of(row)
            .filter(|_| offset < log.summary().n_bytes.1)
        else {
            return Err(QueryError::NotFound(
                "This line is no longer in the log.".to_owned(),
            ));
        };
        let name = name_of(&context, key)?;
        let head = match name {
            LogName::Stored(_) => None,
            LogName::OnDisk(_) => {
                let end = place.end.min(place.start.saturating_add(HEAD_BYTES));
                Some(hex(log.raw(place.start..end)))
            }
        };
        Ok(Line {
            log: name,
            offset: place.start as u64,
            head,
            message: listed_record(&log, row).message,
            number: row.saturating_add(1),
        })
    }

    /// Gives the bookmarks of files that were followed to the logs that were imported of them, where the lines stand.
    pub(super) fn take_over_bookmarks(
        &self,
        capture: i64,
        files: &[ExaminedFile],
    ) -> Result<(), StoreError> {
        let reader = self.context().reader()?;
        let known: BTreeSet<LogName> = reader.bookmarked_logs()?.into_iter().collect();
        for file in files {
            let Some(path) = &file.input.on_disk else {
                continue;
            };
            let path = std::path::absolute(path).unwrap_or_else(|_unknown| path.clone());
            let name = LogName::OnDisk(path.display().to_string());
            if !known.contains(&name) {
                continue;
            }
            let Some(sha256) = reader.file_sha256(CaptureId(capture), &file.input.path)? else {
                continue;
            };
            let bytes: &[u8] = &file.input.bytes;
            let there = |place: Range<usize>| bytes.get(place).unwrap_or_default();
            let standing = reader.bookmarks(&name)?.into_iter();
            let offsets: Vec<u64> = standing
                .filter(|row| stands(row, there))
                .map(|row| row.offset)
                .collect();
            self.store().take_over_bookmarks(&name, sha256, &offsets)?;
        }
        Ok(())
    }

    pub(super) fn save_filters(
        &self,
        name: &str,
        stack: &FilterStack,
    ) -> Result<String, QueryError> {
        let name = name.trim();
        let set = (name.to_owned(), json_of(stack)?);
        self.store()
            .save_filter_sets(&[set], &format!("save the filters “{name}”"), &now())?;
        Ok(format!("Filters saved as “{name}”."))
    }

    pub(super) fn update_filters(
        &self,
        name: &str,
        stack: &FilterStack,
    ) -> Result<String, QueryError> {
        let what = format!("update the filters “{name}”");
        self.store()
            .replace_filter_set(name, &json_of(stack)?, &what, &now())?;
        Ok(format!(
            "“{name}” has these filters now. Undo takes it back."
        ))
    }

    pub(super) fn rename_filters(&self, name: &str, to: &str) -> Result<String, QueryError> {
        let to = to.trim();
        let what = format!("rename the filters “{name}” to “{to}”");
        self.store().rename_filter_set(name, to, &what, &now())?;
        Ok(format!("“{name}” is called “{to}” now."))
    }

    pub(super) fn delete_filters(&self, name: &str) -> Result<String, QueryError> {
        let what = format!("delete the filters “{name}”");
        self.store().delete_filter_set(name, &what, &now())?;
        Ok(format!("Filters “{name}” deleted. Undo brings them back."))
    }

    pub(super) fn export_filters(&self, path: &Path) -> Result<String, QueryError> {
        let sets = self.run(&FilterSetsQuery)?;
        let n_all = sets.len();
        let sets: Vec<FilterSet> = sets
            .into_iter()
            .filter_map(|set| {
                let name = set.name;
                set.stack.ok().map(|stack| FilterSet { name, stack })
            })
            .collect();
        let n = sets.len();
        if n == 0 {
            return Err(QueryError::Unanswerable(
                "FS-MARK-005: there is no filter set to export. Save one first.".to_owned(),
            ));
        }
        filter_file::write(path, sets).map_err(|error| {
            QueryError::Unanswerable(format!(
                "FS-MARK-006: the filter sets cannot be written: {error}: {}. Choose another place.",
                path.display()
            ))
        })?;
        let left_out = match n_all.saturating_sub(n) {
            0 => String::new(),
            n => format!(" {n} of another version left out."),
        };
        Ok(format!(
            "{} exported to {}.{left_out}",
            sets_of(n),
            path.display()
        ))
    }

    pub(super) fn import_filters(&self, path: &Path) -> Result<String, QueryError> {
        let read = filter_file::read(path)
            .map_err(|error| QueryError::Unanswerable(format!("FS-MARK-007: {error}.")))?;
        let known = self.run(&FilterSetsQuery)?;
        let mut names: BTreeSet<String> = known.iter().map(|set| set.name.clone()).collect();
        let is_known = |set: &FilterSet| {
            let mut known = known.iter();
            known.any(|other| other.name == set.name && other.stack.as_ref() == Ok(&set.stack))
        };
        let n_read = read.len();
        let mut new = Vec::new();
        for set in read.into_iter().filter(|set| !is_known(set)) {
            let name = free_name(&set.name, &names);
            names.insert(name.clone());
            new.push((name, json_of(&set.stack)?));
        }
        let n_known = n_read.saturating_sub(new.len());
        let what = format!("import {}", sets_of(new.len()));
        self.store().save_filter_sets(&new, &what, &now())?;
        let known = match n_known {
            0 => String::new(),
            n => format!(
                " {} already here.",
                if n == 1 {
                    "1 was".to_owned()
                } else {
                    format!("{n} were")
                }
            ),
        };
        Ok(format!("{} imported.{known}", sets_of(new.len())))
    }

    pub(super) fn undo_marks(&self) -> Result<String, QueryError> {
        let what = self.store().undo_log_mark()?;
        Ok(what.map_or_else(
            || "There is nothing to undo.".to_owned(),
            |what| format!("Undone: {what}."),
        ))
    }

    pub(super) fn redo_marks(&self) -> Result<String, QueryError> {
        let what = self.store().redo_log_mark()?;
        Ok(what.map_or_else(
            || "There is nothing to do again.".to_owned(),
            |what| format!("Done again: {what}."),
        ))
    }
}

fn json_of(stack: &FilterStack) -> Result<String, QueryError> {
    serde_json::to_string(stack).map_err(|error| {
        QueryError::Unanswerable(format!(
            "FS-MARK-008: these filters cannot be kept: {error}."
        ))
    })
}

/// A name that no set has: this one, or with a number behind it.
fn free_name(name: &str, used: &BTreeSet<String>) -> String {
    if !used.contains(name) {
        return name.to_owned();
    }
    // The longest name leaves no room for a number.
    let short: String = name
        .chars()
        .take(crate::store::log_marks::LONGEST_NAME.saturating_sub(8))
        .collect();
    let numbered = (2..).map(|n: u32| format!("{short} ({n})"));
    let mut free = numbered.filter(|name| !used.contains(name));
    free.next().unwrap_or(short)
}

fn sets_of(n: usize) -> String {
    match n {
        1 => "1 filter set".to_owned(),
        n => format!("{n} filter sets"),
    }
}

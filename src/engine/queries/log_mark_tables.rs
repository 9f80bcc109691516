//! Bookmarks and filter sets as tables.

use super::filter_sets::FilterSetsQuery;
use super::log_marks::{Bookmark, bookmarks_of};
use super::tables::{TableAnswer, TableArgs, answer};
use crate::engine::context::QueryContext;
use crate::engine::logs::print::rfc3339;
use crate::engine::logs::view::LogKey;
use crate::engine::query::{Query as _, QueryError};
use crate::model::log::LogLevel;
use crate::store::log_marks::{BookmarkRow, LogName};
use serde_json::{Value, json};
use std::path::PathBuf;

const BOOKMARK_COLUMNS: [&str; 12] = [
    "log",
    "capture",
    "path",
    "row",
    "offset",
    "time",
    "uptime_ns",
    "level",
    "module",
    "message",
    "note",
    "set_at",
];

/// Every bookmark, by log and place. Of a log that is not in the workspace the line is as it read when the bookmark was set.
pub(super) fn bookmarks(
    context: &QueryContext,
    args: &TableArgs,
) -> Result<TableAnswer, QueryError> {
    let reader = context.reader()?;
    let needle = args.find.clone().unwrap_or_default().to_lowercase();
    let (mut rows, mut n_without) = (Vec::new(), 0_usize);
    for log in reader.bookmarked_logs()? {
        let key = match &log {
            LogName::Stored(sha256) => {
                let place = reader.files_with(*sha256)?.into_iter().next();
                place.map(|(capture, path)| LogKey::InCapture {
                    capture: capture.0,
                    path,
                })
            }
            LogName::OnDisk(path) => Some(LogKey::OnDisk {
                path: PathBuf::from(path),
            }),
        };
        let is_open = |key: &LogKey| match key {
            LogKey::InCapture { .. } => true,
            LogKey::OnDisk { path } => context.live_logs().get(path).is_some(),
            // Bookmarks are of one log.
            LogKey::Merged { .. } => false,
        };
        let name = log.to_string();
        match &key {
            Some(open) if is_open(open) => {
                let found = bookmarks_of(context, open)?.into_iter();
                rows.extend(found.map(|bookmark| cells(&name, open, &bookmark)));
            }
            _ => {
                let stored = reader.bookmarks(&log)?;
                n_without = n_without.saturating_add(stored.len());
                let path = match &log {
                    LogName::OnDisk(path) => Some(path.as_str()),
                    LogName::Stored(_) => None,
                };
                rows.extend(stored.iter().map(|row| stored_cells(path, row)));
            }
        }
    }
    rows.retain(|cells| {
        let mut texts = cells.iter().filter_map(Value::as_str);
        needle.is_empty() || texts.any(|text| text.to_lowercase().contains(&needle))
    });
    let mut table = answer("bookmarks", None, BOOKMARK_COLUMNS.to_vec(), rows);
    if n_without > 0 {
        table.notes.push(format!(
            "{n_without} in logs that are not in the workspace: import them to see more than the line as it read."
        ));
    }
    Ok(table)
}

fn cells(name: &str, key: &LogKey, bookmark: &Bookmark) -> Vec<Value> {
    let record = &bookmark.record;
    let capture = match key {
        LogKey::InCapture { capture, .. } => Some(*capture),
        LogKey::OnDisk { .. } | LogKey::Merged { .. } => None,
    };
    let path = key.name();
    let time = record.time_ns.filter(|_| !record.is_date_incomplete);
    vec![
        json!(name),
        json!(capture),
        json!(path),
        json!(bookmark.row),
        json!(bookmark.offset),
        json!(time.and_then(rfc3339)),
        json!(record.uptime_ns),
        json!(record.level.map(LogLevel::name)),
        json!((!record.module.is_empty()).then_some(&record.module)),
        json!(record.message),
        json!(bookmark.note),
        json!(bookmark.set_at),
    ]
}

fn stored_cells(path: Option<&str>, row: &BookmarkRow) -> Vec<Value> {
    let unknown = Value::Null;
    vec![
        json!(row.log),
        unknown.clone(),
        json!(path),
        unknown.clone(),
        json!(row.offset),
        unknown.clone(),
        unknown.clone(),
        unknown.clone(),
        unknown,
        json!(row.message),
        json!(row.note),
        json!(row.set_at),
    ]
}

/// Every filter set, by name.
pub(super) fn filter_sets(
    context: &QueryContext,
    args: &TableArgs,
) -> Result<TableAnswer, QueryError> {
    let needle = args.find.clone().unwrap_or_default().to_lowercase();
    let sets = FilterSetsQuery.run(context)?.into_iter();
    let sets = sets.filter(|set| set.name.to_lowercase().contains(&needle));
    let rows = sets.map(|set| {
        let stack = set.stack.as_ref().ok();
        vec![
            json!(set.name),
            json!(stack.map(|stack| stack.chips.len())),
            json!(stack),
            json!(set.stack.as_ref().err()),
            json!(set.saved_at),
        ]
    });
    let columns = vec!["name", "filters", "stack", "error", "saved_at"];
    Ok(answer("filter-sets", None, columns, rows.collect()))
}

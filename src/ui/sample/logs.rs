//! A log that only tests see: made by the same engine as every other log, out of lines written here.

use crate::engine::logs::dictionaries::from_elfs;
use crate::engine::logs::filter::{Chip, FilterStack, LogFilter};
use crate::engine::logs::merge::{MergedSession, Opened};
use crate::engine::logs::session::{CrashPlace, LogSession, MessageIndex};
use crate::engine::logs::shown::ShownLog;
use crate::engine::logs::view::{LogKey, LogRow};
use crate::engine::queries::filter_sets::NamedFilters;
use crate::engine::queries::log_copy::{CopiedRows, LogCopyQuery, copied};
use crate::engine::queries::log_list::ListedLog;
use crate::engine::queries::log_marks::{Bookmark, LogMarks, MarkHistory};
use crate::engine::queries::log_rows::{LogPage, LogRowsQuery, page};
use crate::engine::queries::log_summary::{LogOverview, overview};
use crate::engine::queries::log_templates::{LogMessages, LogTemplatesQuery, messages};
use crate::model::progress::Unattended;
use std::sync::Arc;

/// Names the one log.
pub(in crate::ui) fn key() -> LogKey {
    LogKey::InCapture {
        capture: 1,
        path: "logs/uart0.log".to_owned(),
    }
}

/// Names the log of a day on which nothing happened.
fn good_key() -> LogKey {
    LogKey::InCapture {
        capture: 1,
        path: "logs/good.log".to_owned(),
    }
}

pub(super) fn listed() -> Vec<ListedLog> {
    let log = |key, name: &str, size_bytes| ListedLog {
        key,
        name: name.to_owned(),
        capture: "customer-4711.zip".to_owned(),
        device: Some("DA143532".to_owned()),
        size_bytes,
        n_rows: None,
        offset_ns: 0,
    };
    vec![
        log(key(), "logs/uart0.log", 48_213),
        ListedLog {
            capture: "gateway.zip".to_owned(),
            device: Some("GW0017".to_owned()),
            ..log(other_key(), "gateway.log", 1_400)
        },
        log(good_key(), "logs/good.log", 132),
    ]
}

/// Names the log to merge with it.
pub(in crate::ui) fn other_key() -> LogKey {
    LogKey::InCapture {
        capture: 2,
        path: "gateway.log".to_owned(),
    }
}

/// The log of the gateway that the device talks to, started 150 ms before it.
fn other_session() -> LogSession {
    let lines = (0..40_u64).map(|n| {
        let time = if n == 20 { 7000 } else { n * 400 + 150 };
        format!("I ({time}) gateway: frame {n} received\n")
    });
    opened("gateway.log", lines.collect(), Vec::new())
}

fn session_of(key: &LogKey) -> LogSession {
    if *key == other_key() {
        other_session()
    } else {
        session()
    }
}

/// A log, or several merged.
pub(super) fn shown(key: &LogKey) -> Arc<dyn ShownLog> {
    let LogKey::Merged { logs } = key else {
        return Arc::new(session_of(key));
    };
    let parts = logs.iter().map(|part| {
        let is_other = part.key == other_key();
        Opened {
            name: if is_other { "GW0017" } else { "DA143532" }.to_owned(),
            log: Arc::new(session_of(&part.key)),
            offset_ns: part.offset_ns,
        }
    });
    match MergedSession::new(parts.collect(), &Unattended) {
        Ok(merged) => Arc::new(merged),
        Err(cancelled) => std::panic::panic_any(cancelled),
    }
}

/// A device that works and says a thing that the other one does not say.
fn good_session() -> LogSession {
    let text = "*** demo boot, build id a1e688c0ffee1234 ***\nI (5) sensor: batch 1 sampled, 64 values\n\
                D (7) net: tx queued 3 (len 512)\nI (9) clock: synchronised, 3 ms off\n";
    opened("logs/good.log", text.to_owned(), Vec::new())
}

fn opened(name: &str, text: String, crashes: Vec<CrashPlace>) -> LogSession {
    let bytes = text.into_bytes().into();
    match LogSession::open(name, bytes, from_elfs(&[]), crashes, &Unattended) {
        Ok(session) => session,
        Err(cancelled) => std::panic::panic_any(cancelled),
    }
}

/// The messages of a log that nobody stops counting.
fn indexed(log: &LogSession) -> Arc<MessageIndex> {
    match log.messages(&Unattended) {
        Ok(index) => index,
        Err(cancelled) => std::panic::panic_any(cancelled),
    }
}

/// An afternoon of a device: it works, complains, crashes and starts again.
pub(super) fn session() -> LogSession {
    let mut text = String::from("*** demo boot, build id a1e688c0ffee1234 ***\n");
    let mut crash = (0, 0);
    for n in 0..400_u64 {
        let time = n * 37;
        text += &match n % 9 {
            3 => format!("D ({time}) net: tx queued {n} (len 512)\n"),
            5 => format!("W ({time}) wifi: unavailable, retrying in 5 min\n"),
            7 if n % 4 == 0 => format!("E ({time}) temp: I2C transaction timeout, rv=-8\n"),
            _ => format!("I ({time}) sensor: batch {n} sampled, 64 values\n"),
        };
        if n == 40 {
            text += "--- 12 messages dropped ---\n";
        }
        if n == 260 {
            let start = text.len() as u64;
            text += "HardFault: CFSR=0x00008200 HFSR=0x40000000\n    PC=0x08003abc LR=0x08001235\n";
            crash = (start, text.len() as u64 - start);
            text += "*** demo boot, build id a1e688c0ffee1234 ***\n";
        }
    }
    let crashes = vec![CrashPlace {
        offset: crash.0,
        len: crash.1,
        crash: 7,
        headline: "`prv_write_page` wrote through a null pointer".to_owned(),
    }];
    opened("logs/uart0.log", text, crashes)
}

pub(super) fn log_page(query: &LogRowsQuery) -> LogPage {
    let compares = |chip: &Chip| matches!(chip.filter, LogFilter::OnlyHere { .. });
    let page = if query.stack.chips.iter().any(compares) {
        let log = session();
        log.know_good_run(&good_key(), indexed(&good_session()));
        page(&log, query)
    } else {
        page(&*shown(&query.key), query)
    };
    let mut page = page.unwrap_or_default();
    for row in &mut page.rows.rows {
        row.bookmark = is_marked(&query.key, row);
    }
    page
}

fn is_marked(log: &LogKey, row: &LogRow) -> bool {
    log.of_log(row.log) == Some(&key()) && MARKED.iter().any(|(marked, _)| *marked == row.row)
}

/// Rows with a bookmark, and what is noted there.
const MARKED: [(u64, Option<&str>); 2] = [(6, Some("the first retry")), (257, None)];

pub(super) fn marks() -> LogMarks {
    let session = session();
    let bookmarks = MARKED.iter().filter_map(|(row, note)| {
        let (place, record, _) = session.record(*row)?;
        Some(Bookmark {
            key: Some(key()),
            offset: place.start as u64,
            row: *row,
            position: *row,
            axis_ns: session.axis_ns(*row, &record, place.start as u64),
            record,
            note: note.map(str::to_owned),
            set_at: "2026-11-23T12:00:00Z".to_owned(),
        })
    });
    LogMarks {
        bookmarks: bookmarks.collect(),
        history: MarkHistory {
            undo: Some("bookmark line 258".to_owned()),
            redo: None,
        },
    }
}

pub(super) fn filter_sets() -> Vec<NamedFilters> {
    let stack = FilterStack {
        chips: vec![Chip {
            filter: LogFilter::Module {
                names: vec!["wifi".to_owned()],
            },
            negated: false,
            is_off: false,
        }],
        ..FilterStack::default()
    };
    vec![NamedFilters {
        name: "Wi-Fi".to_owned(),
        stack: Ok(stack),
        saved_at: "2026-11-23T12:00:00Z".to_owned(),
    }]
}

pub(super) fn log_messages(query: &LogTemplatesQuery) -> LogMessages {
    let good = query.good.as_ref().map(|_good| indexed(&good_session()));
    messages(&indexed(&session()), good.as_deref(), query.order)
}

pub(super) fn log_copy(query: &LogCopyQuery) -> CopiedRows {
    copied(&*shown(&query.key), query, &Unattended).unwrap_or_default()
}

pub(super) fn log_overview(key: &LogKey, n_buckets: u32) -> LogOverview {
    overview(&*shown(key), n_buckets).unwrap_or_default()
}

/// A page of nothing, for a stack that lets nothing through.
pub(super) fn nothing() -> LogRowsQuery {
    LogRowsQuery {
        key: key(),
        stack: FilterStack::default(),
        first: u64::MAX,
        count: 0,
        find: None,
    }
}

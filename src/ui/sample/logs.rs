//! A log that only tests see: made by the same engine as every other log, out of lines written here.

use crate::engine::logs::dictionaries::from_elfs;
use crate::engine::logs::filter::FilterStack;
use crate::engine::logs::merge::{MergedSession, Opened};
use crate::engine::logs::session::{CrashPlace, LogSession};
use crate::engine::logs::shown::ShownLog;
use crate::engine::logs::view::LogKey;
use crate::engine::queries::log_list::ListedLog;
use crate::engine::queries::log_rows::{LogPage, LogRowsQuery, page};
use crate::engine::queries::log_summary::{LogOverview, overview};
use crate::model::progress::Unattended;
use std::sync::Arc;

/// Names the one log.
pub(super) fn key() -> LogKey {
    LogKey::InCapture {
        capture: 1,
        path: "logs/uart0.log".to_owned(),
    }
}

pub(super) fn listed() -> Vec<ListedLog> {
    let one = ListedLog {
        key: key(),
        name: "logs/uart0.log".to_owned(),
        capture: "customer-4711.zip".to_owned(),
        device: Some("DA143532".to_owned()),
        size_bytes: 48_213,
        n_rows: None,
        offset_ns: 0,
    };
    let other = ListedLog {
        key: other_key(),
        name: "gateway.log".to_owned(),
        capture: "gateway.zip".to_owned(),
        device: Some("GW0017".to_owned()),
        ..one.clone()
    };
    vec![one, other]
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

/// A log, or both merged.
pub(super) fn shown(key: &LogKey) -> Arc<dyn ShownLog> {
    let LogKey::Merged { logs } = key else {
        let log = if *key == other_key() {
            other_session()
        } else {
            session()
        };
        return Arc::new(log);
    };
    let parts = logs.iter().map(|part| {
        let is_other = part.key == other_key();
        Opened {
            name: if is_other { "GW0017" } else { "DA143532" }.to_owned(),
            log: Arc::new(if is_other { other_session() } else { session() }),
            offset_ns: part.offset_ns,
        }
    });
    match MergedSession::new(parts.collect(), &Unattended) {
        Ok(merged) => Arc::new(merged),
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

fn opened(name: &str, text: String, crashes: Vec<CrashPlace>) -> LogSession {
    match LogSession::open(
        name,
        text.into_bytes().into(),
        from_elfs(&[]),
        crashes,
        &Unattended,
    ) {
        Ok(session) => session,
        Err(cancelled) => std::panic::panic_any(cancelled),
    }
}

pub(super) fn log_page(query: &LogRowsQuery) -> LogPage {
    page(&*shown(&query.key), query).unwrap_or_default()
}

pub(super) fn log_overview(key: &LogKey, n_buckets: u32) -> LogOverview {
    overview(&*shown(key), n_buckets)
}

/// A page of nothing, for a stack that lets nothing through.
pub(super) fn nothing() -> LogRowsQuery {
    LogRowsQuery {
        key: key(),
        stack: FilterStack::default(),
        first: u64::MAX,
        count: 0,
        find: String::new(),
    }
}

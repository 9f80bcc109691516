//! A large log of the workspace is shown before it is open: its beginning at once, the whole when it is indexed.
//!
//! Only the window asks in this way, which is woken when there is more. Whoever asks for the whole log waits for it.

use super::context::QueryContext;
use super::logs::needs_dictionary;
use super::logs::session::LogSession;
use super::logs::view::LogKey;
use super::query::{CancelFlag, QueryError};
use crate::model::progress::Unattended;
use crate::store::ids::CaptureId;
use crate::store::text_parts::Unpacker;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A log of this size takes longer than a person notices.
const LARGE: u64 = 32 << 20;
/// So much of it is shown at once.
const BEGINNING: usize = 4 << 20;

/// The logs that are being opened.
#[derive(Default)]
pub(super) struct LogOpening {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    beginnings: Vec<(LogKey, Arc<LogSession>)>,
    /// How often each log was opened: what was said of its beginning is out of date then.
    revisions: BTreeMap<LogKey, u64>,
}

impl LogOpening {
    /// Grows when a log is open as a whole.
    pub(super) fn revision(&self, key: &LogKey) -> u64 {
        self.lock().revisions.get(key).copied().unwrap_or(0)
    }

    /// Grows when any log is open as a whole.
    pub(super) fn total_revision(&self) -> u64 {
        self.lock()
            .revisions
            .values()
            .copied()
            .fold(0, u64::wrapping_add)
    }

    /// Waits until nobody opens a log.
    pub(super) fn wait(&self, key: &LogKey) {
        let is_opening = |state: &mut State| state.beginning(key).is_some();
        let state = self.ended.wait_while(self.lock(), is_opening);
        drop(state.unwrap_or_else(PoisonError::into_inner));
    }

    fn end(&self, key: &LogKey) {
        let mut state = self.lock();
        state.beginnings.retain(|(other, _)| other != key);
        let revision = state.revisions.entry(key.clone()).or_default();
        *revision = revision.saturating_add(1);
        drop(state);
        self.ended.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn beginning(&self, key: &LogKey) -> Option<Arc<LogSession>> {
        let mut beginnings = self.beginnings.iter();
        let found = beginnings.find(|(other, _)| other == key);
        found.map(|(_, log)| Arc::clone(log))
    }
}

impl QueryContext {
    /// A log as far as it is indexed: whole, or its beginning while the rest is read in the background.
    pub fn log_so_far(&self, key: &LogKey) -> Result<Arc<LogSession>, QueryError> {
        let opening = self.opened_logs().opening();
        if let Some(log) = self.opened_logs().session(key) {
            return Ok(log);
        }
        if let Some(log) = opening.lock().beginning(key) {
            return Ok(log);
        }
        let Some(events) = self.events() else {
            return self.log(key);
        };
        let Some(log) = self.beginning_of(key)? else {
            return self.log(key);
        };
        let mut state = opening.lock();
        if let Some(other) = state.beginning(key) {
            return Ok(other);
        }
        state.beginnings.push((key.clone(), Arc::clone(&log)));
        drop(state);
        let events = events.clone();
        // Whoever asked may give the answer up; the log is opened all the same.
        let context = self.for_window(CancelFlag::default(), events.clone());
        let opened = key.clone();
        let rest = move || {
            // What fails is asked for again, by a question that says why.
            _ = catch_unwind(AssertUnwindSafe(|| context.open_log(&opened)));
            context.opened_logs().opening().end(&opened);
            events.wake();
        };
        let thread = std::thread::Builder::new().name("open a log".to_owned());
        match thread.spawn(rest) {
            Ok(_detached) => Ok(log),
            Err(_no_thread) => {
                opening.end(key);
                self.log(key)
            }
        }
    }

    /// The first lines of a large text; `None` of any other log, which is opened as a whole.
    fn beginning_of(&self, key: &LogKey) -> Result<Option<Arc<LogSession>>, QueryError> {
        let LogKey::InCapture { capture, path } = key else {
            return Ok(None);
        };
        let id = CaptureId(*capture);
        let reader = self.reader()?;
        let files = reader.files(id)?.into_iter();
        let sizes = files
            .filter(|file| file.path == *path)
            .map(|file| file.size);
        let Some(size) = sizes.max().filter(|size| *size >= LARGE) else {
            return Ok(None);
        };
        let Some(text) = reader.text_parts(id, path, b"")? else {
            return Ok(None);
        };
        let mut bytes = Vec::with_capacity(BEGINNING);
        let mut unpacker = Unpacker::default();
        for part in &text.parts {
            if bytes.len() >= BEGINNING {
                break;
            }
            bytes.extend(reader.text_part(&text, part)?.unpack(&mut unpacker)?);
        }
        // A line that goes on behind it would read differently.
        let n_whole = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at.saturating_add(1));
        if n_whole == 0 {
            return Ok(None);
        }
        bytes.truncate(n_whole);
        let mut crashes = self.crash_places(*capture, path)?;
        crashes.retain(|crash| crash.offset < n_whole as u64);
        let dictionaries = self.log_dictionaries(*capture, needs_dictionary(&bytes), &[])?;
        let log = LogSession::open(path, bytes.into(), dictionaries, crashes, &Unattended)?;
        let log = log.of_device(self.device_of(*capture)?);
        Ok(Some(Arc::new(log.beginning_of(size))))
    }
}

//! Progress on standard error, only when that is a terminal; Ctrl+C cancels.

use crate::model::progress::{Cancelled, Progress};
use std::cell::Cell;
use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Nothing is shown before this: short work stays silent.
const SILENT_FOR: Duration = Duration::from_millis(400);
/// The line is redrawn at most this often.
const REDRAW: Duration = Duration::from_millis(100);

/// Progress of one command.
pub struct Terminal {
    label: &'static str,
    started: Instant,
    drawn: Cell<Option<Instant>>,
    is_shown: bool,
    cancel: Arc<AtomicBool>,
}

impl Terminal {
    /// Progress called `label`. The first one installs the handler of Ctrl+C.
    pub fn new(label: &'static str) -> Self {
        static CANCEL: OnceLock<Arc<AtomicBool>> = OnceLock::new();
        let cancel = CANCEL.get_or_init(|| {
            let flag = Arc::new(AtomicBool::new(false));
            let handler = Arc::clone(&flag);
            // Without a handler Ctrl+C ends the program at once, which loses nothing either.
            let _installed =
                ctrlc::set_handler(move || handler.store(true, Ordering::Relaxed)).is_ok();
            flag
        });
        Self {
            label,
            started: Instant::now(),
            drawn: Cell::new(None),
            is_shown: std::io::stderr().is_terminal(),
            cancel: Arc::clone(cancel),
        }
    }

    /// Wipes the line before data is printed.
    pub fn clear(&self) {
        if self.drawn.take().is_some() {
            // A terminal that cannot be written to has nobody to tell.
            let _unwritable = write!(std::io::stderr(), "\r\x1b[K").is_err();
        }
    }
}

impl Progress for Terminal {
    fn tick(&self, done: u64, total: u64) -> Result<(), Cancelled> {
        if self.cancel.load(Ordering::Relaxed) {
            self.clear();
            return Err(Cancelled);
        }
        let now = Instant::now();
        let is_due = self
            .drawn
            .get()
            .is_none_or(|at| now.duration_since(at) > REDRAW);
        if self.is_shown && is_due && now.duration_since(self.started) > SILENT_FOR {
            self.drawn.set(Some(now));
            let share = done.saturating_mul(100).checked_div(total);
            let share = share
                .map(|percent| format!(" {percent} %"))
                .unwrap_or_default();
            let _unwritable = write!(std::io::stderr(), "\r\x1b[K{}{share}", self.label).is_err();
        }
        Ok(())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.clear();
    }
}

//! A window without display and GPU: dialogs in which somebody always chooses the same, and frames until it rests.

use egui_kittest::Harness;
use fieldscope::ui::app::App;
use fieldscope::ui::dialogs::{Ask, Dialogs, Outcome};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The longest that anything may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// So many frames without anything on its way: an answer may ask for the next thing.
const STILL_FRAMES: u32 = 6;

/// A dialog in which somebody always chooses the same files.
pub(crate) struct Chooser {
    files: Vec<PathBuf>,
    asked: Vec<Ask>,
}

impl Chooser {
    pub(crate) fn new(files: Vec<PathBuf>) -> Self {
        Self {
            files,
            asked: Vec::new(),
        }
    }
}

impl Dialogs for Chooser {
    fn ask(&mut self, ask: Ask, wake: Box<dyn Fn() + Send>) {
        self.asked.push(ask);
        wake();
    }

    fn poll(&mut self) -> Option<(Ask, Outcome)> {
        Some((self.asked.pop()?, Outcome::Picked(self.files.clone())))
    }
}

/// Draws until nothing is on its way.
pub(crate) fn settle(harness: &mut Harness<'static, App>) {
    let started = Instant::now();
    let mut n_still = 0;
    while n_still < STILL_FRAMES {
        harness.step();
        n_still = if harness.state().is_busy() {
            0
        } else {
            n_still + 1
        };
        assert!(
            started.elapsed() < PATIENCE,
            "the window never came to rest"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

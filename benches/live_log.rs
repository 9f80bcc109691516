//! The window on a log that grows, with filters on, as a person would set them: what `scripts/bench.sh live` measures.
//!
//!     live_log WORKSPACE LOG FILTER..

use eframe::egui::{self, Event, Key, Modifiers};
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::ui::app::App;
use fieldscope::ui::data::EngineDoor;
use fieldscope::ui::dialogs::DesktopDialogs;
use fieldscope::ui::frame_log::FrameLog;
use fieldscope::ui::theme;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// So many frames without anything on its way, and the log is on screen.
const STILL_FRAMES: u32 = 30;

struct Live {
    app: App,
    n_still: u32,
    /// What is typed, one after the other once the log is there.
    typed: std::vec::IntoIter<Event>,
}

impl eframe::App for Live {
    fn logic(&mut self, ctx: &egui::Context, frame: &mut eframe::Frame) {
        self.app.logic(ctx, frame);
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut eframe::Frame) {
        self.app.ui(ui, frame);
        if self.typed.len() > 0 {
            ui.ctx().request_repaint();
        }
    }

    fn raw_input_hook(&mut self, _ctx: &egui::Context, input: &mut egui::RawInput) {
        self.n_still = if self.app.is_busy() {
            0
        } else {
            self.n_still + 1
        };
        if self.n_still > STILL_FRAMES
            && let Some(event) = self.typed.next()
        {
            input.events.push(event);
        }
    }
}

fn key(key: Key, modifiers: Modifiers) -> Event {
    Event::Key {
        key,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers,
    }
}

/// The search field is chosen, filled, and what stands in it made a filter.
fn typed(filters: impl Iterator<Item = String>) -> Vec<Event> {
    let type_one = |filter| {
        [
            key(Key::F, Modifiers::COMMAND),
            Event::Text(filter),
            key(Key::Enter, Modifiers::NONE),
        ]
    };
    filters.flat_map(type_one).collect()
}

fn main() -> eframe::Result {
    let mut args = std::env::args().skip(1);
    let (Some(workspace), Some(log)) = (args.next(), args.next()) else {
        panic!("live_log WORKSPACE LOG FILTER..");
    };
    let typed = typed(args).into_iter();
    let context: Arc<OnceLock<egui::Context>> = Arc::default();
    let late = Arc::clone(&context);
    let wake = move || {
        if let Some(context) = late.get() {
            context.request_repaint();
        }
    };
    let cache = IndexCache::in_folder(PathBuf::from(format!("{workspace}.cache")));
    let door = EngineDoor::open(Some(workspace.as_ref()), cache, Arc::new(wake));
    let door = door.unwrap_or_else(|error| panic!("{workspace}: {error}"));
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default().with_inner_size([1440.0, 900.0]),
        ..eframe::NativeOptions::default()
    };
    let start = move |cc: &eframe::CreationContext<'_>| -> Box<dyn eframe::App> {
        theme::install(&cc.egui_ctx);
        context.get_or_init(|| cc.egui_ctx.clone());
        let mut app = App::new(Box::new(door), Box::<DesktopDialogs>::default());
        app.log_frames(FrameLog::from_environment());
        app.follow_log(log.into());
        Box::new(Live {
            app,
            n_still: 0,
            typed,
        })
    };
    eframe::run_native("Live", options, Box::new(|cc| Ok(start(cc))))
}

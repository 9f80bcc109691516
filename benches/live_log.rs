//! The window on a log that grows, with filters on, as a person would set them: what `scripts/bench.sh follow` measures. With
//! `--scroll` it scrolls through the log by wheel, page, scroll bar and number, and ends: `scripts/bench.sh rows`.
//!
//!     live_log WORKSPACE LOG [--scroll] FILTER..

use eframe::egui::{
    self, Event, Key, Modifiers, MouseWheelUnit, PointerButton, Pos2, TouchPhase, vec2,
};
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::ui::app::App;
use fieldscope::ui::data::EngineDoor;
use fieldscope::ui::dialogs::DesktopDialogs;
use fieldscope::ui::frame_log::FrameLog;
use fieldscope::ui::theme;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// A place in the list, and the scroll bar beside it, in a window of 1440 x 900.
const IN_LIST: Pos2 = Pos2::new(600.0, 600.0);
const BAR_X: f32 = 1090.0;
/// Frames of each way to scroll.
const EACH: u16 = 150;

/// So many frames without anything on its way, and the log is on screen.
const STILL_FRAMES: u32 = 30;

struct Live {
    app: App,
    n_still: u32,
    /// What is typed, one after the other once the log is there.
    typed: std::vec::IntoIter<Event>,
    n_typed: usize,
    /// The window is closed once all is typed.
    ends: bool,
}

impl eframe::App for Live {
    fn logic(&mut self, ctx: &egui::Context, frame: &mut eframe::Frame) {
        self.app.logic(ctx, frame);
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut eframe::Frame) {
        self.app.ui(ui, frame);
        if self.typed.len() > 0 || self.ends {
            ui.ctx().request_repaint();
        }
        if self.ends && self.typed.len() == 0 && self.n_still > STILL_FRAMES {
            ui.ctx().send_viewport_cmd(egui::ViewportCommand::Close);
        }
    }

    fn raw_input_hook(&mut self, _ctx: &egui::Context, input: &mut egui::RawInput) {
        self.n_still = if self.app.is_busy() {
            0
        } else {
            self.n_still + 1
        };
        // Once the log is there nobody waits for what a scroll asks for.
        let is_scrolling = self.ends && self.typed.len() < self.n_typed;
        if (self.n_still > STILL_FRAMES || is_scrolling)
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

/// Through the log: by wheel, page, scroll bar and number, and to its last row.
fn scrolled() -> Vec<Event> {
    let wheel = |_| Event::MouseWheel {
        unit: MouseWheelUnit::Point,
        delta: vec2(0.0, -120.0),
        phase: TouchPhase::Move,
        source: egui::MouseWheelSource::Wheel,
        modifiers: Modifiers::NONE,
    };
    let button = |pos, pressed| Event::PointerButton {
        pos,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    let at = |share: f32| Pos2::new(BAR_X, 300.0 + 560.0 * share);
    let mut events = vec![Event::PointerMoved(IN_LIST)];
    events.extend((0..EACH).map(wheel));
    events.extend((0..EACH).map(|_| key(Key::PageDown, Modifiers::NONE)));
    events.extend([Event::PointerMoved(at(0.0)), button(at(0.0), true)]);
    events.extend((0..EACH).map(|n| Event::PointerMoved(at(f32::from(n) / f32::from(EACH)))));
    events.extend([button(at(1.0), false), Event::PointerMoved(IN_LIST)]);
    events.extend([
        key(Key::End, Modifiers::NONE),
        key(Key::Home, Modifiers::NONE),
    ]);
    for line in ["77777777", "99999999", "50000001"] {
        events.extend([
            key(Key::G, Modifiers::COMMAND),
            Event::Text(line.to_owned()),
        ]);
        events.extend([
            key(Key::Enter, Modifiers::NONE),
            key(Key::Escape, Modifiers::NONE),
        ]);
    }
    events.extend((0..EACH).map(wheel));
    events
}

fn main() -> eframe::Result {
    let mut args = std::env::args().skip(1);
    let (Some(workspace), Some(log)) = (args.next(), args.next()) else {
        panic!("live_log WORKSPACE LOG [--scroll] FILTER..");
    };
    let mut args = args.peekable();
    let ends = args.next_if(|arg| arg == "--scroll").is_some();
    let mut typed = typed(args);
    if ends {
        typed.extend(scrolled());
    }
    let typed = typed.into_iter();
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
        renderer: eframe::Renderer::Glow,
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
            n_typed: typed.len(),
            typed,
            ends,
        })
    };
    eframe::run_native("Live", options, Box::new(|cc| Ok(start(cc))))
}

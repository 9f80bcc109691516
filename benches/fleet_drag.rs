//! The window on a fleet of many devices while somebody drags across its charts: what `scripts/bench.sh charts` measures. It points,
//! moves along, zooms by drag, wheel and key, says how many frames that took, and ends.
//!
//!     fleet_drag WORKSPACE (fleet | device)

use eframe::egui::{
    self, Event, Key, Modifiers, MouseWheelUnit, PointerButton, Pos2, TouchPhase, vec2,
};
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::ui::app::App;
use fieldscope::ui::data::EngineDoor;
use fieldscope::ui::dialogs::DesktopDialogs;
use fieldscope::ui::frame_log::FrameLog;
use fieldscope::ui::panels;
use fieldscope::ui::theme;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// The ends of a chart, on both screens, in a window of 1440 x 900.
const LEFT: Pos2 = Pos2::new(480.0, 330.0);
const RIGHT: Pos2 = Pos2::new(1380.0, 330.0);
/// Frames of each way to move.
const EACH: u16 = 120;
/// So many frames without anything on its way, and everything is on screen.
const STILL_FRAMES: u32 = 30;

struct Drag {
    app: App,
    n_still: u32,
    /// What is done, one event a frame once everything is on screen.
    events: std::vec::IntoIter<Event>,
    n_events: usize,
}

impl eframe::App for Drag {
    fn logic(&mut self, ctx: &egui::Context, frame: &mut eframe::Frame) {
        self.app.logic(ctx, frame);
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut eframe::Frame) {
        self.app.ui(ui, frame);
        ui.ctx().request_repaint();
        if self.events.len() == 0 && self.n_still >= STILL_FRAMES {
            ui.ctx().send_viewport_cmd(egui::ViewportCommand::Close);
        }
    }

    fn raw_input_hook(&mut self, _ctx: &egui::Context, input: &mut egui::RawInput) {
        // The pointer of the desktop is nobody's.
        input
            .events
            .retain(|event| !matches!(event, Event::PointerMoved(_)));
        let is_still = self.n_still >= STILL_FRAMES;
        self.n_still = if self.app.is_busy() {
            0
        } else {
            self.n_still + 1
        };
        let is_dragging = self.events.len() < self.n_events;
        if is_still || is_dragging {
            input.events.extend(self.events.next());
        }
    }
}

fn key(key: Key) -> Event {
    Event::Key {
        key,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers: Modifiers::NONE,
    }
}

fn button(pos: Pos2, button: PointerButton, pressed: bool) -> Event {
    Event::PointerButton {
        pos,
        button,
        pressed,
        modifiers: Modifiers::NONE,
    }
}

/// Across the chart with a button held, or none.
fn across(from: Pos2, to: Pos2, held: Option<PointerButton>) -> Vec<Event> {
    let mut events = vec![Event::PointerMoved(from)];
    events.extend(held.map(|held| button(from, held, true)));
    let at = |n: u16| from + (to - from) * (f32::from(n) / f32::from(EACH));
    events.extend((1..=EACH).map(|n| Event::PointerMoved(at(n))));
    events.extend(held.map(|held| button(to, held, false)));
    events
}

fn moves() -> Vec<Event> {
    let wheel = |delta: f32| Event::MouseWheel {
        unit: MouseWheelUnit::Point,
        delta: vec2(0.0, delta),
        phase: TouchPhase::Move,
        source: egui::MouseWheelSource::Wheel,
        modifiers: Modifiers::COMMAND,
    };
    let third = LEFT + (RIGHT - LEFT) * 0.33;
    let middle = LEFT + (RIGHT - LEFT) * 0.5;
    let mut events = across(LEFT, RIGHT, None);
    // A drag zooms, then what is in sight is moved along, back and forth.
    events.extend(across(third, middle, Some(PointerButton::Primary)));
    events.extend(across(RIGHT, LEFT, Some(PointerButton::Secondary)));
    events.extend(across(LEFT, RIGHT, Some(PointerButton::Secondary)));
    events.push(key(Key::Num0));
    events.push(Event::PointerMoved(middle));
    events.extend((0..EACH).map(|_| wheel(20.0)));
    events.extend((0..EACH).map(|_| wheel(-20.0)));
    events.extend((0..EACH).map(|_| key(Key::ArrowRight)));
    events.extend([Key::Plus, Key::Plus, Key::Minus, Key::Num0].map(key));
    events
}

fn main() -> eframe::Result {
    let mut args = std::env::args().skip(1);
    let (Some(workspace), Some(screen)) = (args.next(), args.next()) else {
        panic!("fleet_drag WORKSPACE (fleet | device)");
    };
    let Some(screen) = panels::by_name(&screen) else {
        panic!("there is no screen {screen}");
    };
    let events = moves();
    println!("{}", events.len());
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
        app.nav().go_panel(screen);
        Box::new(Drag {
            app,
            n_still: 0,
            n_events: events.len(),
            events: events.into_iter(),
        })
    };
    eframe::run_native("Charts", options, Box::new(|cc| Ok(start(cc))))
}

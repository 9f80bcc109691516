//! The window on a real engine and a board that is a pseudo terminal: from the form to the recording in the workspace.
#![cfg(all(unix, feature = "gui"))]

#[path = "common/uart.rs"]
mod uart;

use egui::{Key, Role};
use egui_kittest::{Harness, kittest::Queryable as _};
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::ui::app::App;
use fieldscope::ui::data::EngineDoor;
use fieldscope::ui::dialogs::{Ask, Dialogs, Outcome};
use fieldscope::ui::panels::PanelId;
use fieldscope::ui::theme;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uart::Uart;

/// The longest that anything here may take.
const PATIENCE: Duration = Duration::from_mins(1);

struct NoDialogs;

impl Dialogs for NoDialogs {
    fn ask(&mut self, _ask: Ask, _wake: Box<dyn Fn() + Send>) {}

    fn poll(&mut self) -> Option<(Ask, Outcome)> {
        None
    }
}

struct Window {
    harness: Harness<'static, App>,
    folder: tempfile::TempDir,
}

impl Window {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let workspace = folder.path().join("bench.fieldscope");
        let cache = IndexCache::in_folder(folder.path().join("cache"));
        let door = EngineDoor::open(Some(&workspace), cache, Arc::new(|| {})).unwrap();
        let app = App::new(Box::new(door), Box::new(NoDialogs));
        let harness = Harness::builder()
            .with_size([1440.0, 900.0])
            .build_eframe(|cc| {
                theme::install(&cc.egui_ctx);
                app
            });
        Self { harness, folder }
    }

    fn shows(&self, label: &str) -> bool {
        let mut found = self.harness.query_all_by_label_contains(label);
        found.next().is_some()
    }

    /// Draws until a text is on screen.
    #[track_caller]
    fn wait_for(&mut self, label: &str) {
        let started = Instant::now();
        while !self.shows(label) {
            assert!(started.elapsed() < PATIENCE, "never shown: {label}");
            self.harness.step();
            std::thread::sleep(Duration::from_millis(4));
        }
    }

    fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.harness.run_steps(2);
    }

    fn write(&mut self, field: &str, text: &str) {
        let field = self.harness.get_by_role_and_label(Role::TextInput, field);
        field.focus();
        field.type_text(text);
        self.harness.run_steps(2);
    }
}

#[test]
fn a_board_is_connected_written_to_crashes_and_is_kept() {
    let mut window = Window::new();
    let mut uart = Uart::new();
    let port = uart.path.display().to_string();
    window.harness.state_mut().nav().go_panel(PanelId::Live);
    window.wait_for("With settings of your own");
    window.click("UART");
    // What is not there says so, beside what was asked for.
    window.write("Port", "/dev/ttyNobody7");
    window.click("Connect with these settings");
    window.wait_for("Not connected: /dev/ttyNobody7 is not there. Plug the board in");
    assert!(!window.folder.path().join("recordings").exists());
    let all = egui::Modifiers::COMMAND;
    window
        .harness
        .get_by_role_and_label(Role::TextInput, "Port")
        .focus();
    window.harness.run_steps(2);
    window.harness.key_press_modifiers(all, Key::A);
    window.harness.run_steps(2);
    window.write("Port", &port);
    window.click("Connect with these settings");
    window.wait_for(&format!("Connected to {port}"));
    window.wait_for("Nothing has come yet");

    uart.say(b"I (12) boot: the first line\n");
    window.wait_for("Line 1: the first line");
    window.write("Line to send", "reset");
    window.harness.key_press(Key::Enter);
    window.wait_for("You sent: reset");
    let mut heard = [0; 6];
    uart.board.read_exact(&mut heard).expect("the board hears");
    assert_eq!(&heard, b"reset\r");

    let crash = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/qemu-bare/an386-1.uart");
    uart.say(&std::fs::read(crash).unwrap());
    window.wait_for("ago: a fault print came");
    window.click("Open the crash");
    let started = Instant::now();
    while window.harness.state_mut().nav().place.panel != PanelId::Crash {
        assert!(started.elapsed() < PATIENCE, "the crash is never shown");
        window.harness.step();
        std::thread::sleep(Duration::from_millis(4));
    }
    // The session goes on beside it.
    window.wait_for(&format!("Live: {port}"));
    window.harness.state_mut().nav().go_panel(PanelId::Live);
    window.click("Open in Logs");
    window.wait_for(&format!("Live from {port}"));
    window.harness.state_mut().nav().go_panel(PanelId::Live);
    window.wait_for("Disconnect");
    window.click("Disconnect");
    window.wait_for("are in the workspace");
    window.wait_for("Open its crash");
    window.wait_for("Connect again");
    window.click("Open its import report");
    assert_eq!(
        window.harness.state_mut().nav().place.panel,
        PanelId::Import
    );
    window.wait_for("uart.log");
}

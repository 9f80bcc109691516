//! The window on a log that grows while filters are on: no row is lost, and what becomes of the file is said. Frame times
//! are printed, not asserted: `scripts/bench.sh follow` measures them.
#![cfg(feature = "gui")]

use egui_kittest::{Harness, kittest::Queryable as _};
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::ui::app::App;
use fieldscope::ui::data::EngineDoor;
use fieldscope::ui::dialogs::{Ask, Dialogs, Outcome};
use fieldscope::ui::theme;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The longest that anything here may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// 30 kB a second, for three of them.
const PIECE: usize = 3_000;
const N_PIECES: u32 = 30;

struct NoDialogs;

impl Dialogs for NoDialogs {
    fn ask(&mut self, _ask: Ask, _wake: Box<dyn Fn() + Send>) {}

    fn poll(&mut self) -> Option<(Ask, Outcome)> {
        None
    }
}

/// A line of a device, and whether it is a warning of the radio.
fn line(n: u32) -> (String, bool) {
    match n % 9 {
        2 => (
            format!("\x1b[0;33mW ({n}) radio: retry {n} \u{fc}ber 5 µs\x1b[0m\n"),
            true,
        ),
        4 => (format!("W ({n}) battery: {n} mV\n"), false),
        _ => (format!("I ({n}) radio: batch {n} sent\n"), false),
    }
}

struct Window {
    harness: Harness<'static, App>,
    frames: Vec<Duration>,
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
        Self {
            harness,
            frames: Vec::new(),
            folder,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("uart.log")
    }

    fn follow(&mut self) {
        let path = self.path();
        self.harness.state_mut().follow_log(path);
    }

    fn frame(&mut self) {
        let started = Instant::now();
        self.harness.step();
        self.frames.push(started.elapsed());
        std::thread::sleep(Duration::from_millis(4));
    }

    fn shows(&self, label: &str) -> bool {
        self.harness
            .query_all_by_label_contains(label)
            .next()
            .is_some()
    }

    /// Draws until a text is on screen.
    fn wait_for(&mut self, label: &str) {
        let started = Instant::now();
        while !self.shows(label) {
            assert!(started.elapsed() < PATIENCE, "never shown: {label}");
            self.frame();
        }
    }

    fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.frame();
    }

    fn press(&mut self, key: egui::Key) {
        self.harness.key_press(key);
        self.frame();
        self.frame();
    }

    fn filter(&mut self, text: &str) {
        let field = self.harness.get_by_label("Find in the log");
        field.focus();
        self.frame();
        self.harness.get_by_label("Find in the log").type_text(text);
        self.frame();
        self.press(egui::Key::Enter);
    }
}

/// Appends a text piece by piece, cut anywhere, ten times a second.
fn append(path: &Path, text: &[u8]) {
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    for piece in text.chunks(PIECE) {
        file.write_all(piece).unwrap();
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn append_at_once(path: &Path, text: &str) {
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[test]
fn nothing_is_lost_of_30_kb_a_second_while_filters_are_on() {
    let mut window = Window::new();
    let mut text = String::new();
    let (mut n_lines, mut n_shown, mut last_shown) = (0_u32, 0_u32, String::new());
    while text.len() < PIECE * (N_PIECES as usize + 1) {
        let (line, is_wanted) = line(n_lines);
        n_lines += 1;
        if is_wanted {
            n_shown += 1;
            last_shown = format!("Line {}:", number(n_lines).replace(',', ""));
        }
        text += &line;
    }
    let (begun, rest) = text.as_bytes().split_at(PIECE);
    std::fs::write(window.path(), begun).unwrap();
    window.follow();
    window.wait_for("Text log");
    window.click("Warnings");
    window.filter("radio");
    // In the line "Line N: …" of a row the message stands without its colours.
    window.filter("retry");
    window.wait_for("lines shown");

    window.frames.clear();
    let writer = {
        let (path, rest) = (window.path(), rest.to_vec());
        std::thread::spawn(move || append(&path, &rest))
    };
    while !writer.is_finished() {
        window.frame();
    }
    writer.join().unwrap();
    window.wait_for(&format!("{} lines", number(n_lines)));
    window.wait_for(&format!("{} lines shown", number(n_shown)));
    // The end is in sight.
    window.wait_for(&last_shown);
    let mut frames = std::mem::take(&mut window.frames);
    frames.sort_unstable();
    let (median, longest) = (frames[frames.len() / 2], frames[frames.len() - 1]);
    println!(
        "{} frames, build without optimisation: median {median:.1?}, longest {longest:.1?}",
        frames.len()
    );
}

/// `1,234`.
fn number(n: u32) -> String {
    if n < 1000 {
        n.to_string()
    } else {
        format!("{},{:03}", n / 1000, n % 1000)
    }
}

#[test]
fn the_end_stays_in_sight_until_somebody_scrolls_up() {
    let mut window = Window::new();
    let lines = |from: u32, to: u32| -> String { (from..to).map(|n| line(n).0).collect() };
    std::fs::write(window.path(), lines(0, 200)).unwrap();
    window.follow();
    window.wait_for("Line 200:");
    append_at_once(&window.path(), &lines(200, 400));
    window.wait_for("Line 400:");
    window.press(egui::Key::Home);
    append_at_once(&window.path(), &lines(400, 600));
    window.wait_for("600 lines");
    window.wait_for("Line 1:");
    assert!(!window.shows("Line 600:"));
    window.press(egui::Key::Space);
    window.wait_for("Line 600:");
    window.press(egui::Key::Space);
    append_at_once(&window.path(), &lines(600, 800));
    window.wait_for("800 lines");
    assert!(!window.shows("Line 800:"));
    window.press(egui::Key::F);
    window.wait_for("Line 800:");
    window.click("Stop");
    window.wait_for("Not followed");
    append_at_once(&window.path(), &lines(800, 801));
    window.click("Follow");
    window.wait_for("801 lines");
}

#[test]
fn a_file_that_is_cut_off_or_replaced_says_so() {
    let mut window = Window::new();
    let path = window.path();
    std::fs::write(&path, "I (1) app: one\nI (2) app: two\nI (3) app: thr").unwrap();
    window.follow();
    window.wait_for("Line 3: thr");
    std::fs::write(&path, "I (4) app: four\n").unwrap();
    window.wait_for("The file was cut off or written anew: line 4 and what follows");
    window.wait_for("Line 4: four");
    assert!(window.shows("Line 3: thr"));
    std::fs::rename(&path, path.with_extension("old")).unwrap();
    std::fs::write(&path, "I (5) app: five\n").unwrap();
    window.wait_for("The file was replaced: line 5 and what follows");
    window.wait_for("Line 5: five");
    assert!(window.shows("5 lines"));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let mut window = Window::new();
    window.follow();
    window.wait_for("FS-LOG-003");
}

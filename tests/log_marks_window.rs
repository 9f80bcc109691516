//! Bookmarks, notes and named filters in the window, on the real engine, by keys and accessible names. No display and no GPU.
#![cfg(feature = "gui")]

#[path = "common/window.rs"]
mod window;

use egui_kittest::{Harness, kittest::Queryable as _};
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::logs::filter_file;
use fieldscope::ui::app::App;
use fieldscope::ui::data::EngineDoor;
use fieldscope::ui::panels::PanelId;
use fieldscope::ui::theme;
use std::sync::Arc;
use window::Chooser;

struct Window {
    harness: Harness<'static, App>,
    folder: tempfile::TempDir,
}

impl Window {
    /// A window on a log of 70 lines, every seventh an error, the first of them line 5.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("uart.log");
        let line = |n: u32| {
            let level = ["I", "D", "W", "I", "E", "I", "I"][n as usize % 7];
            format!("{level} ({}) wifi: step {n}\n", n * 11)
        };
        std::fs::write(&log, (0..70).map(line).collect::<String>()).unwrap();
        let workspace = folder.path().join("w.fieldscope");
        let cache = IndexCache::in_folder(folder.path().join("cache"));
        let door = EngineDoor::open(Some(&workspace), cache, Arc::new(|| {})).unwrap();
        let chooser = Chooser::new(vec![folder.path().join("filters.json")]);
        let mut app = App::new(Box::new(door), Box::new(chooser));
        app.settings().theme = egui::ThemePreference::Dark;
        app.import(vec![log]);
        let harness = Harness::builder()
            .with_size([1440.0, 900.0])
            .build_eframe(|cc| {
                theme::install(&cc.egui_ctx);
                app
            });
        let mut window = Self { harness, folder };
        window.settle();
        window.harness.state_mut().nav().go_panel(PanelId::Logs);
        window.settle();
        window
    }

    /// Draws until nothing is on its way.
    fn settle(&mut self) {
        window::settle(&mut self.harness);
    }

    fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.settle();
    }

    fn select(&mut self, line: &str) {
        let mut rows = self.harness.get_all_by_label_contains(line);
        rows.next().unwrap().click();
        drop(rows);
        self.settle();
    }

    fn press(&mut self, modifiers: egui::Modifiers, key: egui::Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.settle();
    }

    fn key(&mut self, key: egui::Key) {
        self.press(egui::Modifiers::NONE, key);
    }

    fn type_into(&mut self, label: &str, text: &str) {
        self.harness.get_by_label(label).focus();
        self.harness.step();
        self.harness.get_by_label(label).type_text(text);
        self.settle();
    }

    fn shows(&self, label: &str) -> bool {
        self.harness
            .query_all_by_label_contains(label)
            .next()
            .is_some()
    }
}

#[test]
fn a_line_is_bookmarked_noted_found_again_and_taken_back() {
    let mut window = Window::new();
    window.select("Line 5: step 4");
    assert!(window.shows("Bookmark (B)"));
    window.key(egui::Key::B);
    assert!(window.shows("Line 5, bookmarked: step 4"));
    window.click("Bookmarks 1");
    assert!(window.shows("Bookmark line 5 · 0.044: step 4"));
    // A letter in the note is a letter.
    window.type_into("Note at the line", "by the book");
    window.key(egui::Key::B);
    assert!(window.shows("Line 5, bookmarked: step 4"));
    window.key(egui::Key::Enter);
    assert!(window.shows("Bookmark line 5 · 0.044: by the book"));
    // A note that was not entered is kept when another line is selected, and it sets a bookmark.
    window.select("Line 9: step 8");
    window.type_into("Note at the line", "look here");
    window.select("Line 2: step 1");
    assert!(window.shows("Bookmark line 9 · 0.088: look here"));
    assert!(!window.shows("Line 2, bookmarked"));
    window.key(egui::Key::B);
    assert!(window.shows("Line 2, bookmarked: step 1"));
    // From line 2 the next one is line 5: B takes it away, U brings it back with its note.
    window.key(egui::Key::F2);
    window.key(egui::Key::B);
    assert!(!window.shows("Bookmark line 5"));
    assert!(window.shows("Line 5: step 4"));
    window.key(egui::Key::U);
    assert!(window.shows("Bookmark line 5 · 0.044: by the book"));
    // Backwards it is line 2 again, and before that the last one.
    window.press(egui::Modifiers::SHIFT, egui::Key::F2);
    window.press(egui::Modifiers::SHIFT, egui::Key::F2);
    window.key(egui::Key::B);
    assert!(!window.shows("Bookmark line 9"));
    window.key(egui::Key::U);
    // Under a filter only those that are shown are gone to.
    window.click("Errors");
    assert!(!window.shows("Line 2, bookmarked"));
    for _ in 0..2 {
        window.key(egui::Key::F2);
        assert!(window.shows("Line 5, bookmarked: step 4"));
        assert!(
            window.shows("Remove bookmark (B)"),
            "it is the selected line"
        );
    }
    // The list has them all; a click goes there.
    window.click("All");
    window.click("Bookmark line 2 · 0.011: step 1");
    window.click("Remove bookmark (B)");
    assert!(!window.shows("Bookmark line 2"));
    window.harness.get_by_label("Copy as Markdown").click();
    let mut copied = None;
    for _ in 0..8 {
        window.harness.step();
        let commands = &window.harness.output().platform_output.commands;
        copied = copied.or(commands.iter().find_map(|command| match command {
            egui::OutputCommand::CopyText(text) => Some(text.clone()),
            _ => None,
        }));
    }
    let copied = copied.unwrap();
    assert!(
        copied.starts_with("**Bookmarks in uart.log**\n"),
        "{copied}"
    );
    assert!(copied.contains("| 5 | 0.044 | error | wifi | `step 4` | by the book |\n"));
    assert!(copied.contains("| 9 | 0.088 | debug |"), "{copied}");
}

#[test]
fn filters_are_saved_applied_renamed_exported_deleted_and_imported() {
    let mut window = Window::new();
    window.click("Saved filters");
    assert!(window.shows("None yet.") && window.shows("No filter is on."));
    window.click("Errors");
    window.click("Saved filters");
    window.click("Save");
    assert!(window.shows("Filters need a name."));
    window.type_into("Name of these filters", "serious");
    window.click("Save");
    assert!(window.shows("Rename filters serious"));
    window.type_into("Name of these filters", " serious");
    window.click("Save");
    assert!(window.shows("There are filters called “serious” already."));
    window.click("All");
    assert!(!window.shows("level ≥ error"));
    window.click("Saved filters");
    window.click("serious");
    assert!(window.shows("level ≥ error  10") && window.shows("10 lines shown"));
    window.click("Saved filters");
    window.click("Rename filters serious");
    window.type_into("New name of the filters", " ones");
    window.click("Keep name");
    assert!(window.shows("Rename filters serious ones"));
    window.click("Export filters…");
    let file = window.folder.path().join("filters.json");
    let sets = filter_file::read(&file).unwrap();
    assert_eq!((sets.len(), sets[0].name.as_str()), (1, "serious ones"));
    window.click("Saved filters");
    window.click("Delete filters serious ones");
    assert!(window.shows("None yet."));
    window.click("Undo");
    assert!(window.shows("Rename filters serious ones"));
    window.click("Delete filters serious ones");
    window.click("Import filters…");
    window.click("Saved filters");
    assert!(window.shows("Rename filters serious ones"));
}

#[test]
fn the_palette_saves_filters_and_keys_of_logs_do_nothing_elsewhere() {
    let mut window = Window::new();
    window.click("Errors");
    window.press(
        egui::Modifiers::COMMAND | egui::Modifiers::SHIFT,
        egui::Key::P,
    );
    window.type_into("Find or command", "Save these filters");
    window.key(egui::Key::Enter);
    // The name has the focus: what is typed and entered is it.
    let field = window.harness.get_by_label("Name of these filters");
    field.type_text("errors only");
    window.settle();
    window.key(egui::Key::Enter);
    assert!(window.shows("Rename filters errors only"));
    window.key(egui::Key::Escape);
    window.harness.state_mut().nav().go_panel(PanelId::Symbols);
    window.settle();
    window.key(egui::Key::B);
    let place = window.harness.state_mut().nav().place.panel;
    assert_eq!(place, PanelId::Logs, "it shows the log, and marks nothing");
    assert!(!window.shows("bookmarked"));
}

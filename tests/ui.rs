//! The window on the real engine and real captures, by its accessible names. No display and no GPU.
#![cfg(feature = "gui")]

#[path = "common/window.rs"]
mod window;

use egui_kittest::{Harness, kittest::Queryable as _};
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::ui::app::App;
use fieldscope::ui::data::EngineDoor;
use fieldscope::ui::panels::{PANELS, PanelId};
use fieldscope::ui::theme;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use window::Chooser;

/// The longest that anything here may take.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|error| error.to_string())
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

struct Window {
    harness: Harness<'static, App>,
    folder: tempfile::TempDir,
}

impl Window {
    fn new() -> Self {
        Self::choosing(&[])
    }

    /// A window on an empty workspace, whose file dialogs answer with these fixtures.
    fn choosing(files: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let workspace = folder.path().join("field cases.fieldscope");
        let cache = IndexCache::in_folder(folder.path().join("cache"));
        let door = EngineDoor::open(Some(&workspace), cache, Arc::new(|| {})).unwrap();
        let chooser = Chooser::new(files.iter().map(|name| fixture(name)).collect());
        let mut app = App::new(Box::new(door), Box::new(chooser));
        app.settings().theme = egui::ThemePreference::Dark;
        let harness = Harness::builder()
            .with_size([1440.0, 900.0])
            .build_eframe(|cc| {
                theme::install(&cc.egui_ctx);
                app
            });
        let mut window = Self { harness, folder };
        window.settle();
        window
    }

    /// Draws until nothing is on its way.
    fn settle(&mut self) {
        window::settle(&mut self.harness);
    }

    fn drop_files(&mut self, names: &[&str]) {
        for name in names {
            let file = Dropped(fixture(name));
            self.harness.input_mut().dropped_files.push(Arc::new(file));
        }
        self.settle();
    }

    fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
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
fn a_dropped_core_and_log_open_as_one_explained_crash() {
    let mut window = Window::new();
    window.drop_files(&[
        "qemu-bare/an386-1.core",
        "qemu-bare/an386-1.uart",
        "qemu-bare/an386.elf",
    ]);
    assert_eq!(window.harness.state_mut().nav().place.panel, PanelId::Crash);
    assert!(window.shows("Frame 0: "));
    assert!(window.shows("symbols match"));
    assert!(window.shows("Why we believe this"));
}

#[test]
fn adding_the_missing_elf_makes_the_names_appear() {
    let mut window = Window::choosing(&["qemu-bare/an386.elf"]);
    window.drop_files(&["qemu-bare/an386-1.core", "qemu-bare/an386-1.uart"]);
    assert!(window.shows("symbols missing"));
    window.click("Symbols");
    window.click("Add symbol files…");
    window.click("Crash");
    assert!(window.shows("symbols match"));
    assert!(!window.shows("symbols missing"));
}

#[test]
fn another_thread_of_a_freertos_dump_is_shown() {
    let mut window = Window::new();
    window.drop_files(&[
        "qemu-freertos/an386-1.core",
        "qemu-freertos/an386-1.uart",
        "qemu-freertos/an386.elf",
    ]);
    // The dump names no build: nothing is picked by itself, the user says which ELF it ran.
    assert!(window.shows("symbols missing"));
    window.click("Use an ELF of the library");
    let elf = window
        .harness
        .get_all_by_label_contains("an386.elf · ")
        .next()
        .unwrap();
    elf.click();
    window.settle();
    assert!(window.shows("symbols not verified"));
    assert!(window.shows("Thread sensor"));
    window.harness.key_press(egui::Key::T);
    window.settle();
    assert_eq!(window.harness.state_mut().nav().thread_idx, 1);
    assert!(window.shows("Frame 0: "));
}

#[test]
fn another_frame_brings_its_own_locals_and_globals_are_found_by_name() {
    let mut window = Window::new();
    window.drop_files(&[
        "qemu-freertos/an386-1.core",
        "qemu-freertos/an386-1.uart",
        "qemu-freertos/an386.elf",
    ]);
    window.click("Use an ELF of the library");
    let elf = window
        .harness
        .get_all_by_label_contains("an386.elf · ")
        .next()
        .unwrap();
    elf.click();
    window.settle();
    let second = window
        .harness
        .get_all_by_label_contains("Frame 1: ")
        .next()
        .unwrap();
    second.click();
    window.settle();
    assert_eq!(window.harness.state_mut().nav().frame_idx, 1);
    window.click("Globals");
    window
        .harness
        .get_by_role_and_label(egui::Role::TextInput, "Search globals")
        .type_text("pxCurrentTCB");
    window.settle();
    assert!(window.shows("pxCurrentTCB = 0x"));
    window.click("Memory");
    assert!(
        window.shows("2000"),
        "memory begins at the stack of the frame"
    );
}

#[test]
fn a_pasted_address_gets_its_name_from_the_library() {
    let mut window = Window::new();
    window.drop_files(&["qemu-bare/an386.elf"]);
    window.click("Symbolizer");
    let field = window
        .harness
        .get_by_role_and_label(egui::Role::MultilineTextInput, "Text with addresses");
    field.focus();
    field.type_text("hard fault at pc=0x00000520, rebooting");
    window.settle();
    assert!(window.shows("hard fault at pc=0x00000520, rebooting"));
    assert!(window.shows("0x00000520  handle_cmd at "));
}

#[test]
fn the_demo_opens_at_its_first_crash() {
    let mut window = Window::new();
    window.click("Open the demo");
    assert_eq!(window.harness.state_mut().nav().place.panel, PanelId::Crash);
    assert!(window.shows("crash 1 of "));
    assert!(window.shows("valve->id |= 0x80;, here"));
    assert!(window.shows("symbols match"));
}

/// What addr2line says: `arm-none-eabi-addr2line -f -e sample/brook-an386.elf 0x9d8 0x9ed` of the build that the boot names.
#[test]
fn addresses_in_a_line_of_the_log_have_names() {
    let mut window = Window::new();
    window.click("Open the demo");
    window.click("Logs");
    let line = window
        .harness
        .get_all_by_label_contains("PC=000009d8 LR=000009ed")
        .next()
        .unwrap();
    line.click();
    window.settle();
    let address = window.harness.get_by_role_and_label(
        egui::accesskit::Role::Link,
        "valve_open at brook/main.c:151",
    );
    address.click();
    window.settle();
    assert!(window.shows("0x000009d8 in build 30736562"));
    assert!(window.shows("valve->id |= 0x80;, here"));
    window.click("Close");
    assert!(window.shows("valve_open at brook/main.c:151"));
    assert!(window.shows("valve_open at brook/main.c:153"));
    assert!(window.shows("Names by build 30736562, which its boot names."));
}

#[test]
fn issues_of_the_demo_are_merged_taken_back_and_split() {
    let mut window = Window::new();
    window.click("Open the demo");
    window.click("Issues");
    assert!(window.shows("11 crashes with 9 different causes"));
    let first = window
        .harness
        .get_all_by_label_contains(
            "Issue valve_open read from an address where nothing is, 2 crashes on 1 device",
        )
        .next()
        .unwrap();
    first.click();
    window.settle();
    assert!(window.shows("Last seen") && window.shows("(capture time)"));
    assert!(window.shows("Bp-0093") || window.shows("BP-0093"));
    window.click("Merge with…");
    let other = window
        .harness
        .get_all_by_label_contains("session_attach wrote through a null pointer · 1 crash")
        .next()
        .unwrap();
    other.click();
    window.settle();
    assert!(window.shows("11 crashes with 8 different causes"));
    assert!(window.shows("3 crashes on 1 device"));
    window.harness.key_press(egui::Key::U);
    window.settle();
    assert!(window.shows("11 crashes with 9 different causes"));
    let split = window.harness.get_all_by_label("Split off").next().unwrap();
    split.click();
    window.settle();
    assert!(window.shows("11 crashes with 10 different causes"));
    window.click("Undo");
    assert!(window.shows("11 crashes with 9 different causes"));
    window.click("Redo");
    assert!(window.shows("11 crashes with 10 different causes"));
}

#[test]
fn a_cancelled_import_leaves_nothing_half_done() {
    let folder = tempfile::tempdir().unwrap();
    let log = std::fs::read(fixture("qemu-bare/an386-1.uart")).unwrap();
    for n in 0..400 {
        let mut text = format!("rig {n}\n").into_bytes();
        text.extend(&log);
        std::fs::write(folder.path().join(format!("{n}.log")), text).unwrap();
    }
    let mut window = Window::new();
    let dropped = Dropped(folder.path().to_path_buf());
    window
        .harness
        .input_mut()
        .dropped_files
        .push(Arc::new(dropped));
    let started = Instant::now();
    while window.harness.query_by_label("Cancel the job").is_none() {
        window.harness.step();
        assert!(started.elapsed() < PATIENCE, "no job was shown");
    }
    window.harness.get_by_label("Cancel the job").click();
    window.settle();
    assert!(window.shows("Cancelled"));
    window.click("Issues");
    assert!(window.shows("No crash in this workspace"));
}

#[test]
fn the_help_of_screenshot_names_every_screen() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_fieldscope"))
        .args(["screenshot", "--help"])
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let names: Vec<&str> = PANELS.iter().map(|kind| kind.name).collect();
    let expected = format!("Screen: {}", names.join(", "));
    assert!(help.contains(&expected), "{expected:?} in {help}");
}

#[test]
fn a_dropped_fleet_sample_is_looked_at_imported_reported_and_exported() {
    let mut window = Window::new();
    window.drop_files(&["tables/wide.csv"]);
    assert!(window.shows("Import wide.csv?"));
    assert!(window.shows("guessed from the names of its columns"));
    // One column is called otherwise, then everything is imported by Enter.
    let name = "Name of temp_c";
    window.harness.get_by_label(name).focus();
    window.settle();
    window.harness.get_by_label(name).type_text("ase");
    window.settle();
    window.harness.key_press(egui::Key::Enter);
    window.settle();
    assert!(window.shows("Import wide.csv?"), "Enter only ends the name");
    window.click("Count again");
    assert!(!window.shows("The numbers above are of the columns"));
    window.harness.key_press(egui::Key::Enter);
    window.settle();
    assert!(!window.shows("Import wide.csv?"));
    assert_eq!(
        window.harness.state_mut().nav().place.panel,
        PanelId::Import
    );
    assert!(window.shows("60 rows in 1 table, all of them read"));
    assert!(window.shows("Column temp_c: metric: gauge"));

    // The same file again is known, and Escape leaves it.
    window.drop_files(&["tables/wide.csv"]);
    assert!(window.shows("and read in the same way: importing it again changes nothing"));
    window.harness.key_press(egui::Key::Escape);
    window.settle();
    assert!(!window.shows("Import wide.csv?"));

    window.click("Open Fleet");
    window.harness.get_by_label_contains("temp_case").click();
    window.settle();
    assert!(window.shows("Band of temp_case"));
    // Its unit is said, and taken back.
    window.click("Unit…");
    window.harness.get_by_label("Unit").focus();
    window.settle();
    window.harness.get_by_label("Unit").type_text(" inside");
    window.settle();
    window.click("Keep");
    window.click("Unit…");
    assert!(window.shows("Changed here. The name of its column says: a gauge in °C."));
    window.click("Take back");
    window.click("Unit…");
    assert!(!window.shows("Changed here."));
    window.harness.key_press(egui::Key::Escape);
    window.settle();

    // What the window exports is what the query answers.
    let file = window.folder.path().join("out.csv");
    let modifiers = egui::Modifiers::COMMAND | egui::Modifiers::SHIFT;
    window.harness.key_press_modifiers(modifiers, egui::Key::E);
    window.settle();
    window.click("The mean of temp_case by version");
    window.harness.get_by_label("Path to export to").focus();
    window.settle();
    let path = file.display().to_string();
    window
        .harness
        .get_by_label("Path to export to")
        .type_text(&path);
    window.settle();
    window.click("Export to the path");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        text.starts_with("version,mean,low,high,difference"),
        "{text}"
    );
    let other = window.folder.path().join("command.csv");
    let workspace = window.folder.path().join("field cases.fieldscope");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_fieldscope"))
        .args(["export", "csv", "compare-versions", "--metric", "temp_case"])
        .arg("--out")
        .arg(&other)
        .arg("--workspace")
        .arg(&workspace)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(text, std::fs::read_to_string(&other).unwrap());
}

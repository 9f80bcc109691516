//! The window by its accessible names, without a display or a GPU.

use super::app::App;
use super::command::UiCommand;
use super::dialogs::{Ask, Dialogs, Outcome};
use super::panels::{PANELS, PanelId};
use super::sample::{FakeDoor, Mode, crashed_board, held_sample, lost_board, replayed_board};
use super::theme;
use crate::engine::command::Command;
use crate::engine::job::{JobId, JobStatus};
use crate::engine::live::board::LiveView;
use crate::engine::settings::{SettingsFile, ThemeChoice};
use egui_kittest::{Harness, kittest::Queryable as _};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// Dialogs that answer at once.
#[derive(Default)]
struct FakeDialogs {
    outcome: Option<Outcome>,
    answers: Vec<(Ask, Outcome)>,
}

impl Dialogs for FakeDialogs {
    fn ask(&mut self, ask: Ask, wake: Box<dyn Fn() + Send>) {
        self.answers
            .push((ask, self.outcome.clone().unwrap_or(Outcome::Cancelled)));
        wake();
    }

    fn poll(&mut self) -> Option<(Ask, Outcome)> {
        self.answers.pop()
    }
}

/// Four minutes after the sample data.
fn noon() -> std::time::SystemTime {
    std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_mins(29_923_924)
}

pub(super) type Sent = Rc<RefCell<Vec<Command>>>;

/// The paths of the imports that were ordered.
fn imported(sent: &Sent) -> Vec<PathBuf> {
    let paths = |command: &Command| match command {
        Command::Import { paths, .. } => paths.clone(),
        _ => Vec::new(),
    };
    sent.borrow().iter().flat_map(paths).collect()
}

pub(super) fn window(mode: Mode) -> (Harness<'static, App>, Sent) {
    window_with(FakeDoor::new(mode), None)
}

/// A window of the sample data, for a harness of another kind.
pub(super) fn sample_app() -> App {
    let door = FakeDoor::new(Mode::Ready);
    let mut app = App::new(Box::new(door), Box::<FakeDialogs>::default());
    app.settings().theme = egui::ThemePreference::Dark;
    app.set_clock(noon);
    app
}

pub(super) fn window_with(
    door: FakeDoor,
    outcome: Option<Outcome>,
) -> (Harness<'static, App>, Sent) {
    let sent = Rc::clone(&door.sent);
    let dialogs = FakeDialogs {
        outcome,
        ..FakeDialogs::default()
    };
    let mut app = App::new(Box::new(door), Box::new(dialogs));
    app.settings().theme = egui::ThemePreference::Dark;
    app.set_clock(noon);
    let harness = Harness::builder()
        .with_size([1440.0, 900.0])
        .build_eframe(|cc| {
            theme::install(&cc.egui_ctx);
            app
        });
    (harness, sent)
}

#[test]
fn every_screen_draws_in_every_state() {
    for mode in [Mode::Ready, Mode::Empty, Mode::Loading, Mode::Error] {
        let (mut harness, _) = window(mode);
        for kind in PANELS {
            for size in [[1440.0, 900.0], [900.0, 560.0], [480.0, 360.0]] {
                harness.set_size(size.into());
                harness.state_mut().nav().go_panel(kind.id);
                harness.run();
            }
        }
    }
}

#[test]
fn a_frame_is_opened_and_its_locals_and_source_appear() {
    let (mut harness, _) = window(Mode::Ready);
    harness.get_by_label("Crash").click();
    harness.run();
    harness.get_by_label("s = 0x0 (slot_t *)");
    harness
        .get_by_label("Frame 1: flash_write_bytes at flash.c:148, unwind info")
        .click();
    harness.run();
    assert_eq!(harness.state_mut().nav().frame_idx, 1);
    harness.get_by_label("No locals");
    harness.get_by_label("SysTick interrupted");
}

#[test]
fn t_shows_the_next_thread_and_ctrl_down_the_next_frame() {
    let (mut harness, _) = window(Mode::Ready);
    harness.state_mut().nav().go_panel(PanelId::Crash);
    harness.run();
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::ArrowDown);
    harness.run();
    assert_eq!(harness.state_mut().nav().frame_idx, 1);
    harness.key_press(egui::Key::T);
    harness.run();
    let nav = harness.state_mut().nav();
    assert_eq!((nav.thread_idx, nav.frame_idx), (1, 0));
}

#[test]
fn a_pointer_is_followed_when_its_branch_is_opened() {
    let (mut harness, _) = window(Mode::Ready);
    harness.state_mut().nav().go_panel(PanelId::Crash);
    harness.run();
    harness
        .get_by_label("data = 0x20001f40 (const uint8_t *)")
        .click();
    harness.run();
    harness.get_by_label("*data = 0x4c (uint8_t)");
}

#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }
    fn bytes(&self) -> Result<Vec<u8>, String> {
        Ok(Vec::new())
    }
}

#[test]
fn dropped_files_are_imported_and_the_crash_opens() {
    let (mut harness, sent) = window(Mode::Ready);
    harness
        .input_mut()
        .hovered_files
        .push(egui::HoveredFile::default());
    harness.run_steps(2);
    harness.get_by_label("Drop to import into field cases");
    harness.input_mut().hovered_files.clear();
    let path = PathBuf::from("customer-4711.zip");
    harness
        .input_mut()
        .dropped_files
        .push(Arc::new(Dropped(path.clone())));
    harness.run();
    assert_eq!(imported(&sent), [path]);
    assert_eq!(harness.state_mut().nav().place.panel, PanelId::Crash);
}

#[test]
fn without_a_file_dialog_the_path_field_takes_over() {
    let (mut harness, sent) = window_with(FakeDoor::new(Mode::Empty), Some(Outcome::Unavailable));
    harness.get_by_label("Open files…").click();
    harness.run();
    harness.get_by_label("No file dialog on this desktop: paste a path instead.");
    let field = harness.get_by_role_and_label(egui::Role::TextInput, "Path to import");
    assert!(field.is_focused());
    field.type_text("/logs/a.core");
    harness.run();
    harness.get_by_label("Import").click();
    harness.run();
    assert_eq!(imported(&sent), [PathBuf::from("/logs/a.core")]);
}

#[test]
fn a_running_job_can_be_cancelled() {
    let mut door = FakeDoor::new(Mode::Ready);
    door.jobs = vec![JobStatus {
        id: JobId(9),
        label: "Import overnight".to_owned(),
        done: 3,
        total: 12,
        unit: "files",
        outcome: None,
        detail: String::new(),
    }];
    let cancelled = Rc::clone(&door.cancelled);
    let (mut harness, _) = window_with(door, None);
    harness.run();
    harness.get_by_label("Import overnight: 3 of 12 files");
    harness.get_by_label("Cancel the job").click();
    harness.run();
    assert_eq!(cancelled.borrow().as_slice(), [JobId(9)]);
}

#[test]
fn commands_are_found_by_name_and_run() {
    let (mut harness, _) = window(Mode::Ready);
    harness.key_press_modifiers(
        egui::Modifiers::COMMAND | egui::Modifiers::SHIFT,
        egui::Key::P,
    );
    harness.run();
    harness
        .get_by_role_and_label(egui::Role::TextInput, "Find or command")
        .type_text("go to sym");
    harness.run();
    harness.key_press(egui::Key::Enter);
    harness.run();
    assert_eq!(harness.state_mut().nav().place.panel, PanelId::Symbols);
}

#[test]
fn pasted_addresses_are_named() {
    let (mut harness, _) = window(Mode::Ready);
    harness.state_mut().nav().go_panel(PanelId::Symbolizer);
    harness.run();
    let field =
        harness.get_by_role_and_label(egui::Role::MultilineTextInput, "Text with addresses");
    field.focus();
    field.type_text("pc 0x08000530");
    harness.run();
    harness.get_by_label("0x08000530  flash_write_bytes at flash.c:148");
}

#[test]
fn the_crash_is_copied_as_markdown() {
    let (mut harness, _) = window(Mode::Ready);
    harness.state_mut().nav().go_panel(PanelId::Crash);
    harness.run();
    harness.get_by_label("Copy as Markdown").click();
    harness.step();
    let copied = harness.output().platform_output.commands.iter().any(|command| {
        matches!(command, egui::OutputCommand::CopyText(text) if text.starts_with("**`prv_write_page` wrote"))
    });
    assert!(copied);
}

/// Parts of a screen that have pictures of their own.
fn parts(panel: PanelId, mode: Mode) -> &'static [&'static str] {
    match (panel, mode) {
        (PanelId::Crash, Mode::Ready) => &["Changed", "RTOS", "Heap", "Interrupts"],
        (PanelId::Crash, Mode::Empty) => &["RTOS", "Heap", "Interrupts"],
        (PanelId::Issues, Mode::Ready) => &["compare"],
        (PanelId::Fleet, Mode::Ready) => &["wide", "DM000001 over battery_pct", "unit"],
        (PanelId::Live, Mode::Ready) => &["wide"],
        (PanelId::Device, Mode::Ready) => &["wide", "fleet"],
        (PanelId::Import, Mode::Ready) => &["sample"],
        (PanelId::Issues, _) => &["v1:1:b2d1f0a4"],
        (PanelId::Logs, Mode::Ready) => &["wide", "messages", "fold", "compare", "export", "merge"],
        _ => &[],
    }
}

#[test]
fn a_log_is_filtered_searched_and_left_for_its_crash_and_back() {
    let (mut harness, _) = window(Mode::Ready);
    harness.get_by_label("Logs").click();
    harness.run();
    harness.get_by_label_contains("405 lines in 2 boots");
    harness.get_by_label_contains("1 crash, 11 errors");
    // A filter shows what it lets through.
    harness.get_by_label("Errors").click();
    harness.run();
    harness.get_by_label_contains("level ≥ error  11");
    harness.get_by_label("11 lines shown");
    harness.get_by_label("All").click();
    harness.run();
    // F3 goes to the next match, E to the next error.
    harness.get_by_label("Find in the log").focus();
    harness.run();
    harness
        .get_by_label("Find in the log")
        .type_text("retrying");
    harness.run();
    harness.key_press(egui::Key::F3);
    harness.run();
    harness.get_by_label_contains("match 1 of 44");
    // The crash is one click away, and its log one key.
    harness.state_mut().nav().show_in_log(7);
    harness.run();
    harness.get_by_label("open crash").click();
    harness.run();
    assert_eq!(harness.state_mut().nav().place.panel, PanelId::Crash);
    assert_eq!(harness.state_mut().nav().place.crash, Some(7));
    harness.key_press(egui::Key::L);
    harness.run();
    assert_eq!(harness.state_mut().nav().place.panel, PanelId::Logs);
    harness.get_by_label("open crash");
}

#[test]
fn logs_are_merged_moved_aligned_and_taken_apart_again() {
    let (mut harness, sent) = window(Mode::Ready);
    harness.state_mut().nav().go_panel(PanelId::Logs);
    harness.run();
    let ctx = harness.ctx.clone();
    harness.state_mut().apply(&ctx, UiCommand::LogMerge);
    harness.run();
    harness.get_by_label("Merge logs by time");
    // The open log is ticked; one more is needed.
    harness
        .get_by_label_contains("gateway.log · GW0017")
        .click();
    harness.run();
    harness.get_by_label("Merge").click();
    harness.run();
    harness.get_by_label_contains("445 lines of 2 logs in 2 boots");
    harness.get_by_label_contains("Line 1 of GW0017: frame 0 received");
    let place = |harness: &Harness<'static, App>, line: &str| {
        harness.get_by_label_contains(line).rect().top()
    };
    // It is at 150 ms, behind some lines of the other.
    assert!(place(&harness, "Line 1 of GW0017:") > place(&harness, "Line 1 of DA143532:"));
    harness.get_by_label("Offset of GW0017");
    // A line of one log is the same moment as a line of the other.
    harness.get_by_label_contains("Line 1 of GW0017:").click();
    harness.run();
    harness.get_by_label("Same moment as…").click();
    harness.run();
    harness.get_by_label_contains("Line 1 of GW0017 is the same moment as");
    let target = "Line 3 of DA143532:";
    harness.get_by_label_contains(target).click();
    harness.run();
    let offsets = |sent: &Sent| -> Vec<Vec<i64>> {
        let commands = sent.borrow();
        let set = commands.iter().filter_map(|command| match command {
            Command::SetLogOffsets { logs } => Some(logs.iter().map(|log| log.offset_ns).collect()),
            _ => None,
        });
        set.collect()
    };
    // Line 3 is at 37 ms, the frame was at 150 ms.
    assert_eq!(offsets(&sent), [[0, -113_000_000]]);
    harness.run();
    let (frame, row) = (
        place(&harness, "Line 1 of GW0017:"),
        place(&harness, target),
    );
    assert!((row - frame).abs() < 30.0, "{row} {frame}");
    harness.state_mut().apply(&ctx, UiCommand::LogResetOffsets);
    harness.run();
    assert_eq!(offsets(&sent).last(), Some(&vec![0, 0]));
    harness
        .get_by_label("Remove GW0017 from the merged logs")
        .click();
    harness.run();
    harness.get_by_label_contains("405 lines in 2 boots");
}

#[test]
fn a_line_that_came_late_says_so() {
    let (mut harness, _) = window(Mode::Ready);
    let gateway = super::sample::other_log();
    harness.state_mut().nav().open_log(gateway);
    harness.run();
    harness.get_by_label_contains("Line 21, out of order: frame 20 received");
}

#[test]
fn end_and_home_show_the_last_and_the_first_line() {
    let (mut harness, _) = window(Mode::Ready);
    harness.state_mut().nav().go_panel(PanelId::Logs);
    harness.run();
    harness.key_press(egui::Key::End);
    harness.run();
    harness.get_by_label_contains("Line 405:");
    harness.key_press(egui::Key::Home);
    harness.run();
    harness.get_by_label_contains("Line 1:");
}

#[test]
fn an_issue_is_opened_compared_and_merged_by_button_and_by_key() {
    let (mut harness, sent) = window(Mode::Ready);
    harness.get_by_label("Issues").click();
    harness.run();
    harness
        .get_by_label("Issue prv_write_page wrote through a null pointer, in thread logger, 2 crashes on 2 devices")
        .click();
    harness.run();
    assert_eq!(
        harness.state_mut().nav().place.issue.as_deref(),
        Some("v1:1:b2d1f0a4")
    );
    harness
        .get_by_label_contains("Compare with The stack of task")
        .click();
    harness.run();
    harness.get_by_label("other line: prv_write_page flash.c:212, prv_write_page flash.c:230");
    harness.get_by_label("only there: nothing, flash_erase flash.c:90");
    harness.get_by_label("Merge it into this issue").click();
    harness.run();
    harness.key_press(egui::Key::M);
    harness.run();
    harness.key_press(egui::Key::M);
    harness.run();
    let merges = sent.borrow().iter().filter(|command| {
        matches!(command, Command::MergeIssues { from, into } if from == &["v1:1:c3"] && into == "v1:1:b2d1f0a4")
    }).count();
    assert_eq!(merges, 2, "by button and by key");
}

#[test]
fn crashes_are_split_off_and_changes_taken_back() {
    let (mut harness, sent) = window(Mode::Ready);
    harness
        .state_mut()
        .nav()
        .open_issue(Some("v1:1:b2d1f0a4".to_owned()));
    harness.run();
    let split = harness.get_all_by_label("Split off").next().unwrap();
    split.click();
    harness.run();
    harness.get_by_label("Undo").click();
    harness.run();
    harness.get_by_label("Close issue").click();
    harness.run();
    harness.key_press(egui::Key::U);
    harness.run();
    harness.key_press_modifiers(egui::Modifiers::SHIFT, egui::Key::U);
    harness.run();
    let sent: Vec<String> = sent.borrow().iter().map(Command::label).collect();
    assert_eq!(
        sent,
        [
            "Split a crash off",
            "Undo",
            "Close an issue",
            "Undo",
            "Redo"
        ]
    );
}

#[test]
fn keys_of_issues_only_show_them_from_elsewhere() {
    let (mut harness, sent) = window(Mode::Ready);
    harness.key_press(egui::Key::U);
    harness.run();
    assert_eq!(harness.state_mut().nav().place.panel, PanelId::Issues);
    assert!(sent.borrow().is_empty());
}

#[test]
fn a_deadlock_is_told_in_words_and_tabs_without_data_say_why() {
    let (mut harness, _) = window(Mode::Ready);
    harness.state_mut().nav().go_panel(PanelId::Crash);
    harness.run();
    harness.get_by_label("net waits for mutex bus, which sensor holds");
    harness.get_by_label("RTOS").click();
    harness.run();
    harness.get_by_label("Mutex bus, taken");
    harness.get_by_label("sensor waits to take");
    harness.get_by_label("Heap").click();
    harness.run();
    harness.get_by_label("Damaged: the header of the block at 0x20006C20 says 0xDEADBEEF bytes");
    harness.get_by_label("Interrupts").click();
    harness.run();
    harness.get_by_label(
        "Region 1: 0x00000000 to 0x000003ff, no access, the refused access lies here",
    );
    let (mut harness, _) = window(Mode::Empty);
    harness.state_mut().nav().open_crash(7);
    harness.state_mut().nav().tab = super::nav::InspectorTab::Interrupts;
    harness.run();
    harness.get_by_label_contains("Dump 0xE000E100-0xE000E4FF to see them.");
}

/// `tests/snapshots/ui` holds what each screen looks like; `UPDATE_SNAPSHOTS=1` draws them anew.
#[test]
fn every_screen_looks_as_it_did_in_every_state() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/ui");
    let options = egui_kittest::SnapshotOptions::new().output_path(folder);
    let mut results = egui_kittest::SnapshotResults::new();
    // One window for all pictures: a renderer each would take most of the time.
    let mut harness = Harness::builder()
        .with_size([900.0, 560.0])
        .wgpu()
        .build_eframe(|cc| {
            theme::install(&cc.egui_ctx);
            App::new(
                Box::new(FakeDoor::new(Mode::Empty)),
                Box::<FakeDialogs>::default(),
            )
        });
    for (mode, state) in [
        (Mode::Ready, "ready"),
        (Mode::Empty, "empty"),
        (Mode::Loading, "loading"),
        (Mode::Error, "error"),
    ] {
        for kind in PANELS {
            let mut app = App::new(Box::new(FakeDoor::new(mode)), Box::<FakeDialogs>::default());
            // Both themes get their share.
            app.settings().theme = if matches!(mode, Mode::Ready | Mode::Error) {
                egui::ThemePreference::Dark
            } else {
                egui::ThemePreference::Light
            };
            app.set_clock(noon);
            app.nav().go_panel(kind.id);
            app.nav().pastes_crash = mode == Mode::Ready;
            *harness.state_mut() = app;
            harness.ctx.memory_mut(|memory| {
                let options = memory.options.clone();
                *memory = egui::Memory::default();
                memory.options = options;
            });
            harness.run();
            let name = format!("{}-{state}", kind.name);
            results.add(harness.try_snapshot_options(name, &options));
            for part in parts(kind.id, mode) {
                harness.set_size([1200.0, 720.0].into());
                harness.state_mut().nav().go_panel(kind.id);
                if kind.id == PanelId::Crash {
                    harness.state_mut().nav().open_crash(7);
                }
                harness.state_mut().show_part(part);
                harness.run();
                if *part == "compare" && kind.id == PanelId::Issues {
                    harness.state_mut().show_part("compare with the first");
                    harness.run();
                }
                let part = match *part {
                    part if part.contains(':') => "opened",
                    part if part.contains(" over ") => "device",
                    part => part,
                };
                let name = format!("{}-{}-{state}", kind.name, part.to_lowercase());
                results.add(harness.try_snapshot_options(name, &options));
                harness.set_size([900.0, 560.0].into());
            }
        }
    }
    // What lies over any screen while a sample waits.
    let door = FakeDoor::new(Mode::Ready);
    *door.held.borrow_mut() = Some(Arc::new(held_sample()));
    let mut app = App::new(Box::new(door), Box::<FakeDialogs>::default());
    app.settings().theme = egui::ThemePreference::Dark;
    app.set_clock(noon);
    *harness.state_mut() = app;
    harness.set_size([1280.0, 800.0].into());
    harness.run();
    results.add(harness.try_snapshot_options("sample-sheet", &options));
    // What a board is in that is not simply there.
    let nothing = Arc::new(LiveView::default());
    let boards = [
        ("connect", nothing, egui::ThemePreference::Light),
        ("lost", lost_board(), egui::ThemePreference::Light),
        ("crashed", crashed_board(), egui::ThemePreference::Dark),
        ("replay", replayed_board(), egui::ThemePreference::Dark),
    ];
    for (name, view, theme) in boards {
        let door = FakeDoor::new(Mode::Ready);
        door.live.replace(view);
        let mut app = App::new(Box::new(door), Box::<FakeDialogs>::default());
        app.settings().theme = theme;
        app.set_clock(noon);
        app.nav().go_panel(PanelId::Live);
        *harness.state_mut() = app;
        harness.run();
        results.add(harness.try_snapshot_options(format!("live-{name}"), &options));
    }
    results.unwrap();
}

#[test]
fn settings_of_the_last_run_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = SettingsFile::at(folder.path().join("window.json"));
    let (mut harness, _) = window(Mode::Ready);
    let ctx = harness.ctx.clone();
    harness.state_mut().keep_settings(&ctx, file.clone());
    harness.run();
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Plus);
    harness.run();
    harness.get_by_label("Settings").click();
    harness.run();
    harness.get_by_label("Light").click();
    harness.run();
    // They are written off the frame.
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while file.read().theme != ThemeChoice::Light && std::time::Instant::now() < patience {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(file.read().theme, ThemeChoice::Light);
    assert_eq!(file.read().zoom, 1.1);
    let (mut again, _) = window(Mode::Ready);
    let ctx = again.ctx.clone();
    again.state_mut().keep_settings(&ctx, file);
    assert_eq!(
        again.state_mut().settings().theme,
        egui::ThemePreference::Light
    );
}

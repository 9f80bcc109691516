//! The filters of the Logs screen, its lane and "go to", by mouse and by keyboard.

use super::app::App;
use super::panels::PanelId;
use super::sample::Mode;
use super::tests::{sample_app, window};
use super::theme;
use egui::{Key, Modifiers, PointerButton, Pos2, Rect, Role};
use egui_kittest::{Harness, kittest::Queryable as _};

const CTRL: Modifiers = Modifiers::COMMAND;
const CTRL_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);

fn logs() -> Harness<'static, App> {
    let (mut harness, _) = window(Mode::Ready);
    harness.state_mut().nav().go_panel(PanelId::Logs);
    harness.run();
    harness
}

/// Writes into the field of the bar and presses Enter.
fn enter(harness: &mut Harness<'static, App>, text: &str) {
    harness.get_by_label("Find in the log").focus();
    harness.run();
    harness.get_by_label("Find in the log").type_text(text);
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
}

fn click(harness: &mut Harness<'static, App>, label: &str) {
    harness.get_by_label(label).click();
    harness.run();
}

fn press(harness: &mut Harness<'static, App>, modifiers: Modifiers, key: Key) {
    harness.key_press_modifiers(modifiers, key);
    harness.run();
}

fn has(harness: &Harness<'static, App>, part: &str) {
    let mut found = harness.query_all_by_label_contains(part);
    assert!(found.next().is_some(), "{part}");
}

/// Presses or releases the button somewhere. Few frames: a button that is held for long is dragged.
fn pointer(harness: &mut Harness<'static, App>, pos: Pos2, pressed: bool) {
    harness.event(egui::Event::PointerMoved(pos));
    harness.step();
    harness.event(egui::Event::PointerButton {
        pos,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    });
    harness.step();
    if !pressed {
        harness.run();
    }
}

/// Writes into a field that stands below its name.
fn write(harness: &mut Harness<'static, App>, field: &str, text: &str) {
    harness
        .get_by_role_and_label(Role::TextInput, field)
        .focus();
    harness.run();
    harness.event(egui::Event::Text(text.to_owned()));
    harness.run();
}

#[test]
fn what_is_written_becomes_a_text_an_expression_or_its_opposite() {
    let mut harness = logs();
    enter(&mut harness, "!retrying");
    harness.get_by_label("not \"retrying\"  361");
    enter(&mut harness, "/batch \\d7\\b/");
    has(&harness, "/batch \\d7\\b/  ");
    click(&mut harness, "Capitals count");
    enter(&mut harness, "UNAVAILABLE");
    harness.get_by_label("\"UNAVAILABLE\" Aa  0");
    harness.get_by_label_contains("No line matches 3 filters; not \"retrying\" alone has 361");
    // The one that hides everything is removed with a click.
    click(&mut harness, "Remove \"UNAVAILABLE\" Aa");
    assert!(harness.query_by_label_contains("UNAVAILABLE").is_none());
    harness.get_by_label_contains("batch 17 sampled");
}

#[test]
fn a_broken_expression_says_at_its_chip_what_is_wrong_and_where() {
    let mut harness = logs();
    enter(&mut harness, "/time(out/");
    harness.get_by_label("/time(out/  not used");
    harness.get_by_label_contains("unclosed group, at character 5");
    // It hides nothing.
    harness.get_by_label("405 lines shown");
}

#[test]
fn backspace_in_the_empty_field_removes_the_last_filter_and_undo_brings_it_back() {
    let mut harness = logs();
    enter(&mut harness, "wifi");
    enter(&mut harness, "sensor");
    harness.get_by_label("Find in the log").focus();
    harness.run();
    press(&mut harness, Modifiers::NONE, Key::Backspace);
    assert!(harness.query_by_label_contains("\"sensor\"").is_none());
    press(&mut harness, CTRL, Key::Z);
    has(&harness, "\"sensor\"  ");
    press(&mut harness, CTRL, Key::Z);
    press(&mut harness, CTRL, Key::Z);
    assert!(harness.query_by_label_contains("\"wifi\"").is_none());
    press(&mut harness, CTRL_SHIFT, Key::Z);
    has(&harness, "\"wifi\"  ");
    // With a text in it the keys are those of the text.
    harness.get_by_label("Find in the log").type_text("ab");
    harness.run();
    press(&mut harness, Modifiers::NONE, Key::Backspace);
    press(&mut harness, CTRL, Key::Z);
    has(&harness, "\"wifi\"  ");
}

#[test]
fn a_filter_of_any_kind_is_added_from_the_menu_and_changed_at_its_chip() {
    let mut harness = logs();
    // By keyboard alone: the first entry has the focus.
    press(&mut harness, CTRL_SHIFT, Key::A);
    press(&mut harness, Modifiers::NONE, Key::Enter);
    harness
        .get_by_label("Text of the filter")
        .type_text("timeout");
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    harness.get_by_label("\"timeout\"  11");
    // A module, by typing a part of its name.
    click(&mut harness, "Remove filter \"timeout\"");
    click(&mut harness, "Add filter");
    click(&mut harness, "Module\u{2026}");
    harness.get_by_label("Narrow the list").type_text("wi");
    harness.run();
    click(&mut harness, "wifi  44");
    click(&mut harness, "Add");
    harness.get_by_label("module wifi  44");
    // Its chip is opened, and it lets everything else through; then it is off; then it has another module.
    click(&mut harness, "module wifi  44");
    click(&mut harness, "Inverted: all lines but these");
    harness.get_by_label("not module wifi  361");
    click(&mut harness, "On");
    harness.get_by_label("not module wifi  361, off");
    click(&mut harness, "net  45");
    click(&mut harness, "Apply");
    harness.get_by_label("not module wifi, net  316, off");
    click(&mut harness, "Add filter");
    click(&mut harness, "Near a crash\u{2026}");
    click(&mut harness, "Add");
    // 50 before it, its two lines and 10 behind.
    harness.get_by_label("near a crash (\u{2212}50, +10)  62");
    click(&mut harness, "Add filter");
    click(&mut harness, "Device\u{2026}");
    click(&mut harness, "DA143532");
    click(&mut harness, "Add");
    has(&harness, "device DA143532  ");
    click(&mut harness, "Add filter");
    click(&mut harness, "Span of time\u{2026}");
    write(&mut harness, "Until", "boot 1, 1 s");
    harness.key_press(Key::Enter);
    harness.run();
    // The boot's own line and those of 0, 37, … 999 ms.
    harness.get_by_label("boot 1, 0.000 s to boot 1, 1.000 s  28");
    click(&mut harness, "Add filter");
    click(&mut harness, "Boot\u{2026}");
    write(&mut harness, "Last boot", "x");
    click(&mut harness, "Add");
    harness.get_by_label("1x is no boot.");
}

#[test]
fn go_to_leads_to_a_boot_a_time_and_an_address_and_says_what_there_is_not() {
    let mut harness = logs();
    press(&mut harness, CTRL, Key::G);
    let go = |harness: &mut Harness<'static, App>, text: &str| {
        press(harness, CTRL, Key::A);
        harness.get_by_label("Go to").type_text(text);
        harness.run();
        harness.key_press(Key::Enter);
        harness.run();
    };
    go(&mut harness, "boot 2");
    harness.get_by_label("Line 266. Boot 2 begins there.");
    harness.get_by_label_contains("Line 266: *** demo boot");
    go(&mut harness, "0x8003abc");
    harness.get_by_label("Line 265 names 0x08003abc: 1 of 1.");
    go(&mut harness, "+1 s");
    harness.get_by_label_contains("It is the first one since then");
    go(&mut harness, "boot 9");
    harness.get_by_label("There is no boot 9: this log has 2, counted from 1.");
    press(&mut harness, Modifiers::NONE, Key::Escape);
    assert!(harness.query_by_label("Go to").is_none());
}

#[test]
fn a_row_gives_filters_by_its_menu_and_by_the_selection() {
    let mut harness = logs();
    harness
        .get_by_label_contains("Line 7, bookmarked:")
        .click_secondary();
    harness.run();
    click(&mut harness, "Not module wifi");
    harness.get_by_label("not module wifi  361");
    harness.get_by_label_contains("Line 9:").click_secondary();
    harness.run();
    click(&mut harness, "From here");
    has(&harness, "from boot 1, 0.259 s");
    harness.get_by_label_contains("Line 20:").click_secondary();
    harness.run();
    click(&mut harness, "Until here");
    has(&harness, "boot 1, 0.259 s to boot 1, 0.666 s");
    harness.get_by_label_contains("Line 11:").click();
    harness.run();
    press(&mut harness, CTRL_SHIFT, Key::F);
    has(&harness, "module sensor  ");
    // The same menu stands beside the selected line.
    harness.get_by_label_contains("Line 11:").click();
    harness.run();
    click(&mut harness, "Filter by this line\u{2026}");
    click(&mut harness, "Not boot 1");
    harness.get_by_label("not boot 1  140");
}

fn lane(harness: &Harness<'static, App>) -> Rect {
    let lane = harness.get_by_label_contains("Lines along the time since the first boot, 1 crash");
    lane.rect().shrink2(egui::vec2(theme::size::M, 0.0))
}

/// The axis of the sample: its first boot ends with the crash at 9.62 s, its second one says 9.657 s to 14.763 s.
const AXIS_SECS: f32 = 9.62 + 14.763;

#[test]
fn a_drag_on_the_lane_shows_a_span_and_a_click_on_the_crash_opens_it() {
    let mut harness = logs();
    let rect = lane(&harness);
    let at = |secs: f32| {
        Pos2::new(
            rect.left() + rect.width() * secs / AXIS_SECS,
            rect.center().y,
        )
    };
    pointer(&mut harness, at(1.0), true);
    harness.event(egui::Event::PointerMoved(at(2.0)));
    harness.run();
    pointer(&mut harness, at(3.0), false);
    has(&harness, "boot 1, 1.000 s to boot 1, 3.000 s  54");
    press(&mut harness, CTRL, Key::Z);
    assert!(
        harness
            .query_by_label_contains(" to boot 1, 3.000 s  54")
            .is_none()
    );
    // A click leads to the first line of that time.
    pointer(&mut harness, at(3.7), true);
    pointer(&mut harness, at(3.7), false);
    harness.get_by_label_contains("Line 103:");
    pointer(&mut harness, at(9.62), true);
    pointer(&mut harness, at(9.62), false);
    assert_eq!(harness.state_mut().nav().place.panel, PanelId::Crash);
    assert_eq!(harness.state_mut().nav().place.crash, Some(7));
}

#[test]
fn the_strip_beside_the_bar_counts_matches_and_leads_to_them() {
    let mut harness = logs();
    harness.get_by_label("Find in the log").focus();
    harness.run();
    harness
        .get_by_label("Find in the log")
        .type_text("/batch 39\\d/");
    harness.run();
    let strip = harness
        .get_by_label("Along the lines shown: 7 matches (left), 11 errors (right), 1 crash")
        .rect();
    let pos = Pos2::new(strip.left() + 2.0, strip.bottom() - strip.height() * 0.01);
    pointer(&mut harness, pos, true);
    pointer(&mut harness, pos, false);
    harness.get_by_label_contains("Line 405:");
}

/// `tests/snapshots/ui` holds what it looks like; `UPDATE_SNAPSHOTS=1` draws it anew.
#[test]
fn filters_their_fields_and_go_to_look_as_they_did() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/ui");
    let options = egui_kittest::SnapshotOptions::new().output_path(folder);
    let mut results = egui_kittest::SnapshotResults::new();
    let mut harness = Harness::builder()
        .with_size([1200.0, 720.0])
        .wgpu()
        .build_eframe(|cc| {
            theme::install(&cc.egui_ctx);
            sample_app()
        });
    harness.state_mut().nav().go_panel(PanelId::Logs);
    harness.run();
    enter(&mut harness, "!/batch \\d+5/");
    enter(&mut harness, "a(b");
    enter(&mut harness, "/a(b/");
    click(&mut harness, "\"a(b\"  0");
    click(&mut harness, "On");
    click(&mut harness, "Apply");
    harness.get_by_label_contains("Line 9:").click();
    harness.run();
    press(&mut harness, CTRL, Key::G);
    harness.get_by_label("Go to").type_text("0x8003abc");
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    results.add(harness.try_snapshot_options("logs-go-to-ready", &options));
    press(&mut harness, Modifiers::NONE, Key::Escape);
    click(&mut harness, "Add filter");
    click(&mut harness, "Module\u{2026}");
    results.add(harness.try_snapshot_options("logs-add-filter-ready", &options));
    results.unwrap();
}

//! The time that charts and logs share, by mouse and by keys.

use super::command::UiCommand;
use super::panels::PanelId;
use super::sample::Mode;
use super::shared_time::TimeMove;
use super::tests::window;
use crate::ui::app::App;
use egui::{Event, Key, Modifiers, PointerButton, Pos2};
use egui_kittest::{Harness, kittest::Queryable as _};

const HOUR: i64 = 3_600_000_000_000;

fn at(harness: &Harness<'static, App>, chart: &str, share: f32) -> Pos2 {
    let rect = harness.get_by_label(chart).rect();
    Pos2::new(rect.left() + rect.width() * share, rect.center().y)
}

fn move_to(harness: &mut Harness<'static, App>, pos: Pos2) {
    harness.input_mut().events.push(Event::PointerMoved(pos));
    harness.run();
}

fn drag(harness: &mut Harness<'static, App>, from: Pos2, to: Pos2, modifiers: Modifiers) {
    move_to(harness, from);
    let held = |harness: &mut Harness<'static, App>, modifiers| {
        let event = Event::ModifiersChanged(modifiers);
        harness.input_mut().events.push(event);
    };
    held(harness, modifiers);
    let button = |pos, pressed| Event::PointerButton {
        pos,
        button: PointerButton::Primary,
        pressed,
        modifiers,
    };
    harness.input_mut().events.push(button(from, true));
    harness.step();
    for share in [0.3, 0.6, 1.0] {
        let pos = from + (to - from) * share;
        harness.input_mut().events.push(Event::PointerMoved(pos));
        harness.step();
    }
    harness.input_mut().events.push(button(to, false));
    harness.step();
    held(harness, Modifiers::NONE);
    harness.run();
}

#[test]
fn the_cursor_of_one_chart_is_that_of_all_and_stays_when_the_screen_changes() {
    let (mut harness, _) = window(Mode::Ready);
    harness.state_mut().nav().open_device("DM000001".to_owned());
    harness.run();
    let pos = at(&harness, "Lane of wifi_rssi_dbm", 0.3);
    move_to(&mut harness, pos);
    let cursor = harness.state_mut().nav().time.cursor_ns.unwrap();
    // Each lane says what it was then.
    harness
        .get_all_by_label_contains("at the cursor")
        .next()
        .unwrap();
    harness.key_press(Key::ArrowRight);
    harness.run();
    let next = harness.state_mut().nav().time.cursor_ns.unwrap();
    assert!(next > cursor && next - cursor <= HOUR, "{}", next - cursor);
    harness.key_press(Key::ArrowRight);
    harness.run();
    let third = harness.state_mut().nav().time.cursor_ns.unwrap();
    assert_eq!(third - next, HOUR, "from heartbeat to heartbeat");
    harness.key_press_modifiers(Modifiers::SHIFT, Key::ArrowLeft);
    harness.run();
    assert!(harness.state_mut().nav().time.cursor_ns.unwrap() <= third - 10 * HOUR);
    harness.state_mut().nav().go_panel(PanelId::Fleet);
    harness.run();
    harness.get_by_label_contains("cursor at 2026-06-0");
}

#[test]
fn a_drag_zooms_all_charts_and_a_double_click_or_0_shows_everything() {
    let (mut harness, _) = window(Mode::Ready);
    harness.state_mut().nav().go_panel(PanelId::Fleet);
    harness.run();
    let (from, to) = (
        at(&harness, "Band of wifi_disconnects", 0.4),
        at(&harness, "Band of wifi_disconnects", 0.6),
    );
    drag(&mut harness, from, to, Modifiers::NONE);
    let sight = harness.state_mut().nav().time.sight_ns.unwrap();
    // A fifth of five days, less the room of the numbers.
    assert!(
        (20 * HOUR..30 * HOUR).contains(&(sight.1 - sight.0)),
        "{sight:?}"
    );
    harness.key_press(Key::Plus);
    harness.run();
    let closer = harness.state_mut().nav().time.sight_ns.unwrap();
    assert_eq!((closer.1 - closer.0) / HOUR, (sight.1 - sight.0) / 2 / HOUR);
    harness.key_press(Key::Minus);
    harness.run();
    // The charts of the device show the same.
    harness.state_mut().nav().open_device("DM000001".to_owned());
    harness.run();
    harness.get_by_label("Show all of it").click();
    harness.run();
    assert_eq!(harness.state_mut().nav().time.sight_ns, None);
    harness.key_press(Key::Plus);
    harness.run();
    assert!(harness.state_mut().nav().time.sight_ns.is_some());
    harness.key_press(Key::Num0);
    harness.run();
    assert_eq!(harness.state_mut().nav().time.sight_ns, None);
}

#[test]
fn shift_and_a_drag_choose_whole_hours_that_numbers_are_of() {
    let (mut harness, _) = window(Mode::Ready);
    harness.state_mut().nav().go_panel(PanelId::Fleet);
    harness.run();
    let (from, to) = (
        at(&harness, "Band of wifi_disconnects", 0.7),
        at(&harness, "Band of wifi_disconnects", 0.5),
    );
    drag(&mut harness, from, to, Modifiers::SHIFT);
    let nav = harness.state_mut().nav();
    assert_eq!(nav.time.sight_ns, None);
    let (from, to) = nav.time.chosen_ns.unwrap();
    assert_eq!((from % HOUR, to % HOUR), (0, 0));
    harness.get_by_label_contains("numbers are of 2026-06-0");
    let ctx = harness.ctx.clone();
    harness
        .state_mut()
        .apply(&ctx, UiCommand::Time(TimeMove::Choose(None)));
    harness.run();
    assert_eq!(harness.state_mut().nav().time.chosen_ns, None);
}

#[test]
fn what_is_in_sight_elsewhere_says_where_the_data_is() {
    let (mut harness, _) = window(Mode::Ready);
    harness.state_mut().nav().time.sight_ns = Some((0, HOUR));
    harness.state_mut().nav().go_panel(PanelId::Fleet);
    harness.run();
    harness.get_by_label("Nothing in the time that is in sight");
    harness.get_by_label("Go there").click();
    harness.run();
    harness.get_by_label("Band of wifi_disconnects");
}

#[test]
fn the_log_of_a_device_opens_at_the_cursor() {
    let (mut harness, _) = window(Mode::Ready);
    harness.state_mut().nav().open_device("DM000001".to_owned());
    harness.run();
    // The log is of the second day.
    let pos = at(&harness, "Versions and 3 events", 0.28);
    move_to(&mut harness, pos);
    harness.get_by_label("Open the log here").click();
    harness.run();
    let nav = harness.state_mut().nav();
    assert_eq!(nav.place.panel, PanelId::Logs);
    assert_eq!(nav.place.log, Some(super::sample::log_key()));
    assert!(nav.log_jump.is_some());
}

#[test]
fn the_open_crash_is_shown_on_the_timeline_of_its_device() {
    let (mut harness, _) = window(Mode::Ready);
    harness.state_mut().nav().open_crash(7);
    harness.run();
    harness.key_press_modifiers(Modifiers::SHIFT, Key::L);
    harness.run();
    let nav = harness.state_mut().nav();
    assert_eq!(nav.place.panel, PanelId::Device);
    assert!(nav.place.device.is_some());
}

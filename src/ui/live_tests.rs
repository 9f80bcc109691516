//! The Live screen: how a board is connected, what is shown of it, and what goes to it.

use super::app::App;
use super::command::{LiveCommand, UiCommand};
use super::panels::PanelId;
use super::sample::{FakeDoor, Mode, crashed_board, lost_board, replayed_board};
use super::tests::{Sent, window, window_with};
use crate::engine::command::Command;
use crate::engine::live::board::{LiveView, Refused};
use crate::engine::live::choice::LinkChoice;
use crate::engine::live::{LinkError, Settings, link_kind};
use egui::{Key, Modifiers, Role};
use egui_kittest::{Harness, kittest::Queryable as _};
use std::sync::Arc;

/// The window on the Live screen, with this to say of boards.
fn live(mode: Mode, view: Option<Arc<LiveView>>) -> (Harness<'static, App>, Sent) {
    let door = FakeDoor::new(mode);
    if let Some(view) = view {
        door.live.replace(view);
    }
    let (mut harness, sent) = window_with(door, None);
    harness.state_mut().nav().go_panel(PanelId::Live);
    harness.run();
    (harness, sent)
}

/// What the links are called that were to be opened, by order.
fn connected(sent: &Sent) -> Vec<Vec<String>> {
    let commands = sent.borrow();
    let connects = commands.iter().filter_map(|command| match command {
        Command::Connect { links } => Some(links.iter().map(LinkChoice::title).collect()),
        _ => None,
    });
    connects.collect()
}

const LAST: &str = "/dev/ttyUSB0, 115200 baud, 8N1";

#[test]
fn the_last_link_is_opened_by_enter_by_r_and_by_its_button() {
    let nothing = || Some(Arc::new(LiveView::default()));
    let (mut harness, sent) = live(Mode::Ready, nothing());
    harness.get_by_label("Connect a board");
    harness.get_by_label("Connect again").click();
    harness.run();
    harness.key_press(Key::R);
    harness.run();
    assert_eq!(connected(&sent), [[LAST], [LAST]]);
    let (mut harness, sent) = live(Mode::Ready, nothing());
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(connected(&sent), [[LAST]]);
    // From any screen.
    harness.state_mut().nav().go_panel(PanelId::Home);
    harness.run();
    harness.key_press(Key::R);
    harness.run();
    assert_eq!(harness.state_mut().nav().place.panel, PanelId::Live);
    assert_eq!(connected(&sent), [[LAST], [LAST]]);
    // Where nothing was used yet, it says so.
    let (mut harness, sent) = live(Mode::Empty, nothing());
    harness.get_by_label("No probe or serial port. Plug in a board; this list updates itself.");
    harness.key_press(Key::R);
    harness.key_press(Key::Enter);
    harness.run();
    assert!(connected(&sent).is_empty());
}

#[test]
fn what_is_present_is_one_click_away_and_a_form_says_what_is_wrong_in_it() {
    let nothing = Some(Arc::new(LiveView::default()));
    let (mut harness, sent) = live(Mode::Ready, nothing);
    harness
        .get_by_label("Connect /dev/ttyACM1, J-Link, 000683712")
        .click();
    harness.run();
    assert_eq!(connected(&sent), [["/dev/ttyACM1, 115200 baud, 8N1"]]);
    // The form has what was used last; what may not stand there is said beside it.
    let fill = |harness: &mut Harness<'static, App>, name: &str, text: &str| {
        harness.get_by_role_and_label(Role::TextInput, name).focus();
        harness.run();
        harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
        harness.run();
        harness
            .get_by_role_and_label(Role::TextInput, name)
            .type_text(text);
        harness.run();
    };
    fill(&mut harness, "Baud rate", "fast");
    harness.get_by_label("Fast is no whole number from 50 to 16000000");
    harness.get_by_label("Connect with these settings").click();
    harness.run();
    assert_eq!(connected(&sent).len(), 1, "nothing was opened");
    fill(&mut harness, "Baud rate", "9600");
    harness.get_by_label("Add another link").click();
    harness.run();
    harness.get_by_label("Also in this session: /dev/ttyUSB0, 9600 baud, 8N1");
    harness.get_by_label("Connect with these settings").click();
    harness.run();
    harness.get_by_label("It has to be said");
    fill(&mut harness, "Port", "COM7");
    harness.get_by_label("Connect with these settings").click();
    harness.run();
    assert_eq!(
        connected(&sent)[1],
        ["/dev/ttyUSB0, 9600 baud, 8N1", "COM7, 9600 baud, 8N1"]
    );
}

#[test]
fn a_link_that_was_refused_says_why() {
    let choice = LinkChoice::new(link_kind("uart").unwrap(), Settings::default());
    let refused = |error| {
        let links = vec![choice.clone()];
        let view = LiveView {
            refused: Some(Arc::new(Refused { links, error })),
            ..LiveView::default()
        };
        live(Mode::Ready, Some(Arc::new(view))).0
    };
    let harness = refused(LinkError::InUse {
        what: "/dev/ttyUSB0".to_owned(),
        holder: Some("picocom (process 77)".to_owned()),
    });
    harness.get_by_label_contains(
        "Not connected: /dev/ttyUSB0 is in use by picocom (process 77). Close it there and try again.",
    );
    let harness = refused(LinkError::Setting {
        field: "baud",
        why: "this adapter does not do it".to_owned(),
    });
    harness.get_by_label("This adapter does not do it");
}

#[test]
fn a_board_is_shown_paused_written_to_and_let_go() {
    let (mut harness, sent) = live(Mode::Ready, None);
    harness.get_by_label("Connected over 2 links");
    harness.get_by_label_contains("rssi_dbm: -56 dBm, read 5 s ago, plausible -120 to 0");
    harness.get_by_label_contains("soil_moisture_pct: 67.4 %");
    harness.get_by_label_contains("wind_gust_kmh: no value, was 7 before");
    harness.get_by_label_contains("valve: open");
    harness.get_by_label_contains("firmware_slot: slot-a");
    harness.get_by_label_contains("Line 405:");
    // Space pauses and follows.
    harness.get_by_label("Pause");
    harness.key_press(Key::Space);
    harness.run();
    harness.get_by_label("Follow");
    harness.key_press(Key::Space);
    harness.run();
    harness.get_by_label("Pause");
    // A line goes to the link whose log is shown, with its end.
    let ctx = harness.ctx.clone();
    harness
        .state_mut()
        .apply(&ctx, UiCommand::Live(LiveCommand::Send));
    harness.run();
    let field = harness.get_by_role_and_label(Role::TextInput, "Line to send");
    assert!(field.is_focused());
    field.type_text("reset");
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    harness.get_by_label("You sent: reset");
    harness.key_press(Key::ArrowUp);
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    let lines = |sent: &Sent| -> Vec<(usize, Vec<u8>)> {
        let commands = sent.borrow();
        let lines = commands.iter().filter_map(|command| match command {
            Command::SendToBoard { link, bytes } => Some((*link, bytes.clone())),
            _ => None,
        });
        lines.collect()
    };
    let reset = (0, b"reset\r".to_vec());
    assert_eq!(lines(&sent), [reset.clone(), reset]);
    // The other link has said nothing.
    harness.get_by_label("/dev/ttyACM1").click();
    harness.run();
    harness.get_by_label("Nothing has come yet");
    harness.get_by_label("Disconnect").click();
    harness.run();
    assert!(matches!(sent.borrow().last(), Some(Command::Disconnect)));
}

#[test]
fn a_crash_and_a_lost_link_are_told_in_words() {
    let (mut harness, sent) = live(Mode::Ready, Some(crashed_board()));
    harness.get_by_label("The board crashed 7 s ago: a fault print came");
    harness.get_by_label("Open the crash").click();
    harness.run();
    assert!(matches!(sent.borrow().last(), Some(Command::TakeSoFar)));
    let (harness, _) = live(Mode::Ready, Some(lost_board()));
    harness.get_by_label("/dev/ttyUSB0 has been gone for 12 s");
    harness.get_by_label_contains(
        "/dev/ttyUSB0 is gone: the cable was pulled, or the board was switched off. It is opened again",
    );
    harness.get_by_label_contains("No ELF of build a1e688c2: names");
    harness.get_by_label_contains("3 heartbeats wait for the ELF of the build");
    // On every screen.
    harness.get_by_label("Live: /dev/ttyUSB0 is gone, no ELF of build a1e688c2");
    let (harness, _) = window(Mode::Ready);
    harness.get_by_label("Live: 2 links, meadow-an386.elf matches");
}

#[test]
fn a_recording_is_seen_again_paused_stepped_and_sought_in() {
    let view = replayed_board();
    let replay = view.board.as_ref().unwrap().replay.clone().unwrap();
    let (mut harness, sent) = live(Mode::Ready, Some(view));
    harness.get_by_label("Replay of 2026-11-23T11-57-56Z.fscap, paused");
    harness.get_by_label("0:48.0 of 2:04.0");
    harness.get_by_label("Next, at 1:37.0: the board crashed: a fault print came");
    // Nothing is done to a board that was.
    assert!(harness.query_by_label("Disconnect").is_none());
    assert!(harness.query_by_label("Line to send").is_none());
    harness.key_press(Key::P);
    harness.run_steps(2);
    assert!(!replay.pace.position().is_paused);
    harness.get_by_label("Pause the replay").click();
    harness.run_steps(2);
    assert!(replay.pace.position().is_paused);
    harness.get_by_label("60×").click();
    harness.run_steps(2);
    assert_eq!(replay.pace.position().speed, Some(60.0));
    harness.get_by_label("Next event").click();
    harness.run_steps(2);
    // Whoever tells comes to what lies behind the crash.
    assert_eq!(replay.pace.due_in(97_000_000_000), None);
    while !replay.pace.position().is_paused {
        _ = replay.pace.due_in(98_000_000_000);
    }
    harness.run_steps(2);
    harness.get_by_label("1:37.0 of 2:04.0");
    harness.get_by_label("Nothing more happens up to the end.");
    harness.get_by_label("End the replay").click();
    harness.run_steps(2);
    assert!(matches!(sent.borrow().last(), Some(Command::Disconnect)));
    // One of before is a click away.
    let nothing = Some(Arc::new(LiveView::default()));
    let (mut harness, sent) = live(Mode::Ready, nothing);
    harness
        .get_by_label("Replay 2026-11-22T16-03-10Z.fscap")
        .click();
    harness.run();
    assert!(matches!(
        sent.borrow().last(),
        Some(Command::Replay { from_ns: 0, .. })
    ));
}

#[test]
fn a_number_is_watched_by_name_and_let_go_in_its_menu() {
    let mut view = LiveView::default();
    let mut board = (*crashed_board().board.clone().unwrap()).clone();
    board.has_target = true;
    board.watched = vec!["rssi_dbm".to_owned()];
    view.board = Some(Arc::new(board));
    let (mut harness, sent) = live(Mode::Ready, Some(Arc::new(view)));
    let field = harness.get_by_role_and_label(Role::TextInput, "Number to watch");
    field.focus();
    field.type_text("state.rssi@10");
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    let last = |sent: &Sent| sent.borrow().last().cloned();
    assert!(matches!(last(&sent), Some(Command::Watch { asked }) if asked == "state.rssi@10"));
    // Nothing is asked for by an empty field.
    let n_sent = sent.borrow().len();
    harness.get_by_label("Watch").click();
    harness.run();
    assert_eq!(sent.borrow().len(), n_sent);
    harness
        .get_by_label_contains("rssi_dbm: ")
        .click_secondary();
    harness.run();
    harness.get_by_label("Watch rssi_dbm no longer").click();
    harness.run();
    assert!(matches!(last(&sent), Some(Command::Unwatch { name }) if name == "rssi_dbm"));
}

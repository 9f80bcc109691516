//! What can be done with the lines of a log, by accessible names: messages, folds, comparison, export, copy.

use super::app::App;
use super::dialogs::Outcome;
use super::panels::PanelId;
use super::sample::{FakeDoor, Mode};
use super::tests::{Sent, window_with};
use crate::engine::command::Command;
use crate::engine::logs::export::ExportFormat;
use egui::{Event, Key, Modifiers, OutputCommand};
use egui_kittest::{Harness, kittest::Queryable as _};
use std::path::PathBuf;

fn logs(outcome: Option<Outcome>) -> (Harness<'static, App>, Sent) {
    let (mut harness, sent) = window_with(FakeDoor::new(Mode::Ready), outcome);
    harness.state_mut().nav().go_panel(PanelId::Logs);
    harness.run();
    (harness, sent)
}

fn click(harness: &mut Harness<'static, App>, label: &str) {
    harness.get_by_label(label).click();
    harness.run();
}

/// Clicks the first of several with the same name.
fn click_first(harness: &mut Harness<'static, App>, label: &str) {
    let mut all = harness.get_all_by_label_contains(label);
    all.next().unwrap().click();
    drop(all);
    harness.run();
}

/// What was put on the clipboard in the frames up to now.
fn copied(harness: &mut Harness<'static, App>) -> String {
    for _ in 0..8 {
        harness.step();
        let commands = &harness.output().platform_output.commands;
        let text = commands.iter().find_map(|command| match command {
            OutputCommand::CopyText(text) => Some(text.clone()),
            _ => None,
        });
        if let Some(text) = text {
            return text;
        }
    }
    String::new()
}

#[test]
fn a_message_in_the_list_becomes_a_filter_with_its_words() {
    let (mut harness, _) = logs(None);
    click(&mut harness, "Messages");
    click(&mut harness, "Rarest");
    click_first(&mut harness, "Message wifi: unavailable, retrying in * min");
    harness.get_by_label_contains("message wifi: unavailable, retrying in * min  44");
    harness.get_by_label("44 lines shown");
}

#[test]
fn repeated_messages_fold_and_one_of_them_unfolds() {
    let (mut harness, _) = logs(None);
    harness.get_by_label_contains("Line 9:");
    harness.key_press_modifiers(Modifiers::SHIFT, Key::Z);
    harness.run();
    assert!(harness.query_by_label_contains("Line 9:").is_none());
    click_first(&mut harness, "same message × 6");
    harness.get_by_label_contains("Line 9:");
    click(&mut harness, "fold 6 lines");
    assert!(harness.query_by_label_contains("Line 9:").is_none());
    harness.key_press(Key::Z);
    harness.run();
    harness.get_by_label_contains("Line 9:");
}

#[test]
fn a_good_run_leaves_what_is_only_here() {
    let (mut harness, _) = logs(None);
    click(&mut harness, "Messages");
    click(&mut harness, "Compare with…");
    click_first(&mut harness, "good.log  (customer-4711.zip)");
    harness.get_by_label("compared with good.log");
    harness.get_by_label_contains("Message temp: I2C transaction timeout");
    assert!(harness.query_by_label_contains("Message sensor:").is_none());
    click(&mut harness, "Only there 1");
    harness.get_by_label_contains("Message clock: synchronised");
    click_first(&mut harness, "Only here");
    click(&mut harness, "Show only their lines");
    harness.get_by_label("not in good.log  57");
    assert!(harness.query_by_label_contains("batch 1 sampled").is_none());
}

#[test]
fn what_is_shown_is_exported_where_the_dialog_or_a_path_says() {
    let chosen = PathBuf::from("/tmp/shown.jsonl");
    let (mut harness, sent) = logs(Some(Outcome::Picked(vec![chosen.clone()])));
    click(&mut harness, "View");
    click(&mut harness, "Export what is shown…");
    click(&mut harness, "JSON Lines");
    click(&mut harness, "Choose where…");
    let export = |sent: &Sent| match sent.borrow().last() {
        Some(Command::ExportLog { export, .. }) => export.clone(),
        other => panic!("{other:?}"),
    };
    let ordered = export(&sent);
    assert_eq!(ordered.path, chosen);
    assert!(ordered.replaces && ordered.format == ExportFormat::JsonLines);
    let (mut harness, sent) = logs(Some(Outcome::Unavailable));
    click(&mut harness, "View");
    click(&mut harness, "Export what is shown…");
    click(&mut harness, "Choose where…");
    harness.get_by_label_contains("No file dialog on this desktop");
    harness.event(Event::Text("/tmp/typed.log".to_owned()));
    harness.run();
    click(&mut harness, "Export to the path");
    let ordered = export(&sent);
    assert_eq!(ordered.path, PathBuf::from("/tmp/typed.log"));
    assert!(!ordered.replaces && ordered.format == ExportFormat::Text);
}

#[test]
fn selected_lines_are_copied_as_text_and_as_markdown() {
    let (mut harness, _) = logs(None);
    click_first(&mut harness, "Line 5:");
    harness.key_press_modifiers(Modifiers::SHIFT, Key::ArrowDown);
    harness.run();
    harness.event(Event::Copy);
    let lines = "D (111) net: tx queued 3 (len 512)\nI (148) sensor: batch 4 sampled, 64 values\n";
    assert_eq!(copied(&mut harness), lines);
    // Pressed and released in one step it would be copied in a frame that is not seen.
    harness.input_mut().events.push(Event::Key {
        key: Key::C,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers: Modifiers::COMMAND | Modifiers::SHIFT,
    });
    let expected =
        format!("**uart0.log**, device DA143532, boot 1, lines 5-6\n\n```text\n{lines}```\n");
    assert_eq!(copied(&mut harness), expected);
    harness.get_by_label("2 lines copied");
}

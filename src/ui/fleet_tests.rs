//! The Fleet screen by its accessible names: versions side by side, a board over the band, units edited.

use super::command::UiCommand;
use super::panels::PanelId;
use super::sample::Mode;
use super::tests::window;
use crate::engine::command::Command;
use crate::model::metric::MetricKind;
use crate::ui::app::App;
use egui::Key;
use egui_kittest::{Harness, kittest::Queryable as _};

fn ask_for(harness: &mut Harness<'static, App>, command: UiCommand) {
    let ctx = harness.ctx.clone();
    harness.state_mut().apply(&ctx, command);
    harness.run();
}

#[test]
fn unit_and_kind_of_the_shown_metric_are_said_and_taken_back() {
    let (mut harness, sent) = window(Mode::Ready);
    harness.state_mut().nav().go_panel(PanelId::Fleet);
    harness.run();
    ask_for(&mut harness, UiCommand::EditMetric);
    harness.get_by_label("What wifi_disconnects is");
    harness.get_by_label("Unit").focus();
    harness.run();
    harness.get_by_label("Unit").type_text("times");
    harness.run();
    harness.get_by_label("Gauge").click();
    harness.run();
    harness.get_by_label("Keep").click();
    harness.run();
    assert!(harness.query_by_label("What wifi_disconnects is").is_none());
    let edits: Vec<(String, Option<String>, MetricKind)> = sent
        .borrow()
        .iter()
        .filter_map(|command| match command {
            Command::EditMetric { metric, unit, kind } => {
                Some((metric.clone(), unit.clone(), *kind))
            }
            _ => None,
        })
        .collect();
    let said = ("wifi_disconnects".to_owned(), Some("times".to_owned()));
    assert_eq!(edits, [(said.0, said.1, MetricKind::Gauge)]);

    // Escape changes nothing.
    ask_for(&mut harness, UiCommand::EditMetric);
    assert!(harness.query_by_label("Take back").is_none());
    harness.key_press(Key::Escape);
    harness.run();
    assert_eq!(sent.borrow().len(), 1);

    // One that a person changed says what it was before.
    let over = UiCommand::OverFleet {
        device: "DM000001".to_owned(),
        metric: "main_task_ms".to_owned(),
    };
    ask_for(&mut harness, over);
    ask_for(&mut harness, UiCommand::EditMetric);
    harness.get_by_label_contains("The firmware says: a gauge in ms");
    harness.get_by_label("Take back").click();
    harness.run();
    let last = sent.borrow().last().cloned();
    assert!(matches!(last, Some(Command::TakeBackMetric { metric }) if metric == "main_task_ms"));
}

#[test]
fn a_board_is_drawn_over_the_band_and_hidden_again() {
    let (mut harness, _) = window(Mode::Ready);
    harness.state_mut().nav().go_panel(PanelId::Fleet);
    harness.run();
    harness.get_by_label("Device over the band").focus();
    harness.run();
    harness
        .get_by_label("Device over the band")
        .type_text("DM000001");
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    harness.get_by_label_contains(
        "yellow line: DM000001, by its mean above 96.6 % of 59 other devices",
    );
    harness.get_by_label("Hide the device").click();
    harness.run();
    assert!(harness.query_by_label_contains("yellow line").is_none());
}

//! The sheet before a fleet sample is imported, and the report after, by their accessible names.

use super::panels::PanelId;
use super::sample::{FakeDoor, Mode, held_sample};
use super::tests::{Sent, window, window_with};
use crate::engine::command::Command;
use crate::engine::fleet_import::{HeldSample, Mapping, Role, TableUse, TimeUnit};
use crate::model::metric::MetricKind;
use crate::ui::app::App;
use egui::Key;
use egui_kittest::{Harness, kittest::Queryable as _};
use std::collections::BTreeMap;
use std::sync::Arc;

const HEARTBEATS: &str = "monday/hb.csv";

fn sheet(change: impl FnOnce(&mut HeldSample)) -> (Harness<'static, App>, Sent) {
    let mut held = held_sample();
    change(&mut held);
    let door = FakeDoor::new(Mode::Ready);
    *door.held.borrow_mut() = Some(Arc::new(held));
    let (mut harness, sent) = window_with(door, None);
    harness.run();
    (harness, sent)
}

fn imported(sent: &Sent) -> Option<BTreeMap<String, Mapping>> {
    let sent = sent.borrow();
    let mut chosen = sent.iter().filter_map(|command| match command {
        Command::ImportSample { sample: 1, chosen } => Some(chosen.clone()),
        _ => None,
    });
    chosen.next()
}

fn choose(harness: &mut Harness<'static, App>, menu: &str, entry: &str) {
    harness.get_by_label(menu).click();
    harness.run();
    harness.get_by_label(entry).click();
    harness.run();
}

#[test]
fn a_sample_is_imported_as_it_was_read_by_enter_and_left_by_escape() {
    let (mut harness, sent) = sheet(|_| {});
    harness.get_by_label(
        "10,000 devices, 16,800,000 points, 4,102 events, about 16 MB, about 1.8 seconds.",
    );
    harness.get_by_label_contains("A sample of 52,000 devices. 3 rows or values cannot be read");
    harness.get_by_label_contains("read as on 2026-11-28");
    harness.get_by_label_contains("line 19, byte 2018: its time is missing");
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(imported(&sent), Some(BTreeMap::new()));
    assert!(harness.query_by_label("Import monday?").is_none());

    let (mut harness, sent) = sheet(|_| {});
    harness.key_press(Key::Escape);
    harness.run();
    let last = sent.borrow().last().cloned();
    assert!(matches!(last, Some(Command::LeaveSample { sample: 1 })));
    assert!(harness.query_by_label("Import monday?").is_none());
}

#[test]
fn columns_get_other_roles_names_and_units_before_the_import() {
    let (mut harness, sent) = sheet(|_| {});
    harness.get_by_label("Unit of battery_pct").focus();
    harness.run();
    harness
        .get_by_label("Unit of battery_pct")
        .type_text(" of full");
    harness.run();
    // Enter ends what is typed, and does not import.
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(imported(&sent), None);
    harness.get_by_label("Name of wifi_rssi_dbm").focus();
    harness.run();
    harness
        .get_by_label("Name of wifi_rssi_dbm")
        .type_text("_5g");
    harness.run();
    choose(&mut harness, "What wifi_disconnects is", "metric: counter");
    choose(&mut harness, "What last_reset is", "left out");
    choose(&mut harness, "Unit of interval_s", "ms");
    harness.get_by_label_contains("changed here; kept for tables with the same columns");
    harness.get_by_label("Count again").click();
    harness.run();
    let last = sent.borrow().last().cloned();
    assert!(matches!(last, Some(Command::LookAtSample { sample: 1, chosen }) if chosen.len() == 1));
    // The screen below has a button of this name too.
    harness.get_all_by_label("Import").last().unwrap().click();
    harness.run();
    let chosen = imported(&sent).unwrap();
    assert_eq!(chosen.keys().collect::<Vec<_>>(), [HEARTBEATS]);
    let column = |name: &str| {
        let mut columns = chosen[HEARTBEATS].columns.iter();
        columns
            .find(|column| column.column == name)
            .unwrap()
            .clone()
    };
    assert_eq!(column("battery_pct").unit.as_deref(), Some("% of full"));
    assert_eq!(column("wifi_rssi_dbm").metric_name(), "wifi_rssi_dbm_5g");
    assert_eq!(
        column("wifi_disconnects").role,
        Role::Metric(MetricKind::Counter)
    );
    assert_eq!(column("last_reset").role, Role::Ignored);
    assert_eq!(
        column("interval_s").role,
        Role::Interval(TimeUnit::Milliseconds)
    );
    assert_eq!(
        column("timestamp").role,
        Role::Time(Some(TimeUnit::Milliseconds))
    );
}

#[test]
fn a_mapping_that_cannot_be_used_says_why_and_is_undone() {
    let (mut harness, sent) = sheet(|_| {});
    choose(&mut harness, "What device_serial is", "left out");
    harness.get_by_label("hb.csv: No column tells the device.");
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(imported(&sent), None);
    harness.get_by_label("Undo the changes").click();
    harness.run();
    assert!(harness.query_by_label_contains("No column tells").is_none());
    // One row a value: two columns have to be found for it.
    choose(&mut harness, "What a row is", "a value");
    harness.get_by_label("hb.csv: No column tells the name of the metric.");
    choose(&mut harness, "What last_reset is", "name of the metric");
    choose(&mut harness, "What battery_pct is", "value of the metric");
    harness.key_press(Key::Enter);
    harness.run();
    let chosen = imported(&sent).unwrap();
    assert_eq!(chosen[HEARTBEATS].table_use, TableUse::Long);
    assert_eq!(chosen[HEARTBEATS].wrong(), None);
}

#[test]
fn what_was_imported_before_says_so_and_the_mapping_can_be_taken_to_the_command_line() {
    let (mut harness, _) = sheet(|held| {
        held.imported_at = Some("2026-11-28T09:30:00Z".to_owned());
    });
    harness.get_by_label_contains("It was imported on 2026-11-28 and read in the same way");
    harness.get_by_label("Copy as fleet.json").click();
    harness.step();
    let copied = harness.output().platform_output.commands.iter();
    let mut copied = copied.filter_map(|command| match command {
        egui::OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    let text = copied.next_back().unwrap();
    let (manifest, warnings) = crate::engine::fleet_import::read_manifest(text.as_bytes());
    assert_eq!(warnings, []);
    let held = held_sample();
    for table in &held.preflight.tables {
        let mapping = &manifest.mappings[&table.path];
        assert_eq!(mapping.columns, table.mapping.columns);
    }
}

#[test]
fn the_report_of_a_sample_lists_what_was_left_out_and_what_columns_were() {
    let (mut harness, _) = window(Mode::Ready);
    harness.state_mut().nav().go_panel(PanelId::Import);
    harness.run();
    harness.get_by_label("Sample monday, 3 bad rows").click();
    harness.run();
    harness.get_by_label("1,684,105 rows in 2 tables, 3 rows or values left out");
    harness.get_by_label("line 19, byte 2018: its time is missing or cannot be read");
    harness.get_by_label("Column main_task_ms: metric: timer");
    harness
        .get_by_label("Table monday/ev.parquet, 4102 rows")
        .click();
    harness.run();
    harness.get_by_label_contains("note: column comment is left out");
    harness.get_by_label("Open Fleet").click();
    harness.run();
    assert_eq!(harness.state_mut().nav().place.panel, PanelId::Fleet);
}

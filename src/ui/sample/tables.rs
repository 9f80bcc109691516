//! A made-up fleet sample: one that waits for its import, and one that was imported.

use crate::engine::fleet_import::{
    BadRow, BadRows, ColumnKind, ColumnMapping, HeldSample, MappedBy, Mapping, Preflight, Role,
    SampleColumn, TableFormat, TableReport, TableUse, TimeUnit,
};
use crate::engine::queries::sample_reports::SampleReport;
use crate::model::metric::MetricKind;
use std::path::PathBuf;

/// Columns of the heartbeats: what they are called, what they hold, what they are taken as.
fn heartbeat_columns() -> Vec<(
    &'static str,
    ColumnKind,
    &'static str,
    Role,
    Option<&'static str>,
)> {
    let gauge = Role::Metric(MetricKind::Gauge);
    let timer = Role::Metric(MetricKind::Timer);
    let (integer, float, text) = (ColumnKind::Integer, ColumnKind::Float, ColumnKind::Text);
    let time = Role::Time(Some(TimeUnit::Milliseconds));
    let mut columns = vec![
        ("device_serial", text, "DM000001", Role::Device, None),
        ("timestamp", integer, "1780272000000", time, None),
        ("software_version", text, "1.4.1", Role::Version, None),
        ("hw_rev", text, "B", Role::Hardware, None),
        (
            "interval_s",
            integer,
            "3600",
            Role::Interval(TimeUnit::Seconds),
            None,
        ),
        ("battery_pct", float, "87.5", gauge, Some("%")),
        ("wifi_rssi_dbm", integer, "-57", gauge, Some("dBm")),
        ("main_task_ms", integer, "1243983", timer, Some("ms")),
        ("wifi_disconnects", integer, "2", gauge, None),
        (
            "last_reset",
            text,
            "brownout",
            Role::Metric(MetricKind::Text),
            None,
        ),
    ];
    let sensors = ["temp_0_c", "temp_1_c", "temp_2_c", "temp_3_c", "temp_4_c"];
    columns.extend(sensors.map(|name| (name, float, "21.25", gauge, Some("°C"))));
    columns
}

fn heartbeats() -> TableReport {
    let column = |(column, _, _, role, unit): (&str, _, _, Role, Option<&str>)| ColumnMapping {
        column: column.to_owned(),
        role,
        name: None,
        unit: unit.map(str::to_owned),
    };
    let bad = |row: u64, what: &str| BadRow {
        row,
        line: Some(row + 2),
        offset: Some(row * 113 + 97),
        what: what.to_owned(),
    };
    TableReport {
        path: "monday/hb.csv".to_owned(),
        format: TableFormat::Csv,
        mapped_by: MappedBy::Before("2026-11-28T09:30:00Z".to_owned()),
        mapping: Mapping {
            table_use: TableUse::Wide,
            columns: heartbeat_columns().into_iter().map(column).collect(),
            notes: Vec::new(),
        },
        n_rows: 1_680_003,
        bad_rows: BadRows {
            n: 3,
            first: vec![
                bad(17, "its time is missing or cannot be read"),
                bad(4_201, "it does not say which device it is of"),
                bad(
                    90_000,
                    "its time is before 1970: the clock of the device was not set",
                ),
            ],
        },
        warnings: Vec::new(),
    }
}

fn events() -> TableReport {
    let column = |(column, role): (&str, Role)| ColumnMapping {
        column: column.to_owned(),
        role,
        name: None,
        unit: None,
    };
    let columns = [
        ("device_serial", Role::Device),
        ("ts", Role::Time(Some(TimeUnit::Seconds))),
        ("issue_id", Role::Issue),
        ("comment", Role::Ignored),
    ];
    TableReport {
        path: "monday/ev.parquet".to_owned(),
        format: TableFormat::Parquet,
        mapped_by: MappedBy::Names,
        mapping: Mapping {
            table_use: TableUse::Events,
            columns: columns.into_iter().map(column).collect(),
            notes: vec!["column comment is left out: nothing is known of what it means".to_owned()],
        },
        n_rows: 4_102,
        bad_rows: BadRows::default(),
        warnings: Vec::new(),
    }
}

pub(in crate::ui) fn held() -> HeldSample {
    let heartbeats = heartbeats();
    let known = |(name, kind, example): (&str, ColumnKind, &str)| SampleColumn {
        name: name.to_owned(),
        kind,
        example: Some(example.to_owned()),
    };
    let own = heartbeat_columns().into_iter();
    let own = own.map(|(name, kind, example, ..)| known((name, kind, example)));
    let of_events = [
        ("device_serial", ColumnKind::Text, "DM000001"),
        ("ts", ColumnKind::Integer, "1780272017"),
        ("issue_id", ColumnKind::Text, "FW-231"),
        ("comment", ColumnKind::Text, "seen twice"),
    ];
    let columns = [
        (heartbeats.path.clone(), own.collect()),
        (events().path, of_events.map(known).to_vec()),
    ];
    HeldSample {
        id: 1,
        name: "monday".to_owned(),
        paths: vec![PathBuf::from("/samples/monday")],
        preflight: Preflight {
            schema: "fieldscope.preflight/1",
            n_devices: 10_000,
            n_heartbeats: 1_680_000,
            n_points: 16_800_000,
            n_events: 4_102,
            population: Some(52_000),
            stored_bytes: 15_200_000,
            seconds: 1.8,
            tables: vec![heartbeats, events()],
            refused: Vec::new(),
            warnings: Vec::new(),
        },
        columns: columns.into_iter().collect(),
        n_other_files: 0,
        imported_at: None,
    }
}

pub(super) fn reports() -> Vec<SampleReport> {
    vec![SampleReport {
        number: 1,
        source: "/samples/monday".to_owned(),
        imported_at: "2026-11-28T09:30:00Z".to_owned(),
        population: Some(52_000),
        chosen_by: Some("the last two digits of a hash of the serial number".to_owned()),
        tables: vec![heartbeats(), events()],
    }]
}

//! What the devices of the demo fleet measure, and the columns that it is put in.

use super::{HARDWARE, VERSIONS};
use crate::model::metric::{MetricDefinition, MetricKind};
use crate::model::series::{Column, HeartbeatBatch, Values};

/// A metric: name, kind, unit, range, description.
type Row = (
    &'static str,
    MetricKind,
    &'static str,
    Option<(f64, f64)>,
    &'static str,
);

/// The metrics that are integers, in the order of their columns.
const INTEGERS: &[Row] = &[
    (
        "wifi_rssi_dbm",
        MetricKind::Gauge,
        "dBm",
        Some((-100.0, 0.0)),
        "Strength of the Wi-Fi signal, at the end of the interval",
    ),
    (
        "ble_rssi_dbm",
        MetricKind::Gauge,
        "dBm",
        Some((-100.0, 0.0)),
        "Strength of the phone's signal; missing while no phone is near",
    ),
    (
        "battery_pct",
        MetricKind::Gauge,
        "%",
        Some((0.0, 100.0)),
        "Charge of the battery",
    ),
    (
        "heap_free_min",
        MetricKind::Gauge,
        "B",
        Some((0.0, 262_144.0)),
        "Least free heap in the interval",
    ),
    (
        "main_task_ms",
        MetricKind::Timer,
        "ms",
        None,
        "Processor time of the main task",
    ),
    (
        "wifi_task_ms",
        MetricKind::Timer,
        "ms",
        None,
        "Processor time of the Wi-Fi task",
    ),
    ("sleep_ms", MetricKind::Timer, "ms", None, "Time asleep"),
    (
        "wifi_connected_ms",
        MetricKind::Timer,
        "ms",
        None,
        "Time with a connection",
    ),
    (
        "wifi_disconnects",
        MetricKind::Counter,
        "",
        None,
        "Connections lost",
    ),
    (
        "sensor_errors",
        MetricKind::Counter,
        "",
        None,
        "Readings of the sensor that failed",
    ),
    (
        "flash_writes",
        MetricKind::Counter,
        "",
        None,
        "Pages of flash written",
    ),
    (
        "sync_failures",
        MetricKind::Counter,
        "",
        None,
        "Uploads that failed and were tried again",
    ),
    (
        "queue_high_water",
        MetricKind::Gauge,
        "",
        Some((0.0, 64.0)),
        "Most entries that waited in the queue",
    ),
];

/// The metrics that are floats.
const FLOATS: &[Row] = &[
    (
        "battery_used_pct",
        MetricKind::Gauge,
        "%",
        None,
        "Charge used in the interval",
    ),
    (
        "battery_v",
        MetricKind::Gauge,
        "V",
        Some((2.8, 4.3)),
        "Voltage of the battery",
    ),
    (
        "temp_c",
        MetricKind::Gauge,
        "°C",
        Some((-40.0, 85.0)),
        "Temperature of the board",
    ),
];

/// How many integers and floats a heartbeat has.
pub(super) const N_INTEGERS: usize = INTEGERS.len();
pub(super) const N_FLOATS: usize = FLOATS.len();

/// The definitions.
pub(super) fn definitions() -> Vec<MetricDefinition> {
    let all = INTEGERS.iter().chain(FLOATS);
    let defined = all.map(|(name, kind, unit, range, description)| MetricDefinition {
        name: (*name).to_owned(),
        kind: *kind,
        unit: (!unit.is_empty()).then(|| (*unit).to_owned()),
        min: range.map(|(min, _)| min),
        max: range.map(|(_, max)| max),
        values: Vec::new(),
        description: Some((*description).to_owned()),
    });
    defined.collect()
}

/// One heartbeat.
pub(super) struct Heartbeat {
    pub(super) time_ns: i64,
    pub(super) interval_ns: i64,
    pub(super) version: u32,
    pub(super) hardware: u32,
    pub(super) integers: [Option<i32>; N_INTEGERS],
    pub(super) floats: [Option<f32>; N_FLOATS],
}

/// Heartbeats on their way to columns.
pub(super) struct Batch {
    columns: HeartbeatBatch,
    intervals: Vec<i64>,
    integers: Vec<Vec<Option<i32>>>,
    floats: Vec<Vec<Option<f32>>>,
}

impl Batch {
    pub(super) fn new() -> Self {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            columns: HeartbeatBatch {
                versions: names(&VERSIONS),
                hardware_names: names(&HARDWARE),
                ..HeartbeatBatch::default()
            },
            intervals: Vec::new(),
            integers: vec![Vec::new(); N_INTEGERS],
            floats: vec![Vec::new(); N_FLOATS],
        }
    }

    /// The heartbeats that follow are of this device.
    pub(super) fn begin(&mut self, serial: &str) {
        self.columns.devices.push(serial.to_owned());
    }

    pub(super) fn push(&mut self, heartbeat: &Heartbeat) {
        let device = self.columns.devices.len().saturating_sub(1);
        let batch = &mut self.columns;
        batch.device.push(u32::try_from(device).unwrap_or(u32::MAX));
        batch.version.push(heartbeat.version);
        batch.hardware.push(heartbeat.hardware);
        batch.time_ns.push(heartbeat.time_ns);
        self.intervals.push(heartbeat.interval_ns);
        for (column, value) in self.integers.iter_mut().zip(heartbeat.integers) {
            column.push(value);
        }
        for (column, value) in self.floats.iter_mut().zip(heartbeat.floats) {
            column.push(value);
        }
    }

    pub(super) fn finish(mut self) -> HeartbeatBatch {
        let integers = INTEGERS.iter().zip(self.integers).map(|(row, values)| {
            let present = bits(&values);
            let values = values.into_iter().map(Option::unwrap_or_default);
            let values = Values::I32(values.collect());
            (row.0.to_owned(), Column { values, present })
        });
        let floats = FLOATS.iter().zip(self.floats).map(|(row, values)| {
            let present = bits(&values);
            let values = values.into_iter().map(Option::unwrap_or_default);
            let values = Values::F32(values.collect());
            (row.0.to_owned(), Column { values, present })
        });
        self.columns.metrics = integers.chain(floats).collect();
        self.columns.interval_ns = Some(Column {
            values: Values::I64(self.intervals),
            present: None,
        });
        self.columns
    }
}

/// A bit for each value that is there; `None` when all are.
fn bits<T>(values: &[Option<T>]) -> Option<Vec<u64>> {
    if values.iter().all(Option::is_some) {
        return None;
    }
    let words = values.chunks(64).map(|chunk| {
        let bits = chunk.iter().enumerate();
        let set = bits.filter(|(_, value)| value.is_some());
        set.fold(0_u64, |word, (bit, _)| word | 1 << bit)
    });
    Some(words.collect())
}

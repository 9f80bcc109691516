//! Whatever the order in which heartbeats arrive, are repeated, corrected and dropped: the answers are those of a file that was
//! made of the outcome in one go, bit for bit; and what was stored comes out as it went in.

use super::{Bucket, LineSpan, RowFilter, TopOrder, UnitSource};
use crate::model::metric::{MetricDefinition, MetricKind};
use crate::model::series::{Column, FleetEvent, HeartbeatBatch, NO_NAME, Values};
use crate::store::open::Store;
use crate::store::testing::store;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use std::collections::BTreeMap;

const DAY: i64 = 86_400_000_000_000;
const HOUR: i64 = 3_600_000_000_000;
const FIRST_DAY: i64 = 20_000;
const METRICS: [&str; 4] = ["whole", "long", "single", "double"];

/// A value with its type, by its bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    I32(i32),
    I64(i64),
    F32(u32),
    F64(u64),
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Row {
    version: Option<u32>,
    hardware: Option<u32>,
    interval: Option<i64>,
    values: BTreeMap<usize, Value>,
}

type Model = BTreeMap<(u32, i64), Row>;

struct Random(ChaCha8Rng);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0.next_u64() % n
    }

    fn is(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn value(&mut self, metric: usize) -> Value {
        let any = self.0.next_u64();
        let whole = [0, 1, -1, i64::MAX, i64::MIN, -57, 3_600_000];
        let real = [
            0.0,
            -0.0,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            3.3,
            1e300,
            5e-324,
        ];
        let pick = usize::try_from(self.below(24)).unwrap();
        match metric {
            0 => Value::I32(match pick {
                0 => i32::MAX,
                1 => i32::MIN,
                _ => (any % 200) as i32 - 100,
            }),
            1 => Value::I64(
                whole
                    .get(pick)
                    .copied()
                    .unwrap_or((any >> 40).cast_signed()),
            ),
            2 => Value::F32(match real.get(pick) {
                Some(value) => (*value as f32).to_bits(),
                None => ((any % 4000) as f32 / 1000.0).to_bits(),
            }),
            _ => Value::F64(real.get(pick).map_or(any, |value| value.to_bits())),
        }
    }
}

/// Some rows as a batch; the columns have a gap where a row has no value.
fn batch(rows: &[((u32, i64), Row)]) -> HeartbeatBatch {
    let names = |prefix: &str, n: u32| (0..n).map(|number| format!("{prefix}{number}")).collect();
    let n = rows.len();
    let column = |values: Values, there: Vec<bool>| {
        let mut bits = vec![0_u64; n.div_ceil(64)];
        for (row, is_there) in there.iter().enumerate() {
            bits[row / 64] |= u64::from(*is_there) << (row % 64);
        }
        Column {
            values,
            present: (!there.iter().all(|is_there| *is_there)).then_some(bits),
        }
    };
    let metrics = METRICS.iter().enumerate().map(|(metric, name)| {
        let of = |row: &Row| row.values.get(&metric).copied();
        let there = rows.iter().map(|(_, row)| of(row).is_some()).collect();
        let all = rows.iter().map(|(_, row)| of(row));
        let values = match metric {
            0 => Values::I32(
                all.map(|v| if let Some(Value::I32(v)) = v { v } else { 7 })
                    .collect(),
            ),
            1 => Values::I64(
                all.map(|v| if let Some(Value::I64(v)) = v { v } else { 7 })
                    .collect(),
            ),
            2 => Values::F32(
                all.map(|v| {
                    if let Some(Value::F32(v)) = v {
                        f32::from_bits(v)
                    } else {
                        7.0
                    }
                })
                .collect(),
            ),
            _ => Values::F64(
                all.map(|v| {
                    if let Some(Value::F64(v)) = v {
                        f64::from_bits(v)
                    } else {
                        7.0
                    }
                })
                .collect(),
            ),
        };
        ((*name).to_owned(), column(values, there))
    });
    let intervals = rows
        .iter()
        .map(|(_, row)| row.interval.unwrap_or(9))
        .collect();
    let are_known = rows.iter().map(|(_, row)| row.interval.is_some()).collect();
    HeartbeatBatch {
        devices: names("DV", 300),
        versions: names("v", 4),
        hardware_names: names("rev", 3),
        device: rows.iter().map(|((device, _), _)| *device).collect(),
        version: rows
            .iter()
            .map(|(_, row)| row.version.unwrap_or(NO_NAME))
            .collect(),
        hardware: rows
            .iter()
            .map(|(_, row)| row.hardware.unwrap_or(NO_NAME))
            .collect(),
        time_ns: rows.iter().map(|((_, time), _)| *time).collect(),
        interval_ns: Some(column(Values::I64(intervals), are_known)),
        metrics: metrics.collect(),
    }
}

fn add(store: &Store, rows: &[((u32, i64), Row)], events: &[FleetEvent]) {
    let mut writer = store.begin_series().unwrap();
    // Several batches of one import, cut anywhere.
    for part in rows.chunks(rows.len().div_ceil(3).max(1)) {
        writer.add(batch(part)).unwrap();
    }
    writer.add_events(events).unwrap();
    writer.commit().unwrap();
}

/// What an import changes: values that are there replace, others stay.
fn apply(model: &mut Model, rows: &[((u32, i64), Row)]) {
    for (key, row) in rows {
        let known = model.entry(*key).or_default();
        known.version = row.version.or(known.version);
        known.hardware = row.hardware.or(known.hardware);
        known.interval = row.interval.or(known.interval);
        known
            .values
            .extend(row.values.iter().map(|(metric, value)| (*metric, *value)));
    }
}

/// Every answer, to the bit.
fn answers(store: &Store) -> String {
    let reader = store.reader().unwrap();
    let filters = [
        RowFilter::default(),
        RowFilter {
            versions: Some(["v1".to_owned(), "v3".to_owned()].into()),
            ..RowFilter::default()
        },
        RowFilter {
            from_ns: Some(FIRST_DAY * DAY + 7 * HOUR),
            to_ns: Some((FIRST_DAY + 2) * DAY + HOUR / 2),
            hardware: Some(["rev0".to_owned()].into()),
            ..RowFilter::default()
        },
    ];
    let mut said = format!(
        "{:?} {:?}",
        reader.series_days().unwrap(),
        reader.series_span().unwrap()
    );
    for filter in &filters {
        said += &format!("{:?}\n", reader.fleet_hours(filter).unwrap());
        for metric in METRICS {
            said += &format!("{:?}\n", reader.mean_by_version(metric, filter).unwrap());
            said += &format!("{:?}\n", reader.metric_range(metric, filter).unwrap());
            for bucket in [Bucket::Hour, Bucket::Day] {
                said += &format!(
                    "{:?}\n",
                    reader
                        .fleet_band(metric, bucket, &[0.05, 0.5, 0.95], filter)
                        .unwrap()
                );
            }
            for order in [TopOrder::MostSum, TopOrder::LeastMean] {
                // Devices are told by their names: their numbers may differ.
                let mut top = reader.top_devices(metric, order, 1000, filter).unwrap();
                top.sort_by(|a, b| a.serial.cmp(&b.serial));
                said += &format!("{top:?}\n");
            }
            for width in [4.0, 0.5] {
                said += &format!("{:?}\n", reader.histogram(metric, width, filter).unwrap());
            }
        }
    }
    for device in ["DV0", "DV127", "DV128", "DV299"] {
        for metric in METRICS {
            let span = LineSpan {
                from_ns: FIRST_DAY * DAY,
                to_ns: (FIRST_DAY + 4) * DAY,
                n_pixels: 37,
            };
            said += &format!("{:?}\n", reader.device_line(device, metric, span).unwrap());
        }
        said += &format!(
            "{:?}\n",
            reader.device_events(device, (i64::MIN, i64::MAX)).unwrap()
        );
    }
    said += &format!("{:?}\n", reader.events_by_version("crash", None).unwrap());
    said
}

/// Every row comes out as the model has it.
fn hold_rows(store: &Store, model: &Model) {
    let reader = store.reader().unwrap();
    let metrics = METRICS.map(str::to_owned);
    let mut devices: Vec<u32> = model.keys().map(|(device, _)| *device).collect();
    devices.dedup();
    for device in devices {
        let rows = reader
            .device_rows(&format!("DV{device}"), &metrics, (i64::MIN, i64::MAX))
            .unwrap();
        let expected: Vec<_> = model
            .range((device, i64::MIN)..=(device, i64::MAX))
            .collect();
        assert_eq!(
            rows.time_ns,
            expected
                .iter()
                .map(|((_, time), _)| *time)
                .collect::<Vec<_>>()
        );
        let said = reader.last_said(&[format!("DV{device}")]).unwrap();
        let last = expected.last().unwrap().1.version;
        assert_eq!(said[0].version, last.map(|version| format!("v{version}")));
        let hardware = expected.iter().rev().find_map(|(_, row)| row.hardware);
        assert_eq!(said[0].hardware, hardware.map(|of| format!("rev{of}")));
        assert_eq!(rows.hardware, said[0].hardware);
        for (at, (_, row)) in expected.iter().enumerate() {
            assert_eq!(rows.interval_ns[at], row.interval);
            assert_eq!(
                rows.version[at],
                row.version.map(|version| format!("v{version}"))
            );
            for (metric, values) in rows.values.iter().enumerate() {
                let expected = row.values.get(&metric).map(|value| match value {
                    Value::I32(value) => f64::from(*value).to_bits(),
                    Value::I64(value) => (*value as f64).to_bits(),
                    Value::F32(bits) => f64::from(f32::from_bits(*bits)).to_bits(),
                    Value::F64(bits) => *bits,
                });
                assert_eq!(
                    values[at].map(f64::to_bits),
                    expected,
                    "{device} {at} {metric}"
                );
            }
        }
    }
}

#[test]
fn any_order_of_appends_repetitions_corrections_and_dropped_days_gives_the_answers_of_a_rebuild() {
    for seed in 0..6 {
        let mut random = Random(ChaCha8Rng::seed_from_u64(seed));
        let (_folder, changed) = store();
        let mut model = Model::new();
        let mut events: Vec<FleetEvent> = Vec::new();
        let mut before: Vec<((u32, i64), Row)> = Vec::new();
        for _ in 0..12 {
            if random.is(15) {
                let day = FIRST_DAY + random.below(4).cast_signed();
                let is_there = model.keys().any(|(_, time)| time.div_euclid(DAY) == day)
                    || events
                        .iter()
                        .any(|event| event.time_ns.div_euclid(DAY) == day);
                assert_eq!(changed.drop_series_day(day).unwrap(), is_there);
                model.retain(|(_, time), _| time.div_euclid(DAY) != day);
                events.retain(|event| event.time_ns.div_euclid(DAY) != day);
                continue;
            }
            let mut rows = if random.is(20) {
                before.clone()
            } else {
                Vec::new()
            };
            for _ in 0..random.below(400) {
                let device = [0, 127, 128, 299, random.below(300) as u32][random.below(5) as usize];
                let time = FIRST_DAY * DAY
                    + random.below(4 * 24).cast_signed() * HOUR
                    + random.below(2).cast_signed();
                let mut row = Row {
                    version: random.is(90).then(|| random.below(4) as u32),
                    hardware: random.is(80).then(|| random.below(3) as u32),
                    interval: random.is(70).then_some(HOUR),
                    values: BTreeMap::new(),
                };
                for metric in 0..METRICS.len() {
                    if random.is(75) {
                        row.values.insert(metric, random.value(metric));
                    }
                }
                rows.push(((device, time), row));
            }
            let mut new = Vec::new();
            for _ in 0..random.below(20) {
                new.push(FleetEvent {
                    serial: format!("DV{}", random.below(300)),
                    time_ns: FIRST_DAY * DAY
                        + random.below(4 * 24 * 60).cast_signed() * 60_000_000_000,
                    kind: ["crash", "boot"][random.below(2) as usize].to_owned(),
                    version: Some(format!("v{}", random.below(4))),
                    hardware: None,
                    issue: random.is(50).then(|| format!("I{}", random.below(3))),
                });
            }
            add(&changed, &rows, &new);
            apply(&mut model, &rows);
            events.extend(new);
            before = rows;
        }
        hold_rows(&changed, &model);
        let (_folder, rebuilt) = store();
        let rows: Vec<_> = model.iter().map(|(key, row)| (*key, row.clone())).collect();
        add(&rebuilt, &rows, &events);
        assert_eq!(answers(&changed), answers(&rebuilt), "seed {seed}");
    }
}

#[test]
fn what_was_not_committed_never_happened() {
    let (_folder, store) = store();
    let row = |time: i64| {
        let values = BTreeMap::from([(0, Value::I32(5))]);
        (
            (3, FIRST_DAY * DAY + time),
            Row {
                values,
                ..Row::default()
            },
        )
    };
    add(&store, &[row(HOUR)], &[]);
    let before = answers(&store);
    let mut writer = store.begin_series().unwrap();
    writer.add(batch(&[row(2 * HOUR), row(3 * HOUR)])).unwrap();
    let metric = MetricDefinition {
        name: "new".to_owned(),
        kind: MetricKind::Gauge,
        unit: Some("V".to_owned()),
        min: None,
        max: None,
        values: Vec::new(),
        description: None,
    };
    writer.define(&[metric], UnitSource::Defined).unwrap();
    drop(writer);
    assert_eq!(answers(&store), before);
    assert!(store.reader().unwrap().metric("new").unwrap().is_none());
}

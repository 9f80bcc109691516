//! Any interleaving of imports, late data, repetitions, corrections and dropped days answers as a plain map does, and as a
//! workspace that got the same rows at once: bit for bit.

use super::cell::Rows;
use super::codec::Decoder;
use super::key::{GROUP_DEVICES, HARDWARE, INTERVAL, VERSION, block_id};
use super::loaded::StoredCell;
use super::testing::{Given, HOUR_NS, Model, Row, Value, batches, sum};
use super::{Bucket, LineSpan, RowFilter, TopOrder, days, key};
use crate::model::metric::{MetricDefinition, MetricKind};
use crate::model::series::{FleetEvent, Values};
use crate::store::error::StoreError;
use crate::store::open::Store;
use crate::store::reader::Reader;
use crate::store::series::{SampleFrame, UnitSource};
use crate::store::testing::store;
use std::collections::{BTreeMap, BTreeSet};

const DAY_0: i64 = 20_400;

struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % n
    }

    fn small(&mut self, n: i64) -> i64 {
        i64::try_from(self.below(usize::try_from(n).unwrap())).unwrap()
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    fn value(&mut self, metric: usize) -> Value {
        let extreme = self.below(12) == 0;
        match (metric, self.below(6)) {
            (0, _) if extreme => Value::I32(self.pick(&[i32::MIN, i32::MAX, 0])),
            (0, 0..5) => Value::I32(-60 + i32::try_from(self.below(30)).unwrap()),
            // The firmware changed the type of this metric.
            (0, _) => Value::F64((self.small(100) as f64 / 7.0).to_bits()),
            (1, _) if extreme => Value::I64(self.pick(&[i64::MIN, i64::MAX, -1])),
            (1, _) => Value::I64(self.small(1_000_000_000_000)),
            (2, _) if extreme => Value::F32(self.pick(&[
                0x7f80_0001,
                0xffc1_2345,
                0x8000_0000,
                f32::INFINITY.to_bits(),
                1,
            ])),
            (2, _) => Value::F32((self.small(5_000) as f32 / 1000.0).to_bits()),
            (3, _) if extreme => Value::F64(self.pick(&[
                f64::NAN.to_bits(),
                0x7ff0_0000_0000_0001,
                (-0.0_f64).to_bits(),
                1,
                1e300_f64.to_bits(),
            ])),
            (3, _) => Value::F64((self.small(1 << 50) as f64 * 1.1e-9).to_bits()),
            (4, _) => Value::I32(i32::try_from(self.below(5)).unwrap()),
            _ => Value::Text(self.pick(&["idle", "läuft", ""]).to_owned()),
        }
    }

    fn row(&mut self) -> Given {
        let serial = format!(
            "DEV{:03}",
            if self.below(3) == 0 {
                self.below(300)
            } else {
                self.below(7)
            }
        );
        let time_ns = DAY_0 * 24 * HOUR_NS
            + self.small(96) * HOUR_NS
            + self.pick(&[0, 0, 0, 1, 17_000_000_000]);
        let version = (self.below(5) > 0).then(|| self.pick(&["1.0", "1.1", "2.0-rc1"]).to_owned());
        let hardware = (self.below(5) > 0).then(|| self.pick(&["revA", "revB"]).to_owned());
        let interval =
            (self.below(2) > 0).then(|| 3_590_000_000_000 + self.small(20) * 1_000_000_000);
        let mut row = Row {
            version,
            hardware,
            interval,
            ..Row::default()
        };
        for metric in 0..6 {
            if self.below(4) > 0 {
                row.values.insert(format!("m{metric}"), self.value(metric));
            }
        }
        Given {
            serial,
            time_ns,
            row,
        }
    }

    fn event(&mut self) -> FleetEvent {
        let row = self.row();
        FleetEvent {
            serial: row.serial,
            time_ns: row.time_ns,
            kind: self.pick(&["crash", "boot"]).to_owned(),
            version: row.row.version,
            hardware: row.row.hardware,
            issue: (self.below(2) > 0).then(|| "17".to_owned()),
        }
    }
}

fn import(store: &Store, given: &[Given], events: &[FleetEvent], memory: usize) {
    let mut writer = store.begin_series().unwrap();
    writer.limit_memory(memory);
    for batch in batches(given) {
        writer.add(batch).unwrap();
    }
    writer.add_events(events).unwrap();
    let totals = writer.commit().unwrap();
    assert_eq!(totals.n_rows, given.len() as u64);
}

/// Every row of a workspace.
fn rows_of(reader: &Reader) -> BTreeMap<(String, i64), Row> {
    let metrics: BTreeMap<u32, String> = reader
        .metrics()
        .unwrap()
        .into_iter()
        .map(|m| (m.id, m.definition.name))
        .collect();
    let (versions, hardware) = (
        reader.series_versions().unwrap(),
        reader.series_hardware().unwrap(),
    );
    let mut all = BTreeMap::new();
    let cells = reader.ask(days::cells).unwrap();
    for cell in cells {
        let columns = [VERSION, HARDWARE, INTERVAL]
            .into_iter()
            .chain(metrics.keys().copied());
        let stored = reader
            .ask(|connection| StoredCell::read(connection, cell, columns))
            .unwrap()
            .unwrap();
        let Rows {
            slot,
            time,
            columns,
        } = stored.unpacked(cell, &mut Decoder::new().unwrap()).unwrap();
        for (at, (slot, time)) in slot.iter().zip(time).enumerate() {
            let serial = reader
                .series_serial(cell.group * GROUP_DEVICES + u32::from(*slot))
                .unwrap();
            let mut row = Row::default();
            for (id, column) in &columns {
                if !column.is_present(at) {
                    continue;
                }
                let value = match &column.values {
                    Values::I32(v) => Value::I32(v[at]),
                    Values::I64(v) => Value::I64(v[at]),
                    Values::F32(v) => Value::F32(v[at].to_bits()),
                    Values::F64(v) => Value::F64(v[at].to_bits()),
                    Values::Text { index, names } => Value::Text(names[index[at] as usize].clone()),
                };
                match (*id, &value) {
                    (VERSION, Value::I32(v)) => {
                        row.version = versions.get(&v.cast_unsigned()).cloned();
                    }
                    (HARDWARE, Value::I32(v)) => {
                        row.hardware = hardware.get(&v.cast_unsigned()).cloned();
                    }
                    (INTERVAL, Value::I64(v)) => row.interval = Some(*v),
                    _ => assert_eq!(
                        row.values.insert(metrics[id].clone(), value),
                        None,
                        "two values of one row"
                    ),
                }
            }
            assert_eq!(all.insert((serial, time), row), None, "a row twice");
        }
    }
    all
}

fn filters(chance: &mut Chance) -> Vec<RowFilter> {
    let names = |names: &[&str]| {
        Some(
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<BTreeSet<_>>(),
        )
    };
    let from = DAY_0 * 24 * HOUR_NS + chance.small(50) * HOUR_NS + chance.small(3);
    vec![
        RowFilter::default(),
        RowFilter {
            from_ns: Some(from),
            to_ns: Some(from + chance.small(60) * HOUR_NS),
            ..RowFilter::default()
        },
        RowFilter {
            versions: names(&["1.1", "never seen"]),
            ..RowFilter::default()
        },
        RowFilter {
            to_ns: Some(from),
            versions: names(&["1.0", "2.0-rc1"]),
            hardware: names(&["revB"]),
            ..RowFilter::default()
        },
    ]
}

fn takes(
    filter: &RowFilter,
    time_ns: i64,
    version: Option<&String>,
    hardware: Option<&String>,
) -> bool {
    let named = |wanted: &Option<BTreeSet<String>>, name: Option<&String>| {
        wanted
            .as_ref()
            .is_none_or(|wanted| name.is_some_and(|name| wanted.contains(name)))
    };
    filter.from_ns.is_none_or(|from| time_ns >= from)
        && filter.to_ns.is_none_or(|to| time_ns < to)
        && named(&filter.versions, version)
        && named(&filter.hardware, hardware)
}

type Picked<'m> = Vec<(&'m (String, i64), &'m Row)>;

fn picked<'m>(model: &'m Model, filter: &RowFilter) -> Picked<'m> {
    let rows = model.rows.iter();
    rows.filter(|((_, time), row)| {
        takes(filter, *time, row.version.as_ref(), row.hardware.as_ref())
    })
    .collect()
}

/// Bits of a number; all NaN of an answer are one.
fn bits(number: f64) -> u64 {
    if number.is_nan() {
        u64::MAX
    } else {
        number.to_bits()
    }
}

fn extremes(values: &[&Value]) -> (Option<u64>, Option<u64>) {
    let numbers: Vec<f64> = values
        .iter()
        .filter_map(|v| v.number())
        .filter(|v| !v.is_nan())
        .collect();
    let least = numbers.iter().copied().min_by(f64::total_cmp);
    let greatest = numbers.iter().copied().max_by(f64::total_cmp);
    (least.map(bits), greatest.map(bits))
}

fn mean(values: &[&Value]) -> f64 {
    sum(values) / values.len() as f64
}

/// All answers about one filter, from the workspace.
fn answers(reader: &Reader, filter: &RowFilter) -> Vec<String> {
    let mut answers = Vec::new();
    for metric in ["m0", "m1", "m2", "m3", "m4"] {
        for row in reader.mean_by_version(metric, filter).unwrap() {
            answers.push(format!(
                "mean {metric} {:?} {} {}",
                row.version,
                bits(row.mean),
                row.n_values
            ));
        }
        for (order, name) in [(TopOrder::MostSum, "-"), (TopOrder::LeastMean, "+")] {
            for row in reader.top_devices(metric, order, 5, filter).unwrap() {
                answers.push(format!(
                    "top {metric} {name} {} {} {}",
                    row.serial,
                    bits(row.sum),
                    row.n_values
                ));
            }
        }
        for bucket in [Bucket::Hour, Bucket::Day] {
            let band = reader
                .fleet_band(metric, bucket, &[0.05, 0.5, 1.0], filter)
                .unwrap();
            for row in band.buckets {
                let quantiles: Vec<u64> = row.quantiles.iter().map(|q| bits(*q)).collect();
                answers.push(format!(
                    "band {metric} {bucket:?} {} {quantiles:?} {}",
                    row.start_ns, row.count
                ));
            }
            answers.push(format!("nan {metric} {}", band.n_nan));
        }
        for width in [4.0, 0.25] {
            let histogram = reader.histogram(metric, width, filter).unwrap();
            for row in histogram.bins {
                answers.push(format!("bin {metric} {width} {} {}", row.bin, row.count));
            }
            answers.push(format!("outside {metric} {width} {}", histogram.n_outside));
        }
        let span = line_span(filter);
        for pixel in reader.device_line("DEV003", metric, span).unwrap().pixels {
            answers.push(format!(
                "line {metric} {} {:?} {:?} {} {}",
                pixel.pixel,
                pixel.min.map(bits),
                pixel.max.map(bits),
                bits(pixel.mean),
                pixel.count
            ));
        }
    }
    let range = reader.metric_range("m0", filter).unwrap();
    answers.push(format!("range {:?} {}", range.range, range.n_values));
    let hours = reader.fleet_hours(filter).unwrap();
    answers.push(format!("spacing {:?}", hours.interval_ns));
    let mut alone = reader.fleet_hours_alone(filter).unwrap();
    for (alone, row) in alone.versions.iter_mut().zip(&hours.versions) {
        assert_eq!(alone.n_devices, None);
        alone.n_devices = row.n_devices;
    }
    assert_eq!(alone, hours);
    for row in hours.versions {
        answers.push(format!(
            "hours {:?} {} {} {} {}",
            row.version,
            row.n_devices.unwrap(),
            row.n_rows,
            bits(row.hours),
            row.n_guessed
        ));
    }
    let span = (
        filter.from_ns.unwrap_or(i64::MIN),
        filter.to_ns.unwrap_or(i64::MAX),
    );
    let mut rates = reader.events_by_version("crash", Some(span)).unwrap();
    rates.sort_by(|a, b| a.version.cmp(&b.version));
    for rate in rates {
        answers.push(format!("events {:?} {}", rate.version, rate.n_events));
    }
    answers
}

fn line_span(filter: &RowFilter) -> LineSpan {
    LineSpan {
        from_ns: filter.from_ns.unwrap_or(DAY_0 * 24 * HOUR_NS),
        to_ns: filter.to_ns.unwrap_or((DAY_0 + 3) * 24 * HOUR_NS + 5),
        n_pixels: 13,
    }
}

/// The same from the map in memory.
fn expected(model: &Model, filter: &RowFilter) -> Vec<String> {
    let mut answers = Vec::new();
    let rows = picked(model, filter);
    for metric in ["m0", "m1", "m2", "m3", "m4"] {
        let values: Vec<(&(String, i64), &Row, &Value)> = rows
            .iter()
            .filter_map(|(key, row)| Some((*key, *row, row.values.get(metric)?)))
            .collect();
        let mut by_version: BTreeMap<Option<String>, Vec<&Value>> = BTreeMap::new();
        let mut by_device: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
        for (key, row, value) in &values {
            by_version
                .entry(row.version.clone())
                .or_default()
                .push(value);
            by_device.entry(key.0.clone()).or_default().push(value);
        }
        for (version, values) in &by_version {
            answers.push(format!(
                "mean {metric} {version:?} {} {}",
                bits(mean(values)),
                values.len()
            ));
        }
        for name in ["-", "+"] {
            let key = |values: &Vec<&Value>| {
                let key = if name == "-" {
                    -sum(values)
                } else {
                    mean(values)
                };
                if key.is_nan() {
                    f64::INFINITY
                } else {
                    key + 0.0
                }
            };
            let mut order: Vec<(&String, &Vec<&Value>)> = by_device.iter().collect();
            order.sort_by(|a, b| key(a.1).total_cmp(&key(b.1)).then(a.0.cmp(b.0)));
            for (serial, values) in order.into_iter().take(5) {
                let total = sum(values);
                answers.push(format!(
                    "top {metric} {name} {serial} {} {}",
                    bits(total),
                    values.len()
                ));
            }
        }
        for (bucket, width) in [("Hour", HOUR_NS), ("Day", 24 * HOUR_NS)] {
            let mut buckets: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
            let mut n_nan = 0;
            for (key, _, value) in &values {
                let number = value.number().unwrap();
                if number.is_nan() {
                    n_nan += 1;
                } else {
                    buckets
                        .entry(key.1.div_euclid(width) * width)
                        .or_default()
                        .push(number);
                }
            }
            for (start, mut numbers) in buckets {
                numbers.sort_by(f64::total_cmp);
                let quantiles: Vec<u64> = [0.05, 0.5, 1.0]
                    .iter()
                    .map(|q| {
                        let rank = (numbers.len() - 1) as f64 * q;
                        let (low, high) = (
                            numbers[rank.floor() as usize],
                            numbers[rank.ceil() as usize],
                        );
                        if rank.floor() == rank.ceil() {
                            low
                        } else {
                            low + (high - low) * (rank - rank.floor())
                        }
                    })
                    .map(bits)
                    .collect();
                answers.push(format!(
                    "band {metric} {bucket} {start} {quantiles:?} {}",
                    numbers.len()
                ));
            }
            answers.push(format!("nan {metric} {n_nan}"));
        }
        for width in [4.0, 0.25] {
            let mut bins: BTreeMap<i64, u64> = BTreeMap::new();
            let mut n_outside = 0;
            for (_, _, value) in &values {
                let bin = match value {
                    Value::I32(v) if width == 4.0 => Some(i64::from(*v).div_euclid(4)),
                    Value::I64(v) if width == 4.0 => Some(v.div_euclid(4)),
                    _ => Some((value.number().unwrap() / width).floor())
                        .filter(|bin| bin.abs() < 9.2e18)
                        .map(|bin| bin as i64),
                };
                match bin {
                    Some(bin) => *bins.entry(bin).or_default() += 1,
                    None => n_outside += 1,
                }
            }
            answers.extend(
                bins.iter()
                    .map(|(bin, n)| format!("bin {metric} {width} {bin} {n}")),
            );
            answers.push(format!("outside {metric} {width} {n_outside}"));
        }
        let span = line_span(filter);
        let mut pixels: BTreeMap<i64, Vec<&Value>> = BTreeMap::new();
        for ((serial, time), row) in &model.rows {
            if serial == "DEV003"
                && *time >= span.from_ns
                && *time < span.to_ns
                && let Some(value) = row.values.get(metric)
            {
                let pixel =
                    i128::from(*time - span.from_ns) * 13 / i128::from(span.to_ns - span.from_ns);
                pixels
                    .entry(i64::try_from(pixel).unwrap())
                    .or_default()
                    .push(value);
            }
        }
        for (pixel, values) in pixels {
            let (min, max) = extremes(&values);
            answers.push(format!(
                "line {metric} {pixel} {min:?} {max:?} {} {}",
                bits(mean(&values)),
                values.len()
            ));
        }
    }
    answers.extend(expected_rates(model, filter, &rows));
    answers
}

fn expected_rates(model: &Model, filter: &RowFilter, rows: &Picked<'_>) -> Vec<String> {
    // Spacings are of whole days: those that a cell of the filter's days has.
    let day = |time: i64| time.div_euclid(24 * HOUR_NS);
    let mut spacings: Vec<u64> = Vec::new();
    let all: Vec<&(String, i64)> = model.rows.keys().collect();
    for (a, b) in all.iter().zip(all.iter().skip(1)) {
        let first = filter.from_ns.map_or(i64::MIN, day);
        let last = filter.to_ns.map_or(i64::MAX, day);
        if a.0 == b.0 && day(a.1) == day(b.1) && (first..=last).contains(&day(a.1)) {
            let spacing = u64::try_from(b.1 - a.1).unwrap();
            let step = if spacing < 60_000_000_000 {
                1_000_000_000
            } else {
                60_000_000_000
            };
            spacings.push((spacing + step / 2) / step * step);
        }
    }
    let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
    for spacing in spacings {
        *counts.entry(spacing).or_default() += 1;
    }
    let spacing = counts
        .iter()
        .max_by_key(|(spacing, n)| (**n, **spacing))
        .map(|(spacing, _)| *spacing);
    let whole: Vec<&Value> = rows
        .iter()
        .filter_map(|(_, row)| row.values.get("m0"))
        .collect();
    let numbers = || whole.iter().filter_map(|value| value.number());
    let range = numbers()
        .min_by(f64::total_cmp)
        .zip(numbers().max_by(f64::total_cmp));
    let mut answers = vec![
        format!("range {range:?} {}", whole.len()),
        format!("spacing {spacing:?}"),
    ];
    let mut versions: BTreeMap<Option<String>, Picked<'_>> = BTreeMap::new();
    for (key, row) in rows {
        versions
            .entry(row.version.clone())
            .or_default()
            .push((*key, *row));
    }
    for (version, rows) in &versions {
        let devices: BTreeSet<&String> = rows.iter().map(|(key, _)| &key.0).collect();
        let known: i128 = rows
            .iter()
            .filter_map(|(_, row)| row.interval)
            .map(i128::from)
            .sum();
        let n_guessed = rows
            .iter()
            .filter(|(_, row)| row.interval.is_none())
            .count();
        let hours = (known as f64 + spacing.unwrap_or_default() as f64 * n_guessed as f64) / 3.6e12;
        answers.push(format!(
            "hours {version:?} {} {} {} {n_guessed}",
            devices.len(),
            rows.len(),
            bits(hours)
        ));
    }
    let mut events: BTreeMap<&Option<String>, u64> = BTreeMap::new();
    for ((time, _, kind, _), (version, _)) in &model.events {
        let is_in = filter.from_ns.is_none_or(|from| *time >= from)
            && filter.to_ns.is_none_or(|to| *time <= to);
        if kind == "crash" && is_in {
            *events.entry(version).or_default() += 1;
        }
    }
    answers.extend(
        events
            .iter()
            .map(|(version, n)| format!("events {version:?} {n}")),
    );
    answers
}

#[test]
fn any_interleaving_answers_as_a_rebuild_does_bit_for_bit() {
    let n_seeds: u64 = std::env::var("FIELDSCOPE_SERIES_SEEDS").map_or(12, |n| n.parse().unwrap());
    for seed in 1..=n_seeds {
        let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let (_folder, store) = store();
        let mut model = Model::default();
        let mut before: Vec<Given> = Vec::new();
        for _ in 0..8 {
            match chance.below(6) {
                0 => {
                    let day = DAY_0 + chance.small(4);
                    let has_rows = model
                        .rows
                        .keys()
                        .any(|(_, time)| time.div_euclid(24 * HOUR_NS) == day)
                        || model
                            .events
                            .keys()
                            .any(|(time, ..)| time.div_euclid(24 * HOUR_NS) == day);
                    assert_eq!(store.drop_series_day(day).unwrap(), has_rows);
                    model.drop_day(day);
                }
                1 => {
                    // Never committed: never happened.
                    let mut writer = store.begin_series().unwrap();
                    writer.limit_memory(100);
                    for batch in batches(&[chance.row(), chance.row()]) {
                        writer.add(batch).unwrap();
                    }
                    writer.add_events(&[chance.event()]).unwrap();
                }
                _ => {
                    let n = 1 + chance.below(120);
                    let mut given: Vec<Given> = (0..n).map(|_| chance.row()).collect();
                    for _ in 0..chance.below(20).min(before.len()) {
                        let mut again = chance.pick(&before);
                        if chance.below(2) == 0 {
                            again.row = chance.row().row;
                        }
                        given.push(again);
                    }
                    if chance.below(2) == 0 {
                        given.sort_by(|a, b| (&a.serial, a.time_ns).cmp(&(&b.serial, b.time_ns)));
                    }
                    let events: Vec<FleetEvent> =
                        (0..chance.below(12)).map(|_| chance.event()).collect();
                    let memory = chance.pick(&[200, 5_000, 1 << 20]);
                    import(&store, &given, &events, memory);
                    for row in &given {
                        model.add(row);
                    }
                    for event in &events {
                        model.add_event(event);
                    }
                    before = given;
                }
            }
        }
        let (_folder, rebuilt) = self::store();
        let mut given = model.given();
        given.reverse();
        import(&rebuilt, &given, &model.given_events(), 1 << 20);
        let (reader, again) = (store.reader().unwrap(), rebuilt.reader().unwrap());
        assert_eq!(rows_of(&reader), model.rows, "seed {seed}");
        assert_eq!(rows_of(&again), model.rows, "seed {seed}");
        for filter in filters(&mut chance) {
            let expected = expected(&model, &filter);
            for (answers, which) in [
                (answers(&reader, &filter), "as it grew"),
                (answers(&again, &filter), "rebuilt"),
            ] {
                for (answer, expected) in answers.iter().zip(&expected) {
                    assert_eq!(answer, expected, "seed {seed}, {which}, {filter:?}");
                }
                assert_eq!(
                    answers.len(),
                    expected.len(),
                    "seed {seed}, {which}, {filter:?}"
                );
            }
        }
        assert_eq!(reader.quick_check().unwrap(), Vec::<String>::new());
    }
}

#[test]
fn five_hundred_metrics_of_forty_versions_need_no_change_of_the_schema() {
    let (_folder, store) = store();
    let schema = |reader: &Reader| {
        let sql = "SELECT coalesce(sql, name) FROM sqlite_schema ORDER BY name";
        reader.list(sql, [], |row| row.get::<_, String>(0)).unwrap()
    };
    let before = schema(&store.reader().unwrap());
    let mut given = Vec::new();
    for version in 0..40_i32 {
        let mut row = Row {
            version: Some(format!("1.{version}")),
            ..Row::default()
        };
        for metric in version * 12..version * 12 + 32 {
            row.values
                .insert(format!("metric_{metric}"), Value::I32(version));
        }
        given.push(Given {
            serial: format!("DEV{version}"),
            time_ns: DAY_0 * 24 * HOUR_NS,
            row,
        });
    }
    import(&store, &given, &[], 1 << 20);
    let reader = store.reader().unwrap();
    assert_eq!(schema(&reader), before);
    assert_eq!(reader.metrics().unwrap().len(), 500);
    let rows = reader
        .mean_by_version("metric_20", &RowFilter::default())
        .unwrap();
    let means: Vec<(Option<String>, f64, u64)> = rows
        .into_iter()
        .map(|row| (row.version, row.mean, row.n_values))
        .collect();
    assert_eq!(
        means,
        [
            (Some("1.0".to_owned()), 0.0, 1),
            (Some("1.1".to_owned()), 1.0, 1)
        ]
    );
}

#[test]
fn a_unit_that_a_person_chose_outlives_definitions() {
    let (_folder, store) = store();
    let define = |unit: Option<&str>, source| {
        let mut writer = store.begin_series().unwrap();
        let metric = MetricDefinition {
            name: "rssi".to_owned(),
            kind: MetricKind::Gauge,
            unit: unit.map(str::to_owned),
            min: Some(-120.0),
            max: None,
            values: Vec::new(),
            description: None,
        };
        writer.define(&[metric], source).unwrap();
        writer.commit().unwrap();
        let metric = store.reader().unwrap().metric("rssi").unwrap().unwrap();
        (metric.definition.unit, metric.unit_is)
    };
    let unit = |unit: &str| Some(unit.to_owned());
    assert_eq!(
        define(Some("dB"), UnitSource::Guessed),
        (unit("dB"), UnitSource::Guessed)
    );
    assert_eq!(
        define(Some("dBm"), UnitSource::Defined),
        (unit("dBm"), UnitSource::Defined)
    );
    assert_eq!(
        define(Some("V"), UnitSource::Guessed),
        (unit("dBm"), UnitSource::Defined)
    );
    assert_eq!(
        define(None, UnitSource::Defined),
        (unit("dBm"), UnitSource::Defined)
    );
    let edited = UnitSource::Edited;
    assert!(
        store
            .edit_metric("rssi", Some("bel"), MetricKind::Gauge, edited)
            .unwrap()
    );
    assert!(
        !store
            .edit_metric("no such metric", None, MetricKind::Gauge, edited)
            .unwrap()
    );
    assert_eq!(
        define(Some("dBm"), UnitSource::Defined),
        (unit("bel"), UnitSource::Edited)
    );
    // So does the kind that a person said.
    store
        .edit_metric("rssi", None, MetricKind::Counter, edited)
        .unwrap();
    define(Some("dBm"), UnitSource::Defined);
    let metric = store.reader().unwrap().metric("rssi").unwrap().unwrap();
    assert_eq!(metric.definition.kind, MetricKind::Counter);
    assert_eq!(metric.definition.unit, None);
    // Taken back, it is as firmware says again.
    store
        .edit_metric("rssi", Some("dBm"), MetricKind::Gauge, UnitSource::Defined)
        .unwrap();
    assert_eq!(
        define(Some("dB"), UnitSource::Defined),
        (unit("dB"), UnitSource::Defined)
    );
}

#[test]
fn a_frame_is_kept_as_it_was() {
    let (_folder, store) = store();
    let frame = SampleFrame {
        source: "/samples/monday".to_owned(),
        imported_at: "2026-01-01T00:00:00Z".to_owned(),
        population: Some(2_000_000),
        chosen_by: Some("hash of the serial number".to_owned()),
        seed: Some(-3),
        rates: [("traces".to_owned(), 0.1)].into(),
        ..SampleFrame::default()
    };
    let mut writer = store.begin_series().unwrap();
    writer.set_frame(&frame).unwrap();
    drop(writer);
    assert_eq!(store.reader().unwrap().sample_frames().unwrap(), []);
    let mut writer = store.begin_series().unwrap();
    writer.set_frame(&frame).unwrap();
    writer.commit().unwrap();
    assert_eq!(store.reader().unwrap().sample_frames().unwrap(), [frame]);
}

#[test]
fn damage_is_said_with_its_place_and_a_batch_that_contradicts_itself_is_refused() {
    let (_folder, store) = store();
    let mut row = Row::default();
    row.values.insert("m".to_owned(), Value::I32(5));
    let given = [Given {
        serial: "A".to_owned(),
        time_ns: DAY_0 * 24 * HOUR_NS,
        row,
    }];
    import(&store, &given, &[], 1 << 20);
    let mut batch = batches(&given).remove(0);
    batch.time_ns.push(0);
    let refused = store.begin_series().unwrap().add(batch).unwrap_err();
    assert!(matches!(refused, StoreError::Unusable { .. }), "{refused}");
    let metric = store.reader().unwrap().metric("m").unwrap().unwrap().id;
    let cell = key::CellKey {
        day: DAY_0,
        group: 0,
    };
    let id = block_id(cell, metric, super::codec::ValueType::I32);
    for column in ["summary", "data"] {
        let damage = format!("UPDATE series_blocks SET {column} = x'09' WHERE id = ?1");
        store
            .write(|transaction| Ok(transaction.execute(&damage, [id])?))
            .unwrap();
        let reader = store.reader().unwrap();
        let error = match column {
            "summary" => reader
                .mean_by_version("m", &RowFilter::default())
                .unwrap_err(),
            _ => reader
                .top_devices("m", TopOrder::MostSum, 1, &RowFilter::default())
                .unwrap_err(),
        };
        assert!(
            error
                .to_string()
                .contains(&format!("block {id} of heartbeats, day {DAY_0}")),
            "{error}"
        );
    }
}

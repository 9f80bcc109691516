//! The rows of one device, as they were reported, and what happened to it.

use super::cell::whole_or_zero;
use super::key::{HARDWARE, INTERVAL, VERSION};
use super::names::device_name;
use crate::model::series::{Column, Values};
use crate::store::error::StoreError;
use crate::store::reader::Reader;
use rusqlite::params;

/// A value as it was reported.
#[derive(Clone, Debug, PartialEq)]
pub enum StoredValue {
    Integer(i64),
    Float(f64),
    Text(String),
}

/// Heartbeats of a device, in the order of time.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceRows<V = f64> {
    /// When each was made, which is the end of its interval: nanoseconds since 1970.
    pub time_ns: Vec<i64>,
    /// Length of each interval, where it is known.
    pub interval_ns: Vec<Option<i64>>,
    /// The version of each.
    pub version: Vec<Option<String>>,
    /// The last hardware that it said.
    pub hardware: Option<String>,
    /// Values of the metrics that were asked for, in their order; `None`: there is none. Texts are no `f64`.
    pub values: Vec<Vec<Option<V>>>,
}

impl<V> Default for DeviceRows<V> {
    fn default() -> Self {
        Self {
            time_ns: Vec::new(),
            interval_ns: Vec::new(),
            version: Vec::new(),
            hardware: None,
            values: Vec::new(),
        }
    }
}

/// What a device said of itself last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastSaid {
    /// The version of its last heartbeat.
    pub version: Option<String>,
    /// The last hardware that it said.
    pub hardware: Option<String>,
}

/// Something that happened to a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceEvent {
    /// Nanoseconds since 1970.
    pub time_ns: i64,
    /// `crash`, `boot` and so on.
    pub kind: String,
    /// Its cause, where it says one.
    pub issue: Option<String>,
    /// The version then.
    pub version: Option<String>,
}

impl Reader {
    /// The rows of a device from one time up to and with another. A metric that is not there has no values.
    pub fn device_rows(
        &self,
        serial: &str,
        metrics: &[String],
        span_ns: (i64, i64),
    ) -> Result<DeviceRows, StoreError> {
        self.rows_of(serial, metrics, span_ns, number)
    }

    /// The same with values as they were reported, texts too.
    pub fn device_values(
        &self,
        serial: &str,
        metrics: &[String],
        span_ns: (i64, i64),
    ) -> Result<DeviceRows<StoredValue>, StoreError> {
        self.rows_of(serial, metrics, span_ns, value)
    }

    fn rows_of<V: Clone>(
        &self,
        serial: &str,
        metrics: &[String],
        (from_ns, to_ns): (i64, i64),
        read: fn(&Column, usize) -> Option<V>,
    ) -> Result<DeviceRows<V>, StoreError> {
        let mut found = DeviceRows {
            values: vec![Vec::new(); metrics.len()],
            ..DeviceRows::default()
        };
        let Some(number) = self.series_number(serial)? else {
            return Ok(found);
        };
        let mut ids = Vec::with_capacity(metrics.len());
        for metric in metrics {
            ids.push(self.metric(metric)?.map(|metric| metric.id));
        }
        let (versions, hardware) = (self.series_versions()?, self.series_hardware()?);
        let read_ids = [INTERVAL, VERSION, HARDWARE].into_iter();
        let read_ids: Vec<u32> = read_ids.chain(ids.iter().copied().flatten()).collect();
        self.for_each_run(number, (from_ns, to_ns), &read_ids, |mut run| {
            let times = run.times()?;
            let wanted: Vec<usize> = times
                .iter()
                .enumerate()
                .filter(|(_, time)| (from_ns..=to_ns).contains(*time))
                .map(|(at, _)| at)
                .collect();
            let intervals = run.columns(INTERVAL)?;
            let version = run
                .columns(VERSION)?
                .first()
                .map(whole_or_zero)
                .unwrap_or_default();
            let own_hardware = run
                .columns(HARDWARE)?
                .first()
                .map(whole_or_zero)
                .unwrap_or_default();
            for at in &wanted {
                found.time_ns.extend(times.get(*at));
                found
                    .interval_ns
                    .push(intervals.iter().find_map(|column| whole(column, *at)));
                let id = version.get(*at).copied().unwrap_or_default();
                found.version.push(versions.get(&id).cloned());
                if let Some(name) = own_hardware.get(*at).and_then(|id| hardware.get(id)) {
                    found.hardware = Some(name.clone());
                }
            }
            for (values, id) in found.values.iter_mut().zip(&ids) {
                let columns = match id {
                    Some(id) => run.columns(*id)?,
                    None => Vec::new(),
                };
                for at in &wanted {
                    values.push(columns.iter().find_map(|column| read(column, *at)));
                }
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// What devices of these serial numbers said of themselves last, in the same order.
    pub fn last_said(&self, serials: &[String]) -> Result<Vec<LastSaid>, StoreError> {
        let (versions, hardware) = (self.series_versions()?, self.series_hardware()?);
        let mut all = Vec::with_capacity(serials.len());
        for serial in serials {
            let mut said = LastSaid::default();
            let mut is_last = true;
            if let Some(number) = self.series_number(serial)? {
                self.for_each_run_from_last(number, |mut run| {
                    let mut last = |metric, is_wanted: &dyn Fn(u32) -> bool| {
                        let ids = run.columns(metric)?.first().map(whole_or_zero);
                        let mut newest_first = ids.unwrap_or_default().into_iter().rev();
                        Ok::<_, StoreError>(newest_first.find(|id| is_wanted(*id)))
                    };
                    if is_last {
                        let id = last(VERSION, &|_| true)?.unwrap_or_default();
                        said.version = versions.get(&id).cloned();
                        is_last = false;
                    }
                    if let Some(id) = last(HARDWARE, &|id| hardware.contains_key(&id))? {
                        said.hardware = hardware.get(&id).cloned();
                    }
                    Ok(said.hardware.is_none())
                })?;
            }
            all.push(said);
        }
        Ok(all)
    }

    /// What happened to a device, in the order of time.
    pub fn device_events(
        &self,
        serial: &str,
        (from_ns, to_ns): (i64, i64),
    ) -> Result<Vec<DeviceEvent>, StoreError> {
        let Some(number) = self.series_number(serial)? else {
            return Ok(Vec::new());
        };
        let versions = self.series_versions()?;
        self.list(
            "SELECT time_ns, kind, issue, version FROM series_events WHERE device = ?1 AND time_ns BETWEEN ?2 AND ?3 \
             ORDER BY time_ns, kind, issue",
            params![number, from_ns, to_ns],
            |row| {
                let issue: String = row.get(2)?;
                Ok(DeviceEvent {
                    time_ns: row.get(0)?,
                    kind: row.get(1)?,
                    issue: (!issue.is_empty()).then_some(issue),
                    version: versions.get(&row.get(3)?).cloned(),
                })
            },
        )
    }

    /// How many devices have at least so many events of a kind.
    pub fn n_devices_with_events(&self, kind: &str, least: u64) -> Result<u64, StoreError> {
        let counts = self.list(
            "SELECT count(*) FROM (SELECT 1 FROM series_events WHERE kind = ?1 GROUP BY device HAVING count(*) >= ?2)",
            params![kind, i64::try_from(least).unwrap_or(i64::MAX)],
            |row| row.get::<_, i64>(0),
        )?;
        Ok(counts.first().map_or(0, |n| n.unsigned_abs()))
    }

    /// The devices with at least so many events of a kind, by their serial numbers, each with those events in the order of time.
    pub fn devices_with_events(
        &self,
        kind: &str,
        least: u64,
    ) -> Result<Vec<(String, Vec<DeviceEvent>)>, StoreError> {
        let versions = self.series_versions()?;
        let mut devices: Vec<(String, Vec<DeviceEvent>)> = Vec::new();
        self.ask(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT d.id, d.serial, e.time_ns, e.issue, e.version FROM series_events e \
                 JOIN series_devices s ON s.number = e.device JOIN devices d ON d.id = s.device \
                 WHERE e.kind = ?1 AND e.device IN \
                 (SELECT device FROM series_events WHERE kind = ?1 GROUP BY device HAVING count(*) >= ?2) \
                 ORDER BY d.serial IS NULL, d.serial, d.id, e.time_ns, e.issue",
            )?;
            let least = i64::try_from(least).unwrap_or(i64::MAX);
            let mut rows = statement.query(params![kind, least])?;
            while let Some(row) = rows.next()? {
                let serial = device_name(row)?;
                let issue: String = row.get(3)?;
                let event = DeviceEvent {
                    time_ns: row.get(2)?,
                    kind: kind.to_owned(),
                    issue: (!issue.is_empty()).then_some(issue),
                    version: versions.get(&row.get(4)?).cloned(),
                };
                match devices.last_mut() {
                    Some((last, events)) if *last == serial => events.push(event),
                    _ => devices.push((serial, vec![event])),
                }
            }
            Ok(())
        })?;
        Ok(devices)
    }

    /// How many devices have heartbeats or events.
    pub fn n_series_devices(&self) -> Result<u64, StoreError> {
        let counts = self.list("SELECT count(*) FROM series_devices", [], |row| {
            row.get::<_, i64>(0)
        })?;
        Ok(counts.first().map_or(0, |n| n.unsigned_abs()))
    }
}

fn number(column: &Column, row: usize) -> Option<f64> {
    if !column.is_present(row) {
        return None;
    }
    match &column.values {
        Values::I32(values) => values.get(row).map(|value| f64::from(*value)),
        Values::I64(values) => values.get(row).map(|value| *value as f64),
        Values::F32(values) => values.get(row).map(|value| f64::from(*value)),
        Values::F64(values) => values.get(row).copied(),
        Values::Text { .. } => None,
    }
}

fn value(column: &Column, row: usize) -> Option<StoredValue> {
    if !column.is_present(row) {
        return None;
    }
    match &column.values {
        Values::I32(_) | Values::I64(_) => whole(column, row).map(StoredValue::Integer),
        Values::F32(_) | Values::F64(_) => number(column, row).map(StoredValue::Float),
        Values::Text { index, names } => {
            let name = names.get(usize::try_from(*index.get(row)?).ok()?)?;
            Some(StoredValue::Text(name.clone()))
        }
    }
}

fn whole(column: &Column, row: usize) -> Option<i64> {
    match &column.values {
        Values::I32(values) if column.is_present(row) => {
            values.get(row).map(|value| i64::from(*value))
        }
        Values::I64(values) if column.is_present(row) => values.get(row).copied(),
        _ => None,
    }
}

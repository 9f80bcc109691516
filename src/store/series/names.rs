//! Metrics, versions, hardware and devices by name, and the ids that blocks know them by.

use super::key::{FIRST_METRIC, GROUP_DEVICES, MOST_GROUPS, MOST_METRICS};
use crate::model::metric::{MetricDefinition, MetricKind};
use crate::store::devices::{
    NewDevice, find_or_insert, insert_unseen, unknown_device, unknown_name,
};
use crate::store::error::StoreError;
use crate::store::ids::DeviceId;
use crate::store::reader::{Reader, list};
use crate::store::rows::unreadable;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::collections::BTreeMap;

/// Where the unit of a metric comes from. A stronger source is not replaced by a weaker one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnitSource {
    /// Worked out from the name of a column.
    Guessed,
    /// The firmware's definition says so.
    Defined,
    /// A person said so.
    Edited,
}

impl UnitSource {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Guessed => "guessed",
            Self::Defined => "defined",
            Self::Edited => "edited",
        }
    }
}

/// A stored metric.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricRow {
    /// Its id in blocks.
    pub id: u32,
    /// What it is.
    pub definition: MetricDefinition,
    /// Where its unit comes from.
    pub unit_is: UnitSource,
}

/// Ids by name, of a writer.
#[derive(Default)]
pub(super) struct Names {
    devices: BTreeMap<String, u32>,
    /// The number of the next new device.
    next_number: u32,
    versions: BTreeMap<String, u32>,
    hardware: BTreeMap<String, u32>,
    metrics: BTreeMap<String, u32>,
}

impl Names {
    pub(super) fn read(connection: &Connection) -> Result<Self, StoreError> {
        let pair = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?));
        let all = |sql: &str| list(connection, sql, [], pair);
        Ok(Self {
            next_number: connection.query_row(
                "SELECT coalesce(max(number) + 1, 0) FROM series_devices",
                [],
                |row| row.get(0),
            )?,
            devices: all(
                "SELECT d.serial, s.number FROM series_devices s JOIN devices d ON d.id = s.device \
                          WHERE d.serial IS NOT NULL",
            )?
            .into_iter()
            .collect(),
            versions: all("SELECT name, id FROM series_versions")?
                .into_iter()
                .collect(),
            hardware: all("SELECT name, id FROM series_hardware")?
                .into_iter()
                .collect(),
            metrics: all("SELECT name, id FROM metrics")?.into_iter().collect(),
        })
    }

    /// The number of a device, which gets one if it has none.
    pub(super) fn device(
        &mut self,
        connection: &Connection,
        serial: &str,
    ) -> Result<u32, StoreError> {
        let serial = serial.trim();
        if let Some(number) = self.devices.get(serial) {
            return Ok(*number);
        }
        if serial.is_empty() {
            return Err(StoreError::Unusable {
                what: "a device has no serial number; leave its rows out".to_owned(),
            });
        }
        if let Some(device) = insert_unseen(connection, serial)? {
            let number = self.next_number;
            connection
                .prepare_cached("INSERT INTO series_devices (number, device) VALUES (?1, ?2)")?
                .execute(params![number, device])?;
            return self.keep(serial, number);
        }
        let new = NewDevice {
            serial: Some(serial.to_owned()),
            hardware: None,
        };
        let device = find_or_insert(connection, &new)?;
        self.call_device(connection, serial, device)
    }

    /// Says which device a serial number means; it gets a number if it has none.
    pub(super) fn call_device(
        &mut self,
        connection: &Connection,
        serial: &str,
        device: DeviceId,
    ) -> Result<u32, StoreError> {
        let number: u32 = connection
            .prepare_cached(
                "INSERT INTO series_devices (number, device) VALUES (?1, ?2) \
                 ON CONFLICT (device) DO UPDATE SET device = excluded.device RETURNING number",
            )?
            .query_row(params![self.next_number, device], |row| row.get(0))?;
        self.keep(serial, number)
    }

    fn keep(&mut self, serial: &str, number: u32) -> Result<u32, StoreError> {
        if number / GROUP_DEVICES >= MOST_GROUPS {
            return Err(StoreError::Unusable {
                what: "a workspace holds 33,554,432 devices at most; use another workspace"
                    .to_owned(),
            });
        }
        self.next_number = self.next_number.max(number.saturating_add(1));
        self.devices.insert(serial.to_owned(), number);
        Ok(number)
    }

    /// The id of a version.
    pub(super) fn version(
        &mut self,
        connection: &Connection,
        name: &str,
    ) -> Result<u32, StoreError> {
        id_of(
            connection,
            &mut self.versions,
            "INSERT INTO series_versions (name) VALUES (?1) RETURNING id",
            name,
        )
    }

    /// The id of a hardware.
    pub(super) fn hardware(
        &mut self,
        connection: &Connection,
        name: &str,
    ) -> Result<u32, StoreError> {
        id_of(
            connection,
            &mut self.hardware,
            "INSERT INTO series_hardware (name) VALUES (?1) RETURNING id",
            name,
        )
    }

    /// The id of a metric, which is made of its column if nothing defined it.
    pub(super) fn metric(
        &mut self,
        connection: &Connection,
        name: &str,
        is_text: bool,
    ) -> Result<u32, StoreError> {
        if let Some(id) = self.metrics.get(name) {
            return Ok(*id);
        }
        let definition = MetricDefinition {
            name: name.to_owned(),
            kind: if is_text {
                MetricKind::Text
            } else {
                MetricKind::Gauge
            },
            unit: None,
            min: None,
            max: None,
            values: Vec::new(),
            description: None,
        };
        self.define(connection, &definition, UnitSource::Guessed)
    }

    /// Keeps a definition; what it does not say stays as it was.
    pub(super) fn define(
        &mut self,
        connection: &Connection,
        definition: &MetricDefinition,
        source: UnitSource,
    ) -> Result<u32, StoreError> {
        let values = if definition.values.is_empty() {
            None
        } else {
            serde_json::to_string(&definition.values).ok()
        };
        let id: u32 = connection.query_row(
            "INSERT INTO metrics (id, name, kind, unit, unit_is, least, greatest, named_values, description) \
             VALUES ((SELECT coalesce(max(id) + 1, ?1) FROM metrics), ?2, ?3, ?4, ?5, ?6, ?7, coalesce(?8, '[]'), ?9) \
             ON CONFLICT (name) DO UPDATE SET \
             kind = CASE WHEN unit_is = 'edited' AND excluded.unit_is <> 'edited' THEN kind ELSE excluded.kind END, \
             unit = CASE WHEN excluded.unit IS NULL OR unit_is = 'edited' AND excluded.unit_is <> 'edited' \
                    OR unit_is = 'defined' AND excluded.unit_is = 'guessed' THEN unit ELSE excluded.unit END, \
             unit_is = CASE WHEN excluded.unit IS NULL OR unit_is = 'edited' AND excluded.unit_is <> 'edited' \
                    OR unit_is = 'defined' AND excluded.unit_is = 'guessed' THEN unit_is ELSE excluded.unit_is END, \
             least = coalesce(excluded.least, least), greatest = coalesce(excluded.greatest, greatest), \
             named_values = coalesce(?8, named_values), description = coalesce(excluded.description, description) \
             RETURNING id",
            params![
                FIRST_METRIC,
                definition.name,
                definition.kind.name(),
                definition.unit,
                source.name(),
                definition.min,
                definition.max,
                values,
                definition.description
            ],
            |row| row.get(0),
        )?;
        if id >= MOST_METRICS {
            return Err(StoreError::Unusable {
                what: format!(
                    "there are too many metrics; {:?} is one more than fits",
                    definition.name
                ),
            });
        }
        self.metrics.insert(definition.name.clone(), id);
        Ok(id)
    }

    /// Ids of all metrics.
    pub(super) fn metric_ids(&self) -> impl Iterator<Item = u32> {
        self.metrics.values().copied()
    }
}

fn id_of(
    connection: &Connection,
    known: &mut BTreeMap<String, u32>,
    insert: &str,
    name: &str,
) -> Result<u32, StoreError> {
    if let Some(id) = known.get(name) {
        return Ok(*id);
    }
    let id: u32 = connection.query_row(insert, [name], |row| row.get(0))?;
    known.insert(name.to_owned(), id);
    Ok(id)
}

impl Reader {
    /// All metrics, by name.
    pub fn metrics(&self) -> Result<Vec<MetricRow>, StoreError> {
        self.list("SELECT * FROM metrics ORDER BY name", [], metric_row)
    }

    /// One metric.
    pub fn metric(&self, name: &str) -> Result<Option<MetricRow>, StoreError> {
        self.ask(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT * FROM metrics WHERE name = ?1")?;
            Ok(statement.query_row([name], metric_row).optional()?)
        })
    }

    /// The number that blocks know a device by.
    pub(super) fn series_number(&self, serial: &str) -> Result<Option<u32>, StoreError> {
        self.ask(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT s.number FROM series_devices s JOIN devices d ON d.id = s.device WHERE d.serial = ?1",
            )?;
            let known = statement.query_row([serial], |row| row.get(0)).optional()?;
            let Some(unknown) = unknown_device(serial).filter(|_| known.is_none()) else {
                return Ok(known);
            };
            let mut statement = connection.prepare_cached(
                "SELECT s.number FROM series_devices s JOIN devices d ON d.id = s.device \
                 WHERE d.id = ?1 AND d.serial IS NULL",
            )?;
            Ok(statement.query_row([unknown], |row| row.get(0)).optional()?)
        })
    }

    /// Serial number of a device by its number.
    pub(super) fn series_serial(&self, number: u32) -> Result<String, StoreError> {
        let names = self.list(
            "SELECT d.id, d.serial FROM series_devices s JOIN devices d ON d.id = s.device WHERE s.number = ?1",
            [number],
            device_name,
        )?;
        names.into_iter().next().ok_or(StoreError::Unusable {
            what: format!("there is no device of number {number}"),
        })
    }

    /// Serial numbers of all devices by their numbers.
    pub(super) fn series_serials(&self) -> Result<BTreeMap<u32, String>, StoreError> {
        let rows = self.list(
            "SELECT d.id, d.serial, s.number FROM series_devices s JOIN devices d ON d.id = s.device ORDER BY s.number",
            [],
            |row| Ok((row.get(2)?, device_name(row)?)),
        )?;
        Ok(rows.into_iter().collect())
    }

    /// The devices that have heartbeats or events, by serial number and then those without one.
    pub fn series_devices(&self) -> Result<Vec<String>, StoreError> {
        self.list(
            "SELECT d.id, d.serial FROM series_devices s JOIN devices d ON d.id = s.device \
             ORDER BY d.serial IS NULL, d.serial, d.id",
            [],
            device_name,
        )
    }

    /// Names of versions by id.
    pub(super) fn series_versions(&self) -> Result<BTreeMap<u32, String>, StoreError> {
        let rows = self.list("SELECT id, name FROM series_versions", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        Ok(rows.into_iter().collect())
    }

    /// Names of hardware by id.
    pub(super) fn series_hardware(&self) -> Result<BTreeMap<u32, String>, StoreError> {
        let rows = self.list("SELECT id, name FROM series_hardware", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        Ok(rows.into_iter().collect())
    }
}

/// What a device is called, of its id and its serial number.
pub(super) fn device_name(row: &Row<'_>) -> rusqlite::Result<String> {
    let serial: Option<String> = row.get("serial")?;
    Ok(match serial {
        Some(serial) => serial,
        None => unknown_name(row.get("id")?),
    })
}

fn metric_row(row: &Row<'_>) -> rusqlite::Result<MetricRow> {
    let kind: String = row.get("kind")?;
    let kind = MetricKind::of_name(&kind)
        .ok_or_else(|| unreadable(row, "kind", &format!("{kind:?} is no kind of metric")))?;
    let source: String = row.get("unit_is")?;
    let unit_is = match source.as_str() {
        "edited" => UnitSource::Edited,
        "defined" => UnitSource::Defined,
        _ => UnitSource::Guessed,
    };
    let values: String = row.get("named_values")?;
    Ok(MetricRow {
        id: row.get("id")?,
        definition: MetricDefinition {
            name: row.get("name")?,
            kind,
            unit: row.get("unit")?,
            min: row.get("least")?,
            max: row.get("greatest")?,
            values: serde_json::from_str(&values)
                .map_err(|error| unreadable(row, "named_values", &error.to_string()))?,
            description: row.get("description")?,
        },
        unit_is,
    })
}

//! Devices: known by their serial number, else one for each capture.

use crate::store::{error::StoreError, ids::DeviceId, reader::Reader, rows::unsigned};
use rusqlite::{Connection, Row, Transaction, params};

/// What a capture says about the device it came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewDevice {
    /// Serial number; without one the capture gets an unknown device of its own.
    pub serial: Option<String>,
    /// Hardware name and revision.
    pub hardware: Option<String>,
}

/// A stored device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceRow {
    /// Its id.
    pub id: DeviceId,
    /// Serial number; `None` of an unknown device.
    pub serial: Option<String>,
    /// Hardware name and revision.
    pub hardware: Option<String>,
    /// Captures of it.
    pub n_captures: u64,
    /// Crashes in them.
    pub n_crashes: u64,
    /// When its last capture was imported.
    pub last_imported_at: String,
}

impl Reader {
    /// All devices: by serial number, then the unknown ones, oldest first.
    pub fn devices(&self) -> Result<Vec<DeviceRow>, StoreError> {
        self.list(
            "SELECT d.id, d.serial, d.hardware, count(*) AS n_captures, \
             max(c.imported_at) AS last_imported_at, \
             sum((SELECT count(*) FROM crashes x \
                  WHERE x.capture = c.id AND coalesce(x.device, c.device) = d.id)) AS n_crashes \
             FROM devices d JOIN capture_devices p ON p.device = d.id \
             JOIN captures c ON c.id = p.capture \
             WHERE c.removed_at IS NULL \
             GROUP BY d.id ORDER BY d.serial IS NULL, d.serial, d.id",
            [],
            device_row,
        )
    }
}

fn device_row(row: &Row<'_>) -> rusqlite::Result<DeviceRow> {
    Ok(DeviceRow {
        id: row.get("id")?,
        serial: row.get("serial")?,
        hardware: row.get("hardware")?,
        n_captures: unsigned(row, "n_captures")?,
        n_crashes: unsigned(row, "n_crashes")?,
        last_imported_at: row.get("last_imported_at")?,
    })
}

/// Begins what a device without a serial number is called where a name is needed.
const UNKNOWN: &str = "unknown device ";

/// What a device without a serial number is called: each is its own, and none is merged with another.
pub(super) fn unknown_name(device: DeviceId) -> String {
    format!("{UNKNOWN}{}", device.0)
}

/// The device of an [`unknown_name`].
pub(super) fn unknown_device(name: &str) -> Option<DeviceId> {
    name.strip_prefix(UNKNOWN)?.parse().ok().map(DeviceId)
}

/// The device of a new capture or of heartbeats. A blank serial number is none.
pub(super) fn find_or_insert(
    connection: &Connection,
    new: &NewDevice,
) -> Result<DeviceId, StoreError> {
    let tidy = |text: &Option<String>| {
        text.as_deref()
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    // Never two NULLs in conflict: a capture without a serial number always inserts.
    let mut statement = connection.prepare_cached(
        "INSERT INTO devices (serial, hardware) VALUES (?1, ?2) \
         ON CONFLICT (serial) DO UPDATE SET hardware = coalesce(excluded.hardware, hardware) \
         RETURNING id",
    )?;
    let values = params![tidy(&new.serial), tidy(&new.hardware)];
    Ok(statement.query_row(values, |row| row.get(0))?)
}

/// A device that is not there yet, of a serial number without blanks around it; `None` where it is there.
pub(super) fn insert_unseen(
    connection: &Connection,
    serial: &str,
) -> Result<Option<DeviceId>, StoreError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO devices (serial) VALUES (?1) ON CONFLICT (serial) DO NOTHING",
    )?;
    let is_new = statement.execute([serial])? > 0;
    Ok(is_new.then(|| DeviceId(connection.last_insert_rowid())))
}

/// Forgets the devices without a capture and without heartbeats.
pub(super) fn remove_unused(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    transaction.execute(
        "DELETE FROM devices WHERE id NOT IN (SELECT device FROM captures) \
         AND id NOT IN (SELECT device FROM crashes WHERE device IS NOT NULL) \
         AND id NOT IN (SELECT device FROM series_devices)",
        [],
    )?;
    Ok(())
}

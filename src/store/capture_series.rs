//! Heartbeats and events of captures: stored with their capture, all or nothing, and once more when an ELF arrives that names
//! what they measure.

use crate::{
    model::{
        build_id::BuildId,
        metric::MetricDefinition,
        series::{FleetEvent, HeartbeatBatch},
    },
    store::{
        error::StoreError,
        ids::{CaptureId, DeviceId},
        open::Store,
        reader::Reader,
        rows::{stored, unsigned},
        series::{SeriesWriter, UnitSource},
    },
};
use rusqlite::{Transaction, params};

/// The serial number, in heartbeats and events of a capture, of a device that does not say its own.
pub const NO_SERIAL: &str = "";

/// What a capture says of metrics.
#[derive(Clone, Debug, Default)]
pub struct NewSeries {
    /// What its metrics are, in the words of their ELF files.
    pub metrics: Vec<MetricDefinition>,
    /// Heartbeats; those of [`NO_SERIAL`] are of the device of the capture.
    pub heartbeats: Vec<HeartbeatBatch>,
    /// Events, in the same way.
    pub events: Vec<FleetEvent>,
    /// Builds without whose ELF the values of some heartbeats have no names.
    pub waiting: Vec<WaitingBuild>,
}

/// A build whose ELF is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingBuild {
    /// `None`: heartbeats that name no build.
    pub build_id: Option<BuildId>,
    /// Heartbeats whose values wait for it.
    pub n_heartbeats: u64,
}

/// The same, of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingHeartbeats {
    /// The capture.
    pub capture: CaptureId,
    /// What it waits for.
    pub build: WaitingBuild,
}

impl NewSeries {
    /// True when there is nothing to store.
    pub fn is_empty(&self) -> bool {
        self.heartbeats.is_empty() && self.events.is_empty()
    }
}

impl Store {
    /// Stores the heartbeats and events of a capture that is here, once more is known of them. What was stored of them before is
    /// the same rows, and only gains values.
    pub fn update_series(&self, capture: CaptureId, new: &NewSeries) -> Result<(), StoreError> {
        self.write(|transaction| {
            let device = transaction.query_row(
                "SELECT device FROM captures WHERE id = ?1",
                [capture],
                |row| row.get(0),
            )?;
            transaction.execute(
                "DELETE FROM waiting_heartbeats WHERE capture = ?1",
                [capture],
            )?;
            insert(transaction, capture, device, new)
        })
    }
}

/// Stores what a capture says of metrics.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    capture: CaptureId,
    device: DeviceId,
    new: &NewSeries,
) -> Result<(), StoreError> {
    if new.is_empty() {
        return Ok(());
    }
    let mut writer = SeriesWriter::within(transaction)?;
    let is_nameless = |batch: &HeartbeatBatch| batch.devices.iter().any(|name| name == NO_SERIAL);
    if new.heartbeats.iter().any(is_nameless)
        || new.events.iter().any(|event| event.serial == NO_SERIAL)
    {
        writer.call_device(NO_SERIAL, device)?;
    }
    writer.define(&new.metrics, UnitSource::Defined)?;
    for batch in &new.heartbeats {
        writer.add(batch.clone())?;
    }
    writer.add_events(&new.events)?;
    writer.finish_within()?;
    let mut insert = transaction.prepare_cached(
        "INSERT INTO waiting_heartbeats (capture, build_id, n_heartbeats) VALUES (?1, ?2, ?3)",
    )?;
    for build in &new.waiting {
        let id = build.build_id.as_ref().map(ToString::to_string);
        insert.execute(params![
            capture,
            id.unwrap_or_default(),
            stored(build.n_heartbeats)
        ])?;
    }
    Ok(())
}

impl Reader {
    /// Heartbeats whose values have no names yet, by capture and build.
    pub fn waiting_heartbeats(&self) -> Result<Vec<WaitingHeartbeats>, StoreError> {
        self.list(
            "SELECT w.* FROM waiting_heartbeats w JOIN captures c ON c.id = w.capture \
             WHERE c.removed_at IS NULL ORDER BY w.capture, w.build_id",
            [],
            |row| {
                let id: String = row.get("build_id")?;
                Ok(WaitingHeartbeats {
                    capture: row.get("capture")?,
                    build: WaitingBuild {
                        build_id: BuildId::from_hex(&id),
                        n_heartbeats: unsigned(row, "n_heartbeats")?,
                    },
                })
            },
        )
    }
}

//! The frame of a sample: what the devices were chosen from, and how. Without one, rates are all that can be said.

use crate::store::error::StoreError;
use crate::store::reader::Reader;
use crate::store::rows::{stored, unsigned_or_null};
use rusqlite::{Connection, Row, params};
use std::collections::BTreeMap;

/// Where heartbeats came from, and what they are a sample of. What is not known is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SampleFrame {
    /// The file or folder, as it was given.
    pub source: String,
    /// SHA-256 of its bytes, hex.
    pub sha256: Option<String>,
    /// RFC 3339.
    pub imported_at: String,
    /// Devices of the whole fleet.
    pub population: Option<u64>,
    /// Devices of the sample.
    pub n_devices: Option<u64>,
    /// How they were chosen, in the words of the manifest.
    pub chosen_by: Option<String>,
    /// Seed of the choice.
    pub seed: Option<i64>,
    /// Share of what is sent, by kind of data: 0.1 of all traces.
    pub rates: BTreeMap<String, f64>,
    /// The manifest as it was.
    pub manifest: Option<String>,
    /// What was read of each table, and how, as whoever imported it wrote it.
    pub tables: Option<String>,
}

impl Reader {
    /// The frames of what was imported, oldest first.
    pub fn sample_frames(&self) -> Result<Vec<SampleFrame>, StoreError> {
        self.list("SELECT * FROM sample_frames ORDER BY id", [], frame_row)
    }
}

pub(super) fn insert(connection: &Connection, frame: &SampleFrame) -> Result<(), StoreError> {
    let rates = serde_json::to_string(&frame.rates).unwrap_or_default();
    connection.execute(
        "INSERT INTO sample_frames (source, sha256, imported_at, population, n_devices, chosen_by, seed, rates, manifest, tables) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            frame.source,
            frame.sha256,
            frame.imported_at,
            frame.population.map(stored),
            frame.n_devices.map(stored),
            frame.chosen_by,
            frame.seed,
            rates,
            frame.manifest,
            frame.tables
        ],
    )?;
    Ok(())
}

fn frame_row(row: &Row<'_>) -> rusqlite::Result<SampleFrame> {
    let rates: String = row.get("rates")?;
    Ok(SampleFrame {
        source: row.get("source")?,
        sha256: row.get("sha256")?,
        imported_at: row.get("imported_at")?,
        population: unsigned_or_null(row, "population")?,
        n_devices: unsigned_or_null(row, "n_devices")?,
        chosen_by: row.get("chosen_by")?,
        seed: row.get("seed")?,
        rates: serde_json::from_str(&rates).unwrap_or_default(),
        manifest: row.get("manifest")?,
        tables: row.get("tables")?,
    })
}

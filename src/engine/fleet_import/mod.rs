//! Importing a fleet sample: tables of heartbeats and events with a manifest, all of them or none.
//!
//! An import is one transaction: one that is cancelled or killed is as if it had not begun, and is simply begun again. The
//! tables are not kept; their hash, their path and the manifest are.

mod held;
mod preflight;
mod reading;
mod stored;
pub mod words;

pub use crate::formats::fleet_manifest::parse as read_manifest;
pub use crate::formats::table::mapping::{ColumnMapping, Mapping, Role, TableUse};
pub use crate::formats::table::reader::TableFormat;
pub use crate::formats::table::{BadRow, BadRows, ColumnKind, SampleColumn, TimeUnit};
pub use held::{HeldSample, HeldSamples};
pub use preflight::{Preflight, preflight};
pub use stored::{import, imported_at, read_before, tables_of};

use super::examine::is_manifest as is_bundle_manifest;
use super::file_bytes::FileBytes;
use super::input::{Inputs, Refused};
use crate::formats::fleet_manifest::{self, FLEET_MANIFEST_FILE_NAME, FleetManifest};
use crate::formats::table::reader::Table;
use crate::formats::table::{TableError, sample_columns};
use crate::model::progress::{Cancelled, Progress};
use crate::model::warning::Warning;
use crate::store::sha256::Sha256;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// So much of a file tells whether it is a table.
const HEAD_BYTES: usize = 64 << 10;

/// One table of a sample.
#[derive(Clone, Debug)]
pub struct SampleTable {
    /// Path in the input.
    pub path: String,
    pub bytes: FileBytes,
    pub format: TableFormat,
    pub mapping: Mapping,
    pub mapped_by: MappedBy,
    /// Its columns as the first rows show them.
    pub columns: Vec<SampleColumn>,
}

/// Who says what the columns of a table are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MappedBy {
    /// Their names.
    #[default]
    Names,
    /// `fleet.json`.
    Manifest,
    /// An earlier table with the same columns, and when that was imported (RFC 3339).
    Before(String),
    /// Whoever imported it.
    Person,
}

/// What is known of tables before they are read.
#[derive(Clone, Debug, Default)]
pub struct KnownTables {
    /// Of earlier tables, the last first.
    pub before: Vec<TableBefore>,
    /// What a person said of these tables, by their paths in the input.
    pub chosen: BTreeMap<String, Mapping>,
}

/// How an earlier table was read.
#[derive(Clone, Debug)]
pub struct TableBefore {
    pub mapping: Mapping,
    /// RFC 3339.
    pub imported_at: String,
}

/// The tables of an input, and what it says of itself.
#[derive(Clone, Debug, Default)]
pub struct FleetSample {
    /// In the order of their paths.
    pub tables: Vec<SampleTable>,
    pub manifest: Option<FleetManifest>,
    /// Tables that cannot be read at all.
    pub refused: Vec<Refused>,
    /// What is wrong with the manifest.
    pub warnings: Vec<Warning>,
}

/// What was read of one table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TableReport {
    pub path: String,
    pub format: TableFormat,
    /// Who said what its columns are.
    #[serde(default)]
    pub mapped_by: MappedBy,
    /// What its columns were taken for.
    #[serde(flatten)]
    pub mapping: Mapping,
    /// Rows, good and bad.
    pub n_rows: u64,
    pub bad_rows: BadRows,
    /// What is damaged.
    pub warnings: Vec<Warning>,
}

/// What came of a sample.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FleetSummary {
    pub n_devices: u64,
    pub n_heartbeats: u64,
    /// Values of metrics.
    pub n_points: u64,
    pub n_events: u64,
    /// Devices of the whole fleet; `None`: only rates can be said.
    pub population: Option<u64>,
    /// Nothing was stored: the same bytes were imported before.
    pub already_here: bool,
    pub tables: Vec<TableReport>,
    pub warnings: Vec<Warning>,
}

impl FleetSample {
    /// Takes the tables and the manifest of a sample out of an input; the rest stays. Without a table nothing is taken. A table is read
    /// as a person says, else as the manifest does, else as an earlier one with the same columns was.
    pub fn take(inputs: &mut Inputs, known: &KnownTables) -> Option<Self> {
        let is_manifest = |path: &str| path.rsplit('/').next() == Some(FLEET_MANIFEST_FILE_NAME);
        let mut sample = Self::default();
        let manifest = inputs.files.iter().find(|file| is_manifest(&file.path));
        if let Some(file) = manifest {
            let (manifest, warnings) = fleet_manifest::parse(&file.bytes);
            sample.manifest = Some(manifest);
            sample.warnings = warnings;
        }
        let mut rest = Vec::new();
        for file in std::mem::take(&mut inputs.files) {
            // It names a device and a time, as an event does, and is none.
            if is_bundle_manifest(&file.path) {
                rest.push(file);
                continue;
            }
            match sample.table_of(&file.path, &file.bytes, known) {
                Some(Ok(table)) => sample.tables.push(table),
                Some(Err(reason)) => sample.refused.push(Refused {
                    path: file.path,
                    reason,
                }),
                None => rest.push(file),
            }
        }
        inputs.files = rest;
        if sample.tables.is_empty() && sample.refused.is_empty() {
            return None;
        }
        inputs.files.retain(|file| !is_manifest(&file.path));
        sample.tables.sort_by(|a, b| a.path.cmp(&b.path));
        Some(sample)
    }

    /// The table that a file is; `None`: it is something else.
    fn table_of(
        &self,
        path: &str,
        bytes: &FileBytes,
        known: &KnownTables,
    ) -> Option<Result<SampleTable, String>> {
        let manifest = self.manifest.as_ref();
        let given = manifest.and_then(|manifest| manifest.mapping(path));
        let chosen = known.chosen.get(path);
        let head = bytes.get(..HEAD_BYTES).unwrap_or(bytes);
        // Whether a text with unusual columns is a table is known from its mapping alone.
        let may_be_known = given.is_some() || chosen.is_some() || !known.before.is_empty();
        let by_name = || TableFormat::of_extension(path).filter(|_| may_be_known);
        let format = TableFormat::of(head).or_else(by_name)?;
        let table = match Table::open(bytes, format) {
            Ok(table) => table,
            // Only Parquet says for certain what it is; a text that is no table is a text.
            Err(TableError::Unreadable(warning)) if format == TableFormat::Parquet => {
                return Some(Err(warning.message));
            }
            Err(_) => return None,
        };
        let columns = table.columns();
        let mut before = known.before.iter();
        let before = before.find(|table| table.mapping.is_of(columns));
        let (mapped_by, mapping) = match (chosen, given, before) {
            (Some(chosen), _, _) => {
                let usable = chosen.wrong().map_or_else(|| Ok(chosen.clone()), Err);
                (MappedBy::Person, usable)
            }
            (None, Some(given), _) => (MappedBy::Manifest, given.clone().completed(columns)),
            (None, None, Some(before)) => (
                MappedBy::Before(before.imported_at.clone()),
                Ok(before.mapping.clone()),
            ),
            (None, None, None) => (MappedBy::Names, Mapping::guess(columns, table.sample())),
        };
        match mapping {
            Ok(mapping) => Some(Ok(SampleTable {
                path: path.to_owned(),
                bytes: bytes.clone(),
                format,
                mapping,
                mapped_by,
                columns: sample_columns(columns, table.sample()),
            })),
            Err(words) if format == TableFormat::Parquet || mapped_by != MappedBy::Names => {
                Some(Err(words))
            }
            Err(_) => None,
        }
    }

    /// Bytes of all tables.
    pub fn n_bytes(&self) -> u64 {
        self.tables
            .iter()
            .map(|table| table.bytes.len() as u64)
            .sum()
    }

    /// The name of the tables by their content: the same sample again has the same.
    fn sha256(&self, progress: &dyn Progress) -> Result<Sha256, Cancelled> {
        let mut hashes = Vec::new();
        for table in &self.tables {
            hashes.push((
                table.path.as_str(),
                Sha256::of_many(&table.bytes, progress)?,
            ));
        }
        Ok(Sha256::of_files(hashes))
    }
}

impl FleetSummary {
    /// `1,000 devices, 168,000 heartbeats, 16,800,000 points, 480 events. Population unknown: rates only.`
    pub fn sentence(&self) -> String {
        let what = if self.already_here {
            "Already here: the same sample was imported before.".to_owned()
        } else {
            format!(
                "{}, {}, {}, {}.",
                counted(self.n_devices, "device"),
                counted(self.n_heartbeats, "heartbeat"),
                counted(self.n_points, "point"),
                counted(self.n_events, "event")
            )
        };
        let of = match self.population {
            Some(population) => format!("A sample of {}.", counted(population, "device")),
            None => "Population unknown: rates only.".to_owned(),
        };
        match self.tables.iter().map(|table| table.bad_rows.n).sum() {
            0 => format!("{what} {of}"),
            n_bad => format!("{what} {of} {}.", counted(n_bad, "bad row")),
        }
    }
}

/// `1 device`, `1,000 devices`.
pub fn counted(n: u64, what: &str) -> String {
    let ending = if n == 1 { "" } else { "s" };
    format!("{} {what}{ending}", grouped(n))
}

/// A number with commas between thousands.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

//! A sample in the workspace.

use super::reading::{Part, Stop, Stopped, read};
use super::{FleetSample, FleetSummary, TableBefore, TableReport, grouped};
use crate::engine::job::JobError;
use crate::engine::workspace::{Workspace, now};
use crate::formats::table::mapping::definition_of_name;
use crate::model::progress::Progress;
use crate::model::series::{HeartbeatBatch, Values};
use crate::store::error::StoreError;
use crate::store::open::Store;
use crate::store::reader::Reader;
use crate::store::series::{SampleFrame, SeriesWriter, UnitSource};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const BUG: &str = "FS-BUG-002: a bug in Fieldscope ended the reading of a table. Nothing was stored; please report it";

/// Puts a sample into the workspace, all of it or nothing. The same sample again, read in the same way, changes nothing.
pub fn import(
    workspace: &Workspace,
    sample: &FleetSample,
    source: &str,
    progress: &dyn Progress,
) -> Result<FleetSummary, JobError> {
    let population = sample
        .manifest
        .as_ref()
        .and_then(|manifest| manifest.population);
    let frames = workspace.context().reader()?.sample_frames()?;
    let known = if frames.is_empty() {
        None
    } else {
        Some(sample.sha256(progress)?.to_string())
    };
    if let Some(sha256) = &known
        && read_so_before(frames, sample, sha256).is_some()
    {
        return Ok(FleetSummary {
            already_here: true,
            population,
            ..FleetSummary::default()
        });
    }
    // Where nothing can be here already, the name by content is made while the tables are read.
    let stop = Stop::default();
    let summary = std::thread::scope(|scope| {
        let name = scope.spawn(|| match known {
            Some(sha256) => Ok(sha256),
            None => sample.sha256(&stop).map(|sha256| sha256.to_string()),
        });
        let stored = store(workspace.store(), sample, source, progress, || {
            let name = name.join();
            let name = name.map_err(|_panic| JobError::Failed(BUG.to_owned()))?;
            Ok(name?)
        });
        stop.stop();
        stored
    });
    Ok(FleetSummary {
        population,
        warnings: sample.warnings.clone(),
        ..summary?
    })
}

/// When the same sample was imported last, and read in the same way (RFC 3339).
pub fn imported_at(
    reader: &Reader,
    sample: &FleetSample,
    progress: &dyn Progress,
) -> Result<Option<String>, JobError> {
    let frames = reader.sample_frames()?;
    if frames.is_empty() {
        return Ok(None);
    }
    let sha256 = sample.sha256(progress)?.to_string();
    let frame = read_so_before(frames, sample, &sha256);
    Ok(frame.map(|frame| frame.imported_at))
}

/// The last import of the same bytes, if they were read in the same way.
fn read_so_before(
    frames: Vec<SampleFrame>,
    sample: &FleetSample,
    sha256: &str,
) -> Option<SampleFrame> {
    let mut frames = frames.into_iter().rev();
    let last = frames.find(|frame| frame.sha256.as_deref() == Some(sha256))?;
    let is_read_so = tables_of(&last).iter().all(|table| {
        let mut own = sample.tables.iter();
        own.any(|own| own.path == table.path && own.mapping == table.mapping)
    });
    is_read_so.then_some(last)
}

/// What was read of the tables of a sample. What another version wrote and this one cannot read is none.
pub fn tables_of(frame: &SampleFrame) -> Vec<TableReport> {
    let tables = frame.tables.as_deref();
    let tables = tables.and_then(|text| serde_json::from_str(text).ok());
    tables.unwrap_or_default()
}

/// How the tables of earlier samples were read, the last first.
pub fn read_before(reader: &Reader) -> Result<Vec<TableBefore>, StoreError> {
    let frames = reader.sample_frames()?.into_iter().rev();
    let before = frames.flat_map(|frame| {
        let tables = tables_of(&frame);
        tables.into_iter().map(move |table| TableBefore {
            mapping: table.mapping,
            imported_at: frame.imported_at.clone(),
        })
    });
    Ok(before.collect())
}

/// Writes a sample into any workspace file. `sha256` is asked for its name by content at the end.
fn store(
    store: &Store,
    sample: &FleetSample,
    source: &str,
    progress: &dyn Progress,
    sha256: impl FnOnce() -> Result<String, JobError>,
) -> Result<FleetSummary, JobError> {
    let before = size_on_disk(store.path());
    let mut writer = store.begin_series()?;
    let n_writes = writer.n_writes();
    let mut seen = Seen::default();
    for table in &sample.tables {
        let definitions = table.mapping.definitions();
        seen.metrics
            .extend(definitions.iter().map(|metric| metric.name.clone()));
        writer.define(&definitions, UnitSource::Guessed)?;
    }
    let mut n_bytes_read = 0;
    let read = read(sample, progress, |part, at| {
        n_bytes_read = at;
        seen.add(&mut writer, part)
    });
    let missing = |error: StoreError, packed: u64| {
        if !matches!(error, StoreError::DiskFull { .. }) {
            return error.into();
        }
        let written = size_on_disk(store.path()).saturating_sub(before);
        let needed = n_writes * room_that_is_needed(packed, n_bytes_read, sample.n_bytes());
        JobError::Failed(format!(
            "{error}. About {} bytes of room are missing",
            grouped(needed.saturating_sub(written))
        ))
    };
    let tables = match read {
        Ok(tables) => tables,
        Err(Stopped::Cancelled) => return Err(JobError::Cancelled),
        Err(Stopped::Use(error)) => return Err(missing(error, writer.packed_bytes())),
        Err(Stopped::Bug) => {
            return Err(JobError::Failed(BUG.to_owned()));
        }
    };
    let mut frame = frame(sample, source, sha256()?);
    frame.tables = serde_json::to_string(&tables).ok();
    let framed = writer.set_frame(&frame);
    framed.map_err(|error| missing(error, writer.packed_bytes()))?;
    let totals = writer.commit();
    let totals = totals.map_err(|error| missing(error, writer.packed_bytes()))?;
    Ok(FleetSummary {
        n_devices: seen.devices.len() as u64,
        n_heartbeats: totals.n_rows,
        n_points: totals.n_points,
        n_events: totals.n_events,
        tables,
        ..FleetSummary::default()
    })
}

fn frame(sample: &FleetSample, source: &str, sha256: String) -> SampleFrame {
    let manifest = sample.manifest.clone().unwrap_or_default();
    SampleFrame {
        source: source.to_owned(),
        sha256: Some(sha256),
        imported_at: now(),
        population: manifest.population,
        n_devices: manifest.n_devices,
        chosen_by: manifest.chosen_by,
        seed: manifest.seed,
        rates: manifest.rates,
        manifest: sample.manifest.as_ref().map(|_| manifest.text),
        tables: None,
    }
}

/// What an import met so far.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) devices: BTreeSet<String>,
    metrics: BTreeSet<String>,
}

impl Seen {
    /// Stores a part, with the definitions of metrics that no mapping named.
    fn add(&mut self, writer: &mut SeriesWriter<'_>, part: Part) -> Result<(), StoreError> {
        match part {
            Part::Heartbeats(batch) => {
                self.note_devices(&batch);
                for (name, column) in &batch.metrics {
                    if !self.metrics.contains(name) {
                        let is_text = matches!(column.values, Values::Text { .. });
                        writer.define(&[definition_of_name(name, is_text)], UnitSource::Guessed)?;
                        self.metrics.insert(name.clone());
                    }
                }
                writer.add(*batch)
            }
            Part::Events(events) => writer.add_events(&events),
        }
    }

    /// The devices that have a row.
    pub(super) fn note_devices(&mut self, batch: &HeartbeatBatch) {
        let mut last = None;
        for device in &batch.device {
            if last == Some(device) {
                continue;
            }
            last = Some(device);
            if let Some(serial) = batch
                .devices
                .get(*device as usize)
                .filter(|serial| !self.devices.contains(*serial))
            {
                self.devices.insert(serial.clone());
            }
        }
    }
}

/// Bytes of a workspace with what waits to go into it.
pub(super) fn size_on_disk(path: &Path) -> u64 {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |meta| meta.len());
    size(path) + size(&PathBuf::from(log))
}

/// What an import needs on the disk for each time that it is written, if the rest is like what was read: its blocks, and a tenth
/// more for their places.
fn room_that_is_needed(packed: u64, read: u64, total: u64) -> u64 {
    let needed =
        u128::from(packed) * u128::from(total.max(read)) * 11 / (u128::from(read.max(1)) * 10);
    u64::try_from(needed).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::room_that_is_needed;

    #[test]
    fn the_room_that_is_needed_is_that_of_all_tables() {
        assert_eq!(room_that_is_needed(100, 50, 100), 220);
        assert_eq!(room_that_is_needed(100, 100, 100), 110);
        assert_eq!(room_that_is_needed(0, 0, 100), 0);
    }
}

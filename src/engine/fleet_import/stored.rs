//! A sample in the workspace.

use super::reading::{Part, Stopped, read};
use super::{FleetSample, FleetSummary, grouped};
use crate::engine::job::JobError;
use crate::engine::workspace::{Workspace, now};
use crate::formats::table::mapping::definition_of_name;
use crate::model::progress::Progress;
use crate::model::series::{HeartbeatBatch, Values};
use crate::store::error::StoreError;
use crate::store::open::Store;
use crate::store::series::{SampleFrame, SeriesWriter, UnitSource};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Puts a sample into the workspace, all of it or nothing. The same sample again changes nothing.
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
    let sha256 = sample.sha256(progress)?.to_string();
    let frames = workspace.context().reader()?.sample_frames()?;
    if frames
        .iter()
        .any(|frame| frame.sha256.as_ref() == Some(&sha256))
    {
        return Ok(FleetSummary {
            already_here: true,
            population,
            ..FleetSummary::default()
        });
    }
    let frame = frame(sample, source, sha256);
    let mut summary = store(workspace.store(), sample, Some(&frame), progress)?;
    summary.population = population;
    summary.warnings.clone_from(&sample.warnings);
    Ok(summary)
}

/// Writes a sample into any workspace file.
pub(super) fn store(
    store: &Store,
    sample: &FleetSample,
    frame: Option<&SampleFrame>,
    progress: &dyn Progress,
) -> Result<FleetSummary, JobError> {
    let before = size_on_disk(store.path());
    let mut writer = store.begin_series()?;
    let mut seen = Seen::default();
    for table in &sample.tables {
        let definitions = table.mapping.definitions();
        seen.metrics
            .extend(definitions.iter().map(|metric| metric.name.clone()));
        writer.define(&definitions, UnitSource::Guessed)?;
    }
    if let Some(frame) = frame {
        writer.set_frame(frame)?;
    }
    let mut n_bytes_read = 0;
    let read = read(sample, progress, |part, at| {
        n_bytes_read = at;
        seen.add(&mut writer, &part)
    });
    let missing = |error: StoreError| {
        let is_full = matches!(error, StoreError::DiskFull { .. });
        let written = size_on_disk(store.path()).saturating_sub(before);
        let room = is_full.then(|| room_that_is_missing(written, n_bytes_read, sample.n_bytes()));
        match room {
            Some(room) => JobError::Failed(format!(
                "{error}. About {} bytes of room are missing",
                grouped(room)
            )),
            None => error.into(),
        }
    };
    let tables = match read {
        Ok(tables) => tables,
        Err(Stopped::Cancelled) => return Err(JobError::Cancelled),
        Err(Stopped::Use(error)) => return Err(missing(error)),
        Err(Stopped::Bug) => {
            let text = "FS-BUG-002: a bug in Fieldscope ended the reading of a table. Nothing was stored; please report it";
            return Err(JobError::Failed(text.to_owned()));
        }
    };
    let totals = writer.commit().map_err(missing)?;
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
    fn add(&mut self, writer: &mut SeriesWriter<'_>, part: &Part) -> Result<(), StoreError> {
        match part {
            Part::Heartbeats(batch) => {
                self.note_devices(batch);
                for (name, column) in &batch.metrics {
                    if !self.metrics.contains(name) {
                        let is_text = matches!(column.values, Values::Text { .. });
                        writer.define(&[definition_of_name(name, is_text)], UnitSource::Guessed)?;
                        self.metrics.insert(name.clone());
                    }
                }
                writer.add(batch)
            }
            Part::Events(events) => writer.add_events(events),
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

/// What an import needs beyond the room that it filled, if the rest is like what was read. A tenth more is asked for.
fn room_that_is_missing(written: u64, read: u64, total: u64) -> u64 {
    let needed =
        u128::from(written) * u128::from(total.max(read)) * 11 / (u128::from(read.max(1)) * 10);
    u64::try_from(needed)
        .unwrap_or(u64::MAX)
        .saturating_sub(written)
}

#[cfg(test)]
mod tests {
    use super::room_that_is_missing;

    #[test]
    fn the_room_that_is_missing_is_that_of_the_rest_and_a_tenth_more() {
        assert_eq!(room_that_is_missing(100, 50, 100), 120);
        assert_eq!(room_that_is_missing(100, 100, 100), 10);
        assert_eq!(room_that_is_missing(0, 0, 100), 0);
    }
}

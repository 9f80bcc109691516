//! What an import would do: read everything, store only a sample of it, in a file that is thrown away.

use super::reading::{Part, Stopped, read};
use super::stored::{Seen, size_on_disk};
use super::{FleetSample, TableReport, counted, grouped};
use crate::engine::input::Refused;
use crate::engine::job::JobError;
use crate::engine::workspace::now;
use crate::model::progress::Progress;
use crate::model::series::{Column, HeartbeatBatch};
use crate::model::warning::Warning;
use crate::store::error::StoreError;
use crate::store::open::{OpenOptions, Store};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The `schema` of a preflight.
const PREFLIGHT_SCHEMA: &str = "fieldscope.preflight/1";
/// So many values are stored on trial.
const TRIAL_POINTS: u64 = 10_000_000;

/// What an event takes, with its place in the index.
const BYTES_AN_EVENT: f64 = 100.0;

/// What an import would bring, and what it would cost.
#[derive(Clone, Debug, Serialize)]
pub struct Preflight {
    /// Always `fieldscope.preflight/1`.
    pub schema: &'static str,
    pub n_devices: u64,
    pub n_heartbeats: u64,
    pub n_points: u64,
    pub n_events: u64,
    /// Devices of the whole fleet.
    pub population: Option<u64>,
    /// What the workspace will grow by, about.
    pub stored_bytes: u64,
    /// How long it will take, about.
    pub seconds: f64,
    pub tables: Vec<TableReport>,
    pub refused: Vec<Refused>,
    pub warnings: Vec<Warning>,
}

impl Preflight {
    /// `1,000 devices, 16,800,000 points, about 15 MB, about 2 seconds.`
    pub fn sentence(&self) -> String {
        format!(
            "{}, {}, {}, about {}, about {:.1} seconds.",
            counted(self.n_devices, "device"),
            counted(self.n_points, "point"),
            counted(self.n_events, "event"),
            megabytes(self.stored_bytes),
            self.seconds
        )
    }
}

/// Looks at all of a sample. What is stored on trial lies in a folder of its own in `folder` and is removed.
pub fn preflight(
    sample: &FleetSample,
    folder: &Path,
    progress: &dyn Progress,
) -> Result<Preflight, JobError> {
    let mut preflight = Preflight {
        schema: PREFLIGHT_SCHEMA,
        n_devices: 0,
        n_heartbeats: 0,
        n_points: 0,
        n_events: 0,
        population: sample
            .manifest
            .as_ref()
            .and_then(|manifest| manifest.population),
        stored_bytes: 0,
        seconds: 0.0,
        tables: Vec::new(),
        refused: sample.refused.clone(),
        warnings: sample.warnings.clone(),
    };
    let begun = Instant::now();
    let mut seen = Seen::default();
    let mut trial = Trial::default();
    let read = read(sample, progress, |part, _at| {
        match part {
            Part::Events(events) => preflight.n_events += events.len() as u64,
            Part::Heartbeats(batch) => {
                seen.note_devices(&batch);
                let n_points: u64 = batch
                    .metrics
                    .iter()
                    .map(|(_, column)| n_present(column))
                    .sum();
                preflight.n_heartbeats += batch.len() as u64;
                preflight.n_points += n_points;
                if trial.n_points < TRIAL_POINTS {
                    trial.n_points += n_points;
                    trial.batches.push(batch);
                }
            }
        }
        Ok::<(), StoreError>(())
    });
    preflight.tables =
        match read {
            Ok(tables) => tables,
            Err(Stopped::Cancelled) => return Err(JobError::Cancelled),
            Err(Stopped::Use(error)) => return Err(error.into()),
            Err(Stopped::Bug) => return Err(JobError::Failed(
                "FS-BUG-002: a bug in Fieldscope ended the reading of a table; please report it"
                    .to_owned(),
            )),
        };
    let reading = begun.elapsed();
    preflight.n_devices = seen.devices.len() as u64;
    let n_tried = trial.n_points;
    let (bytes, storing) = trial.store(folder, progress)?;
    let share = preflight.n_points as f64 / n_tried.max(1) as f64;
    let stored_bytes = bytes as f64 * share + preflight.n_events as f64 * BYTES_AN_EVENT;
    preflight.stored_bytes = humble(stored_bytes);
    // The next rows are read while the last are stored: the slower of both counts.
    preflight.seconds = reading.as_secs_f64().max(storing.as_secs_f64() * share);
    Ok(preflight)
}

/// Heartbeats that are stored on trial.
#[derive(Default)]
struct Trial {
    #[expect(clippy::vec_box, reason = "they come in boxes")]
    batches: Vec<Box<HeartbeatBatch>>,
    n_points: u64,
}

impl Trial {
    /// Bytes that they take, and how long it took.
    fn store(self, folder: &Path, progress: &dyn Progress) -> Result<(u64, Duration), JobError> {
        let folder = TrialFolder::new(folder)?;
        let path = folder.0.join("trial.fieldscope");
        drop(Store::open(&path, &OpenOptions::new(now()))?);
        let empty = size_on_disk(&path);
        let store = Store::open(&path, &OpenOptions::new(now()))?;
        let begun = Instant::now();
        let mut writer = store.begin_series()?;
        let n_batches = self.batches.len() as u64;
        for (done, batch) in (0..).zip(self.batches) {
            progress.tick(done, n_batches)?;
            writer.add(*batch)?;
        }
        writer.commit()?;
        let storing = begun.elapsed();
        drop(writer);
        drop(store);
        Ok((size_on_disk(&path).saturating_sub(empty), storing))
    }
}

/// A folder of our own, removed with all that is in it.
struct TrialFolder(PathBuf);

impl TrialFolder {
    fn new(parent: &Path) -> Result<Self, JobError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!(".fieldscope-trial-{}-{number}", std::process::id()));
        match std::fs::create_dir(&path) {
            Ok(()) => Ok(Self(path)),
            Err(error) => Err(JobError::Failed(format!(
                "FS-IN-007: no room for a trial can be made: {error}: {}",
                path.display()
            ))),
        }
    }
}

impl Drop for TrialFolder {
    fn drop(&mut self) {
        // What is left of a trial harms nobody.
        _ = std::fs::remove_dir_all(&self.0);
    }
}

fn n_present(column: &Column) -> u64 {
    column
        .present
        .as_ref()
        .map_or(column.values.len() as u64, |words| {
            words.iter().map(|word| u64::from(word.count_ones())).sum()
        })
}

fn humble(bytes: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate of a file's size"
    )]
    let bytes = bytes as u64;
    bytes
}

fn megabytes(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        _ => format!("{} MB", grouped(bytes.div_ceil(1_000_000))),
    }
}

//! Samples that wait for somebody to say whether they are imported, and what their columns are.

use super::{FleetSample, Mapping, Preflight, SampleColumn, imported_at, preflight};
use crate::engine::job::JobError;
use crate::engine::workspace::Workspace;
use crate::model::progress::Progress;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A sample that was looked at and is not imported yet.
#[derive(Clone, Debug)]
pub struct HeldSample {
    /// Its number among all that were held.
    pub id: u64,
    /// What it is called: the name of the folder or file.
    pub name: String,
    /// What was dropped.
    pub paths: Vec<PathBuf>,
    /// What its import would bring and cost.
    pub preflight: Preflight,
    /// The columns of each table, by its path.
    pub columns: BTreeMap<String, Vec<SampleColumn>>,
    /// Files beside its tables, which become a capture.
    pub n_other_files: usize,
    /// The same sample, read in the same way, was imported then (RFC 3339).
    pub imported_at: Option<String>,
}

impl HeldSample {
    /// Looks at a sample that was taken out of what lies at `paths`.
    pub(in crate::engine) fn look(
        workspace: &Workspace,
        (name, paths): (&str, &[PathBuf]),
        sample: &FleetSample,
        n_other_files: usize,
        progress: &dyn Progress,
    ) -> Result<Self, JobError> {
        let columns = sample.tables.iter();
        let columns = columns.map(|table| (table.path.clone(), table.columns.clone()));
        let reader = workspace.context().reader()?;
        Ok(Self {
            id: 0,
            name: name.to_owned(),
            paths: paths.to_vec(),
            imported_at: imported_at(&reader, sample, progress)?,
            preflight: preflight(sample, workspace.folder(), progress)?,
            columns: columns.collect(),
            n_other_files,
        })
    }

    /// The `mappings` of a `fleet.json` that says the same.
    pub fn manifest_of(mappings: &BTreeMap<String, Mapping>) -> String {
        let text = serde_json::to_string_pretty(&serde_json::json!({
            "schema": crate::formats::fleet_manifest::FLEET_MANIFEST_SCHEMA,
            "mappings": mappings,
        }));
        text.unwrap_or_default()
    }
}

/// The samples of an engine that wait, the first first.
#[derive(Clone, Default)]
pub struct HeldSamples {
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    last_id: u64,
    samples: Vec<Arc<HeldSample>>,
}

impl HeldSamples {
    /// The one that is asked about.
    pub fn first(&self) -> Option<Arc<HeldSample>> {
        self.lock().samples.first().cloned()
    }

    /// Holds another.
    pub(in crate::engine) fn hold(&self, mut sample: HeldSample) {
        let mut waiting = self.lock();
        waiting.last_id += 1;
        sample.id = waiting.last_id;
        waiting.samples.push(Arc::new(sample));
    }

    /// Lets one go.
    pub(in crate::engine) fn take(&self, id: u64) -> Option<Arc<HeldSample>> {
        let mut waiting = self.lock();
        let at = waiting.samples.iter().position(|sample| sample.id == id)?;
        Some(waiting.samples.remove(at))
    }

    /// One that waits.
    pub(in crate::engine) fn get(&self, id: u64) -> Option<Arc<HeldSample>> {
        let waiting = self.lock();
        let mut samples = waiting.samples.iter();
        samples.find(|sample| sample.id == id).cloned()
    }

    /// Puts what a second look found in place of what was known; nothing where it was let go meanwhile.
    pub(in crate::engine) fn replace(&self, sample: HeldSample) {
        let mut waiting = self.lock();
        let mut samples = waiting.samples.iter_mut();
        if let Some(held) = samples.find(|held| held.id == sample.id) {
            *held = Arc::new(sample);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

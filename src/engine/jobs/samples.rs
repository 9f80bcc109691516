//! Fleet samples that are dropped on the window wait until somebody has said what their columns are.

use crate::engine::Engine;
use crate::engine::file_bytes::Access;
use crate::engine::fleet_import::{HeldSample, Mapping};
use crate::engine::import::{self, import_paths_as};
use crate::engine::job::{JobContext, JobError, JobResult};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Imports captures; samples are held.
pub(super) fn import_or_hold(engine: &Engine, paths: &[PathBuf], job: &JobContext) -> JobResult {
    let workspace = engine.workspace();
    let access = Access::Copy(workspace.folder());
    let (summary, held) = import::import_or_hold(workspace, paths, access, job)?;
    let mut sentences = Vec::new();
    if held.is_empty() || !summary.captures.is_empty() {
        sentences.push(summary.sentence());
    }
    for sample in held {
        sentences.push(format!(
            "{} waits for a look at its columns: {}",
            sample.name,
            sample.preflight.sentence()
        ));
        engine.held.hold(sample);
    }
    Ok(sentences.join(" "))
}

/// Imports one that waits.
pub(super) fn import(
    engine: &Engine,
    sample: u64,
    chosen: &BTreeMap<String, Mapping>,
    job: &JobContext,
) -> JobResult {
    let held = engine.held.take(sample).ok_or_else(gone)?;
    let workspace = engine.workspace();
    let access = Access::Copy(workspace.folder());
    job.detail(held.name.clone());
    Ok(import_paths_as(workspace, &held.paths, chosen, access, job)?.sentence())
}

/// Looks at one that waits again.
pub(super) fn look_again(
    engine: &Engine,
    sample: u64,
    chosen: &BTreeMap<String, Mapping>,
    job: &JobContext,
) -> JobResult {
    let held: Arc<HeldSample> = engine.held.get(sample).ok_or_else(gone)?;
    let workspace = engine.workspace();
    let access = Access::Copy(workspace.folder());
    let looked = import::look_again(workspace, &held, chosen, access, job)?;
    let sentence = looked.preflight.sentence();
    engine.held.replace(looked);
    Ok(sentence)
}

/// Lets one go.
pub(super) fn leave(engine: &Engine, sample: u64) -> JobResult {
    let held = engine.held.take(sample).ok_or_else(gone)?;
    Ok(format!("{} was not imported", held.name))
}

fn gone() -> JobError {
    JobError::Failed("This sample does not wait any more. Drop it on the window again.".to_owned())
}

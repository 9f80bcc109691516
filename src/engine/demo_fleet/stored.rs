//! The demo fleet in a workspace.

use super::{DemoFleet, POPULATION};
use crate::engine::context::QueryContext;
use crate::model::progress::{Cancelled, Progress};
use crate::store::error::StoreError;
use crate::store::series::{SampleFrame, SeriesTotals, UnitSource};
use std::time::SystemTime;

/// Devices that are made before they are stored.
const AT_ONCE: u32 = 256;

/// Why there is no demo fleet.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// It was cancelled: the workspace is as it was.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The workspace cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Puts the heartbeats and events of a fleet into a workspace, all of them or none.
pub fn store(
    context: &QueryContext,
    fleet: DemoFleet,
    progress: &dyn Progress,
) -> Result<SeriesTotals, DemoError> {
    let mut writer = context.store().begin_series()?;
    let truth = fleet.truth();
    writer.set_frame(&SampleFrame {
        source: format!("demo fleet, seed {}", fleet.seed),
        imported_at: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        population: Some(truth.population),
        n_devices: Some(u64::from(fleet.n_devices)),
        chosen_by: Some(format!("one device in {POPULATION}")),
        seed: i64::try_from(fleet.seed).ok(),
        manifest: serde_json::to_string(&truth).ok(),
        ..SampleFrame::default()
    })?;
    writer.define(&fleet.definitions(), UnitSource::Defined)?;
    let mut first = 0;
    while first < fleet.n_devices {
        progress.tick(u64::from(first), u64::from(fleet.n_devices))?;
        let end = first.saturating_add(AT_ONCE).min(fleet.n_devices);
        let (batch, events) = fleet.devices(first..end);
        writer.add(batch)?;
        writer.add_events(&events)?;
        first = end;
    }
    Ok(writer.commit()?)
}

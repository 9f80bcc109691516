//! Every crash of the workspace, grouped by fingerprint.

use crate::engine::context::QueryContext;
use crate::engine::query::{Query, QueryError};
use crate::model::report::FaultKind;
use std::collections::BTreeSet;

/// Asks for all crashes whose row holds `find` (in any letter case); all of them when it is empty.
#[derive(Clone, Debug, Default)]
pub struct CrashListQuery {
    /// What a row must hold.
    pub find: String,
}

/// Crashes of one fingerprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashGroup {
    /// The key; `None` for crashes that cannot be grouped.
    pub key: Option<String>,
    /// The headline of the newest crash.
    pub summary: String,
    /// The crashes, newest first.
    pub crashes: Vec<CrashRow>,
    /// How many devices they are of.
    pub n_devices: usize,
}

/// One crash in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashRow {
    /// Id in the workspace.
    pub id: i64,
    /// The capture it came with.
    pub capture: i64,
    /// Name of that capture.
    pub capture_name: String,
    /// When it was imported, RFC 3339.
    pub imported_at: String,
    /// Serial number of the device, if known.
    pub device: Option<String>,
    /// Boot it happened in, from 0.
    pub boot: Option<u32>,
    /// Software version, if known.
    pub version: Option<String>,
    /// Build id, as hex.
    pub build_id: Option<String>,
    /// Class of the fault.
    pub kind: Option<FaultKind>,
    /// The headline.
    pub summary: String,
    /// Thread that crashed.
    pub thread: Option<String>,
    /// Function that crashed.
    pub function: Option<String>,
    /// Symbols were at hand.
    pub is_symbolized: bool,
    /// The symbols are proven to be its own.
    pub is_verified: bool,
    /// Grouping key.
    pub fingerprint: Option<String>,
    /// Names the captured bytes; `None` when no memory was captured.
    pub dump_key: Option<String>,
    /// Captures that hold these very bytes.
    pub n_seen: u64,
}

impl CrashRow {
    fn holds(&self, needle: &str) -> bool {
        let texts = [
            Some(&self.summary),
            Some(&self.capture_name),
            self.device.as_ref(),
            self.version.as_ref(),
            self.build_id.as_ref(),
            self.thread.as_ref(),
            self.function.as_ref(),
            self.fingerprint.as_ref(),
        ];
        texts
            .into_iter()
            .flatten()
            .any(|text| text.to_lowercase().contains(needle))
    }
}

impl Query for CrashListQuery {
    type Output = Vec<CrashGroup>;

    fn run(&self, context: &QueryContext) -> Result<Vec<CrashGroup>, QueryError> {
        let needle = self.find.to_lowercase();
        let mut groups: Vec<CrashGroup> = Vec::new();
        let mut dumps = BTreeSet::new();
        for row in context.crash_rows()? {
            if !row.holds(&needle) {
                continue;
            }
            // The same bytes in two captures are one crash seen twice: its newest capture stands for it.
            if row
                .dump_key
                .as_ref()
                .is_some_and(|key| !dumps.insert(key.clone()))
            {
                continue;
            }
            let same = groups
                .iter_mut()
                .find(|group| group.key.is_some() && group.key == row.fingerprint);
            match same {
                Some(group) => group.crashes.push(row),
                None => groups.push(CrashGroup {
                    key: row.fingerprint.clone(),
                    summary: row.summary.clone(),
                    crashes: vec![row],
                    n_devices: 0,
                }),
            }
        }
        for group in &mut groups {
            let mut devices: Vec<(Option<&String>, i64)> = group
                .crashes
                .iter()
                // Without a serial number each capture is a device of its own.
                .map(|c| {
                    (
                        c.device.as_ref(),
                        if c.device.is_some() { 0 } else { c.capture },
                    )
                })
                .collect();
            devices.sort();
            devices.dedup();
            group.n_devices = devices.len();
        }
        // Most frequent first; equal ones stay newest first.
        groups.sort_by_key(|group| std::cmp::Reverse(group.crashes.len()));
        Ok(groups)
    }
}

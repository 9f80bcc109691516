//! A crash as lists show it.

use crate::engine::fleet::crash_marks::nanos;
use crate::model::report::FaultKind;
use std::collections::BTreeSet;

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
    /// When its file began or its capture was made, RFC 3339, if something says so.
    pub captured_at: Option<String>,
    /// The device; one without a serial number is a device of its own for each capture.
    pub device_id: i64,
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
    /// When its file began or its capture was made, nanoseconds since 1970.
    pub fn captured_ns(&self) -> Option<i64> {
        nanos(self.captured_at.as_deref()?)
    }

    /// True when one of its texts holds `needle`, which is lower case.
    pub fn holds(&self, needle: &str) -> bool {
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

/// How many devices crashes are of.
pub fn n_devices<'a>(rows: impl IntoIterator<Item = &'a CrashRow>) -> usize {
    let devices: BTreeSet<i64> = rows.into_iter().map(|row| row.device_id).collect();
    devices.len()
}

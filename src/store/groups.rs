//! Crashes grouped by their fingerprint: the list of issues.

use crate::{
    model::report::FaultKind,
    store::{
        crash::{CrashFilter, CrashRow, FingerprintKey},
        error::StoreError,
        ids::{CrashId, DeviceId},
        reader::Reader,
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// Crashes that have one cause, as far as the fingerprint can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashGroup {
    /// The key; `None` for a crash that has none: it is a group of its own.
    pub fingerprint: Option<FingerprintKey>,
    /// Different crashes (a dump that is in two captures counts once).
    pub n_crashes: u64,
    /// Devices it was seen on, each unknown one counted.
    pub n_devices: u64,
    /// Classes of fault, normally one.
    pub kinds: Vec<FaultKind>,
    /// Versions it was seen in, by name; crashes of unknown version are not in it.
    pub versions: Vec<String>,
    /// When it was first imported.
    pub first_imported_at: String,
    /// When it was last imported.
    pub last_imported_at: String,
    /// The newest crash: the one to open.
    pub newest: CrashId,
    /// Its headline.
    pub summary: Option<String>,
    /// Its function.
    pub function: Option<String>,
    /// Its thread.
    pub thread: Option<String>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum GroupKey {
    Fingerprint(FingerprintKey),
    Alone(String),
}

impl Reader {
    /// All groups: the largest first, of equals the one with the newest crash.
    pub fn crash_groups(&self) -> Result<Vec<CrashGroup>, StoreError> {
        let rows = self.crashes(&CrashFilter::default())?;
        let mut members: BTreeMap<GroupKey, Vec<&CrashRow>> = BTreeMap::new();
        for row in &rows {
            let key = row
                .fingerprint
                .clone()
                .map_or_else(|| GroupKey::Alone(identity(row)), GroupKey::Fingerprint);
            members.entry(key).or_default().push(row);
        }
        let mut groups: Vec<CrashGroup> = members
            .into_values()
            .filter_map(|rows| group(&rows))
            .collect();
        groups.sort_by(|a, b| {
            (b.n_crashes, &b.last_imported_at, b.newest).cmp(&(
                a.n_crashes,
                &a.last_imported_at,
                a.newest,
            ))
        });
        Ok(groups)
    }
}

/// `rows` are sorted, the newest first.
fn group(rows: &[&CrashRow]) -> Option<CrashGroup> {
    let newest = rows.first()?;
    let oldest = rows.last()?;
    let crashes: BTreeSet<String> = rows.iter().map(|row| identity(row)).collect();
    let devices: BTreeSet<DeviceId> = rows.iter().map(|row| row.device).collect();
    let kinds: BTreeSet<FaultKind> = rows.iter().filter_map(|row| row.kind).collect();
    let versions: BTreeSet<&String> = rows.iter().filter_map(|row| row.version.as_ref()).collect();
    Some(CrashGroup {
        fingerprint: newest.fingerprint.clone(),
        n_crashes: u64::try_from(crashes.len()).unwrap_or(u64::MAX),
        n_devices: u64::try_from(devices.len()).unwrap_or(u64::MAX),
        kinds: kinds.into_iter().collect(),
        versions: versions.into_iter().cloned().collect(),
        first_imported_at: oldest.imported_at.clone(),
        last_imported_at: newest.imported_at.clone(),
        newest: newest.id,
        summary: newest.summary.clone(),
        function: newest.function.clone(),
        thread: newest.thread.clone(),
    })
}

/// What makes a crash the same crash in two captures.
fn identity(row: &CrashRow) -> String {
    row.dump_key
        .as_ref()
        .map_or_else(|| format!("crash {}", row.id), |key| format!("dump {key}"))
}

#[cfg(test)]
mod tests {
    use crate::{
        model::{progress::Unattended, report::FaultKind},
        store::{crash::FingerprintKey, testing},
    };

    #[test]
    fn groups_are_by_version_and_key_the_largest_first() {
        let (_folder, store) = testing::store();
        let add = |name: &str, at: &str, crashes: &[(u32, &str, Option<&str>)]| {
            let mut new = testing::capture(name, &[(name, b"1")]);
            at.clone_into(&mut new.imported_at);
            new.crashes = crashes
                .iter()
                .map(|(version, key, dump)| {
                    let mut crash = testing::crash(None, *dump);
                    crash.report.fingerprint = testing::fingerprint(*version, key);
                    crash
                })
                .collect();
            store.add_capture(&new, &Unattended).unwrap();
        };
        add(
            "1",
            "2026-01-01T00:00:00Z",
            &[(1, "a", Some("x")), (1, "b", None)],
        );
        add(
            "2",
            "2026-01-02T00:00:00Z",
            &[(1, "a", Some("x")), (2, "a", None), (1, "b", None)],
        );
        add(
            "3",
            "2026-01-03T00:00:00Z",
            &[(0, "", Some("y")), (0, "", None)],
        );
        let groups = store.reader().unwrap().crash_groups().unwrap();
        let summary: Vec<_> = groups
            .iter()
            .map(|group| {
                let key = group
                    .fingerprint
                    .as_ref()
                    .map(|f| (f.version, f.key.as_str()));
                (key, group.n_crashes, group.n_devices)
            })
            .collect();
        assert_eq!(
            summary,
            [
                (Some((1, "b")), 2, 2),
                (None, 1, 1),
                (None, 1, 1),
                (Some((2, "a")), 1, 1),
                (Some((1, "a")), 1, 2),
            ]
        );
        let first = &groups[0];
        assert_eq!(
            first.fingerprint,
            Some(FingerprintKey {
                version: 1,
                key: "b".to_owned()
            })
        );
        assert_eq!(first.kinds, [FaultKind::BusFault]);
        assert_eq!(
            (
                first.first_imported_at.as_str(),
                first.last_imported_at.as_str()
            ),
            ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
        );
    }
}

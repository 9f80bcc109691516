//! Builds: what is known about each, and which of them lack symbols.

use crate::{
    model::{arch::Arch, build_id::BuildId},
    store::{
        capture::{Boot, Software},
        error::StoreError,
        ids::CaptureId,
        reader::Reader,
        rows::{arch, build_id, unsigned},
    },
};
use rusqlite::{Row, Transaction, params};
use std::collections::{BTreeMap, BTreeSet};

/// A build that something in the workspace mentions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildRow {
    /// Its id; `None` of a build that is known by its version only.
    pub build_id: Option<BuildId>,
    /// Software type, if something says it.
    pub software_type: Option<String>,
    /// Version, if something says it.
    pub version: Option<String>,
    /// The processor it is for.
    pub arch: Option<Arch>,
    /// Crashes that carry its id.
    pub n_crashes: u64,
    /// Those among them that still have no names.
    pub n_crashes_without_symbols: u64,
    /// Known places of symbol files with its id.
    pub n_symbol_files: u64,
}

/// A build whose symbols are missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingBuild {
    /// The id that the crashes carry; `None` for crashes that carry none.
    pub build_id: Option<BuildId>,
    /// Software type, if something says it.
    pub software_type: Option<String>,
    /// Version, if something says it.
    pub version: Option<String>,
    /// Different crashes that wait for it.
    pub n_crashes: u64,
    /// Captures they are in, by id.
    pub captures: Vec<CaptureId>,
}

impl Reader {
    /// All builds, by type, version and id.
    pub fn builds(&self) -> Result<Vec<BuildRow>, StoreError> {
        self.list(
            "SELECT b.*, \
             (SELECT count(*) FROM crashes x JOIN captures c ON c.id = x.capture \
              WHERE x.build_id = b.build_id AND c.removed_at IS NULL) AS n_crashes, \
             (SELECT count(*) FROM crashes x JOIN captures c ON c.id = x.capture \
              WHERE x.build_id = b.build_id AND x.symbolized = 0 AND c.removed_at IS NULL) \
              AS n_waiting, \
             (SELECT count(*) FROM symbol_files s WHERE s.build_id = b.build_id) AS n_symbol_files \
             FROM builds b ORDER BY software_type, version, build_id, id",
            [],
            build_row,
        )
    }

    /// Builds whose symbols are missed, the most wanted first; crashes without an id count as one.
    pub fn missing_builds(&self) -> Result<Vec<MissingBuild>, StoreError> {
        let waiting: Vec<(Option<BuildId>, CaptureId, String)> = self.list(
            "SELECT x.build_id, x.capture, coalesce('dump ' || x.dump_key, 'crash ' || x.id) \
             AS identity FROM crashes x JOIN captures c ON c.id = x.capture \
             WHERE x.symbolized = 0 AND c.removed_at IS NULL",
            [],
            |row| {
                Ok((
                    build_id(row, "build_id")?,
                    row.get("capture")?,
                    row.get("identity")?,
                ))
            },
        )?;
        let mut groups: BTreeMap<Option<BuildId>, (BTreeSet<String>, BTreeSet<CaptureId>)> =
            BTreeMap::new();
        for (id, capture, identity) in waiting {
            let (crashes, captures) = groups.entry(id).or_default();
            crashes.insert(identity);
            captures.insert(capture);
        }
        let mut known: BTreeMap<BuildId, BuildRow> = self
            .builds()?
            .into_iter()
            .filter_map(|build| Some((build.build_id.clone()?, build)))
            .collect();
        let mut missing: Vec<MissingBuild> = groups
            .into_iter()
            .map(|(build_id, (crashes, captures))| {
                let build = build_id.as_ref().and_then(|id| known.remove(id));
                let (software_type, version) = build
                    .map(|build| (build.software_type, build.version))
                    .unwrap_or_default();
                MissingBuild {
                    build_id,
                    software_type,
                    version,
                    n_crashes: u64::try_from(crashes.len()).unwrap_or(u64::MAX),
                    captures: captures.into_iter().collect(),
                }
            })
            .collect();
        // Stable: equals stay in the order of their ids, those without one first.
        missing.sort_by_key(|build| std::cmp::Reverse(build.n_crashes));
        Ok(missing)
    }
}

fn build_row(row: &Row<'_>) -> rusqlite::Result<BuildRow> {
    Ok(BuildRow {
        build_id: build_id(row, "build_id")?,
        software_type: row.get("software_type")?,
        version: row.get("version")?,
        arch: arch(row, "arch")?,
        n_crashes: unsigned(row, "n_crashes")?,
        n_crashes_without_symbols: unsigned(row, "n_waiting")?,
        n_symbol_files: unsigned(row, "n_symbol_files")?,
    })
}

/// Notes that a build exists; what was known of it stays, what was not is filled in.
pub(super) fn note(
    transaction: &Transaction<'_>,
    software: &Software,
    arch: Option<Arch>,
) -> Result<(), StoreError> {
    let arch = arch.map(Arch::as_str);
    if let Some(id) = &software.build_id {
        transaction.execute(
            "INSERT INTO builds (build_id, software_type, version, arch) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (build_id) WHERE build_id IS NOT NULL DO UPDATE SET \
             software_type = coalesce(software_type, excluded.software_type), \
             version = coalesce(version, excluded.version), \
             arch = coalesce(arch, excluded.arch)",
            params![
                id.to_string(),
                software.software_type,
                software.version,
                arch
            ],
        )?;
    } else if software.version.is_some() {
        transaction.execute(
            "INSERT OR IGNORE INTO builds (software_type, version, arch) VALUES (?1, ?2, ?3)",
            params![software.software_type, software.version, arch],
        )?;
    }
    Ok(())
}

/// Notes the build that a boot ran.
pub(super) fn note_boot(transaction: &Transaction<'_>, boot: &Boot) -> Result<(), StoreError> {
    let software = Software {
        software_type: None,
        version: boot.version.clone(),
        build_id: boot.build_id.clone(),
    };
    note(transaction, &software, None)
}

/// Forgets the builds that nothing mentions any more.
pub(super) fn remove_unused(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    transaction.execute(
        "DELETE FROM builds WHERE \
         CASE WHEN build_id IS NOT NULL THEN build_id NOT IN ( \
            SELECT build_id FROM crashes WHERE build_id IS NOT NULL \
            UNION SELECT build_id FROM boots WHERE build_id IS NOT NULL \
            UNION SELECT build_id FROM captures WHERE build_id IS NOT NULL \
            UNION SELECT build_id FROM symbol_files) \
         ELSE version NOT IN ( \
            SELECT version FROM boots WHERE version IS NOT NULL \
            UNION SELECT version FROM crashes WHERE version IS NOT NULL \
            UNION SELECT version FROM captures WHERE version IS NOT NULL) END",
        [],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{
        model::{build_id::BuildId, progress::Unattended},
        store::testing,
    };

    #[test]
    fn missing_builds_are_sorted_by_demand_and_count_a_dump_once() {
        let (_folder, store) = testing::store();
        let (a, b) = ("aaaaaaaa01", "bbbbbbbb01");
        let add = |name: &str, crashes: &[(Option<&str>, Option<&str>)]| {
            let mut new = testing::capture(name, &[(name, b"1")]);
            new.crashes = crashes
                .iter()
                .map(|(id, dump)| testing::crash(*id, *dump))
                .collect();
            store.add_capture(&new, &Unattended).unwrap().capture()
        };
        let first = add(
            "1",
            &[(Some(a), Some("same")), (Some(b), None), (None, None)],
        );
        let second = add(
            "2",
            &[(Some(a), Some("same")), (Some(b), None), (Some(b), None)],
        );
        let missing = store.reader().unwrap().missing_builds().unwrap();
        let summary: Vec<_> = missing
            .iter()
            .map(|build| {
                let id = build.build_id.as_ref().map(ToString::to_string);
                (id, build.n_crashes, build.captures.clone())
            })
            .collect();
        assert_eq!(
            summary,
            [
                (Some(b.to_owned()), 3, vec![first, second]),
                (None, 1, vec![first]),
                (Some(a.to_owned()), 1, vec![first, second]),
            ]
        );
    }

    #[test]
    fn what_is_known_of_a_build_comes_together_from_all_that_mention_it() {
        let (_folder, store) = testing::store();
        store
            .add_capture(&testing::full_capture(), &Unattended)
            .unwrap();
        let builds = store.reader().unwrap().builds().unwrap();
        let id = BuildId::from_hex(testing::BUILD).unwrap();
        let build = builds
            .iter()
            .find(|build| build.build_id.as_ref() == Some(&id))
            .unwrap();
        assert_eq!(build.version.as_deref(), Some("1.2.0"));
        assert_eq!(build.software_type.as_deref(), Some("main"));
        assert_eq!((build.n_crashes, build.n_crashes_without_symbols), (1, 1));
        assert!(build.arch.is_some());
        let without_id: Vec<_> = builds
            .iter()
            .filter(|build| build.build_id.is_none())
            .map(|build| build.version.as_deref())
            .collect();
        assert_eq!(without_id, [Some("1.1.0")], "a boot told its version only");
    }
}

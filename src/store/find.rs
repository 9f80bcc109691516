//! One search over everything that has a name.

use crate::{
    model::build_id::BuildId,
    store::{
        crash::CrashFilter,
        error::StoreError,
        ids::{CaptureId, CrashId, DeviceId},
        reader::Reader,
    },
};

/// Hits of one kind that are worth listing; a person narrows the text rather than scrolls.
const MAX_HITS_PER_KIND: usize = 100;

/// Something with the text in its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindHit {
    /// What it is.
    pub target: FindTarget,
    /// Its name.
    pub title: String,
    /// What tells it from others of that name.
    pub detail: String,
}

/// What a hit leads to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindTarget {
    /// A crash.
    Crash(CrashId),
    /// A function on the stack of crashed threads.
    Function(String),
    /// A capture.
    Capture(CaptureId),
    /// A device.
    Device(DeviceId),
    /// A build.
    Build(Option<BuildId>),
}

impl Reader {
    /// Everything with `text` in it, whatever its case: crashes, functions, captures, devices,
    /// builds, each in the order of its own list and at most a hundred.
    pub fn find(&self, text: &str) -> Result<Vec<FindHit>, StoreError> {
        let wanted = text.trim().to_lowercase();
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let mut hits = self.find_crashes(&wanted)?;
        hits.extend(self.find_functions(&wanted)?);
        hits.extend(self.find_captures(&wanted)?);
        hits.extend(self.find_devices(&wanted)?);
        hits.extend(self.find_builds(&wanted)?);
        Ok(hits)
    }

    fn find_crashes(&self, wanted: &str) -> Result<Vec<FindHit>, StoreError> {
        let rows = self.crashes(&CrashFilter {
            text: Some(wanted.to_owned()),
            ..CrashFilter::default()
        })?;
        Ok(rows
            .into_iter()
            .map(|row| FindHit {
                target: FindTarget::Crash(row.id),
                title: row
                    .summary
                    .unwrap_or_else(|| "crash without an explanation".to_owned()),
                detail: format!(
                    "crash {} of {}",
                    row.ordinal.saturating_add(1),
                    row.capture_name
                ),
            })
            .take(MAX_HITS_PER_KIND)
            .collect())
    }

    fn find_functions(&self, wanted: &str) -> Result<Vec<FindHit>, StoreError> {
        let mut hits = self.list(
            "SELECT f.name, count(DISTINCT f.crash) AS n_crashes FROM crash_functions f \
             JOIN crashes x ON x.id = f.crash JOIN captures c ON c.id = x.capture \
             WHERE c.removed_at IS NULL AND instr(lower(f.name), lower(?1)) \
             GROUP BY f.name ORDER BY n_crashes DESC, f.name",
            [wanted],
            |row| {
                let name: String = row.get("name")?;
                let n_crashes: i64 = row.get("n_crashes")?;
                let noun = if n_crashes == 1 { "crash" } else { "crashes" };
                Ok(FindHit {
                    target: FindTarget::Function(name.clone()),
                    title: name,
                    detail: format!("on the stack of {n_crashes} {noun}"),
                })
            },
        )?;
        hits.truncate(MAX_HITS_PER_KIND);
        Ok(hits)
    }

    fn find_captures(&self, wanted: &str) -> Result<Vec<FindHit>, StoreError> {
        let rows = self.captures()?;
        Ok(rows
            .into_iter()
            .filter(|row| {
                holds(&row.name, wanted)
                    || holds(&row.origin, wanted)
                    || row.notes.as_ref().is_some_and(|notes| holds(notes, wanted))
            })
            .map(|row| FindHit {
                target: FindTarget::Capture(row.id),
                title: row.name,
                detail: row.origin,
            })
            .take(MAX_HITS_PER_KIND)
            .collect())
    }

    fn find_devices(&self, wanted: &str) -> Result<Vec<FindHit>, StoreError> {
        let rows = self.devices()?;
        Ok(rows
            .into_iter()
            .filter_map(|row| {
                let hardware = row.hardware.unwrap_or_default();
                let is_hit = row
                    .serial
                    .as_ref()
                    .is_some_and(|serial| holds(serial, wanted))
                    || holds(&hardware, wanted);
                is_hit.then(|| FindHit {
                    target: FindTarget::Device(row.id),
                    title: row.serial.unwrap_or_else(|| "unknown device".to_owned()),
                    detail: hardware,
                })
            })
            .take(MAX_HITS_PER_KIND)
            .collect())
    }

    fn find_builds(&self, wanted: &str) -> Result<Vec<FindHit>, StoreError> {
        let rows = self.builds()?;
        Ok(rows
            .into_iter()
            .filter_map(|row| {
                let id = row
                    .build_id
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                let words = [row.software_type, row.version];
                let name = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
                (holds(&id, wanted) || holds(&name, wanted)).then(|| FindHit {
                    target: FindTarget::Build(row.build_id),
                    title: if name.is_empty() { id.clone() } else { name },
                    detail: id,
                })
            })
            .take(MAX_HITS_PER_KIND)
            .collect())
    }
}

fn holds(text: &str, wanted: &str) -> bool {
    text.to_lowercase().contains(wanted)
}

#[cfg(test)]
mod tests {
    use super::FindTarget;
    use crate::{model::progress::Unattended, store::testing};

    #[test]
    fn every_kind_of_thing_is_found_by_its_name() {
        let (_folder, store) = testing::store();
        store
            .add_capture(&testing::full_capture(), &Unattended)
            .unwrap();
        let reader = store.reader().unwrap();
        let check = |text: &str, expected: &[&str]| {
            let hits = reader.find(text).unwrap();
            let kinds: Vec<&str> = hits
                .iter()
                .map(|hit| match hit.target {
                    FindTarget::Crash(_) => "crash",
                    FindTarget::Function(_) => "function",
                    FindTarget::Capture(_) => "capture",
                    FindTarget::Device(_) => "device",
                    FindTarget::Build(_) => "build",
                })
                .collect();
            assert_eq!(kinds, expected, "{text:?}");
        };
        check("", &[]);
        check("  ", &[]);
        check("USART_send", &["crash", "function"]);
        check("full", &["crash", "crash", "capture"]);
        check("sn-1", &["crash", "crash", "device"]);
        check("rev B", &["device"]);
        check("56e24a71", &["crash", "build"]);
        check("1.1.0", &["build"]);
        check("no such thing %_'\"", &[]);
    }
}

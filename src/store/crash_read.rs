//! Reading crashes, their reports, and those that wait for symbols.

use crate::{
    model::{
        addr::TargetAddr, build_id::BuildId, build_id::SHORTEST_PREFIX_BYTES, report::CrashReport,
    },
    store::{
        crash::{CrashFilter, CrashRow, CrashSource, FingerprintKey},
        error::StoreError,
        ids::CrashId,
        reader::Reader,
        rows::{
            arch, build_id, fault_kind, longer_ids, name_of, small_or_null, unreadable, unsigned,
        },
    },
};
use rusqlite::{OptionalExtension as _, Row, named_params};
use std::{io::Read as _, path::PathBuf};

/// No report of ours comes near it; a hostile file must not fill the memory.
const MAX_REPORT_BYTES: u64 = 256 << 20;

const SELECT: &str = "SELECT x.*, c.name AS capture_name, c.imported_at, \
     coalesce(x.started_at, c.captured_at) AS seen_at, \
     coalesce(x.device, c.device) AS of_device, d.serial, \
     coalesce('dump ' || x.dump_key, 'in ' || lower(hex(c.content_hash)) || ' ' || x.ordinal) \
       AS identity, \
     coalesce((SELECT b.version FROM builds b WHERE b.build_id = x.build_id), \
       (SELECT o.version FROM boots o WHERE o.capture = x.capture AND o.ordinal = x.boot), \
       x.version, \
       CASE WHEN x.build_id IS NULL THEN c.version END) AS software_version, \
     CASE WHEN x.dump_key IS NULL THEN 1 ELSE \
       (SELECT count(DISTINCT y.capture) FROM crashes y JOIN captures k ON k.id = y.capture \
        WHERE y.dump_key = x.dump_key AND k.removed_at IS NULL) END AS n_seen \
     FROM crashes x JOIN captures c ON c.id = x.capture JOIN devices d ON d.id = coalesce(x.device, c.device) \
     WHERE c.removed_at IS NULL";

/// The newest import first, then as in the capture.
const ORDER: &str = "ORDER BY c.imported_at DESC, c.id DESC, x.ordinal";

impl Reader {
    /// Crashes that agree with `filter`: the newest import first, in it as they were found.
    pub fn crashes(&self, filter: &CrashFilter) -> Result<Vec<CrashRow>, StoreError> {
        let sql = format!(
            "{SELECT} AND (:capture IS NULL OR x.capture = :capture) \
             AND (:device IS NULL OR coalesce(x.device, c.device) = :device) \
             AND (:version IS NULL OR x.fingerprint_version = :version) \
             AND (:key IS NULL OR x.fingerprint_key = :key) \
             AND (:kind IS NULL OR x.kind = :kind) \
             AND (:symbolized IS NULL OR x.symbolized = :symbolized) \
             AND (:low IS NULL OR (x.build_id >= :low AND x.build_id < :high) \
                  OR x.build_id IN (SELECT value FROM json_each(:prefixes))) \
             AND (:text IS NULL OR instr(lower(coalesce(x.summary, '') || char(10) || \
                  coalesce(x.thread, '') || char(10) || coalesce(x.function, '') || char(10) || \
                  c.name || char(10) || coalesce(d.serial, '') || char(10) || \
                  coalesce(x.build_id, '') || char(10) || coalesce(software_version, '')), lower(:text)) \
                  OR EXISTS (SELECT 1 FROM crash_functions f WHERE f.crash = x.id \
                             AND instr(lower(f.name), lower(:text)))) \
             {ORDER}"
        );
        let bounds = filter.build_id.as_ref().map(longer_ids);
        let text = filter.text.as_deref().map(str::trim);
        self.list(
            &sql,
            named_params! {
                ":capture": filter.capture,
                ":device": filter.device,
                ":version": filter.fingerprint.as_ref().map(|group| group.version),
                ":key": filter.fingerprint.as_ref().map(|group| group.key.as_str()),
                ":kind": filter.kind.and_then(|kind| name_of(&kind)),
                ":symbolized": filter.symbolized,
                ":low": bounds.as_ref().map(|(low, _)| low),
                ":high": bounds.as_ref().map(|(_, high)| high),
                ":prefixes": filter.build_id.as_ref().map_or_else(|| "[]".to_owned(), prefixes),
                ":text": text.filter(|text| !text.is_empty()),
            },
            crash_row,
        )
    }

    /// One crash.
    pub fn crash(&self, id: CrashId) -> Result<CrashRow, StoreError> {
        let sql = format!("{SELECT} AND x.id = ?1");
        self.ask(|connection| {
            connection
                .query_row(&sql, [id], crash_row)
                .optional()?
                .ok_or(StoreError::NoSuchCrash { crash: id })
        })
    }

    /// The report of one crash.
    pub fn crash_report(&self, id: CrashId) -> Result<CrashReport, StoreError> {
        self.ask(|connection| {
            let packed: Option<Vec<u8>> = connection
                .query_row(
                    "SELECT x.report FROM crashes x JOIN captures c ON c.id = x.capture \
                     WHERE x.id = ?1 AND c.removed_at IS NULL",
                    [id],
                    |row| row.get(0),
                )
                .optional()?;
            unpacked(&packed.ok_or(StoreError::NoSuchCrash { crash: id })?).map_err(|detail| {
                StoreError::Damaged {
                    path: PathBuf::new(),
                    detail: format!("the report of crash {id}: {detail}"),
                }
            })
        })
    }

    /// Crashes without names whose build id agrees with `id`, either being a prefix of the other.
    pub fn crashes_waiting_for(&self, id: &BuildId) -> Result<Vec<CrashRow>, StoreError> {
        self.crashes(&CrashFilter {
            build_id: Some(id.clone()),
            symbolized: Some(false),
            ..CrashFilter::default()
        })
    }

    /// The functions on the crashed thread's stack, innermost first.
    pub fn crash_functions(&self, id: CrashId) -> Result<Vec<String>, StoreError> {
        self.list(
            "SELECT name FROM crash_functions WHERE crash = ?1 ORDER BY position",
            [id],
            |row| row.get(0),
        )
    }

    /// All crashes without names.
    pub fn crashes_without_symbols(&self) -> Result<Vec<CrashRow>, StoreError> {
        self.crashes(&CrashFilter {
            symbolized: Some(false),
            ..CrashFilter::default()
        })
    }
}

/// The shorter ids that mean `id`, as a JSON list.
fn prefixes(id: &BuildId) -> String {
    let bytes = id.as_bytes();
    let shorter: Vec<String> = (SHORTEST_PREFIX_BYTES..=bytes.len())
        .filter_map(|n_bytes| BuildId::from_bytes(bytes.get(..n_bytes)?))
        .map(|id| id.to_string())
        .collect();
    serde_json::Value::from(shorter).to_string()
}

fn unpacked(packed: &[u8]) -> Result<CrashReport, String> {
    let decoder = zstd::stream::read::Decoder::new(packed).map_err(|error| error.to_string())?;
    let mut json = Vec::new();
    decoder
        .take(MAX_REPORT_BYTES)
        .read_to_end(&mut json)
        .map_err(|error| error.to_string())?;
    serde_json::from_slice(&json).map_err(|error| error.to_string())
}

fn crash_row(row: &Row<'_>) -> rusqlite::Result<CrashRow> {
    let sources: String = row.get("sources")?;
    let sources: Vec<CrashSource> = serde_json::from_str(&sources)
        .map_err(|error| unreadable(row, "sources", &error.to_string()))?;
    let version = small_or_null(row, "fingerprint_version")?;
    let key: Option<String> = row.get("fingerprint_key")?;
    let pc: Option<i64> = row.get("pc")?;
    Ok(CrashRow {
        id: row.get("id")?,
        identity: row.get("identity")?,
        capture: row.get("capture")?,
        capture_name: row.get("capture_name")?,
        imported_at: row.get("imported_at")?,
        captured_at: row.get("seen_at")?,
        device: row.get("of_device")?,
        serial: row.get("serial")?,
        ordinal: unsigned(row, "ordinal")?,
        boot: small_or_null(row, "boot")?,
        dump_key: row.get("dump_key")?,
        n_seen: unsigned(row, "n_seen")?,
        build_id: build_id(row, "build_id")?,
        version: row.get("software_version")?,
        elf_build_id: build_id(row, "elf_build_id")?,
        verified: row.get("verified")?,
        symbolized: row.get("symbolized")?,
        arch: arch(row, "arch")?.ok_or_else(|| unreadable(row, "arch", "it is missing"))?,
        kind: fault_kind(row, "kind")?,
        summary: row.get("summary")?,
        pc: pc.map(|pc| TargetAddr(pc.cast_unsigned())),
        function: row.get("function")?,
        thread: row.get("thread")?,
        fingerprint: version
            .zip(key)
            .map(|(version, key)| FingerprintKey { version, key }),
        sources,
    })
}

#[cfg(test)]
mod tests {
    use crate::{
        model::{build_id::BuildId, progress::Unattended, report::FaultKind},
        store::{
            crash::{CrashFilter, CrashUpdate, FingerprintKey},
            error::StoreError,
            ids::CrashId,
            testing,
        },
    };

    #[test]
    fn a_crash_and_its_report_come_back_as_they_were_stored() {
        let (_folder, store) = testing::store();
        let new = testing::full_capture();
        let capture = store.add_capture(&new, &Unattended).unwrap().capture();
        let reader = store.reader().unwrap();
        let rows = reader.crashes(&CrashFilter::default()).unwrap();
        assert_eq!(rows.len(), 2);
        for (row, new) in rows.iter().zip(&new.crashes) {
            assert_eq!(reader.crash_report(row.id).unwrap(), new.report);
            assert_eq!(&reader.crash(row.id).unwrap(), row);
            assert_eq!(row.sources, new.sources);
            assert_eq!(row.boot, new.boot);
            assert_eq!(
                (row.capture, row.serial.as_deref()),
                (capture, Some("SN-1"))
            );
        }
        assert_eq!(rows[0].kind, Some(FaultKind::BusFault));
        assert_eq!(rows[0].pc.unwrap().0, 0xffff_ffff_8000_1234, "all 64 bits");
        assert_eq!(rows[0].version.as_deref(), Some("1.2.0"), "from the build");
        assert_eq!(
            rows[1].version.as_deref(),
            Some("1.2.0"),
            "from the manifest"
        );
        assert_eq!(rows[0].thread.as_deref(), Some("cmd"));
        assert_eq!(
            (rows[1].kind, rows[1].pc, &rows[1].build_id),
            (None, None, &None)
        );
    }

    #[test]
    fn filters_narrow_the_list() {
        let (_folder, store) = testing::store();
        store
            .add_capture(&testing::full_capture(), &Unattended)
            .unwrap();
        let reader = store.reader().unwrap();
        let check = |what: &str, filter: CrashFilter, expected: &[u64]| {
            let rows = reader.crashes(&filter).unwrap();
            let ordinals: Vec<u64> = rows.iter().map(|row| row.ordinal).collect();
            assert_eq!(ordinals, expected, "{what}");
        };
        let all = CrashFilter::default();
        let text = |text: &str| CrashFilter {
            text: Some(text.into()),
            ..all.clone()
        };
        let id = |hex: &str| CrashFilter {
            build_id: BuildId::from_hex(hex),
            ..all.clone()
        };
        let group = |version, key: &str| CrashFilter {
            fingerprint: Some(FingerprintKey {
                version,
                key: key.to_owned(),
            }),
            ..all.clone()
        };
        check("all", all.clone(), &[0, 1]);
        check(
            "kind",
            CrashFilter {
                kind: Some(FaultKind::BusFault),
                ..all.clone()
            },
            &[0],
        );
        check(
            "symbolized",
            CrashFilter {
                symbolized: Some(true),
                ..all.clone()
            },
            &[],
        );
        check("summary", text(" WROTE 13 "), &[0]);
        check("function on the stack", text("usart"), &[0]);
        check("capture", text("full.zip"), &[0, 1]);
        check("version", text("1.2.0"), &[0, 1]);
        check("a wildcard is text", text("%"), &[]);
        check("blank text", text("  "), &[0, 1]);
        check("exact id", id(testing::BUILD), &[0]);
        check("short id", id("56e24a71"), &[0]);
        check("longer id", id(&format!("{}00", testing::BUILD)), &[0]);
        check("other id", id("56e24a72"), &[]);
        check("group", group(1, "k1"), &[0]);
        check("group of another version", group(2, "k1"), &[]);
    }

    #[test]
    fn symbols_that_come_later_end_the_wait_in_one_step() {
        let (_folder, store) = testing::store();
        store
            .add_capture(&testing::full_capture(), &Unattended)
            .unwrap();
        let reader = store.reader().unwrap();
        let id = BuildId::from_hex(testing::BUILD).unwrap();
        assert_eq!(reader.crashes_without_symbols().unwrap().len(), 2);
        let waiting = reader.crashes_waiting_for(&id).unwrap();
        assert_eq!(waiting.len(), 1);
        let mut report = reader.crash_report(waiting[0].id).unwrap();
        report.threads[0].frames[0].function = Some("better_name".to_owned());
        report.threads[0].frames[0].qualified = None;
        report.elf_build_id = Some(id.clone());
        report.verified = true;
        let better = CrashUpdate {
            crash: waiting[0].id,
            report,
            symbolized: true,
        };
        let unknown = CrashUpdate {
            crash: CrashId(99),
            ..better.clone()
        };
        let error = store
            .update_crashes(&[better.clone(), unknown])
            .unwrap_err();
        assert!(matches!(
            error,
            StoreError::NoSuchCrash { crash: CrashId(99) }
        ));
        assert_eq!(
            reader.crashes_waiting_for(&id).unwrap().len(),
            1,
            "none on an error"
        );
        store.update_crash(&better).unwrap();
        assert!(reader.crashes_waiting_for(&id).unwrap().is_empty());
        let row = reader.crash(better.crash).unwrap();
        assert_eq!(row.function.as_deref(), Some("better_name"));
        assert!(row.verified && row.symbolized);
        assert_eq!(reader.crash_report(better.crash).unwrap(), better.report);
        let find = |text: &str| CrashFilter {
            text: Some(text.into()),
            ..CrashFilter::default()
        };
        assert_eq!(reader.crashes(&find("better_name")).unwrap().len(), 1);
    }

    #[test]
    fn the_same_dump_in_two_captures_is_one_crash_seen_twice() {
        let (_folder, store) = testing::store();
        for name in ["a", "b", "c"] {
            let mut new = testing::capture(name, &[(name, b"1")]);
            let dump = if name == "c" { "other" } else { "same" };
            new.crashes = vec![testing::crash(None, Some(dump))];
            store.add_capture(&new, &Unattended).unwrap();
        }
        let reader = store.reader().unwrap();
        let rows = reader.crashes(&CrashFilter::default()).unwrap();
        let seen: Vec<u64> = rows.iter().map(|row| row.n_seen).collect();
        assert_eq!(seen, [1, 2, 2]);
        assert_eq!(reader.overview().unwrap().n_crashes, 2);
    }
}

//! A crash gets another fingerprint: what becomes of what was said about the former one (rule 3 of `mod.rs`).

use super::resolve::key_text;
use crate::store::{crash::FingerprintKey, error::StoreError, ids::CrashId, rows::small_or_null};
use rusqlite::{OptionalExtension as _, Transaction, params};

/// Identity and fingerprint of a crash before its report is replaced.
pub(in crate::store) struct Before {
    identity: String,
    fingerprint: Option<FingerprintKey>,
}

/// To be called before a report is written.
pub(in crate::store) fn before_report(
    transaction: &Transaction<'_>,
    crash: CrashId,
) -> Result<Option<Before>, StoreError> {
    let mut statement = transaction.prepare_cached(
        "SELECT x.fingerprint_version AS version, x.fingerprint_key AS key, \
         coalesce('dump ' || x.dump_key, 'in ' || lower(hex(c.content_hash)) || ' ' || x.ordinal) \
         AS identity FROM crashes x JOIN captures c ON c.id = x.capture WHERE x.id = ?1",
    )?;
    let before = statement
        .query_row([crash], |row| {
            let version = small_or_null(row, "version")?;
            let key: Option<String> = row.get("key")?;
            Ok(Before {
                identity: row.get("identity")?,
                fingerprint: version
                    .zip(key)
                    .map(|(version, key)| FingerprintKey { version, key }),
            })
        })
        .optional()?;
    Ok(before)
}

/// To be called after the report was written, with its fingerprint.
pub(in crate::store) fn after_report(
    transaction: &Transaction<'_>,
    crash: CrashId,
    before: &Before,
    now: Option<&FingerprintKey>,
) -> Result<(), StoreError> {
    let Some(former) = before
        .fingerprint
        .as_ref()
        .filter(|former| Some(*former) != now)
    else {
        return Ok(());
    };
    let former = key_text(former);
    transaction.execute(
        "INSERT OR IGNORE INTO former_keys (identity, key) VALUES (?1, ?2)",
        params![before.identity, former],
    )?;
    let Some(now) = now else { return Ok(()) };
    transaction.execute(
        "INSERT OR IGNORE INTO issue_keys (key, follows) SELECT ?1, ?2 \
         WHERE EXISTS (SELECT 1 FROM issue_keys WHERE key = ?2) \
         AND NOT EXISTS (SELECT 1 FROM crashes x JOIN captures c ON c.id = x.capture \
           WHERE x.fingerprint_version = ?3 AND x.fingerprint_key = ?4 AND x.id <> ?5 \
           AND c.removed_at IS NULL)",
        params![key_text(now), former, now.version, now.key, crash],
    )?;
    Ok(())
}

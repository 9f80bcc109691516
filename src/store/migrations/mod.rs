//! The schema, as numbered steps. A step is one file, one transaction, and never edited after a release.

use crate::store::error::StoreError;
use rusqlite::{Connection, TransactionBehavior, params};

/// Version `n` of the schema is what the first `n` steps make.
static MIGRATIONS: &[&str] = &[
    include_str!("0001_init.sql"),
    include_str!("0002_issues.sql"),
    include_str!("0003_text_parts.sql"),
    include_str!("0004_text_grams.sql"),
    include_str!("0005_log_marks.sql"),
    include_str!("0006_series.sql"),
    include_str!("0007_capture_series.sql"),
    include_str!("0008_sample_tables.sql"),
    include_str!("0009_text_grams.sql"),
];

/// "FSWS" in the file's header: this SQLite file is a workspace.
pub(super) const APPLICATION_ID: i32 = 0x4653_5753;

/// The newest schema that this program knows.
pub(super) fn newest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Brings the schema from version `from` to the newest, each step in a transaction of its own.
pub(super) fn upgrade(connection: &mut Connection, from: i64, now: &str) -> Result<(), StoreError> {
    upgrade_to(connection, from, newest(), now)
}

fn upgrade_to(
    connection: &mut Connection,
    from: i64,
    to: i64,
    now: &str,
) -> Result<(), StoreError> {
    if from >= to {
        return Ok(());
    }
    let steps = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (version, sql) in (1_i64..).zip(MIGRATIONS) {
        if version <= from || version > to {
            continue;
        }
        steps.execute_batch(sql)?;
        if version == 1 {
            steps.pragma_update(None, "application_id", APPLICATION_ID)?;
            steps.execute("INSERT INTO workspace VALUES (1, ?1, 1)", params![now])?;
        }
        steps.pragma_update(None, "user_version", version)?;
    }
    steps.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{newest, upgrade, upgrade_to};
    use rusqlite::Connection;

    fn schema(connection: &Connection) -> String {
        let mut statement = connection
            .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC, name")
            .unwrap();
        let lines = statement
            .query_map([], |row| row.get::<_, String>(0))
            .unwrap();
        lines.map(|sql| sql.unwrap() + ";\n").collect()
    }

    #[test]
    fn every_older_version_upgrades_to_the_same_schema() {
        let mut fresh = Connection::open_in_memory().unwrap();
        upgrade(&mut fresh, 0, "2026-01-01T00:00:00Z").unwrap();
        for old in 0..=newest() {
            let mut connection = Connection::open_in_memory().unwrap();
            upgrade_to(&mut connection, 0, old, "2026-01-01T00:00:00Z").unwrap();
            upgrade(&mut connection, old, "2026-01-02T00:00:00Z").unwrap();
            assert_eq!(schema(&connection), schema(&fresh), "from version {old}");
            let version: i64 = connection
                .pragma_query_value(None, "user_version", |row| row.get(0))
                .unwrap();
            assert_eq!(version, newest());
        }
    }

    #[test]
    fn sets_of_another_layout_are_forgotten() {
        let mut connection = Connection::open_in_memory().unwrap();
        upgrade_to(&mut connection, 0, 8, "2026-01-01T00:00:00Z").unwrap();
        connection
            .execute_batch(
                "PRAGMA foreign_keys = off; INSERT INTO text_grams VALUES (1, 0, 0, x'00')",
            )
            .unwrap();
        upgrade(&mut connection, 8, "2026-01-02T00:00:00Z").unwrap();
        let n: i64 = connection
            .query_row("SELECT count(*) FROM text_grams", [], |row| row.get(0))
            .unwrap();
        assert_eq!(n, 0);
    }

    /// A released migration never changes, so this text only ever grows with a new migration.
    /// With `FIELDSCOPE_UPDATE_SNAPSHOTS=1` the test writes the file instead.
    #[test]
    fn the_schema_is_the_one_on_record() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots/schema.sql");
        let mut connection = Connection::open_in_memory().unwrap();
        upgrade(&mut connection, 0, "2026-01-01T00:00:00Z").unwrap();
        let now = schema(&connection);
        if std::env::var_os("FIELDSCOPE_UPDATE_SNAPSHOTS").is_some() {
            std::fs::create_dir_all(std::path::Path::new(path).parent().unwrap()).unwrap();
            std::fs::write(path, &now).unwrap();
        }
        let recorded = std::fs::read_to_string(path).unwrap();
        assert_eq!(now, recorded.replace("\r\n", "\n"));
    }
}

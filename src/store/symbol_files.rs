//! Known places of symbol files: on disk, or among the files of a capture.

use crate::{
    model::{arch::Arch, build_id::BuildId},
    store::{
        builds,
        capture::Software,
        error::StoreError,
        ids::{CaptureId, SymbolFileId},
        open::Store,
        reader::Reader,
        rows::{arch, build_id, stored, unreadable, unsigned},
    },
};
use rusqlite::{Row, Transaction, params};

/// A symbol file on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSymbolFile {
    /// Absolute path.
    pub path: String,
    /// What the file says about itself.
    pub facts: SymbolFacts,
    /// When the file was last changed, RFC 3339.
    pub modified_at: Option<String>,
    /// The time now, RFC 3339.
    pub added_at: String,
}

/// A symbol file among the files of a capture that is being stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCaptureSymbols {
    /// The path inside the capture.
    pub path: String,
    /// What the file says about itself.
    pub facts: SymbolFacts,
}

/// What a symbol file says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolFacts {
    /// The build it belongs to.
    pub build_id: BuildId,
    /// The processor.
    pub arch: Arch,
    /// The label of how much it can answer: `full`.
    pub quality: String,
    /// Bytes.
    pub size: u64,
}

/// A known place of a symbol file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolFileRow {
    /// Its id.
    pub id: SymbolFileId,
    /// Path on disk, or inside the capture.
    pub path: String,
    /// The capture that holds its bytes; `None` for a file on disk.
    pub capture: Option<CaptureId>,
    /// What the file says about itself.
    pub facts: SymbolFacts,
    /// When the file was last changed.
    pub modified_at: Option<String>,
    /// When it was added.
    pub added_at: String,
    /// False when it was gone at the last look.
    pub still_there: bool,
}

impl Store {
    /// Notes a symbol file on disk; one that is known under the same path is replaced.
    pub fn add_symbol_file(&self, new: &NewSymbolFile) -> Result<SymbolFileId, StoreError> {
        self.write(|transaction| {
            note_build(transaction, &new.facts)?;
            Ok(transaction.query_row(
                "INSERT INTO symbol_files (build_id, path, arch, quality, size, modified_at, \
                 added_at, still_there) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1) \
                 ON CONFLICT (path) WHERE capture IS NULL DO UPDATE SET \
                 build_id = excluded.build_id, arch = excluded.arch, \
                 quality = excluded.quality, size = excluded.size, \
                 modified_at = excluded.modified_at, still_there = 1 RETURNING id",
                params![
                    new.facts.build_id.to_string(),
                    new.path,
                    new.facts.arch.as_str(),
                    new.facts.quality,
                    stored(new.facts.size),
                    new.modified_at,
                    new.added_at,
                ],
                |row| row.get(0),
            )?)
        })
    }

    /// Forgets a known place; the file itself stays. Unknown ids are no error.
    pub fn forget_symbol_file(&self, id: SymbolFileId) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute("DELETE FROM symbol_files WHERE id = ?1", [id])?;
            Ok(())
        })
    }

    /// Notes that a symbol file was gone when it was looked for.
    pub fn mark_symbol_file_gone(&self, id: SymbolFileId) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE symbol_files SET still_there = 0 WHERE id = ?1 AND still_there = 1",
                [id],
            )?;
            Ok(())
        })
    }
}

impl Reader {
    /// All known places, by path, those in captures last.
    pub fn symbol_files(&self) -> Result<Vec<SymbolFileRow>, StoreError> {
        self.list(
            "SELECT s.* FROM symbol_files s LEFT JOIN captures c ON c.id = s.capture \
             WHERE s.capture IS NULL OR c.removed_at IS NULL \
             ORDER BY s.capture IS NOT NULL, s.path, s.id",
            [],
            symbol_file_row,
        )
    }

    /// Known places whose build id agrees with `id` (either being a prefix of the other) and that
    /// were there at the last look: in the order of [`Reader::symbol_files`].
    pub fn symbol_files_for(&self, id: &BuildId) -> Result<Vec<SymbolFileRow>, StoreError> {
        let mut rows = self.symbol_files()?;
        rows.retain(|row| row.still_there && row.facts.build_id.matches(id));
        Ok(rows)
    }
}

/// Notes a symbol file of a capture that is being stored.
pub(super) fn insert_in_capture(
    transaction: &Transaction<'_>,
    capture: CaptureId,
    new: &NewCaptureSymbols,
    now: &str,
) -> Result<(), StoreError> {
    note_build(transaction, &new.facts)?;
    transaction.execute(
        "INSERT OR REPLACE INTO symbol_files (build_id, path, capture, arch, quality, size, \
         added_at, still_there) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1)",
        params![
            new.facts.build_id.to_string(),
            new.path,
            capture,
            new.facts.arch.as_str(),
            new.facts.quality,
            stored(new.facts.size),
            now,
        ],
    )?;
    Ok(())
}

fn note_build(transaction: &Transaction<'_>, facts: &SymbolFacts) -> Result<(), StoreError> {
    let software = Software {
        build_id: Some(facts.build_id.clone()),
        ..Software::default()
    };
    builds::note(transaction, &software, Some(facts.arch))
}

fn symbol_file_row(row: &Row<'_>) -> rusqlite::Result<SymbolFileRow> {
    let missing = |column: &str| unreadable(row, column, "it is missing");
    Ok(SymbolFileRow {
        id: row.get("id")?,
        path: row.get("path")?,
        capture: row.get("capture")?,
        facts: SymbolFacts {
            build_id: build_id(row, "build_id")?.ok_or_else(|| missing("build_id"))?,
            arch: arch(row, "arch")?.ok_or_else(|| missing("arch"))?,
            quality: row.get("quality")?,
            size: unsigned(row, "size")?,
        },
        modified_at: row.get("modified_at")?,
        added_at: row.get("added_at")?,
        still_there: row.get("still_there")?,
    })
}

#[cfg(test)]
mod tests {
    use super::{NewSymbolFile, SymbolFacts};
    use crate::{
        model::{arch::Arch, build_id::BuildId, progress::Unattended},
        store::testing,
    };

    fn file(path: &str, id: &str) -> NewSymbolFile {
        NewSymbolFile {
            path: path.to_owned(),
            facts: SymbolFacts {
                build_id: BuildId::from_hex(id).unwrap(),
                arch: Arch::ArmV7M,
                quality: "full".to_owned(),
                size: 7,
            },
            modified_at: None,
            added_at: testing::NOW.to_owned(),
        }
    }

    #[test]
    fn a_file_is_found_by_a_prefix_of_its_build_id_until_it_is_gone() {
        let (_folder, store) = testing::store();
        let b = store
            .add_symbol_file(&file("/b.elf", "56e24a716eeb"))
            .unwrap();
        let a = store.add_symbol_file(&file("/a.elf", "56e24a71")).unwrap();
        store.add_symbol_file(&file("/c.elf", "aabbccdd")).unwrap();
        store
            .add_capture(&testing::full_capture(), &Unattended)
            .unwrap();
        let reader = store.reader().unwrap();
        let found = |id: &str| -> Vec<String> {
            let rows = reader
                .symbol_files_for(&BuildId::from_hex(id).unwrap())
                .unwrap();
            rows.into_iter().map(|row| row.path).collect()
        };
        assert_eq!(found("56e24a716eeb9f84"), ["/a.elf", "/b.elf"]);
        assert_eq!(found("56e24a72"), Vec::<String>::new());
        assert_eq!(found("cafe0001"), ["a.core"], "in a capture");
        store.mark_symbol_file_gone(a).unwrap();
        assert_eq!(found("56e24a71"), ["/b.elf"]);
        assert_eq!(
            store.add_symbol_file(&file("/a.elf", "56e24a71")).unwrap(),
            a
        );
        assert_eq!(found("56e24a71"), ["/a.elf", "/b.elf"], "seen again");
        store.forget_symbol_file(b).unwrap();
        assert_eq!(found("56e24a71"), ["/a.elf"]);
        assert_eq!(reader.symbol_files().unwrap().len(), 3);
    }
}

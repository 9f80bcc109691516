//! Raw bytes by content: stored once, compressed in parts, checked against their name when read.

use crate::{
    model::progress::Progress,
    store::{
        error::StoreError,
        ids::CaptureId,
        packing::{MOST_PART_BYTES, PlainText, pack},
        reader::{Reader, list},
        rows::stored_len,
        sha256::{Hasher, Sha256},
        text_parts::TextPartsWriter,
    },
};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use std::io::Write;
use std::path::PathBuf;
use zstd::bulk::Decompressor;

impl Reader {
    /// The bytes with this name.
    pub fn blob(&self, sha256: Sha256) -> Result<Vec<u8>, StoreError> {
        self.ask(|connection| {
            let blob = find(connection, sha256)?.ok_or(StoreError::NoSuchBlob { sha256 })?;
            read(connection, blob, sha256)
        })
    }

    /// The bytes of one file of a capture, exactly as they were imported.
    pub fn file_bytes(&self, capture: CaptureId, path: &str) -> Result<Vec<u8>, StoreError> {
        let mut bytes = Vec::new();
        self.write_file_bytes(capture, path, &mut bytes)?;
        Ok(bytes)
    }

    /// Writes the bytes of one file of a capture, a part at a time.
    pub fn write_file_bytes(
        &self,
        capture: CaptureId,
        path: &str,
        out: &mut dyn Write,
    ) -> Result<(), StoreError> {
        self.ask(|connection| {
            let (blob, sha256) = blob_of_file(connection, capture, path)?;
            read_into(connection, blob, sha256, out)
        })
    }
}

/// The blob of a file of a capture, and the name of its bytes.
pub(super) fn blob_of_file(
    connection: &Connection,
    capture: CaptureId,
    path: &str,
) -> Result<(i64, Sha256), StoreError> {
    let found = connection
        .query_row(
            "SELECT blob, sha256 FROM capture_files \
             WHERE capture = ?1 AND path = ?2 AND blob IS NOT NULL",
            params![capture, path],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    found.ok_or_else(|| StoreError::NoSuchFile {
        capture,
        file: path.to_owned(),
    })
}

/// How far a write of several files is.
pub(super) struct WriteProgress<'a> {
    pub(super) progress: &'a dyn Progress,
    pub(super) done: u64,
    pub(super) total: u64,
}

impl WriteProgress<'_> {
    fn advance(&mut self, n_bytes: usize) -> Result<(), StoreError> {
        self.done = self
            .done
            .saturating_add(u64::try_from(n_bytes).unwrap_or(0));
        Ok(self.progress.tick(self.done, self.total)?)
    }
}

/// Stores `bytes` unless they are stored already; their row id.
pub(super) fn write(
    transaction: &Transaction<'_>,
    sha256: Sha256,
    bytes: &[u8],
    plain_text: Option<PlainText>,
    progress: &mut WriteProgress<'_>,
) -> Result<i64, StoreError> {
    if let Some(blob) = find(transaction, sha256)? {
        progress.advance(bytes.len())?;
        return Ok(blob);
    }
    transaction.execute(
        "INSERT INTO blobs (sha256, size) VALUES (?1, ?2)",
        params![sha256, stored_len(bytes.len())],
    )?;
    let blob = transaction.last_insert_rowid();
    let mut insert = transaction.prepare_cached(
        "INSERT INTO blob_parts (blob, part, codec, size, bytes) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let mut text_parts = TextPartsWriter::new(transaction, blob);
    let mut part: i64 = 0;
    pack(bytes, plain_text, |packed| {
        let (codec, bytes) = match &packed.zstd {
            Some(zstd) => ("zstd", zstd.as_slice()),
            None => ("raw", packed.raw),
        };
        insert.execute(params![
            blob,
            part,
            codec,
            stored_len(packed.raw.len()),
            bytes
        ])?;
        if let Some(text) = &packed.text {
            text_parts.add(part, text)?;
        }
        part = part.saturating_add(1);
        progress.advance(packed.raw.len())
    })?;
    text_parts.finish()?;
    Ok(blob)
}

fn find(connection: &Connection, sha256: Sha256) -> Result<Option<i64>, StoreError> {
    Ok(connection
        .query_row("SELECT id FROM blobs WHERE sha256 = ?1", [sha256], |row| {
            row.get(0)
        })
        .optional()?)
}

fn read(connection: &Connection, blob: i64, sha256: Sha256) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::new();
    read_into(connection, blob, sha256, &mut bytes)?;
    Ok(bytes)
}

/// Writes the bytes of a blob part by part. An error comes after what could be read.
fn read_into(
    connection: &Connection,
    blob: i64,
    sha256: Sha256,
    out: &mut dyn Write,
) -> Result<(), StoreError> {
    let parts: Vec<i64> = list(
        connection,
        "SELECT part FROM blob_parts WHERE blob = ?1 ORDER BY part",
        [blob],
        |row| row.get(0),
    )?;
    let damaged = |detail: String| StoreError::BlobDamaged {
        path: PathBuf::new(),
        sha256,
        detail,
    };
    let mut hasher = Hasher::default();
    let mut unpacker = Unpacker::default();
    for (expected, part) in (0_i64..).zip(parts) {
        if part != expected {
            return Err(damaged(format!("part {expected} is missing")));
        }
        let stored = StoredPart::read(connection, blob, part, &damaged)?;
        let raw = stored.unpack(&mut unpacker, &damaged)?;
        hasher.add(&raw);
        out.write_all(&raw)?;
    }
    let found = hasher.finish();
    if found != sha256 {
        return Err(damaged(format!("they now have sha256 {found}")));
    }
    Ok(())
}

/// A part as it is stored.
pub(super) struct StoredPart {
    part: i64,
    is_packed: bool,
    size: usize,
    kept: Vec<u8>,
}

/// Unpacks parts one after the other: what it needs for that is made once.
#[derive(Default)]
pub struct Unpacker(Option<Decompressor<'static>>);

impl Unpacker {
    fn decompress(&mut self, packed: &[u8], size: usize) -> std::io::Result<Vec<u8>> {
        let decompressor = match &mut self.0 {
            Some(made) => made,
            none => none.insert(Decompressor::new()?),
        };
        decompressor.decompress(packed, size)
    }
}

impl StoredPart {
    /// Reads it.
    pub(super) fn read(
        connection: &Connection,
        blob: i64,
        part: i64,
        damaged: &dyn Fn(String) -> StoreError,
    ) -> Result<Self, StoreError> {
        let (codec, size, kept): (String, i64, Vec<u8>) = connection
            .prepare_cached(
                "SELECT codec, size, bytes FROM blob_parts WHERE blob = ?1 AND part = ?2",
            )?
            .query_row(params![blob, part], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?
            .ok_or_else(|| damaged(format!("part {part} is missing")))?;
        let size = usize::try_from(size)
            .ok()
            .filter(|&size| size <= MOST_PART_BYTES)
            .ok_or_else(|| damaged(format!("part {part} claims {size} bytes")))?;
        Ok(Self {
            part,
            is_packed: codec == "zstd",
            size,
            kept,
        })
    }

    /// Its bytes, or what is wrong with it.
    pub(super) fn unpack(
        self,
        unpacker: &mut Unpacker,
        damaged: &dyn Fn(String) -> StoreError,
    ) -> Result<Vec<u8>, StoreError> {
        let part = self.part;
        let raw = if self.is_packed {
            unpacker
                .decompress(&self.kept, self.size)
                .map_err(|error| damaged(format!("part {part}: {error}")))?
        } else {
            self.kept
        };
        if raw.len() != self.size {
            return Err(damaged(format!(
                "part {part} has {} bytes and not {}",
                raw.len(),
                self.size
            )));
        }
        Ok(raw)
    }
}

/// Removes the blobs that no capture uses any more; the bytes of files that this frees.
pub(super) fn remove_unused(transaction: &Transaction<'_>) -> Result<u64, StoreError> {
    const UNUSED: &str = "id NOT IN (SELECT blob FROM capture_files WHERE blob IS NOT NULL)";
    let n_bytes: i64 = transaction.query_row(
        &format!("SELECT coalesce(sum(size), 0) FROM blobs WHERE {UNUSED}"),
        [],
        |row| row.get(0),
    )?;
    transaction.execute(&format!("DELETE FROM blobs WHERE {UNUSED}"), [])?;
    Ok(u64::try_from(n_bytes).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use crate::store::packing::MOST_PART_BYTES as PART_BYTES;
    use crate::{
        model::progress::Unattended,
        store::{error::StoreError, sha256::Sha256, testing},
    };
    use rusqlite::Connection;

    #[test]
    fn bytes_come_back_exactly_whatever_they_are() {
        let (_folder, store) = testing::store();
        let cases: Vec<Vec<u8>> = vec![
            Vec::new(),
            b"x".to_vec(),
            vec![0; PART_BYTES],
            testing::noise(PART_BYTES + 1),
            b"the same line again\n".repeat(700_000),
        ];
        let names: Vec<String> = (0..cases.len()).map(|i| format!("{i}.bin")).collect();
        let files: Vec<(&str, &[u8])> = names
            .iter()
            .zip(&cases)
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
            .collect();
        let id = store
            .add_capture(&testing::capture("a", &files), &Unattended)
            .unwrap()
            .capture();
        let reader = store.reader().unwrap();
        for (name, bytes) in names.iter().zip(&cases) {
            assert!(&reader.file_bytes(id, name).unwrap() == bytes, "{name}");
            assert!(&reader.blob(Sha256::of(bytes)).unwrap() == bytes, "{name}");
        }
        let stored = reader.overview().unwrap();
        assert!(stored.stored_bytes < 2 * u64::try_from(PART_BYTES).unwrap());
        assert!(stored.raw_bytes > 20_000_000);
        assert!(matches!(
            reader.file_bytes(id, "other"),
            Err(StoreError::NoSuchFile { .. })
        ));
    }

    #[test]
    fn changed_bytes_are_an_error_that_names_them() {
        let changes = [
            "UPDATE blob_parts SET bytes = x'00112233'",
            "UPDATE blob_parts SET bytes = x'', codec = 'raw'",
            "UPDATE blob_parts SET size = 1 << 40",
            "UPDATE blob_parts SET part = 7",
            "DELETE FROM blob_parts",
            "UPDATE blob_parts SET bytes = zeroblob(size), codec = 'raw'",
        ];
        for change in changes {
            let (_folder, store) = testing::store();
            let bytes = b"many equal lines\n".repeat(100);
            let id = store
                .add_capture(&testing::capture("a", &[("f", &bytes)]), &Unattended)
                .unwrap()
                .capture();
            let other = Connection::open(store.path()).unwrap();
            other.execute(change, []).unwrap();
            let error = store.reader().unwrap().file_bytes(id, "f").unwrap_err();
            assert!(
                matches!(error, StoreError::BlobDamaged { .. }),
                "{change}: {error}"
            );
            assert!(error.to_string().contains(&Sha256::of(&bytes).to_string()));
            assert!(error.to_string().contains(".fieldscope"), "{error}");
        }
    }
}

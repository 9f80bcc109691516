//! Large texts part by part: which parts may hold what is searched for, and their bytes.

pub use crate::store::blobs::Unpacker;
use crate::store::blobs::{StoredPart, blob_of_file};
use crate::store::error::StoreError;
use crate::store::grams::{MOST_TOGETHER, Slices, Wanted};
use crate::store::ids::CaptureId;
use crate::store::packing::TextFacts;
use crate::store::reader::{Reader, list};
use crate::store::rows::stored_len;
use crate::store::sha256::Sha256;
use rusqlite::{Connection, Transaction, params};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// A part of a large text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextPart {
    /// Its number.
    pub part: i64,
    /// It begins where a line does; otherwise it goes on with the line of the part before.
    pub starts_line: bool,
    /// It may hold the text; false is sure.
    pub may_hold: bool,
}

/// A large text of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextParts {
    blob: i64,
    sha256: Sha256,
    /// The parts in their order.
    pub parts: Vec<TextPart>,
}

/// A part as it is stored, to be unpacked by whoever has the time.
pub struct PackedText {
    stored: StoredPart,
    sha256: Sha256,
}

impl PackedText {
    /// Its bytes.
    pub fn unpack(self, unpacker: &mut Unpacker) -> Result<Vec<u8>, StoreError> {
        let sha256 = self.sha256;
        let damaged = |detail| damaged(sha256, detail);
        self.stored.unpack(unpacker, &damaged)
    }
}

impl Reader {
    /// The parts of a text and whether each may hold `needle`; `None` for a file that has no such parts: it is small, no text,
    /// or was stored before there were any.
    pub fn text_parts(
        &self,
        capture: CaptureId,
        path: &str,
        needle: &[u8],
    ) -> Result<Option<TextParts>, StoreError> {
        self.ask(|connection| {
            let (blob, sha256) = blob_of_file(connection, capture, path)?;
            let Some(n_parts) = n_parts(connection, blob)? else {
                return Ok(None);
            };
            let mut parts: Vec<TextPart> = (0..n_parts)
                .map(|part| TextPart {
                    part,
                    starts_line: true,
                    may_hold: true,
                })
                .collect();
            let inside_lines: Vec<i64> = list(
                connection,
                "SELECT part FROM text_parts WHERE blob = ?1 AND starts_line = 0",
                [blob],
                |row| row.get(0),
            )?;
            for part in inside_lines {
                let part = usize::try_from(part).ok();
                if let Some(part) = part.and_then(|part| parts.get_mut(part)) {
                    part.starts_line = false;
                }
            }
            exclude(connection, blob, &Wanted::of(needle), &mut parts)?;
            Ok(Some(TextParts {
                blob,
                sha256,
                parts,
            }))
        })
    }

    /// A part.
    pub fn text_part(&self, text: &TextParts, part: &TextPart) -> Result<PackedText, StoreError> {
        let sha256 = text.sha256;
        let damaged = |detail| damaged(sha256, detail);
        self.ask(|connection| {
            let stored = StoredPart::read(connection, text.blob, part.part, &damaged)?;
            Ok(PackedText { stored, sha256 })
        })
    }
}

fn damaged(sha256: Sha256, detail: String) -> StoreError {
    StoreError::BlobDamaged {
        path: PathBuf::new(),
        sha256,
        detail,
    }
}

/// How many parts a text has, if it is known of each what can be in it: rows that are missing must not hide a line.
fn n_parts(connection: &Connection, blob: i64) -> Result<Option<i64>, StoreError> {
    let (n_known, last_known): (i64, Option<i64>) = connection.query_row(
        "SELECT count(*), max(part) FROM text_parts WHERE blob = ?1",
        [blob],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let n_stored: i64 = connection.query_row(
        "SELECT count(*) FROM blob_parts WHERE blob = ?1",
        [blob],
        |row| row.get(0),
    )?;
    let is_whole = n_known == n_stored && last_known.is_some_and(|last| last == n_known - 1);
    Ok(is_whole.then_some(n_known))
}

/// Marks the parts that surely do not hold what is wanted.
fn exclude(
    connection: &Connection,
    blob: i64,
    wanted: &Wanted,
    parts: &mut [TextPart],
) -> Result<(), StoreError> {
    let mut groups: BTreeMap<i64, BTreeMap<usize, Vec<u8>>> = BTreeMap::new();
    let slices: BTreeSet<usize> = wanted.slices().collect();
    for slice in slices {
        let rows = list(
            connection,
            "SELECT first_part, bits FROM text_grams WHERE blob = ?1 AND slice = ?2",
            params![blob, stored_len(slice)],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        for (first_part, bits) in rows {
            groups.entry(first_part).or_default().insert(slice, bits);
        }
    }
    for (number, group) in (0_i64..).zip(parts.chunks_mut(MOST_TOGETHER)) {
        let first = number.saturating_mul(stored_len(MOST_TOGETHER));
        let rows = groups.remove(&first).unwrap_or_default();
        let may_hold = wanted.may_hold(group.len(), &rows);
        for (part, may_hold) in group.iter_mut().zip(may_hold) {
            part.may_hold = may_hold;
        }
    }
    Ok(())
}

/// Stores what can be in the parts of a text, which come in their order.
pub(super) struct TextPartsWriter<'t> {
    transaction: &'t Transaction<'t>,
    blob: i64,
    next_part: i64,
    slices: Option<Slices>,
}

impl<'t> TextPartsWriter<'t> {
    /// For the parts of a blob.
    pub(super) fn new(transaction: &'t Transaction<'t>, blob: i64) -> Self {
        Self {
            transaction,
            blob,
            next_part: 0,
            slices: None,
        }
    }

    /// Stores a part.
    pub(super) fn add(&mut self, part: i64, text: &TextFacts) -> Result<(), StoreError> {
        self.transaction
            .prepare_cached(
                "INSERT INTO text_parts (blob, part, n_line_ends, starts_line) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                self.blob,
                part,
                stored_len(text.n_line_ends),
                text.starts_line
            ])?;
        let slices = self.slices.get_or_insert_default();
        slices.add(&text.grams);
        if slices.n_parts() >= MOST_TOGETHER {
            self.finish()?;
        }
        Ok(())
    }

    /// Stores what waits.
    pub(super) fn finish(&mut self) -> Result<(), StoreError> {
        let Some(slices) = self.slices.as_mut().filter(|slices| slices.n_parts() > 0) else {
            return Ok(());
        };
        let mut insert = self.transaction.prepare_cached(
            "INSERT INTO text_grams (blob, slice, first_part, bits) VALUES (?1, ?2, ?3, ?4)",
        )?;
        let n_parts = stored_len(slices.n_parts());
        let (mut outcome, first, blob) = (Ok(0), self.next_part, self.blob);
        slices.drain(|slice, bits| {
            if outcome.is_ok() {
                outcome = insert.execute(params![blob, stored_len(slice), first, bits]);
            }
        });
        outcome?;
        self.next_part = self.next_part.saturating_add(n_parts);
        Ok(())
    }
}

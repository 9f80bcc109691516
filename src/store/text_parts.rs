//! Large texts part by part: which parts may hold what is searched for, and their bytes.

use crate::store::blobs::{blob_of_file, unpacked_part};
use crate::store::error::StoreError;
use crate::store::grams::Grams;
use crate::store::ids::CaptureId;
use crate::store::reader::{Reader, list};
use crate::store::sha256::Sha256;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::path::PathBuf;

/// A part of a large text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextPart {
    /// Its number.
    pub part: i64,
    /// Line ends in it.
    pub n_line_ends: u64,
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
            let parts = list(
                connection,
                "SELECT part, n_line_ends, starts_line, grams FROM text_parts WHERE blob = ?1 ORDER BY part",
                [blob],
                |row| {
                    let n_line_ends: i64 = row.get(1)?;
                    let grams = row.get_ref(3)?.as_blob().unwrap_or_default();
                    Ok(TextPart {
                        part: row.get(0)?,
                        n_line_ends: u64::try_from(n_line_ends).unwrap_or(0),
                        starts_line: row.get(2)?,
                        may_hold: Grams::of_bytes(grams).may_hold(needle),
                    })
                },
            )?;
            let n_parts: i64 = connection.query_row(
                "SELECT count(*) FROM blob_parts WHERE blob = ?1",
                [blob],
                |row| row.get(0),
            )?;
            // Rows that are missing must not hide a line.
            let is_whole = (0_i64..).zip(&parts).all(|(n, part)| part.part == n);
            let is_whole = is_whole && i64::try_from(parts.len()).is_ok_and(|n| n == n_parts);
            Ok((is_whole && n_parts > 0).then_some(TextParts {
                blob,
                sha256,
                parts,
            }))
        })
    }

    /// The bytes of a part.
    pub fn text_part_bytes(
        &self,
        text: &TextParts,
        part: &TextPart,
    ) -> Result<Vec<u8>, StoreError> {
        self.ask(|connection| part_bytes(connection, text, part.part))
    }
}

fn part_bytes(connection: &Connection, text: &TextParts, part: i64) -> Result<Vec<u8>, StoreError> {
    let damaged = |detail: String| StoreError::BlobDamaged {
        path: PathBuf::new(),
        sha256: text.sha256,
        detail,
    };
    let (codec, size): (String, i64) = connection
        .prepare_cached("SELECT codec, size FROM blob_parts WHERE blob = ?1 AND part = ?2")?
        .query_row(params![text.blob, part], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?
        .ok_or_else(|| damaged(format!("part {part} is missing")))?;
    unpacked_part(connection, text.blob, part, &codec, size, &damaged)
}

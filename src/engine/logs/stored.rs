//! A log of the workspace that is searched for a text: only the parts are unpacked that may hold it.

use super::matcher::Matcher;
use super::open_log::{LogError, LogStyle, print_lines_of};
use super::selection::Selection;
use crate::engine::query::QueryError;
use crate::store::ids::CaptureId;
use crate::store::reader::Reader;
use crate::store::text_parts::TextParts;
use std::io::Write;

/// A search that can be answered from parts.
pub struct StoredSearch<'r> {
    reader: &'r Reader,
    text: TextParts,
    matcher: &'r Matcher,
}

impl<'r> StoredSearch<'r> {
    /// A search for a text and nothing else in a large text of the workspace; `None` when the log has to be read as a whole.
    pub fn new(
        reader: &'r Reader,
        capture: i64,
        path: &str,
        wanted: &'r Selection,
    ) -> Result<Option<Self>, QueryError> {
        let Some(matcher) = wanted.matcher.as_ref() else {
            return Ok(None);
        };
        let is_simple = !wanted.needs_records() && wanted.boots.is_none() && !wanted.is_inverted;
        let Some(literal) = matcher.literal().filter(|_| is_simple) else {
            return Ok(None);
        };
        let text = reader.text_parts(CaptureId(capture), path, literal)?;
        Ok(text.map(|text| Self {
            reader,
            text,
            matcher,
        }))
    }

    /// Prints the rows, the first `most` of them; how many there are.
    pub fn print(
        &self,
        style: LogStyle,
        most: usize,
        out: &mut dyn Write,
    ) -> Result<u64, LogError> {
        let mut n_printed: u64 = 0;
        for run in self.text.parts.chunk_by(|_, next| !next.starts_line) {
            // A line that is longer than a part is put together first.
            if !run.iter().any(|part| part.may_hold) && run.len() == 1 {
                continue;
            }
            let mut bytes = Vec::new();
            for part in run {
                bytes.extend(self.reader.text_part_bytes(&self.text, part)?);
            }
            let left = usize::try_from(n_printed).map_or(0, |n| most.saturating_sub(n));
            let (printed, n) = print_lines_of(&bytes, self.matcher, style, left);
            n_printed = n_printed.saturating_add(n as u64);
            out.write_all(&printed)?;
            if n >= left {
                break;
            }
        }
        Ok(n_printed)
    }
}

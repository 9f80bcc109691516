//! A log of the workspace that is searched for a text: only the parts are unpacked that may hold it.

use super::matcher::Matcher;
use super::open_log::{LogError, LogStyle, print_lines_of};
use super::selection::Selection;
use crate::engine::parallel;
use crate::engine::query::QueryError;
use crate::model::progress::Progress;
use crate::store::error::StoreError;
use crate::store::ids::CaptureId;
use crate::store::reader::Reader;
use crate::store::text_parts::{TextPart, TextParts, Unpacker};
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Parts that are unpacked before what was found in them is written: bounds the memory.
const RUNS_AT_ONCE: usize = 64;

/// A search that can be answered from parts.
pub struct StoredSearch<'r> {
    // Read by one thread while the others unpack.
    reader: Mutex<Reader>,
    text: TextParts,
    matcher: &'r Matcher,
    /// Those that nobody uses now.
    unpackers: Mutex<Vec<Unpacker>>,
}

impl<'r> StoredSearch<'r> {
    /// A search for a text and nothing else in a large text of the workspace; `None` when the log has to be read as a whole.
    pub fn new(
        reader: Reader,
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
            reader: Mutex::new(reader),
            text,
            matcher,
            unpackers: Mutex::default(),
        }))
    }

    /// Prints the rows, the first `most` of them; how many there are.
    pub fn print(
        &self,
        style: LogStyle,
        most: usize,
        out: &mut dyn Write,
        progress: &dyn Progress,
    ) -> Result<u64, LogError> {
        // A line that is longer than a part is put together first.
        let mut runs = self
            .text
            .parts
            .chunk_by(|_, next| !next.starts_line)
            .filter(|run| run.len() > 1 || run.iter().any(|part| part.may_hold));
        let mut n_printed: usize = 0;
        // The first rows are most often in the first part.
        let mut n_at_once = if most == usize::MAX { RUNS_AT_ONCE } else { 1 };
        loop {
            let some: Vec<&[TextPart]> = runs.by_ref().take(n_at_once).collect();
            if some.is_empty() {
                return Ok(n_printed as u64);
            }
            n_at_once = n_at_once.saturating_mul(2).min(RUNS_AT_ONCE);
            let found =
                parallel::in_order(
                    &some,
                    progress,
                    |run, _progress| Ok(self.search(run, style)),
                )?;
            for lines in found {
                let (printed, ends) = lines?;
                let left = most.saturating_sub(n_printed).min(ends.len());
                let end = left.checked_sub(1).and_then(|last| ends.get(last));
                out.write_all(printed.get(..end.copied().unwrap_or(0)).unwrap_or(&[]))?;
                n_printed = n_printed.saturating_add(left);
            }
            if n_printed >= most {
                return Ok(n_printed as u64);
            }
        }
    }

    /// The lines of a run of parts that match, as they are printed, and where each ends.
    fn search(
        &self,
        run: &[TextPart],
        style: LogStyle,
    ) -> Result<(Vec<u8>, Vec<usize>), StoreError> {
        let mut unpacker = locked(&self.unpackers).pop().unwrap_or_default();
        let mut bytes = Vec::new();
        for part in run {
            let packed = locked(&self.reader).text_part(&self.text, part)?;
            let part = packed.unpack(&mut unpacker)?;
            if bytes.is_empty() {
                bytes = part;
            } else {
                bytes.extend(part);
            }
        }
        locked(&self.unpackers).push(unpacker);
        Ok(print_lines_of(&bytes, self.matcher, style))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! One log, opened to be read from one end to the other: counted, searched, printed.
//!
//! A large file is mapped, not read (one answer is all that is wanted of it); blocks are worked on by all processors and
//! given out in their order.

pub mod wanted_lines;

use super::filter::FilterStack;
use super::matcher::Matcher;
use super::print::{RowPlace, append_json, append_line, append_searched};
use super::row_set::RowSet;
use super::rows::{LogPiece, Rows, blocks};
use super::selection::{Selection, boot_at, decode_rows};
use super::session::{CrashPlace, LogSession};
use super::templates::Groups;
use crate::engine::file_bytes::FileBytes;
use crate::engine::parallel;
use crate::formats::boots::{self, BootRecord};
use crate::formats::log::dictionaries::LogDictionaries;
use crate::formats::log::{Framing, LogFormat, ansi, detect};
use crate::model::log::{LogRecord, RowKind};
use crate::model::progress::{Cancelled, Progress, Unattended};
use crate::store::error::StoreError;
use std::collections::VecDeque;
use std::io::Write;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// So much of a log says what format it has.
const HEAD_BYTES: usize = 64 << 10;
/// Blocks that are worked on before their output is written: bounds the memory.
const BLOCKS_AT_ONCE: usize = 16;

/// How rows are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogStyle {
    /// Text logs line by line without terminal escapes, others as time, level, module, message.
    Text,
    /// The rows' own bytes.
    Raw,
    /// `fieldscope.log/1`, a line a row.
    Json,
}

/// Which of the wanted rows are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All.
    All,
    /// The first ones.
    Head(usize),
    /// The last ones.
    Tail(usize),
}

/// Why nothing more is printed.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// It cannot be written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The workspace cannot give it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the workspace knows of a log that does not stand in it.
#[derive(Clone, Debug, Default)]
pub struct LogOrigin {
    /// Its crashes, in its order.
    pub crashes: Vec<CrashPlace>,
    /// Serial number of its device.
    pub device: Option<String>,
}

/// A log.
pub struct OpenLog {
    bytes: FileBytes,
    format: &'static dyn LogFormat,
    dictionaries: LogDictionaries,
    boots: OnceLock<Vec<BootRecord>>,
}

/// Takes a row: its index in the block, its place there, what it says, and the line that is printed of it.
type EachRow<'a> = dyn FnMut(u64, Range<usize>, &LogRecord, &[u8]) + 'a;

/// Rows of a block that were printed.
#[derive(Default)]
struct Printed {
    bytes: Vec<u8>,
    /// Where each row ends in them.
    ends: Vec<usize>,
    n_undecoded: u64,
}

impl OpenLog {
    /// A log with this format, or the one that its beginning looks like.
    pub fn new(
        bytes: FileBytes,
        name: &str,
        format: Option<&'static dyn LogFormat>,
        dictionaries: LogDictionaries,
    ) -> Self {
        let head = bytes.get(..HEAD_BYTES).unwrap_or(&bytes);
        let format = format.unwrap_or_else(|| detect(head, name, &dictionaries));
        Self {
            bytes,
            format,
            dictionaries,
            boots: OnceLock::new(),
        }
    }

    /// Its format.
    pub fn format(&self) -> &'static dyn LogFormat {
        self.format
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What its format strings are looked up in.
    pub fn dictionaries(&self) -> &LogDictionaries {
        &self.dictionaries
    }

    fn is_text(&self) -> bool {
        self.format.framing() == Framing::Delimited(b'\n')
    }

    /// The boots that it tells of; searched when they are first asked for.
    pub fn boots(&self) -> &[BootRecord] {
        self.boots.get_or_init(|| {
            if !self.format.has_lines() {
                return Vec::new();
            }
            // Nobody can cancel it, so there is always an answer.
            boots::find(&self.bytes, &Unattended).unwrap_or_default()
        })
    }

    /// The rows that filters let through, as the window shows them; `None` when that is all of them, an error when a filter
    /// is broken.
    pub fn rows_through(
        &self,
        name: &str,
        stack: &FilterStack,
        origin: &LogOrigin,
        progress: &dyn Progress,
    ) -> Result<Result<Option<Arc<RowSet>>, String>, Cancelled> {
        let (bytes, dictionaries) = (self.bytes.clone(), self.dictionaries.clone());
        LogSession::open(name, bytes, dictionaries, origin.crashes.clone(), progress)?
            .of_device(origin.device.clone())
            .let_through(stack, progress)
    }

    /// How many rows are wanted. With `is_raw` lines are matched with their terminal escapes.
    pub fn count(
        &self,
        wanted: &Selection,
        is_raw: bool,
        progress: &dyn Progress,
    ) -> Result<u64, Cancelled> {
        let is_simple = self.is_text() && !wanted.needs_records() && wanted.boots.is_none();
        if wanted.boots.is_some() {
            // Before the workers start: they share what is found.
            self.boots();
        }
        let boots = self.boots.get().map(Vec::as_slice).unwrap_or_default();
        let blocks: Vec<_> = blocks(&self.bytes, self.format.framing()).collect();
        let starts = self.starts(&blocks, wanted.rows.is_some(), &mut 0)?;
        let todo: Vec<_> = blocks.iter().zip(starts).collect();
        let counts = parallel::in_order(&todo, progress, |(block, first), progress| {
            progress.tick(0, 1)?;
            let bytes = self.bytes.get(Range::clone(block)).unwrap_or(&[]);
            Ok(match &wanted.matcher {
                Some(matcher) if is_simple && self.dictionaries.tokens.is_none() => {
                    let n_found = count_lines(matcher, bytes, is_raw);
                    if wanted.is_inverted {
                        n_lines(bytes).saturating_sub(n_found)
                    } else {
                        n_found
                    }
                }
                None if is_simple => n_lines(bytes),
                _ => {
                    let mut n: u64 = 0;
                    self.wanted_rows((block, *first), wanted, is_raw, boots, &mut |_, _, _, _| {
                        n = n.saturating_add(1);
                    });
                    n
                }
            })
        })?;
        Ok(counts.into_iter().fold(0, u64::saturating_add))
    }

    /// Prints the wanted rows; how many there were, and how many could not be decoded.
    pub fn print(
        &self,
        wanted: &Selection,
        style: LogStyle,
        part: Part,
        out: &mut dyn Write,
        progress: &dyn Progress,
    ) -> Result<(u64, u64), LogError> {
        if style == LogStyle::Json || wanted.boots.is_some() {
            self.boots();
        }
        let boots = self.boots.get().map(Vec::as_slice).unwrap_or_default();
        let mut blocks = blocks(&self.bytes, self.format.framing());
        let (mut n_printed, mut n_undecoded, mut first_row) = (0_usize, 0_u64, 0_u64);
        let mut kept: VecDeque<Printed> = VecDeque::new();
        // The first rows are most often in the first block.
        let mut n_at_once = match part {
            Part::Head(_) => 1,
            _ => BLOCKS_AT_ONCE,
        };
        loop {
            let group: Vec<_> = blocks.by_ref().take(n_at_once).collect();
            let Some(first) = group.first() else {
                break;
            };
            progress.tick(first.start as u64, self.bytes.len() as u64)?;
            n_at_once = n_at_once.saturating_mul(2).min(BLOCKS_AT_ONCE);
            let counts_rows = style == LogStyle::Json || wanted.rows.is_some();
            let starts = self.starts(&group, counts_rows, &mut first_row)?;
            let todo: Vec<(&Range<usize>, u64)> = group.iter().zip(starts).collect();
            let printed = parallel::in_order(&todo, progress, |(block, first), progress| {
                progress.tick(0, 1)?;
                Ok(self.print_block(block, *first, wanted, style, boots))
            })?;
            for mut rows in printed {
                n_undecoded = n_undecoded.saturating_add(rows.n_undecoded);
                match part {
                    Part::All => {}
                    Part::Head(most) => {
                        let left = most.saturating_sub(n_printed);
                        if let Some(end) = left.checked_sub(1).map(|last| rows.ends.get(last)) {
                            rows.bytes
                                .truncate(end.copied().unwrap_or(rows.bytes.len()));
                        } else {
                            rows.bytes.clear();
                        }
                        rows.ends.truncate(left);
                    }
                    Part::Tail(_) => {
                        n_printed = n_printed.saturating_add(rows.ends.len());
                        kept.push_back(rows);
                        continue;
                    }
                }
                n_printed = n_printed.saturating_add(rows.ends.len());
                out.write_all(&rows.bytes)?;
            }
            match part {
                Part::Head(most) if n_printed >= most => break,
                Part::Tail(most) => {
                    while let Some(first) = kept.front()
                        && n_printed.saturating_sub(first.ends.len()) >= most
                    {
                        n_printed = n_printed.saturating_sub(first.ends.len());
                        kept.pop_front();
                    }
                }
                _ => {}
            }
        }
        if let Part::Tail(most) = part {
            let mut n_extra = n_printed.saturating_sub(most);
            for rows in kept {
                let skipped = n_extra.min(rows.ends.len());
                let from = skipped.checked_sub(1).and_then(|last| rows.ends.get(last));
                out.write_all(rows.bytes.get(from.copied().unwrap_or(0)..).unwrap_or(&[]))?;
                n_extra = n_extra.saturating_sub(skipped);
            }
            n_printed = n_printed.min(most);
        }
        Ok((n_printed as u64, n_undecoded))
    }

    /// The messages of the wanted rows, grouped by what is constant in them.
    pub fn groups(&self, wanted: &Selection, progress: &dyn Progress) -> Result<Groups, Cancelled> {
        if wanted.boots.is_some() {
            self.boots();
        }
        let boots = self.boots.get().map(Vec::as_slice).unwrap_or_default();
        let mut blocks = blocks(&self.bytes, self.format.framing());
        let (mut all, mut n_before, mut first_row) = (Groups::default(), 0_u64, 0_u64);
        loop {
            let some: Vec<_> = blocks.by_ref().take(BLOCKS_AT_ONCE).collect();
            let Some(first) = some.first() else {
                return Ok(all);
            };
            progress.tick(first.start as u64, self.bytes.len() as u64)?;
            let starts = self.starts(&some, wanted.rows.is_some(), &mut first_row)?;
            let todo: Vec<_> = some.iter().zip(starts).collect();
            let found = parallel::in_order(&todo, progress, |(block, first), progress| {
                progress.tick(0, 1)?;
                let mut groups = Groups::default();
                let n_rows = self.wanted_rows(
                    (block, *first),
                    wanted,
                    false,
                    boots,
                    &mut |row, _, record, _| {
                        groups.add(row, record);
                    },
                );
                Ok((groups, n_rows))
            })?;
            for (groups, n_rows) in found {
                all.append(groups, n_before);
                n_before = n_before.saturating_add(n_rows);
            }
        }
    }

    /// The number of the first row of each block, where it counts; else 0.
    fn starts(
        &self,
        blocks: &[Range<usize>],
        counts_rows: bool,
        next: &mut u64,
    ) -> Result<Vec<u64>, Cancelled> {
        if counts_rows {
            self.first_rows(blocks, next)
        } else {
            Ok(vec![0; blocks.len()])
        }
    }

    /// A block with the log around it.
    fn piece(&self, block: &Range<usize>) -> LogPiece<'_> {
        LogPiece {
            log: &self.bytes,
            range: block.clone(),
        }
    }

    /// The number of the first row of each block.
    fn first_rows(&self, blocks: &[Range<usize>], next: &mut u64) -> Result<Vec<u64>, Cancelled> {
        let counts = parallel::in_order(blocks, &Unattended, |block, _progress| {
            let bytes = self.bytes.get(block.clone()).unwrap_or(&[]);
            Ok(if self.is_text() {
                n_lines(bytes)
            } else {
                Rows::new(self.piece(block), self.format, &self.dictionaries).count() as u64
            })
        })?;
        let firsts = counts.into_iter().map(|count| {
            let first = *next;
            *next = next.saturating_add(count);
            first
        });
        Ok(firsts.collect())
    }

    fn print_block(
        &self,
        block: &Range<usize>,
        first_row: u64,
        wanted: &Selection,
        style: LogStyle,
        boots: &[BootRecord],
    ) -> Printed {
        let mut printed = Printed::default();
        let bytes = self.bytes.get(block.clone()).unwrap_or(&[]);
        let is_simple = self.is_text()
            && style != LogStyle::Json
            && !wanted.needs_records()
            && wanted.boots.is_none()
            && !wanted.is_inverted
            && self.dictionaries.tokens.is_none();
        if is_simple {
            print_lines(bytes, wanted.matcher.as_ref(), style, &mut printed);
            return printed;
        }
        let is_raw = style == LogStyle::Raw;
        self.wanted_rows(
            (block, first_row),
            wanted,
            is_raw,
            boots,
            &mut |index, row, record, text| {
                let raw = bytes.get(row.clone()).unwrap_or(&[]);
                let offset = block.start.saturating_add(row.start) as u64;
                match style {
                    LogStyle::Raw => printed.bytes.extend_from_slice(raw),
                    LogStyle::Json => {
                        let place = RowPlace {
                            log: None,
                            row: first_row.saturating_add(index),
                            boot: boot_at(boots, offset),
                            format: self.format.id(),
                        };
                        append_json(place, record, raw, &mut printed.bytes);
                    }
                    LogStyle::Text => printed.bytes.extend_from_slice(text),
                }
                printed.ends.push(printed.bytes.len());
                let is_undecoded = record.kind == RowKind::Undecoded;
                printed.n_undecoded = printed.n_undecoded.saturating_add(u64::from(is_undecoded));
            },
        );
        printed
    }

    /// Decodes the rows of a block (with the number of its first row) and gives those that are wanted: index in the block,
    /// place in it, what it says, and the line that is printed of it. How many rows the block has.
    fn wanted_rows(
        &self,
        (block, first_row): (&Range<usize>, u64),
        wanted: &Selection,
        is_raw: bool,
        boots: &[BootRecord],
        each: &mut EachRow<'_>,
    ) -> u64 {
        let bytes = self.bytes.get(block.clone()).unwrap_or(&[]);
        let mut index: u64 = 0;
        let (mut text, mut searched) = (Vec::new(), Vec::new());
        decode_rows(
            &self.piece(block),
            self.format,
            &self.dictionaries,
            |row, record| {
                let this = index;
                index = index.saturating_add(1);
                if !wanted.wants_row(first_row.saturating_add(this)) {
                    return;
                }
                let offset = block.start.saturating_add(row.start) as u64;
                if wanted.boots.is_some() && !wanted.wants_boot(boot_at(boots, offset)) {
                    return;
                }
                let raw = bytes.get(row.clone()).unwrap_or(&[]);
                // A line is searched as in a search of whole blocks, whatever else is wanted of it.
                searched.clear();
                if wanted.matcher.is_some() && is_raw && self.is_text() {
                    searched.extend_from_slice(raw.strip_suffix(b"\n").unwrap_or(raw));
                } else if wanted.matcher.is_some() {
                    append_searched(record, raw, self.is_text(), &mut searched);
                }
                if wanted.wants(record, &searched) {
                    text.clear();
                    append_line(record, raw, self.is_text(), &mut text);
                    each(this, row, record, &text);
                }
            },
        );
        index
    }
}

/// Lines of a block, the last one with or without its end.
fn n_lines(block: &[u8]) -> u64 {
    let n_ends = memchr::memchr_iter(b'\n', block).count() as u64;
    let is_open = block.last().is_some_and(|byte| *byte != b'\n');
    n_ends.saturating_add(u64::from(is_open))
}

fn count_lines(matcher: &Matcher, block: &[u8], is_raw: bool) -> u64 {
    let mut n: u64 = 0;
    let plain = if is_raw {
        std::borrow::Cow::Borrowed(block)
    } else {
        ansi::plain(block)
    };
    matcher.lines(&plain, |_start, _end| n = n.saturating_add(1));
    n
}

/// The lines of a block that match, as they are printed, and where each ends.
pub(super) fn print_lines_of(
    block: &[u8],
    matcher: &Matcher,
    style: LogStyle,
) -> (Vec<u8>, Vec<usize>) {
    let mut printed = Printed::default();
    print_lines(block, Some(matcher), style, &mut printed);
    (printed.bytes, printed.ends)
}

/// Prints the lines of a block as they are, or without terminal escapes.
fn print_lines(block: &[u8], matcher: Option<&Matcher>, style: LogStyle, printed: &mut Printed) {
    let plain = match style {
        LogStyle::Raw => std::borrow::Cow::Borrowed(block),
        _ => ansi::plain(block),
    };
    let mut print = |start: usize, end: usize| {
        let with_end = plain
            .get(start..end.saturating_add(1))
            .or(plain.get(start..end));
        let line = with_end.unwrap_or(&[]);
        if style == LogStyle::Raw {
            printed.bytes.extend_from_slice(line);
        } else {
            printed
                .bytes
                .extend_from_slice(super::print::without_line_end(line));
            printed.bytes.push(b'\n');
        }
        printed.ends.push(printed.bytes.len());
    };
    if let Some(matcher) = matcher {
        matcher.lines(&plain, print);
        return;
    }
    let mut at = 0;
    while at < plain.len() {
        let rest = plain.get(at..).unwrap_or(&[]);
        let end = memchr::memchr(b'\n', rest).map_or(plain.len(), |n| at.saturating_add(n));
        print(at, end);
        at = end.saturating_add(1);
    }
}

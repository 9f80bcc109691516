//! Which source line an address comes from (DWARF 5, section 6.2; versions 2 to 5).

use super::debug_info::{DebugInfo, Unit};
use super::line_program::{LineProgram, LineState};
use super::names::attribute_text;
use std::num::NonZeroU32;
use std::ops::Range;
use std::rc::Rc;

/// How far sequences that overlap are searched.
const MOST_OVERLAPS: usize = 16;

/// The line table of one unit.
#[derive(Default)]
pub(super) struct UnitLines {
    /// Sorted by address within each sequence.
    rows: Vec<Row>,
    /// Sorted by start.
    sequences: Vec<Sequence>,
    /// Names by file index.
    files: Vec<Option<Rc<str>>>,
}

/// Where a line table says that an address comes from. Units have hundreds of thousands: no larger than it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    addr: u64,
    file: u32,
    line: Option<NonZeroU32>,
    column: Option<NonZeroU32>,
    is_stmt: bool,
}

impl Row {
    /// Index of the file in the table.
    pub(super) fn file(&self) -> u64 {
        self.file.into()
    }

    /// Line, from 1.
    pub(super) fn line(&self) -> Option<u32> {
        self.line.map(NonZeroU32::get)
    }

    /// Column, from 1.
    pub(super) fn column(&self) -> Option<u32> {
        self.column.map(NonZeroU32::get)
    }
}

struct Sequence {
    start: u64,
    end: u64,
    first: usize,
    last: usize,
}

impl UnitLines {
    /// Runs the line program of a unit. A damaged program ends; what came before stays.
    pub(super) fn parse<'a>(info: &DebugInfo<'a>, unit: &Unit<'a>) -> Self {
        let mut lines = Self::default();
        let Some(program) = unit.line_program.clone() else {
            return lines;
        };
        lines.files = file_names(info, unit);
        let mut sequence = OpenSequence::default();
        LineProgram::new(program.header()).run(|row, is_end| {
            if is_end {
                lines.close(info, &mut sequence, row.addr);
            } else {
                sequence.add(row, &mut lines.rows);
            }
        });
        lines.rows.truncate(sequence.first);
        lines.sequences.sort_by_key(|s| (s.start, s.end));
        lines
    }

    /// The row that covers `addr`.
    pub(super) fn find(&self, addr: u64) -> Option<&Row> {
        let after = self.sequences.partition_point(|s| s.start <= addr);
        // Sequences do not overlap in one unit, except for leftovers at address 0, which sort first.
        let sequence = self
            .sequences
            .get(..after)?
            .iter()
            .rev()
            .take(MOST_OVERLAPS)
            .find(|s| addr < s.end)?;
        let rows = self.rows.get(sequence.first..sequence.last)?;
        rows.get(rows.partition_point(|r| r.addr <= addr).checked_sub(1)?)
    }

    /// The name of a file, as gdb prints it.
    pub(super) fn file(&self, index: u64) -> Option<Rc<str>> {
        self.files.get(usize::try_from(index).ok()?)?.clone()
    }

    /// Adds the addresses in `range` where the line may change.
    pub(super) fn boundaries_in(&self, range: &Range<u64>, into: &mut Vec<u64>) {
        let after = self.sequences.partition_point(|s| s.start < range.end);
        let touching = self.sequences.get(..after).unwrap_or_default();
        for (back, sequence) in touching.iter().rev().enumerate() {
            if sequence.end <= range.start {
                // They are sorted by their starts: a longer one may still reach further, but not from far off.
                if back >= MOST_OVERLAPS {
                    break;
                }
                continue;
            }
            let rows = self
                .rows
                .get(sequence.first..sequence.last)
                .unwrap_or_default();
            let first = rows.partition_point(|r| r.addr < range.start);
            let inside = rows.get(first..).unwrap_or_default().iter();
            into.extend(inside.map(|r| r.addr).take_while(|addr| *addr < range.end));
            let ends = [sequence.start, sequence.end].into_iter();
            into.extend(ends.filter(|addr| range.contains(addr)));
        }
    }

    /// Ranges that have lines.
    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.sequences.iter().map(|s| s.start..s.end)
    }

    /// Keeps the rows of a sequence, unless the linker dropped its code.
    fn close(&mut self, info: &DebugInfo<'_>, sequence: &mut OpenSequence, end: u64) {
        let OpenSequence {
            first, is_unsorted, ..
        } = std::mem::take(sequence);
        let rows = self.rows.get_mut(first..).unwrap_or_default();
        if is_unsorted {
            rows.sort_by_key(|row| row.addr);
            for row in self.rows.split_off(first) {
                push(row, first, &mut self.rows);
            }
        }
        if let Some(start) = self.rows.get(first).map(|row| row.addr) {
            let live = info.live();
            let is_dead =
                !live.holds(&(start..end)) || (start == 0 && !live.is_live_block_at_zero(end));
            if is_dead {
                self.rows.truncate(first);
            } else {
                self.sequences.push(Sequence {
                    start,
                    end,
                    first,
                    last: self.rows.len(),
                });
            }
        }
        sequence.first = self.rows.len();
    }
}

/// The sequence that the line program is in.
#[derive(Default)]
struct OpenSequence {
    /// Its first row.
    first: usize,
    /// The file and line of the row before, whether that was kept or not.
    before: Option<(u32, Option<NonZeroU32>)>,
    /// True from a row with a discriminator on, until the line changes.
    is_split_line: bool,
    /// An address was below the one before it.
    is_unsorted: bool,
}

impl OpenSequence {
    #[inline]
    fn add(&mut self, row: &LineState, rows: &mut Vec<Row>) {
        let small = |n: u64| u32::try_from(n).ok().and_then(NonZeroU32::new);
        let line = small(row.line);
        // No table has so many files: the last number stands for none.
        let file = u32::try_from(row.file).unwrap_or(u32::MAX);
        let goes_on = self.before == Some((file, line));
        self.before = Some((file, line));
        self.is_split_line = row.discriminator != 0 || (goes_on && self.is_split_line);
        let row = Row {
            addr: row.addr,
            file,
            line,
            column: small(row.column),
            // A further part of a split line is no statement of its own (so gdb sees it too).
            is_stmt: row.is_stmt && !(goes_on && self.is_split_line),
        };
        let last = rows.get(self.first..).and_then(|rows| rows.last());
        self.is_unsorted |= last.is_some_and(|last| row.addr < last.addr);
        push(row, self.first, rows);
    }
}

/// Adds a row to those of its sequence, which begin at `first`. Of several rows at one address the last one that begins a
/// statement counts, as in gdb; if none does, the last one.
fn push(row: Row, first: usize, rows: &mut Vec<Row>) {
    match rows.get_mut(first..).and_then(|rows| rows.last_mut()) {
        Some(last) if last.addr == row.addr => {
            if row.is_stmt || !last.is_stmt {
                *last = row;
            }
        }
        _ => rows.push(row),
    }
}

/// Names of the files of a unit: `main.c` for a file in the folder of compilation, `dir/name` for another.
pub(super) fn file_names<'a>(info: &DebugInfo<'a>, unit: &Unit<'a>) -> Vec<Option<Rc<str>>> {
    let Some(program) = &unit.line_program else {
        return Vec::new();
    };
    let header = program.header();
    // Before DWARF 5 files count from 1.
    let first: u64 = u64::from(header.version() <= 4);
    let count = header.file_names().len() as u64;
    let comp_dir = unit.comp_dir.map(|d| d.to_string_lossy().into_owned());
    let unit_name = unit.name.map(|n| n.to_string_lossy().into_owned());
    let unit_path = comp_dir
        .as_ref()
        .zip(unit_name.as_ref())
        .map(|(dir, name)| format!("{dir}/{name}"));
    let mut names = Vec::new();
    for index in 0..count.saturating_add(first) {
        let name = header.file(index).filter(|_file| index >= first);
        let name = name.and_then(|file| {
            let name = attribute_text(info.dwarf(), unit, file.path_name())?;
            if is_absolute(&name) || file.directory_index() == 0 {
                return Some(name);
            }
            let dir = attribute_text(info.dwarf(), unit, file.directory(header)?)?;
            if Some(&dir) == comp_dir.as_ref() {
                return Some(name);
            }
            let path = format!("{}/{name}", dir.trim_end_matches('/'));
            // The unit's own file, under the name that the compiler was given.
            if Some(&path) == unit_path.as_ref() {
                return unit_name.clone();
            }
            Some(path)
        });
        names.push(name.map(Rc::from));
    }
    names
}

fn is_absolute(path: &str) -> bool {
    let drive = path.as_bytes().get(1) == Some(&b':');
    path.starts_with(['/', '\\']) || drive
}

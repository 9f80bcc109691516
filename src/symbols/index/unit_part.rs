//! The answers of a few units, made by one thread: every function as if it were the only one at its addresses.

use super::layout::NONE;
use super::listed::{Listed, Listing};
use super::strings::Strings;
use crate::symbols::debug_info::{DebugInfo, Scope};
use crate::symbols::functions::{FunctionSpan, Inlines};
use crate::symbols::lines::UnitLines;
use crate::symbols::symbol_file::SymbolFile;
use std::collections::BTreeMap;
use std::ops::Range;

/// Places of one byte of debug information that are looked at: functions that were folded into one share them.
const PLACES_A_BYTE: usize = 8;
/// Small files may need more than their size says.
const FEWEST_ROWS: usize = 1 << 16;

/// Answers for some units. Numbers of strings and contexts count within it.
#[derive(Default)]
pub(super) struct Part {
    /// Answers that may be kept, and places that may still be looked at: a damaged file has every function everywhere.
    most_rows: usize,
    n_places_left: usize,
    /// There are more: no index can be made.
    pub(super) is_full: bool,
    pub(super) strings: Strings,
    pub(super) contexts: Vec<[u32; 8]>,
    pub(super) claims: Vec<Claim>,
    pub(super) rows: Vec<Row>,
}

/// Somebody who says what is at some addresses.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    pub(super) range: Range<u64>,
    /// All of the function (of a split one, the piece): `range` is what is listed alike.
    pub(super) whole: Range<u64>,
    pub(super) unit: usize,
    /// The function; `None` for lines outside of any function.
    pub(super) entry: Option<gimli::UnitOffset>,
    pub(super) listed: Listed,
    /// Its answers, sorted by address; the first one starts where the claim does.
    pub(super) rows: Range<usize>,
}

/// From an address on, the answer is this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) addr: u64,
    pub(super) context: u32,
    pub(super) file: u32,
    pub(super) line: u32,
    pub(super) column: u32,
}

impl Row {
    /// True when both say the same.
    pub(super) fn says(&self, other: &Self) -> bool {
        let said = |row: &Self| (row.context, row.file, row.line, row.column);
        said(self) == said(other)
    }
}

/// One unit while it is being added.
struct UnitWork<'i, 'a> {
    info: &'i DebugInfo<'a>,
    unit: usize,
    lines: &'i UnitLines,
    /// Numbers of its file names; outer `None`: not asked yet.
    files: BTreeMap<u64, u32>,
    /// Contexts of functions and of the calls inlined into them.
    contexts: BTreeMap<gimli::UnitOffset, u32>,
}

impl Part {
    /// For units of this file.
    pub(super) fn new(file: &SymbolFile) -> Self {
        let most_rows = most_rows(file);
        Self {
            most_rows,
            n_places_left: most_rows.saturating_mul(PLACES_A_BYTE),
            ..Self::default()
        }
    }

    /// Adds all that a unit says. `listing` are the addresses that it describes.
    pub(super) fn add_unit(&mut self, info: &DebugInfo<'_>, unit: usize, listing: &Listing) {
        let functions = info.functions(unit);
        let lines = info.lines(unit);
        let mut work = UnitWork {
            info,
            unit,
            lines: &lines,
            files: BTreeMap::new(),
            contexts: BTreeMap::new(),
        };
        let mut boundaries = Vec::new();
        for span in functions.spans() {
            if self.is_full {
                return;
            }
            self.add_function(&mut work, span, listing, &mut boundaries);
        }
        for range in uncovered(lines.ranges(), functions.spans()) {
            if self.is_full {
                return;
            }
            self.add_lines(&mut work, &range, listing, &mut boundaries);
        }
    }

    fn add_function(
        &mut self,
        work: &mut UnitWork<'_, '_>,
        span: &FunctionSpan,
        listing: &Listing,
        boundaries: &mut Vec<u64>,
    ) {
        let scope = Scope {
            unit: work.unit,
            entry: span.entry,
        };
        let inlines = work.info.inlines(scope);
        boundaries.clear();
        boundaries.push(span.range.start);
        work.lines.boundaries_in(&span.range, boundaries);
        boundaries.extend(inlines.boundaries().filter(|at| span.range.contains(at)));
        let root = self.function_context(work, scope, &span.range);
        let rows = self.add_rows(work, boundaries, |part, work, addr| {
            inlines
                .innermost(addr)
                .map_or(root, |call| part.call_context(work, &inlines, call, root))
        });
        for (range, listed) in listing.pieces(&span.range) {
            self.claims.push(Claim {
                range,
                whole: span.range.clone(),
                unit: work.unit,
                entry: Some(span.entry),
                listed,
                rows: rows.clone(),
            });
        }
    }

    fn add_lines(
        &mut self,
        work: &mut UnitWork<'_, '_>,
        range: &Range<u64>,
        listing: &Listing,
        boundaries: &mut Vec<u64>,
    ) {
        for (range, listed) in listing.pieces(range) {
            if listed == Listed::Nowhere {
                continue;
            }
            boundaries.clear();
            boundaries.push(range.start);
            work.lines.boundaries_in(&range, boundaries);
            let rows = self.add_rows(work, boundaries, |_part, _work, _addr| NONE);
            self.claims.push(Claim {
                whole: range.clone(),
                range,
                unit: work.unit,
                entry: None,
                listed,
                rows,
            });
        }
    }

    fn add_rows(
        &mut self,
        work: &mut UnitWork<'_, '_>,
        boundaries: &mut Vec<u64>,
        mut context: impl FnMut(&mut Self, &mut UnitWork<'_, '_>, u64) -> u32,
    ) -> Range<usize> {
        let first = self.rows.len();
        self.n_places_left = self.n_places_left.saturating_sub(boundaries.len());
        let n_most = first.max(self.claims.len());
        self.is_full |= self.n_places_left == 0 || n_most > self.most_rows;
        if self.is_full {
            return first..first;
        }
        boundaries.sort_unstable();
        boundaries.dedup();
        for addr in boundaries.iter().copied() {
            let at = work.lines.find(addr).copied();
            let row = Row {
                addr,
                context: context(self, work, addr),
                file: at.map_or(NONE, |row| self.file(work, row.file())),
                line: at.and_then(|row| row.line()).unwrap_or(0),
                column: at.and_then(|row| row.column()).unwrap_or(0),
            };
            let before = self.rows.last().filter(|_row| self.rows.len() > first);
            if before.is_none_or(|before| !before.says(&row)) {
                self.rows.push(row);
            }
        }
        first..self.rows.len()
    }

    fn function_context(
        &mut self,
        work: &mut UnitWork<'_, '_>,
        scope: Scope,
        range: &Range<u64>,
    ) -> u32 {
        if let Some(known) = work.contexts.get(&scope.entry) {
            return *known;
        }
        let name = work.info.name_once(scope);
        let (function, qualified) = if name.function.is_some() {
            let function = self.strings.number(name.function.as_deref());
            (function, self.strings.number(name.qualified.as_deref()))
        } else {
            let symbol = work.info.symbol_frame(range.start);
            let function = self.strings.number(symbol.function.as_deref());
            (function, self.strings.number(symbol.qualified.as_deref()))
        };
        let (unit, entry) = scope_numbers(scope);
        let context = [function, qualified, unit, entry, NONE, NONE, 0, 0];
        self.push_context(work, scope.entry, context)
    }

    /// The context of an inlined call, those that it lies in first.
    fn call_context(
        &mut self,
        work: &mut UnitWork<'_, '_>,
        inlines: &Inlines,
        innermost: usize,
        root: u32,
    ) -> u32 {
        let mut missing = Vec::new();
        let mut outer = root;
        let mut next = Some(innermost);
        while let Some((number, call)) = next.and_then(|n| Some((n, inlines.call(n)?))) {
            if let Some(known) = work.contexts.get(&call.entry) {
                outer = *known;
                break;
            }
            missing.push(number);
            next = call.parent;
        }
        for call in missing.into_iter().rev().filter_map(|n| inlines.call(n)) {
            let scope = Scope {
                unit: work.unit,
                entry: call.entry,
            };
            let name = work.info.name_once(scope);
            let (unit, entry) = scope_numbers(scope);
            let context = [
                self.strings.number(name.function.as_deref()),
                self.strings.number(name.qualified.as_deref()),
                unit,
                entry,
                outer,
                call.file.map_or(NONE, |file| self.file(work, file)),
                call.line.unwrap_or(0),
                call.column.unwrap_or(0),
            ];
            outer = self.push_context(work, call.entry, context);
        }
        outer
    }

    fn push_context(
        &mut self,
        work: &mut UnitWork<'_, '_>,
        entry: gimli::UnitOffset,
        context: [u32; 8],
    ) -> u32 {
        let number = u32::try_from(self.contexts.len()).unwrap_or(NONE);
        self.contexts.push(context);
        work.contexts.insert(entry, number);
        number
    }

    fn file(&mut self, work: &mut UnitWork<'_, '_>, file: u64) -> u32 {
        if let Some(known) = work.files.get(&file) {
            return *known;
        }
        let name = work.lines.file(file);
        let number = self.strings.number(name.as_deref());
        work.files.insert(file, number);
        number
    }
}

/// The most answers that an index of this file can need: each begins where a line, a range or an entry says so, and none of
/// them is shorter than a byte.
pub(super) fn most_rows(file: &SymbolFile) -> usize {
    let sections = [
        ".debug_info",
        ".debug_line",
        ".debug_ranges",
        ".debug_rnglists",
    ];
    let len_of = |section: &&str| file.debug_section(section).len();
    let split = file.split().into_iter().flat_map(|split| split.files());
    let split: usize = split.map(|file| file.debug_len()).sum();
    let own: usize = sections.iter().map(len_of).sum();
    own.saturating_add(split).max(FEWEST_ROWS)
}

fn scope_numbers(scope: Scope) -> (u32, u32) {
    match (u32::try_from(scope.unit), u32::try_from(scope.entry.0)) {
        (Ok(unit), Ok(entry)) => (unit, entry),
        _ => (NONE, 0),
    }
}

/// The parts of `lines` that no function covers.
fn uncovered(
    lines: impl Iterator<Item = Range<u64>>,
    functions: &[FunctionSpan],
) -> Vec<Range<u64>> {
    let mut found = Vec::new();
    for range in lines {
        let mut at = range.start;
        let first = functions.partition_point(|f| f.range.end <= range.start);
        for function in functions.get(first..).unwrap_or_default() {
            if function.range.start >= range.end {
                break;
            }
            if at < function.range.start {
                found.push(at..function.range.start);
            }
            at = at.max(function.range.end);
        }
        if at < range.end {
            found.push(at..range.end);
        }
    }
    found
}

//! Makes an index: units are worked off by all processors, a few at a time, and put together in their order, so that
//! the same ELF always gives the same bytes.

use super::key;
use super::layout::{Content, FLAG_THUMB, NONE, Region, fits_offset};
use super::listed::{Listed, Listing};
use super::strings::Strings;
use super::unit_part::{Claim, Part, Row, most_rows};
use crate::model::progress::{Cancelled, Progress};
use crate::symbols::debug_info::{DebugInfo, Scope};
use crate::symbols::functions::FunctionSpan;
use crate::symbols::live_code::Backing;
use crate::symbols::lookup::standing;
use crate::symbols::symbol_file::SymbolFile;
use crate::symbols::unit_ranges::{self, UnitRanges};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

/// Bytes of debug information that one thread takes at a time. What it parsed is dropped afterwards, so this bounds
/// the memory that is needed beside the result.
const BATCH_BYTES: usize = 1 << 20;
/// More threads than this only wait for memory.
const MOST_THREADS: usize = 16;
/// The most functions that are compared at one address.
const MOST_OVERLAPS: usize = 64;

/// The bytes of the index of a file; `None` when it is too large for one.
pub(super) fn build(
    file: &SymbolFile,
    progress: &dyn Progress,
) -> Result<Option<Vec<u8>>, Cancelled> {
    progress.tick(0, 1)?;
    let Some(regions) = regions(file) else {
        return Ok(None);
    };
    let info = DebugInfo::new(file);
    let mut merged = Merged {
        most_rows: most_rows(file),
        ..Merged::default()
    };
    merged.take_units(&info, progress)?;
    if merged.is_full {
        return Ok(None);
    }
    let spans = merged.spans(&info, &regions, progress)?;
    if merged.strings.is_full() {
        return Ok(None);
    }
    let flags = if file.arch().is_cortex_m() {
        FLAG_THUMB
    } else {
        0
    };
    Ok(spans.and_then(|spans| spans.content(merged).encode(key::of_file(file), flags)))
}

/// The code, sorted and disjoint, in pieces whose offsets fit 32 bits. Nothing of a real program is larger than 4 GiB;
/// what a damaged header claims beyond is left to the ELF.
fn regions(file: &SymbolFile) -> Option<Vec<Range<u64>>> {
    let mut code: Vec<Range<u64>> = file.code_ranges().filter(|r| r.start < r.end).collect();
    code.sort_by_key(|r| (r.start, r.end));
    let mut regions: Vec<Range<u64>> = Vec::new();
    for range in code {
        match regions.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => regions.push(range),
        }
    }
    regions.iter().all(fits_offset).then_some(regions)
}

/// What all units said, with numbers that hold for all of them.
#[derive(Default)]
struct Merged {
    strings: Strings,
    contexts: Vec<[u32; 8]>,
    claims: Vec<Claim>,
    rows: Vec<Row>,
    symbol_contexts: BTreeMap<u32, u32>,
    /// Answers, and claims of them, that a sound file can have.
    most_rows: usize,
    /// There are more.
    is_full: bool,
}

impl Merged {
    fn take_units(
        &mut self,
        info: &DebugInfo<'_>,
        progress: &dyn Progress,
    ) -> Result<(), Cancelled> {
        let batches = batches(info);
        let file = info.file();
        let table = table_of_units(info);
        let next = AtomicUsize::new(0);
        let is_cancelled = AtomicBool::new(false);
        let work = |send: &dyn Fn(usize, Part) -> bool| {
            while !is_cancelled.load(Ordering::Relaxed) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(units) = batches.get(number) else {
                    return;
                };
                if !send(number, part(file, units.clone(), &table)) {
                    return;
                }
            }
        };
        let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
        let n_threads = n_threads.min(batches.len()).min(MOST_THREADS);
        let total = batches.len() as u64;
        std::thread::scope(|scope| {
            let (sender, receiver) = mpsc::sync_channel::<(usize, Part)>(n_threads.max(1) * 2);
            let mut n_started = 0;
            for number in 0..n_threads {
                let sender = sender.clone();
                let work = &work;
                let started = std::thread::Builder::new()
                    .name(format!("index {number}"))
                    .spawn_scoped(scope, move || {
                        work(&|number, part| sender.send((number, part)).is_ok());
                    });
                n_started += usize::from(started.is_ok());
            }
            drop(sender);
            if n_started == 0 {
                for units in &batches {
                    progress.tick(0, total)?;
                    self.take(part(file, units.clone(), &table));
                }
                return Ok(());
            }
            // Parts that came before their turn.
            let mut early: BTreeMap<usize, Part> = BTreeMap::new();
            let mut turn = 0;
            for (number, part) in receiver {
                early.insert(number, part);
                while let Some(part) = early.remove(&turn) {
                    self.take(part);
                    turn += 1;
                    if self.is_full {
                        is_cancelled.store(true, Ordering::Relaxed);
                        return Ok(());
                    }
                    if let Err(cancelled) =
                        progress.tick(turn as u64, total.saturating_add(total / 4))
                    {
                        is_cancelled.store(true, Ordering::Relaxed);
                        return Err(cancelled);
                    }
                }
            }
            Ok(())
        })
    }

    fn take(&mut self, part: Part) {
        let n_rows = self.rows.len().saturating_add(part.rows.len());
        let n_claims = self.claims.len().saturating_add(part.claims.len());
        self.is_full |= part.is_full || n_rows.max(n_claims) > self.most_rows;
        if self.is_full {
            return;
        }
        let numbers: Vec<u32> = part
            .strings
            .iter()
            .map(|text| self.strings.number_of(text))
            .collect();
        let string = |number: u32| {
            let number = usize::try_from(number).unwrap_or(usize::MAX);
            numbers.get(number).copied().unwrap_or(NONE)
        };
        let first_context = u32::try_from(self.contexts.len()).unwrap_or(NONE);
        let context = |number: u32| match number {
            NONE => NONE,
            number => number.saturating_add(first_context),
        };
        self.contexts.extend(part.contexts.iter().map(
            |[function, qualified, unit, entry, next, file, line, column]| {
                let names = [string(*function), string(*qualified)];
                let [function, qualified] = names;
                let (next, file) = (context(*next), string(*file));
                [
                    function, qualified, *unit, *entry, next, file, *line, *column,
                ]
            },
        ));
        let first_row = self.rows.len();
        self.rows.extend(part.rows.into_iter().map(|row| Row {
            context: context(row.context),
            file: string(row.file),
            ..row
        }));
        self.claims
            .extend(part.claims.into_iter().map(|claim| Claim {
                rows: claim.rows.start + first_row..claim.rows.end + first_row,
                ..claim
            }));
    }

    /// Who is right at each address, and what they say.
    fn spans(
        &mut self,
        info: &DebugInfo<'_>,
        regions: &[Range<u64>],
        progress: &dyn Progress,
    ) -> Result<Option<Spans>, Cancelled> {
        let claims = std::mem::take(&mut self.claims);
        let winners = winners(info, &claims);
        let symbol_ends = info.file().symbols().boundaries();
        let mut spans = Spans::default();
        let mut next = 0;
        for (done, region) in regions.iter().enumerate() {
            progress.tick(done as u64, regions.len() as u64)?;
            spans.open(region);
            let mut at = region.start;
            while let Some((range, claim)) = winners.get(next) {
                if range.start >= region.end {
                    break;
                }
                next += 1;
                let Some(claim) = claims.get(*claim).filter(|_c| range.start >= at) else {
                    continue;
                };
                self.by_symbols(info, &symbol_ends, &(at..range.start), None, &mut spans);
                if claim.entry.is_some() {
                    for row in rows_in(&self.rows, claim, range) {
                        spans.push(row);
                    }
                } else {
                    let said: Vec<Row> = rows_in(&self.rows, claim, range).collect();
                    for (n, row) in said.iter().enumerate() {
                        let end = said.get(n + 1).map_or(range.end, |after| after.addr);
                        self.by_symbols(
                            info,
                            &symbol_ends,
                            &(row.addr..end),
                            Some(row),
                            &mut spans,
                        );
                    }
                }
                at = range.end;
            }
            self.by_symbols(info, &symbol_ends, &(at..region.end), None, &mut spans);
            spans.close();
        }
        Ok((!spans.is_full).then_some(spans))
    }

    /// Code without debug information: what the symbol table says.
    fn by_symbols(
        &mut self,
        info: &DebugInfo<'_>,
        symbol_ends: &[u64],
        range: &Range<u64>,
        said: Option<&Row>,
        spans: &mut Spans,
    ) {
        if range.start >= range.end {
            return;
        }
        let first = symbol_ends.partition_point(|at| *at <= range.start);
        let inside = symbol_ends.get(first..).unwrap_or_default().iter().copied();
        let inside = inside.take_while(|at| *at < range.end);
        for addr in std::iter::once(range.start).chain(inside) {
            let frame = info.symbol_frame(addr);
            let function = self.strings.number(frame.function.as_deref());
            // A place without a name is a frame, too.
            let has_place = said.is_some_and(|row| row.file != NONE || row.line != 0);
            let context = if function == NONE && !has_place {
                NONE
            } else {
                self.symbol_context(function)
            };
            spans.push(Row {
                addr,
                context,
                file: said.map_or(NONE, |row| row.file),
                line: said.map_or(0, |row| row.line),
                column: said.filter(|_row| has_place).map_or(0, |row| row.column),
            });
        }
    }

    fn symbol_context(&mut self, function: u32) -> u32 {
        if let Some(known) = self.symbol_contexts.get(&function) {
            return *known;
        }
        let number = u32::try_from(self.contexts.len()).unwrap_or(NONE);
        self.contexts
            .push([function, function, NONE, 0, NONE, NONE, 0, 0]);
        self.symbol_contexts.insert(function, number);
        number
    }
}

/// Units in batches of about equal size.
fn batches(info: &DebugInfo<'_>) -> Vec<Range<usize>> {
    let directory = info.unit_directory();
    let mut batches = Vec::new();
    let (mut first, mut len) = (0, 0_usize);
    for unit in 0..directory.len() {
        if len >= BATCH_BYTES {
            batches.push(first..unit);
            (first, len) = (unit, 0);
        }
        let own = directory.offset(unit).zip(directory.offset(unit + 1));
        let own = own.map_or(0, |(at, next)| next.saturating_sub(at));
        let split = info.file().split().and_then(|split| split.of_unit(unit));
        len = len
            .saturating_add(own)
            .saturating_add(split.map_or(0, |place| place.len));
    }
    if first < directory.len() {
        batches.push(first..directory.len());
    }
    batches
}

fn part(file: &SymbolFile, units: Range<usize>, table: &[(usize, Range<u64>)]) -> Part {
    let info = DebugInfo::new(file);
    let mut part = Part::new(file);
    for unit in units {
        let first = table.partition_point(|(of, _range)| *of < unit);
        let listed = table.get(first..).unwrap_or_default().iter();
        let by_table = listed.take_while(|(of, _range)| *of == unit);
        let by_table = joined(by_table.map(|(_unit, range)| range.clone()).collect());
        let by_unit = joined(info.ranges_of_unit(unit));
        let listing = if unit_ranges::has_aranges(&info) {
            Listing { by_table, by_unit }
        } else {
            Listing {
                by_table: by_unit,
                by_unit: Vec::new(),
            }
        };
        part.add_unit(&info, unit, &listing);
    }
    part
}

/// What `.debug_aranges` says of each unit, sorted by unit.
fn table_of_units(info: &DebugInfo<'_>) -> Vec<(usize, Range<u64>)> {
    if !unit_ranges::has_aranges(info) {
        return Vec::new();
    }
    let ranges = info.file().unit_ranges();
    let ranges = ranges.get_or_init(|| UnitRanges::quick(info));
    let listed = ranges.spans().iter();
    let mut table: Vec<(usize, Range<u64>)> = listed.map(|(r, unit)| (*unit, r.clone())).collect();
    table.sort_by_key(|(unit, range)| (*unit, range.start));
    table
}

/// Ranges sorted, those that touch made one.
fn joined(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_by_key(|r| (r.start, r.end));
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

/// Disjoint ranges, sorted, each with the number of the claim that is right there.
fn winners(info: &DebugInfo<'_>, claims: &[Claim]) -> Vec<(Range<u64>, usize)> {
    let mut events: Vec<(u64, bool, usize)> = Vec::with_capacity(claims.len() * 2);
    for (number, claim) in claims.iter().enumerate() {
        events.push((claim.range.start, true, number));
        events.push((claim.range.end, false, number));
    }
    events.sort_unstable();
    let mut found: Vec<(Range<u64>, usize)> = Vec::with_capacity(claims.len());
    let mut open: Vec<usize> = Vec::new();
    let mut at = 0;
    for (addr, is_start, number) in events {
        if addr > at
            && let Some(best) = best_claim(info, claims, &open)
        {
            match found.last_mut() {
                Some((last, of)) if *of == best && last.end == at => last.end = addr,
                _ => found.push((at..addr, best)),
            }
        }
        at = addr;
        if !is_start {
            open.retain(|n| *n != number);
        } else if open.len() < MOST_OVERLAPS {
            open.push(number);
        }
    }
    found
}

/// Who is listed for an address goes first, then functions before lines.
type ClaimStanding = (Listed, bool, (Reverse<Backing>, u64, usize, usize));

fn best_claim(info: &DebugInfo<'_>, claims: &[Claim], open: &[usize]) -> Option<usize> {
    if let [] | [_] = open {
        return open.first().copied();
    }
    let standing_of = |number: &usize| -> Option<ClaimStanding> {
        let claim = claims.get(*number)?;
        let Some(entry) = claim.entry else {
            let standing = (Reverse(Backing::None), 0, 0, claim.unit);
            return Some((claim.listed, true, standing));
        };
        let span = FunctionSpan {
            range: claim.whole.clone(),
            entry,
        };
        let unit = claim.unit;
        let backing = info.backing(Scope { unit, entry });
        Some((claim.listed, false, standing(backing, &span, unit)))
    };
    open.iter().copied().min_by_key(|n| standing_of(n))
}

/// The answers of a claim inside a range; the first one starts with the range.
fn rows_in<'a>(
    rows: &'a [Row],
    claim: &Claim,
    range: &'a Range<u64>,
) -> impl Iterator<Item = Row> + 'a {
    let rows = rows.get(claim.rows.clone()).unwrap_or_default();
    let first = rows.partition_point(|row| row.addr <= range.start);
    let rows = rows.get(first.saturating_sub(1)..).unwrap_or_default();
    rows.iter()
        .take_while(|row| row.addr < range.end)
        .map(|row| Row {
            addr: row.addr.max(range.start),
            ..*row
        })
}

/// The spans of all regions, as they go into the file.
#[derive(Default)]
struct Spans {
    regions: Vec<Region>,
    starts: Vec<u32>,
    records: Vec<[u32; 4]>,
    is_full: bool,
}

impl Spans {
    fn open(&mut self, region: &Range<u64>) {
        self.regions.push(Region {
            start: region.start,
            end: region.end,
            first: self.starts.len(),
            n_spans: 0,
        });
    }

    fn close(&mut self) {
        if let Some(region) = self.regions.last_mut() {
            region.n_spans = self.starts.len().saturating_sub(region.first);
        }
    }

    fn push(&mut self, row: Row) {
        let Some(region) = self.regions.last() else {
            return;
        };
        let record = [row.context, row.file, row.line, row.column];
        if self.starts.len() > region.first && self.records.last() == Some(&record) {
            return;
        }
        let Ok(start) = u32::try_from(row.addr.saturating_sub(region.start)) else {
            self.is_full = true;
            return;
        };
        self.starts.push(start);
        self.records.push(record);
    }

    fn content(self, merged: Merged) -> Content {
        drop(merged.rows);
        let (text, string_ends) = merged.strings.into_parts();
        Content {
            regions: self.regions,
            starts: self.starts,
            records: self.records,
            contexts: merged.contexts,
            string_ends,
            text,
        }
    }
}

//! A log that stays open for the window: indexed once, its rows decoded when they are looked at, its filters remembered.

use super::filter::{Chip, FilterStack, LogFilter};
use super::matcher::Matcher;
use super::row_set::RowSet;
use super::rows::{Rows, blocks};
use super::selection::{boot_at, decode_rows};
use super::view::{LogBoot, LogSummary};
use crate::engine::file_bytes::FileBytes;
use crate::engine::parallel;
use crate::formats::boots::{self, BootRecord};
use crate::formats::log::dictionaries::LogDictionaries;
use crate::formats::log::{Framing, LogFormat, ansi, detect};
use crate::model::log::{LogLevel, LogRecord, RowKind};
use crate::model::progress::{Cancelled, Progress};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// Offsets are kept of every row with a number that this divides.
const INDEXED_EVERY: u64 = 64;
/// Filters whose rows are remembered.
const KEPT_FILTERS: usize = 24;
/// Modules that are listed.
const MOST_MODULES: usize = 1000;
/// So much of a row's bytes is decoded for the screen.
const SHOWN_BYTES: usize = 16 << 10;

/// A crash in the log: where it is, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashPlace {
    /// Byte where its dump or print begins.
    pub offset: u64,
    /// Bytes of it.
    pub len: u64,
    /// Its id in the workspace.
    pub crash: i64,
    /// Its headline.
    pub headline: String,
}

/// What was found while the rows were counted.
#[derive(Default)]
struct BlockFacts {
    /// Offset of every row whose number in the block [`INDEXED_EVERY`] divides.
    offsets: Vec<u64>,
    n_rows: u64,
    n_by_level: [u64; 6],
    /// Level of each row: index in [`LogLevel::ALL`], 6 for none.
    levels: Vec<u8>,
    /// Whether each row is a line of data.
    is_data: Vec<bool>,
    n_dropped: (u64, u64),
    n_undecoded: u64,
    modules: BTreeMap<String, u64>,
    uptimes: Option<(u64, u64)>,
}

/// An open log.
pub struct LogSession {
    name: String,
    bytes: FileBytes,
    format: &'static dyn LogFormat,
    dictionaries: LogDictionaries,
    /// First row of each block, its offset, and offsets inside it.
    blocks: Vec<IndexedBlock>,
    boots: Vec<BootRecord>,
    boot_rows: Vec<u64>,
    crashes: Vec<CrashPlace>,
    crash_rows: Vec<(u64, u64)>,
    levels: Vec<u8>,
    /// Rows that stand behind another row of the same block of data.
    folded: RowSet,
    summary: LogSummary,
    filters: Mutex<Vec<(String, Arc<RowSet>)>>,
}

struct IndexedBlock {
    first_row: u64,
    range: Range<usize>,
    offsets: Vec<u64>,
}

impl LogSession {
    /// Opens and indexes a log.
    pub fn open(
        name: &str,
        bytes: FileBytes,
        dictionaries: LogDictionaries,
        crashes: Vec<CrashPlace>,
        progress: &dyn Progress,
    ) -> Result<Self, Cancelled> {
        let head = bytes.get(..64 << 10).unwrap_or(&bytes);
        let format = detect(head, name, &dictionaries);
        let boots = if format.has_lines() {
            boots::find(&bytes, progress)?
        } else {
            Vec::new()
        };
        let ranges = blocks(&bytes, format.framing()).collect::<Vec<_>>();
        let facts = parallel::in_order(&ranges, progress, |range, progress| {
            progress.tick(0, 1)?;
            let before = bytes.get(..range.start).unwrap_or(&[]);
            Ok(facts_of(&bytes, range, format, &dictionaries, before))
        })?;
        let mut session = Self {
            name: name.to_owned(),
            format,
            dictionaries,
            blocks: Vec::with_capacity(ranges.len()),
            boots,
            boot_rows: Vec::new(),
            crashes,
            crash_rows: Vec::new(),
            levels: Vec::new(),
            folded: RowSet::default(),
            summary: LogSummary::default(),
            filters: Mutex::default(),
            bytes,
        };
        session.take(ranges, facts);
        Ok(session)
    }

    fn take(&mut self, ranges: Vec<Range<usize>>, facts: Vec<BlockFacts>) {
        let mut modules: BTreeMap<String, u64> = BTreeMap::new();
        let (mut folded, mut was_data) = (Vec::new(), false);
        let mut n_rows: u64 = 0;
        let mut span: Option<(u64, u64)> = None;
        for (range, mut facts) in ranges.into_iter().zip(facts) {
            self.blocks.push(IndexedBlock {
                first_row: n_rows,
                range,
                offsets: facts.offsets,
            });
            for (row, is_data) in (n_rows..).zip(&facts.is_data) {
                if *is_data && was_data {
                    folded.push(row);
                }
                was_data = *is_data;
            }
            n_rows = n_rows.saturating_add(facts.n_rows);
            self.levels.append(&mut facts.levels);
            for (all, own) in self.summary.n_by_level.iter_mut().zip(facts.n_by_level) {
                *all = all.saturating_add(own);
            }
            self.summary.n_undecoded = self.summary.n_undecoded.saturating_add(facts.n_undecoded);
            self.summary.n_dropped.0 = self.summary.n_dropped.0.saturating_add(facts.n_dropped.0);
            self.summary.n_dropped.1 = self.summary.n_dropped.1.saturating_add(facts.n_dropped.1);
            for (module, n) in facts.modules {
                let all = modules.entry(module).or_default();
                *all = all.saturating_add(n);
            }
            if let Some((low, high)) = facts.uptimes {
                let known = span.get_or_insert((low, high));
                *known = (known.0.min(low), known.1.max(high));
            }
        }
        let mut modules: Vec<(String, u64)> = modules.into_iter().collect();
        modules.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        modules.truncate(MOST_MODULES);
        self.summary.n_rows = n_rows;
        self.folded = RowSet::of(n_rows, folded);
        let boot_rows = self.boots.iter().map(|boot| self.row_at(boot.offset));
        self.boot_rows = boot_rows.collect();
        let crash_rows = self.crashes.iter().map(|crash| {
            let end = crash.offset.saturating_add(crash.len.saturating_sub(1));
            (self.row_at(crash.offset), self.row_at(end))
        });
        self.crash_rows = crash_rows.collect();
        let n_bytes = self.bytes.len() as u64;
        let boots = self.boots.iter().zip(&self.boot_rows);
        self.summary.boots = boots
            .map(|(boot, row)| LogBoot {
                row: *row,
                reset_reason: boot.reset_reason.clone(),
                version: boot.version.clone(),
                build_id: boot.build_id.as_ref().map(ToString::to_string),
                started_ns: None,
            })
            .collect();
        let crashes = self.crashes.iter().zip(&self.crash_rows);
        self.summary.crashes = crashes
            .map(|(crash, (first, last))| super::view::LogCrash {
                row: *first,
                n_rows: last.saturating_sub(*first).saturating_add(1),
                crash: Some(crash.crash),
                headline: crash.headline.clone(),
            })
            .collect();
        self.summary.name.clone_from(&self.name);
        self.summary.format = self.format.id().to_owned();
        self.summary.format_label = self.format.label().to_owned();
        self.summary.n_bytes = (n_bytes, n_bytes);
        self.summary.is_complete = true;
        self.summary.modules = modules;
        let signed = |ns: u64| i64::try_from(ns).unwrap_or(i64::MAX);
        self.summary.span_ns = span.map(|(low, high)| (signed(low), signed(high)));
        if self.summary.n_undecoded > 0 && self.dictionaries.sources.is_empty() {
            self.summary.needs.push(
                "Rows of this log need the ELF of the build that wrote it. Add it to the symbols."
                    .to_owned(),
            );
        }
    }

    /// The log at a glance.
    pub fn summary(&self) -> &LogSummary {
        &self.summary
    }

    /// Level of each row: index in [`LogLevel::ALL`], 6 for none.
    pub fn levels(&self) -> &[u8] {
        &self.levels
    }

    /// The row that holds a byte.
    pub fn row_at(&self, offset: u64) -> u64 {
        let at = usize::try_from(offset).unwrap_or(usize::MAX);
        let found = self.blocks.partition_point(|block| block.range.start <= at);
        let Some(block) = found
            .checked_sub(1)
            .and_then(|index| self.blocks.get(index))
        else {
            return 0;
        };
        let step = block
            .offsets
            .partition_point(|start| *start <= offset)
            .saturating_sub(1);
        let start = block.offsets.get(step).copied().unwrap_or(0);
        let mut row = block
            .first_row
            .saturating_add((step as u64).saturating_mul(INDEXED_EVERY));
        let from = usize::try_from(start).unwrap_or(usize::MAX);
        let rest = self.bytes.get(from..block.range.end).unwrap_or(&[]);
        for place in Rows::new(rest, self.format, &self.dictionaries) {
            if from.saturating_add(place.end) > at {
                break;
            }
            row = row.saturating_add(1);
        }
        row.min(self.summary.n_rows.saturating_sub(1))
    }

    /// Where the bytes of a row are.
    pub fn place_of(&self, row: u64) -> Option<Range<usize>> {
        let found = self.blocks.partition_point(|block| block.first_row <= row);
        let block = self.blocks.get(found.checked_sub(1)?)?;
        let inside = row.checked_sub(block.first_row)?;
        let step = usize::try_from(inside / INDEXED_EVERY).ok()?;
        let start = usize::try_from(*block.offsets.get(step)?).ok()?;
        let rest = self.bytes.get(start..block.range.end)?;
        let left = usize::try_from(inside % INDEXED_EVERY).ok()?;
        let place = Rows::new(rest, self.format, &self.dictionaries).nth(left)?;
        Some(start.saturating_add(place.start)..start.saturating_add(place.end))
    }

    /// A row decoded, its place, and whether only its beginning was looked at.
    pub fn record(&self, row: u64) -> Option<(Range<usize>, LogRecord, bool)> {
        let place = self.place_of(row)?;
        let shown = place.start..place.end.min(place.start.saturating_add(SHOWN_BYTES));
        let is_cut = shown.end < place.end;
        let block = self.bytes.get(shown)?;
        let before = self.bytes.get(..place.start)?;
        let mut found = None;
        decode_rows(
            block,
            self.format,
            &self.dictionaries,
            before,
            |_, record| {
                found.get_or_insert_with(|| record.clone());
            },
        );
        Some((place, found?, is_cut))
    }

    /// The boot of a row.
    pub fn boot_of(&self, offset: u64) -> Option<u32> {
        boot_at(&self.boots, offset)
    }

    /// Index of the boot that begins at a row.
    pub fn boot_starting_at(&self, row: u64) -> Option<usize> {
        self.boot_rows.binary_search(&row).ok()
    }

    /// Index of the crash that begins at a row.
    pub fn crash_starting_at(&self, row: u64) -> Option<usize> {
        self.crash_rows.iter().position(|(first, _)| *first == row)
    }

    /// Rows of the same block of data that are folded into a row.
    pub fn n_folded_into(&self, row: u64) -> u64 {
        let mut n: u64 = 0;
        while self
            .folded
            .contains(row.saturating_add(n).saturating_add(1))
        {
            n = n.saturating_add(1);
        }
        n
    }

    /// The bytes of a row.
    pub fn raw(&self, place: Range<usize>) -> &[u8] {
        self.bytes.get(place).unwrap_or(&[])
    }

    /// The rows that a stack lets through; `None` when that is all of them.
    pub fn visible(
        &self,
        stack: &FilterStack,
        progress: &dyn Progress,
    ) -> Result<Result<Option<Arc<RowSet>>, String>, Cancelled> {
        let mut all: Option<RowSet> = None;
        if !stack.shows_data && !self.folded.is_empty() {
            let mut rest = self.folded.clone();
            rest.invert();
            all = Some(rest);
        }
        for chip in stack.chips.iter().filter(|chip| !chip.is_off) {
            match self.rows_of(chip, progress)? {
                Ok(rows) => match &mut all {
                    None => all = Some(RowSet::clone(&rows)),
                    Some(all) => all.intersect(&rows),
                },
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(all.map(Arc::new)))
    }

    /// The rows that one chip lets through. They are remembered: changing one chip does not look for the others again.
    pub fn rows_of(
        &self,
        chip: &Chip,
        progress: &dyn Progress,
    ) -> Result<Result<Arc<RowSet>, String>, Cancelled> {
        let key = format!("{} {:?}", chip.negated, chip.filter);
        let known = |kept: &[(String, Arc<RowSet>)]| {
            let mut kept = kept.iter();
            kept.find(|(other, _)| *other == key)
                .map(|(_, rows)| Arc::clone(rows))
        };
        if let Some(rows) = known(&self.filters.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(Ok(rows));
        }
        let mut rows = match self.find(&chip.filter, progress)? {
            Ok(rows) => rows,
            Err(error) => return Ok(Err(error)),
        };
        if chip.negated {
            rows.invert();
        }
        let rows = Arc::new(rows);
        let mut kept = self.filters.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(0, (key, Arc::clone(&rows)));
        kept.truncate(KEPT_FILTERS);
        Ok(Ok(rows))
    }

    fn find(
        &self,
        filter: &LogFilter,
        progress: &dyn Progress,
    ) -> Result<Result<RowSet, String>, Cancelled> {
        let n_rows = self.summary.n_rows;
        let matcher = match filter {
            LogFilter::Level { at_least } => {
                let least = at_least.index();
                let wanted = (0..).zip(&self.levels).filter(|(_, level)| {
                    let level = usize::from(**level);
                    level < LogLevel::ALL.len() && level >= least
                });
                return Ok(Ok(RowSet::of(n_rows, wanted.map(|(row, _)| row))));
            }
            LogFilter::Boot { first, last } => {
                let start = usize::try_from(*first)
                    .ok()
                    .and_then(|boot| self.boot_rows.get(boot));
                let next = usize::try_from(last.saturating_add(1)).ok();
                let end = next.and_then(|boot| self.boot_rows.get(boot));
                let rows = start.copied().unwrap_or(n_rows)..end.copied().unwrap_or(n_rows);
                return Ok(Ok(RowSet::of(n_rows, rows)));
            }
            LogFilter::NearCrash { n_before, n_after } => {
                let near = self.crash_rows.iter().flat_map(|(first, last)| {
                    first.saturating_sub(*n_before)..last.saturating_add(*n_after).saturating_add(1)
                });
                return Ok(Ok(RowSet::of(n_rows, near)));
            }
            LogFilter::Text { text, match_case } => Matcher::text(text, *match_case).map(Some),
            LogFilter::Regex {
                pattern,
                match_case,
            } => Matcher::regex(pattern, *match_case).map(Some),
            LogFilter::Module { .. } | LogFilter::Template { .. } | LogFilter::Time { .. } => {
                Ok(None)
            }
            // One log is of one device.
            LogFilter::Device { .. } => {
                let mut all = RowSet::empty(n_rows);
                all.invert();
                return Ok(Ok(all));
            }
        };
        let matcher = match matcher {
            Ok(matcher) => matcher,
            Err(error) => return Ok(Err(error)),
        };
        let found = parallel::in_order(&self.blocks, progress, |block, progress| {
            progress.tick(0, 1)?;
            Ok(self.found_in(block, filter, matcher.as_ref()))
        })?;
        Ok(Ok(RowSet::of(n_rows, found.into_iter().flatten())))
    }

    /// Rows of a block that a filter lets through which has to look at each of them.
    fn found_in(
        &self,
        block: &IndexedBlock,
        filter: &LogFilter,
        matcher: Option<&Matcher>,
    ) -> Vec<u64> {
        let bytes = self.bytes.get(block.range.clone()).unwrap_or(&[]);
        let is_plain_text = self.format.framing() == Framing::Delimited(b'\n')
            && self.dictionaries.tokens.is_none();
        let mut found = Vec::new();
        if let (Some(matcher), true) = (matcher, is_plain_text) {
            let plain = ansi::plain(bytes);
            let mut row = block.first_row;
            let mut counted = 0;
            matcher.lines(&plain, |start, _end| {
                let between = plain.get(counted..start).unwrap_or(&[]);
                row = row.saturating_add(memchr::memchr_iter(b'\n', between).count() as u64);
                counted = start;
                found.push(row);
            });
            return found;
        }
        let before = self.bytes.get(..block.range.start).unwrap_or(&[]);
        let mut row = block.first_row;
        decode_rows(
            bytes,
            self.format,
            &self.dictionaries,
            before,
            |_, record| {
                let is_wanted = match (filter, matcher) {
                    (_, Some(matcher)) => matcher.is_match(record.message.as_bytes()),
                    (LogFilter::Module { names }, _) => names.contains(&record.module),
                    (LogFilter::Template { id }, _) => record.template == Some(*id),
                    (LogFilter::Time { from_ns, to_ns }, _) => record
                        .uptime_ns
                        .and_then(|ns| i64::try_from(ns).ok())
                        .is_some_and(|ns| (*from_ns..=*to_ns).contains(&ns)),
                    _ => false,
                };
                if is_wanted {
                    found.push(row);
                }
                row = row.saturating_add(1);
            },
        );
        found
    }
}

fn facts_of(
    bytes: &[u8],
    range: &Range<usize>,
    format: &dyn LogFormat,
    dictionaries: &LogDictionaries,
    before: &[u8],
) -> BlockFacts {
    let mut facts = BlockFacts::default();
    let block = bytes.get(range.clone()).unwrap_or(&[]);
    decode_rows(block, format, dictionaries, before, |row, record| {
        if facts.n_rows.is_multiple_of(INDEXED_EVERY) {
            facts
                .offsets
                .push(range.start.saturating_add(row.start) as u64);
        }
        facts.n_rows = facts.n_rows.saturating_add(1);
        let level = record.level.map_or(LogLevel::ALL.len(), LogLevel::index);
        facts.levels.push(u8::try_from(level).unwrap_or(u8::MAX));
        facts.is_data.push(record.kind == RowKind::Data);
        if let Some(n) = facts.n_by_level.get_mut(level) {
            *n = n.saturating_add(1);
        }
        match record.kind {
            RowKind::Dropped => {
                facts.n_dropped.0 = facts.n_dropped.0.saturating_add(1);
                facts.n_dropped.1 = facts
                    .n_dropped
                    .1
                    .saturating_add(record.n_dropped.unwrap_or(0));
            }
            RowKind::Undecoded => facts.n_undecoded = facts.n_undecoded.saturating_add(1),
            _ => {}
        }
        if !record.module.is_empty() {
            if let Some(n) = facts.modules.get_mut(&record.module) {
                *n = n.saturating_add(1);
            } else if facts.modules.len() < MOST_MODULES {
                facts.modules.insert(record.module.clone(), 1);
            }
        }
        if let Some(uptime) = record.uptime_ns {
            let known = facts.uptimes.get_or_insert((uptime, uptime));
            *known = (known.0.min(uptime), known.1.max(uptime));
        }
    });
    facts
}

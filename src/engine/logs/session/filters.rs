//! What filters let through of an open log: looked for once, and remembered, also while the log grows.

use super::blocks::IndexedBlock;
use super::{LogSession, MessageIndex};
use crate::engine::logs::filter::{Chip, FilterStack, LogFilter};
use crate::engine::logs::matcher::Matcher;
use crate::engine::logs::print::append_searched;
use crate::engine::logs::row_set::RowSet;
use crate::engine::logs::selection::decode_rows;
use crate::engine::logs::templates::assign;
use crate::engine::logs::view::{DensityAxis, LogKey};
use crate::engine::parallel;
use crate::formats::log::{Framing, ansi};
use crate::model::log::LogLevel;
use crate::model::progress::{Cancelled, Progress};
use std::collections::BTreeSet;
use std::sync::{Arc, MutexGuard, PoisonError};

/// Filters whose rows are remembered.
const KEPT_FILTERS: usize = 24;

/// The rows that a chip lets through.
#[derive(Clone)]
pub(super) struct KeptFilter {
    chip: Chip,
    rows: Arc<RowSet>,
    /// Bytes that the log had then: it may have grown since.
    n_bytes: usize,
    /// Rows of the blocks that cannot change any more.
    n_sure: u64,
    /// What times were counted along: with more rows it may be another axis.
    axis: DensityAxis,
}

impl LogSession {
    /// The rows that a stack lets through, a block of data as one; `None` when that is all of them.
    pub fn let_through(
        &self,
        stack: &FilterStack,
        progress: &dyn Progress,
    ) -> Result<Result<Option<Arc<RowSet>>, String>, Cancelled> {
        let mut all: Option<RowSet> = None;
        if !stack.shows_data && !self.folded.is_empty() {
            let mut rest = self.folded.clone();
            rest.invert();
            for row in &stack.unfolded {
                let first = row.saturating_add(1);
                let end = first.saturating_add(self.n_folded_into(*row));
                rest.unite_within(&self.folded, first..end);
            }
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

    /// The stack without the chips that cannot be used, because their expressions cannot be read: what is wrong with them is
    /// said where they are shown, and the others go on.
    pub fn usable(&self, stack: &FilterStack) -> FilterStack {
        let is_usable =
            |chip: &&Chip| chip.is_off || !matches!(Matcher::of_filter(&chip.filter), Some(Err(_)));
        FilterStack {
            chips: stack.chips.iter().filter(is_usable).cloned().collect(),
            ..stack.clone()
        }
    }

    /// The rows that one chip lets through. They are remembered: changing one chip does not look for the others again.
    pub fn rows_of(
        &self,
        chip: &Chip,
        progress: &dyn Progress,
    ) -> Result<Result<Arc<RowSet>, String>, Cancelled> {
        let is_of_time = matches!(chip.filter, LogFilter::Time { .. });
        let is_it = |kept: &KeptFilter| {
            kept.chip.filter == chip.filter
                && kept.chip.negated == chip.negated
                && (!is_of_time || kept.axis == self.axis.kind)
        };
        let known = self.kept_filters().iter().find(|kept| is_it(kept)).cloned();
        let n_bytes = self.bytes.len();
        let last_block = self.blocks.last().map_or(0, |block| block.first_row);
        // What was looked at before the log grew need not be looked at again. The log may also have grown since it was this one.
        let (mut rows, n_sure) = match &known {
            Some(kept) if kept.n_bytes == n_bytes => return Ok(Ok(Arc::clone(&kept.rows))),
            Some(kept) => (RowSet::clone(&kept.rows), kept.n_sure.min(last_block)),
            None => (RowSet::default(), 0),
        };
        let n_known = self
            .blocks
            .partition_point(|block| block.end_row() <= n_sure);
        let blocks = self.blocks.get(n_known..).unwrap_or(&[]);
        let found = match self.find(&chip.filter, blocks, progress)? {
            Ok(found) => found,
            Err(error) => return Ok(Err(error)),
        };
        if chip.negated {
            rows.invert();
        }
        let first = blocks
            .first()
            .map_or(self.summary.n_rows, |block| block.first_row);
        rows.regrow(first, self.summary.n_rows, found);
        if chip.negated {
            rows.invert();
        }
        let rows = Arc::new(rows);
        let mut kept = self.kept_filters();
        if kept
            .iter()
            .any(|kept| is_it(kept) && kept.n_bytes > n_bytes)
        {
            return Ok(Ok(rows));
        }
        kept.retain(|kept| !is_it(kept));
        let filter = KeptFilter {
            chip: chip.clone(),
            rows: Arc::clone(&rows),
            n_bytes,
            axis: self.axis.kind,
            n_sure: match chip.filter {
                // What is near a crash or of a boot can change with every boot and crash that is found, and the text of a
                // template with every message.
                LogFilter::Boot { .. }
                | LogFilter::NearCrash { .. }
                | LogFilter::Template { .. }
                | LogFilter::OnlyHere { .. } => 0,
                _ => last_block,
            },
        };
        kept.insert(0, filter);
        kept.truncate(KEPT_FILTERS);
        Ok(Ok(rows))
    }

    fn kept_filters(&self) -> MutexGuard<'_, Vec<KeptFilter>> {
        self.filters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what was found by comparing with a good run, which is another one now.
    pub(super) fn forget_compared(&self, good_run: &LogKey) {
        let is_of =
            |filter: &LogFilter| matches!(filter, LogFilter::OnlyHere { good } if good == good_run);
        self.kept_filters().retain(|kept| !is_of(&kept.chip.filter));
    }

    /// Rows whose message is of one of these groups.
    fn rows_of_groups(&self, index: &MessageIndex, wanted: &BTreeSet<usize>) -> Vec<u64> {
        let is_wanted: Vec<bool> = (0..index.groups().len())
            .map(|group| wanted.contains(&group))
            .collect();
        let mut templates = self.templates_from(index, 0);
        (0..self.summary.n_rows)
            .filter(|row| {
                let group = templates.group_of(*row);
                group.is_some_and(|group| is_wanted.get(group).copied().unwrap_or(false))
            })
            .collect()
    }

    /// Rows of some blocks, the last of the log among them, that a filter lets through.
    fn find(
        &self,
        filter: &LogFilter,
        blocks: &[IndexedBlock],
        progress: &dyn Progress,
    ) -> Result<Result<Vec<u64>, String>, Cancelled> {
        let n_rows = self.summary.n_rows;
        let first_row = blocks.first().map_or(n_rows, |block| block.first_row);
        let matcher = match filter {
            LogFilter::Level { at_least } => {
                let least = at_least.index();
                let rows = blocks
                    .iter()
                    .flat_map(|block| (block.first_row..).zip(&block.facts.levels));
                let wanted = rows.filter(|(_, level)| {
                    let level = usize::from(**level);
                    level < LogLevel::ALL.len() && level >= least
                });
                return Ok(Ok(wanted.map(|(row, _)| row).collect()));
            }
            LogFilter::Boot { first, last } => {
                let start = usize::try_from(*first)
                    .ok()
                    .and_then(|boot| self.boot_rows.get(boot));
                let next = usize::try_from(last.saturating_add(1)).ok();
                let end = next.and_then(|boot| self.boot_rows.get(boot));
                let rows = start.copied().unwrap_or(n_rows)..end.copied().unwrap_or(n_rows);
                return Ok(Ok(rows.collect()));
            }
            LogFilter::NearCrash { n_before, n_after } => {
                // In their order, and each row once: what is near two crashes is not counted twice.
                let mut done: u64 = 0;
                let near = self.crash_rows.iter().flat_map(|(first, last)| {
                    let from = first.saturating_sub(*n_before).max(done);
                    let to = last.saturating_add(*n_after).saturating_add(1).min(n_rows);
                    done = done.max(to);
                    from..to
                });
                return Ok(Ok(near.collect()));
            }
            LogFilter::Text { .. } | LogFilter::Regex { .. } => {
                Matcher::of_filter(filter).transpose()
            }
            LogFilter::Time { from_ns, to_ns } => {
                return Ok(Ok(self.rows_between(
                    (*from_ns, *to_ns),
                    blocks,
                    progress,
                )?));
            }
            LogFilter::Rows { first, last } => {
                let end = last.saturating_add(1).min(n_rows);
                return Ok(Ok((first_row.max(*first)..end).collect()));
            }
            LogFilter::Template { id, text } => {
                let index = self.messages(progress)?;
                let wanted = index.assigned().groups_of(index.groups(), *id, text);
                return Ok(Ok(self.rows_of_groups(&index, &wanted)));
            }
            LogFilter::OnlyHere { good } => {
                let Some(good) = self.good_run(good) else {
                    return Ok(Err(
                        "the log that it compares with cannot be opened".to_owned()
                    ));
                };
                let index = self.messages(progress)?;
                let own = assign(index.groups(), good.groups()).of_group;
                let only_here = (0..).zip(own).filter(|(_, at)| at.is_some());
                let wanted = only_here.map(|(group, _)| group).collect();
                return Ok(Ok(self.rows_of_groups(&index, &wanted)));
            }
            LogFilter::Module { .. } => Ok(None),
            // One log is of one device.
            LogFilter::Device { serials } => {
                let is_it = self
                    .device
                    .as_ref()
                    .is_some_and(|own| serials.contains(own));
                let rows = if is_it { first_row..n_rows } else { 0..0 };
                return Ok(Ok(rows.collect()));
            }
        };
        let matcher = match matcher {
            Ok(matcher) => matcher,
            Err(error) => return Ok(Err(error)),
        };
        let found = parallel::in_order(blocks, progress, |block, progress| {
            progress.tick(0, 1)?;
            Ok(self.found_in(block, filter, matcher.as_ref()))
        })?;
        Ok(Ok(found.into_iter().flatten().collect()))
    }

    /// Rows of a block that a filter lets through which has to look at each of them.
    fn found_in(
        &self,
        block: &IndexedBlock,
        filter: &LogFilter,
        matcher: Option<&Matcher>,
    ) -> Vec<u64> {
        let bytes = self.bytes.get(block.range.clone()).unwrap_or(&[]);
        let is_text = self.format.framing() == Framing::Delimited(b'\n');
        let is_plain_text = is_text && self.dictionaries.tokens.is_none();
        let (mut found, mut searched) = (Vec::new(), Vec::new());
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
        let mut row = block.first_row;
        decode_rows(
            &self.piece(block.range.clone()),
            self.format,
            &self.dictionaries,
            |place, record| {
                let is_wanted = match (filter, matcher) {
                    (_, Some(matcher)) => {
                        searched.clear();
                        let raw = bytes.get(place).unwrap_or(&[]);
                        append_searched(record, raw, is_text, &mut searched);
                        matcher.is_match(&searched)
                    }
                    (LogFilter::Module { names }, _) => names.contains(&record.module),
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

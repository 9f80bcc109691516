//! Folding: of rows of one message that follow each other among those that the filters let through, one is listed. So is one
//! of each block of data.
//!
//! A row where a boot or a crash begins, or where the file was begun anew, is never folded into the one before it.

use super::LogSession;
use super::messages::MessageIndex;
use crate::engine::logs::filter::FilterStack;
use crate::engine::logs::row_set::RowSet;
use crate::model::progress::{Cancelled, Progress};
use std::sync::{Arc, Mutex, PoisonError};

/// Sets of shown rows whose runs are remembered.
const KEPT_FOLDS: usize = 4;
/// A cancel is looked for after so many rows.
const ROWS_AT_ONCE: u64 = 1 << 16;

/// The first rows of the runs among some rows.
#[derive(Clone)]
struct KeptFold {
    n_bytes: usize,
    /// Rows that cannot change any more, of the state of the log that it was made for.
    n_sure: u64,
    shown: Arc<RowSet>,
    index: Arc<MessageIndex>,
    heads: Arc<RowSet>,
}

/// What is remembered of folds, shared by all states of a log that grows.
#[derive(Default)]
pub(super) struct KnownFolds(Mutex<Vec<KeptFold>>);

/// Rows as they are listed.
#[derive(Clone, Debug, Default)]
pub struct ListedRows {
    /// Rows of the log.
    n_rows: u64,
    /// Rows that the filters let through; `None` when that is all of them.
    pub let_through: Option<Arc<RowSet>>,
    /// Those of them that are listed.
    pub listed: Option<Arc<RowSet>>,
    /// First rows of runs.
    heads: Option<Arc<RowSet>>,
}

impl ListedRows {
    /// Rows that filters let through, each of them listed.
    pub(in crate::engine::logs) fn unfolded(n_rows: u64, let_through: Option<Arc<RowSet>>) -> Self {
        Self {
            n_rows,
            listed: let_through.clone(),
            let_through,
            heads: None,
        }
    }

    /// How many are listed.
    pub fn n_listed(&self) -> u64 {
        self.listed.as_ref().map_or(self.n_rows, |rows| rows.len())
    }

    /// How many the filters let through, those that are folded among them.
    pub fn n_let_through(&self) -> u64 {
        self.let_through
            .as_ref()
            .map_or(self.n_rows, |rows| rows.len())
    }

    /// The nth row that is listed.
    pub fn nth(&self, n: u64) -> Option<u64> {
        match &self.listed {
            Some(rows) => rows.nth(n),
            None => (n < self.n_rows).then_some(n),
        }
    }

    /// The place of a row in the list: its own, that of the row it is folded into, or where it would be.
    pub fn place_of(&self, row: u64) -> u64 {
        let Some(listed) = &self.listed else {
            return row;
        };
        let place = listed.rank(row);
        let is_folded = self.heads.is_some()
            && !listed.contains(row)
            && self
                .let_through
                .as_ref()
                .is_some_and(|rows| rows.contains(row));
        place.saturating_sub(u64::from(is_folded))
    }

    /// True for a row that the filters let through, listed or folded.
    pub fn is_let_through(&self, row: u64) -> bool {
        let all = self.let_through.as_ref();
        all.map_or(row < self.n_rows, |rows| rows.contains(row))
    }

    /// The row that is listed behind the nth one, or the end of the log.
    pub fn behind(&self, n: u64) -> u64 {
        self.nth(n.saturating_add(1)).unwrap_or(self.n_rows)
    }

    /// Rows of the same message that are folded into a row that is listed.
    pub fn n_folded(&self, row: u64) -> u64 {
        let (Some(_), Some(listed), Some(all)) = (&self.heads, &self.listed, &self.let_through)
        else {
            return 0;
        };
        run_len(listed, all, row).saturating_sub(1)
    }

    /// Rows of the run that begins at a row and is listed row by row; 0 when none does.
    pub fn n_unfolded(&self, row: u64) -> u64 {
        let (Some(heads), Some(all)) = (&self.heads, &self.let_through) else {
            return 0;
        };
        match run_len(heads, all, row) {
            n @ 2.. if heads.contains(row) && self.n_folded(row) == 0 => n,
            _ => 0,
        }
    }
}

/// Rows from one that begins a run up to the next one that does.
fn run_len(heads: &RowSet, all: &RowSet, row: u64) -> u64 {
    let behind = heads.rank(row.saturating_add(1));
    let next = heads.nth(behind).unwrap_or(u64::MAX);
    all.rank(next).saturating_sub(all.rank(row))
}

impl LogSession {
    /// The rows of a stack as they are listed; a filter that cannot be read hides nothing.
    pub fn listed(
        &self,
        stack: &FilterStack,
        progress: &dyn Progress,
    ) -> Result<Result<ListedRows, String>, Cancelled> {
        let let_through = match self.let_through(&self.usable(stack), progress)? {
            Ok(rows) => rows,
            Err(error) => return Ok(Err(error)),
        };
        let n_rows = self.summary.n_rows;
        if !stack.folds {
            return Ok(Ok(ListedRows::unfolded(n_rows, let_through)));
        }
        let shown = let_through.unwrap_or_else(|| {
            let mut all = RowSet::empty(n_rows);
            all.invert();
            Arc::new(all)
        });
        let heads = Arc::new(self.heads(&shown, progress)?);
        let mut listed = RowSet::clone(&heads);
        for row in stack.unfolded.iter().filter(|row| shown.contains(**row)) {
            let behind = heads.rank(row.saturating_add(1));
            let first = behind.checked_sub(1).and_then(|n| heads.nth(n));
            let next = heads.nth(behind).unwrap_or(n_rows);
            listed.unite_within(&shown, first.unwrap_or(*row)..next);
        }
        Ok(Ok(ListedRows {
            n_rows,
            let_through: Some(shown),
            listed: Some(Arc::new(listed)),
            heads: Some(heads),
        }))
    }

    /// The first rows of the runs among the shown rows.
    fn heads(&self, shown: &Arc<RowSet>, progress: &dyn Progress) -> Result<RowSet, Cancelled> {
        let index = self.messages(progress)?;
        let kept = self.kept_heads(shown, &index, progress)?;
        let mut heads = RowSet::clone(&kept);
        let begun = self.boot_rows.iter().copied();
        let begun = begun
            .chain(self.crash_rows.iter().map(|(first, _)| *first))
            .chain(self.summary.restarts.iter().map(|restart| restart.row));
        let mut begun = RowSet::of(self.summary.n_rows, begun);
        begun.intersect(shown);
        heads.unite_within(&begun, 0..self.summary.n_rows);
        Ok(heads)
    }

    /// The first rows of the runs, as the messages alone say; those of the rows that cannot have changed are remembered.
    fn kept_heads(
        &self,
        shown: &Arc<RowSet>,
        index: &Arc<MessageIndex>,
        progress: &dyn Progress,
    ) -> Result<Arc<RowSet>, Cancelled> {
        let n_bytes = self.bytes.len();
        let last_block = self.blocks.last().map_or(0, |block| block.first_row);
        let known = self.folds.lock().clone();
        let same = known
            .iter()
            .find(|kept| kept.n_bytes == n_bytes && kept.shown == *shown);
        if let Some(kept) = same {
            return Ok(Arc::clone(&kept.heads));
        }
        let sure = |kept: &KeptFold| {
            let n_sure = kept.n_sure.min(last_block);
            let is_sure =
                kept.index.has_same_sure(index) && kept.shown.agrees_before(shown, n_sure);
            is_sure.then(|| (n_sure, Arc::clone(&kept.heads)))
        };
        let best = known
            .iter()
            .filter_map(sure)
            .max_by_key(|(n_sure, _)| *n_sure);
        let (from, mut heads) = best.map_or_else(
            || (0, RowSet::default()),
            |(n_sure, heads)| (n_sure, RowSet::clone(&heads)),
        );
        let found = self.heads_from(from, shown, index, progress)?;
        heads.regrow(from, self.summary.n_rows, found);
        let heads = Arc::new(heads);
        let mut kept = self.folds.lock();
        // What was made of this log before it grew serves no more.
        kept.retain(|kept| {
            !(kept.n_bytes < n_bytes && kept.shown.agrees_before(shown, kept.n_sure))
        });
        kept.insert(
            0,
            KeptFold {
                n_bytes,
                n_sure: last_block,
                shown: Arc::clone(shown),
                index: Arc::clone(index),
                heads: Arc::clone(&heads),
            },
        );
        kept.truncate(KEPT_FOLDS);
        Ok(heads)
    }

    fn heads_from(
        &self,
        from: u64,
        shown: &RowSet,
        index: &MessageIndex,
        progress: &dyn Progress,
    ) -> Result<Vec<u64>, Cancelled> {
        let before = shown.rank(from).checked_sub(1).and_then(|n| shown.nth(n));
        let mut templates = self.templates_from(index, before.unwrap_or(from));
        let mut last = before.and_then(|row| templates.template_of(row));
        let mut found = Vec::new();
        for (n, row) in (0_u64..).zip(shown.iter_from(from)) {
            if n.is_multiple_of(ROWS_AT_ONCE) {
                progress.tick(row, self.summary.n_rows)?;
            }
            let template = templates.template_of(row);
            if template.is_none() || template != last {
                found.push(row);
            }
            last = template;
        }
        Ok(found)
    }
}

impl KnownFolds {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<KeptFold>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Which message each row of an open log is: counted once, when it is first asked for, and continued when the log grows.

use super::LogSession;
use super::blocks::IndexedBlock;
use crate::engine::logs::selection::decode_rows;
use crate::engine::logs::templates::{Assigned, Groups, assign};
use crate::engine::logs::view::LogKey;
use crate::engine::parallel;
use crate::model::progress::{Cancelled, Progress};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Blocks that are looked at before their groups are put together: bounds the memory.
const BLOCKS_AT_ONCE: usize = 16;
/// Good runs that a log is compared with at a time.
const MOST_GOOD_RUNS: usize = 4;

/// The group of each row of a block: two bytes a row as long as the log has few groups. The greatest number stands for rows
/// that are no message.
enum RowGroups {
    Few(Vec<u16>),
    Many(Vec<u32>),
}

impl RowGroups {
    fn of(groups: &[Option<usize>]) -> Self {
        let few: Option<Vec<u16>> = groups
            .iter()
            .map(|group| match group {
                None => Some(u16::MAX),
                Some(group) => u16::try_from(*group).ok().filter(|n| *n != u16::MAX),
            })
            .collect();
        few.map_or_else(
            || {
                let wide = |group: &Option<usize>| {
                    group.map_or(u32::MAX, |group| u32::try_from(group).unwrap_or(u32::MAX))
                };
                Self::Many(groups.iter().map(wide).collect())
            },
            Self::Few,
        )
    }

    fn get(&self, at: usize) -> Option<usize> {
        match self {
            Self::Few(groups) => {
                let group = *groups.get(at)?;
                (group != u16::MAX).then_some(usize::from(group))
            }
            Self::Many(groups) => {
                let group = *groups.get(at)?;
                usize::try_from(group).ok().filter(|_| group != u32::MAX)
            }
        }
    }
}

/// The messages of a log, and which of them each row is.
pub struct MessageIndex {
    /// Bytes that the log had then.
    n_bytes: usize,
    groups: Groups,
    assigned: Assigned,
    rows: Vec<Arc<RowGroups>>,
    /// The groups of all blocks but the last one, to which more rows may come.
    sure: Groups,
}

impl MessageIndex {
    /// The groups of its rows.
    pub fn groups(&self) -> &Groups {
        &self.groups
    }

    /// Its templates.
    pub fn assigned(&self) -> &Assigned {
        &self.assigned
    }

    /// True when a later state of the log has the same templates in the rows that cannot change any more.
    pub(super) fn has_same_sure(&self, later: &Self) -> bool {
        let n_sure = self.sure.len();
        let own = self.assigned.of_group.get(..n_sure);
        own.is_some() && own == later.assigned.of_group.get(..n_sure)
    }
}

/// What is known of the messages of a log, shared by all states of one that grows.
#[derive(Default)]
pub(super) struct KnownMessages {
    index: Mutex<Option<Arc<MessageIndex>>>,
    /// Held while rows are looked at: two questions at a time share the work.
    counting: Mutex<()>,
    /// The good runs that filters compare with.
    good: Mutex<BTreeMap<LogKey, Arc<MessageIndex>>>,
}

/// Goes through the rows of a log with the group of each.
pub(super) struct RowTemplates<'a> {
    blocks: &'a [IndexedBlock],
    index: &'a MessageIndex,
    /// The block that was looked at last.
    at: usize,
}

impl RowTemplates<'_> {
    /// The group of a row; rows are asked for in order.
    pub(super) fn group_of(&mut self, row: u64) -> Option<usize> {
        while self.blocks.get(self.at)?.end_row() <= row {
            self.at = self.at.saturating_add(1);
        }
        let inside = row.checked_sub(self.blocks.get(self.at)?.first_row)?;
        self.index
            .rows
            .get(self.at)?
            .get(usize::try_from(inside).ok()?)
    }

    /// The template of a row.
    pub(super) fn template_of(&mut self, row: u64) -> Option<usize> {
        let group = self.group_of(row)?;
        *self.index.assigned.of_group.get(group)?
    }
}

impl LogSession {
    /// The messages of the log. The first question looks at every row; of a log that grew since, only at what is new. When the
    /// log has grown further in the meantime, they are those of the later state, whose earlier rows are the same.
    pub fn messages(&self, progress: &dyn Progress) -> Result<Arc<MessageIndex>, Cancelled> {
        let is_of_now = |index: &Arc<MessageIndex>| index.n_bytes >= self.bytes.len();
        if let Some(index) = lock(&self.messages.index).clone().filter(is_of_now) {
            return Ok(index);
        }
        let _counting = lock(&self.messages.counting);
        let known = lock(&self.messages.index).clone();
        if let Some(index) = known.clone().filter(is_of_now) {
            return Ok(index);
        }
        let index = Arc::new(self.count_messages(known.as_deref(), progress)?);
        *lock(&self.messages.index) = Some(Arc::clone(&index));
        Ok(index)
    }

    fn count_messages(
        &self,
        known: Option<&MessageIndex>,
        progress: &dyn Progress,
    ) -> Result<MessageIndex, Cancelled> {
        let (mut groups, mut rows) = known.map_or_else(Default::default, |known| {
            let n_sure = known.rows.len().saturating_sub(1);
            let rows = known.rows.get(..n_sure).unwrap_or(&[]).to_vec();
            (known.sure.clone(), rows)
        });
        let n_sure = self.blocks.len().saturating_sub(1);
        let mut sure = groups.clone();
        while rows.len() < self.blocks.len() {
            // The last block stands alone: what is before it is kept.
            let until = rows.len().saturating_add(BLOCKS_AT_ONCE);
            let until = if rows.len() < n_sure {
                until.min(n_sure)
            } else {
                until
            };
            let blocks = self.blocks.get(rows.len()..until.min(self.blocks.len()));
            let blocks = blocks.unwrap_or(&[]);
            progress.tick(rows.len() as u64, self.blocks.len() as u64)?;
            let found = parallel::in_order(blocks, progress, |block, progress| {
                progress.tick(0, 1)?;
                Ok(self.groups_of_block(block))
            })?;
            for (block, (own, row_groups)) in blocks.iter().zip(found) {
                if rows.len() == n_sure {
                    sure = groups.clone();
                }
                let places = groups.append(own, block.first_row);
                let place = |own: &Option<usize>| places.get((*own)?).copied();
                let of_rows: Vec<Option<usize>> = row_groups.iter().map(place).collect();
                rows.push(Arc::new(RowGroups::of(&of_rows)));
            }
        }
        Ok(MessageIndex {
            n_bytes: self.bytes.len(),
            assigned: assign(&groups, &Groups::default()),
            groups,
            rows,
            sure,
        })
    }

    fn groups_of_block(&self, block: &IndexedBlock) -> (Groups, Vec<Option<usize>>) {
        let mut groups = Groups::default();
        let mut of_rows = Vec::new();
        decode_rows(
            &self.piece(block.range.clone()),
            self.format,
            &self.dictionaries,
            |_, record| of_rows.push(groups.add(of_rows.len() as u64, record)),
        );
        (groups, of_rows)
    }

    /// Goes through the rows from `first` on with their messages.
    pub(super) fn templates_from<'a>(
        &'a self,
        index: &'a MessageIndex,
        first: u64,
    ) -> RowTemplates<'a> {
        RowTemplates {
            blocks: &self.blocks,
            index,
            at: self
                .blocks
                .partition_point(|block| block.end_row() <= first),
        }
    }

    /// Remembers the messages of a good run, for the filters that name it.
    pub fn know_good_run(&self, good_run: &LogKey, messages: Arc<MessageIndex>) {
        let mut good = lock(&self.messages.good);
        let n_bytes = messages.n_bytes;
        let before = good.insert(good_run.clone(), messages);
        while good.len() > MOST_GOOD_RUNS {
            let other = good.keys().find(|known| *known != good_run).cloned();
            other.and_then(|other| good.remove(&other));
        }
        drop(good);
        if before.is_some_and(|before| before.n_bytes != n_bytes) {
            self.forget_compared(good_run);
        }
    }

    /// The messages of a good run that was named before.
    pub(super) fn good_run(&self, good_run: &LogKey) -> Option<Arc<MessageIndex>> {
        lock(&self.messages.good).get(good_run).cloned()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

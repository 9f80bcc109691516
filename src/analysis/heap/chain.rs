//! A walk over blocks that follow each other in memory, each with its size in its header.
//!
//! A header that cannot be one is damage: whoever owns the block before it has probably written past its end. The walk goes on
//! at the next place where a block is known to be.

use super::owners::Owners;
use crate::model::addr::TargetAddr;
use crate::model::target_state::HeapBlock;

/// More blocks than that are not walked.
pub(super) const MAX_BLOCKS: usize = 20_000;

/// What one header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// A block of `size` bytes with its header.
    Block {
        size: u64,
        allocated: bool,
        /// Why the header looks written over although its size is right.
        suspicious: Option<String>,
    },
    /// The end of the chain.
    End,
    /// No header; the words that stand there, as text.
    Broken(String),
    /// Not in the capture.
    NotCaptured,
}

/// How to read one allocator's chain.
pub(super) struct Chain<'a> {
    pub(super) start: u64,
    pub(super) end: u64,
    /// Bytes of a header; no block is smaller.
    pub(super) header_bytes: u64,
    /// Where the user data of the block at an address starts.
    pub(super) data: &'a dyn Fn(u64) -> u64,
    /// Blocks have to start at multiples of this.
    pub(super) align: u64,
    pub(super) header: &'a dyn Fn(u64) -> Header,
    /// Addresses of blocks that are known from elsewhere, sorted: free lists.
    pub(super) known: &'a [u64],
    pub(super) owners: &'a Owners,
}

/// Blocks in order, and what is wrong with them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Walked {
    pub(super) blocks: Vec<HeapBlock>,
    pub(super) damage: Vec<String>,
    /// Some part could not be read or was skipped: sums are not complete.
    pub(super) is_partial: bool,
}

impl Chain<'_> {
    pub(super) fn walk(&self) -> Walked {
        let mut walked = Walked::default();
        let mut at = self.start;
        while at < self.end && walked.blocks.len() < MAX_BLOCKS {
            let problem = match (self.header)(at) {
                Header::End => break,
                Header::NotCaptured => {
                    walked.is_partial = true;
                    break;
                }
                Header::Block {
                    size,
                    allocated,
                    suspicious,
                } => match self.next(at, size) {
                    Some(next) => {
                        if let Some(words) = suspicious {
                            let sentence = self.sentence(at, &words, walked.blocks.last());
                            walked.damage.push(sentence);
                        }
                        walked.blocks.push(HeapBlock {
                            address: TargetAddr(at),
                            size,
                            allocated,
                            owner: allocated
                                .then(|| self.owners.of((self.data)(at), next))
                                .flatten(),
                        });
                        at = next;
                        continue;
                    }
                    None => format!("a size of {size} bytes"),
                },
                Header::Broken(words) => words,
            };
            walked
                .damage
                .push(self.sentence(at, &problem, walked.blocks.last()));
            walked.is_partial = true;
            match self.next_known(at) {
                Some(next) => at = next,
                None => break,
            }
        }
        if walked.blocks.len() >= MAX_BLOCKS {
            walked.is_partial = true;
        }
        walked
    }

    fn next(&self, at: u64, size: u64) -> Option<u64> {
        let next = at.checked_add(size)?;
        (size >= self.header_bytes && size.is_multiple_of(self.align) && next <= self.end)
            .then_some(next)
    }

    fn sentence(&self, at: u64, problem: &str, before: Option<&HeapBlock>) -> String {
        let what = format!("the block header at 0x{at:08x} was written over ({problem})");
        match before {
            Some(block) => {
                let data = (self.data)(block.address.0);
                let room = block
                    .address
                    .0
                    .saturating_add(block.size)
                    .saturating_sub(data);
                let whose = match (&block.owner, block.allocated) {
                    (Some(owner), _) => owner.clone(),
                    (None, true) => "owner not known".to_owned(),
                    (None, false) => "free: written to after it was given back".to_owned(),
                };
                format!(
                    "{what}; the block before it starts at 0x{data:08x} with room for {room} bytes ({whose}) and was probably \
                     written past its end."
                )
            }
            None => format!("{what}; it is the first block of the heap."),
        }
    }

    /// The nearest place behind `at` where a block is known to start and its header can be one.
    fn next_known(&self, at: u64) -> Option<u64> {
        let after = at.checked_add(1)?;
        let from_owners = self
            .owners
            .known_data(after.saturating_add(self.header_bytes), self.end)
            .into_iter()
            .filter_map(|data| data.checked_sub(self.header_bytes));
        let first = self.known.partition_point(|addr| *addr < after);
        let known = self.known.get(first..).unwrap_or_default().iter().copied();
        known
            .chain(from_owners)
            .filter(|addr| *addr > at && *addr < self.end)
            .filter(|addr| match (self.header)(*addr) {
                Header::Block {
                    size, suspicious, ..
                } => suspicious.is_none() && self.next(*addr, size).is_some(),
                _ => false,
            })
            .min()
    }
}

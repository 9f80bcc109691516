//! The hash of bytes whose parts are looked at by several threads: each adds its part when it is its turn.

use crate::model::progress::{Cancelled, Progress};
use crate::store::sha256::{Hasher, Sha256};
use std::ops::Range;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How soon one who waits sees a cancel.
const TICK: Duration = Duration::from_millis(20);

/// A hash to which parts are added in their order.
#[derive(Default)]
pub(super) struct HashInTurn {
    state: Mutex<State>,
    is_added: Condvar,
}

#[derive(Default)]
struct State {
    hasher: Hasher,
    /// Bytes that were added.
    n_bytes: usize,
}

impl HashInTurn {
    /// Adds `part` of `bytes`; waits for the parts before it, which have to be on their way.
    pub(super) fn add(
        &self,
        bytes: &[u8],
        part: &Range<usize>,
        progress: &dyn Progress,
    ) -> Result<(), Cancelled> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.n_bytes < part.start {
            progress.tick(0, 1)?;
            let waited = self.is_added.wait_timeout(state, TICK);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state
            .hasher
            .add(bytes.get(part.clone()).unwrap_or_default());
        state.n_bytes = part.end;
        self.is_added.notify_all();
        Ok(())
    }

    /// The hash, where `n_bytes` were added.
    pub(super) fn finish(self, n_bytes: usize) -> Option<Sha256> {
        let state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        (state.n_bytes == n_bytes).then(|| state.hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::HashInTurn;
    use crate::model::progress::{Cancelled, Progress, Unattended};
    use crate::store::sha256::Sha256;

    #[test]
    fn parts_are_added_in_their_order_whoever_comes_first() {
        let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let parts: Vec<_> = (0..bytes.len())
            .step_by(1000)
            .map(|start| start..start + 1000)
            .collect();
        let hash = HashInTurn::default();
        std::thread::scope(|scope| {
            for first in (0..4).rev() {
                let (hash, bytes, parts) = (&hash, &bytes, &parts);
                scope.spawn(move || {
                    for part in parts.iter().skip(first).step_by(4) {
                        hash.add(bytes, part, &Unattended).unwrap();
                    }
                });
            }
        });
        assert_eq!(hash.finish(bytes.len()), Some(Sha256::of(&bytes)));
    }

    #[test]
    fn who_waits_for_a_part_that_never_comes_can_be_cancelled() {
        struct Never;
        impl Progress for Never {
            fn tick(&self, _done: u64, _total: u64) -> Result<(), Cancelled> {
                Err(Cancelled)
            }
        }
        let hash = HashInTurn::default();
        assert!(hash.add(b"abc", &(1..2), &Never).is_err());
        assert_eq!(hash.finish(3), None);
    }
}

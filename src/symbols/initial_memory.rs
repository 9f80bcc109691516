//! Memory as it is when `main` starts: constants, initial values of data, and zeroes in the sections that start-up code clears.

use super::symbol_set::SymbolSet;
use crate::model::memory::{Memory, NotCaptured};
use std::ops::Range;

/// The initial memory of the ELFs of a set.
pub struct InitialMemory<'s, 'a> {
    set: &'s SymbolSet<'a>,
    cleared: Vec<Range<u64>>,
}

impl<'s, 'a> InitialMemory<'s, 'a> {
    /// Of all ELFs of the set.
    pub fn new(set: &'s SymbolSet<'a>) -> Self {
        let cleared = set
            .infos
            .iter()
            .flat_map(|info| info.file().cleared_ranges())
            .collect();
        Self { set, cleared }
    }
}

impl Memory for InitialMemory<'_, '_> {
    fn read(&self, addr: u64, buf: &mut [u8]) -> Result<(), NotCaptured> {
        for info in &self.set.infos {
            let file = info.file();
            if file.initial_data().read(addr, buf).is_ok()
                || file.constants().read(addr, buf).is_ok()
            {
                return Ok(());
            }
        }
        let end = addr.saturating_add(buf.len() as u64);
        if self.cleared.iter().any(|r| r.start <= addr && end <= r.end) {
            buf.fill(0);
            return Ok(());
        }
        Err(NotCaptured { addr })
    }

    fn ranges(&self) -> Vec<Range<u64>> {
        let mut all: Vec<Range<u64>> = self.cleared.clone();
        for info in &self.set.infos {
            all.extend(info.file().initial_data().ranges());
        }
        all.sort_by_key(|r| r.start);
        all
    }
}

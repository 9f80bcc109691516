//! Memory of a crash as rows of bytes, with the symbols that lie in it.

use crate::engine::context::QueryContext;
use crate::engine::query::{Query, QueryError};
use crate::model::addr::TargetAddr;
use crate::model::memory::{Memory as _, Overlay};

/// Bytes of one row.
pub const ROW_BYTES: u64 = 16;
/// The most rows of one answer.
const MOST_ROWS: u64 = 4096;

/// Asks for `n_rows` rows of 16 bytes from `start` (rounded down to a row).
#[derive(Clone, Debug)]
pub struct CrashMemoryQuery {
    /// Id in the workspace.
    pub crash: i64,
    /// First address.
    pub start: u64,
    /// How many rows.
    pub n_rows: u64,
}

/// One row of memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryRow {
    /// Address of the first byte.
    pub address: TargetAddr,
    /// The bytes; `None` where nothing was captured.
    pub bytes: Vec<Option<u8>>,
    /// The symbol that the first captured byte belongs to: `ring+16`.
    pub symbol: Option<String>,
}

impl Query for CrashMemoryQuery {
    type Output = Vec<MemoryRow>;

    fn run(&self, context: &QueryContext) -> Result<Vec<MemoryRow>, QueryError> {
        let opened = context.open_crash(self.crash)?;
        opened.with_symbols(|dump, symbols| {
            let constants = symbols.constants();
            let memory = Overlay { first: &dump.memory, second: &constants };
            let first = self.start - self.start % ROW_BYTES;
            (0..self.n_rows.min(MOST_ROWS))
                .map_while(|row| first.checked_add(row * ROW_BYTES))
                .map(|address| MemoryRow {
                    address: TargetAddr(address),
                    bytes: (0..ROW_BYTES)
                        .map(|at| memory.read_u8(address.checked_add(at)?).ok())
                        .collect(),
                    symbol: symbols.describe(address),
                })
                .collect()
        })
    }
}

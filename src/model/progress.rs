//! Progress and cancellation as one call, passed to whatever may take long.

/// The work was cancelled by its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// Told how far the work is; answers whether to go on. Called at least every 50 ms of work.
pub trait Progress {
    /// `done` of `total` units (bytes, lines, items; the caller's choice). `Err` means: stop now.
    fn tick(&self, done: u64, total: u64) -> Result<(), Cancelled>;
}

/// Nobody listens and nobody cancels.
pub struct Unattended;

impl Progress for Unattended {
    fn tick(&self, _done: u64, _total: u64) -> Result<(), Cancelled> {
        Ok(())
    }
}

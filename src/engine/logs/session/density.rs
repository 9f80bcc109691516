//! How the rows of a log lie along it, by level.

use super::LogSession;
use crate::engine::logs::view::{DensityAxis, LogDensity};
use crate::model::progress::{Cancelled, Progress};

/// Parts that a log is divided into at most.
const MOST_BUCKETS: u32 = 4096;

impl LogSession {
    /// Rows along the time axis, or one by one where the log has no times.
    pub fn density(
        &self,
        n_buckets: u32,
        progress: &dyn Progress,
    ) -> Result<LogDensity, Cancelled> {
        let n_buckets = usize::try_from(n_buckets.clamp(1, MOST_BUCKETS)).unwrap_or(1);
        let crashes = self.crash_rows.iter().map(|(first, _)| *first);
        if let Some(span) = self.axis.span {
            let (buckets, n_without) = self.by_time(span, n_buckets, progress)?;
            let place = |row: u64| self.place_on_axis(row).unwrap_or(span.0);
            let boots = if self.axis.kind == DensityAxis::Uptime {
                self.boot_starts().to_vec()
            } else {
                self.boot_rows.iter().map(|row| place(*row)).collect()
            };
            return Ok(LogDensity {
                axis: self.axis.kind,
                span,
                buckets,
                crashes: crashes.map(place).collect(),
                boots,
                n_without,
                is_by_boot: self.axis.kind == DensityAxis::Uptime,
            });
        }
        Ok(LogDensity {
            axis: DensityAxis::Rows,
            span: (0, signed(self.summary.n_rows.saturating_sub(1))),
            buckets: self.by_row(n_buckets),
            crashes: crashes.map(signed).collect(),
            boots: self.boot_rows.iter().map(|row| signed(*row)).collect(),
            n_without: 0,
            is_by_boot: false,
        })
    }

    fn by_row(&self, n_buckets: usize) -> Vec<[u32; 7]> {
        let mut buckets = vec![[0_u32; 7]; n_buckets];
        let n_rows = self.summary.n_rows.max(1);
        let levels = self.blocks.iter().flat_map(|block| &block.facts.levels);
        for (row, level) in (0_u64..).zip(levels) {
            let bucket = row.saturating_mul(n_buckets as u64) / n_rows;
            let bucket = usize::try_from(bucket).unwrap_or(usize::MAX);
            let counts = buckets.get_mut(bucket);
            if let Some(n) = counts.and_then(|counts| counts.get_mut(usize::from(*level))) {
                *n = n.saturating_add(1);
            }
        }
        buckets
    }
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

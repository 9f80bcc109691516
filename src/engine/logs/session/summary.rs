//! An open log at a glance, put together from its blocks.

use super::LogSession;
use super::blocks::MOST_MODULES;
use crate::engine::logs::view::{DensityAxis, LogBoot, LogCrash, LogRestart, LogSummary};
use std::collections::BTreeMap;

impl LogSession {
    /// Says anew what the log holds; the blocks and the number of rows are known.
    pub(super) fn summarize(&mut self) {
        let boot_rows = self.boots.iter().map(|boot| self.row_at(boot.offset));
        self.boot_rows = boot_rows.collect();
        let crash_rows = self.crashes.iter().map(|crash| {
            let end = crash.offset.saturating_add(crash.len.saturating_sub(1));
            (self.row_at(crash.offset), self.row_at(end))
        });
        self.crash_rows = crash_rows.collect();
        self.axis = self.find_axis();
        let n_bytes = self.bytes.len() as u64;
        let mut summary = LogSummary {
            name: self.name.clone(),
            format: self.format.id().to_owned(),
            format_label: self.format.label().to_owned(),
            n_rows: self.summary.n_rows,
            n_bytes: (n_bytes, n_bytes),
            is_complete: true,
            boots: self.listed_boots(),
            crashes: self.listed_crashes(),
            restarts: self.listed_restarts(),
            ..LogSummary::default()
        };
        self.count(&mut summary);
        if summary.n_undecoded > 0 && self.dictionaries.sources.is_empty() {
            summary.needs.push(
                "Rows of this log need the ELF of the build that wrote it. Add it to the symbols."
                    .to_owned(),
            );
        }
        self.summary = summary;
    }

    fn count(&self, summary: &mut LogSummary) {
        let mut modules: BTreeMap<&str, u64> = BTreeMap::new();
        for block in &self.blocks {
            let facts = &block.facts;
            for (all, own) in summary.n_by_level.iter_mut().zip(facts.n_by_level) {
                *all = all.saturating_add(own);
            }
            summary.n_undecoded = summary.n_undecoded.saturating_add(facts.n_undecoded);
            summary.n_dropped.0 = summary.n_dropped.0.saturating_add(facts.n_dropped.0);
            summary.n_dropped.1 = summary.n_dropped.1.saturating_add(facts.n_dropped.1);
            for (module, n) in &facts.modules {
                let all = modules.entry(module).or_default();
                *all = all.saturating_add(*n);
            }
        }
        let mut modules: Vec<(String, u64)> = modules
            .into_iter()
            .map(|(module, n)| (module.to_owned(), n))
            .collect();
        modules.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        modules.truncate(MOST_MODULES);
        summary.modules = modules;
        summary.span_ns = self.axis.span;
        summary.is_wall_clock = self.axis.kind == DensityAxis::Wall;
    }

    fn listed_boots(&self) -> Vec<LogBoot> {
        let by_start = self.start_of_first_run();
        let ends = self.boot_rows.iter().skip(1).copied();
        let rows = self.boot_rows.iter().zip(ends.chain([u64::MAX]));
        let boots = self.boots.iter().zip(rows);
        let listed = boots.map(|(boot, (row, end))| LogBoot {
            row: *row,
            reset_reason: boot.reset_reason.clone(),
            version: boot.version.clone(),
            build_id: boot.build_id.as_ref().map(ToString::to_string),
            started_ns: self.started_ns(*row, end).or_else(|| {
                let (first, start) = by_start?;
                (*row..end).contains(&first).then_some(start)
            }),
            ..LogBoot::default()
        });
        listed.collect()
    }

    fn listed_crashes(&self) -> Vec<LogCrash> {
        let crashes = self.crashes.iter().zip(&self.crash_rows);
        let listed = crashes.map(|(crash, (first, last))| LogCrash {
            row: *first,
            n_rows: last.saturating_sub(*first).saturating_add(1),
            crash: Some(crash.crash),
            headline: crash.headline.clone(),
            ..LogCrash::default()
        });
        listed.collect()
    }

    fn listed_restarts(&self) -> Vec<LogRestart> {
        let restarts = self.restarts.iter().map(|restart| LogRestart {
            row: self.row_at(restart.offset),
            ..restart.clone()
        });
        restarts.collect()
    }
}

//! What merged logs hold together.

use super::Part;
use super::clock::words_of_axis;
use crate::engine::logs::view::{DensityAxis, LogBoot, LogCrash, LogPart, LogRestart, LogSummary};
use std::collections::BTreeMap;

/// Modules that are listed.
const MOST_MODULES: usize = 1000;

/// Says what all of them hold together.
pub(super) fn summarize(
    axis: DensityAxis,
    parts: &[Part],
    n_rows: u64,
    span_ns: Option<(i64, i64)>,
) -> LogSummary {
    let names: Vec<&str> = parts.iter().map(|part| part.opened.name.as_str()).collect();
    let mut summary = LogSummary {
        name: names.join(" + "),
        n_rows,
        is_complete: true,
        span_ns,
        is_wall_clock: axis == DensityAxis::Wall,
        axis: words_of_axis(axis).to_owned(),
        ..LogSummary::default()
    };
    let mut modules: BTreeMap<String, u64> = BTreeMap::new();
    let mut labels: Vec<String> = Vec::new();
    for (log, part) in parts.iter().enumerate() {
        let own = part.opened.log.summary();
        let position = |row: u64| part.rows.nth(row).unwrap_or(0);
        for (all, n) in summary.n_by_level.iter_mut().zip(own.n_by_level) {
            *all = all.saturating_add(n);
        }
        let add = |all: &mut u64, n: u64| *all = all.saturating_add(n);
        add(&mut summary.n_bytes.0, own.n_bytes.0);
        add(&mut summary.n_bytes.1, own.n_bytes.1);
        add(&mut summary.n_dropped.0, own.n_dropped.0);
        add(&mut summary.n_dropped.1, own.n_dropped.1);
        add(&mut summary.n_undecoded, own.n_undecoded);
        summary.boots.extend(own.boots.iter().map(|boot| LogBoot {
            log,
            row: position(boot.row),
            ..boot.clone()
        }));
        summary.crashes.extend(own.crashes.iter().map(|crash| {
            let row = position(crash.row);
            let last = crash.row.saturating_add(crash.n_rows.saturating_sub(1));
            LogCrash {
                log,
                row,
                n_rows: position(last).saturating_sub(row).saturating_add(1),
                ..crash.clone()
            }
        }));
        summary
            .restarts
            .extend(own.restarts.iter().map(|restart| LogRestart {
                row: position(restart.row),
                ..restart.clone()
            }));
        for (module, n) in &own.modules {
            let all = modules.entry(module.clone()).or_default();
            *all = all.saturating_add(*n);
        }
        if !labels.contains(&own.format_label) {
            labels.push(own.format_label.clone());
        }
        summary.needs.extend(own.needs.iter().cloned());
        summary.warnings.extend(own.warnings.iter().cloned());
        summary.parts.push(LogPart {
            name: part.opened.name.clone(),
            n_rows: own.n_rows,
            offset_ns: part.opened.offset_ns,
            first_boot: part.first_boot,
            clock: part.clock.words().to_owned(),
        });
    }
    summary.needs.dedup();
    summary.format_label = labels.join(", ");
    let mut modules: Vec<(String, u64)> = modules.into_iter().collect();
    modules.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    modules.truncate(MOST_MODULES);
    summary.modules = modules;
    summary
}

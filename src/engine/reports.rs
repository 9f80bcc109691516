//! Reports of examined crashes: the symbol files that match, a symbol set over them, the report.

use super::examine::{Examined, ExaminedCrash};
use super::index_cache::IndexCache;
use super::matching::{Matched, Mismatch, match_available, match_named};
use crate::analysis::report::{ReportOptions, build_report};
use crate::model::report::CrashReport;
use crate::model::warning::Warning;
use crate::symbols::debug_info::DebugInfo;
use crate::symbols::symbol_file::SymbolFile;
use crate::symbols::symbol_set::SymbolSet;
use std::sync::Arc;

/// Where the symbols of a crash come from.
#[derive(Clone, Default)]
pub struct SymbolChoice {
    /// Files that the user named: one of them must fit, else it is an error.
    pub named: Vec<Arc<SymbolFile>>,
    /// Files that are at hand: taken when the build id says so.
    pub available: Vec<Arc<SymbolFile>>,
}

impl SymbolChoice {
    /// The files for one crash.
    pub fn for_crash(&self, crash: &ExaminedCrash) -> Result<Matched, Mismatch> {
        let id = crash.build_id.as_ref().map(|(id, _)| id);
        if self.named.is_empty() {
            return Ok(match_available(id, &self.available));
        }
        match_named(id, &crash.joined.dump.memory, &self.named)
    }
}

/// How much of a report is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Frames without variables.
    Frames,
    /// Frames with arguments and locals.
    Locals,
}

/// Calls `use_it` with the symbols of `matched`, indexes attached where the cache has them.
pub fn with_symbols<T>(
    matched: &Matched,
    cache: &IndexCache,
    use_it: impl FnOnce(&SymbolSet<'_>) -> T,
) -> T {
    let infos = matched
        .files
        .iter()
        .map(|file| {
            let mut info = DebugInfo::new(file);
            if let Some(index) = cache.open(file) {
                info.attach_index(Arc::new(index));
            }
            info
        })
        .collect();
    use_it(&SymbolSet { infos })
}

/// The report of one crash.
pub fn report(
    examined: &Examined,
    crash_index: usize,
    matched: &Matched,
    cache: &IndexCache,
    depth: Depth,
) -> Option<CrashReport> {
    with_symbols(matched, cache, |symbols| {
        report_with(examined, crash_index, matched, symbols, depth)
    })
}

/// The report of one crash, with symbols that may serve several of them: what was parsed for one need not be again.
pub(super) fn report_with(
    examined: &Examined,
    crash_index: usize,
    matched: &Matched,
    symbols: &SymbolSet<'_>,
    depth: Depth,
) -> Option<CrashReport> {
    let crash = examined.crashes.get(crash_index)?;
    let id = crash.build_id.as_ref().map(|(id, _)| id.clone());
    let mut warnings = matched.warnings.clone();
    if matched.files.is_empty() {
        warnings.push(missing_symbols(crash));
    }
    let options = ReportOptions {
        with_locals: depth == Depth::Locals,
        crash_index,
        n_crashes: examined.crashes.len(),
        sources: crash.source_formats(),
        build_id: id,
        elf_build_id: matched.elf_build_id(),
        verified: matched.verified,
        warnings,
    };
    let mut report = build_report(&crash.joined.dump, symbols, &options);
    if let (Some((id, source)), Some(fault), true) =
        (&crash.build_id, &mut report.fault, matched.verified)
    {
        fault.evidence.push(format!(
            "Build ids are equal: {} (from {})",
            id.short(),
            source.label()
        ));
    }
    Some(report)
}

fn missing_symbols(crash: &ExaminedCrash) -> Warning {
    let message = match &crash.build_id {
        Some((id, _)) => format!(
            "No symbols: the ELF of build {id} is not at hand, so addresses have no names. Add it to the symbols."
        ),
        None => "No symbols: the capture names no build, so no ELF is picked by itself. Choose the ELF that ran."
            .to_owned(),
    };
    Warning::new("FS-SYM-002", message)
}

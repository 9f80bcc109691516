//! The numbers that a workspace watches: they are watched again in its next session.

use super::watch::Watch;
use crate::engine::context::QueryContext;
use crate::engine::query::QueryError;
use crate::symbols::symbol_file::SymbolFile;
use std::sync::Arc;

/// The setting of the workspace that holds them, one a line as they were asked for.
const SETTING: &str = "live_watches";
/// ELF files that names are looked for in: those that were added last.
const ELFS_MAX: usize = 16;

/// What was asked for, in that order.
pub(in crate::engine) fn asked(context: &QueryContext) -> Vec<String> {
    let text = context
        .reader()
        .ok()
        .and_then(|reader| reader.setting(SETTING).ok().flatten());
    let text = text.unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Keeps what is asked for.
pub(in crate::engine) fn remember(
    context: &QueryContext,
    asked: &[String],
) -> Result<(), QueryError> {
    context.store().set_setting(SETTING, &asked.join("\n"))?;
    Ok(())
}

/// The name in `NAME@HZ`.
pub(in crate::engine) fn name_of(asked: &str) -> &str {
    asked.rsplit_once('@').map_or(asked, |(name, _)| name)
}

/// Those that the ELF files know; the others wait for theirs.
pub(in crate::engine) fn found(elfs: &[Arc<SymbolFile>], asked: &[String]) -> Vec<Watch> {
    asked
        .iter()
        .filter_map(|asked| Watch::find(elfs, asked).ok())
        .collect()
}

/// ELF files that a board may run.
pub(in crate::engine) fn elfs(context: &QueryContext) -> Vec<Arc<SymbolFile>> {
    let Ok(rows) = context.reader().and_then(|reader| reader.symbol_files()) else {
        return Vec::new();
    };
    let mut builds: Vec<_> = rows
        .into_iter()
        .rev()
        .map(|row| row.facts.build_id)
        .collect();
    builds.dedup();
    builds.truncate(ELFS_MAX);
    builds
        .iter()
        .filter_map(|build| context.symbol_file(build))
        .collect()
}

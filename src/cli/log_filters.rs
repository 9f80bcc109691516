//! `fieldscope logs --filters` and `--filter-set`: the filters of the window on the command line.

use super::args::Common;
use super::exit::Failure;
use super::logs::LogsArgs;
use super::stored_logs;
use crate::engine::logs::filter::{FilterStack, LogFilter};
use crate::engine::logs::filter_file;
use crate::engine::logs::open_log::{LogOrigin, OpenLog};
use crate::engine::logs::row_set::RowSet;
use crate::engine::logs::selection::Selection;
use crate::engine::logs::shown::ShownLog;
use crate::model::progress::Progress;
use std::path::Path;
use std::sync::Arc;

/// Filters that were asked for, with what they have to know.
pub(super) struct Filters {
    stack: FilterStack,
    /// Of a log in the workspace.
    origin: LogOrigin,
}

impl Filters {
    /// The filters that the call names; `None` when it names none.
    pub(super) fn of(args: &LogsArgs, common: &Common) -> Result<Option<Self>, Failure> {
        let stack = match (&args.filters, &args.filter_set) {
            (None, None) => return Ok(None),
            (Some(file), name) => in_file(file, name.as_deref())?,
            (None, Some(name)) => stored_logs::workspace(common)?
                .context()
                .filters_named(name)
                .map_err(Failure::wrong)?,
        };
        if args.path() == Path::new("-") {
            return Err(Failure::wrong(
                "filter sets need a file: standard input is printed as it comes",
            ));
        }
        let used = || stack.chips.iter().filter(|chip| !chip.is_off);
        if used().any(|chip| matches!(chip.filter, LogFilter::OnlyHere { .. })) {
            return Err(Failure::wrong(
                "this set compares with a log of the workspace, which the window does: use --templates --good FILE, or a set without \
                 this filter",
            ));
        }
        let asks_for_crashes =
            used().any(|chip| matches!(chip.filter, LogFilter::NearCrash { .. }));
        let origin = match &args.capture {
            // Merged logs are opened with what the workspace knows of them.
            Some(_) if args.paths.len() > 1 => LogOrigin::default(),
            Some(capture) => stored_logs::origin(capture, args, common)?,
            None if asks_for_crashes => {
                return Err(Failure::wrong(
                    "this set shows what is near a crash, and crashes are known of imported logs only: import the log and name \
                     its capture with --capture",
                ));
            }
            None => LogOrigin::default(),
        };
        Ok(Some(Self { stack, origin }))
    }

    /// Positions of merged logs that the window would show.
    pub(super) fn positions(
        &self,
        log: &dyn ShownLog,
        progress: &dyn Progress,
    ) -> Result<Option<Arc<RowSet>>, Failure> {
        // The window leaves out a filter that cannot be read; a command refuses it.
        for chip in self.stack.chips.iter().filter(|chip| !chip.is_off) {
            log.rows_of(chip, progress)?.map_err(Failure::wrong)?;
        }
        let listed = log.listed(&self.stack, progress)?.map_err(Failure::wrong)?;
        Ok(listed.let_through)
    }

    /// Lets only those rows of a log through that the window would show.
    pub(super) fn narrow(
        &self,
        wanted: &mut Selection,
        name: &str,
        log: &OpenLog,
        progress: &dyn Progress,
    ) -> Result<(), Failure> {
        let rows = log.rows_through(name, &self.stack, &self.origin, progress)?;
        wanted.rows = rows.map_err(Failure::wrong)?;
        Ok(())
    }
}

/// The set with this name in a file, or its only one.
fn in_file(file: &Path, name: Option<&str>) -> Result<FilterStack, Failure> {
    let sets = filter_file::read(file).map_err(Failure::wrong)?;
    let names: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
    let names = names.join(", ");
    let found = match name {
        Some(name) => {
            let named = sets.into_iter().find(|set| set.name == name.trim());
            named.ok_or_else(|| {
                format!(
                    "{} has no filter set {name}; it has: {names}",
                    file.display()
                )
            })
        }
        None if sets.len() == 1 => sets.into_iter().next().ok_or_else(String::new),
        None if sets.is_empty() => Err(format!("{} has no filter set", file.display())),
        None => Err(format!(
            "{} has several filter sets; choose one with --filter-set: {names}",
            file.display()
        )),
    };
    found.map(|set| set.stack).map_err(Failure::wrong)
}

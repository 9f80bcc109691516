//! `fieldscope logs --capture`: logs of the workspace.

use super::args::Common;
use super::exit::Failure;
use super::logs::{LogsArgs, NamedLog, failed};
use super::terminal::Terminal;
use crate::engine::logs::needs_dictionary;
use crate::engine::logs::open_log::{LogOrigin, LogStyle, Part};
use crate::engine::logs::selection::Selection;
use crate::engine::logs::stored::StoredSearch;
use crate::engine::workspace::{Workspace, WorkspaceError, default_path};
use std::io::Write;

/// What is asked of a log.
pub(super) struct Asked<'a> {
    pub(super) wanted: &'a Selection,
    pub(super) style: LogStyle,
    pub(super) part: Part,
    /// Its lines are text, with nothing in them to decode.
    pub(super) is_text: bool,
}

/// The workspace, to be asked something.
pub(super) fn workspace(common: &Common) -> Result<Workspace, Failure> {
    let path = common.workspace.clone().or_else(default_path);
    let path = path.ok_or_else(|| Failure::wrong(WorkspaceError::NoDataFolder))?;
    Workspace::open_to_read(&path, common.cache()).map_err(Failure::wrong)
}

/// What the workspace knows of a log.
pub(super) fn origin(
    capture: &str,
    args: &LogsArgs,
    common: &Common,
) -> Result<LogOrigin, Failure> {
    let context = workspace(common)?.context();
    let capture = context.capture_named(capture).map_err(Failure::wrong)?;
    let crashes = context.crash_places(capture, &args.path().to_string_lossy());
    Ok(LogOrigin {
        crashes: crashes.map_err(Failure::wrong)?,
        device: context.device_of(capture).map_err(Failure::wrong)?,
    })
}

/// Answers a search for a text from the parts that may hold it. What cannot be answered so is the log to be read whole.
pub(super) fn search(
    capture: &str,
    args: &LogsArgs,
    asked: &Asked<'_>,
    common: &Common,
    out: &mut dyn Write,
    progress: &Terminal,
) -> Result<Option<NamedLog>, Failure> {
    let context = workspace(common)?.context();
    let capture = context.capture_named(capture).map_err(Failure::wrong)?;
    let reader = context.reader().map_err(Failure::wrong)?;
    let path = args.path().to_string_lossy().into_owned();
    let most = match asked.part {
        Part::All => Some(usize::MAX),
        Part::Head(n) => Some(n),
        Part::Tail(_) => None,
    };
    let dictionaries = |needs_one| {
        context
            .log_dictionaries(capture, needs_one, &args.source_map.mappings)
            .map_err(Failure::wrong)
    };
    if asked.is_text
        && asked.style != LogStyle::Json
        && let Some(most) = most
        && let Some(search) =
            StoredSearch::new(reader, capture, &path, asked.wanted).map_err(Failure::wrong)?
        // Tokens that came with it are decoded before they are searched: the lines are not what is shown of them.
        && dictionaries(false)?.tokens.is_none()
    {
        if args.count {
            let mut nobody = std::io::sink();
            let n = search.print(asked.style, most, &mut nobody, progress);
            writeln!(out, "{}", n.map_err(failed)?)?;
        } else {
            search
                .print(asked.style, most, out, progress)
                .map_err(failed)?;
        }
        return Ok(None);
    }
    let bytes = context.file_of_capture(capture, &path);
    let bytes = bytes.map_err(Failure::wrong)?;
    let dictionaries = dictionaries(needs_dictionary(&bytes))?;
    Ok(Some((path, bytes, dictionaries)))
}

//! `fieldscope logs` with several paths: their rows merged by time.

use super::args::Common;
use super::exit::Failure;
use super::log_filters::Filters;
use super::logs::{LogsArgs, NamedLog, failed, logs_at};
use super::terminal::Terminal;
use crate::engine::logs::merge::print::{self, Wanted};
use crate::engine::logs::merge::{MOST_LOGS, MergedSession, Opened};
use crate::engine::logs::offset;
use crate::engine::logs::open_log::{LogStyle, Part};
use crate::engine::logs::selection::Selection;
use crate::engine::logs::session::LogSession;
use crate::engine::logs::shown::ShownLog as _;
use crate::engine::logs::{LogDictionariesRef, LogFormatRef};
use crate::engine::workspace::{Workspace, WorkspaceError, default_path};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// `PATH=DURATION`: what is added to the times of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogOffset {
    path: String,
    offset_ns: i64,
}

impl std::str::FromStr for LogOffset {
    type Err = String;

    /// The last `=` divides: a path may have one.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (path, span) = text
            .rsplit_once('=')
            .ok_or("give PATH=DURATION: uart0.log=2.5s, uart0.log=-300ms")?;
        Ok(Self {
            path: path.to_owned(),
            offset_ns: offset::parse(span)?,
        })
    }
}

/// What is asked of the logs.
pub(super) struct Asked<'a> {
    pub(super) wanted: &'a Selection,
    pub(super) filters: Option<&'a Filters>,
    pub(super) style: LogStyle,
    pub(super) part: Part,
    pub(super) format: Option<LogFormatRef>,
    pub(super) dictionaries: &'a LogDictionariesRef,
}

/// Refuses what means something for one log only, or for several only.
pub(super) fn check(args: &LogsArgs) -> Result<(), Failure> {
    let wrong = |what: &str| {
        Err(Failure::wrong(format!(
            "{what} works on one log: give one path"
        )))
    };
    if args.paths.len() < 2 {
        return if args.offset.is_empty() {
            Ok(())
        } else {
            Err(Failure::wrong(
                "--offset moves one of several logs: give two or more paths",
            ))
        };
    }
    if args.paths.iter().any(|path| path == Path::new("-")) {
        return Err(Failure::wrong(
            "standard input cannot be merged: it is printed as it comes. Save it to a file first",
        ));
    }
    match args {
        LogsArgs { follow: true, .. } => wrong("--follow"),
        LogsArgs {
            templates: true, ..
        } => wrong("--templates"),
        LogsArgs {
            capture: Some(_), ..
        } if args.format.is_some() || !args.elf.is_empty() || !args.database.is_empty() => {
            Err(Failure::wrong(
                "logs of a capture are merged as the window shows them: leave out --format, --elf and --database, or give one path",
            ))
        }
        _ => Ok(()),
    }
}

/// Prints the rows of the logs in the order of their times.
pub(super) fn print(
    args: &LogsArgs,
    asked: &Asked<'_>,
    common: &Common,
    out: &mut dyn Write,
    progress: &Terminal,
) -> Result<u64, Failure> {
    let mut opened = match &args.capture {
        Some(capture) => open_stored(capture, args, common)?,
        None => open(args, asked, progress)?,
    };
    if opened.len() > MOST_LOGS {
        return Err(Failure::wrong(format!(
            "{} logs are too many to be merged: at most {MOST_LOGS}",
            opened.len()
        )));
    }
    for set in &args.offset {
        let mut is_known = false;
        for log in &mut opened {
            if log.name == set.path {
                log.offset_ns = set.offset_ns;
                is_known = true;
            }
        }
        if !is_known {
            let names: Vec<&str> = opened.iter().map(|log| log.name.as_str()).collect();
            return Err(Failure::wrong(format!(
                "--offset names {}, which is none of the logs: {}",
                set.path,
                names.join(", ")
            )));
        }
    }
    let merged = MergedSession::new(opened, progress)?;
    let positions = match asked.filters {
        Some(filters) => filters.positions(&merged, progress)?,
        None => None,
    };
    let wanted = Wanted {
        selection: asked.wanted,
        positions: positions.as_deref(),
    };
    let print = |out: &mut dyn Write| {
        print::print(&merged, wanted, asked.style, asked.part, out, progress).map_err(failed)
    };
    if args.count {
        let printed = print(&mut std::io::sink())?;
        writeln!(out, "{}", printed.n_rows)?;
        return Ok(0);
    }
    tell(&merged);
    let undecoded = print(out)?.n_undecoded;
    let mut without: u64 = 0;
    for (log, n) in merged.logs().zip(undecoded) {
        let sources = &log.log.dictionaries().sources;
        if sources.is_empty() {
            without = without.saturating_add(n);
        } else if n > 0 {
            super::logs::tell_undecoded(&log.name, n, sources);
        }
    }
    Ok(without)
}

/// Says on standard error what the times are that the rows were merged by.
fn tell(merged: &MergedSession) {
    let summary = merged.summary();
    // Nobody is left to tell when standard error is closed.
    _ = writeln!(std::io::stderr(), "fieldscope: merged by {}", summary.axis);
    for part in &summary.parts {
        let offset = match part.offset_ns {
            0 => String::new(),
            ns => format!(" Offset {}.", offset::words(ns)),
        };
        _ = writeln!(
            std::io::stderr(),
            "fieldscope: {}: {}{offset}",
            part.name,
            part.clock
        );
    }
}

/// Opens logs of files.
fn open(args: &LogsArgs, asked: &Asked<'_>, progress: &Terminal) -> Result<Vec<Opened>, Failure> {
    let mut logs: Vec<NamedLog> = Vec::new();
    for path in &args.paths {
        let given = path.display().to_string();
        for (name, bytes, extra) in logs_at(path, args, progress)? {
            // Two bundles may have files of the same name.
            let name = if name == given {
                name
            } else {
                format!("{given}/{name}")
            };
            logs.push((name, bytes, extra));
        }
    }
    let mut opened = Vec::with_capacity(logs.len());
    for (name, bytes, extra) in logs {
        let dictionaries = if asked.dictionaries.sources.is_empty() {
            extra
        } else {
            asked.dictionaries.clone()
        };
        let log = match asked.format {
            Some(format) => {
                LogSession::open_as(format, &name, bytes, dictionaries, Vec::new(), progress)
            }
            None => LogSession::open(&name, bytes, dictionaries, Vec::new(), progress),
        };
        opened.push(Opened {
            name,
            log: Arc::new(log?),
            offset_ns: 0,
        });
    }
    Ok(opened)
}

/// Opens logs of a capture in the workspace, with the offsets that were set in the window.
fn open_stored(capture: &str, args: &LogsArgs, common: &Common) -> Result<Vec<Opened>, Failure> {
    let path = common.workspace.clone().or_else(default_path);
    let path = path.ok_or_else(|| Failure::wrong(WorkspaceError::NoDataFolder))?;
    let workspace = Workspace::open_to_read(&path, common.cache()).map_err(Failure::wrong)?;
    let context = workspace.context();
    let capture = context.capture_named(capture).map_err(Failure::wrong)?;
    let mut opened = Vec::with_capacity(args.paths.len());
    for path in &args.paths {
        let name = path.to_string_lossy().into_owned();
        let (log, offset_ns) = context
            .log_with_offset(capture, &name)
            .map_err(Failure::wrong)?;
        opened.push(Opened {
            name,
            log,
            offset_ns,
        });
    }
    Ok(opened)
}

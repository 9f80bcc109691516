//! `fieldscope logs`: the rows of a log, decoded, filtered and searched.

use super::args::{Common, SourceMap};
use super::exit::{Exit, Failure, Outcome};
use super::log_filters::Filters;
use super::log_templates;
use super::merged_logs::{self, LogOffset};
use super::stored_logs::{self, Asked};
use super::terminal::Terminal;
use crate::engine::file_bytes::{Access, BytesError, FileBytes};
use crate::engine::input::{InputError, Inputs};
use crate::engine::logs::dictionaries::{add_database, from_elfs_mapped};
use crate::engine::logs::follow::Follower;
use crate::engine::logs::matcher::Matcher;
use crate::engine::logs::open_log::{LogError, LogStyle, OpenLog, Part};
use crate::engine::logs::selection::Selection;
use crate::engine::logs::{
    LogDictionariesRef, LogFormatRef, is_archive, log_format, log_format_ids, logs_among,
};
use crate::engine::one_shot::open_symbol_files;
use crate::model::log::LogLevel;
use crate::model::progress::Progress as _;
use clap::{Args, ValueEnum};
use std::io::Write;
use std::path::{Path, PathBuf};

// `fieldscope logs`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct LogsArgs {
    /// Log file, folder or archive with logs; of several the rows are merged by time; `-` reads standard input as it comes
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Add this to the times of one of several logs: PATH=2.5s, PATH=-300ms; may be repeated
    #[arg(long, value_name = "PATH=DURATION")]
    pub offset: Vec<LogOffset>,
    /// The log is PATH of this capture in the workspace (its number or its name)
    #[arg(long, value_name = "CAPTURE", conflicts_with = "follow")]
    pub capture: Option<String>,
    /// ELF file that wrote the log; may be repeated
    #[arg(long, value_name = "FILE")]
    pub elf: Vec<PathBuf>,
    /// Database of the log, as the build of Pigweed (CSV or binary) or Zephyr (JSON) makes it; may be repeated
    #[arg(long, value_name = "FILE")]
    pub database: Vec<PathBuf>,
    /// Format of the log, when it is not found by itself: text, defmt-rzcobs, defmt-raw, esp-binary, zephyr-dict, zephyr-dict-hex
    #[arg(long, value_name = "ID")]
    pub format: Option<String>,
    /// Records at this level or above
    #[arg(long, value_name = "LEVEL")]
    pub level: Option<Level>,
    /// Records of this module; may be repeated
    #[arg(long, value_name = "MODULE")]
    pub module: Vec<String>,
    /// Rows of this boot, counted from 0, or of a span of boots: 2, 3-5
    #[arg(long, value_name = "N")]
    pub boot: Option<String>,
    /// Rows that match a regular expression
    #[arg(long, value_name = "RE")]
    pub grep: Option<String>,
    /// Rows that hold a text
    #[arg(long, value_name = "TEXT", conflicts_with = "grep")]
    pub fixed: Option<String>,
    /// Capitals do not count
    #[arg(long, short)]
    pub ignore_case: bool,
    /// Rows that do not match
    #[arg(long)]
    pub invert: bool,
    /// Rows as they are, with their terminal escapes
    #[arg(long, conflicts_with = "json")]
    pub raw: bool,
    /// File of filter sets, as the window exports it: only rows that the set lets through
    #[arg(long, value_name = "FILE", conflicts_with_all = ["follow", "templates", "format"])]
    pub filters: Option<PathBuf>,
    /// Name of a filter set in that file, else in the workspace
    #[arg(long, value_name = "NAME", conflicts_with_all = ["follow", "templates", "format"])]
    pub filter_set: Option<String>,
    /// Print only how many rows there are
    #[arg(long)]
    pub count: bool,
    /// Only the first N rows
    #[arg(long, value_name = "N", conflicts_with = "tail")]
    pub head: Option<usize>,
    /// Only the last N rows
    #[arg(long, value_name = "N")]
    pub tail: Option<usize>,
    /// The messages that the log is made of, `*` for what varies, and how often each occurs
    #[arg(long, conflicts_with_all = ["count", "tail", "raw", "follow"])]
    pub templates: bool,
    /// Only messages that this log of a good run does not have
    #[arg(long, value_name = "FILE", requires = "templates")]
    pub good: Option<PathBuf>,
    /// Of the messages, the rarest first
    #[arg(long, requires = "templates")]
    pub rarest: bool,
    #[command(flatten)]
    pub source_map: SourceMap,
    /// Go on as the file grows, until Ctrl+C
    #[arg(long, conflicts_with_all = ["count", "head", "tail"])]
    pub follow: bool,
    /// As JSON Lines (fieldscope.log/1)
    #[arg(long)]
    pub json: bool,
}

/// A level on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Level {
    /// Everything that has a level
    Trace,
    /// Debug and above
    Debug,
    /// Info and above
    Info,
    /// Warnings and above
    Warn,
    /// Errors and above
    Error,
    /// Fatal only
    Fatal,
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Trace => Self::Trace,
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warn => Self::Warn,
            Level::Error => Self::Error,
            Level::Fatal => Self::Fatal,
        }
    }
}

impl LogsArgs {
    /// The path, where there is one.
    pub(super) fn path(&self) -> &Path {
        self.paths.first().map_or(Path::new("-"), PathBuf::as_path)
    }

    fn style(&self) -> LogStyle {
        match (self.json, self.raw) {
            (true, _) => LogStyle::Json,
            (false, true) => LogStyle::Raw,
            (false, false) => LogStyle::Text,
        }
    }
}

/// Prints the rows that are asked for.
pub fn run(args: &LogsArgs, common: &Common, out: &mut dyn Write) -> Outcome {
    let mut wanted = selection(args)?;
    let filters = Filters::of(args, common)?;
    merged_logs::check(args)?;
    let format = format_of(args)?;
    let dictionaries = dictionaries_of(args, common)?;
    let style = args.style();
    let name = args.path().display().to_string();
    if args.path() == Path::new("-") || args.follow {
        if args.count || args.templates {
            return Err(Failure::wrong(
                "--count and --templates need a file: standard input is printed as it comes",
            ));
        }
        return follow(
            args,
            Follower::new(&wanted, style, format, &dictionaries, &name),
            &name,
            out,
        );
    }
    let progress = Terminal::new("reading");
    let part = match (args.head, args.tail) {
        (Some(n), _) => Part::Head(n),
        (None, Some(n)) => Part::Tail(n),
        (None, None) => Part::All,
    };
    if args.paths.len() > 1 {
        let asked = merged_logs::Asked {
            wanted: &wanted,
            filters: filters.as_ref(),
            style,
            part,
            format,
            dictionaries: &dictionaries,
        };
        let n_undecoded = merged_logs::print(args, &asked, common, out, &progress)?;
        return decoded(n_undecoded, out);
    }
    let mut n_undecoded: u64 = 0;
    let mut total: u64 = 0;
    let logs = match &args.capture {
        None => logs_at(args.path(), args, &progress)?,
        Some(capture) => {
            let asked = Asked {
                wanted: &wanted,
                style,
                part,
                is_text: !args.templates
                    && filters.is_none()
                    && format.is_none_or(|format| format.id() == "text")
                    && dictionaries.tokens.is_none(),
            };
            match stored_logs::search(capture, args, &asked, common, out, &progress)? {
                Some(log) => vec![log],
                None => return Ok(Exit::Done),
            }
        }
    };
    let open = |(name, bytes, extra): NamedLog| {
        let mut dictionaries = dictionaries.clone();
        if dictionaries.sources.is_empty() {
            // What came with the log serves when nothing was named.
            dictionaries = extra;
        }
        let log = OpenLog::new(bytes, &name, format, dictionaries);
        (name, log)
    };
    if args.templates {
        let good = match &args.good {
            Some(good) => logs_at(good, args, &progress)?,
            None => Vec::new(),
        };
        let (logs, good) = (logs.into_iter().map(open), good.into_iter().map(open));
        n_undecoded = log_templates::print(args, &wanted, logs, good, out, &progress)?;
        return decoded(n_undecoded, out);
    }
    for (name, log) in logs.into_iter().map(open) {
        if let Some(filters) = &filters {
            filters.narrow(&mut wanted, &name, &log, &progress)?;
        }
        if args.count {
            total = total.saturating_add(log.count(&wanted, args.raw, &progress)?);
            continue;
        }
        let (_, undecoded) = log
            .print(&wanted, style, part, out, &progress)
            .map_err(failed)?;
        let sources = &log.dictionaries().sources;
        if sources.is_empty() {
            n_undecoded = n_undecoded.saturating_add(undecoded);
        } else if undecoded > 0 {
            tell_undecoded(&name, undecoded, sources);
        }
    }
    if args.count {
        writeln!(out, "{total}")?;
    }
    decoded(n_undecoded, out)
}

/// Says on standard error that rows were not decoded though there were dictionaries.
pub(super) fn tell_undecoded(name: &str, n: u64, sources: &[String]) {
    let sources = sources.join(", ");
    // Nobody is left to tell when standard error is closed.
    _ = writeln!(
        std::io::stderr(),
        "fieldscope: {name}: {n} rows were not decoded with {sources}: bytes were lost on the way, or another build wrote the log"
    );
}

/// How a call ends that left so many rows undecoded, because what decodes them is missing.
fn decoded(n_undecoded: u64, out: &mut dyn Write) -> Outcome {
    if n_undecoded == 0 {
        return Ok(Exit::Done);
    }
    out.flush()?;
    Err(Failure {
        exit: Exit::SymbolsMissing,
        message: format!(
            "{n_undecoded} rows were not decoded: give the ELF of the build with --elf, or its database with --database"
        ),
    })
}

/// Prints what comes on standard input or at the end of a file.
fn follow(args: &LogsArgs, mut follower: Follower<'_>, name: &str, out: &mut dyn Write) -> Outcome {
    if args.follow {
        let ctrl_c = Terminal::new("following");
        let mut tell = |text: &str| {
            // Nobody is left to tell when standard error is closed.
            let _closed = writeln!(std::io::stderr(), "fieldscope: {name}: {text}").is_err();
        };
        follower
            .follow(args.path(), out, &mut tell, &|| ctrl_c.tick(0, 0))
            .map_err(|error| Failure::wrong(format!("{error}: {name}")))?;
    } else {
        follower.read(&mut std::io::stdin().lock(), out)?;
        follower.finish(out)?;
    }
    Ok(Exit::Done)
}

pub(super) fn failed(error: LogError) -> Failure {
    match error {
        LogError::Io(error) => Failure::from(error),
        LogError::Cancelled(cancelled) => Failure::from(cancelled),
        LogError::Store(error) => Failure::wrong(error),
    }
}

/// A log of an input: name, bytes, and what came with it to decode it.
pub(super) type NamedLog = (String, FileBytes, LogDictionariesRef);

/// The logs at a path: a file is one; a folder or an archive holds some.
pub(super) fn logs_at(
    path: &Path,
    args: &LogsArgs,
    progress: &Terminal,
) -> Result<Vec<NamedLog>, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::wrong(format!(
            "{error}: {}. Check the path and try again",
            path.display()
        ))
    };
    let meta = std::fs::metadata(path).map_err(unreadable)?;
    if meta.is_file() && !is_archive(path) {
        let bytes =
            FileBytes::of_file(path, Access::Map, progress).map_err(|error| match error {
                BytesError::Io(error) => unreadable(error),
                BytesError::Cancelled(cancelled) => Failure::from(cancelled),
            })?;
        return Ok(vec![(
            path.display().to_string(),
            bytes,
            LogDictionariesRef::default(),
        )]);
    }
    let inputs = Inputs::read(&[path.to_path_buf()], progress).map_err(|error| match error {
        InputError::Cancelled(cancelled) => Failure::from(cancelled),
        InputError::Unreadable { .. } => Failure::wrong(error),
    })?;
    let (logs, dictionaries) = logs_among(inputs, &args.source_map.mappings, progress)?;
    if logs.is_empty() {
        return Err(Failure::wrong(format!(
            "there is no log in {}",
            path.display()
        )));
    }
    Ok(logs
        .into_iter()
        .map(|(name, bytes)| (name, bytes, dictionaries.clone()))
        .collect())
}

/// What the ELF files and databases that were named decode.
fn dictionaries_of(args: &LogsArgs, common: &Common) -> Result<LogDictionariesRef, Failure> {
    let elfs = open_symbol_files(&args.elf, &common.debug_dir).map_err(Failure::wrong)?;
    let mut dictionaries = from_elfs_mapped(&elfs, &args.source_map.mappings);
    for path in &args.database {
        let bytes = std::fs::read(path)
            .map_err(|error| Failure::wrong(format!("{error}: {}", path.display())))?;
        if !add_database(&mut dictionaries, &path.display().to_string(), &bytes) {
            return Err(Failure::wrong(format!(
                "{} is no database of a log: give the CSV or binary file that Pigweed's build makes, or the log_dictionary.json \
                 of Zephyr's",
                path.display()
            )));
        }
    }
    Ok(dictionaries)
}

fn format_of(args: &LogsArgs) -> Result<Option<LogFormatRef>, Failure> {
    let Some(id) = &args.format else {
        return Ok(None);
    };
    log_format(id).map(Some).ok_or_else(|| {
        let ids = log_format_ids().join(", ");
        Failure::wrong(format!("there is no log format {id}; there are: {ids}"))
    })
}

fn selection(args: &LogsArgs) -> Result<Selection, Failure> {
    let match_case = !args.ignore_case;
    let matcher = match (&args.grep, &args.fixed) {
        (Some(pattern), _) => Some(Matcher::regex(pattern, match_case)),
        (None, Some(text)) => Some(Matcher::text(text, match_case)),
        (None, None) => None,
    };
    if args.invert && matcher.is_none() {
        return Err(Failure::wrong("--invert needs --grep or --fixed"));
    }
    let boots = match &args.boot {
        None => None,
        Some(text) => {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            let (Ok(first), Ok(last)) = (first.trim().parse::<u32>(), last.trim().parse::<u32>())
            else {
                return Err(Failure::wrong(format!(
                    "{text} is no boot: give a number from 0, or two with a dash"
                )));
            };
            Some(first..=last)
        }
    };
    Ok(Selection {
        level: args.level.map(LogLevel::from),
        modules: args.module.clone(),
        boots,
        matcher: matcher.transpose().map_err(Failure::wrong)?,
        is_inverted: args.invert,
        rows: None,
    })
}

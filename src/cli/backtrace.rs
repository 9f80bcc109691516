//! `fieldscope backtrace INPUT`: the crash, explained, without a workspace.

use super::args::{Common, SourceMap};
use super::exit::{Exit, Failure, Outcome};
use super::terminal::Terminal;
use crate::engine::one_shot::{OneShot, OneShotError, open_symbol_files};
use crate::engine::render;
use crate::engine::reports::Depth;
use crate::engine::source_map::map_report;
use crate::model::report::CrashReport;
use clap::Args;
use std::io::Write;
use std::path::PathBuf;

// `fieldscope backtrace`.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
#[derive(Debug, Args)]
pub struct BacktraceArgs {
    /// Coredumps, logs with dumps in them, folders or archives; what belongs to one crash is joined
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// ELF file with symbols; may be repeated (bootloader and application)
    #[arg(long, value_name = "FILE")]
    pub elf: Vec<PathBuf>,
    /// Which crash of the input, from 0
    #[arg(long, value_name = "N", conflicts_with = "all")]
    pub crash: Option<usize>,
    /// Every crash of the input
    #[arg(long)]
    pub all: bool,
    /// With arguments and locals
    #[arg(long)]
    pub locals: bool,
    /// As JSON (fieldscope.backtrace/1); with --all one object a line
    #[arg(long)]
    pub json: bool,
    /// As Markdown, for a ticket
    #[arg(long, conflicts_with = "json")]
    pub markdown: bool,
    #[command(flatten)]
    pub source_map: SourceMap,
    /// End with exit code 1 when a crash was found
    #[arg(long)]
    pub fail_on_crash: bool,
}

/// Prints the report of one crash, or of all.
pub fn run(args: &BacktraceArgs, common: &Common, out: &mut dyn Write) -> Outcome {
    let progress = Terminal::new("reading");
    let depth = if args.locals {
        Depth::Locals
    } else {
        Depth::Frames
    };
    let named = open_symbol_files(&args.elf, &common.debug_dir).map_err(Failure::wrong)?;
    let work = OneShot::open(&args.inputs, named, common.cache(), &progress)?;
    let n_crashes = work.n_crashes();
    if n_crashes == 0 && args.fail_on_crash && work.is_understood() {
        // Asked to judge, and the judgement is good.
        progress.clear();
        if !args.json {
            writeln!(out, "No crash found.")?;
        }
        return Ok(Exit::Done);
    }
    if n_crashes == 0 {
        return Err(Failure::wrong(work.nothing_found()));
    }
    let wanted: Vec<usize> = if args.all {
        (0..n_crashes).collect()
    } else {
        vec![args.crash.unwrap_or(0)]
    };
    let mut reports = Vec::new();
    for index in wanted {
        let mut report = work.report(index, depth, common.workspace.as_deref())?;
        map_report(&mut report, &args.source_map.mappings);
        reports.push(report);
    }
    progress.clear();
    for report in &reports {
        print(report, args, out)?;
    }
    if !args.all && n_crashes > 1 && !args.json {
        writeln!(
            out,
            "{} more in this input: --all shows them, --crash N one of them.",
            n_crashes - 1
        )?;
    }
    out.flush()?;
    work.keep_indexes(&progress)?;
    if args.fail_on_crash {
        return Ok(Exit::Judged);
    }
    let is_missing = reports.iter().any(|report| report.elf_build_id.is_none());
    Ok(if is_missing {
        Exit::SymbolsMissing
    } else {
        Exit::Done
    })
}

fn print(report: &CrashReport, args: &BacktraceArgs, out: &mut dyn Write) -> Result<(), Failure> {
    if args.json {
        serde_json::to_writer(&mut *out, report)?;
        writeln!(out)?;
    } else if args.markdown {
        out.write_all(render::markdown(report).as_bytes())?;
    } else {
        out.write_all(render::text(report).as_bytes())?;
    }
    Ok(())
}

impl From<OneShotError> for Failure {
    fn from(error: OneShotError) -> Self {
        let exit = if matches!(error, OneShotError::Cancelled(_)) {
            Exit::Cancelled
        } else {
            Exit::Wrong
        };
        Self {
            exit,
            message: error.to_string(),
        }
    }
}

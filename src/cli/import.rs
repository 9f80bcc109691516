//! `fieldscope import PATH...`: take files into the workspace.

use super::args::Common;
use super::exit::{Exit, Failure, Outcome};
use super::terminal::Terminal;
use crate::engine::file_bytes::Access;
use crate::engine::fleet_import::words::{mapped_by_words, place_words, use_words};
use crate::engine::fleet_import::{TableReport, counted};
use crate::engine::import::{ImportSummary, import_paths, preflight_paths};
use crate::engine::workspace::Workspace;
use clap::Args;
use std::io::Write;
use std::path::PathBuf;

/// What could not be read is named up to this many; --json names all.
const REFUSED_SHOWN: usize = 20;

// `fieldscope import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Files, folders and archives; each becomes one capture, files named together become one
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// ELF files or folders of them
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub symbols: Vec<PathBuf>,
    /// Say what the tables of a fleet sample would bring and cost; store nothing
    #[arg(long)]
    pub dry_run: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
    /// End with exit code 1 when a crash was found
    #[arg(long)]
    pub fail_on_crash: bool,
}

/// Imports and says what was found.
pub fn run(args: &ImportArgs, common: &Common, out: &mut dyn Write) -> Outcome {
    let progress = Terminal::new("importing");
    let workspace =
        Workspace::open(common.workspace.as_deref(), common.cache()).map_err(Failure::wrong)?;
    if args.dry_run {
        return dry_run(args, &workspace, &progress, out);
    }
    if !args.symbols.is_empty() {
        let added = workspace.add_symbols(&args.symbols, &progress)?;
        if let Some((_, error)) = added.failed.first() {
            return Err(Failure::wrong(error));
        }
    }
    let summary = import_paths(&workspace, &args.paths, Access::Map, &progress)?;
    progress.clear();
    if args.json {
        serde_json::to_writer(&mut *out, &summary)?;
        writeln!(out)?;
    } else {
        print(&summary, out)?;
    }
    out.flush()?;
    if args.fail_on_crash && summary.n_crashes > 0 {
        return Ok(Exit::Judged);
    }
    Ok(
        if summary.n_without_symbols > 0 || !summary.waiting_builds.is_empty() {
            Exit::SymbolsMissing
        } else {
            Exit::Done
        },
    )
}

fn dry_run(
    args: &ImportArgs,
    workspace: &Workspace,
    progress: &Terminal,
    out: &mut dyn Write,
) -> Outcome {
    let preflight = preflight_paths(workspace, &args.paths, Access::Map, progress)?;
    progress.clear();
    let preflight = preflight.ok_or_else(|| {
        Failure::wrong(
            "there is no table of heartbeats or events in it: only those can be imported on trial",
        )
    })?;
    if args.json {
        serde_json::to_writer(&mut *out, &preflight)?;
        writeln!(out)?;
        return Ok(Exit::Done);
    }
    writeln!(out, "{}", preflight.sentence())?;
    match preflight.population {
        Some(population) => writeln!(out, "A sample of {population} devices.")?,
        None => writeln!(out, "Population unknown: rates only.")?,
    }
    print_tables(&preflight.tables, out)?;
    for refused in &preflight.refused {
        writeln!(out, "  not read: {}: {}", refused.path, refused.reason)?;
    }
    Ok(Exit::Done)
}

fn print_tables(tables: &[TableReport], out: &mut dyn Write) -> std::io::Result<()> {
    for table in tables {
        writeln!(
            out,
            "  {}: {}, one row is {}, {}, {}",
            table.path,
            table.format.name(),
            use_words(table.mapping.table_use),
            counted(table.n_rows, "row"),
            mapped_by_words(&table.mapped_by)
        )?;
        for note in &table.mapping.notes {
            writeln!(out, "  {}: {note}", table.path)?;
        }
        for warning in &table.warnings {
            writeln!(
                out,
                "  {}: {}: {}",
                table.path, warning.code, warning.message
            )?;
        }
        for bad in table.bad_rows.first.iter().take(REFUSED_SHOWN) {
            let place = place_words(bad);
            writeln!(out, "  {}: {place}: {}", table.path, bad.what)?;
        }
        if let Some(more) = table.bad_rows.n.checked_sub(REFUSED_SHOWN as u64 + 1) {
            writeln!(
                out,
                "  {}: {} more; --json names the first 100",
                table.path,
                counted(more + 1, "bad row")
            )?;
        }
    }
    Ok(())
}

fn print(summary: &ImportSummary, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "{}", summary.sentence())?;
    for fleet in &summary.fleet {
        for warning in &fleet.warnings {
            writeln!(out, "  {}: {}", warning.code, warning.message)?;
        }
        print_tables(&fleet.tables, out)?;
    }
    for crash in &summary.crashes {
        writeln!(out, "  {crash}")?;
    }
    for note in &summary.notes {
        writeln!(out, "  {note}")?;
    }
    for finding in &summary.not_understood {
        writeln!(out, "  kept, not understood: {finding}")?;
    }
    for refused in summary.refused.iter().take(REFUSED_SHOWN) {
        writeln!(out, "  not read: {}: {}", refused.path, refused.reason)?;
    }
    if let Some(more) = summary.refused.len().checked_sub(REFUSED_SHOWN + 1) {
        writeln!(out, "  not read: {} more; --json names all", more + 1)?;
    }
    Ok(())
}

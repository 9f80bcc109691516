//! `fieldscope import PATH...`: take files into the workspace.

use super::args::Common;
use super::exit::{Exit, Failure, Outcome};
use super::terminal::Terminal;
use crate::engine::file_bytes::Access;
use crate::engine::import::{ImportSummary, import_paths};
use crate::engine::workspace::Workspace;
use clap::Args;
use std::io::Write;
use std::path::PathBuf;

/// What could not be read is named up to this many; --json names all.
const REFUSED_SHOWN: usize = 20;

/// `fieldscope import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Files, folders and archives; each becomes one capture, files named together become one
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// ELF files or folders of them
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub symbols: Vec<PathBuf>,
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
    Ok(if summary.n_without_symbols > 0 {
        Exit::SymbolsMissing
    } else {
        Exit::Done
    })
}

fn print(summary: &ImportSummary, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "{}", summary.sentence())?;
    for crash in &summary.crashes {
        writeln!(out, "  {crash}")?;
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

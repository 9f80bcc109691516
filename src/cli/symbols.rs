//! `fieldscope symbols`: the symbol library of a workspace.

use super::args::Common;
use super::exit::{Exit, Failure, Outcome};
use super::symbols_cache::{self, CacheAction};
use super::terminal::Terminal;
use crate::engine::queries::symbol_library::SymbolLibraryQuery;
use crate::engine::workspace::Workspace;
use clap::{Args, Subcommand};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;

/// `fieldscope symbols`.
#[derive(Debug, Args)]
pub struct SymbolsArgs {
    #[command(subcommand)]
    pub action: Action,
}

/// What to do with the library.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Add ELF files, or every ELF in a folder; crashes that waited for them get their names
    Add {
        /// Files and folders
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Look at the symbol indexes of this computer, make them, or remove them
    Cache {
        #[command(subcommand)]
        action: CacheAction,
    },
    /// List the builds in the library
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// List the builds that crashes wait for, most wanted first
    Missing {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs the action.
pub fn run(args: &SymbolsArgs, common: &Common, out: &mut dyn Write) -> Outcome {
    let workspace =
        || Workspace::open(common.workspace.as_deref(), common.cache()).map_err(Failure::wrong);
    match &args.action {
        Action::Cache { action } => symbols_cache::run(action, common, out),
        Action::Add { paths, json } => add(&workspace()?, paths, *json, out),
        Action::List { json } => {
            let library = workspace()?
                .run(&SymbolLibraryQuery)
                .map_err(Failure::wrong)?;
            for build in &library.builds {
                if *json {
                    json_line("fieldscope.symbols.build/1", build, out)?;
                } else {
                    writeln!(
                        out,
                        "{}  {:<10} {:<9} {}",
                        build.build_id, build.quality, build.arch, build.path
                    )?;
                }
            }
            Ok(Exit::Done)
        }
        Action::Missing { json } => {
            let library = workspace()?
                .run(&SymbolLibraryQuery)
                .map_err(Failure::wrong)?;
            for missing in &library.missing {
                if *json {
                    json_line("fieldscope.symbols.missing/1", missing, out)?;
                } else {
                    writeln!(out, "{}", missing.sentence())?;
                }
            }
            Ok(Exit::Done)
        }
    }
}

fn add(workspace: &Workspace, paths: &[PathBuf], is_json: bool, out: &mut dyn Write) -> Outcome {
    let progress = Terminal::new("adding symbols");
    let added = workspace.add_symbols(paths, &progress)?;
    progress.clear();
    if added.files.is_empty() {
        let why = added.failed.first().map_or_else(
            || "no ELF file with code was found there".to_owned(),
            |(_, error)| error.clone(),
        );
        return Err(Failure::wrong(why));
    }
    if is_json {
        json_line("fieldscope.symbols.added/1", &added, out)?;
    } else {
        writeln!(out, "{}", added.sentence())?;
        for (_, error) in &added.failed {
            writeln!(out, "  not added: {error}")?;
        }
    }
    Ok(Exit::Done)
}

/// An answer with the name of its schema, as one line.
#[derive(Serialize)]
struct WithSchema<'a, T> {
    schema: &'static str,
    #[serde(flatten)]
    answer: &'a T,
}

/// Prints an answer as one line of JSON.
pub(super) fn json_line<T: Serialize>(
    schema: &'static str,
    answer: &T,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    serde_json::to_writer(&mut *out, &WithSchema { schema, answer })?;
    writeln!(out)?;
    Ok(())
}

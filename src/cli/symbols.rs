//! `fieldscope symbols`: the symbol library of a workspace.

use super::args::Common;
use super::exit::{Exit, Failure, Outcome};
use super::symbols_cache::{self, CacheAction};
use super::terminal::Terminal;
use crate::engine::heartbeats::defined_metrics;
use crate::engine::one_shot::open_symbol_files;
use crate::engine::queries::symbol_library::SymbolLibraryQuery;
use crate::engine::workspace::Workspace;
use clap::{Args, Subcommand};
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};

// `fieldscope symbols`.
#[derive(Debug, Args)]
pub struct SymbolsArgs {
    #[command(subcommand)]
    pub action: Action,
}

// What to do with the library.
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
    /// List the metrics that an ELF with the device-side SDK defines
    Metrics {
        /// ELF file
        #[arg(value_name = "ELF")]
        elf: PathBuf,
        /// As JSON Lines (fieldscope.symbols.metric/1)
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
        Action::Metrics { elf, json } => metrics(elf, common, *json, out),
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

fn metrics(elf: &Path, common: &Common, is_json: bool, out: &mut dyn Write) -> Outcome {
    let files = open_symbol_files(&[elf.to_owned()], &common.debug_dir).map_err(Failure::wrong)?;
    let metrics = files.first().and_then(|file| defined_metrics(file));
    let Some(metrics) = metrics else {
        return Err(Failure::wrong(format!(
            "FS-SYM-016: there is no section .fieldscope.metrics: the program defines no metric, or its sections were stripped: {}",
            elf.display()
        )));
    };
    for metric in &metrics {
        if is_json {
            json_line("fieldscope.symbols.metric/1", metric, out)?;
            continue;
        }
        let unit = metric.unit.as_deref().unwrap_or("");
        let range = match (metric.min, metric.max) {
            (None, None) => String::new(),
            (Some(min), None) => format!("from {min}"),
            (None, Some(max)) => format!("up to {max}"),
            (Some(min), Some(max)) => format!("{min} to {max}"),
        };
        let range = if metric.values.is_empty() {
            range
        } else {
            metric.values.join(", ")
        };
        let description = metric.description.as_deref().unwrap_or("");
        let text = format!(
            "{:<24} {:<10} {unit:<6} {range:<20} {description}",
            metric.name, metric.sent_type
        );
        writeln!(out, "{}", text.trim_end())?;
    }
    Ok(Exit::Done)
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

//! `fieldscope export (parquet | csv) QUERY`: the table that `fieldscope query` prints, for other tools.

use super::args::Common;
use super::exit::{Exit, Failure, Outcome};
use super::query::AskedFlags;
use crate::engine::table_export::{TableExport, WrittenFormat, export, write_table};
use crate::engine::workspace::Workspace;
use clap::{Args, Subcommand};
use std::io::{IsTerminal as _, Write};
use std::path::PathBuf;

// `fieldscope export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    #[command(subcommand)]
    pub what: ExportWhat,
}

// What is written.
#[derive(Debug, Subcommand)]
pub enum ExportWhat {
    /// The table of a query as Parquet: numbers, texts and UTC times with their types, missing as null
    Parquet(ExportTableArgs),
    /// The table of a query as CSV (RFC 4180): missing as an empty field
    Csv(ExportTableArgs),
}

/// A table and where it goes.
#[derive(Debug, Args)]
pub struct ExportTableArgs {
    #[command(flatten)]
    pub asked: AskedFlags,
    /// File to write, which must not be there yet; standard output when absent
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write over a file that is there
    #[arg(long, requires = "out")]
    pub force: bool,
}

/// Writes the table of a query.
pub fn run(args: &ExportArgs, common: &Common, out: &mut dyn Write) -> Outcome {
    let (format, args) = match &args.what {
        ExportWhat::Parquet(args) => (WrittenFormat::Parquet, args),
        ExportWhat::Csv(args) => (WrittenFormat::Csv, args),
    };
    let (table, asked) = args.asked.asked()?;
    let workspace =
        Workspace::open(common.workspace.as_deref(), common.cache()).map_err(Failure::wrong)?;
    let context = workspace.context();
    if let Some(path) = &args.out {
        let wanted = TableExport {
            query: table.name,
            args: asked,
            format,
            path: path.clone(),
            replaces: args.force,
        };
        export(&context, &wanted).map_err(Failure::wrong)?;
        return Ok(Exit::Done);
    }
    if format == WrittenFormat::Parquet && std::io::stdout().is_terminal() {
        return Err(Failure::wrong(
            "Parquet is no text for a terminal: give --out FILE or send it to a file",
        ));
    }
    let answer = (table.run)(&context, &asked).map_err(Failure::wrong)?;
    // As a whole: nothing is printed of a table that cannot be written.
    let mut bytes = Vec::new();
    write_table(&answer, format, &mut bytes)?;
    out.write_all(&bytes)?;
    Ok(Exit::Done)
}

//! `fieldscope query NAME --json`: what the window's queries answer.

use super::args::{Common, SourceMap};
use super::exit::{Exit, Failure, Outcome};
use crate::engine::queries::tables::{TABLES, TableArgs};
use crate::engine::workspace::Workspace;
use clap::Args;
use std::io::Write;

/// `fieldscope query`.
#[derive(Debug, Args)]
pub struct QueryArgs {
    /// Name of the query; an unknown one lists them
    pub name: String,
    /// Only rows that hold this text
    #[arg(long, value_name = "TEXT")]
    pub find: Option<String>,
    /// The issue that is asked about: a key that `query issues` lists
    #[arg(long, value_name = "KEY")]
    pub issue: Option<String>,
    /// The crash that is asked about: an id that `query crashes` lists
    #[arg(long, value_name = "ID")]
    pub crash: Option<i64>,
    /// The crash to compare it with
    #[arg(long, value_name = "ID")]
    pub against: Option<i64>,
    #[command(flatten)]
    pub source_map: SourceMap,
    /// As JSON (fieldscope.query/1)
    #[arg(long)]
    pub json: bool,
}

/// Runs a named query.
pub fn run(args: &QueryArgs, common: &Common, out: &mut dyn Write) -> Outcome {
    let Some(table) = TABLES.iter().find(|table| table.name == args.name) else {
        let known: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
        return Err(Failure::wrong(format!(
            "there is no query {}. Known: {}",
            args.name,
            known.join(", ")
        )));
    };
    let workspace =
        Workspace::open(common.workspace.as_deref(), common.cache()).map_err(Failure::wrong)?;
    let mut answer = (table.run)(
        &workspace.context(),
        &TableArgs {
            find: args.find.clone(),
            issue: args.issue.clone(),
            crash: args.crash,
            against: args.against,
        },
    )
    .map_err(Failure::wrong)?;
    answer.map_sources(&args.source_map.mappings);
    if args.json {
        serde_json::to_writer(&mut *out, &answer)?;
        writeln!(out)?;
        return Ok(Exit::Done);
    }
    writeln!(out, "{}", answer.columns.join("\t"))?;
    for row in &answer.rows {
        let cells: Vec<String> = row
            .iter()
            .map(|cell| match cell {
                serde_json::Value::String(text) => text.clone(),
                serde_json::Value::Null => String::new(),
                other => other.to_string(),
            })
            .collect();
        writeln!(out, "{}", cells.join("\t"))?;
    }
    for note in &answer.notes {
        writeln!(out, "# {note}")?;
    }
    Ok(Exit::Done)
}

//! `fieldscope query NAME --json`: what the window's queries answer.

use super::args::{Common, SourceMap};
use super::exit::{Exit, Failure, Outcome};
use crate::engine::fleet::census::Attribute;
use crate::engine::queries::fleet_tables::FleetArgs;
use crate::engine::queries::tables::{TABLES, Table, TableArgs};
use crate::engine::workspace::Workspace;
use clap::{Args, ValueEnum};
use std::io::Write;

// `fieldscope query`.
#[derive(Debug, Args)]
pub struct QueryArgs {
    #[command(flatten)]
    pub asked: AskedFlags,
    #[command(flatten)]
    pub source_map: SourceMap,
    /// As JSON (fieldscope.query/1)
    #[arg(long)]
    pub json: bool,
}

// A query and what it is asked.
#[derive(Clone, Debug, Args)]
pub struct AskedFlags {
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
    pub fleet: FleetFlags,
}

impl AskedFlags {
    /// The query and its arguments.
    pub fn asked(&self) -> Result<(&'static Table, TableArgs), Failure> {
        let Some(table) = TABLES.iter().find(|table| table.name == self.name) else {
            let known: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
            return Err(Failure::wrong(format!(
                "there is no query {}. Known: {}",
                self.name,
                known.join(", ")
            )));
        };
        let args = TableArgs {
            find: self.find.clone(),
            issue: self.issue.clone(),
            crash: self.crash,
            against: self.against,
            fleet: self.fleet.clone().into_args()?,
        };
        Ok((table, args))
    }
}

// What is asked of heartbeats.
#[derive(Clone, Debug, Args)]
pub struct FleetFlags {
    /// The metric that is asked about
    #[arg(long, value_name = "NAME")]
    pub metric: Option<String>,
    /// The device that is asked about
    #[arg(long, value_name = "SERIAL")]
    pub device: Option<String>,
    /// Only devices of this version
    #[arg(long, value_name = "VERSION")]
    pub version: Option<String>,
    /// Only devices of this hardware
    #[arg(long, value_name = "NAME")]
    pub hardware: Option<String>,
    /// Width of a band's points
    #[arg(long, value_enum, default_value_t)]
    pub bucket: BucketFlag,
    /// From this time on (RFC 3339, UTC)
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Before this time (RFC 3339, UTC)
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Pixels of a line
    #[arg(long, value_name = "N")]
    pub pixels: Option<u32>,
    /// Width of a part of a histogram
    #[arg(long, value_name = "NUMBER")]
    pub bin: Option<f64>,
    /// Devices that are listed
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// By what devices are listed
    #[arg(long, value_enum, default_value_t)]
    pub order: OrderFlag,
    /// The kind of event: crash where none is named
    #[arg(long, value_name = "KIND")]
    pub event: Option<String>,
    /// What devices say of themselves
    #[arg(long, value_enum, default_value_t)]
    pub by: AttributeFlag,
}

/// What devices say of themselves.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum AttributeFlag {
    /// Their software version
    #[default]
    Version,
    /// Their hardware revision
    Hardware,
}

/// Width of a band's points.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum BucketFlag {
    /// An hour
    #[default]
    Hour,
    /// A day, UTC
    Day,
}

/// By what devices are listed.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum OrderFlag {
    /// The largest sum first
    #[default]
    Top,
    /// The smallest sum first
    Bottom,
    /// The largest mean first
    TopMean,
    /// The smallest mean first
    BottomMean,
}

impl FleetFlags {
    fn into_args(self) -> Result<FleetArgs, Failure> {
        let time = |text: Option<String>| -> Result<Option<i64>, Failure> {
            let Some(text) = text else { return Ok(None) };
            let time = humantime::parse_rfc3339_weak(&text).ok();
            let since = time.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
            let ns = since.and_then(|since| i64::try_from(since.as_nanos()).ok());
            match ns {
                Some(ns) => Ok(Some(ns)),
                None => Err(Failure::wrong(format!(
                    "{text} is no time: write 2026-06-03T14:00:00Z"
                ))),
            }
        };
        Ok(FleetArgs {
            metric: self.metric,
            device: self.device,
            version: self.version,
            hardware: self.hardware,
            by_day: matches!(self.bucket, BucketFlag::Day),
            from_ns: time(self.from)?,
            to_ns: time(self.to)?,
            pixels: self.pixels,
            bin: self.bin,
            limit: self.limit,
            from_bottom: matches!(self.order, OrderFlag::Bottom | OrderFlag::BottomMean),
            by_mean: matches!(self.order, OrderFlag::TopMean | OrderFlag::BottomMean),
            event: self.event,
            attribute: match self.by {
                AttributeFlag::Version => Attribute::Version,
                AttributeFlag::Hardware => Attribute::Hardware,
            },
        })
    }
}

/// Runs a named query.
pub fn run(args: &QueryArgs, common: &Common, out: &mut dyn Write) -> Outcome {
    let (table, asked) = args.asked.asked()?;
    let workspace =
        Workspace::open(common.workspace.as_deref(), common.cache()).map_err(Failure::wrong)?;
    let mut answer = (table.run)(&workspace.context(), &asked).map_err(Failure::wrong)?;
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

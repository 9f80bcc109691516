//! `fieldscope metrics`: the heartbeats of a capture, or those of the workspace.

use super::args::Common;
use super::exit::{Exit, Failure, Outcome};
use super::stored_logs::workspace;
use super::symbols::json_line;
use super::terminal::Terminal;
use crate::engine::context::QueryContext;
use crate::engine::heartbeats::Heartbeats;
use crate::engine::metric_row::MetricRow;
use crate::engine::one_shot::open_symbol_files;
use crate::engine::queries::device_metrics::{
    DeviceMetricsQuery, SeriesDevicesQuery, WaitingBuildsQuery,
};
use crate::engine::queries::heartbeats::FleetSummaryQuery;
use crate::engine::query::QueryError;
use clap::Args;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

const SCHEMA: &str = "fieldscope.metric/1";

// `fieldscope metrics`.
#[derive(Debug, Args)]
pub struct MetricsArgs {
    /// Captures of devices with the SDK: logs with FS: lines, COBS streams, folders or archives; without one, what is stored in the
    /// file that --workspace names
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// ELF file that defines the metrics; may be repeated
    #[arg(long, value_name = "FILE", requires = "paths")]
    pub elf: Vec<PathBuf>,
    /// Only the device with this serial number
    #[arg(long, value_name = "SERIAL")]
    pub device: Option<String>,
    /// Only this metric; may be repeated
    #[arg(long, value_name = "NAME")]
    pub metric: Vec<String>,
    /// As JSON Lines (fieldscope.metric/1), one a value
    #[arg(long)]
    pub json: bool,
}

/// Prints every value, heartbeat after heartbeat.
pub fn run(args: &MetricsArgs, common: &Common, out: &mut dyn Write) -> Outcome {
    if !args.paths.is_empty() {
        return of_captures(args, common, out);
    }
    if common.workspace.is_none() {
        return Err(Failure::wrong(
            "name a capture of a device, or --workspace FILE for the heartbeats that are stored in it",
        ));
    }
    of_workspace(args, common, out)
}

/// What is stored, device by device.
fn of_workspace(args: &MetricsArgs, common: &Common, out: &mut dyn Write) -> Outcome {
    let workspace = workspace(common)?;
    let context = workspace.context();
    let devices = context.run(&SeriesDevicesQuery).map_err(Failure::wrong)?;
    if devices.is_empty() {
        return Err(Failure::wrong(
            "there is no heartbeat in the workspace: import a capture of a device with the SDK, or a fleet sample",
        ));
    }
    let is_wanted =
        |serial: &&String| args.device.is_none() || args.device.as_ref() == Some(*serial);
    let mut n_rows: u64 = 0;
    for serial in devices.iter().filter(is_wanted) {
        let query = DeviceMetricsQuery {
            serial: serial.clone(),
            metrics: args.metric.clone(),
        };
        for rows in context.run(&query).map_err(Failure::wrong)? {
            n_rows = n_rows.saturating_add(print(&rows, args, out)?);
        }
    }
    let waiting = waiting(&context).map_err(Failure::wrong)?;
    if n_rows == 0 {
        let known = context.run(&FleetSummaryQuery).map_err(Failure::wrong)?;
        let names = known.metrics.into_iter().map(|metric| metric.name);
        return Err(Failure::wrong(none_wanted(
            args,
            &names.collect(),
            &waiting,
        )));
    }
    nameless(args, &waiting, "add its ELF to the symbols.", out)
}

/// Builds whose metrics have no names.
fn waiting(context: &QueryContext) -> Result<Vec<String>, QueryError> {
    let waiting = context.run(&WaitingBuildsQuery)?.into_iter();
    Ok(waiting
        .map(|id| id.unwrap_or_else(|| "(not named)".to_owned()))
        .collect())
}

/// Says which builds' metrics have no names.
fn nameless(
    args: &MetricsArgs,
    missing: &[String],
    what_to_do: &str,
    out: &mut dyn Write,
) -> Outcome {
    if missing.is_empty() {
        return Ok(Exit::Done);
    }
    if !args.json {
        for build in missing {
            writeln!(out, "Metrics of build {build} have no names: {what_to_do}")?;
        }
    }
    Ok(Exit::SymbolsMissing)
}

/// Prints a heartbeat; answers how many values.
fn print(rows: &[MetricRow], args: &MetricsArgs, out: &mut dyn Write) -> Result<u64, Failure> {
    if !args.json
        && let Some(first) = rows.first()
    {
        writeln!(out, "{}", headline(first))?;
    }
    for row in rows {
        if args.json {
            json_line(SCHEMA, row, out)?;
        } else {
            writeln!(out, "{}", line(row))?;
        }
    }
    Ok(rows.len() as u64)
}

fn of_captures(args: &MetricsArgs, common: &Common, out: &mut dyn Write) -> Outcome {
    let progress = Terminal::new("reading");
    let named = open_symbol_files(&args.elf, &common.debug_dir).map_err(Failure::wrong)?;
    let heartbeats = Heartbeats::open(&args.paths, &named, &progress)?;
    progress.clear();
    if heartbeats.is_empty() {
        return Err(Failure::wrong(nothing_found(&heartbeats)));
    }
    let mut n_rows: u64 = 0;
    let mut names = BTreeSet::new();
    for index in 0..heartbeats.len() {
        let mut rows = heartbeats.rows(index);
        names.extend(rows.iter().filter_map(|row| row.metric.clone()));
        rows.retain(|row| is_wanted(args, row));
        n_rows = n_rows.saturating_add(print(&rows, args, out)?);
    }
    let missing = heartbeats.missing_builds();
    if n_rows == 0 {
        return Err(Failure::wrong(none_wanted(args, &names, &missing)));
    }
    nameless(args, &missing, "give its ELF with --elf.", out)
}

fn is_wanted(args: &MetricsArgs, row: &MetricRow) -> bool {
    let is_device = args.device.is_none() || args.device == row.device;
    let name = row.name();
    is_device
        && (args.metric.is_empty()
            || args
                .metric
                .iter()
                .any(|wanted| wanted.eq_ignore_ascii_case(name)))
}

fn nothing_found(heartbeats: &Heartbeats) -> String {
    let why = heartbeats.warnings.first().map(|(file, warning)| {
        let at = warning
            .offset
            .map(|offset| format!(" at byte {offset}"))
            .unwrap_or_default();
        format!(" ({file}{at}: {})", warning.message)
    });
    format!(
        "FS-IN-006: no heartbeat found{}. Give a capture of a device with the SDK, which sends FS: lines or COBS frames",
        why.unwrap_or_default()
    )
}

fn none_wanted(args: &MetricsArgs, names: &BTreeSet<String>, missing: &[String]) -> String {
    let device = args
        .device
        .as_ref()
        .map(|serial| format!(" of device {serial}"))
        .unwrap_or_default();
    if args.metric.is_empty() {
        return format!("there is no heartbeat{device} in it");
    }
    let wanted = args.metric.join(", ");
    if names.is_empty() {
        let build = missing.first().map_or("its build", String::as_str);
        return format!(
            "there is no metric {wanted}{device}: without the ELF of {build} metrics have no names; give it with --elf, or add it to the symbols"
        );
    }
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    format!(
        "there is no metric {wanted}{device}: there are {}",
        known.join(", ")
    )
}

/// `MS-00271, meadow-station 0.4.0, boot 1, 2026-11-29T03:00:20Z, uptime 3600.720 s, over 3600.720 s`.
fn headline(row: &MetricRow) -> String {
    let software = [&row.software_type, &row.software_version]
        .into_iter()
        .flatten();
    let software: Vec<&str> = software.map(String::as_str).collect();
    let mut parts = vec![
        row.device
            .clone()
            .unwrap_or_else(|| "device without a serial number".to_owned()),
    ];
    if !software.is_empty() {
        parts.push(software.join(" "));
    }
    parts.extend(row.boot.map(|boot| format!("boot {boot}")));
    parts.extend(row.time.as_ref().map(|time| time.replace(".000000000", "")));
    parts.extend(
        row.uptime_ns
            .map(|ns| format!("uptime {} s", seconds(ns / 1_000_000))),
    );
    parts.extend(row.interval_ms.map(|ms| format!("over {} s", seconds(ms))));
    parts.join(", ")
}

fn seconds(ms: u64) -> String {
    match ms % 1000 {
        0 => format!("{}", ms / 1000),
        rest => format!("{}.{rest:03}", ms / 1000),
    }
}

/// `  MainTaskMs           1243983 ms  34.6 %`.
fn line(row: &MetricRow) -> String {
    let name = row.name();
    let Some(value) = &row.value else {
        return format!("  {name:<24} not set");
    };
    let at_least = if row.is_at_least { "at least " } else { "" };
    let value = match &row.value_name {
        Some(state) => format!("{state} ({value})"),
        None => value.to_string(),
    };
    let unit = row
        .unit
        .as_ref()
        .map(|unit| format!(" {unit}"))
        .unwrap_or_default();
    let share = row
        .percent_of_interval
        .map(|percent| format!("  {percent:.1} %"))
        .unwrap_or_default();
    format!("  {name:<24} {at_least}{value}{unit}{share}")
}

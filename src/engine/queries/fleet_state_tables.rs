//! How a fleet is, as tables: what `fieldscope query census`, `vitals` and `devices-by-attribute` print, with their definitions.

use super::fleet_state::{AttributeQuery, CensusQuery, VitalsQuery};
use super::fleet_tables::real;
use super::tables::{TableAnswer, TableArgs, answer};
use crate::engine::context::QueryContext;
use crate::engine::fleet::view::Estimate;
use crate::engine::fleet::vitals::Vital;
use crate::engine::logs::print::rfc3339;
use crate::engine::query::{Query as _, QueryError};
use serde_json::{Value, json};

const HOUR_NS: i64 = 3_600_000_000_000;

pub(super) fn census(context: &QueryContext, args: &TableArgs) -> Result<TableAnswer, QueryError> {
    let span_ns = args.fleet.span();
    let census = CensusQuery { span_ns }.run(context)?;
    let rows = vec![
        vec![json!("reporting"), json!(census.n_reporting)],
        vec![json!("silent"), json!(census.n_silent)],
        vec![json!("never reported"), json!(census.n_never)],
        vec![json!("not sampled"), json!(census.n_not_sampled)],
    ];
    let n_known = census.n_reporting.saturating_add(census.n_silent);
    let mut table = answer("census", Some(n_known), vec!["state", "devices"], rows);
    let at = census.at_ns.and_then(rfc3339);
    table.notes.push(format!(
        "As of {}, the last heartbeat of all. A device is silent when its own last heartbeat is more than {} h before that. Never reported: devices that the sample names and that have no heartbeat. Not sampled: the rest of the population.",
        at.unwrap_or_else(|| "no time".to_owned()),
        census.silent_after_ns / HOUR_NS
    ));
    if census.n_not_sampled.is_none() {
        let note = "The population is not known: nothing says how large the fleet is.";
        table.notes.push(note.to_owned());
    }
    Ok(table)
}

pub(super) fn devices_by_attribute(
    context: &QueryContext,
    args: &TableArgs,
) -> Result<TableAnswer, QueryError> {
    let asked = AttributeQuery {
        attribute: args.fleet.attribute,
        span_ns: args.fleet.span(),
    };
    let rows = asked.run(context)?;
    let n_devices = rows.iter().map(|row| row.n_devices).sum();
    let rows = rows.into_iter().map(|row| {
        let mut cells = vec![
            json!(row.name),
            json!(row.n_devices),
            json!(row.n_reporting),
        ];
        cells.extend(estimate_cells(Some(row.share)));
        cells
    });
    let columns = vec!["value", "devices", "reporting", "share", "low", "high"];
    let name = "devices-by-attribute";
    let mut table = answer(name, Some(n_devices), columns, rows.collect());
    let note = "Each device counts once, with what it said last; share is of all devices that reported, with its exact binomial interval.";
    table.notes.push(note.to_owned());
    Ok(table)
}

pub(super) fn vitals(context: &QueryContext, args: &TableArgs) -> Result<TableAnswer, QueryError> {
    let asked = VitalsQuery {
        span_ns: args.fleet.span(),
        hardware: args.fleet.hardware.clone(),
    };
    let vitals = asked.run(context)?;
    let mut rows = Vec::new();
    let mut notes = Vec::new();
    for vital in &vitals {
        rows.push(vital_cells(None, &vital.all));
        for (version, own) in &vital.by_version {
            rows.push(vital_cells(
                Some(version.as_deref().unwrap_or_default()),
                own,
            ));
        }
        notes.push(format!(
            "{}, {}: {}. It is made of {}.",
            vital.all.kind.name(),
            vital.all.kind.unit(),
            vital.all.kind.definition(),
            vital.all.metric
        ));
    }
    if vitals.is_empty() {
        notes.push(
            "No metric tells of a battery (charge, in %) or of a connection (a timer named connected, a counter named disconnects)."
                .to_owned(),
        );
    } else {
        notes.push(
            "The interval is that of a ratio of sums over devices; there is none of fewer than 20. A row without a version is of all devices."
                .to_owned(),
        );
    }
    let columns = vec![
        "vital",
        "metric",
        "unit",
        "version",
        "value",
        "low",
        "high",
        "devices",
        "device_hours",
        "intervals_used",
        "dropped_without_value",
        "dropped_without_length",
        "dropped_charging",
    ];
    let n_devices = vitals.iter().map(|vital| vital.all.n_devices).max();
    let mut table = answer("vitals", n_devices, columns, rows);
    table.notes = notes;
    Ok(table)
}

fn vital_cells(version: Option<&str>, vital: &Vital) -> Vec<Value> {
    let mut cells = vec![
        json!(vital.kind.name()),
        json!(vital.metric),
        json!(vital.kind.unit()),
        json!(version),
    ];
    cells.extend(estimate_cells(vital.estimate));
    cells.extend([
        json!(vital.n_devices),
        real(vital.hours),
        json!(vital.n_used),
        json!(vital.n_without_value),
        json!(vital.n_without_length),
        json!(vital.n_charged),
    ]);
    cells
}

/// A number with the ends of its interval.
fn estimate_cells(estimate: Option<Estimate>) -> [Value; 3] {
    let interval = estimate.and_then(|estimate| estimate.interval);
    [
        estimate.map_or(Value::Null, |estimate| real(estimate.value)),
        interval.map_or(Value::Null, |(low, _)| real(low)),
        interval.map_or(Value::Null, |(_, high)| real(high)),
    ]
}

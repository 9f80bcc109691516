//! Rows of a table become events, as their mapping says.

use super::bad_rows::BadRows;
use super::heartbeats::{Rows, keep};
use super::mapping::{Mapping, Role};
use super::names::{names_of, none};
use super::{TableChunk, TableColumn};
use crate::model::series::FleetEvent;

/// What an event is where the table does not say.
const DEFAULT_KIND: &str = "crash";

/// Turns rows into events. Rows that do not tell device and time are left out.
pub fn events(
    chunk: &TableChunk,
    columns: &[TableColumn],
    mapping: &Mapping,
    bad: &mut BadRows,
) -> Vec<FleetEvent> {
    let mut rows = Rows::of(chunk, columns, mapping, bad);
    let kept = rows.kept.take();
    let named = |wanted: Role| {
        let of_role = columns
            .iter()
            .zip(&chunk.columns)
            .find(|(table, _)| mapping.role_of(&table.name) == Some(wanted));
        let column = of_role.and_then(|(_, column)| Some(keep(column.clone()?, kept.as_deref())));
        column.map_or_else(|| none(rows.device.len()), |column| names_of(&column))
    };
    let (issue, issues) = named(Role::Issue);
    let (kind, kinds) = named(Role::EventKind);
    let name = |ids: &[u32], names: &[String], row: usize| -> Option<String> {
        names.get(*ids.get(row)? as usize).cloned()
    };
    (rows.time_ns.iter().enumerate())
        .map(|(row, time_ns)| FleetEvent {
            serial: name(&rows.device, &rows.devices, row).unwrap_or_default(),
            time_ns: *time_ns,
            kind: name(&kind, &kinds, row).unwrap_or_else(|| DEFAULT_KIND.to_owned()),
            version: name(&rows.version, &rows.versions, row),
            hardware: name(&rows.hardware, &rows.hardware_names, row),
            issue: name(&issue, &issues, row),
        })
        .collect()
}

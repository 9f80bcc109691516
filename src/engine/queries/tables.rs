//! Queries as tables: what `fieldscope query NAME` prints. One line a query.

use super::captures::CapturesQuery;
use super::crash_list::CrashListQuery;
use crate::engine::context::QueryContext;
use crate::engine::query::{Query as _, QueryError};
use serde::Serialize;
use serde_json::{Value, json};

/// The `schema` of a table.
pub const QUERY_SCHEMA: &str = "fieldscope.query/1";

/// A named query.
pub struct Table {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it answers.
    pub help: &'static str,
    /// Runs it.
    pub run: fn(&QueryContext, &TableArgs) -> Result<TableAnswer, QueryError>,
}

/// What a named query takes.
#[derive(Clone, Debug, Default)]
pub struct TableArgs {
    /// Only rows that hold this text.
    pub find: Option<String>,
}

/// The answer: `fieldscope.query/1`.
#[derive(Clone, Debug, Serialize)]
pub struct TableAnswer {
    /// Always [`QUERY_SCHEMA`].
    pub schema: &'static str,
    /// Name of the query.
    pub name: &'static str,
    /// Devices that the rows are of; `None` where that is not what is counted.
    pub n_devices: Option<u64>,
    /// Hours of operation behind the rows; `None` when not known.
    pub device_hours: Option<f64>,
    /// Interval of an estimate; `None` for counts.
    pub interval: Option<[f64; 2]>,
    /// Names of the columns.
    pub columns: Vec<&'static str>,
    /// Rows of cells.
    pub rows: Vec<Vec<Value>>,
}

/// Every named query, sorted by name.
pub static TABLES: &[Table] = &[
    Table {
        name: "captures",
        help: "what was imported, newest first",
        run: captures,
    },
    Table {
        name: "crashes",
        help: "every crash, grouped, the most frequent group first",
        run: crashes,
    },
    Table {
        name: "issues",
        help: "crashes by fingerprint, with counts",
        run: issues,
    },
];

fn captures(context: &QueryContext, args: &TableArgs) -> Result<TableAnswer, QueryError> {
    let rows = CapturesQuery.run(context)?;
    let needle = args.find.clone().unwrap_or_default().to_lowercase();
    let rows = rows
        .into_iter()
        .filter(|row| row.name.to_lowercase().contains(&needle))
        .map(|row| {
            vec![
                json!(row.id),
                json!(row.name),
                json!(row.imported_at),
                json!(row.device),
                json!(row.version),
                json!(row.n_files),
                json!(row.n_boots),
                json!(row.n_crashes),
                json!(row.size_bytes),
            ]
        })
        .collect();
    let columns = vec![
        "id",
        "name",
        "imported_at",
        "device",
        "version",
        "files",
        "boots",
        "crashes",
        "size_bytes",
    ];
    Ok(answer("captures", None, columns, rows))
}

fn crashes(context: &QueryContext, args: &TableArgs) -> Result<TableAnswer, QueryError> {
    let groups = CrashListQuery {
        find: args.find.clone().unwrap_or_default(),
    }
    .run(context)?;
    let n_devices = groups.iter().map(|group| group.n_devices as u64).max();
    let rows = groups
        .into_iter()
        .flat_map(|group| group.crashes)
        .map(|row| {
            vec![
                json!(row.id),
                json!(row.kind),
                json!(row.summary),
                json!(row.thread),
                json!(row.function),
                json!(row.fingerprint),
                json!(row.build_id),
                json!(row.is_symbolized),
                json!(row.is_verified),
                json!(row.device),
                json!(row.version),
                json!(row.boot),
                json!(row.capture_name),
                json!(row.imported_at),
                json!(row.n_seen),
            ]
        })
        .collect();
    let columns = vec![
        "id",
        "kind",
        "summary",
        "thread",
        "function",
        "fingerprint",
        "build_id",
        "symbolized",
        "verified",
        "device",
        "version",
        "boot",
        "capture",
        "imported_at",
        "captures",
    ];
    Ok(answer("crashes", n_devices, columns, rows))
}

fn issues(context: &QueryContext, args: &TableArgs) -> Result<TableAnswer, QueryError> {
    let groups = CrashListQuery {
        find: args.find.clone().unwrap_or_default(),
    }
    .run(context)?;
    let rows = groups
        .into_iter()
        .map(|group| {
            let newest = group.crashes.first();
            vec![
                json!(group.key),
                json!(group.crashes.len()),
                json!(group.n_devices),
                json!(newest.and_then(|row| row.kind)),
                json!(group.summary),
                json!(newest.map(|row| &row.imported_at)),
            ]
        })
        .collect();
    let columns = vec![
        "fingerprint",
        "crashes",
        "devices",
        "kind",
        "summary",
        "last_imported_at",
    ];
    Ok(answer("issues", None, columns, rows))
}

fn answer(
    name: &'static str,
    n_devices: Option<u64>,
    columns: Vec<&'static str>,
    rows: Vec<Vec<Value>>,
) -> TableAnswer {
    TableAnswer {
        schema: QUERY_SCHEMA,
        name,
        n_devices,
        device_hours: None,
        interval: None,
        columns,
        rows,
    }
}

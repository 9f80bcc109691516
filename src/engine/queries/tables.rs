//! Queries as tables: what `fieldscope query NAME` prints. One line a query.

use super::captures::CapturesQuery;
use super::crash_list::n_devices;
use super::fleet_compared::{compare_versions, device_standing, spread_by_version};
use super::fleet_state_tables::{census, devices_by_attribute, vitals};
use super::fleet_tables::{
    FleetArgs, device_series, event_rate_by_version, fleet_band, histogram, mean_by_version,
    top_devices,
};
use super::issue_detail::{IssueDetail, IssueDetailQuery};
use super::issue_list::{Issue, IssueListQuery};
use super::log_mark_tables::{bookmarks, filter_sets};
use super::metric_list::metrics;
use super::sample_reports::{bad_rows, sample_columns, samples};
use super::variable_diff::VariableDiffQuery;
use crate::engine::context::QueryContext;
use crate::engine::query::{Query as _, QueryError};
use crate::engine::source_map::{SourceMapping, mapped};
use crate::model::report::Unavailable;
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
    /// The issue, where one is asked about.
    pub issue: Option<String>,
    /// The crash, where one is asked about.
    pub crash: Option<i64>,
    /// The crash to compare it with.
    pub against: Option<i64>,
    /// What is asked of heartbeats.
    pub fleet: FleetArgs,
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
    /// What to know of the answer, in sentences.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// The column of source paths.
const SOURCE_FILE: &str = "file";

impl TableAnswer {
    /// Maps the source paths in it.
    pub fn map_sources(&mut self, mappings: &[SourceMapping]) {
        let is_source: Vec<bool> = self
            .columns
            .iter()
            .map(|name| *name == SOURCE_FILE)
            .collect();
        for row in &mut self.rows {
            for (cell, _) in row.iter_mut().zip(&is_source).filter(|(_, is)| **is) {
                if let Value::String(path) = cell {
                    *path = mapped(path, mappings).into_owned();
                }
            }
        }
    }
}

/// Every named query, sorted by name.
pub static TABLES: &[Table] = &[
    Table {
        name: "bad-rows",
        help: "rows of fleet samples that were left out, with their place and the reason",
        run: bad_rows,
    },
    Table {
        name: "bookmarks",
        help: "bookmarks in logs, with their notes",
        run: bookmarks,
    },
    Table {
        name: "captures",
        help: "what was imported, newest first",
        run: captures,
    },
    Table {
        name: "census",
        help: "devices that report, that fell silent and that were not sampled",
        run: census,
    },
    Table {
        name: "compare-versions",
        help: "the mean of a metric by version, and how far it is from the version before (--metric)",
        run: compare_versions,
    },
    Table {
        name: "crashes",
        help: "every crash, grouped, the most frequent group first",
        run: crashes,
    },
    Table {
        name: "device-series",
        help: "a metric of one device, least, greatest and mean a pixel (--metric, --device, --pixels)",
        run: device_series,
    },
    Table {
        name: "device-standing",
        help: "where a device stands among all, by its mean of a metric (--device, --metric)",
        run: device_standing,
    },
    Table {
        name: "devices-by-attribute",
        help: "devices by the version or the hardware that they said last (--by)",
        run: devices_by_attribute,
    },
    Table {
        name: "event-rate-by-version",
        help: "events in 1,000 device-hours by version, with the interval of the rate (--event)",
        run: event_rate_by_version,
    },
    Table {
        name: "filter-sets",
        help: "named sets of log filters",
        run: filter_sets,
    },
    Table {
        name: "fleet-band",
        help: "quantiles of a metric over devices by hour or day (--metric, --bucket)",
        run: fleet_band,
    },
    Table {
        name: "histogram",
        help: "how the values of a metric are spread (--metric, --bin)",
        run: histogram,
    },
    Table {
        name: "issue",
        help: "the crashes of one issue (--issue KEY)",
        run: issue,
    },
    Table {
        name: "issues",
        help: "crashes that have one cause, with counts",
        run: issues,
    },
    Table {
        name: "mean-by-version",
        help: "the mean of a metric by version (--metric)",
        run: mean_by_version,
    },
    Table {
        name: "metrics",
        help: "what metrics are there, their kinds and units, and who says so",
        run: metrics,
    },
    Table {
        name: "sample-columns",
        help: "what the columns of fleet samples were taken as",
        run: sample_columns,
    },
    Table {
        name: "samples",
        help: "fleet samples that were imported, one row a table, the newest first",
        run: samples,
    },
    Table {
        name: "similar-issues",
        help: "issues that look like one (--issue KEY), and how alike they are",
        run: similar_issues,
    },
    Table {
        name: "spread-by-version",
        help: "how the values of a metric are spread in each version (--metric)",
        run: spread_by_version,
    },
    Table {
        name: "top-devices",
        help: "the devices with the most of a metric (--metric, --limit, --order)",
        run: top_devices,
    },
    Table {
        name: "variable-diff",
        help: "globals that differ from their initial values, or between two crashes (--crash ID, --against ID)",
        run: variable_diff,
    },
    Table {
        name: "vitals",
        help: "battery drain and time connected, of all devices and by version, with their definitions",
        run: vitals,
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
    let issues = issues_of(context, args)?;
    let all = issues.iter().flat_map(|issue| &issue.crashes);
    let n_devices = n_devices(all) as u64;
    let rows = issues.iter().flat_map(crash_cells).collect();
    Ok(answer(
        "crashes",
        Some(n_devices),
        CRASH_COLUMNS.to_vec(),
        rows,
    ))
}

fn issue(context: &QueryContext, args: &TableArgs) -> Result<TableAnswer, QueryError> {
    let detail = issue_detail(context, args)?;
    let n_devices = detail.issue.n_devices as u64;
    let rows = crash_cells(&detail.issue).collect();
    Ok(answer(
        "issue",
        Some(n_devices),
        CRASH_COLUMNS.to_vec(),
        rows,
    ))
}

fn similar_issues(context: &QueryContext, args: &TableArgs) -> Result<TableAnswer, QueryError> {
    let detail = issue_detail(context, args)?;
    let rows = detail
        .similar
        .into_iter()
        .map(|similar| {
            let share = (similar.share * 1000.0).round() / 1000.0;
            vec![
                json!(similar.key),
                json!(similar.title),
                json!(similar.n_crashes),
                json!(share),
                json!(similar.sentence),
            ]
        })
        .collect();
    let columns = vec!["issue", "title", "crashes", "share", "difference"];
    Ok(answer("similar-issues", None, columns, rows))
}

fn issue_detail(context: &QueryContext, args: &TableArgs) -> Result<IssueDetail, QueryError> {
    let Some(key) = args.issue.clone() else {
        return Err(QueryError::Unanswerable(
            "which issue? Give --issue KEY; `fieldscope query issues` lists the keys".to_owned(),
        ));
    };
    IssueDetailQuery { key }.run(context)
}

fn issues_of(context: &QueryContext, args: &TableArgs) -> Result<Vec<Issue>, QueryError> {
    IssueListQuery {
        find: args.find.clone().unwrap_or_default(),
    }
    .run(context)
}

const CRASH_COLUMNS: &[&str] = &[
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
    "captured_at",
    "issue",
];

fn crash_cells(issue: &Issue) -> impl Iterator<Item = Vec<Value>> {
    issue.crashes.iter().map(|row| {
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
            json!(row.captured_at),
            json!(issue.key),
        ]
    })
}

fn issues(context: &QueryContext, args: &TableArgs) -> Result<TableAnswer, QueryError> {
    let issues = issues_of(context, args)?;
    let all = issues.iter().flat_map(|issue| &issue.crashes);
    let n_devices = n_devices(all) as u64;
    let rows = issues
        .iter()
        .map(|issue| {
            let newest = issue.crashes.first();
            let versions: Vec<&String> = issue
                .versions
                .iter()
                .filter_map(|version| version.version.as_ref())
                .collect();
            vec![
                json!(newest.and_then(|row| row.fingerprint.as_ref())),
                json!(issue.crashes.len()),
                json!(issue.n_devices),
                json!(issue.kind),
                json!(newest.map(|row| &row.summary)),
                json!(newest.map(|row| &row.imported_at)),
                json!(issue.key),
                json!(issue.title),
                json!(versions),
                json!(issue.first_seen.at),
                json!(issue.first_seen.what()),
                json!(issue.last_seen.at),
                json!(issue.last_seen.what()),
                json!(issue.n_named),
                json!(issue.is_by_hand),
                json!(issue.is_closed),
                json!(issue.note),
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
        "issue",
        "title",
        "versions",
        "first_seen",
        "first_seen_is",
        "last_seen",
        "last_seen_is",
        "symbolized_crashes",
        "by_hand",
        "closed",
        "note",
    ];
    Ok(answer("issues", Some(n_devices), columns, rows))
}

fn variable_diff(context: &QueryContext, args: &TableArgs) -> Result<TableAnswer, QueryError> {
    let crash = args.crash.ok_or_else(|| {
        QueryError::Unanswerable(
            "variable-diff needs --crash ID; `query crashes` lists the ids.".to_owned(),
        )
    })?;
    let diff = VariableDiffQuery {
        crash,
        against: args.against,
        find: args.find.clone().unwrap_or_default(),
    }
    .run(context)?;
    let side = |value: Result<String, Unavailable>| match value {
        Ok(text) => json!(text),
        Err(_why) => Value::Null,
    };
    let rows = diff
        .rows
        .into_iter()
        .map(|row| {
            vec![
                json!(row.name),
                json!(row.type_name),
                json!(row.file),
                json!(row.address),
                side(row.before),
                side(row.after),
            ]
        })
        .collect();
    let columns = vec!["name", "type", SOURCE_FILE, "address", "before", "after"];
    let mut answer = answer("variable-diff", None, columns, rows);
    answer.notes = diff.notes;
    answer.notes.push(format!(
        "{} of {} variables differ.",
        diff.n_different, diff.n_compared
    ));
    Ok(answer)
}

pub(super) fn answer(
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
        notes: Vec::new(),
    }
}

//! What was read of fleet samples: their tables, what each column was taken as, the rows that were left out.

use super::tables::{TableAnswer, TableArgs, answer};
use crate::engine::context::QueryContext;
use crate::engine::fleet_import::words::{mapped_by_words, role_words, use_words};
use crate::engine::fleet_import::{TableReport, tables_of};
use crate::engine::query::{Query, QueryError};
use serde_json::json;

/// Asks for all samples.
#[derive(Clone, Debug)]
pub struct SampleReportsQuery;

/// A sample that was imported.
#[derive(Clone, Debug)]
pub struct SampleReport {
    /// From 1, in the order of imports.
    pub number: usize,
    /// The file or folder, as it was given.
    pub source: String,
    /// RFC 3339.
    pub imported_at: String,
    /// Devices of the whole fleet.
    pub population: Option<u64>,
    /// How the devices were chosen, in the words of the manifest.
    pub chosen_by: Option<String>,
    /// Its tables; none of a fleet that was made up.
    pub tables: Vec<TableReport>,
}

impl Query for SampleReportsQuery {
    /// The newest first.
    type Output = Vec<SampleReport>;

    fn run(&self, context: &QueryContext) -> Result<Vec<SampleReport>, QueryError> {
        let frames = context.reader()?.sample_frames()?;
        let samples = (1..).zip(frames).map(|(number, frame)| SampleReport {
            number,
            tables: tables_of(&frame),
            source: frame.source,
            imported_at: frame.imported_at,
            population: frame.population,
            chosen_by: frame.chosen_by,
        });
        let mut samples: Vec<SampleReport> = samples.collect();
        samples.reverse();
        Ok(samples)
    }
}

pub(super) fn samples(
    context: &QueryContext,
    _args: &TableArgs,
) -> Result<TableAnswer, QueryError> {
    let mut rows = Vec::new();
    for sample in SampleReportsQuery.run(context)? {
        for table in &sample.tables {
            rows.push(vec![
                json!(sample.number),
                json!(sample.imported_at),
                json!(sample.source),
                json!(table.path),
                json!(use_words(table.mapping.table_use)),
                json!(table.n_rows),
                json!(table.bad_rows.n),
                json!(table.warnings.len()),
                json!(mapped_by_words(&table.mapped_by)),
            ]);
        }
    }
    let columns = vec![
        "sample",
        "imported_at",
        "source",
        "table",
        "a_row_is",
        "rows",
        "bad_rows",
        "warnings",
        "read_as",
    ];
    Ok(answer("samples", None, columns, rows))
}

pub(super) fn sample_columns(
    context: &QueryContext,
    _args: &TableArgs,
) -> Result<TableAnswer, QueryError> {
    let mut rows = Vec::new();
    for sample in SampleReportsQuery.run(context)? {
        for table in &sample.tables {
            let columns = table.mapping.columns.iter();
            rows.extend(columns.map(|column| {
                vec![
                    json!(sample.number),
                    json!(table.path),
                    json!(column.column),
                    json!(role_words(column.role)),
                    json!(column.name),
                    json!(column.unit),
                ]
            }));
        }
    }
    let columns = vec!["sample", "table", "column", "taken_as", "name", "unit"];
    Ok(answer("sample-columns", None, columns, rows))
}

pub(super) fn bad_rows(
    context: &QueryContext,
    _args: &TableArgs,
) -> Result<TableAnswer, QueryError> {
    let mut rows = Vec::new();
    let mut notes = Vec::new();
    for sample in SampleReportsQuery.run(context)? {
        for table in &sample.tables {
            let told = &table.bad_rows.first;
            rows.extend(told.iter().map(|bad| {
                vec![
                    json!(sample.number),
                    json!(table.path),
                    json!(bad.row),
                    json!(bad.line),
                    json!(bad.offset),
                    json!(bad.what),
                ]
            }));
            let n_more = table.bad_rows.n.saturating_sub(told.len() as u64);
            if n_more > 0 {
                let (path, number) = (&table.path, sample.number);
                notes.push(format!("{n_more} more in {path} of sample {number}."));
            }
        }
    }
    let columns = vec!["sample", "table", "row", "line", "byte", "what"];
    let mut table = answer("bad-rows", None, columns, rows);
    table.notes = notes;
    Ok(table)
}

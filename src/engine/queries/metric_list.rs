//! What the metrics of a workspace are, and who says so.

use super::tables::{TableAnswer, TableArgs, answer};
use crate::engine::context::QueryContext;
use crate::engine::metric_edit::{KnownBefore, known_before};
use crate::engine::query::{Query, QueryError};
use crate::store::series::UnitSource;
use serde_json::json;

/// Asks what was known of a metric before a person said what it is.
#[derive(Clone, Debug)]
pub struct MetricEditedQuery {
    /// The metric.
    pub metric: String,
}

impl Query for MetricEditedQuery {
    /// `None` where nobody did.
    type Output = Option<KnownBefore>;

    fn run(&self, context: &QueryContext) -> Result<Option<KnownBefore>, QueryError> {
        known_before(&context.reader()?, &self.metric)
    }
}

pub(super) fn metrics(context: &QueryContext, args: &TableArgs) -> Result<TableAnswer, QueryError> {
    let reader = context.reader()?;
    let wanted = args.fleet.metric.as_deref();
    let mut rows = Vec::new();
    for row in reader.metrics()? {
        let metric = row.definition;
        if wanted.is_some_and(|wanted| wanted != metric.name) {
            continue;
        }
        let before = known_before(&reader, &metric.name)?;
        let said_by = match row.unit_is {
            UnitSource::Guessed => "the name of a column",
            UnitSource::Defined => "the firmware",
            UnitSource::Edited => "a person",
        };
        rows.push(vec![
            json!(metric.name),
            json!(metric.kind.name()),
            json!(metric.unit),
            json!(said_by),
            json!(before.as_ref().map(|before| before.kind.name())),
            json!(before.and_then(|before| before.unit)),
            json!(metric.description),
        ]);
    }
    let columns = vec![
        "metric",
        "kind",
        "unit",
        "said_by",
        "kind_before",
        "unit_before",
        "description",
    ];
    Ok(answer("metrics", None, columns, rows))
}

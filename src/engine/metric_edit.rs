//! What a person says of a metric, and the way back to what was known before.

use super::context::QueryContext;
use super::job::{JobError, JobResult};
use super::query::QueryError;
use crate::model::metric::MetricKind;
use crate::store::reader::Reader;
use crate::store::series::UnitSource;
use serde::{Deserialize, Serialize};

/// Begins the settings that keep what was known; the name of the metric follows.
const SETTING: &str = "metric_before_edit.";

/// What was known of a metric before a person said what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownBefore {
    /// Its unit.
    pub unit: Option<String>,
    /// What its values mean.
    pub kind: MetricKind,
    /// The firmware said so; else it was worked out from the name of a column.
    pub is_defined: bool,
}

/// Says what a metric is. What was known before the first such change is kept.
pub(super) fn edit(
    context: &QueryContext,
    metric: &str,
    unit: Option<&str>,
    kind: MetricKind,
) -> JobResult {
    let reader = context.reader()?;
    let known = reader.metric(metric)?.ok_or_else(|| gone(metric))?;
    // First the way back: cut off here, there is one too many, and it is not used.
    if known.unit_is != UnitSource::Edited {
        let before = KnownBefore {
            unit: known.definition.unit,
            kind: known.definition.kind,
            is_defined: known.unit_is == UnitSource::Defined,
        };
        let text = serde_json::to_string(&before).unwrap_or_default();
        context.store().set_setting(&key(metric), &text)?;
    }
    change(context, metric, unit, kind, UnitSource::Edited)?;
    Ok(format!("{metric} is {} now", words(unit, kind)))
}

/// Takes back what a person said of a metric.
pub(super) fn take_back(context: &QueryContext, metric: &str) -> JobResult {
    let before = known_before(&context.reader()?, metric)
        .map_err(|error| JobError::Failed(error.to_string()))?;
    let Some(before) = before else {
        return Err(JobError::Failed(format!(
            "Nothing is kept of what {metric} was before: it was not changed here."
        )));
    };
    let source = if before.is_defined {
        UnitSource::Defined
    } else {
        UnitSource::Guessed
    };
    change(context, metric, before.unit.as_deref(), before.kind, source)?;
    context.store().clear_setting(&key(metric))?;
    Ok(format!(
        "{metric} is {} again",
        words(before.unit.as_deref(), before.kind)
    ))
}

/// What was known of a metric before a person said what it is; `None` where nobody did.
pub(super) fn known_before(
    reader: &Reader,
    metric: &str,
) -> Result<Option<KnownBefore>, QueryError> {
    let is_edited = reader
        .metric(metric)?
        .is_some_and(|row| row.unit_is == UnitSource::Edited);
    if !is_edited {
        return Ok(None);
    }
    let text = reader.setting(&key(metric))?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

fn change(
    context: &QueryContext,
    metric: &str,
    unit: Option<&str>,
    kind: MetricKind,
    unit_is: UnitSource,
) -> Result<(), JobError> {
    if context.store().edit_metric(metric, unit, kind, unit_is)? {
        Ok(())
    } else {
        Err(gone(metric))
    }
}

/// `a timer in ms`.
fn words(unit: Option<&str>, kind: MetricKind) -> String {
    match unit {
        Some(unit) => format!("a {} in {unit}", kind.name()),
        None => format!("a {} without a unit", kind.name()),
    }
}

fn gone(metric: &str) -> JobError {
    JobError::Failed(format!("There is no metric {metric} any more."))
}

fn key(metric: &str) -> String {
    format!("{SETTING}{metric}")
}

#[cfg(test)]
mod tests {
    use super::{KnownBefore, edit, known_before, take_back};
    use crate::engine::index_cache::IndexCache;
    use crate::engine::workspace::Workspace;
    use crate::model::metric::{MetricDefinition, MetricKind};
    use crate::store::series::UnitSource;

    #[test]
    fn what_a_person_said_is_taken_back_to_what_was_known_before_the_first_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.fieldscope");
        let workspace = Workspace::open(Some(&path), IndexCache::disabled()).unwrap();
        let context = workspace.context();
        let mut writer = context.store().begin_series().unwrap();
        let metric = MetricDefinition {
            name: "awake".to_owned(),
            kind: MetricKind::Gauge,
            unit: Some("s".to_owned()),
            min: None,
            max: None,
            values: Vec::new(),
            description: None,
        };
        writer.define(&[metric], UnitSource::Defined).unwrap();
        writer.commit().unwrap();
        drop(writer);
        let now = || {
            let row = context.reader().unwrap().metric("awake").unwrap().unwrap();
            (row.definition.unit, row.definition.kind, row.unit_is)
        };
        let before = || known_before(&context.reader().unwrap(), "awake").unwrap();

        assert!(take_back(&context, "awake").is_err());
        assert_eq!(before(), None);
        let said = edit(&context, "awake", Some("ms"), MetricKind::Timer).unwrap();
        assert_eq!(said, "awake is a timer in ms now");
        edit(&context, "awake", None, MetricKind::Counter).unwrap();
        assert_eq!(now(), (None, MetricKind::Counter, UnitSource::Edited));
        let known = KnownBefore {
            unit: Some("s".to_owned()),
            kind: MetricKind::Gauge,
            is_defined: true,
        };
        assert_eq!(before(), Some(known));
        let said = take_back(&context, "awake").unwrap();
        assert_eq!(said, "awake is a gauge in s again");
        let first = (Some("s".to_owned()), MetricKind::Gauge, UnitSource::Defined);
        assert_eq!(now(), first);
        assert_eq!(before(), None);
        assert!(edit(&context, "no such", None, MetricKind::Gauge).is_err());
    }
}

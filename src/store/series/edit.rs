//! What a person says of a metric: it outlives what firmware and tables say.

use crate::model::metric::MetricKind;
use crate::store::error::StoreError;
use crate::store::open::Store;
use crate::store::series::UnitSource;
use rusqlite::params;

impl Store {
    /// Changes unit and kind of a metric; no unit takes it away. What is [`UnitSource::Edited`] outlives definitions, anything else
    /// takes such a change back. Answers whether there is such a metric.
    pub fn edit_metric(
        &self,
        metric: &str,
        unit: Option<&str>,
        kind: MetricKind,
        unit_is: UnitSource,
    ) -> Result<bool, StoreError> {
        self.write(|transaction| {
            let n = transaction.execute(
                "UPDATE metrics SET unit = ?2, kind = ?3, unit_is = ?4 WHERE name = ?1",
                params![metric, unit, kind.name(), unit_is.name()],
            )?;
            Ok(n > 0)
        })
    }
}

//! What a person says of a metric: it outlives what firmware and tables say.

use crate::model::metric::MetricKind;
use crate::store::error::StoreError;
use crate::store::open::Store;
use rusqlite::params;

impl Store {
    /// Changes unit and kind of a metric by hand; no unit takes it away. Answers whether there is such a metric.
    pub fn edit_metric(
        &self,
        metric: &str,
        unit: Option<&str>,
        kind: MetricKind,
    ) -> Result<bool, StoreError> {
        self.write(|transaction| {
            let n = transaction.execute(
                "UPDATE metrics SET unit = ?2, kind = ?3, unit_is = 'edited' WHERE name = ?1",
                params![metric, unit, kind.name()],
            )?;
            Ok(n > 0)
        })
    }
}

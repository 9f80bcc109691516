//! Whether a mapping that a person made can be used, and what a column holds, for whoever decides what it is.

use super::heartbeats::rounded;
use super::mapping::{ColumnMapping, Mapping, Role, TableUse, mapped, other_role};
use super::moment::unit_by_size;
use super::{ColumnKind, TableChunk, TableColumn, TimeUnit};
use crate::model::series::{Column, Values};
use std::collections::BTreeSet;

/// A longer value is cut where it is shown.
const LONGEST_EXAMPLE: usize = 40;

/// A column as it is seen by whoever decides what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleColumn {
    /// As the table calls it.
    pub name: String,
    pub kind: ColumnKind,
    /// The first value of it; `None`: the first rows have none.
    pub example: Option<String>,
}

/// The columns of a table, each with a value.
pub fn sample_columns(columns: &[TableColumn], sample: &TableChunk) -> Vec<SampleColumn> {
    let values = sample
        .columns
        .iter()
        .map(Some)
        .chain(std::iter::repeat(None));
    let column = |(column, values): (&TableColumn, Option<&Option<Column>>)| SampleColumn {
        name: column.name.clone(),
        kind: column.kind,
        example: values.and_then(Option::as_ref).and_then(example),
    };
    columns.iter().zip(values).map(column).collect()
}

impl SampleColumn {
    /// What its numbers count, if they tell a moment.
    pub fn time_unit(&self) -> TimeUnit {
        if let ColumnKind::Time(unit) = self.kind {
            return unit;
        }
        let value = self.example.as_deref().and_then(|text| text.parse().ok());
        unit_by_size(value.and_then(rounded).unwrap_or(0))
    }
}

fn example(column: &Column) -> Option<String> {
    let row = (0..column.values.len()).find(|row| column.is_present(*row))?;
    let text = match &column.values {
        Values::I32(values) => values.get(row)?.to_string(),
        Values::I64(values) => values.get(row)?.to_string(),
        Values::F32(values) => values.get(row)?.to_string(),
        Values::F64(values) => values.get(row)?.to_string(),
        Values::Text { index, names } => names.get(*index.get(row)? as usize)?.clone(),
    };
    Some(text.chars().take(LONGEST_EXAMPLE).collect())
}

/// What columns tell, whether one has to tell it, and which roles do.
type Told = (&'static str, bool, fn(Role) -> bool);

impl Mapping {
    /// The same columns in a table of which one row is something else. Who, when and what stay; what has no meaning there is guessed
    /// anew.
    #[must_use]
    pub fn used_as(&self, table_use: TableUse, columns: &[SampleColumn]) -> Self {
        let keeps = |role: Role| match role {
            Role::Device | Role::Time(_) | Role::Version | Role::Hardware | Role::Ignored => true,
            Role::Interval(_) | Role::Metric(_) => table_use == TableUse::Wide,
            Role::MetricName | Role::MetricValue => table_use == TableUse::Long,
            Role::Issue | Role::EventKind => table_use == TableUse::Events,
        };
        let mut notes = Vec::new();
        let columns = self.columns.iter().map(|own| {
            let known = columns.iter().find(|column| column.name == own.column);
            match known {
                Some(column) if !keeps(own.role) => {
                    let column = TableColumn {
                        name: column.name.clone(),
                        kind: column.kind,
                    };
                    let role = other_role(&column, table_use, &mut notes);
                    mapped(&column, role)
                }
                _ => own.clone(),
            }
        });
        Self {
            table_use,
            columns: columns.collect(),
            notes,
        }
    }

    /// Why a table cannot be read so, in words; `None`: it can.
    pub fn wrong(&self) -> Option<String> {
        let of = |is_it: fn(Role) -> bool| -> Vec<&ColumnMapping> {
            let columns = self.columns.iter();
            columns.filter(|column| is_it(column.role)).collect()
        };
        let roles: [Told; 9] = [
            ("the device", true, |role| role == Role::Device),
            ("the time", true, |role| matches!(role, Role::Time(_))),
            ("the version", false, |role| role == Role::Version),
            ("the hardware", false, |role| role == Role::Hardware),
            ("the interval", false, |role| {
                matches!(role, Role::Interval(_))
            }),
            (
                "the name of the metric",
                self.table_use == TableUse::Long,
                |role| role == Role::MetricName,
            ),
            (
                "the value of the metric",
                self.table_use == TableUse::Long,
                |role| role == Role::MetricValue,
            ),
            ("the issue", false, |role| role == Role::Issue),
            ("the kind of event", false, |role| role == Role::EventKind),
        ];
        for (what, is_needed, is_it) in roles {
            match of(is_it).as_slice() {
                [] if is_needed => return Some(format!("No column tells {what}.")),
                [one, other, ..] => {
                    return Some(format!(
                        "Two columns tell {what}: {} and {}.",
                        one.column, other.column
                    ));
                }
                _ => {}
            }
        }
        if self.table_use != TableUse::Wide {
            return None;
        }
        let mut names = BTreeSet::new();
        for column in of(|role| matches!(role, Role::Metric(_))) {
            if column.metric_name().trim().is_empty() {
                return Some(format!("The metric in {} has no name.", column.column));
            }
            if !names.insert(column.metric_name()) {
                return Some(format!(
                    "Two columns are the metric {}.",
                    column.metric_name()
                ));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{SampleColumn, sample_columns};
    use crate::formats::table::TimeUnit;
    use crate::formats::table::mapping::{ColumnMapping, Mapping, Role, TableUse};
    use crate::formats::table::reader::{Table, TableFormat};
    use crate::model::metric::MetricKind;

    fn mapping(table_use: TableUse, columns: &[(&str, Role, Option<&str>)]) -> Mapping {
        let column = |(column, role, name): &(&str, Role, Option<&str>)| ColumnMapping {
            column: (*column).to_owned(),
            role: *role,
            name: name.map(str::to_owned),
            unit: None,
        };
        Mapping {
            table_use,
            columns: columns.iter().map(column).collect(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn a_mapping_that_cannot_be_used_says_why() {
        use Role::{Device, Metric, MetricName, MetricValue, Time};
        let gauge = Metric(MetricKind::Gauge);
        let wrong = |table_use, columns: &[_]| mapping(table_use, columns).wrong();
        let (who, when) = (("who", Device, None), ("when", Time(None), None));
        assert_eq!(wrong(TableUse::Events, &[who, when]), None);
        for (table_use, columns, words) in [
            (TableUse::Wide, vec![when], "No column tells the device."),
            (TableUse::Events, vec![who], "No column tells the time."),
            (
                TableUse::Wide,
                vec![who, when, ("t", Time(None), None)],
                "Two columns tell the time: when and t.",
            ),
            (
                TableUse::Long,
                vec![who, when, ("v", MetricValue, None)],
                "No column tells the name of the metric.",
            ),
            (
                TableUse::Long,
                vec![who, when, ("n", MetricName, None)],
                "No column tells the value of the metric.",
            ),
            (
                TableUse::Wide,
                vec![who, when, ("a", gauge, None), ("b", gauge, Some("a"))],
                "Two columns are the metric a.",
            ),
            (
                TableUse::Wide,
                vec![who, when, ("a", gauge, Some(" "))],
                "The metric in a has no name.",
            ),
        ] {
            assert_eq!(wrong(table_use, &columns).as_deref(), Some(words));
        }
    }

    #[test]
    fn each_column_shows_its_first_value() {
        let bytes = b"who,when,t,none\n,1,2.5,\nDM1,2,3,\n".to_vec();
        let table = Table::open(&bytes, TableFormat::Csv).unwrap();
        let columns = sample_columns(table.columns(), table.sample());
        let examples: Vec<_> = columns
            .iter()
            .map(|column| (column.name.as_str(), column.example.as_deref()))
            .collect();
        let expected = [
            ("who", Some("DM1")),
            ("when", Some("1")),
            ("t", Some("2.5")),
            ("none", None),
        ];
        assert_eq!(examples, expected);
        // A number so small counts seconds since 1970.
        assert_eq!(columns[1].time_unit(), TimeUnit::Seconds);
        let later = SampleColumn {
            example: Some("1780272000000.5".to_owned()),
            ..columns[1].clone()
        };
        assert_eq!(later.time_unit(), TimeUnit::Milliseconds);
    }
}

//! What columns of a table can be, in words, for the window and the command line.

use super::{BadRow, ColumnKind, MappedBy, Role, TableUse, TimeUnit};
use crate::model::metric::MetricKind;

const UNITS: [TimeUnit; 4] = [
    TimeUnit::Seconds,
    TimeUnit::Milliseconds,
    TimeUnit::Microseconds,
    TimeUnit::Nanoseconds,
];

/// What a row of a table is.
pub fn use_words(table_use: TableUse) -> &'static str {
    match table_use {
        TableUse::Wide => "a heartbeat",
        TableUse::Long => "a value",
        TableUse::Events => "an event",
    }
}

/// What a column is taken as: `time, ms since 1970`, `metric: gauge`.
pub fn role_words(role: Role) -> String {
    match role {
        Role::Device => "device".to_owned(),
        Role::Time(None) => "time, a date".to_owned(),
        Role::Time(Some(unit)) => format!("time, {} since 1970", unit_words(unit)),
        Role::Version => "version".to_owned(),
        Role::Hardware => "hardware".to_owned(),
        Role::Interval(unit) => format!("interval, {}", unit_words(unit)),
        Role::Metric(kind) => format!("metric: {}", kind.name()),
        Role::MetricName => "name of the metric".to_owned(),
        Role::MetricValue => "value of the metric".to_owned(),
        Role::Issue => "issue".to_owned(),
        Role::EventKind => "kind of event".to_owned(),
        Role::Ignored => "left out".to_owned(),
    }
}

fn unit_words(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Seconds => "s",
        TimeUnit::Milliseconds => "ms",
        TimeUnit::Microseconds => "µs",
        TimeUnit::Nanoseconds => "ns",
    }
}

/// Who said what the columns of a table are: `read as on 2026-11-28`.
pub fn mapped_by_words(mapped_by: &MappedBy) -> String {
    match mapped_by {
        MappedBy::Names => "guessed from the names of its columns".to_owned(),
        MappedBy::Manifest => "read as fleet.json says".to_owned(),
        MappedBy::Before(when) => {
            let day = when.split('T').next().unwrap_or(when);
            format!("read as on {day}")
        }
        MappedBy::Person => "read as was said at its import".to_owned(),
    }
}

/// Where a row that was left out is: `line 17, byte 812`, `row 3`.
pub fn place_words(bad: &BadRow) -> String {
    match (bad.line, bad.offset) {
        (Some(line), Some(offset)) => format!("line {line}, byte {offset}"),
        (Some(line), None) => format!("line {line}"),
        _ => format!("row {}", bad.row),
    }
}

/// What a column of a kind can be in a table of a use.
pub fn roles_of(table_use: TableUse, kind: ColumnKind) -> Vec<Role> {
    let is_text = kind == ColumnKind::Text;
    let mut roles = vec![Role::Device];
    match kind {
        ColumnKind::Text => roles.push(Role::Time(None)),
        ColumnKind::Time(unit) => roles.push(Role::Time(Some(unit))),
        ColumnKind::Integer | ColumnKind::Float => {
            roles.extend(UNITS.map(|unit| Role::Time(Some(unit))));
        }
        ColumnKind::Boolean => {}
    }
    roles.extend([Role::Version, Role::Hardware]);
    match table_use {
        TableUse::Wide => {
            if matches!(kind, ColumnKind::Integer | ColumnKind::Float) {
                roles.extend(UNITS.map(Role::Interval));
            }
            if is_text {
                roles.push(Role::Metric(MetricKind::Text));
            } else {
                let kinds = [MetricKind::Gauge, MetricKind::Counter, MetricKind::Timer];
                roles.extend(kinds.map(Role::Metric));
            }
        }
        TableUse::Long => {
            if is_text {
                roles.push(Role::MetricName);
            }
            roles.push(Role::MetricValue);
        }
        TableUse::Events => roles.extend([Role::Issue, Role::EventKind]),
    }
    roles.push(Role::Ignored);
    roles
}

#[cfg(test)]
mod tests {
    use super::{BadRow, ColumnKind, MappedBy, Role, TableUse};
    use super::{mapped_by_words, place_words, role_words, roles_of};

    #[test]
    fn a_column_can_be_what_its_values_allow() {
        let words = |table_use, kind| -> Vec<String> {
            let roles = roles_of(table_use, kind);
            roles.into_iter().map(role_words).collect()
        };
        let long = words(TableUse::Long, ColumnKind::Text);
        let expected = [
            "device",
            "time, a date",
            "version",
            "hardware",
            "name of the metric",
            "value of the metric",
            "left out",
        ];
        assert_eq!(long, expected);
        let wide = words(TableUse::Wide, ColumnKind::Integer);
        assert!(wide.contains(&"interval, ms".to_owned()));
        assert!(wide.contains(&"metric: counter".to_owned()));
        assert!(!words(TableUse::Wide, ColumnKind::Boolean).contains(&"interval, s".to_owned()));
        assert!(!roles_of(TableUse::Events, ColumnKind::Text).contains(&Role::MetricName));
    }

    #[test]
    fn days_and_places_are_said() {
        let before = MappedBy::Before("2026-11-28T09:30:00Z".to_owned());
        assert_eq!(mapped_by_words(&before), "read as on 2026-11-28");
        let bad = BadRow {
            row: 3,
            line: Some(5),
            offset: Some(77),
            what: String::new(),
        };
        assert_eq!(place_words(&bad), "line 5, byte 77");
    }
}

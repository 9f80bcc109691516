//! What columns of a table can be, in words, for the window and the command line.

use super::{BadRow, ColumnKind, MappedBy, Role, SampleColumn, TableUse, TimeUnit};
use crate::model::metric::MetricKind;

/// Units of time, the longest first.
pub const TIME_UNITS: [TimeUnit; 4] = [
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

/// `ms`.
pub fn unit_words(unit: TimeUnit) -> &'static str {
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

/// The unit of time that a role has, where a person may choose it.
pub fn time_unit_of(role: Role) -> Option<TimeUnit> {
    match role {
        Role::Time(unit) => unit,
        Role::Interval(unit) => Some(unit),
        _ => None,
    }
}

/// The same role in another unit of time.
pub fn in_time_unit(role: Role, unit: TimeUnit) -> Role {
    match role {
        Role::Time(Some(_)) => Role::Time(Some(unit)),
        Role::Interval(_) => Role::Interval(unit),
        other => other,
    }
}

/// What a role is called where its unit of time stands beside it.
pub fn role_without_unit(role: Role) -> String {
    match role {
        Role::Time(Some(_)) => "time since 1970".to_owned(),
        Role::Interval(_) => "interval".to_owned(),
        other => role_words(other),
    }
}

/// What a column can be in a table of a use. It keeps the unit of time of what it is `now`.
pub fn roles_of(table_use: TableUse, column: &SampleColumn, now: Role) -> Vec<Role> {
    let is_text = column.kind == ColumnKind::Text;
    let is_number = matches!(column.kind, ColumnKind::Integer | ColumnKind::Float);
    let mut roles = vec![Role::Device];
    match (now, column.kind) {
        (Role::Time(_), _) => roles.push(now),
        (_, ColumnKind::Boolean) => {}
        (_, ColumnKind::Text) => roles.push(Role::Time(None)),
        _ => roles.push(Role::Time(Some(column.time_unit()))),
    }
    roles.extend([Role::Version, Role::Hardware]);
    match table_use {
        TableUse::Wide => {
            match now {
                Role::Interval(_) => roles.push(now),
                _ if is_number => roles.push(Role::Interval(TimeUnit::Seconds)),
                _ => {}
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
    use super::{BadRow, ColumnKind, MappedBy, Role, SampleColumn, TableUse, TimeUnit};
    use super::{in_time_unit, mapped_by_words, place_words, role_words, roles_of, time_unit_of};

    #[test]
    fn a_column_can_be_what_its_values_allow() {
        let column = |kind| SampleColumn {
            name: String::new(),
            kind,
            example: Some("1780272000000".to_owned()),
        };
        let words = |table_use, kind| -> Vec<String> {
            let roles = roles_of(table_use, &column(kind), Role::Ignored);
            roles.into_iter().map(role_words).collect()
        };
        let expected = [
            "device",
            "time, a date",
            "version",
            "hardware",
            "name of the metric",
            "value of the metric",
            "left out",
        ];
        assert_eq!(words(TableUse::Long, ColumnKind::Text), expected);
        let expected = [
            "device",
            "time, ms since 1970",
            "version",
            "hardware",
            "interval, s",
            "metric: gauge",
            "metric: counter",
            "metric: timer",
            "left out",
        ];
        assert_eq!(words(TableUse::Wide, ColumnKind::Integer), expected);
        assert!(!words(TableUse::Wide, ColumnKind::Boolean).contains(&"interval, s".to_owned()));
        // What it is now is one of them, with its unit.
        let now = Role::Time(Some(TimeUnit::Microseconds));
        let roles = roles_of(TableUse::Events, &column(ColumnKind::Integer), now);
        assert!(roles.contains(&now) && !roles.contains(&Role::MetricName));
        let other = in_time_unit(now, TimeUnit::Seconds);
        assert_eq!(time_unit_of(other), Some(TimeUnit::Seconds));
        assert_eq!(
            in_time_unit(Role::Time(None), TimeUnit::Seconds),
            Role::Time(None)
        );
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

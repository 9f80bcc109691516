//! The ids of blocks: day, metric, group of devices and type of values in one number, so that a day is one range of the table and
//! the blocks of a metric in it lie side by side.

use super::codec::ValueType;
use std::ops::{Range, RangeInclusive};

/// Devices of a group.
pub(super) const GROUP_DEVICES: u32 = 128;
/// Length of a day.
pub(super) const DAY_NS: i64 = 86_400_000_000_000;

/// What the rows of a cell are; not a metric.
pub(super) const TIME: u32 = 0;
/// Version of each row, by id.
pub(super) const VERSION: u32 = 1;
/// Hardware of each row, by id.
pub(super) const HARDWARE: u32 = 2;
/// Length of the interval of each row, nanoseconds.
pub(super) const INTERVAL: u32 = 3;
/// The first id of a metric.
pub(super) const FIRST_METRIC: u32 = 16;

/// Days are counted from here, so that all times of an i64 are positive.
const DAY_ZERO: i64 = 1 << 23;
const METRIC_BITS: u32 = 18;
const GROUP_BITS: u32 = 18;
const TYPE_BITS: u32 = 3;

/// Groups of a workspace at most.
pub(super) const MOST_GROUPS: u32 = 1 << GROUP_BITS;
/// Ids of metrics end here.
pub(super) const MOST_METRICS: u32 = 1 << METRIC_BITS;

/// A day of a group of devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CellKey {
    /// Days since 1970-01-01.
    pub(super) day: i64,
    pub(super) group: u32,
}

/// The day of a time.
pub(super) fn day_of(time_ns: i64) -> i64 {
    time_ns.div_euclid(DAY_NS)
}

/// All blocks of a day.
pub(super) fn ids_of_day(day: i64) -> RangeInclusive<i64> {
    let first = day_part(day);
    first..=first + ((1 << (METRIC_BITS + GROUP_BITS + TYPE_BITS)) - 1)
}

/// All blocks of a metric in a day.
pub(super) fn ids_of_metric(day: i64, metric: u32) -> RangeInclusive<i64> {
    let first = day_part(day) | i64::from(metric) << (GROUP_BITS + TYPE_BITS);
    first..=first + ((1 << (GROUP_BITS + TYPE_BITS)) - 1)
}

/// The blocks of a metric in a day, of some groups.
pub(super) fn ids_of_groups(day: i64, metric: u32, groups: &Range<u32>) -> RangeInclusive<i64> {
    let ids = ids_of_metric(day, metric);
    let first = ids.start() | i64::from(groups.start) << TYPE_BITS;
    let end = ids.start() + (i64::from(groups.end) << TYPE_BITS);
    first..=(end - 1).min(*ids.end())
}

/// The blocks of a metric in a cell: one for each type.
pub(super) fn ids_of_cell(cell: CellKey, metric: u32) -> RangeInclusive<i64> {
    let first = ids_of_metric(cell.day, metric).start() | i64::from(cell.group) << TYPE_BITS;
    first..=first + ((1 << TYPE_BITS) - 1)
}

/// The id of a block.
pub(super) fn block_id(cell: CellKey, metric: u32, value_type: ValueType) -> i64 {
    ids_of_cell(cell, metric).start() | i64::from(value_type.number())
}

/// The group of a block.
pub(super) fn group_of(id: i64) -> u32 {
    u32::try_from(id >> TYPE_BITS & ((1 << GROUP_BITS) - 1)).unwrap_or_default()
}

/// The day of a block.
pub(super) fn day_of_id(id: i64) -> i64 {
    (id >> (METRIC_BITS + GROUP_BITS + TYPE_BITS)) - DAY_ZERO
}

fn day_part(day: i64) -> i64 {
    (day + DAY_ZERO) << (METRIC_BITS + GROUP_BITS + TYPE_BITS)
}

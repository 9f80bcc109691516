//! When each device was heard of last, and what it said of itself then.

use super::cell::whole_or_zero;
use super::filter::{IdFilter, RowFilter};
use super::key::{HARDWARE, TIME, VERSION};
use super::packed_cell::PackedCell;
use super::scan::{Needs, scan};
use crate::model::series::Column;
use crate::store::error::StoreError;
use crate::store::reader::Reader;
use std::collections::BTreeMap;

/// The last heartbeat of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceEnd {
    /// Nanoseconds since 1970.
    pub time_ns: i64,
    /// The last version that it said.
    pub version: Option<String>,
    /// The last hardware that it said.
    pub hardware: Option<String>,
}

impl Reader {
    /// The last heartbeat of each device that has any, in the order of their numbers.
    pub fn device_ends(&self, filter: &RowFilter) -> Result<Vec<DeviceEnd>, StoreError> {
        let ids = IdFilter::new(self, filter)?;
        let needs = Needs {
            times: true,
            ..Needs::default()
        };
        let ends: BTreeMap<u32, i64> = scan(
            self,
            (TIME, &ids, needs),
            BTreeMap::new,
            |ends: &mut BTreeMap<u32, i64>, cell, decoder| {
                let times = cell.times(decoder)?;
                let selected = cell.selected(&ids, decoder)?;
                for (device, run) in cell.device_runs() {
                    let inside = selected.iter().rev().find_map(|range| {
                        let end = range.end.min(run.end);
                        (end > range.start.max(run.start)).then_some(end)
                    });
                    let last = inside.and_then(|end| times.get(end.checked_sub(1)?));
                    if let Some(last) = last {
                        newest(ends, device, *last);
                    }
                }
                Ok(())
            },
            |sum, part| {
                for (device, time) in part {
                    newest(sum, device, time);
                }
            },
        )?;
        let versions = self.last_ids(VERSION, &ids)?;
        let hardware = self.last_ids(HARDWARE, &ids)?;
        let (version_names, hardware_names) = (self.series_versions()?, self.series_hardware()?);
        let ends = ends.into_iter().map(|(device, time_ns)| {
            let version = versions.get(&device);
            let hardware = hardware.get(&device);
            DeviceEnd {
                time_ns,
                version: version.and_then(|(_, id)| version_names.get(id).cloned()),
                hardware: hardware.and_then(|(_, id)| hardware_names.get(id).cloned()),
            }
        });
        Ok(ends.collect())
    }

    /// The last id that each device said in a column of ids, with its time.
    fn last_ids(
        &self,
        column: u32,
        ids: &IdFilter,
    ) -> Result<BTreeMap<u32, (i64, u32)>, StoreError> {
        let needs = Needs {
            times: true,
            values: true,
            ..Needs::default()
        };
        type Last = BTreeMap<u32, (i64, u32)>;
        scan(
            self,
            (column, ids, needs),
            BTreeMap::new,
            |last: &mut Last, cell, decoder| {
                let times = cell.times(decoder)?;
                let selected = cell.selected(ids, decoder)?;
                for column in cell.values(decoder)? {
                    let said = whole_or_zero(&column);
                    let is_known = |row: usize| {
                        is_said(&column, &said, row)
                            && selected.iter().any(|range| range.contains(&row))
                    };
                    add_last(last, cell, &times, &said, is_known);
                }
                Ok(())
            },
            |sum, part| {
                for (device, own) in part {
                    let known = sum.entry(device).or_insert(own);
                    *known = (*known).max(own);
                }
            },
        )
    }
}

fn newest(ends: &mut BTreeMap<u32, i64>, device: u32, time: i64) {
    let known = ends.entry(device).or_insert(time);
    *known = (*known).max(time);
}

/// Id 0 is not known.
fn is_said(column: &Column, said: &[u32], row: usize) -> bool {
    column.is_present(row) && said.get(row).is_some_and(|id| *id > 0)
}

fn add_last(
    last: &mut BTreeMap<u32, (i64, u32)>,
    cell: &PackedCell,
    times: &[i64],
    said: &[u32],
    is_known: impl Fn(usize) -> bool,
) {
    for (device, run) in cell.device_runs() {
        let row = run.rev().find(|row| is_known(*row));
        let own = row.and_then(|row| Some((*times.get(row)?, *said.get(row)?)));
        if let Some(own) = own {
            let known = last.entry(device).or_insert(own);
            *known = (*known).max(own);
        }
    }
}

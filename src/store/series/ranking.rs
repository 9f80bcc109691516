//! Devices in the order of a metric.

use super::filter::{IdFilter, RowFilter};
use super::key::GROUP_DEVICES;
use super::packed_cell::{Cuts, PackedCell, with_values};
use super::scan::{Needs, scan};
use super::value_sum::ValueSum;
use crate::model::series::{Column, Values};
use crate::store::error::StoreError;
use crate::store::reader::Reader;
use std::collections::BTreeMap;
use std::ops::Range;

/// So many serial numbers are looked up one by one; of more, the table is walked.
const LOOKED_UP_MAX: usize = 500;

/// A device in a ranking.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceTotal {
    /// Serial number.
    pub serial: String,
    /// Exact sum, rounded once.
    pub sum: f64,
    /// Values.
    pub n_values: u64,
}

/// By what devices are ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopOrder {
    /// The greatest sum first.
    MostSum,
    /// The least sum first.
    LeastSum,
    /// The greatest mean first.
    MostMean,
    /// The least mean first.
    LeastMean,
}

/// Values of each device of a group, by its place.
type GroupValues = Vec<ValueSum>;

impl Reader {
    /// The devices at one end of a metric. Among devices of one value their serial numbers decide, so that the order in which they
    /// were imported does not.
    pub fn top_devices(
        &self,
        metric: &str,
        order: TopOrder,
        most: usize,
        filter: &RowFilter,
    ) -> Result<Vec<DeviceTotal>, StoreError> {
        let Some(metric) = self.metric(metric)? else {
            return Ok(Vec::new());
        };
        let filter = IdFilter::new(self, filter)?;
        let needs = Needs {
            values: true,
            ..Needs::default()
        };
        let totals: BTreeMap<u32, GroupValues> = scan(
            self,
            (metric.id, &filter, needs),
            BTreeMap::new,
            |totals: &mut BTreeMap<u32, GroupValues>, cell, decoder| {
                let selected = cell.selected(&filter, decoder)?;
                if selected.is_empty() {
                    return Ok(());
                }
                let group = totals
                    .entry(cell.key.group)
                    .or_insert_with(|| vec![ValueSum::default(); GROUP_DEVICES as usize]);
                for column in cell.values(decoder)? {
                    if !matches!(column.values, Values::Text { .. }) {
                        add_devices(group, cell, &column, &selected);
                    }
                }
                Ok(())
            },
            |sum, part| {
                for (group, stats) in part {
                    match sum.get_mut(&group) {
                        Some(known) => {
                            for (known, stats) in known.iter_mut().zip(&stats) {
                                known.merge(stats);
                            }
                        }
                        None => {
                            sum.insert(group, stats);
                        }
                    }
                }
            },
        )?;
        self.ranked(&totals, order, most)
    }

    /// The first of a ranking.
    fn ranked(
        &self,
        totals: &BTreeMap<u32, GroupValues>,
        order: TopOrder,
        most: usize,
    ) -> Result<Vec<DeviceTotal>, StoreError> {
        struct Ranked {
            key: f64,
            device: u32,
            sum: f64,
            n_values: u64,
        }
        let mut ranked: Vec<Ranked> = Vec::new();
        for (group, stats) in totals {
            for (slot, stats) in (0..).zip(stats).filter(|(_, stats)| stats.count > 0) {
                let sum = stats.sum();
                let mean = sum / stats.count as f64;
                let key = match order {
                    TopOrder::MostSum => -sum,
                    TopOrder::LeastSum => sum,
                    TopOrder::MostMean => -mean,
                    TopOrder::LeastMean => mean,
                };
                ranked.push(Ranked {
                    // NaN is neither much nor little: such devices come last. -0 is 0.
                    key: if key.is_nan() {
                        f64::INFINITY
                    } else {
                        key + 0.0
                    },
                    device: group * GROUP_DEVICES + slot,
                    sum,
                    n_values: stats.count,
                });
            }
        }
        let Some(last) = most.min(ranked.len()).checked_sub(1) else {
            return Ok(Vec::new());
        };
        let (_, limit, _) = ranked.select_nth_unstable_by(last, |a, b| a.key.total_cmp(&b.key));
        let limit = limit.key;
        ranked.retain(|device| device.key.total_cmp(&limit).is_le());
        let serials = if ranked.len() > LOOKED_UP_MAX {
            Some(self.series_serials()?)
        } else {
            None
        };
        let mut named: Vec<(f64, DeviceTotal)> = Vec::with_capacity(ranked.len());
        for device in ranked {
            let serial = match &serials {
                Some(serials) => serials.get(&device.device).cloned().unwrap_or_default(),
                None => self.series_serial(device.device)?,
            };
            let total = DeviceTotal {
                serial,
                sum: device.sum,
                n_values: device.n_values,
            };
            named.push((device.key, total));
        }
        named.sort_by(|a, b| {
            a.0.total_cmp(&b.0)
                .then_with(|| a.1.serial.cmp(&b.1.serial))
        });
        let named = named.into_iter().map(|(_, total)| total);
        Ok(named.take(most).collect())
    }
}

/// Adds the values of the selected rows of a cell to their devices.
fn add_devices(
    group: &mut [ValueSum],
    cell: &PackedCell,
    column: &Column,
    selected: &[Range<usize>],
) {
    let rows = with_values(column, selected);
    let mut cuts = Cuts::of(&rows);
    for (slot, run) in cell.runs() {
        if let Some(device) = group.get_mut(usize::from(slot)) {
            cuts.each(&run, |part| device.add(&column.values, part));
        }
    }
}

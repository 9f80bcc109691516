//! Heartbeats and events of one device or of a fleet, and the questions about them.
//!
//! Values lie in blocks, one for each metric, day (UTC) and group of 128 devices. The first block of a cell (a day of a group)
//! has its rows: a row is a device and a time. The others have the values of one column for those rows, packed by
//! `codec`, and beside them a summary by version, which answers what needs no single value. A summary is written with its
//! block, so it cannot be out of step.
//!
//! 1. The same row again corrects: a value that is there replaces, a value that is missing keeps what was there.
//! 2. Order of imports does not matter otherwise: sums are exact and rounded once (`exact_sum`), so that any order gives the
//!    same bits.
//! 3. A metric may have values of several types (an integer in one version, a float in the next): each type has a block of its
//!    own, and a row has a value in one of them.
//! 4. A cell that gets new rows is written anew, all in the transaction of the import.

mod bucket_totals;
mod bytes;
mod cell;
mod codec;
mod days;
mod device_ends;
mod device_rows;
mod device_run;
mod device_sum;
mod device_sums;
mod edit;
mod exact_sum;
mod expected;
mod filter;
mod frame;
mod histogram;
#[cfg(test)]
mod interleaving_tests;
mod key;
mod line;
mod loaded;
mod names;
mod packed_cell;
mod packers;
mod quantiles;
mod ranking;
mod scan;
mod summary;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod totals;
mod value_sum;
mod writer;

pub use bucket_totals::BucketTotal;
pub use days::StoredDay;
pub use device_ends::DeviceEnd;
pub use device_rows::{DeviceEvent, DeviceRows, LastSaid, StoredValue};
pub use device_sum::DeviceSum;
pub use filter::RowFilter;
pub use frame::SampleFrame;
pub use histogram::{Histogram, HistogramBin};
pub use line::{DeviceLine, LineSpan, Pixel};
pub use names::{MetricRow, UnitSource};
pub use quantiles::{Band, BandBucket, Bucket};
pub use ranking::{DeviceTotal, TopOrder};
pub use totals::{EventRate, FleetHours, MetricRange, VersionHours, VersionMean};
pub use writer::{SeriesTotals, SeriesWriter};

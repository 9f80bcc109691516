//! The line of one device: its values down-sampled to pixels.

use super::cell::add_to_stats;
use super::summary::Stats;
use crate::model::series::{Column, Values};
use crate::store::error::StoreError;
use crate::store::reader::Reader;

/// What part of a line is drawn, and how wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineSpan {
    /// Nanoseconds since 1970.
    pub from_ns: i64,
    /// Exclusive.
    pub to_ns: i64,
    /// Pixels.
    pub n_pixels: u32,
}

/// The values that fall on one pixel. There is none for a pixel without values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pixel {
    /// From 0.
    pub pixel: u32,
    /// Least value; `None` where all are NaN.
    pub min: Option<f64>,
    /// Greatest value.
    pub max: Option<f64>,
    /// Exact sum, rounded once, divided by the number of values.
    pub mean: f64,
    /// Values.
    pub count: u64,
}

/// The line of a device.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeviceLine {
    /// In order.
    pub pixels: Vec<Pixel>,
    /// Values.
    pub n_values: u64,
}

impl Reader {
    /// A metric of one device. A device or a metric that is not there has no pixels.
    pub fn device_line(
        &self,
        serial: &str,
        metric: &str,
        span: LineSpan,
    ) -> Result<DeviceLine, StoreError> {
        let (Some(number), Some(metric)) = (self.series_number(serial)?, self.metric(metric)?)
        else {
            return Ok(DeviceLine::default());
        };
        let mut pixels: Vec<(u32, Stats)> = Vec::new();
        let times = (span.from_ns, span.to_ns);
        self.for_each_run(number, times, &[metric.id], |mut run| {
            let times = run.times()?;
            for column in run.columns(metric.id)? {
                add_pixels(&mut pixels, &times, &column, span);
            }
            Ok(())
        })?;
        Ok(line_of(pixels))
    }
}

/// Adds the values of a device's rows to the pixels that they fall on.
fn add_pixels(pixels: &mut Vec<(u32, Stats)>, times: &[i64], column: &Column, span: LineSpan) {
    if matches!(column.values, Values::Text { .. }) {
        return;
    }
    for (at, time) in times.iter().enumerate() {
        let Some(pixel) = pixel_of(*time, span).filter(|_| column.is_present(at)) else {
            continue;
        };
        if pixels.last().is_none_or(|(last, _)| *last != pixel) {
            pixels.push((pixel, Stats::default()));
        }
        if let Some((_, stats)) = pixels.last_mut() {
            add_to_stats(stats, column, at..at + 1);
        }
    }
}

fn pixel_of(time_ns: i64, span: LineSpan) -> Option<u32> {
    let width = i128::from(span.to_ns) - i128::from(span.from_ns);
    let at = i128::from(time_ns) - i128::from(span.from_ns);
    if width <= 0 || at < 0 || at >= width {
        return None;
    }
    u32::try_from(at * i128::from(span.n_pixels) / width).ok()
}

fn line_of(mut pixels: Vec<(u32, Stats)>) -> DeviceLine {
    // Values of several types come one type after the other.
    pixels.sort_by_key(|(pixel, _)| *pixel);
    let mut line = DeviceLine::default();
    for same in pixels.chunk_by(|a, b| a.0 == b.0) {
        let mut stats = Stats::default();
        for (_, part) in same {
            stats.merge(part);
        }
        let extremes = stats.extremes.as_real();
        line.n_values += stats.count;
        line.pixels.push(Pixel {
            pixel: same.first().map_or(0, |(pixel, _)| *pixel),
            min: extremes.map(|(min, _)| min),
            max: extremes.map(|(_, max)| max),
            mean: stats.mean().unwrap_or(f64::NAN),
            count: stats.count,
        });
    }
    line
}

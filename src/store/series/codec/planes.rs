//! Integers of the devices of a block: as distances from the least of each device (frame of reference) or as steps from one
//! value to the next (delta), divided by their common factor, and then byte by byte: all lowest bytes, all second bytes.

use super::lane::Lane;
use crate::store::series::bytes::{ByteReader, Malformed, put_signed, put_varint};

/// A step below this share of the range is worth storing steps.
const STEPS_PER_RANGE: u64 = 4;

/// Room for the numbers of a block, kept from one block to the next.
#[derive(Default)]
pub(super) struct Room<T> {
    /// The first or the least value of each device.
    bases: Vec<T>,
    /// What is left of the values.
    distances: Vec<T>,
}

/// Room for both widths.
#[derive(Default)]
pub(super) struct Rooms {
    pub(super) narrow: Room<i32>,
    pub(super) wide: Room<i64>,
}

/// How values are stored.
struct Frame<T> {
    is_delta: bool,
    /// Least value of the block.
    least: T,
    /// Least step of the block.
    least_step: T,
    factor: u64,
}

/// Writes `values`, which lie one device behind the other; `runs` says how many each has. What is needed to read them goes to
/// `header`, and they to `body`.
pub(super) fn write<T: Lane>(
    values: &[T],
    runs: &[u32],
    rooms: &mut Rooms,
    (header, body): (&mut Vec<u8>, &mut Vec<u8>),
) {
    let frame = frame_of(values, runs);
    let Room { bases, distances } = T::room(rooms);
    bases.clear();
    distances.clear();
    for run in split(values, runs) {
        let Some((first, (least, _))) = run.first().copied().zip(T::extremes(run)) else {
            continue;
        };
        if frame.is_delta {
            bases.push(first.minus(frame.least));
            distances.push(T::default());
            let next = run.get(1..).unwrap_or_default();
            let steps = run.iter().zip(next);
            distances
                .extend(steps.map(|(before, value)| value.minus(*before).minus(frame.least_step)));
        } else {
            bases.push(least.minus(frame.least));
            distances.extend(run.iter().map(|value| value.minus(least)));
        }
    }
    if frame.factor > 1 {
        for number in bases.iter_mut().chain(distances.iter_mut()) {
            *number = number.divided(frame.factor);
        }
    }
    // All bits that any of them has.
    let used = |numbers: &[T]| {
        let bits = numbers
            .iter()
            .fold(T::default(), |all, number| all.or(*number));
        bits.above(T::default())
    };
    let (base_width, width) = (width_of(used(bases)), width_of(used(distances)));
    header.extend([u8::from(frame.is_delta), base_width, width]);
    put_varint(header, frame.factor);
    put_signed(header, frame.least.to_i64());
    put_signed(header, frame.least_step.to_i64());
    for (numbers, width) in [(bases, base_width), (distances, width)] {
        for k in 0..usize::from(width) {
            body.extend(numbers.iter().map(|number| number.byte(k)));
        }
    }
}

/// The part of a header that [`write()`] wrote.
pub(super) struct Layout<T> {
    frame: Frame<T>,
    base_width: usize,
    width: usize,
}

impl<T: Lane> Layout<T> {
    pub(super) fn read(header: &mut ByteReader<'_>) -> Result<Self, Malformed> {
        let [delta, base_width, width] = header.array()?;
        let factor = header.varint()?;
        let number = |number: i64| T::from_i64(number).ok_or(Malformed("a value is too large"));
        let frame = Frame {
            is_delta: delta == 1,
            factor,
            least: number(header.signed()?)?,
            least_step: number(header.signed()?)?,
        };
        let (base_width, width) = (usize::from(base_width), usize::from(width));
        if base_width > T::BYTES || width > T::BYTES || delta > 1 || factor == 0 {
            return Err(Malformed("its layout is not known"));
        }
        Ok(Self {
            frame,
            base_width,
            width,
        })
    }

    /// Bytes of the body.
    pub(super) fn n_bytes(&self, n_values: usize, runs: &[u32]) -> usize {
        self.base_width * n_used(runs) + self.width * n_values
    }

    /// All values.
    pub(super) fn values(
        &self,
        body: &[u8],
        runs: &[u32],
        n_values: usize,
    ) -> Result<Vec<T>, Malformed> {
        let mut reader = ByteReader::new(body);
        let bases: Vec<T> = read_planes(&mut reader, self.base_width, n_used(runs))?;
        let mut values: Vec<T> = read_planes(&mut reader, self.width, n_values)?;
        let mut rest = values.as_mut_slice();
        for (n, base) in runs.iter().filter(|n| **n > 0).zip(bases) {
            let (run, after) = rest
                .split_at_mut_checked(*n as usize)
                .ok_or(Malformed("a run is too long"))?;
            self.undo(run, base);
            rest = after;
        }
        Ok(values)
    }

    /// The values of one device alone.
    pub(super) fn values_of_run(
        &self,
        body: &[u8],
        runs: &[u32],
        run: usize,
    ) -> Result<Vec<T>, Malformed> {
        let n_values: usize = runs.iter().map(|n| *n as usize).sum();
        let start: usize = runs.iter().take(run).map(|n| *n as usize).sum();
        let n = runs.get(run).map_or(0, |n| *n as usize);
        if n == 0 {
            return Ok(Vec::new());
        }
        let position = runs.iter().take(run).filter(|n| **n > 0).count();
        let (bases, distances) = body
            .split_at_checked(self.base_width * n_used(runs))
            .ok_or(Malformed("it ends too early"))?;
        let base = gathered::<T>(bases, self.base_width, n_used(runs), position, 1)?;
        let mut values = gathered::<T>(distances, self.width, n_values, start, n)?;
        self.undo(&mut values, base.first().copied().unwrap_or_default());
        Ok(values)
    }

    fn undo(&self, run: &mut [T], base: T) {
        let frame = &self.frame;
        let factor = T::from_bits(frame.factor);
        if frame.factor > 1 {
            for value in run.iter_mut() {
                *value = value.times(factor);
            }
        }
        let base = base.times(factor).plus(frame.least);
        if !frame.is_delta {
            for value in run {
                *value = value.plus(base);
            }
            return;
        }
        let mut before = base;
        let mut values = run.iter_mut();
        if let Some(first) = values.next() {
            *first = base;
        }
        for value in values {
            before = before.plus(value.plus(frame.least_step));
            *value = before;
        }
    }
}

fn n_used(runs: &[u32]) -> usize {
    runs.iter().filter(|n| **n > 0).count()
}

fn split<'v, T>(values: &'v [T], runs: &[u32]) -> impl Iterator<Item = &'v [T]> {
    let mut rest = values;
    runs.iter().map(move |n| {
        let (run, after) = rest.split_at_checked(*n as usize).unwrap_or((rest, &[]));
        rest = after;
        run
    })
}

fn frame_of<T: Lane>(values: &[T], runs: &[u32]) -> Frame<T> {
    let (least, most) = T::extremes(values).unwrap_or_default();
    let (mut steps, mut ranges) = (0_u64, 0_u64);
    let mut least_step: Option<T> = None;
    for run in split(values, runs) {
        let Some((low, high)) = T::extremes(run) else {
            continue;
        };
        ranges = ranges.saturating_add(high.above(low).saturating_mul(run.len() as u64));
        let (sum, step) = T::steps(run);
        steps = steps.saturating_add(sum);
        least_step = match (least_step, step) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
    Frame {
        is_delta: steps < ranges / STEPS_PER_RANGE,
        least,
        least_step: least_step.unwrap_or_default(),
        factor: if most.above(least) > T::SPAN_MAX {
            1
        } else {
            common_factor(values, least)
        },
    }
}

/// The greatest number that divides every distance from `least`; 1 where there is none.
fn common_factor<T: Lane>(values: &[T], least: T) -> u64 {
    let mut factor = 0;
    for value in values {
        let distance = value.above(least);
        if factor == 0 || distance % factor != 0 {
            factor = gcd(factor, distance);
            if factor == 1 {
                break;
            }
        }
    }
    factor.max(1)
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn width_of(top: u64) -> u8 {
    u8::try_from((u64::BITS - top.leading_zeros()).div_ceil(8)).unwrap_or(8)
}

fn read_planes<T: Lane>(
    reader: &mut ByteReader<'_>,
    width: usize,
    n: usize,
) -> Result<Vec<T>, Malformed> {
    match width {
        0 => Ok(vec![T::default(); n]),
        1 => Ok(reader
            .take(n)?
            .iter()
            .map(|byte| T::of_byte(*byte, 0))
            .collect()),
        2 => {
            let (low, high) = (reader.take(n)?, reader.take(n)?);
            let both = low.iter().zip(high);
            Ok(both
                .map(|(low, high)| T::of_byte(*low, 0).or(T::of_byte(*high, 1)))
                .collect())
        }
        _ => {
            let mut numbers = vec![T::default(); n];
            for k in 0..width {
                for (number, byte) in numbers.iter_mut().zip(reader.take(n)?) {
                    *number = number.or(T::of_byte(*byte, k));
                }
            }
            Ok(numbers)
        }
    }
}

/// Numbers `start..start + n` of planes of `n_all` numbers.
fn gathered<T: Lane>(
    body: &[u8],
    width: usize,
    n_all: usize,
    start: usize,
    n: usize,
) -> Result<Vec<T>, Malformed> {
    let mut numbers = vec![T::default(); n];
    for k in 0..width {
        let from = k * n_all + start;
        let plane = body
            .get(from..from + n)
            .ok_or(Malformed("it ends too early"))?;
        for (number, byte) in numbers.iter_mut().zip(plane) {
            *number = number.or(T::of_byte(*byte, k));
        }
    }
    Ok(numbers)
}

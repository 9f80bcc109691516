//! A column of one block as bytes. Pure: it knows no table. What is written is read again bit for bit.
//!
//! A blob is: type, flags, power of ten, number of values, the layout of [`planes`], and the body, compressed with zstd
//! where that is shorter. The body is the bitmap of the rows with a value (where any has none), the planes, and the names of a text.

mod lane;
mod planes;
#[cfg(test)]
mod tests;

use crate::model::series::{Column, Values};
use crate::store::series::bytes::{ByteReader, Malformed, put_varint};
use lane::Lane;
use planes::{Layout, Rooms};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Rows of a block at most: a damaged file cannot ask for more memory than they need.
pub(super) const MOST_ROWS: usize = 1 << 21;
/// Bytes of the names of a block of texts at most.
const MOST_NAME_BYTES: usize = 16 << 20;
/// Higher levels are slower and save under two per cent.
const ZSTD_LEVEL: i32 = 1;
const FLAG_NULLS: u8 = 1;
const FLAG_ZSTD: u8 = 2;
/// In place of a power of ten: the bits of a float are stored.
const AS_BITS: u8 = 0xff;
/// Floats are looked at as whole numbers of 10^-k, for these k.
const POWERS: [u8; 6] = [0, 1, 2, 3, 4, 6];
/// Whole numbers up to here are exact in an f64.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// The types of values, as they are numbered in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ValueType {
    I32,
    I64,
    F32,
    F64,
    Text,
}

impl ValueType {
    pub(super) const ALL: [Self; 5] = [Self::I32, Self::I64, Self::F32, Self::F64, Self::Text];

    pub(super) fn of(values: &Values) -> Self {
        match values {
            Values::I32(_) => Self::I32,
            Values::I64(_) => Self::I64,
            Values::F32(_) => Self::F32,
            Values::F64(_) => Self::F64,
            Values::Text { .. } => Self::Text,
        }
    }

    pub(super) fn number(self) -> u8 {
        match self {
            Self::I32 => 0,
            Self::I64 => 1,
            Self::F32 => 2,
            Self::F64 => 3,
            Self::Text => 4,
        }
    }
}

/// Writes blobs; keeps what compression needs between them, and all room.
pub(super) struct Encoder {
    zstd: zstd::bulk::Compressor<'static>,
    rooms: Rooms,
    body: Vec<u8>,
    packed: Vec<u8>,
}

impl Encoder {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self {
            zstd: zstd::bulk::Compressor::new(ZSTD_LEVEL)?,
            rooms: Rooms::default(),
            body: Vec::new(),
            packed: Vec::new(),
        })
    }

    /// Writes the values of a block. `runs` says how many rows each device has, one behind the other.
    pub(super) fn encode(&mut self, column: &Column, runs: &[u32]) -> std::io::Result<Vec<u8>> {
        let (rooms, body) = (&mut self.rooms, &mut self.body);
        body.clear();
        let mut flags = 0;
        let column = if column.present.is_some() {
            flags |= FLAG_NULLS;
            body.extend(bitmap(column));
            let (values, runs) = without_nulls(column, runs);
            (Cow::Owned(values), Cow::Owned(runs))
        } else {
            (Cow::Borrowed(&column.values), Cow::Borrowed(runs))
        };
        let (values, runs) = (column.0.as_ref(), column.1.as_ref());
        let mut layout = Vec::with_capacity(32);
        let to = (&mut layout, &mut *body);
        let mut power = 0;
        match values {
            Values::I32(values) => planes::write(values, runs, rooms, to),
            Values::I64(values) => planes::write(values, runs, rooms, to),
            Values::F32(values) => power = float_planes(values, runs, rooms, to),
            Values::F64(values) => power = float_planes(values, runs, rooms, to),
            Values::Text { index, names } => {
                let (index, names) = used_names(index, names);
                planes::write(&index, runs, rooms, to);
                if names.len() > MOST_NAME_BYTES {
                    let what = "a text metric has more than 16 MiB of different texts in one day of 128 devices; leave it out";
                    return Err(std::io::Error::other(what));
                }
                put_varint(&mut layout, names.len() as u64);
                body.extend(names);
            }
        }
        let most = zstd::zstd_safe::compress_bound(body.len());
        if self.packed.len() < most {
            self.packed.resize(most, 0);
        }
        let n_packed = self
            .zstd
            .compress_to_buffer(body.as_slice(), self.packed.as_mut_slice())?;
        let stored = if n_packed < body.len() {
            flags |= FLAG_ZSTD;
            self.packed.get(..n_packed).unwrap_or_default()
        } else {
            body.as_slice()
        };
        let mut header = vec![ValueType::of(values).number(), flags, power];
        put_varint(&mut header, values.len() as u64);
        Ok([header.as_slice(), layout.as_slice(), stored].concat())
    }
}

/// Reads blobs; keeps what decompression needs between them.
pub(super) struct Decoder {
    zstd: zstd::bulk::Decompressor<'static>,
    body: Vec<u8>,
}

impl Decoder {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self {
            zstd: zstd::bulk::Decompressor::new()?,
            body: Vec::new(),
        })
    }

    /// All rows of a block.
    pub(super) fn decode(&mut self, blob: &[u8], runs: &[u32]) -> Result<Column, Malformed> {
        self.decode_part(blob, runs, None)
    }

    /// The rows of one device of a block: `run` is its place in `runs`.
    pub(super) fn decode_run(
        &mut self,
        blob: &[u8],
        runs: &[u32],
        run: usize,
    ) -> Result<Column, Malformed> {
        self.decode_part(blob, runs, Some(run))
    }

    fn decode_part(
        &mut self,
        blob: &[u8],
        runs: &[u32],
        run: Option<usize>,
    ) -> Result<Column, Malformed> {
        let n_rows = runs
            .iter()
            .try_fold(0_usize, |sum, n| sum.checked_add(*n as usize));
        let n_rows = n_rows
            .filter(|n| *n <= MOST_ROWS)
            .ok_or(Malformed("it has too many rows"))?;
        let mut reader = ByteReader::new(blob);
        let [kind, flags, power] = reader.array()?;
        match kind {
            0 | 2 | 4 => self.typed::<i32>(reader, (kind, flags, power), (runs, n_rows, run)),
            1 | 3 => self.typed::<i64>(reader, (kind, flags, power), (runs, n_rows, run)),
            _ => Err(Malformed("its type is not known")),
        }
    }

    fn typed<T: LaneValues>(
        &mut self,
        mut reader: ByteReader<'_>,
        (kind, flags, power): (u8, u8, u8),
        (runs, n_rows, run): (&[u32], usize, Option<usize>),
    ) -> Result<Column, Malformed> {
        if flags & !(FLAG_NULLS | FLAG_ZSTD) != 0 {
            return Err(Malformed("its flags are not known"));
        }
        let n_stored = reader.length(n_rows)?;
        let layout = Layout::<T>::read(&mut reader)?;
        let n_name_bytes = if kind == 4 {
            reader.length(MOST_NAME_BYTES)?
        } else {
            0
        };
        let n_bitmap = if flags & FLAG_NULLS == 0 {
            0
        } else {
            n_rows.div_ceil(64) * 8
        };
        // Without nulls this is exact; with them, as much as it can be.
        let most = n_bitmap + layout.n_bytes(n_rows, runs) + n_name_bytes;
        let packed = reader.rest();
        let body = if flags & FLAG_ZSTD == 0 {
            packed
        } else {
            if self.body.len() < most {
                self.body.resize(most, 0);
            }
            let n = self
                .zstd
                .decompress_to_buffer(packed, self.body.get_mut(..most).unwrap_or_default())
                .map_err(|_damaged| Malformed("it cannot be decompressed"))?;
            self.body.get(..n).unwrap_or_default()
        };
        let (bits, body) = body
            .split_at_checked(n_bitmap)
            .ok_or(Malformed("it ends too early"))?;
        let bits: Option<Vec<u64>> = (n_bitmap > 0).then(|| {
            let (words, _) = bits.as_chunks::<8>();
            words.iter().map(|word| u64::from_le_bytes(*word)).collect()
        });
        let counted = bits.as_ref().map(|bits| present_runs(bits, runs));
        let value_runs = counted.as_deref().unwrap_or(runs);
        let n_values: usize = value_runs.iter().map(|n| *n as usize).sum();
        let n_bytes = layout.n_bytes(n_values, value_runs);
        if n_values != n_stored || body.len() != n_bytes + n_name_bytes {
            return Err(Malformed("its length is not that of its rows"));
        }
        let (body, names) = body
            .split_at_checked(n_bytes)
            .ok_or(Malformed("it ends too early"))?;
        let numbers = match run {
            None => layout.values(body, value_runs, n_values)?,
            Some(run) => layout.values_of_run(body, value_runs, run)?,
        };
        let mut column = Column {
            values: T::into_values(numbers, kind, power, names)?,
            present: None,
        };
        if let Some(bits) = bits {
            let (start, n) = match run {
                None => (0, n_rows),
                Some(run) => (
                    runs.iter().take(run).map(|n| *n as usize).sum(),
                    runs.get(run).map_or(0, |n| *n as usize),
                ),
            };
            column = with_nulls(column.values, &bits, start, n);
        }
        Ok(column)
    }
}

/// What becomes of the integers of a block.
trait LaneValues: Lane {
    fn into_values(
        numbers: Vec<Self>,
        kind: u8,
        power: u8,
        names: &[u8],
    ) -> Result<Values, Malformed>;
}

impl LaneValues for i32 {
    fn into_values(
        numbers: Vec<Self>,
        kind: u8,
        power: u8,
        names: &[u8],
    ) -> Result<Values, Malformed> {
        match kind {
            0 => Ok(Values::I32(numbers)),
            2 => Ok(Values::F32(floats(&numbers, power)?)),
            _ => {
                let names = read_names(names)?;
                let index: Option<Vec<u32>> = numbers
                    .iter()
                    .map(|number| {
                        u32::try_from(*number)
                            .ok()
                            .filter(|n| (*n as usize) < names.len())
                    })
                    .collect();
                let index = index.ok_or(Malformed("a text has no name"))?;
                Ok(Values::Text { index, names })
            }
        }
    }
}

impl LaneValues for i64 {
    fn into_values(
        numbers: Vec<Self>,
        kind: u8,
        power: u8,
        _names: &[u8],
    ) -> Result<Values, Malformed> {
        match kind {
            1 => Ok(Values::I64(numbers)),
            _ => Ok(Values::F64(floats(&numbers, power)?)),
        }
    }
}

/// A float and the integer that has its bits.
trait Float: Copy {
    type Bits: Lane;
    fn bits(self) -> Self::Bits;
    fn of_bits(bits: Self::Bits) -> Self;
    /// The whole number of `1 / scale` that it is, if it is one.
    fn whole(self, scale: f64) -> Option<Self::Bits>;
    fn of_whole(whole: Self::Bits, scale: f64) -> Self;
}

impl Float for f32 {
    type Bits = i32;

    fn bits(self) -> i32 {
        self.to_bits().cast_signed()
    }

    fn of_bits(bits: i32) -> Self {
        Self::from_bits(bits.cast_unsigned())
    }

    fn whole(self, scale: f64) -> Option<i32> {
        let rounded = (f64::from(self) * scale).round_ties_even();
        if rounded.abs() > f64::from(i32::MAX) || rounded.is_nan() {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "a whole number in range")]
        let whole = rounded as i32;
        (Self::of_whole(whole, scale).to_bits() == self.to_bits()).then_some(whole)
    }

    #[expect(clippy::cast_possible_truncation, reason = "rounded as the value was")]
    fn of_whole(whole: i32, scale: f64) -> Self {
        (f64::from(whole) / scale) as Self
    }
}

impl Float for f64 {
    type Bits = i64;

    fn bits(self) -> i64 {
        self.to_bits().cast_signed()
    }

    fn of_bits(bits: i64) -> Self {
        Self::from_bits(bits.cast_unsigned())
    }

    fn whole(self, scale: f64) -> Option<i64> {
        let rounded = (self * scale).round_ties_even();
        if rounded.abs() > EXACT_MAX || rounded.is_nan() {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "a whole number in range")]
        let whole = rounded as i64;
        (Self::of_whole(whole, scale).to_bits() == self.to_bits()).then_some(whole)
    }

    fn of_whole(whole: i64, scale: f64) -> Self {
        whole as Self / scale
    }
}

/// Writes floats as whole numbers of a power of ten, which is answered, or as their bits.
fn float_planes<F: Float>(
    values: &[F],
    runs: &[u32],
    rooms: &mut Rooms,
    to: (&mut Vec<u8>, &mut Vec<u8>),
) -> u8 {
    // The first values tell which power may do; then all of them have to agree.
    let sample = values.get(..16).unwrap_or(values);
    for power in POWERS {
        let scale = 10_f64.powi(i32::from(power));
        if sample.iter().any(|value| value.whole(scale).is_none()) {
            continue;
        }
        let whole: Option<Vec<F::Bits>> = values.iter().map(|value| value.whole(scale)).collect();
        if let Some(whole) = whole {
            planes::write(&whole, runs, rooms, to);
            return power;
        }
    }
    let bits: Vec<F::Bits> = values.iter().map(|value| value.bits()).collect();
    planes::write(&bits, runs, rooms, to);
    AS_BITS
}

fn floats<F: Float>(numbers: &[F::Bits], power: u8) -> Result<Vec<F>, Malformed> {
    if power == AS_BITS {
        return Ok(numbers.iter().map(|number| F::of_bits(*number)).collect());
    }
    if power > 9 {
        return Err(Malformed("its power of ten is not known"));
    }
    let scale = 10_f64.powi(i32::from(power));
    Ok(numbers
        .iter()
        .map(|number| F::of_whole(*number, scale))
        .collect())
}

fn bitmap(column: &Column) -> Vec<u8> {
    let n_rows = column.values.len();
    let bits = column.present.as_deref().unwrap_or_default();
    let words = (0..n_rows.div_ceil(64)).map(|word| {
        let used = n_rows - word * 64;
        let mask = if used >= 64 {
            u64::MAX
        } else {
            (1 << used) - 1
        };
        bits.get(word).copied().unwrap_or_default() & mask
    });
    words.flat_map(u64::to_le_bytes).collect()
}

fn present_runs(bits: &[u64], runs: &[u32]) -> Vec<u32> {
    let mut row = 0;
    runs.iter()
        .map(|n| {
            let end = row + *n as usize;
            let mut count = 0;
            while row < end {
                count += u32::from(
                    bits.get(row / 64)
                        .is_some_and(|word| word >> (row % 64) & 1 == 1),
                );
                row += 1;
            }
            count
        })
        .collect()
}

fn without_nulls(column: &Column, runs: &[u32]) -> (Values, Vec<u32>) {
    fn keep<T: Copy>(column: &Column, values: &[T]) -> Vec<T> {
        let rows = values.iter().enumerate();
        rows.filter(|(row, _)| column.is_present(*row))
            .map(|(_, value)| *value)
            .collect()
    }
    let values = match &column.values {
        Values::I32(values) => Values::I32(keep(column, values)),
        Values::I64(values) => Values::I64(keep(column, values)),
        Values::F32(values) => Values::F32(keep(column, values)),
        Values::F64(values) => Values::F64(keep(column, values)),
        Values::Text { index, names } => Values::Text {
            index: keep(column, index),
            names: names.clone(),
        },
    };
    let bits = column.present.as_deref().unwrap_or_default();
    (values, present_runs(bits, runs))
}

fn with_nulls(values: Values, bits: &[u64], start: usize, n: usize) -> Column {
    fn spread<T: Copy + Default>(values: Vec<T>, present: &[u64], n: usize) -> Vec<T> {
        let mut values = values.into_iter();
        let is_present = |row: usize| {
            present
                .get(row / 64)
                .is_some_and(|word| word >> (row % 64) & 1 == 1)
        };
        (0..n)
            .map(|row| {
                if is_present(row) {
                    values.next().unwrap_or_default()
                } else {
                    T::default()
                }
            })
            .collect()
    }
    let mut present = vec![0_u64; n.div_ceil(64)];
    for row in 0..n {
        let at = start + row;
        if bits
            .get(at / 64)
            .is_some_and(|word| word >> (at % 64) & 1 == 1)
            && let Some(word) = present.get_mut(row / 64)
        {
            *word |= 1 << (row % 64);
        }
    }
    let values = match values {
        Values::I32(values) => Values::I32(spread(values, &present, n)),
        Values::I64(values) => Values::I64(spread(values, &present, n)),
        Values::F32(values) => Values::F32(spread(values, &present, n)),
        Values::F64(values) => Values::F64(spread(values, &present, n)),
        Values::Text { index, names } => Values::Text {
            index: spread(index, &present, n),
            names,
        },
    };
    Column {
        values,
        present: Some(present),
    }
}

/// The names that are used, sorted, as bytes, and the index into them.
fn used_names(index: &[u32], names: &[String]) -> (Vec<i32>, Vec<u8>) {
    let mut used: BTreeMap<&str, i32> = BTreeMap::new();
    for name in index.iter().filter_map(|i| names.get(*i as usize)) {
        used.entry(name).or_default();
    }
    let mut bytes = Vec::new();
    for (number, (name, place)) in (0..).zip(&mut used) {
        *place = number;
        put_varint(&mut bytes, name.len() as u64);
        bytes.extend(name.as_bytes());
    }
    let index = index
        .iter()
        .map(|i| {
            names
                .get(*i as usize)
                .and_then(|name| used.get(name.as_str()))
                .copied()
                .unwrap_or_default()
        })
        .collect();
    (index, bytes)
}

fn read_names(bytes: &[u8]) -> Result<Vec<String>, Malformed> {
    let mut reader = ByteReader::new(bytes);
    let mut names = Vec::new();
    while !reader.is_empty() {
        let n = reader.length(bytes.len())?;
        let name = std::str::from_utf8(reader.take(n)?)
            .map_err(|_bytes| Malformed("a text is not UTF-8"))?;
        names.push(name.to_owned());
    }
    Ok(names)
}

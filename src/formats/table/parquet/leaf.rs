//! One column of a Parquet file: what it is, and its values as a [`Column`].

use super::pages::ColumnPages;
use crate::formats::table::{ColumnKind, TimeUnit};
use crate::model::series::{Column, Values};
use parquet::basic::{ConvertedType, LogicalType, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::DataType;
use parquet::errors::{ParquetError, Result};
use parquet::schema::types::{ColumnDescPtr, ColumnDescriptor};
use std::collections::BTreeMap;

/// How the stored values become ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conversion {
    /// Signed integers and floats, as they are.
    AsIs,
    /// The bits of an unsigned integer.
    Unsigned,
    /// Days since 1970-01-01.
    Days,
    /// Integers with so many digits behind the point.
    Decimal(u32),
    Boolean,
    /// Nanoseconds and day of Impala's timestamps.
    Int96,
    Text,
    /// Two bytes.
    Half,
    /// Sixteen bytes.
    Uuid,
}

/// What a column is, or in words why it is not read.
pub(super) fn kind_of(column: &ColumnDescriptor) -> Result<(ColumnKind, Conversion), String> {
    if column.max_rep_level() > 0 {
        return Err("it holds lists; one value a row is read".to_owned());
    }
    let logical = column.logical_type_ref();
    let converted = column.converted_type();
    let decimal = match (logical, converted) {
        (Some(LogicalType::Decimal(decimal)), _) => Some(decimal.scale),
        (None, ConvertedType::DECIMAL) => Some(column.type_scale()),
        _ => None,
    };
    let is_unsigned = match logical {
        Some(LogicalType::Integer(integer)) => !integer.is_signed,
        _ => matches!(
            converted,
            ConvertedType::UINT_8
                | ConvertedType::UINT_16
                | ConvertedType::UINT_32
                | ConvertedType::UINT_64
        ),
    };
    Ok(match column.physical_type() {
        Type::BOOLEAN => (ColumnKind::Boolean, Conversion::Boolean),
        Type::FLOAT | Type::DOUBLE => (ColumnKind::Float, Conversion::AsIs),
        Type::INT96 => (ColumnKind::Time(TimeUnit::Nanoseconds), Conversion::Int96),
        Type::BYTE_ARRAY if decimal.is_none() => (ColumnKind::Text, Conversion::Text),
        Type::FIXED_LEN_BYTE_ARRAY => match (logical, column.type_length()) {
            (Some(LogicalType::Uuid), 16) => (ColumnKind::Text, Conversion::Uuid),
            (Some(LogicalType::Float16), 2) => (ColumnKind::Float, Conversion::Half),
            _ => {
                return Err(format!(
                    "values of {} raw bytes are not read",
                    column.type_length()
                ));
            }
        },
        Type::INT32
            if matches!(logical, Some(LogicalType::Date)) || converted == ConvertedType::DATE =>
        {
            (ColumnKind::Time(TimeUnit::Seconds), Conversion::Days)
        }
        Type::INT32 | Type::INT64 => match (time_unit(logical, converted), decimal) {
            (Some(unit), _) => (ColumnKind::Time(unit), Conversion::AsIs),
            (None, Some(0)) => (ColumnKind::Integer, Conversion::AsIs),
            (None, Some(scale)) => {
                let scale = u32::try_from(scale)
                    .map_err(|_negative| "its decimals have no scale".to_owned())?;
                (ColumnKind::Float, Conversion::Decimal(scale))
            }
            (None, None) if is_unsigned => (ColumnKind::Integer, Conversion::Unsigned),
            (None, None) => (ColumnKind::Integer, Conversion::AsIs),
        },
        Type::BYTE_ARRAY => return Err("decimals of many digits are not read".to_owned()),
    })
}

fn time_unit(logical: Option<&LogicalType>, converted: ConvertedType) -> Option<TimeUnit> {
    use parquet::basic::TimeUnit as Stored;
    match (logical, converted) {
        (Some(LogicalType::Timestamp(time)), _) => Some(match time.unit {
            Stored::MILLIS => TimeUnit::Milliseconds,
            Stored::MICROS => TimeUnit::Microseconds,
            Stored::NANOS => TimeUnit::Nanoseconds,
        }),
        (_, ConvertedType::TIMESTAMP_MILLIS) => Some(TimeUnit::Milliseconds),
        (_, ConvertedType::TIMESTAMP_MICROS) => Some(TimeUnit::Microseconds),
        _ => None,
    }
}

/// The values of one column in one row group, from the first row on.
pub(super) struct Leaf {
    reader: ColumnReader,
    conversion: Conversion,
}

impl Leaf {
    pub(super) fn new(column: ColumnDescPtr, pages: ColumnPages, conversion: Conversion) -> Self {
        Self {
            reader: get_column_reader(column, Box::new(pages)),
            conversion,
        }
    }

    /// The next `n_rows` values.
    pub(super) fn read(&mut self, n_rows: usize) -> Result<Column> {
        let conversion = self.conversion;
        match &mut self.reader {
            ColumnReader::BoolColumnReader(reader) => Ok(typed(reader, n_rows)?
                .into_column(|values| Values::I32(values.into_iter().map(i32::from).collect()))),
            ColumnReader::Int32ColumnReader(reader) => {
                Ok(typed(reader, n_rows)?.into_column(|values| from_i32(values, conversion)))
            }
            ColumnReader::Int64ColumnReader(reader) => {
                let mut column =
                    typed(reader, n_rows)?.into_column(|values| from_i64(values, conversion));
                if conversion == Conversion::Unsigned {
                    drop_negative(&mut column);
                }
                Ok(column)
            }
            ColumnReader::Int96ColumnReader(reader) => {
                Ok(typed(reader, n_rows)?.into_column(|values| {
                    Values::I64(values.iter().map(|time| int96_ns(time.data())).collect())
                }))
            }
            ColumnReader::FloatColumnReader(reader) => {
                Ok(typed(reader, n_rows)?.into_column(Values::F32))
            }
            ColumnReader::DoubleColumnReader(reader) => {
                Ok(typed(reader, n_rows)?.into_column(Values::F64))
            }
            ColumnReader::ByteArrayColumnReader(reader) => {
                Ok(typed(reader, n_rows)?.into_column(|values| {
                    texts(&values, |bytes| String::from_utf8_lossy(bytes).into_owned())
                }))
            }
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                let typed = typed(reader, n_rows)?;
                Ok(typed.into_column(|values| match conversion {
                    Conversion::Half => {
                        Values::F32(values.iter().map(|half| half_float(half.data())).collect())
                    }
                    _ => texts(&values, uuid_text),
                }))
            }
        }
    }
}

/// The values that are there, and the level of each row: the greatest is that of a value.
struct Typed<T> {
    values: Vec<T>,
    levels: Vec<i16>,
    n_rows: usize,
}

impl<T> Typed<T> {
    fn into_column(self, into_values: impl FnOnce(Vec<T>) -> Values) -> Column {
        let is_full = self.values.len() == self.n_rows;
        let mut values = into_values(self.values);
        if is_full {
            return Column {
                values,
                present: None,
            };
        }
        let present = match &mut values {
            Values::I32(values) => spread(values, &self.levels),
            Values::I64(values) => spread(values, &self.levels),
            Values::F32(values) => spread(values, &self.levels),
            Values::F64(values) => spread(values, &self.levels),
            Values::Text { index, .. } => spread(index, &self.levels),
        };
        Column {
            values,
            present: Some(present),
        }
    }
}

fn typed<T: DataType>(reader: &mut ColumnReaderImpl<T>, n_rows: usize) -> Result<Typed<T::T>> {
    let mut values = Vec::with_capacity(n_rows);
    let mut levels = Vec::new();
    let (n_read, ..) = reader.read_records(n_rows, Some(&mut levels), None, &mut values)?;
    if n_read != n_rows {
        return Err(ParquetError::General(format!(
            "it ends {} rows early",
            n_rows - n_read
        )));
    }
    if values.len() < n_rows && levels.len() != n_rows {
        return Err(ParquetError::General(
            "it has fewer values than rows".to_owned(),
        ));
    }
    Ok(Typed {
        values,
        levels,
        n_rows,
    })
}

/// Makes missing what is negative: an unsigned integer that is greater than any signed one.
fn drop_negative(column: &mut Column) {
    let Values::I64(values) = &column.values else {
        return;
    };
    if values.iter().all(|value| *value >= 0) {
        return;
    }
    let present = column
        .present
        .get_or_insert_with(|| vec![u64::MAX; values.len().div_ceil(64)]);
    for (values, word) in values.chunks(64).zip(present) {
        for (bit, value) in values.iter().enumerate() {
            *word &= !(u64::from(*value < 0) << bit);
        }
    }
}

/// Puts packed values into their rows; a row has a value where its level is the greatest. Answers the rows that have one.
fn spread<T: Default + Clone>(values: &mut Vec<T>, levels: &[i16]) -> Vec<u64> {
    // Some value is missing and each has a level, so the greatest level is that of a value, if there is any value.
    let full = if values.is_empty() {
        i16::MAX
    } else {
        levels.iter().copied().max().unwrap_or(i16::MAX)
    };
    let mut present = vec![0_u64; levels.len().div_ceil(64)];
    for (word, levels) in present.iter_mut().zip(levels.chunks(64)) {
        for (bit, level) in levels.iter().enumerate() {
            *word |= u64::from(*level == full) << bit;
        }
    }
    let mut from = values.len();
    values.resize(levels.len(), T::default());
    for (row, level) in levels.iter().enumerate().rev() {
        if *level == full {
            from = from.saturating_sub(1);
            values.swap(row, from);
        }
    }
    present
}

fn from_i32(values: Vec<i32>, conversion: Conversion) -> Values {
    match conversion {
        Conversion::Unsigned if values.iter().any(|value| *value < 0) => Values::I64(
            values
                .into_iter()
                .map(|value| i64::from(value.cast_unsigned()))
                .collect(),
        ),
        Conversion::Days => Values::I64(
            values
                .into_iter()
                .map(|days| i64::from(days) * 86_400)
                .collect(),
        ),
        Conversion::Decimal(scale) => from_i64(
            values.into_iter().map(i64::from).collect(),
            Conversion::Decimal(scale),
        ),
        _ => Values::I32(values),
    }
}

fn from_i64(values: Vec<i64>, conversion: Conversion) -> Values {
    match conversion {
        Conversion::Decimal(scale) => {
            let unit = 10_f64.powi(scale.min(400).cast_signed());
            Values::F64(
                values
                    .into_iter()
                    .map(|value| value as f64 / unit)
                    .collect(),
            )
        }
        _ => Values::I64(values),
    }
}

/// Nanoseconds of the day (two words) and the Julian day.
fn int96_ns(words: &[u32]) -> i64 {
    /// The Julian day of 1970-01-01.
    const EPOCH_DAY: i64 = 2_440_588;
    const DAY_NS: i64 = 86_400_000_000_000;
    let &[low, high, day] = words else { return 0 };
    let ns = (u64::from(high) << 32 | u64::from(low)).cast_signed();
    (i64::from(day) - EPOCH_DAY)
        .saturating_mul(DAY_NS)
        .saturating_add(ns)
}

fn half_float(bytes: &[u8]) -> f32 {
    let &[low, high] = bytes else { return f32::NAN };
    let bits = u16::from_le_bytes([low, high]);
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let fraction = f32::from(bits & 0x3ff);
    sign * match bits >> 10 & 31 {
        0 => fraction * 2_f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        exponent => (1024.0 + fraction) * 2_f32.powi(i32::from(exponent) - 25),
    }
}

fn uuid_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(digit.into(), 16));
        }
    }
    text
}

/// Distinct texts and their indexes. Neighbours are often equal.
fn texts<T: AsRef<[u8]>>(values: &[T], text_of: impl Fn(&[u8]) -> String) -> Values {
    let mut known: BTreeMap<&[u8], u32> = BTreeMap::new();
    let mut names = Vec::new();
    let mut index = Vec::with_capacity(values.len());
    let mut last: Option<(&[u8], u32)> = None;
    for value in values {
        let bytes = value.as_ref();
        let id = match last {
            Some((text, id)) if text == bytes => id,
            _ => *known.entry(bytes).or_insert_with(|| {
                names.push(text_of(bytes));
                u32::try_from(names.len() - 1).unwrap_or(u32::MAX)
            }),
        };
        last = Some((bytes, id));
        index.push(id);
    }
    Values::Text { index, names }
}

#[cfg(test)]
mod tests {
    use super::{half_float, int96_ns, spread};

    #[test]
    fn values_are_put_into_their_rows() {
        let mut values = vec![7, 8, 9];
        let present = spread(&mut values, &[0, 1, 1, 0, 1, 0]);
        assert_eq!(present, [0b01_0110]);
        assert_eq!(
            (values[1], values[2], values[4], values.len()),
            (7, 8, 9, 6)
        );
        let mut none: Vec<i32> = Vec::new();
        assert_eq!(spread(&mut none, &[0, 0]), [0]);
        assert_eq!(none.len(), 2);
    }

    #[test]
    fn rare_types_are_converted() {
        assert_eq!(half_float(&[0x00, 0x3c]), 1.0);
        assert_eq!(half_float(&[0x00, 0xc1]), -2.5);
        assert_eq!(half_float(&[0x01, 0x00]), 2_f32.powi(-24));
        assert!(half_float(&[0x00, 0x7e]).is_nan());
        assert_eq!(int96_ns(&[1, 0, 2_440_589]), 86_400_000_000_001);
    }
}

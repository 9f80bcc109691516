//! Numbers of a running program that are looked at again and again.

use crate::formats::recording::{WatchValue, WatchedNumber};
use crate::formats::sdk::definitions::{METRICS_SECTION, metrics};
use crate::model::build_id::BuildId;
use crate::symbols::debug_info::DebugInfo;
use crate::symbols::scalar::{Encoding, Scalar, scalar};
use crate::symbols::symbol_file::SymbolFile;
use std::sync::Arc;
use std::time::Duration;

/// So often a number may be looked at, times a second.
const RATES: std::ops::RangeInclusive<f64> = 0.1..=1000.0;
/// So often it is looked at where nobody says.
const RATE: f64 = 5.0;
/// Where the value and the flags of a metric stand in its state (assets/sdk/fieldscope.h, `struct fs_metric_state`).
const METRIC_VALUE_AT: u64 = 4;
const METRIC_FLAGS_AT: u64 = 12;
const METRIC_STATE_BYTES: usize = 13;
/// The flag of a metric that was set (assets/sdk/fieldscope.h, `FS_METRIC_SET_`).
const METRIC_IS_SET: u8 = 2;

/// What a number at an address can be: its name, how it is read, its bytes.
const TYPES: [(&str, Encoding, u8); 10] = [
    ("u8", Encoding::Unsigned, 1),
    ("u16", Encoding::Unsigned, 2),
    ("u32", Encoding::Unsigned, 4),
    ("u64", Encoding::Unsigned, 8),
    ("i8", Encoding::Signed, 1),
    ("i16", Encoding::Signed, 2),
    ("i32", Encoding::Signed, 4),
    ("i64", Encoding::Signed, 8),
    ("f32", Encoding::Float, 4),
    ("f64", Encoding::Float, 8),
];

/// One number of a program.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    /// Its name, unit and names of values.
    pub number: WatchedNumber,
    /// The time between two looks.
    pub every: Duration,
    asked: String,
    /// The build in which it was found.
    build: Option<BuildId>,
    address: u64,
    n_bytes: usize,
    bits: Option<(u32, u32)>,
    encoding: Encoding,
    /// True of a metric of the SDK: what is read is its state, which says whether it was set.
    is_metric: bool,
}

impl Watch {
    /// The number that `NAME` or `NAME@HZ` asks for: a metric that the firmware defines, a global variable with members and
    /// elements, or what lies at an address (`0x20001000`, `0x20001000:i16`). Says what is wrong otherwise.
    pub fn find(files: &[Arc<SymbolFile>], asked: &str) -> Result<Self, String> {
        let (name, rate) = match asked.rsplit_once('@') {
            Some((name, rate)) => {
                let rate = rate.trim_end_matches("Hz").trim_end_matches("hz").trim();
                let rate: f64 = rate.parse().map_err(|_no_number| {
                    format!("{asked}: {rate} is no number of times a second")
                })?;
                (name, rate)
            }
            None => (asked, RATE),
        };
        if !RATES.contains(&rate) {
            return Err(format!(
                "{asked}: a number is looked at {} to {} times a second",
                RATES.start(),
                RATES.end()
            ));
        }
        if let Some(at) = at_address(name)? {
            return Ok(Self {
                every: Duration::from_secs_f64(1.0 / rate),
                asked: asked.to_owned(),
                ..Self::of_scalar(name, at)
            });
        }
        if files.is_empty() {
            return Err(format!(
                "{name} cannot be found without the ELF file of the firmware; name it with --elf"
            ));
        }
        let every = Duration::from_secs_f64(1.0 / rate);
        let of = |file: &SymbolFile, watch: Self| Self {
            every,
            asked: asked.to_owned(),
            build: Some(file.build_id().clone()),
            ..watch
        };
        for file in files {
            if let Some(metric) = metric(file, name) {
                return Ok(of(file, metric));
            }
        }
        let mut why = String::new();
        for file in files {
            match scalar(&DebugInfo::new(file), name) {
                Ok(found) => return Ok(of(file, Self::of_scalar(name, found))),
                Err(error) => why = error.to_string(),
            }
        }
        Err(why)
    }

    fn of_scalar(name: &str, found: Scalar) -> Self {
        Self {
            number: WatchedNumber {
                name: name.to_owned(),
                unit: None,
                values: found
                    .names
                    .into_iter()
                    .map(|(name, value)| (value, name))
                    .collect(),
            },
            every: Duration::ZERO,
            asked: String::new(),
            build: None,
            address: found.address,
            n_bytes: usize::from(found.n_bytes),
            bits: found.bits,
            encoding: found.encoding,
            is_metric: false,
        }
    }

    /// As it was asked for: `NAME@HZ`.
    pub(super) fn asked(&self) -> &str {
        &self.asked
    }

    /// The build in which it was found.
    pub(super) fn build(&self) -> Option<&BuildId> {
        self.build.as_ref()
    }

    /// Its first address.
    pub fn address(&self) -> u64 {
        self.address
    }

    /// How many bytes are read of it.
    pub fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    /// Where the value alone is: what is written.
    pub(super) fn value_address(&self) -> u64 {
        if self.is_metric {
            self.address + METRIC_VALUE_AT
        } else {
            self.address
        }
    }

    /// How many bytes the value alone has.
    pub(super) fn value_bytes(&self) -> usize {
        if self.is_metric { 4 } else { self.n_bytes }
    }

    /// A value as the bytes that say it: a number, in decimal or as 0x.., or the name of a value. Says what is wrong otherwise.
    pub(super) fn bytes_of(&self, text: &str) -> Result<Vec<u8>, String> {
        let (name, text) = (&self.number.name, text.trim());
        if self.bits.is_some() {
            return Err(format!("{name} is a bit-field: these are not written"));
        }
        let n_bytes = self.value_bytes();
        let cut = |bytes: [u8; 8]| bytes.get(..n_bytes).map(<[u8]>::to_vec).unwrap_or_default();
        if self.encoding == Encoding::Float {
            let value: f64 = text
                .parse()
                .map_err(|_no_number| format!("{text} is no number"))?;
            return Ok(if n_bytes == 4 {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "a float of 32 bits is what is there"
                )]
                let single = value as f32;
                single.to_le_bytes().to_vec()
            } else {
                cut(value.to_le_bytes())
            });
        }
        let named = self.number.values.iter().find(|(_, known)| known == text);
        let value = match (named, text.strip_prefix("0x")) {
            (Some((value, _)), _) => Some(i128::from(*value)),
            (None, Some(digits)) => i128::from_str_radix(digits, 16).ok(),
            (None, None) => text.parse().ok(),
        };
        let value: i128 = value.ok_or_else(|| format!("{text} is no whole number"))?;
        let n_bits = 8 * u32::try_from(n_bytes).unwrap_or(8);
        let (least, greatest) = match self.encoding {
            Encoding::Signed => (-(1_i128 << (n_bits - 1)), (1_i128 << (n_bits - 1)) - 1),
            _ => (0, (1_i128 << n_bits) - 1),
        };
        if !(least..=greatest).contains(&value) {
            return Err(format!(
                "{text} does not fit into {name}, which holds {least} to {greatest}"
            ));
        }
        let low = u64::try_from(value & i128::from(u64::MAX)).unwrap_or_default();
        Ok(cut(low.to_le_bytes()))
    }

    /// What bytes of the value alone say.
    pub(super) fn words_of(&self, bytes: &[u8]) -> String {
        match number(bytes, self.bits, self.encoding) {
            Some(WatchValue::Integer(value)) => {
                let named = self.number.values.iter().find(|(known, _)| *known == value);
                named.map_or_else(|| value.to_string(), |(_, name)| name.clone())
            }
            Some(WatchValue::Float(value)) => value.to_string(),
            None => "no number".to_owned(),
        }
    }

    /// What the bytes say; `None` of a metric that was not set, and of too few bytes.
    pub fn value(&self, bytes: &[u8]) -> Option<WatchValue> {
        if bytes.len() != self.n_bytes {
            return None;
        }
        if !self.is_metric {
            return number(bytes, self.bits, self.encoding);
        }
        let at = |at: u64| usize::try_from(at).ok();
        let flags = bytes.get(at(METRIC_FLAGS_AT)?)?;
        let value = bytes.get(at(METRIC_VALUE_AT)?..at(METRIC_VALUE_AT)? + 4)?;
        let is_set = flags & METRIC_IS_SET != 0;
        is_set.then(|| number(value, None, self.encoding)).flatten()
    }
}

/// What lies at `0xADDRESS`, or `0xADDRESS:TYPE`; `None` where a name is asked for.
fn at_address(name: &str) -> Result<Option<Scalar>, String> {
    let Some(rest) = name.strip_prefix("0x") else {
        return Ok(None);
    };
    let (digits, type_name) = rest.split_once(':').unwrap_or((rest, "u32"));
    let address = u64::from_str_radix(digits, 16)
        .map_err(|_no_number| format!("{name}: {digits} is no address in hexadecimal"))?;
    let found = TYPES.iter().find(|(known, ..)| *known == type_name);
    let (_, encoding, n_bytes) = found.ok_or_else(|| {
        let known = TYPES.map(|(known, ..)| known).join(", ");
        format!("{name}: {type_name} is none of {known}")
    })?;
    Ok(Some(Scalar {
        address,
        n_bytes: *n_bytes,
        bits: None,
        encoding: *encoding,
        names: Vec::new(),
    }))
}

/// A metric of the SDK by its name, and where the firmware keeps it until the next heartbeat.
fn metric(file: &SymbolFile, name: &str) -> Option<Watch> {
    let (address, section) = file.section(METRICS_SECTION)?;
    let metric = metrics(address, section)
        .into_iter()
        .find(|metric| metric.definition.name == name)?;
    let encoding = match metric.sent_type.as_str() {
        "gauge_i32" => Encoding::Signed,
        "gauge_f32" => Encoding::Float,
        "string" => return None,
        _ => Encoding::Unsigned,
    };
    let state = file.symbol(&format!("fs_metric_state_{name}"))?;
    let names = (0..).zip(metric.definition.values);
    Some(Watch {
        number: WatchedNumber {
            name: name.to_owned(),
            unit: metric.definition.unit,
            values: names.collect(),
        },
        every: Duration::ZERO,
        asked: String::new(),
        build: None,
        address: state.address,
        n_bytes: METRIC_STATE_BYTES,
        bits: None,
        encoding,
        is_metric: true,
    })
}

fn number(bytes: &[u8], bits: Option<(u32, u32)>, encoding: Encoding) -> Option<WatchValue> {
    let mut word = [0; 8];
    word.get_mut(..bytes.len())?.copy_from_slice(bytes);
    let mut value = u64::from_le_bytes(word);
    let mut n_bits = u32::try_from(bytes.len() * 8).ok()?;
    if let Some((first, n)) = bits {
        value >>= first;
        n_bits = n;
    }
    let unused = 64_u32.checked_sub(n_bits).filter(|unused| *unused < 64)?;
    let unsigned = value << unused >> unused;
    Some(match encoding {
        Encoding::Signed => WatchValue::Integer((value << unused).cast_signed() >> unused),
        Encoding::Unsigned => WatchValue::Integer(i64::try_from(unsigned).ok()?),
        Encoding::Float if n_bits == 32 => {
            WatchValue::Float(f32::from_bits(u32::try_from(unsigned).ok()?).into())
        }
        Encoding::Float => WatchValue::Float(f64::from_bits(unsigned)),
    })
}

#[cfg(test)]
mod tests {
    use super::{Encoding, Watch, WatchValue, number};

    #[test]
    fn an_address_is_a_number_of_the_type_that_is_said() {
        let found = |asked| {
            Watch::find(&[], asked).map(|watch| (watch.address(), watch.n_bytes(), watch.encoding))
        };
        assert_eq!(
            found("0x20001000"),
            Ok((0x2000_1000, 4, Encoding::Unsigned))
        );
        assert_eq!(found("0x2000:i16@10"), Ok((0x2000, 2, Encoding::Signed)));
        assert_eq!(found("0x2000:f64"), Ok((0x2000, 8, Encoding::Float)));
        let why = found("0x2000:int").unwrap_err();
        assert!(why.contains("int is none of u8, u16"), "{why}");
        let why = found("0xcafebabes").unwrap_err();
        assert!(why.contains("no address in hexadecimal"), "{why}");
        assert!(found("rssi").unwrap_err().contains("without the ELF"));
    }

    #[test]
    fn bits_are_read_as_their_type_says() {
        let integer = |bytes: &[u8], bits, encoding| match number(bytes, bits, encoding) {
            Some(WatchValue::Integer(value)) => Some(value),
            _ => None,
        };
        assert_eq!(integer(&[0xff, 0xff], None, Encoding::Signed), Some(-1));
        assert_eq!(
            integer(&[0xff, 0xff], None, Encoding::Unsigned),
            Some(0xffff)
        );
        assert_eq!(
            integer(&[0b0101_1000], Some((3, 3)), Encoding::Unsigned),
            Some(3)
        );
        assert_eq!(
            integer(&[0b0011_0000], Some((3, 3)), Encoding::Signed),
            Some(-2)
        );
        assert_eq!(integer(&[0xff; 8], None, Encoding::Signed), Some(-1));
        // It does not fit: missing is better than wrong.
        assert_eq!(integer(&[0xff; 8], None, Encoding::Unsigned), None);
        let float = number(&1.5_f32.to_le_bytes(), None, Encoding::Float);
        assert_eq!(float, Some(WatchValue::Float(1.5)));
        let float = number(&(-0.25_f64).to_le_bytes(), None, Encoding::Float);
        assert_eq!(float, Some(WatchValue::Float(-0.25)));
    }
}

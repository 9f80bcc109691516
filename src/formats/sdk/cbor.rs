//! CBOR (RFC 8949), item by item, from bytes that may end anywhere.
//!
//! A pull reader of our own, as the one for `MessagePack`: what was read before the input ends or breaks stays read, which a
//! coredump with a hole needs, and nothing is allocated by a length that the input claims.

use crate::formats::bytes::Bytes;
use std::borrow::Cow;

/// One item. Of arrays and maps only the head: their items follow. A length is `None` when it is not said: items follow up to
/// a [`Item::Break`].
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item<'a> {
    /// A whole number from -2^64 to 2^64 - 1.
    Integer(i128),
    Float(f64),
    /// Bytes, and where they begin in the input; of a string in pieces, where the first does.
    Bytes(Cow<'a, [u8]>, usize),
    /// What is not UTF-8 is replaced.
    Text(String),
    Array(Option<u64>),
    /// So many pairs follow.
    Map(Option<u64>),
    Null,
    /// true, false, undefined and other simple values: nothing that is used here.
    Simple,
    Break,
}

/// Containers in containers; deeper ones are refused, so that no walk is without an end.
const DEEPEST: usize = 16;

const BYTES: u8 = 2;
const TEXT: u8 = 3;
const INDEFINITE: u8 = 31;

/// A position in the input.
#[derive(Clone)]
pub(super) struct Cbor<'a> {
    at: Bytes<'a>,
}

impl<'a> Cbor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            at: Bytes::new(bytes),
        }
    }

    /// Offset of the next item.
    pub(super) fn offset(&self) -> usize {
        self.at.offset()
    }

    /// A byte string that the input ends in: what there is of it, and where it begins.
    pub(super) fn cut_string(mut self) -> Option<(&'a [u8], usize)> {
        let head = self.at.u8().filter(|head| head >> 5 == BYTES)?;
        let len = self.argument(head & 31)?;
        let start = self.at.offset();
        let rest = self.at.take_up_to(self.at.remaining());
        let is_cut = u64::try_from(rest.len()).is_ok_and(|n_left| n_left < len);
        is_cut.then_some((rest, start))
    }

    /// Goes to the end of the input.
    pub(super) fn end(&mut self) {
        _ = self.at.take(self.at.remaining());
    }

    /// The next item, without its tags; `None` at the end, in the middle of an item, and where the input is not CBOR.
    pub(super) fn next(&mut self) -> Option<Item<'a>> {
        // Ends: a tag takes a byte at least.
        loop {
            let head = self.at.u8()?;
            let (major, info) = (head >> 5, head & 31);
            return Some(match major {
                0 => Item::Integer(self.argument(info)?.into()),
                1 => Item::Integer(
                    i128::from(self.argument(info)?)
                        .checked_neg()?
                        .checked_sub(1)?,
                ),
                BYTES => {
                    let (bytes, start) = self.string(BYTES, info)?;
                    Item::Bytes(bytes, start)
                }
                TEXT => {
                    let (bytes, _) = self.string(TEXT, info)?;
                    Item::Text(String::from_utf8_lossy(&bytes).into_owned())
                }
                4 => self.counted(info, Item::Array)?,
                5 => self.counted(info, Item::Map)?,
                6 => {
                    _ = self.argument(info)?;
                    continue;
                }
                _ => self.simple(info)?,
            });
        }
    }

    /// Steps over the next item and all that is in it.
    pub(super) fn skip(&mut self) -> Option<()> {
        // Items that are left in each open container; `None`: up to a break.
        let mut open: Vec<Option<u64>> = Vec::new();
        loop {
            let n_items = match self.next()? {
                Item::Array(n) => Some(n),
                Item::Map(None) => Some(None),
                Item::Map(Some(n)) => Some(Some(n.checked_mul(2)?)),
                Item::Break => {
                    // Only what has no length ends in this way.
                    let None = open.pop()? else { return None };
                    None
                }
                _ => None,
            };
            if let Some(n_items) = n_items.filter(|n| *n != Some(0)) {
                if open.len() >= DEEPEST {
                    return None;
                }
                open.push(n_items);
                continue;
            }
            // An item is complete, and with it the containers whose last it was.
            loop {
                match open.last_mut() {
                    None => return Some(()),
                    Some(None) => break,
                    Some(Some(n)) => {
                        *n = n.saturating_sub(1);
                        if *n > 0 {
                            break;
                        }
                        _ = open.pop();
                    }
                }
            }
        }
    }

    /// The number in or after a head.
    fn argument(&mut self, info: u8) -> Option<u64> {
        match info {
            0..=23 => Some(info.into()),
            24 => self.at.u8().map(u64::from),
            25 => self.number(2),
            26 => self.number(4),
            27 => self.number(8),
            _ => None,
        }
    }

    /// A big-endian number of `len` bytes.
    fn number(&mut self, len: usize) -> Option<u64> {
        let bytes = self.at.take(len)?;
        Some(bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte)))
    }

    /// The head of an array or a map.
    fn counted(&mut self, info: u8, head: fn(Option<u64>) -> Item<'a>) -> Option<Item<'a>> {
        if info == INDEFINITE {
            return Some(head(None));
        }
        self.argument(info).map(|n_items| head(Some(n_items)))
    }

    /// A string of bytes or text, whole or in pieces.
    fn string(&mut self, major: u8, info: u8) -> Option<(Cow<'a, [u8]>, usize)> {
        if info != INDEFINITE {
            let len = usize::try_from(self.argument(info)?).ok()?;
            let start = self.at.offset();
            return Some((Cow::Borrowed(self.at.take(len)?), start));
        }
        let mut all = Vec::new();
        let mut start = None;
        loop {
            let head = self.at.u8()?;
            if head == 0xFF {
                return Some((Cow::Owned(all), start.unwrap_or_else(|| self.at.offset())));
            }
            if head >> 5 != major || head & 31 == INDEFINITE {
                return None;
            }
            let len = usize::try_from(self.argument(head & 31)?).ok()?;
            start.get_or_insert(self.at.offset());
            all.extend(self.at.take(len)?);
        }
    }

    fn simple(&mut self, info: u8) -> Option<Item<'a>> {
        Some(match info {
            22 => Item::Null,
            24 => {
                _ = self.at.u8()?;
                Item::Simple
            }
            25 => Item::Float(half(u16::try_from(self.number(2)?).ok()?)),
            26 => Item::Float(f32::from_bits(u32::try_from(self.number(4)?).ok()?).into()),
            27 => Item::Float(f64::from_bits(self.number(8)?)),
            0..=23 => Item::Simple,
            31 => Item::Break,
            _ => return None,
        })
    }
}

/// A float of 16 bits (IEEE 754 binary16), exactly.
fn half(bits: u16) -> f64 {
    let exponent = i32::from(bits >> 10 & 31);
    let mantissa = f64::from(bits & 0x3FF);
    let size = match exponent {
        0 => mantissa * 2_f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (mantissa + 1024.0) * 2_f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::{Cbor, Item};
    use std::borrow::Cow;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(hex.get(at..at + 2).unwrap(), 16).unwrap())
            .collect()
    }

    #[track_caller]
    fn check(hex: &str, expected: &Item<'_>) {
        let bytes = bytes(hex);
        let mut reader = Cbor::new(&bytes);
        assert_eq!(reader.next().as_ref(), Some(expected), "{hex}");
        assert_eq!(reader.offset(), bytes.len(), "{hex}");
        for end in 0..bytes.len() {
            assert_eq!(Cbor::new(&bytes[..end]).next(), None, "{hex} cut at {end}");
        }
    }

    #[test]
    fn items_are_those_of_the_standard() {
        // RFC 8949, appendix A.
        for (hex, value) in [
            ("00", 0),
            ("17", 23),
            ("1818", 24),
            ("1903e8", 1000),
            ("1a000f4240", 1_000_000),
            ("1bffffffffffffffff", 18_446_744_073_709_551_615),
            ("3bffffffffffffffff", -18_446_744_073_709_551_616),
            ("20", -1),
            ("3863", -100),
            ("3903e7", -1000),
            ("c11a514b67b0", 1_363_896_240),
        ] {
            check(hex, &Item::Integer(value));
        }
        for (hex, value) in [
            ("f90000", 0.0),
            ("f98000", -0.0),
            ("f93c00", 1.0),
            ("f93e00", 1.5),
            ("f97bff", 65504.0),
            ("f90001", 5.960_464_477_539_063e-8),
            ("f90400", 0.000_061_035_156_25),
            ("f9c400", -4.0),
            ("f97c00", f64::INFINITY),
            ("f9fc00", f64::NEG_INFINITY),
            ("fb3ff199999999999a", 1.1),
            ("fa47c35000", 100_000.0),
            ("fbc010666666666666", -4.1),
        ] {
            check(hex, &Item::Float(value));
        }
        assert!(matches!(Cbor::new(&bytes("f97e00")).next(), Some(Item::Float(f)) if f.is_nan()));
        check("f6", &Item::Null);
        check("f5", &Item::Simple);
        check("f8ff", &Item::Simple);
        check("6449455446", &Item::Text("IETF".into()));
        check("62c3bc", &Item::Text("ü".into()));
        check("61ff", &Item::Text("\u{FFFD}".into()));
        check(
            "7f657374726561646d696e67ff",
            &Item::Text("streaming".into()),
        );
        check("4401020304", &Item::Bytes(Cow::Borrowed(&[1, 2, 3, 4]), 1));
        check(
            "5f42010243030405ff",
            &Item::Bytes(Cow::Borrowed(&[1, 2, 3, 4, 5]), 2),
        );
        check("83", &Item::Array(Some(3)));
        check("9f", &Item::Array(None));
        check("b90100", &Item::Map(Some(256)));
        check("bf", &Item::Map(None));
        check("ff", &Item::Break);
        for wrong in ["1c", "fc", "5f00", "5f5f", "7f4101"] {
            assert_eq!(Cbor::new(&bytes(wrong)).next(), None, "{wrong}");
        }
    }

    #[test]
    fn skipping_goes_over_whatever_is_nested() {
        for hex in [
            "01",
            "820183020304",
            "9f01820203ff",
            "bf61610161629f0203ffff",
            "a2016161820102f6",
            "80",
            "a0",
            "9fff",
            "8180",
            "c2c1c0f6",
        ] {
            let mut input = bytes(hex);
            input.push(0x07);
            let mut reader = Cbor::new(&input);
            assert_eq!(reader.skip(), Some(()), "{hex}");
            assert_eq!(reader.next(), Some(Item::Integer(7)), "{hex}");
            for end in 0..input.len() - 1 {
                assert_eq!(Cbor::new(&input[..end]).skip(), None, "{hex} cut at {end}");
            }
        }
        assert_eq!(
            Cbor::new(&bytes("82ff01")).skip(),
            None,
            "a break in a counted array"
        );
        // Heads that promise endless items cost as much as they take.
        assert_eq!(
            Cbor::new(&bytes("9bffffffffffffffff").repeat(1000)).skip(),
            None
        );
        assert_eq!(Cbor::new(&vec![0x9F; 100_000]).skip(), None);
    }
}

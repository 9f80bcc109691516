//! `MessagePack`, item by item, from bytes that may end anywhere (specification: github.com/msgpack/msgpack, `spec.md`).
//!
//! A pull reader: what was read before the input ends or breaks stays read, and nothing is allocated by a length that
//! the input claims.

use super::bytes::Bytes;

/// One item. Of arrays and maps only the head: their items follow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Item<'a> {
    /// nil, a float or an extension: nothing that is used here.
    Other,
    Bool(bool),
    /// A whole number; negative ones are `None`.
    Number(Option<u64>),
    /// A string (not checked to be UTF-8) or binary data.
    Bytes(&'a [u8]),
    /// So many items follow.
    Array(u32),
    /// So many pairs follow.
    Map(u32),
}

/// A position in the input.
#[derive(Clone)]
pub(super) struct MessagePack<'a> {
    at: Bytes<'a>,
}

impl<'a> MessagePack<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            at: Bytes::new(bytes),
        }
    }

    /// Offset of the next item.
    pub(super) fn offset(&self) -> usize {
        self.at.offset()
    }

    /// The next item; `None` at the end, in the middle of an item, and for the one byte that has no meaning.
    pub(super) fn next(&mut self) -> Option<Item<'a>> {
        let head = self.at.u8()?;
        Some(match head {
            0x00..=0x7F => Item::Number(Some(head.into())),
            0x80..=0x8F => Item::Map(u32::from(head & 0xF)),
            0x90..=0x9F => Item::Array(u32::from(head & 0xF)),
            0xA0..=0xBF => Item::Bytes(self.at.take(usize::from(head & 0x1F))?),
            0xC0 => Item::Other,
            0xC1 => return None,
            0xC2 | 0xC3 => Item::Bool(head == 0xC3),
            0xC4..=0xC6 => self.bytes(1 << (head - 0xC4), 0)?,
            0xC7..=0xC9 => self.bytes(1 << (head - 0xC7), 1).map(|_| Item::Other)?,
            0xCA | 0xCB => self.at.take(4 << (head - 0xCA)).map(|_| Item::Other)?,
            0xCC..=0xCF => Item::Number(Some(self.number(1 << (head - 0xCC))?)),
            0xD0..=0xD3 => {
                let len = 1 << (head - 0xD0);
                let value = self.number(len)?;
                let sign = 1_u64.checked_shl(u32::try_from(len * 8 - 1).ok()?)?;
                Item::Number((value & sign == 0).then_some(value))
            }
            0xD4..=0xD8 => self
                .at
                .take(1 + (1 << (head - 0xD4)))
                .map(|_| Item::Other)?,
            0xD9..=0xDB => self.bytes(1 << (head - 0xD9), 0)?,
            0xDC | 0xDD => Item::Array(u32::try_from(self.number(2 << (head - 0xDC))?).ok()?),
            0xDE | 0xDF => Item::Map(u32::try_from(self.number(2 << (head - 0xDE))?).ok()?),
            0xE0..=0xFF => Item::Number(None),
        })
    }

    /// Steps over the next item and all that is in it.
    pub(super) fn skip(&mut self) -> Option<()> {
        let mut n_left: u64 = 1;
        // Ends: each item takes a byte at least.
        while n_left > 0 {
            n_left -= 1;
            n_left = n_left.saturating_add(match self.next()? {
                Item::Array(n) => n.into(),
                Item::Map(n) => u64::from(n).saturating_mul(2),
                Item::Other | Item::Bool(_) | Item::Number(_) | Item::Bytes(_) => 0,
            });
        }
        Some(())
    }

    /// A big-endian number of `len` bytes.
    fn number(&mut self, len: usize) -> Option<u64> {
        let bytes = self.at.take(len)?;
        Some(bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte)))
    }

    /// A length of `len_bytes`, `extra` bytes and the data.
    fn bytes(&mut self, len_bytes: usize, extra: usize) -> Option<Item<'a>> {
        let len = usize::try_from(self.number(len_bytes)?).ok()?;
        _ = self.at.take(extra)?;
        self.at.take(len).map(Item::Bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::{Item, MessagePack};

    #[track_caller]
    fn check(bytes: &[u8], expected: Item<'_>) {
        let mut reader = MessagePack::new(bytes);
        assert_eq!(reader.next(), Some(expected), "{bytes:02x?}");
        assert_eq!(reader.offset(), bytes.len(), "{bytes:02x?}");
        for end in 0..bytes.len() {
            assert_eq!(MessagePack::new(&bytes[..end]).next(), None, "{bytes:02x?}");
        }
    }

    #[test]
    fn every_kind_of_item_is_read_whole_or_not_at_all() {
        check(&[0x7F], Item::Number(Some(127)));
        check(&[0xCC, 200], Item::Number(Some(200)));
        check(&[0xCD, 1, 2], Item::Number(Some(0x102)));
        check(&[0xCE, 1, 2, 3, 4], Item::Number(Some(0x0102_0304)));
        check(
            &[0xCF, 1, 2, 3, 4, 5, 6, 7, 8],
            Item::Number(Some(0x0102_0304_0506_0708)),
        );
        check(&[0xD0, 5], Item::Number(Some(5)));
        check(&[0xD1, 0xFF, 0xFE], Item::Number(None));
        check(&[0xFF], Item::Number(None));
        check(&[0xC0], Item::Other);
        check(&[0xC3], Item::Bool(true));
        check(&[0xCA, 0, 0, 0, 0], Item::Other);
        check(&[0xCB, 0, 0, 0, 0, 0, 0, 0, 0], Item::Other);
        check(&[0xA3, b'U', b'3', b'2'], Item::Bytes(b"U32"));
        check(&[0xD9, 2, b'a', b'b'], Item::Bytes(b"ab"));
        check(&[0xDA, 0, 2, b'a', b'b'], Item::Bytes(b"ab"));
        check(&[0xDB, 0, 0, 0, 1, b'a'], Item::Bytes(b"a"));
        check(&[0xC4, 2, 1, 2], Item::Bytes(&[1, 2]));
        check(&[0xC5, 0, 2, 1, 2], Item::Bytes(&[1, 2]));
        check(&[0xC6, 0, 0, 0, 1, 9], Item::Bytes(&[9]));
        check(&[0xC7, 1, 5, 9], Item::Other);
        check(&[0xD4, 5, 9], Item::Other);
        check(&[0xD5, 5, 9, 9], Item::Other);
        check(&[0x93], Item::Array(3));
        check(&[0xDC, 1, 0], Item::Array(256));
        check(&[0xDD, 0, 1, 0, 0], Item::Array(65536));
        check(&[0x82], Item::Map(2));
        check(&[0xDE, 1, 0], Item::Map(256));
        check(&[0xDF, 0, 0, 0, 7], Item::Map(7));
        assert_eq!(MessagePack::new(&[0xC1]).next(), None);
    }

    #[test]
    fn skipping_goes_over_nested_items_and_ends_at_the_end() {
        let bytes = [0x92, 0x81, 0xA1, b'x', 0x93, 1, 2, 3, 0xC0, 0x07];
        let mut reader = MessagePack::new(&bytes);
        assert_eq!(reader.skip(), Some(()));
        assert_eq!(reader.next(), Some(Item::Number(Some(7))));
        // Heads that promise four thousand million items cost as much as they take.
        let endless = [0xDD, 0xFF, 0xFF, 0xFF, 0xFF].repeat(1000);
        assert_eq!(MessagePack::new(&endless).skip(), None);
    }
}

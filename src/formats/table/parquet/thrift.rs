//! The compact protocol of Thrift, as far as footers and page headers of Parquet need it: structures are walked, nothing is
//! allocated. Layout: apache/thrift, doc/specs/thrift-compact-protocol.md.

/// Structures in structures; Parquet's own are 6 deep.
const DEEPEST: u8 = 16;

/// Types of a field.
const STOP: u8 = 0;
pub(super) const TRUE: u8 = 1;
pub(super) const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
pub(super) const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
pub(super) const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
pub(super) const STRUCT: u8 = 12;

/// Reads a structure from its first byte on. `None` anywhere: the bytes end or are no such thing.
pub(super) struct Compact<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Compact<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes were read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Calls `on_field` with the id and the type of each field of a structure; it reads the value and says true, or leaves it
    /// and says false.
    pub(super) fn structure(
        &mut self,
        mut on_field: impl FnMut(&mut Self, i64, u8) -> Option<bool>,
    ) -> Option<()> {
        let mut last = 0;
        loop {
            let (id, kind) = self.field(last)?;
            if kind == STOP {
                return Some(());
            }
            last = id;
            if !on_field(self, id, kind)? {
                self.skip(kind, DEEPEST)?;
            }
        }
    }

    /// Type of the elements and how many there are; never more than bytes are left, for each has at least one.
    pub(super) fn list(&mut self) -> Option<(u8, usize)> {
        let head = self.byte()?;
        let n = match head >> 4 {
            15 => usize::try_from(self.varint()?).ok()?,
            n => usize::from(n),
        };
        (n <= self.bytes.len().saturating_sub(self.at)).then_some((head & 15, n))
    }

    /// An integer of any width.
    pub(super) fn integer(&mut self) -> Option<i64> {
        let raw = self.varint()?;
        Some((raw >> 1).cast_signed() ^ -((raw & 1).cast_signed()))
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at).copied()?;
        self.at += 1;
        Some(byte)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// Id and type of the next field; the type is 0 at the end of the structure.
    fn field(&mut self, last: i64) -> Option<(i64, u8)> {
        let head = self.byte()?;
        if head == STOP {
            return Some((last, STOP));
        }
        let id = match head >> 4 {
            0 => self.integer()?,
            delta => last.checked_add(i64::from(delta))?,
        };
        // A type of 0 in a head that is not 0 is no field.
        Some((id, head & 15)).filter(|(_, kind)| *kind != STOP)
    }

    fn skip(&mut self, kind: u8, depth: u8) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match kind {
            TRUE | FALSE => {}
            BYTE => _ = self.byte()?,
            I16 | I32 | I64 => _ = self.varint()?,
            DOUBLE => self.advance(8)?,
            BINARY => {
                let len = usize::try_from(self.varint()?).ok()?;
                self.advance(len)?;
            }
            LIST | SET => {
                let (kind, n) = self.list()?;
                (0..n).try_for_each(|_| self.skip_element(kind, depth))?;
            }
            MAP => self.skip_map(depth)?,
            STRUCT => {
                let mut last = 0;
                loop {
                    let (id, kind) = self.field(last)?;
                    if kind == STOP {
                        break;
                    }
                    last = id;
                    self.skip(kind, depth)?;
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn skip_map(&mut self, depth: u8) -> Option<()> {
        let n = self.varint()?;
        if n == 0 {
            return Some(());
        }
        let kinds = self.byte()?;
        for _ in 0..n {
            self.skip_element(kinds >> 4, depth)?;
            self.skip_element(kinds & 15, depth)?;
        }
        Some(())
    }

    /// A truth value is a byte of its own in a list, and no byte in a field.
    fn skip_element(&mut self, kind: u8, depth: u8) -> Option<()> {
        match kind {
            TRUE | FALSE => self.advance(1),
            _ => self.skip(kind, depth),
        }
    }

    fn advance(&mut self, n: usize) -> Option<()> {
        let end = self.at.checked_add(n)?;
        self.bytes.get(self.at..end)?;
        self.at = end;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Compact, I32};

    #[test]
    fn fields_are_read_or_skipped() {
        // {1: i32 7, 2: binary "ab", 5: list<i32> [1, -1], 6: true}
        let bytes = [
            0x15, 14, 0x18, 2, b'a', b'b', 0x39, 0x25, 2, 1, 0x11, 0, 9, 9,
        ];
        let mut reader = Compact::new(&bytes);
        let mut seen = Vec::new();
        reader
            .structure(|reader, id, kind| {
                seen.push((id, kind));
                if kind == I32 {
                    assert_eq!(reader.integer(), Some(7));
                }
                Some(kind == I32)
            })
            .unwrap();
        assert_eq!(seen, [(1, 5), (2, 8), (5, 9), (6, 1)]);
        assert_eq!(reader.position(), 12);
    }

    #[test]
    fn what_is_cut_off_or_too_deep_is_none() {
        assert!(
            Compact::new(&[0x15])
                .structure(|_, _, _| Some(false))
                .is_none()
        );
        assert!(
            Compact::new(&[0x18, 200, 1])
                .structure(|_, _, _| Some(false))
                .is_none()
        );
        let deep = [0x1c; 100];
        assert!(
            Compact::new(&deep)
                .structure(|_, _, _| Some(false))
                .is_none()
        );
        assert!(Compact::new(&[0xf5, 0xff, 0xff, 0x7f]).list().is_none());
    }
}

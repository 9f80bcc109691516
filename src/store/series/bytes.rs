//! Numbers of varying length in the blobs of this folder, and reading them from blobs that may be damaged.

/// A blob that was not written by this program, or not as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Malformed(pub(super) &'static str);

const CUT_OFF: Malformed = Malformed("it ends too early");
const TOO_LARGE: Malformed = Malformed("a number is too large");

/// Appends a number, seven bits a byte, the lowest first.
pub(super) fn put_varint(out: &mut Vec<u8>, number: u64) {
    put_varint_128(out, u128::from(number));
}

/// Appends a number of either sign: small ones are short.
pub(super) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_signed_128(out, i128::from(number));
}

/// Appends a wide number of either sign.
pub(super) fn put_signed_128(out: &mut Vec<u8>, number: i128) {
    put_varint_128(out, (number << 1 ^ number >> 127).cast_unsigned());
}

fn put_varint_128(out: &mut Vec<u8>, mut number: u128) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Reads a blob from its start.
pub(super) struct ByteReader<'b> {
    rest: &'b [u8],
}

impl<'b> ByteReader<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What was not read yet.
    pub(super) fn rest(&self) -> &'b [u8] {
        self.rest
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn byte(&mut self) -> Result<u8, Malformed> {
        let (first, rest) = self.rest.split_first().ok_or(CUT_OFF)?;
        self.rest = rest;
        Ok(*first)
    }

    pub(super) fn take(&mut self, n_bytes: usize) -> Result<&'b [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(n_bytes).ok_or(CUT_OFF)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(CUT_OFF)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(super) fn varint(&mut self) -> Result<u64, Malformed> {
        let mut number: u64 = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(TOO_LARGE)
    }

    /// A length, held against what it can be at most.
    pub(super) fn length(&mut self, at_most: usize) -> Result<usize, Malformed> {
        usize::try_from(self.varint()?)
            .ok()
            .filter(|length| *length <= at_most)
            .ok_or(Malformed("a length is too large"))
    }

    pub(super) fn signed(&mut self) -> Result<i64, Malformed> {
        let folded = self.varint()?;
        Ok((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed())
    }

    pub(super) fn signed_128(&mut self) -> Result<i128, Malformed> {
        let folded = self.varint_128()?;
        Ok((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed())
    }

    fn varint_128(&mut self) -> Result<u128, Malformed> {
        let mut number: u128 = 0;
        for shift in (0..u128::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u128::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(TOO_LARGE)
    }
}

#[cfg(test)]
mod tests {
    use super::{ByteReader, put_signed, put_signed_128, put_varint};

    #[test]
    fn numbers_come_back_and_cut_ones_are_errors() {
        let wide = [0, -1, 1, i128::MIN, i128::MAX, i128::from(i64::MIN)];
        let mut out = Vec::new();
        for number in [0, 127, 128, u64::MAX] {
            put_varint(&mut out, number);
        }
        for number in [0, -1, i64::MIN, i64::MAX] {
            put_signed(&mut out, number);
        }
        for number in &wide {
            put_signed_128(&mut out, *number);
        }
        let read = |bytes: &[u8]| {
            let mut reader = ByteReader::new(bytes);
            let unsigned = (0..4)
                .map(|_| reader.varint())
                .collect::<Result<Vec<_>, _>>()?;
            let signed = (0..4)
                .map(|_| reader.signed())
                .collect::<Result<Vec<_>, _>>()?;
            let wide = (0..6)
                .map(|_| reader.signed_128())
                .collect::<Result<Vec<_>, _>>()?;
            Ok::<_, super::Malformed>((unsigned, signed, wide))
        };
        let (unsigned, signed, again) = read(&out).unwrap();
        assert_eq!(unsigned, [0, 127, 128, u64::MAX]);
        assert_eq!(signed, [0, -1, i64::MIN, i64::MAX]);
        assert_eq!(again, wide);
        for end in 0..out.len() {
            assert!(read(&out[..end]).is_err(), "cut at {end}");
        }
        assert!(ByteReader::new(&[0xff; 30]).varint().is_err());
    }
}
